"""The network that draws, in numpy: velocities of a rectified flow over tokens of face, voice and feeling.

Blocks at 12.5 Hz, blocks over phrases of eight tokens, and blocks at 12.5 Hz again, to which what the phrases know is
added; each sees the whole window, and phrases see those of moments that faces like this one had. All three streams
share one time of the flow; a stream, or a token of it, that is known is given as it is, with a flag.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.errors import CheckpointError
from face_emote.generation.layout import (
    EASED,
    FACE,
    FACE_SLICE,
    FEELING_SLICE,
    LIDS,
    NUM_RECALLED,
    NUM_VALUES,
    PHRASE_TOKENS,
    SLICES,
    STYLE,
    WINDOW,
    DrawConfig,
    Recalled,
)  # fmt: skip
from face_emote.network.blocks import norm, silu
from face_emote.network.safetensors_file import read_tensors
from face_emote.network.weights import Affine, BlockWeights, Layer, Sizes, arranged, tensors_of

FORMAT = "face_emote.generation/2"
DRAW_NET = ASSETS / "generation" / "takes.safetensors"
_EXTRAS = ("mean", "scale", "manners", "style_mean", "style_scale", "restless", "answer_gain", "answer_offset")
_TIMES = 4
FARTHEST_STYLE = 4.0
_VAD = slice(FEELING_SLICE.stop - 3, FEELING_SLICE.stop)
NUM_CONDITIONS = 1 + 2 * _TIMES + len(STYLE) + 1


@dataclass(frozen=True, slots=True, eq=False)
class DrawWeights:
    """All layers, by their names in the checkpoint."""

    stem: Annotated[Affine, Layer("dense", ("width", "given"))]
    condition: Annotated[Affine, Layer("dense", ("condition", "conditions"))]
    early: tuple[BlockWeights, ...]
    recall: Annotated[Affine, Layer("dense", ("width", "recalled"))]
    gather: Annotated[Affine, Layer("dense", ("width", "width"))]
    phrase: tuple[BlockWeights, ...]
    spread: Annotated[Affine, Layer("dense", ("width", "width"))]
    late: tuple[BlockWeights, ...]
    head: Annotated[Affine, Layer("dense", ("values", "width"), first=0.0)]


@dataclass(frozen=True, slots=True, eq=False)
class DrawNet:
    """A network that is ready to draw."""

    weights: DrawWeights
    mean: Float[Array, f" value={NUM_VALUES}"]
    scale: Float[Array, f" value={NUM_VALUES}"]
    """What a value is against and in units of, inside the network."""
    manners: Float[Array, f"talker style={len(STYLE)}"]
    """Mean styles of the talkers that were learnt from."""
    style_mean: Float[Array, f" style={len(STYLE)}"]
    style_scale: Float[Array, f" style={len(STYLE)}"]
    restless: Float[Array, f"style={len(STYLE)} style={len(STYLE)}"]
    """Root of the covariance with which a talker's style changes from clip to clip."""
    answer_gain: Float[Array, f" style={len(STYLE)}"]
    answer_offset: Float[Array, f" style={len(STYLE)}"]
    """What is drawn has this much of the style that is asked for, and so much more."""
    controls: Mapping[str, float]
    """What controls do to a face on the bundled head (`aims`)."""
    sha256: str
    card: str

    def manner(self, style: Sequence[float], *, strength: float) -> Float[Array, f" style={len(STYLE)}"]:
        """A style that is so much unlike how people move on the whole."""
        usual = self.manners.mean(axis=0)
        return np.asarray(usual + strength * (np.asarray(style) - usual))

    def velocity(
        self,
        values: Float[Array, "token value"],
        *,
        known: Float[Array, "token stream=3"],
        time: float,
        style: Array | None,
        memory: Float[Array, f"phrase recalled={NUM_RECALLED}"] | None = None,
    ) -> Float[Array, "token value"]:
        """Of the flow at `time` of 0, noise, to 1; `known` is 1 where values are no noise; style None: anybody's.

        `memory` is what `remembered` makes of moments.
        """
        net = self.weights
        if style is not None:
            style = np.clip((style - self.style_mean) / self.style_scale, -FARTHEST_STYLE, FARTHEST_STYLE)
        x = net.stem(np.concatenate([values, known], axis=1, dtype=np.float32))
        condition = silu(net.condition(conditions(time, style)[None]))
        for early in net.early:
            _step(early, x, condition)
        phrases = net.gather(x.reshape(-1, PHRASE_TOKENS, x.shape[1]).mean(axis=1))
        moments = None if memory is None else net.recall(memory)
        for phrase in net.phrase:
            _step(phrase, phrases, condition, moments)
        x += np.repeat(net.spread(phrases), PHRASE_TOKENS, axis=0)
        for late in net.late:
            _step(late, x, condition)
        return net.head(norm(x))

    def eased(self, face: Float[Array, f"*rows value={len(FACE)}"]) -> Float[Array, f"*rows value={len(FACE)}"]:
        """Tokens of a face in the network's own units."""
        own = face.astype(np.float64)
        own[..., LIDS] = np.arcsinh((own[..., LIDS] - 1.0) / EASED)
        return np.asarray(np.clip((own - self.mean[FACE_SLICE]) / self.scale[FACE_SLICE], -6.0, 6.0))

    def remembered(self, moments: Recalled) -> Float[Array, f"phrase recalled={NUM_RECALLED}"] | None:
        """Phrases of moments as the network is given them; None of none."""
        count = len(moments.face)
        if count == 0:
            return None
        face = self.eased(moments.face)
        parts = WINDOW // PHRASE_TOKENS
        vad = np.repeat((moments.vad - self.mean[_VAD]) / self.scale[_VAD], parts, axis=0)
        which = np.tile(np.eye(parts), (count, 1))
        return np.concatenate([face.reshape(count * parts, -1), vad, which], axis=1).astype(np.float32)


