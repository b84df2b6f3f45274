"""Emotional sync: a voice and a face as Gaussians in one space, near each other when they feel the same.

A pair matches with probability sigmoid(steepness (reach - d)). d is the expected squared distance of two Gaussians,
(|mu_a - mu_b|^2 + sum var_a + sum var_b) / sqrt(128): the closed form of Chun 2024, "Improved probabilistic image-text
representations".
Targets are soft: exp(-|vad_a - vad_b|^2 / (2 .25^2)).
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Float
from face_emote.network.config import CONTROL_SLICE, EMOTION_COLUMNS, NUM_EXPRESSION_OUTPUTS, VOICE_SLICE
from face_emote.network.convnet import Conv, ConvNetSpec, read_expert
from tools.train_judges.experts import FACE_HZ
from tools.train_judges.torch_convnet import TorchConvNet, frozen_twin

LAG_FREE_SECS = 0.2
"""A face may follow the voice so late, or lead it so much, without penalty."""
LONGEST_LAG_SECS = 0.8
_LAG_SHARPNESS = 12.0


def concordance(a: Float[Tensor, "batch axis"], b: Float[Tensor, "batch axis"]) -> Float[Tensor, " axis"]:
    """CCC of each column over the batch: 2 cov / (var_a + var_b + (mean_a - mean_b)^2)."""
    mean_a, mean_b = a.mean(dim=0), b.mean(dim=0)
    cov = ((a - mean_a) * (b - mean_b)).mean(dim=0)
    var_a, var_b = (a - mean_a).square().mean(dim=0), (b - mean_b).square().mean(dim=0)
    return 2.0 * cov / (var_a + var_b + (mean_a - mean_b).square() + 1e-6)


def concordance_loss(a: Float[Tensor, "batch axis"], b: Float[Tensor, "batch axis"]) -> Float[Tensor, ""]:
    """1 - CCC, mean over the columns."""
    return (1.0 - concordance(a, b)).mean()


def lag_loss(
    arousal: Float[Tensor, "batch frames"], energy: Float[Tensor, "batch frames"], *, rate_hz: float
) -> Float[Tensor, ""]:
    """Seconds beyond 200 ms by which the face's energy lags or leads the voice's arousal, expected over lags.

    Lags of up to 0.8 s share the weight by a softmax over their correlation. Clips in which either curve hardly moves
    do not count. Needs more than 1.6 s.
    """
    longest = round(LONGEST_LAG_SECS * rate_hz)
    frames = arousal.shape[1]
    if frames <= 2 * longest + 2:
        raise ValueError(f"{frames} frames are too few to find lags of {longest}")
    lags = torch.arange(-longest, longest + 1, device=energy.device)
    centre = _standard(arousal[:, longest : frames - longest])
    r = torch.stack(
        [(centre * _standard(energy[:, longest + k : frames - longest + k])).mean(dim=1) for k in lags.tolist()], dim=1
    )
    beyond = (lags.abs() / rate_hz - LAG_FREE_SECS).clamp_min(0.0)
    moves = (arousal.std(dim=1) > 1e-3) & (energy.std(dim=1) > 1e-3)
    expected = (torch.softmax(_LAG_SHARPNESS * r, dim=1) * beyond).sum(dim=1)
    return (expected * moves).sum() / moves.sum().clamp_min(1)


def _standard(curve: Tensor) -> Tensor:
    centred = curve - curve.mean(dim=1, keepdim=True)
    return centred / (centred.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()


NUM_GAUSSIAN = 128
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
        logits = self.matching(heard, seen)
        match = functional.binary_cross_entropy_with_logits(logits, soft_targets(voice_vad, face_vad))
        spread = 1e-4 * (heard.log_variance.square().mean() + seen.log_variance.square().mean())
        return match + concordance_loss(heard.vad, voice_vad) + concordance_loss(seen.vad, face_vad) + spread

    def matching(self, a: Feeling, b: Feeling) -> Float[Tensor, "a b"]:
        """Logits of every pair; the sigmoid is the probability of a match."""
        distance = torch.cdist(a.mean, b.mean).square()
        noise = a.log_variance.exp().sum(dim=-1)[:, None] + b.log_variance.exp().sum(dim=-1)[None]
        logits: Tensor = self.log_steepness.exp() * (self.reach - (distance + noise) / NUM_GAUSSIAN**0.5)
        return logits


def feeling(encoder: TorchConvNet, inputs: Float[Tensor, "batch frames inputs"]) -> Feeling:
    """An encoder's answer; variances are held within e^-10 .. e^2."""
    answer = encoder(inputs)
    mean, log_variance, vad = answer.split([NUM_GAUSSIAN, NUM_GAUSSIAN, 3], dim=-1)
    return Feeling(mean, log_variance.clamp(-10.0, 2.0), vad)


