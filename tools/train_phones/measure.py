"""Measure the phones heard without a transcript: `python -m tools.train_phones.measure DATA`.

On held-out talkers, the whole front end is measured as it runs in the product: speech activity, net, sequence search.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Int
from face_emote.core.names import BILABIALS, LABIODENTALS, PHONES
from face_emote.core.types import Phone
from tools.train_phones.corpus import IGNORED, Clip, read_corpus

TOLERANCE_SECS = 0.04
VISEMES = (
    "SIL", "P B M", "F V", "TH DH", "T D N L", "K G NG HH", "S Z", "SH ZH CH JH", "R ER", "W UW UH OW OY", "AO AA",
    "AE EH EY AW AY", "AH IH IY Y",
)  # fmt: skip
"""Sounds that look alike."""
VISEME_OF = {phone: i for i, group in enumerate(VISEMES) for phone in group.split()}


@dataclass
class Tally:
    """Counts over clips."""

    frames: int = 0
    phone_hits: int = 0
    viseme_hits: int = 0
    silent: int = 0
    silent_hits: int = 0
    silence_heard: int = 0


def main() -> None:
    """Print the model card's table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    print("| held-out | clips | phone frames | viseme frames | silence recall/precision |", end="")
    print(" p b m recall/precision | f v recall/precision |")
    held = [clip for clip in read_corpus(data) if clip.held_out]
    for corpus in ("librispeech", "vctk", "grid", "emodb"):
        clips = [clip for clip in held if clip.corpus == corpus]
        heard = [analyse(read_speech(clip.path)).phones for clip in clips]
        print(_row(corpus, clips, heard))


def _row(corpus: str, clips: list[Clip], heard: list[tuple[Phone, ...]]) -> str:
    tally = Tally()
    for clip, phones in zip(clips, heard, strict=True):
        _count(tally, clip, phones)
    lips = [_events(clips, heard, group) for group in (BILABIALS, LABIODENTALS)]
    return (
        f"| {corpus} | {len(clips)} | {tally.phone_hits / tally.frames:.3f} | {tally.viseme_hits / tally.frames:.3f} | "
        f"{tally.silent_hits / tally.silent:.3f} / {tally.silent_hits / tally.silence_heard:.3f} | "
        + " | ".join(f"{recall:.3f} / {precision:.3f}" for recall, precision in lips)
        + " |"
    )


def _count(tally: Tally, clip: Clip, phones: tuple[Phone, ...]) -> None:
    num = int(phones[-1].end_secs * 100)
    truth, guess = clip.labels(num), _frames(phones, num)
    truth, guess = truth[truth != IGNORED], guess[truth != IGNORED]
    visemes = np.array([VISEME_OF[name] for name in PHONES])
    tally.frames += len(truth)
    tally.phone_hits += int((truth == guess).sum())
    tally.viseme_hits += int((visemes[truth] == visemes[guess]).sum())
    tally.silent += int((truth == 0).sum())
    tally.silence_heard += int((guess == 0).sum())
    tally.silent_hits += int(((truth == 0) & (guess == 0)).sum())


def _frames(phones: tuple[Phone, ...], num: int) -> Int[Array, " frames"]:
    ends = np.array([phone.end_secs for phone in phones])
    index = np.minimum(np.searchsorted(ends, np.arange(num) / 100.0, side="right"), len(phones) - 1)
    return np.array([PHONES.index(phone.label) for phone in phones])[index]


def _events(clips: list[Clip], heard: list[tuple[Phone, ...]], group: frozenset[str]) -> tuple[float, float]:
    """Recall and precision of the sounds of a group: found is what has one of the group within 40 ms."""
    found = real = right = guessed = 0
    for clip, phones in zip(clips, heard, strict=True):
        truth = _sounds(clip, group, phones[-1].end_secs)
        guess = [(phone.start_secs, phone.end_secs) for phone in phones if phone.label in group]
        found, real = found + _near(truth, guess), real + len(truth)
        right, guessed = right + _near(guess, truth), guessed + len(guess)
    return found / max(real, 1), right / max(guessed, 1)


def _sounds(clip: Clip, group: frozenset[str], end_secs: float) -> list[tuple[float, float]]:
    """Start and end of the group's sounds; closure and burst are one sound, what was cut off the clip is none."""
    out: list[tuple[float, float]] = []
    before = ""
    for label, start, end in clip.phones:
        start, end = start + clip.late_secs, end + clip.late_secs
        if label in group and end < end_secs:
            if label == before and out and abs(out[-1][1] - start) < 1e-6:
                out[-1] = (out[-1][0], end)
            else:
                out.append((start, end))
        before = label
    return out


def _near(these: Iterable[tuple[float, float]], those: list[tuple[float, float]]) -> int:
    return sum(any(s - TOLERANCE_SECS < b and a < e + TOLERANCE_SECS for a, b in those) for s, e in these)


if __name__ == "__main__":
    main()
