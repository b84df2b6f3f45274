"""A recorded face keeps its lips and expression, and gets an emotion, wrinkles and blood flow on top."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.core.errors import HeadError, OptionError
from face_emote.core.fields import require_fields, require_number
from face_emote.core.motion import joined_motion
from face_emote.core.types import EmotionPlan, FaceMotion, PerformanceStyle, Speech
from face_emote.core.version import VERSION
from face_emote.emotion.grammar import plan_of
from face_emote.emotion.track import PlannedEmotion, in_turn, with_auto
from face_emote.face.bundled import load_head
from face_emote.face.characters import character as load_character
from face_emote.motion.over_capture import over_capture
from face_emote.verbs.animate import heard_plan, warn_of, with_source


def animate_capture(
    capture: FaceMotion,
    *,
    emotion: str | EmotionPlan = "neutral",
    intensity: float = 1.0,
    speech: Speech | str | Path | None = None,
    style: PerformanceStyle = PerformanceStyle(),  # noqa: B008 - frozen
    character: str | None = None,
) -> FaceMotion:
    """A recorded face with an emotion, wrinkles and blood flow on top; lips and expression stay the artist's.

    Args:
        capture: The recording: of the bundled head, as `read_motion` gives it.
        emotion: What is felt, in words; `neutral` adds the skin alone, `auto` needs the speech.
        intensity: How strongly an emotion that is named is felt, 0..1.
        speech: The sound that was recorded with it; its name and length travel with the motion.
        style: `energy`, `brows`, `asymmetry`, `wrinkles` and `blood` are heeded.
        character: Who plays it; the capture's if left out.

    Raises:
        EmotionError, AudioError, HeadError: the input cannot be used.
        OptionError: `auto` without speech, or a slider out of its range.
    """
    require_fields(style)
    require_number("intensity", intensity, low=0.0, high=1.0)
    plan = plan_of(emotion, intensity)
    head = load_head()
    if capture.info.basis != head.basis:
        raise HeadError(
            f"The capture belongs to face model '{capture.info.basis}', not to the bundled head; convert it"
        )
    info = replace(capture.info, version=VERSION)
    duration_secs = capture.num_frames / capture.fps
    if speech is None and plan.auto > 0.0:
        raise OptionError("'auto' is read from the voice, and there is no speech; give it, or name an emotion")
    if speech is not None:
        source = speech if isinstance(speech, Speech) else Path(speech)
        analysis = analyse(source)
        warn_of(analysis)
        heard = heard_plan(plan, analysis)
        plan = in_turn(plan, duration_secs=duration_secs, pauses=analysis.pauses)
        plan = plan if heard is None else with_auto(plan, heard)
        info = with_source(replace(info, speech_secs=analysis.duration_secs), source)
    plan = in_turn(plan, duration_secs=duration_secs)
    recorded = replace(capture, info=replace(info, emotion=plan.text))
    if character is not None:
        person = load_character(character)
        recorded = replace(recorded, character=person.name, betas=np.asarray(person.betas, np.float32))
    planned = PlannedEmotion(plan, duration_secs)
    return joined_motion(list(over_capture(recorded, planned, head=head, style=style)))
