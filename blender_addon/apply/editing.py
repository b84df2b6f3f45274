# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as the active action, where Dope Sheet and Graph Editor show all of it, and back onto its strips."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import compat
from ..messages import tr
from ..names import LAYERS_KEY, TRACK
from ..report import UserError
from . import layers, steps
from .channels import owners_of
from .curves import POINT_FIELDS, copy_curve
from .facts import facts_of, write_facts
from .regions import region_of_bone, region_of_key
from .surface import name_in

ASIDE = f"{TRACK} set aside"
"""Track on which an artist's active action plays while a take is edited."""
WHOLE_FRAME = 2e-3
"""Keys so near to a whole frame are on it: they were before the strip's speed was taken in and out."""


@dataclass(frozen=True, slots=True)
class Play:
    """From frames of an action to frames of the timeline."""

    stretch: float
    offset: float


def play_of(strip: Any) -> Play:
    """As a strip plays its action."""
    return Play(strip.scale, strip.frame_start - strip.action_frame_start * strip.scale)


def action_frame(action: Any, character: Any, frame: float) -> float:
    """The frame of a take that is played at one of the timeline."""
    strip = next(layers.strips_of(action, character), None)
    return frame if strip is None else (frame - play_of(strip).offset) / play_of(strip).stretch


def is_edited(action: Any) -> bool:
    """Whether a take is being edited."""
    return bool(layers.state_of(action).get("editing"))


def begin(action: Any, character: Any) -> None:
    """Show a take in the editors: one slot for each thing that it moves, with the curves of all its layers.

    An action that was active plays on below meanwhile.
    """
    if is_edited(action):
        return
    if any(strip.use_reverse for strip in layers.strips_of(action, character)):
        raise UserError(tr("'{name}' is played backwards; switch that off in the NLA editor first", name=action.name))
    slots: dict[str, int] = {}
    for owner_name, owner in owners_of(character).items():
        own = [layer for layer in layers.layers_of(action, character) if layer.owner_name == owner_name]
        if not own:
            continue
        slot = action.slots.new(id_type=owner.id_type, name=f"{owner.name[:48]} edit")
        bag = compat.channelbag(action, slot)
        for layer in own:
            play = _play(layer, action)
            _move(compat.existing_channelbag(action, layer.slot), bag, play=play)
            first = facts_of(action).get("first_frame", 1) * play.stretch + play.offset
            holds = [[edge * play.stretch + play.offset for edge in span] for span in steps.holds_of(action)]
            for curve in bag.fcurves:
                if curve.data_path in {item.data_path for item in _curves(action, layer.slot)}:
                    count = steps.steps_of(action).get(layer.region, 1)
                    steps.put(curve, steps=count, holds=holds, first=first, stretch=play.stretch)
        _set_aside(owner)
        data = owner.animation_data
        data.action, data.action_slot = action, slot
        data.action_blend_type, data.action_influence, data.action_extrapolation = "REPLACE", 1.0, "HOLD"
        slots[owner_name] = slot.handle
    _store(action, layers.state_of(action) | {"editing": slots})
    for strip in layers.strips_of(action, character):
        strip.mute = True


def finish(action: Any, character: Any, *, keep: bool = True) -> None:
    """Put the take back onto its strips, with what was edited or without, and the action that was active before."""
    state = layers.state_of(action)
    slots = state.pop("editing", {})
    if not slots:
        return
    for owner_name, owner in owners_of(character).items():
        slot = next((slot for slot in action.slots if slot.handle == slots.get(owner_name)), None)
        data = owner.animation_data
        if data is not None and data.action == action:
            data.action = None
        _bring_back(owner)
        if slot is None:
            continue
        if keep:
            _distribute(action, character, owner_name=owner_name, owner=owner, slot=slot)
        action.slots.remove(slot)
    _store(action, state)
    steps.apply(action, character)
    layers.show(action, character, is_on=bool(state["shown"]))


def finish_all(character: Any, takes: list[Any]) -> None:
    """Put back whatever take of a character is being edited."""
    for action in takes:
        finish(action, character)


def _store(action: Any, state: dict[str, Any]) -> None:
    action[LAYERS_KEY] = json.dumps(state)


def _play(layer: Any, action: Any) -> Play:
    data = layer.owner.animation_data
    for track in data.nla_tracks if data else ():
        for strip in track.strips:
            if strip.action == action and strip.action_slot == layer.slot:
                return play_of(strip)
    return Play(1.0, 0.0)