def soft_targets(a: Float[Tensor, "a 3"], b: Float[Tensor, "b 3"]) -> Float[Tensor, "a b"]:
    """exp(-|vad_a - vad_b|^2 / (2 .25^2))."""
    return torch.exp(-(a[:, None] - b[None]).square().sum(dim=-1) / (2.0 * VAD_WIDTH**2))


def read_emotional_sync(path: Path) -> EmotionalSyncNet:
    """A trained expert from a file, frozen: gradients pass through it to the face.

    Raises:
        CheckpointError: the file is missing or not such an expert.
    """
    found = read_expert(path, kind="emotional_sync")
    net = EmotionalSyncNet(seed=0)
    net.voice, net.face = frozen_twin(found.stack("voice")), frozen_twin(found.stack("face"))
    steepness, reach = torch.from_numpy(found.extra("match"))
    with torch.no_grad():
        net.log_steepness.copy_(steepness.log())
        net.reach.copy_(reach)
    return net.eval().requires_grad_(False)


_VALENCE = EMOTION_COLUMNS.index("valence")
VAD_COLUMNS = slice(_VALENCE, _VALENCE + 3)
_LOUDNESS_RANGE = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class FeelingTerms:
    """Not yet weighted."""

    exchange: Tensor
    """The face of an emotion must look like the other faces of that emotion, whatever was said."""
    vad: Tensor
    """1 - CCC of the VAD that the face shows and the VAD that was asked for."""
    lag: Tensor
    """Seconds beyond 200 ms between loudness and strength of expression."""


def feeling_terms(
    expert: EmotionalSyncNet,
    face: Float[Tensor, "batch latents 80"],
    *,
    rows: Float[Tensor, "batch rows 40"],
    wanted: Float[Tensor, "batch latents 21"],
) -> FeelingTerms:
    """All terms over the last 2 s of the crops, when the face has answered the emotion.

    Args:
        expert: frozen.
        face: answers of the expression path at 12.5 Hz, in step with `wanted` (apart from the look-ahead).
        rows: normalised, 8 a latent.
        wanted: the emotion in the order of `EMOTION_COLUMNS`.
    """
    window = face.float()[:, -WINDOW_LATENTS:]
    seen = feeling(expert.face, window[..., :NUM_FACE_COLUMNS])
    wanted_vad = wanted.float()[:, -WINDOW_LATENTS:, VAD_COLUMNS].mean(dim=1)
    among_faces = expert.matching(seen, seen)
    others = ~torch.eye(len(face), dtype=torch.bool, device=face.device)
    exchange = functional.binary_cross_entropy_with_logits(
        among_faces[others], soft_targets(wanted_vad, wanted_vad)[others]
    )
    strength = face.float()[..., CONTROL_SLICE].sum(dim=-1)
    return FeelingTerms(
        exchange=exchange,
        vad=concordance_loss(seen.vad, wanted_vad),
        lag=lag_loss(voice_arousal(rows.float()), strength, rate_hz=FACE_HZ),
    )


def voice_arousal(rows: Float[Tensor, "batch rows 40"]) -> Float[Tensor, "batch latents"]:
    """Loudness per latent (8 rows) from normalised rows, 0..1 over their upper range."""
    level = rows.mean(dim=-1)
    level = functional.avg_pool1d(level[:, None], 8, stride=8)[:, 0]
    return (1.0 + level / _LOUDNESS_RANGE).clamp(0.0, 2.0)
