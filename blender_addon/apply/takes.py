# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: one action each, on NLA tracks called "Face Emote", beneath whatever the artist does."""

import math
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..messages import tr
from ..names import TAKE_KEY, TRACK
from ..report import UserError
from . import editing, layers, linked, steps
from .channels import Channel, channels_of, has_keys, owners_of, read_take
from .facts import facts_of as facts_of
from .facts import new_id, write_facts
from .identity import id_of
from .layers import is_shown as is_shown
from .layers import strips_of as strips_of
from .sound import remove_sound, takes_in
from .writing import Former, edits_of, motion_curves, write_take

KEPT = ("id", "character_id", "first_frame", "former", "row", "layers", "steps", "holds", "blinks", "turned")
"""Facts that a re-bake does not change."""


def refusal(character: Any) -> str:
    """Why nothing can be written to this character; empty when something can."""
    if character is None:
        return "Choose or add a character first"
    if character.type == "MESH" and not has_keys(character) and character.face_emote.kind != "OWN":
        return tr("'{name}' has no shape keys; press Find Marks, then Create Shape Keys", name=character.name)
    if character.face_emote.kind == "PART":
        return tr(
            "'{name}' is a part of another character; choose that one, or remove the part there", name=character.name
        )
    foreign = linked.refusal(character)
    if foreign:
        return foreign
    elder = _elder_twin(character)
    if elder is not None:
        return tr(
            "'{name}' is a linked duplicate and shares its shape keys with '{name2}'; choose "
            "that, or make it single-user first (Object > Relations > Make Single User)",
            name=character.name,
            name2=elder.name,
        )
    if character.face_emote.kind == "NONE":
        return tr("'{name}' is not set up; press Map Shape Keys or Map Poses", name=character.name)
    return ""


def _elder_twin(character: Any) -> Any | None:
    """The character whose mesh this one merely links, or None: ids sort by age."""
    if character.type != "MESH" or character.data.users < 2:
        return None
    uid = character.face_emote.uid
    twins = (item for item in bpy.data.objects if item.data == character.data and item.face_emote.uid < uid)
    return next((item for item in twins if item.face_emote.uid), None)


def takes_of(character: Any) -> list[Any]:
    """Actions that are takes of a character, by name."""
    uid = character.face_emote.uid
    return [
        action
        for action in bpy.data.actions
        if uid and TAKE_KEY in action and facts_of(action).get("character_id") == uid
    ]


def take_by_id(number: str) -> Any | None:
    """The take with an id, or None."""
    found = (action for action in bpy.data.actions if TAKE_KEY in action and facts_of(action).get("id") == number)
    return next(found, None) if number else None


def chosen_take(settings: Any) -> Any | None:
    """The take of the character that was chosen in the list; the one that is shown when none was."""
    own = takes_of(settings.target) if settings.target is not None else []
    chosen = (take for take in own if facts_of(take)["id"] == settings.take_id)
    return next(chosen, None) or next((take for take in own if is_shown(take, settings.target)), None)


def add_take(character: Any, path: Path, facts: dict[str, Any], *, first_frame: int) -> Any:
    """Write a new take and show it; older takes at the same time are muted, nothing else is touched."""
    channels = channels_of(read_take(path), character)
    before = _values_now(channels, character)
    others = takes_of(character)
    editing.finish_all(character, others)
    action = bpy.data.actions.new(_free_name(character, facts))
    action.use_fake_user = True
    facts = facts | {"id": new_id(), "character_id": id_of(character), "first_frame": first_frame}
    facts["num_frames"] = len(channels[0].values)
    facts["former"] = facts_of(others[0]).get("former", before) if others else before
    write_facts(action, facts)
    write_take(action, character, channels, former=Former())
    for layer in layers.layers_of(action, character):
        layers.add_strip(layer, action, first_frame=first_frame, num_frames=facts["num_frames"])
    show_only(character, action)
    return action


