"""A watched and fitted film becomes a motion: smooth, at an even rate, on the head of whoever plays it."""

from dataclasses import dataclass

import numpy as np

from face_emote.capturing.confidence import BELIEVED, IS_UPPER, TURN_IS_UPPER, believed_only, confidence_of
from face_emote.capturing.fit import FittedFilm
from face_emote.capturing.lips import SEAL, opened_as, seal_of, seen_gap
from face_emote.capturing.points import FITTED, controls_of
from face_emote.capturing.skin import blood_curves, seen_wrinkles, why_no_blood
from face_emote.capturing.smooth import smoothed
from face_emote.capturing.watch import Watched
from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS, WRINKLES
from face_emote.core.rotations import rotation_matrix
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import Character, FaceMotion, MotionInfo
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.feeling.wrinkles import folding, wrinkle_model

_QUICKNESS = {"eyeBlink": (60.0, 0.015), "eye": (12.0, 0.02), "brow": (4.0, 0.02), "cheek": (4.0, 0.03)}
_MOUTH = (14.0, 0.015)  # Drive and noise of controls, as `smoothed` takes them.
POSE_QUICKNESS, PLACE_QUICKNESS = (2.0, 0.004), (0.2, 0.002)
TURN_QUICKNESS = ((6.0, 0.006), (8.0, 0.03))  # Of the jaw and of the eyes, radians.
SKIN_QUICKNESS, BLOOD_QUICKNESS = (8.0, 0.08), (1.0, 0.05)
CHUNK = 256
LEFT_CHEEK, RIGHT_CHEEK, EARS = (BLOOD_REGIONS.index(name) for name in ("cheek_left", "cheek_right", "ears"))


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the film says of the heart."""

    beats_per_minute: float
    snr_db: float  # Power at the rate and at twice the rate against the rest of the band.

    @property
    def believed(self) -> bool:
        """Whether it stands out."""
        return self.snr_db >= LEAST_DB


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """What a film gave."""

    motion: FaceMotion
    pulse: Pulse
    remarks: tuple[str, ...]  # What a person should know, in sentences.
    lip_gap: Float[Array, " frames"]  # Of the inner lips as seen, in eye distances.
    times: Float[Array, " pictures"]  # Of the film's own pictures, seconds.
    crop: tuple[float, float, float]
    """Where the face is in the film, pixels: centre x and y, and the side of a square around it."""


def _quickness() -> tuple[Float[Array, " channel"], Float[Array, " channel"]]:
    """Of pose, place, controls and turns, in this order."""
    of_controls = [
        next((value for start, value in _QUICKNESS.items() if name.startswith(start)), _MOUTH) for name in FITTED
    ]
    jaw, eyes = TURN_QUICKNESS
    rows = [POSE_QUICKNESS] * 3 + [PLACE_QUICKNESS] * 3 + of_controls + [jaw] * 2 + [eyes] * 4
    drive, noise = np.array(rows).T
    return drive, noise


def taken(
    watched: Watched, fitted: FittedFilm, head: Head, *, player: Character, info: MotionInfo, fps: float
) -> Captured:
    """Make the motion. The player is who plays the performance; the person in the film is not shown."""
    times = np.asarray(watched.rows["time"], np.float64)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / fps
    every = frame_times(0, frames_in(times[-1] + step, fps=fps), fps=fps)
    trust = confidence_of(watched, fitted.pose)
    channels = _channels(fitted, trust, times)
    at = _resampled(channels, times, every)
    gap = _resampled(_lip_gap(watched, trust[:, 1], times)[:, None], times, every)[:, 0]
    person = head.with_identity(np.asarray(player.betas, np.float32))
    controls = controls_of(head, at[:, 6 : 6 + len(FITTED)].clip(0.0, 1.0), at[:, 6 + len(FITTED) :])
    controls[:, SEAL] = seal_of(gap)
    controls = opened_as(gap, controls, person)
    posed = pose_from_controls(controls, control_joints=head.control_joints)
    neck = head.joints()[1]
    remarks, flow = list(watched.remarks), np.zeros((len(every), len(BLOOD_REGIONS)))
    colour = np.where((trust.min(axis=1) >= BELIEVED)[:, None, None], watched.rows["colour"], np.nan)
    silent = why_no_blood(colour, bits_per_pixel=watched.facts.bits_per_pixel, film=watched.facts.path)
    if silent is None:
        flow = _flow(colour, fitted, times, every)
    else:
        remarks.append(silent)
    motion = FaceMotion(
        expression=posed.expression,
        jaw_pose=posed.jaw_pose,
        neck_pose=at[:, :3].astype(np.float32),
        eye_pose=_eye_pose(at[:, 6 + len(FITTED) + 2 :]),
        global_pose=np.zeros((len(every), 3), np.float32),
        translation=_translation(at[:, :3], at[:, 3:6], neck=neck),
        wrinkles=_wrinkles(watched, trust, person, controls=controls, every=every),
        blood_flow=flow.astype(np.float32),
        fps=fps,
        info=info,
        betas=np.asarray(player.betas, np.float32),
        character=player.name,
        confidence=_resampled(trust, times, every).astype(np.float32),
    )
    even = np.stack([_resampled(colour[:, :, k], times, every) for k in range(3)], axis=2)
    pulse = pulse_of(even, fps=fps) if silent is None else Pulse(0.0, float("-inf"))
    return Captured(
        motion=motion, pulse=pulse, remarks=tuple(remarks), lip_gap=gap, times=times, crop=_crop(watched)
    )  # fmt: skip


def _channels(
    fitted: FittedFilm, trust: Float[Array, "frames area=2"], times: Float[Array, " frames"]
) -> Float[Array, "frames channel"]:
    """Pose, place, controls and turns: believed and smooth."""
    place = np.c_[fitted.pose, fitted.translation]
    seen = np.isfinite(place[:, 0])
    place = np.stack([np.interp(times, times[seen], column[seen]) for column in place.T], axis=1)
    values = np.c_[fitted.controls, fitted.turns]
    upper = np.r_[IS_UPPER, TURN_IS_UPPER]
    rest = np.zeros(values.shape[1])
    halves = [believed_only(values, trust[:, area], times, rest=rest) for area in (0, 1)]
    drive, noise = _quickness()
    joined = np.c_[place, np.where(upper, halves[0], halves[1])]
    return smoothed(joined, times, drive=drive, noise=noise)


def _resampled(
    values: Float[Array, "frames channel"], times: Float[Array, " frames"], every: Float[Array, " out_frames"]
) -> Float[Array, "out_frames channel"]:
    """Linear between the pictures; NaN where a neighbour is NaN."""
    return np.stack([np.interp(every, times, column) for column in values.T], axis=1)


def _lip_gap(
    watched: Watched, trust: Float[Array, " frames"], times: Float[Array, " frames"]
) -> Float[Array, " frames"]:
    """As it is seen, in eye distances; where it is not seen, closed, as the face at rest is."""
    gap = seen_gap(watched.rows["landmarks"]).astype(np.float64)[:, None]
    return believed_only(gap, trust, times, rest=np.zeros(1))[:, 0]


def _eye_pose(turns: Float[Array, "frames turn=4"]) -> Float[Array, "frames eye=2 3"]:
    """Both eyes look where their middle looks: their difference is the noise of the irises' landmarks."""
    eyes = np.zeros((len(turns), 2, 3), np.float32)
    eyes[:, :, :2] = turns.reshape(-1, 2, 2).mean(axis=1, keepdims=True)
    return eyes


