"""The loss of a step: every term of the lip path and of the expression path."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import ConfigError
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.config import BLOOD_SLICE, CONTROL_SLICE, NUM_EXPRESSION_OUTPUTS, VOICE_SLICE, WRINKLE_SLICE
from face_emote.train.config import TrainConfig
from face_emote.train.crops import Crops, ExpressionCrops
from face_emote.train.lip_losses import LipTruth, lip_exchange_loss, lip_terms
from face_emote.train.random_plans import random_plan
from face_emote.train.teacher_expression import plan_track
from face_emote.train.torch_net import TorchMotionNet, upsampled

Terms = dict[str, Tensor]
"""Every term by name, weighted; their sum is the loss."""


@runtime_checkable
class Judges(Protocol):
    """What somebody else says about the answers: further terms of the loss. `tools.train_judges` brings some."""

    def of_lips(self, answers: Tensor, crops: Crops, *, truth: LipTruth, step: int) -> Terms:
        """Terms for raw answers of the lip path [crop, frame, 9]."""
        ...

    def of_faces(self, latents: Tensor, crops: ExpressionCrops, *, step: int) -> Terms:
        """Terms for answers of the expression path [crop, latent, 80]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """The configuration, and whoever judges the answers beside it.

    Raises:
        ConfigError: the configuration names judges, and there are none.
    """

    config: TrainConfig
    device: torch.device
    judges: Judges | None = None

    def __post_init__(self) -> None:
        if self.config.judges and self.judges is None:
            raise ConfigError(
                f"The training configuration {self.config.name!r} asks judges; train it with "
                "`python -m tools.train_judges.train` of the source distribution (docs/training.md)"
            )

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
        if weights.exchange and emotion is not None:
            exchanged, _ = net.lips(rows, **known, emotion=emotion.roll(1, dims=0))
            terms["exchange"] = weights.exchange * lip_exchange_loss(answers, exchanged)
        return terms if self.judges is None else terms | self.judges.of_lips(answers, crops, truth=truth, step=step)

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
        return terms if self.judges is None else terms | self.judges.of_faces(latents, crops, step=step)

    def _random_emotion(self, crops: Crops, *, step: int) -> Float[Tensor, "crop frame 21"] | None:
        """An emotion for every crop, for a lip path that sees it; None for the usual one, which does not."""
        if not self.config.net.lips_see_emotion:
            return None
        rng = np.random.default_rng([self.config.seed, step, 7])
        frames = crops.lips.shape[1]
        felt = [plan_track(random_plan(rng, duration_secs=frames / 50.0), num_frames=frames) for _ in crops.rows]
        return self._tensor(np.stack([emotion_rows(one) for one in felt]))

    def _tensor(self, values: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


def expression_error(answer: Float[Tensor, "crop frame 80"], truth: Float[Tensor, "crop frame 80"]) -> Tensor:
    """Mean SmoothL1, each group of answers in units of what is seen: 0.05 of a control, 0.1 of a voice track."""
    unit = answer.new_full((NUM_EXPRESSION_OUTPUTS,), 10.0)
    for part in (CONTROL_SLICE, WRINKLE_SLICE, BLOOD_SLICE):
        unit[part] = 20.0
    unit[VOICE_SLICE] = 3.0
    return functional.smooth_l1_loss(answer * unit, truth * unit)
