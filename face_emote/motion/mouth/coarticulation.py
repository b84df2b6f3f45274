"""Coarticulation: neighbouring visemes share the mouth in proportion to their dominance at each instant.

Cohen & Massaro 1993 ("Modeling coarticulation in synthetic visual speech"): a channel is the mean of the targets of all
phones, weighted by dominance curves that overlap. The curves here are eased trapezoids of finite reach, so that the
channels are C1, a silence far from speech is exactly at rest, and an hour can be sampled block by block.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.mouth import viseme_table

_REST = viseme_table.target_row("SIL")
_REST_WEIGHT = 1e-6  # Takes over where no phone claims the mouth: before and after the clip.
SMOOTHING = ((-0.02, 0.25), (0.0, 0.5), (0.02, 0.25))
"""Seconds and weights of a small average over time, which rounds off the corners that normalising leaves."""
_BLOCK = 512


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Visemes in order of time, gapless."""

    start_secs: Float[Array, " segment"]
    end_secs: Float[Array, " segment"]
    group: Int[Array, " segment"]  # Index into `GROUPS`.
    targets: Float[Array, f"segment channel={len(viseme_table.CHANNELS)}"]
    strength: Float[Array, " segment"]  # Factor on the group's dominance.
    speech: Float[Array, " segment"]  # 1 for phones, less for pauses within speech, 0 for silence.


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Where the mouth aims on each frame."""

    channels: Float[Array, f"frames channel={len(viseme_table.CHANNELS)}"]
    speech: Float[Array, " frames"]  # How much of the mouth belongs to speech, 0..1.


def blend(segments: Segments, *, times: Float[Array, " frames"]) -> Blend:
    """Blend all segments at ascending `times`. A pure function of each instant: blocks equal the whole, bit by bit."""
    channels = np.zeros((len(times), len(viseme_table.CHANNELS)))
    speech = np.zeros(len(times))
    for shift, share in SMOOTHING:
        for first in range(0, len(times), _BLOCK):
            part = slice(first, first + _BLOCK)
            aims, owned = _blend_block(segments, times[part] + shift)
            channels[part] += share * aims
            speech[part] += share * owned
    return Blend(channels=channels, speech=speech)


def _blend_block(
    segments: Segments, times: Float[Array, " frames"]
) -> tuple[Float[Array, "frames channel"], Float[Array, " frames"]]:
    """Sums run over segments in order of time, one after the other, so that the block's extent cannot change them."""
    lo = int(np.searchsorted(segments.end_secs, times[0] - viseme_table.REACH_SECS))
    hi = int(np.searchsorted(segments.start_secs, times[-1] + viseme_table.REACH_SECS, side="right"))
    near = (segments.start_secs[lo:hi] < times[:, None] + viseme_table.REACH_SECS) & (
        segments.end_secs[lo:hi] > times[:, None] - viseme_table.REACH_SECS
    )
    frame, local = np.nonzero(near)
    index = local + lo
    since = times[frame] - segments.start_secs[index]
    until = segments.end_secs[index] - times[frame]
    length = segments.end_secs[index] - segments.start_secs[index]
    rows = viseme_table.DOMINANCE[:, segments.group[index]]
    out = np.empty((len(times), len(viseme_table.CHANNELS)))
    speech = np.empty(len(times))
    for family in range(len(viseme_table.FAMILIES)):
        strength, before, after, rise, fall = rows[family].T
        up = smoothstep((since + before) / (before + np.minimum(rise * length, viseme_table.MAX_RAMP_SECS)))
        down = smoothstep((until + after) / (after + np.minimum(fall * length, viseme_table.MAX_RAMP_SECS)))
        weight = strength * segments.strength[index] * up * down
        total = np.bincount(frame, weight, len(times)) + _REST_WEIGHT
        for channel in np.flatnonzero(np.array(viseme_table.FAMILY_OF_CHANNEL) == family):
            claimed = np.bincount(frame, weight * segments.targets[index, channel], len(times))
            out[:, channel] = (claimed + _REST_WEIGHT * _REST[channel]) / total
        if family == 0:
            speech = np.bincount(frame, weight * segments.speech[index], len(times)) / total
    return out, speech
