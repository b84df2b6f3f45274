"""Parts, levels of detail, colours and instants: what is written is still the head."""

import json
import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricated import lively_motion
from glb_reader import Glb

from face_emote.core.errors import DependencyError, OptionError
from face_emote.core.names import BLOOD_REGIONS
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.subdivision import loop_step
from face_emote.formats.mesh.colours import blush_colours
from face_emote.formats.mesh.materials import normal_picture
from face_emote.formats.mesh.person import under_garment
from face_emote.formats.mesh.surface import object_parts, parts_named, surface_of, vertex_normals, vertex_tangents
from face_emote.look.maps import load_skin_maps
from face_emote.verbs.export import export, meshes


@pytest.fixture(scope="module")
def motion():
    return lively_motion(load_head(), 12)


@pytest.fixture(scope="module")
def vertices(motion):
    return load_head().vertices(motion)


def played_gap(path, motion, *, lod, parts):
    """Largest distance in metres between a played .glb and the refined head, over some frames."""
    glb, worst = Glb(path), 0.0
    surface = surface_of(load_head(), lod=lod, parts=parts)
    surface = surface if parts else under_garment(surface)
    for frame in (0, 5, 11):
        places = surface.of(load_head().vertices(motion.part(frame, frame + 1))[0])
        for node, item in enumerate(surface.objects()):
            for part, primitive in zip(
                object_parts(surface, item), glb.json["meshes"][node]["primitives"], strict=True
            ):
                gap = glb.primitive_vertices(primitive, frame, mesh=node) - places[part.vertex_index]
                worst = max(worst, float(np.linalg.norm(gap, axis=1).max()))
    return worst


def test_split_parts_are_meshes_of_their_own_and_move_as_the_head_does(motion, tmp_path):
    path = export(motion, tmp_path / "a.glb", parts=("all",))
    names = parts_named("all")
    assert [mesh["name"] for mesh in Glb(path).json["meshes"]] == [*names, "folds"]
    assert played_gap(path, motion, lod=0, parts=names) < 0.0005
    teeth = Glb(path).json["meshes"][names.index("teeth")]
    assert "browInnerUp" not in teeth.get("extras", {}).get("targetNames", [])


def test_a_finer_glb_is_the_subdivided_head(motion, tmp_path):
    smooth = replace(motion, wrinkles=np.zeros_like(motion.wrinkles))
    path = export(smooth, tmp_path / "a.glb", lod=1, parts=("skin",))
    assert played_gap(path, smooth, lod=1, parts=("skin",)) < 0.0005
    path = export(motion, tmp_path / "b.glb", lod=1, parts=("skin",))
    assert 0.0005 < played_gap(path, motion, lod=1, parts=("skin",)) < 0.0025, "creases move the mesh"


def test_levels_of_detail_quadruple_the_faces_and_keep_the_shape(motion, vertices):
    coarse, fine, finest = (meshes(motion, lod=lod) for lod in range(3))
    assert len(fine.faces) == 4 * len(coarse.faces) and len(finest.faces) == 16 * len(coarse.faces)
    first = next(iter(fine))
    assert first.shape[0] == fine.person.surface.num_vertices
    assert np.linalg.norm(first[: vertices.shape[1]] - vertices[0], axis=1).max() < 0.006


def test_chosen_parts_hold_only_their_vertices(motion, vertices):
    head = load_head()
    eyes = meshes(motion, parts=("eyes",))
    index = np.sort(np.concatenate([head.layout.vertices_of("eyeL"), head.layout.vertices_of("eyeR")]))
    assert np.allclose(np.stack(list(eyes)), vertices[:, index], atol=1e-7)
    assert set(eyes.part_faces) == {"eye_left", "eye_right"}
    assert meshes(motion, parts=" teeth,eyes").part_faces.keys() == {"eye_left", "eye_right", "teeth"}
    for parts in (("nose",), "nose", "skin,nose"):
        with pytest.raises(OptionError, match=r"no part 'nose'; choose among skin, lips, eye_left"):
            meshes(motion, parts=parts)


def test_lips_are_a_mesh_by_name_cut_out_of_the_skin(motion, vertices, tmp_path):
    lips, layout = meshes(motion, parts="lips"), load_head().layout
    index = np.unique(layout.quads[np.all(layout.mask_lips[layout.quads] > 0.5, axis=1)])
    assert np.allclose(np.stack(list(lips)), vertices[:, index], atol=1e-7) and 150 < len(index) < 300
    both, skin = meshes(motion, parts="skin,lips"), meshes(motion, parts=("skin",))
    assert len(both.faces) == len(skin.faces)
    assert [len(faces) for faces in both.part_faces.values()] == [len(skin.faces) - len(lips.faces), len(lips.faces)]
    path = export(motion, tmp_path / "lips.glb", parts="lips")
    assert [mesh["name"] for mesh in Glb(path).json["meshes"]] == ["lips"]
    assert played_gap(path, motion, lod=0, parts=("lips",)) < 0.0005


