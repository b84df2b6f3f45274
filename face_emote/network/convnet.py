"""Small stacks of 1-D convolutions, run with numpy, and their files: the readers of voices and faces.

    input -> (x - mean) / scale -> conv, ReLU, conv, ReLU, .. [-> mean and maximum over time -> dense, ReLU, ..]

Arrays are [.., frames, channels]. Every layer but the last one is followed by a ReLU. In a net without `same` a
convolution answers only where its whole window lies inside the input, so the answers for a long input are those of
all its windows at once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CheckpointError
from face_emote.network.safetensors_file import read_tensors

MAX_LAYERS = 32
MAX_WIDTH = 1024
MAX_TAPS = 64


class Conv(NamedTuple):
    """One convolution over time."""

    outputs: int
    taps: int = 1
    stride: int = 1


@dataclass(frozen=True, slots=True)
class ConvNetSpec:
    """Sizes of a stack."""

    inputs: int
    convs: tuple[Conv, ...]
    same: bool = False  # Zeros around the input, so that it answers every frame; strides are 1 then and taps odd.
    dense: tuple[int, ...] = ()
    """Widths of dense layers after pooling over time; empty: the answers of the last convolution stay frames."""

    @property
    def window(self) -> int:
        """Frames of input that one answer of the convolutions has seen."""
        frames = 1
        for conv in reversed(self.convs):
            frames = (frames - 1) * conv.stride + conv.taps
        return frames


@dataclass(frozen=True, slots=True, eq=False)
class ConvNet:
    """A stack with its weights, float32."""

    spec: ConvNetSpec
    mean: Float[Array, " inputs"]
    scale: Float[Array, " inputs"]
    kernels: tuple[Array, ...]
    """[taps, channels in, channels out] of each convolution, then [in, out] of each dense layer."""
    biases: tuple[Array, ...]

    def __call__(self, inputs: Float[Array, "*batch frames inputs"]) -> Float[Array, "..."]:
        """Answers [.., frames, outputs], or [.., outputs] of a pooled stack; float32.

        ValueError: the input is shorter than the window of a stack without `same`.
        """
        x: Array = (np.asarray(inputs, np.float32) - self.mean) / self.scale
        convs = self.spec.convs
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            if i:
                np.maximum(x, 0.0, out=x)
            if i == len(convs):
                x = np.concatenate([x.mean(axis=-2), x.max(axis=-2)], axis=-1)
            if i < len(convs):
                x = convolved(x, kernel, bias=bias, stride=convs[i].stride, same=self.spec.same)
            else:
                x = x @ kernel + bias
        return x


def convolved(
    x: Float[Array, "*batch frames inputs"],
    kernel: Float[Array, "taps inputs outputs"],
    *,
    bias: Float[Array, " outputs"],
    stride: int,
    same: bool,
) -> Float[Array, "*batch frames_out outputs"]:
    """Cross-correlation over time: output t has seen inputs t stride .. t stride + taps - 1 (centred with `same`)."""
    taps, inputs, outputs = kernel.shape
    if same:
        x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(taps // 2, taps // 2), (0, 0)])
    if x.shape[-2] < taps:
        raise ValueError(f"{x.shape[-2]} frames are fewer than the {taps} that a convolution needs")
    windows = np.lib.stride_tricks.sliding_window_view(x, taps, axis=-2)[..., ::stride, :, :]
    flat = np.swapaxes(windows, -1, -2).reshape(*windows.shape[:-2], taps * inputs)
    return np.asarray(flat @ kernel.reshape(taps * inputs, outputs) + bias)


def weight_shapes_of(spec: ConvNetSpec) -> dict[str, tuple[int, ...]]:
    """Every array of a stack: `mean`, `scale`, then `0.kernel`, `0.bias`, .."""
    shapes: dict[str, tuple[int, ...]] = {"mean": (spec.inputs,), "scale": (spec.inputs,)}
    width = spec.inputs
    for i, conv in enumerate(spec.convs):
        shapes |= {f"{i}.kernel": (conv.taps, width, conv.outputs), f"{i}.bias": (conv.outputs,)}
        width = conv.outputs
    width *= 2
    for i, outputs in enumerate(spec.dense, start=len(spec.convs)):
        shapes |= {f"{i}.kernel": (width, outputs), f"{i}.bias": (outputs,)}
        width = outputs
    return shapes


def convnet(spec: ConvNetSpec, weights: Mapping[str, Array], *, prefix: str = "") -> ConvNet:
    """A stack from named arrays.

    KeyError: an array is missing. ValueError: an array has another shape than the spec says, or holds NaN or infinity,
    or a scale is not above 0.
    """
    found: dict[str, Array] = {}
    for name, shape in weight_shapes_of(spec).items():
        array = np.asarray(weights[prefix + name], np.float32)
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"{prefix + name} is {array.shape} and should be finite and {shape}")
        found[name] = array
    if (found["scale"] <= 0.0).any():
        raise ValueError(f"{prefix}scale has to be above 0")
    layers = range(len(spec.convs) + len(spec.dense))
    return ConvNet(
        spec=spec,
        mean=found["mean"],
        scale=found["scale"],
        kernels=tuple(found[f"{i}.kernel"] for i in layers),
        biases=tuple(found[f"{i}.bias"] for i in layers),
    )


def spec_from_table(table: object) -> ConvNetSpec:
    """A spec from its `asdict` as JSON gives it back, or from anything else.

    ValueError: it does not describe a stack of a sane size.
    """
    if not isinstance(table, dict) or set(table) != {"inputs", "convs", "same", "dense"}:
        raise ValueError("not a stack of convolutions")
    convs, dense = table["convs"], table["dense"]
    if not isinstance(convs, list) or not isinstance(dense, list) or not isinstance(table["same"], bool):
        raise ValueError("not a stack of convolutions")
    if not 1 <= len(convs) + len(dense) <= MAX_LAYERS or not all(isinstance(c, list) and len(c) == 3 for c in convs):
        raise ValueError("a stack of an impossible depth")
    widths = [table["inputs"], *(c[0] for c in convs), *dense]
    if not all(_within(width, MAX_WIDTH) for width in widths):
        raise ValueError("a stack of an impossible width")
    if not all(_within(c[1], MAX_TAPS) and _within(c[2], MAX_TAPS) for c in convs):
        raise ValueError("a stack of impossible windows")
    if table["same"] and any(c[1] % 2 == 0 or c[2] != 1 for c in convs):
        raise ValueError("a stack that answers every frame has odd windows and no strides")
    return ConvNetSpec(
        inputs=table["inputs"], convs=tuple(Conv(*c) for c in convs), same=table["same"], dense=tuple(dense)
    )


def _within(value: object, limit: int) -> bool:
    return type(value) is int and 1 <= value <= limit


FORMAT = "face_emote.expert/1"
MAX_STACKS = 8


@dataclass(frozen=True, slots=True, eq=False)
class ExpertFile:
    """What one file holds."""

    path: Path
    kind: str  # What the expert does, for example `sync`.
    stacks: Mapping[str, ConvNet] = field(default_factory=dict)
    extras: Mapping[str, Array] = field(default_factory=dict)  # Further arrays, float32, such as `x0`.
    labels: tuple[str, ...] = ()  # Names of the classes that it tells apart; empty where there are none.
    card: str = ""  # How it was trained and how good it is.

    def stack(self, name: str) -> ConvNet:
        """One of its stacks; CheckpointError without it."""
        if name not in self.stacks:
            raise CheckpointError(f"The expert has no part '{name}'; train it again: {self.path}")
        return self.stacks[name]

    def extra(self, name: str) -> Array:
        """One of its further arrays; CheckpointError without it."""
        if name not in self.extras:
            raise CheckpointError(f"The expert has no array '{name}'; train it again: {self.path}")
        return self.extras[name]


def read_expert(path: Path, *, kind: str) -> ExpertFile:
    """Read an expert of a kind; raises CheckpointError when the file is missing, damaged, or something else."""
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT or metadata.get("kind") != kind:
        found = metadata.get("kind", metadata.get("format", "nothing known"))
        raise CheckpointError(f"The file holds {found!r} and not the expert {kind!r}; choose another: {path}")
    try:
        table, labels = json.loads(metadata["stacks"]), json.loads(metadata["labels"])
        if not isinstance(table, dict) or len(table) > MAX_STACKS or not isinstance(labels, list):
            raise ValueError("no stacks")
        stacks = {name: convnet(spec_from_table(entry), tensors, prefix=f"{name}.") for name, entry in table.items()}
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"The expert cannot be used ({error}); fetch or train it again: {path}") from None
    extras = {
        name.removeprefix("extra."): array.astype(np.float32)
        for name, array in tensors.items()
        if name.startswith("extra.")
    }
    card = metadata.get("card", "")
    return ExpertFile(kind=kind, stacks=stacks, extras=extras, labels=tuple(map(str, labels)), card=card, path=path)
