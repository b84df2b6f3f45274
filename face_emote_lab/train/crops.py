"""Batches of crops from the corpus: what the lip path hears, what it has to answer, and what of that is known.

Every batch is a function of (seed, step, rank) alone, so a run that goes on after an interruption sees what it would
have seen.
"""

from dataclasses import dataclass

import numpy as np
import torch

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import CorpusError
from face_emote.network.config import LIP_CHANNELS, NetConfig
from face_emote.network.hearing import normalised
from face_emote.network.weights import UNKNOWN_PHONE
from face_emote_lab.train.augment import FLOOR, augmented, masked_rows
from face_emote_lab.train.config import DataConfig
from face_emote_lab.train.corpus.cache import UNKNOWN_PHONE as NO_LABEL
from face_emote_lab.train.corpus.cache import Corpus
from face_emote_lab.train.lip_losses import relative_loudness

TEMPO = (0.85, 1.2)


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Crops for the lip path; frame t of every array is hidden frame t, answers belong to motion frame t - L."""

    rows: Float[Array, "crop row band=40"]  # Normalised, two rows a hidden frame.
    look_ahead: Int[Array, " crop"]  # Index into `NetConfig.look_ahead_frames`.
    style: Int[Array, " crop"]
    phones_given: Int[Array, "crop frame"]  # What the path is given: `UNKNOWN_PHONE` where nothing.
    phones: Int[Array, "crop frame"]  # The truth at each motion frame; `NO_LABEL` where unknown.
    lips: Float[Array, f"crop frame channel={len(LIP_CHANNELS)}"]
    known: Float[Array, f"crop frame channel={len(LIP_CHANNELS)}"]
    loudness: Float[Array, "crop frame"]
    """Against the loudness of this talker's speech: 0 silence .. about 1 (`losses.lips.relative_loudness`)."""
    captured: Array  # Whether the lips are a real person's, per crop.


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The clips that crops come from, with the probability of each."""

    corpus: Corpus
    clips: Int[Array, " clip"]
    chance: Float[Array, " clip"]
    x0: Float[Array, " band=40"]  # Mean log-mel of speech.


def make_pool(corpus: Corpus, data: DataConfig) -> Pool:
    """Choose the training clips: a source by its share, a clip of it by its length.

    CorpusError: the corpus holds no clip to learn from.
    """
    clips = np.array(
        [
            i
            for i, clip in enumerate(corpus.clips)
            if clip.split == "train"
            and data.shares.get(clip.source, 0.0) > 0.0
            and clip.talker not in data.hold_out_talkers
        ],
        np.int64,
    )
    if not len(clips):
        raise CorpusError(
            f"No clip is left to learn from of {', '.join(corpus.arrays)}: data.shares gives a share to none of them, "
            f"or all are held out; see docs/training.md: {corpus.folder}"
        )
    length = np.array([corpus.clips[i].num_frames for i in clips], np.float64)
    source = np.array([corpus.clips[i].source for i in clips])
    chance = np.zeros(len(clips))
    for name in np.unique(source):
        own = source == name
        chance[own] = data.shares[str(name)] * length[own] / length[own].sum()
    return Pool(corpus=corpus, clips=clips, chance=chance / chance.sum(), x0=_mean_speech(corpus, clips))


def _mean_speech(corpus: Corpus, clips: Int[Array, " clip"]) -> Float[Array, " band=40"]:
    """Mean log-mel of up to 200 clips, each frame counting by its amplitude."""
    total, weight = np.zeros(40), 0.0
    for i in clips[:: max(1, len(clips) // 200)]:
        mels = np.asarray(corpus.mels(int(i)), np.float64)
        amplitude = np.sqrt(np.exp(mels).mean(axis=1))
        total, weight = total + amplitude @ mels, weight + float(amplitude.sum())
    return (total / max(weight, 1e-9)).astype(np.float32)


def lip_batch(pool: Pool, *, net: NetConfig, data: DataConfig, rng: np.random.Generator) -> Crops:
    """One batch; the generator decides everything."""
    chosen = pool.clips[rng.choice(len(pool.clips), size=data.batch, p=pool.chance)]
    look_ahead = rng.integers(len(net.look_ahead_frames), size=data.batch)
    mels, lips, known, phones = (
        np.stack(part) for part in zip(*(_crop(pool.corpus, int(i), data=data, rng=rng) for i in chosen), strict=True)
    )
    silent = np.array([pool.corpus.clips[int(i)].kind == "silent" for i in chosen])
    loudness = relative_loudness(torch.from_numpy(mels)).numpy() * ~silent[:, None]
    rows = normalised(augmented(mels, share=data.augment, rng=rng), pool.x0)
    rows = masked_rows(rows, share=0.3 * data.augment, rng=rng)
    clips = [pool.corpus.clips[int(i)] for i in chosen]
    captured = np.array([clip.kind == "capture" for clip in clips])
    named = captured & (rng.random(data.batch) < data.style_known)
    style = [
        net.styles.index(clip.talker) if n and clip.talker in net.styles else 0
        for clip, n in zip(clips, named, strict=True)
    ]
    given = np.where(phones == NO_LABEL, UNKNOWN_PHONE, phones)
    given = np.where((rng.random(data.batch) < data.phones_known)[:, None], given, UNKNOWN_PHONE)
    late = np.array(net.look_ahead_frames)[look_ahead]
    return Crops(
        rows=rows,
        look_ahead=look_ahead,
        style=np.array(style, np.int64),
        phones_given=given,
        phones=_delayed(phones, late, fill=NO_LABEL),
        lips=_delayed(lips, late, fill=0.0),
        known=_delayed(known, late, fill=0.0),
        loudness=_delayed(loudness, late, fill=1.0),
        captured=captured,
    )


def _delayed(values: Array, late: Int[Array, " crop"], *, fill: float | int) -> Array:
    """Motion frame t - late at place t; `fill` before the first."""
    out = np.full_like(values, fill)
    for i, frames in enumerate(late):
        out[i, frames:] = values[i, : values.shape[1] - frames]
    return out


def _crop(
    corpus: Corpus, index: int, *, data: DataConfig, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Log-mels [2U, 40], lips and what is known of them [U, 9], phones [U], of a random stretch at a random tempo."""
    clip, frames = corpus.clips[index], data.crop_frames
    tempo = rng.uniform(*TEMPO) if rng.random() < 0.5 * data.augment else 1.0
    span = frames * tempo
    spare = clip.num_frames - span
    first = 0.0 if rng.random() < 0.25 or spare <= 0.0 else rng.uniform(0.0, spare)
    first = float(np.floor(first))
    place = first + np.arange(frames) * tempo
    mel_place = 2.0 * first + np.arange(2 * frames) * tempo
    mels = _sampled(corpus.mels(index), mel_place, outside=FLOOR)
    lips = _sampled(corpus.lips(index), place, outside=0.0)
    nearest = np.minimum(np.round(place).astype(np.int64), clip.num_frames - 1)
    inside = place <= clip.num_frames - 1
    known = np.asarray(corpus.known(index))[nearest] * inside[:, None]
    phones = np.where(inside, np.asarray(corpus.phones(index))[nearest], 0)
    return mels, lips, known.astype(np.float32), phones.astype(np.int64)


def _sampled(values: Array, place: Float[Array, " row"], *, outside: float) -> Array:
    """Rows at fractional places, linearly; `outside` after the last one."""
    last = len(values) - 1
    low = np.minimum(place.astype(np.int64), last)
    first = int(low[0])
    part = np.asarray(values[first : min(int(place[-1]) + 2, last + 1)], np.float32)
    share = (place - low).astype(np.float32)[:, None]
    high = np.minimum(low + 1, last)
    out: Array = (1.0 - share) * part[low - first] + share * part[np.minimum(high - first, len(part) - 1)]
    out[place > last] = outside
    return out
