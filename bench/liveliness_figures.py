"""What `bench.liveliness` measures on a moving face, tracked or performed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float

TRACKED_FPS = 25.0
FIRST, WINDOW = 25, 50
"""Frames that are left out, and of each window."""
BANDS_HZ = ((0.4, 1.1), (1.1, 2.1), (2.1, 4.1), (4.1, 8.1))
JERK_HZ = 5.0
REGIONS = {
    "inner brow": ("browInnerUp", "innerBrowRaiseLeft", "innerBrowRaiseRight"),
    "outer brow": ("browOuterUpLeft", "browOuterUpRight"),
    "frown": ("browDownLeft", "browDownRight"),
    "upper lid": ("eyeWideLeft", "eyeWideRight"),
    "squint": ("eyeSquintLeft", "eyeSquintRight"),
    "cheek": ("cheekSquintLeft", "cheekSquintRight"),
    "nose": ("noseSneerLeft", "noseSneerRight"),
}
_BLINK = 0.12
"""Closure above its median that is a blink."""


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Clips of one face at `TRACKED_FPS`."""

    name: str
    controls: dict[str, list[Float[Array, " frames"]]]
    """Curves clip by clip."""
    closure: list[Float[Array, " frames"]]
    """Of the lids."""
    down: list[Float[Array, " frames"]]
    """How far the eyes look down."""
    head: list[Float[Array, "frames 3"]]
    """Nod, turn and tilt, degrees."""
    heights: list[Float[Array, "frames point=2"]]
    """Of brow and upper lid over what does not move with them; 1 is from one outer corner of the eyes to the other."""
    places: frozenset[str]
    """Controls whose curves are places on the face, of which a share of the mean says nothing."""
    shown: float
    """Mean from which on a control counts as shown."""

    def blinking(self) -> list[Bool[Array, " frames"]]:
        """In which frames a blink hides what the face does, the two beside it included."""
        return [np.convolve(lids > np.median(lids) + _BLINK, np.ones(5), "same") > 0.0 for lids in self.closure]

    def windows(self, names: Sequence[str]) -> Float[Array, "window frames name"]:
        """Two seconds each, without blinks if there are any such."""
        cut, calm = [], []
        for clip, blinks in enumerate(self.blinking()):
            curves = np.stack([self.controls[name][clip] for name in names], axis=1)
            for first in range(FIRST, len(curves) - WINDOW + 1, WINDOW):
                cut.append(curves[first : first + WINDOW])
                calm.append(not blinks[first : first + WINDOW].any())
        return np.array(cut)[np.array(calm) if any(calm) else slice(None)]


@dataclass(frozen=True, slots=True)
class Life:
    """How one region moves."""

    variation: float
    """Standard deviation over mean after the first second, where nobody blinks; median of the clips."""
    bands: tuple[float, ...]
    """Shares of the power in `BANDS_HZ`."""
    jerk: float
    """RMS third derivative over the standard deviation, per second cubed, below `JERK_HZ`."""
    onset: float
    """95th percentile of rising over that of falling speeds."""


def height_deviations(moves: Moves) -> tuple[float, ...]:
    """Standard deviations of `Moves.heights` after the first second, where nobody blinks; medians of the clips."""
    rows = [
        curve[FIRST:][~blinks[FIRST:]].std(axis=0)
        for curve, blinks in zip(moves.heights, moves.blinking(), strict=True) if not blinks[FIRST:].all()
    ]  # fmt: skip
    return tuple(float(value) for value in np.median(rows, axis=0)) if rows else ()


def power(windows: Float[Array, "window frames name"]) -> tuple[Float[Array, " bin"], Float[Array, "window bin name"]]:
    """Frequencies, and power of each window."""
    still = windows - windows.mean(axis=1, keepdims=True)
    tapered = np.fft.rfft(still * np.hanning(windows.shape[1])[:, None], axis=1)
    return np.fft.rfftfreq(windows.shape[1], 1.0 / TRACKED_FPS), np.abs(tapered) ** 2


