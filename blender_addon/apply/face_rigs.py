# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses for known face rigs: which control is which point of a face, and how far each curve moves it.

`presets/faces/points.json` says how far, measured on our head: x to the character's left, y up, z forward, in widths
of the mouth for its points, in distances between the eyes for all others. A rig's own size comes from its bones.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..names import ARKIT, NEUTRAL_POSE
from . import axes
from .channels import FACING, Channel
from .curves import write_curve
from .fitting import every_frame

FOLDER = Path(__file__).parent.parent / "presets" / "faces"
RIGS = ("rigify", "auto_rig_pro")
MOUTH = ("corner", "top", "bottom")
"""How the names of the mouth's points begin."""
HINGE = np.array([0.0, -0.85, -0.91])
"""The jaw's hinge from the middle between the eyes, in distances between the eyes."""
TURNS = {
    "jawOpen": ("jaw", (0.389, 0.0)), "jawLeft": ("jaw", (0.0, 0.09)), "jawRight": ("jaw", (0.0, -0.09)),
    "eyeLookDown": ("eye", (0.18, 0.0)), "eyeLookUp": ("eye", (-0.158, 0.0)),
    "eyeLookIn": ("eye", (0.0, -0.242)), "eyeLookOut": ("eye", (0.0, 0.234)),
}  # fmt: skip
"""Curves that turn something about its hinge: what, and radians of nodding and of turning to the left."""
MOVES = {"jawForward": ("jaw", (0.0, 0.0, 0.1)), "tongueOut": ("tongue", (0.0, -0.08, 0.55))}
"""Curves that move something: what, and how far in distances between the eyes."""
BLINK = 0.85
"""Share of the way between the lids that the upper one goes."""


@dataclass(frozen=True, slots=True)
class FaceRig:
    """A known kind of face rig."""

    title: str
    eyes: tuple[str, str]
    """Bones at the eyes, left and right."""
    points: dict[str, list[str]]
    """Bones by point."""
    follows: dict[str, dict[str, float]]
    """Points that the rig itself moves by shares of others' ways."""
    added: dict[str, dict[str, list[float]]]
    """Further ways by curve and point, in widths of the mouth, where a control does less than it should."""


def known_rig(rig: Any) -> FaceRig | None:
    """What kind of face rig an armature is, by the names of its bones; None for others."""
    return next((found for name in RIGS if (found := _read(name, rig.data.bones)) is not None), None)


def _read(name: str, bones: Any) -> FaceRig | None:
    stored = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    points: dict[str, list[str]] = {}
    follows: dict[str, dict[str, float]] = stored.get("follows", {})
    follows |= {_mirrored(p): {_mirrored(q): share for q, share in own.items()} for p, own in follows.items()}
    for point, names in stored["points"].items():
        for own, controls in ((point, names), (_mirrored(point), [_mirrored(item) for item in names])):
            points.setdefault(own, [item for item in controls if item in bones])
    eye = next((item for item in stored["eyes"] if item in bones and _mirrored(item) in bones), None)
    if eye is None or not all(points[point] for point in ("corner.L", "corner.R", "top", "bottom", "jaw")):
        return None
    points = {point: names for point, names in points.items() if names}
    return FaceRig(stored["title"], (eye, _mirrored(eye)), points, follows, stored.get("added", {}))


def _mirrored(name: str) -> str:
    return re.sub(r"\.([Ll])(?=\.|$)", lambda found: ".R" if found[1] == "L" else ".r", name)


def make_poses(rig: Any, kind: FaceRig, *, facing: str) -> Any:
    """One action with a pose a frame, each named by a marker; the artist's to edit. It lies on a muted NLA track.

    The track keeps the action's bones right when bones are renamed.
    """
    action = bpy.data.actions.new(f"Face poses of {rig.name}")
    action.use_fake_user = True
    moves = {source: dict(_moves(source, rig, kind, facing=facing)) for source in ARKIT}
    sources = [NEUTRAL_POSE, *(source for source in ARKIT if moves[source])]
    bones = list(dict.fromkeys(name for source in sources[1:] for name in moves[source]))
    slot = action.slots.new(id_type=rig.id_type, name=rig.name)
    bag = compat.channelbag(action, slot)
    rest = (np.zeros(3), np.zeros(3))
    for name in bones:
        bone = rig.pose.bones[name]
        table = [moves.get(source, {}).get(name, rest) for source in sources]
        turns = axes.turned_by(np.array([turn for _, turn in table]))
        for path, values in (("location", np.array([move for move, _ in table])), _turn_values(bone, turns)):
            for index, numbers in enumerate(values.T):
                place = f'pose.bones["{bpy.utils.escape_identifier(name)}"].{path}'
                channel, fit = Channel("RIG", place, index, numbers, name, name), every_frame(numbers)
                write_curve(bag, channel, first_frame=1.0, fit=fit, is_fitted=False)
    for frame, source in enumerate(sources, start=1):
        action.pose_markers.new(source).frame = frame
    track = rig.animation_data_create().nla_tracks.new()
    track.name, track.mute = "Poses", True
    strip = track.strips.new(action.name, 1, action)
    strip.action_slot = slot
    return action


