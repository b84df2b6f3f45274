# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, cancel, apply, preview."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from .. import reasons
from ..apply import gaze, identity, mouth, preview, sound, takes
from ..apply.channels import lost_keys
from ..emotions import emotion_params
from ..engine import jobs
from ..engine.current import SESSION
from ..folders import user_folder
from ..messages import tr
from ..report import UserError
from .button import Button
from .remaking import directed
from .speech import Line, digest_of, fps_of, prepared_line, say_text

STYLE = ("lips", "jaw", "brows", "head", "gaze", "blinks", "energy", "asymmetry", "wrinkles", "blood")


def take_request(scene: Any, character: Any, line: Line) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters of a `generate` request, and what the take will remember of them."""
    settings, fps = scene.face_emote, fps_of(scene)
    style = {name: getattr(settings, name) for name in STYLE} | line.given.get("sliders", {})
    folder = user_folder("takes")
    felt = {"emotion": line.given.get("emotion", "")}
    if not felt["emotion"]:
        felt = emotion_params(scene, folder, first_frame=line.first_frame, num_secs=line.num_secs, fps=fps)
    person = json.loads(character.face_emote.person or "{}")
    target = "head" if character.face_emote.kind == "HEAD" else "arkit"
    request = {
        "speech": str(line.wave), "fps": fps, "target": target, "seed": settings.seed, "person": person,
        "transcript": transcript_of(settings), **({"voice": True} if settings.voice_follows else {}),
        **files_of(settings),
    } | line.given | felt | {"sliders": style}  # fmt: skip
    files = [request["transcript"], *files_of(settings).values()]
    inputs = digest_of([request, identity.id_of(character), *map(_content, files)])
    if "auto" in felt.get("emotion", ""):
        request["others"] = other_lines(character, line)
    sent = dict(request)
    request["path"] = str(folder / f"{digest_of([request, character.name])}.npz")
    facts = {
        "speech_name": line.name, "wave": str(line.wave), "num_secs": round(line.num_secs, 4), "fps": fps,
        "emotion": felt.get("emotion", "sliders"), "seed": request["seed"], "style": style, "person": person,
        "transcript": request["transcript"], "source": line.source, "source_start": line.start_secs,
        "is_placed": line.is_placed, "request": sent, "row": line.row, "inputs": inputs,
    }  # fmt: skip
    return request, facts


def _content(words: str) -> str:
    """A hash of a file of words; of words themselves, which are in the request already, nothing."""
    try:
        return hashlib.sha256(Path(words).read_bytes()).hexdigest() if words else ""
    except (OSError, ValueError):
        return ""


def other_lines(character: Any, line: Line) -> list[str]:
    """Speeches of a character's other takes: its voice, against which a line is read."""
    waves = {takes.facts_of(take).get("wave", "") for take in takes.takes_of(character)} if character else set()
    return sorted(wave for wave in waves if wave and wave != str(line.wave) and Path(wave).is_file())


def transcript_of(settings: Any) -> str:
    """Words, or the path of a file of words: the engine tells them apart."""
    return str(bpy.path.abspath(settings.transcript.strip()))


def files_of(settings: Any) -> dict[str, str]:
    """Paths of a recorded body, a partner's track and a way to move, by fields of a request, where they are given."""
    chosen = {"heart": settings.heart, "partner": settings.partner, "style": settings.moves_like}
    return {name: str(bpy.path.abspath(path.strip())) for name, path in chosen.items() if path.strip()}


