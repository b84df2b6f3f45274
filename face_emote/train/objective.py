"""The loss of a step: what the lip path and the expression path are asked for, term by term."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Float
from face_emote.core.errors import ConfigError
from face_emote.face.bundled import load_head
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.config import BLOOD_SLICE, CONTROL_SLICE, NUM_EXPRESSION_OUTPUTS, VOICE_SLICE, WRINKLE_SLICE
from face_emote.network.experts import load_emotional_sync, load_lip_reader, load_sync
from face_emote.train.config import TrainConfig
from face_emote.train.crops import Crops
from face_emote.train.experts.emotional_sync import FrozenEmotionalSync, feeling_terms, frozen_emotional_sync
from face_emote.train.experts.lip_judges import FrozenSync, frozen_reader, frozen_sync, reader_loss, sync_loss
from face_emote.train.experts.torch_convnet import TorchConvNet
from face_emote.train.expression_crops import ExpressionCrops
from face_emote.train.lip_losses import LipLossWeights, LipTruth, lip_exchange_loss, lip_terms, natural, vertices_loss
from face_emote.train.lip_solve import TorchMouth, torch_mouth
from face_emote.train.random_plans import random_plan
from face_emote.train.teacher_expression import plan_track
from face_emote.train.torch_net import TorchMotionNet, upsampled


def tensor(values: np.ndarray, device: torch.device) -> Tensor:
    """The same numbers on the device; their type stays (float32, int64 ..)."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


if TYPE_CHECKING:
    from face_emote.train.pictures.losses import PictureStage

SYNC, READER, FEELING = "sync_train.safetensors", "lip_reader_train.safetensors", "emotional_sync_train.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class ExtraTerms:
    """What the configuration's further losses need; None where a loss is off."""

    config: TrainConfig
    mouth: TorchMouth | None
    reader: TorchConvNet | None
    sync: FrozenSync | None
    feeling: FrozenEmotionalSync | None
    pictures: "PictureStage | None"

    def random_emotion(self, crops: Crops, *, seed: int, device: torch.device) -> Float[Tensor, "crop frame 21"] | None:
        """An emotion for every crop, for a lip path that sees it; None for the usual one, which does not."""
        if not self.config.net.lips_see_emotion:
            return None
        rng = np.random.default_rng([self.config.seed, seed, 7])
        frames = crops.lips.shape[1]
        felt = [plan_track(random_plan(rng, duration_secs=frames / 50.0), num_frames=frames) for _ in crops.rows]
        return tensor(np.stack([emotion_rows(one) for one in felt]), device)

    def lip_terms(
        self,
        answers: Float[Tensor, "crop frame 9"],
        truth: LipTruth,
        *,
        crops: Crops,
        net: TorchMotionNet,
        emotion: Tensor | None,
    ) -> dict[str, Tensor]:
        """Weighted terms by name."""
        weights, device = self.config.losses, answers.device
        terms: dict[str, Tensor] = {}
        if self.mouth is not None:
            terms["vertices"] = weights.vertices * vertices_loss(self.mouth, answers, truth)
        if self.reader is not None:
            terms["reader"] = weights.reader * reader_loss(self.reader, answers, truth)
        if self.sync is not None:
            frames_late = torch.tensor(self.config.net.look_ahead_frames, device=device)
            terms["sync"] = weights.sync * sync_loss(
                self.sync,
                answers,
                rows=tensor(crops.rows, device),
                late=frames_late[tensor(crops.look_ahead, device)],
                loudness=truth.loudness,
            )
        if weights.exchange and emotion is not None:
            exchanged, _ = net.lips(
                tensor(crops.rows, device),
                look_ahead=tensor(crops.look_ahead, device),
                style=tensor(crops.style, device),
                phones=tensor(crops.phones_told, device),
                emotion=emotion.roll(1, dims=0),
            )
            terms["exchange"] = weights.exchange * lip_exchange_loss(answers, exchanged)
        return terms

    def drawn_lip_terms(self, answers: Float[Tensor, "crop frame 9"], *, crops: Crops, step: int) -> dict[str, Tensor]:
        """What judges of pictures say about the lips, in the steps that draw them."""
        stage = self.pictures
        if stage is None or stage.sync is None or not stage.due(step):
            return {}
        late = torch.tensor(self.config.net.look_ahead_frames)[torch.from_numpy(crops.look_ahead)]
        rng = np.random.default_rng([self.config.seed, step, 15])
        rows = torch.from_numpy(crops.rows)
        found = stage.sync_loss(natural(answers.float()).cpu(), rows=rows, late=late, rng=rng)
        return {"picture_sync": self.config.pictures.sync * found.to(answers.device)}

    def drawn_face_terms(
        self, latents: Float[Tensor, "crop latent 80"], *, crops: ExpressionCrops, step: int
    ) -> dict[str, Tensor]:
        """What judges of pictures say about the face, in the steps that draw it."""
        stage = self.pictures
        if stage is None or stage.feeling is None or not stage.due(step):
            return {}
        late = torch.tensor(self.config.net.look_ahead_frames)[torch.from_numpy(crops.look_ahead)]
        frames = crops.felt.shape[1] - max(self.config.net.look_ahead_frames)
        rng = np.random.default_rng([self.config.seed, step, 16])
        faces, felt = upsampled(latents.float().cpu(), frames, late), torch.from_numpy(crops.felt[:, :frames])
        found = stage.feeling_loss(faces, felt=felt, rng=rng)
        return {"picture_feeling": self.config.pictures.feeling * found.to(latents.device)}

    def expression_terms(self, latents: Float[Tensor, "crop latent 80"], crops: ExpressionCrops) -> dict[str, Tensor]:
        """Weighted terms by name."""
        if self.feeling is None:
            return {}
        device, wanted = latents.device, self.config.expression
        found = feeling_terms(
            self.feeling, latents, rows=tensor(crops.rows, device), asked=tensor(crops.emotion, device)
        )
        return {
            "emotional_sync": wanted.sync * (found.match + found.vad + found.lag),
            "emotion_exchange": wanted.exchange * found.exchange,
        }


