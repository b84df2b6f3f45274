# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawn mouths: list the shapes, key them for a take or for speech alone, take the keys away."""

from typing import Any

from bpy.props import FloatProperty, IntProperty, StringProperty

from .. import reasons
from ..apply import drawn, mouth
from ..apply.facts import facts_of
from ..engine import jobs
from ..folders import user_folder
from ..messages import tr
from .button import Button
from .generate import transcript_of
from .speech import fps_of, prepared_line


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


class FACEEMOTE_OT_list_shapes(Button):
    """List the shapes of the chart, with the objects that are called like them, or numbers of frames"""

    bl_idname = "face_emote.list_shapes"
    bl_label = "List Shapes"

    def _work(self, context: Any) -> None:
        settings = context.scene.face_emote.drawn
        found = drawn.fill(settings)
        self.report({"INFO"}, tr("{found} of {count} shapes found", found=found, count=len(settings.shapes)))


class FACEEMOTE_OT_draw_mouth(Button):
    """Swap the mouths with the sounds of the take, or of the speech when there is none; again, to do so anew"""

    bl_idname = "face_emote.draw_mouth"
    bl_label = "Make Drawn Mouth"
    _refusal = staticmethod(cannot_draw)

    def _work(self, context: Any) -> None:
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


class FACEEMOTE_OT_key_drawn_mouth(Button):
    """Key mouths by a file of cues"""

    bl_idname = "face_emote.key_drawn_mouth"
    bl_label = "Key Drawn Mouth"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty()
    first_frame: IntProperty()
    fps: FloatProperty(default=24.0)
    num_frames: IntProperty()

    def _work(self, context: Any) -> None:
        count = drawn.key_mouth(
            context.scene, drawn.read_cues(self.filepath), fps=self.fps, first=float(self.first_frame),
            stretch=1.0, num_frames=self.num_frames,
        )  # fmt: skip
        self.report({"INFO"}, tr("{count} mouths", count=count))


class FACEEMOTE_OT_clear_mouth(Button):
    """Take away all keys of the drawn mouth"""

    bl_idname = "face_emote.clear_mouth"
    bl_label = "Remove Keys"

    @staticmethod
    def _refusal(context: Any) -> str:
        return "" if len(context.scene.face_emote.drawn.shapes) else "Press List Shapes first"

    def _work(self, context: Any) -> None:
        drawn.clear_mouth(context.scene)


CLASSES = (
    FACEEMOTE_OT_list_shapes,
    FACEEMOTE_OT_draw_mouth,
    FACEEMOTE_OT_key_drawn_mouth,
    FACEEMOTE_OT_clear_mouth,
)