def region_life(moves: Moves, region: str) -> Life | None:
    """How the region moves; None if it is not shown."""
    names = [name for name in REGIONS[region] if name in moves.controls]
    names = [name for name in names if np.concatenate(moves.controls[name]).mean() > moves.shown]
    if not names:
        return None
    variation = []
    for clip, blinks in enumerate(moves.blinking()):
        seen = [moves.controls[name][clip][FIRST:][~blinks[FIRST:]] for name in names]
        variation.append(np.mean([curve.std() / max(curve.mean(), 1e-6) for curve in seen if len(curve)]))
    windows = moves.windows(names)
    bands, rough = band_shares(windows)
    speed = np.diff(windows, axis=1)
    rising, falling = (np.percentile(part[part > 0.0], 95.0) for part in (speed, -speed))
    shares = not moves.places.intersection(names)
    return Life(float(np.median(variation)) if shares else float("nan"), bands, rough, float(rising / falling))


def upper_variation(moves: Moves) -> float | None:
    """Standard deviation over mean of all upper-face controls that are shown, weighted by their means."""
    names = [name for names in REGIONS.values() for name in names if name in moves.controls.keys() - moves.places]
    rows = []
    for clip, blinks in enumerate(moves.blinking()):
        seen = [moves.controls[name][clip][FIRST:][~blinks[FIRST:]] for name in names]
        seen = [curve for curve in seen if len(curve) and curve.mean() > moves.shown]
        if seen:
            rows.append(sum(float(curve.std()) for curve in seen) / sum(float(curve.mean()) for curve in seen))
    return float(np.median(rows)) if rows else None


def band_shares(windows: Float[Array, "window frames name"]) -> tuple[tuple[float, ...], float]:
    """Shares of the power by band, and the jerk of `Life`; strong movement weighs most, a tracker's noise least."""
    hz, strength = power(windows)
    mean = (strength / np.maximum(strength.sum(axis=(0, 1)), 1e-12)).sum(axis=0).mean(axis=1)
    mean[0], slow = 0.0, hz <= JERK_HZ
    bands = (float(mean[(hz >= a) & (hz < b)].sum() / mean.sum()) for a, b in BANDS_HZ)
    return tuple(bands), float(np.sqrt(((2.0 * np.pi * hz[slow]) ** 6 * mean[slow]).sum() / mean.sum()))


def coupling(moves: Moves, a: str, b: str) -> float | None:
    """Mean correlation of two controls within windows; None if one of them is not there."""
    if a not in moves.controls or b not in moves.controls:
        return None
    windows = moves.windows((a, b))
    if np.any(windows.std(axis=1).max(axis=0) < 1e-4):
        return None
    left, right = np.moveaxis(windows - windows.mean(axis=1, keepdims=True), 2, 0)
    size = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    return float(((left * right).sum(axis=1)[size > 1e-9] / size[size > 1e-9]).mean())


@dataclass(frozen=True, slots=True)
class HeadLife:
    """Nod, turn and tilt, within windows of two seconds."""

    size: tuple[float, ...]
    """Standard deviation, degrees."""
    speed: tuple[float, ...]
    """Mean, degrees a second, without what moves by itself faster than 4 Hz."""
    fast: tuple[float, ...]
    """Share of the power from 1.1 to 4.1 Hz."""


def head_life(moves: Moves) -> HeadLife:
    """How the head moves."""
    windows = np.array([
        turn[first : first + WINDOW]
        for turn in moves.head for first in range(FIRST, len(turn) - WINDOW + 1, WINDOW)
    ])  # fmt: skip
    hz, strength = power(windows)
    fast = strength[:, (hz >= 1.1) & (hz < 4.1)].sum(axis=1) / strength.sum(axis=1)
    spectrum = np.fft.rfft(windows, axis=1)
    spectrum[:, hz > 4.1] = 0.0
    smooth = np.fft.irfft(spectrum, n=WINDOW, axis=1)[:, 3:-3]
    speed = np.abs(np.diff(smooth, axis=1)).mean(axis=1) * TRACKED_FPS
    return HeadLife(*(tuple(float(v) for v in np.median(rows, axis=0)) for rows in (windows.std(axis=1), speed, fast)))


