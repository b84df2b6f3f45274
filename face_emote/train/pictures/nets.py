"""Two small judges of pictures: which sound a mouth goes with, and which feeling a face shows."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import CheckpointError
from face_emote.core.names import EMOTIONS
from face_emote.network.convnet import Conv, ConvNetSpec, read_expert, write_expert
from face_emote.train.experts.lip_judges import (
    AUDIO,
    LEAST_TEMPERATURE,
    START_TEMPERATURE,
    embedded,
    info_nce,
    near_in_clip,
    picked,
)
from face_emote.train.experts.torch_convnet import TorchConvNet, frozen_twin

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


class PictureSync(nn.Module):
    """A tower that hears and one that watches pictures of the mouth, and the temperature of their agreement."""

    def __init__(self, *, seed: int) -> None:
        """Initial weights follow from the seed alone."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.audio = TorchConvNet(AUDIO, generator=generator)
        self.motion = TorchConvNet(MOTION, generator=generator)
        self.encoder = PictureEncoder(outputs=FEATURES, seed=seed + 1)
        self.log_temperature = nn.Parameter(torch.tensor(START_TEMPERATURE).log())

    def watched(self, pictures: Float[Tensor, "batch frames size size"]) -> Float[Tensor, "batch windows 128"]:
        """Unit vectors of all windows of 20 pictures."""
        seen = self.encoder(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])
        return embedded(self.motion, seen)

    def loss(
        self,
        rows: Float[Tensor, "batch rows 40"],
        pictures: Float[Tensor, "batch frames size size"],
        *,
        anchors: Int[Tensor, "batch anchor"],
    ) -> Float[Tensor, ""]:
        """Symmetric InfoNCE over the anchors (first frames of windows) of all clips."""
        sound, lips = picked(embedded(self.audio, rows), anchors), picked(self.watched(pictures), anchors)
        logits = sound @ lips.T / self.log_temperature.exp().clamp_min(LEAST_TEMPERATURE)
        usable = torch.ones(len(logits), dtype=torch.bool)
        return info_nce(logits, usable=usable, ambiguous=near_in_clip(anchors))


def write_picture_sync(path: Path, net: PictureSync, *, x0: Array, card: str) -> None:
    """Write it as an expert's file."""
    weights = net.audio.weights(prefix="audio.") | net.motion.weights(prefix="motion.")
    extras = {"x0": x0} | net.encoder.arrays()
    specs = {"audio": AUDIO, "motion": MOTION}
    write_expert(path, kind="picture_sync", specs=specs, weights=weights, extras=extras, card=card)


def read_picture_sync(path: Path) -> PictureSync:
    """Read it back, frozen.

    Raises:
        CheckpointError: the file is missing, damaged, or something else.
    """
    file = read_expert(path, kind="picture_sync")
    net = PictureSync(seed=0)
    net.audio, net.motion = frozen_twin(file.stack("audio")), frozen_twin(file.stack("motion"))
    if net.audio.spec != AUDIO or net.motion.spec != MOTION:
        raise CheckpointError(f"The expert was made by another version; train it again: {path}")
    _fill(net.encoder, file.extras, path=path)
    return net.eval().requires_grad_(False)


def feeling_net(*, seed: int) -> PictureEncoder:
    """Logits of `names.EMOTIONS` from pictures of faces."""
    return PictureEncoder(outputs=len(EMOTIONS), seed=seed)


def write_feeling_net(path: Path, net: PictureEncoder, *, card: str) -> None:
    """Write it as an expert's file."""
    write_expert(path, kind="picture_feeling", specs={}, weights={}, extras=net.arrays(), labels=EMOTIONS, card=card)


def read_feeling_net(path: Path) -> PictureEncoder:
    """Read it back, frozen.

    Raises:
        CheckpointError: the file is missing, damaged, or something else.
    """
    net = feeling_net(seed=0)
    _fill(net, read_expert(path, kind="picture_feeling").extras, path=path)
    return net.eval().requires_grad_(False)


def _fill(net: PictureEncoder, arrays: Mapping[str, Array], *, path: Path) -> None:
    for name, value in net.state_dict().items():
        if name not in arrays or arrays[name].shape != tuple(value.shape):
            raise CheckpointError(f"The expert lacks {name}, or it has another shape; train it again: {path}")
        value.copy_(torch.from_numpy(np.asarray(arrays[name], np.float32)))
