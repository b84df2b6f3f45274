"""glTF 2.0 binary: the talking head as a skinned mesh with named morph targets and one animation.

What engines and Blender see: a mesh with ARKit-52 targets (and the others this motion uses), five joints, materials,
texture coordinates; one animation at the motion's fps. Wrinkles and blood flow travel as targets that move nothing,
`skin_wrinkle_*` and `skin_blood_*`, since core glTF animates nothing else that has a name. With `blush` those of the
blood shift vertex colours. With `parts` each part is a mesh of its own; with `static_secs` there is one plain mesh.

The same vertices as `Head` to 0.5 mm (only the lip seal is approximated; see `morph_targets`).
"""

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.names import JOINT_PARENTS, JOINTS
from face_emote.core.output import written_beside
from face_emote.core.types import SkinParams
from face_emote.face.characters import character
from face_emote.face.head import Head
from face_emote.formats.glb.animation import animation_of, quaternions
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.glb.mesh import GlbObject, animated_objects, plain_object
from face_emote.formats.glb.morph_targets import TargetSet, morph_targets
from face_emote.formats.mesh.blush_colours import BASE, blush_colours
from face_emote.formats.mesh.materials import gltf_materials
from face_emote.formats.mesh.options import PLAIN, MeshOptions
from face_emote.formats.mesh.person import Progress, person_of, posed_blocks
from face_emote.formats.mesh.surface import MATERIAL_OF, MATERIALS, PARTS, Surface, surface_of

__all__ = ["quaternions", "write_glb"]


def write_glb(
    motion: MotionSource,
    path: Path,
    *,
    head: Head,
    skin: SkinParams | None = None,
    options: MeshOptions = PLAIN,
    progress: Progress | None = None,
) -> None:
    """Write a motion and the head that performs it as `.glb`. Memory does not grow with the length.

    `skin` stands in for that of the motion's character.

    Raises:
        HeadError: the motion belongs to another face model.
        OptionError: parts or blush of an imported head.
        OutputError: the file cannot be written there, or would be larger than 4 GiB.
    """
    person = person_of(motion, head)
    surface = surface_of(person, lod=options.lod, parts=options.parts)
    look = skin or character(motion.character).skin
    colours = blush_colours(surface, look) if options.blush and person.layout is not None else None
    with written_beside(path) as target, ExitStack() as files:
        gltf = GltfFile(files.enter_context((target.parent / "buffer.bin").open("w+b")))
        materials = gltf_materials(
            gltf,
            skin=look,
            textured=person.layout is not None,
            names=_worn(surface),
            skin_gain=1.0 if colours is None else 1.0 / BASE,
        )
        facts = asdict(motion.info) | {"character": motion.character, "fps": motion.fps}
        asset = {"version": "2.0", "generator": f"face_emote {motion.info.version}".strip(), "extras": facts}
        scene: dict[str, Any] = {"asset": asset, "scene": 0, **materials.json}
        if options.static_secs is not None:
            _, vertices = next(posed_blocks(motion, person))
            objects = plain_object(
                gltf, surface, person=person, vertices=vertices[0], materials=materials.names, colours=colours,
                blood_flow=next(iter(motion.blocks(1))).blood_flow[0],
            )  # fmt: skip
            scene |= _still_nodes(objects)
        else:
            targets = morph_targets(motion, person)
            objects = animated_objects(
                gltf, surface, person=person, targets=targets.targets, materials=materials.names, colours=colours
            )
            animation = animation_of(
                gltf, motion, person=person, targets=targets, objects=objects, folder=target.parent, progress=progress
            )
            scene |= _moving_nodes(gltf, objects, person=person, targets=targets) | {"animations": [animation]}
        gltf.save(target, scene=scene)


def _worn(surface: Surface) -> tuple[str, ...]:
    """Materials of a surface, in their fixed order."""
    parts = [list(PARTS)[number] for number in np.unique(surface.face_part)]
    return tuple(name for name in MATERIALS if name in {MATERIAL_OF[part] for part in parts})


def _still_nodes(objects: tuple[GlbObject, ...]) -> dict[str, Any]:
    return {
        "scenes": [{"nodes": list(range(len(objects)))}],
        "nodes": [{"name": item.name, "mesh": i} for i, item in enumerate(objects)],
        "meshes": [{"name": item.name, "primitives": item.primitives} for item in objects],
    }


def _moving_nodes(
    gltf: GltfFile, objects: tuple[GlbObject, ...], *, person: Head, targets: TargetSet
) -> dict[str, Any]:
    """Mesh nodes first, then the joints in the order of `names.JOINTS`."""
    rest, first = person.joints(), len(objects)
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
            names = [targets.targets[column].name for column in item.columns]
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
