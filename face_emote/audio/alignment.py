"""A transcript laid over the speech: exact phones by forced alignment, with our own phone net.

Spellings say how words may sound (`pronunciation`), the net how well that fits (`phone_net`), and a search finds where
and how each was said (`forced_path`).
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_emote.audio.activity import runs
from face_emote.audio.forced_path import NO_WORD, SILENCE, MisfitError, Segment, best_segments, emissions, places_of
from face_emote.audio.phone_net import PhoneNet, load_phone_net, phone_logits
from face_emote.audio.pronunciation import pronunciations
from face_emote.audio.stress import word_stress
from face_emote.audio.transcripts import Cue
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AlignmentError
from face_emote.core.names import FEATURE_HZ, PHONES
from face_emote.core.types import Phone

WORDS_PER_SEC = 7  # Fastest speech that is reckoned with.
SLACK_SECS = 0.3  # Subtitles may be this much early or late.
GROUP_SECS = 15.0  # Neighbouring subtitles are aligned together up to this length: their inner times need not be exact.
LEAST_SILENCE_SECS = 0.05  # A shorter silence belongs to the sound before it.
LONG_PAUSE_SECS = 0.15
SILENT_COST = 3.0  # Natural log units a frame against sounds where nobody speaks for longer than LONG_PAUSE_SECS.
LEAST_POSTERIOR = 1e-3  # What the net holds to be less likely is as unlikely.


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """One word or silence; times in seconds from the start of the speech."""

    text: str  # Empty for silence.
    phones: tuple[Phone, ...]

    @property
    def start_secs(self) -> float:
        """Start of its first phone."""
        return self.phones[0].start_secs

    @property
    def end_secs(self) -> float:
        """End of its last phone."""
        return self.phones[-1].end_secs


@dataclass(frozen=True, slots=True)
class Alignment:
    """Words and silences, gapless, and how well they fit."""

    words: tuple[AlignedWord, ...]
    agreement: float
    """How likely the phones are beside the likeliest ones, where somebody speaks, 0..1 (a geometric mean). Measured:
    true transcripts 0.4-0.9 in English, down to 0 dB of noise, and 0.25-0.8 in German; wrong ones up to 0.2."""


def align(
    mels: Iterable[Float[Array, "_frames band"]],
    cues: Sequence[Cue],
    *,
    speaking: Float[Array, " feature_frames"],
    duration_secs: float,
    language: str = "en",
    net: PhoneNet | None = None,
) -> Alignment:
    """Words and phones of a transcript in a sound's log-mel rows (`logmel.log_mels`), gapless to `duration_secs`.

    `cues` are one cue without times, or subtitles in order of time (`transcripts.parse_transcript`). AlignmentError:
    the words are not those of the speech.
    """
    net = net or load_phone_net()
    words = [word for cue in cues for word in cue.words]
    if cues[0].start_secs is None:
        _require_plausible(words, duration_secs, start=0.0)
        spans = None
    else:
        spans = [span for cue, span in zip(cues, _spans(cues, duration_secs), strict=True) for _ in cue.words]
    places = places_of([pronunciations(word, language=language) for word in words], spans=spans)
    held: list[Array] = []
    try:
        found = list(best_segments(_scores(mels, speaking, net=net, held=held), places))
    except MisfitError as misfit:
        raise AlignmentError(
            f"The words '{' '.join(words[misfit.word : misfit.word + 6])}' do not fit the speech at "
            f"{min(misfit.frame / FEATURE_HZ, duration_secs):.1f} s; check the transcript, or leave it out"
        ) from None
    aligned = tuple(_words(found, words, duration_secs=duration_secs, language=language))
    return Alignment(aligned, _agreement(found, np.concatenate(held), speaking=speaking))


def _scores(
    mels: Iterable[Array], speaking: Float[Array, " frames"], *, net: PhoneNet, held: list[Array]
) -> Iterator[Float[Array, "_frames phone"]]:
    """Emissions, with a price on sounds in long pauses; the posteriors are put into `held`."""
    silent = np.zeros(len(speaking))
    for first, stop in runs(speaking <= 0.0):
        silent[first:stop] = SILENT_COST * (stop - first > LONG_PAUSE_SECS * FEATURE_HZ)
    done = 0
    for posteriors, _ in phone_logits(mels, net):
        held.append(posteriors.astype(np.float16))
        scores = emissions(posteriors, net.log_prior)
        scores[:, np.arange(len(PHONES)) != SILENCE] -= silent[done : done + len(scores), None]
        done += len(scores)
        yield scores


def _agreement(
    found: Sequence[Segment], posteriors: Float[Array, "frames phone"], *, speaking: Float[Array, " feature_frames"]
) -> float:
    lengths = np.diff([*(segment.first for segment in found), len(posteriors)])
    phones = np.repeat([segment.phone for segment in found], lengths)
    spoken = np.flatnonzero(speaking[: len(posteriors)] > 0.5)
    rows = posteriors[spoken].astype(np.float32)
    own = np.maximum(rows[np.arange(len(spoken)), phones[spoken]], np.log(LEAST_POSTERIOR))
    return float(np.exp((own - rows.max(axis=1)).mean())) if len(spoken) else 0.0


def _spans(cues: Sequence[Cue], duration_secs: float) -> Iterator[tuple[float, float]]:
    """First and past-the-last frame that the words of each subtitle may have."""
    groups: list[list[Cue]] = []
    for cue in cues:
        assert cue.start_secs is not None and cue.end_secs is not None
        if cue.start_secs >= duration_secs:
            raise AlignmentError(
                f"A subtitle stands at {cue.start_secs:.1f} s, but the speech ends at {duration_secs:.1f} s; give the "
                "subtitles of this recording"
            )
        near = groups and cue.start_secs - (groups[-1][-1].end_secs or 0.0) < 2.0 * SLACK_SECS
        if near and cue.end_secs - (groups[-1][0].start_secs or 0.0) <= GROUP_SECS:
            groups[-1].append(cue)
        else:
            groups.append([cue])
    for group in groups:
        first, last = (group[0].start_secs or 0.0) - SLACK_SECS, (group[-1].end_secs or 0.0) + SLACK_SECS
        words = [word for cue in group for word in cue.words]
        _require_plausible(words, min(last, duration_secs) - max(first, 0.0), start=max(first, 0.0))
        for _ in group:
            yield first * FEATURE_HZ, last * FEATURE_HZ


def _require_plausible(words: Sequence[str], secs: float, *, start: float) -> None:
    if len(words) > WORDS_PER_SEC * max(secs, 0.0) + 2:
        raise AlignmentError(
            f"The transcript has {len(words)} more words from {start:.1f} s on (from '{words[0]}'), but only "
            f"{max(secs, 0.0):.1f} s of speech are left; check that it belongs to this recording"
        )


def _words(
    found: Sequence[Segment], words: Sequence[str], *, duration_secs: float, language: str
) -> Iterator[AlignedWord]:
    """Phones gathered into words, short silences gone."""
    starts = np.maximum([segment.first - 0.5 for segment in found], 0.0) / FEATURE_HZ
    ends = [*starts[1:].tolist(), duration_secs]
    held: AlignedWord | None = None
    rows = zip(found, starts.tolist(), ends, strict=True)
    for word, run in itertools.groupby(rows, key=lambda row: row[0].word):
        parts = [(PHONES[segment.phone], start, end) for segment, start, end in run if end > start]
        if not parts:
            continue
        if held is not None and word == NO_WORD and parts[-1][2] - parts[0][1] < LEAST_SILENCE_SECS:
            last = replace(held.phones[-1], end_secs=parts[-1][2])
            held = replace(held, phones=(*held.phones[:-1], last))
            continue
        if held is not None:
            yield held
        text = "" if word == NO_WORD else words[word]
        marks = word_stress(text, [label for label, _, _ in parts], language=language)
        held = AlignedWord(text, tuple(Phone(*part, mark) for part, mark in zip(parts, marks, strict=True)))
    if held is not None:
        yield held
