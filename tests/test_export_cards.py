"""What a person wears in a file: a closed garment, hair as cards within a budget, brows and lashes that follow."""

import json
import subprocess

import numpy as np
import pytest
from fabricated import lively_motion
from glb_reader import Glb

from face_emote.blender_side.process import blender_python
from face_emote.core.errors import DependencyError, OptionError
from face_emote.core.names import CONTROLS
from face_emote.face.bundled import load_head
from face_emote.face.characters import character, characters
from face_emote.formats.mesh.attachments import attachments_of
from face_emote.verbs.export import export

BUDGET = 40_000
"""Triangles of a whole character without subdivision."""


@pytest.fixture(scope="module")
def motion():
    return lively_motion(load_head(), 6)


@pytest.fixture(scope="module")
def glb(motion, tmp_path_factory):
    return Glb(export(motion, tmp_path_factory.mktemp("cards") / "a.glb", provenance=None))


def triangles(glb):
    return {
        mesh["name"]: sum(glb.json["accessors"][item["indices"]]["count"] // 3 for item in mesh["primitives"])
        for mesh in glb.json["meshes"]
    }


@pytest.fixture(scope="module", params=["default", "kenji"])
def person(request):
    chosen = character(request.param)
    return load_head().with_identity(chosen.betas), chosen.skin


def test_a_whole_character_has_at_most_forty_thousand_triangles(glb):
    counts = triangles(glb)
    assert list(counts) == ["head", "folds", "garment", "hair", "brows", "lashes"]
    assert sum(counts.values()) <= BUDGET
    assert min(counts.values()) > 150


def test_everybodys_cards_keep_the_budget_whatever_their_hair():
    head = load_head()
    for person in characters()[::3]:
        worn = attachments_of(head, person.skin)
        assert sum(len(item.triangles) for item in worn) <= BUDGET - len(head.faces), person.name


def test_finer_levels_of_detail_have_more_cards(person):
    head, skin = person
    counts = [
        sum(len(item.triangles) for item in attachments_of(head, skin, lod=lod) if item.name == "hair")
        for lod in (0, 1)
    ]
    assert 1.8 * counts[0] < counts[1] < 2.2 * counts[0]


def test_brows_follow_the_brows_and_lashes_the_lids(person):
    head, skin = person
    worn = {item.name: item for item in attachments_of(head, skin)}
    for unit, name in (("browInnerUp", "brows"), ("eyeBlinkLeft", "lashes")):
        delta = head.expression_basis[CONTROLS.index(unit)]
        item = worn[name]
        moved = item.moved(delta.astype(np.float32))
        far = np.linalg.norm(moved, axis=1).argmax()
        # The skin next to the vertex that moves most moves about as far, the same way.
        near = np.linalg.norm(head.template - item.points[far], axis=1).argsort()[:4]
        skin_move = delta[near].mean(axis=0)
        assert np.linalg.norm(moved[far]) > 0.004, name
        assert moved[far] @ skin_move > 0.7 * np.linalg.norm(moved[far]) * np.linalg.norm(skin_move), name
    if worn["hair"].joint_weights[:, 1].min() == 1.0:
        assert not worn["hair"].moved(head.expression_basis[0].astype(np.float32)).any()


def test_targets_of_a_file_move_its_cards(glb):
    meshes = {mesh["name"]: mesh for mesh in glb.json["meshes"]}
    assert "browInnerUp" in meshes["brows"]["extras"]["targetNames"]
    assert "eyeBlinkLeft" in meshes["lashes"]["extras"]["targetNames"]
    assert "jawOpen" not in meshes["brows"]["extras"]["targetNames"]
    nodes = {node["name"]: node for node in glb.json["nodes"]}
    assert all(nodes[name]["skin"] == 0 for name in ("garment", "hair", "brows", "lashes"))


def test_pictures_have_coverage_and_are_cut_out_or_blended(glb):
    materials = {item["name"]: item for item in glb.json["materials"]}
    assert materials["hair"]["alphaMode"] == "MASK"
    assert materials["brows"]["alphaMode"] == materials["lashes"]["alphaMode"] == "BLEND"
    assert all(materials[name]["doubleSided"] for name in ("hair", "brows", "lashes"))
    assert "alphaMode" not in materials["garment"]


def test_cards_stand_on_the_head_they_are_made_for(person):
    head, skin = person
    for item in attachments_of(head, skin):
        assert np.allclose(np.linalg.norm(item.normals, axis=1), 1.0, atol=1e-3), item.name
        assert np.allclose(item.joint_weights.sum(axis=1), 1.0, atol=2e-3), item.name
        if item.name in ("brows", "lashes"):
            gap = np.linalg.norm(item.points[:, None] - head.template[None, ::2], axis=2).min(axis=1)
            assert gap.max() < 0.02, item.name
        if item.picture is not None:
            assert item.uv.min() >= 0.0 and item.uv.max() <= 1.0


def test_strands_are_ribbons_without_coverage_and_none_leaves_the_garment(motion, tmp_path):
    ribbons = Glb(export(motion, tmp_path / "a.glb", hair="strands", provenance=None))
    assert triangles(ribbons)["hair"] > 100_000
    assert not any("alphaMode" in item for item in ribbons.json["materials"] if item["name"] != "folds")
    bald = Glb(export(motion, tmp_path / "b.glb", hair="none", provenance=None))
    assert list(triangles(bald)) == ["head", "folds", "garment"]
    with pytest.raises(OptionError, match="hair must be cards, strands, none"):
        export(motion, tmp_path / "c.glb", hair="curls")
    with pytest.raises(OptionError, match="has no place for hair"):
        export(motion, tmp_path / "c.ply", hair="none")


def test_one_instant_wears_everything_where_the_moving_file_does(motion, tmp_path):
    moving = Glb(export(motion, tmp_path / "a.glb", provenance=None))
    still = Glb(export(motion, tmp_path / "b.glb", frame=3 / motion.fps, provenance=None))
    for number in range(2, 6):
        primitive = moving.json["meshes"][number]["primitives"][0]
        there = still.array(still.json["meshes"][number]["primitives"][0]["attributes"]["POSITION"])
        gap = np.linalg.norm(moving.primitive_vertices(primitive, 3, mesh=number) - there, axis=1)
        assert gap.max() < 0.002


def test_usd_binds_everything_worn_to_the_skeleton_and_its_cards_to_their_coverage(motion, tmp_path):
    pytest.importorskip("pxr")
    from pxr import Usd, UsdGeom, UsdShade, UsdSkel

    stage = Usd.Stage.Open(str(export(motion, tmp_path / "a.usdz")))
    for name in ("garment", "hair", "brows", "lashes"):
        prim = stage.GetPrimAtPath(f"/face/{name}")
        assert UsdSkel.BindingAPI(prim).GetSkeletonRel().GetTargets()
        material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
        shader = UsdShade.Shader(stage.GetPrimAtPath(f"{material.GetPath()}/surface"))
        assert shader.GetInput("diffuseColor").HasConnectedSource() == (name != "garment")
        opacity = shader.GetInput("opacity")
        assert bool(opacity and opacity.HasConnectedSource()) == (name != "garment")
        assert bool(shader.GetInput("opacityThreshold")) == (name == "hair")
    followed = UsdSkel.BindingAPI(stage.GetPrimAtPath("/face/brows")).GetBlendShapesAttr().Get()
    assert "browInnerUp" in followed
    plain = Usd.Stage.Open(str(export(motion, tmp_path / "b.usdc")))
    meshes = [prim.GetName() for prim in plain.Traverse() if prim.IsA(UsdGeom.Mesh)]
    assert meshes == ["head", "garment"]


BACK = """
import bpy, json, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
path = sys.argv[-1]
(bpy.ops.import_scene.fbx if path.endswith("fbx") else bpy.ops.import_scene.gltf)(filepath=path)
out = {}
for item in bpy.data.objects:
    if item.type == "MESH":
        keys = item.data.shape_keys
        pictured = any(
            node.type == "TEX_IMAGE" and node.image and node.image.size[0] > 0
            for material in item.data.materials for node in material.node_tree.nodes
        )
        out[item.name.split(".")[0]] = {
            "triangles": len(item.data.polygons), "keys": [key.name for key in keys.key_blocks] if keys else [],
            "groups": [group.name for group in item.vertex_groups], "pictured": pictured,
        }
print("FOUND" + json.dumps(out))
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".glb", ".fbx"])
def test_blender_reads_everything_worn_back(motion, suffix, tmp_path):
    try:
        python = blender_python()
    except DependencyError as error:
        pytest.skip(str(error))
    path = export(motion, tmp_path / f"a{suffix}", provenance=None)
    done = subprocess.run([python, "-c", BACK, str(path)], capture_output=True, text=True, timeout=300)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))[5:])
    assert {"head", "garment", "hair", "brows", "lashes"} <= set(found), done.stderr[-2000:]
    assert "browInnerUp" in found["brows"]["keys"] and "eyeBlinkLeft" in found["lashes"]["keys"]
    assert all(found[name]["pictured"] for name in ("hair", "brows", "lashes"))
    assert all("neck" in found[name]["groups"] for name in ("garment", "hair", "brows", "lashes"))
