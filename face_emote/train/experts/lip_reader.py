"""The lip reader: phones from the lips' aims, for a loss that asks whether lips can be read."""

import torch
from torch import Tensor

from face_emote.core.names import PHONES
from face_emote.network.convnet import Conv, ConvNetSpec
from face_emote.network.experts import READ_CHANNELS, LipReader
from face_emote.train.experts.torch_convnet import TorchConvNet, frozen_twin

READER = ConvNetSpec(
    inputs=2 * len(READ_CHANNELS),
    convs=(Conv(96, 5), Conv(96, 7), Conv(96, 7), Conv(96, 5), Conv(len(PHONES))),
    same=True,
)
"""Each answer has seen 21 frames (0.42 s), itself in the middle."""


def lip_reader_net(*, seed: int) -> TorchConvNet:
    """An untrained reader; its weights follow from the seed alone."""
    return TorchConvNet(READER, generator=torch.Generator().manual_seed(seed))


def frozen_reader(expert: LipReader) -> TorchConvNet:
    """The torch twin of a trained reader, for `losses.experts.reader_loss`."""
    return frozen_twin(expert.net)


def frame_accuracy(logits: Tensor, phones: Tensor) -> tuple[int, int]:
    """Frames told right, and frames whose phone is known and is not silence."""
    asked = (phones != 255) & (phones != 0)
    return int(((logits.argmax(dim=-1) == phones) & asked).sum()), int(asked.sum())
