"""The network's weights as the numpy runtime uses them: dense maps transposed, kernels flattened, all float32."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.network.checkpoint import Checkpoint
from face_emote.network.config import NetConfig, PathConfig


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

    heads: int
    modulation: Affine
    """Shift, scale, gate of the three branches from the condition; the scales' biases include the 1 of 1 + scale."""
    qkv: Float[Array, "width three_widths"]
    """Queries (already divided by the root of a head's width), keys, values."""
    distance_bias: Float[Array, "head band"]
    attended: Affine
    depthwise: Float[Array, "tap width"]
    depthwise_bias: Float[Array, " width"]
    mixed: Affine
    widened: Affine
    narrowed: Affine


@dataclass(frozen=True, slots=True, eq=False)
class LipWeights:
    """The lip path."""

    stem_mel: Affine
    """From (tap, band)."""
    stem_half: Affine
    """From (tap, channel)."""
    phones: Float[Array, "phone=41 width"]
    look_ahead: Float[Array, "look_ahead condition"]
    style: Float[Array, "style condition"]
    emotion: Affine | None
    blocks: tuple[BlockWeights, ...]
    head: Affine


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionWeights:
    """The expression path."""

    stem_mel: Affine
    """From (tap, band)."""
    stem_dense: Affine
    look_ahead: Float[Array, "look_ahead condition"]
    emotion: Affine
    blocks: tuple[BlockWeights, ...]
    head: Affine


@dataclass(frozen=True, slots=True, eq=False)
class MotionNet:
    """A network ready to run."""

    name: str
    """What it was loaded by: `default`, `fast`, or a file's stem."""
    config: NetConfig
    card: str
    sha256: str
    x0: Float[Array, " band=40"]
    """Mean log-mel of the training speech, for `features.LevelFollower`."""
    lips: LipWeights
    expression: ExpressionWeights

    def look_ahead_index(self, look_ahead_frames: int) -> int:
        """Row of a look-ahead in the embeddings; ValueError when the network was not trained for it."""
        return self.config.look_ahead_frames.index(look_ahead_frames)


def motion_net(checkpoint: Checkpoint, *, name: str) -> MotionNet:
    """Arrange a checkpoint's weights for running."""
    weights, config = checkpoint.weights, checkpoint.config
    lips = _under(weights, "lip_path.")
    expression = _under(weights, "expression_path.")
    return MotionNet(
        name=name,
        config=config,
        card=checkpoint.card,
        sha256=checkpoint.sha256,
        x0=weights["x0"],
        lips=LipWeights(
            stem_mel=_convolution(lips, "stem_mel"),
            stem_half=_convolution(lips, "stem_half"),
            phones=lips["phones.weight"],
            look_ahead=lips["look_ahead.weight"],
            style=lips["style.weight"],
            emotion=_dense(lips, "emotion") if config.lips_see_emotion else None,
            blocks=_blocks(lips, config.lips),
            head=_dense(lips, "lip_head"),
        ),
        expression=ExpressionWeights(
            stem_mel=_convolution(expression, "stem_mel"),
            stem_dense=_dense(expression, "stem_dense"),
            look_ahead=expression["look_ahead.weight"],
            emotion=_dense(expression, "emotion"),
            blocks=_blocks(expression, config.expression),
            head=_dense(expression, "head"),
        ),
    )


def _under(weights: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {name[len(prefix) :]: array for name, array in weights.items() if name.startswith(prefix)}


def _dense(weights: Mapping[str, Array], name: str) -> Affine:
    return Affine(np.ascontiguousarray(weights[f"{name}.weight"].T), weights[f"{name}.bias"])


def _convolution(weights: Mapping[str, Array], name: str) -> Affine:
    """A convolution as a dense map of its window, taps one after the other."""
    kernel = weights[f"{name}.weight"].transpose(2, 1, 0)
    return Affine(np.ascontiguousarray(kernel.reshape(-1, kernel.shape[2])), weights[f"{name}.bias"])


def _blocks(weights: Mapping[str, Array], path: PathConfig) -> tuple[BlockWeights, ...]:
    return tuple(_block(_under(weights, f"blocks.{i}."), path) for i in range(path.layers))


def _block(weights: Mapping[str, Array], path: PathConfig) -> BlockWeights:
    d = path.width
    qkv = weights["qkv.weight"].T.copy()
    qkv[:, :d] *= np.float32((d // path.heads) ** -0.5)
    modulation = _dense(weights, "modulation")
    biases = modulation.bias.reshape(3, 3, d).copy()
    biases[:, 1] += 1.0
    return BlockWeights(
        heads=path.heads,
        modulation=Affine(modulation.weight, biases.reshape(-1)),
        qkv=qkv,
        distance_bias=weights["attention_bias"],
        attended=_dense(weights, "attended"),
        depthwise=np.ascontiguousarray(weights["depthwise.weight"][:, 0].T),
        depthwise_bias=weights["depthwise.bias"],
        mixed=_dense(weights, "mixed"),
        widened=_dense(weights, "widened"),
        narrowed=_dense(weights, "narrowed"),
    )
