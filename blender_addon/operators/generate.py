# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, cancel, apply, preview."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from .. import compat, reasons
from ..apply import preview, sound, takes
from ..emotions import emotion_params
from ..engine import jobs
from ..engine.current import SESSION
from ..names import TAKE_KEY
from ..report import UserError, attempt, user_folder

STYLE = ("lips", "jaw", "brows", "head", "gaze", "blinks", "energy", "asymmetry", "wrinkles", "blood")


@dataclass(frozen=True, slots=True)
class Line:
    """Speech ready for the engine."""

    wave: Path
    name: str
    first_frame: int
    num_secs: float
    sound_path: str
    """What a new sound strip would play; empty when the speech is a strip already."""


def fps_of(scene: Any) -> float:
    """Frames a second of a scene."""
    return float(scene.render.fps / scene.render.fps_base)


def prepared_line(scene: Any, *, speech: str = "", strip: str = "") -> Line:
    """Decode the speech that the panel (or `speech`, a file, or `strip`) names."""
    settings, folder = scene.face_emote, user_folder("takes")
    unnamed = folder / "speech.wav"
    if strip or (not speech and settings.speech_source == "STRIP"):
        found = sound.find_strip(scene, strip or settings.speech_strip)
        if found is None:
            raise UserError(f"There is no sound strip '{strip or settings.speech_strip}'; choose another")
        start, end = sound.strip_part(found, fps=fps_of(scene))
        source = found.sound.factory if found.sound.packed_file else bpy.path.abspath(found.sound.filepath)
        secs = sound.write_wave(unnamed, source=source, start_secs=start, end_secs=end)
        return Line(_kept(unnamed), found.name, compat.strip_first_frame(found), secs, "")
    source = bpy.path.abspath(speech or settings.speech_file)
    if not Path(source).is_file():
        raise UserError(f"The speech file does not exist; choose another: {source}")
    part = not speech and settings.use_range
    piece = {"start_secs": settings.range_start, "end_secs": settings.range_end} if part else {}
    secs = sound.write_wave(unnamed, source=source, **piece)
    wave = _kept(unnamed)
    return Line(
        wave, Path(source).name, scene.frame_current if part else scene.frame_start, secs, str(wave if part else source)
    )


def _kept(path: Path) -> Path:
    """Name a wave file after its content, so that takes of the same speech share it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return path.replace(path.with_name(f"{digest}.wav"))


def take_request(scene: Any, character: Any, line: Line, *, emotion: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters of a `generate` request, and what the take will remember of them."""
    settings, fps = scene.face_emote, fps_of(scene)
    style = {name: getattr(settings, name) for name in STYLE}
    folder = user_folder("takes")
    felt = {"emotion": emotion}
    if not emotion:
        felt = emotion_params(scene, folder, first_frame=line.first_frame, num_secs=line.num_secs, fps=fps)
    person = json.loads(character.face_emote.person or "{}")
    target = "head" if character.face_emote.kind == "HEAD" else "arkit"
    request = {
        "speech": str(line.wave), "fps": fps, "target": target, "seed": settings.seed, "style": style, "person": person,
        "transcript": transcript_of(settings), **felt,
    }  # fmt: skip
    code = hashlib.sha256(json.dumps([request, character.name], sort_keys=True).encode()).hexdigest()[:16]
    request["path"] = str(folder / f"{code}.npz")
    facts = {
        "speech_name": line.name, "wave": str(line.wave), "num_secs": round(line.num_secs, 4), "fps": fps,
        "emotion": felt.get("emotion", "sliders"), "seed": settings.seed, "style": style, "person": person,
        "transcript": request["transcript"],
    }  # fmt: skip
    return request, facts


def transcript_of(settings: Any) -> str:
    """Words, or the path of a file of words: the engine tells them apart."""
    return str(bpy.path.abspath(settings.transcript.strip()))


def submit_take(
    scene: Any, character: Any, line: Line, *, emotion: str = "", action: str = "", as_preview: bool = False,
    wait: bool | None = None,
) -> None:  # fmt: skip
    """Ask the engine for a take, and apply it (or preview it, or fill `action` anew) when it comes."""
    preview.stop()
    request, facts = take_request(scene, character, line, emotion=emotion)
    name, character_name = line.name, character.name

    def done(result: dict[str, Any]) -> None:
        take_facts = facts | {
            "motion": result["motion"], "animator": result["animator"], "speech_sha256": result["speech_sha256"],
            "engine": SESSION.capabilities.get("version", ""),
        }  # fmt: skip
        owner = bpy.data.objects.get(character_name)
        refusal = takes.refusal(owner)
        if refusal:
            raise UserError(f"The take cannot be applied: {refusal}")
        if as_preview:
            preview.start(owner, Path(result["path"]), take_facts, first_frame=line.first_frame)
            return
        jobs.run_operator(
            "apply_take", filepath=result["path"], facts=json.dumps(take_facts), character=character_name,
            first_frame=line.first_frame, action=action, sound_path=line.sound_path,
        )  # fmt: skip

    jobs.submit(f"{name} for {character_name}", method="generate", params=request, done=done, wait=wait)


