"""A batch finishes what it can, tells what it cannot, and never does anything twice."""

import json
import os
import wave
from contextlib import closing

import numpy as np
import pytest
from batch_lines import REPOSITORY, command, contents, make_lines, run_command, write_line
from fabricated_flame import write_flame

import face_emote as fe
from face_emote.batch.batch import Place, held, run_batch
from face_emote.batch.plan import PlanOptions, plan_batch
from face_emote.batch.rows import output_hash
from face_emote.batch.run import Choice
from face_emote.batch.state import DONE, FAILED, BatchState, OutputState
from face_emote.batch.work import do_task, output_file, stages
from face_emote.core.errors import BatchError, OutputError
from face_emote.provenance.verification import verify
from face_emote.verbs.voice import write_retuned

pytest.importorskip("av")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A batch of three good rows (one of them two outputs, one unmarked) and a recording that is damaged inside."""
    folder = tmp_path_factory.mktemp("ran")
    manifest = make_lines(folder)
    plan = plan_batch(manifest, PlanOptions({"size": "48", "fps": "5"}))
    seen = []
    outcome = run_batch(plan, folder / "out", place=Place(workers=1), choice=Choice(), watch=seen.append)
    return folder, plan, outcome, seen


def test_good_rows_are_done_and_the_damaged_one_is_told_with_its_number(ran):
    folder, _, outcome, _ = ran
    assert outcome.done == 3 and list(outcome.failures) == ["damaged"]
    out = folder / "out"
    assert {path.name for path in out.iterdir()} == {
        "one.mp4", "one.npz", "two.glb", "plain.csv", "plain.mp4", "batch.sqlite", "log.jsonl", "report.html", ".work",
    }  # fmt: skip
    assert {path.name for path in (out / ".work").iterdir()} == {"lock", "made_by_face_emote"}
    with closing(BatchState(out, read_only=True)) as state:
        rows = {row.name: row for row in state.rows()}
    assert {name: row.status for name, row in rows.items()} == {
        "one": DONE, "two": DONE, "damaged": FAILED, "plain": DONE,
    }  # fmt: skip
    assert rows["damaged"].place == "row 3 (damaged)" and "damaged.wav" in rows["damaged"].error
    assert rows["one"].thumbnail[:3] == b"\xff\xd8\xff" and "joy" in rows["one"].story["curves"]


def test_a_video_of_a_batch_is_the_one_that_render_writes(ran):
    folder, plan, _, _ = ran
    row = plan.rows[0]
    motion = fe.animate(row.speech, emotion="joy", fps=5.0)
    fe.write_motion(motion, folder / "hand.npz")
    assert (folder / "hand.npz").read_bytes() == (folder / "out" / "one.npz").read_bytes()
    fe.render(motion, folder / "hand.mp4", speech=row.speech, size=48, workers=1)
    assert (folder / "hand.mp4").read_bytes() == (folder / "out" / "one.mp4").read_bytes()


def test_results_carry_the_mark_unless_the_row_says_no(ran):
    out = ran[0] / "out"
    assert verify(out / "one.mp4").intact and verify(out / "two.glb").intact
    assert not verify(out / "plain.mp4").signed and not verify(out / "plain.mp4").comment
    assert "1 of 4 rows were made without the signed mark" in (out / "report.html").read_text()


def test_everything_that_happened_is_in_the_log(ran):
    folder, _, _, seen = ran
    lines = [json.loads(line) for line in (folder / "out" / "log.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == [item.kind for item in seen if item.kind != "frames"]
    kinds = [line["kind"] for line in lines]
    assert kinds[0] in ("row failed", "batch started") and kinds[-1] == "batch done"
    assert kinds.count("row done") == 3 and kinds.count("row failed") == 1
    assert sum(item.frames for item in seen if item.kind == "frames") == lines[-1]["frames"] > 0


def test_finished_rows_are_kept_and_missing_or_changed_files_made_again(ran):
    folder, plan, _, _ = ran
    out = folder / "out"
    before = contents(out)
    (out / "one.npz").unlink()
    (out / "two.glb").write_bytes(b"tampered")
    outcome = run_batch(plan, out, place=Place(workers=1), choice=Choice())
    assert (outcome.done, outcome.skipped, list(outcome.failures)) == (2, 1, ["damaged"])
    assert contents(out) == before


def test_a_run_that_was_stopped_between_moving_a_file_and_noting_it_does_not_repeat_it(ran):
    folder, plan, _, _ = ran
    out = folder / "out"
    with closing(BatchState(out)) as state:
        known = state.outputs()["plain.csv"]
        state.put_output(OutputState(known.path, known.row, known.hash, False, known.sha256, known.size, known.marked))
        state.set_status("plain", "running")
    changed = (out / "plain.csv").stat().st_mtime_ns
    outcome = run_batch(plan, out, place=Place(workers=1), choice=Choice())
    assert outcome.done == 1
    assert (out / "plain.csv").stat().st_mtime_ns == changed
    with closing(BatchState(out)) as state:
        assert state.statuses()["plain"] == "done"


def test_another_batch_in_the_same_folder_is_refused(ran):
    folder, plan, _, _ = ran
    with held(folder / "out" / ".work"), pytest.raises(BatchError, match="running in this folder already"):
        run_batch(plan, folder / "out", place=Place(workers=1), choice=Choice())


def test_only_failed_rows_on_request(ran):
    folder, plan, _, _ = ran
    outcome = run_batch(plan, folder / "out", place=Place(workers=1), choice=Choice(only_failed=True))
    assert outcome.done == 0 and list(outcome.failures) == ["damaged"]


def test_the_command_tells_plan_status_and_failures(ran, capsys):
    from face_emote.cli.main import main

    folder = ran[0]
    words = [str(folder / "lines.csv"), "--size", "48", "--fps", "5", "--workers", "1"]
    assert main(["batch", *words, "-o", str(folder / "absent"), "--dry-run"]) == 0
    out, _ = capsys.readouterr()
    assert "CANNOT BE READ" not in out and out.endswith("frames\n") and "4 of 4 rows would be done" in out
    assert not (folder / "absent").exists()
    assert main(["batch", *words, "-o", str(folder / "out")]) == 2
    out, err = capsys.readouterr()
    assert "1 failed" in out and err.startswith("face-emote: damaged: ") and err.count("\n") == 1
    assert main(["batch", "status", str(folder / "out")]) == 0
    out, _ = capsys.readouterr()
    assert out.startswith("4 rows: 3 done, 0 running, 0 waiting, 1 failed") and "row 3 (damaged)" in out
    assert main(["batch", "status", str(folder)]) == 2
    assert "No batch has run in this folder yet" in capsys.readouterr()[1]


def test_a_batch_deletes_its_own_work_and_nothing_else(ran, tmp_path):
    folder, plan, _, _ = ran
    work, outside = folder / "out" / ".work", tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    kept = [work / "notes", work / ("0" * 23), work / ("G" * 24)]
    for place in kept:
        place.mkdir()
        (place / "precious").write_text("mine")
    (work / ("a" * 24)).symlink_to(outside, target_is_directory=True)
    (work / ("b" * 24)).mkdir()
    (work / ("b" * 24) / "link").symlink_to(outside, target_is_directory=True)
    run_batch(plan, folder / "out", place=Place(workers=1), choice=Choice())
    assert all((place / "precious").read_text() == "mine" for place in [*kept, outside])
    assert not (work / ("a" * 24)).is_symlink() and not (work / ("b" * 24)).exists()
    for place in kept:
        (place / "precious").unlink()
        place.rmdir()


def test_a_work_folder_that_no_batch_made_is_left_alone(ran, tmp_path):
    theirs = tmp_path / "out" / ".work"
    theirs.mkdir(parents=True)
    (theirs / "precious").write_text("mine")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".work").symlink_to(theirs, target_is_directory=True)
    for out in ("out", "linked"):
        with pytest.raises(OutputError, match=r"No batch made this.*\.work"):
            run_batch(ran[1], tmp_path / out, place=Place(workers=1), choice=Choice())
    assert [path.name for path in theirs.iterdir()] == ["precious"]


def test_a_head_of_flame_plays_in_a_batch_as_elsewhere(tmp_path):
    head = write_flame(tmp_path / "flame.npz")
    speech = write_line(tmp_path / "a.wav", 0.6)
    (tmp_path / "lines.csv").write_text("speech,emotion,outputs,head,fps\na.wav,joy,npz glb,flame.npz,5\n")
    plan = plan_batch(tmp_path / "lines.csv", PlanOptions())
    outcome = run_batch(plan, tmp_path / "out", place=Place(workers=1), choice=Choice())
    assert (outcome.done, dict(outcome.failures)) == (1, {})
    own = fe.animate(speech, emotion="joy", fps=5.0, head=fe.load_head(head))
    made = fe.read_motion(tmp_path / "out" / "a.npz")
    assert made.info.basis == own.info.basis and made.expression.tobytes() == own.expression.tobytes()
    (tmp_path / "films.csv").write_text("speech,emotion,head\na.wav,joy,flame.npz\n")
    with pytest.raises(BatchError, match="Pictures are drawn on the bundled head only"):
        plan_batch(tmp_path / "films.csv", PlanOptions())


def test_a_state_of_something_else_is_refused(tmp_path):
    (tmp_path / "batch.sqlite").write_bytes(b"not a database at all, but long enough to look like one" * 20)
    with pytest.raises(BatchError, match="not the state of a batch"):
        BatchState(tmp_path)


def test_places_that_cannot_be_written_are_told_before_any_work(ran, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Nothing can be written there"):
        run_batch(ran[1], tmp_path / "file" / "out", place=Place(workers=1), choice=Choice())


def test_a_cluster_that_is_not_there_is_told(ran, tmp_path):
    pytest.importorskip("ray")
    done = run_command(tmp_path, command(ran[0] / "lines.csv", tmp_path / "out", "--cluster", "127.0.0.1:1"))
    assert done.returncode == 2 and done.stderr.startswith("face-emote: There is no Ray cluster at 127.0.0.1:1")


def test_the_folder_of_the_tests_is_this_one():
    assert (REPOSITORY / "face_emote").is_dir() and os.environ["FACE_EMOTE_SETTINGS"]
    with wave.open(str(REPOSITORY / "assets" / "speech" / "dashwood_1.wav")) as sound:
        assert sound.getnframes() > 16_000


def test_a_row_with_voice_gives_its_video_the_retuned_sound_and_keeps_it(tmp_path):
    pytest.importorskip("pyworld")
    write_line(tmp_path / "a.wav", 0.8)
    lines = tmp_path / "lines.csv"
    lines.write_text("speech,name,emotion,outputs,voice\na.wav,felt,anger,mp4 npz,yes\na.wav,plain,anger,mp4 npz,\n")
    plan = plan_batch(lines, PlanOptions({"size": "48", "fps": "5"}))
    felt, plain = plan.rows
    assert felt.outputs == ("felt.mp4", "felt.npz", "felt.voice.wav") and plain.outputs == ("plain.mp4", "plain.npz")
    assert output_hash(felt, "felt.mp4") != output_hash(plain, "plain.mp4")
    assert output_hash(felt, "felt.npz") == output_hash(plain, "plain.npz"), "the voice moves nothing in the face"
    work = {}
    for row in plan.rows:
        for (task,) in stages(row, key=row.name, secs=0.8):
            do_task(task, tmp_path / row.name, tick=lambda frames: None)
        work |= {output: tmp_path / row.name / output_file(row, output) for output in row.outputs}
    assert work["felt.npz"].read_bytes() == work["plain.npz"].read_bytes()
    again = write_retuned(tmp_path / "a.wav", tmp_path / "again.wav", emotion="anger")
    assert again.read_bytes() == work["felt.voice.wav"].read_bytes()
    voice = fe.read_speech(again).samples
    heard, spoken = (fe.read_speech(work[f"{name}.mp4"]).samples[: len(voice)] for name in ("felt", "plain"))
    assert np.corrcoef(heard, voice[: len(heard)])[0, 1] > 0.95 > np.corrcoef(spoken, voice[: len(spoken)])[0, 1]


def test_a_voice_is_for_rows_of_speech(tmp_path):
    (tmp_path / "face.mp4").write_bytes(b"")
    lines = tmp_path / "lines.csv"
    lines.write_text("video,voice\nface.mp4,yes\n")
    with pytest.raises(BatchError, match="voice is for rows of speech"):
        plan_batch(lines, PlanOptions())
