"""Runs inside Blender (see gui_session.py): steps of a user, one a timer tick, each with what must be true after it."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

HERE = Path(os.environ["FACE_EMOTE_GUI"])
MODULE = "bl_ext.user_default.face_emote"
TICK, PARTS = 0.25, 4
SHADERS_SECS = 420.0
"""How long Material Preview may compile its shaders."""
sys.path.insert(0, str(HERE))  # For the files beside this one.


def say(step: str, ok: bool, note: str = "") -> None:
    """Write a line for the one who started this."""
    with (HERE / "said.jsonl").open("a") as log:
        log.write(json.dumps({"step": step, "ok": bool(ok), "note": note}) + "\n")


def view() -> tuple[Any, Any, Any]:
    """Window, area and sidebar of the 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = max((a for a in window.screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width)
    return window, area, next(region for region in area.regions if region.type == "UI")


def shoot(name: str, *, settle: int = 3) -> Iterator[None]:
    """Have a picture taken, and wait for it."""
    for _settle in range(settle):
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


def waited(done: Callable[[], bool], secs: float) -> Iterator[None]:
    """Until something is true, or time is up."""
    until = time.monotonic() + secs
    while not done() and time.monotonic() < until:
        yield


def widest(opening: Callable[[], float], *, last: int) -> None:
    """Go to the frame of a take at which the mouth is open most."""
    scene, found = bpy.context.scene, []
    for frame in range(8, last, 3):
        scene.frame_set(frame)
        found.append((opening(), frame))
    scene.frame_set(max(found)[1])


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


def scrolled(pixels: int) -> Iterator[None]:
    """The sidebar further down; up for negative ones."""
    window, area, sidebar = view()
    with bpy.context.temp_override(window=window, area=area, region=sidebar):
        bpy.ops.view2d.pan("EXEC_DEFAULT", deltax=0, deltay=-pixels)
    yield
    yield


def down_the_sidebar(name: str) -> Iterator[None]:
    """Pictures of all of it, from the top; at the end it is at the top again."""
    yield from scrolled(-9000)
    for part in range(PARTS):
        yield from shoot(f"{name}_{part}")
        yield from scrolled(600)
    yield from scrolled(-9000)


def opened(*names: str) -> None:
    """Let panels be open that are closed at first; before they are drawn for the first time."""
    for name in names:
        kind = getattr(bpy.types, name, None)
        if kind is not None and hasattr(kind, "bl_options"):
            bpy.utils.unregister_class(kind)
            kind.bl_options = set()
            bpy.utils.register_class(kind)


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
    opened("FACEEMOTE_PT_mouth", "FACEEMOTE_PT_lines", "FACEEMOTE_PT_edit")
    window, area, _sidebar = view()
    area.spaces.active.show_region_ui = True
    window.screen.areas.update()
    yield
    yield
    view()[2].active_panel_category = "Face Emote"
    yield
    yield from shoot("1_installed")


def face_on(distance: float = 0.62) -> None:
    """The view straight at a face at the origin, textured, with nothing around it."""
    space = view()[1].spaces.active
    for name in ("extras", "bones", "outline_selected", "object_origins", "floor", "cursor", "relationship_lines"):
        setattr(space.overlay, f"show_{name}", False)
    space.overlay.show_axis_x = space.overlay.show_axis_y = False
    space.shading.color_type = "TEXTURE"
    space.region_3d.view_rotation = (0.7071, 0.7071, 0.0, 0.0)
    space.region_3d.view_location, space.region_3d.view_distance = (0.0, -0.06, 0.0), distance


def character() -> Iterator[None]:
    """Add one, look at it as it comes, and in every colour of Solid mode."""
    bpy.context.scene.face_emote.new_character = "maya"
    in_view(bpy.ops.face_emote.add_character)
    yield from waited(lambda: bpy.context.scene.face_emote.target is not None, 240.0)
    say("add character", bpy.context.scene.face_emote.target is not None, session().status)  # type: ignore[attr-defined]
    yield from shoot("2_added")
    face_on(0.75)
    for colours in ("MATERIAL", "VERTEX", "TEXTURE"):
        view()[1].spaces.active.shading.color_type = colours
        yield from shoot(f"3_solid_{colours.lower()}")
    bpy.ops.face_emote.add_stage()


def speech_chosen() -> None:
    """A file, and its words if they lie beside it."""
    settings, words = bpy.context.scene.face_emote, HERE / "speech.txt"
    settings.speech_file = str(HERE / "speech.wav")
    settings.transcript = words.read_text().strip() if words.exists() else ""


def generate() -> Iterator[None]:
    """Generate, cancel, and generate again; undo and redo."""
    scene = bpy.context.scene
    speech_chosen()
    scene.face_emote.emotion = "anger hidden under a smile"
    yield from shoot("5_ready")
    in_view(bpy.ops.face_emote.generate)
    yield from waited(lambda: session().busy, 5.0)  # type: ignore[attr-defined]
    in_view(bpy.ops.face_emote.cancel) if session().busy else None  # type: ignore[attr-defined]
    yield from waited(lambda: not session().needs_ticks, 10.0)  # type: ignore[attr-defined]
    say("cancel leaves the scene", takes() == 0 and not session().busy, session().status)  # type: ignore[attr-defined]
    bpy.ops.ed.undo_push(message="before")
    in_view(bpy.ops.face_emote.generate)
    yield from waited(lambda: takes() == 1, 240.0)
    say("a take is there", takes() == 1, session().status)  # type: ignore[attr-defined]
    in_view(bpy.ops.ed.undo)
    yield
    say("undo removes it", takes() == 0)
    in_view(bpy.ops.ed.redo)
    yield
    say("redo brings it back", takes() == 1)
    bpy.context.scene.frame_set(40)  # Undo has moved the scene in memory.
    yield from down_the_sidebar("6_take")


def timeline_grown() -> Iterator[None]:
    """A timeline that is high enough for markers with their names, and shows the take from end to end."""
    window = view()[0]
    area = next(item for item in window.screen.areas if item.type == "DOPESHEET_EDITOR")
    with bpy.context.temp_override(window=window, screen=window.screen):
        bpy.ops.screen.area_move(x=area.x + area.width // 2, y=area.y + area.height, delta=130)
    yield
    yield
    bpy.context.scene.frame_end = 126
    region = next(item for item in area.regions if item.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.anim.scene_range_frame()
    yield


def mouth() -> Iterator[None]:
    """Words and sounds in the list and on the timeline; layers, where there are any."""
    in_view(bpy.ops.face_emote.list_mouth)
    bpy.ops.face_emote.mark_cues(kind="WORD")
    bpy.context.scene.frame_set(34)
    yield from timeline_grown()
    yield from down_the_sidebar("7_mouth")
    say("mouth", len(bpy.context.scene.face_emote.cues) > 0)


def lines() -> Iterator[None]:
    """A table of lines, one of them faulty."""
    table, settings = HERE / "lines.csv", bpy.context.scene.face_emote
    rows = [
        "line_0.wav,calm joy,greeting",
        "line_1.wav,cold fury,answer",
        "gone.wav,fear,lost",
        "line_2.wav,grief,last",
    ]
    table.write_text("speech,emotion,name\n" + "\n".join(rows) + "\n")
    settings.lines_table = str(table)
    in_view(bpy.ops.face_emote.generate_lines)
    yield from waited(lambda: any(item.state == "DONE" for item in settings.lines), 240.0)
    yield from scrolled(300)
    yield from shoot("9_lines_running")
    yield from waited(lambda: not session().needs_ticks, 240.0)  # type: ignore[attr-defined]
    say("lines", [item.state for item in settings.lines].count("DONE") == 3, session().status)  # type: ignore[attr-defined]
    yield from shoot("10_lines")


def performed(character: object, step: str, *, opening: Callable[[], float]) -> Iterator[None]:
    """A take for the chosen character, looked at where its mouth is open."""
    number = takes()
    speech_chosen()
    bpy.context.scene.face_emote.emotion = "joy"
    in_view(bpy.ops.face_emote.generate)
    yield from waited(lambda: takes() > number, 240.0)
    say(step, takes() > number, session().status)  # type: ignore[attr-defined]
    widest(opening, last=100)
    yield from scrolled(-9000)


def only(*things: object) -> None:
    """Nothing else is seen, and nothing is selected: outlines lie over faces."""
    for item in bpy.data.objects:
        item.hide_viewport = item not in things
        item.select_set(False)


def imported() -> object:
    """Somebody's head with shape keys and a rig; its largest mesh."""
    before = set(bpy.data.objects)
    bpy.ops.import_scene.gltf(filepath=str(HERE / "own.glb"))
    new = [item for item in bpy.data.objects if item not in before]
    only(*(item for item in new if not item.name.startswith("Icosphere")))  # The importer's shape of a bone.
    meshes = [item for item in new if item.type == "MESH" and item.data.shape_keys]
    for item in meshes:
        item.data.shape_keys.animation_data_clear()  # An action of its own would play in place of the take.
    return max(meshes, key=lambda item: len(item.data.vertices))


def jaw_of(character: object) -> Callable[[], float]:
    """How open the mouth is: the jaw's angle, less what the lips make up for."""
    bone = character.face_emote.rig.pose.bones["jaw"]  # type: ignore[attr-defined]
    closed = character.data.shape_keys.key_blocks["mouthClose"]  # type: ignore[attr-defined]
    return lambda: bone.matrix_basis.to_quaternion().angle - 0.4 * closed.value


def own() -> Iterator[None]:
    """A mesh of somebody else's, mapped and spoken."""
    if not (HERE / "own.glb").exists():
        return
    settings = bpy.context.scene.face_emote
    settings.target = imported()
    bpy.ops.face_emote.map_character()
    face_on()
    yield from performed(settings.target, "own mesh", opening=jaw_of(settings.target))
    yield from shoot("11_own")


def linked() -> Iterator[None]:
    """The same in a library, linked: refused with the reason, overridden, spoken."""
    if not (HERE / "own.glb").exists():
        return
    settings, body = bpy.context.scene.face_emote, imported()
    hero = bpy.data.collections.new("Hero")
    for item in [item for item in bpy.data.objects if not item.hide_viewport]:
        hero.objects.link(item)
    settings.target = body
    bpy.ops.face_emote.map_character()
    bpy.data.libraries.write(str(HERE / "hero.blend"), {hero})
    for item in list(hero.objects):
        bpy.data.objects.remove(item)
    bpy.data.collections.remove(hero)
    bpy.ops.outliner.orphans_purge(do_recursive=True)
    with bpy.data.libraries.load(str(HERE / "hero.blend"), link=True) as (_there, here):
        here.collections = ["Hero"]
    hero = here.collections[0]
    shown = bpy.data.objects.new("Hero", None)
    shown.instance_type, shown.instance_collection = "COLLECTION", hero
    bpy.context.scene.collection.objects.link(shown)
    settings.target = next(item for item in hero.all_objects if item.type == "MESH" and item.face_emote.kind == "OWN")
    face_on()
    yield from scrolled(-9000)
    yield from shoot("12_linked")
    in_view(bpy.ops.face_emote.make_override)
    say("override", settings.target.override_library is not None)
    yield from performed(settings.target, "linked character", opening=jaw_of(settings.target))
    yield from shoot("13_override")


def rigify() -> Iterator[None]:
    """A mesh without shape keys in a face of Rigify's: bones perform."""
    import importlib

    rigs = importlib.import_module("gui_session_rigs")
    if not (HERE / "own.glb").exists():
        return
    only()
    settings = bpy.context.scene.face_emote
    parts = rigs.bare_parts(str(HERE / "own.glb"))
    only(*parts.values())
    settings.target = parts["skin"]
    in_view(bpy.ops.face_emote.find_marks)
    yield from waited(lambda: bool(parts["skin"].children), 400.0)
    only(*parts.values(), *parts["skin"].children)
    face_on()
    view()[1].spaces.active.overlay.show_extras = True
    yield from scrolled(-9000)
    yield from shoot("14_marks")
    rig = rigs.rigged(parts)
    only(rig, *parts.values())
    settings.target = rig
    bpy.ops.face_emote.map_poses(source="RIG")
    say("rigify", len(rig.face_emote.rows) == 52)
    face_on()
    jaw = rig.pose.bones["DEF-jaw"]
    yield from performed(rig, "Rigify's face", opening=lambda: -jaw.tail.z)
    yield from shoot("15_rigify_skin")
    view()[1].spaces.active.overlay.show_bones = True
    rig.show_in_front = True
    yield from shoot("16_rigify")


def material_preview() -> Iterator[None]:
    """Our head under Blender's own studio light; minutes where OpenGL is software."""
    only(*(item for item in bpy.data.objects if item.name.split()[0].split(".")[0] == "Maya"))
    space = view()[1].spaces.active
    face_on(0.75)
    bpy.context.scene.frame_set(1)
    space.shading.type = "MATERIAL"
    yield from waited(lambda: False, SHADERS_SECS)
    yield from shoot("4_material_preview", settle=1)


def steps() -> Iterator[None]:
    """The whole session, or the steps that were asked for."""
    chosen = os.environ["FACE_EMOTE_GUI_STEPS"].split()
    for part in (install, character, generate, mouth, lines, own, linked, rigify, material_preview):
        if not chosen or part.__name__ in chosen:
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
