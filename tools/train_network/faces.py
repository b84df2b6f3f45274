"""What the expression path learns: to answer what the authored expression makes of speech and of emotions.

Every batch is a function of (seed, step, rank) alone, as those of the lips.
"""

from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import CorpusError
from face_emote.core.names import MOTION_HZ
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.config import (
    BEARING_SLICE,
    BLOOD_SLICE,
    CONTROL_SLICE,
    EMOTION_COLUMNS,
    LATENT_FRAMES,
    NUM_EXPRESSION_OUTPUTS,
    VOICE_SLICE,
    WRINKLE_SLICE,
)
from face_emote.network.hearing import normalised
from face_emote_lab.train.augment import FLOOR, augmented
from face_emote_lab.train.config import TrainConfig
from face_emote_lab.train.corpus.cache import UNKNOWN_PHONE as NO_LABEL
from face_emote_lab.train.corpus.cache import Corpus
from face_emote_lab.train.crops import Crops, Pool
from face_emote_lab.train.measure import correlation
from face_emote_lab.train.objective import Terms
from face_emote_lab.train.torch_net import TorchMotionNet
from tools.train_network.random_plans import random_plan
from tools.train_network.teacher_expression import cues_from_mels, expression_targets, plan_track


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


def spoken_pool(pool: Pool) -> Pool:
    """Only the clips whose phones are known: their prominence can be judged."""
    spoken = np.array([int(np.asarray(pool.corpus.phones(int(i)))[0]) != NO_LABEL for i in pool.clips])
    if not spoken.any():
        raise CorpusError("No training clip has known phones, which the expression path is taught on; put transcripts "
                          f'(.txt) beside the sounds, or set parts = ["lips"]: {pool.corpus.folder}')  # fmt: skip
    chance = pool.chance * spoken
    return replace(pool, chance=chance / chance.sum())


def expression_batch(pool: Pool, *, config: TrainConfig, rng: np.random.Generator) -> ExpressionCrops:
    """One batch; the generator decides everything."""
    wanted = config.expression
    frames = LATENT_FRAMES * wanted.crop_latents
    chosen = pool.clips[rng.choice(len(pool.clips), size=wanted.batch, p=pool.chance)]
    parts = [_spoken_crop(pool.corpus, int(i), frames=frames, rng=rng) for i in chosen]
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
    """What each latent is conditioned on (`latent_emotion`), from the emotion of the motion frames."""
    late = torch.tensor(config.net.look_ahead_frames)[torch.from_numpy(look_ahead)]
    return latent_emotion(torch.from_numpy(felt), late, num_latents=config.expression.crop_latents).numpy()


def latent_emotion(emotion: Tensor, look_ahead_frames: int | Tensor, *, num_latents: int) -> Tensor:
    """Emotion of each latent [batch, latent, 21] from that of motion frames [batch, frame, 21]; the last one holds."""
    at = _latent_frames(num_latents, look_ahead_frames, device=emotion.device).clamp(0, emotion.shape[1] - 1)
    return emotion.gather(1, at[..., None].expand(emotion.shape[0], -1, emotion.shape[2]))


def _latent_frames(num_latents: int, look_ahead_frames: int | Tensor, *, device: torch.device) -> Tensor:
    look = torch.as_tensor(look_ahead_frames, device=device).reshape(-1, 1)
    return LATENT_FRAMES * torch.arange(num_latents, device=device) + 2 * LATENT_FRAMES - 1 - look


def upsampled(latents: Tensor, num_frames: int, *, look_ahead_frames: int | Tensor) -> Tensor:
    """Answers for motion frames [batch, frame, channel], linearly between latents [batch, v, channel].

    L is one number for all or [batch] one each; the last frame needs latent (num_frames - 1 + L - 7) / 4, rounded up.
    """
    look = torch.as_tensor(look_ahead_frames, device=latents.device).reshape(-1, 1)
    ahead = (torch.arange(num_frames, device=latents.device) + look - 2 * LATENT_FRAMES + 1).clamp_min(0)
    below = ahead // LATENT_FRAMES
    share = ((ahead % LATENT_FRAMES) / LATENT_FRAMES).to(latents.dtype)[..., None]
    above = torch.where(share[..., 0] > 0, below + 1, below)
    shape = (latents.shape[0], num_frames, latents.shape[2])
    return torch.lerp(
        latents.gather(1, below[..., None].expand(shape)), latents.gather(1, above[..., None].expand(shape)), share
    )


