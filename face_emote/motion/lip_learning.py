"""Somebody's lips, from some seconds of them: how their mouth differs from what the network says of their voice.

Answers are linear in the network's last hidden row, so a change of the answering layer is a ridge regression of what
was seen beyond what was answered, in closed form; so are the habits between stretches of speech. What does not surely
help on clips that were left out is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import MOTION_HZ
from face_emote.core.timing import frames_in
from face_emote.core.types import PerformanceStyle, SpeechAnalysis
from face_emote.face.bundled import load_head
from face_emote.generation.style_file import NUM_HABITS
from face_emote.motion.events.curves import between
from face_emote.motion.mouth.lip_habits import beside_speech
from face_emote.motion.mouth.net_lips import LIVELY, OBSERVED, REST, SPLINE_AHEAD, gate, net_lips
from face_emote.motion.net_listening import longest_look_ahead, normalised_rows
from face_emote.network.config import LIP_CHANNELS, LIP_SCALE
from face_emote.network.low_rank import LowRank, low_rank
from face_emote.network.runtime import MotionNet
from face_emote.network.streams import LipStream

PIECE_SECS = 4.0
"""Longer clips are cut into pieces of about that length, each against its own mean."""
_RIDGES = (1.0, 3.0, 10.0)
"""Tried, for hidden rows of unit variance and aims in units of `LIP_SCALE`."""
_HABIT_RIDGE, _BIAS_RIDGE, _WALL = 0.003, 0.001, 1e6
_OWN = 0.5
"""Share of a piece's mean that is its alone: how far somebody's lips were apart on the whole that day is no habit. With
all of it talking lips come out too near, with none half of the gain is lost."""
_FOLDS = 10
_SCALE = np.array(LIP_SCALE[:OBSERVED])
_ENLIVENED = np.array([1.0 + LIVELY, 1.0, 1.0 + LIVELY])


@dataclass(frozen=True, slots=True, eq=False)
class SeenLips:
    """A clip: its sound, and the lips in it."""

    analysis: SpeechAnalysis
    mels: Sequence[Float[Array, "_rows band=40"]]
    times: Float[Array, " frames"]
    aims: Float[Array, "frames aim=3"]
    """Gap, width less that at rest, and jaw, in the units of `network.config.LIP_CHANNELS`."""


def from_their_rest(clips: Sequence[SeenLips]) -> list[SeenLips]:
    """The clips of one person with the lips of their rest where ours has them."""
    gap, width, jaw = np.concatenate([clip.aims for clip in clips]).T
    closed = gap <= np.percentile(gap, 20.0)
    rest = np.array([np.percentile(gap, 5.0) - REST[0], np.median(width[closed]), np.percentile(jaw, 5.0)])
    return [replace(clip, aims=clip.aims - rest) for clip in clips]


@dataclass(frozen=True, slots=True, eq=False)
class LipManner:
    """How somebody's lips differ from everybody's."""

    update: LowRank | None
    """Of the layer that answers."""
    habits: Float[Array, f"knot={NUM_HABITS} aim=3"] | None
    """Beside speech: `lip_habits`."""


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    known: Float[Array, "frames column"]
    """Hidden rows and 1 where the network has the mouth, then the knots of habits, less `_OWN` of their means."""
    said: Float[Array, " frames"]
    opened: Float[Array, " frames"]
    """The gap that was answered, and the one that was seen."""
    beyond: Float[Array, "frames aim=3"]
    """Aims that were seen less those that were answered, in units of `LIP_SCALE`, less `_OWN` of their mean."""


def learnt_lips(clips: Iterable[SeenLips], net: MotionNet) -> LipManner:
    """What some seconds of somebody say of their lips; nothing where nothing helps."""
    pieces = [piece for clip in clips for piece in _pieces(clip, net)]
    tried = [_Ridges(rows, beside) for beside in (None, _HABIT_RIDGE) for rows in (None, *_RIDGES)]
    gains = [_gain(pieces, ridges) for ridges in tried]
    ridges = tried[int(np.argmax(gains))]
    found = _solved(pieces, ridges)
    width, channels = len(net.lips.lip_head.weight), len(LIP_CHANNELS)
    changed = np.zeros((width + 1, channels))
    changed[:, :OBSERVED] = found[: width + 1] / _ENLIVENED
    update = low_rank(changed[:-1], bias=changed[-1], of=net.sha256)
    return LipManner(
        None if ridges.rows is None else update, None if ridges.beside is None else found[width + 1 :] * _SCALE
    )


@dataclass(frozen=True, slots=True)
class _Ridges:
    """What a change costs; None: there is none."""

    rows: float | None
    beside: float | None

    def diagonal(self, columns: int) -> Float[Array, " column"]:
        """By column of `_Piece.known`; a wall where nothing may change."""
        rows, beside = (_WALL if one is None else one for one in (self.rows, self.beside))
        bias = _WALL if self.rows is None else _BIAS_RIDGE
        return np.concatenate([np.full(columns - NUM_HABITS - 1, rows), [bias], np.full(NUM_HABITS, beside)])


def _solved(pieces: Sequence[_Piece], ridges: _Ridges) -> Float[Array, "column aim=3"]:
    known, beyond = (np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("known", "beyond"))
    products = known.T @ known
    products[np.diag_indices_from(products)] += len(known) * ridges.diagonal(len(products))
    return np.linalg.solve(products, known.T @ beyond)


def _gain(pieces: Sequence[_Piece], ridges: _Ridges) -> float:
    """In how the gap agrees, on pieces that nothing was learnt from: mean less its standard error."""
    if len(pieces) < 2 or ridges == _Ridges(None, None):
        return 0.0
    folds, gains = min(len(pieces), _FOLDS), []
    for fold in range(folds):
        found = _solved([piece for k, piece in enumerate(pieces) if k % folds != fold], ridges)[:, 0]
        for piece in pieces[fold::folds]:
            now = piece.said + _SCALE[0] * (piece.known @ found)
            gains.append(_agreement(now, piece.opened) - _agreement(piece.said, piece.opened))
    return float(np.mean(gains) - np.std(gains) / np.sqrt(len(gains)))


def _agreement(said: Float[Array, " frames"], seen: Float[Array, " frames"]) -> float:
    """Lin's concordance: a correlation that what is too far, too little, or off as a whole makes less."""
    apart = np.mean((said - seen) ** 2)
    together = 2.0 * np.mean((said - said.mean()) * (seen - seen.mean()))
    return float(together / max(float(apart + together), 1e-12))