def _translation(
    pose: Float[Array, "frames 3"], place: Float[Array, "frames 3"], *, neck: Float[Array, " 3"]
) -> Float[Array, "frames 3"]:
    """Of the body, once the head turns about its neck; the middle of the film is the origin."""
    moved = place + rotation_matrix(pose) @ neck - neck
    return np.asarray(moved - np.median(moved, axis=0), np.float32)


def _wrinkles(
    watched: Watched, trust: Float[Array, "frames area=2"], person: Head, *,
    controls: Float[Array, "out_frames control=100"], every: Float[Array, " out_frames"],
) -> Float[Array, "out_frames wrinkle=16"]:  # fmt: skip
    times = np.asarray(watched.rows["time"], np.float64)
    model = wrinkle_model(person)
    tension = np.concatenate([folding(model, controls[i : i + CHUNK]) for i in range(0, len(controls), CHUNK)])
    known = (trust.min(axis=1) >= BELIEVED)[:, None]
    quickness = (np.full(len(WRINKLES), value) for value in SKIN_QUICKNESS)
    scale = np.maximum(np.nanpercentile(watched.rows["valleys"], 95, axis=0), 1e-6)
    valleys = np.where(known, watched.rows["valleys"] / scale, np.nan)
    drive, noise = quickness
    valleys = smoothed(valleys, times, drive=drive, noise=noise)
    valleys[~known[:, 0]] = np.nan
    return seen_wrinkles(_resampled(valleys, times, every), tension).astype(np.float32)


