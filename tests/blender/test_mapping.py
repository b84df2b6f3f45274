"""Shape-key names of other people's rigs and axes: parts of the extension that need no Blender."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.core.names import ARKIT_ORDER
from face_emote.core.rotations import quaternions, rotation_matrix
from face_emote.emotion.grammar import describe
from face_emote.formats.mesh.options import MeshOptions
from tools.build_extension import build, engine_wheel, package_version

from .test_protocol import ROOT, extension_module

mapping, axes = (extension_module(f"apply.{name}") for name in ("mapping", "axes"))
ARKIT_PRESET = mapping.built_in_presets()[0]


def renamed(name: str, style: str) -> str:
    side = next((word for word in ("Left", "Right") if name.endswith(word)), "")
    base = name.removesuffix(side)
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in base)
    return {
        "daz": name[0].upper() + name[1:],
        "lower": name.lower(),
        "short": f"{base}_{side[:1]}" if side else base,
        "dot": f"{snake}.{side.lower()}" if side else snake,
        "mesh": f"head_lod0_mesh__{base}{side[:1]}",
        "prefix": f"blendShape1.{name}",
        "reallusion": f"A14_{'_'.join(part.title() for part in snake.split('_'))}{'_' + side if side else ''}",
    }[style]


@pytest.mark.parametrize("style", ["daz", "lower", "short", "dot", "mesh", "prefix", "reallusion"])
def test_arkit_keys_are_known_in_any_spelling(style):
    keys = [renamed(name, style) for name in ARKIT_ORDER]
    match = mapping.best_match(mapping.built_in_presets(), keys=[*keys, "Basis tail wag"], sources=ARKIT_ORDER)
    assert match.preset.name == "arkit" and match.lost_sources == () and match.idle_keys == ("Basis tail wag",)
    assert [(row.key, row.source) for row in match.rows] == list(zip(keys, ARKIT_ORDER, strict=True))


@pytest.mark.parametrize(
    ("keys", "preset", "least"),
    [
        (["viseme_aa", "viseme_PP", "viseme_O", "viseme_U", "viseme_FF", "viseme_I", "viseme_E"], "meta_visemes", 8),
        (["aa_02", "p_b_m_21", "f_v_18", "ao_03", "w_uw_07", "y_iy_ih_ix_06", "sil_00"], "microsoft_visemes", 7),
        (["aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight", "happy", "angry"], "vrm1", 12),
        (["Fcl_MTH_A", "Fcl_MTH_I", "Fcl_MTH_U", "Fcl_EYE_Close_L", "Fcl_EYE_Close_R"], "vrm0", 6),
        (["CTRL_expressions_jawOpen", "CTRL_expressions_mouthCornerPullL", "CTRL_expressions_mouthCornerPullR",
          "CTRL_expressions_browRaiseInL", "CTRL_expressions_mouthFunnelUL"], "metahuman", 5),
    ],
)  # fmt: skip
def test_conventions_are_recognised(keys, preset, least):
    match = mapping.best_match(mapping.built_in_presets(), keys=keys, sources=ARKIT_ORDER)
    assert match.preset.name == preset and len({row.source for row in match.rows}) >= least


RHUBARB = [*"ABCDEFGHX"]
BLAIR = ["A_I", "E", "O", "U", "L", "W_Q", "M_B_P", "F_V", "etc", "rest"]
CC4 = [
    "V_Open", "V_Explosive", "V_Dental_Lip", "V_Tight_O", "V_Tight", "V_Wide", "V_Affricate", "V_Lip_Open",
    "Brow_Raise_Inner_L", "Brow_Raise_Inner_R", "Brow_Drop_L", "Brow_Drop_R", "Eye_Blink_L", "Eye_Blink_R",
    "Eye_Squint_L", "Eye_Squint_R", "Mouth_Smile_L", "Mouth_Smile_R", "Mouth_Frown_L", "Mouth_Frown_R", "Cheek_Raise_L",
    "Cheek_Raise_R", "Eye_L_Look_L", "Eye_L_Look_R",
]  # fmt: skip
CC3 = [name.removeprefix("V_").replace("Tight_O", "Tight-O") for name in CC4 if "Look" not in name]
G9 = [
    f"facs_bs_{name}{side}_div2" for side in ("Left", "Right")
    for name in ("MouthSmile", "MouthFrown", "EyeBlink", "BrowInnerUp", "BrowDown", "MouthCloseLower",
                 "MouthCloseUpper", "MouthFunnelLower", "MouthFunnelUpper", "MouthPurseLower",
                 "CheekPuff", "EyelidOpenUpper")
] + ["Genesis9__facs_bs_JawOpen", "facs_jnt_JawLeft"]  # fmt: skip
G8 = [f"head__eCTRL{name}" for name in (
    "vAA", "vEE", "vEH", "vER", "vF", "vIH", "vIY", "vL", "vM", "vOW", "vUW", "vW", "MouthSmileSimpleL",
    "MouthSmileSimpleR", "BrowInnerUp-DownL", "BrowInnerUp-DownR", "EyesClosedL", "EyesClosedR")]  # fmt: skip
MMD = [
    "あ",
    "い",
    "う",
    "え",
    "お",
    "まばたき",
    "笑い",
    "ウィンク",
    "ウィンク右",
    "怒り",
    "困る",
    "口角上げ",
    "▲",
    "びっくり",
]
VROID = [f"Face.M_F00_000_00_Fcl_{name}" for name in (
    "MTH_A", "MTH_I", "MTH_U", "MTH_E", "MTH_O", "EYE_Close_L", "EYE_Close_R", "BRW_Angry", "MTH_Joy")]  # fmt: skip
UNITS = ["mouth-open", "mouth-compression", "mouth-corner-puller", "mouth-pursing", "mouth-part-later",
         "eye-left-closure", "eye-right-closure", "eyebrows-left-down", "eyebrows-right-inner-up"]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "preset", "plays"),
    [
        (RHUBARB, "rhubarb", {"jawOpen": "D", "mouthPucker": "F", "mouthRollLower": "G"}),
        ([f"mouth_{name}" for name in RHUBARB], "rhubarb", {"jawOpen": "mouth_D", "mouthPucker": "mouth_F"}),
        (BLAIR, "preston_blair", {"jawOpen": "A_I", "mouthFunnel": "O", "mouthRollLower": "F_V"}),
        (CC4, "character_creator", {"jawOpen": "V_Open", "mouthPucker": "V_Tight", "eyeLookInLeft": "Eye_L_Look_R",
                                    "mouthSmileLeft": "Mouth_Smile_L", "mouthRollLower": "V_Dental_Lip"}),
        (CC3, "character_creator", {"jawOpen": "Open", "mouthFunnel": "Tight-O", "browDownRight": "Brow_Drop_R"}),
        (G9, "daz_facs", {"jawOpen": "Genesis9__facs_bs_JawOpen", "jawLeft": "facs_jnt_JawLeft",
                          "eyeWideLeft": "facs_bs_EyelidOpenUpperLeft_div2"}),
        (G8, "daz_g8", {"jawOpen": "head__eCTRLvAA", "mouthFunnel": "head__eCTRLvOW",
                        "eyeBlinkLeft": "head__eCTRLEyesClosedL"}),
        (MMD, "mmd", {"jawOpen": "あ", "mouthFunnel": "お", "eyeBlinkLeft": "まばたき", "browDownLeft": "怒り"}),
        (VROID, "vrm0", {"jawOpen": "Face.M_F00_000_00_Fcl_MTH_A",
                         "eyeBlinkLeft": "Face.M_F00_000_00_Fcl_EYE_Close_L"}),
        (UNITS, "mpfb_units", {"jawOpen": "mouth-open", "eyeBlinkLeft": "eye-left-closure",
                               "mouthPucker": "mouth-pursing"}),
    ],
)  # fmt: skip
def test_production_names_are_recognised_and_each_curve_finds_its_key(keys, preset, plays):
    match = mapping.best_match(mapping.built_in_presets(), keys=keys, sources=ARKIT_ORDER)
    assert match.preset.name == preset
    first = {}
    for row in match.rows:
        if row.weight > 0.0:
            first.setdefault(row.source, row.key)
    assert {source: first.get(source) for source in plays} == plays


@pytest.mark.parametrize(("keys", "rest"), [(RHUBARB, ["A", "X"]), (BLAIR, ["M_B_P", "rest"])])
def test_a_charts_closed_mouth_never_opens_the_jaw(keys, rest):
    match = mapping.best_match(mapping.built_in_presets(), keys=keys, sources=ARKIT_ORDER)
    assert not [row for row in match.rows if row.key in rest and row.source == "jawOpen"]


def test_single_letters_are_vowels_only_where_all_five_are():
    names = ["A", "I", "U", "E", "O", "Blink_L", "Blink_R", "Joy"]
    match = mapping.best_match(mapping.built_in_presets(), keys=names, sources=ARKIT_ORDER)
    assert match.preset.name == "vrm0" and ("A", "jawOpen") in [(row.key, row.source) for row in match.rows]
    some = mapping.best_match(mapping.built_in_presets(), keys=["A", "B", "Blink_L", "Blink_R"], sources=ARKIT_ORDER)
    assert not [row for row in some.rows if row.key == "A"]


def test_a_direct_key_is_preferred_to_a_viseme_that_says_the_same():
    keys = [*CC4, "Jaw_Open", "Mouth_Close"]
    match = mapping.best_match(mapping.built_in_presets(), keys=keys, sources=ARKIT_ORDER)
    assert {row.key for row in match.rows if row.source in ("jawOpen", "mouthClose")} == {"Jaw_Open", "Mouth_Close"}


def test_every_preset_row_names_a_curve():
    for preset in mapping.built_in_presets():
        assert preset.rows and {row.source for row in (*preset.rows, *preset.otherwise)} <= set(ARKIT_ORDER)


def test_one_shape_of_the_convention_plays_both_halves_of_a_split_one():
    match = mapping.matched(ARKIT_PRESET, keys=["browInnerUp_L", "browInnerUp_R", "cheekPuffLeft"], sources=ARKIT_ORDER)
    assert {row.key for row in match.rows if row.source == "browInnerUp"} == {"browInnerUp_L", "browInnerUp_R"}


@given(st.text("abLR_.: -é1#", max_size=40))
def test_any_name_can_be_normalised(name):
    assert isinstance(mapping.normalised(name), str)


def test_the_matrix_is_the_rows_summed():
    rows = (mapping.Row("A", "jawOpen", 1.0), mapping.Row("A", "mouthClose", -1.0), mapping.Row("B", "jawOpen", 0.5))
    keys, matrix = mapping.mapping_matrix(rows, sources=ARKIT_ORDER)
    weights = np.random.default_rng(0).random((5, 52), np.float32)
    expected = np.zeros((5, 2))
    for row in rows:  # The slow twin.
        expected[:, keys.index(row.key)] += row.weight * weights[:, ARKIT_ORDER.index(row.source)]
    np.testing.assert_allclose(weights @ matrix, expected, atol=1e-6)


def test_a_mapping_survives_its_file_and_a_damaged_file_is_told(tmp_path):
    rows = (mapping.Row("Mouth Open", "jawOpen", 0.8), mapping.Row('quote"d', "mouthClose", -0.5))
    mapping.save_preset(tmp_path / "mine.json", title="Mine", rows=rows)
    assert mapping.load_preset(tmp_path / "mine.json").rows == rows
    (tmp_path / "bad.json").write_text('{"title": "x", "rows": [["a"]]}')
    with pytest.raises(ValueError, match="no mapping preset"):
        mapping.load_preset(tmp_path / "bad.json")


def test_bones_are_guessed_by_name():
    assert mapping.guessed_bones(["Root", "mixamorig:Neck", "Jaw", "eye.L", "eye.R"]) == {
        "neck": "mixamorig:Neck", "jaw": "Jaw", "eye_left": "eye.L", "eye_right": "eye.R"
    }  # fmt: skip
    assert mapping.guessed_bones(["spine", "foot.L"]) == {}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["ORG-jaw", "DEF-jaw", "MCH-eye.L", "ORG-neck", "jaw_master", "neck", "master_eye.L", "eye.L", "eye.R"],
         {"neck": "neck", "jaw": "jaw_master"}),
        (["root.x", "neck.x", "c_neck.x", "c_jawbone.x", "jawbone.x", "c_eye.l", "c_eye.r"],
         {"neck": "c_neck.x", "jaw": "c_jawbone.x", "eye_left": "c_eye.l", "eye_right": "c_eye.r"}),
        (["pelvis", "neck_01", "head"], {"neck": "neck_01"}),
        (["neckLower", "lowerJaw", "lEye", "rEye"],
         {"neck": "neckLower", "jaw": "lowerJaw", "eye_left": "lEye", "eye_right": "rEye"}),
        (["neck1", "neck2", "lowerjaw", "l_eye", "r_eye"],
         {"neck": "neck1", "jaw": "lowerjaw", "eye_left": "l_eye", "eye_right": "r_eye"}),
        (["首", "目.L", "目.R"], {"neck": "首", "eye_left": "目.L", "eye_right": "目.R"}),
        (["CC_Base_NeckTwist01", "CC_Base_JawRoot", "CC_Base_L_Eye", "CC_Base_R_Eye"],
         {"neck": "CC_Base_NeckTwist01", "jaw": "CC_Base_JawRoot", "eye_left": "CC_Base_L_Eye",
          "eye_right": "CC_Base_R_Eye"}),
    ],
)  # fmt: skip
def test_bones_of_production_rigs_are_guessed(names, found):
    assert mapping.guessed_bones(names) == found


def test_axes_agree_with_the_engines_z_up():
    points = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    np.testing.assert_allclose(axes.placed(points), MeshOptions(up="z").placed(points))
    np.testing.assert_allclose(points @ axes.TO_BLENDER.T, axes.placed(points), atol=1e-6)


def test_rotations_turn_points_as_the_engine_does():
    turn = rotation_matrix(np.array([[0.1, -0.3, 0.2], [0.3, 0.0, -0.1]]))
    points = np.random.default_rng(2).normal(size=(2, 3))
    own = axes.blender_rotations(quaternions(turn)[:, [3, 0, 1, 2]])
    turned = np.einsum("frc,fc->fr", turn, points)
    np.testing.assert_allclose(np.einsum("frc,fc->fr", own, axes.placed(points)), axes.placed(turned), atol=1e-6)
    np.testing.assert_allclose(axes.rotation_matrices(axes.quaternions_of(own)), own, atol=1e-9)


def test_turns_of_any_size_are_quaternions_without_jumps():
    """A course through a whole turn: every quaternion is its rotation, and neighbours lie close together."""
    vectors = np.linspace(0.0, 2.2 * np.pi, 90)[:, None] * np.array([0.6, -0.64, 0.48])
    turns = axes.turned_by(vectors)
    course = axes.continuous(axes.quaternions_of(turns))
    np.testing.assert_allclose(axes.rotation_matrices(course), turns, atol=1e-9)
    assert (course[1:] * course[:-1]).sum(axis=1).min() > 0.99 and course[:, 0].min() < -0.9
    np.testing.assert_allclose(turns, rotation_matrix(vectors), atol=1e-9)


def test_a_bones_own_axes_do_not_change_what_its_points_do():
    turn = rotation_matrix(np.array([[0.2, 0.1, -0.15]]))
    rest = rotation_matrix(np.array([[1.0, 0.4, -0.7]]))[0]
    np.testing.assert_allclose(rest @ axes.in_bone_space(turn, rest)[0] @ rest.T, turn[0], atol=1e-12)


def test_every_emotion_preset_can_be_read():
    for words in json.loads((ROOT / "blender_addon" / "presets" / "emotions.json").read_text()).values():
        describe(words)


def test_the_zip_is_the_same_twice_and_holds_what_blender_wants(tmp_path):
    first, second = build(tmp_path), None
    content = first.read_bytes()
    second = build(tmp_path).read_bytes()
    assert content == second and len(content) < 20e6
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        manifest = archive.read("blender_manifest.toml").decode()
        licence = archive.read("LICENSE").decode()
    assert "GNU GENERAL PUBLIC LICENSE" in licence and "Version 3" in licence and "END OF TERMS" in licence
    assert set(tomllib.loads(manifest)["permissions"]) == {"files", "clipboard"}
    wheel = next(name for name in names if name.endswith(".whl"))
    assert f'wheels = ["./{wheel}"]' in manifest and "network" not in manifest
    assert f'version = "{package_version()}"' in manifest and 'blender_version_min = "4.5.0"' in manifest
    assert "__init__.py" in names and not any("__pycache__" in name for name in names)


def test_the_engine_wheel_has_what_the_worker_imports_and_no_trainer(tmp_path):
    name, content = engine_wheel()
    path = tmp_path / name
    path.write_bytes(content)
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        record = wheel.read(next(item for item in names if item.endswith("RECORD"))).decode()
        assert "Requires-Dist: numpy" in wheel.read(next(item for item in names if item.endswith("METADATA"))).decode()
    assert "face_emote/worker/server.py" in names and "face_emote/assets/flame/head.npz" in names
    assert not any(
        item.startswith(("face_emote_lab", "face_emote/cli", "face_emote/shaders/kernels")) for item in names
    )
    assert len(record.splitlines()) == len(names)


def test_what_the_engine_in_the_wheel_imports_is_in_the_wheel(tmp_path):
    """As the worker starts, and as it reads a table of lines."""
    name, content = engine_wheel()
    (tmp_path / name).write_bytes(content)
    with zipfile.ZipFile(tmp_path / name) as wheel:
        wheel.extractall(tmp_path / "engine")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import face_emote.worker.server, face_emote.worker.lines"
    code += "; assert face_emote.__file__.startswith(sys.argv[1])"
    done = subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path / "engine")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-600:]


def test_only_the_extension_is_gpl_and_every_source_says_so():
    for path in (ROOT / "blender_addon").rglob("*.py"):
        assert path.read_text().startswith("# SPDX-License-Identifier: GPL-3.0-or-later\n"), path
    assert "wheels" not in [Path(name).parent.name for name in map(str, (ROOT / "blender_addon").rglob("*.whl"))]
