# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks of a take in a list, and what a character looks at, told to the engine."""

import hashlib
import io
import math
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..messages import tr
from ..report import UserError
from . import layers
from .axes import TO_BLENDER
from .channels import FACING, has_keys
from .facts import facts_of, write_facts
from .mouth import clock_of
from .poses import HEADS
from .writing import motion_curves

USUAL = (0.09, 0.03, 0.21)
"""Seconds in which lids close, rest and open."""
STEADY = 0.25
"""Of the usual glances away, while there is something to look at."""
SLOW_SECS = 0.12
"""By which the head smooths what the eyes jump to."""
MOST_TURN = (math.radians(60.0), math.radians(35.0))
"""Yaw and pitch of a target up to which the head follows by its share."""
SAME_SECS = 2e-3
"""What has moved less in the list has not been touched: frames are rounded there."""
EYES_APART = 0.0625
"""Of the engine's head, metres: the scale of other heads."""


def blinks_of(action: Any) -> np.ndarray:
    """Start, closing, hold, opening (seconds) and depth of every blink: as edited, or as the engine made them.

    Raises:
        UserError: the take's file is gone, or older than its blinks.
    """
    edited = facts_of(action).get("blinks")
    if edited is not None:
        return np.array(edited, np.float64).reshape(-1, 5)
    try:
        with np.load(motion_curves(facts_of(action)), allow_pickle=False) as stored:
            return np.array(stored["blinks"], np.float64)
    except (OSError, ValueError, KeyError):
        raise UserError(tr("Re-bake the take first: nobody knows its blinks")) from None


def list_blinks(settings: Any, action: Any) -> None:
    """Fill the list from a take."""
    clock = clock_of(action, settings.target)
    settings.blink_rows.clear()
    for start, closing, hold, opening, depth in blinks_of(action).tolist():
        row = add_blink(settings, frame=clock.frame(start), frames=(closing + hold + opening) * clock.rate)
        row.strength = depth
        row.closing, row.hold = closing / (closing + hold + opening), hold / (closing + hold + opening)
    settings.blinks_take = facts_of(action).get("id", "")


def add_blink(settings: Any, *, frame: float, frames: float) -> Any:
    """One more blink, of usual proportions."""
    row = settings.blink_rows.add()
    row.frame, row.frames, row.strength = frame, frames, 1.0
    row.closing, row.hold = USUAL[0] / sum(USUAL), USUAL[1] / sum(USUAL)
    return row


def write_blinks(settings: Any, action: Any) -> None:
    """Store the list in the take: in order, without what lies outside of it."""
    clock, facts = clock_of(action, settings.target), facts_of(action)
    last = float(facts["num_frames"]) / float(facts["fps"])
    rows = []
    for row in sorted(settings.blink_rows, key=lambda item: item.frame):
        secs, start = max(row.frames / clock.rate, 0.02), clock.secs(row.frame)
        if -secs < start < last and row.strength > 0.0:
            rest = max(1.0 - row.closing - row.hold, 0.1)
            rows.append([start, row.closing * secs, row.hold * secs, rest * secs, row.strength])
    wanted, known = np.array(rows, np.float64).reshape(-1, 5), blinks_of(action)
    if wanted.shape != known.shape or not np.allclose(wanted, known, atol=SAME_SECS):
        write_facts(action, facts | {"blinks": [[round(value, 5) for value in row] for row in rows]})


def list_again(settings: Any, action: Any) -> None:
    """Fill the list anew when its take has been made again, unless its blinks are those of the list."""
    if settings.blinks_take == facts_of(action).get("id") and "blinks" not in facts_of(action):
        list_blinks(settings, action)


def directions(
    character: Any, folder: Path, *, action: Any | None, frames: list[float], fps: float
) -> dict[str, str]:  # fmt: skip
    """What a request says of the eyes: edited blinks of a take, and where the character's target is at each frame.

    `frames` are those of the timeline at which the take's frames are seen. Nothing, when nobody has decided anything.
    """
    arrays: dict[str, np.ndarray] = {}
    blinks = None if action is None else facts_of(action).get("blinks")
    if blinks is not None:
        arrays["blinks"] = np.array(blinks, np.float64).reshape(-1, 5)
    if character.face_emote.gaze_target is not None and frames:
        arrays |= _looking(character, frames=frames, fps=fps)
    if not arrays:
        return {}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    code = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest()[:16]
    path = folder / f"{code}.eyes.npz"
    path.write_bytes(packed.getvalue())
    return {"eyes": str(path)}


def frames_of(action: Any, character: Any) -> list[float]:
    """Frames of the timeline at which the frames of a take are seen."""
    facts = facts_of(action)
    first, count = float(facts.get("first_frame", 1)), int(facts.get("num_frames", 1))
    strip = next(layers.strips_of(action, character), None)
    if strip is None:
        return [first + i for i in range(count)]
    return [strip.frame_start + (first + i - strip.action_frame_start) * strip.scale for i in range(count)]


