"""glTF 2.0 binary: the talking head as a skinned mesh with named morph targets and one animation.

What engines and Blender see: a mesh with ARKit-52 targets (and the others this motion uses), five joints, materials,
texture coordinates; one animation at the motion's fps. Wrinkles and blood flow are targets, `skin_wrinkle_*` and
`skin_blood_*`, that move the alpha of the mesh `folds` and the skin's vertex colours; they are in `extras.skin` of the
animation too: `names`, and an `accessor` with a number of each name for every key. With `parts` each part is a mesh of
its own; with `frame` there are plain meshes.

The same vertices as `Head` to 0.5 mm (only the lip seal is approximated; see `mesh.targets`), but for creases where the
level of detail has the vertices for them.
"""

import tempfile
from contextlib import ExitStack
from dataclasses import asdict, replace
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.names import JOINT_PARENTS, JOINTS, WRINKLES
from face_emote.core.output import written_beside
from face_emote.core.timing import frame_times
from face_emote.face.head import Head
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.glb.mesh import GlbObject, GlbTarget, animated_objects, materials_of, plain_objects
from face_emote.formats.mesh.person import JointMotion, Person, Progress, posed_blocks
from face_emote.formats.mesh.targets import SKIN_CURVES, TargetSet, morph_targets, skin_values


