# SPDX-License-Identifier: GPL-3.0-or-later
"""Face Emote: speech and an emotion in words become an editable facial performance, without leaving Blender."""

from . import operators, panels, preferences, properties
from .apply import identity, layers, mouth, preview
from .engine import jobs


def register() -> None:
    """Called by Blender; registering twice is harmless, because Blender never does it without `unregister`."""
    preferences.register()
    properties.register()
    operators.register()
    panels.register()
    jobs.register()
    preview.register()
    identity.register()
    mouth.register()
    layers.register()


def unregister() -> None:
    """Leaves nothing behind: no class, property, timer, handler or process."""
    layers.unregister()
    mouth.unregister()
    identity.unregister()
    preview.unregister()
    jobs.unregister()
    panels.unregister()
    operators.unregister()
    properties.unregister()
    preferences.unregister()
