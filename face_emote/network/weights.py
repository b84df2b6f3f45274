"""Every weight of the network, stated once: its name, its shape, and how the numpy runtime holds it.

A field of the dataclasses below is a layer, and its name is the layer's name in checkpoint files. From this statement
come `weight_shapes` (what a checkpoint must hold, no more and no less), `lip_weights` and `expression_weights` (arrays
as the runtime uses them) and the layers that `train.torch_net` teaches.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar, get_origin, get_type_hints

import numpy as np

from face_emote.audio.logmel import NUM_BANDS
from face_emote.core.arrays import Array, Float
from face_emote.core.names import PHONES
from face_emote.network.config import (
    EMOTION_COLUMNS,
    LATENT_FRAMES,
    LIP_CHANNELS,
    NUM_EXPRESSION_OUTPUTS,
    NetConfig,
    PathConfig,
)

UNKNOWN_PHONE = len(PHONES)  # Index of the phone embedding where no transcript is given.
STEM_TAPS = 3  # Of the lip path's first convolution, at 100 Hz.
HALVING_TAPS = 4  # Of its second one, stride 2.
LATENT_ROWS = 2 * LATENT_FRAMES  # Taps and stride of the expression path's convolution.
LIP_PREFIX, EXPRESSION_PREFIX = "lip_path.", "expression_path."

Shape = tuple[int, ...]
Sizes = Mapping[str, int]  # Lengths of the axes of one path by name. A layer with an axis of length 0 is left out.


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as it lies in a checkpoint."""

    kind: str
    """`dense` [out, in], `conv` [out, in, tap], `depthwise` [channel, 1, tap], `embedding` [row, out], or `bare`."""
    axes: tuple[str, ...]  # Of the weight, outputs first.
    stride: int = 1
    has_bias: bool = True  # Of all but `embedding` and `bare`, which never have one.
    first: float | None = None  # Standard deviation of the weights before training; None: as torch has it.

    def shape(self, sizes: Sizes) -> Shape:
        """Of the weight."""
        known = [sizes[axis] for axis in self.axes]
        return (known[0], 1, known[1]) if self.kind == "depthwise" else tuple(known)

    def tensors(self, sizes: Sizes) -> dict[str, Shape]:
        """Shapes by what follows the layer's name; nothing when it is left out."""
        shape = self.shape(sizes)
        if 0 in shape:
            return {}
        if self.kind == "bare":
            return {"": shape}
        weight = {".weight": shape}
        return weight | {".bias": shape[:1]} if self.has_bias and self.kind != "embedding" else weight

    def held(self, weights: Mapping[str, Array], name: str) -> "Affine | Array":
        """As the runtime wants it: rows times weight; a convolution as a dense map of its window, tap after tap."""
        if self.kind in ("bare", "embedding"):
            return weights[name if self.kind == "bare" else f"{name}.weight"]
        weight = weights[f"{name}.weight"]
        turned = weight[:, 0] if self.kind == "depthwise" else weight
        if self.kind == "conv":
            turned = weight.transpose(0, 2, 1).reshape(len(weight), -1)
        matrix = np.array(turned.T, order="C")
        return Affine(matrix, weights[f"{name}.bias"]) if self.has_bias else matrix