def _turn_values(bone: Any, turns: np.ndarray) -> tuple[str, np.ndarray]:
    if bone.rotation_mode == "QUATERNION":
        return "rotation_quaternion", axes.quaternions_of(turns)
    from mathutils import Matrix

    if bone.rotation_mode == "AXIS_ANGLE":
        pairs = [Matrix(turn.tolist()).to_quaternion().to_axis_angle() for turn in turns]
        return "rotation_axis_angle", np.array([(angle, *axis) for axis, angle in pairs])
    return "rotation_euler", np.array([tuple(Matrix(turn.tolist()).to_euler(bone.rotation_mode)) for turn in turns])


def _moves(source: str, rig: Any, kind: FaceRig, *, facing: str) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """Bones that a curve moves: location and rotation vector in their own space."""
    bones, angle = rig.data.bones, FACING[facing]
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    basis = turn @ axes.TO_BLENDER

    def at(name: str) -> np.ndarray:
        return np.array(bones[name].head_local)

    def own(name: str, vector: np.ndarray) -> np.ndarray:
        turned: np.ndarray = np.array(bones[name].matrix_local.to_3x3()).T @ vector
        return turned

    eyes = [at(name) for name in kind.eyes]
    apart = float(np.linalg.norm(eyes[0] - eyes[1]))
    side = source.removesuffix("Left").removesuffix("Right")
    for what, (nod, yaw) in [TURNS[name] for name in (source, side) if name in TURNS][:1]:
        is_right = source.endswith("Right") and what == "eye"
        hinge = eyes[is_right] if what == "eye" else np.mean(eyes, axis=0) + basis @ (HINGE * apart)
        vector = basis @ np.array([nod, -yaw if is_right else yaw, 0.0])
        for name in kind.points.get(f"eye.{'R' if is_right else 'L'}" if what == "eye" else what, []):
            arm = at(name) - hinge
            yield name, (own(name, axes.turned_by(vector) @ arm - arm), own(name, vector))
    if source in MOVES:
        what, vector = MOVES[source]
        for name in kind.points.get(what, []):
            yield name, (own(name, basis @ np.array(vector) * apart), np.zeros(3))
    if side == "eyeBlink":
        yield from _blink(kind, f".{source[len(side)]}", at=at, own=own)
        return
    wide = float(np.linalg.norm(np.subtract(*(at(kind.points[f"corner.{side}"][0]) for side in "LR"))))
    ways = {
        point: np.array(vector) * (wide if point.startswith(MOUTH) else apart)
        for point, vector in (_table().get(source, {}) | kind.added.get(source, {})).items()
    }
    for point in ways | kind.follows if ways else ():
        led = sum(share * ways.get(leader, 0.0) for leader, share in kind.follows.get(point, {}).items())
        left = ways.get(point, np.zeros(3)) - led
        for name in kind.points.get(point, []) if left.any() else ():
            yield name, (own(name, basis @ left), np.zeros(3))


def _blink(kind: FaceRig, side: str, *, at: Any, own: Any) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """Lids meet where these lids do, however far apart they are."""
    lids = [kind.points.get(f"lid_{which}{side}", []) for which in ("top", "bottom")]
    if all(lids):
        way = at(lids[1][0]) - at(lids[0][0])
        for names, share in zip(lids, (BLINK, BLINK - 1.0), strict=True):
            for name in names:
                yield name, (own(name, way * share), np.zeros(3))


def _table() -> dict[str, dict[str, list[float]]]:
    table: dict[str, dict[str, list[float]]] = json.loads((FOLDER / "points.json").read_text(encoding="utf-8"))
    return table
