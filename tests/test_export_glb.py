"""A .glb shows the very vertices of the head, with names that engines know."""

import io
import json
import os
import shutil
import subprocess
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricated import lively_motion, still_motion
from glb_reader import Glb
from PIL import Image

from face_emote.audio.examples import example_speech
from face_emote.core.errors import HeadError, MotionFileError, OptionError, OutputError
from face_emote.core.names import ARKIT_52, BLOOD_REGIONS, CONTROLS, WRINKLES
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.head import Head
from face_emote.formats.glb.glb import write_glb
from face_emote.formats.mesh.materials import eye_picture, normal_picture, skin_picture
from face_emote.formats.mesh.options import MeshOptions
from face_emote.formats.mesh.person import head_of, person_of
from face_emote.formats.mesh.surface import eyes_uv, surface_parts, vertex_normals
from face_emote.formats.motion_file import open_motion, write_motion
from face_emote.look.maps import load_skin_maps
from face_emote.verbs.animate import animate
from face_emote.verbs.export import export


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


@pytest.fixture(scope="module")
def motion(head: Head) -> FaceMotion:
    return lively_motion(head, 90)


@pytest.fixture(scope="module")
def glb_path(head: Head, motion: FaceMotion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("glb") / "line.glb"
    write_glb(motion, path, person=person_of(motion, head=head, pictured=True, expressive=True))
    return path


def farthest(glb: Glb, motion: FaceMotion, head: Head, frames: range) -> float:
    """Largest distance in metres between the played file and the head."""
    worst = 0.0
    for frame in frames:
        vertices = head.vertices(motion.part(frame, frame + 1))[0]
        for part, primitive in zip(surface_parts(head), glb.json["meshes"][0]["primitives"], strict=True):
            gap = glb.primitive_vertices(primitive, frame) - vertices[part.vertex_index]
            worst = max(worst, float(np.linalg.norm(gap, axis=1).max()))
    return worst


def test_every_vertex_agrees_with_the_head(glb_path, motion, head):
    assert farthest(Glb(glb_path), motion, head, range(0, 90, 6)) < 0.0005


def test_without_a_lip_seal_the_agreement_is_exact(motion, head, tmp_path):
    expression = motion.expression.copy()
    expression[:, CONTROLS.index("lipSeal")] = 0.0
    unsealed = replace(motion, expression=expression).part(0, 30)
    write_glb(unsealed, tmp_path / "line.glb", person=person_of(unsealed, head=head, pictured=True, expressive=True))
    assert farthest(Glb(tmp_path / "line.glb"), unsealed, head, range(0, 30, 5)) < 0.00002


def test_every_arkit_unit_is_a_target_of_its_shape(glb_path, motion, head):
    glb = Glb(glb_path)
    names = glb.target_names
    assert names[:52] == list(ARKIT_52) and len(set(names)) == len(names)
    skin = glb.json["meshes"][0]["primitives"][0]
    for name in ARKIT_52:
        if name != "tongueOut":
            assert np.abs(glb.array(skin["targets"][names.index(name)]["POSITION"])).max() > 0.0005, name
    weights = glb.curve(0, "weights")
    assert np.array_equal(
        weights[:, names.index("mouthSmileLeft")], motion.expression[:, CONTROLS.index("mouthSmileLeft")]
    )
    assert not weights[:, names.index("jawOpen")].any(), "the jaw joint plays jawOpen"


def test_wrinkles_and_blood_flow_travel_as_named_curves(glb_path, motion):
    curves = Glb(glb_path).skin_curves
    for names, values in ((WRINKLES, motion.wrinkles), (BLOOD_REGIONS, motion.blood_flow)):
        kind = "wrinkle" if names == WRINKLES else "blood"
        for i, name in enumerate(names):
            assert np.abs(curves[f"skin_{kind}_{name}"] - values[:, i]).max() < 1.6e-5


def test_wrinkles_and_blood_flow_are_shapes_that_move_nothing_when_asked(motion, tmp_path):
    glb = Glb(export(motion, tmp_path / "a.glb", skin_curves=True))
    weights, names = glb.curve(0, "weights"), glb.target_names
    for i, name in enumerate(WRINKLES):
        assert np.array_equal(weights[:, names.index(f"skin_wrinkle_{name}")], motion.wrinkles[:, i])
    for i, name in enumerate(BLOOD_REGIONS):
        assert np.array_equal(weights[:, names.index(f"skin_blood_{name}")], motion.blood_flow[:, i])


def test_times_follow_the_fps_and_the_asset_says_where_it_came_from(glb_path, motion):
    glb = Glb(glb_path)
    assert np.allclose(glb.times(), np.arange(90) / 30.0, atol=1e-6)
    assert glb.json["animations"][0]["name"] == "line"
    assert glb.json["asset"]["extras"]["basis"] == motion.info.basis
    assert [node["name"] for node in glb.json["nodes"]] == [
        "head",
        "folds",
        "global",
        "neck",
        "jaw",
        "eye_left",
        "eye_right",
    ]


def test_normals_are_unit_and_texture_coordinates_lie_in_the_picture(glb_path):
    glb = Glb(glb_path)
    for primitive in glb.json["meshes"][0]["primitives"]:
        normals = glb.array(primitive["attributes"]["NORMAL"])
        assert np.allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-5)
        uv = glb.array(primitive["attributes"]["TEXCOORD_0"])
        assert uv.min() >= 0.0 and uv.max() <= 1.0
        assert glb.array(primitive["indices"]).max() == len(uv) - 1


