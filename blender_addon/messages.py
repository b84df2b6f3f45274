# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences for people, in the language of Blender's interface: what stands in them is put in after the translation."""

from bpy.app.translations import pgettext_rpt


def tr(message: str, **values: object) -> str:
    """A sentence in the interface's language, with its values in place of `{name}`."""
    return str(pgettext_rpt(message)).format(**values) if values else str(pgettext_rpt(message))
