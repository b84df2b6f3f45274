# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of files that an older version saved."""

import logging
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .names import SCHEMA

logger = logging.getLogger(__name__)
STEPS: dict[int, Any] = {}
"""From each schema to the next: a function of the scene's settings. There has been one schema so far."""


@persistent
def after_load(_path: Any = None, _other: Any = None) -> None:
    """Bring every scene's settings up to date; settings of a newer version are left alone."""
    for scene in bpy.data.scenes:
        migrate(scene.face_emote)


def migrate(settings: Any) -> None:
    """Run the steps from a scene's schema to this version's."""
    if settings.schema > SCHEMA:
        logger.warning("this file was saved by a newer Face Emote; some settings may be ignored")
        return
    while settings.schema < SCHEMA:
        step = STEPS.get(settings.schema)
        if step is not None:
            step(settings)
        settings.schema += 1