def write_glb(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write a motion and the head that performs it as `.glb` or `.gltf`. Memory does not grow with the length.

    OutputError: the file cannot be written there, or would be larger than 4 GiB.
    """
    with written_beside(path) as target, ExitStack() as files:
        buffer = files.enter_context((target.parent / "buffer.bin").open("w+b"))
        shapes = "dense" if person.options.dense else "quantised"
        gltf = GltfFile(buffer, path=target, compress=person.options.compress, shapes=shapes)
        materials = materials_of(gltf, person)
        scene: dict[str, Any] = {"asset": asset_of(motion), "scene": 0, **materials}
        if person.options.frame is not None:
            block, vertices = next(posed_blocks(motion, person.head))
            scene |= _still_nodes(plain_objects(gltf, person, vertices=vertices[0], moment=block))
        else:
            targets = morph_targets(motion, person.head)
            every = [GlbTarget(item.name, item.delta) for item in targets.targets]
            every += _skin_targets(person)
            objects = animated_objects(gltf, person, targets=every)
            animation = _animation(
                gltf, motion, person=person, targets=targets, objects=objects, folder=target.parent, progress=progress
            )
            scene |= _moving_nodes(gltf, objects, head=person.head, targets=every) | {"animations": [animation]}
        gltf.save(target, scene=scene)


def asset_of(motion: MotionSource) -> dict[str, Any]:
    """What made a file, and of what."""
    facts = asdict(replace(motion.info, cues="")) | {"character": motion.character, "fps": motion.fps}
    return {"version": "2.0", "generator": f"face_emote {motion.info.version}".strip(), "extras": facts}


def _skin_targets(person: Person) -> list[GlbTarget]:
    """The skin's curves as targets: those that something on show follows, or all of them."""
    folds, out = person.folds, []
    for i, name in enumerate(SKIN_CURVES):
        blood = i - len(WRINKLES)
        if folds is None or "skin" not in person.surface.materials():
            out += [GlbTarget(name)] if person.options.skin_curves else []
        elif blood < 0:
            move = None if folds.moves is None else folds.moves[i]
            out.append(GlbTarget(name, move=move, alpha=folds.masks[:, i]))
        else:
            out.append(GlbTarget(name, shift=folds.shifts[blood]))
    return out


def _still_nodes(objects: tuple[GlbObject, ...]) -> dict[str, Any]:
    return {
        "scenes": [{"nodes": list(range(len(objects)))}],
        "nodes": [{"name": item.name, "mesh": i} for i, item in enumerate(objects)],
        "meshes": [{"name": item.name, "primitives": item.primitives} for item in objects],
    }


def _moving_nodes(
    gltf: GltfFile, objects: tuple[GlbObject, ...], *, head: Head, targets: list[GlbTarget]
) -> dict[str, Any]:
    """Mesh nodes first, then the joints in the order of `names.JOINTS`."""
    rest, first = head.joints(), len(objects)
    joint_nodes: list[dict[str, Any]] = []
    for joint, name in enumerate(JOINTS):
        parent = JOINT_PARENTS[joint]
        offset = rest[joint] - (rest[parent] if parent >= 0 else 0.0)
        node: dict[str, Any] = {"name": name, "translation": [float(np.float32(x)) for x in offset]}
        children = [first + i for i, above in enumerate(JOINT_PARENTS) if above == joint]
        joint_nodes.append(node | ({"children": children} if children else {}))
    skin = {
        "inverseBindMatrices": gltf.add_array(_inverse_binds(rest)),
        "joints": [first + i for i in range(len(JOINTS))],
        "skeleton": first,
    }
    meshes = []
    for item in objects:
        mesh: dict[str, Any] = {"name": item.name, "primitives": item.primitives}
        if item.columns:
            names = [targets[column].name for column in item.columns]
            mesh |= {"weights": [0.0] * len(names), "extras": {"targetNames": names}}
        meshes.append(mesh)
    return {
        "scenes": [{"nodes": list(range(first + 1))}],
        "nodes": [*({"name": item.name, "mesh": i, "skin": 0} for i, item in enumerate(objects)), *joint_nodes],
        "skins": [skin],
        "meshes": meshes,
    }


def _inverse_binds(rest: Float[Array, "joint=5 3"]) -> Float[Array, "joint=5 4 4"]:
    bind = np.tile(np.eye(4, dtype=np.float32), (len(JOINTS), 1, 1))
    bind[:, 3, :3] = -rest  # Column-major in the file, hence the offset in the last row here.
    return bind


def _animation(
    gltf: GltfFile,
    motion: MotionSource,
    *,
    person: Person,
    targets: TargetSet,
    objects: tuple[GlbObject, ...],
    folder: Path,
    progress: Progress | None,
) -> dict[str, Any]:
    """Add the curves and return the animation; nodes are the objects, then the joints. Spools lie in `folder`."""
    joints, count, done = JointMotion(person.head), motion.num_frames, 0
    shown = [SKIN_CURVES.index(item.name) for item in _skin_targets(person)]
    moving = [item for item in objects if item.columns and item.like is None]
    with ExitStack() as files:

        def spool(name: str) -> BufferedIOBase:
            return cast(BufferedIOBase, files.enter_context(tempfile.TemporaryFile(dir=folder, prefix=name)))

        weights = [spool(item.name) for item in moving]
        turns, places = [spool(name) for name in JOINTS], [spool(name) for name in JOINTS]
        skin = spool("skin")
        for block in motion.blocks():
            curves = skin_values(block)
            skin.write(np.round(32767.0 * np.clip(curves, -1.0, 1.0)).astype("<i2").tobytes())
            amounts = np.concatenate([targets.weights(block), curves[:, shown]], axis=1)
            for item, file in zip(moving, weights, strict=True):
                file.write(np.ascontiguousarray(amounts[:, list(item.columns)], "<f4").tobytes())
            turned, placed = joints.played(block)
            for joint in range(len(JOINTS)):
                turns[joint].write(turned[:, joint].astype("<f4").tobytes())
                places[joint].write(placed[:, joint].astype("<f4").tobytes())
            done += block.num_frames
            if progress is not None:
                progress(done, count, "exporting")
        times = gltf.add_array(frame_times(0, count, fps=motion.fps).astype(np.float32), bounds=True)
        samplers: list[dict[str, Any]] = []
        channels: list[dict[str, Any]] = []

        def play(values: int, path: str, *nodes: int) -> None:
            channels.extend({"sampler": len(samplers), "target": {"node": node, "path": path}} for node in nodes)
            samplers.append({"input": times, "output": values, "interpolation": "LINEAR"})

        for item, file in zip(moving, weights, strict=True):
            own = objects.index(item)
            nodes = (own, *(node for node, other in enumerate(objects) if other.like == own))
            play(gltf.add_stream(file, count=count * len(item.columns), kind="SCALAR"), "weights", *nodes)
        for joint in range(len(JOINTS)):
            node = len(objects) + joint
            play(gltf.add_stream(turns[joint], count=count, kind="VEC4"), "rotation", node)
            play(gltf.add_stream(places[joint], count=count, kind="VEC3"), "translation", node)
        recorded = gltf.add_stream(skin, count=count * len(SKIN_CURVES), kind="SCALAR", dtype="<i2")
    return {
        "name": Path(motion.info.speech_name).stem or "performance",
        "samplers": samplers,
        "channels": channels,
        "extras": {"skin": {"names": SKIN_CURVES, "accessor": recorded}},
    }
