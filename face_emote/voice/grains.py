"""A voice laid again from its own periods: TD-PSOLA (Moulines & Charpentier 1990), with a filter for each period.

Two periods around each closing of the glottis are cut out, filtered from the recording's envelope to the wanted one,
and laid at the wanted distance. What is not touched is the recording's own sound, phases and all, where a vocoder
would say it anew; so the talker stays nearer.
"""

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.voice.vocoder import FRAME_HZ, LOWEST_HZ, Voice

SEARCH = 0.15  # Of a period, around where the next closing of the glottis is looked for.
HOP_SECS = 1.0 / FRAME_HZ  # Between grains where nothing is voiced; they are two hops long.
BETWEEN = 8  # Places of a grain between two samples: rounded to whole ones, a high voice is hoarse.
LEAST_COVER, MOST_COVER = 0.5, 2.0


def laid_again(
    plain: Float[Array, " sample"], voice: Voice, tuned: Voice, *, rate_hz: int, rng: np.random.Generator
) -> Float[Array, " sample"]:
    """A piece with another pitch, envelope and breath; as many samples.

    Args:
        plain: What sounds.
        voice: The same, taken apart.
        tuned: What is wanted, frame by frame.
        rate_hz: Of the samples.
        rng: Of the breath that is added.
    """
    size = 2 * (voice.envelope.shape[1] - 1)
    cuts, halves, places, shares = _grains(plain, voice.pitch_hz, tuned.pitch_hz, rate_hz=rate_hz)
    frames = np.clip(np.round(places * (FRAME_HZ / rate_hz)).astype(int), 0, len(voice.pitch_hz) - 1)
    halves = np.minimum(halves, size // 4)
    out, cover = np.zeros(len(plain) + 2 * size), np.zeros(len(plain) + 2 * size)
    late = np.exp(-2j * np.pi / size / BETWEEN * np.arange(BETWEEN)[:, None] * np.arange(size // 2 + 1))
    padded, inner = np.pad(plain, size), np.arange(size) - size // 2
    # What a filter smears over the ends of a grain's array must not click.
    taper = np.clip(2.0 - 4.0 * np.abs(inner) / size, 0.0, 1.0)
    taper = 0.5 - 0.5 * np.cos(np.pi * taper)
    for first in range(0, len(cuts), 256):  # Spectra of all of them at once would need 16 times the sound's memory.
        part = slice(first, first + 256)
        at, half, frame = cuts[part], halves[part, None], frames[part]
        window = np.where(np.abs(inner) < half, 0.5 + 0.5 * np.cos(np.pi * inner / half), 0.0)
        spectra = np.fft.rfft(padded[(at + size)[:, None] + inner] * window)
        noise = np.fft.rfft(rng.standard_normal(window.shape) * window) / np.sqrt((window**2).sum(axis=1))[:, None]
        breath = np.sqrt(np.clip(tuned.breath[frame] ** 2 - voice.breath[frame] ** 2, 0.0, 1.0))
        breath *= (voice.pitch_hz[frame] > 0.0)[:, None]
        spectra = np.sqrt(1.0 - breath**2) * spectra + breath * np.abs(spectra) * noise
        spectra *= np.sqrt(tuned.envelope[frame] / np.maximum(voice.envelope[frame], 1e-30))
        spectra *= late[(places[part] % 1.0 * BETWEEN).astype(int)]
        grains = taper * np.fft.irfft(spectra * np.sqrt(shares[part])[:, None], size)
        for place, grain, weight in zip(places[part], grains, window * shares[part, None], strict=True):
            start = int(place) + size - size // 2
            out[start : start + size] += grain
            cover[start : start + size] += weight
    own = slice(size, size + len(plain))
    found: Array = out[own] / np.clip(cover[own], LEAST_COVER, MOST_COVER)
    return found


def _grains(
    plain: Float[Array, " sample"], pitch_hz: Float[Array, " frame"], wanted_hz: Float[Array, " frame"], *, rate_hz: int
) -> tuple[Int[Array, " grain"], Int[Array, " grain"], Float[Array, " grain"], Float[Array, " grain"]]:
    """Where grains are cut out and laid.

    Of each: its middle in the sound, half its length, where its middle is laid, its new distance to the next by
    the old one.
    """
    hop = max(1, round(HOP_SECS * rate_hz))
    marks, periods = _closings(plain, pitch_hz, rate_hz=rate_hz)
    rows: list[tuple[int, int, float, float]] = []
    place, was_voiced, last = 0.0, False, len(pitch_hz) - 1
    while place < len(plain):
        frame = min(int(place * FRAME_HZ / rate_hz + 0.5), last)
        if pitch_hz[frame] <= 0.0 or wanted_hz[frame] <= 0.0 or not len(marks):
            rows.append((int(place), hop, float(int(place)), 1.0))
            place, was_voiced = float(int(place) + hop), False
            continue
        near = int(np.searchsorted(marks, place))
        if near and (near == len(marks) or place - marks[near - 1] < marks[near] - place):
            near -= 1
        if not was_voiced and abs(marks[near] - place) < 2 * periods[near]:
            place = float(marks[near])
        share = float(pitch_hz[frame] / wanted_hz[frame])
        # The cut lies at a whole sample, its mark a little later.
        cut, period = int(marks[near]), round(rate_hz / float(pitch_hz[frame]))
        rows.append((cut, period, place - float(marks[near] - cut), share))
        place, was_voiced = place + rate_hz / float(wanted_hz[frame]), True
    cuts, halves, places, shares = zip(*rows, strict=True)
    return np.array(cuts), np.array(halves), np.array(places), np.array(shares)


def _closings(
    plain: Float[Array, " sample"], pitch_hz: Float[Array, " frame"], *, rate_hz: int
) -> tuple[Float[Array, " mark"], Int[Array, " mark"]]:
    """A place in each period, between samples, and the distance to the next.

    The first of a voiced span is its strongest sample, every other where the wave is most like around the one before:
    peaks alone hop from ripple to ripple, and a voice that is laid by them is hoarse.
    """
    marks: list[float] = []
    periods: list[int] = []
    place, starts, last, most = 0.0, True, len(pitch_hz) - 1, round(rate_hz / LOWEST_HZ)
    padded = np.pad(plain, 2 * most)
    while place < len(plain):
        pitch = float(pitch_hz[min(int(place * FRAME_HZ / rate_hz + 0.5), last)])
        if pitch <= 0.0:
            place, starts = place + rate_hz / FRAME_HZ, True
            continue
        period = rate_hz / pitch
        if starts:
            first = int(place)
            place = first + float(np.argmax(np.abs(plain[first : first + round(period) + 1])))
            starts = False
        else:
            around, half = max(1, round(SEARCH * period)), round(0.5 * period)
            whole = int(marks[-1])
            like = padded[2 * most + whole - half : 2 * most + whole + half + 1]
            first = int(place) - around
            place = first + _most_alike(
                padded[2 * most + first - half : 2 * most + int(place) + around + half + 1], like
            )
            place += marks[-1] - whole
            periods[-1] = max(2, round(place - marks[-1]))
        marks.append(place)
        periods.append(max(2, round(period)))
        place += period
    return np.array(marks), np.array(periods, int)


def _most_alike(sound: Float[Array, " sample"], like: Float[Array, " tap"]) -> float:
    """The sample, and what lies between two, from which on a sound correlates best with a shorter one."""
    power = np.cumsum(np.pad(sound**2, (1, 0)))
    score = np.correlate(sound, like, "valid") / np.sqrt(power[len(like) :] - power[: -len(like)] + 1e-12)
    best = int(score.argmax())
    if not 0 < best < len(score) - 1:
        return float(best)
    left, middle, right = score[best - 1 : best + 2]
    return best + 0.5 * float((left - right) / min(left - 2.0 * middle + right, -1e-12))
