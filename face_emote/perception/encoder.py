"""One encoder for voice, words and face: their tokens attend to each other, and a whole line becomes 1024 numbers.

    figures of each token -> width + place in time -> blocks (attention, then two layers) -> states
    states of each kind of token: mean and deviation over the whole -> embedding

It goes through a line in chunks of `EncoderSpec.chunk` frames that do not see each other. `tools.train_encoder` taught
it; `assets/perception/encoder.md` is its card.
"""

import json
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.errors import CheckpointError
from face_emote.network.blocks import norm
from face_emote.network.safetensors_file import read_tensors
from face_emote.perception.encoder_inputs import KINDS, WIDTHS, EncoderInputs, Track

ENCODER = ASSETS / "perception" / "encoder.safetensors"  # Not in every installation: Blender's has none.
FORMAT = "face_emote.encoder/1"
FARTHEST = 5.0  # Figures are held to within so many standard deviations of what was learnt from.
POOLS = ("voice", "manner", "words", "face")
"""What is pooled by itself; the last eighth is the chunk's own token, which sees all of them."""
POOL_OF = (0, 1, 2, 2, 3)
DEVIATES = (True, False, True, True)  # Windows of 2.4 s overlap: how they differ says little.
NUM_PARTS = sum(1 + deviates for deviates in DEVIATES) + 1
MOST_TOKENS = 256  # Of one kind in a chunk; what comes after them is not read.


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Sizes."""

    width: int = 128
    layers: int = 3
    heads: int = 4
    hidden: int = 256
    chunk: int = 64  # Frames.

    @property
    def embedding(self) -> int:
        """Numbers that stand for a line."""
        return NUM_PARTS * self.width


def weight_shapes(spec: EncoderSpec) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight; kernels are [inputs, outputs]."""
    width = spec.width
    shapes: dict[str, tuple[int, ...]] = {"time": (spec.chunk, width), "whole": (width,)}
    for kind, figures in zip(KINDS, WIDTHS, strict=True):
        shapes |= {f"{kind}.mean": (figures,), f"{kind}.scale": (figures,)}
        shapes |= {f"{kind}.kernel": (figures, width), f"{kind}.bias": (width,)}
    for i in range(spec.layers):
        for name, outputs, inputs in (
            ("heard", 3 * width, width), ("told", width, width),
            ("wide", spec.hidden, width), ("narrow", width, spec.hidden),
        ):  # fmt: skip
            shapes |= {f"{i}.{name}.kernel": (inputs, outputs), f"{i}.{name}.bias": (outputs,)}
    return shapes | {"pool.mean": (spec.embedding,), "pool.scale": (spec.embedding,)}


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What a line is to the encoder."""

    states: Float[Array, "frames width"]
    """float16; the mean over what is sensed at each frame of `READING_HZ`, 0 where nothing is."""
    embedding: Float[Array, " number"]  # In standard deviations of what was learnt from; 0 for what is not sensed.


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """Weights as they are computed with."""

    spec: EncoderSpec
    weights: dict[str, Array]  # float32, by the names of `weight_shapes`.

    def __call__(self, inputs: EncoderInputs) -> Encoded:
        """Encode a line."""
        spec = self.spec
        states = np.zeros((inputs.num_frames, spec.width), np.float16)
        sums = np.zeros((len(POOLS) + 1, 2, spec.width))
        counts = np.zeros(len(POOLS) + 1)
        for first in range(0, inputs.num_frames, spec.chunk):
            stop = min(first + spec.chunk, inputs.num_frames)
            parts = [_few(track.part(first, stop)) for track in inputs.tracks]
            sizes = [len(part.place) for part in parts]
            if not sum(sizes):
                continue
            known = self.chunk(parts).astype(np.float64)
            ends = np.cumsum([0, *sizes])
            for kind, (low, high) in enumerate(pairwise(ends)):
                sums[POOL_OF[kind]] += known[low:high].sum(axis=0), (known[low:high] ** 2).sum(axis=0)
                counts[POOL_OF[kind]] += high - low
            sums[-1, 0] += known[-1]
            counts[-1] += 1
            at = np.concatenate([part.place for part in parts]).astype(np.int64)
            mean, mass = np.zeros((stop - first, spec.width)), np.bincount(at, minlength=stop - first)
            np.add.at(mean, at, known[:-1])
            states[first:stop] = mean / np.maximum(mass, 1)[:, None]
        return Encoded(states, self._pooled(sums, counts))

    def chunk(self, parts: list[Track]) -> Float[Array, "tokens width"]:
        """States of a chunk's tokens, kind after kind, and at last of its own one."""
        spec, weights = self.spec, self.weights
        rows = [weights["whole"][None]]
        for kind, part in zip(KINDS, parts, strict=True):
            figures = (part.rows.astype(np.float32) - weights[f"{kind}.mean"]) / weights[f"{kind}.scale"]
            known = np.clip(figures, -FARTHEST, FARTHEST) @ weights[f"{kind}.kernel"] + weights[f"{kind}.bias"]
            rows.insert(-1, known + weights["time"][part.place.astype(np.int64)])
        x = np.concatenate(rows)
        for i in range(spec.layers):
            x += self._layer(self._attended(self._layer(norm(x), f"{i}.heard")), f"{i}.told")
            x += self._layer(np.maximum(self._layer(norm(x), f"{i}.wide"), 0.0), f"{i}.narrow")
        return norm(x)

    def _layer(self, x: Float[Array, "tokens inputs"], name: str) -> Float[Array, "tokens outputs"]:
        return np.asarray(x @ self.weights[f"{name}.kernel"] + self.weights[f"{name}.bias"])

    def _attended(self, heard: Float[Array, "tokens three_widths"]) -> Float[Array, "tokens width"]:
        heads = self.spec.heads
        queries, keys, values = heard.reshape(len(heard), 3, heads, -1).transpose(1, 2, 0, 3)
        scores = queries @ keys.swapaxes(1, 2) / np.float32(np.sqrt(queries.shape[2]))
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        return np.asarray((shares @ values).swapaxes(0, 1).reshape(len(heard), -1))

    def _pooled(self, sums: Float[Array, "pool two width"], counts: Float[Array, " pool"]) -> Float[Array, " number"]:
        """Parts in the order of `POOLS`: mean, then deviation; absent ones are 0."""
        parts, there = [], []
        for pool, count in enumerate(counts):
            mean, square = sums[pool] / max(count, 1.0)
            parts.append(mean)
            there.append(count > 0)
            if pool < len(POOLS) and DEVIATES[pool]:
                parts.append(np.sqrt(np.maximum(square - mean**2, 0.0)))
                there.append(count > 0)
        standard = (np.concatenate(parts) - self.weights["pool.mean"]) / self.weights["pool.scale"]
        return np.asarray(standard * np.repeat(there, self.spec.width), np.float32)


def _few(track: Track) -> Track:
    return Track(track.rows[:MOST_TOKENS], track.place[:MOST_TOKENS])


@lru_cache(maxsize=1)
def load_encoder(path: Path = ENCODER) -> Encoder:
    """An encoder from a file; raises CheckpointError when that is missing, damaged or of another version."""
    tensors, metadata = read_tensors(path)
    try:
        sizes = json.loads(metadata.get("spec", ""))
        spec = EncoderSpec(**{item.name: int(sizes[item.name]) for item in fields(EncoderSpec)})
        usable = metadata.get("format") == FORMAT and all(1 <= size <= 1024 for size in asdict(spec).values())
        usable = usable and spec.width % spec.heads == 0
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        usable = False
    if not usable:
        raise CheckpointError(f"This is no encoder of this version; fetch it again: {path}")
    for name, shape in weight_shapes(spec).items():
        found = tensors.get(name, np.zeros(0))
        if found.shape != shape or not np.isfinite(found).all():
            raise CheckpointError(
                f"The encoder's weight '{name}' should be finite and of shape {shape}, not {found.shape}; fetch the "
                f"file again: {path}"
            )
    return Encoder(spec, {name: tensors[name].astype(np.float32) for name in weight_shapes(spec)})
