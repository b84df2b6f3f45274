"""What the encoder sees: tokens of voice, words and face, each with its place among frames of `READING_HZ`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ, NUM_CEPSTRA
from face_emote.core.types import Prosody, SpeechAnalysis
from face_emote.perception.evidence import READING_HZ, frames_over
from face_emote.perception.face import NUM_FACE_FEATURES
from face_emote.perception.functionals import NUM_FIGURES, functionals_of
from face_emote.perception.voice import STEP_ROWS, WINDOW_ROWS
from face_emote.perception.words import MOST_LETTERS, language_of, load_reader, timed_clauses
from face_emote.perception.words_features import denied_in, sentences_of, tokens_of

KINDS = ("voice", "manner", "words", "other_words", "face")
"""Of tokens: 80 ms of voice, 2.4 s of it, an English word, a word of another language, 80 ms of a face."""
SENSE_OF = (0, 0, 1, 1, 2)  # Which of `evidence.SENSES` a kind belongs to.
NUM_WORD_STATES = 96
WIDTHS = (12 + 2 * NUM_CEPSTRA, NUM_FIGURES, NUM_WORD_STATES, NUM_WORD_STATES, NUM_FACE_FEATURES)
"""Figures of a token of each kind."""
ROWS = round(FEATURE_HZ / READING_HZ)
BLOCK_FRAMES = 2000
WORD_FRAMES = 4  # A word that nobody speaks lasts so long.
_LOWEST_DB = -40.0


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Tokens of one kind, in order of time."""

    rows: Float[Array, "tokens figure"]  # float16: an hour of all kinds is 20 MB.
    place: Float[Array, " tokens"]  # Frame of each.

    def part(self, first: int, stop: int) -> "Track":
        """Tokens of frames first..stop-1, with places counted from the first."""
        low, high = np.searchsorted(self.place, (first, stop))
        return Track(self.rows[low:high], self.place[low:high] - first)


@dataclass(frozen=True, slots=True, eq=False)
class EncoderInputs:
    """All that is sensed."""

    tracks: tuple[Track, ...]  # In the order of `KINDS`; without tokens where that is not there.
    num_frames: int


def encoder_inputs(
    analysis: SpeechAnalysis | None, *, text: str | None = None, face: Float[Array, "frames feature"] | None = None
) -> EncoderInputs:
    """Tokens of a recording that was analysed, of words and of a face (`face.face_cells`); any may be missing."""
    tracks = [no_tokens(kind) for kind in range(len(KINDS))]
    if analysis is not None:
        tracks[:2] = voice_tokens(analysis.prosody)
    if analysis is not None and analysis.words:
        tracks[2:4] = word_tokens(timed_clauses(analysis.words, transcript=analysis.text))
    elif text:
        tracks[2:4] = word_tokens([(0.0, 0.0 if analysis is None else analysis.duration_secs, text)])
    if face is not None:
        tracks[4] = Track(face.astype(np.float16), np.arange(len(face), dtype=np.float32))
    ends = [int(track.place[-1]) + 1 for track in tracks if len(track.place)]
    return EncoderInputs(tuple(tracks), max([*ends, 1]))


def no_tokens(kind: int) -> Track:
    """A track without any."""
    return Track(np.zeros((0, WIDTHS[kind]), np.float16), np.zeros(0, np.float32))


def voice_tokens(prosody: Prosody) -> tuple[Track, Track]:
    """The voice every 80 ms, and the figures of 2.4 s of it every 0.4 s where somebody speaks."""
    if not len(prosody.timbre):
        return no_tokens(0), no_tokens(1)
    voiced, speaks = np.isfinite(prosody.f0_hz), prosody.speaking > 0.5
    own = 12.0 * np.log2(float(np.median(prosody.f0_hz[voiced])) / 100.0) if voiced.any() else 0.0
    level = float(np.median(prosody.loudness_db[speaks])) if speaks.any() else -30.0
    count = frames_over(len(voiced) / FEATURE_HZ)
    blocks = [
        _voice_rows(prosody, first, min(first + BLOCK_FRAMES, count), own=own, level=level)
        for first in range(0, count, BLOCK_FRAMES)
    ]
    return Track(np.concatenate(blocks), np.arange(count, dtype=np.float32)), _manner_tokens(prosody)


