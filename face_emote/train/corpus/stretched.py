"""Real lips once more, slower or faster: sound resampled by 0.8 to 1.3 (another throat), motion along with it."""

from dataclasses import replace

import numpy as np

from face_emote.audio.resampler import resample
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.network.channels import LIP_CHANNELS
from face_emote.train.corpus.cache import ClipData, Job, num_frames_of
from face_emote.train.corpus.tracked_lips import cubic

RANGE = (0.8, 1.3)
SHARES = ("rounding", "flare", "tongue", "closure", "tuck", "speech")


def stretched_jobs(jobs: list[Job]) -> list[Job]:
    """One copy of each training clip; the talker stays."""
    return [_job(clip, index=i) for i, clip in enumerate(jobs) if clip.split == "train"]


def stretched(clip: ClipData, *, factor: float) -> ClipData:
    """All times multiplied by about `factor` (rounded so that rates are multiples of 50 Hz)."""
    rate = round(SAMPLE_RATE_HZ / factor / 50.0) * 50
    exact = SAMPLE_RATE_HZ / rate
    samples = np.concatenate(list(resample([clip.samples], rate_in=rate)))
    last = len(clip.lips) - 1
    at = np.minimum(np.arange(num_frames_of(len(samples))) / exact, last)
    before, after = np.floor(at).astype(int), np.ceil(at).astype(int)
    lips = cubic(clip.lips, at=at)
    shares = [LIP_CHANNELS.index(name) for name in SHARES]
    lips[:, shares] = np.clip(lips[:, shares], 0.0, 1.0)
    lips[:, 0] = np.maximum(lips[:, 0], min(float(clip.lips[:, 0].min()), 0.0))
    return replace(
        clip, samples=samples, lips=lips, known=np.minimum(clip.known[before], clip.known[after]),
        phones=clip.phones[np.minimum(np.round(at).astype(int), last)], audio="",
    )  # fmt: skip


def _job(clip: Job, *, index: int) -> Job:
    factor = float(np.random.default_rng([index, 6]).uniform(*RANGE))
    name = f"{clip.name}_x{round(100 * factor):03d}"
    return Job(name=name, make=lambda: replace(stretched(clip.make(), factor=factor), name=name))
