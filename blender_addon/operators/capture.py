# SPDX-License-Identifier: GPL-3.0-or-later
"""A film of a face as a take."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from .. import compat, reasons
from ..apply import identity, preview, takes
from ..engine import jobs
from ..engine.current import SESSION
from ..folders import user_folder
from ..messages import tr
from ..report import UserError
from .button import Button
from .speech import fps_of

UNSURE = "EXTREME"
"""Kind of the keys in which a half of the face was not seen: the timeline colours them."""
SEEN_IN = {
    "upper": re.compile(r"(?i)brow|eye|lid|gaze|face_emote_"),
    "lower": re.compile(r"(?i)key_blocks(?!.*(brow|eye|lid|gaze))|jaw|face_emote_"),
}
"""Paths of the curves that each half of the face tells; skin needs both, the head's turning neither."""


class FACEEMOTE_OT_capture(Button):
    """Read a filmed face as a new take; keys of frames that were not seen well are coloured. Needs MediaPipe"""

    bl_idname = "face_emote.capture"
    bl_label = "Capture Video"
    bl_options = {"REGISTER"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.mp4;*.mov;*.mkv;*.webm;*.avi;*.mpg", options={"HIDDEN"})
    neutral: FloatProperty(
        name="Neutral at", default=-1.0, min=-1.0, subtype="TIME_ABSOLUTE",
        description="Second at which the face is really at rest; below 0: guessed",
    )  # fmt: skip
    wait: BoolProperty(description="Return when the take is there (always so in background)", options={"SKIP_SAVE"})

    @staticmethod
    def _refusal(context: Any) -> str:
        return reasons.busy(context) or reasons.no_character(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the film."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def _work(self, context: Any) -> None:
        film = Path(bpy.path.abspath(self.filepath))
        if not film.is_file():
            raise UserError(tr("The film does not exist; choose another: {film}", film=film))
        preview.stop()
        submit_film(
            context.scene, film, neutral=self.neutral if self.neutral >= 0.0 else None, wait=True if self.wait else None
        )


def submit_film(scene: Any, film: Path, *, neutral: float | None, wait: bool | None) -> None:
    """Ask the engine for the take, and apply it when it comes."""
    character, fps, first_frame = scene.face_emote.target, fps_of(scene), scene.frame_start
    person = json.loads(character.face_emote.person or "{}")
    target = "head" if character.face_emote.kind == "HEAD" else "arkit"
    request: dict[str, Any] = {"film": str(film), "fps": fps, "target": target, "person": person}
    if neutral is not None:
        request["neutral"] = neutral
    code = hashlib.sha256(json.dumps([request, character.name], sort_keys=True).encode()).hexdigest()[:16]
    request["path"] = str(user_folder("takes") / f"{code}.npz")
    uid, scene_again = identity.id_of(character), jobs.remembered(scene)

    def done(result: dict[str, Any]) -> None:
        facts = {
            "speech_name": film.name, "fps": fps, "person": person, "motion": result["motion"],
            "animator": result["animator"], "speech_sha256": result["speech_sha256"], "unsure": result["unsure"],
            "num_secs": result["frames"] / fps, "engine": SESSION.capabilities.get("version", ""),
        }  # fmt: skip
        before = set(bpy.data.actions)
        jobs.run_operator(
            "apply_take", scene=scene_again(), filepath=result["path"], facts=json.dumps(facts), character=uid,
            first_frame=first_frame, take="",
        )  # fmt: skip
        owner = identity.character_of(uid)
        for action in takes.takes_of(owner) if owner else []:
            if action not in before:
                show_unsure(action, result["unsure"], first_frame=first_frame, fps=fps)

    jobs.submit(
        tr("{name} for {name2}", name=film.name, name2=character.name),
        method="capture",
        params=request,
        done=done,
        wait=wait,
    )


def show_unsure(action: Any, spans: list[tuple[str, float, float]], *, first_frame: int, fps: float) -> None:
    """Colour the keys of what was not seen, and bound each span of seconds by markers of the action."""
    for area, start, end in spans:
        first, stop = first_frame + start * fps, first_frame + end * fps
        for frame, seen in ((first, "not seen"), (stop, "seen again")):
            action.pose_markers.new(f"{area} face {seen}").frame = round(frame)
        for curve in compat.all_fcurves(action):
            for key in curve.keyframe_points if SEEN_IN[area].search(curve.data_path) else ():
                if first - 0.5 < key.co[0] < stop - 0.5:
                    key.type = UNSURE


CLASSES = (FACEEMOTE_OT_capture,)
