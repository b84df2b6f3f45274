# SPDX-License-Identifier: GPL-3.0-or-later
"""A take, with whatever the artist laid over it, as one editable action with few keys."""

from typing import Any

import bpy
import numpy as np

from .. import compat
from .channels import Channel, owners_of
from .curves import slot_for, slot_of, write_curve
from .decimate import kept_frames
from .takes import facts_of, strips_of


def merge_take(action: Any, character: Any, *, tolerance: float) -> tuple[Any, int, int]:
    """Sample the result of all layers over the take's frames into a new active action; the take's strips are muted.

    Curves of the artist's active action that the take does not animate are copied unchanged; that action itself is
    kept (with a fake user). Returns the new action, and the number of keys before and after.
    """
    strips = list(strips_of(action, character))
    first = round(min(strip.frame_start for strip in strips))
    last = round(max(strip.frame_end for strip in strips))
    plays = {name: _paths(action, owner) for name, owner in owners_of(character).items()}
    sampled = _sampled(plays, character, first=first, last=last)
    merged = bpy.data.actions.new(f"{action.name} merged")
    merged.use_fake_user = True
    frames = np.arange(first, last + 1, dtype=np.float32)
    before = after = 0
    for name, owner in owners_of(character).items():
        if not plays[name]:
            continue
        slot = slot_for(merged, owner)
        bag = compat.channelbag(merged, slot)
        data = owner.animation_data_create()
        _copy_others(data, bag, known=set(plays[name]))
        for (path, index), values in zip(plays[name], sampled[name].T, strict=True):
            kept = kept_frames(values, tolerance=tolerance)
            before, after = before + len(values), after + len(kept)
            write_curve(
                bag, Channel(name, path, index, values, "Face Emote", ""), frames=frames[kept], values=values[kept]
            )
        if data.action is not None:
            data.action.use_fake_user = True
        data.action, data.action_slot = merged, slot
        data.action_blend_type, data.action_influence = "REPLACE", 1.0
    for strip in strips:
        strip.mute = True
    merged["face_emote_merged_from"] = facts_of(action).get("speech_name", "")
    return merged, before, after


def _paths(action: Any, owner: Any) -> list[tuple[str, int]]:
    slot = slot_of(action, owner)
    bag = compat.existing_channelbag(action, slot) if slot is not None else None
    return [(curve.data_path, curve.array_index) for curve in bag.fcurves] if bag else []


def _sampled(
    plays: dict[str, list[tuple[str, int]]], character: Any, *, first: int, last: int
) -> dict[str, np.ndarray]:
    """Values of every curve at every frame, as Blender evaluates all layers."""
    scene, owners = bpy.context.scene, owners_of(character)
    tables = {name: np.zeros((last - first + 1, len(paths)), np.float32) for name, paths in plays.items()}
    now, sub = scene.frame_current, scene.frame_subframe
    manager = bpy.context.window_manager
    manager.progress_begin(first, last)
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        manager.progress_update(frame)
        for name, paths in plays.items():
            owner = owners[name]
            for column, (path, index) in enumerate(paths):
                value = owner.path_resolve(path)
                tables[name][frame - first, column] = value[index] if hasattr(value, "__len__") else value
    manager.progress_end()
    scene.frame_set(now, subframe=sub)
    return tables


def _copy_others(data: Any, bag: Any, *, known: set[tuple[str, int]]) -> None:
    """Curves of the active action that the take does not touch."""
    if data.action is None or data.action_slot is None:
        return
    source = compat.existing_channelbag(data.action, data.action_slot)
    for curve in source.fcurves if source else ():
        if (curve.data_path, curve.array_index) in known:
            continue
        copy = bag.fcurves.new(curve.data_path, index=curve.array_index)
        count = len(curve.keyframe_points)
        copy.keyframe_points.add(count)
        for field, width, kind in (
            ("co", 2, np.float32), ("handle_left", 2, np.float32), ("handle_right", 2, np.float32),
            ("interpolation", 1, np.int32), ("handle_left_type", 1, np.int32), ("handle_right_type", 1, np.int32),
        ):  # fmt: skip
            values = np.empty(count * width, kind)
            curve.keyframe_points.foreach_get(field, values)
            copy.keyframe_points.foreach_set(field, values)
        copy.update()
