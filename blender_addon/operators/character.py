# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters: our head, and a stage to look at it."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import StringProperty

from .. import reasons
from ..apply.head import add_head
from ..engine import jobs
from ..engine.current import SESSION
from ..folders import user_folder
from ..messages import tr
from ..names import PEOPLE
from .button import Button

IDENTITY = ("african", "asian", "caucasian", "gender", "age", "muscle", "weight")


def person_of(settings: Any) -> dict[str, Any]:
    """The panel's person as a request has it."""
    person: dict[str, Any] = {"character": settings.new_character}
    if settings.use_identity:
        identity = {name: round(getattr(settings, name), 4) for name in IDENTITY}
        if identity["african"] + identity["asian"] + identity["caucasian"] <= 0.0:
            identity |= {"african": 1.0, "asian": 1.0, "caucasian": 1.0}
        person["identity"] = identity | {"seed": settings.identity_seed}
    return person


class FACEEMOTE_OT_add_character(Button):
    """Add a head with shape keys, bones, skin and hair"""

    bl_idname = "face_emote.add_character"
    bl_label = "Add Character"
    bl_options = {"REGISTER"}

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = reasons.busy(context)
        if not reason and context.mode != "OBJECT":
            reason = "Leave edit or pose mode first"
        return reason

    def _work(self, context: Any) -> None:
        person, scene_again = person_of(context.scene.face_emote), jobs.remembered(context.scene)

        def done(result: dict[str, Any]) -> None:
            jobs.run_operator(
                "build_character", scene=scene_again(), filepath=result["path"], person=json.dumps(person)
            )

        params = {"person": person, "out_dir": str(user_folder("heads"))}
        label = tr("head of {character}", character=PEOPLE[person["character"]])
        jobs.submit(label, method="load", params=params, done=done)


class FACEEMOTE_OT_build_character(Button):
    """Build a head from the engine's file"""

    bl_idname = "face_emote.build_character"
    bl_label = "Build Character"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty()
    person: StringProperty()

    def _work(self, context: Any) -> None:
        name = PEOPLE[json.loads(self.person)["character"]]
        collection = bpy.data.collections.new(name)
        context.scene.collection.children.link(collection)
        made = add_head(Path(self.filepath), collection=collection, name=collection.name, person=self.person)
        for thing in context.selected_objects:
            thing.select_set(False)
        made.mesh.select_set(True)  # What is framed.
        context.scene.face_emote.target = made.mesh
        made.rig.location = free_place(context, collection)
        context.view_layer.update()
        show_in_viewports(context)
        made.mesh.select_set(False)
        made.rig.select_set(True)  # What moves all of it; the mesh's outline would cross the garment.
        context.view_layer.objects.active = made.rig
        name = made.mesh.name
        SESSION.status = SESSION.status.removeprefix("Done")  # The panel says what comes next.
        self.report({"INFO"}, tr("{name} is there. {step}", name=name, step=tr(reasons.next_step(context))))


GAP = 0.05
"""Metres between a new character and what stands at the cursor."""
ROOM = 3.5
"""Metres across from which on a thing is a place to be in, not something to stand beside."""


def free_place(context: Any, collection: Any) -> Any:
    """Where a new character at the origin has room: the 3-D cursor, or to the right of what is there."""
    context.view_layer.update()
    own = set(collection.all_objects)
    low, high = _bounds(own)
    others = [_bounds({item}) for item in context.scene.objects if item not in own and item.type in SOLID]
    things = [(first, last) for first, last in others if np.linalg.norm(last - first) < ROOM]
    place = np.array(context.scene.cursor.location)
    for _thing in things:
        hit = next(
            (last for first, last in things if (low + place < last).all() and (high + place > first).all()), None
        )
        if hit is None:
            break
        place[0] = hit[0] - low[0] + GAP
    return place


SOLID = ("MESH", "CURVE", "SURFACE", "META", "FONT")


