"""Emotional sync: a voice and a face as Gaussians in one space, near each other when they feel the same.

A pair matches with probability sigmoid(steepness (reach - d)). d is the expected squared distance of two Gaussians,
(|mu_a - mu_b|^2 + sum var_a + sum var_b) / sqrt(128): the closed form of Chun 2024, "Improved probabilistic image-text
representations".
Targets are soft: exp(-|vad_a - vad_b|^2 / (2 .25^2)).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array, Float
from face_emote.network.channels import NUM_EXPRESSION_OUTPUTS, VOICE_SLICE
from face_emote.network.convnet import Conv, ConvNetSpec
from face_emote.network.experts import NUM_GAUSSIAN, EmotionalSync
from face_emote.train.experts.torch_convnet import TorchConvNet, frozen_twin
from face_emote.train.losses.concordance import concordance_loss

NUM_FACE_COLUMNS = VOICE_SLICE.start
"""Controls, bearing, wrinkle residuals and blood drives; the lips and what is heard in the voice are left out."""
WINDOW_ROWS = 200
WINDOW_LATENTS = 25
_ANSWERS = 2 * NUM_GAUSSIAN + 3
VOICE = ConvNetSpec(inputs=40, convs=(Conv(48, 5, 2), Conv(64, 5, 2), Conv(64, 5, 2)), dense=(128, _ANSWERS))
FACE = ConvNetSpec(inputs=NUM_FACE_COLUMNS, convs=(Conv(96, 3), Conv(96, 3)), dense=(128, _ANSWERS))
VAD_WIDTH = 0.25
assert NUM_FACE_COLUMNS < NUM_EXPRESSION_OUTPUTS


@dataclass(frozen=True, slots=True, eq=False)
class Feeling:
    """What one side says of each window."""

    mean: Float[Tensor, "batch 128"]
    log_variance: Float[Tensor, "batch 128"]
    vad: Float[Tensor, "batch 3"]


class EmotionalSyncNet(nn.Module):
    """Both encoders and the two numbers that turn distances into probabilities."""

    def __init__(self, *, seed: int) -> None:
        """Initial weights follow from the seed alone."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.voice = TorchConvNet(VOICE, generator=generator)
        self.face = TorchConvNet(FACE, generator=generator)
        self.log_steepness = nn.Parameter(torch.tensor(0.0))
        self.reach = nn.Parameter(torch.tensor(2.0))

    def loss(
        self,
        rows: Float[Tensor, "batch rows=200 40"],
        face: Float[Tensor, "batch latents=25 column"],
        *,
        voice_vad: Float[Tensor, "batch 3"],
        face_vad: Float[Tensor, "batch 3"],
    ) -> Float[Tensor, ""]:
        """Matching over all pairs of the batch, and 1 - CCC of both VAD heads."""
        heard, seen = feeling(self.voice, rows), feeling(self.face, face)
        logits = matching_logits(heard, seen, steepness=self.log_steepness.exp(), reach=self.reach)
        match = functional.binary_cross_entropy_with_logits(logits, soft_targets(voice_vad, face_vad))
        spread = 1e-4 * (heard.log_variance.square().mean() + seen.log_variance.square().mean())
        return match + concordance_loss(heard.vad, voice_vad) + concordance_loss(seen.vad, face_vad) + spread


def feeling(encoder: TorchConvNet, inputs: Float[Tensor, "batch frames inputs"]) -> Feeling:
    """An encoder's answer; variances are held within e^-10 .. e^2."""
    answer = encoder(inputs)
    mean, log_variance, vad = answer.split([NUM_GAUSSIAN, NUM_GAUSSIAN, 3], dim=-1)
    return Feeling(mean, log_variance.clamp(-10.0, 2.0), vad)


def matching_logits(a: Feeling, b: Feeling, *, steepness: Tensor | float, reach: Tensor | float) -> Tensor:
    """Of every pair [a, b]; the sigmoid is the probability of a match."""
    distance = torch.cdist(a.mean, b.mean).square()
    noise = a.log_variance.exp().sum(dim=-1)[:, None] + b.log_variance.exp().sum(dim=-1)[None]
    return steepness * (reach - (distance + noise) / NUM_GAUSSIAN**0.5)


def soft_targets(a: Float[Tensor, "a 3"], b: Float[Tensor, "b 3"]) -> Float[Tensor, "a b"]:
    """exp(-|vad_a - vad_b|^2 / (2 .25^2))."""
    return torch.exp(-(a[:, None] - b[None]).square().sum(dim=-1) / (2.0 * VAD_WIDTH**2))


@dataclass(frozen=True, slots=True, eq=False)
class FrozenEmotionalSync:
    """A trained expert that judges answers during training; gradients pass through it to the face."""

    voice: TorchConvNet
    face: TorchConvNet
    x0: Array
    steepness: float
    reach: float

    def to(self, device: torch.device) -> "FrozenEmotionalSync":
        """The same expert on a device."""
        return FrozenEmotionalSync(self.voice.to(device), self.face.to(device), self.x0, self.steepness, self.reach)


def frozen_emotional_sync(expert: EmotionalSync) -> FrozenEmotionalSync:
    """The torch twin of a trained expert."""
    return FrozenEmotionalSync(
        frozen_twin(expert.voice), frozen_twin(expert.face), expert.x0, expert.steepness, expert.reach
    )