@dataclass(frozen=True, slots=True)
class BlinkLife:
    """Blinks, milliseconds and shares."""

    per_minute: float
    closing: float
    closed: float
    """From 90 % of its depth to 90 % again."""
    opening: float
    partial: float
    """Share of those that reach less than 0.9 of this face's deepest."""
    irregular: float
    """Standard deviation of the intervals over their mean."""


def blink_life(closures: Sequence[Float[Array, " frames"]], *, fps: float) -> BlinkLife | None:
    """Rate, timing and depth of every blink; instants are taken between frames. None without blinks."""
    rows, gaps = [], []
    for lids in closures:
        lift = lids - np.median(lids)
        top = [
            k for k in range(2, len(lift) - 2)
            if lift[k] > 0.3 and lift[k] == lift[max(k - 4, 0) : k + 5].max() and lift[k] > lift[k - 1]
        ]  # fmt: skip
        gaps += list(np.diff(top) / fps)
        rows += [row for k in top if (row := _blink_shape(lift, k)) is not None]
    if not rows:
        return None
    shape = np.array(rows)
    closing, closed, opening = np.median(shape[:, :3], axis=0) * 1000.0 / fps
    deepest = np.percentile(shape[:, 3], 90.0)
    minutes = sum(len(lids) for lids in closures) / fps / 60.0
    irregular = float(np.std(gaps) / np.mean(gaps)) if len(gaps) > 3 else float("nan")
    return BlinkLife(len(rows) / minutes, float(closing), float(closed), float(opening),
                     float((shape[:, 3] < 0.9 * deepest).mean()), irregular)  # fmt: skip


def _blink_shape(lift: Array, top: int) -> tuple[float, float, float, float] | None:
    """Frames of closing (10 to 90 %), above 90 %, and of opening (90 to 10 %), and the depth."""
    height = float(lift[top])

    def crossing(share: float, step: int) -> float | None:
        k = top
        while 0 < k < len(lift) - 1:
            if lift[k + step] <= share * height:
                return k + step * float((lift[k] - share * height) / max(lift[k] - lift[k + step], 1e-9))
            k += step
        return None

    places = [crossing(share, step) for step in (-1, 1) for share in (0.1, 0.9)]
    if any(place is None for place in places):
        return None
    first, shut, last, opens = (float(place) for place in places if place is not None)
    return shut - first, opens - shut, last - opens, height


def lid_slope(moves: Moves) -> float | None:
    """How much the lids close per unit of looking down, where nobody blinks."""
    calm = [~blinks for blinks in moves.blinking()]
    lids = np.concatenate([curve[keep] for curve, keep in zip(moves.closure, calm, strict=True)])
    down = np.concatenate([curve[keep] for curve, keep in zip(moves.down, calm, strict=True)])
    return float(np.polyfit(down, lids, 1)[0]) if down.std() > 1e-3 else None


def lead_of_eyes_ms(
    eyes: Float[Array, "frames 2"], head: Float[Array, "frames 2"], *, fps: float, least: float = np.radians(5.0)
) -> float | None:
    """Median time by which the eyes begin a large shift before the head does; None without such shifts.

    Both are yaw and pitch in radians. The head has begun when it has made a tenth of its way.
    """
    step, reach = np.linalg.norm(np.diff(eyes, axis=0), axis=1) * fps, round(0.7 * fps)
    leads, k, before = [], round(0.2 * fps), round(0.1 * fps)
    while k < len(step) - reach:
        if step[k] < np.radians(40.0):
            k += 1
            continue
        shift = eyes[k + before] - eyes[k - 1]
        size = float(np.hypot(*shift))
        if size > least:
            path = (head[k - before : k + reach] - head[k - before]) @ (shift / size)
            if path[-1] > np.radians(0.6):
                leads.append((int(np.argmax(path > 0.1 * path[-1])) - before) * 1000.0 / fps)
        k += reach
    return float(np.median(leads)) if leads else None
