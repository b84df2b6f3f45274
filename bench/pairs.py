"""What outside judges read of two feelings at once: every even pair of the feelings that they know."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from bench.common import Figure
from bench.judges import FELT, Shot
from face_emote.core.arrays import Array, Float

PAIRS = tuple(" + ".join(pair) for pair in combinations((name for name in FELT if name != "neutral"), 2))
PAIR_INSTANTS = ("silence", "vowel", "accent")


def pair_figures(answers: Float[Array, "shot felt=7"], shots: Sequence[Shot]) -> Iterator[Figure]:
    """Shares of the pictures of which one of the pair is read first, and of which the pair is read before all else."""
    rows = [i for i, shot in enumerate(shots) if shot.felt in PAIRS]
    first, both = (np.array([_read(answers[i], shots[i], count=count) for i in rows]) for count in (1, 2))
    for instant in dict.fromkeys(shots[i].instant for i in rows):
        here = np.array([shots[i].instant == instant for i in rows])
        yield _share(f"{instant}: one of the pair first", first[here])
        yield _share(f"{instant}: the pair in the first two", both[here])
    for pair in PAIRS:
        here = np.array([shots[i].felt == pair for i in rows])
        seen = [FELT[int(answers[i].argmax())] for i in rows if shots[i].felt == pair]
        named = ", ".join(f"{name} {seen.count(name)}" for name in sorted(set(seen), key=seen.count, reverse=True))
        yield _share(f"{pair}: one first", first[here], note=f"both {100.0 * both[here].mean():.0f} %; read {named}")


def _read(answer: Float[Array, " felt=7"], shot: Shot, *, count: int) -> bool:
    """Whether the first answers, so many of them, are of the pair."""
    leading = {FELT[int(i)] for i in np.argsort(-answer)[:count]}
    return leading <= set(shot.felt.split(" + "))


def _share(name: str, hits: Array, *, note: str = "") -> Figure:
    return Figure(name, 100.0 * float(hits.mean()), "%", note or f"{len(hits)} pictures")
