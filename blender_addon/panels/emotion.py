# SPDX-License-Identifier: GPL-3.0-or-later
"""How it is felt: in words or with sliders; and how strongly it is acted."""

import json
from typing import Any

import bpy

from ..emotions import MOODS
from ..names import EMOTIONS
from .main import Tab, prepared, say

EXAMPLES = "joy tinged with guilt | calm anger | anger hidden under a smile | 0s neutral; 1.5s surprise | auto"


class FACEEMOTE_PT_emotion(Tab, bpy.types.Panel):
    """Words, or sliders."""

    bl_label = "Emotion"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        layout.row().prop(settings, "emotion_mode", expand=True)
        if settings.emotion_mode == "WORDS":
            self._words(layout, settings)
        else:
            self._sliders(layout, settings)

    def _words(self, layout: Any, settings: Any) -> None:
        row = layout.row(align=True)
        row.prop(settings, "emotion", text="")
        row.operator_menu_enum("face_emote.use_emotion", "words", text="", icon="PRESET")
        row.operator("face_emote.save_emotion", text="", icon="FILE_TICK")
        layout.operator("face_emote.read_emotion", icon="VIEWZOOM")
        if settings.what_was_read:
            say(layout, settings.what_was_read)
            for name, weight, says in json.loads(settings.senses_read):
                layout.progress(factor=weight, text=f"{name} {weight:.0%}: {says}")
        say(layout, EXAMPLES)
        layout.prop(settings, "use_markers")
        layout.operator("face_emote.add_marker", icon="MARKER")

    def _sliders(self, layout: Any, settings: Any) -> None:
        layout.use_property_decorate = True
        column = layout.column(align=True)
        for name in EMOTIONS:
            column.prop(settings, f"emo_{name}")
        column = layout.column(align=True)
        column.prop(settings, "vad_amount")
        pad = column.grid_flow(row_major=True, columns=3, even_columns=True, align=True)
        for title, valence, arousal, dominance in MOODS:
            button = pad.operator("face_emote.mood", text=title)
            button.valence, button.arousal, button.dominance = valence, arousal, dominance
        for name in ("valence", "arousal", "dominance"):
            column.prop(settings, name)
        column = layout.column(align=True)
        column.prop(settings, "hidden")
        if settings.hidden != "NONE":
            column.prop(settings, "hidden_amount")
            column.prop(settings, "leak")
        layout.operator("face_emote.key_emotion", icon="KEY_HLT")


class FACEEMOTE_PT_performance(Tab, bpy.types.Panel):
    """The animator's sliders."""

    bl_label = "Performance"
    bl_parent_id = "FACEEMOTE_PT_emotion"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        column = layout.column(align=True)
        for name in ("lips", "jaw", "brows", "head", "gaze", "blinks", "energy", "asymmetry", "wrinkles"):
            column.prop(settings, name)
        layout.prop(settings, "blood")
        layout.prop(settings, "heart")
        layout.prop(settings, "partner")
        layout.prop(settings, "moves_like")
        layout.prop(settings, "seed")


CLASSES = (FACEEMOTE_PT_emotion, FACEEMOTE_PT_performance)
