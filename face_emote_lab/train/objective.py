"""The loss of a step: every term of the lip path, and what is asked of others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array
from face_emote.core.errors import ConfigError
from face_emote_lab.train.config import TrainConfig
from face_emote_lab.train.crops import Crops, Pool
from face_emote_lab.train.lip_losses import LipTruth, lip_exchange_loss, lip_terms
from face_emote_lab.train.torch_net import TorchMotionNet

Terms = dict[str, Tensor]  # Every term by name, weighted; their sum is the loss.


@runtime_checkable
class Judges(Protocol):
    """What somebody else says about answers of the lip path: further terms of the loss."""

    def of_lips(self, answers: Tensor, crops: Crops, *, truth: LipTruth, step: int) -> Terms:
        """Terms for raw answers [crop, frame, 9]."""
        ...


@runtime_checkable
class Faces(Protocol):
    """What teaches the expression path."""

    def terms(self, net: TorchMotionNet, *, rng: np.random.Generator, step: int) -> Terms:
        """Terms on a batch of a step; the generator decides everything."""
        ...

    def errors(self, net: TorchMotionNet) -> dict[str, float]:
        """How far the path is from what it should answer, by name."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """What a run may ask for beside a corpus; `tools.train_network.train` brings all of it."""

    judges: Judges | None = None
    faces: Callable[[Pool], Faces] | None = None  # Of the training clips.
    emotions: Callable[[Crops, int], Array] | None = None
    """What is felt in the crops of a step, for lips that see it: [crop, frame, 21]."""

    def require(self, config: TrainConfig) -> None:
        """Raise ConfigError unless all is there that a configuration asks for."""
        needs = (
            ("judges", config.judges, self.judges),
            ("a teacher of the expression path", "expression" in config.parts, self.faces),
            ("emotions that lips see", config.net.lips_see_emotion, self.emotions),
        )
        for what, wanted, brought in needs:
            if wanted and brought is None:
                raise ConfigError(
                    f"The training configuration {config.name!r} asks for {what}; train it with "
                    "`python -m tools.train_network.train` of the source distribution (docs/training.md)"
                )


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """The configuration, and whoever else is asked."""

    config: TrainConfig
    device: torch.device
    outside: Outside

    def lips(self, net: TorchMotionNet, crops: Crops, *, step: int) -> Terms:
        """Terms of the lip path on the batch of a step."""
        weights, rows = self.config.losses, self._tensor(crops.rows)
        known = {
            "look_ahead": self._tensor(crops.look_ahead),
            "style": self._tensor(crops.style),
            "phones": self._tensor(crops.phones_given),
        }
        emotions = self.outside.emotions if self.config.net.lips_see_emotion else None
        emotion = None if emotions is None else self._tensor(emotions(crops, step))
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
        judges = self.outside.judges
        return terms if judges is None else terms | judges.of_lips(answers, crops, truth=truth, step=step)

    def _tensor(self, values: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
