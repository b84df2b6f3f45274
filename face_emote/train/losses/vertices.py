"""Loss on the mouth's mesh: errors count by what they move on a face."""

import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.train.lip_solve import AIMS, TorchMouth
from face_emote.train.losses.lips import LipTruth, natural
from face_emote.train.losses.terms import mean_of

_NUM = len(AIMS)


def vertices_loss(mouth: TorchMouth, pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """Mean squared distance of the mouth's vertices, mm^2, before contacts are sealed.

    A channel that is not known is taken from the answer on both sides, so that it cannot be blamed; frames of which
    nothing is known do not count.
    """
    answer = natural(pred.float())[..., :_NUM]
    known = truth.known[..., :_NUM]
    aims = torch.where(known > 0.0, truth.target[..., :_NUM], answer.detach())
    with torch.no_grad():
        wanted = mouth.vertices(aims)
    away = 1000.0 * (mouth.vertices(answer) - wanted)
    return mean_of(away.square().sum(dim=-1).mean(dim=-1), weights=known.amax(dim=-1))