def rebake(
    action: Any, character: Any, path: Path, facts: dict[str, Any], *, keep_edits: bool = True,
    regions: tuple[str, ...] = (),
) -> int:  # fmt: skip
    """Fill an existing take anew: its strips, their trims, and corrections on top of them, stay where they are.

    Curves that were edited keep what was changed, on top of the new performance; returns how many there were. Curves of
    other layers than `regions`, if these are given, are not touched at all.
    """
    editing.finish_all(character, takes_of(character))
    former = edits_of(action, character) if keep_edits else Former()
    old, before = facts_of(action), _num_frames(action)
    channels = channels_of(read_take(path), character)
    first_frame, num_frames = int(old.get("first_frame", 1)), len(channels[0].values)
    stretch = float(facts.get("fps", 1.0)) / float(old.get("fps", 0.0) or facts.get("fps", 1.0))
    former.stretch = stretch
    _restore(old.get("former", {}), character)
    write_facts(action, facts | {name: old[name] for name in KEPT if name in old} | {"num_frames": num_frames})
    _stretch_holds(action, first_frame, stretch)
    write_take(action, character, channels, former=former, regions=regions)
    steps.apply(action, character)
    for strip in strips_of(action, character):
        cut_start = max(0.0, strip.action_frame_start - first_frame) * stretch
        cut_end = max(0.0, first_frame + before - 1 - strip.action_frame_end) * stretch
        start = first_frame + min(cut_start, num_frames - 2.0)
        end = max(start + 1.0, first_frame + num_frames - 1 - cut_end)
        place, scale, repeat = strip.frame_start, strip.scale, strip.repeat
        strip.action_frame_end = max(end, strip.action_frame_end)
        strip.action_frame_start, strip.action_frame_end = start, end
        strip.frame_end = place + (end - start) * scale * repeat
    _add_missing_strips(action, character, first_frame=first_frame, num_frames=num_frames)
    layers.show(action, character, is_on=is_shown(action, character))
    return len(former.curves)


def revert(action: Any, character: Any) -> None:
    """Make every curve again from the take's file, as the engine made it."""
    facts = facts_of(action)
    rebake(action, character, motion_curves(facts), facts, keep_edits=False)


def _stretch_holds(action: Any, first: int, stretch: float) -> None:
    """Held poses stay where they are when the take is made for another frame rate."""
    spans = [[first + (edge - first) * stretch for edge in span] for span in steps.holds_of(action)]
    if stretch != 1.0 and spans:
        write_facts(action, facts_of(action) | {"holds": spans})


def _add_missing_strips(action: Any, character: Any, *, first_frame: int, num_frames: int) -> None:
    """For layers that this take did not have before; the one strip of a take without layers makes room for them."""
    strips = list(strips_of(action, character))
    like = strips[0] if strips else None
    old = {strip.as_pointer() for strip in strips if layers.region_of(strip) == layers.WHOLE}
    played = {strip.action_slot.handle for strip in strips if strip.action_slot is not None}
    known = {int(handle) for handle in facts_of(action).get("layers", {})}
    for owner_name, owner in owners_of(character).items():
        for slot in [item for item in action.slots if item.handle in known - played]:
            region = facts_of(action)["layers"][str(slot.handle)]
            if slot.target_id_type == owner.id_type and slot.name_display == layers.slot_name(owner, region):
                layer = layers.Layer(region, owner_name, owner, slot)
                layers.add_strip(layer, action, first_frame=first_frame, num_frames=num_frames, like=like)
        data = owner.animation_data
        for track in list(data.nla_tracks) if data and old else []:
            for strip in [strip for strip in track.strips if strip.as_pointer() in old]:
                slot = strip.action_slot
                track.strips.remove(strip)
                if slot is not None and slot.handle not in known:
                    action.slots.remove(slot)
            if track.name.startswith(TRACK) and len(track.strips) == 0:
                data.nla_tracks.remove(track)


def _num_frames(action: Any) -> int:
    """How many frames a take has; older ones are counted."""
    stored = facts_of(action).get("num_frames")
    return int(stored or max((len(curve.keyframe_points) for curve in compat.all_fcurves(action)), default=1))


