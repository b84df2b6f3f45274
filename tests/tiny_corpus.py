"""A corpus of a few seconds that trains for real: tones in bands whose loudness opens a mouth."""

from pathlib import Path

import numpy as np

from face_emote.core.names import PHONES
from face_emote_lab.train.corpus.cache import ClipData, Job, num_frames_of, write_source

SECS = 2.0
_SAY = ("SIL", "M", "AA", "P", "IY", "SIL")


def make_corpus(folder: Path, *, talkers: tuple[str, ...] = ("s1", "s4"), clips: int = 4) -> Path:
    """`grid_s1`, `grid_talkers` (captured) and `librispeech` (a voice) with random sentences of six phones."""
    rng = np.random.default_rng(0)
    for source, own in (("grid_s1", talkers[:1]), ("grid_talkers", talkers[1:]), ("librispeech", ("19",))):
        kind = "voice" if source == "librispeech" else "capture"
        jobs = [
            Job(
                name=f"{talker}_{k}",
                talker=talker,
                language="en",
                kind=kind,
                split="train" if k else "test",
                make=_maker(seed=int(rng.integers(1 << 30))),
            )
            for talker in own
            for k in range(clips)
        ]
        write_source(jobs, folder=folder, source=source)
    return folder


def _maker(*, seed: int):
    def make() -> ClipData:
        rng = np.random.default_rng(seed)
        num = int(SECS * 16_000)
        frames = num_frames_of(num)
        which = np.minimum(np.arange(frames) * len(_SAY) // frames, len(_SAY) - 1)
        phones = np.array([PHONES.index(_SAY[k]) for k in which], np.uint8)
        is_open = np.isin(which, (2, 4)).astype(float)
        level = np.repeat(is_open, -(-num // frames))[:num]
        t = np.arange(num) / 16_000.0
        samples = (0.2 * level * np.sin(2 * np.pi * rng.uniform(200, 400) * t) + 0.002 * rng.normal(size=num)).astype(
            np.float32
        )
        lips = np.zeros((frames, 9), np.float32)
        lips[:, 0] = np.convolve(0.12 * is_open, np.ones(5) / 5.0, mode="same")
        lips[:, 2] = 2.0 * lips[:, 0]
        lips[:, 6] = np.isin(which, (1, 3))
        lips[:, 8] = (which > 0) & (which < 5)
        known = np.ones((frames, 9), np.uint8)
        return ClipData(samples=samples, lips=lips, known=known, phones=phones)

    return make
