# SPDX-License-Identifier: GPL-3.0-or-later
"""A take seen while scrubbing, before it is applied: values are set frame by frame, and put back in the end."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ..names import TRACK
from .channels import Channel, channels_of, has_keys, owners_of, read_take
from .identity import character_of, id_of
from .takes import set_value


@dataclass(slots=True)
class Preview:
    """What is being shown."""

    character: str
    """Its id."""
    path: Path
    facts: dict[str, Any]
    first_frame: int
    num_frames: int
    keys: np.ndarray
    """[frame, shape key]: values of all shape keys in their order."""
    others: list[Channel]
    former_keys: np.ndarray
    former: list[tuple[str, str, int, float]] = field(default_factory=list)
    muted: list[tuple[str, str]] = field(default_factory=list)


_shown: list[Preview] = []


def current() -> Preview | None:
    """The running preview."""
    return _shown[0] if _shown else None


def start(character: Any, path: Path, facts: dict[str, Any], *, first_frame: int) -> Preview:
    """Show a take on a character until `stop`."""
    stop()
    channels = channels_of(read_take(path), character)
    blocks = _key_blocks(character)
    former = np.empty(len(blocks), np.float32)
    if len(blocks):
        blocks.foreach_get("value", former)
    count = len(channels[0].values)
    keys = np.tile(former, (count, 1))
    places = {block.name: i for i, block in enumerate(blocks)}
    for channel in channels:
        if channel.owner == "KEY":
            keys[:, places[channel.name]] = channel.values
    others = [channel for channel in channels if channel.owner != "KEY"]
    preview = Preview(id_of(character), path, facts, first_frame, count, keys, others, former)
    owners = owners_of(character)
    for channel in others:
        value = owners[channel.owner].path_resolve(channel.path)
        number = float(value[channel.index]) if hasattr(value, "__len__") else float(value)
        preview.former.append((channel.owner, channel.path, channel.index, number))
    for name, owner in owners.items():
        for track in owner.animation_data.nla_tracks if owner.animation_data else ():
            if track.name.startswith(TRACK) and not track.mute:
                track.mute = True
                preview.muted.append((name, track.name))
    _shown.append(preview)
    bpy.context.window_manager.face_emote_job.previewing = True
    show(bpy.context.scene)
    return preview


def stop() -> None:
    """End the preview and put every value back."""
    if not _shown:
        return
    preview = _shown.pop()
    bpy.context.window_manager.face_emote_job.previewing = False
    character = character_of(preview.character)
    if character is None:
        return
    owners = owners_of(character)
    for name, owner in owners.items():
        for track in owner.animation_data.nla_tracks if owner.animation_data else ():
            if (name, track.name) in preview.muted:
                track.mute = False
    blocks = _key_blocks(character)
    if len(blocks) and len(blocks) == len(preview.former_keys):
        blocks.foreach_set("value", preview.former_keys)
        character.data.shape_keys.update_tag()
    for owner_name, path, index, value in preview.former:
        set_value(owners[owner_name], path, index, value)
    for owner in owners.values():
        owner.update_tag()


def show(scene: Any) -> None:
    """Set the values of the scene's current frame."""
    preview = current()
    if preview is None:
        return
    character = character_of(preview.character)
    if character is None or len(_key_blocks(character)) != preview.keys.shape[1]:
        stop()
        return
    row = int(np.clip(scene.frame_current - preview.first_frame, 0, preview.num_frames - 1))
    if preview.keys.shape[1]:
        _key_blocks(character).foreach_set("value", np.ascontiguousarray(preview.keys[row]))
    owners = owners_of(character)
    for channel in preview.others:
        set_value(owners[channel.owner], channel.path, channel.index, float(channel.values[row]))
    for owner in owners.values():
        owner.update_tag()


def _key_blocks(character: Any) -> Any:
    return character.data.shape_keys.key_blocks if has_keys(character) else ()


def _is_layered(preview: Preview) -> bool:
    """Whether an action of the artist's plays too, and writes its values after ours."""
    character = character_of(preview.character)
    owners = owners_of(character).values() if character is not None else ()
    return any(owner.animation_data is not None and owner.animation_data.action is not None for owner in owners)


@persistent
def _frame_changes(scene: Any, _graph: Any = None) -> None:
    """Before Blender evaluates the frame, so that it does so once."""
    show(scene)


@persistent
def _frame_changed(scene: Any, _graph: Any = None) -> None:
    """Again after it, where an action has had its say meanwhile."""
    preview = current()
    if preview is not None and _is_layered(preview):
        show(scene)


@persistent
def _before_file_changes(_path: Any = None, _other: Any = None) -> None:
    stop()


def register() -> None:
    """Listen to the timeline. Before a file is saved or left, the preview ends, so that it is never stored."""
    bpy.app.handlers.frame_change_pre.append(_frame_changes)
    bpy.app.handlers.frame_change_post.append(_frame_changed)
    bpy.app.handlers.save_pre.append(_before_file_changes)
    bpy.app.handlers.load_pre.append(_before_file_changes)


def unregister() -> None:
    """End the preview and listen no more."""
    stop()
    bpy.app.handlers.frame_change_pre.remove(_frame_changes)
    bpy.app.handlers.frame_change_post.remove(_frame_changed)
    bpy.app.handlers.save_pre.remove(_before_file_changes)
    bpy.app.handlers.load_pre.remove(_before_file_changes)
