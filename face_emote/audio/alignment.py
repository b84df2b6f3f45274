"""A transcript laid over the speech: exact phones by forced alignment (English; pocketsphinx and its own model).

The aligner's memory grows with the square of what it is given at once (9 GB for ten minutes), so long speech is
walked through in windows: the words that follow are offered to each window, it may stop after any of them, and what
it placed before its last pause is kept. An hour needs no more memory than a minute.
"""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.audio.letter_sounds import pronounce
from face_emote.audio.stress import word_stress
from face_emote.audio.transcripts import Cue
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AlignmentError, DependencyError
from face_emote.core.names import PHONES, SAMPLE_RATE_HZ
from face_emote.core.types import Phone

logger = logging.getLogger(__name__)

WINDOW_SECS = 20.0
WORDS_PER_SEC = 7
"""Fastest speech that is reckoned with: so many words are offered to a window per second."""
PAUSE_SECS = 0.12
"""A silence at which a window may be closed."""
SLACK_SECS = 0.3
"""Subtitles may be this much early or late."""
GROUP_SECS = 15.0
"""Neighbouring subtitles are aligned together up to this length: their inner times need not be exact."""
FRAME_SECS = 0.01
LATE_SECS = 0.0078
"""The aligner's frames are named after the start of their 25.6 ms windows: a boundary lies half a window minus half
a frame later than it says."""

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """One word or silence in a window; times in seconds from the start of the speech."""

    text: str
    """Empty for silence."""
    phones: tuple[Phone, ...]

    @property
    def start_secs(self) -> float:
        """Start of its first phone."""
        return self.phones[0].start_secs

    @property
    def end_secs(self) -> float:
        """End of its last phone."""
        return self.phones[-1].end_secs


class Window:
    """The stretch of a stream of blocks that is being worked on; what lies before it is forgotten."""

    def __init__(self, blocks: Iterable[Float[Array, " _samples"]]) -> None:
        self._blocks = iter(blocks)
        self._held = np.zeros(0, np.float32)
        self._start = 0
        self.ended = False

    def samples(self, start_secs: float, end_secs: float) -> Float[Array, " samples"]:
        """Samples between two instants, fewer at the end of the speech; forgets everything before the first."""
        first, stop = (round(t * SAMPLE_RATE_HZ) for t in (start_secs, end_secs))
        while self._start + len(self._held) < stop and not self.ended:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            else:
                keep = min(max(first - self._start, 0), len(self._held))
                self._held, self._start = np.concatenate([self._held[keep:], block]), self._start + keep
        return self._held[max(first - self._start, 0) : max(stop - self._start, 0)]


def align(
    blocks: Iterable[Float[Array, " _samples"]],
    cues: Sequence[Cue],
    *,
    duration_secs: float,
    progress: Progress | None = None,
) -> tuple[AlignedWord, ...]:
    """Words and phones of a transcript in 16 kHz speech, gapless from 0 to `duration_secs`.

    `cues` are one cue without times, or subtitles in order of time (`transcripts.parse_transcript`).

    Raises:
        AlignmentError: the words are not those of the speech.
        DependencyError: pocketsphinx is not installed.
    """
    window = Window(blocks)
    report = progress or (lambda _: None)
    if cues[0].start_secs is None:
        _require_plausible(cues[0].words, duration_secs, start=0.0)
        words = _walk(_decoder(cues), window, words=cues[0].words, duration_secs=duration_secs, report=report)
    else:
        words = _by_cues(_decoder(cues), window, cues=cues, duration_secs=duration_secs, report=report)
    return _gapless(words, duration_secs)


