"""Teach the nets that read words: `python -m tools.train_words.teach FOLDER -o DIR [--labels FILE] [--only NAME]`.

FOLDER holds GoEmotions, EmoBank and XED (`texts.py`); the labels come from `teachers.py`. The same lines, labels and
seed give the same files.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from face_emote.core.errors import CorpusError, FaceEmoteError
from tools.train_words.lessons import PLANS, Labels, Taught, teach_feelings, teach_vad
from tools.train_words.student import write_words_net
from tools.train_words.texts import Sentences, read_sentences

FILES = {"english": "words.npz", "other": "words_other.npz", "vad": "words_vad.npz"}

logger = logging.getLogger(__name__)


def read_labels(path: Path, *, lines: int) -> Labels:
    """What teachers say of all lines of the folder, in their order.

    Raises:
        CorpusError: it is no such file, or of other lines.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            labels = Labels(file["fine"], file["vad"])
    except (OSError, ValueError, KeyError) as error:
        raise CorpusError(f"The teachers' labels cannot be read ({error}): {path}") from None
    if len(labels.fine) != lines:
        raise CorpusError(f"The labels are of {len(labels.fine)} lines, the folder has {lines}; label it again: {path}")
    return labels


def teach(name: str, sentences: Sentences, labels: Labels | None, *, seed: int) -> Taught:
    """One of `PLANS`. The feelings are taught without EmoBank, whose licence the VAD's file alone carries."""
    english = np.array([language == "en" for language in sentences.language])
    rated = ~np.isnan(sentences.vad[:, 0])
    chosen = {"english": english & ~rated, "other": ~english, "vad": english}[name]
    own = None if labels is None else Labels(labels.fine[chosen], labels.vad[chosen])
    lesson = teach_vad if name == "vad" else teach_feelings
    return lesson(sentences.of(chosen), own, plan=PLANS[name], seed=seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 2 for a user's mistake."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_words.teach", description="Teach the reader of words.")
    parser.add_argument("folder", type=Path, help="sentences with their feelings")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--labels", type=Path, help="what the teachers say; without it only people's labels teach")
    parser.add_argument("--only", choices=sorted(PLANS), action="append", help="this net; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    try:
        sentences = read_sentences(given.folder)
        labels = read_labels(given.labels, lines=len(sentences.lines)) if given.labels else None
        given.output.mkdir(parents=True, exist_ok=True)
        for name in given.only or PLANS:
            taught = teach(name, sentences, labels, seed=given.seed)
            write_words_net(given.output / FILES[name], taught.net, extra=taught.extra)
            logger.info("%s: %s", name, json.dumps({key: round(value, 3) for key, value in taught.figures.items()}))
    except FaceEmoteError as error:
        logger.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
