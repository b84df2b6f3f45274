"""Other faces' targets: bundled rigs, a user's own mapping, cues, and files as those programs write them."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from fabricated import lively_motion, still_motion
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.core.errors import OptionError
from face_emote.core.names import ARKIT_52, CONTROLS
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.captures import read_capture
from face_emote.formats.rig import RigCurves
from face_emote.rigs.nonnegative import nonnegative_weights
from face_emote.rigs.rig_file import load_rig, rig_names
from face_emote.verbs.export import export


@pytest.fixture(scope="module")
def motion():
    return lively_motion(load_head(), 20)


def showing(num_frames=3, **controls):
    """A face with these controls."""
    head = load_head()
    rows = np.zeros((num_frames, len(CONTROLS)), np.float32)
    for name, value in controls.items():
        rows[:, CONTROLS.index(name)] = value
    pose = pose_from_controls(rows, control_joints=head.control_joints)
    from dataclasses import replace

    still = still_motion(head, num_frames)
    return replace(still, expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)


def values_of(motion, rig):
    curves = RigCurves(load_head(), rig=load_rig(rig))
    return dict(zip(curves.names, curves.of(motion)[0], strict=True))


def cue_of(motion):
    rig = load_rig("rhubarb")
    return rig.cues[int(RigCurves(load_head(), rig=rig).cue_index(motion)[0])].name


def test_every_bundled_rig_can_be_read_and_written(motion, tmp_path):
    assert {"arkit", "oculus", "vrm", "vroid", "metahuman", "rhubarb", "controls"} <= set(rig_names())
    for name in rig_names():
        rig = load_rig(name.upper())
        path = export(motion, tmp_path / f"{name}{'.tsv' if rig.cues else '.csv'}", rig=name)
        assert path.stat().st_size > 50
    assert len(load_rig("oculus").shapes) == 15 and len(load_rig("rhubarb").cues) == 9


def test_visemes_name_the_mouth_that_is_shown():
    for name, recipe in {item.name: item.weights for item in load_rig("oculus").shapes}.items():
        if name in ("aa", "ou", "oh", "PP", "FF", "CH", "SS"):
            found = values_of(showing(**{k: v for k, v in recipe.items()}), "oculus")
            assert max(found, key=found.get) == name, (name, found)
    assert values_of(showing(), "oculus")["sil"] == 1.0


def test_a_smile_is_no_viseme():
    found = values_of(showing(mouthSmileLeft=0.9, mouthSmileRight=0.9), "oculus")
    assert found["sil"] > 0.75


def test_vrm_lids_looks_and_joy():
    found = values_of(showing(eyeBlinkLeft=0.7, mouthSmileLeft=0.8, mouthSmileRight=0.8, cheekSquintLeft=0.6,
                              cheekSquintRight=0.6), "vrm")  # fmt: skip
    assert found["blinkLeft"] == pytest.approx(0.7) and found["blinkRight"] == 0.0
    assert found["happy"] > 0.6 > found["angry"] + found["sad"]
    looks = values_of(showing(eyeLookOutLeft=0.5, eyeLookInRight=0.5), "vrm")
    assert looks["lookLeft"] == pytest.approx(0.5, abs=0.01) and looks["lookRight"] == 0.0


def test_metahuman_controls_take_the_shape_of_the_same_muscle():
    found = values_of(showing(eyeLookInLeft=0.4, mouthFunnel=0.6, browDownRight=0.5), "metahuman")
    assert found["CTRL_expressions_eyeLookRightL"] == pytest.approx(0.4, abs=0.01)
    assert found["CTRL_expressions_mouthFunnelUL"] == found["CTRL_expressions_mouthFunnelDR"] == pytest.approx(0.6)
    assert found["CTRL_expressions_browDownR"] == pytest.approx(0.5) and found["CTRL_expressions_browDownL"] == 0.0


def test_cues_follow_rhubarbs_descriptions():
    assert cue_of(showing(lipSeal=1.0, jawOpen=0.1)) == "A"
    assert cue_of(showing(jawOpen=0.65, mouthLowerDownLeft=0.2, mouthLowerDownRight=0.2)) == "D"
    assert cue_of(showing(mouthPucker=0.8, jawOpen=0.1)) == "F"
    assert cue_of(showing()) == "X"


def test_cue_files_have_rhubarbs_own_form(motion, tmp_path):
    lines = export(motion, tmp_path / "a.tsv", rig="rhubarb").read_text().splitlines()
    assert all(re.fullmatch(r"\d+\.\d\d\t[A-HX]", line) for line in lines)
    assert lines[0].startswith("0.00\t") and lines[-1] == "0.66\tX"  # 20 frames at 30: 0.6667 s, cut.
    found = json.loads(export(motion, tmp_path / "a.json", rig="rhubarb").read_text())
    assert found["metadata"] == {"soundFile": "line.wav", "duration": 0.66}
    cues = found["mouthCues"]
    assert [f"{cue['start']:.2f}\t{cue['value']}" for cue in cues] == lines[:-1]
    assert all(before["end"] == after["start"] for before, after in pairwise(cues))
    assert cues[-1]["end"] == 0.66


def test_an_own_mapping_sums_limits_and_understands_every_spelling(tmp_path):
    file = tmp_path / "heroine.toml"
    file.write_text(
        'title = "Heroine"\n[sums]\nSmile_L = { MOUTH_SMILE_LEFT = 2.0, limits = [0.0, 0.5] }\n'
        'Brow = { "blendShape1.browInnerUp" = 0.5, browOuterUp_L = 0.25 }\nRed = { blood_cheek_left = 1.0 }\n'
    )
    found = values_of(showing(mouthSmileLeft=0.4, browInnerUp=0.8, browOuterUpLeft=0.4), file)
    assert found["Smile_L"] == 0.5 and found["Brow"] == pytest.approx(0.5) and found["Red"] == 0.0


def test_a_list_of_names_is_matched_and_the_unmatched_are_told(motion, tmp_path):
    from face_emote.cli.main import main
    from face_emote.formats.motion_file import write_motion

    file = tmp_path / "model.txt"
    file.write_text("EYE_BLINK_L\neyeBlink.R\nl_mouth_smile\nCape_Flutter\n# a comment\n")
    rig = load_rig(file)
    assert [next(iter(item.weights)) for item in rig.sums] == ["eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft"]
    assert rig.unmatched == ("Cape_Flutter",)
    path = write_motion(motion, tmp_path / "line.npz")
    assert main(["export", str(path), "-o", str(tmp_path / "a.csv"), "--rig", str(file)]) == 0
    assert (tmp_path / "a.csv").read_text().startswith("time,EYE_BLINK_L,eyeBlink.R,l_mouth_smile\n0.000000,")


def test_unmatched_names_reach_the_user(motion, tmp_path, capsys):
    from face_emote.cli.main import main
    from face_emote.formats.motion_file import write_motion

    (tmp_path / "model.txt").write_text("eyeBlinkLeft\nCape_Flutter\n")
    path = write_motion(motion, tmp_path / "line.npz")
    main(["export", str(path), "-o", str(tmp_path / "a.json"), "--rig", str(tmp_path / "model.txt")])
    assert "left out, means none of our curves: Cape_Flutter" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sums]\nA = { mouthSmirk = 1.0 }", "target 'A' wants the curve 'mouthSmirk', which does not exist"),
        ("[sums]\nA = 3", "target 'A' is no table"),
        ("[sums]\nA = { jawOpen = true }", "where a number up to 1000 is wanted"),
        ("[sums]\nA = { jawOpen = 1.0, JawOpen = 1.0 }", "names the curve jawOpen twice"),
        ("[sums]\nA = { jawOpen = 1.0, limits = [1.0, 0.0] }", "the lower limit 1 is not below the upper one 0"),
        ("[sums]\nA = { jawOpen = nan }", "where a number up to 1000 is wanted"),
        ("[sums]\n[shapes]\n", "it has no targets"),
        ("title = 3", "none of the tables"),
        ("[sums\n", "Not a usable rig"),
        ("[magic]\nA = {}\n[sums]\nB = { jawOpen = 1.0 }", "'magic' means nothing in a rig"),
    ],
)
def test_a_damaged_mapping_gets_one_clear_sentence(text, message, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(OptionError, match=message):
        load_rig(file)


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200), suffix=st.sampled_from([".toml", ".json", ".txt"]))
def test_any_bytes_are_a_rig_or_refused(tmp_path_factory, body, suffix):
    file = tmp_path_factory.mktemp("rig") / f"a{suffix}"
    file.write_bytes(body)
    try:
        load_rig(file)
    except OptionError as error:
        assert str(file) in str(error)


def test_unknown_rigs_and_wrong_endings_are_named(motion, tmp_path):
    with pytest.raises(OptionError, match=r"no rig 'blob'; choose among arkit, controls"):
        export(motion, tmp_path / "a.csv", rig="blob")
    with pytest.raises(OptionError, match=r"rig rhubarb is written as \.tsv, \.json, not as '\.csv'"):
        export(motion, tmp_path / "a.csv", rig="rhubarb")
    with pytest.raises(OptionError, match="have no place for a level of detail"):
        export(motion, tmp_path / "a.csv", rig="oculus", lod=1)
    assert not list(tmp_path.iterdir())


def test_rig_files_are_the_same_bytes_and_agree_among_formats(motion, tmp_path):
    for suffix in (".csv", ".json", ".npz"):
        first, second = (export(motion, tmp_path / f"{name}{suffix}", rig="arkit").read_bytes() for name in "ab")
        assert first == second
    with np.load(tmp_path / "a.npz") as stored:
        names, values = stored["names"].tolist(), stored["values"]
    data = json.loads((tmp_path / "a.json").read_text())
    assert data["names"] == names and np.allclose(data["frames"], values, atol=1e-6)
    assert names[0] == "eyeBlinkLeft" and set(ARKIT_52) <= set(names)


def test_a_table_of_arkit_curves_comes_back(motion, tmp_path):
    path = export(motion, tmp_path / "a.csv", rig="arkit")
    again = read_capture(path)
    direct = read_capture(export(motion, tmp_path / "b.csv"))
    assert not again.unmatched and again.motion.fps == motion.fps
    assert np.abs(again.motion.expression - direct.motion.expression).max() < 2e-6
    assert np.abs(again.motion.neck_pose - direct.motion.neck_pose).max() < 2e-6


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_nonnegative_weights_cannot_be_bettered_by_any_small_step(seed):
    rng = np.random.default_rng(seed)
    shapes, wanted = rng.normal(size=(5, 12)), rng.normal(size=(3, 12))
    gram, goal = shapes @ shapes.T, wanted @ shapes.T
    weights = nonnegative_weights(gram, goal, upper=0.8)
    slope = weights @ gram - goal
    assert weights.min() >= 0.0 and weights.max() <= 0.8
    assert np.all((np.abs(slope) < 1e-4) | ((weights == 0.0) & (slope > 0.0)) | ((weights == 0.8) & (slope < 0.0)))
