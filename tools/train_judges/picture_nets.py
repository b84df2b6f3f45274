"""Two small judges of pictures: which sound a mouth goes with, and which feeling a face shows."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CheckpointError
from face_emote.core.names import EMOTIONS
from face_emote.network.convnet import Conv, ConvNetSpec, ExpertFile, read_expert
from tools.train_judges.lip_judges import AUDIO, SyncNet, frozen_sync, sync_file

FEATURES = 32
"""Numbers that stand for a picture."""
MOTION = ConvNetSpec(inputs=FEATURES, convs=(Conv(64, 5), Conv(64, 5), Conv(96, 5), Conv(96, 5), Conv(128, 4)))
"""Windows of 20 frames."""
WIDTHS = (12, 24, FEATURES)
MIDDLE, SPREAD = 0.4, 0.25
"""What grey pictures are shifted and scaled by."""


class PictureEncoder(nn.Module):
    """Three halving convolutions and a mean and a maximum over what is left."""

    def __init__(self, *, outputs: int, seed: int) -> None:
        """Initial weights follow from the seed alone."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        before = 1
        self.kernels, self.biases = nn.ParameterList(), nn.ParameterList()
        for width in WIDTHS:
            kernel = torch.randn(width, before, 3, 3, generator=generator) * (2.0 / (9 * before)) ** 0.5
            self.kernels.append(nn.Parameter(kernel))
            self.biases.append(nn.Parameter(torch.zeros(width)))
            before = width
        flat = before * 25
        self.kernels.append(nn.Parameter(torch.randn(outputs, flat, generator=generator) / flat**0.5))
        self.biases.append(nn.Parameter(torch.zeros(outputs)))

    def forward(self, pictures: Float[Tensor, "frame size size"]) -> Float[Tensor, "frame output"]:
        """Grey pictures 0..1 of any size from 24 pixels."""
        x = (pictures[:, None] - MIDDLE) / SPREAD
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            x = functional.relu(functional.conv2d(x, kernel, bias, stride=2, padding=1))
        x = functional.adaptive_avg_pool2d(x, 5).flatten(1)
        return functional.linear(x, self.kernels[-1], self.biases[-1])

    def arrays(self) -> dict[str, Array]:
        """Its weights, for a file."""
        return {name: value.detach().numpy() for name, value in self.state_dict().items()}


def picture_sync_net(*, seed: int) -> tuple[SyncNet, PictureEncoder]:
    """A SyncNet that watches pictures of the mouth, and what encodes them in it."""
    encoder = PictureEncoder(outputs=FEATURES, seed=seed + 1)
    return SyncNet(seed=seed, motion=MOTION, encoder=encoder), encoder


def picture_sync_file(net: SyncNet, encoder: PictureEncoder, *, path: Path, x0: Array) -> ExpertFile:
    """What is kept of it."""
    towers = sync_file(net, path=path, x0=x0)
    return replace(towers, kind="picture_sync", extras={**towers.extras, **encoder.arrays()})


def read_picture_sync(path: Path) -> SyncNet:
    """Read it back, frozen; raises CheckpointError when the file is missing, damaged, or something else."""
    file = read_expert(path, kind="picture_sync")
    net, encoder = picture_sync_net(seed=0)
    if (file.stack("audio").spec, file.stack("motion").spec) != (AUDIO, MOTION):
        raise CheckpointError(f"The expert was made by another version; train it again: {path}")
    _fill(encoder, file.extras, path=path)
    return frozen_sync(net, file)


def feeling_net(*, seed: int) -> PictureEncoder:
    """Logits of `names.EMOTIONS` from pictures of faces."""
    return PictureEncoder(outputs=len(EMOTIONS), seed=seed)


def feeling_file(net: PictureEncoder, *, path: Path) -> ExpertFile:
    """What is kept of it."""
    return ExpertFile(path, kind="picture_feeling", extras=net.arrays(), labels=EMOTIONS)


def read_feeling_net(path: Path) -> PictureEncoder:
    """Read it back, frozen; raises CheckpointError when the file is missing, damaged, or something else."""
    net = feeling_net(seed=0)
    _fill(net, read_expert(path, kind="picture_feeling").extras, path=path)
    return net.eval().requires_grad_(False)


def _fill(net: PictureEncoder, arrays: Mapping[str, Array], *, path: Path) -> None:
    for name, value in net.state_dict().items():
        if name not in arrays or arrays[name].shape != tuple(value.shape):
            raise CheckpointError(f"The expert lacks {name}, or it has another shape; train it again: {path}")
        value.copy_(torch.from_numpy(np.asarray(arrays[name], np.float32)))
