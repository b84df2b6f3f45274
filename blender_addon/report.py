# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures: one sentence for the eye, a file to paste into a report."""

import json
import platform
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from .engine.current import SESSION
from .folders import user_folder
from .messages import tr

REPORT_FILE = "last_report.txt"


class UserError(Exception):
    """Something that the user can mend; the message is one sentence that says how."""


def write_report(summary: str, details: str) -> Path:
    """Write what a developer needs to know and return the file."""
    settings = getattr(bpy.context.scene, "face_emote", None)
    lines = [
        summary,
        "",
        f"Blender {bpy.app.version_string} on {platform.platform()}, Python {platform.python_version()}",
        f"Engine {SESSION.capabilities.get('version', 'not started')}",
        f"Settings {json.dumps(_plain(settings)) if settings else '{}'}",
        "",
        details or "No details.",
        "",
        "Engine log:",
        *SESSION.log,
    ]
    path = user_folder() / REPORT_FILE
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _plain(settings: Any) -> dict[str, Any]:
    """Simple values of a property group."""
    names = [item.identifier for item in settings.bl_rna.properties if item.type in ("INT", "FLOAT", "ENUM", "STRING")]
    return {name: getattr(settings, name) for name in names if isinstance(getattr(settings, name), int | float | str)}


def attempt(operator: Any, work: Callable[[], None]) -> set[str]:
    """Do an operator's work; a failure becomes one sentence in Blender's status bar, and for bugs a report file."""
    try:
        work()
    except UserError as error:
        operator.report({"ERROR"}, tr(str(error)))
        return {"CANCELLED"}
    except Exception as error:
        path = write_report(f"{operator.bl_idname}: {error}", traceback.format_exc())
        operator.report(
            {"ERROR"},
            tr("Something went wrong ({kind}); the report is in {path}", kind=type(error).__name__, path=path),
        )
        return {"CANCELLED"}
    return {"FINISHED"}
