# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of this Blender's session, driven by a timer; in background the same ticks run in a loop."""

import time
import traceback
from collections.abc import Callable
from typing import Any

import bpy
from bpy.app.handlers import persistent

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
    failed: Callable[[str], None] | None = None,
) -> None:
    """Give the engine something to do; `done` is called with the result, from a timer.

    Who gives `failed` is told the sentence, and nobody else is.

    With `wait` (in background always, unless it is False) this returns when all is done, and a failure is raised as
    UserError. Otherwise a failure lands in the panel's status line. Either way it is in the report file.
    """
    failures: list[str] = []

    def fail(message: str, details: str) -> None:
        if failed is not None:
            failed(message)
            return
        failures.append(message)
        report_failure(message, details)

    def finished(result: dict[str, Any]) -> None:
        try:
            done(result)
        except UserError as error:
            fail(str(error), "")
        except Exception as error:
            fail(f"The result could not be used ({type(error).__name__}: {error})", traceback.format_exc())

    SESSION.submit(Task(label, method, params, done=finished, failed=fail))
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
    SESSION.status, SESSION.failed = message, True
    bpy.context.window_manager.face_emote_job.report_path = str(path)


def remembered(scene: Any) -> Callable[[], Any]:
    """How to find a scene again when a job is done: it may have been renamed, and undo moves it in memory.

    The function raises UserError when the scene is gone.
    """
    number = scene.session_uid

    def find() -> Any:
        found = next((item for item in bpy.data.scenes if item.session_uid == number), None)
        if found is None:
            raise UserError("The scene is gone; the result was not used")
        return found

    return find


def run_operator(name: str, *, scene: Any = None, **arguments: Any) -> None:
    """Call an operator of ours from a timer, in a window's context and in a scene, so that it makes one undo step."""
    operator = getattr(bpy.ops.face_emote, name)
    windows, place = bpy.context.window_manager.windows, {}
    if bpy.context.window is None and len(windows):
        place["window"] = windows[0]
    if scene is not None and scene != bpy.context.scene:
        place["scene"] = scene
    try:
        with bpy.context.temp_override(**place):
            operator("EXEC_DEFAULT", True, **arguments)
    except RuntimeError as error:  # An operator's error report.
        raise UserError(str(error).removeprefix("Error: ").strip()) from None


@persistent
def _before_another_file(_path: Any = None, _other: Any = None) -> None:
    """Results belong to the file in which they were asked for."""
    if SESSION.busy:
        cancel()


def register() -> None:
    """The session itself starts with the first task."""
    bpy.app.handlers.load_pre.append(_before_another_file)


def unregister() -> None:
    """End the worker and the timer (a timer left behind would hang Blender 4.5 at exit)."""
    bpy.app.handlers.load_pre.remove(_before_another_file)
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    SESSION.close()
