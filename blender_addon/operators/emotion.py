# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion: presets, the mood pad, markers."""

import json
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from .. import emotions, reasons
from ..engine import jobs
from ..engine.current import SESSION
from ..messages import tr
from ..report import UserError
from .button import Button
from .generate import other_lines, transcript_of
from .speech import prepared_line

_enum_items: list[tuple[str, str, str]] = []


def preset_items(_self: Any, _context: Any) -> list[tuple[str, str, str]]:
    """For the menu of emotions. A damaged file of the user's is named in the panel, and the rest shown."""
    try:
        table = emotions.presets()
    except UserError as error:
        table = emotions.built_in_presets()
        SESSION.status, SESSION.failed = str(error), True
    _enum_items[:] = [(words, name, words) for name, words in table.items()]
    return _enum_items


class FACEEMOTE_OT_use_emotion(Button):
    """Take an emotion from the list"""

    bl_idname = "face_emote.use_emotion"
    bl_label = "Emotion Presets"

    words: EnumProperty(name="Emotion", items=preset_items)

    def _work(self, context: Any) -> None:
        context.scene.face_emote.emotion = self.words


class FACEEMOTE_OT_save_emotion(Button):
    """Keep the text as a preset of your own"""

    bl_idname = "face_emote.save_emotion"
    bl_label = "Save Emotion"
    bl_options = {"REGISTER"}

    name: StringProperty(name="Name", default="My emotion")

    @staticmethod
    def _refusal(context: Any) -> str:
        return "" if context.scene.face_emote.emotion.strip() else "Write an emotion first"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the name."""
        answer: set[str] = context.window_manager.invoke_props_dialog(self)
        return answer

    def _work(self, context: Any) -> None:
        if not self.name.strip():
            raise UserError("Give the preset a name")
        emotions.save_preset(self.name.strip(), context.scene.face_emote.emotion.strip())


class FACEEMOTE_OT_read_emotion(Button):
    """Read what is felt in the speech, and in its transcript, and write it into the text field as keys"""

    bl_idname = "face_emote.read_emotion"
    bl_label = "Read from Speech"
    bl_options = {"REGISTER"}

    wait: BoolProperty(description="Return when it has been read (always so in background)", options={"SKIP_SAVE"})

    @staticmethod
    def _refusal(context: Any) -> str:
        return reasons.busy(context) or reasons.no_speech(context)

    def _work(self, context: Any) -> None:
        scene, scene_again = context.scene, jobs.remembered(context.scene)

        def done(result: dict[str, Any]) -> None:
            settings = scene_again().face_emote
            settings.emotion, settings.what_was_read = result["emotion"], result["sentence"]
            settings.senses_read = json.dumps(result["senses"])

        line = prepared_line(scene)
        settings = scene.face_emote
        params = {
            "speech": str(line.wave),
            "transcript": transcript_of(settings),
            "others": other_lines(settings.target, line),
        }
        jobs.submit(
            tr("reading {name}", name=line.name), method="read", params=params, done=done, wait=self.wait or None
        )


class FACEEMOTE_OT_mood(Button):
    """Set valence, arousal and dominance to a place on the pad"""

    bl_idname = "face_emote.mood"
    bl_label = "Set Mood"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    valence: FloatProperty()
    arousal: FloatProperty()
    dominance: FloatProperty()

    def _work(self, context: Any) -> None:
        settings = context.scene.face_emote
        settings.valence, settings.arousal, settings.dominance = self.valence, self.arousal, self.dominance
        if settings.vad_amount == 0.0:
            settings.vad_amount = 1.0


class FACEEMOTE_OT_add_marker(Button):
    """Add a timeline marker with the emotion of the text field, reached at the current frame"""

    bl_idname = "face_emote.add_marker"
    bl_label = "Add Emotion Marker"

    @staticmethod
    def _refusal(context: Any) -> str:
        words = context.scene.face_emote.emotion.strip()
        reason = "" if words and ";" not in words and words != "auto" else "Write a single emotion first"
        return reason

    def _work(self, context: Any) -> None:
        scene = context.scene
        scene.timeline_markers.new(f"fe: {scene.face_emote.emotion.strip()}", frame=scene.frame_current)


class FACEEMOTE_OT_key_emotion(Button):
    """Insert keyframes on all emotion sliders at the current frame"""

    bl_idname = "face_emote.key_emotion"
    bl_label = "Key the Sliders"

    def _work(self, context: Any) -> None:
        for name in emotions.SLIDERS:
            context.scene.keyframe_insert(f"face_emote.{name}")


CLASSES = (
    FACEEMOTE_OT_use_emotion,
    FACEEMOTE_OT_save_emotion,
    FACEEMOTE_OT_read_emotion,
    FACEEMOTE_OT_mood,
    FACEEMOTE_OT_add_marker,
    FACEEMOTE_OT_key_emotion,
)
