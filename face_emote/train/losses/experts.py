"""Losses that ask frozen experts about the lips: can the phones be read off them, do they move with the sound."""

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.network.channels import LIP_CHANNELS, LIP_SCALE, NUM_LINEAR
from face_emote.network.experts import GEOMETRY, READ_CHANNELS
from face_emote.train.experts.sync_net import FrozenSync, embedded, lip_features
from face_emote.train.experts.torch_convnet import TorchConvNet
from face_emote.train.losses.lips import CLOSURE, LipTruth, natural, phone_loss
from face_emote.train.losses.terms import mean_of

SYNC_SHIFTS = (-12, -8, -5, -3, 3, 5, 8, 12)
"""Frames by which lips are moved to be wrong; what is nearer is not worth a contest."""
SYNC_TEMPERATURE = 0.1


def reader_loss(reader: TorchConvNet, pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """Cross-entropy of the frozen lip reader to the true phones.

    The reader sees the answers as they are; `pred` raw, frames in step with `truth`.
    """
    return phone_loss(reader(reader_features(natural(pred.float()))), truth.phones)


def sync_loss(
    expert: FrozenSync,
    pred: Float[Tensor, "batch frames 9"],
    *,
    rows: Float[Tensor, "batch rows 40"],
    late: Int[Tensor, " batch"],
    loudness: Float[Tensor, "batch frames"],
) -> Float[Tensor, ""]:
    """InfoNCE of each moment's sound against the lips of that moment and of moments 60-240 ms away.

    0 would be perfect certainty; real recordings reach what the expert's card says. Silence does not count.

    Args:
        expert: frozen.
        pred: raw answers; frame t belongs to motion frame t - late.
        rows: normalised, two a frame, from the crop's first frame.
        late: frames of look-ahead of each crop.
        loudness: as in `LipTruth`, in step with `pred`.
    """
    lips = natural(pred.float())
    motion = embedded(expert.motion, lip_features(geometry(lips)))
    sound = embedded(expert.audio, rows.float())
    count = min(motion.shape[1], sound.shape[1])
    reach = max(SYNC_SHIFTS)
    place = torch.arange(reach, count - reach, device=pred.device)
    # Lips of motion frame t - late stand at t: their sound is `late` windows earlier.
    heard = place[None] - late[:, None]
    own_sound = sound.gather(1, heard.clamp_min(0)[..., None].expand(*heard.shape, sound.shape[-1]))
    scores = [(own_sound * motion[:, reach + s : count - reach + s]).sum(dim=-1) for s in (0, *SYNC_SHIFTS)]
    logits = torch.stack(scores, dim=-1) / SYNC_TEMPERATURE
    surprise = torch.logsumexp(logits, dim=-1) - logits[..., 0]
    speaks = loudness.unfold(1, expert.motion.spec.window, 1).amax(dim=-1)[:, reach : count - reach].clamp(0.0, 1.0)
    return mean_of(surprise, weights=speaks * (heard >= 0))


def geometry(lips: Float[Tensor, "batch frames 9"]) -> Float[Tensor, "batch frames 3"]:
    """As `network.experts.geometry_of`."""
    gap, width, jaw = (lips[..., LIP_CHANNELS.index(name)] for name in GEOMETRY)
    return torch.stack([gap * (1.0 - lips[..., CLOSURE]), width, jaw], dim=-1)


def reader_features(lips: Float[Tensor, "batch frames 9"]) -> Float[Tensor, "batch frames 12"]:
    """As `network.experts.with_deltas(reader_units(..))`."""
    scale = lips.new_tensor((*LIP_SCALE, *[1.0] * (len(LIP_CHANNELS) - NUM_LINEAR)))
    index = [LIP_CHANNELS.index(name) for name in READ_CHANNELS]
    values = (lips / scale)[..., index]
    change = torch.diff(values, dim=1, prepend=values[:, :1])
    return torch.cat([values, 3.0 * change], dim=-1)
