# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a character is, whatever it is called: an id in its data, which its takes carry too. Copies get their own."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..names import TAKE_KEY
from . import sound
from .channels import owners_of
from .facts import facts_of, new_id, write_facts

_num_objects = [0]
"""When it changes, something was added, duplicated or appended."""


def id_of(character: Any) -> str:
    """A character's id; given when it has none."""
    if not character.face_emote.uid:
        _adopt(character)
    uid: str = character.face_emote.uid
    return uid


def character_of(uid: str) -> Any | None:
    """The character with an id, or None when it is gone."""
    return next((item for item in _characters() if item.face_emote.uid == uid), None) if uid else None


def settle() -> None:
    """Give every character an id of its own: those of older files, and copies, which come with the original's."""
    known: dict[str, Any] = {}
    for character in sorted(_characters(), key=lambda item: item.session_uid):
        original = known.get(character.face_emote.uid)
        if original is not None:
            _separate(character, original)
        known[id_of(character)] = character
    numbers: set[str] = set()
    for action in sorted(bpy.data.actions, key=lambda item: item.session_uid):
        number = str(facts_of(action).get("id", ""))
        if number and number in numbers and action.library is None:  # The artist copied the action.
            write_facts(action, facts_of(action) | {"id": new_id()})
        numbers.add(number)
    _num_objects[0] = len(bpy.data.objects)


def _characters() -> list[Any]:
    return [
        item
        for item in bpy.data.objects
        if item.type in ("MESH", "ARMATURE") and item.library is None and item.face_emote.kind in ("HEAD", "OWN")
    ]


def _adopt(character: Any) -> None:
    """The first id of a character, and of takes that know it by name only or are played by it."""
    character.face_emote.uid = new_id()
    played = {action.name for action in _played(character)}
    for action in bpy.data.actions:
        facts = facts_of(action)
        if not facts or "id" in facts or action.library is not None:
            continue
        if facts.get("character") == character.name or action.name in played:
            _tag(action, character)
            for strip in sound.strips_of_take(action.name):
                sound.tie(strip, facts_of(action)["id"], instead_of=action.name)


def _separate(copy: Any, original: Any) -> None:
    """Another id for a copy, and takes of its own. A linked duplicate shares its curves and has none."""
    copy.face_emote.uid = new_id()
    if copy.data == original.data:
        return
    theirs = {action.name for action in _played(original)}
    shared = [owner.session_uid for owner in owners_of(original).values()]
    own: dict[str, Any] = {}  # By the original's name.
    for owner in owners_of(copy).values():
        if owner.session_uid in shared or owner.animation_data is None:
            continue
        for strip in [strip for track in owner.animation_data.nla_tracks for strip in track.strips]:
            action = strip.action
            if action is None or TAKE_KEY not in action or action.library is not None:
                continue
            if action.name not in own:
                own[action.name] = _own_take(action, copy, is_shared=action.name in theirs)
            slot = strip.action_slot
            strip.action = own[action.name]
            if slot is not None:
                strip.action_slot = own[action.name].slots[slot.identifier]
        data = owner.animation_data
        if data.action is not None and data.action.name in own and data.action_slot is not None:  # Being edited.
            slot = data.action_slot
            data.action = own[data.action.name]
            data.action_slot = data.action.slots[slot.identifier]


def _own_take(action: Any, character: Any, *, is_shared: bool) -> Any:
    """A take as this character's own, heard in the same sound: the action itself, or a copy of a shared one."""
    own = action.copy() if is_shared else action
    heard = sound.strips_of_take(str(facts_of(action).get("id", "")))
    _tag(own, character)
    for strip in heard:
        sound.tie(strip, facts_of(own)["id"])
    return own


def _tag(action: Any, character: Any) -> None:
    """Make an action a take of this character."""
    write_facts(action, facts_of(action) | {"id": new_id(), "character_id": character.face_emote.uid})


def _played(character: Any) -> list[Any]:
    """Takes on a character's NLA tracks."""
    return [
        strip.action
        for owner in owners_of(character).values()
        for track in (owner.animation_data.nla_tracks if owner.animation_data else ())
        for strip in track.strips
        if strip.action is not None and TAKE_KEY in strip.action
    ]


@persistent
def _settle(*_arguments: Any) -> None:
    settle()


@persistent
def _settle_when_something_came(*_arguments: Any) -> None:
    if len(bpy.data.objects) != _num_objects[0]:
        settle()


_HANDLERS = (
    ("depsgraph_update_post", _settle_when_something_came),
    ("load_post", _settle),
    ("blend_import_post", _settle),
    ("undo_post", _settle),
    ("redo_post", _settle),
)


def register() -> None:
    """Watch for copies: duplicated, appended, or brought back by undo."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Watch no more."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