def test_meshes_are_lazy_and_the_same_however_they_are_asked_for(motion, vertices):
    lazy = meshes(motion, up="z", unit="cm")
    whole = np.concatenate(list(lazy.blocks(5)))
    x, y, z = np.moveaxis(vertices, -1, 0) * 100.0
    assert len(lazy) == 12 and np.allclose(whole, np.stack([x, -z, y], axis=-1), atol=1e-3)
    assert np.allclose(lazy.at(7 / 30.0), whole[7], atol=1e-5) and np.array_equal(lazy.sequence().vertices, whole)
    assert len(meshes(motion, fps=60.0)) == 24


def test_trimesh_gets_our_vertices(motion, vertices, monkeypatch):
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
    mesh = next(meshes(motion).trimeshes())
    assert isinstance(mesh, trimesh.Trimesh) and np.allclose(mesh.vertices, vertices[0])


def test_without_trimesh_the_message_says_what_to_install(motion, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(DependencyError, match=r"pip install 'face-emote\[trimesh\]'"):
        next(meshes(motion).trimeshes())


def loop_ref(faces, points):
    """One Loop step, vertex by vertex, as a set of new places."""
    neighbours, wings = {}, {}
    for a, b, c in faces.tolist():
        for p, q, r in ((a, b, c), (b, c, a), (c, a, b)):
            neighbours.setdefault(p, set()).update((q, r))
            wings.setdefault((min(p, q), max(p, q)), []).append(r)
    rims = {}
    for edge, across in wings.items():
        if len(across) == 1:
            for p, q in (edge, edge[::-1]):
                rims.setdefault(p, []).append(q)
    out = []
    for p in range(len(points)):
        if p in rims:
            out.append(0.75 * points[p] + 0.125 * sum(points[q] for q in rims[p]))
        else:
            n = len(neighbours[p])
            share = 3 / 16 if n == 3 else 3 / (8 * n)
            out.append((1 - n * share) * points[p] + share * sum(points[q] for q in neighbours[p]))
    for (p, q), across in sorted(wings.items()):
        middle = points[p] + points[q]
        out.append(0.5 * middle if len(across) == 1 else 0.375 * middle + 0.125 * sum(points[r] for r in across))
    return np.array(out)


def test_triangles_are_refined_as_the_slow_way_says():
    rng = np.random.default_rng(0)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1], [1, 5, 2], [2, 5, 3]])
    points = rng.normal(size=(6, 3))
    matrix, children = loop_step(faces, num_vertices=6)
    assert np.allclose(matrix.apply(points), loop_ref(faces, points))
    assert children.shape == (24, 3) and np.array_equal(np.unique(children), np.arange(matrix.num_rows))


def test_blush_reddens_cheeks_and_nothing_else(motion):
    head = load_head()
    surface = surface_of(head)
    skin = character("default").skin
    colours = blush_colours(head, surface, skin=skin, maps=load_skin_maps(skin))
    rest = colours.linear(np.zeros(8, np.float32))
    red = colours.linear(np.where(np.isin(BLOOD_REGIONS, ["cheek_left", "cheek_right"]), 1.0, 0.0))
    change = np.abs(red - rest).max(axis=1)
    cheek = np.linalg.norm(head.template - (0.041, 0.007, 0.095), axis=1) < 0.012
    assert (red[cheek, 1] < 0.8 * rest[cheek, 1]).mean() > 0.8
    assert change[head.layout.vertices_of("eyeL", "tongue", "toothU")].max() == 0.0
    assert np.abs(rest + colours.shifts()[2] * rest - colours.linear(np.eye(8)[2])).max() < 0.06


def test_vertex_colours_travel_frame_by_frame(motion, tmp_path):
    folder = export(motion.part(0, 2), tmp_path / "a.ply", blush=True)
    head, _, body = (folder / "frame_0002.ply").read_bytes().partition(b"end_header\n")
    assert b"property uchar red" in head
    rows = np.frombuffer(body, np.dtype([("place", "<f4", 3), ("colour", "u1", 3)]), count=load_head().num_vertices)
    skin = character(motion.character).skin
    person = load_head().with_identity(motion.betas)
    colours = blush_colours(person, surface_of(person), skin=skin, maps=load_skin_maps(skin))
    assert np.array_equal(rows["colour"], colours.srgb(motion.blood_flow[1]))
    text = (export(motion.part(0, 1), tmp_path / "b", blush=True) / "frame_0001.obj").read_text()
    assert len(next(line for line in text.splitlines() if line.startswith("v ")).split()) == 7


