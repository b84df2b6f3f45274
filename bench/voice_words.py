"""What is lost of a voice that is re-tuned: `python -m bench.voice_words LIBRISPEECH [--each N]`.

LIBRISPEECH is a folder of recordings, their `transcripts.json` beside it. Each of some sentences is re-tuned to every
emotion; PocketSphinx (of the extra `train`) writes down what it hears in both, and DNSMOS (`pip install speechmos`)
says how clean a listener would find them. Where each word begins is found in both by the same aligner: lips that fit
the recording fit the voice as well as these agree. `plain` is the voice laid again, changing nothing.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.voice import retuned_by
from face_emote.audio.analyse import analyse
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AlignmentError
from face_emote.core.names import EMOTIONS
from face_emote.core.types import Speech
from face_emote.voice import manners

LONGEST_SECS = 9.0
"""Of a sentence; and DNSMOS hears so much at once."""
RECORDED, PLAIN = "recorded", "plain"
KINDS = (RECORDED, PLAIN, *EMOTIONS[1:])
COLUMNS = ("words", "agree", "mos", "apart ms")
"""Of a kind: share of the written words that are heard; the same against what is heard in the recording; DNSMOS
overall; median distance of the beginnings of words."""


def shared(said: Sequence[str], heard: Sequence[str]) -> float:
    """1 less the word error rate, at least 0."""
    row = np.arange(len(heard) + 1)
    for number, word in enumerate(said, start=1):
        before, row = row, np.full(len(heard) + 1, number)
        for i, other in enumerate(heard, start=1):
            row[i] = min(before[i] + 1, row[i - 1] + 1, before[i - 1] + (word != other))
    return max(0.0, 1.0 - float(row[-1]) / max(len(said), 1))


def listen(speech: Speech) -> list[str]:
    """The words that PocketSphinx hears; each sentence by a new one, since it grows used to a voice."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=16_000, loglevel="FATAL")
    decoder.start_utt()
    pcm = np.round(np.clip(speech.samples, -1.0, 1.0) * 32767.0).astype("<i2")
    decoder.process_raw(pcm.tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr.upper().split() if found else []


def judge() -> Callable[[Speech], float]:
    """DNSMOS overall, 1 to 5; not a number where it is not installed."""
    if find_spec("speechmos") is None:
        return lambda speech: float("nan")
    from speechmos import dnsmos

    return lambda speech: float(dnsmos.run(np.clip(speech.samples, -1.0, 1.0), 16_000)["ovrl_mos"])


def beginnings(speech: Speech, words: str) -> Float[Array, " word"]:
    """Seconds at which each word begins."""
    spoken = analyse(speech, transcript=words).words
    return np.array([word.start_secs for word in spoken])


def heard_as(kind: str, speech: Speech, table: manners.Table) -> Speech:
    """A sentence as one of `KINDS`."""
    if kind == RECORDED:
        return speech
    if kind != PLAIN:
        return retuned_by(table, speech, f"{kind}:1")
    still = tuple(0.0 * part for part in table)
    assert len(still) == 2
    return retuned_by((still[0], still[1]), speech, "anger:1")


def measured(path: Path, words: str, *, rate: Callable[[Speech], float]) -> Float[Array, "kind 4"]:
    """`COLUMNS` of one sentence in every kind."""
    speech, table = read_speech(path), manners.manner_table()
    first, places = listen(speech), beginnings(speech, words)
    rows = []
    for kind in KINDS:
        changed = heard_as(kind, speech, table)
        found = listen(changed)
        apart = np.abs(beginnings(changed, words) - places)
        rows.append([
            shared(words.split(), found), shared(first, found), rate(changed), 1000.0 * float(np.median(apart)),
        ])  # fmt: skip
    return np.array(rows)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recordings", type=Path, help="folder with transcripts.json and audio/")
    parser.add_argument("--each", type=int, default=12, metavar="N", help="so many sentences")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    texts = json.loads((given.recordings / "transcripts.json").read_text(encoding="utf-8"))
    rate = judge()
    found: list[Array] = []
    for path in sorted((given.recordings / "audio").iterdir())[:: max(1, len(texts) // (3 * given.each))]:
        if len(found) == given.each:
            break
        if read_speech(path).duration_secs <= LONGEST_SECS:
            try:
                found.append(measured(path, texts[path.stem], rate=rate))
            except AlignmentError:
                continue
    print(f"{len(found)} sentences: " + ", ".join(COLUMNS))
    for kind, row in zip(KINDS, np.mean(found, axis=0), strict=True):
        print(f"{kind:>10}: " + "  ".join(f"{value:6.2f}" for value in row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
