"""Live Link Face and ARKit files: written as Epic's importer reads them, and read back as the motion that they show."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from fabricated import arkit_motion, controls_of, lively_motion, still_motion
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.core.errors import HeadError
from face_emote.core.names import ARKIT_52, ARKIT_ORDER, CONTROLS, FACE_ANGLES, NUM_EXPRESSION
from face_emote.core.rotations import rotation_matrix
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.arkit import CURVES, ArkitCurves, nearest_mixes, timecode
from face_emote.formats.captures import read_capture
from face_emote.formats.motion_file import read_motion
from face_emote.verbs.export import export

pytestmark = pytest.mark.filterwarnings("ignore::face_emote.core.errors.FaceEmoteWarning")
TOLERANCE = 2e-6
"""Of weights and radians after a round trip; files have six decimals."""


def seconds_as_unreal(stamp):
    """Epic's importer: whole hours, minutes, seconds, and the frame field over 60."""
    hours, minutes, seconds, frames = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(frames) / 60.0


def test_the_csv_has_the_63_columns_and_times_of_epics_importer(tmp_path):
    motion = lively_motion(load_head(), 70, fps=24.0)
    with export(motion, tmp_path / "a.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert len(header) == 63 and len(rows) == 70 and {len(row) for row in rows} == {63}
    assert header[:3] == ["Timecode", "BlendshapeCount", "EyeBlinkLeft"] and header[-1] == "RightEyeRoll"
    assert {name.lower() for name in header[2:54]} == {name.lower() for name in ARKIT_52}
    assert {row[1] for row in rows} == {"61"}
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d:\d\d\.\d\d\d", row[0]) for row in rows)
    times = [seconds_as_unreal(row[0]) for row in rows]
    assert np.abs(np.array(times) - np.arange(70) / 24.0).max() < 1e-5
    weights = np.array([row[2:54] for row in rows], float)
    assert weights.min() >= 0.0 and weights.max() <= 1.0


def as_unreal_reads(path):
    """Curves by name and seconds, by the rules of LiveLinkFaceImporterFactory.cpp."""
    lines = [line for line in path.read_text().splitlines() if line]
    keys = lines[0].split(",")
    assert len(keys) >= 3 and keys[0].lower() == "timecode" and keys[1].lower() == "blendshapecount"
    seconds, rows = [], []
    for line in lines[1:]:
        values = line.split(",")
        assert len(values) == len(keys)
        parts = values[0].split(":")
        assert len(parts) == 4
        hours, minutes, whole = (int(part) for part in parts[:3])
        seconds.append(hours * 3600 + minutes * 60 + whole + float(parts[3]) / 60.0)
        rows.append([float(value) for value in values[2:]])
    return np.array(seconds), dict(zip(keys[2:], np.array(rows).T, strict=True))


@pytest.mark.parametrize("fps", [24.0, 30.0, 59.94])
def test_unreals_importer_finds_every_curve_at_its_time(fps, tmp_path):
    motion = lively_motion(load_head(), 40, fps=fps)
    seconds, curves = as_unreal_reads(export(motion, tmp_path / "slate_1_line_cal.csv"))
    assert np.abs(seconds - np.arange(40) / fps).max() < 2e-5
    expected = ArkitCurves(load_head()).of(motion)
    for column, name in enumerate(CURVES):
        assert np.abs(curves[name[0].upper() + name[1:]] - expected[:, column]).max() < 1e-6


def test_the_json_says_fps_names_and_frames(tmp_path):
    motion = lively_motion(load_head(), 3)
    content = json.loads(export(motion, tmp_path / "a.json").read_text())
    assert list(content) == ["fps", "names", "frames"] and content["fps"] == 30.0
    assert content["names"] == [*ARKIT_ORDER, *FACE_ANGLES]
    assert np.allclose(content["frames"], ArkitCurves(load_head()).of(motion), atol=1e-9)


def test_timecodes_wrap_at_midnight():
    assert timecode(59.9999999) == "00:01:00:00.000"
    assert timecode(3723.5) == "01:02:03:30.000"
    assert timecode(86400.0 + 1.0 / 60.0) == "00:00:00:01.000"


def test_arkit_controls_pass_unchanged_and_angles_have_the_stated_signs():
    motion = arkit_motion(20)
    curves = ArkitCurves(load_head()).of(motion)
    expected = controls_of(motion)[:, [CONTROLS.index(name) for name in ARKIT_ORDER]]
    assert np.abs(curves[:, :52] - expected).max() < TOLERANCE
    left, down, to_right_shoulder = (np.eye(3, dtype=np.float32)[axis] * 0.3 for axis in (1, 0, 2))
    still = still_motion(load_head(), 3)
    turned = replace(still, neck_pose=np.stack([left, down, to_right_shoulder]))
    assert np.allclose(ArkitCurves(load_head()).of(turned)[:, 52:55], 0.3 * np.eye(3), atol=1e-6)
    whole = replace(still, global_pose=turned.neck_pose)
    assert np.allclose(ArkitCurves(load_head()).of(whole)[:, 52:55], 0.3 * np.eye(3), atol=1e-6)


def test_shapes_beyond_arkit_become_the_nearest_ones():
    head = load_head()
    controls = np.zeros((1, NUM_EXPRESSION), np.float32)
    for name in ("mouthCornerPull", "mouthPurse", "browInnerUpLeft", "lipsPart"):
        controls[:] = 0.0
        controls[0, CONTROLS.index(name)] = 0.8
        motion = replace(still_motion(head, 1), expression=controls.copy())
        curves = ArkitCurves(head).of(motion)[:, :52]
        near = np.zeros_like(controls)
        near[:, [CONTROLS.index(item) for item in ARKIT_ORDER]] = curves
        wanted, found = (head.pose_vertices(expression=item)[0] - head.template for item in (controls, near))
        assert np.linalg.norm(found - wanted) < 0.85 * np.linalg.norm(wanted), name


def test_a_sealed_mouth_closes_what_the_jaw_opens():
    controls = np.zeros((1, NUM_EXPRESSION), np.float32)
    controls[0, [CONTROLS.index("jawOpen"), CONTROLS.index("lipSeal")]] = 0.4, 1.0
    head = load_head()
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    motion = replace(still_motion(head, 1), expression=pose.expression, jaw_pose=pose.jaw_pose)
    curves = ArkitCurves(head).of(motion)[0]
    assert curves[CURVES.index("mouthClose")] == pytest.approx(0.4, abs=TOLERANCE)


def test_nearest_mixes_are_optimal():
    """Karush-Kuhn-Tucker: no slope where a weight is used, none that would help where it is zero."""
    rng = np.random.default_rng(3)
    shapes, wanted = rng.standard_normal((12, 60)), rng.standard_normal((5, 60))
    shapes[4] = 0.0
    weights = nearest_mixes(wanted, shapes)
    slope = (wanted - weights @ shapes) @ shapes.T
    assert weights.min() == 0.0 and np.all(weights[:, 4] == 0.0)
    assert np.abs(slope[weights > 0.0]).max() < 1e-6 and slope.max() < 1e-6


def test_heads_without_named_shapes_are_refused(tmp_path):
    plain = replace(load_head(), control_joints=())
    with pytest.raises(HeadError, match="shapes have names"):
        export(still_motion(load_head(), 1), tmp_path / "a.csv", head=plain)
    assert not list(tmp_path.iterdir())


@settings(max_examples=25, deadline=None)
@given(
    frames=st.integers(2, 40),
    fps=st.sampled_from([12.0, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0, 100.0, 7.3]),
    suffix=st.sampled_from([".csv", ".json"]),
    seed=st.integers(0, 1000),
)
def test_what_a_capture_can_hold_comes_back(tmp_path_factory, frames, fps, suffix, seed):
    motion = arkit_motion(frames, fps=fps, seed=seed)
    path = tmp_path_factory.mktemp("round") / f"a{suffix}"
    capture = read_capture(export(motion, path))
    back = capture.motion
    assert (capture.unmatched, capture.missing) == ((), ())
    assert back.num_frames == frames and back.fps == pytest.approx(fps, rel=2e-4)
    assert np.abs(controls_of(back) - controls_of(motion)).max() < TOLERANCE
    turns = [rotation_matrix(item.neck_pose.astype(np.float64)) for item in (back, motion)]
    assert np.abs(turns[0] - turns[1]).max() < 4e-6


def test_long_clips_come_back_at_their_very_rate(tmp_path):
    for fps in (24000 / 1001, 25.0, 30000 / 1001, 60.0):
        motion = arkit_motion(300, fps=fps)
        assert read_motion(export(motion, tmp_path / "a.csv")).fps == fps
