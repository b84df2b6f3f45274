# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab "Face Emote" of the 3D view."""

import bpy

from . import character, drawn, editing, emotion, export, eyes, lists, mouth, speech, takes

CLASSES = (
    *lists.CLASSES, *character.CLASSES, *speech.CLASSES, *emotion.CLASSES, *takes.CLASSES, *mouth.CLASSES,
    *editing.CLASSES, *eyes.CLASSES, *drawn.CLASSES, *export.CLASSES,
)  # fmt: skip


def register() -> None:
    """Register lists and panels, in the order in which they are shown."""
    for item in CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    """And take them back."""
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
