"""The phone net: dilated convolutions over normalised log-mels, run forward with numpy.

It is trained by `tools/train_phones`; `assets/phones/README.md` is its model card.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.audio.logmel import NUM_BANDS
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.assets import ASSETS
from face_emote.core.names import PHONES

ASSET = ASSETS / "phones" / "phone_net.npz"

CHUNK_FRAMES = 1024
"""Frames computed at a time, always from a multiple of it on: their context is a small part of the work."""
MEAN_FRAMES = 400  # The level that is subtracted is averaged over 4 s on each side.
QUIETEST, LOUDEST = -9.0, 5.0
"""Normalised log-mels are held in this range (natural log units around the local speech level)."""
SCALE = 2.5
OUTSIDE = QUIETEST / SCALE  # What the net sees before and after the sound: silence.

LIP_CLASSES = ("other", "bilabial", "labiodental", "silence")
"""Classes of the second head, for which a miss is seen on the lips."""


@dataclass(frozen=True, slots=True)
class PhoneNet:
    """Weights of the net and the statistics that its decoder needs."""

    kernels: tuple[Float[Array, "_tap _channel_in _channel_out"], ...]
    biases: tuple[Float[Array, " _channel_out"], ...]
    dilations: tuple[int, ...]
    head: Float[Array, "channel logit"]  # Columns: one logit per phone, then one per lip class.
    head_bias: Float[Array, " logit"]
    log_prior: Float[Array, " phone=40"]
    """Natural log of each phone's share of time in the (class-weighted) training frames."""
    log_bigram: Float[Array, "phone=40 next_phone=40"]
    """Natural log of the probability that a phone is followed by another one; rows sum to 1 in probability."""

    @property
    def reach(self) -> int:
        """Frames of context that an output sees on each side."""
        return sum((len(kernel) // 2) * dilation for kernel, dilation in zip(self.kernels, self.dilations, strict=True))


@lru_cache(maxsize=1)
def load_phone_net(path: Path = ASSET) -> PhoneNet:
    """The bundled net. Weights are stored as float16 and computed with as float32."""
    with np.load(path, allow_pickle=False) as file:
        arrays: dict[str, Array] = {name: file[name] for name in file.files}
    dilations = tuple(int(d) for d in arrays["dilations"])
    f32 = {name: a.astype(np.float32) for name, a in arrays.items()}
    return PhoneNet(
        kernels=tuple(f32[f"kernel{i}"] for i in range(len(dilations))),
        biases=tuple(f32[f"bias{i}"] for i in range(len(dilations))),
        dilations=dilations,
        head=f32["head"],
        head_bias=f32["head_bias"],
        log_prior=f32["log_prior"],
        log_bigram=f32["log_bigram"],
    )


def normalised_mels(mels: Iterable[Float[Array, "_frames band"]]) -> Iterator[Float[Array, "_frames band"]]:
    """Log-mels minus their local mean, so that microphone, room and gain cancel.

    The mean over +/- `MEAN_FRAMES` is weighted with each frame's amplitude: pauses do not shift it.
    """
    for window, real in with_context(mels, size=CHUNK_FRAMES, before=MEAN_FRAMES, after=MEAN_FRAMES, outside=-np.inf):
        inside = np.isfinite(window[:, :1])
        values = np.where(inside, window, 0.0).astype(np.float64)
        weights = np.sqrt(np.where(inside, np.exp(values).mean(axis=1, keepdims=True), 0.0))
        sums = np.cumsum(np.concatenate([np.zeros((1, NUM_BANDS + 1)), np.hstack([weights * values, weights])]), axis=0)
        span = sums[2 * MEAN_FRAMES + 1 :] - sums[: -2 * MEAN_FRAMES - 1]
        mean = span[:, :-1] / np.maximum(span[:, -1:], 1e-12)
        centred = values[MEAN_FRAMES : MEAN_FRAMES + CHUNK_FRAMES] - mean
        yield (np.clip(centred, QUIETEST, LOUDEST) / SCALE).astype(np.float32)[:real]


def phone_logits(
    mels: Iterable[Float[Array, "_frames band"]], net: PhoneNet
) -> Iterator[tuple[Float[Array, "_frames phone=40"], Float[Array, "_frames lip_class=4"]]]:
    """Log posteriors of the phones and of the lip classes, every 10 ms, chunk by chunk."""
    windows = with_context(normalised_mels(mels), size=CHUNK_FRAMES, before=net.reach, after=net.reach, outside=OUTSIDE)
    for window, real in windows:
        logits = forward(window, net)[:real]
        yield _log_softmax(logits[:, : len(PHONES)]), _log_softmax(logits[:, len(PHONES) :])


def forward(rows: Float[Array, "window band"], net: PhoneNet) -> Float[Array, "frames logit"]:
    """Logits of the rows that have full context: `2 * net.reach` fewer than came in."""
    x = rows
    for kernel, bias, dilation in zip(net.kernels, net.biases, net.dilations, strict=True):
        taps = len(kernel)
        length = len(x) - (taps - 1) * dilation
        y = x[:length] @ kernel[0]
        for k in range(1, taps):
            y += x[k * dilation : k * dilation + length] @ kernel[k]
        y += bias
        np.maximum(y, 0.0, out=y)
        if kernel.shape[1] == kernel.shape[2]:
            start = (taps // 2) * dilation
            y += x[start : start + length]
        x = y
    logits: Array = x @ net.head + net.head_bias
    return logits


def _log_softmax(logits: Float[Array, "frames label"]) -> Float[Array, "frames label"]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_share: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log_share


def lip_class_of(phone: Int[Array, " frames"]) -> Int[Array, " frames"]:
    """Index into `LIP_CLASSES` of phones given as indices into `names.PHONES`."""
    table = np.zeros(len(PHONES), np.int64)
    for label, labels in enumerate((("P", "B", "M"), ("F", "V"), ("SIL",)), start=1):
        table[[PHONES.index(name) for name in labels]] = label
    group: Array = table[phone]
    return group


def with_context(
    chunks: Iterable[Float[Array, "_rows column"]], *, size: int, before: int, after: int, outside: float
) -> Iterator[tuple[Float[Array, "_window column"], int]]:
    """Cut a stream of rows into windows of `before + size + after` rows, one every `size` rows.

    Yields:
        The window, and how many of its `size` middle rows are real (fewer at the end of the stream). Rows before
        the start and after the end hold `outside`. Every window starts at a multiple of `size` and has the same
        shape, so what is computed from it does not depend on how the stream was cut.
    """
    held: Array | None = None
    length = before + size + after
    for chunk in chunks:
        if held is None:
            held = np.full((before, chunk.shape[1]), outside, chunk.dtype)
        held = np.concatenate([held, chunk])
        while len(held) >= length:
            yield held[:length], size
            held = held[size:]
    while held is not None and len(held) > before:
        window = np.full((length, held.shape[1]), outside, held.dtype)
        window[: len(held)] = held
        yield window, min(size, len(held) - before)
        held = held[size:]
