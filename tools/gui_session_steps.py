"""Runs inside Blender (see gui_session.py): steps of a user, one a timer tick, each with what must be true after it."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

HERE = Path(os.environ["FACE_EMOTE_GUI"])
MODULE = "bl_ext.user_default.face_emote"
TICK = 0.25


def say(step: str, ok: bool, note: str = "") -> None:
    """Write a line for the one who started this."""
    with (HERE / "said.jsonl").open("a") as log:
        log.write(json.dumps({"step": step, "ok": bool(ok), "note": note}) + "\n")


def view() -> tuple[Any, Any, Any]:
    """Window, area and sidebar of the 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = max((a for a in window.screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width)
    return window, area, next(region for region in area.regions if region.type == "UI")


def shoot(name: str) -> Iterator[None]:
    """Have a picture taken, and wait for it."""
    for _settle in range(6):
        view()[1].tag_redraw()
        yield
    (HERE / f"{name}.shoot").touch()
    while not (HERE / f"{name}.shot").exists():
        yield


def click(x: int, y: int) -> Iterator[None]:
    """Move there, press and release."""
    window = view()[0]
    window.event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)
    yield
    yield
    window.event_simulate("LEFTMOUSE", "PRESS", x=x, y=y)
    yield
    window.event_simulate("LEFTMOUSE", "RELEASE", x=x, y=y)
    yield


def waited(done: object, secs: float) -> Iterator[None]:
    """Until something is true, or time is up."""
    until = time.monotonic() + secs
    while not done() and time.monotonic() < until:  # type: ignore[operator]
        yield


def session() -> object:
    """The extension's session."""
    import importlib

    return importlib.import_module(f"{MODULE}.engine.jobs").SESSION


def takes() -> int:
    """How many takes there are."""
    return sum("face_emote_take" in action for action in bpy.data.actions)


def in_view(operator: object, **arguments: object) -> None:
    """Call an operator as a click in the 3D view would."""
    window, area, _sidebar = view()
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        operator(**arguments)  # type: ignore[operator]


def install() -> Iterator[None]:
    """The zip, through Blender's extension manager; the sidebar with our tab."""
    import addon_utils

    view()[0].event_simulate("ESC", "PRESS")  # Away with the splash screen.
    yield
    yield

    addon_utils.enable("bl_pkg", default_set=True)
    bpy.ops.extensions.package_install_files(
        filepath=str(HERE / "face_emote.zip"), repo="user_default", enable_on_install=True, overwrite=True
    )
    say("install", MODULE in bpy.context.preferences.addons)
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
    window, area, _sidebar = view()
    area.spaces.active.show_region_ui = True
    window.screen.areas.update()
    yield
    yield
    view()[2].active_panel_category = "Face Emote"
    yield
    yield from shoot("1_installed")


def character() -> Iterator[None]:
    """Add one, look at it."""
    bpy.context.scene.face_emote.new_character = "maya"
    in_view(bpy.ops.face_emote.add_character)
    yield from waited(lambda: bpy.context.scene.face_emote.target is not None, 120.0)
    say("add character", bpy.context.scene.face_emote.target is not None, session().status)  # type: ignore[attr-defined]
    bpy.ops.face_emote.add_stage()
    space = view()[1].spaces.active
    space.shading.color_type = "TEXTURE"
    space.overlay.show_extras = space.overlay.show_bones = space.overlay.show_outline_selected = False
    space.overlay.show_object_origins = space.overlay.show_floor = space.overlay.show_cursor = False
    space.overlay.show_axis_x = space.overlay.show_axis_y = False
    space.overlay.show_relationship_lines = False
    space.region_3d.view_perspective = "CAMERA"
    yield from shoot("2_character")


def generate() -> Iterator[None]:
    """Click Generate in the panel, cancel, and generate again; undo and redo."""
    scene = bpy.context.scene
    scene.face_emote.speech_file = str(HERE / "speech.wav")
    scene.face_emote.emotion = "anger hidden under a smile"
    yield from shoot("3_ready")
    _window, _area, sidebar = view()
    button = (sidebar.x + sidebar.width // 2, sidebar.y + sidebar.height - 62)
    yield from click(*button)
    yield from waited(lambda: session().busy, 5.0)  # type: ignore[attr-defined]
    say("click on Generate starts", session().busy, f"at {button}")  # type: ignore[attr-defined]
    in_view(bpy.ops.face_emote.cancel) if session().busy else None  # type: ignore[attr-defined]
    yield from waited(lambda: not session().needs_ticks, 10.0)  # type: ignore[attr-defined]
    say("cancel leaves the scene", takes() == 0 and not session().busy, session().status)  # type: ignore[attr-defined]
    yield from shoot("4_cancelled")
    bpy.ops.ed.undo_push(message="before")
    in_view(bpy.ops.face_emote.generate)
    yield from waited(lambda: session().busy and session().progress > 0.0, 10.0)  # type: ignore[attr-defined]
    (HERE / "5_progress.shoot").touch()
    yield from waited(lambda: takes() == 1, 120.0)
    say("a take is there", takes() == 1, session().status)  # type: ignore[attr-defined]
    scene.frame_set(40)
    yield from shoot("6_take")
    in_view(bpy.ops.ed.undo)
    yield
    say("undo removes it", takes() == 0)
    in_view(bpy.ops.ed.redo)
    yield
    say("redo brings it back", takes() == 1)


def more() -> Iterator[None]:
    """Pictures of the other panels."""
    scene = bpy.context.scene
    scene.face_emote.emotion_mode = "SLIDERS"
    scene.face_emote.emo_joy, scene.face_emote.hidden = 0.6, "anger"
    window, _area, sidebar = view()
    x, y = sidebar.x + sidebar.width // 2, sidebar.y + sidebar.height // 2
    window.event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)
    yield
    for name, notches in (("7_sliders", 14), ("8_takes", 30)):
        for _notch in range(notches):
            window.event_simulate("WHEELDOWNMOUSE", "PRESS", x=x, y=y)
            yield
        yield from shoot(name)
    scene.face_emote.emotion_mode = "WORDS"
    in_view(bpy.ops.face_emote.generate, preview=True)
    preview = __import__(f"{MODULE}.apply.preview", fromlist=["current"])
    yield from waited(lambda: preview.current() is not None, 120.0)
    say("preview", preview.current() is not None, session().status)  # type: ignore[attr-defined]
    for _notch in range(60):
        window.event_simulate("WHEELUPMOUSE", "PRESS", x=x, y=y)
    yield from shoot("9_preview")
    bpy.ops.face_emote.preview_stop()
    yield


def steps() -> Iterator[None]:
    """The whole session."""
    for part in (install, character, generate, more):
        yield from part()
    say("end", True)


running = steps()


def tick() -> float | None:
    """One step; a failure is said, and ends Blender."""
    try:
        next(running)
    except StopIteration:
        bpy.ops.wm.quit_blender()
        return None
    except Exception as error:
        say("failed", False, f"{type(error).__name__}: {error}")
        bpy.ops.wm.quit_blender()
        return None
    return TICK


bpy.app.timers.register(tick, first_interval=2.0, persistent=True)