class FACEEMOTE_OT_generate(bpy.types.Operator):
    """Perform the speech on the character. The result is a new take; nothing that is there is overwritten"""

    bl_idname = "face_emote.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER"}

    speech: StringProperty(description="Speech file instead of the panel's", options={"SKIP_SAVE"})
    emotion: StringProperty(description="Emotion in words instead of the panel's", options={"SKIP_SAVE"})
    preview: BoolProperty(description="Show the result without applying it", options={"SKIP_SAVE"})
    wait: BoolProperty(description="Return when the take is there (always so in background)", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A free engine and a character; speech may come as an argument."""
        return reasons.allowed(cls, reasons.busy(context) or reasons.no_character(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start; with `wait`, or in background, finish too."""
        return attempt(self, lambda: self._start(context))

    def _start(self, context: bpy.types.Context) -> None:
        missing = "" if self.speech else reasons.no_speech(context)
        if missing:
            raise UserError(missing)
        line = prepared_line(context.scene, speech=self.speech)
        character = context.scene.face_emote.target
        wait = True if self.wait else None
        submit_take(context.scene, character, line, emotion=self.emotion, as_preview=self.preview, wait=wait)


class FACEEMOTE_OT_cancel(bpy.types.Operator):
    """Stop the engine's work; the scene stays as it is"""

    bl_idname = "face_emote.cancel"
    bl_label = "Cancel"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Something runs."""
        return reasons.allowed(cls, "" if SESSION.busy else "Nothing is being generated")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Cancel all."""
        jobs.cancel()
        self.report({"INFO"}, "Cancelled; the scene is as it was")
        return {"FINISHED"}


class FACEEMOTE_OT_apply_take(bpy.types.Operator):
    """Write a take's file onto a character"""

    bl_idname = "face_emote.apply_take"
    bl_label = "Apply Take"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty()
    facts: StringProperty()
    character: StringProperty()
    action: StringProperty()
    sound_path: StringProperty()
    first_frame: IntProperty()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write; one undo step."""
        return attempt(self, lambda: self._apply(context))

    def _apply(self, context: bpy.types.Context) -> None:
        character = bpy.data.objects.get(self.character)
        refusal = takes.refusal(character)
        if refusal:
            raise UserError(refusal)
        facts, settings = json.loads(self.facts), context.scene.face_emote
        known = bpy.data.actions.get(self.action)
        if known is not None and TAKE_KEY in known:
            takes.rebake(known, character, Path(self.filepath), facts)
            take = known
        else:
            take = takes.add_take(character, Path(self.filepath), facts, first_frame=self.first_frame)
            if (
                self.sound_path
                and settings.place_sound
                and not _is_heard(context.scene, self.sound_path, self.first_frame)
            ):
                sound.place_sound(
                    context.scene, path=self.sound_path, frame=self.first_frame, name=take.name, take=take.name
                )
        settings.active_take = list(bpy.data.actions).index(take)
        context.scene.frame_set(context.scene.frame_current)
        self.report({"INFO"}, f"{take.name}: {facts['num_secs']:.1f} s")


def _is_heard(scene: Any, path: str, frame: int) -> bool:
    """Whether a strip plays this file from this frame on already."""
    return any(
        strip.type == "SOUND"
        and compat.strip_first_frame(strip) == frame
        and Path(bpy.path.abspath(strip.sound.filepath)) == Path(path)
        for strip in compat.strips_of(scene) or ()
    )


class FACEEMOTE_OT_preview_apply(bpy.types.Operator):
    """Keep what is being previewed as a take"""

    bl_idname = "face_emote.preview_apply"
    bl_label = "Keep"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A preview runs."""
        return reasons.allowed(cls, reasons.not_previewing(context))

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """End the preview and apply its take."""
        shown = preview.current()
        assert shown is not None
        preview.stop()
        return attempt(
            self,
            lambda: jobs.run_operator(
                "apply_take", filepath=str(shown.path), facts=json.dumps(shown.facts), character=shown.character,
                first_frame=shown.first_frame, action="", sound_path=shown.facts.get("wave", ""),
            ),
        )  # fmt: skip


class FACEEMOTE_OT_preview_stop(bpy.types.Operator):
    """End the preview; every value goes back to where it was"""

    bl_idname = "face_emote.preview_stop"
    bl_label = "Discard"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A preview runs."""
        return reasons.allowed(cls, reasons.not_previewing(context))

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """End it."""
        preview.stop()
        return {"FINISHED"}


class FACEEMOTE_OT_show_report(bpy.types.Operator):
    """Copy the report of the last failure, to paste it into a message"""

    bl_idname = "face_emote.show_report"
    bl_label = "Copy Report"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A report was written."""
        return reasons.allowed(cls, "" if context.window_manager.face_emote_job.report_path else "Nothing has failed")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Into the clipboard."""
        path = Path(context.window_manager.face_emote_job.report_path)
        context.window_manager.clipboard = path.read_text(encoding="utf-8")
        self.report({"INFO"}, f"Copied; it is also in {path}")
        return {"FINISHED"}


CLASSES = (
    FACEEMOTE_OT_generate,
    FACEEMOTE_OT_cancel,
    FACEEMOTE_OT_apply_take,
    FACEEMOTE_OT_preview_apply,
    FACEEMOTE_OT_preview_stop,
    FACEEMOTE_OT_show_report,
)
