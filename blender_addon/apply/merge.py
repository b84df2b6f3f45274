# SPDX-License-Identifier: GPL-3.0-or-later
"""A take, with whatever the artist laid over it, as one editable action with few keys."""

from typing import Any

import bpy
import numpy as np

from .. import compat
from .channels import Channel, owners_of
from .curves import copy_curve, fits_of, write_curve
from .editing import finish
from .facts import facts_of
from .layers import show, strips_of
from .surface import closed_in, name_in, tolerances
from .writing import curves_of


def merge_take(action: Any, character: Any, *, mm: float) -> tuple[Any, int, int]:
    """Sample the result of all layers over the take's frames into a new active action; the take's strips are muted.

    The surface stays within `mm` millimetres. Curves of the artist's active action that the take does not animate are
    copied unchanged; that action itself is kept (with a fake user). Returns the new action, and the number of keys
    before and after.
    """
    finish(action, character)
    strips = list(strips_of(action, character))
    first = round(min(strip.frame_start for strip in strips))
    last = round(max(strip.frame_end for strip in strips))
    empty = np.zeros(0, np.float32)
    plays = [
        Channel(layer.owner_name, curve.data_path, curve.array_index, empty, layer.region.capitalize(),
                name_in(curve.data_path), layer.region)
        for layer, curve in curves_of(action, character)
    ]  # fmt: skip
    sampled = _sampled(plays, character, first=first, last=last)
    merged = bpy.data.actions.new(f"{action.name} merged")
    merged.use_fake_user = True
    closed = closed_in(action, strips[0], first=first, last=last)
    tolerance = tolerances(plays, character, mm=mm, closed=closed) if mm > 0.0 else None
    fits = fits_of(sampled, tolerance=tolerance)
    for name, owner in owners_of(character).items():
        own = [(channel, fit) for channel, fit in zip(plays, fits, strict=True) if channel.owner == name]
        if not own:
            continue
        slot = merged.slots.new(id_type=owner.id_type, name=owner.name)
        bag, data = compat.channelbag(merged, slot), owner.animation_data_create()
        _copy_others(data, bag, known={(channel.path, channel.index) for channel, _ in own})
        for channel, fit in own:
            write_curve(bag, channel, first_frame=first, fit=fit, is_fitted=mm > 0.0)
        if data.action is not None:
            data.action.use_fake_user = True
        data.action, data.action_slot = merged, slot
        data.action_blend_type, data.action_influence = "REPLACE", 1.0
    show(action, character, is_on=False)
    merged["face_emote_merged_from"] = facts_of(action).get("speech_name", "")
    return merged, sampled.size, sum(len(fit.index) for fit in fits)


def _sampled(plays: list[Channel], character: Any, *, first: int, last: int) -> np.ndarray:
    """Values [curve, frame] of every curve, as Blender evaluates all layers."""
    scene, owners = bpy.context.scene, owners_of(character)
    table = np.zeros((len(plays), last - first + 1), np.float32)
    now, sub = scene.frame_current, scene.frame_subframe
    manager = bpy.context.window_manager
    manager.progress_begin(first, last)
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        manager.progress_update(frame)
        for row, channel in enumerate(plays):
            value = owners[channel.owner].path_resolve(channel.path)
            table[row, frame - first] = value[channel.index] if hasattr(value, "__len__") else value
    manager.progress_end()
    scene.frame_set(now, subframe=sub)
    return table


def _copy_others(data: Any, bag: Any, *, known: set[tuple[str, int]]) -> None:
    """Curves of the active action that the take does not touch."""
    if data.action is None or data.action_slot is None:
        return
    source = compat.existing_channelbag(data.action, data.action_slot)
    for curve in source.fcurves if source else ():
        if (curve.data_path, curve.array_index) not in known:
            copy_curve(bag, curve)
