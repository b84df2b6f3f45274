"""Blocks of the network, run forward on a stream: chunks of one fixed length, with what attention and taps remember."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.network.weights import BlockWeights

EPSILON = 1e-5


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
        self._mask = _band_mask(weights.attention_bias, chunk)
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
        queries = qkv[:, :width].reshape(chunk, *self._shape).transpose(1, 0, 2)
        keys = held[:, :width].reshape(-1, *self._shape).transpose(1, 2, 0)
        values = held[:, width:].reshape(-1, *self._shape).transpose(1, 0, 2)
        scores = queries @ keys
        scores += self._mask
        if self._unheard:
            scores[:, :, : self._unheard] = -np.inf
            self._unheard = max(self._unheard - chunk, 0)
        scores -= np.maximum.reduce(scores, axis=2, keepdims=True)
        np.exp(scores, out=scores)
        y = scores @ values
        y /= np.add.reduce(scores, axis=2, keepdims=True)
        held[:before] = held[chunk:].copy()
        return self._weights.attended(y.transpose(1, 0, 2).reshape(chunk, width))

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


def _band_mask(distance_bias: Float[Array, "head band"], chunk: int) -> Float[Array, "head chunk key"]:
    """What is added to the scores of a chunk's queries with the `band - 1` keys before it and its own."""
    heads, band = distance_bias.shape
    mask = np.full((heads, chunk, band - 1 + chunk), -np.inf, np.float32)
    for i in range(chunk):
        mask[:, i, i : i + band] = distance_bias[:, ::-1]
    return mask
