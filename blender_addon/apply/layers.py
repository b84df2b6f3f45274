# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's layers: a slot of its action, and an NLA strip, for each region of each thing that it moves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..names import LAYERS_KEY, TAKE_KEY, TRACK
from .channels import owners_of
from .facts import facts_of
from .regions import REGIONS

WHOLE = "whole"
"""The one layer of takes of older versions."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Where one region of one thing is."""

    region: str
    owner_name: str
    owner: Any
    slot: Any


def layers_of(action: Any, character: Any) -> list[Layer]:
    """Every slot of a take that a strip plays, or that is named after what it moves, if no strip does."""
    found = []
    known = facts_of(action).get("layers", {})
    for owner_name, owner in owners_of(character).items():
        slots: dict[int, Any] = {
            strip.action_slot.handle: strip.action_slot
            for strip in _strips(owner)
            if strip.action == action and strip.action_slot is not None
        }
        if not slots:
            names = {owner.name, *(slot_name(owner, region) for region in REGIONS)}
            slots = {
                slot.handle: slot
                for slot in action.slots
                if slot.target_id_type == owner.id_type and slot.name_display in names
            }
        found += [Layer(known.get(str(handle), WHOLE), owner_name, owner, slot) for handle, slot in slots.items()]
    return found


def slot_name(owner: Any, region: str) -> str:
    """What a new slot is called."""
    return f"{owner.name[:48]} {region}"


def _strips(owner: Any) -> Iterator[Any]:
    data = owner.animation_data
    for track in data.nla_tracks if data else ():
        yield from track.strips


def strips_of(action: Any, character: Any) -> Iterator[Any]:
    """NLA strips that play a take."""
    for owner in owners_of(character).values():
        yield from (strip for strip in _strips(owner) if strip.action == action)


def region_of(strip: Any) -> str:
    """The layer that a strip plays."""
    slot = strip.action_slot
    known = facts_of(strip.action).get("layers", {})
    return str(known.get(str(slot.handle), WHOLE)) if slot is not None else WHOLE


def regions_in(action: Any, character: Any) -> list[str]:
    """The layers that a take has on this character, in their order."""
    own = {region_of(strip) for strip in strips_of(action, character)}
    return [region for region in REGIONS if region in own]


def state_of(action: Any) -> dict[str, Any]:
    """Which layers are muted or solo, and whether the take is shown."""
    try:
        state = json.loads(str(action.get(LAYERS_KEY, "{}")))
    except ValueError:
        state = {}
    return {"mute": [], "solo": [], "shown": True} | (state if isinstance(state, dict) else {})


def is_heard(state: dict[str, Any], region: str) -> bool:
    """Whether a layer plays: it is not muted, and solo if any is."""
    return region not in state["mute"] and (not state["solo"] or region in state["solo"])


def is_shown(action: Any, character: Any) -> bool:
    """Whether a take plays: some strip of it that its layers let through is not muted."""
    state = state_of(action)
    if state.get("editing"):
        return True
    heard = [strip for strip in strips_of(action, character) if is_heard(state, region_of(strip))]
    return any(not strip.mute for strip in heard) if heard else bool(state["shown"])


def show(action: Any, character: Any, *, is_on: bool) -> None:
    """Play a take, as its layers are set, or none of it."""
    _store(action, state_of(action) | {"shown": is_on})
    _apply(action, character, is_on=is_on)


def switch(action: Any, character: Any, region: str, *, kind: str) -> bool:
    """Turn `mute` or `solo` of a layer on or off; returns whether it is on now."""
    was_shown, state = is_shown(action, character), state_of(action)
    is_on = region not in state[kind]
    state[kind] = sorted({*state[kind], region} if is_on else {*state[kind]} - {region})
    _store(action, state | {"shown": was_shown})
    _apply(action, character, is_on=was_shown)
    return is_on


def _store(action: Any, state: dict[str, Any]) -> None:
    action[LAYERS_KEY] = json.dumps(state)


