"""Batches for the expression path: speech, random emotions, and what the authored expression makes of them."""

from dataclasses import dataclass

import numpy as np
import torch

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import MOTION_HZ
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.config import EMOTION_COLUMNS, LATENT_FRAMES, NUM_EXPRESSION_OUTPUTS
from face_emote.network.hearing import normalised
from face_emote.train.augment import FLOOR, augmented
from face_emote.train.config import TrainConfig
from face_emote.train.corpus.cache import Corpus
from face_emote.train.crops import NO_LABEL, make_pool
from face_emote.train.random_plans import random_plan
from face_emote.train.teacher_expression import cues_from_mels, expression_targets, plan_track
from face_emote.train.torch_net import latent_emotion


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionCrops:
    """Crops for the expression path."""

    rows: Float[Array, "crop row band=40"]
    """Normalised, 8 a latent."""
    raw: Float[Array, "crop row band=40"]
    """The same before normalising."""
    look_ahead: Int[Array, " crop"]
    """Index into `NetConfig.look_ahead_frames`."""
    emotion: Float[Array, f"crop latent column={len(EMOTION_COLUMNS)}"]
    """What each latent is conditioned on."""
    felt: Float[Array, f"crop frame column={len(EMOTION_COLUMNS)}"]
    """The same per motion frame."""
    targets: Float[Array, f"crop frame output={NUM_EXPRESSION_OUTPUTS}"]
    """Per motion frame."""


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionPool:
    """Clips whose phones are known (their prominence can be told), and the chance of each."""

    corpus: Corpus
    clips: Int[Array, " clip"]
    chance: Float[Array, " clip"]
    x0: Float[Array, " band=40"]


def expression_pool(corpus: Corpus, config: TrainConfig) -> ExpressionPool:
    """The clips of the lip path's pool that have phones."""
    pool = make_pool(corpus, config.data)
    spoken = np.array([int(np.asarray(corpus.phones(int(i)))[0]) != NO_LABEL for i in pool.clips])
    chance = pool.chance * spoken
    return ExpressionPool(corpus=corpus, clips=pool.clips, chance=chance / chance.sum(), x0=pool.x0)


def expression_batch(pool: ExpressionPool, *, config: TrainConfig, rng: np.random.Generator) -> ExpressionCrops:
    """One batch; the generator decides everything."""
    wanted = config.expression
    frames = LATENT_FRAMES * wanted.crop_latents
    chosen = pool.clips[rng.choice(len(pool.clips), size=wanted.batch, p=pool.chance)]
    parts = [_crop(pool.corpus, int(i), frames=frames, rng=rng) for i in chosen]
    mels, felt, targets = (np.stack(part) for part in zip(*parts, strict=True))
    look_ahead = rng.integers(len(config.net.look_ahead_frames), size=wanted.batch)
    raw = augmented(mels, share=config.data.augment, rng=rng)
    return ExpressionCrops(
        rows=normalised(raw, pool.x0),
        raw=raw,
        look_ahead=look_ahead,
        emotion=latent_rows(felt, look_ahead, config=config),
        felt=felt,
        targets=targets,
    )


def latent_rows(felt: Array, look_ahead: Int[Array, " crop"], *, config: TrainConfig) -> Array:
    """What each latent is conditioned on (`torch_net.latent_emotion`), from the emotion of the motion frames."""
    late = torch.tensor(config.net.look_ahead_frames)[torch.from_numpy(look_ahead)]
    return latent_emotion(torch.from_numpy(felt), late, num_latents=config.expression.crop_latents).numpy()


def _crop(corpus: Corpus, index: int, *, frames: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Log-mels [2 frames, 40], emotion [frames, 21] and targets [frames, 80]; silence follows a short clip."""
    clip = corpus.clips[index]
    first = int(rng.integers(0, max(clip.num_frames - frames, 0) + 1)) if rng.random() < 0.6 else 0
    stop = min(first + frames, clip.num_frames)
    mels = np.full((2 * frames, 40), FLOOR, np.float32)
    heard = np.asarray(corpus.mels(index)[2 * first : 2 * stop], np.float32)
    mels[: len(heard)] = heard
    phones = np.zeros(frames, np.int64)
    phones[: stop - first] = np.asarray(corpus.phones(index)[first:stop])
    felt = plan_track(random_plan(rng, duration_secs=frames / MOTION_HZ), num_frames=frames)
    return mels, emotion_rows(felt), expression_targets(felt, cues_from_mels(mels, phones))
