# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take means for one character: values per frame for its shape keys, properties and bones."""

import math
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..messages import tr
from ..names import ARKIT, BONE_ROLES, JAW_CURVES, LOOK_CURVES, WRINKLE_PROPERTIES, blood_place, wrinkle_place
from ..report import UserError
from . import axes, poses
from .mapping import Row, mapping_matrix
from .regions import region_of_bone, region_of_key, region_of_sources

FACING = {"-Y": 0.0, "+X": 0.5 * math.pi, "+Y": math.pi, "-X": -0.5 * math.pi}
JOINTS = {"global": 0, "neck": 1, "jaw": 2, "eye_left": 3, "eye_right": 4}
STILL = 1e-6
"""What moves less gets no bone curve."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One animated number."""

    owner: str
    """KEY (shape keys), KEY 2 and on (those of its parts), OBJECT (the mesh) or RIG (its armature)."""
    path: str
    index: int
    values: np.ndarray
    group: str
    name: str
    """Shape key, property or bone."""
    region: str = ""
    """One of `regions.REGIONS`."""


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """A take's file in memory."""

    names: tuple[str, ...]
    weights: np.ndarray
    """[frame, name]."""
    turns: np.ndarray
    """[frame, joint, 4]: w, x, y, z in the engine's axes."""
    translation: np.ndarray
    wrinkles: np.ndarray
    blood: np.ndarray
    fps: float

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.weights)


def read_take(path: Path) -> Take:
    """Read what the engine wrote. Raises UserError when the file is gone or damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Take(
                names=tuple(str(name) for name in stored["names"]),
                weights=stored["weights"],
                turns=stored["turns"],
                translation=stored["translation"],
                wrinkles=stored["wrinkles"],
                blood=stored["blood"],
                fps=float(stored["fps"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        raise UserError(tr("The take's file is missing or damaged; generate it again: {path}", path=path)) from None


def channels_of(take: Take, character: Any) -> list[Channel]:
    """Everything that a take animates on a character (a mesh that was set up)."""
    settings = character.face_emote
    channels = _head_keys(take, character) if settings.kind == "HEAD" else []
    if settings.kind == "OWN":
        for owner, mesh in meshes_of(character).items():
            channels += _own_keys(take, mesh, character=character, owner=owner)
    if WRINKLE_PROPERTIES[0] in character:
        channels += _skin(take)
    if settings.rig is not None:
        channels += _bones(take, settings)
        if settings.kind == "OWN":
            channels += _posed(take, settings)
    if not channels:
        raise UserError(
            tr(
                "Nothing of the take fits '{name}'; map its shape keys or poses in the Character panel first",
                name=character.name,
            )
        )
    return _with_regions(channels, character)


def _with_regions(channels: list[Channel], character: Any) -> list[Channel]:
    """Every channel in its layer; in the Dope Sheet, shape keys are grouped by it."""
    settings = character.face_emote
    is_own, meshes = settings.kind == "OWN", meshes_of(character)
    roles = {getattr(settings, role): role for role in BONE_ROLES} if is_own else {name: name for name in JOINTS}
    sources: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for owner, mesh in meshes.items():
        for row in mesh.face_emote.rows:
            sources.setdefault((owner, row.key), []).append((row.source, row.weight))

    def placed(channel: Channel) -> Channel:
        if channel.owner in meshes:
            known = sources.get((channel.owner, channel.name)) if is_own else None
            region = region_of_sources(known) if known else region_of_key(channel.name)
            return replace(channel, region=region, group=region.capitalize())
        if channel.owner == "OBJECT":
            return replace(channel, region="skin")
        return replace(channel, region=region_of_bone(channel.name, roles))

    return [placed(channel) for channel in channels]


def _key_channel(name: str, values: np.ndarray, *, owner: str = "KEY") -> Channel:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return Channel(owner, f'key_blocks["{escaped}"].value', 0, values.astype(np.float32), "Face Emote", name)


def _head_keys(take: Take, character: Any) -> list[Channel]:
    blocks = character.data.shape_keys.key_blocks
    return [_key_channel(name, take.weights[:, i]) for i, name in enumerate(take.names) if name in blocks]


def _own_keys(take: Take, mesh: Any, *, character: Any, owner: str) -> list[Channel]:
    settings = character.face_emote
    blocks = mesh.data.shape_keys.key_blocks
    bones = () if settings.rig is None else settings.rig.data.bones
    by_bone = (JAW_CURVES if settings.jaw in bones else ()) + (LOOK_CURVES if settings.eye_left in bones else ())
    rows = [
        Row(row.key, row.source, row.weight)
        for row in mesh.face_emote.rows
        if row.key in blocks and row.source not in by_bone
    ]
    keys, matrix = mapping_matrix(rows, sources=ARKIT)
    order = [take.names.index(name) for name in ARKIT]
    values = take.weights[:, order] @ matrix
    return [
        _key_channel(key, np.clip(values[:, i], blocks[key].slider_min, blocks[key].slider_max), owner=owner)
        for i, key in enumerate(keys)
    ]


def has_keys(thing: Any) -> bool:
    """Whether an object has shape keys."""
    return thing is not None and thing.type == "MESH" and thing.data.shape_keys is not None


def meshes_of(character: Any) -> dict[str, Any]:
    """A character's meshes with shape keys, by `Channel.owner`: itself, and those that are driven with it."""
    alive = [part.mesh for part in character.face_emote.parts if has_keys(part.mesh)]
    own = {"KEY": character} if has_keys(character) else {}
    return own | {f"KEY {number}": part for number, part in enumerate(alive, start=2)}


