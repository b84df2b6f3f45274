"""Batches of speech for the experts that listen or watch lips."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.network.channels import LIP_CHANNELS
from face_emote.network.config import NetConfig
from face_emote.network.experts import GEOMETRY, geometry_of
from face_emote.train.config import DataConfig
from face_emote.train.corpus.cache import Corpus
from face_emote.train.crops import Pool, lip_batch, make_pool

SHARES = {
    "grid_s1": 0.28, "grid_talkers": 0.22, "stretched": 0.12, "facegood": 0.08, "librispeech": 0.13, "vctk": 0.04,
    "emodb": 0.03, "flite": 0.03, "espeak": 0.04, "jtalk": 0.02, "emotional": 0.02,
}  # fmt: skip
"""Real lips first; the teacher's bring more voices."""
_IN_STEP = NetConfig(look_ahead_frames=(0,))
_SEEN = [LIP_CHANNELS.index(name) for name in GEOMETRY]


@dataclass(frozen=True, slots=True, eq=False)
class SpeechCrops:
    """Crops in which frame t of everything is motion frame t."""

    rows: Float[Array, "crop row band=40"]
    """Normalised, two a frame."""
    lips: Float[Array, "crop frame channel=9"]
    """Natural units."""
    known: Float[Array, "crop frame channel=9"]
    phones: Int[Array, "crop frame"]
    """255 where unknown."""

    def geometry(self) -> Float[Array, "crop frame 3"]:
        """What can be seen of the lips."""
        return geometry_of(self.lips).astype(np.float32)

    def geometry_known(self) -> Float[Array, "crop frame"]:
        """1 where all of it is known."""
        return np.asarray(self.known[..., _SEEN].min(axis=-1))


@dataclass(frozen=True, slots=True, eq=False)
class SpeechPool:
    """Training clips and how crops are made of them."""

    pool: Pool
    data: DataConfig


def speech_pool(corpus: Corpus, *, batch: int, frames: int, hold_out: tuple[str, ...] = ()) -> SpeechPool:
    """The training clips of a corpus by `SHARES`; sources that are missing are left out."""
    there = {row.source for row in corpus.clips if row.split == "train"}
    shares = {name: share for name, share in SHARES.items() if name in there}
    data = DataConfig(
        batch=batch, crop_frames=frames, shares=shares, hold_out_talkers=hold_out, phones_known=0.0, augment=0.5
    )
    return SpeechPool(make_pool(corpus, data), data)


def speech_crops(speech: SpeechPool, rng: np.random.Generator) -> SpeechCrops:
    """One batch; the generator decides everything."""
    crops = lip_batch(speech.pool, net=_IN_STEP, data=speech.data, rng=rng)
    return SpeechCrops(crops.rows, crops.lips.astype(np.float32), crops.known, crops.phones)
