"""The loss of a step: what the lip path and the expression path are asked for, term by term."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Float
from face_emote.network.channels import BLOOD_SLICE, CONTROL_SLICE, NUM_EXPRESSION_OUTPUTS, VOICE_SLICE, WRINKLE_SLICE
from face_emote.train.crops import Crops
from face_emote.train.expression_crops import ExpressionCrops
from face_emote.train.extra_terms import ExtraTerms
from face_emote.train.losses.lips import LipLossWeights, LipTruth, lip_terms
from face_emote.train.tensors import tensor
from face_emote.train.torch_net import TorchMotionNet, upsampled

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