def lost_keys(character: Any) -> list[str]:
    """Shape keys, poses and bones that are no longer there: renamed or deleted since they were mapped, or made."""
    rig = character.face_emote.rig
    if character.face_emote.kind == "HEAD":
        return [name for name in ARKIT if name not in character.data.shape_keys.key_blocks]
    return [
        row.key
        for mesh in meshes_of(character).values()
        for row in mesh.face_emote.rows
        if row.key not in mesh.data.shape_keys.key_blocks
    ] + (poses.lost(rig) if rig is not None else [])


def _skin(take: Take) -> list[Channel]:
    def channel(place: tuple[str, int], values: np.ndarray, group: str) -> Channel:
        name, index = place
        return Channel("OBJECT", f'["{name}"]', index, values.astype(np.float32), group, name)

    wrinkles = [channel(wrinkle_place(i), take.wrinkles[:, i], "Wrinkles") for i in range(take.wrinkles.shape[1])]
    blood = [channel(blood_place(i), take.blood[:, i], "Blood flow") for i in range(take.blood.shape[1])]
    return wrinkles + blood


def _bones(take: Take, settings: Any) -> list[Channel]:
    rig, channels = settings.rig, []
    facing = FACING[settings.facing]
    is_own = settings.kind == "OWN"
    turns = axes.blender_rotations(take.turns, facing=0.0 if not is_own else facing)
    roles = {role: getattr(settings, role) for role in BONE_ROLES} if is_own else {name: name for name in JOINTS}
    to_rest = np.array(rig.matrix_world.to_3x3().normalized()) if is_own else np.eye(3)
    for role, name in roles.items():
        bone = rig.pose.bones.get(name)
        if bone is None:
            continue
        rotation = turns[:, JOINTS[role]]
        if is_own and role == "neck":
            rotation = turns[:, JOINTS["global"]] @ rotation
        rest = to_rest @ np.array(bone.bone.matrix_local.to_3x3())
        channels += _turned(bone, axes.in_bone_space(rotation, rest))
        if role == "global" and np.abs(take.translation).max() > STILL:
            moved = axes.placed(take.translation) @ rest
            channels += [_bone_channel(bone, "location", i, moved[:, i]) for i in range(3)]
    return channels


def _posed(take: Take, settings: Any) -> list[Channel]:
    """What the poses of a character's rig say."""
    rig = settings.rig
    bones, values = poses.played(take.weights, take.names, rig=rig, roles=settings)
    channels = []
    for name, mixed in bones.items():
        bone = rig.pose.bones[name]
        for path, table, rest, locks in (
            ("location", mixed.location, 0.0, bone.lock_location), ("scale", mixed.scale, 1.0, bone.lock_scale),
        ):  # fmt: skip
            free = [i for i in range(3) if not locks[i] and np.abs(table[:, i] - rest).max() > STILL]
            channels += [_bone_channel(bone, path, i, table[:, i]) for i in free]
        channels += _turned(bone, _unlocked(bone, mixed.rotation))
    for (path, index), numbers in values.items():
        channels.append(Channel("RIG", path, index, numbers.astype(np.float32), "Face Emote", path))
    return channels


def _unlocked(bone: Any, rotation: np.ndarray) -> np.ndarray:
    """Without turns about the axes that are locked."""
    locked = np.array(bone.lock_rotation)
    if not locked.any():
        return rotation
    order = bone.rotation_mode if len(bone.rotation_mode) == 3 else "XYZ"
    from mathutils import Euler

    free = np.where(locked, 0.0, _euler(rotation, order))
    return np.array([np.array(Euler(angles, order).to_matrix()) for angles in free])


def _turned(bone: Any, rotation: np.ndarray) -> list[Channel]:
    if np.abs(rotation - np.eye(3)).max() <= STILL:
        return []
    if bone.rotation_mode == "QUATERNION":
        values, path = axes.continuous(axes.quaternions_of(rotation)), "rotation_quaternion"
    elif bone.rotation_mode == "AXIS_ANGLE":
        quaternion = axes.continuous(axes.quaternions_of(rotation))
        angle = 2.0 * np.arccos(np.clip(quaternion[:, :1], -1.0, 1.0))
        axis = quaternion[:, 1:] / np.maximum(np.linalg.norm(quaternion[:, 1:], axis=1, keepdims=True), 1e-9)
        values, path = np.concatenate([angle, axis], axis=1), "rotation_axis_angle"
    else:
        values, path = _euler(rotation, bone.rotation_mode), "rotation_euler"
    locks = bone.lock_rotation if path == "rotation_euler" else [False] * 4
    return [_bone_channel(bone, path, i, values[:, i]) for i in range(values.shape[1]) if not locks[i]]


def _euler(rotation: np.ndarray, order: str) -> np.ndarray:
    from mathutils import Matrix

    angles = [Matrix(rotation[0].tolist()).to_euler(order)]
    for matrix in rotation[1:]:
        angles.append(Matrix(matrix.tolist()).to_euler(order, angles[-1]))
    return np.array([tuple(item) for item in angles])


def _bone_channel(bone: Any, path: str, index: int, values: np.ndarray) -> Channel:
    escaped = bone.name.replace("\\", "\\\\").replace('"', '\\"')
    return Channel("RIG", f'pose.bones["{escaped}"].{path}', index, values.astype(np.float32), bone.name, bone.name)


def owners_of(character: Any) -> dict[str, Any]:
    """The data-blocks that channels write to, by `Channel.owner`."""
    owners = {name: mesh.data.shape_keys for name, mesh in meshes_of(character).items()}
    if character.type == "MESH":
        owners["OBJECT"] = character
    if character.face_emote.rig is not None:
        owners["RIG"] = character.face_emote.rig
    return owners
