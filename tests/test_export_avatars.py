"""Avatars as the programs that load them look them up; named curves as the programs that play them read them."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricated import arkit_motion, lively_motion
from glb_reader import Glb
from test_blender_process import needs_blender

from face_emote.blender_side.process import blender_python
from face_emote.core.errors import FaceEmoteWarning, HeadError, MotionFileError, OptionError
from face_emote.core.names import ARKIT_52, ARKIT_ORDER
from face_emote.core.rotations import quaternions, rotation_matrix, turn_between
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.formats.avatar.talkinghead import EXTRAS
from face_emote.formats.avatar.vrm import licence_of
from face_emote.formats.captures import read_capture
from face_emote.formats.mesh.surface import surface_parts
from face_emote.verbs.export import export

REQUIRED_BONES = (
    "hips spine head leftUpperLeg leftLowerLeg leftFoot rightUpperLeg rightLowerLeg rightFoot leftUpperArm "
    "leftLowerArm leftHand rightUpperArm rightLowerArm rightHand"
).split()
"""Of the specification VRMC_vrm-1.0, humanoid.md."""
PRESETS = (
    "happy angry sad relaxed surprised aa ih ou ee oh blink blinkLeft blinkRight lookUp lookDown lookLeft lookRight "
    "neutral"
).split()
FINGERS = [f"{side}Hand{finger}{i}" for side in ("Left", "Right") for finger in
           ("Thumb", "Index", "Middle", "Ring", "Pinky") for i in (1, 2, 3)]  # fmt: skip
TALKINGHEAD = [
    "Armature", "Hips", "Spine", "Spine1", "Spine2", "Neck", "Head", "LeftEye", "RightEye", *FINGERS,
    *(f"{side}{bone}" for side in ("Left", "Right") for bone in
      ("Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase")),
]  # fmt: skip
"""What TalkingHead's showAvatar asks for, and refuses an avatar without."""
VISEMES = [f"viseme_{name}" for name in "aa E I O U PP SS TH DD FF kk nn RR CH sil".split()]
FRAME = 20


@pytest.fixture(scope="module")
def motion() -> FaceMotion:
    return lively_motion(load_head(), 45)


def arkit_take(motion: FaceMotion) -> FaceMotion:
    """A motion of ARKit's shapes, of the same person."""
    return replace(arkit_motion(45), betas=motion.betas)


