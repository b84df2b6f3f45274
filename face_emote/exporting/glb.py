"""glTF 2.0 binary: the talking head as one skinned mesh with named morph targets and one animation.

What engines and Blender see: a mesh with ARKit-52 targets (and the others this motion uses), five joints, materials,
texture coordinates; one animation at the motion's fps. Wrinkles and blood flow travel as targets that move nothing,
`skin_wrinkle_*` and `skin_blood_*`, since core glTF animates nothing else that has a name.

The same vertices as `Head` to 0.5 mm (only the lip seal is approximated; see `morph_targets`).
"""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import JOINT_PARENTS, JOINTS
from face_emote.core.output import written_beside
from face_emote.core.timing import frame_times
from face_emote.core.types import MotionSource, SkinParams
from face_emote.exporting.gltf_file import INDEX_BUFFER, VERTEX_BUFFER, GltfFile
from face_emote.exporting.materials import eye_uv, gltf_materials
from face_emote.exporting.morph_targets import MorphTarget, TargetSet, morph_targets
from face_emote.exporting.person import JointMotion, Progress, local_places, person_of, rotations_of
from face_emote.exporting.surface_parts import EYES, SurfacePart, surface_parts, vertex_normals
from face_emote.face.characters import character
from face_emote.face.head import Head

SMALLEST_MOVE = 2e-6
"""Metres; vertices that a target moves less are left out of it (about the step of the stored basis)."""
SMALLEST_TURN = 2e-3
"""The same for normals, radians."""
FIRST_JOINT_NODE = 1
"""Node 0 is the mesh; the joints follow in the order of `names.JOINTS`."""


