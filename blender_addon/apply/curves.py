# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels as F-curves, written at once with foreach_set."""

from typing import Any

import bpy
import numpy as np

from .channels import Channel
from .fitting import Fit, every_frame, fitted

CONSTANT, LINEAR, BEZIER = 0, 1, 2
"""`Keyframe.interpolation` as foreach_set takes it."""
FREE, ALIGNED = 0, 3
"""`Keyframe.handle_left_type` as foreach_set takes it."""
STILL = 1e-6
"""What moves less does not move."""
POINT_FIELDS = (
    ("co", 2, np.float32), ("handle_left", 2, np.float32), ("handle_right", 2, np.float32),
    ("interpolation", 1, np.int32), ("easing", 1, np.int32), ("handle_left_type", 1, np.int32),
    ("handle_right_type", 1, np.int32), ("back", 1, np.float32), ("amplitude", 1, np.float32),
    ("period", 1, np.float32),
)  # fmt: skip
_OWN_FIELDS = ("rna_type", "is_valid", "active")


def fits_of(values: np.ndarray, *, tolerance: np.ndarray | None) -> list[Fit]:
    """Keys for curves [curve, frame]; without a tolerance [curve, frame], one a frame."""
    if tolerance is not None:
        return fitted(values, tolerance=tolerance)
    return [every_frame(row if np.ptp(row) > STILL else row[:1]) for row in values]


def write_curve(bag: Any, channel: Channel, *, first_frame: float, fit: Fit, is_fitted: bool) -> Any:
    """Fill one curve; made when missing."""
    curve = bag.fcurves.find(channel.path, index=channel.index)
    if curve is None:
        curve = bag.fcurves.new(channel.path, index=channel.index)
        group = bag.groups.get(channel.group)
        curve.group = group if group is not None else bag.groups.new(channel.group)
    points, count = curve.keyframe_points, len(fit.index)
    points.clear()
    points.add(count)
    frames = first_frame + fit.index
    third = np.diff(fit.index) / 3.0 if count > 1 else np.ones(0)
    before, after = np.append(third[:1], third), np.append(third, third[-1:])
    if count == 1:
        before = after = np.full(1, 1.0 / 3.0)
    points.foreach_set("co", _pairs(frames, fit.values))
    if is_fitted:
        points.foreach_set("interpolation", np.full(count, BEZIER, np.int32))
        kinds = np.where(np.abs(fit.slope_in - fit.slope_out) < STILL, ALIGNED, FREE).astype(np.int32)
        points.foreach_set("handle_left_type", kinds)
        points.foreach_set("handle_right_type", kinds)
        points.foreach_set("handle_left", _pairs(frames - before, fit.values - before * fit.slope_in))
        points.foreach_set("handle_right", _pairs(frames + after, fit.values + after * fit.slope_out))
    else:
        points.foreach_set("interpolation", np.full(count, LINEAR, np.int32))
    curve.update()
    return curve


def _pairs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([x, y], axis=1).astype(np.float32).ravel()


def copy_curve(bag: Any, source: Any, *, stretch: float = 1.0, offset: float = 0.0) -> Any:
    """A curve with all its keys, handles and modifiers, at `frame * stretch + offset`; takes the place of another."""
    old = bag.fcurves.find(source.data_path, index=source.array_index)
    if old is not None:
        bag.fcurves.remove(old)
    copy = bag.fcurves.new(source.data_path, index=source.array_index)
    if source.group is not None:
        copy.group = bag.groups.get(source.group.name) or bag.groups.new(source.group.name)
    copy.extrapolation, copy.mute, copy.lock, copy.hide = source.extrapolation, source.mute, source.lock, source.hide
    copy.color_mode, copy.auto_smoothing = source.color_mode, source.auto_smoothing
    count = len(source.keyframe_points)
    copy.keyframe_points.add(count)
    for field, width, kind in POINT_FIELDS:
        values = np.empty(count * width, kind)
        source.keyframe_points.foreach_get(field, values)
        if width == 2 and (stretch, offset) != (1.0, 0.0):
            values[0::2] = values[0::2] * stretch + offset
        copy.keyframe_points.foreach_set(field, values)
    for modifier in source.modifiers:
        copy_settings(modifier, copy.modifiers.new(modifier.type))
    copy.update()
    return copy


def copy_settings(source: bpy.types.bpy_struct, target: bpy.types.bpy_struct) -> None:
    """Everything that can be set."""
    for item in source.bl_rna.properties:
        if not item.is_readonly and item.identifier not in _OWN_FIELDS and item.type != "COLLECTION":
            setattr(target, item.identifier, getattr(source, item.identifier))


def values_at(curve: Any, frames: np.ndarray) -> np.ndarray:
    """The curve, without its modifiers, at these frames."""
    muted = [modifier for modifier in curve.modifiers if not modifier.mute]
    for modifier in muted:
        modifier.mute = True
    values = np.array([curve.evaluate(frame) for frame in frames.tolist()], np.float32)
    for modifier in muted:
        modifier.mute = False
    return values


def fingerprint(curve: Any) -> float:
    """A number that changes when a key or handle is moved, added or deleted, and not when the file is saved."""
    count = len(curve.keyframe_points)
    parts = []
    for field in ("co", "handle_left", "handle_right"):
        values = np.empty(2 * count, np.float32)
        curve.keyframe_points.foreach_get(field, values)
        parts.append(values if field == "co" else values[1::2])
    every = np.concatenate(parts).astype(np.float64)
    return round(float(every @ (1.5 + np.sin(1.0 + 1.7 * np.arange(len(every))))), 3)
