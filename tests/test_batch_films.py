"""Rows of a batch that are films: captured, with or without an emotion on top, beside rows of speech."""

import numpy as np
import pytest
from batch_lines import command, contents, run_command, write_line
from filmed import FPS, motion_of, pictures_of, write_film

pytest.importorskip("mediapipe", reason="capture needs MediaPipe: pip install 'face-emote[capture]'")
pytest.importorskip("scipy", reason="capture needs scipy: pip install 'face-emote[capture]'")

from face_emote.core.names import CONTROLS
from face_emote.formats.motion_file import read_motion


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A film, a film without a face, a recording, and a manifest of all of them."""
    folder = tmp_path_factory.mktemp("films")
    t = np.arange(16) / FPS
    write_film(folder / "take.mp4", pictures_of(motion_of({"jawOpen": 0.3 * np.sin(np.pi * t / t[-1]) ** 2}), size=256))
    write_film(folder / "wall.mp4", [np.full((64, 64, 3), 90, np.uint8)] * 4)
    write_line(folder / "a.wav", 0.6)
    (folder / "lines.csv").write_text(
        "speech,video,name,emotion,neutral,lips,outputs\n"
        "a.wav,,spoken,joy,,,npz\n"
        ",take.mp4,filmed,,0,video,npz mp4\n"
        ",take.mp4,angry,anger,0,,npz csv\n"
        ",wall.mp4,wall,,,,npz\n"
    )
    return folder


@pytest.fixture(scope="module")
def out(folder):
    ended = run_command(folder, command(folder / "lines.csv", folder / "out", "--size", "48", "--workers", "1"))
    assert ended.returncode == 2 and "wall: No face is found" in ended.stderr
    return folder / "out"


def test_a_film_of_a_batch_is_what_capture_writes(folder, out, run):
    assert run("capture", str(folder / "take.mp4"), "--neutral", "0", "-o", str(folder / "hand.npz"))[0] == 0
    assert (folder / "hand.npz").read_bytes() == (out / "filmed.npz").read_bytes()
    assert {path.name for path in out.iterdir()} >= {"spoken.npz", "filmed.mp4", "angry.npz", "angry.csv"}
    assert not (out / "wall.npz").exists()


def test_an_emotion_of_a_film_lies_on_top_of_it(out):
    plain, angry = read_motion(out / "filmed.npz"), read_motion(out / "angry.npz")
    brow = CONTROLS.index("browDownLeft")
    assert (angry.expression - plain.expression)[4:, brow].mean() > 0.05
    assert np.array_equal(plain.neck_pose, angry.neck_pose) and angry.info.emotion == "anger"


def test_a_batch_of_films_goes_on_where_it_was_stopped_and_ends_in_the_same_bytes(folder, out, run):
    before = contents(out)
    (out / "angry.npz").unlink()
    code, said, _ = run("batch", str(folder / "lines.csv"), "-o", str(out), "--size", "48", "--workers", "1")
    assert code == 2 and contents(out) == before, said


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,take.mp4,,,,", "a speech to perform or a video to capture, not both"),
        (",,,,,x", "There is no speech; name a recording in the column speech, a filmed face in the column video"),
        (",take.mp4,,0.5,,", "lips"),
        (",take.mp4,3,,,", "seed is for rows of speech, and this one is a video"),
        (",take.mp4,,,joyy:,", "joy"),
        (",nowhere.mp4,,,,", "video: there is no such file"),
    ],
)
def test_mistakes_in_rows_of_films_are_told_before_anything_starts(row, message, folder, run):
    (folder / "bad.csv").write_text(f"speech,video,seed,lips,emotion,name\n{row}\n")
    code, _, err = run("batch", str(folder / "bad.csv"), "-o", str(folder / "bad"))
    assert code == 2 and message in err and not (folder / "bad").exists()