def _looking(character: Any, *, frames: list[float], fps: float) -> dict[str, np.ndarray]:
    """Times, points and turns of the head as the engine wants them."""
    points = _points(character, frames)
    points[np.linalg.norm(points, axis=1) < 0.05] = (0.0, 0.0, 0.05)
    yaw = np.arctan2(points[:, 0], points[:, 2])
    pitch = np.arcsin(points[:, 1] / np.linalg.norm(points, axis=1))
    turn = np.stack([np.clip(yaw, -MOST_TURN[0], MOST_TURN[0]), np.clip(pitch, -MOST_TURN[1], MOST_TURN[1])], axis=1)
    reach = max(1, round(3.0 * SLOW_SECS * fps))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (SLOW_SECS * fps)) ** 2)
    padded = np.pad(turn, ((reach, reach), (0, 0)), mode="edge")
    slow = np.stack([np.convolve(column, kernel / kernel.sum(), mode="valid") for column in padded.T], axis=1)
    secs = np.arange(len(frames)) / fps
    return {"secs": secs, "target": points, "head_turn": character.face_emote.gaze_head * slow}


def _points(character: Any, frames: list[float]) -> np.ndarray:
    """The target [frame, 3] in the engine's axes and metres, from between the eyes."""
    scene, target, rig = bpy.context.scene, character.face_emote.gaze_target, character.face_emote.rig
    between, apart = _eyes(character)
    is_head = character.face_emote.kind == "HEAD"
    scale = 1.0 if is_head or apart <= 0.0 else EYES_APART / apart
    facing = 0.0 if is_head else FACING[character.face_emote.facing]
    c, s = math.cos(facing), math.sin(facing)
    base = rig if rig is not None else character
    to_world = np.eye(3) if is_head else np.array(base.matrix_world.to_3x3().normalized())
    to_engine = (np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ TO_BLENDER).T @ to_world
    now, sub = scene.frame_current, scene.frame_subframe
    rows = []
    for frame in frames:
        scene.frame_set(math.floor(frame), subframe=frame - math.floor(frame))
        graph = bpy.context.evaluated_depsgraph_get()
        spot = target.evaluated_get(graph).matrix_world.translation
        body = base.evaluated_get(graph)
        matrix = np.array(body.matrix_world)
        if rig is not None and not is_head:
            matrix = matrix @ _carried(body, character.face_emote.neck)
        local = np.linalg.solve(matrix, np.array([*spot, 1.0]))[:3]
        rows.append(scale * (to_engine @ (local - between)))
    scene.frame_set(now, subframe=sub)
    return np.array(rows)


def _carried(rig: Any, neck: str) -> np.ndarray:
    """How the bone that carries the neck has moved, by an animation of the artist's."""
    bone = rig.pose.bones.get(neck)
    if bone is None or bone.parent is None:
        return np.eye(4)
    return np.array(bone.parent.matrix @ bone.parent.bone.matrix_local.inverted())


def _eyes(character: Any) -> tuple[np.ndarray, float]:
    """The point between the resting eyes in the space of the rig (or mesh), and how far they are apart (0 unknown)."""
    settings, rig = character.face_emote, character.face_emote.rig
    names = ("eye_left", "eye_right") if settings.kind == "HEAD" else (settings.eye_left, settings.eye_right)
    if rig is not None and all(name in rig.data.bones for name in names):
        spots = [np.array(rig.data.bones[name].head_local) for name in names]
        return 0.5 * (spots[0] + spots[1]), float(np.linalg.norm(spots[0] - spots[1]))
    skull = next((bone for bone in rig.data.bones if HEADS.match(bone.name)), None) if rig is not None else None
    if not has_keys(character):
        return (np.zeros(3) if skull is None else np.array(skull.head_local + skull.tail_local) * 0.5), 0.0
    blocks = character.data.shape_keys.key_blocks
    rest = _points_of(blocks[0])
    sides = []
    for row in settings.rows:
        if row.source in ("eyeBlinkLeft", "eyeBlinkRight") and row.key in blocks:
            moved = np.linalg.norm(_points_of(blocks[row.key]) - rest, axis=1)
            if moved.max(initial=0.0) > 0.0:
                sides.append(rest[moved > 0.5 * moved.max()].mean(axis=0))
    middle = np.mean(sides, axis=0) if sides else 0.5 * (rest.min(axis=0) + rest.max(axis=0))
    apart = float(np.linalg.norm(sides[0] - sides[1])) if len(sides) == 2 else 0.0
    if rig is not None:
        matrix = np.array(rig.matrix_world.inverted() @ character.matrix_world)
        middle, apart = (matrix @ [*middle, 1.0])[:3], apart * abs(np.linalg.det(matrix[:3, :3])) ** (1.0 / 3.0)
    return middle, apart


def _points_of(block: Any) -> np.ndarray:
    table = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", table)
    return table.reshape(-1, 3).astype(np.float64)
