"""Live Link Face and ARKit files of other programs: whatever spreadsheets and people did to them."""

import re
import warnings

import av
import numpy as np
import pytest
from fabricated import arkit_motion, controls_of
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.cli.main import main
from face_emote.core.errors import FaceEmoteError, FaceEmoteWarning, MotionFileError
from face_emote.core.names import ARKIT_52, CONTROLS, FACE_ANGLES
from face_emote.core.rotations import axis_angle, from_yaw_pitch_roll, rotation_matrix, yaw_pitch_roll
from face_emote.formats.captures import read_capture
from face_emote.formats.motion_file import read_motion
from face_emote.rigs.curve_names import match_names, meaning
from face_emote.verbs.export import export

pytestmark = pytest.mark.filterwarnings("ignore::face_emote.core.errors.FaceEmoteWarning")
TOLERANCE = 2e-6
"""Of weights and radians after a round trip; files have six decimals."""


def table(rows, names=("EyeBlinkLeft", "JawOpen")):
    return "\n".join([",".join(["Timecode", "BlendShapeCount", *names]), *rows]) + "\n"


def read(tmp_path, text, name="take.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_capture(path)


def test_a_recording_that_counts_30_frames_a_second_is_30_fps(tmp_path):
    rows = [f"11:59:{58 + i // 30:02d}:{i % 30:02d}.117,2,0.5,{i / 60:.3f}" for i in range(60)]
    motion = read(tmp_path, table(rows)).motion
    assert (motion.fps, motion.num_frames) == (30.0, 60)


def short_take(num_frames=24, ticks=1.0):
    return [f"00:00:07:{i * ticks:06.3f},2,0.5,{i / num_frames:.3f}" for i in range(num_frames)]


def test_a_take_within_one_second_says_that_its_rate_is_assumed_and_takes_it(tmp_path):
    with pytest.warns(FaceEmoteWarning, match=r"within one second.* read as 60 frames a second.*--fps, or fps="):
        assert read(tmp_path, table(short_take())).motion.fps == 60.0
    for ticks, fps in ((1.0, 30.0), (1.0, 24.0), (2.0, 30.0), (2.5, 24.0), (1.0, 23.976)):
        (tmp_path / "a.csv").write_text(table(short_take(ticks=ticks)))
        with warnings.catch_warnings(record=True) as told:
            motion = read_motion(tmp_path / "a.csv", fps=fps)
        assert not any("within one second" in str(item.message) for item in told)
        assert (motion.fps, motion.num_frames) == (fps, 24)
        assert controls_of(motion)[:, CONTROLS.index("jawOpen")] == pytest.approx(np.arange(24) / 24, abs=1e-3)


def test_every_door_takes_the_rate_of_a_capture(tmp_path):
    (tmp_path / "a.csv").write_text(table(short_take()))
    source, target = str(tmp_path / "a.csv"), tmp_path / "a.npz"
    assert main(["export", source, "-o", str(target), "--fps", "30"]) == 0
    assert (read_motion(target).fps, read_motion(target).num_frames) == (30.0, 24)
    assert main(["animate", "--from", source, "-o", str(target), "--fps", "30"]) == 0
    assert (read_motion(target).fps, read_motion(target).num_frames) == (30.0, 24)
    export(source, target, fps=24.0)
    assert (read_motion(target).fps, read_motion(target).num_frames) == (24.0, 24)
    assert (read_motion(target, fps=12.0).fps, read_motion(target, fps=12.0).num_frames) == (12.0, 12)
    assert main(["view", source, "-o", str(tmp_path / "a.html"), "--fps", "30"]) == 0
    picture = ["--size", "64", "-o", str(tmp_path / "a.mp4"), "--fps", "30"]
    assert main(["render", source, *picture]) == 0
    with av.open(tmp_path / "a.mp4") as video:
        assert (video.streams.video[0].average_rate, video.streams.video[0].frames) == (30, 24)


@pytest.mark.parametrize("spelt", ["semicolon", "tab", "trailing", "sep", "mark", "utf16", "crlf", "twice"])
def test_tables_are_read_as_spreadsheets_leave_them(tmp_path, spelt):
    motion = arkit_motion(70)
    plain = export(motion, tmp_path / "a.csv").read_text()
    lines = plain.splitlines()
    changed = {
        "semicolon": plain.replace(",", ";").replace(".", ","),
        "tab": plain.replace(",", "\t").replace(".", ","),
        "trailing": "".join(f"{line},,\n" for line in lines) + ",,,\n",
        "sep": "sep=;\n" + plain.replace(",", ";"),
        "mark": "\ufeff" + plain,
        "utf16": plain,
        "crlf": plain.replace("\n", "\r\n"),
        "twice": "".join(f"{line}\n" for line in [*lines[:20], lines[19], lines[19], *lines[20:], lines[-1]]),
    }[spelt]
    (tmp_path / "b.csv").write_bytes(changed.encode("utf-16" if spelt == "utf16" else "utf-8"))
    expected, found = read_motion(tmp_path / "a.csv"), read_motion(tmp_path / "b.csv")
    assert (found.fps, found.num_frames) == (expected.fps, 70)
    assert np.array_equal(found.expression, expected.expression)
    table_path = export(motion, tmp_path / "c.csv", rig="arkit")
    table_path.write_text(table_path.read_text().replace(",", ";").replace(".", ","))
    assert np.abs(read_motion(table_path).expression - expected.expression).max() < TOLERANCE


def test_dropped_and_faceless_rows_are_filled_in(tmp_path):
    kept = [i for i in range(120) if i not in (40, 41, 77)]
    rows = [f"23:59:{59 if i < 60 else 0:02d}:{i % 60:02d}.000,2,0.0,{i / 120:.6f}" for i in kept]
    rows = [row.replace("23:59:00", "00:00:00") for row in rows]
    rows.insert(50, "23:59:59:52.500,0")
    motion = read(tmp_path, table(rows)).motion
    assert (motion.fps, motion.num_frames) == (60.0, 120)
    jaw = controls_of(motion)[:, CONTROLS.index("jawOpen")]
    assert np.abs(jaw - np.arange(120) / 120.0).max() < 1e-5


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        ("EyeBlinkLeft", "eyeBlinkLeft"), ("eyeBlink_L", "eyeBlinkLeft"), ("EYE_BLINK_LEFT", "eyeBlinkLeft"),
        ("left_eye_blink", "eyeBlinkLeft"), ("blendShape1.eyeBlinkRight", "eyeBlinkRight"), ("JawOpen", "jawOpen"),
        ("eyeBlink.R", "eyeBlinkRight"), ("jaw_left", "jawLeft"), ("MouthLeft", "mouthLeft"), ("HeadYaw", "headYaw"),
        ("LeftEyeYaw", "leftEyeYaw"), ("eye_yaw_l", "leftEyeYaw"), ("mouthPurse", "mouthPurse"),
        ("browInnerUp", "browInnerUp"), ("browInnerUp_L", "browInnerUpLeft"), ("smile", None), ("reserved81", None),
        ("", None), ("left", None),
    ],
)  # fmt: skip
def test_names_are_understood_as_programs_spell_them(foreign, ours):
    assert meaning(foreign) == ours


