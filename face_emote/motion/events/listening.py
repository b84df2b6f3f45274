"""How somebody listens: nods, raised brows, small smiles and blinks where a partner leaves room for them.

Room is left where a phrase ends, and now and then behind a stressed syllable of a long one. Answers come 0.2 to 1 s
later and not everywhere: listeners who answer at every chance, or at none, look less human (Poppe, Truong & Heylen
2011). A nod is one to four strokes, the first one larger the more there are, the others ever smaller, the last one
smallest (Mori, Den & Jokinen 2025); many strokes are fast and small (2.6 to 6.5 Hz: Hale et al. 2020). Some nods come
with raised brows, a smile (Brunner 1979), or a blink (Hömke, Holler & Levinson 2017). While they listen people blink
as often as while they talk, or more often (27.6 a minute, 24.7 and, in silence, 19.0: Karson et al. 1981), and look at
their partner for 75 % of the time, against 41 % while they talk (Argyle & Ingham 1972). Shares and sizes are choices.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.motion.events.blinks import SILENT_HZ
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.curves import ease, octaves, pulse, reaching, since_and_until

LISTENING_HZ = 22.0 / 60.0
"""Blinks: 20 a minute of somebody who talks, times 27.6 / 24.7."""
_TURN_SECS = 1.2  # A partner who is silent for longer has ended a turn.
_STAYS_SECS, _OWN_SECS = 0.8, 0.25
"""For how long one still listens after a turn; and how long before an own phrase, and after it, one does not."""
_ANSWER_SECS, _LATEST_SECS = 0.42, 1.0
_CHANCE, _CHANCE_WITHIN, _OWED = 0.3, 0.12, 0.05
"""How often the end of a phrase is answered, and a stressed syllable of one that lasts for more than `_LONG_SECS`; and
how much more often for every second in which nothing was."""
_LONG_SECS, _APART_SECS = 2.5, 1.6
_STROKES = ((1, 0.42), (2, 0.33), (3, 0.17), (4, 0.08))
_DEPTH = np.radians(2.3)  # Of a single stroke; of the first of several a sixth more each.
_FALL, _LAST = 0.68, 0.7  # Each stroke over the one before, and the last one beyond that.
_PERIOD_SECS = 0.52  # Of a single stroke; of several they are faster.
_STIR, _STIR_HZ = np.radians(np.array([0.85, 0.9, 0.7])), 0.12
"""Deviation of what else the head does, and the rate of its slowest octave: below 1 Hz, where listeners follow those
whom they hear (Hale et al. 2020); the size is a choice."""
_BROW, _SMILE, _SQUINT = 0.16, 0.2, 0.3
_LONGEST_SECS = 4.5
_BROWS = [CONTROLS.index(name) for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")]
_SMILES, _CHEEKS = (
    [CONTROLS.index(name + side) for side in ("Left", "Right")] for name in ("mouthSmile", "cheekSquint")
)


@dataclass(frozen=True, slots=True, eq=False)
class Pulses:
    """Bumps in order of time: seconds, and how high."""

    start: Float[Array, " event"]
    attack: Float[Array, " event"]
    hold: Float[Array, " event"]
    release: Float[Array, " event"]
    size: Float[Array, " event"]

    def at(self, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
        """Their sum."""
        here = reaching(self.start, times=times, longest_secs=_LONGEST_SECS)
        bumps = pulse(
            times, start=self.start[here], attack=self.attack[here], hold=self.hold[here], release=self.release[here]
        )
        return np.asarray(self.size[here] @ bumps)


@dataclass(frozen=True, slots=True, eq=False)
class ListeningScore:
    """What a listener does beside what anybody does in silence."""

    spans: Float[Array, "span 2"]
    """When the partner talks and this one does not."""
    nods: Pulses  # Radians, down.
    brows: Pulses
    smiles: Pulses
    lean: float  # -1 the right corner of the mouth more, +1 the left one.
    blink_secs: Float[Array, " slot"]
    """Where blinks gather."""
    key: int  # Names the noise of a head that follows what it hears.

    def attention(self, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
        """1 while listening, 0 else, eased."""
        since, until, inside = since_and_until(self.spans, times)
        return np.where(inside, 1.0, ease(1.0 - np.minimum(since, until) / _OWN_SECS))

    def head(self, times: Float[Array, " frames"]) -> Float[Array, "frames 3"]:
        """How the head follows what it hears besides nodding, radians: slowly, and never quite still."""
        stir = octaves(times, key=self.key, channels=3, lowest_hz=_STIR_HZ, fall=0.5)
        return np.asarray(self.attention(times)[:, None] * _STIR * stir)

    def blink_factor(self, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
        """On the rate of somebody who is silent."""
        return 1.0 + (LISTENING_HZ / SILENT_HZ - 1.0) * self.attention(times)


def listening_spans(own: SpeechCues, partner: SpeechCues) -> Float[Array, "span 2"]:
    """When the partner has the turn and nothing is said here."""
    turns: list[list[float]] = []
    for start, end in partner.phrases:
        if turns and start - turns[-1][1] < _TURN_SECS:
            turns[-1][1] = end + _STAYS_SECS
        else:
            turns.append([start, end + _STAYS_SECS])
    free = [[0.0, own.duration_secs]]
    for start, end in own.phrases:
        free[-1][1] = start - _OWN_SECS
        free.append([end + _OWN_SECS, own.duration_secs])
    both = [(max(a, c), min(b, d)) for a, b in turns for c, d in free]
    return np.array([(a, b) for a, b in both if b - a > 2.0 * _OWN_SECS], np.float64).reshape(-1, 2)


def listening_score(
    own: SpeechCues, partner: SpeechCues, *, pleasure: Float[Array, " grid"], grid_hz: float, rng: np.random.Generator
) -> ListeningScore:
    """Decide how this one listens; `pleasure` is the valence of what is felt, `grid_hz` values a second."""
    spans = listening_spans(own, partner)
    nods: list[tuple[float, ...]] = []
    brows: list[tuple[float, ...]] = []
    smiles: list[tuple[float, ...]] = []
    blinks: list[float] = []
    for time, asks in _answers(partner, spans, rng=rng):
        kind, smile, blink, size = rng.random(), rng.random(), rng.random(), rng.uniform(0.65, 1.25)
        if kind < 0.88:
            nods += nod(time, size=size, rng=rng)
        if kind > 0.7 or asks > 0.3:
            raised = _BROW * rng.uniform(0.6, 1.3) * (1.0 + asks)
            brows.append((time - 0.1, rng.uniform(0.2, 0.3), rng.uniform(0.1, 0.6), rng.uniform(0.4, 0.7), raised))
        glad = float(pleasure[min(int(time * grid_hz), len(pleasure) - 1)])
        if smile < 0.25 + 0.3 * glad and glad > -0.2:
            hold = rng.uniform(0.4, 1.2)
            smiles.append((time, rng.uniform(0.5, 0.7), hold, rng.uniform(0.9, 1.3), _SMILE * rng.uniform(0.6, 1.2)))
        if blink < 0.5:
            blinks.append(time + rng.uniform(-0.05, 0.15))
    return ListeningScore(
        spans, pulses(nods), pulses(brows), pulses(smiles), lean=float(rng.uniform(-0.25, 0.25)),
        blink_secs=np.array(blinks), key=int(rng.integers(2**62)),
    )  # fmt: skip


def _answers(partner: SpeechCues, spans: Array, *, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Instants at which the listener answers, and how much the phrase before each asked."""
    ends = [(float(end), float(rise), _CHANCE) for (_, end), rise in zip(partner.phrases, partner.rising, strict=True)]
    since, _, _ = since_and_until(np.column_stack([partner.phrases[:, 0]] * 2), partner.accent_secs)
    ends += [(float(time), 0.0, _CHANCE_WITHIN) for time in partner.accent_secs[since > _LONG_SECS]]
    found: list[tuple[float, float]] = []
    for end, rise, chance in sorted(ends):
        later, dice = _ANSWER_SECS * np.exp(rng.normal(0.0, 0.4)), rng.random()
        time = end + float(np.clip(later, 0.2, _LATEST_SECS))
        turn = spans[(spans[:, 0] + 0.4 < time) & (time < spans[:, 1]), 0]
        if not len(turn):
            continue
        quiet = time - max([turn[0], *(at for at, _ in found[-1:])])
        answers = dice < min(chance + _OWED * quiet, 0.95)
        if answers and quiet > (_APART_SECS if chance == _CHANCE else _LONG_SECS):
            found.append((time, rise))
    return found