def _decoder(cues: Sequence[Cue]) -> Any:
    """An aligner whose dictionary knows all words; those it lacked get a pronunciation by rule."""
    try:
        import pocketsphinx
    except ImportError:
        raise DependencyError("Aligning a transcript needs pocketsphinx: pip install pocketsphinx") from None
    model = Path(pocketsphinx.__file__).parent / "model" / "en-us"
    decoder = pocketsphinx.Decoder(
        hmm=str(model / "en-us"),
        dict=str(model / "cmudict-en-us.dict"),
        lm=None,
        beam=1e-64,
        wbeam=1e-64,
        pbeam=1e-64,
        bestpath=False,  # with it the search fails to end its utterances
        loglevel="FATAL",
    )
    unknown = [w for w in dict.fromkeys(w for cue in cues for w in cue.words) if decoder.lookup_word(w) is None]
    for word in unknown:
        lower = decoder.lookup_word(word.lower())
        decoder.add_word(word, lower or " ".join(pronounce(word)), False)
    if unknown:
        logger.info("pronounced by rule: %s", ", ".join(unknown[:20]))
    return decoder


def _walk(
    decoder: Any, window: Window, *, words: tuple[str, ...], duration_secs: float, report: Progress
) -> Iterator[AlignedWord]:
    """Place all words from the start to the end of the speech, window by window."""
    start, done = 0.0, 0
    while duration_secs - start > WINDOW_SECS:
        samples = window.samples(start, start + WINDOW_SECS)
        offered = words[done : done + round(WINDOW_SECS * WORDS_PER_SEC)]
        kept, length = _first_words(decoder, samples, words=offered, start=start) if offered else (0, WINDOW_SECS / 2)
        yield from _exact(decoder, samples[: round(length * SAMPLE_RATE_HZ)], words=offered[:kept], start_secs=start)
        start, done = start + length, done + kept
        report(start)
    left = words[done:]
    _require_plausible(left, duration_secs - start, start=start)
    yield from _exact(decoder, window.samples(start, duration_secs + 1.0), words=left, start_secs=start)
    report(duration_secs)


def _first_words(
    decoder: Any, samples: Float[Array, " samples"], *, words: Sequence[str], start: float
) -> tuple[int, float]:
    try:
        return _settled_part(_stop_anywhere(decoder, samples, words=words))
    except RuntimeError:
        raise _misfit(words, start) from None


def _misfit(words: Sequence[str], start: float) -> AlignmentError:
    return AlignmentError(
        f"The words '{' '.join(words[:6])}' do not fit the speech at {start:.1f} s; check the transcript, or leave it "
        "out"
    )


def _by_cues(
    decoder: Any, window: Window, *, cues: Sequence[Cue], duration_secs: float, report: Progress
) -> Iterator[AlignedWord]:
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
    end_before = 0.0
    for group, following in itertools.zip_longest(groups, groups[1:]):
        first, last = group[0].start_secs or 0.0, group[-1].end_secs or 0.0
        limit = (
            duration_secs if following is None else max(0.5 * (last + (following[0].start_secs or 0.0)), first + 0.1)
        )
        start, end = max(end_before, first - SLACK_SECS, 0.0), min(last + SLACK_SECS, limit)
        words = tuple(word for cue in group for word in cue.words)
        _require_plausible(words, end - start, start=start)
        yield from _exact(decoder, window.samples(start, end), words=words, start_secs=start)
        end_before = end
        report(end)


def _require_plausible(words: Sequence[str], secs: float, *, start: float) -> None:
    if len(words) > WORDS_PER_SEC * max(secs, 0.0) + 2:
        raise AlignmentError(
            f"The transcript has {len(words)} more words from {start:.1f} s on (from '{words[0]}'), but only "
            f"{max(secs, 0.0):.1f} s of speech are left; check that it belongs to this recording"
        )


def _stop_anywhere(decoder: Any, samples: Float[Array, " samples"], *, words: Sequence[str]) -> list[tuple[str, int]]:
    """Words (empty for silence) and their last frames, of the best path that may end after any of the words."""
    last = len(words)
    steps: list[tuple[Any, ...]] = [(i, i + 1, 1.0, word) for i, word in enumerate(words)]
    steps += [(i, last, 0.1) for i in range(last)]
    # Every word may be the last one of the window, at a price that keeps the path going while words still fit.
    decoder.add_fsg("walk", decoder.create_fsg("walk", 0, last, steps))
    decoder.activate_search("walk")
    _decode(decoder, samples)
    segments = [
        ("" if segment.word.startswith("<") else segment.word, segment.end_frame)
        for segment in decoder.seg() or ()
        if segment.word != "(NULL)"
    ]
    if not segments:
        raise RuntimeError("the search lost all paths")
    return segments