def last_frame(action: Any, character: Any) -> int:
    """The last frame of the timeline that a take reaches."""
    return math.ceil(max((strip.frame_end for strip in strips_of(action, character)), default=0.0))


def of_another_rate(character: Any, *, fps: float) -> Any | None:
    """A take of a character that was made for another frame rate and plays too fast or too slow; None without one."""
    made = ((take, float(facts_of(take).get("fps", fps))) for take in takes_of(character))
    return next((take for take, rate in made if abs(rate - fps) > 1e-3 and is_shown(take, character)), None)


def remove_take(action: Any, character: Any) -> None:
    """Take away a take, its strips and its sound; what no other take moves gets its former value."""
    editing.finish_all(character, takes_of(character))
    former = facts_of(action).get("former", {})
    for owner in owners_of(character).values():
        data = owner.animation_data
        for track in list(data.nla_tracks) if data else []:
            for strip in [strip for strip in track.strips if strip.action == action]:
                track.strips.remove(strip)
            if track.name.startswith(TRACK) and len(track.strips) == 0:
                data.nla_tracks.remove(track)
    remove_sound(facts_of(action)["id"])
    bpy.data.actions.remove(action)
    hush_hidden()
    _restore(former, character)


def show_only(character: Any, action: Any) -> None:
    """Show a take, and hide those that would play at the same time; one that is being edited is put back first."""
    editing.finish_all(character, takes_of(character))
    layers.show(action, character, is_on=True)
    own = list(strips_of(action, character))
    if not own:
        return
    start, end = min(strip.frame_start for strip in own), max(strip.frame_end for strip in own)
    for other in takes_of(character):
        theirs = strips_of(other, character) if other != action else ()
        if any(strip.frame_start <= end and strip.frame_end >= start for strip in theirs):
            layers.show(other, character, is_on=False)
    hush_hidden()


def hush_hidden() -> None:
    """Mute the sound of takes that are not shown; a sound that several share is heard while one of them is."""
    shown = {
        facts_of(take)["id"]
        for character in bpy.data.objects
        if character.face_emote.kind in ("HEAD", "OWN")
        for take in takes_of(character)
        if is_shown(take, character)
    }
    for scene in bpy.data.scenes:
        for strip in compat.strips_of(scene) or ():
            own = takes_in(strip)
            if own:
                strip.mute = shown.isdisjoint(own)


def _free_name(character: Any, facts: dict[str, Any]) -> str:
    line = Path(facts.get("speech_name", "") or "take").stem
    number = 1 + len(takes_of(character))
    return f"FE {line} {number:02d}"


def _values_now(channels: list[Channel], character: Any) -> dict[str, dict[str, float]]:
    """What the animated properties are before the first take, by owner and `path|index`."""
    owners = owners_of(character)
    values: dict[str, dict[str, float]] = {}
    for channel in channels:
        value = owners[channel.owner].path_resolve(channel.path)
        number = value[channel.index] if hasattr(value, "__len__") else value
        values.setdefault(channel.owner, {})[f"{channel.path}|{channel.index}"] = round(float(number), 6)
    return values


def _restore(former: dict[str, dict[str, float]], character: Any) -> None:
    for owner_name, owner in owners_of(character).items():
        for place, value in former.get(owner_name, {}).items():
            path, _, index = place.rpartition("|")
            set_value(owner, path, int(index), value)
        owner.update_tag()


def set_value(owner: Any, path: str, index: int, value: float) -> None:
    """Set one animated property by its data path; a path that no longer exists is skipped."""
    try:
        current = owner.path_resolve(path)
    except ValueError:
        return
    if hasattr(current, "__len__"):
        current[index] = value
    elif path.endswith('"]'):
        parent, _, name = path[:-2].rpartition('["')
        holder = owner.path_resolve(parent) if parent else owner
        holder[name.replace('\\"', '"').replace("\\\\", "\\")] = type(current)(value)
    else:
        parent, _, name = path.rpartition(".")
        setattr(owner.path_resolve(parent), name, value)


def require_take(action: Any | None) -> Any:
    """The action, or UserError when there is none."""
    if action is None:
        raise UserError("Choose a take in the list first")
    return action
