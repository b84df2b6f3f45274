"""A motion becomes moments of a bank, cut where pauses are; and a moment becomes a picture."""

import re
import warnings
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.reader import sha256_of
from face_emote.bank.moments import NAME, OWN, Moment, add_moments
from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.errors import FaceEmoteWarning, OptionError
from face_emote.core.motion import joined_motion, resampled
from face_emote.core.options import BankUse, Performance, Picture
from face_emote.core.output import require_writable, written_beside
from face_emote.core.png import png_bytes
from face_emote.core.types import MotionInfo, Progress, Speech, SpeechAnalysis
from face_emote.emotion.grammar import plan_of
from face_emote.face.bundled import load_head
from face_emote.face.person_file import require_consent
from face_emote.formats.cues_file import parse_cues
from face_emote.formats.motion_file import opened_motion
from face_emote.generation.layout import FACE, TOKEN_HZ, VOICE, VOICE_COLUMNS, WINDOW
from face_emote.generation.seen import FIRST_TOKEN, FPS, face_tokens, seen_of_performance
from face_emote.perception.encoder_inputs import voice_tokens
from face_emote.rendering.sheet import compose_sheet, draw_text
from face_emote.verbs.animate import perform
from face_emote.verbs.render import render_frames

_SPEAKING = VOICE.index("speaking")
_LEAD_TOKENS, _WAIT_TOKENS = 2, 8
"""By which a moment begins before a phrase, and for which the next one waits for a phrase."""
TILE, _TILES, _ROW = 200, 8, 44
"""Pixels of a face, faces of a strip, and pixels of a curve."""
_COLOURS = ((110, 168, 229), (89, 201, 192), (229, 94, 80), (242, 193, 78))


def add_take(
    take: Path, bank: Path, *, emotion: str, context: str, consent: str, name: str | None = None
) -> tuple[Moment, ...]:
    """Cut a motion - of `capture`, `animate`, Blender - into moments, and put them into a bank.

    Raises:
        EmotionError: no such emotion.
        MotionFileError: it is no motion.
        OptionError: it is too short or of another face model, nobody agreed, the bank is damaged or holds that name.
    """
    require_consent(consent, take, whose="How somebody moves is theirs", example="Jane Doe, own moves, 2026-03-01")
    vad = plan_of(emotion, 1.0).keys[0].emotion.vad
    stem = re.sub(r"[^a-z0-9_-]+", "-", (name or f"{emotion}-{context}-{take.stem}").lower()).strip("-_")[:48]
    if not NAME.fullmatch(stem):
        raise OptionError(f"A moment's name has letters a to z, digits, - and _; give another --name: {take}")
    with opened_motion(take) as motion:
        if motion.info.basis != load_head().basis:
            raise OptionError(f"This motion is of another face model; give one of ours: {take}")
        face = face_tokens(seen_of_performance(joined_motion(list(resampled(motion, fps=FPS).blocks()))))
        info = motion.info
    if len(face) < WINDOW:
        raise OptionError(f"A moment needs {(WINDOW + FIRST_TOKEN) / TOKEN_HZ:.1f} s of motion; there are less: {take}")
    speech = take.with_name(Path(info.speech_name).name) if info.speech_name else None
    known = speech is not None and speech.is_file() and sha256_of(speech) == info.speech_sha256
    heard = analyse(speech) if speech is not None and known else None
    moments = tuple(
        Moment(
            f"{stem}-{number:02}", face[start : start + WINDOW].astype(np.float32), np.asarray(vad, np.float32),
            context, _sound(heard, start), emotion=emotion, made=OWN, source=take.name[:200], consent=consent.strip(),
        )
        for number, start in enumerate(_starts(info, len(face)), 1)
    )  # fmt: skip
    add_moments(bank, list(moments), file=f"{stem}.npz")
    return moments


def _starts(info: MotionInfo, count: int) -> list[int]:
    """First tokens of moments that do not overlap: a little before a phrase where one is near."""
    phones = parse_cues(info.cues.encode()).phones if info.cues else ()
    sounds = [phone for phone in phones if phone.label != "SIL"]
    pairs = zip([None, *sounds], sounds, strict=False)
    begins = [sound.start_secs for before, sound in pairs if before is None or sound.start_secs > before.end_secs]
    phrases = np.array(begins) * TOKEN_HZ - FIRST_TOKEN - _LEAD_TOKENS
    starts, at = [], 0
    while at + WINDOW <= count:
        near = phrases[(phrases >= at) & (phrases <= min(at + _WAIT_TOKENS, count - WINDOW))]
        starts.append(round(float(near[0])) if len(near) else at)
        at = starts[-1] + WINDOW
    return starts


def _sound(heard: SpeechAnalysis | None, start: int) -> Float[Array, f" value={len(VOICE)}"]:
    """Mean voice of a moment; NaN where it is not known."""
    if heard is not None:
        rows = voice_tokens(heard.prosody)[0].rows[FIRST_TOKEN + start :][:WINDOW, VOICE_COLUMNS].astype(np.float32)
        said = rows[rows[:, _SPEAKING] > 0.5]
        if len(said):
            return np.asarray(said.mean(axis=0))
    return np.full(len(VOICE), np.nan, np.float32)


def show_moment(
    moment: Moment, path: Path, *, bank: Path | None, picture: Picture, progress: Progress | None = None
) -> Path:
    """Write a PNG of a moment: on the head over its time, and the curves of brows, head and lids below."""
    require_writable(path)
    silence = Speech(np.zeros(round(WINDOW / TOKEN_HZ * 16_000), np.float32))
    use = BankUse(bank=bank, pin=f"0s {moment.name}")
    asked = Performance(silence, emotion=moment.emotion or "neutral", fps=FPS, animator="takes", moments=use)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FaceEmoteWarning)  # That nothing is said.
        motion = perform(asked).motion
    frames = np.linspace(0, motion.num_frames - 1, _TILES + 2)[1:-1].round().astype(int).tolist()
    faces = render_frames(motion, frames, picture=picture, progress=progress)
    strip = compose_sheet(faces, [f"{frame / FPS:.2f} s" for frame in frames], columns=_TILES)
    with written_beside(path) as beside:
        beside.write_bytes(png_bytes(np.concatenate([strip, _curves(moment, strip.shape[1])])))
    return path


def _curves(moment: Moment, width: int) -> UInt8[Array, "height width 3"]:
    """A line for each value of the face, against the most that it does."""
    chart = np.full((_ROW * len(FACE), width, 3), 24, np.uint8)
    columns = np.arange(width)
    for k, (name, values) in enumerate(zip(FACE, moment.face.T, strict=True)):
        middle, most = float(np.median(values)), float(np.abs(values - np.median(values)).max())
        line = np.interp(columns, np.linspace(0, width - 1, WINDOW), values - middle) / max(most, 1e-6)
        rows = np.round(_ROW * (k + 0.5) - 0.42 * _ROW * line).astype(int)
        for shift in (0, 1):
            chart[rows + shift, columns] = _COLOURS[k % len(_COLOURS)]
        draw_text(chart, f"{name.replace('_', ' ')} {middle:.1f}, {most:.2f}", row=_ROW * k + 2, column=6, scale=1)
    return chart