@pytest.fixture(scope="module")
def folder(motion: FaceMotion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("avatars")
    for name in ("a.vrm", "a.vrma"):
        export(motion, place / name)
    export(arkit_take(motion), place / "arkit.vrma", rig="arkit")
    export(motion, place / "a.glb", avatar="talkinghead", provenance=None)
    return place


def quaternion_product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    (x, y, z, w), (a, b, c, d) = left.T, right.T
    return np.stack(
        [w * a + x * d + y * c - z * b, w * b - x * c + y * d + z * a, w * c + x * b - y * a + z * d,
         w * d - x * a - y * b - z * c], axis=1,
    )  # fmt: skip


def test_a_vrm_has_what_the_specification_asks_for(folder):
    glb = Glb(folder / "a.vrm")
    model = glb.json["extensions"]["VRMC_vrm"]
    assert model["specVersion"] == "1.0" and "VRMC_vrm" in glb.json["extensionsUsed"]
    assert "extensionsRequired" not in glb.json and "animations" not in glb.json
    nodes = [item["node"] for item in model["humanoid"]["humanBones"].values()]
    assert set(REQUIRED_BONES) <= set(model["humanoid"]["humanBones"]) and len(set(nodes)) == len(nodes)
    assert {"name", "authors", "licenseUrl"} <= set(model["meta"])
    assert set(model["expressions"]["preset"]) == set(PRESETS)
    assert set(model["expressions"]["custom"]) == set(ARKIT_52)


def test_every_expression_but_neutral_moves_the_face(folder):
    glb = Glb(folder / "a.vrm")
    skin = glb.json["meshes"][0]["primitives"][0]
    for group in glb.json["extensions"]["VRMC_vrm"]["expressions"].values():
        for name, expression in group.items():
            moved = [
                np.abs(glb.array(primitive["targets"][bind["index"]]["POSITION"])).max()
                for bind in expression.get("morphTargetBinds", [])
                for primitive in glb.json["meshes"][0]["primitives"]
            ]
            assert max(moved, default=0.0) > 0.0005 or name == "neutral", name
    assert len(skin["targets"]) == len(glb.target_names)


def test_the_face_of_a_real_person_is_not_everybodys():
    invented, real = character("default"), replace(character("default"), consent="Jane Doe, own face")
    assert licence_of(invented)["avatarPermission"] == "everyone" and licence_of(invented)["allowRedistribution"]
    assert licence_of(real)["avatarPermission"] == "onlySeparatelyLicensedPerson"
    assert not licence_of(real)["allowRedistribution"] and licence_of(real)["modification"] == "prohibited"


@pytest.mark.parametrize("name", ["a.vrm", "a.glb"])
def test_an_avatar_at_rest_stands_on_the_floor_where_its_bones_are(folder, name):
    glb = Glb(folder / name)
    places = {node["name"]: np.zeros(3) for node in glb.json["nodes"]}
    for node in glb.json["nodes"]:  # Parents come first.
        for child in node.get("children", []):
            below = glb.json["nodes"][child]
            places[below["name"]] = places[node["name"]] + below.get("translation", [0.0, 0.0, 0.0])
    binds = glb.array(glb.json["skins"][0]["inverseBindMatrices"]).reshape(-1, 4, 4)[:, 3, :3]
    hips = next(node for node in glb.json["nodes"] if node["name"] == "Hips")["translation"]
    offset = [
        places[glb.json["nodes"][joint]["name"]] + (hips if name == "a.vrm" else 0.0) + bind
        for joint, bind in zip(glb.json["skins"][0]["joints"], binds, strict=True)
    ]
    assert np.ptp(offset, axis=0).max() < 1e-6, "the mesh is whole at rest"
    assert 1.5 < load_head().joints()[3, 1] + offset[0][1] < 1.65, "eyes at the height of a person's"
    assert places["LeftFoot"][1] + (hips[1] if name == "a.vrm" else 0.0) > 0.0 < places["LeftFoot"][0]


def test_a_vrma_plays_gaze_turns_and_presets_but_no_looks(folder, motion, tmp_path):
    glb = Glb(folder / "a.vrma")
    content = glb.json["extensions"]["VRMC_vrm_animation"]
    bones = content["humanoid"]["humanBones"]
    assert set(REQUIRED_BONES) <= set(bones) and not {"leftEye", "rightEye"} & set(bones)
    assert set(content["expressions"]) == {"preset"} and set(content["expressions"]["preset"]) < set(PRESETS)
    assert not [name for name in content["expressions"]["preset"] if name.startswith("look")]
    neck, head = (glb.curve(bones[name]["node"], "rotation") for name in ("neck", "head"))
    turn = rotation_matrix(motion.global_pose.astype(float)) @ rotation_matrix(motion.neck_pose.astype(float))
    assert np.abs(quaternion_product(neck, head) - quaternions(turn)).max() < 1e-5
    assert np.abs(glb.curve(content["lookAt"]["node"], "rotation")[:, :2]).max() > 0.01
    header, *rows = export(motion, tmp_path / "a.csv", rig="vrm").read_text().splitlines()
    table = dict(zip(header.split(","), np.array([row.split(",") for row in rows], float).T, strict=True))
    for name, item in content["expressions"]["preset"].items():
        weight = glb.curve(item["node"], "translation")
        assert np.abs(weight[:, 0] - table[name]).max() < 1e-6 and not weight[:, 1:].any(), name


def test_with_arkits_rig_a_vrma_plays_arkits_names_only(folder):
    expressions = Glb(folder / "arkit.vrma").json["extensions"]["VRMC_vrm_animation"]["expressions"]
    assert set(expressions) == {"custom"}
    assert set(expressions["custom"]) == {name for name in ARKIT_52 if not name.startswith("eyeLook")}


def test_talkinghead_finds_its_bones_meshes_and_shapes(folder):
    glb = Glb(folder / "a.glb")
    nodes = glb.json["nodes"]
    assert {node["name"] for node in nodes} >= {*TALKINGHEAD, "Wolf3D_Head", "Wolf3D_Teeth", "EyeLeft", "EyeRight"}
    assert glb.json["scenes"][0]["nodes"] == [0] and nodes[0]["name"] == "Armature"
    head = next(i for i, node in enumerate(nodes) if node["name"] == "Wolf3D_Head")
    assert set(glb.names_of(nodes[head]["mesh"])) == {*ARKIT_52, *VISEMES, *EXTRAS} - {"tongueOut"}
    assert any("tongueOut" in glb.names_of(mesh) for mesh in range(len(glb.json["meshes"])))
    teeth = next(node["mesh"] for node in nodes if node["name"] == "Wolf3D_Teeth")
    assert {"jawOpen", "mouthOpen", "viseme_aa"} <= set(glb.names_of(teeth))


def test_the_animation_of_talkinghead_plays_arkits_shapes(tmp_path):
    motion = arkit_motion(12)
    glb = Glb(export(motion, tmp_path / "a.glb", avatar="talkinghead", provenance=None))
    channels = glb.json["animations"][0]["channels"]
    node = next(i for i, item in enumerate(glb.json["nodes"]) if item["name"] == "Wolf3D_Head")
    sampler = next(c["sampler"] for c in channels if c["target"] == {"node": node, "path": "weights"})
    names = glb.names_of(glb.json["nodes"][node]["mesh"])
    weights = glb.array(glb.json["animations"][0]["samplers"][sampler]["output"]).reshape(12, len(names))
    for i, name in enumerate(ARKIT_52[:20]):
        if not name.startswith("eyeLook"):
            assert np.abs(weights[:, names.index(name)] - motion.expression[:, i]).max() < 1e-5, name
    assert not weights[:, [names.index(name) for name in VISEMES]].any()


def test_mistakes_about_avatars_are_said(motion, tmp_path):
    with pytest.raises(OptionError, match="choose talkinghead"):
        export(motion, tmp_path / "a.glb", avatar="rpm")
    with pytest.raises(OptionError, match="no place for an avatar's names"):
        export(motion, tmp_path / "a.usda", avatar="talkinghead")
    with pytest.raises(OptionError, match="leave out blush"):
        export(motion, tmp_path / "a.glb", avatar="talkinghead", blush=True)
    with pytest.raises(MotionFileError, match="not read back"):
        read_back = tmp_path / "a.vrma"
        export(motion, read_back)
        from face_emote.formats.motion_file import read_motion

        read_motion(read_back)


def test_a_head_without_named_shapes_is_no_avatar(tmp_path):
    from fabricated_flame import write_flame

    flame = load_head(write_flame(tmp_path / "flame.npz"))
    with pytest.raises(HeadError, match="names"):
        export(lively_motion(load_head(), 3), tmp_path / "a.vrm", head=flame)
    assert not (tmp_path / "a.vrm").exists()


def node_modules(*packages: str) -> str:
    modules = os.environ.get("FACE_EMOTE_NODE_MODULES", "")
    missing = [name for name in packages if not (Path(modules) / name).is_dir()]
    if not modules or not shutil.which("node") or missing:
        pytest.skip(f"set FACE_EMOTE_NODE_MODULES to a node_modules folder (npm install {' '.join(packages)})")
    return modules


def read_by_three(folder: Path, animation: str) -> dict:
    modules = node_modules("three", "@pixiv/three-vrm", "@pixiv/three-vrm-animation")
    script = Path(__file__).with_name("read_avatar.mjs")
    words = [str(folder / "a.vrm"), str(folder / animation), str(FRAME / 30.0)]
    done = subprocess.run(["node", str(script), modules, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_three_vrm_reads_the_model_and_every_expression(folder):
    read = read_by_three(folder, "a.vrma")
    assert read["warnings"] == [] and read["meta"]["metaVersion"] == "1"
    assert set(REQUIRED_BONES) <= set(read["bones"]) and set(read["presets"]) == set(PRESETS)
    still = {name for name, largest in read["faces"].items() if largest < 0.0005}
    assert still == {"neutral"}


def test_three_vrm_plays_the_performance_as_the_head_does(folder, motion):
    read = read_by_three(folder, "arkit.vrma")
    head, motion = load_head().with_identity(motion.betas), arkit_take(motion)
    posed = head.vertices(motion.part(FRAME, FRAME + 1))[0]
    part, seen = surface_parts(head)[0], np.array(read["posed"][0])
    wanted, rest = posed[part.vertex_index], head.template[part.vertex_index]

    def mean_gap(places: np.ndarray) -> float:  # But for where the head is: the body's neck carries it.
        turn = turn_between(places, seen)
        return float(np.linalg.norm((places - places.mean(axis=0)) @ turn.T + seen.mean(axis=0) - seen, axis=1).mean())

    assert mean_gap(wanted) < 0.3 * mean_gap(rest)
    eyes = rotation_matrix(motion.eye_pose[FRAME].astype(float))[:, :, 2].mean(axis=0)
    assert abs(np.radians(read["yaw"]) - np.arctan2(eyes[0], eyes[2])) < 0.01
    assert abs(np.radians(read["pitch"]) + np.arcsin(eyes[1])) < 0.01


VALIDATOR = """
const fs = require('fs'), validator = require('gltf-validator');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])))
  .then(report => console.log(JSON.stringify(report.issues)));
"""


@pytest.mark.parametrize(("name", "warned"), [
    ("a.vrm", set()), ("a.vrma", set()),
    ("a.glb", {"NODE_SKINNED_MESH_NON_ROOT"}),  # TalkingHead wants the meshes inside the armature.
])  # fmt: skip
def test_the_khronos_validator_finds_no_fault_in_avatars(folder, name, warned):
    modules = node_modules("gltf-validator")
    done = subprocess.run(
        ["node", "-e", VALIDATOR, str(folder / name)],
        env=os.environ | {"NODE_PATH": modules}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    issues = json.loads(done.stdout)
    assert issues["numErrors"] == 0, issues["messages"]
    assert {item["code"] for item in issues["messages"] if item["severity"] == 1} == warned


def test_audio2face_weights_come_back(tmp_path):
    motion = arkit_motion(12)
    path = export(motion, tmp_path / "take.a2f.json")
    content = json.loads(path.read_text())
    assert content["exportFps"] == motion.fps and content["trackPath"] == motion.info.speech_name
    assert content["facsNames"] == list(ARKIT_ORDER) and content["numPoses"] == 52
    assert content["numFrames"] == len(content["weightMat"]) == 12
    back = read_capture(path)
    assert back.unmatched == () and back.motion.fps == motion.fps
    assert np.abs(back.motion.expression - motion.expression).max() < 2e-6


def test_audio2face_files_of_others_are_read(tmp_path):
    record = {"exportFps": 60.0, "trackPath": "C:/line.wav", "numPoses": 2, "numFrames": 2,
              "facsNames": ["JawOpen", "eyeBlink_L"], "weightMat": [[0.0, 1.0], [0.5, 0.25]]}  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(record))
    with pytest.warns(FaceEmoteWarning, match="Not in the capture"):
        motion = read_capture(tmp_path / "a.json").motion
    assert motion.fps == 60.0 and motion.expression[1, ARKIT_52.index("eyeBlinkLeft")] == 0.25
    (tmp_path / "b.json").write_text(json.dumps(record | {"weightMat": [[0.0, 1.0], [0.5]]}))
    with pytest.raises(MotionFileError, match="frame 2 is no list of 2 numbers"):
        read_capture(tmp_path / "b.json")


@pytest.mark.parametrize("suffix", [".usda", ".usdc"])
def test_metahuman_curves_are_where_importers_of_usd_look(motion, suffix, tmp_path):
    pxr = pytest.importorskip("pxr.Usd")
    table = np.loadtxt(export(motion, tmp_path / "a.csv", rig="metahuman"), delimiter=",", skiprows=1)[:, 1:]
    stage = pxr.Stage.Open(str(export(motion, tmp_path / f"a{suffix}", rig="metahuman")))
    clip = stage.GetDefaultPrim().GetChildren()[0]
    names = list(clip.GetAttribute("custom:mh_curveNames").Get())
    values = clip.GetAttribute("custom:mh_curveValues")
    assert clip.GetTypeName() == "SkelAnimation" and names == list(clip.GetAttribute("blendShapes").Get())
    assert all(name.startswith("CTRL_expressions_") for name in names)
    assert values.GetTimeSamples() == list(range(45)) and stage.GetTimeCodesPerSecond() == motion.fps
    assert np.abs(np.array([values.Get(i) for i in range(45)]) - table).max() < 1e-6


READ_FBX = """
import bpy, json, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.fbx(filepath=sys.argv[-1])
keys = bpy.data.shape_keys[0]
values = {}
for frame in range(1, 46):  # Blender counts from 1.
    bpy.context.scene.frame_set(frame)
    for block in keys.key_blocks[1:]:
        values.setdefault(block.name, []).append(block.value)
print("READ" + json.dumps(values))
"""


@needs_blender
@pytest.mark.slow
def test_metahuman_curves_of_an_fbx_come_back(motion, tmp_path):
    path = export(motion, tmp_path / "a.fbx", rig="metahuman")
    header = export(motion, tmp_path / "a.csv", rig="metahuman").read_text().splitlines()[0].split(",")[1:]
    table = np.loadtxt(tmp_path / "a.csv", delimiter=",", skiprows=1)[:, 1:]
    done = subprocess.run(
        [str(blender_python()), "-c", READ_FBX, str(path)], capture_output=True, text=True, check=True, timeout=180
    )
    values = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("READ"))[4:])
    assert list(values) == header
    worst = max(np.abs(np.array(values[name]) - table[:, i]).max() for i, name in enumerate(header))
    assert worst < 0.002