def test_normals_point_out_of_the_head(head):
    normals = vertex_normals(head.template, head.faces)
    scalp = head.layout.vertices_of("head")
    outward = head.template[scalp] - head.template[scalp].mean(axis=0)
    assert np.mean(np.sum(normals[scalp] * outward, axis=1) > 0.0) > 0.8


def test_skin_and_eyes_carry_pictures_of_the_character(glb_path):
    glb = Glb(glb_path)
    pictures = {
        item["name"]: np.asarray(Image.open(io.BytesIO(glb.view(item["bufferView"]))).convert("RGB")).astype(int)
        for item in glb.json["images"]
    }
    look = character("default").skin
    maps = load_skin_maps(look)
    assert np.abs(pictures["eyes"] - eye_picture(look).astype(int)).mean() < 1.5
    colour = np.abs(pictures["skin"] - skin_picture(look, maps).astype(int))
    normal = np.abs(pictures["skin_normal"] - normal_picture(maps).astype(int))
    assert colour.mean() < 1.0 and normal.mean() < 1.5  # Of 255; docs/formats.md says so.
    middle, white = pictures["eyes"][256, 256], pictures["eyes"][262, 345]
    assert middle.max() < 30 and white.min() > 150


def test_every_target_has_data_and_normals_turn_as_the_surface_does(head, motion, glb_path):
    glb = Glb(glb_path)
    for primitive in glb.json["meshes"][0]["primitives"]:
        for target in primitive["targets"]:
            for index in target.values():
                assert {"bufferView", "sparse"} & set(glb.json["accessors"][index]), "some programs refuse such targets"
    skin = glb.json["meshes"][0]["primitives"][0]
    index = surface_parts(head)[0].vertex_index
    person = head_of(motion, head)
    smile = glb.target_names.index("mouthSmileLeft")
    moved = person.template + person.expression_basis[CONTROLS.index("mouthSmileLeft")]
    expected = vertex_normals(moved.astype(np.float32), head.faces) - vertex_normals(person.template, head.faces)
    found = glb.array(skin["targets"][smile]["NORMAL"])
    assert np.abs(found - expected[index]).max() < 0.02 and np.abs(expected[index]).max() > 0.1


def test_seven_seconds_are_four_megabytes_and_with_garment_and_cards_under_five(head, tmp_path):
    motion = animate(example_speech()[0].path, emotion="joy", animator="rules")
    longer = max(1.0, motion.num_frames / 213)
    plain, packed = (export(motion, tmp_path / f"{name}.glb", compress=name == "b") for name in "ab")
    assert plain.stat().st_size < 4_800_000 * longer
    assert packed.stat().st_size < 0.6 * plain.stat().st_size
    for name in "cd":
        options = MeshOptions(compress=name == "d")
        bare = person_of(motion, head=head, pictured=True, expressive=True, options=options)
        write_glb(motion, tmp_path / f"{name}.glb", person=bare)
    assert (tmp_path / "c.glb").stat().st_size < 4_000_000 * longer
    assert (tmp_path / "d.glb").stat().st_size < 0.6 * (tmp_path / "c.glb").stat().st_size
    far = farthest(Glb(tmp_path / "d.glb"), motion, head, range(0, motion.num_frames, 40))
    assert far < 0.0005


