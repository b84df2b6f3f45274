"""The loss of a step: every term of the lip path and of the expression path."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import ConfigError
from face_emote.face.bundled import load_head
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.config import BLOOD_SLICE, CONTROL_SLICE, NUM_EXPRESSION_OUTPUTS, VOICE_SLICE, WRINKLE_SLICE
from face_emote.train.config import TrainConfig
from face_emote.train.crops import Crops, ExpressionCrops
from face_emote.train.experts.emotional_sync import EmotionalSyncNet, feeling_terms, read_emotional_sync
from face_emote.train.experts.lip_judges import SyncNet, read_lip_reader, read_sync, reader_loss, sync_loss
from face_emote.train.experts.torch_convnet import TorchConvNet
from face_emote.train.lip_losses import LipTruth, lip_exchange_loss, lip_terms, natural, vertices_loss
from face_emote.train.mouth import MouthMesh, mouth_mesh
from face_emote.train.random_plans import random_plan
from face_emote.train.teacher_expression import plan_track
from face_emote.train.torch_net import TorchMotionNet, upsampled

if TYPE_CHECKING:
    from face_emote.train.pictures.losses import PictureStage

SYNC, READER, FEELING = "sync_train.safetensors", "lip_reader_train.safetensors", "emotional_sync_train.safetensors"
Terms = dict[str, Tensor]
"""Every term by name, weighted; their sum is the loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """The configuration, and the frozen judges that some of its losses need; None where a loss is off."""

    config: TrainConfig
    device: torch.device
    mouth: MouthMesh | None
    reader: TorchConvNet | None
    sync: SyncNet | None
    feeling: EmotionalSyncNet | None
    pictures: "PictureStage | None"

    def lips(self, net: TorchMotionNet, crops: Crops, *, step: int) -> Terms:
        """Terms of the lip path on the batch of a step."""
        weights, rows = self.config.losses, self._tensor(crops.rows)
        known = {
            "look_ahead": self._tensor(crops.look_ahead),
            "style": self._tensor(crops.style),
            "phones": self._tensor(crops.phones_given),
        }
        emotion = self._random_emotion(crops, step=step)
        answers, phone_logits = net.lips(rows, **known, emotion=emotion)
        truth = LipTruth(
            target=self._tensor(crops.lips),
            known=self._tensor(crops.known),
            loudness=self._tensor(crops.loudness),
            phones=self._tensor(crops.phones),
            captured=self._tensor(crops.captured),
        )
        terms = lip_terms(answers, truth, weights=weights, phone_logits=phone_logits)
        if self.mouth is not None:
            terms["vertices"] = weights.vertices * vertices_loss(answers, truth, mouth=self.mouth)
        if self.reader is not None:
            terms["reader"] = weights.reader * reader_loss(answers, truth, reader=self.reader)
        if self.sync is not None:
            late = self._late(crops.look_ahead).to(self.device)
            heard = sync_loss(self.sync, answers, rows=rows, late=late, loudness=truth.loudness)
            terms["sync"] = weights.sync * heard
        if weights.exchange and emotion is not None:
            exchanged, _ = net.lips(rows, **known, emotion=emotion.roll(1, dims=0))
            terms["exchange"] = weights.exchange * lip_exchange_loss(answers, exchanged)
        return terms | self._drawn_lips(answers, crops, step=step)

    def expression(self, net: TorchMotionNet, crops: ExpressionCrops, *, step: int) -> Terms:
        """Terms of the expression path on the batch of a step."""
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
        if self.feeling is not None:
            found = feeling_terms(self.feeling, latents, rows=rows, wanted=emotion)
            terms["emotional_sync"] = self.config.expression.sync * (found.vad + found.lag)
            terms["emotion_exchange"] = self.config.expression.exchange * found.exchange
        return terms | self._drawn_faces(latents, crops, step=step)

    def _random_emotion(self, crops: Crops, *, step: int) -> Float[Tensor, "crop frame 21"] | None:
        """An emotion for every crop, for a lip path that sees it; None for the usual one, which does not."""
        if not self.config.net.lips_see_emotion:
            return None
        rng = np.random.default_rng([self.config.seed, step, 7])
        frames = crops.lips.shape[1]
        felt = [plan_track(random_plan(rng, duration_secs=frames / 50.0), num_frames=frames) for _ in crops.rows]
        return self._tensor(np.stack([emotion_rows(one) for one in felt]))

    def _drawn_lips(self, answers: Float[Tensor, "crop frame 9"], crops: Crops, *, step: int) -> Terms:
        """What judges of pictures say about the lips, in the steps that draw them."""
        stage = self.pictures
        if stage is None or stage.sync is None or not stage.due(step):
            return {}
        rng = np.random.default_rng([self.config.seed, step, 15])
        lips, rows = natural(answers.float()).cpu(), torch.from_numpy(crops.rows)
        found = stage.sync_loss(lips, rows=rows, late=self._late(crops.look_ahead), rng=rng)
        return {"picture_sync": self.config.pictures.sync * found.to(answers.device)}

    def _drawn_faces(self, latents: Float[Tensor, "crop latent 80"], crops: ExpressionCrops, *, step: int) -> Terms:
        """What judges of pictures say about the face, in the steps that draw it."""
        stage = self.pictures
        if stage is None or stage.feeling is None or not stage.due(step):
            return {}
        frames = crops.felt.shape[1] - max(self.config.net.look_ahead_frames)
        rng = np.random.default_rng([self.config.seed, step, 16])
        faces = upsampled(latents.float().cpu(), frames, look_ahead_frames=self._late(crops.look_ahead))
        found = stage.feeling_loss(faces, felt=torch.from_numpy(crops.felt[:, :frames]), rng=rng)
        return {"picture_feeling": self.config.pictures.feeling * found.to(latents.device)}

    def _late(self, look_ahead: Array) -> Tensor:
        """Frames of look-ahead of each crop."""
        return torch.tensor(self.config.net.look_ahead_frames)[torch.from_numpy(look_ahead)]

    def _tensor(self, values: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


def load_objective(config: TrainConfig, *, device: torch.device) -> Objective:
    """Load what the configuration's losses need.

    Raises:
        ConfigError: a loss needs experts and the configuration names none.
        CheckpointError: an expert's file is missing or damaged.
    """
    weights, wanted, drawn = config.losses, config.expression, config.pictures
    needs = {
        "losses.reader": weights.reader, "losses.sync": weights.sync,
        "expression.sync": wanted.sync, "expression.exchange": wanted.exchange,
        "pictures.sync": drawn.sync, "pictures.feeling": drawn.feeling,
    }  # fmt: skip
    named = [name for name, weight in needs.items() if weight]
    if named and not config.experts:
        raise ConfigError(f"{named[0]} needs trained experts: give --experts DIR (see docs/training.md)")
    folder = Path(config.experts)
    judges_feeling = bool(wanted.sync or wanted.exchange)
    return Objective(
        config=config,
        device=device,
        mouth=mouth_mesh(load_head(), device=device) if weights.vertices else None,
        reader=read_lip_reader(folder / READER).to(device) if weights.reader else None,
        sync=read_sync(folder / SYNC).to(device) if weights.sync else None,
        feeling=read_emotional_sync(folder / FEELING).to(device) if judges_feeling else None,
        pictures=_picture_stage(config, folder) if drawn.sync or drawn.feeling else None,
    )


def _picture_stage(config: TrainConfig, experts: Path) -> "PictureStage":
    """Imported here: most runs draw nothing, and need no renderer."""
    from face_emote.train.pictures.losses import load_picture_stage

    return load_picture_stage(config.pictures, experts=experts)


def expression_error(answer: Float[Tensor, "crop frame 80"], truth: Float[Tensor, "crop frame 80"]) -> Tensor:
    """Mean SmoothL1, each group of answers in units of what is seen: 0.05 of a control, 0.1 of a voice track."""
    unit = answer.new_full((NUM_EXPRESSION_OUTPUTS,), 10.0)
    for part in (CONTROL_SLICE, WRINKLE_SLICE, BLOOD_SLICE):
        unit[part] = 20.0
    unit[VOICE_SLICE] = 3.0
    return functional.smooth_l1_loss(answer * unit, truth * unit)
