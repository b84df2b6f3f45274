"""A talker, known from other lines: how this voice lies beside people in general, whatever it feels.

    figures of a line = people's mean + the talker's part + what the feeling adds + the rest

What the feeling adds is taken off as the reader hears it, so that somebody who rages in every second line does not
become the measure of calm. The talker's part is the mean of what is left, feeling by feeling, drawn towards 0: few
lines say little of a talker, and lines that all feel the same cannot tell habit from feeling.
"""

from collections.abc import Sequence

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import Prosody, Talker
from face_emote.perception.functionals import functionals_of
from face_emote.perception.voice import CLASSES, STEP_ROWS, WINDOW_ROWS, VoiceReader, load_voice_reader

LEAST_LINES = 5
ROUNDS = 2  # Of hearing the feelings and taking them off.
PRIOR, SAME = 3.0, 0.5
"""Lines that the mean of people counts as; and what keeps many lines of one feeling from counting much more than
two."""
FEELINGS = (2.0, 4.0)  # So many feelings, by their perplexity, tell nothing of a talker, and so many all that there is.


def line_figures(prosody: Prosody) -> Float[Array, " figure"] | None:
    """Means over the windows that a line is read in; None where hardly anybody speaks."""
    total = len(prosody.speaking)
    centres = np.arange(0, total + STEP_ROWS, STEP_ROWS)
    first = np.clip(centres - WINDOW_ROWS // 2, 0, max(total - WINDOW_ROWS, 0))
    figures, usable = functionals_of(prosody, first=first, length=WINDOW_ROWS)
    return np.asarray(figures[usable].mean(axis=0, dtype=np.float64)) if usable.any() else None


def talker_from(lines: Sequence[Float[Array, " figure"]], *, reader: VoiceReader | None = None) -> Talker | None:
    """Who speaks in lines, from their `line_figures`; the order does not matter. None for too few."""
    if len(lines) < LEAST_LINES:
        return None
    net = load_voice_reader() if reader is None else reader
    rows = np.array(sorted(np.asarray(line, np.float64).tolist() for line in lines)) - net.people
    shift = np.zeros(rows.shape[1])
    for _ in range(ROUNDS):
        classes = net(rows + net.people - shift)[:, CLASSES]
        counts = classes.sum(axis=0)
        left = classes.T @ (rows - classes @ net.class_shift) / counts[:, None]
        weights = counts / (1.0 + SAME * counts)
        shares = counts / len(rows)
        heard = np.exp(-(shares * np.log(shares)).sum())
        share = np.clip((heard - FEELINGS[0]) / (FEELINGS[1] - FEELINGS[0]), 0.0, 1.0)
        shift = share * (weights @ left) / (weights.sum() + PRIOR)
    return Talker(tuple(shift.astype(np.float32).tolist()), len(lines))
