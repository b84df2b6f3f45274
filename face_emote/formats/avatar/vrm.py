"""VRM 1.0 (`.vrm`): a character to be played by anybody - in T-pose, with preset and ARKit expressions and a gaze.

Written from the specification VRMC_vrm-1.0. A model holds no animation: what a motion does goes into a `.vrma`.
Nothing in it asks for an extension of glTF that importers of VRM may not know.
"""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_52
from face_emote.core.output import written_beside
from face_emote.core.types import Character, Progress
from face_emote.core.version import VERSION
from face_emote.face.characters import character
from face_emote.formats.avatar.body import bone_nodes, bones_of, faces_of, require_named_shapes, skin_of
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.glb.glb import asset_of, named_mesh
from face_emote.formats.glb.mesh import GlbObject, GlbTarget, animated_objects, materials_of
from face_emote.formats.mesh.person import Person
from face_emote.rigs.rig_file import load_rig

VRM = "VRMC_vrm"
LICENCE_URL = "https://vrm.dev/licenses/1.0/"
BOTH = {
    "neutral": (),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "blinkLeft": ("eyeBlinkLeft",),
    "blinkRight": ("eyeBlinkRight",),
    "lookUp": ("eyeLookUpLeft", "eyeLookUpRight"),
    "lookDown": ("eyeLookDownLeft", "eyeLookDownRight"),
    "lookLeft": ("eyeLookOutLeft", "eyeLookInRight"),
    "lookRight": ("eyeLookInLeft", "eyeLookOutRight"),
}
"""Presets that are ARKit's shapes together; the others are the faces of the rig `vrm`."""
LARGEST_LOOK = 30.0  # Degrees; up to there eyes turn as far as they are told to.


def write_vrm(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write the character that performs a motion, as a model for programs that know VRM.

    HeadError: the head has no named shapes. OutputError: the file cannot be written there.
    """
    require_named_shapes(person.model)
    person = replace(person, folds=None)  # Nothing would play them.
    recipes: dict[str, dict[str, float]] = {name: {name: 1.0} for name in ARKIT_52}
    recipes |= {face.name: dict(face.weights) for face in load_rig("vrm").shapes}
    targets = [GlbTarget(item.name, item.delta) for item in faces_of(person.head, recipes)]
    bones = tuple(bone for bone in bones_of(person.head) if bone.human or bone.joint)
    with written_beside(path) as target, ExitStack() as files:
        gltf = GltfFile(files.enter_context((target.parent / "buffer.bin").open("w+b")), shapes="sparse")
        materials = materials_of(gltf, person)
        objects = animated_objects(gltf, person, targets=targets)
        first = len(objects)
        gltf.extensions_used.add(VRM)
        places = {bone.human: {"node": first + i} for i, bone in enumerate(bones) if bone.human}
        lift = bones[[bone.name for bone in bones].index("Head")].place
        eyes = sum(bone.place for bone in bones if bone.joint.startswith("eye_")) / 2.0 - lift
        model = {
            "specVersion": "1.0",
            "meta": licence_of(character(motion.character)),
            "humanoid": {"humanBones": places},
            "expressions": _expressions(objects, [item.name for item in targets]),
            "lookAt": _look_at([round(float(x), 5) for x in eyes]),
        }
        scene: dict[str, Any] = {
            "asset": asset_of(motion),
            "scene": 0,
            "scenes": [{"nodes": [*range(first), first]}],
            "nodes": [
                *({"name": item.name, "mesh": i, "skin": 0} for i, item in enumerate(objects)),
                *bone_nodes(bones, first=first),
            ],
            "meshes": [named_mesh(item, [target.name for target in targets]) for item in objects],
            "skins": [skin_of(gltf, bones, first=first)],
            "extensions": {VRM: model},
        }
        gltf.save(target, scene=scene | materials)
    if progress is not None:
        progress(motion.num_frames, motion.num_frames, "exporting")


def licence_of(person: Character) -> dict[str, Any]:
    """Whose it is: invented characters are anybody's; a real person's face is for whom that person allows it."""
    real = bool(person.consent)
    facts: dict[str, Any] = {
        "name": Path(person.name).stem,
        "version": VERSION,
        "authors": [Path(person.name).stem if real else "face_emote"],
        "licenseUrl": LICENCE_URL,
        "avatarPermission": "onlySeparatelyLicensedPerson" if real else "everyone",
        "commercialUsage": "personalNonProfit" if real else "corporation",
        "creditNotation": "required" if real else "unnecessary",
        "allowRedistribution": not real,
        "modification": "prohibited" if real else "allowModificationRedistribution",
    }
    never = ("ExcessivelyViolentUsage", "ExcessivelySexualUsage", "PoliticalOrReligiousUsage", "AntisocialOrHateUsage")
    return facts | {f"allow{usage}": False for usage in never}


def _expressions(objects: tuple[GlbObject, ...], names: list[str]) -> dict[str, Any]:
    def bound(*wanted: str) -> dict[str, Any]:
        binds = [
            {"node": node, "index": item.columns.index(names.index(name)), "weight": 1.0}
            for name in wanted
            for node, item in enumerate(objects)
            if names.index(name) in item.columns
        ]
        return {"morphTargetBinds": binds} if binds else {}

    faces = {name: bound(name) for name in names if name not in ARKIT_52}
    return {
        "preset": faces | {name: bound(*shapes) for name, shapes in BOTH.items()},
        "custom": {name: bound(name) for name in ARKIT_52},
    }


def _look_at(offset: list[float]) -> dict[str, Any]:
    reach = {"inputMaxValue": LARGEST_LOOK, "outputScale": LARGEST_LOOK}
    maps = ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp")
    return {"type": "bone", "offsetFromHeadBone": offset} | {f"rangeMap{name}": reach for name in maps}