def _spoken_crop(corpus: Corpus, index: int, *, frames: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Log-mels [2 frames, 40], emotion [frames, 21] and targets [frames, 80]; silence follows a short clip."""
    clip = corpus.clips[index]
    first = int(rng.integers(0, max(clip.num_frames - frames, 0) + 1)) if rng.random() < 0.6 else 0
    stop = min(first + frames, clip.num_frames)
    mels, phones = amid_silence(corpus, index, part=slice(first, stop), frames=frames, at=0)
    felt = plan_track(random_plan(rng, duration_secs=frames / MOTION_HZ), num_frames=frames)
    return mels, emotion_rows(felt), expression_targets(felt, cues_from_mels(mels, phones))


def amid_silence(corpus: Corpus, index: int, *, part: slice, frames: int, at: int) -> tuple[Array, Array]:
    """Log-mels [2 frames, 40] and phones [frames] in which frame `at` and those behind it are a part of a clip."""
    mels, phones = np.full((2 * frames, 40), FLOOR, np.float32), np.zeros(frames, np.int64)
    heard = corpus.mels(index)[2 * part.start : 2 * part.stop]
    mels[2 * at : 2 * at + len(heard)] = heard
    phones[at : at + part.stop - part.start] = corpus.phones(index)[part]
    return mels, phones


class FaceJudges(Protocol):
    """What somebody else says about answers of the expression path."""

    def of_faces(self, latents: Tensor, crops: ExpressionCrops, *, step: int) -> Terms:
        """Terms for answers [crop, latent, 80]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TaughtFaces:
    """The teacher of a run: `train.objective.Faces`."""

    pool: Pool
    """Of clips whose phones are known."""
    config: TrainConfig
    device: torch.device
    judges: FaceJudges | None = None

    def terms(self, net: TorchMotionNet, *, rng: np.random.Generator, step: int) -> Terms:
        """Terms of the expression path on the batch of a step."""
        crops = expression_batch(self.pool, config=self.config, rng=rng)
        rows, emotion = self._tensor(crops.rows), self._tensor(crops.emotion)
        latents = net.expression(rows, look_ahead=self._tensor(crops.look_ahead), emotion=emotion)
        terms: Terms = {name: latents.new_zeros(()) for name in ("expression", "expression_velocity")}
        for i, frames in enumerate(net.config.look_ahead_frames):
            own = np.flatnonzero(crops.look_ahead == i)
            if not len(own):
                continue
            num = crops.targets.shape[1] - frames
            answer = upsampled(latents[torch.from_numpy(own)], num, look_ahead_frames=frames)
            wanted = self._tensor(crops.targets[own, :num])
            share = len(own) / len(crops.look_ahead)
            velocity = expression_error(answer[:, 1:] - answer[:, :-1], wanted[:, 1:] - wanted[:, :-1])
            terms["expression"] = terms["expression"] + share * expression_error(answer, wanted)
            terms["expression_velocity"] = terms["expression_velocity"] + share * 10.0 * velocity
        return terms if self.judges is None else terms | self.judges.of_faces(latents, crops, step=step)

    def errors(self, net: TorchMotionNet) -> dict[str, float]:
        """`ExpressionErrors` by name."""
        return asdict(expression_errors(net, self.pool, config=self.config))

    def _tensor(self, values: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


def random_emotions(crops: Crops, *, seed: int, step: int) -> Float[Array, "crop frame 21"]:
    """An emotion for every crop, for a lip path that sees it."""
    rng = np.random.default_rng([seed, step, 7])
    frames = crops.lips.shape[1]
    felt = [plan_track(random_plan(rng, duration_secs=frames / 50.0), num_frames=frames) for _ in crops.rows]
    return np.stack([emotion_rows(one) for one in felt])


def expression_error(answer: Float[Tensor, "crop frame 80"], truth: Float[Tensor, "crop frame 80"]) -> Tensor:
    """Mean SmoothL1, each group of answers in units of what is seen: 0.05 of a control, 0.1 of a voice track."""
    unit = answer.new_full((NUM_EXPRESSION_OUTPUTS,), 10.0)
    for part in (CONTROL_SLICE, WRINKLE_SLICE, BLOOD_SLICE):
        unit[part] = 20.0
    unit[VOICE_SLICE] = 3.0
    return functional.smooth_l1_loss(answer * unit, truth * unit)


@dataclass(frozen=True, slots=True)
class ExpressionErrors:
    """Mean absolute errors on emotions and stretches of speech that no step has drawn."""

    controls: float
    bearing: float
    wrinkles: float
    blood: float
    accents_correlation: float


@torch.no_grad()
def expression_errors(net: TorchMotionNet, pool: Pool, *, config: TrainConfig) -> ExpressionErrors:
    """Two batches from a generator of their own, at the longest look-ahead."""
    device = next(net.parameters()).device
    plain = replace(config, data=replace(config.data, augment=0.0))
    found = []
    for k in range(2):
        crops = expression_batch(pool, config=plain, rng=np.random.default_rng([config.seed, k, 2**31]))
        place = len(config.net.look_ahead_frames) - 1
        late = config.net.look_ahead_frames[place]
        same = np.full(len(crops.rows), place)
        emotion = latent_rows(crops.felt, same, config=config)
        latents = net.expression(
            torch.from_numpy(crops.rows).to(device),
            look_ahead=torch.from_numpy(same).to(device),
            emotion=torch.from_numpy(emotion).to(device),
        )
        num = crops.targets.shape[1] - late
        found.append((upsampled(latents.float(), num, look_ahead_frames=late).cpu().numpy(), crops.targets[:, :num]))
    answer, truth = (np.concatenate(part) for part in zip(*found, strict=True))
    wrong = np.abs(answer - truth)
    accents = VOICE_SLICE.start
    return ExpressionErrors(
        controls=float(wrong[..., CONTROL_SLICE].mean()),
        bearing=float(wrong[..., BEARING_SLICE].mean()),
        wrinkles=float(wrong[..., WRINKLE_SLICE].mean()),
        blood=float(wrong[..., BLOOD_SLICE].mean()),
        accents_correlation=correlation(answer[..., accents].ravel(), truth[..., accents].ravel()),
    )