def _voice_rows(prosody: Prosody, first: int, stop: int, *, own: float, level: float) -> Float[Array, "frames figure"]:
    """Means, slopes and spreads of pitch, level, voicing and timbre over each frame."""
    start, end = first * ROWS - ROWS // 2, stop * ROWS - ROWS // 2
    at = np.clip(np.arange(start, end), 0, len(prosody.f0_hz) - 1)

    def rows(values: Array) -> Array:
        return np.asarray(values[at].reshape(stop - first, ROWS, *values.shape[1:]), np.float64)

    f0 = rows(prosody.f0_hz)
    tone = np.isfinite(f0)
    pitch = 12.0 * np.log2(np.where(tone, f0, 100.0) / 100.0)
    heights, spreads = _moments(pitch, tone)
    half = tone & (np.arange(ROWS) >= ROWS // 2)
    rise = _moments(pitch, half)[0] - _moments(pitch, tone & ~half)[0]
    any_tone = tone.any(axis=1)
    steady = half.any(axis=1) & (tone & ~half).any(axis=1)
    loud = np.maximum(rows(prosody.loudness_db) - level, _LOWEST_DB)
    clean, timbre = rows(prosody.voiced), rows(prosody.timbre)
    figures = [
        heights * any_tone, (heights - own) * any_tone, np.clip(rise, -6.0, 6.0) * steady, spreads, tone.mean(axis=1),
        clean.mean(axis=1), clean.std(axis=1), rows(prosody.speaking).mean(axis=1), rows(prosody.tremor).mean(axis=1),
        loud.mean(axis=1), loud.std(axis=1), loud[:, ROWS // 2 :].mean(axis=1) - loud[:, : ROWS // 2].mean(axis=1),
    ]  # fmt: skip
    return np.concatenate(
        [np.stack(figures, axis=1), timbre.mean(axis=1), timbre.std(axis=1)], axis=1, dtype=np.float16
    )


def _moments(values: Float[Array, "frames row"], there: Array) -> tuple[Array, Array]:
    """Mean and deviation of each frame's rows that are there; 0 where none is."""
    count = np.maximum(there.sum(axis=1), 1)
    mean = (values * there).sum(axis=1) / count
    return mean, np.sqrt(((values - mean[:, None]) ** 2 * there).sum(axis=1) / count)


def _manner_tokens(prosody: Prosody) -> Track:
    """Windows as the reader of voices cuts them; at either end one stands for several places."""
    end = len(prosody.speaking)
    centre = np.arange(0, end + 1, STEP_ROWS)
    first = np.maximum(np.minimum(centre - WINDOW_ROWS // 2, end - WINDOW_ROWS), 0)
    windows, own = np.unique(first, return_inverse=True)
    figures, usable = functionals_of(prosody, first=windows, length=WINDOW_ROWS)
    place = np.minimum(centre, end - 1) / ROWS
    return Track(figures[own][usable[own]].astype(np.float16), place[usable[own]].astype(np.float32))


def word_tokens(clauses: Sequence[tuple[float, float, str]]) -> tuple[Track, Track]:
    """What the readers of words know of each word in its place, in English and in other languages.

    Words of a clause share its time evenly; a text that nobody speaks (it ends when it begins) goes on by
    `WORD_FRAMES` a word.
    """
    found: tuple[list[Array], list[Array]] = ([], [])
    places: tuple[list[Array], list[Array]] = ([], [])
    for start, end, text in clauses:
        sentences = [tokens for tokens in map(tokens_of, sentences_of(text[:MOST_LETTERS])) if tokens]
        count = sum(map(len, sentences))
        step = (end - start) * READING_HZ / count if end > start else WORD_FRAMES
        at = start * READING_HZ + (np.arange(count, dtype=np.float32) + 0.5) * step
        first = 0
        for tokens in sentences:
            language, _ = language_of(tokens)
            other = int(language != "en")
            found[other].append(load_reader(language).net.states(tokens, denied_in(tokens)).astype(np.float16))
            places[other].append(at[first : first + len(tokens)])
            first += len(tokens)
    words, others = (
        Track(np.concatenate(rows), np.concatenate(place).astype(np.float32)) if rows else no_tokens(2)
        for rows, place in zip(found, places, strict=True)
    )
    return words, others
