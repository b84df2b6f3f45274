# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab "Face Emote" of the 3D view."""

import bpy

from . import character, drawn, editing, emotion, export, eyes, lists, mouth, speech, takes

CLASSES = (
    *lists.CLASSES, *character.CLASSES, *speech.CLASSES, *emotion.CLASSES, *takes.CLASSES, *mouth.CLASSES,
    *editing.CLASSES, *eyes.CLASSES, *drawn.CLASSES, *export.CLASSES,
)  # fmt: skip
"""In the order in which panels are shown."""
register, unregister = bpy.utils.register_classes_factory(CLASSES)
