"""Shape-key names of other people's rigs, axes and key reduction: the parts of the extension that need no Blender."""

import json
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

mapping, axes, decimate = (extension_module(f"apply.{name}") for name in ("mapping", "axes", "decimate"))
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


def test_every_preset_row_names_a_curve():
    for preset in mapping.built_in_presets():
        assert preset.rows and {row.source for row in preset.rows} <= set(ARKIT_ORDER)


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
    x, y, z = axes.euler_xyz(own)[0]
    alone = [rotation_matrix(np.array([a * axis])) for a, axis in zip((x, y, z), np.eye(3), strict=True)]
    np.testing.assert_allclose((alone[2] @ alone[1] @ alone[0])[0], own[0], atol=1e-9)


def test_a_bones_own_axes_do_not_change_what_its_points_do():
    turn = rotation_matrix(np.array([[0.2, 0.1, -0.15]]))
    rest = rotation_matrix(np.array([[1.0, 0.4, -0.7]]))[0]
    np.testing.assert_allclose(rest @ axes.in_bone_space(turn, rest)[0] @ rest.T, turn[0], atol=1e-12)


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60), st.floats(0.001, 0.2))
def test_dropped_keys_move_the_curve_less_than_the_tolerance(values, tolerance):
    values = np.array(values)
    kept = decimate.kept_frames(values, tolerance=tolerance)
    line = np.interp(np.arange(len(values)), kept, values[kept])
    assert np.abs(line - values).max() <= tolerance + 1e-12


def test_straight_lines_need_two_keys_and_still_ones_one():
    assert decimate.kept_frames(np.linspace(0.0, 1.0, 50), tolerance=0.01).tolist() == [0, 49]
    assert decimate.kept_frames(np.full(50, 0.3), tolerance=0.01).tolist() == [0]


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
    assert not any(item.startswith(("face_emote/train", "face_emote/cli", "face_emote/evaluation")) for item in names)
    assert len(record.splitlines()) == len(names)


def test_only_the_extension_is_gpl_and_every_source_says_so():
    for path in (ROOT / "blender_addon").rglob("*.py"):
        assert path.read_text().startswith("# SPDX-License-Identifier: GPL-3.0-or-later\n"), path
    assert "wheels" not in [Path(name).parent.name for name in map(str, (ROOT / "blender_addon").rglob("*.whl"))]
