"""All that the animator knows about a recording: phones, prosody, pauses."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.audio.activity import MIN_PAUSE_SECS, pauses_in
from face_emote.audio.alignment import align
from face_emote.audio.features import prosody_of
from face_emote.audio.phones import agreement, heard_phones
from face_emote.audio.reader import BLOCK_SAMPLES, open_speech
from face_emote.audio.resampler import resample
from face_emote.audio.stress import heard_stress
from face_emote.audio.transcripts import parse_transcript, read_transcript
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AlignmentError, AudioError
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.core.types import Pause, Phone, Speech, SpeechAnalysis

Progress = Callable[[float, float], None]
logger = logging.getLogger(__name__)

WRONG_AGREEMENT, DOUBTFUL_AGREEMENT = 0.17, 0.3
"""Mean posterior of the aligned phones below which a transcript is refused or doubted. Measured: right transcripts
of clear speech 0.40-0.47 (0.29-0.34 in white noise at 10 dB), wrong ones that could be laid over it at all
0.02-0.25."""
PROSODY_SHARE = 0.35
"""Part of the work that the first pass takes."""


def analyse(
    source: Speech | Path,
    *,
    transcript: str | Path | None = None,
    progress: Progress | None = None,
) -> SpeechAnalysis:
    """Hear a recording: what is said when, and how.

    A file is read twice in blocks and never held: an hour takes as much memory as a minute, but for 10 MB of results.

    Args:
        source: a recording in memory, or a sound or video file.
        transcript: the words spoken (English), as text or as a .txt, .srt or .vtt file. Phones are then exact;
            without it they are heard. Overrides the transcript that a `Speech` carries.
        progress: called with the seconds done and the seconds in all.

    Raises:
        AudioError: the file is missing, damaged or not sound.
        AlignmentError: the transcript does not fit the speech.
        DependencyError: a decoder or the aligner is needed and not installed.
    """
    if transcript is None and isinstance(source, Speech):
        transcript = source.transcript
    cues = None if transcript is None else parse_transcript(read_transcript(transcript))
    blocks, expected = blocks_of(source)
    report = progress or (lambda _done, _total: None)

    counted = _Counted(blocks(), lambda secs: report(PROSODY_SHARE * secs, max(expected, secs)))
    prosody = prosody_of(counted)
    duration = counted.secs
    if not (prosody.speaking > 0.0).any():
        if cues is not None:
            raise AlignmentError("A transcript was given, but nothing is spoken in the recording; leave it out")
        report(duration, duration)
        return SpeechAnalysis(duration, (Phone("SIL", 0.0, duration),), prosody, (Pause(0.0, duration),), False)

    def later(secs: float) -> None:
        report(PROSODY_SHARE * duration + (1.0 - PROSODY_SHARE) * min(secs, duration), duration)

    if cues is None:
        heard = heard_phones(_Counted(blocks(), later), prosody.speaking, duration_secs=duration)
        phones = heard_stress(heard, prosody)
    else:
        words = align(blocks(), cues, duration_secs=duration, progress=later)
        phones = _joined_silence(phone for word in words for phone in word.phones)
        _require_agreement(agreement(blocks(), phones, prosody.speaking))
    report(duration, duration)
    return SpeechAnalysis(duration, phones, prosody, _pauses(phones, prosody.speaking, duration), cues is not None)


def _require_agreement(value: float) -> None:
    if value < WRONG_AGREEMENT:
        raise AlignmentError(
            f"The transcript does not fit the speech (agreement {value:.2f}, right ones reach 0.4); check that it "
            "belongs to this recording, or leave it out"
        )
    if value < DOUBTFUL_AGREEMENT:
        logger.warning("the transcript fits the speech poorly (agreement %.2f, right ones reach 0.4)", value)


class _Counted:
    """Blocks that pass by, counted and reported."""

    def __init__(self, blocks: Iterable[Float[Array, " _samples"]], report: Callable[[float], None]) -> None:
        self._blocks = blocks
        self._report = report
        self.secs = 0.0

    def __iter__(self) -> Iterator[Float[Array, " _samples"]]:
        num_samples = 0
        for block in self._blocks:
            yield block
            num_samples += len(block)
            self.secs = num_samples / SAMPLE_RATE_HZ
            self._report(self.secs)


def blocks_of(source: Speech | Path) -> tuple[Callable[[], Iterable[Float[Array, " _samples"]]], float]:
    """A function that starts reading 16 kHz mono from the beginning, and the expected length in seconds.

    Raises:
        AudioError: the source is missing, empty or not sound.
    """
    if not isinstance(source, Speech):
        opened = open_speech(source)
        return opened.blocks, opened.duration_secs
    if len(source.samples) == 0:
        raise AudioError("The speech has no samples; record or load it again")
    if not np.isfinite(source.samples).all():
        raise AudioError("The speech holds values that are not numbers; load it again")
    samples = source.samples.astype(np.float32, copy=False)
    if source.sample_rate != SAMPLE_RATE_HZ:
        samples = np.concatenate(list(resample([samples], rate_in=source.sample_rate)))
    pieces = [samples[i : i + BLOCK_SAMPLES] for i in range(0, len(samples), BLOCK_SAMPLES)]
    return lambda: pieces, len(samples) / SAMPLE_RATE_HZ


def _joined_silence(phones: Iterable[Phone]) -> tuple[Phone, ...]:
    out: list[Phone] = []
    for phone in phones:
        if out and out[-1].label == phone.label == "SIL":
            out[-1] = replace(out[-1], end_secs=phone.end_secs)
        else:
            out.append(phone)
    return tuple(out)


def _pauses(phones: tuple[Phone, ...], speaking: Float[Array, " frames"], duration: float) -> tuple[Pause, ...]:
    """Silences of at least 60 ms, which no closure of the lips or the tongue explains.

    A gap in the energy is a pause only where the phones say silence too: the closure of a /p/ is none.
    """
    silences = [
        phone for phone in phones if phone.label == "SIL" and phone.end_secs - phone.start_secs >= MIN_PAUSE_SECS
    ]
    quiet = pauses_in(speaking, duration_secs=duration)
    out, at = [], 0
    for silence in silences:
        while at < len(quiet) and quiet[at].end_secs <= silence.start_secs:
            at += 1
        if at < len(quiet) and quiet[at].start_secs < silence.end_secs:
            out.append(Pause(silence.start_secs, silence.end_secs))
    return tuple(out)