def _bounds(things: set[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of things with a surface, in the world."""
    from mathutils import Vector

    corners = np.array(
        [item.matrix_world @ Vector(corner) for item in things if item.type in SOLID for corner in item.bound_box]
    )
    return corners.min(axis=0), corners.max(axis=0)


def show_in_viewports(context: Any) -> None:
    """Frame what is selected in every 3D view; workspaces whose Solid mode is as Blender made it show pictures."""
    for screen in bpy.data.screens:
        for space in [area.spaces.active for area in screen.areas if area.type == "VIEW_3D"]:
            if space.shading.color_type == "MATERIAL":
                space.shading.color_type = "TEXTURE"
    for window in context.window_manager.windows:
        for area in [item for item in window.screen.areas if item.type == "VIEW_3D"]:
            region = next((item for item in area.regions if item.type == "WINDOW"), None)
            _see_the_face(area.spaces.active.region_3d)
            with contextlib.suppress(RuntimeError), context.temp_override(window=window, area=area, region=region):
                bpy.ops.view3d.view_selected()


SIDEWAYS = 0.5
"""Cosine of the angle between face and view from which on the face is hardly seen."""


def _see_the_face(view: Any) -> None:
    """Turn a free view that looks at a head's back or profile to three quarters of its face."""
    from mathutils import Euler, Vector

    towards_viewer = view.view_rotation @ Vector((0.0, 0.0, 1.0))
    if view.view_perspective != "CAMERA" and -towards_viewer.y < SIDEWAYS:
        view.view_rotation = Euler((1.45, 0.0, 0.4)).to_quaternion()


class FACEEMOTE_OT_add_stage(Button):
    """Add a camera at portrait distance and three soft lights around the character"""

    bl_idname = "face_emote.add_stage"
    bl_label = "Add Camera and Light"
    _refusal = staticmethod(reasons.no_character)

    def _work(self, context: Any) -> None:
        add_stage(context, context.scene.face_emote.target)


LIGHTS = (
    ("Key", (0.62, -1.0, 0.85), (1.0, 0.93, 0.84), 19.0, 0.35),
    ("Fill", (-1.0, -0.75, 0.15), (0.88, 0.94, 1.0), 2.4, 0.9),
    ("Rim", (-0.6, 0.95, 0.6), (0.93, 0.96, 1.0), 9.0, 0.4),
)
"""Name, direction from the face, colour, watts, size in metres; each hangs a metre away."""
STAGE = "Face Emote Stage"
EYES_UP, EYES_FRONT = 0.045, -0.06
"""Metres from the head's origin to the middle between the eyes."""


def add_stage(context: Any, character: Any) -> None:
    """Camera and lights in a collection of their own; those of a former call are moved to this character."""
    from mathutils import Vector

    scene = context.scene
    stage = next((item for item in scene.collection.children_recursive if item.name.startswith(STAGE)), None)
    if stage is None:
        stage = bpy.data.collections.new(STAGE)
        scene.collection.children.link(stage)
    scale = max(character.matrix_world.to_scale())
    eyes = character.matrix_world @ Vector((0.0, EYES_FRONT, EYES_UP))
    for name, direction, colour, watts, size in LIGHTS:
        light = _of_stage(stage, f"Face Emote {name}", make=lambda name: bpy.data.lights.new(name, "AREA"))
        light.data.energy, light.data.color, light.data.size = watts * scale**2, colour, size * scale
        offset = Vector(direction).normalized() * scale
        light.location = eyes + offset
        light.rotation_euler = (-offset).to_track_quat("-Z", "Y").to_euler()
    camera = _of_stage(stage, "Face Emote Camera", make=bpy.data.cameras.new)
    camera.data.sensor_fit, camera.data.angle, camera.data.clip_start = "VERTICAL", 0.42, 0.01 * scale
    target = eyes + Vector((0.0, 0.02, -0.024)) * scale
    camera.location = eyes + Vector((0.05, -0.68, 0.0)) * scale
    camera.rotation_euler = (target - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.camera = camera
    if scene.world is None:
        scene.world = bpy.data.worlds.new("Face Emote World")
        scene.world.color = (0.05, 0.052, 0.058)


def _of_stage(stage: Any, name: str, *, make: Callable[[str], Any]) -> Any:
    """An object of the stage, made when it is missing."""
    found = next((item for item in stage.objects if item.name.startswith(name)), None)
    if found is None:
        found = bpy.data.objects.new(name, make(name))
        stage.objects.link(found)
    return found


CLASSES = (FACEEMOTE_OT_add_character, FACEEMOTE_OT_build_character, FACEEMOTE_OT_add_stage)
