# SPDX-License-Identifier: GPL-3.0-or-later
"""ARKit's 52 shape keys for a mesh that has none: find the marks, move them, create the keys."""

import json
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import reasons
from ..apply import shapes
from ..apply.facts import new_id
from ..engine import jobs
from ..folders import user_folder
from ..messages import tr
from ..report import UserError
from .button import Button
from .mapping import add_part, all_presets, map_character


def _cannot(context: Any) -> str:
    return reasons.busy(context) or shapes.refusal(context.scene.face_emote.target)


def _of_number(number: int) -> Any:
    found = next((item for item in bpy.data.objects if item.session_uid == number), None)
    if found is None:
        raise UserError("The character is gone; the result was not used")
    return found


def submit(context: Any, *, with_marks: bool, wait: bool | None) -> None:
    """Ask the engine for marks, or for keys at the marks that are there; they are applied when they come."""
    character, scene_again = context.scene.face_emote.target, jobs.remembered(context.scene)
    code = new_id()
    sent, made = (user_folder("heads") / f"{code}_{what}.npz" for what in ("mesh", "shapes"))
    things = shapes.write_meshes(character, sent, with_marks=with_marks)
    numbers = json.dumps([thing.session_uid for thing in things])

    def done(result: dict[str, Any]) -> None:
        said = json.dumps({name: result[name] for name in result if name != "path"})
        jobs.run_operator(
            "apply_shapes",
            scene=scene_again(),
            filepath=result["path"],
            things=numbers,
            said=said,
            marks=not with_marks,
        )

    name = character.name
    label = tr("shape keys of {name}", name=name) if with_marks else tr("marks on {name}", name=name)
    params = {"meshes": str(sent), "path": str(made)}
    jobs.submit(label, method="transfer", params=params, done=done, wait=wait)


class FACEEMOTE_OT_find_marks(Button):
    """Put marks (empties) on the mesh's face: eyes, lids, brows, nose, lips, chin. Move those that are off"""

    bl_idname = "face_emote.find_marks"
    bl_label = "Find Marks"
    bl_options = {"REGISTER"}

    wait: BoolProperty(description="Return when they are there (always so in background)", options={"SKIP_SAVE"})

    _refusal = staticmethod(_cannot)

    def _work(self, context: Any) -> None:
        submit(context, with_marks=False, wait=True if self.wait else None)


class FACEEMOTE_OT_create_keys(Button):
    """Make ARKit's 52 shape keys by transfer from our head; eyes, teeth, tongue, lashes and brows are taken along"""

    bl_idname = "face_emote.create_keys"
    bl_label = "Create Shape Keys"
    bl_options = {"REGISTER"}

    wait: BoolProperty(description="Return when they are there (always so in background)", options={"SKIP_SAVE"})

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = _cannot(context)
        if not reason and not shapes.marks_of(context.scene.face_emote.target):
            reason = "Press Find Marks first, look at them, and move those that are off"
        return reason

    def _work(self, context: Any) -> None:
        submit(context, with_marks=True, wait=True if self.wait else None)


class FACEEMOTE_OT_apply_shapes(Button):
    """Write marks or shape keys that the engine made"""

    bl_idname = "face_emote.apply_shapes"
    bl_label = "Apply Shapes"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty()
    things: StringProperty(description="Objects by session number, the character first, as JSON")
    said: StringProperty(description="What the engine said, as JSON")
    marks: BoolProperty()

    def _work(self, _context: Any) -> None:
        things, path = [_of_number(number) for number in json.loads(self.things)], Path(self.filepath)
        character = things[0]
        if self.marks:
            count = shapes.place_marks(character, path)
            self.report({"INFO"}, tr("{count} marks: move those that are off, then Create Shape Keys", count=count))
            return
        others, said = shapes.add_keys(character, things, path), json.loads(self.said)
        map_character(character, preset="arkit")
        known = [part.mesh for part in character.face_emote.parts]
        for thing in others:
            if thing not in known:
                add_part(character, thing, presets=all_presets())
        report = tr(
            "{coverage:.0%} of the face matched, {error:.1f} mm off, 95 of 100 vertices under {worst:.1f} mm",
            coverage=said["coverage"], error=1000.0 * said["error"], worst=1000.0 * said["worst"],
        )  # fmt: skip
        if said["weak"]:
            report += tr("; weak: {names}", names=", ".join(said["weak"]))
        character.face_emote.match = report
        self.report({"WARNING" if said["weak"] or said["coverage"] < 0.9 else "INFO"}, report)


CLASSES = (FACEEMOTE_OT_find_marks, FACEEMOTE_OT_create_keys, FACEEMOTE_OT_apply_shapes)