def _apply(action: Any, character: Any, *, is_on: bool) -> None:
    state = state_of(action)
    for strip in strips_of(action, character):
        strip.mute = not (is_on and is_heard(state, region_of(strip)))


def strips_in(action: Any, character: Any, region: str) -> list[Any]:
    """Strips of one layer, the one that is shown in panels first."""
    return [strip for strip in strips_of(action, character) if region_of(strip) == region]


def leave_influence(strip: Any) -> None:
    """Let a strip's influence be a number that can be set and keyed, instead of one that Blender works out."""
    strip.use_animated_influence, strip.influence = True, 1.0
    curve = strip.fcurves.find("influence")
    if curve is not None and len(curve.keyframe_points) <= 1:
        curve.keyframe_points.clear()


def follow_influence(action: Any, character: Any) -> None:
    """Let all strips of a layer have the influence, keyed or not, of its first."""
    for region in regions_in(action, character):
        first, *others = strips_in(action, character, region)
        for other in others:
            _copy_influence(first, other)


def _copy_influence(source: Any, target: Any) -> None:
    ours, theirs = source.fcurves.find("influence"), target.fcurves.find("influence")
    if ours is None or theirs is None:
        return
    wanted, present = _points(ours), _points(theirs)
    if wanted != present:
        theirs.keyframe_points.clear()
        theirs.keyframe_points.add(len(wanted))
        for point, (frame, value, interpolation) in zip(theirs.keyframe_points, wanted, strict=True):
            point.co, point.interpolation = (frame, value), interpolation
        theirs.update()
    if not wanted and abs(target.influence - source.influence) > 1e-6:
        target.influence = source.influence


def _points(curve: Any) -> list[tuple[float, float, str]]:
    return [(float(p.co[0]), float(p.co[1]), str(p.interpolation)) for p in curve.keyframe_points]


def add_strip(layer: Layer, action: Any, *, first_frame: int, num_frames: int, like: Any | None = None) -> Any:
    """A strip for a layer, on the first track of its name that has room, and placed as another one is, if given."""
    data = layer.owner.animation_data_create()
    start, end = float(first_frame), float(first_frame + num_frames - 1)
    if like is not None:
        start, end = like.frame_start, like.frame_end
    name = f"{TRACK} {layer.region}"
    named = [track for track in data.nla_tracks if track.name.startswith(name)]
    free = (track for track in named if all(s.frame_end < start or s.frame_start > end for s in track.strips))
    track = next(free, None)
    if track is None:
        own = [track for track in data.nla_tracks if track.name.startswith(TRACK)]
        track = data.nla_tracks.new(prev=own[-1] if own else None)
        track.name = name
    strip = track.strips.new(action.name, int(start), action)
    strip.name, strip.action_slot = action.name, layer.slot
    strip.action_frame_start, strip.action_frame_end = first_frame, first_frame + num_frames - 1
    strip.frame_start, strip.frame_end = start, end
    strip.blend_type, strip.extrapolation = "REPLACE", "HOLD"
    if like is not None:
        strip.action_frame_start, strip.action_frame_end = like.action_frame_start, like.action_frame_end
        strip.scale, strip.repeat = like.scale, like.repeat
        strip.frame_start, strip.frame_end = start, end
        strip.use_reverse, strip.mute = like.use_reverse, like.mute
    leave_influence(strip)
    return strip


@persistent
def _influence_changed(scene: Any, _graph: Any = None) -> None:
    """What is set or keyed on the first strip of a layer holds for the others."""
    character = scene.face_emote.target
    if character is None:
        return
    played = {
        strip.action.name: strip.action
        for owner in owners_of(character).values()
        for strip in _strips(owner)
        if strip.action is not None and TAKE_KEY in strip.action and not strip.mute
    }
    for action in played.values():
        follow_influence(action, character)


def register() -> None:
    """Watch influences."""
    bpy.app.handlers.depsgraph_update_post.append(_influence_changed)


def unregister() -> None:
    """No more."""
    bpy.app.handlers.depsgraph_update_post.remove(_influence_changed)
