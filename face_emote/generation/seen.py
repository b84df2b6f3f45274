"""A face as what a camera sees of it move - brows, lids, head - of tracked talkers and of performances alike.

Heights are in thousandths of the distance between the outer corners of the eyes, angles in degrees, lids 1 when open
and 0 when shut. Everything is against the clip's own median - how somebody sat that day is nobody's manner - and
without what is faster than `NOISE_HZ`, where a tracker's noise begins.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.generation.layout import FACE, STYLE, TOKEN_HZ, WINDOW

FPS, NOISE_HZ = 25.0, 5.0
SETTLED = 11
"""Frames at the start of a film in which the tracker has not settled: brows that fall by 2 % of the face in .3 s."""
CHANNELS = ("brow left", "brow right", "frown", "lid left", "lid right", "nod", "turn", "tilt", "corners")
"""The last one is the distance between the corners of the mouth."""
LIDS = slice(3, 5)
PER_TOKEN = round(FPS / TOKEN_HZ)
FIRST_TOKEN = -(-SETTLED // PER_TOKEN)
"""Of a film: the one from which on its face is used."""
_OUTER, _MOUTH, _BRIDGE = (263, 33), (291, 61), 168
"""Points of the tracker: outer corners of the eyes, corners of the mouth, left and right; the bridge of the nose, which
neither lids nor brows move."""
_BROWS = ((336, 296, 334), (107, 66, 105))
_FROWN = (285, 55)
_LID_PAIRS = (((386, 374), (385, 380), (387, 373)), ((159, 145), (160, 144), (158, 153)))
_ORDER = 4
_EDGE = 15
"""Frames by which a clip is continued beyond its ends, turned about them."""
_SHUT, _LEAST = 0.5, 0.02
_PAIRS = ((1, 5), (5, 2), (1, 2), (0, 2), (0, 1), (2, 4), (0, 3))
"""Of brows, frown, nod, turn, tilt and lids, as the last numbers of a style have them."""


def seen_of_performance(motion: FaceMotion) -> Float[Array, "frames channel=9"]:
    """What the tracker would see of a performance at `FPS`."""
    still = np.zeros_like(motion.neck_pose)
    face = replace(motion, neck_pose=still, global_pose=still, translation=still)
    points = load_head().with_identity(motion.betas).landmarks478(face).astype(np.float64)
    return seen_of(points, list(range(478)), np.degrees(motion.neck_pose + motion.global_pose).astype(np.float64))


def seen_of(
    points: Float[Array, "frames point 3"], index: list[int], head: Float[Array, "frames 3"]
) -> Float[Array, "frames channel=9"]:
    """Channels from points whose numbers are in `index`; lids in units of the face."""
    place = {point: k for k, point in enumerate(index)}

    def at(*wanted: int) -> Array:
        return points[:, [place[point] for point in wanted]]

    outer, mouth, frown, bridge = at(*_OUTER), at(*_MOUTH), at(*_FROWN), at(_BRIDGE)[:, 0]
    size = float(np.median(np.linalg.norm(outer[:, 0] - outer[:, 1], axis=1)))
    up = float(np.sign(np.median(at(_BROWS[0][0])[:, 0, 1] - outer[:, 0, 1])))
    columns = [1000.0 * up * (at(*brow)[:, :, 1].mean(axis=1) - bridge[:, 1]) / size for brow in _BROWS]
    columns.append(1000.0 * np.linalg.norm(frown[:, 0] - frown[:, 1], axis=1) / size)
    for pairs in _LID_PAIRS:
        gaps = [np.linalg.norm(np.diff(at(*pair)[:, :, :2], axis=1)[:, 0], axis=1) for pair in pairs]
        columns.append(np.mean(gaps, axis=0) / size)
    corners = 1000.0 * np.linalg.norm(mouth[:, 0] - mouth[:, 1], axis=1) / size
    return np.column_stack([*columns, head, corners])


def from_rest(curve: Float[Array, "frames channel=9"]) -> Float[Array, "settled channel=9"]:
    """A settled clip against its own rest, lids against their own width."""
    settled = curve[SETTLED:]
    rest = np.median(settled, axis=0)
    moved = settled - rest
    moved[:, LIDS] = settled[:, LIDS] / np.maximum(rest[LIDS], 1e-6)
    return np.asarray(moved)


def without_noise(curve: Float[Array, "frames channel"]) -> Float[Array, "frames channel"]:
    """Without what is faster than `NOISE_HZ`: Butterworth's filter, there and back."""
    edge = min(_EDGE, len(curve) - 1)
    before, after = 2.0 * curve[0] - curve[edge:0:-1], 2.0 * curve[-1] - curve[-2 : -2 - edge : -1]
    longer = np.concatenate([before, curve, after])
    hz = np.fft.rfftfreq(len(longer), 1.0 / FPS)
    warped = np.tan(np.pi * np.minimum(hz / FPS, 0.4999)) / np.tan(np.pi * NOISE_HZ / FPS)
    kept = np.fft.rfft(longer, axis=0) / (1.0 + warped[:, None] ** (2 * _ORDER))
    return np.asarray(np.fft.irfft(kept, len(longer), axis=0)[edge : edge + len(curve)])


