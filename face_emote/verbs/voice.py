"""A recording with another feeling in the voice: `fe.retune`, and the file that holds it.

The timing of every sound stays, so the lips that fit the recording fit what comes out. Where nothing is felt the
samples are those of the recording.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.conditioning import channel_weights
from face_emote.audio.reader import SpeechSource, open_speech
from face_emote.audio.wav_file import wav_written
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AudioError, FaceEmoteWarning, OptionError
from face_emote.core.output import require_writable, written_beside
from face_emote.core.types import EmotionPlan, Progress, Speech
from face_emote.emotion.grammar import plan_of
from face_emote.emotion.track import in_turn, track, with_auto
from face_emote.verbs.animate import heard_plan
from face_emote.voice.manners import Manner, manner_of
from face_emote.voice.retuned import Pieces, retuned, surveyed
from face_emote.voice.vocoder import FRAME_HZ, require_vocoder

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 96_000
NO_VOICE = "No voice was heard, so nothing was re-tuned: the sound is as it was"
_SURVEY_SHARE = 0.4  # Of the time that all of it takes.


@dataclass(frozen=True, slots=True)
class _Source:
    """Mono sound that can be gone through twice."""

    pieces: Pieces
    rate_hz: int
    duration_secs: float  # What the file declares; 0 when it declares nothing.
    sample_bytes: int  # In which it is kept: 2, or 3 for what came with more than 16 bits.


def retune(
    speech: Speech | str | Path,
    emotion: str | EmotionPlan,
    *,
    intensity: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Speech:
    """A recording as its talker would say it with an emotion; at its own sample rate, mono, of the same length.

    Args:
        speech: a recording, or the path of one.
        emotion: what is felt, in words, as `animate` takes it; `"auto"` reads it from the voice and adds to it.
        intensity: how strongly an emotion that is named is felt, 0..1; at 0 the samples are the recording's.
        seed: of the voice's small irregularities; the same number gives the same bytes.
        progress: called with (done, total, what) while it works.

    Raises:
        AudioError, EmotionError, OptionError: the input cannot be used; the message says why and what to do.
        DependencyError: pyworld is not installed.

    Warns:
        FaceEmoteWarning: no voice was heard.
    """
    source = _source_of(speech)
    plan = _plan(speech, emotion, intensity=intensity)
    blocks = list(_retuned(source, plan, seed=seed, progress=progress))
    return Speech(np.concatenate(blocks), source.rate_hz, speech.transcript if isinstance(speech, Speech) else None)


def write_retuned(
    speech: Path, target: Path, *, emotion: str | EmotionPlan, intensity: float = 1.0, seed: int = 0,
    progress: Progress | None = None,
) -> Path:  # fmt: skip
    """`retune` from file to .wav file; memory does not grow with the length. Errors as `retune` and OutputError."""
    require_wav(target)
    if target.exists() and target.resolve() == speech.resolve():
        raise OptionError(f"The re-tuned voice would take the place of the recording; give another name: {target}")
    source = _source_of(speech)
    plan = _plan(speech, emotion, intensity=intensity)
    with (
        written_beside(target) as beside,
        wav_written(beside, rate_hz=source.rate_hz, sample_bytes=source.sample_bytes) as append,
    ):
        for block in _retuned(source, plan, seed=seed, progress=progress):
            append(block)
    return target


def require_wav(path: Path) -> None:
    """Before any work: raise OptionError, OutputError or DependencyError unless a voice can be re-tuned to there."""
    require_vocoder()
    if path.suffix.lower() != ".wav":
        raise OptionError(f"A voice is written as .wav; let the name end so: {path}")
    require_writable(path)


def _source_of(speech: Speech | str | Path) -> _Source:
    if isinstance(speech, Speech):
        _require_rate(speech.sample_rate, "the recording")
        samples = np.asarray(speech.samples, np.float32)
        return _Source(lambda: iter([samples]), speech.sample_rate, speech.duration_secs, 3)
    found = open_speech(speech)
    _require_rate(found.sample_rate, found.path)
    exact = found.wav is None or found.wav.sample_bytes <= 2
    weights = channel_weights(found)
    return _Source(lambda: _mono(found, weights), found.sample_rate, found.duration_secs, 2 if exact else 3)


def _mono(source: SpeechSource, weights: Float[Array, " channel"] | None) -> Iterator[Float[Array, " _samples"]]:
    """As it is listened to: channels in opposite phase are turned before they are added."""
    for piece in source.pieces():
        if weights is not None and piece.shape[1] == len(weights):
            yield piece @ weights
        else:
            yield piece[:, 0] if piece.shape[1] == 1 else piece.mean(axis=1, dtype=np.float32)


def _require_rate(rate_hz: int, where: str | Path) -> None:
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise AudioError(
            f"A voice is re-tuned at {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} samples a second, and this has {rate_hz}; "
            f"convert it first: {where}"
        )


def _plan(speech: Speech | str | Path, emotion: str | EmotionPlan, *, intensity: float) -> EmotionPlan:
    require_vocoder()
    plan = plan_of(emotion, intensity)
    if plan.auto <= 0.0 and not plan.turns:
        return plan
    analysis = analyse(speech if isinstance(speech, Speech) else Path(speech))
    heard = heard_plan(plan, analysis)
    plan = in_turn(plan, duration_secs=analysis.duration_secs, pauses=analysis.pauses)
    return plan if heard is None else with_auto(plan, heard)


def _retuned(
    source: _Source, plan: EmotionPlan, *, seed: int, progress: Progress | None
) -> Iterator[Float[Array, " _samples"]]:
    if all(key.emotion.intensity == 0.0 and not key.emotion.covert.any() for key in plan.keys):
        yield from source.pieces()
        return
    total = source.duration_secs

    def at(share: float, what: str) -> Callable[[float], None]:
        def passed(secs: float) -> None:
            if progress is not None:
                done = secs * (_SURVEY_SHARE if share == 0.0 else 1.0 - share) + share * total
                progress(min(done, total), total, what)

        return passed

    survey = surveyed(source.pieces, rate_hz=source.rate_hz, passed=at(0.0, "listening"))
    if survey.habit is None:
        warnings.warn(NO_VOICE, FaceEmoteWarning, stacklevel=4)
        yield from source.pieces()
        return

    def manners(secs: Float[Array, " frame"]) -> Manner:
        return manner_of(track(plan, times=secs, fps=float(FRAME_HZ)))

    yield from retuned(
        source.pieces, survey, manners, rate_hz=source.rate_hz, seed=seed, passed=at(_SURVEY_SHARE, "re-tuning")
    )
