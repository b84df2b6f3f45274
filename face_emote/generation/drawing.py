"""Takes: what brows, lids and head of somebody who talks like this might do, another with every seed.

A clip is drawn in windows that hop by 16 tokens (1.28 s): the last tokens of the window before are known, and some more
that only look ahead are drawn again by the next one. Noise and style of a window come from the seed and its number
alone, so it does not matter how the voice was cut.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.generation.layout import (
    AHEAD,
    CONTEXT,
    EASED,
    FACE,
    FACE_SLICE,
    LIDS,
    NUM_VALUES,
    STYLE,
    TOKEN_HZ,
    VOICE,
    WINDOW,
    Recalled,
)  # fmt: skip
from face_emote.generation.layout import VOICE_SLICE as _VOICE
from face_emote.generation.net import DrawNet

HOP = WINDOW - CONTEXT - AHEAD
STEPS = 2
"""Of the flow, from noise to tokens; each looks at its middle first."""
DrawnAfter = Callable[[int, Array], Array | None]
"""How a face moves that a window is drawn after, by its number and its tokens of voice; None: as the seed's own."""
Recall = Callable[[int, Array], Recalled | None]
"""Moments that a window attends to, by the same."""
_STAYS = 0.6
"""How much of a window's way to move is kept in the next one."""
_FARTHEST = 5.0
_BLINKS, _HELD_OPEN, _OPEN_FOR = 0.6, 0.75, 8
"""Lids below the first have shut, and are open for at least so many halves of a token, .32 s, before they do again."""
_LOW, _LOW_FOR, _OPENS_IN, _OPEN = 0.8, 7, 3, 0.95
"""Lids below the first are low for at most so many halves of a token, .28 s, and rise to the last in so many more. A
tracker takes the lids of a reader who looks down for sleepy ones; on a face that looks ahead they would be."""
_SILENT = np.array([-40.0 if name == "loudness" else 0.0 for name in VOICE], np.float32)
_HEAD = slice(FACE.index("nod"), FACE.index("tilt") + 1)
_WIDEST = np.arcsinh(0.3 / EASED)
_NEAR = (0.5,)
"""Slopes of Catmull and Rom's spline, which hardly overshoots a blink."""
_SPLINE = tuple(-3.0 * (np.sqrt(3.0) - 2.0) ** k for k in range(1, 7))
"""Slopes of the cubic spline, which keeps what is as fast as 4 Hz."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLife:
    """A take, 36 kB a minute; curves between its tokens are smooth."""

    face: Float[Array, f"token value={len(FACE)}"]

    def head_at(self, times: Float[Array, " frames"]) -> Float[Array, "frames 3"]:
        """Nod, turn and tilt, radians."""
        return np.asarray(np.radians(_smooth(self.face[:, _HEAD], times * TOKEN_HZ, slopes=_SPLINE)))

    def brows_at(self, times: Float[Array, " frames"]) -> Float[Array, "frames 3"]:
        """Heights of both brows and how far they are apart, in the units of `layout.FACE`."""
        return _smooth(self.face[:, : _HEAD.start], times * TOKEN_HZ, slopes=_SPLINE)

    def lids_at(self, times: Float[Array, " frames"]) -> Float[Array, "frames side=2"]:
        """How open the lids are: 1 as usual, 0 shut; left, right."""
        both = _smooth(self.face[:, LIDS].reshape(-1, 1), 2.0 * TOKEN_HZ * times, slopes=_NEAR)
        apart = _smooth(self.face[:, -1:], times * TOKEN_HZ, slopes=_SPLINE)
        return np.concatenate([both + 0.5 * apart, both - 0.5 * apart], axis=1)


class TakeStream:
    """Draws while the voice comes."""

    def __init__(
        self, net: DrawNet, *, seed: int, style: Float[Array, f" style={len(STYLE)}"] | None = None,
        pinned: Float[Array, f"token value={len(FACE)}"] | None = None, after: DrawnAfter | None = None,
        moments: Recall | None = None,
    ) -> None:  # fmt: skip
        """`style` says how this person moves, in place of one of the talkers who were learnt from.

        `pinned` are tokens of the face from the start on that are given, NaN where they are to be drawn; `after` says
        window by window how this person moves, and `moments` what it attends to.
        """
        self._pinned = np.zeros((0, len(FACE))) if pinned is None else pinned
        self._after, self._moments = after, moments
        self._net, self._seed = net, seed
        dice = np.random.default_rng([seed, 2**31])
        self._manner = net.manners[dice.integers(len(net.manners))] if style is None else style
        self._swing = dice.standard_normal(len(STYLE))
        self._voice = np.repeat(_SILENT[None], CONTEXT, axis=0)
        """From `CONTEXT` tokens before the next ones on."""
        self._before: Array | None = None
        self._windows = 0
        self._shut, self._open_for, self._low_for = False, _OPEN_FOR, 0

    def push(self, voice: Float[Array, f"_token value={len(VOICE)}"]) -> Float[Array, f"_token value={len(FACE)}"]:
        """More of the voice; what can be drawn by now."""
        self._voice = np.concatenate([self._voice, voice], dtype=np.float32)
        done = []
        while len(self._voice) >= WINDOW:
            done.append(self._drawn())
            self._voice = self._voice[HOP:]
        return self._blinking(np.concatenate(done)) if done else np.zeros((0, len(FACE)))

    def finish(self) -> Float[Array, f"_token value={len(FACE)}"]:
        """The rest; behind the voice there is silence."""
        left = len(self._voice) - CONTEXT
        rest = self.push(np.repeat(_SILENT[None], WINDOW, axis=0))
        return rest[:left]

    def _blinking(self, face: Array) -> Array:
        """Lids that shut again too soon after a blink stay open, and those that stay low open."""
        for row in face:
            for column in LIDS:
                shuts = row[column] < _BLINKS
                if shuts and not self._shut and self._open_for < _OPEN_FOR:
                    row[column], shuts = _HELD_OPEN, False
                self._shut = shuts
                self._open_for = 0 if shuts else self._open_for + 1
                self._low_for = self._low_for + 1 if row[column] < _LOW else 0
                row[column] = max(row[column], min((self._low_for - _LOW_FOR) / _OPENS_IN, 1.0) * _OPEN)
        return face

    def _drawn(self) -> Array:
        net, dice = self._net, np.random.default_rng([self._seed, self._windows])
        values = dice.standard_normal((WINDOW, NUM_VALUES)).astype(np.float32)
        self._swing = _STAYS * self._swing + np.sqrt(1.0 - _STAYS**2) * dice.standard_normal(len(STYLE))
        after = None if self._after is None else self._after(self._windows, self._voice[:WINDOW])
        manner = self._manner if after is None else after
        recalled = None if self._moments is None else self._moments(self._windows, self._voice[:WINDOW])
        memory = None if recalled is None else net.remembered(recalled)
        style = (manner + net.restless @ self._swing - net.answer_offset) / net.answer_gain
        known = np.zeros((WINDOW, 3), np.float32)
        known[:, 1] = 1.0
        voice = (self._voice[:WINDOW] - net.mean[_VOICE]) / net.scale[_VOICE]
        values[:, _VOICE] = np.clip(voice, -6.0, 6.0)
        if self._before is not None:
            known[:CONTEXT, 0] = 1.0
            values[:CONTEXT, FACE_SLICE] = self._before
        first = self._windows * HOP - CONTEXT
        given = self._pinned[max(first, 0) : max(first + WINDOW, 0)]
        rows = np.flatnonzero(np.isfinite(given).all(axis=1))
        at = rows + max(-first, 0)
        known[at, 0] = 1.0
        values[at, FACE_SLICE] = net.eased(given[rows])
        moves = 1.0 - np.repeat(known, [len(FACE), len(VOICE), NUM_VALUES - _VOICE.stop], axis=1)
        velocity = partial(net.velocity, known=known, style=style, memory=memory)
        for step in range(STEPS):
            begins = velocity(values, time=step / STEPS)
            half = values + moves * begins / np.float32(2 * STEPS)
            goes = velocity(half, time=(step + 0.5) / STEPS)
            values += moves * goes / np.float32(STEPS)
        face = np.clip(values[:, FACE_SLICE], -_FARTHEST, _FARTHEST)
        self._windows += 1
        self._before = face[HOP : HOP + CONTEXT]
        drawn: Array = face[CONTEXT : CONTEXT + HOP] * net.scale[FACE_SLICE] + net.mean[FACE_SLICE]
        drawn[:, LIDS] = 1.0 + EASED * np.sinh(np.minimum(drawn[:, LIDS], _WIDEST))
        return drawn


def drawn_life(
    net: DrawNet,
    voice: Float[Array, f"token value={len(VOICE)}"],
    *,
    seed: int,
    style: Float[Array, f" style={len(STYLE)}"] | None = None,
    pinned: Float[Array, f"token value={len(FACE)}"] | None = None,
    after: DrawnAfter | None = None,
    moments: Recall | None = None,
) -> DrawnLife:
    """The take of a whole clip; `style`, `pinned`, `after` and `moments` as `TakeStream` takes them."""
    stream = TakeStream(net, seed=seed, style=style, pinned=pinned, after=after, moments=moments)
    return DrawnLife(np.concatenate([stream.push(voice), stream.finish()]).astype(np.float32))


def _smooth(
    rows: Float[Array, "row column"], place: Float[Array, " frames"], *, slopes: tuple[float, ...]
) -> Float[Array, "frames column"]:
    """Hermite's cubics through rows; a slope is so many times the difference of the rows so far ahead and behind.

    The first and the last row are held.
    """
    last = len(rows) - 1
    place = np.clip(place, 0.0, last)
    low = np.floor(place).astype(np.int64)
    u = (place - low)[:, None]

    def at(shift: int) -> Array:
        return np.asarray(rows[np.clip(low + shift, 0, last)], np.float64)

    def slope(shift: int) -> Array:
        return np.asarray(sum(w * (at(shift + j) - at(shift - j)) for j, w in enumerate(slopes, 1)))

    begins, ends, a, d = slope(0), slope(1), at(0), at(1) - at(0)
    return np.asarray(a + u * (begins + u * (3.0 * d - 2.0 * begins - ends + u * (begins + ends - 2.0 * d))))
