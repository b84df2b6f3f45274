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

register, unregister = bpy.utils.register_classes_factory(CLASSES)
