"""The bundled bank of moments: prototypes of windows for each cell of VAD and each context.

    python -m tools.build_bank TAKES -o assets/bank

TAKES is what `tools.train_generation.corpus` wrote. Filmed are GRID's readers alone, who read to a camera and feel
nothing in particular. Everything else is authored, and every row of the index says so: faces that the network of takes
draws for EmoDB's acted voices, and the readers' windows with the size and pace of an arousal (heads move farther and
faster the more there is: Busso et al. 2007; how much is a choice). Prototypes are medoids of windows, by how they move
and how they sound.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from face_emote.bank.moments import AUTHORED, FILMED, Moment, add_moments
from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.generation.drawing import drawn_life
from face_emote.generation.layout import FACE, FACE_SLICE, FEELING_SLICE, TOKEN_HZ, VOICE, VOICE_SLICE, WINDOW
from face_emote.generation.net import DrawNet, load_draw_net
from face_emote.generation.seen import style_of
from face_emote.motion.events.blinks import lid_closure, shaped_blinks
from face_emote.motion.events.listening import LISTENING_HZ, nod, pulses
from tools.train_generation.corpus import TakeCorpus, read_corpus

UNSEEN = "s31,s33,s10,s14,s16"
"""Readers whom the network that ships has not met, and the bank has not either."""
CELL = (-0.6, 0.0, 0.6)
"""Centres of the three steps of valence, arousal and dominance."""
EDGE = 0.2
NUM_FILMED, NUM_ACTED, NUM_SHAPED, NUM_CANDIDATES = 32, 16, 8, 120
MOST_OF_ONE = 150  # Windows of one reader that are candidates: nine in ten are one man's.
SIZE, PACE = 0.45, 0.22
"""Of an arousal of 1: logarithm of the size of what moves, and share by which it is faster."""
LISTENS = 0.5  # Of the size of a reader's motion, while listening.
_HEAD, _LIDS = slice(FACE.index("nod"), FACE.index("tilt") + 1), slice(FACE.index("lids"), FACE.index("lids_later") + 1)
_MOVES = [FACE.index(name) for name in ("brow_left", "brow_right", "frown", "nod", "turn", "tilt")]
_SPEAKING = VOICE.index("speaking")
_MADE_OF = {"dialogue": 1.25, "interview": 1.1}
"""How far heads and brows move beside a reader's, in talk that is not read; a choice."""
STILL = np.zeros(3)
_NOBODY = np.full(len(VOICE), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A candidate."""

    face: Float[Array, f"token={WINDOW} value={len(FACE)}"]
    voice: Float[Array, f" value={len(VOICE)}"]
    source: str


def sound_of(voice: Float[Array, f"token={WINDOW} value={len(VOICE)}"]) -> Array:
    """Mean of the tokens in which somebody speaks."""
    said = voice[voice[:, _SPEAKING] > 0.5]
    return said.mean(axis=0) if len(said) else np.asarray(voice.mean(axis=0))


def readers(corpus: TakeCorpus, *, without: list[str], dice: np.random.Generator) -> list[Window]:
    """Filmed windows."""
    found = []
    for talker in sorted(set(corpus.talker[corpus.known[:, 0]]) - set(without)):
        mine = np.flatnonzero(corpus.talker == talker)
        for k in dice.permutation(mine)[:MOST_OF_ONE]:
            row = corpus.values[k].astype(np.float64)
            found.append(Window(row[:, FACE_SLICE], sound_of(row[:, VOICE_SLICE]), f"GRID {talker}"))
    return found


def actors(corpus: TakeCorpus, net: DrawNet, *, dice: np.random.Generator) -> Iterator[tuple[Window, Array]]:
    """Faces drawn for acted voices, and the VAD of what was acted."""
    acted = np.flatnonzero(~corpus.known[:, 0])
    feelings = corpus.values[acted, 0][:, FEELING_SLICE][:, -3:]
    for vad in np.unique(feelings.round(3), axis=0):
        mine = acted[np.abs(feelings - vad).max(axis=1) < 1e-2]
        for k in dice.permutation(mine)[:NUM_CANDIDATES]:
            voice = corpus.values[k][:, VOICE_SLICE].astype(np.float64)
            face = drawn_life(net, voice, seed=int(k)).face.astype(np.float64)
            yield shaped(Window(face, sound_of(voice), f"EmoDB {corpus.talker[k][6:]}, drawn"), vad), vad


def shaped(window: Window, vad: Array, *, size: float = 1.0) -> Window:
    """With the size and the pace of an arousal; lids keep their range."""
    there = np.arange(WINDOW) * (1.0 + PACE * vad[1])
    back = np.abs((there + WINDOW - 1) % (2 * (WINDOW - 1)) - (WINDOW - 1))  # Turned round at the end.
    face = np.column_stack([np.interp(WINDOW - 1 - back, np.arange(WINDOW), column) for column in window.face.T])
    middle = np.median(face[:, _MOVES], axis=0)
    face[:, _MOVES] = middle + size * np.exp(SIZE * vad[1]) * (face[:, _MOVES] - middle)
    return replace(window, face=face)


def listening(window: Window, vad: Array, *, dice: np.random.Generator, secs: float = WINDOW / TOKEN_HZ) -> Window:
    """A reader's slow motion, smaller; nods and blinks where a listener has them (`motion.events.listening`)."""
    face, times = shaped(window, vad, size=LISTENS).face, np.arange(2 * WINDOW) / (2.0 * TOKEN_HZ)
    for column in _MOVES:
        face[:, column] = np.convolve(np.pad(face[:, column], 2, mode="edge"), [0.1, 0.2, 0.4, 0.2, 0.1], mode="valid")
    if dice.random() < 0.6:
        strokes = pulses(nod(float(dice.uniform(0.2, max(secs - 1.2, 0.3))), size=np.exp(0.3 * vad[1]), rng=dice))
        face[:, _HEAD.start] += np.degrees(strokes.at(times[::2]))
    blinks = np.sort(dice.uniform(0.1, secs, dice.poisson(LISTENING_HZ * secs)))
    blinks = blinks[np.diff(blinks, prepend=-1.0) > 0.5]
    closed = lid_closure(shaped_blinks(blinks, dice), times) if len(blinks) else np.zeros(len(times))
    face[:, _LIDS], face[:, -1] = 1.0 - np.clip(closed, 0.0, 1.0).reshape(-1, 2), 0.3 * face[:, -1]
    return Window(face, _NOBODY, window.source)


def answering(window: Window, vad: Array, *, dice: np.random.Generator) -> Window:
    """Listening for about a second, then talking."""
    turn = int(dice.integers(9, 15))
    heard = listening(window, vad, dice=dice, secs=turn / TOKEN_HZ)
    share = np.clip((np.arange(WINDOW) - turn) / 4.0, 0.0, 1.0)[:, None]
    talks = shaped(window, vad, size=_MADE_OF["interview"])
    return replace(talks, face=(1.0 - share) * heard.face + share * talks.face)


def medoids(windows: list[Window], count: int) -> list[Window]:
    """So many that lie least far from all others (k-medoids by alternation, from the farthest first)."""
    if len(windows) <= count:
        return windows
    figures = np.array([[*style_of(w.face), *np.nan_to_num(w.voice) * 0.5] for w in windows])
    figures = (figures - figures.mean(axis=0)) / (figures.std(axis=0) + 1e-6)
    far = np.linalg.norm(figures[:, None] - figures, axis=2)
    chosen = [int(far.sum(axis=1).argmin())]
    while len(chosen) < count:
        chosen.append(int(far[:, chosen].min(axis=1).argmax()))
    for _ in range(20):
        owner = far[:, chosen].argmin(axis=1)
        groups = [np.flatnonzero(owner == k) for k in range(count)]
        better = [int(group[far[np.ix_(group, group)].sum(axis=1).argmin()]) for group in groups]
        if better == chosen:
            break
        chosen = better
    return [windows[k] for k in sorted(chosen)]


def cell_of(vad: Array) -> tuple[int, int, int]:
    """Steps of valence, arousal and dominance."""
    low, middle, high = (int(v > -EDGE) + int(v >= EDGE) for v in vad)
    return low, middle, high


def words_of_cells() -> dict[tuple[int, ...], str]:
    """For each cell the word of the lexicon that lies nearest to its middle, each once."""
    with (ASSETS / "emotion" / "lexicon.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["valence"]]
    vad = np.array([[float(row[axis]) for axis in ("valence", "arousal", "dominance")] for row in rows])
    cells = list(product(range(3), repeat=3))
    far = np.linalg.norm(np.array([[CELL[k] for k in cell] for cell in cells])[:, None] - vad, axis=2)
    words: dict[tuple[int, ...], str] = {}
    while len(words) < len(cells):
        cell, word = np.unravel_index(far.argmin(), far.shape)
        words[cells[cell]] = rows[word]["word"]
        far[cell], far[:, word] = np.inf, np.inf
    return words


def bank_of(corpus: TakeCorpus, *, without: list[str], seed: int) -> list[Moment]:
    """All moments."""
    dice, words = np.random.default_rng(seed), words_of_cells()
    filmed, acted = readers(corpus, without=without, dice=dice), list(actors(corpus, load_draw_net(), dice=dice))
    # What a feeling does to a voice: slopes of EmoDB's figures over its VAD.
    slopes = np.linalg.lstsq(
        np.array([[*vad, 1.0] for _, vad in acted]), np.array([w.voice for w, _ in acted]), rcond=None
    )[0][:3]  # fmt: skip
    moments: list[Moment] = []

    def add(windows: list[Window], *, vad: Array, cell: tuple[int, ...], context: str, made: str, count: int) -> None:
        for number, w in enumerate(medoids(windows, count), 1):
            name = f"{words[cell]}-{context}-{number:02}".replace("_", "-").replace(" ", "-")
            moments.append(Moment(name, w.face.astype(np.float32), vad.astype(np.float32), context,
                                  w.voice.astype(np.float32), emotion=words[cell].replace("_", " "), made=made,
                                  source=w.source))  # fmt: skip

    for cell in product(range(3), repeat=3):
        measured = [(w, vad) for w, vad in acted if cell_of(vad) == cell and np.abs(vad).max() > 0.0]
        centre = np.array([CELL[k] for k in cell])
        vad = np.mean([vad for _, vad in measured], axis=0) if measured else centre
        made_of = [filmed[int(k)] for k in dice.permutation(len(filmed))[:NUM_CANDIDATES]]
        talks = [w for w, _ in measured] or [
            replace(shaped(w, vad), voice=w.voice + vad @ slopes, source=f"{w.source}, shaped") for w in made_of
        ]
        count = NUM_ACTED if measured else NUM_SHAPED
        if cell == (1, 1, 1):
            add(filmed, vad=vad, cell=cell, context="monologue", made=FILMED, count=NUM_FILMED)
        else:
            add(talks, vad=vad, cell=cell, context="monologue", made=AUTHORED, count=count)
        made = {
            "dialogue": [shaped(w, STILL, size=_MADE_OF["dialogue"]) for w in talks],
            "interview": [answering(w, STILL, dice=dice) for w in talks],
            "listening": [listening(w, STILL, dice=dice) for w in talks],
        }
        for context, windows in made.items():
            add(windows, vad=vad, cell=cell, context=context, made=AUTHORED, count=NUM_SHAPED)
    return moments


def main() -> int:
    """Write the bank."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("takes", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder that holds no bank yet")
    parser.add_argument("--hold-out", default=UNSEEN, metavar="TALKERS")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    moments = bank_of(read_corpus(given.takes), without=given.hold_out.split(","), seed=given.seed)
    add_moments(given.output, moments, file="bundled.npz")
    print(f"{len(moments)} moments, {sum(m.made == FILMED for m in moments)} of them filmed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
