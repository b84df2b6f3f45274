"""How exactly the words of a transcript are found: `python -m bench.alignment DATA`.

On GRID against the corpus's own word times, beside those of PocketSphinx (which are among the data); on LibriSpeech
against PocketSphinx's; on EmoDB, in German, the end of the sentence against hand labels.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import QUICK, machine
from face_emote.audio.analyse import analyse
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AlignmentError
from tools.train_phones.corpus import HELD_OUT_EVERY, HELD_OUT_GRID, SPHINX_LATE_SECS, read_corpus

GRID_HZ = 25_000.0
MOST = 2 if QUICK else 40
"""Clips of a set."""
EMODB = {
    "a01": "der lappen liegt auf dem eisschrank", "a02": "das will sie am mittwoch abgeben",
    "a04": "heute abend könnte ich es ihm sagen", "a07": "in sieben stunden wird es soweit sein",
}  # fmt: skip
"""Its sentences that end within the clips of 2 s."""

Edges = Float[Array, " edge"]


@dataclass(frozen=True, slots=True)
class Line:
    """A recording, its words, and where somebody says that they begin and end, in turn; NaN where nobody does."""

    path: Path
    words: tuple[str, ...]
    truth: Edges
    sphinx: Edges
    language: str = "en"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--quick", action="store_true", help="two clips of each set: shows that it works")
    data = parser.parse_args().data
    print(f"[{machine()}]\n\n| words of | clips | refused | ours, ms: median, 90 % | over 200 ms | PocketSphinx, ms |")
    print("|---|---|---|---|---|---|")
    held_out, others = grid(data)
    spent = secs = 0.0
    for name, lines in (
        ("GRID, talkers held out", held_out),
        ("GRID, others", others),
        ("LibriSpeech, talkers held out", list(librispeech(data)) if (data / "librispeech").is_dir() else []),
        (
            "EmoDB (German), talkers held out: end of the sentence",
            list(emodb(data)) if (data / "emodb").is_dir() else [],
        ),
    ):
        if not lines:
            continue
        ours, theirs, refused = [], [], 0
        for line in lines[:MOST]:
            speech = read_speech(line.path)
            started = time.process_time()
            try:
                words = analyse(speech, transcript=" ".join(line.words), language=line.language).words
            except AlignmentError:
                refused += 1
                continue
            spent, secs = spent + time.process_time() - started, secs + speech.duration_secs
            ours.append(np.array([edge for word in words for edge in (word.start_secs, word.end_secs)]) - line.truth)
            theirs.append(line.sphinx - line.truth)
        own, sphinx = (1000.0 * np.abs(np.concatenate(rows)) for rows in (ours, theirs))
        print(
            f"| {name} | {len(lines[:MOST])} | {refused} | {_figures(own)} | {np.nanmean(own > 200.0):.3f} | "
            f"{_figures(sphinx)} |"
        )
    if secs:
        print(f"\nAll of the analysis: {1000.0 * spent / secs:.1f} ms of one core per second of sound.")


def _figures(away: Edges) -> str:
    known = away[np.isfinite(away)]
    return f"{np.median(known):.1f}, {np.percentile(known, 90):.0f}" if known.any() else "-"


def grid(data: Path) -> tuple[list[Line], list[Line]]:
    """Of talkers that the phone net never heard, and of the others: every talker in turn."""
    found: dict[str, list[Line]] = {}
    for folder in (data / "grid_s1", *sorted((data / "grid_talkers").iterdir())):
        named = folder / ("phones_train.json" if folder.name == "grid_s1" else "phones.json")
        sphinx = json.loads(named.read_text("utf-8")) if named.is_file() else {}
        for path in sorted((folder / "align").glob("*.align")):
            rows = [row.split() for row in path.read_text("utf-8").splitlines() if row.strip()]
            rows = [row for row in rows if row[2] not in ("sil", "sp")]
            sounds = sorted((folder / "audio").glob(f"{path.stem}.*"))
            words = tuple(row[2] for row in rows)
            edges = _word_edges(sphinx.get(path.stem, []), words)
            if sounds and edges is not None:
                truth = np.array([float(edge) / GRID_HZ for row in rows for edge in row[:2]])
                found.setdefault(folder.name, []).append(Line(sounds[0], words, truth, edges))
    parts = ([found[name] for name in found if (name in HELD_OUT_GRID) is held] for held in (True, False))
    held_out, others = (
        [line for turn in itertools.zip_longest(*part) for line in turn if line is not None] for part in parts
    )
    return held_out, others


def librispeech(data: Path) -> Iterator[Line]:
    """One line of every talker that was held out."""
    texts = json.loads((data / "librispeech" / "transcripts.json").read_text("utf-8"))
    phones = json.loads((data / "librispeech" / "phones.json").read_text("utf-8"))
    talkers = sorted({name.split("-")[0] for name in phones}, key=int)[::HELD_OUT_EVERY]
    for name, rows in sorted(phones.items()):
        words = tuple(texts[name].lower().split())
        edges = _word_edges(rows, words)
        if name.split("-")[0] in talkers and edges is not None:
            path = data / "librispeech" / "audio" / f"{name}.ogg"
            yield Line(path, words, edges, np.full(len(edges), np.nan))


def emodb(data: Path) -> Iterator[Line]:
    """Where the sentence ends."""
    for clip in read_corpus(data):
        text = EMODB.get(clip.path.stem[2:5], "") if clip.corpus == "emodb" and clip.held_out else ""
        spoken = [(start, end) for label, start, end in clip.phones if label != "SIL"]
        if text and spoken and spoken[-1][1] < 1.9:
            words = tuple(text.split())
            truth = np.full(2 * len(words), np.nan)
            truth[-1] = spoken[-1][1] + clip.late_secs
            yield Line(clip.path, words, truth, np.full(len(truth), np.nan), "de")


def _word_edges(rows: list[list[Any]], words: tuple[str, ...]) -> Edges | None:
    """Of PocketSphinx's phones; None when they are those of other words, or one word stands twice in a row."""
    spoken = [row for row in rows if row[1] != "SIL"]
    groups = [list(group) for _, group in itertools.groupby(spoken, key=lambda row: _plain(row[0]))]
    if tuple(_plain(group[0][0]) for group in groups) != words:
        return None
    return SPHINX_LATE_SECS + np.array([edge for group in groups for edge in (group[0][2], group[-1][3])])


def _plain(word: object) -> str:
    """Without the number of its pronunciation."""
    return str(word).lower().partition("(")[0]


if __name__ == "__main__":
    main()
