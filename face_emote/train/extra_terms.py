"""Terms that need more than the lips' targets: mouth vertices, frozen experts, exchanged emotions."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.core.errors import ConfigError
from face_emote.face.bundled import load_head
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.experts import load_emotional_sync, load_lip_reader, load_sync
from face_emote.train.config import TrainConfig
from face_emote.train.crops import Crops
from face_emote.train.experts.emotional_sync import FrozenEmotionalSync, frozen_emotional_sync
from face_emote.train.experts.lip_reader import frozen_reader
from face_emote.train.experts.sync_net import FrozenSync, frozen_sync
from face_emote.train.experts.torch_convnet import TorchConvNet
from face_emote.train.expression_crops import ExpressionCrops
from face_emote.train.lip_solve import TorchMouth, torch_mouth
from face_emote.train.losses.exchange import lip_exchange_loss
from face_emote.train.losses.experts import reader_loss, sync_loss
from face_emote.train.losses.feeling import feeling_terms
from face_emote.train.losses.lips import LipTruth, natural
from face_emote.train.losses.vertices import vertices_loss
from face_emote.train.random_plans import random_plan
from face_emote.train.teacher_expression import plan_track
from face_emote.train.tensors import tensor
from face_emote.train.torch_net import TorchMotionNet, upsampled

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
            self.feeling,
            latents,
            rows=tensor(crops.rows, device),
            asked=tensor(crops.emotion, device),
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
