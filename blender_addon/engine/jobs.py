# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of this Blender's session, driven by a timer; in background the same ticks run in a loop."""

import time
import traceback
from collections.abc import Callable
from typing import Any

import bpy

from ..report import UserError, write_report
from .current import SESSION
from .session import Task

TICK_SECS = 0.1


def submit(
    label: str,
    *,
    method: str,
    params: dict[str, Any],
    done: Callable[[dict[str, Any]], None],
    wait: bool | None = None,
) -> None:
    """Give the engine something to do; `done` is called with the result, from a timer.

    With `wait` (in background always, unless it is False) this returns when all is done, and a failure is raised as
    UserError. Otherwise a failure lands in the panel's status line. Either way it is in the report file.
    """
    failures: list[str] = []

    def failed(message: str, details: str) -> None:
        failures.append(message)
        report_failure(message, details)

    def finished(result: dict[str, Any]) -> None:
        try:
            done(result)
        except UserError as error:
            failed(str(error), "")
        except Exception as error:
            failed(f"The result could not be used ({type(error).__name__}: {error})", traceback.format_exc())

    SESSION.submit(Task(label, method, params, done=finished, failed=failed))
    if bpy.app.background if wait is None else wait:
        while SESSION.needs_ticks:
            SESSION.tick()
            time.sleep(0.005)
        if failures:
            raise UserError(failures[0])
    elif not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=0.02, persistent=True)


def cancel() -> None:
    """Forget everything that runs or waits."""
    SESSION.cancel()


def tick() -> float | None:
    """The timer: one tick of the session, a redraw, and on while there is work."""
    SESSION.tick()
    redraw()
    return TICK_SECS if SESSION.needs_ticks else None


def redraw() -> None:
    """Refresh the sidebar of every 3D view."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def report_failure(message: str, details: str) -> None:
    """Put a failure where people see it: one sentence in the panel, the rest in the report file."""
    path = write_report(message, details)
    SESSION.status = message
    bpy.context.window_manager.face_emote_job.report_path = str(path)


def run_operator(name: str, **arguments: Any) -> None:
    """Call an operator of ours from a timer, in a window's context, so that it makes one undo step."""
    operator = getattr(bpy.ops.face_emote, name)
    windows = bpy.context.window_manager.windows
    try:
        if bpy.context.window is None and len(windows):
            with bpy.context.temp_override(window=windows[0]):
                operator("EXEC_DEFAULT", True, **arguments)
        else:
            operator("EXEC_DEFAULT", True, **arguments)
    except RuntimeError as error:  # An operator's error report.
        raise UserError(str(error).removeprefix("Error: ").strip()) from None


def register() -> None:
    """Nothing to do: the session starts with the first task."""


def unregister() -> None:
    """End the worker and the timer (a timer left behind would hang Blender 4.5 at exit)."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    SESSION.close()
