"""A `.glb` for the JavaScript library TalkingHead and for players of Ready Player Me's avatars.

They look up an object `Armature` that holds everything, Mixamo's bones by name, fingers included, and on the meshes
`Wolf3D_Head`, `Wolf3D_Teeth`, `EyeLeft` and `EyeRight` ARKit's 52 shapes, Oculus' visemes as `viseme_*`, and five more.
The animation plays ARKit's shapes, neck and head, so that it plays on any such avatar.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.motion import MotionSource, reported
from face_emote.core.names import ARKIT_52
from face_emote.core.output import written_beside
from face_emote.core.types import Progress
from face_emote.formats.arkit import CURVES, ArkitCurves
from face_emote.formats.avatar.body import bone_nodes, bones_of, faces_of, head_turns, require_named_shapes, skin_of
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.glb.glb import Channel, add_curves, asset_of, named_mesh
from face_emote.formats.glb.mesh import GlbTarget, animated_objects, materials_of
from face_emote.formats.mesh.person import Person
from face_emote.rigs.rig_file import load_rig

ROOT = "Armature"
MESHES = {"skin": "Wolf3D_Head", "teeth": "Wolf3D_Teeth", "eye_left": "EyeLeft", "eye_right": "EyeRight"}
EXTRAS = {
    "mouthOpen": {"jawOpen": 0.5},
    "mouthSmile": {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8},
    "eyesClosed": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    "eyesLookUp": {"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0},
    "eyesLookDown": {"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0},
}
"""Ready Player Me's own shapes, of the strength that TalkingHead makes them with where they are missing."""
VOWELS = {"ih": "I", "oh": "O", "ou": "U"}  # Oculus' visemes that Ready Player Me names otherwise.


def write_talkinghead(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write the character with its performance. Errors as `write_vrm`."""
    require_named_shapes(person.model)
    options, person = person.options, replace(person, folds=None)  # Nothing would play creases.
    visemes = {f"viseme_{VOWELS.get(face.name, face.name)}": face.weights for face in load_rig("oculus").shapes}
    recipes = {name: {name: 1.0} for name in ARKIT_52} | visemes | EXTRAS
    # Silence moves nothing, and has to be there all the same.
    targets = [
        GlbTarget(item.name, item.delta if recipes[item.name] else None) for item in faces_of(person.head, recipes)
    ]
    names, bones, curves = list(recipes), bones_of(person.head), ArkitCurves(person.model)
    played = [CURVES.index(name) for name in ARKIT_52]
    with written_beside(path) as target, ExitStack() as files:
        buffer = files.enter_context((target.parent / "buffer.bin").open("w+b"))
        shapes = "dense" if options.dense else "quantised"
        gltf = GltfFile(buffer, path=target, compress=options.compress, shapes=shapes)
        materials = materials_of(gltf, person)
        objects = animated_objects(gltf, person, targets=targets)
        objects = tuple(replace(item, name=MESHES.get(item.name, f"Wolf3D_{item.name.title()}")) for item in objects)
        first, at = len(objects) + 1, [bone.name for bone in bones]
        moving = [(node, list(item.columns)) for node, item in enumerate(objects, 1) if item.columns]
        channels = [Channel("rotation", (first + at.index(name),)) for name in ("Neck", "Head")]
        channels += [Channel("weights", (node,)) for node, _ in moving]

        def rows() -> Iterator[list[Array]]:
            for block in reported(motion, progress):
                weights = np.zeros((block.num_frames, len(names)))
                weights[:, : len(ARKIT_52)] = curves.of(block)[:, played]
                yield [*head_turns(block), *(weights[:, columns] for _, columns in moving)]

        scene: dict[str, Any] = {
            "asset": asset_of(motion),
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [
                {"name": ROOT, "children": [*range(1, first), first]},
                *({"name": item.name, "mesh": i, "skin": 0} for i, item in enumerate(objects)),
                *bone_nodes(bones, first=first),
            ],
            "meshes": [named_mesh(item, names) for item in objects],
            "skins": [skin_of(gltf, bones, first=first)],
            "animations": [add_curves(gltf, motion, channels=channels, rows=rows(), folder=target.parent)],
        }
        gltf.save(target, scene=scene | materials)