def submit_take(
    scene: Any, character: Any, line: Line, *, take: str = "", as_preview: bool = False, wait: bool | None = None,
    then: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Ask the engine for a take, and apply it (or preview it, or fill the take with this id anew) when it comes.

    `then` is told when it is there (an empty text), or why it failed.
    """
    preview.stop()
    request, facts = take_request(scene, character, line)
    again = takes.take_by_id(take)
    said = mouth.request_of(again, user_folder("takes"))
    first, count = line.first_frame, math.ceil(line.num_secs * fps_of(scene)) + 1
    frames = [float(first + i) for i in range(count)] if again is None else gaze.frames_of(again, character)
    request = directed(character, request | said, action=again, frames=frames)
    if said or "eyes" in request:  # The file of the take as it was is still needed, to find what was edited.
        code = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]
        request["path"] = str(Path(request["path"]).with_name(f"{code}.npz"))
    is_turned = "eyes" in request and character.face_emote.gaze_head > 0.0
    facts = facts | {"corrected": bool(said)} | ({"turned": is_turned} if again is None else {})
    uid, scene_again = identity.id_of(character), jobs.remembered(scene)

    def done(result: dict[str, Any]) -> None:
        take_facts = facts | {
            "motion": result["motion"], "animator": result["animator"], "speech_sha256": result["speech_sha256"],
            "cues": result.get("cues", ""), "voice": result.get("voice", ""),
            "engine": SESSION.capabilities.get("version", ""),
        }  # fmt: skip
        owner = identity.character_of(uid)
        refusal = takes.refusal(owner) if owner is not None else "the character is gone"
        if refusal:
            raise UserError(tr("The take cannot be applied: {refusal}", refusal=refusal))
        if as_preview:
            preview.start(owner, Path(result["path"]), take_facts, first_frame=line.first_frame)
            return
        jobs.run_operator(
            "apply_take", scene=scene_again(), filepath=result["path"], facts=json.dumps(take_facts), character=uid,
            first_frame=line.first_frame, take=take,
        )  # fmt: skip
        if then is not None:
            then("")

    jobs.submit(
        tr("{name} for {name2}", name=line.name, name2=character.name), method="generate", params=request, done=done,
        wait=wait, failed=then,
    )  # fmt: skip


class FACEEMOTE_OT_generate(Button):
    """Perform the speech on the character. The result is a new take; nothing that is there is overwritten"""

    bl_idname = "face_emote.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER"}

    speech: StringProperty(description="Speech file instead of the panel's", options={"SKIP_SAVE"})
    emotion: StringProperty(description="Emotion in words instead of the panel's", options={"SKIP_SAVE"})
    preview: BoolProperty(description="Show the result without applying it", options={"SKIP_SAVE"})
    wait: BoolProperty(description="Return when the take is there (always so in background)", options={"SKIP_SAVE"})

    @staticmethod
    def _refusal(context: Any) -> str:
        return reasons.busy(context) or reasons.no_character(context)

    def _work(self, context: Any) -> None:
        scene, again = context.scene, jobs.remembered(context.scene)
        is_text = not self.speech and scene.face_emote.speech_source == "TEXT"
        missing = "" if self.speech else (reasons.no_text if is_text else reasons.no_speech)(context)
        if missing:
            raise UserError(missing)
        speech, emotion, as_preview, wait = self.speech, self.emotion, self.preview, True if self.wait else None

        def perform(wait: bool | None) -> None:
            line = prepared_line(again(), speech=speech)
            line = replace(line, given=line.given | ({"emotion": emotion} if emotion else {}))
            submit_take(again(), again().face_emote.target, line, as_preview=as_preview, wait=wait)

        if is_text:
            say_text(scene, then=lambda: perform(False), wait=wait)
            if SESSION.failed and (wait or bpy.app.background):
                raise UserError(SESSION.status)
        else:
            perform(wait)


class FACEEMOTE_OT_say(Button):
    """Let the text be said, and hear it. Generate says it by itself, and adds the sound strip"""

    bl_idname = "face_emote.say"
    bl_label = "Say It"
    bl_options = {"REGISTER"}

    @staticmethod
    def _refusal(context: Any) -> str:
        return reasons.busy(context) or reasons.no_text(context)

    def _work(self, context: Any) -> None:
        again = jobs.remembered(context.scene)
        say_text(context.scene, then=lambda: sound.play(reasons.was_said(again().face_emote)["speech"]), wait=None)


class FACEEMOTE_OT_cancel(Button):
    """Stop the engine's work; the scene stays as it is"""

    bl_idname = "face_emote.cancel"
    bl_label = "Cancel"
    bl_options = {"REGISTER"}

    @staticmethod
    def _refusal(_context: Any) -> str:
        return "" if SESSION.busy else "Nothing is being generated"

    def _work(self, _context: Any) -> None:
        jobs.cancel()
        self.report({"INFO"}, "Cancelled; the scene is as it was")


class FACEEMOTE_OT_apply_take(Button):
    """Write a take's file onto a character"""

    bl_idname = "face_emote.apply_take"
    bl_label = "Apply Take"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty()
    facts: StringProperty()
    character: StringProperty(description="Its id")
    take: StringProperty(description="Id of the take to fill anew; empty for a new one")
    regions: StringProperty(description="Layers of it, with commas between them; empty for all", options={"SKIP_SAVE"})
    first_frame: IntProperty()

    def _work(self, context: Any) -> None:
        character = identity.character_of(self.character)
        refusal = takes.refusal(character)
        if refusal:
            raise UserError(refusal)
        facts, settings = json.loads(self.facts), context.scene.face_emote
        take = takes.take_by_id(self.take)
        if self.take and take is None:
            raise UserError("The take to re-bake is gone; generate a new one")
        if take is not None:
            regions = tuple(filter(None, self.regions.split(",")))
            had_voice = bool(takes.facts_of(take).get("voice"))
            takes.rebake(take, character, Path(self.filepath), facts, regions=regions)
            gaze.list_again(settings, take)
            if had_voice or facts.get("voice"):
                sound.remove_sound(takes.facts_of(take)["id"])
                _place_voice(context.scene, take, facts)
        else:
            take = takes.add_take(character, Path(self.filepath), facts, first_frame=self.first_frame)
            if facts.get("voice"):
                _place_voice(context.scene, take, facts)
            elif settings.place_sound and facts.get("source") and not facts.get("is_placed"):
                _place_sound(context.scene, take, facts)
                takes.hush_hidden()
        mouth.keep_cues(take, facts.get("cues", ""))
        settings.take_id = takes.facts_of(take)["id"]
        said = tr(
            "{name}: {secs:.1f} s, {frames} frames, {words} words",
            name=take.name, secs=facts["num_secs"], frames=takes.facts_of(take)["num_frames"],
            words=mouth.num_words(take),
        )  # fmt: skip
        lost = lost_keys(character)
        if lost:
            said += tr("; gone or renamed since they were mapped: {names}", names=", ".join(lost))
        last = takes.last_frame(take, character)
        if last > context.scene.frame_end:
            context.scene.frame_end = last
            said += tr("; the scene ends at frame {last} now", last=last)
        context.scene.frame_set(context.scene.frame_current)
        SESSION.status = f"{said}. {SESSION.status}" if SESSION.status not in ("", "Done") else said
        self.report({"WARNING" if lost else "INFO"}, said)


def _place_voice(scene: Any, take: Any, facts: dict[str, Any]) -> None:
    """Let the re-tuned voice be heard, and not the strip that it was made from; or that one again."""
    known, voice = takes.facts_of(take), facts.get("voice", "")
    source = sound.find_strip(scene, facts["speech_name"]) if facts.get("is_placed") else None
    if source is not None:
        source.mute = bool(voice)
    if voice:
        sound.place_sound(scene, path=voice, frame=known["first_frame"], name=take.name, take=known["id"])
    elif source is None and facts.get("source"):
        _place_sound(scene, take, facts)
    takes.hush_hidden()


def _place_sound(scene: Any, take: Any, facts: dict[str, Any]) -> None:
    fps, known = fps_of(scene), takes.facts_of(take)
    start = round(facts["source_start"] * fps)
    part = sound.Part(start, math.ceil(facts["num_secs"] * fps)) if start else None
    sound.place_sound(
        scene, path=facts["source"], frame=known["first_frame"], name=take.name, take=known["id"], part=part
    )


class FACEEMOTE_OT_preview_apply(Button):
    """Keep what is being previewed as a take"""

    bl_idname = "face_emote.preview_apply"
    bl_label = "Keep"
    _refusal = staticmethod(reasons.not_previewing)

    def _work(self, _context: Any) -> None:
        shown = preview.current()
        assert shown is not None
        preview.stop()
        jobs.run_operator(
            "apply_take", filepath=str(shown.path), facts=json.dumps(shown.facts), character=shown.character,
            first_frame=shown.first_frame, take="",
        )  # fmt: skip


class FACEEMOTE_OT_preview_stop(Button):
    """End the preview; every value goes back to where it was"""

    bl_idname = "face_emote.preview_stop"
    bl_label = "Discard"
    bl_options = {"REGISTER"}
    _refusal = staticmethod(reasons.not_previewing)

    def _work(self, _context: Any) -> None:
        preview.stop()


class FACEEMOTE_OT_show_report(Button):
    """Copy the report of the last failure, to paste it into a message"""

    bl_idname = "face_emote.show_report"
    bl_label = "Copy Report"

    @staticmethod
    def _refusal(context: Any) -> str:
        return "" if context.window_manager.face_emote_job.report_path else "Nothing has failed"

    def _work(self, context: Any) -> None:
        path = Path(context.window_manager.face_emote_job.report_path)
        context.window_manager.clipboard = path.read_text(encoding="utf-8")
        self.report({"INFO"}, tr("Copied; it is also in {path}", path=path))


CLASSES = (
    FACEEMOTE_OT_generate,
    FACEEMOTE_OT_say,
    FACEEMOTE_OT_cancel,
    FACEEMOTE_OT_apply_take,
    FACEEMOTE_OT_preview_apply,
    FACEEMOTE_OT_preview_stop,
    FACEEMOTE_OT_show_report,
)