def test_one_instant_is_one_plain_file(motion, vertices, tmp_path):
    frame = 6
    glb = Glb(export(motion, tmp_path / "a.glb", frame=frame / 30.0))
    assert not {"animations", "skins"} & set(glb.json)
    places = np.concatenate([glb.array(item["attributes"]["POSITION"]) for item in glb.json["meshes"][0]["primitives"]])
    surface = under_garment(surface_of(load_head()))
    index = np.concatenate([part.vertex_index for part in object_parts(surface, surface.objects()[0])])
    assert np.allclose(places, vertices[frame][index], atol=1e-7)
    obj = export(motion, tmp_path / "a.obj", frame=frame / 30.0)
    assert obj.is_file() and obj.read_text().count("\nv ") == len(vertices[0]) - 1
    ply = export(motion, tmp_path / "a.ply", frame=frame / 30.0)
    data = ply.read_bytes().partition(b"end_header\n")[2]
    assert struct.unpack_from("<3f", data) == pytest.approx(vertices[frame, 0], abs=1e-7)
    with pytest.raises(OptionError, match=r"ends at 0\.40 s, so there is no instant 9 s"):
        export(motion, tmp_path / "b.glb", frame=9.0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.csv", {"lod": 1}, "has no place for a level of detail; leave it out, or write one of .glb"),
        ("a.pc2", {"blush": True}, "has no place for vertex colours"),
        ("a", {"frame": 0.0}, "has no place for one instant"),
        ("a.glb", {"lod": 3}, "lod must be 0, 1 or 2, got 3"),
        ("a.glb", {"frame": -1.0}, "frame must be an instant"),
    ],
)
def test_options_without_a_place_are_named(motion, tmp_path, name, options, message):
    with pytest.raises(OptionError, match=message):
        export(motion, tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_the_normal_map_is_of_unit_normals_that_mostly_point_out():
    picture = normal_picture(load_skin_maps(character("default").skin, size=512)).astype(np.float64) / 127.5 - 1.0
    assert np.abs(np.linalg.norm(picture, axis=2) - 1.0).max() < 0.02
    assert picture[..., 2].min() > 0.0 and picture[..., 0].std() > 0.004 and picture[..., 1].std() > 0.004


def test_tangents_follow_u_on_a_known_sheet():
    places = np.array([[0.0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    uv = np.array([[0.0, 0], [0, 1], [1, 1], [1, 0]], np.float32)  # u runs up, v to the right
    tangents = vertex_tangents(places, normals=vertex_normals(places, faces), uv=uv, faces=faces)
    assert np.allclose(tangents, [0.0, 1.0, 0.0, -1.0])


VALIDATOR = """
const validator = require('gltf-validator'), fs = require('fs');
(async () => { for (const path of process.argv.slice(1)) {
  const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(path)));
  console.log(JSON.stringify([report.issues.numErrors, report.issues.numWarnings, report.issues.messages.slice(0, 3)]));
} })();
"""


def test_the_khronos_validator_is_content_with_every_option(motion, tmp_path):
    modules = os.environ.get("FACE_EMOTE_NODE_MODULES", "")
    if not shutil.which("node") or not (Path(modules) / "gltf-validator").is_dir():
        pytest.skip("set FACE_EMOTE_NODE_MODULES to a node_modules folder with gltf-validator")
    everything = {"parts": ("all",), "blush": True}
    chosen = [{"blush": True}, everything, {"parts": ("teeth",)}, {"lod": 1, "frame": 0.0},
              {"frame": 0.1}, {"frame": 0.1, "blush": True, "parts": ("eyes", "skin")}]  # fmt: skip
    paths = [export(motion, tmp_path / f"{i}.glb", **options) for i, options in enumerate(chosen)]
    done = subprocess.run(
        ["node", "-e", VALIDATOR, *map(str, paths)], env=os.environ | {"NODE_PATH": modules}, capture_output=True,
        text=True, check=True, timeout=120,
    )  # fmt: skip
    for line, options in zip(done.stdout.splitlines(), chosen, strict=True):
        errors, warnings, messages = json.loads(line)
        assert (errors, warnings) == (0, 0), (options, messages)


@pytest.mark.parametrize(
    "options", [{"parts": ("all",), "blush": True, "lod": 1}, {"frame": 0.1}], ids=["split", "one instant"]
)
@pytest.mark.parametrize("suffix", [".usdc", ".usdz"])
def test_usd_validators_are_content_with_every_option(motion, suffix, options, tmp_path):
    pytest.importorskip("pxr", reason="usd-core is not installed")
    from pxr import Usd, UsdValidation

    path = export(motion.part(0, 4), tmp_path / f"a{suffix}", **options)
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    found = UsdValidation.ValidationContext(validators).Validate(Usd.Stage.Open(str(path)))
    assert not [str(item.GetMessage()) for item in found]


def test_a_usdz_is_an_aligned_package_with_its_pictures_and_the_same_bytes(motion, tmp_path):
    import zipfile

    pytest.importorskip("pxr", reason="usd-core is not installed")
    first, second = (export(motion.part(0, 2), tmp_path / f"{name}.usdz") for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        entries = archive.infolist()
        assert entries[0].filename == "face.usdc"
        assert {entry.filename for entry in entries[1:]} == {
            "skin_colour.jpg", "skin_normal.jpg", "skin_shine.jpg", "eyes_colour.png", "eyes_normal.jpg",
            "hair_colour.png", "brows_colour.png", "lashes_colour.png",
        }  # fmt: skip
        for entry in entries:
            start = entry.header_offset + 30 + len(entry.filename) + len(entry.extra)
            assert entry.compress_type == zipfile.ZIP_STORED and start % 64 == 0
