"""glTF 2.0 binary: the talking head as a skinned mesh with named morph targets and one animation.

What engines and Blender see: a mesh with ARKit-52 targets (and the others this motion uses), five joints, materials,
texture coordinates; one animation at the motion's fps. Wrinkles and blood flow are targets, `skin_wrinkle_*` and
`skin_blood_*`, that move the alpha of the mesh `folds` and the skin's vertex colours; they are in `extras.skin` of the
animation too: `names`, and an `accessor` with a number of each name for every key. With `parts` each part is a mesh of
its own; with `frame` there are plain meshes.

The same vertices as `Head` to 0.5 mm (only the lip seal is approximated; see `mesh.targets`), but for creases where the
level of detail has the vertices for them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, cast

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource, reported
from face_emote.core.names import JOINT_PARENTS, JOINTS, WRINKLES
from face_emote.core.output import written_beside
from face_emote.core.timing import frame_times
from face_emote.core.types import Progress
from face_emote.face.head import Head
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.glb.mesh import GlbObject, GlbTarget, animated_objects, materials_of, plain_objects
from face_emote.formats.mesh.person import JointMotion, Person, posed_blocks
from face_emote.formats.mesh.targets import SKIN_CURVES, TargetSet, morph_targets, skin_values

CURVES = {"weights": ("SCALAR", 1), "rotation": ("VEC4", 4), "translation": ("VEC3", 3)}
"""How the file counts what a curve of each path holds, and of how many numbers one is."""


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
    return {
        "scenes": [{"nodes": list(range(first + 1))}],
        "nodes": [
            *({"name": item.name, "mesh": i, "skin": 0} for i, item in enumerate(objects)),
            *joint_nodes(JOINTS, rest, parents=JOINT_PARENTS, first=first),
        ],
        "skins": [skin_at(gltf, rest, joints=[first + i for i in range(len(JOINTS))])],
        "meshes": [named_mesh(item, [target.name for target in targets]) for item in objects],
    }


def joint_nodes(
    names: Sequence[str], places: Float[Array, "joint 3"], *, parents: Sequence[int], first: int
) -> list[dict[str, Any]]:
    """The nodes of joints, of which the one without a parent (-1) is number `first`."""
    nodes = []
    for joint, (name, parent) in enumerate(zip(names, parents, strict=True)):
        offset = places[joint] - (places[parent] if parent >= 0 else 0.0)
        children = [first + i for i, above in enumerate(parents) if above == joint]
        node = {"name": name, "translation": [float(np.float32(x)) for x in offset]}
        nodes.append(node | ({"children": children} if children else {}))
    return nodes


def skin_at(
    gltf: GltfFile, places: Float[Array, "joint 3"], *, joints: list[int], skeleton: int | None = None
) -> dict[str, Any]:  # fmt: skip
    """A skin whose joints rest at these places, seen from the vertices' origin; the first of them holds all others."""
    binds = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    binds[:, 3, :3] = -places  # Column-major in the file, hence the offset in the last row here.
    held = joints[0] if skeleton is None else skeleton
    return {"inverseBindMatrices": gltf.add_array(binds), "joints": joints, "skeleton": held}


def named_mesh(item: GlbObject, names: list[str]) -> dict[str, Any]:
    """A mesh at rest with the names of its targets."""
    own = [names[column] for column in item.columns]
    mesh: dict[str, Any] = {"name": item.name, "primitives": item.primitives}
    return mesh | ({"weights": [0.0] * len(own), "extras": {"targetNames": own}} if own else {})


@dataclass(frozen=True, slots=True)
class Channel:
    """What a curve moves."""

    path: str
    nodes: tuple[int, ...]


def add_curves(
    gltf: GltfFile, motion: MotionSource, *, channels: list[Channel], rows: Iterator[list[Array]], folder: Path
) -> dict[str, Any]:  # fmt: skip
    """Add an animation whose curves come block by block, one array a channel; spools lie in `folder`."""
    times = gltf.add_array(frame_times(0, motion.num_frames, fps=motion.fps).astype(np.float32), bounds=True)
    samplers = []
    with ExitStack() as files:
        spools = [files.enter_context(TemporaryFile(dir=folder)) for _ in channels]
        for block in rows:
            for spool, values in zip(spools, block, strict=True):
                spool.write(np.ascontiguousarray(values, "<f4").tobytes())
        for spool, channel in zip(spools, channels, strict=True):
            kind, width = CURVES[channel.path]
            output = gltf.add_stream(cast(Any, spool), count=spool.tell() // (4 * width), kind=kind)
            samplers.append({"input": times, "output": output, "interpolation": "LINEAR"})
    return {
        "name": Path(motion.info.speech_name).stem or "performance",
        "samplers": samplers,
        "channels": [
            {"sampler": i, "target": {"node": node, "path": item.path}}
            for i, item in enumerate(channels)
            for node in item.nodes
        ],
    }


def _animation(
    gltf: GltfFile, motion: MotionSource, *, person: Person, targets: TargetSet, objects: tuple[GlbObject, ...],
    folder: Path, progress: Progress | None,
) -> dict[str, Any]:  # fmt: skip
    """Add the curves and return the animation; nodes are the objects, then the joints."""
    joints, shown = JointMotion(person.head), [SKIN_CURVES.index(item.name) for item in _skin_targets(person)]
    moving = [(number, item) for number, item in enumerate(objects) if item.columns and item.like is None]
    likes = {number: [node for node, other in enumerate(objects) if other.like == number] for number, _ in moving}
    channels = [Channel("weights", (number, *likes[number])) for number, _ in moving]
    for node in range(len(objects), len(objects) + len(JOINTS)):
        channels += [Channel("rotation", (node,)), Channel("translation", (node,))]
    with TemporaryFile(dir=folder) as skin:

        def rows() -> Iterator[list[Array]]:
            for block in reported(motion, progress):
                curves = skin_values(block)
                skin.write(np.round(32767.0 * np.clip(curves, -1.0, 1.0)).astype("<i2").tobytes())
                amounts = np.concatenate([targets.weights(block), curves[:, shown]], axis=1)
                turned, placed = joints.played(block)
                played = [both[:, joint] for joint in range(len(JOINTS)) for both in (turned, placed)]
                yield [*(amounts[:, list(item.columns)] for _, item in moving), *played]

        animation = add_curves(gltf, motion, channels=channels, rows=rows(), folder=folder)
        count = motion.num_frames * len(SKIN_CURVES)
        recorded = gltf.add_stream(cast(Any, skin), count=count, kind="SCALAR", dtype="<i2")
    return animation | {"extras": {"skin": {"names": SKIN_CURVES, "accessor": recorded}}}