def _settled_part(segments: list[tuple[str, int]]) -> tuple[int, float]:
    """How many words of a window are sure, and the seconds that they take.

    The window is cut in the last pause of its later half; without one, before its last words, which may be wrong
    because the window's end cuts them.
    """
    total = WINDOW_SECS / FRAME_SECS
    words, before, cut = 0, 0, (0, 0.0)
    ends: list[tuple[int, int]] = []
    for text, end in segments:
        if text:
            words += 1
            ends.append((words, end))
        elif end - before >= PAUSE_SECS / FRAME_SECS and before < total - 100:
            cut = (words, min(0.5 * (before + end), before + 50))
        before = end
    if cut[1] < total / 2:
        sure = [(count, end + 1.0) for count, end in ends[:-4] if end < total - 200]
        cut = max([*sure[-1:], cut], key=lambda c: c[1])
    if cut[1] < total / 4:
        cut = (words, total / 2) if not words else (ends[-1][0], float(ends[-1][1] + 1))
    return cut[0], cut[1] * FRAME_SECS


def _exact(
    decoder: Any, samples: Float[Array, " samples"], *, words: Sequence[str], start_secs: float
) -> Iterator[AlignedWord]:
    """All words of a stretch, phone by phone."""
    if not words:
        return
    try:
        decoder.set_align_text(" ".join(words))
        _decode(decoder, samples)
        if decoder.hyp() is None:
            raise RuntimeError
        decoder.set_alignment()
        _decode(decoder, samples)
        alignment = decoder.get_alignment()
        if alignment is None:
            raise RuntimeError
    except RuntimeError:
        raise _misfit(words, start_secs) from None
    given = iter(words)
    for word in alignment:
        silent = word.name.startswith("<") or word.name == "(NULL)"
        text = "" if silent else next(given, "")
        parts = [(phone.name, phone.start, phone.start + phone.duration) for phone in word]
        parts = [part for part in parts if part[2] > part[1]]
        labels = ["SIL" if silent or name not in PHONES else name for name, _, _ in parts]
        marks = word_stress(text, labels)
        phones = tuple(
            Phone(label, start_secs + _instant(first), start_secs + _instant(stop), mark)
            for label, (_, first, stop), mark in zip(labels, parts, marks, strict=True)
        )
        if phones:
            yield AlignedWord(text, phones)


def _instant(frame: int) -> float:
    return frame * FRAME_SECS + (LATE_SECS if frame > 0 else 0.0)


def _decode(decoder: Any, samples: Float[Array, " samples"]) -> None:
    decoder.start_utt()
    decoder.process_raw(np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()


def _gapless(words: Iterable[AlignedWord], duration_secs: float) -> tuple[AlignedWord, ...]:
    """Fill gaps with silence, cut at the end; gaps under 50 ms go to the sound before them."""
    out: list[AlignedWord] = []
    now = 0.0
    for word in words:
        if word.start_secs - now > 0.05:
            out.append(AlignedWord("", (Phone("SIL", now, word.start_secs),)))
        elif out and out[-1].end_secs != word.start_secs:
            out[-1] = _ending(out[-1], word.start_secs)
        elif not out and word.start_secs > 0.0:
            word = _starting(word, 0.0)
        if word.start_secs < duration_secs - 0.005:
            out.append(word)
            now = word.end_secs
    if duration_secs - now > 0.05 or not out:
        out.append(AlignedWord("", (Phone("SIL", now, duration_secs),)))
    out[-1] = _ending(out[-1], duration_secs)
    return tuple(out)


def _starting(word: AlignedWord, start: float) -> AlignedWord:
    first = word.phones[0]
    return AlignedWord(word.text, (Phone(first.label, start, first.end_secs, first.stress), *word.phones[1:]))


def _ending(word: AlignedWord, end: float) -> AlignedWord:
    kept = [phone for phone in word.phones if phone.start_secs < end - 1e-6] or list(word.phones[:1])
    last = kept[-1]
    return AlignedWord(word.text, (*kept[:-1], Phone(last.label, last.start_secs, end, last.stress)))
