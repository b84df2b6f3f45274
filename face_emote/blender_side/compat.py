"""Where Blender 4.5 and 5.0 differ, and nowhere else."""

from typing import Any

import bpy
import numpy as np

SINCE_5 = bpy.app.version >= (5, 0, 0)
LINEAR = 1  # `Keyframe.interpolation` as a number.


def node_tree(owner: Any) -> Any:
    """The empty node tree of a new material or world; from 5.0 on they have one anyway."""
    if not SINCE_5:
        owner.use_nodes = True
    owner.node_tree.nodes.clear()
    return owner.node_tree


def channelbag(action: Any, owner: Any) -> Any:
    """Where the curves of `owner` live in an action; the action is given to `owner` too.

    The slot is named after its owner: Blender finds it again by that name.
    """
    slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    if SINCE_5:
        from bpy_extras import anim_utils

        bag = anim_utils.action_ensure_channelbag_for_slot(action, slot)
    else:
        layer = action.layers[0] if action.layers else action.layers.new("Layer")
        strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
        bag = strip.channelbag(slot, ensure=True)
    animation = owner.animation_data_create()
    animation.action = action
    animation.action_slot = slot
    return bag


def add_curve(bag: Any, path: str, *, index: int, values: Any) -> None:
    """One linear curve with a key a frame, from frame 0 on."""
    curve = bag.fcurves.new(path, index=index)
    points = curve.keyframe_points
    points.add(len(values))
    frames = np.arange(len(values), dtype=np.float32)
    points.foreach_set("co", np.stack([frames, np.asarray(values, np.float32)], axis=1).reshape(-1))
    points.foreach_set("interpolation", np.full(len(values), LINEAR, np.int32))
    curve.update()
