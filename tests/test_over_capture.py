"""A recorded face keeps its lips and gets skin and feeling; files of coefficients become motions."""

from dataclasses import replace

import numpy as np
import pytest
from fabricated import lively_motion
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.cli.main import main
from face_emote.core.errors import FaceEmoteError, MotionFileError, OptionError
from face_emote.core.names import CONTROLS
from face_emote.core.types import FRAME_ARRAYS
from face_emote.face.bundled import load_head
from face_emote.face.rig import ControlPose, controls_from_pose
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.motion.layering import lip_gap, mouth_gauge
from face_emote.verbs.export import export
from face_emote.verbs.over_capture import animate_capture


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A take as Live Link Face records it: no wrinkles, no blood."""
    path = tmp_path_factory.mktemp("take") / "take.csv"
    return read_motion(export(lively_motion(load_head(), 120), path))


def gap_of(motion):
    head = load_head()
    pose = ControlPose(expression=motion.expression, jaw_pose=motion.jaw_pose, eye_pose=motion.eye_pose)
    controls = np.clip(controls_from_pose(pose, control_joints=head.control_joints), 0.0, 1.0)
    return lip_gap(mouth_gauge(head), controls)


def test_a_neutral_layer_adds_the_skin_and_nothing_else(recorded):
    made = animate_capture(recorded)
    for name in FRAME_ARRAYS:
        if name not in ("wrinkles", "blood_flow"):
            assert np.array_equal(getattr(made, name), getattr(recorded, name)), name
    assert made.wrinkles.max() > 0.2 and np.abs(made.blood_flow).max() > 0.01
    assert made.num_frames == recorded.num_frames and made.fps == recorded.fps


def test_an_emotion_shows_but_the_lips_stay_the_recordings(recorded):
    joy, anger = animate_capture(recorded, emotion="joy"), animate_capture(recorded, emotion="anger")
    smile, brow = CONTROLS.index("mouthSmileLeft"), CONTROLS.index("browDownLeft")
    assert (joy.expression - recorded.expression)[:, smile].mean() > 0.1
    assert (anger.expression - recorded.expression)[:, brow].mean() > 0.1
    for made in (joy, anger):
        assert np.abs(gap_of(made) - gap_of(recorded)).mean() < 0.0008
        assert np.array_equal(made.eye_pose, recorded.eye_pose) and np.array_equal(made.neck_pose, recorded.neck_pose)
    assert anger.blood_flow[-1].sum() > recorded.blood_flow[-1].sum() + 0.3


def test_the_same_take_gives_the_same_bytes(recorded, tmp_path):
    paths = [write_motion(animate_capture(recorded, emotion="shame"), tmp_path / f"{name}.npz") for name in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_auto_needs_a_voice(recorded):
    with pytest.raises(OptionError, match="'auto' is read from the voice, and there is no speech"):
        animate_capture(recorded, emotion="auto")


def test_the_command_line_layers_an_emotion_on_a_capture(recorded, tmp_path, capsys):
    take = tmp_path / "take.csv"
    export(recorded, take)
    assert main(["animate", "--from", str(take), "-e", "calm anger", "-o", str(tmp_path / "a.npz")]) == 0
    made = read_motion(tmp_path / "a.npz")
    assert made.num_frames == recorded.num_frames and made.wrinkles.max() > 0.1
    assert main(["animate", "--from", str(take), "--lips", "2", "-o", str(tmp_path / "b.npz")]) == 2
    assert "--lips is for performances of speech; leave it out, or --from" in capsys.readouterr().err
    assert main(["animate", "--flame", str(take), "-o", str(tmp_path / "b.npz")]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "take.csv"]


@settings(max_examples=12, deadline=None)
@given(frames=st.integers(1, 70), fps=st.sampled_from([24.0, 29.97, 30.0, 60.0]), seed=st.integers(0, 9))
def test_own_coefficients_come_back_exactly(tmp_path_factory, frames, fps, seed):
    motion = lively_motion(load_head(), frames, fps=fps, seed=seed)
    folder = tmp_path_factory.mktemp("amass")
    again = read_motion(export(motion, folder / "a.npz", rig="amass"))
    for name in FRAME_ARRAYS:
        assert np.array_equal(getattr(again, name), np.asarray(getattr(motion, name), np.float32)), name
    assert again.fps == fps and np.array_equal(again.betas, motion.betas)
    assert export(motion, folder / "b.npz", rig="amass").read_bytes() == (folder / "a.npz").read_bytes()


def coefficients(**changes):
    """What EMOTE holds of a clip, or a change of it."""
    rng = np.random.default_rng(0)
    return {"exp": rng.normal(size=(8, 50)), "jaw": np.zeros((8, 3)), "basis": load_head().basis} | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jaw": np.zeros((7, 3))}, "its jaw is (7, 3), expected 8 x 3"),
        ({"exp": np.full((8, 50), np.nan)}, "holds values that are no numbers"),
        ({"exp": np.zeros((0, 50))}, "expected frames x coefficients"),
        ({"exp": np.array(["a"])}, "its exp is no array of numbers"),
        ({"fps": np.float64(0.0)}, "fps must be a number from 1 to 1000"),
        ({"fps": np.zeros(2)}, "its fps is no single number"),
        ({"jaw": None}, "it has no jaw"),
    ],
)
def test_a_damaged_file_of_coefficients_gets_one_clear_sentence(changes, message, tmp_path):
    import re

    path = tmp_path / "a.npz"
    np.savez(path, **{name: value for name, value in coefficients(**changes).items() if value is not None})
    with pytest.raises(MotionFileError, match=re.escape(message)):
        read_motion(path)


def test_coefficients_of_other_habits_are_found(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **coefficients(fps=np.float64(25.0)))
    motion = read_motion(path)
    assert motion.num_frames == 8 and motion.fps == 25.0
    poses = np.zeros((8, 165))
    poses[:, 66] = 0.2
    np.savez(path, expressions=np.zeros((8, 100)), poses=poses, mocap_frame_rate=30, basis=load_head().basis)
    assert read_motion(path).jaw_pose[0, 0] == pytest.approx(0.2) and read_motion(path).fps == 30.0
    np.savez(path, exp=np.zeros((1, 8, 50)), pose=np.full((8, 6), 0.1), basis=load_head().basis)
    assert read_motion(path).jaw_pose[0, 0] == pytest.approx(0.1)


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=400), place=st.integers(0, 2000))
def test_any_bytes_in_a_file_of_coefficients_are_read_or_refused(tmp_path_factory, body, place):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    np.savez(path, **coefficients())
    data = bytearray(path.read_bytes())
    data[place % len(data) : place % len(data) + len(body)] = body
    path.write_bytes(bytes(data))
    try:
        read_motion(path)
    except FaceEmoteError as error:
        assert str(path) in str(error)


def test_a_capture_of_another_basis_is_refused(recorded):
    stranger = replace(recorded, info=replace(recorded.info, basis="flame:0"))
    with pytest.raises(FaceEmoteError, match="belongs to face model 'flame:0'"):
        animate_capture(stranger)
