"""The report shows every row, filters, plays, and runs nothing that a name or an error smuggles in."""

import os
import re
import shutil
import subprocess

import pytest

from face_emote.batch.log import LogEntry
from face_emote.batch.report import duration, report_page
from face_emote.batch.state import RowState
from face_emote.cli.batch_view import LiveView

EVIL = '<script>document.title="hacked"</script>"\'&'


def row(name="line", status="done", error="", about=None, **more):
    return RowState(
        name=name, place=f"row 1 ({name})", status=status, error=error, attempts=0,
        about={"emotion": "calm anger", "character": "maya", "outputs": f"{name}.mp4 {name}.glb", "marked": "yes"}
        | (about or {}),
        timing={"perform": 0.5, "draw": 3.0, "frames": 90.0, "drawn": 90.0},
        story={"secs": 3.0, "curves": {"joy": [0.0, 0.5, 1.0], "anger": [1.0, 0.2, 0.0]}},
        thumbnail=b"\xff\xd8\xff", **more,
    )  # fmt: skip


def test_a_row_shows_its_face_feelings_files_and_times():
    page = report_page([row()])
    assert 'data-film="./line.mp4"' in page and 'href="./line.glb"' in page
    assert page.count("<polyline") == 2 and "data:image/jpeg;base64," in page
    assert "90 frames: performed 0.5 s, drawn 3.0 s" in page and "<b>1</b> of <b>1</b> rows done" in page


def test_failures_are_told_and_unmarked_rows_named():
    page = report_page([row(), row("bad", "failed", "the file is damaged", about={"marked": "no"})])
    assert "the file is damaged" in page and "<b>1</b> failed" in page
    assert "1 of 2 rows were made without the signed mark (--no-provenance): bad" in page


def test_what_a_person_should_know_of_a_recording_stands_on_its_row():
    silent = row("silent")
    silent.story["remarks"] = ["No speech was found in the recording <it is silent>"]
    page = report_page([row(), silent])
    assert page.count("No speech was found in the recording &lt;it is silent&gt;") == 1


def test_nothing_comes_from_elsewhere():
    page = report_page([row()])
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page) and "@import" not in page and "fetch(" not in page


def test_markup_in_texts_stays_text():
    page = report_page(
        [row(EVIL, "failed", EVIL, about={"emotion": EVIL, "outputs": f"{EVIL}.mp4", "character": EVIL})]
    )
    assert "<script>document" not in page and "&lt;script&gt;" in page


def test_durations_read_well():
    assert [duration(secs) for secs in (0.4, 8.0, 65.0, 11525.0)] == ["0 s", "8 s", "1 min 5 s", "3 h 12 min"]


def chromium() -> str | None:
    return (
        os.environ.get("CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )


@pytest.mark.skipif(chromium() is None, reason="needs Chromium (apt install chromium)")
def test_a_browser_runs_it_filters_and_finds_nothing_to_complain_about(tmp_path):
    rows = [row(), row("other", about={"emotion": "joy"}), row("bad", "failed", EVIL)]
    page = report_page(rows).replace(
        "</body>",
        "<script>const told = [];"
        "const shown = () => cards.filter(card => !card.hidden).length;"
        "told.push(shown());"
        "words.value = 'ANGER maya'; words.dispatchEvent(new Event('input')); told.push(shown());"
        "state.value = 'failed'; state.dispatchEvent(new Event('change')); told.push(shown());"
        "words.value = 'nobody'; words.dispatchEvent(new Event('input')); told.push(shown(), !nothing.hidden);"
        "words.value = state.value = ''; filter();"
        "document.querySelector('button.face').click(); told.push(document.querySelectorAll('video').length);"
        "document.querySelector('button.face').click(); told.push(document.querySelectorAll('video').length);"
        "document.body.dataset.told = told.join(' ') + ' ' + document.title;</script></body>",
    )
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    words = [
        str(chromium()), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000",
        f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    found = re.search(r'data-told="([^"]*)"', done.stdout)
    assert found and found[1] == "3 2 1 0 true 1 0 face_emote batch", done.stderr[-500:]


def test_the_template_is_part_of_the_package():
    from face_emote.batch.report import TEMPLATE
    from face_emote.core.assets import ASSETS

    assert TEMPLATE.is_file() and TEMPLATE.is_relative_to(ASSETS)


def test_what_auto_read_stands_on_its_card():
    short, long = row("short"), row("long")
    short.story["read"] = "0.00s joy:0.4; 2.00s sadness:0.2"
    long.story["read"] = "; ".join(f"{i}.00s joy:0.4" for i in range(100))
    page = report_page([short, long])
    assert "read: 0.00s joy:0.4; 2.00s sadness:0.2" in page
    assert "; ..</span>" in page and f'title="{long.story["read"]}"' in page


def test_the_live_view_counts_rows_frames_and_failures_and_shows_what_is_done_now():
    from io import StringIO

    from rich.console import Console
    from rich.progress import Progress

    out = StringIO()
    with Progress("{task.description} {task.completed:.0f}/{task.total:.0f}", console=Console(file=out)) as bars:
        view = LiveView(bars)
        entries = (
            LogEntry("batch started", rows=3, frames=90, text="2 workers on this machine"),
            *(LogEntry("row started", name, frames=30) for name in ("one", "two", "three")),
            *(LogEntry("frames", name, frames=15) for name in ("one", "two", "three")),
            LogEntry("row done", "one"),
            LogEntry("row failed", "two", text="row 2 (two): [no] sound"),
        )
        for entry in entries:
            view.watch(entry)
        whole, last = bars.tasks
        assert (whole.completed, whole.total, last.description, last.completed) == (45, 90, "  three", 15)
        assert whole.description.startswith("1 of 3 rows, 1 failed, ")
        assert whole.description.endswith("2 workers on this machine\n  row 2 (two): [no] sound")
