"""Known words laid over the sound: the best path through their phones, by the phone net's posteriors.

Every word may be said in several ways, and silence may stand before, between and after words. The search keeps only
the places near the best one, and settles what all of them share: cost grows with the length alone, memory hardly.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.names import PHONES, VOWELS

LEAST_FRAMES = 3  # Shortest phone, in frames of 10 ms.
PRIOR_SHARE = 0.3  # How much of the training prior is divided out of the posteriors.
OWN_SHARE, VOWEL_SHARE = 0.7, 0.25
"""A spelling says its vowels less surely than its consonants: so much of the probability of a phone is its own, and so
much of all vowels' together; the rest is anything's."""
PAUSE_COST = 0.5  # Natural log units for a silence between two words.
BEAM = 250.0  # Natural log units behind the best path at which a place is given up.
SETTLE_FRAMES = 2000
SILENCE = PHONES.index("SIL")
NO_WORD = -1

Ways = Sequence[tuple[str, ...]]  # The pronunciations of a word.


@dataclass(frozen=True, slots=True)
class Segment:
    """A phone, or silence, where it was found."""

    phone: int  # Index into `names.PHONES`.
    word: int  # Number of its word, or NO_WORD.
    first: int  # Its first frame.


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The places that a path can be at, in order; several for each phone, so that it lasts `LEAST_FRAMES`."""

    phone: Int[Array, " place"]
    word: Int[Array, " place"]
    begins: Bool[Array, " place"]  # Whether a phone begins here.
    before: Int[Array, "place way"]
    """From where a path comes: the place itself where it may stay, the one before, the ends of what may stand before
    it. Filled up with the place past the last, which no path is ever at."""
    starts: Int[Array, " start"]
    ends: Int[Array, " end"]
    earliest: Int[Array, " place"]  # Frame before which no path may be here.
    latest: Int[Array, " place"]  # Frame from which no path may be here.

    @property
    def reach(self) -> int:
        """The farthest step ahead."""
        known = np.where(self.before < len(self.phone), self.before, np.arange(len(self.phone))[:, None])
        return int((np.arange(len(self.phone)) - known.min(axis=1)).max())


class MisfitError(Exception):
    """The words do not fit into the sound."""

    def __init__(self, word: int, frame: int) -> None:
        self.word, self.frame = word, frame


def emissions(
    posteriors: Float[Array, "frames phone"], log_prior: Float[Array, " phone"]
) -> Float[Array, "frames phone"]:
    """How well each phone fits each frame; natural logs, as `phone_net.phone_logits` has them."""
    share = np.exp(posteriors - PRIOR_SHARE * log_prior)
    share /= share.sum(axis=1, keepdims=True)
    vowels = np.array([name in VOWELS for name in PHONES])
    spread = OWN_SHARE * share + (1.0 - OWN_SHARE - VOWEL_SHARE) / len(PHONES)
    spread[:, vowels] += VOWEL_SHARE * share[:, vowels].sum(axis=1, keepdims=True) / vowels.sum()
    scores: Array = np.log(spread)
    return scores


def places_of(words: Sequence[Ways], *, spans: Sequence[tuple[float, float]] | None = None) -> Places:
    """Everything that may be said, in order; `spans` are the frames within which each word must lie."""
    rows: list[tuple[int, int, bool, list[int]]] = []

    def said(phone: int, word: int, come: list[int], least: int = LEAST_FRAMES) -> int:
        for step in range(least):
            at = len(rows)
            rows.append(
                (phone, word, step == 0, ([at] if step == least - 1 else []) + (come if step == 0 else [at - 1]))
            )
        return len(rows) - 1

    come = [said(SILENCE, NO_WORD, [], 1)]
    starts = [0]
    for number, ways in enumerate(words):
        own = []
        for way in ways:
            starts += [len(rows)] if number == 0 else []
            at = come
            for name in way:
                at = [said(PHONES.index(name), number, at)]
            own += at
        come = [*own, said(SILENCE, NO_WORD, own, 1)]
    before = np.full((len(rows), max(len(row[3]) for row in rows)), len(rows), np.int32)
    for place, row in enumerate(rows):
        before[place, : len(row[3])] = row[3]
    word = np.array([row[1] for row in rows], np.int32)
    earliest, latest = np.zeros(len(rows), np.int64), np.full(len(rows), np.iinfo(np.int64).max)
    if spans is not None:
        inside = np.flatnonzero(word != NO_WORD)
        limits = np.array(spans)[word[inside]]
        earliest[inside], latest[inside] = np.floor(limits[:, 0]), np.ceil(limits[:, 1])
    return Places(
        phone=np.array([row[0] for row in rows], np.int32), word=word, begins=np.array([row[2] for row in rows]),
        before=before, starts=np.array(starts), ends=np.array(come), earliest=earliest, latest=latest,
    )  # fmt: skip