@given(
    name=st.sampled_from([*ARKIT_52, *FACE_ANGLES]), upper=st.booleans(), gap=st.sampled_from(["", "_", " ", "-", "."])
)
def test_every_name_is_found_in_any_case_and_with_any_separator(name, upper, gap):
    spelled = re.sub(r"(?=[A-Z])", gap, name)
    assert meaning(spelled.upper() if upper else spelled.lower()) == name
    short = re.sub("Left$", "_L", re.sub("Right$", "_R", name))
    assert meaning(short) == name


def test_two_curves_of_one_meaning_are_refused():
    with pytest.raises(ValueError, match="'jawOpen' and 'Jaw_Open' both mean jawOpen"):
        match_names(["jawOpen", "Jaw_Open"])


def test_unknown_and_missing_curves_are_listed_and_warned_of(tmp_path, capsys):
    with pytest.warns(FaceEmoteWarning) as warned:
        capture = read(tmp_path, table(["00:00:00:00.000,3,0.1,0.2,0.3"], names=("JawOpen", "Sparkle", "EyeBlink_L")))
    sentences = "".join(str(item.message) for item in warned)
    assert "No curves of ours, left out: Sparkle: " in sentences and "left at 0: browDownLeft, " in sentences
    assert main(["export", str(tmp_path / "take.csv"), "-o", str(tmp_path / "a.npz")]) == 0
    told = capsys.readouterr().err
    assert all(f"face-emote: {item.message}\n" in told for item in warned)
    assert capture.unmatched == ("Sparkle",)
    assert len(capture.missing) == 50 and "jawOpen" not in capture.missing
    assert capture.motion.num_frames == 1


def test_eyes_and_heads_turn_by_their_angles(tmp_path):
    names = ("JawOpen", "HeadYaw", "LeftEyeYaw", "LeftEyePitch", "RightEyeYaw", "RightEyePitch")
    row = "00:00:00:00.000,6,0.0,0.3,0.1,0.05,0.1,0.05"
    motion = read(tmp_path, table([row], names)).motion
    assert np.allclose(motion.neck_pose, [[0.0, 0.3, 0.0]], atol=1e-6)
    expected = axis_angle(from_yaw_pitch_roll(np.array([0.1, 0.05, 0.0])))
    assert np.allclose(motion.eye_pose[0], expected, atol=1e-6)
    degrees = "00:00:00:00.000,6,0.0,30.0,0,0,0,0"
    assert np.allclose(read(tmp_path, table([degrees], names)).motion.neck_pose[0, 1], np.radians(30.0), atol=1e-6)