def conditions(time: float, style: Float[Array, " style"] | None) -> Float[Array, f" condition={NUM_CONDITIONS}"]:
    """What every block is told: the time, and how this face moves."""
    turns = np.pi * time * 2.0 ** np.arange(_TIMES)
    manner = np.zeros(len(STYLE)) if style is None else style
    return np.concatenate([[time], np.sin(turns), np.cos(turns), manner, [float(style is not None)]], dtype=np.float32)


def _step(weights: BlockWeights, x: Array, condition: Array, moments: Array | None = None) -> None:
    """One block, in place: every token sees every other, and the tokens of moments."""
    rows = weights.modulation(condition).reshape(9, -1)
    shift1, scale1, gate1, shift2, scale2, gate2, shift3, scale3, gate3 = rows
    seen = x if moments is None else np.concatenate([x, moments])
    x += gate1 * _attention(weights, norm(seen) * scale1 + shift1, len(x))
    x += gate2 * _convolution(weights, norm(x) * scale2 + shift2)
    x += gate3 * weights.narrowed(silu(weights.widened(norm(x) * scale3 + shift3)))


def _attention(weights: BlockWeights, x: Array, count: int) -> Array:
    """Of the first `count` tokens to all; how far it is to the others does not matter."""
    heads, reach = weights.attention_bias.shape
    queries, keys, values = (x @ weights.qkv).reshape(len(x), 3, heads, -1).transpose(1, 2, 0, 3)
    apart = np.arange(count)[:, None] - np.arange(count) + reach // 2
    scores = queries[:, :count] @ keys.swapaxes(1, 2)
    scores[:, :, :count] += weights.attention_bias[:, apart]
    shares = np.exp(scores - scores.max(axis=2, keepdims=True))
    y = (shares @ values) / shares.sum(axis=2, keepdims=True)
    return weights.attended(y.swapaxes(0, 1).reshape(count, -1))


def _convolution(weights: BlockWeights, x: Array) -> Array:
    kernel = weights.depthwise.weight
    around = np.pad(x, ((len(kernel) // 2, len(kernel) // 2), (0, 0)))
    y = sum(around[k : k + len(x)] * row for k, row in enumerate(kernel)) + weights.depthwise.bias
    return weights.mixed(silu(y))


def draw_sizes(config: DrawConfig) -> Sizes:
    """Axes of the network."""
    return {
        "width": config.width, "three_widths": 3 * config.width, "nine_widths": 9 * config.width,
        "middle": config.growth * config.width, "heads": config.heads, "band": 2 * WINDOW - 1, "taps": config.taps,
        "layers": config.layers, "condition": config.condition, "conditions": NUM_CONDITIONS, "recalled": NUM_RECALLED,
        "given": NUM_VALUES + len(SLICES), "values": NUM_VALUES,
    }  # fmt: skip


@lru_cache(maxsize=2)
def load_draw_net(path: Path = DRAW_NET) -> DrawNet:
    """The network of a file.

    Raises:
        CheckpointError: the file is missing, damaged, or holds another network.
    """
    tensors, metadata = read_tensors(path)
    try:
        if metadata.get("format") != FORMAT:
            raise ValueError(metadata.get("format", "no format")[:60])
        sizes = draw_sizes(DrawConfig(**json.loads(metadata["config"])))
        controls = {str(name): float(value) for name, value in json.loads(metadata["controls"]).items()}
        extras = {name: tensors[name].astype(np.float64) for name in _EXTRAS}
        weights = {name: array.astype(np.float32) for name, array in tensors.items() if name not in extras}
        shapes = tensors_of(DrawWeights, sizes, prefix="")
        if {name: array.shape for name, array in weights.items()} != shapes:
            raise ValueError("its weights do not fit its sizes")
        if not all(np.isfinite(array).all() for array in tensors.values()):
            raise ValueError("it holds numbers that are not finite")
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"No takes can be drawn with this file ({error}); choose another: {path}") from None
    made = arranged(DrawWeights, weights, sizes=sizes, prefix="")
    return DrawNet(made, **extras, controls=controls, sha256=metadata["sha256"], card=metadata.get("card", ""))
