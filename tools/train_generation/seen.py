"""A face as what a camera sees of it move - brows, lids, head - of tracked talkers and of performances alike.

Heights are in thousandths of the distance between the outer corners of the eyes, angles in degrees, lids 1 when open
and 0 when shut. Everything is against the clip's own median - how somebody sat that day is nobody's manner - and
without what is faster than `NOISE_HZ`, where a tracker's noise begins.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfiltfilt

from face_emote.core.arrays import Array, Float
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head

FPS, NOISE_HZ = 25.0, 5.0
SETTLED = 11
"""Frames at the start of a film in which the tracker has not settled: brows that fall by 2 % of the face in .3 s."""
CHANNELS = ("brow left", "brow right", "frown", "lid left", "lid right", "nod", "turn", "tilt", "corners")
"""The last one is the distance between the corners of the mouth."""
LIDS = slice(3, 5)
_OUTER, _MOUTH, _BRIDGE = (263, 33), (291, 61), 168
"""Points of the tracker: outer corners of the eyes, corners of the mouth, left and right; the bridge of the nose, which
neither lids nor brows move."""
_BROWS = ((336, 296, 334), (107, 66, 105))
_FROWN = (285, 55)
_LID_PAIRS = (((386, 374), (385, 380), (387, 373)), ((159, 145), (160, 144), (158, 153)))
_SLOWER = butter(4, NOISE_HZ, fs=FPS, output="sos")


@dataclass(frozen=True, slots=True, eq=False)
class Filmed:
    """Clips of one talker."""

    name: str
    clips: tuple[str, ...]
    curves: tuple[Float[Array, "frames channel=9"], ...]
    """As `seen_of` has them."""
    sounds: tuple[Path, ...]


def tracked_talkers(data: Path, *, every: dict[str, int] | None = None) -> list[Filmed]:
    """The GRID talkers; of some, every so many-th clip."""
    found = []
    for file in (data / "grid_s1" / "motion_train.npz", *sorted((data / "grid_talkers").glob("*/motion.npz"))):
        with np.load(file) as track:
            name = file.parent.name.removeprefix("grid_")
            index, chosen = track["lm_index"].tolist(), slice(None, None, (every or {}).get(name, 1))
            points, head = track["lm"][chosen].astype(np.float64), np.degrees(track["head"][chosen, :, :3])
            clips = [str(clip) for clip in track["clips"][chosen]]
        sounds = {path.stem: path for path in (file.parent / "audio").iterdir()}
        rows = [
            (clip, seen_of(face, index, turn.astype(np.float64)), sounds[clip])
            for face, turn, clip in zip(points, head, clips, strict=True) if clip in sounds
        ]  # fmt: skip
        found.append(Filmed(name, *zip(*rows, strict=True)))
    return found


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


def from_rest(curve: Float[Array, "frames channel=9"]) -> Float[Array, "frames channel=9"]:
    """A settled clip against its own rest, lids against their own width."""
    settled = curve[SETTLED:]
    rest = np.median(settled, axis=0)
    moved = settled - rest
    moved[:, LIDS] = settled[:, LIDS] / np.maximum(rest[LIDS], 1e-6)
    return np.asarray(moved)


def without_noise(curve: Float[Array, "frames channel"]) -> Float[Array, "frames channel"]:
    """Without what is faster than `NOISE_HZ`."""
    return np.asarray(sosfiltfilt(_SLOWER, curve, axis=0))