def _pieces(clip: SeenLips, net: MotionNet) -> Iterator[_Piece]:
    hidden = list[Array]()
    stream = LipStream(net, longest_look_ahead(net), hidden=hidden)
    answers = [stream.push(rows) for rows in normalised_rows(net, clip.mels)]
    answers.append(stream.finish(frames_in(clip.analysis.duration_secs, fps=MOTION_HZ) + SPLINE_AHEAD))
    lips = net_lips(
        np.concatenate(answers), analysis=clip.analysis, head=load_head(), style=PerformanceStyle(),
        fps=float(1.0 / np.median(np.diff(clip.times))),
    )  # fmt: skip
    aims = lips.aims(clip.times)
    parted = (1.0 - aims[:, LIP_CHANNELS.index("closure")])[:, None]
    said = np.column_stack([np.maximum(aims[:, :1], 0.0) * parted, aims[:, 1:OBSERVED]])
    speaks = gate(lips.spoken_secs, clip.times)[:, None]
    rows = between(np.concatenate(hidden), clip.times * MOTION_HZ)
    beside = beside_speech(lips.spoken_secs, clip.times)
    known = np.concatenate([rows * speaks, speaks, beside * (1.0 - speaks)], axis=1) * parted
    beyond = (clip.aims - said) / _SCALE
    for part in np.array_split(np.arange(len(known)), max(round(float(np.ptp(clip.times)) / PIECE_SECS), 1)):
        yield _Piece(
            known[part] - _OWN * known[part].mean(axis=0), said=said[part, 0], opened=clip.aims[part, 0],
            beyond=beyond[part] - _OWN * beyond[part].mean(axis=0),
        )  # fmt: skip