HOSTILE = {
    "empty.csv": ("", "does not begin with Timecode"),
    "words.csv": ("once upon a time\n", "does not begin with Timecode"),
    "bytes.csv": (b"Timecode\x80", "not text in UTF-8"),
    "half.csv": (b"\xff\xfeT\x00i", "not text in UTF-8"),
    "bare.csv": (table([]), "no rows with a tracked face"),
    "short.csv": (table(["00:00:00:00.000,2,0.1"]), "line 2 has 3 columns, the first line 4"),
    "clock.csv": (table(["noon,2,0.1,0.2"]), "line 2 does not begin with a timecode"),
    "nan.csv": (table(["00:00:00:00.000,2,nan,0.2"]), "line 2 holds a number that is not finite"),
    "word.csv": (table(["00:00:00:00.000,2,high,0.2"]), "line 2 holds something that is no number"),
    "back.csv": (table(["00:00:01:00.0,2,0,0", "00:00:00:00.0,2,0,0"]), "timecode does not advance after row 1"),
    "jump.csv": (table(["00:00:01:00.0,2,0,0", "09:00:00:00.0,2,0,0"]), "jumps by more than ten minutes"),
    "ticks.csv": (table(["00:00:01:400.0,2,0,0"]), "count 400 frames in a second"),
    "percent.csv": (table(["00:00:00:00.000,2,54.0,0.2"]), "'EyeBlinkLeft' reaches 54, weights go from 0 to 1"),
    "twice.csv": (table(["00:00:00:00.000,2,0.1,0.2"], ("JawOpen", "jaw_open")), "both mean jawOpen"),
    "alien.csv": (table(["00:00:00:00.000,2,0.1,0.2"], ("a", "b")), "none of its curves"),
    "quote.csv": ('"Timecode,BlendshapeCount', "no table of comma-separated values"),
    "damaged.json": ('{"fps": 30,\n', "JSON is damaged on line 2"),
    "list.json": ("[1, 2]", "has not the form"),
    "deep.json": ("[" * 200_000, "nested too deeply"),
    "nan.json": ('{"fps": NaN, "names": ["jawOpen"], "frames": [[0]]}', "holds NaN"),
    "fps.json": ('{"fps": -3, "names": ["jawOpen"], "frames": [[0]]}', "fps must be a number from 1 to 1000"),
    "text.json": (
        '{"fps": "30", "names": ["jawOpen"], "frames": [[0]]}',
        "fps must be a number from 1 to 1000, got '30'",
    ),
    "huge.json": ('{"fps": 30, "names": ["jawOpen"], "frames": [[1e999]]}', "too large"),
    "digits.json": ('{"fps": 30, "names": ["jawOpen"], "frames": [[1' + "0" * 4000 + "]]}", "too large"),
    "endless.json": ('{"fps": 30, "names": ["jawOpen"], "frames": [[1' + "0" * 9000 + "]]}", "too large"),
    "ragged.json": ('{"fps": 30, "names": ["jawOpen"], "frames": [[0], [0, 1]]}', "frame 2 is no list of 1 numbers"),
    "bool.json": ('{"fps": 30, "names": ["jawOpen"], "frames": [[true]]}', "something that is no number"),
    "none.json": ('{"fps": 30, "names": ["jawOpen"], "frames": []}', "no frames"),
    "spin.json": ('{"fps": 30, "names": ["jawOpen", "headYaw"], "frames": [[0, 9000]]}', "reaches 9000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_one_clear_sentence(tmp_path, name):
    text, told = HOSTILE[name]
    with pytest.raises(MotionFileError, match=re.escape(told)) as caught:
        read(tmp_path, text, name)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(name)


def test_a_missing_capture_or_a_folder_is_told(tmp_path):
    with pytest.raises(MotionFileError, match="There is no such capture"):
        read_motion(tmp_path / "a.csv")
    (tmp_path / "b.json").mkdir()
    with pytest.raises(MotionFileError, match="cannot be opened"):
        read_motion(tmp_path / "b.json")


@settings(max_examples=80, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=80),
        st.text(alphabet='0123456789:.,;-\n"eE{}[] naTimecodeBlendshapeCountjwOp', max_size=120).map(str.encode),
    ),
    before=st.sampled_from([b"", b"Timecode,BlendshapeCount,JawOpen\n", b'{"fps":30,"names":["jawOpen"],"frames":[']),
    suffix=st.sampled_from([".csv", ".json"]),
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, body, before, suffix):
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    path.write_bytes(before + body)
    try:
        motion = read_capture(path).motion
    except FaceEmoteError as error:
        assert "\n" not in str(error)
    else:
        assert motion.num_frames >= 1 and np.isfinite(motion.expression).all()


@given(st.lists(st.floats(-6.0, 6.0), min_size=3, max_size=3))
def test_rotations_go_there_and_back(turn):
    matrix = rotation_matrix(np.array(turn))
    assert np.abs(rotation_matrix(axis_angle(matrix)) - matrix).max() < 1e-7
    assert np.linalg.norm(axis_angle(matrix)) <= np.pi + 1e-9
    assert np.abs(from_yaw_pitch_roll(yaw_pitch_roll(matrix)) - matrix).max() < 1e-7