def nod(time: float, *, size: float, rng: np.random.Generator) -> list[tuple[float, ...]]:
    """Strokes of one nod, down and up again."""
    count = int(rng.choice([n for n, _ in _STROKES], p=[share for _, share in _STROKES]))
    period = _PERIOD_SECS * rng.uniform(0.85, 1.2) * (1.0 - 0.09 * (count - 1))
    depth = _DEPTH * size * (1.0 + (count - 1) / 6.0)
    rows: list[tuple[float, ...]] = []
    for stroke in range(count):
        last = _LAST if 0 < stroke == count - 1 else 1.0
        # The head comes back more slowly than it goes down, and from a single nod slowest.
        down, up = 0.45 * period, (0.55 if stroke < count - 1 else 0.95) * period
        rows.append((time, down, 0.0, up, depth * last))
        time += period * rng.uniform(0.95, 1.1)
        depth *= _FALL
    return rows


def pulses(rows: list[tuple[float, ...]]) -> Pulses:
    """Bumps from rows of a table."""
    return Pulses(*np.array(sorted(rows), np.float64).reshape(-1, 5).T)


def listening_controls(
    score: ListeningScore, times: Float[Array, " frames"], *, leisure: Float[Array, " frames"], amount: float
) -> Float[Array, "frames control=100"]:
    """Raised brows, and smiles while the mouth is at leisure; to be added to what is felt."""
    out = np.zeros((len(times), len(CONTROLS)), np.float32)
    out[:, _BROWS] = amount * score.brows.at(times)[:, None] * [0.8, 1.0, 1.0]
    smile = np.minimum(score.smiles.at(times), 1.5 * _SMILE) * leisure
    out[:, _SMILES] = smile[:, None] * [1.0 + score.lean, 1.0 - score.lean]
    out[:, _CHEEKS] = _SQUINT * smile[:, None]
    return out
