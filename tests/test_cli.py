"""The command line as people use it: what it says, what it writes, how it fails."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fabricated import lively_motion
from interruptible import started

from face_emote.audio.examples import example_speech
from face_emote.cli.main import COMMANDS
from face_emote.cli.performing import sound_of
from face_emote.core.version import VERSION
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.verbs.export import FORMATS

SNAPSHOTS = Path(__file__).parent / "snapshots"
HELP_PAGES = [[], *([name] for name in COMMANDS), *(["head", name] for name in ("list", "info", "import")),
              *(["bank", name] for name in ("list", "show", "add", "forget"))]  # fmt: skip


def spaces_normalised(text: str) -> str:
    """Wrapping depends on the terminal's width: one paragraph, one line."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs) + "\n"


@pytest.mark.parametrize("words", HELP_PAGES, ids=lambda words: "-".join(words) or "face-emote")
def test_help_reads_as_approved(run, words):
    code, out, err = run(*words, "--help")
    assert (code, err) == (0, "")
    snapshot = SNAPSHOTS / f"help-{'-'.join(words) or 'face-emote'}.txt"
    if os.environ.get("FACE_EMOTE_NEW_SNAPSHOTS"):
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(spaces_normalised(out))
    assert spaces_normalised(out) == snapshot.read_text()


def test_every_command_has_an_example_or_needs_none(run):
    for name in ("demo", "animate", "render", "export"):
        assert f"face-emote {name}" in run(name, "--help")[1].partition("Examples:")[2]


def test_the_version_is_said(run):
    assert run("--version") == (0, f"face-emote {VERSION}\n", "")


def test_a_console_without_a_letter_does_not_undo_finished_work(motion_path, tmp_path):
    target = tmp_path / "\u97f3.json"
    words = [sys.executable, "-m", "face_emote", "export", str(motion_path), "-o", str(target)]
    done = subprocess.run(words, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "cp1252"})
    assert done.returncode == 0 and rb"\u97f3.json: 3 frames" in done.stdout and target.is_file(), done.stderr


def test_no_arguments_show_the_help(run):
    code, out, err = run()
    assert code == 2 and "Commands:" in out + err


def test_export_writes_every_format(run, motion_path, tmp_path):
    for name in ("line.glb", "copy.npz", "line_obj"):
        code, out, err = run("export", str(motion_path), "-o", str(tmp_path / name))
        assert (code, err) == (0, "")
        assert out == f"{tmp_path / name}: 3 frames, 0.10 s at 30 fps\n"
    assert (tmp_path / "line.glb").read_bytes()[:4] == b"glTF"
    assert read_motion(tmp_path / "copy.npz").num_frames == 3
    assert len(list((tmp_path / "line_obj").glob("*.obj"))) == 3


def test_export_lists_what_every_format_keeps_and_loses(run):
    code, out, err = run("export", "--list")
    assert (code, err) == (0, "")
    for suffix, item in FORMATS.items():
        story = out.partition(f"{suffix or '(no suffix)'}: {item.title}\n")[2]
        assert story.startswith(f"  keeps {item.keeps}\n  loses {item.loses}\n")


def test_export_takes_axes_unit_and_rate(run, motion_path, tmp_path):
    target = tmp_path / "line.pc2"
    code, out, err = run("export", str(motion_path), "-o", str(target), "--up", "z", "--unit", "cm", "--fps", "60")
    assert (code, err, out) == (0, "", f"{target}: 6 frames, 0.10 s at 60 fps\n")
    assert target.stat().st_size == 32 + 6 * 12 * load_head().num_vertices


def test_a_capture_becomes_a_motion_and_its_strange_curves_are_named(run, tmp_path):
    capture = tmp_path / "take.csv"
    rows = "".join(f"00:00:00:{i:02d}.000,2,0.{i},0.5\n" for i in range(5))
    capture.write_text("Timecode,BlendShapeCount,jaw_open,Sparkle\n" + rows)
    code, out, err = run("export", str(capture), "-o", str(tmp_path / "take.npz"))
    assert (code, out) == (0, f"{tmp_path / 'take.npz'}: 5 frames, 0.08 s at 60 fps\n")
    first, second, third = err.splitlines()
    assert first.startswith("face-emote: This take lies within one second") and "60 frames a second" in first
    assert second == f"face-emote: No curves of ours, left out: Sparkle: {capture}"
    assert third.startswith("face-emote: Not in the capture, left at 0: browDownLeft,")
    assert read_motion(tmp_path / "take.npz").jaw_pose[4, 0] > 0.1


def test_speech_becomes_a_motion_and_then_a_video_with_its_sound(run, tmp_path):
    shortest = min(example_speech(), key=lambda item: item.path.stat().st_size)
    speech = Path(shutil.copy(shortest.path, tmp_path / "line.wav"))
    words = ["-e", "calm anger", "-t", shortest.transcript, "--fps", "4", "--seed", "3", "--head-motion", "0.5"]
    code, out, err = run("animate", str(speech), *words, "-o", str(tmp_path / "line.npz"))
    assert (code, err) == (0, "") and out.endswith(" at 4 fps\n")
    motion = read_motion(tmp_path / "line.npz")
    assert (motion.info.emotion, motion.info.seed, motion.fps) == ("calm anger", 3, 4.0)
    code, out, err = run("render", str(tmp_path / "line.npz"), "-o", str(tmp_path / "line.mp4"), "--size", "64")
    assert (code, err) == (0, "") and "without sound" not in out
    import av

    with av.open(str(tmp_path / "line.mp4")) as video:
        assert [stream.type for stream in video.streams] == ["video", "audio"]
        assert video.streams.video[0].frames == motion.num_frames
    assert sound_of(tmp_path / "line.npz", motion.info) == speech
    speech.write_bytes(b"another recording")
    assert sound_of(tmp_path / "line.npz", motion.info) is None