def face_tokens(curve: Float[Array, "frames channel=9"]) -> Float[Array, f"token value={len(FACE)}"]:
    """Of a clip at `FPS`, from its `FIRST_TOKEN` on."""
    moved = from_rest(curve)
    slow, start = without_noise(moved), PER_TOKEN * FIRST_TOKEN - SETTLED
    lids = np.clip(moved[:, LIDS], 0.0, 1.3)
    apart = without_noise(lids[:, :1] - lids[:, 1:])
    count = (len(moved) - start + 1) // PER_TOKEN
    at = start + PER_TOKEN * np.arange(count)
    mean = lids.mean(axis=1)
    return np.column_stack(
        [slow[at][:, [0, 1, 2, 5, 6, 7]], mean[at], mean[np.minimum(at + 1, len(mean) - 1)], apart[at]]
    )


def style_of(face: Float[Array, f"token value={len(FACE)}"]) -> Float[Array, f" style={len(STYLE)}"]:
    """How somebody moves in a window."""
    spread, lids = face.std(axis=0), face[:, 6:8].mean(axis=1)
    pace = np.abs(np.diff(face, axis=0)).mean(axis=0) / np.maximum(spread, _LEAST)
    apart, open_lids = float((face[:, 0] - face[:, 1]).std()), lids[lids > _SHUT]
    resting = float(open_lids.std()) if len(open_lids) else 0.0
    deviations = [spread[:2].mean(), apart, *spread[2:6], 10.0 * resting, 10.0 * spread[8]]
    apart_from_rest = np.column_stack([face[:, :2].mean(axis=1), face[:, 2:6], lids])
    apart_from_rest -= apart_from_rest.mean(axis=0)
    units = apart_from_rest / np.maximum(apart_from_rest.std(axis=0), _LEAST)
    together = [float((units[:, a] * units[:, b]).mean()) for a, b in _PAIRS]
    moves = np.log(np.maximum([*deviations, pace[:3].mean(), pace[3:6].mean()], _LEAST))
    return np.array([*moves, np.sqrt((face[:, 6:8] < _SHUT).mean()), *together])


def manner_of(curves: Sequence[Float[Array, "_frames channel=9"]]) -> Float[Array, f" style={len(STYLE)}"]:
    """How somebody moves in clips: mean of their windows, which overlap by half; a short clip is one."""
    faces = [face_tokens(curve) for curve in curves]
    parts = [face[k : k + WINDOW] for face in faces for k in range(0, max(len(face) - WINDOW, 0) + 1, WINDOW // 2)]
    return np.asarray(np.mean([style_of(part) for part in parts], axis=0))