def load_extra_terms(config: TrainConfig, *, device: torch.device) -> ExtraTerms:
    """Load what the configuration's losses need.

    Raises:
        ConfigError: a loss needs experts and the configuration names none.
        CheckpointError: an expert's file is missing or damaged.
    """
    weights, wanted = config.losses, config.expression
    needs = {
        "losses.reader": weights.reader, "losses.sync": weights.sync,
        "expression.sync": wanted.sync, "expression.exchange": wanted.exchange,
        "pictures.sync": config.pictures.sync, "pictures.feeling": config.pictures.feeling,
    }  # fmt: skip
    named = [name for name, weight in needs.items() if weight]
    if named and not config.experts:
        raise ConfigError(f"{named[0]} needs trained experts: give --experts DIR (see docs/training.md)")
    folder = Path(config.experts)
    return ExtraTerms(
        config=config,
        mouth=torch_mouth(load_head()).to(device) if weights.vertices else None,
        reader=frozen_reader(load_lip_reader(folder / READER)).to(device) if weights.reader else None,
        sync=frozen_sync(load_sync(folder / SYNC)).to(device) if weights.sync else None,
        feeling=frozen_emotional_sync(load_emotional_sync(folder / FEELING)).to(device)
        if wanted.sync or wanted.exchange
        else None,
        pictures=_picture_stage(config, folder) if config.pictures.sync or config.pictures.feeling else None,
    )


def _picture_stage(config: TrainConfig, experts: Path) -> "PictureStage":
    """Imported here: most runs draw nothing, and need no renderer."""
    from face_emote.train.pictures.losses import load_picture_stage

    return load_picture_stage(config.pictures, experts=experts)


Terms = dict[str, Tensor]
"""Every term by name, weighted; their sum is the loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """The weights, and the frozen judges that some terms need."""

    weights: LipLossWeights
    extra: ExtraTerms

    def lips(self, net: TorchMotionNet, crops: Crops, *, step: int, device: torch.device) -> Terms:
        """Terms of the lip path on the batch of a step."""
        emotion = self.extra.random_emotion(crops, seed=step, device=device)
        answers, phone_logits = net.lips(
            tensor(crops.rows, device),
            look_ahead=tensor(crops.look_ahead, device),
            style=tensor(crops.style, device),
            phones=tensor(crops.phones_told, device),
            emotion=emotion,
        )
        truth = LipTruth(
            target=tensor(crops.lips, device),
            known=tensor(crops.known, device),
            loudness=tensor(crops.loudness, device),
            phones=tensor(crops.phones, device),
        )
        found = lip_terms(answers, truth, weights=self.weights, phone_logits=phone_logits)
        terms = {
            item.name: getattr(self.weights, item.name) * getattr(found, item.name)
            for item in fields(found)
            if getattr(self.weights, item.name)
        }
        terms |= self.extra.lip_terms(answers, truth, crops=crops, net=net, emotion=emotion)
        return terms | self.extra.drawn_lip_terms(answers, crops=crops, step=step)

    def expression(self, net: TorchMotionNet, crops: ExpressionCrops, *, step: int, device: torch.device) -> Terms:
        """Terms of the expression path on a batch."""
        latents = net.expression(
            tensor(crops.rows, device),
            look_ahead=tensor(crops.look_ahead, device),
            emotion=tensor(crops.emotion, device),
        )
        terms: Terms = {name: latents.new_zeros(()) for name in ("expression", "expression_velocity")}
        count = len(crops.look_ahead)
        for i, frames in enumerate(net.config.look_ahead_frames):
            own = np.flatnonzero(crops.look_ahead == i)
            if not len(own):
                continue
            num = crops.targets.shape[1] - frames
            answer = upsampled(latents[torch.from_numpy(own)], num, frames)
            wanted = tensor(crops.targets[own, :num], device)
            share = len(own) / count
            terms["expression"] = terms["expression"] + share * expression_error(answer, wanted)
            terms["expression_velocity"] = terms["expression_velocity"] + share * 10.0 * expression_error(
                answer[:, 1:] - answer[:, :-1], wanted[:, 1:] - wanted[:, :-1]
            )
        terms |= self.extra.expression_terms(latents, crops)
        return terms | self.extra.drawn_face_terms(latents, crops=crops, step=step)


def expression_error(answer: Float[Tensor, "crop frame 80"], truth: Float[Tensor, "crop frame 80"]) -> Tensor:
    """Mean SmoothL1, each group of answers in units of what is seen: 0.05 of a control, 0.1 of a voice track."""
    error = functional.smooth_l1_loss(answer * _unit(answer), truth * _unit(answer), beta=1.0, reduction="none")
    return error.mean()


def _unit(like: Tensor) -> Tensor:
    unit = torch.full((NUM_EXPRESSION_OUTPUTS,), 10.0, dtype=like.dtype, device=like.device)
    unit[CONTROL_SLICE] = 20.0
    unit[WRINKLE_SLICE] = 20.0
    unit[BLOOD_SLICE] = 20.0
    unit[VOICE_SLICE] = 3.0
    return unit