def test_assimp_loads_every_file(motion, tmp_path):
    if shutil.which("assimp") is None:
        pytest.skip("assimp is not installed (Debian: assimp-utils)")
    chosen = [{}, {"blush": True}, {"skin_curves": True}, {"parts": ("all",)}, {"frame": 0.1}]
    for number, options in enumerate(chosen):
        path = export(motion, tmp_path / f"{number}.glb", **options)
        done = subprocess.run(["assimp", "info", str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "Vertices:" in done.stdout, (options, done.stdout, done.stderr)
        assert "ERROR" not in done.stdout + done.stderr


def test_the_iris_lies_in_front_of_the_eyeball(head, glb_path):
    ball = head.template[head.layout.vertices_of("eyeL")]
    uv = eyes_uv(ball)
    assert np.hypot(*(uv[np.argmax(ball[:, 2])] - 0.5)) < 0.12
    back = ball[:, 2] < np.median(ball[:, 2]) - 0.005
    assert np.hypot(*(uv[back] - 0.5).T).min() > 0.49


def test_same_motion_same_bytes(motion, head, glb_path, tmp_path):
    write_glb(motion, tmp_path / "again.glb", person=person_of(motion, head=head, pictured=True, expressive=True))
    assert (tmp_path / "again.glb").read_bytes() == glb_path.read_bytes()


def test_a_motion_file_exports_to_the_same_bytes_as_the_motion(motion, head, tmp_path):
    write_motion(motion, tmp_path / "line.npz")
    export(tmp_path / "line.npz", tmp_path / "line.glb", provenance=None)
    write_glb(
        motion, tmp_path / "own.glb", person=person_of(motion, head=head, pictured=True, expressive=True, dressed=True)
    )
    assert (tmp_path / "line.glb").read_bytes() == (tmp_path / "own.glb").read_bytes()


def test_a_still_face_has_the_arkit_targets_only(head, tmp_path):
    write_glb(
        still_motion(head, 2),
        tmp_path / "still.glb",
        person=person_of(still_motion(head, 2), head=head, pictured=True, expressive=True),
    )
    names = Glb(tmp_path / "still.glb").target_names
    assert [name for name in names if not name.startswith("skin_")] == list(ARKIT_52)


def test_a_plain_flame_head_exports_its_used_columns(head, motion, tmp_path):
    expression = motion.expression.copy()
    expression[:, 60:] = 0.0
    plain = replace(head, layout=None, control_joints=(), contact=None)
    bare = replace(motion, expression=expression).part(0, 4)
    write_glb(bare, tmp_path / "flame.glb", person=person_of(bare, head=plain, pictured=True, expressive=True))
    glb = Glb(tmp_path / "flame.glb")
    assert glb.target_names[0].startswith("expression_")
    assert farthest(glb, bare, plain, range(4)) < 0.00002


def test_quaternions_turn_as_the_matrices_do():
    from face_emote.core.rotations import quaternions, rotation_matrix

    axis_angle = np.random.default_rng(0).uniform(-1.6, 1.6, (50, 3))
    x, y, z, w = quaternions(rotation_matrix(axis_angle)).T
    angle = 2.0 * np.arctan2(np.sqrt(x * x + y * y + z * z), w)
    assert np.allclose(angle, np.linalg.norm(axis_angle, axis=1), atol=1e-9)
    assert np.allclose(np.cross(np.stack([x, y, z], axis=1), axis_angle), 0.0, atol=1e-9)


def test_memory_stays_flat(head, motion, tmp_path):
    def peak(num_frames: int) -> int:
        source = write_motion(lively_motion(head, num_frames), tmp_path / f"{num_frames}.npz")
        with open_motion(source) as reader:
            tracemalloc.start()
            write_glb(
                reader, tmp_path / "long.glb", person=person_of(reader, head=head, pictured=True, expressive=True)
            )
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return top

    assert peak(2500) < peak(1000) + 900_000  # The curves of 1500 frames alone are 1 MB, their motion is 0.9 MB.


def test_a_motion_of_another_face_is_refused(head, motion, tmp_path):
    stranger = replace(motion, info=replace(motion.info, basis="flame2023:1"))
    with pytest.raises(HeadError, match=r"belongs to face model .flame2023:1."):
        export(stranger, tmp_path / "a.glb")
    assert not list(tmp_path.iterdir())


def test_unknown_formats_and_places_are_named(motion, tmp_path):
    with pytest.raises(OptionError, match=r"Cannot write '\.ma' files; give the output one of \.npz .*\.glb .*\.obj"):
        export(motion, tmp_path / "a.ma")
    with pytest.raises(OutputError, match="does not exist"):
        export(motion, tmp_path / "absent" / "a.glb")
    with pytest.raises(MotionFileError, match="no such motion file"):
        export(tmp_path / "absent.npz", tmp_path / "a.glb")


VALIDATOR = """
const validator = require('gltf-validator'), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])))
  .then(report => console.log(JSON.stringify(report.issues)));
"""


def test_the_khronos_validator_finds_no_fault(glb_path):
    modules = os.environ.get("FACE_EMOTE_NODE_MODULES", "")
    if not shutil.which("node") or not (Path(modules) / "gltf-validator").is_dir():
        pytest.skip(
            "set FACE_EMOTE_NODE_MODULES to a node_modules folder with gltf-validator (npm install gltf-validator)"
        )
    done = subprocess.run(
        ["node", "-e", VALIDATOR, str(glb_path)],
        env=os.environ | {"NODE_PATH": modules}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    issues = json.loads(done.stdout)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]
