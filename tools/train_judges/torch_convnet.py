"""The torch twin of `network.convnet`, and the loop that all experts are trained with."""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array, Float
from face_emote.network.convnet import FORMAT, ConvNet, ConvNetSpec, ExpertFile, weight_shapes_of
from face_emote_lab.train.checkpoint_file import write_tensors
from face_emote_lab.train.corpus.cache import ClipRow, Corpus


class TorchConvNet(nn.Module):
    """A stack of convolutions; parameters are shaped and named as in numpy."""

    mean: Tensor
    scale: Tensor

    def __init__(self, spec: ConvNetSpec, *, generator: torch.Generator | None = None) -> None:
        """He-initialised; `generator` makes it reproducible."""
        super().__init__()
        self.spec = spec
        shapes = weight_shapes_of(spec)
        self.register_buffer("mean", torch.zeros(spec.inputs))
        self.register_buffer("scale", torch.ones(spec.inputs))
        num_layers = len(spec.convs) + len(spec.dense)
        self.kernels = nn.ParameterList()
        self.biases = nn.ParameterList()
        for i in range(num_layers):
            shape = shapes[f"{i}.kernel"]
            fan_in = int(np.prod(shape[:-1]))
            gain = 2.0 if i < num_layers - 1 else 1.0
            self.kernels.append(nn.Parameter(torch.randn(shape, generator=generator) * (gain / fan_in) ** 0.5))
            self.biases.append(nn.Parameter(torch.zeros(shape[-1])))

    def forward(self, inputs: Float[Tensor, "batch frames inputs"]) -> Float[Tensor, "batch ..."]:
        """As `ConvNet.__call__`, for one batch axis."""
        x = ((inputs - self.mean) / self.scale).transpose(1, 2)
        last = len(self.kernels) - 1
        for i, conv in enumerate(self.spec.convs):
            padding = conv.taps // 2 if self.spec.same else 0
            x = functional.conv1d(
                x, self.kernels[i].permute(2, 1, 0), self.biases[i], stride=conv.stride, padding=padding
            )
            if i < last:
                x = functional.relu(x)
        if not self.spec.dense:
            return x.transpose(1, 2)
        x = torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=-1)
        for i in range(len(self.spec.convs), last + 1):
            x = x @ self.kernels[i] + self.biases[i]
            if i < last:
                x = functional.relu(x)
        return x

    def in_numpy(self) -> ConvNet:
        """The same stack for `network.convnet`."""
        kernels, biases = (tuple(_array(value) for value in part) for part in (self.kernels, self.biases))
        return ConvNet(self.spec, _array(self.mean), scale=_array(self.scale), kernels=kernels, biases=biases)


def _array(value: Tensor) -> Array:
    return value.detach().cpu().numpy().astype(np.float32)


def frozen_twin(net: ConvNet) -> TorchConvNet:
    """Inverse of `in_numpy`; its weights do not learn."""
    twin = TorchConvNet(net.spec)
    with torch.no_grad():
        twin.mean.copy_(torch.from_numpy(net.mean))
        twin.scale.copy_(torch.from_numpy(net.scale))
        for own, given in zip([*twin.kernels, *twin.biases], [*net.kernels, *net.biases], strict=True):
            own.copy_(torch.from_numpy(given))
    return twin.eval().requires_grad_(False)


def arrays_of(net: ConvNet) -> dict[str, Array]:
    """By the names of `weight_shapes_of`."""
    layers = enumerate(zip(net.kernels, net.biases, strict=True))
    named = {f"{i}.{name}": array for i, pair in layers for name, array in zip(("kernel", "bias"), pair, strict=True)}
    return {"mean": net.mean, "scale": net.scale, **named}


def write_expert(expert: ExpertFile) -> str:
    """Write an expert to its path, weights as float16, extras as float32; returns their sha256.

    Raises:
        OutputError: the file cannot be written there.
    """
    tensors = {
        f"{stack}.{name}": array.astype(np.float16)
        for stack, net in expert.stacks.items()
        for name, array in arrays_of(net).items()
    }
    tensors |= {f"extra.{name}": np.asarray(array, np.float32) for name, array in expert.extras.items()}
    metadata = {
        "format": FORMAT,
        "kind": expert.kind,
        "stacks": json.dumps({name: asdict(net.spec) for name, net in expert.stacks.items()}, sort_keys=True),
        "labels": json.dumps(expert.labels),
        "card": expert.card,
    }
    return write_tensors(expert.path, tensors, metadata=metadata)


Report = Callable[[str], None]
"""Takes a line about how it goes."""


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How long, and how fast."""

    steps: int
    rate: float = 1.5e-3
    weight_decay: float = 0.01
    warmup: int = 50
    clip: float = 1.0
    minutes: float = 0.0
    """Stop after so much wall-clock time even if steps are left; 0: never. Only without it a run can be repeated."""


def fit(module: nn.Module, *, loss_at: Callable[[int], Tensor], config: FitConfig, report: Report) -> int:
    """AdamW with warm-up and cosine decay to nothing; returns the steps that were made.

    `loss_at` draws the batch of a step from its number; `report` hears about every tenth of the way.
    """
    optimiser = torch.optim.AdamW(module.parameters(), lr=config.rate, weight_decay=config.weight_decay)
    begun = time.monotonic()
    held = 0.0
    for step in range(config.steps):
        spent = (time.monotonic() - begun) / (60.0 * config.minutes) if config.minutes else 0.0
        share = max(step / config.steps, spent)
        if share >= 1.0:
            return step
        rate = config.rate * min(1.0, (step + 1) / config.warmup) * 0.5 * (1.0 + math.cos(math.pi * share))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = loss_at(step)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(module.parameters(), config.clip)
        optimiser.step()
        held += float(loss.detach())
        if (step + 1) % max(config.steps // 10, 1) == 0:
            report(f"step {step + 1} of {config.steps}: loss {held / max(config.steps // 10, 1):.4f}")
            held = 0.0
    return config.steps


def set_normalisation(stack: TorchConvNet, example: Tensor) -> None:
    """Give a stack the mean and the spread of examples of its input [.., frames, channels]."""
    flat = example.reshape(-1, example.shape[-1])
    with torch.no_grad():
        stack.mean.copy_(flat.mean(dim=0))
        stack.scale.copy_(flat.std(dim=0).clamp_min(0.02))


@dataclass(frozen=True, slots=True)
class Lesson:
    """How one expert is trained."""

    fit: FitConfig
    batch: int
    performances: int = 0
    """Per label, for those who judge performances."""
    hold_out: tuple[str, ...] = ()
    """Talkers that are not learnt from."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which expert is to be made of what."""

    name: str
    corpus: Corpus
    lesson: Lesson
    seed: int
    path: Path
    report: Report

    def held_out(self) -> Iterator[tuple[int, ClipRow]]:
        """Number and row of every clip that is not learnt from."""
        for i, row in enumerate(self.corpus.clips):
            if row.split == "test" or row.talker in self.lesson.hold_out:
                yield i, row


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """An expert that is to learn: one of `teach.STUDENTS`."""

    net: nn.Module
    loss: Callable[[int], Tensor]
    """Of a step; the batch follows from the step's number."""
    file: Callable[[], ExpertFile]
    """What is to be written of it, but for the card."""
    figures: Callable[[], dict[str, float]]
    """On held-out clips, once it has been written."""
