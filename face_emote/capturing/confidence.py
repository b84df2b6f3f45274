"""How far each half of the face is to be believed in each picture, and what to do where it is not.

MediaPipe gives no score once a face is there, and its landmarks fit a covered face as well as an open one. What tells
is the skin itself: laid flat it hardly changes when the face moves, and much when a hand comes before it.
"""

import numpy as np

from face_emote.capturing.checks import LEAST_PIXELS
from face_emote.capturing.face_mesh import eye_distance
from face_emote.capturing.points import FITTED, TURNING
from face_emote.capturing.skin import halves_apart
from face_emote.capturing.watch import Watched
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.names import CONFIDENCE_AREAS
from face_emote.core.rotations import rotation_matrix, yaw_pitch_roll

CHANGE = (0.032, 0.052)
"""Of the skin's logarithm against the film's median, beyond what is usual in it: up to the first nothing hides it, from
the second much does."""
USUAL = 25  # Percentile of a film's changes that is taken for its noise and its expressions.
YAW = (0.75, 1.05)  # Radians to the side: up to the first both halves are seen, at the second one of them is not.
SIZE = (LEAST_PIXELS, 2.0 * LEAST_PIXELS)
CLIPPED = (0.3, 0.6)  # Share of the skin that is overexposed.
DIM = (0.004, 0.010)  # Median luminance.
REFERENCE_FRAMES = 128
BELIEVED = 0.5  # Below it a half is not believed.
SHORT_SECS = 0.3  # A gap as short as this is bridged; in a longer one the face holds, then eases to rest.
HOLD_SECS, EASE_SECS = 0.25, 0.5
IS_UPPER = np.array([name.startswith(("brow", "eye")) for name in FITTED])
"""Which controls belong to the upper half; the others, and the jaw, to the lower."""
TURN_IS_UPPER = np.repeat([joint != TURNING[0] for joint in TURNING], 2)


def _fading(value: Float[Array, " frames"], span: tuple[float, float]) -> Float[Array, " frames"]:
    """1 up to the first end of the span (in its direction), 0 from the second on."""
    share: Array = np.clip((span[1] - value) / (span[1] - span[0]), 0.0, 1.0)
    return share


def confidence_of(watched: Watched, pose: Float[Array, "frames 3"]) -> Float[Array, "frames area=2"]:
    """Of `names.CONFIDENCE_AREAS`, 0..1; 0 where the face is not found."""
    rows, found = watched.rows, watched.found
    change = _change(rows["thumb"], found)
    angles = yaw_pitch_roll(rotation_matrix(np.nan_to_num(pose)))
    size = np.nan_to_num(eye_distance(rows["landmarks"]))
    whole = (
        _fading(np.abs(angles[:, 0]), YAW) * _fading(size, SIZE[::-1]) * _fading(rows["clipped"], CLIPPED)
        * _fading(rows["brightness"], DIM[::-1]) * found
    )  # fmt: skip
    beyond = change - (np.percentile(change[found], USUAL, axis=0) if found.any() else 0.0)
    return np.stack([_fading(part, CHANGE) * whole for part in beyond.T], axis=1).astype(np.float32)


def _change(thumbs: Array, found: Bool[Array, " frames"]) -> Float[Array, "frames area"]:
    """How much each half of the flat skin differs from what it usually is in this film."""
    some = np.flatnonzero(found)
    some = some[np.linspace(0, len(some) - 1, min(len(some), REFERENCE_FRAMES)).round().astype(int)]
    usual = np.median(thumbs[some].astype(np.float32), axis=0)
    out = np.zeros((len(thumbs), len(CONFIDENCE_AREAS)))
    for i in np.flatnonzero(found):
        out[i] = halves_apart(thumbs[i], usual)
    return out


def believed_only(
    values: Float[Array, "frames channel"], trust: Float[Array, " frames"], times: Float[Array, " frames"], *,
    rest: Float[Array, " channel"],
) -> Float[Array, "frames channel"]:  # fmt: skip
    """Channels in which what is not believed is bridged (when short), or held and eased to `rest`."""
    sure = (trust >= BELIEVED) & np.isfinite(values).all(axis=1)
    if not sure.any():
        return np.broadcast_to(rest, values.shape).copy()
    known = np.flatnonzero(sure)
    out = values.copy()
    edges = np.flatnonzero(np.diff(np.r_[True, sure, True].astype(int)))
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        before, after = known[known < first], known[known >= stop]
        here = times[first:stop, None]
        if len(before) and len(after) and times[after[0]] - times[before[-1]] <= SHORT_SECS:
            start, end = times[before[-1]], times[after[0]]
            share = (here - start) / (end - start)
            out[first:stop] = (1.0 - share) * values[before[-1]] + share * values[after[0]]
            continue
        sides = [(here - times[i], values[i]) for i in before[-1:]] + [(times[i] - here, values[i]) for i in after[:1]]
        left = np.max([np.exp(-np.maximum(away - HOLD_SECS, 0.0) / EASE_SECS) for away, _ in sides], axis=0)
        # Both ends known: from one to the other while both fade.
        share = sides[0][0] / (sides[0][0] + sides[-1][0]) if len(sides) == 2 else 0.0
        held = rest + left * ((1.0 - share) * sides[0][1] + share * sides[-1][1] - rest)
        out[first:stop] = held
    return out
