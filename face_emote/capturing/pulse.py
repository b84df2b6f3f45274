"""The heartbeat in the colour of the skin: POS (Wang et al. 2017), and how far it stands out of the noise."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float

BAND_HZ = (0.7, 3.2)
WINDOW_SECS = 1.6
LEAST_DB = 3.0  # Below it nothing is claimed.
LEAST_SECS = 5.0
REGIONS = (0, 2, 3)  # Forehead and cheeks, of `names.BLOOD_REGIONS`.
POINTS = 8192
_PLANE = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the film says of the heart."""

    beats_per_minute: float
    snr_db: float  # Power at the rate and at twice the rate against the rest of the band.

    @property
    def believed(self) -> bool:
        """Whether it stands out."""
        return self.snr_db >= LEAST_DB


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