def test_doctor_finds_this_installation_well(run, monkeypatch, tmp_path):
    code, out, _ = run("doctor")
    assert code == 0 and "drew a frame" in out and out.endswith("All is well.\n")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("")
    code, out, _ = run("doctor")
    assert code == 2 and "-> set NUMBA_CACHE_DIR" in out


def test_head_list_names_every_character(run):
    from face_emote.face.characters import characters

    code, out, _ = run("head", "list")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == [item.name for item in characters()]
    assert "old" in next(line for line in out.splitlines() if line.startswith("walter"))


def test_head_info_tells_what_a_head_is(run):
    code, out, _ = run("head", "info")
    assert code == 0 and load_head().basis in out and f"{load_head().num_vertices}\n" in out


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "face_emote", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"face-emote {VERSION}\n")


def has_terminals() -> bool:
    """A chroot without /dev/pts has none."""
    try:
        for end in os.openpty():
            os.close(end)
    except (OSError, AttributeError):
        return False
    return True


@pytest.mark.skipif(not has_terminals(), reason="this machine has no pseudo-terminals")
def test_a_bar_shows_on_a_terminal_and_not_in_a_file(motion_path, tmp_path):
    words = [sys.executable, "-m", "face_emote", "export", str(motion_path), "-o", str(tmp_path / "line_obj")]
    mine, theirs = os.openpty()
    done = subprocess.run(words, stderr=theirs, stdout=subprocess.PIPE, text=True, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # The end of a terminal reads as an error.
        while piece := os.read(mine, 4096):
            shown += piece
    os.close(mine)
    assert done.returncode == 0 and b"exporting" in shown
    assert subprocess.run(words, capture_output=True).stderr == b""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the POSIX way")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_export_leaves_nothing(tmp_path, sent, code):
    write_motion(lively_motion(load_head(), 3000), tmp_path / "long.npz")
    child = started("export", "long.npz", "-o", "long_obj", sent=sent, cwd=tmp_path, text=True)
    deadline = time.monotonic() + 30.0
    while not list(tmp_path.glob(".face_emote_*/new/frame_*.obj")) and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(sent)
    _, err = child.communicate(timeout=30)
    assert child.returncode == code, err
    assert [path.name for path in tmp_path.iterdir()] == ["long.npz"]
    assert "Traceback" not in err


def test_a_still_is_the_picture_at_its_time(run, motion_path, tmp_path):
    pictures = []
    for words in (["--frame", "0"], ["--frame", "0.06"], ["--frame", "0", "--dof", "1.4"]):
        code, out, err = run("render", str(motion_path), "-o", str(tmp_path / "a.png"), "--size", "48", *words)
        assert (code, err) == (0, "")
        assert out.startswith(f"{tmp_path / 'a.png'}: the picture at ")
        pictures.append((tmp_path / "a.png").read_bytes())
    assert len(set(pictures)) == 3
    code, _, err = run("render", str(motion_path), "-o", str(tmp_path / "b.png"), "--frame", "99")
    assert code == 2 and "so there is no instant 99 s; give an earlier one" in err


def test_a_sheet_is_drawn_in_anothers_skin(run, motion_path, tmp_path):
    sheets = []
    for words in ([], ["--skin", "amara"]):
        code, out, err = run("render", str(motion_path), "-o", str(tmp_path / "sheet.png"), "--size", "48", *words)
        assert (code, err) == (0, "")
        assert out.startswith(f"{tmp_path / 'sheet.png'}: twelve of")
        sheets.append((tmp_path / "sheet.png").read_bytes())
    assert sheets[0][:4] == b"\x89PNG"
    assert sheets[0] != sheets[1]
    code, _, err = run("render", str(motion_path), "-o", str(tmp_path / "a.png"), "--size", "64x48")
    assert (code, err) == (2, "face-emote: The pictures of a sheet are square; give size one number, not 64x48\n")
    code, _, err = run("render", str(motion_path), "-o", str(tmp_path / "a.mp4"), "--size", "48", "--skin", "maja")
    assert code == 2
    assert "maya" in err


def test_bytes_do_not_depend_on_the_threads_that_the_environment_asks_for(tmp_path):
    speech = min(example_speech(), key=lambda item: item.path.stat().st_size).path
    for threads in ("1", "4"):
        wanted = {name: threads for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        subprocess.run(
            [sys.executable, "-m", "face_emote", "animate", str(speech), "-o", str(tmp_path / f"{threads}.npz")],
            env=os.environ | wanted, check=True, capture_output=True,
        )  # fmt: skip
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "4.npz").read_bytes()