_LOOK_AHEAD = Layer("embedding", ("look_aheads", "condition"), first=0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """x @ weight + bias."""

    weight: Float[Array, "_in _out"]
    bias: Float[Array, " _out"]

    def __call__(self, x: Float[Array, "_rows _in"]) -> Float[Array, "_rows _out"]:
        """Apply to rows."""
        y: Array = x @ self.weight
        y += self.bias
        return y


@dataclass(frozen=True, slots=True, eq=False)
class BlockWeights:
    """One block: attention, depthwise convolution, perceptron."""

    modulation: Annotated[Affine, Layer("dense", ("nine_widths", "condition"), first=0.0)]
    """Shift, scale, gate of the three branches from the condition; the scales' biases include the 1 of 1 + scale."""
    qkv: Annotated[Float[Array, "width three_widths"], Layer("dense", ("three_widths", "width"), has_bias=False)]
    """Queries (already divided by the root of a head's width), keys, values."""
    attention_bias: Annotated[Float[Array, "head band"], Layer("bare", ("heads", "band"))]
    """Per head and distance to the key."""
    attended: Annotated[Affine, Layer("dense", ("width", "width"))]
    depthwise: Annotated[Affine, Layer("depthwise", ("width", "taps"))]  # Weight [tap, width].
    mixed: Annotated[Affine, Layer("dense", ("width", "width"))]
    widened: Annotated[Affine, Layer("dense", ("middle", "width"))]
    narrowed: Annotated[Affine, Layer("dense", ("width", "middle"))]


@dataclass(frozen=True, slots=True, eq=False)
class LipWeights:
    """The lip path."""

    stem_mel: Annotated[Affine, Layer("conv", ("width", "mel_bands", "stem_taps"))]
    stem_half: Annotated[Affine, Layer("conv", ("width", "width", "halving_taps"), stride=2)]
    phones: Annotated[Float[Array, "phone=41 width"], Layer("embedding", ("known_phones_and_none", "width"), first=0.1)]
    look_ahead: Annotated[Float[Array, "look_ahead condition"], _LOOK_AHEAD]
    style: Annotated[Float[Array, "style condition"], Layer("embedding", ("styles", "condition"), first=0.5)]
    emotion: Annotated[Affine | None, Layer("dense", ("condition", "emotion"))]  # Only where `lips_see_emotion`.
    blocks: tuple[BlockWeights, ...]
    lip_head: Annotated[Affine, Layer("dense", ("lip_channels", "width"))]
    phone_head: Annotated[Affine, Layer("dense", ("phones", "width"))]  # For training alone.


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionWeights:
    """The expression path."""

    stem_mel: Annotated[Affine, Layer("conv", ("width", "mel_bands", "latent_rows"), stride=LATENT_ROWS)]
    stem_dense: Annotated[Affine, Layer("dense", ("width", "width"))]
    look_ahead: Annotated[Float[Array, "look_ahead condition"], _LOOK_AHEAD]
    emotion: Annotated[Affine, Layer("dense", ("condition", "emotion"))]
    blocks: tuple[BlockWeights, ...]
    head: Annotated[Affine, Layer("dense", ("outputs", "width"))]


Weights = TypeVar("Weights")


def layers_of(kind: type) -> dict[str, Layer | None]:
    """The layers of one of the dataclasses by name, in order; None stands for its blocks."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: hint.__metadata__[0] if get_origin(hint) is Annotated else None for name, hint in hints.items()}


def lip_sizes(config: NetConfig) -> Sizes:
    """Axes of the lip path."""
    return _sizes(config, config.lips, emotion=len(EMOTION_COLUMNS) if config.lips_see_emotion else 0)


def expression_sizes(config: NetConfig) -> Sizes:
    """Axes of the expression path."""
    return _sizes(config, config.expression, emotion=len(EMOTION_COLUMNS))


def _sizes(config: NetConfig, path: PathConfig, *, emotion: int) -> Sizes:
    return {
        "width": path.width, "three_widths": 3 * path.width, "nine_widths": 9 * path.width,
        "middle": path.growth * path.width, "heads": path.heads, "band": path.band, "taps": path.taps,
        "layers": path.layers, "condition": config.condition_width, "look_aheads": len(config.look_ahead_frames),
        "styles": len(config.styles), "emotion": emotion, "mel_bands": NUM_BANDS, "stem_taps": STEM_TAPS,
        "halving_taps": HALVING_TAPS, "latent_rows": LATENT_ROWS, "phones": len(PHONES),
        "known_phones_and_none": UNKNOWN_PHONE + 1, "lip_channels": len(LIP_CHANNELS),
        "outputs": NUM_EXPRESSION_OUTPUTS,
    }  # fmt: skip


def weight_shapes(config: NetConfig) -> dict[str, Shape]:
    """Shape of every weight of a configuration."""
    return {
        "x0": (NUM_BANDS,),
        **tensors_of(LipWeights, lip_sizes(config), prefix=LIP_PREFIX),
        **tensors_of(ExpressionWeights, expression_sizes(config), prefix=EXPRESSION_PREFIX),
    }


def tensors_of(kind: type, sizes: Sizes, *, prefix: str) -> dict[str, Shape]:
    """Shapes of all weights of one of the dataclasses, by name."""
    return dict(_tensors(kind, sizes, prefix=prefix))


def _tensors(kind: type, sizes: Sizes, *, prefix: str) -> Iterator[tuple[str, Shape]]:
    for name, layer in layers_of(kind).items():
        if layer is None:
            for i in range(sizes["layers"]):
                yield from _tensors(BlockWeights, sizes, prefix=f"{prefix}{name}.{i}.")
        else:
            yield from ((f"{prefix}{name}{end}", shape) for end, shape in layer.tensors(sizes).items())


def lip_weights(weights: Mapping[str, Array], config: NetConfig) -> LipWeights:
    """A checkpoint's lip path, arranged for running."""
    return arranged(LipWeights, weights, sizes=lip_sizes(config), prefix=LIP_PREFIX)


def expression_weights(weights: Mapping[str, Array], config: NetConfig) -> ExpressionWeights:
    """A checkpoint's expression path, arranged for running."""
    return arranged(ExpressionWeights, weights, sizes=expression_sizes(config), prefix=EXPRESSION_PREFIX)


def arranged(kind: type[Weights], weights: Mapping[str, Array], *, sizes: Sizes, prefix: str) -> Weights:
    """The weights of one of the dataclasses, out of all of a checkpoint."""
    found: dict[str, Any] = {}
    for name, layer in layers_of(kind).items():
        if layer is None:
            blocks = (
                arranged(BlockWeights, weights, sizes=sizes, prefix=f"{prefix}{name}.{i}.")
                for i in range(sizes["layers"])
            )
            found[name] = tuple(_ready(block, heads=sizes["heads"]) for block in blocks)
        else:
            found[name] = layer.held(weights, prefix + name) if layer.tensors(sizes) else None
    return kind(**found)


def _ready(block: BlockWeights, *, heads: int) -> BlockWeights:
    """What every frame would do alike is done once: 1 + scale, and the division by the root of a head's width."""
    width = len(block.qkv)
    qkv = block.qkv.copy()
    qkv[:, :width] *= np.float32((width // heads) ** -0.5)
    biases = block.modulation.bias.reshape(3, 3, width).copy()
    biases[:, 1] += 1.0
    return replace(block, qkv=qkv, modulation=Affine(block.modulation.weight, biases.reshape(-1)))
