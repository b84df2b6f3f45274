# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that differs between Blender 4.5, 5.0 and 5.2. No other module asks for the version."""

import contextlib
from collections.abc import Iterator
from typing import Any

import bpy

EEVEE = "BLENDER_EEVEE_NEXT" if bpy.app.version < (5, 0, 0) else "BLENDER_EEVEE"


def channelbag(action: Any, slot: Any) -> Any:
    """The curves of one slot of an action; made when missing."""
    if bpy.app.version >= (5, 0, 0):
        from bpy_extras import anim_utils

        return anim_utils.action_ensure_channelbag_for_slot(action, slot)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def existing_channelbag(action: Any, slot: Any) -> Any | None:
    """The curves of one slot, or None."""
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot)
            if bag is not None:
                return bag
    return None


def all_fcurves(action: Any) -> list[Any]:
    """Every curve of an action, whatever slot it is in."""
    return [
        curve for layer in action.layers for strip in layer.strips for bag in strip.channelbags for curve in bag.fcurves
    ]


def strips_of(scene: Any) -> Any | None:
    """The strips of a scene's sequencer, or None when it has none."""
    editor = scene.sequence_editor
    if editor is None:
        return None
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def strips_property(scene: Any) -> tuple[Any, str] | None:
    """Owner and name of the collection of strips, for a search field."""
    editor = scene.sequence_editor
    if editor is None:
        return None
    return editor, "strips_all" if hasattr(editor, "strips_all") else "sequences_all"


def strip_first_frame(strip: Any) -> int:
    """The first frame at which a strip is heard."""
    return int(strip.left_handle if hasattr(strip, "left_handle") else strip.frame_final_start)


def strip_num_frames(strip: Any) -> int:
    """How many frames of a strip are heard."""
    if hasattr(strip, "right_handle"):
        return int(strip.right_handle - strip.left_handle)
    return int(strip.frame_final_duration)


def strip_trimmed_frames(strip: Any) -> float:
    """How many frames of a strip's content are cut off at its start; negative when it starts before its content."""
    start = strip.content_start if hasattr(strip, "content_start") else strip.frame_start
    return float(strip_first_frame(strip) - start)


def trim_strip(strip: Any, *, first_frame: int, num_frames: int) -> None:
    """Let a strip be heard in these frames only, without moving its content."""
    if hasattr(strip, "left_handle"):
        strip.left_handle, strip.right_handle = first_frame, first_frame + num_frames
    else:
        strip.frame_final_start, strip.frame_final_end = first_frame, first_frame + num_frames


def is_retimed(strip: Any) -> bool:
    """Whether a strip may play at another speed than its own: its keys do not tell where in the content they lie."""
    return len(getattr(strip, "retiming_keys", ())) > 0


@contextlib.contextmanager
def sequencing(scene: Any) -> Iterator[None]:
    """Let sequencer operators work on a scene; a workspace may edit another one's sequencer since 5.0."""
    workspace = bpy.context.workspace
    former = getattr(workspace, "sequencer_scene", None)
    if former is not None:
        workspace.sequencer_scene = scene
    try:
        with bpy.context.temp_override(scene=scene):
            yield
    finally:
        if former is not None:
            workspace.sequencer_scene = former


def video_format(settings: Any) -> None:
    """Make a scene's image settings write an H.264 video with AAC sound."""
    if hasattr(settings.image_settings, "media_type"):
        settings.image_settings.media_type = "VIDEO"
    settings.image_settings.file_format = "FFMPEG"
    settings.ffmpeg.format = "MPEG4"
    settings.ffmpeg.codec = "H264"
    settings.ffmpeg.audio_codec = "AAC"
    settings.ffmpeg.constant_rate_factor = "MEDIUM"


def use_nodes(owner: Any) -> Any:
    """The node tree of a material or world (5.0 has it always; setting the flag is deprecated there)."""
    if owner.node_tree is None or bpy.app.version < (5, 0, 0):
        owner.use_nodes = True
    return owner.node_tree