def _curves(action: Any, slot: Any) -> list[Any]:
    bag = compat.existing_channelbag(action, slot)
    return list(bag.fcurves) if bag is not None else []


def _move(source: Any, target: Any, *, play: Play) -> None:
    for curve in source.fcurves if source is not None else ():
        copy_curve(target, curve, stretch=play.stretch, offset=play.offset)


def _distribute(action: Any, character: Any, *, owner_name: str, owner: Any, slot: Any) -> None:
    """Give every edited curve to the layer that it is of; those that were deleted go."""
    own = {layer.region: layer for layer in layers.layers_of(action, character) if layer.owner_name == owner_name}
    homes = {
        (curve.data_path, curve.array_index): region
        for region, layer in own.items()
        for curve in _curves(action, layer.slot)
    }
    edited = {(curve.data_path, curve.array_index): curve for curve in _curves(action, slot)}
    for place in homes.keys() - edited.keys():
        bag = compat.channelbag(action, own[homes[place]].slot)
        bag.fcurves.remove(bag.fcurves.find(place[0], index=place[1]))
    for place, curve in edited.items():
        region = homes.get(place) or _likely(place[0], owner_name)
        if region not in own:
            own[region] = _new_layer(action, region, owner_name=owner_name, owner=owner, like=next(iter(own.values())))
        play = _play(own[region], action)
        copy = copy_curve(
            compat.channelbag(action, own[region].slot), curve,
            stretch=1.0 / play.stretch, offset=-play.offset / play.stretch,
        )  # fmt: skip
        if (play.stretch, play.offset) != (1.0, 0.0):
            _onto_frames(copy)


def _likely(path: str, owner_name: str) -> str:
    """The layer of a curve that the take did not have."""
    if owner_name == "RIG":
        return region_of_bone(name_in(path), {})
    return "skin" if owner_name == "OBJECT" else region_of_key(name_in(path))


def _new_layer(action: Any, region: str, *, owner_name: str, owner: Any, like: Any) -> Any:
    slot = action.slots.new(id_type=owner.id_type, name=layers.slot_name(owner, region))
    facts = facts_of(action)
    write_facts(action, facts | {"layers": facts.get("layers", {}) | {str(slot.handle): region}})
    layer = layers.Layer(region, owner_name, owner, slot)
    tracks = owner.animation_data.nla_tracks
    strip = next((s for track in tracks for s in track.strips if s.action_slot == like.slot), None)
    layers.add_strip(
        layer, action, first_frame=int(facts["first_frame"]), num_frames=int(facts["num_frames"]), like=strip
    )
    return layer


def _onto_frames(curve: Any) -> None:
    """Put keys back onto whole frames that arithmetic has moved off them."""
    for field, width, kind in POINT_FIELDS[:3]:
        values = np.empty(width * len(curve.keyframe_points), kind)
        curve.keyframe_points.foreach_get(field, values)
        whole = np.round(values[0::2])
        values[0::2] = np.where(np.abs(values[0::2] - whole) < WHOLE_FRAME, whole, values[0::2])
        curve.keyframe_points.foreach_set(field, values)
    curve.update()


def _set_aside(owner: Any) -> None:
    """Let the active action play on a track of its own, over ours and under the take that is edited."""
    data = owner.animation_data_create()
    data.use_tweak_mode = False  # Blender's own way to edit a strip holds the place of the active action.
    if data.action is None or data.action_slot is None:
        return
    action, slot = data.action, data.action_slot
    start, end = action.frame_range
    track = data.nla_tracks.new()
    track.name = ASIDE
    strip = track.strips.new(action.name, int(start), action)
    strip.action_slot = slot
    strip.action_frame_start, strip.action_frame_end = start, max(end, start + 1.0)
    strip.frame_start, strip.frame_end = start, max(end, start + 1.0)
    strip.blend_type, strip.extrapolation = data.action_blend_type, data.action_extrapolation
    layers.leave_influence(strip)
    strip.influence = data.action_influence
    data.action = None


def _bring_back(owner: Any) -> None:
    data = owner.animation_data
    for track in [track for track in (data.nla_tracks if data else ()) if track.name.startswith(ASIDE)]:
        for strip in track.strips:
            if data.action is None:
                data.action, data.action_slot = strip.action, strip.action_slot
                data.action_blend_type, data.action_influence = strip.blend_type, strip.influence
                data.action_extrapolation = strip.extrapolation
        data.nla_tracks.remove(track)
