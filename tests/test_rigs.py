"""Other faces' targets: bundled rigs, a user's own mapping, cues, and files as those programs write them."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fabricated import lively_motion, still_motion
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.core.errors import FaceEmoteWarning, OptionError
from face_emote.core.motion import view_of
from face_emote.core.names import ARKIT_52, CONTROLS
from face_emote.core.rotations import rotation_matrix
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.captures import read_capture
from face_emote.formats.rig import RigCurves
from face_emote.rigs.nonnegative import nonnegative_weights
from face_emote.rigs.rig_file import load_rig, rig_names
from face_emote.rigs.vowels import VOWEL_SOUNDS
from face_emote.verbs.animate import animate
from face_emote.verbs.export import export
from tools.vowel_figures import vowel_figures, vowel_frames


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
        assert path.stat().st_size > 40
    assert len(load_rig("oculus").shapes) == 15 and len(load_rig("rhubarb").cues) == 9


def test_visemes_name_the_mouth_that_is_shown():
    for name, recipe in {item.name: item.weights for item in load_rig("oculus").shapes}.items():
        if name in ("aa", "E", "ih", "ou", "oh", "PP", "FF", "CH", "SS"):
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


def test_unmatched_names_are_warned_of_in_python_as_on_the_command_line(motion, tmp_path, capsys):
    from face_emote.cli.main import main
    from face_emote.formats.motion_file import write_motion

    (tmp_path / "model.txt").write_text("eyeBlinkLeft\nCape_Flutter\n")
    path = write_motion(motion, tmp_path / "line.npz")
    target = tmp_path / "a.json"
    with pytest.warns(FaceEmoteWarning, match="No curves of ours, left out: Cape_Flutter: ") as warned:
        export(motion, target, rig=tmp_path / "model.txt")
    assert main(["export", str(path), "-o", str(target), "--rig", str(tmp_path / "model.txt")]) == 0
    assert f"face-emote: {warned[0].message}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sums]\nA = { mouthSmirk = 1.0 }", "target 'A' wants the curve 'mouthSmirk', which does not exist"),
        ("[sums]\nA = 3", "target 'A' must be a table of named values, got 3"),
        ("sums = 3", "sums must be a table of named values, got 3"),
        ("[sums]\nA = {}", "target 'A' of sums names no curve"),
        ("[absorbed]\nA = {}\n[shapes]\nB = { jawOpen = 1.0 }", "target 'A' of absorbed names no curve"),
        ('[sums]\n" " = { jawOpen = 1.0 }', "a target of sums has an empty name"),
        ("title = 3\n[sums]\nA = { jawOpen = 1.0 }", "title must be a text, got 3"),
        ("about = []\n[sums]\nA = { jawOpen = 1.0 }", "about must be a text, got a list of 0"),
        ("limits = 3\n[sums]\nA = { jawOpen = 1.0 }", "limits must be a list, got 3"),
        ("limits = [0.0, 2026-01-01]\n[sums]\nA = { jawOpen = 1.0 }", "limits of the rig must be a number"),
        ("[sums]\nA = { jawOpen = true }", "jawOpen of target 'A' must be a number from -1000 to 1000, got true"),
        ("[sums]\nA = { jawOpen = 1.0, JawOpen = 1.0 }", "names the curve jawOpen twice"),
        ("[sums]\nA = { jawOpen = 1.0, limits = [1.0, 0.0] }", "the lower limit 1 is not below the upper one 0"),
        ("[sums]\nA = { jawOpen = nan }", "jawOpen of target 'A' must be a number from -1000 to 1000, got nan"),
        ("[sums]\n[shapes]\n", "it has no targets"),
        ("title = 3", "none of the tables"),
        ("[sums\n", "Not a usable rig"),
        ("[shapes]\nA = { jawOpen = 1.0 }\n[vowels]\naa = 'B'", "vowels name 'B', which is none of the shapes"),
        ("[shapes]\nA = { jawOpen = 1.0 }\n[vowels]\nuh = 'A'", "'uh' means nothing of vowels; it may hold aa, ee"),
        (
            "[magic]\nA = {}\n[sums]\nB = { jawOpen = 1.0 }",
            "'magic' means nothing in it; it may hold title, about, limits, absorbed, vowels, sums",
        ),
    ],
)
def test_a_damaged_mapping_gets_one_clear_sentence(text, message, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(OptionError, match=message):
        load_rig(file)


RIG_JSON = {
    "title": "Own", "about": "..", "limits": [0.0, 1.0], "sums": {"A": {"jawOpen": 1.0, "limits": [0.0, 0.5]}},
    "shapes": {"B": {"mouthFunnel": 0.4}}, "cues": {"C": {"jawOpen": 0.2}}, "absorbed": {"D": {"mouthSmileLeft": 1.0}},
}  # fmt: skip


def places(value, path=()):
    """Every place in a JSON text, from the outside in."""
    yield path
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*path, name))


@pytest.mark.parametrize("wrong", [None, True, "text", 10**400, float("nan"), [None], {"a": None}])
@pytest.mark.parametrize("path", list(places(RIG_JSON)), ids=str)
def test_no_place_of_a_rig_takes_a_value_of_another_kind(path, wrong, tmp_path):
    content = json.loads(json.dumps(RIG_JSON))
    inner = content
    for name in path[:-1]:
        inner = inner[name]
    if path:
        inner[path[-1]] = wrong
    file = tmp_path / "a.json"
    file.write_text(json.dumps(content if path else wrong))
    if wrong == "text" and path and path[-1] in ("title", "about"):
        assert load_rig(file).name == "a"
        return
    with pytest.raises(OptionError, match="Not a usable rig: ") as caught:
        load_rig(file)
    assert str(caught.value).endswith(str(file)) and len(str(caught.value)) < 400
    if path and not isinstance(wrong, float | int) and isinstance(path[-1], str):
        assert str(path[-1]) in str(caught.value) or "names no curve" in str(caught.value) or "'a'" in str(caught.value)


def test_a_rig_may_be_given_as_what_its_file_would_hold(motion, tmp_path):
    (tmp_path / "own.json").write_text(json.dumps(RIG_JSON | {"cues": {}}))
    written = export(motion, tmp_path / "a.csv", rig=RIG_JSON | {"cues": {}})
    assert written.read_bytes() == export(motion, tmp_path / "b.csv", rig=tmp_path / "own.json").read_bytes()
    with pytest.raises(OptionError, match=r"it has none of the tables \[sums\], \[shapes\], \[cues\]"):
        export(motion, tmp_path / "a.csv", rig={"Smile": "mouthSmileLeft"})


@pytest.mark.filterwarnings("ignore::face_emote.core.errors.FaceEmoteWarning")
@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_every_curve_of_a_motion_that_the_controls_rig_writes_comes_back(suffix, tmp_path):
    """Within half of the sixth decimal; place, identity and who plays are no curves."""
    motion = lively_motion(load_head(), 70)
    capture = read_capture(export(motion, tmp_path / f"a{suffix}", rig="controls"))
    back = capture.motion
    assert not capture.unmatched and (back.fps, back.num_frames) == (motion.fps, motion.num_frames)
    for name in ("expression", "jaw_pose", "eye_pose", "wrinkles", "blood_flow"):
        assert np.abs(getattr(back, name) - getattr(motion, name)).max() < 2e-6, name
    turned = rotation_matrix(motion.global_pose.astype(float)) @ rotation_matrix(motion.neck_pose.astype(float))
    assert np.abs(rotation_matrix(back.neck_pose.astype(float)) - turned).max() < 4e-6


def test_the_controls_rig_shows_every_shape_once():
    found = values_of(showing(browInnerUp=0.2, innerBrowRaiseLeft=0.4, browInnerUpLeft=0.3, lipSeal=1.0, jawOpen=0.3),
                      "controls")  # fmt: skip
    assert found["browInnerUp"] == pytest.approx(0.2, abs=1e-6) and found["mouthClose"] == 0.0
    assert (found["innerBrowRaiseLeft"], found["lipSeal"]) == (pytest.approx(0.4), 1.0)
    assert values_of(showing(browInnerUpLeft=0.3), "arkit")["browInnerUp"] == pytest.approx(0.15, abs=1e-6)


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


@pytest.mark.filterwarnings("ignore:This take lies within one second")
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


@pytest.fixture(scope="module")
def spoken():
    """A sentence as it is performed, and its phones."""
    example = example_speech()[0]
    phones = analyse(example.path, transcript=example.transcript).phones
    return animate(example.path, transcript=example.transcript, emotion="neutral"), phones


@pytest.mark.parametrize(("name", "lip_error_mm"), [("vrm", 1.3), ("vroid", 1.3), ("oculus", 1.2)])
def test_the_vowel_that_is_said_leads_and_the_mouth_stays_near(spoken, name, lip_error_mm):
    """`python -m bench.rigs` has the figures of all five recordings."""
    figures = vowel_figures([spoken], rig=load_rig(name))
    assert figures.leads >= 0.7 and sum(figures.frames_of.values()) == 72
    often = [sound for sound, frames in figures.frames_of.items() if frames >= 12]
    assert len(often) == 3 and all(figures.leads_of[sound] >= 0.7 for sound in often), figures.leads_of
    assert figures.lip_error_mm < lip_error_mm


def test_vowels_are_told_by_what_comes_before_and_after_wherever_blocks_end(spoken):
    motion, curves = spoken[0], RigCurves(load_head(), rig=load_rig("vrm"))
    whole = curves.of(motion)
    cut = view_of(motion, lambda size: motion.blocks(50))
    assert np.abs(np.concatenate(list(curves.all_of(cut))) - whole).max() < 0.02  # The solver's last sweeps differ.
    assert np.abs(np.concatenate([curves.of(block) for block in motion.blocks(50)]) - whole).max() > 0.1


def test_no_vowel_frame_makes_a_rig_lead_with_a_random_vowel(spoken):
    """The measure itself: with the vowels' names exchanged it falls below a third."""
    motion, phones = spoken
    rig = load_rig("vrm")
    mixed = replace(rig, vowels={"aa": "ou", "ou": "ih", "ih": "oh", "oh": "ee", "ee": "aa"})
    said = vowel_frames(phones, num_frames=motion.num_frames, fps=motion.fps)
    columns = [RigCurves(load_head(), rig=rig).names.index(mixed.vowels[sound]) for sound in VOWEL_SOUNDS]
    shown = np.concatenate(list(RigCurves(load_head(), rig=rig).all_of(motion)))[:, columns]
    assert np.mean((shown.argmax(axis=1) == said)[said >= 0]) < 0.34