def best_segments(scores: Iterable[Float[Array, "_frames phone"]], places: Places) -> Iterator[Segment]:
    """The phones and silences of the best path, in order; `scores` are `emissions`, cut as they come.

    MisfitError: there is no path.
    """
    frame, last = 0, -1
    for path in _settled(scores, places):
        for place in path.tolist():
            if place != last and places.begins[place]:
                yield Segment(int(places.phone[place]), int(places.word[place]), frame)
            frame, last = frame + 1, place


def _settled(scores: Iterable[Array], places: Places) -> Iterator[Int[Array, " _frames"]]:
    """The places of the best path, piece by piece."""
    num, reach, cost = len(places.phone), places.reach, _costs(places)
    total = np.full(num + 1, -np.inf)
    held: list[tuple[int, Int[Array, " _near"]]] = []
    low, high = 0, 1
    for frame, row in enumerate(itertools.chain.from_iterable(scores)):
        stop = min(num, high + reach)
        near = slice(low, stop)
        if frame == 0:
            high = stop = int(places.starts.max()) + 1
            value, best = np.full(stop, -np.inf), np.zeros(stop, np.int8)
            value[places.starts] = row[places.phone[places.starts]]
            near = slice(0, stop)
        else:
            came = total[places.before[near]]
            best = came.argmax(axis=1).astype(np.int8)
            value = came.max(axis=1) + row[places.phone[near]] - cost[near] * (best > 0)
        value[(places.earliest[near] > frame) | (places.latest[near] <= frame)] = -np.inf
        held.append((near.start, best))
        alive = np.flatnonzero(value > value.max() - BEAM)
        if not len(alive):
            raise MisfitError(max(0, int(places.word[low:high].max())), frame)
        total[near] = value
        low, high = near.start + int(alive[0]), near.start + int(alive[-1]) + 1
        total[near.start : low] = total[high : near.stop] = -np.inf
        if frame % SETTLE_FRAMES == SETTLE_FRAMES - 1:
            shared = _shared(held, places, np.arange(low, high)[np.isfinite(total[low:high])])
            yield shared
            held = held[len(shared) :]
    ends = places.ends[np.isfinite(total[places.ends])]
    if not len(ends):
        raise MisfitError(max(0, int(places.word[low:high].max())), frame)
    yield _traced(held, places, int(ends[np.argmax(total[ends])]))


def _costs(places: Places) -> Float[Array, " place"]:
    return np.where(places.word == NO_WORD, PAUSE_COST, 0.0)


def _shared(held: list[tuple[int, Array]], places: Places, alive: Int[Array, " _alive"]) -> Int[Array, " _frames"]:
    """The beginning of the path that all living ones have in common."""
    at = alive
    for frame in range(len(held) - 1, 0, -1):
        start, best = held[frame]
        at = np.unique(places.before[at, best[at - start]])
        if len(at) == 1:
            return _traced(held[:frame], places, int(at[0]))
    return np.zeros(0, np.int64)


def _traced(held: list[tuple[int, Array]], places: Places, place: int) -> Int[Array, " _frames"]:
    path = np.empty(len(held), np.int64)
    for frame in range(len(held) - 1, -1, -1):
        path[frame] = place
        start, best = held[frame]
        place = int(places.before[place, best[place - start]])
    return path
