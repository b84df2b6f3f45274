# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels as F-curves, written at once with foreach_set."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import compat
from .channels import Channel

LINEAR = 1
"""`Keyframe.interpolation` as foreach_set takes it."""


def slot_of(action: Any, owner: Any) -> Any | None:
    """The action's slot for a data-block: the one that its strips play, for either may have been renamed."""
    data = owner.animation_data
    for track in data.nla_tracks if data else ():
        for strip in track.strips:
            if strip.action == action and strip.action_slot is not None:
                return strip.action_slot
    fitting = (slot for slot in action.slots if slot.target_id_type == owner.id_type)
    return next((slot for slot in fitting if slot.name_display == owner.name), None)


def slot_for(action: Any, owner: Any) -> Any:
    """The action's slot for a data-block; a new one is named after it, or NLA strips would not find it."""
    return slot_of(action, owner) or action.slots.new(id_type=owner.id_type, name=owner.name)


def write_channels(action: Any, owner: Any, channels: Sequence[Channel], *, first_frame: float) -> Any:
    """Write (or rewrite) one data-block's curves and return their slot. Curves of a former bake that are gone go."""
    slot = slot_for(action, owner)
    bag = compat.channelbag(action, slot)
    wanted = {(channel.path, channel.index) for channel in channels}
    for curve in list(bag.fcurves):
        if (curve.data_path, curve.array_index) not in wanted:
            bag.fcurves.remove(curve)
    for channel in channels:
        frames = first_frame + np.arange(len(channel.values), dtype=np.float32)
        write_curve(bag, channel, frames=frames, values=channel.values)
    return slot


def write_curve(bag: Any, channel: Channel, *, frames: np.ndarray, values: np.ndarray) -> None:
    """Fill one curve with linear keys."""
    curve = bag.fcurves.find(channel.path, index=channel.index)
    if curve is None:
        curve = bag.fcurves.new(channel.path, index=channel.index)
        group = bag.groups.get(channel.group)
        curve.group = group if group is not None else bag.groups.new(channel.group)
    curve.keyframe_points.clear()
    points = curve.keyframe_points
    points.add(len(values))
    table = np.empty(2 * len(values), np.float32)
    table[0::2], table[1::2] = frames, values
    points.foreach_set("co", table)
    points.foreach_set("interpolation", np.full(len(values), LINEAR, np.int32))
    curve.update()