def _flow(
    colour: Float[Array, "frames region=8 3"], fitted: FittedFilm, times: Float[Array, " frames"],
    every: Float[Array, " out_frames"],
) -> Float[Array, "out_frames region=8"]:  # fmt: skip
    """Ears are not on the map: they follow the cheeks."""
    flow = blood_curves(colour)
    drive, noise = (np.full(len(BLOOD_REGIONS), value) for value in BLOOD_QUICKNESS)
    flow = np.nan_to_num(smoothed(flow, times, drive=drive, noise=noise))
    flow[:, EARS] = 0.5 * (flow[:, LEFT_CHEEK] + flow[:, RIGHT_CHEEK])
    return _resampled(flow, times, every).clip(-1.0, 1.0)


def _crop(watched: Watched) -> tuple[float, float, float]:
    seen = watched.rows["landmarks"]
    low = np.percentile(seen.min(axis=1)[watched.found], 5, axis=0)
    high = np.percentile(seen.max(axis=1)[watched.found], 95, axis=0)
    x, y = (0.5 * (low + high)).tolist()
    return x, y, float(1.35 * (high - low).max())


BAND_HZ = (0.7, 3.2)
WINDOW_SECS = 1.6
LEAST_DB = 3.0  # Below it nothing is claimed.
LEAST_SECS = 5.0
REGIONS = (0, 2, 3)  # Forehead and cheeks, of `names.BLOOD_REGIONS`.
POINTS = 8192
_PLANE = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])


def pulse_of(colour: Float[Array, "frames region 3"], *, fps: float, regions: tuple[int, ...] = REGIONS) -> Pulse:
    """The pulse of a clip with an even frame rate; of one that is too short or not seen, nothing at -inf dB."""
    from scipy.signal import butter, filtfilt

    mean = colour[:, regions].mean(axis=1)
    seen = np.isfinite(mean).all(axis=1)
    if len(mean) < LEAST_SECS * fps or seen.mean() < 0.8 or fps < 2.5 * BAND_HZ[1]:
        return Pulse(0.0, float("-inf"))
    every = np.arange(len(mean))
    mean = np.stack([np.interp(every, every[seen], channel[seen]) for channel in mean.T], axis=1)
    length = int(WINDOW_SECS * fps)
    wave = np.zeros(len(mean))
    for first in range(len(mean) - length + 1):
        window = mean[first : first + length]
        a, b = (window / window.mean(axis=0)) @ _PLANE.T[:, 0], (window / window.mean(axis=0)) @ _PLANE.T[:, 1]
        beat = a + a.std() / max(float(b.std()), 1e-9) * b
        wave[first : first + length] += beat - beat.mean()
    b, a = butter(3, [2.0 * edge / fps for edge in BAND_HZ], "band")
    return _peak(filtfilt(b, a, wave), fps=fps)


def _peak(wave: Float[Array, " frames"], *, fps: float) -> Pulse:
    points = max(POINTS, len(wave))
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), points)) ** 2
    hertz = np.fft.rfftfreq(points, 1.0 / fps)
    band = (hertz >= BAND_HZ[0]) & (hertz <= BAND_HZ[1])
    rate = float(hertz[band][np.argmax(power[band])])
    near = band & ((np.abs(hertz - rate) < 0.15) | (np.abs(hertz - 2.0 * rate) < 0.15))
    ratio = power[near].sum() / max(float(power[band & ~near].sum()), 1e-30)
    return Pulse(60.0 * rate, float(10.0 * np.log10(max(ratio, 1e-12))))
