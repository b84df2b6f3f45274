# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses of a rig, mixed: each is a difference to the neutral one, and a take is how much of each on every frame.

Turns are mixed as rotation vectors, so that half of a pose is half of its turn whatever the bones' rotation modes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import compat
from ..names import BONE_ROLES, JAW_CURVES, LOOK_CURVES, NEUTRAL_POSE, TAKE_KEY
from . import axes

BONE_PATH = re.compile(r'^pose\.bones\["((?:[^"\\]|\\.)*)"\]\.(location|rotation_\w+|scale)$')
PROPERTY_PATH = re.compile(r'^(pose\.bones\["(?:[^"\\]|\\.)*"\])?\["(?:[^"\\]|\\.)*"\]$')
STILL = 1e-5
"""What differs less from the neutral pose is not part of a pose."""
HEADS = re.compile(r"^(c_)?(head|kopf)(\.x|_?01)?$|^mixamorig:head$|^j_bip_c_head$|^cc_base_head$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Move:
    """Where a bone is, in its own space."""

    location: np.ndarray = field(default_factory=lambda: np.zeros(3))
    turn: np.ndarray = field(default_factory=lambda: np.zeros(3))
    """Rotation vector: radians about an axis."""
    scale: np.ndarray = field(default_factory=lambda: np.ones(3))


@dataclass(frozen=True, slots=True)
class Pose:
    """What an action says at a frame."""

    bones: Mapping[str, Move]
    values: Mapping[tuple[str, int], float]
    """Custom properties, of the rig and of bones, by data path and index."""


def pose_at(action: Any, frame: float, *, rig: Any) -> Pose:
    """Read a pose; bones and properties that the action does not key are left out."""
    found: dict[str, dict[tuple[str, int], float]] = {}
    values: dict[tuple[str, int], float] = {}
    for curve in _object_curves(action, rig):
        on_bone = BONE_PATH.match(curve.data_path)
        if on_bone is not None:
            name = on_bone[1].replace('\\"', '"').replace("\\\\", "\\")
            found.setdefault(name, {})[on_bone[2], curve.array_index] = curve.evaluate(frame)
        elif PROPERTY_PATH.match(curve.data_path):
            values[curve.data_path, curve.array_index] = curve.evaluate(frame)
    modes = {name: rig.pose.bones[name].rotation_mode for name in found if name in rig.pose.bones}
    return Pose({name: _move(found[name], mode) for name, mode in modes.items()}, values)


def _object_curves(action: Any, rig: Any) -> list[Any]:
    """Curves of the slot that is meant for a rig: the one of its name, or the first for objects."""
    slots = [slot for slot in action.slots if slot.target_id_type in ("OBJECT", "UNSPECIFIED")]
    slot = next((item for item in slots if item.name_display == rig.name), slots[0] if slots else None)
    bag = compat.existing_channelbag(action, slot) if slot is not None else None
    return list(bag.fcurves) if bag is not None else []


def _move(keys: Mapping[tuple[str, int], float], mode: str) -> Move:
    from mathutils import Euler, Quaternion

    def of(path: str, usual: Sequence[float]) -> np.ndarray:
        return np.array([keys.get((path, i), value) for i, value in enumerate(usual)])

    keyed = {path for path, _ in keys}
    wanted = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(mode, "rotation_euler")
    path = wanted if wanted in keyed else next((name for name in keyed if name.startswith("rotation")), wanted)
    if path == "rotation_quaternion":
        turned = Quaternion(of(path, (1, 0, 0, 0)))
        turned.normalize()
    elif path == "rotation_axis_angle":
        numbers = of(path, (0, 0, 1, 0))
        turned = Quaternion(numbers[1:], numbers[0])
    else:
        turned = Euler(of(path, (0, 0, 0)), mode if len(mode) == 3 else "XYZ").to_quaternion()
    if turned.w < 0.0:
        turned.negate()
    return Move(of("location", (0, 0, 0)), np.array(turned.to_exponential_map()), of("scale", (1, 1, 1)))


def named_poses(rig: Any, actions: Sequence[Any]) -> list[tuple[str, Any, float]]:
    """Poses that actions hold for a rig, by name: an action is one, or each of its pose markers is.

    Of poses of one name the rig's own is the first, then one that is marked as an asset.
    """
    found: dict[str, tuple[str, Any, float]] = {}
    bones, tracks = set(rig.pose.bones.keys()), rig.animation_data.nla_tracks if rig.animation_data else ()
    own = {strip.action for track in tracks for strip in track.strips}
    for action in sorted(actions, key=lambda item: (item not in own, item.asset_data is None)):
        if TAKE_KEY in action or not any(_is_of(curve.data_path, bones) for curve in _object_curves(action, rig)):
            continue
        markers = [(marker.name, action, float(marker.frame)) for marker in action.pose_markers]
        for pose in markers or [(action.name, action, float(action.frame_range[0]))]:
            found.setdefault(pose[0], pose)
    return list(found.values())


def _is_of(path: str, bones: set[str]) -> bool:
    on_bone = BONE_PATH.match(path)
    return on_bone is not None and on_bone[1].replace('\\"', '"').replace("\\\\", "\\") in bones


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """A bone over the frames of a take."""

    location: np.ndarray
    rotation: np.ndarray
    """[frame, 3, 3] in the bone's space."""
    scale: np.ndarray


def played(
    weights: np.ndarray, names: Sequence[str], *, rig: Any, roles: Any
) -> tuple[dict[str, Mixed], dict[tuple[str, int], np.ndarray]]:
    """A rig's bones and custom properties (by path and index) under a take's weights [frame, curve].

    Bones that have a role (of the character's settings `roles`) are turned by it alone.
    """
    neutral, poses, shares = _mixture(rig, names, roles=roles)
    if not poses:
        return {}, {}
    amounts = weights @ shares
    bones = {}
    for name in _facial(rig, poses, neutral=neutral, roles=roles):
        at = neutral.bones.get(name, Move())
        moves = [pose.bones.get(name, at) for pose in poses]
        away = _quaternion(at).conjugated()
        turns = np.array([_vector(away @ _quaternion(move)) for move in moves])
        base = axes.turned_by(at.turn[None])[0]
        bones[name] = Mixed(
            at.location + amounts @ np.array([move.location - at.location for move in moves]),
            base @ axes.turned_by(amounts @ turns),
            at.scale * (1.0 + amounts @ np.array([move.scale / at.scale - 1.0 for move in moves])),
        )
    values = {}
    for place in dict.fromkeys(place for pose in poses for place in pose.values):
        rest = neutral.values.get(place, _resting(rig, place))
        differences = np.array([pose.values.get(place, rest) - rest for pose in poses])
        if np.abs(differences).max() > STILL:
            values[place] = rest + amounts @ differences
    return bones, values


def _mixture(rig: Any, names: Sequence[str], *, roles: Any) -> tuple[Pose, list[Pose], np.ndarray]:
    """The neutral pose, the others, and the matrix [curve, pose] of what plays them. Roles' bones play their own."""
    own = rig.face_emote
    bones = rig.pose.bones
    by_bone = (JAW_CURVES if roles.jaw in bones else ()) + (LOOK_CURVES if roles.eye_left in bones else ())
    listed = {item.name: item for item in own.poses if item.action is not None}
    rest = listed.get(NEUTRAL_POSE)
    neutral = pose_at(rest.action, rest.frame, rig=rig) if rest is not None else Pose({}, {})
    rows = [row for row in own.rows if row.key in listed and row.source in names and row.source not in by_bone]
    keys = list(dict.fromkeys(row.key for row in rows))
    shares = np.zeros((len(names), len(keys)))
    for row in rows:
        shares[names.index(row.source), keys.index(row.key)] += row.weight
    return neutral, [pose_at(listed[key].action, listed[key].frame, rig=rig) for key in keys], shares


def _facial(rig: Any, poses: Sequence[Pose], *, neutral: Pose, roles: Any) -> list[str]:
    """Bones that poses move: not those that all of them hold alike, and those below the head if there are some."""
    taken = {getattr(roles, role) for role in BONE_ROLES}
    moved = []
    for name in dict.fromkeys(name for pose in poses for name in pose.bones):
        at = neutral.bones.get(name, Move())
        moves = [pose.bones.get(name, at) for pose in poses]
        table = np.array([np.concatenate([move.location, move.turn, move.scale]) for move in moves])
        rest = np.concatenate([at.location, at.turn, at.scale])
        held = len(poses) > 2 and np.abs(table - table[0]).max() <= STILL  # A body that poses along.
        if np.abs(table - rest).max() > STILL and not held and name not in taken:
            moved.append(name)
    heads = {bone.name for bone in rig.data.bones if HEADS.match(bone.name)}
    below = [name for name in moved if any(up.name in heads for up in rig.data.bones[name].parent_recursive)]
    return below or moved


def _resting(rig: Any, place: tuple[str, int]) -> float:
    """A custom property's default; what it is now when it has none."""
    path, index = place
    owner, _, name = path.rpartition('["')
    holder, name = rig.path_resolve(owner) if owner else rig, name.removesuffix('"]')
    value = holder.id_properties_ui(name).as_dict().get("default", holder[name]) if name in holder else 0.0
    return float(np.atleast_1d(value)[index])


def _quaternion(move: Move) -> Any:
    from mathutils import Quaternion

    return Quaternion(move.turn)


def _vector(turned: Any) -> np.ndarray:
    if turned.w < 0.0:
        turned.negate()
    return np.array(turned.to_exponential_map())


def lost(rig: Any) -> list[str]:
    """Poses and bones of the mapping that are gone or have been renamed since."""
    listed = {item.name: item for item in rig.face_emote.poses if item.action is not None}
    gone = [row.key for row in rig.face_emote.rows if row.key not in listed]
    for action in dict.fromkeys(item.action for item in listed.values()):
        for curve in _object_curves(action, rig):
            on_bone = BONE_PATH.match(curve.data_path)
            if on_bone is not None and on_bone[1] not in rig.pose.bones:
                gone.append(on_bone[1])
    return list(dict.fromkeys(gone))
