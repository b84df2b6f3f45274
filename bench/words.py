"""How well words are read, on lines that nobody learnt from, and how fast."""

import argparse
import time
from pathlib import Path

import numpy as np

from bench.common import Figure, report
from face_emote.perception import words
from face_emote.perception.words_features import denied_in, tokens_of
from face_emote.perception.words_net import WordsNet
from tools.train_words.measure import correlations, fine_figures
from tools.train_words.texts import Sentences, read_sentences


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="GoEmotions, EmoBank and XED")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    given = parser.parse_args()
    sentences = read_sentences(given.folder)
    english = np.array([language == "en" for language in sentences.language])
    labelled = ~np.isnan(sentences.fine[:, 0])
    rated = ~np.isnan(sentences.vad[:, 0])
    reader = words.load_reader("en")
    assert reader.vad_net is not None
    pairs = []
    for part in ("check", "test"):
        some = sentences.of(sentences.part(part) & labelled)
        pairs.append((1.0 / (1.0 + np.exp(-answers(reader.net, some))), some.fine))
    fine = fine_figures(*pairs)
    some = sentences.of(sentences.part("test") & rated)
    answer = answers(reader.vad_net, some)
    r = correlations(answer[:, :3], some.vad)
    z = (answer[:, :3] - _standard(some.vad)) / np.exp(0.5 * answer[:, 3:])
    lines = sentences.of(sentences.part("test") & english).lines[:500]
    for line in lines:
        words.read_words(line)  # warms the caches of words
    started = time.process_time()
    for line in lines:
        words.read_words(line)
    each = (time.process_time() - started) / len(lines)
    report(
        f"Reading words: {len(pairs[1][1])} comments, {len(some.lines)} rated sentences held out",
        [
            *(Figure(name, value, "") for name, value in fine.items()),
            *(
                Figure(f"r {name}", float(v), "")
                for name, v in zip(("valence", "arousal", "dominance"), r, strict=True)
            ),
            Figure("deviation of z", float(z.std()), "", "1 where the deviations are true"),
            Figure("one comment", 1000.0 * each, "ms of CPU"),
        ],
        target=given.json,
    )


def answers(net: WordsNet, sentences: Sentences) -> np.ndarray:
    """Logits of every line."""
    found = []
    for line in sentences.lines:
        tokens = tokens_of(line) or ["\ufffd"]
        found.append(net(tokens, denied_in(tokens)))
    return np.stack(found)


def _standard(vad: np.ndarray) -> np.ndarray:
    return np.asarray((vad - vad.mean(axis=0)) / vad.std(axis=0))


if __name__ == "__main__":
    main()
