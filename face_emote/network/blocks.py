"""Blocks of the network, run forward on a stream: chunks of one fixed length, with what attention and taps remember."""

import math

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.network.weights import BlockWeights

EPSILON = 1e-5
SPAN = 32  # Most frames whose attention is one product: longer ones see more keys that are not theirs.


def silu(x: Float[Array, "_frames _column"]) -> Float[Array, "_frames _column"]:
    """Each x times its logistic; written with tanh, which cannot overflow."""
    half = x * np.float32(0.5)
    y: Array = np.tanh(half)
    y *= half
    y += half
    return y


def sigmoid(x: Float[Array, "_frames _column"]) -> Float[Array, "_frames _column"]:
    """Logistic function."""
    y: Array = np.tanh(x * np.float32(0.5))
    return np.float32(0.5) * y + np.float32(0.5)


def norm(x: Float[Array, "_frames _width"]) -> Float[Array, "_frames _width"]:
    """Layer normalisation without affine."""
    share = np.float32(1.0 / x.shape[1])
    y: Array = x - np.add.reduce(x, axis=1, keepdims=True) * share
    variance = np.add.reduce(y * y, axis=1, keepdims=True) * share
    y /= np.sqrt(variance + np.float32(EPSILON))
    return y


class BlockStream:
    """One block and its memory. Every chunk has the same number of frames, so results do not depend on cutting."""

    def __init__(self, weights: BlockWeights, *, chunk: int) -> None:
        taps, width = weights.depthwise.weight.shape
        heads, band = weights.attention_bias.shape
        self._weights = weights
        self._chunk = chunk
        self._before = band - 1
        self._unheard = band - 1
        """Of the keys before this chunk, those that lie before frame 0."""
        self._keys_values = np.zeros((band - 1 + chunk, 2 * width), np.float32)
        self._convolved = np.zeros((taps - 1 + chunk, width), np.float32)
        self._span = math.gcd(chunk, SPAN)
        self._mask = _band_mask(weights.attention_bias, self._span)
        self._shape = (heads, width // heads)

    def step(self, x: Float[Array, "frames width"], modulation: Float[Array, "_rows 9*width"]) -> None:
        """Change the next chunk in place; `modulation` has a row per frame, or one for all."""
        weights = self._weights
        shift1, scale1, gate1, shift2, scale2, gate2, shift3, scale3, gate3 = modulation.reshape(
            len(modulation), 9, -1
        ).swapaxes(0, 1)
        x += gate1 * self._attention(_modulated(x, scale=scale1, shift=shift1))
        x += gate2 * self._convolution(_modulated(x, scale=scale2, shift=shift2))
        x += gate3 * weights.narrowed(silu(weights.widened(_modulated(x, scale=scale3, shift=shift3))))

    def _attention(self, x: Array) -> Array:
        before, chunk, width = self._before, self._chunk, x.shape[1]
        qkv = x @ self._weights.qkv
        held = self._keys_values
        held[before:] = qkv[:, width:]
        span = self._span
        queries = qkv[:, :width].reshape(-1, span, *self._shape).swapaxes(1, 2)
        # [span, head, column, row]: of each span, the rows before it and its own.
        windows = np.lib.stride_tricks.sliding_window_view(held, before + span, axis=0)[::span]
        keys = windows[:, :width].reshape(-1, *self._shape, before + span)
        values = windows[:, width:].reshape(-1, *self._shape, before + span).swapaxes(2, 3)
        scores = queries @ keys
        scores += self._mask
        for number in range(math.ceil(min(self._unheard, chunk) / span)):
            scores[number, :, :, : self._unheard - number * span] = -np.inf
        self._unheard = max(self._unheard - chunk, 0)
        scores -= np.maximum.reduce(scores, axis=3, keepdims=True)
        np.exp(scores, out=scores)
        y = scores @ values
        y /= np.add.reduce(scores, axis=3, keepdims=True)
        held[:before] = held[chunk:].copy()
        return self._weights.attended(y.swapaxes(1, 2).reshape(chunk, width))

    def _convolution(self, x: Array) -> Array:
        chunk, held, kernel = self._chunk, self._convolved, self._weights.depthwise.weight
        before = len(kernel) - 1
        held[before:] = x
        y = held[:chunk] * kernel[0]
        for k in range(1, len(kernel)):
            y += held[k : k + chunk] * kernel[k]
        y += self._weights.depthwise.bias
        held[:before] = held[chunk:].copy()
        return self._weights.mixed(silu(y))


def _modulated(x: Array, *, scale: Array, shift: Array) -> Array:
    y = norm(x)
    y *= scale
    y += shift
    return y


def _band_mask(distance_bias: Float[Array, "head band"], span: int) -> Float[Array, "head span key"]:
    """What is added to the scores of a span's queries with the `band - 1` keys before it and its own."""
    heads, band = distance_bias.shape
    mask = np.full((heads, span, band - 1 + span), -np.inf, np.float32)
    for i in range(span):
        mask[:, i, i : i + band] = distance_bias[:, ::-1]
    return mask
