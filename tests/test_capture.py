"""A filmed face is read back as what it did; films made here, whose truth is known."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from filmed import FPS, motion_of, pictures_of, write_film

pytest.importorskip("mediapipe", reason="capture needs MediaPipe: pip install 'face-emote[capture]'")
pytest.importorskip("scipy", reason="capture needs scipy: pip install 'face-emote[capture]'")

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.capturing.confidence import believed_only
from face_emote.capturing.smooth import smoothed
from face_emote.core.names import CONTROLS
from face_emote.formats.motion_file import read_motion

SECS = 1.6


@pytest.fixture(scope="module")
def played():
    """The mouth opens twice, the eyes close once, the brows rise."""
    t = np.arange(round(SECS * FPS)) / FPS
    blink = np.exp(-0.5 * ((t - 0.8) / 0.05) ** 2)
    return motion_of(
        {
            "jawOpen": 0.35 * np.sin(np.pi * t / 0.8) ** 2, "eyeBlinkLeft": blink, "eyeBlinkRight": blink,
            "browInnerUp": 0.8 * np.clip((t - 1.0) / 0.3, 0, 1), "lipSeal": (np.sin(np.pi * t / 0.8) ** 2 < 0.05) * 1.0,
        },
        yaw=0.15 * np.sin(2 * np.pi * t / SECS),
    )  # fmt: skip


@pytest.fixture(scope="module")
def pictures(played):
    return pictures_of(played)


@pytest.fixture(scope="module")
def film(pictures, tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "take.mp4", pictures)


@pytest.fixture(scope="module")
def captured(film):
    return fe.capture(film, neutral=0.0)


def correlation(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def test_the_mouth_opens_as_filmed(played, captured):
    assert captured.num_frames == played.num_frames and captured.fps == FPS
    assert correlation(captured.jaw_pose[:, 0], played.jaw_pose[:, 0]) > 0.95


def test_a_blink_closes_the_eyes_at_its_instant(played, captured):
    lid = CONTROLS.index("eyeBlinkLeft")
    assert captured.expression[:, lid].max() > 0.9
    assert abs(int(np.argmax(captured.expression[:, lid])) - int(np.argmax(played.expression[:, lid]))) <= 1


def test_brows_and_head_follow(played, captured):
    brow = CONTROLS.index("browInnerUp")
    raised = played.expression[:, brow] > 0.7
    low, high = (captured.expression[rows, brow].mean() for rows in (played.expression[:, brow] == 0.0, raised))
    assert high - low > 0.25
    assert correlation(captured.neck_pose[:, 1], played.neck_pose[:, 1]) > 0.97


def test_lips_that_touch_in_the_film_are_sealed(played, captured):
    seal = CONTROLS.index("lipSeal")
    touching = played.expression[:, seal] > 0.5
    open_wide = played.jaw_pose[:, 0] > 0.5 * played.jaw_pose[:, 0].max()
    assert captured.expression[touching, seal].min() > 0.5
    assert captured.expression[open_wide, seal].max() == 0.0


def test_the_command_writes_what_the_function_returns(film, captured, tmp_path, run):
    code, out, err = run("capture", str(film), "-o", str(tmp_path / "take.npz"), "--neutral", "0")
    assert (code, err) == (0, "") and "40 frames" in out
    again = read_motion(tmp_path / "take.npz")
    np.testing.assert_array_equal(again.expression, captured.expression)
    np.testing.assert_array_equal(again.confidence, captured.confidence)
    assert again.confidence.min() > 0.5


def beside(pictures, others, *, shift):
    """Two people in one picture: the first `shift(i)` pixels from the left, the second as far from the right."""
    out = []
    for i, (one, other) in enumerate(zip(pictures, others, strict=True)):
        canvas = np.full((320, 800, 3), 60, np.uint8)
        left = round(shift(i))
        canvas[:, left : left + 320] = one
        canvas[:, 510 - left : 770 - left] = other[:, 30:290]
        out.append(canvas)
    return out


def drawing():
    """A face of three colours."""
    y, x = np.mgrid[:320, :320]
    canvas = np.full((320, 320, 3), 240, np.uint8)
    canvas[np.hypot(x - 160, y - 160) < 112] = (255, 220, 60)
    for eye in (125, 195):
        canvas[np.hypot(x - eye, y - 131) < 12] = 0
    canvas[(abs(np.hypot(x - 160, y - 170) - 50) < 4) & (y > 185)] = 0
    return canvas


def painted(picture):
    """A few flat colours with hard edges between them."""
    import cv2

    for _ in range(8):
        picture = cv2.bilateralFilter(picture, 9, 60, 9)
    return cv2.medianBlur((picture // 48 * 48 + 24).astype(np.uint8), 7)


def framed(picture, *, side):
    """The picture reduced to `side` pixels in the middle of a grey one."""
    step = len(picture) // side
    canvas = np.full((320, 320, 3), 90, np.uint8)
    start = (320 - side) // 2
    canvas[start : start + side, start : start + side] = picture[::step, ::step][:side, :side]
    return canvas


@pytest.fixture(scope="module")
def second():
    return pictures_of(motion_of({"jawOpen": np.zeros(16)}, who="amara"))


HOPELESS = {
    "nobody": (lambda one, two: [np.random.default_rng(i).integers(0, 255, (320, 320, 3), np.uint8) for i in range(12)],
               "No face is found"),
    "drawn": (lambda one, two: [drawing()] * 12, "No face is found"),
    "painted": (lambda one, two: [painted(p) for p in one[::4]] * 4, "The face is drawn"),
    "turned": (lambda one, two: [p[::-1, ::-1] for p in one], "stands on its head"),
    "tiny": (lambda one, two: [framed(p, side=16) for p in one], "No face is found"),
    "dark": (lambda one, two: [(p * 0.03).astype(np.uint8) for p in one], "too dark"),
    "passing": (lambda one, two: beside(one, two, shift=lambda i: 480 * i / 15), "pass one another"),
    "swapped": (lambda one, two: beside(one, two, shift=lambda i: 480 * (i > 7)), "Another face, or another shot"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOPELESS)
def test_a_film_that_cannot_be_read_says_why_in_one_line_and_writes_nothing(case, pictures, second, tmp_path, run):
    make, reason = HOPELESS[case]
    film = write_film(tmp_path / "take.mp4", make(pictures[:16], second))
    code, out, err = run("capture", str(film), "-o", str(tmp_path / "take.npz"))
    assert (code, out) == (2, "") and reason in err and err.count("\n") == 1 and err.endswith(f"{film}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]


@pytest.mark.parametrize("case", ["sound", "empty", "words", "cut", "frameless", "missing"])
def test_a_file_that_is_no_film_says_so_in_one_line(case, film, tmp_path, run):
    path = tmp_path / "take.mp4"
    if case == "sound":
        path = next(iter(speech.path for speech in example_speech()))
    elif case == "frameless":
        with av.open(str(path), "w") as container:
            container.add_stream("libx264", rate=25).width = 320
            container.start_encoding()
    elif case != "missing":
        whole = film.read_bytes()
        path.write_bytes({"empty": b"", "words": b"no film" * 99, "cut": whole[: len(whole) // 3]}[case])
    code, out, err = run("capture", str(path), "-o", str(tmp_path / "out.npz"))
    assert (code, out) == (2, "") and err.count("\n") == 1 and err.endswith(f"{path}\n")
    assert not (tmp_path / "out.npz").exists()


def test_a_hand_before_the_mouth_is_flagged_held_and_shown(pictures, tmp_path, run):
    covered = [picture.copy() for picture in pictures]
    for picture in covered[15:30]:
        picture[185:270, 110:215] = (120, 84, 70)
    film = write_film(tmp_path / "take.mp4", covered)
    assert run("capture", str(film), "-o", str(tmp_path / "take.npz"), "--report", str(tmp_path / "take.html"))[0] == 0
    trust = read_motion(tmp_path / "take.npz").confidence
    assert trust[17:28, 1].max() < 0.5 < min(trust[:13, 1].min(), trust[32:, 1].min())
    assert np.median(trust[:, 0]) == 1.0
    page = (tmp_path / "take.html").read_text()
    assert "Not sure: " in page and "lower 0.60-1.20 s" in page


def test_what_comes_before_the_whole_face_for_a_moment_makes_nobody_else_of_it(pictures, tmp_path):
    covered = [picture.copy() for picture in pictures]
    for picture in covered[14:26]:
        picture[90:270, 90:158] = (120, 84, 70)
    trust = fe.capture(write_film(tmp_path / "take.mp4", covered)).confidence
    assert trust[15:25].max() < 0.5 < min(trust[:12].min(), trust[28:].min())


def test_frames_keep_their_own_instants(pictures, played, tmp_path):
    times = [i / FPS + (0.2 if i >= 20 else 0.0) for i in range(len(pictures))]
    motion = fe.capture(write_film(tmp_path / "take.mp4", pictures, times=times), neutral=0.0, fps=50.0)
    seen = np.arange(motion.num_frames) / 50.0
    own, even = (np.interp(seen, at, played.jaw_pose[:, 0]) for at in (times, np.arange(len(pictures)) / FPS))
    assert motion.num_frames == round(50 * (SECS + 0.2))
    assert correlation(motion.jaw_pose[:, 0], own) > 0.9 > 0.7 > correlation(motion.jaw_pose[:, 0], even)


def test_short_gaps_are_bridged_and_long_ones_held_then_eased():
    times = np.arange(100) / 25.0
    values = np.ones((100, 1))
    trust = np.ones(100)
    trust[10:14], trust[40:80] = 0.0, 0.0
    values[trust == 0.0] = 9.0
    filled = believed_only(values, trust, times, rest=np.zeros(1))[:, 0]
    np.testing.assert_allclose(filled[10:14], 1.0)
    assert filled[41] > 0.95 and filled[60] < 0.6 and filled.max() <= 1.0


def test_smoothing_neither_lags_nor_flattens_a_blink():
    times = np.arange(100) / 25.0
    blink = np.exp(-0.5 * ((times - 2.0) / 0.045) ** 2)[:, None]
    noisy = blink + 0.01 * np.random.default_rng(0).normal(size=blink.shape)
    noisy[70:73] = np.nan
    out = smoothed(noisy, times, drive=np.array([60.0]), noise=np.array([0.015]))
    assert out.max() > 0.97 and np.argmax(out) == np.argmax(blink) and np.isfinite(out).all()
    slow = smoothed(noisy, times, drive=np.array([4.0]), noise=np.array([0.02]))
    assert np.abs(np.diff(slow[:40, 0])).mean() < 0.6 * np.abs(np.diff(noisy[:40, 0])).mean()


def test_blocks_of_a_long_film_are_smoothed_as_the_whole_is():
    from face_emote.capturing import smooth

    times = np.arange(3000) / 25.0
    values = np.cumsum(np.random.default_rng(1).normal(0.0, 0.05, (3000, 2)), axis=0)
    tune = {"drive": np.array([4.0, 14.0]), "noise": np.array([0.02, 0.015])}
    whole = smoothed(values, times, **tune)
    parts = np.concatenate(
        [
            smoothed(values[max(i - 256, 0) : i + 1000 + 256], times[max(i - 256, 0) : i + 1256], **tune)[
                min(i, 256) : min(i, 256) + 1000
            ]
            for i in range(0, 3000, 1000)
        ]
    )
    assert smooth.OVERLAP == 256
    np.testing.assert_allclose(parts, whole, atol=1e-6)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the POSIX way")
def test_ctrl_c_in_the_middle_of_a_film_leaves_nothing(pictures, tmp_path):
    import pty

    film, temporary = write_film(tmp_path / "take.mp4", pictures * 20), tmp_path / "temporary"
    temporary.mkdir()
    mine, theirs = pty.openpty()
    before = signal.signal(signal.SIGINT, lambda *_: None)  # A shell starts background jobs deaf to it.
    child = subprocess.Popen(
        [sys.executable, "-m", "face_emote", "capture", film.name, "-o", "out.npz", "--report", "out.html"],
        cwd=tmp_path, stderr=theirs, stdout=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(temporary), "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    os.close(theirs)
    shown = b""
    while b"watching" not in shown:
        shown += os.read(mine, 4096)
    child.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # The end of a terminal reads as an error.
        while piece := os.read(mine, 4096):
            shown += piece
    assert child.wait(30.0) == 130 and b"Traceback" not in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["take.mp4", "temporary"]
    assert not list(temporary.iterdir())


def test_the_engine_of_blender_captures_too(film, tmp_path):
    from face_emote.worker.jobs import serve
    from face_emote.worker.protocol import Params, Request

    shares = []
    answer = serve(
        Request(
            1, "capture", Params({"film": str(film), "path": str(tmp_path / "take.npz"), "neutral": 0.0, "fps": 24.0})
        ),
        progress=lambda share, what: shares.append((share, what)),
    )
    assert answer["frames"] == 39 and shares[-1][1] == "writing"
    with np.load(tmp_path / "take.npz") as curves:
        assert len(curves["weights"]) == answer["frames"]
    assert read_motion(answer["motion"]).confidence is not None
