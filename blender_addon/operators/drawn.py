# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawn mouths: list the shapes, key them for a take or for speech alone, take the keys away."""

from typing import Any

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from .. import reasons
from ..apply import drawn, mouth
from ..apply.facts import facts_of
from ..engine import jobs
from ..folders import user_folder
from ..messages import tr
from ..report import attempt
from .generate import fps_of, prepared_line, transcript_of


def cannot_draw(context: Any) -> str:
    """Neither a take nor speech, or nothing that shows mouths."""
    settings = context.scene.face_emote.drawn
    shown_by = {"OBJECTS": settings.members, "PICTURES": settings.material, "PENCIL": settings.pencil}
    if shown_by[settings.kind] is None:
        return "Choose what shows the mouths first"
    if not len(settings.shapes):
        return "Press List Shapes first"
    return reasons.busy(context) or ("" if _take(context) is not None else reasons.no_speech(context))


def _take(context: Any) -> Any | None:
    take = reasons.chosen_take(context) if not reasons.no_take(context) else None
    return take if take is not None and mouth.cues_of(take) else None


class FACEEMOTE_OT_list_shapes(bpy.types.Operator):
    """List the shapes of the chart, with the objects that are called like them, or numbers of frames"""

    bl_idname = "face_emote.list_shapes"
    bl_label = "List Shapes"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fill the list."""

        def work() -> None:
            settings = context.scene.face_emote.drawn
            found = drawn.fill(settings)
            self.report({"INFO"}, tr("{found} of {count} shapes found", found=found, count=len(settings.shapes)))

        return attempt(self, work)


class FACEEMOTE_OT_draw_mouth(bpy.types.Operator):
    """Swap the mouths with the sounds of the take, or of the speech when there is none; again, to do so anew"""

    bl_idname = "face_emote.draw_mouth"
    bl_label = "Make Drawn Mouth"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A take or speech, and mouths."""
        return reasons.allowed(cls, cannot_draw(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """From the take at once; from speech when the engine has heard it."""

        def work() -> None:
            take, scene = _take(context), context.scene
            if take is None:
                _listen(scene)
                return
            facts, clock = facts_of(take), mouth.clock_of(take, scene.face_emote.target)
            rate = float(facts.get("fps", 24.0))
            count = drawn.key_mouth(
                scene, mouth.cues_of(take), fps=rate, first=clock.frame(0.0), stretch=clock.rate / rate,
                num_frames=int(facts["num_frames"]),
            )  # fmt: skip
            self.report({"INFO"}, tr("{count} mouths for {name}", count=count, name=take.name))

        return attempt(self, work)


def _listen(scene: Any) -> None:
    line, fps = prepared_line(scene), fps_of(scene)
    request = {
        "speech": str(line.wave), "fps": fps, "target": "arkit", "transcript": transcript_of(scene.face_emote),
        "emotion": "neutral", "path": str(user_folder("takes") / f"{line.wave.stem}.drawn.npz"),
    }  # fmt: skip
    scene_again = jobs.remembered(scene)

    def done(result: dict[str, Any]) -> None:
        jobs.run_operator(
            "key_drawn_mouth", scene=scene_again(), filepath=result.get("cues", ""), first_frame=line.first_frame,
            fps=fps, num_frames=int(result["frames"]),
        )  # fmt: skip

    jobs.submit(tr("the mouths of {name}", name=line.name), method="generate", params=request, done=done)


class FACEEMOTE_OT_key_drawn_mouth(bpy.types.Operator):
    """Key mouths by a file of cues"""

    bl_idname = "face_emote.key_drawn_mouth"
    bl_label = "Key Drawn Mouth"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty()
    first_frame: IntProperty()
    fps: FloatProperty(default=24.0)
    num_frames: IntProperty()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write; one undo step."""

        def work() -> None:
            count = drawn.key_mouth(
                context.scene, drawn.read_cues(self.filepath), fps=self.fps, first=float(self.first_frame),
                stretch=1.0, num_frames=self.num_frames,
            )  # fmt: skip
            self.report({"INFO"}, tr("{count} mouths", count=count))

        return attempt(self, work)


class FACEEMOTE_OT_clear_mouth(bpy.types.Operator):
    """Take away all keys of the drawn mouth"""

    bl_idname = "face_emote.clear_mouth"
    bl_label = "Remove Keys"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A list of shapes."""
        return reasons.allowed(cls, "" if len(context.scene.face_emote.drawn.shapes) else "Press List Shapes first")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove them."""

        def work() -> None:
            drawn.clear_mouth(context.scene)

        return attempt(self, work)


CLASSES = (
    FACEEMOTE_OT_list_shapes,
    FACEEMOTE_OT_draw_mouth,
    FACEEMOTE_OT_key_drawn_mouth,
    FACEEMOTE_OT_clear_mouth,
)
