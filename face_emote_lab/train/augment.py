"""What microphones, rooms, throats and telephones do to a voice, done to log-mels: cheap enough for every crop.

All functions take raw log-mels (natural log of band energy) [crop, row, band] and change a copy. Chance comes from the
generator that is given.
"""

import numpy as np

from face_emote.audio.logmel import NUM_BANDS
from face_emote.core.arrays import Array, Bool, Float

LN_PER_DB = np.log(10.0) / 10.0
FLOOR = -20.0
_BAND = np.linspace(-1.0, 1.0, NUM_BANDS)
Mels = Float[Array, "crop row band=40"]


def augmented(mels: Mels, *, share: float, rng: np.random.Generator) -> Mels:
    """Changed crops; a crop stays as it is with probability 1 - share."""
    changed = mels.astype(np.float32)
    count = len(mels)
    chosen = rng.random(count) < share

    def some(probability: float) -> Bool[Array, " crop"]:
        return chosen & (rng.random(count) < probability)

    changed = throat(changed, where=some(0.7), rng=rng)
    changed = room(changed, where=some(0.35), rng=rng)
    changed = noise(changed, where=some(0.6), rng=rng)
    changed = babble(changed, where=some(0.15), rng=rng)
    changed = shaped(changed, where=some(0.9), rng=rng)
    return telephone(changed, where=some(0.2), rng=rng)


def throat(mels: Mels, *, where: Bool[Array, " crop"], rng: np.random.Generator) -> Mels:
    """Longer and shorter vocal tracts: bands are stretched by 0.86-1.16 about the lowest one."""
    factor = rng.uniform(0.86, 1.16, len(mels))
    out = mels.copy()
    for i in np.flatnonzero(where):
        place = np.minimum(np.arange(NUM_BANDS) * factor[i], NUM_BANDS - 1.0)
        low = np.minimum(place.astype(np.int64), NUM_BANDS - 2)
        share = (place - low).astype(np.float32)
        out[i] = (1.0 - share) * mels[i][:, low] + share * mels[i][:, low + 1]
    return out


def room(mels: Mels, *, where: Bool[Array, " crop"], rng: np.random.Generator) -> Mels:
    """A decaying tail of energy: reverberation time 0.15-0.7 s, 2-16 dB below the direct sound."""
    secs, level = rng.uniform(0.15, 0.7, len(mels)), rng.uniform(2.0, 16.0, len(mels))
    keep = np.where(where, 10.0 ** (-6.0 * 0.01 / secs), 0.0)[:, None]
    gain = np.where(where, 10.0 ** (-level / 10.0), 0.0)[:, None]
    power = np.exp(mels)
    tail = np.zeros_like(power[:, 0])
    out = np.empty_like(power)
    for j in range(mels.shape[1]):
        out[:, j] = power[:, j] + gain * (1.0 - keep) * tail
        tail = keep * tail + power[:, j]
    return np.asarray(np.log(out), np.float32)


def noise(mels: Mels, *, where: Bool[Array, " crop"], rng: np.random.Generator) -> Mels:
    """Steady noise of any colour at 3-40 dB below the loud speech, with the flutter of its band energies."""
    count, rows = mels.shape[:2]
    loud = _loudness(mels)
    level = loud - LN_PER_DB * rng.uniform(3.0, 40.0, count)
    colour = rng.uniform(-2.5, 2.5, (count, 1)) * _BAND + rng.normal(0.0, 0.5, (count, 1)) * np.cos(3.0 * _BAND)
    flutter = rng.normal(0.0, 0.45, mels.shape).astype(np.float32)
    spectrum = (level[:, None] + colour)[:, None, :] + flutter
    assert spectrum.shape[1] == rows
    return np.where(where[:, None, None], np.logaddexp(mels, spectrum), mels).astype(np.float32)


def babble(mels: Mels, *, where: Bool[Array, " crop"], rng: np.random.Generator) -> Mels:
    """Another crop of the batch as a voice behind, 10-30 dB lower."""
    others = mels[rng.permutation(len(mels))]
    quieter = _loudness(mels) - _loudness(others) - LN_PER_DB * rng.uniform(10.0, 30.0, len(mels))
    mixed = np.logaddexp(mels, others + quieter[:, None, None])
    return np.where(where[:, None, None], mixed, mels).astype(np.float32)


def shaped(mels: Mels, *, where: Bool[Array, " crop"], rng: np.random.Generator) -> Mels:
    """Gain of -25..+10 dB, and a smooth colour of some dB."""
    count = len(mels)
    gain = rng.uniform(-25.0, 10.0, (count, 1))
    colour = rng.normal(0.0, 4.0, (count, 1)) * _BAND
    for waves in (1, 2, 3):
        colour = colour + rng.normal(0.0, 2.0, (count, 1)) * np.cos(np.pi * waves * (_BAND + 1.0) / 2.0)
    change = np.where(where[:, None], LN_PER_DB * (gain + colour), 0.0)
    return np.asarray(np.maximum(mels + change[:, None, :], FLOOR), np.float32)


def telephone(mels: Mels, *, where: Bool[Array, " crop"], rng: np.random.Generator) -> Mels:
    """A codec's or a small speaker's band: what lies above (and by chance below) it is lost."""
    top = rng.integers(24, NUM_BANDS, len(mels))
    bottom = np.where(rng.random(len(mels)) < 0.5, rng.integers(1, 6, len(mels)), 0)
    band = np.arange(NUM_BANDS)
    lost = where[:, None] & ((band >= top[:, None]) | (band < bottom[:, None]))
    return np.where(lost[:, None, :], np.float32(FLOOR), mels).astype(np.float32)


def masked_rows(rows: Mels, *, share: float, rng: np.random.Generator) -> Mels:
    """Normalised rows with up to two blocks of bands hidden (SpecAugment, Park et al. 2019)."""
    out = rows.copy()
    for i in np.flatnonzero(rng.random(len(rows)) < share):
        for _ in range(2):
            low, width = int(rng.integers(NUM_BANDS)), int(rng.integers(1, 6))
            out[i, :, low : low + width] = out[i, :, low : low + width].mean()
    return out


def _loudness(mels: Mels) -> Float[Array, " crop"]:
    """Level of the loud part of each crop: 90th percentile over time of the mean over bands."""
    return np.asarray(np.percentile(mels.mean(axis=2), 90.0, axis=1))
