# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences."""

import bpy
from bpy.props import StringProperty

from . import folders
from .messages import tr


class FACEEMOTE_AP_preferences(bpy.types.AddonPreferences):
    """Which engine to use."""

    bl_idname = __package__

    engine_path: StringProperty(
        name="Engine",
        description="Another engine than the bundled one: a Python or virtual environment with face-emote installed "
        "(adds subtitles, other sound files and quick videos), or a checkout. Empty: the bundled engine",
        subtype="FILE_PATH",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """Blender's preferences window."""
        self.layout.prop(self, "engine_path")
        row = self.layout.row()
        row.label(text=tr("Cache: {size:.1f} MB", size=folders.cache_bytes() / 1e6))
        row.operator("face_emote.clear_cache", icon="TRASH")
        if folders.problem():
            self.layout.label(text=folders.problem(), icon="ERROR")
        self.layout.label(text="Everything runs on this computer; nothing is sent or downloaded", icon="LOCKED")


def register() -> None:
    """Register the class."""
    bpy.utils.register_class(FACEEMOTE_AP_preferences)


def unregister() -> None:
    """And take it back."""
    bpy.utils.unregister_class(FACEEMOTE_AP_preferences)