def write_glb(
    motion: MotionSource,
    path: Path,
    *,
    head: Head,
    skin: SkinParams | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a motion and the head that performs it as `.glb`. Memory does not grow with the length.

    `skin` stands in for that of the motion's character.

    Raises:
        HeadError: the motion belongs to another face model.
        OutputError: the file cannot be written there, or would be larger than 4 GiB.
    """
    person = person_of(motion, head)
    with written_beside(path) as target, ExitStack() as files:
        folder = target.parent
        gltf = GltfFile(files.enter_context((folder / "buffer.bin").open("w+b")))
        targets = morph_targets(motion, person)
        normals = _target_normals(person, targets.targets)
        look = skin or character(motion.character).skin
        materials = gltf_materials(gltf, skin=look, textured=person.layout is not None)
        primitives = [
            _primitive(gltf, part, person=person, targets=targets.targets, normals=normals)
            | {"material": materials.names.index(part.material)}
            for part in surface_parts(person)
        ]
        animation = _animation(gltf, motion, person=person, targets=targets, folder=folder, progress=progress)
        scene = _scene(gltf, motion, person=person, primitives=primitives, targets=targets)
        gltf.save(target, scene=scene | materials.json | {"animations": [animation]})


def _scene(
    gltf: GltfFile, motion: MotionSource, *, person: Head, primitives: list[dict[str, Any]], targets: TargetSet
) -> dict[str, Any]:
    rest = person.joints()
    bind = np.tile(np.eye(4, dtype=np.float32), (len(JOINTS), 1, 1))
    bind[:, 3, :3] = -rest  # Column-major in the file, hence the offset in the last row here.
    joint_nodes: list[dict[str, Any]] = []
    for joint, name in enumerate(JOINTS):
        parent = JOINT_PARENTS[joint]
        offset = rest[joint] - (rest[parent] if parent >= 0 else 0.0)
        node: dict[str, Any] = {"name": name, "translation": [float(np.float32(x)) for x in offset]}
        children = [FIRST_JOINT_NODE + i for i, above in enumerate(JOINT_PARENTS) if above == joint]
        joint_nodes.append(node | ({"children": children} if children else {}))
    names = [target.name for target in targets.targets]
    skin = {
        "inverseBindMatrices": gltf.add_array(bind),
        "joints": [FIRST_JOINT_NODE + i for i in range(len(JOINTS))],
        "skeleton": FIRST_JOINT_NODE,
    }
    facts = asdict(motion.info) | {"character": motion.character, "fps": motion.fps}
    return {
        "asset": {"version": "2.0", "generator": f"face_emote {motion.info.version}".strip(), "extras": facts},
        "scene": 0,
        "scenes": [{"nodes": [0, FIRST_JOINT_NODE]}],
        "nodes": [{"name": "head", "mesh": 0, "skin": 0}, *joint_nodes],
        "skins": [skin],
        "meshes": [
            {
                "name": "head",
                "primitives": primitives,
                "weights": [0.0] * len(names),
                "extras": {"targetNames": names},
            }
        ],
    }


def _target_normals(person: Head, targets: tuple[MorphTarget, ...]) -> Mapping[str, Float[Array, "vertex 3"]]:
    """Change of the vertex normals at weight 1 by target name; under "" the normals of the neutral head."""
    rest = vertex_normals(person.template, person.faces)
    normals = {"": rest}
    for item in targets:
        if item.delta is not None:
            normals[item.name] = vertex_normals(person.template + item.delta, person.faces) - rest
    return normals


def _primitive(
    gltf: GltfFile,
    part: SurfacePart,
    *,
    person: Head,
    targets: tuple[MorphTarget, ...],
    normals: Mapping[str, Float[Array, "vertex 3"]],
) -> dict[str, Any]:
    index, count = part.vertex_index, len(part.vertex_index)
    attributes = {
        "POSITION": gltf.add_array(person.template[index].astype(np.float32), target=VERTEX_BUFFER, bounds=True),
        "NORMAL": gltf.add_array(normals[""][index], target=VERTEX_BUFFER),
    }
    uv = _eyes_uv(part, person) if part.material == "eyes" else part.uv
    if uv is not None:
        flipped = np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1).astype(np.float32)
        attributes["TEXCOORD_0"] = gltf.add_array(flipped, target=VERTEX_BUFFER)
    joints, weights = _influences(person.skin_weights[index])
    attributes["JOINTS_0"] = gltf.add_array(joints, target=VERTEX_BUFFER)
    attributes["WEIGHTS_0"] = gltf.add_array(weights, target=VERTEX_BUFFER)
    still = gltf.add_sparse(count, np.zeros(0, np.int64), values=np.zeros((0, 3)), bounds=True)
    no_turn = gltf.add_sparse(count, np.zeros(0, np.int64), values=np.zeros((0, 3)))
    morphs = []
    for item in targets:
        move = None if item.delta is None else item.delta[index]
        moved = np.zeros(0, np.int64) if move is None else np.flatnonzero(np.abs(move).max(axis=1) > SMALLEST_MOVE)
        if move is None or len(moved) == 0:
            morphs.append({"POSITION": still, "NORMAL": no_turn})
            continue
        turn = normals[item.name][index]
        turned = np.flatnonzero(np.abs(turn).max(axis=1) > SMALLEST_TURN)
        position = gltf.add_sparse(count, moved, values=move[moved], bounds=True)
        normal = gltf.add_sparse(count, turned, values=turn[turned]) if len(turned) else no_turn
        morphs.append({"POSITION": position, "NORMAL": normal})
    indices = part.triangles.astype(np.uint16 if count <= 0xFFFF else np.uint32).reshape(-1)
    return {"attributes": attributes, "indices": gltf.add_array(indices, target=INDEX_BUFFER), "targets": morphs}


def _eyes_uv(part: SurfacePart, person: Head) -> Float[Array, "corner_vertex 2"]:
    """Each eyeball unrolled around its own axis."""
    uv = np.empty((len(part.vertex_index), 2), np.float32)
    assert person.layout is not None
    for name in EYES:
        own = np.isin(part.vertex_index, person.layout.vertices_of(name))
        uv[own] = eye_uv(person.template[part.vertex_index[own]])
    return uv


def _influences(skin_weights: Float[Array, "vertex joint=5"]) -> tuple[Array, Array]:
    """The four strongest joints of each vertex and their weights, summing to 1 (the fifth never matters)."""
    order = np.argsort(-skin_weights, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(skin_weights, order, axis=1).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.where(weights > 0.0, order, 0).astype(np.uint8), weights


def _animation(
    gltf: GltfFile,
    motion: MotionSource,
    *,
    person: Head,
    targets: TargetSet,
    folder: Path,
    progress: Progress | None,
) -> dict[str, Any]:
    """Write the curves block by block: weights, then rotation and translation of every joint."""
    joints, rest = JointMotion(person), person.joints()
    count, done = motion.num_frames, 0
    with ExitStack() as files:

        def spool(name: str) -> BufferedIOBase:
            return cast(BufferedIOBase, files.enter_context(tempfile.TemporaryFile(dir=folder, prefix=name)))

        weights = spool("weights")
        turns, places = [spool(name) for name in JOINTS], [spool(name) for name in JOINTS]
        for block in motion.blocks():
            weights.write(targets.weights(block).astype("<f4").tobytes())
            rotations = rotations_of(block)
            local = local_places(joints.transforms(block, rotations), rest)
            local[:, 0] += block.translation
            for joint in range(len(JOINTS)):
                turns[joint].write(quaternions(rotations[:, joint]).astype("<f4").tobytes())
                places[joint].write(local[:, joint].astype("<f4").tobytes())
            done += block.num_frames
            if progress is not None:
                progress(done, count, "exporting")
        times = gltf.add_array(frame_times(0, count, fps=motion.fps).astype(np.float32), bounds=True)
        samplers = [gltf.add_stream(weights, count=count * len(targets.targets), kind="SCALAR")]
        goals = [{"node": 0, "path": "weights"}]
        for joint in range(len(JOINTS)):
            node = FIRST_JOINT_NODE + joint
            samplers.append(gltf.add_stream(turns[joint], count=count, kind="VEC4"))
            goals.append({"node": node, "path": "rotation"})
            samplers.append(gltf.add_stream(places[joint], count=count, kind="VEC3"))
            goals.append({"node": node, "path": "translation"})
    return {
        "name": Path(motion.info.speech_name).stem or "performance",
        "samplers": [{"input": times, "output": output, "interpolation": "LINEAR"} for output in samplers],
        "channels": [{"sampler": i, "target": goal} for i, goal in enumerate(goals)],
    }


def quaternions(rotations: Float[Array, "frames 3 3"]) -> Float[Array, "frames 4"]:
    """Unit quaternions x, y, z, w with w >= 0; exact for turns below 180 degrees, which a head never exceeds."""
    w = 0.5 * np.sqrt(np.maximum(1.0 + np.trace(rotations, axis1=1, axis2=2), 1e-12))
    skew = rotations - rotations.swapaxes(1, 2)
    xyz = np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=1) / (4.0 * w[:, None])
    out = np.concatenate([xyz, w[:, None]], axis=1)
    return out / np.linalg.norm(out, axis=1, keepdims=True)
