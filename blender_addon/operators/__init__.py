# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons."""

import bpy

from . import (
    batch,
    capture,
    character,
    drawn,
    editing,
    emotion,
    export,
    eyes,
    generate,
    mapping,
    mouth,
    poses,
    shapes,
    takes,
)  # fmt: skip

CLASSES = (
    *generate.CLASSES, *capture.CLASSES, *character.CLASSES, *mapping.CLASSES, *poses.CLASSES, *shapes.CLASSES,
    *emotion.CLASSES, *takes.CLASSES, *mouth.CLASSES, *editing.CLASSES, *drawn.CLASSES, *eyes.CLASSES,
    *export.CLASSES, *batch.CLASSES,
)  # fmt: skip


def register() -> None:
    """Register all operators and menus."""
    for item in CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    """And take them back."""
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
