"""The torch twin of `perception.encoder`, on batches of moments of any kinds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array
from face_emote.perception.encoder import DEVIATES, FARTHEST, POOL_OF, POOLS, Encoder, EncoderSpec, weight_shapes
from face_emote.perception.encoder_inputs import KINDS, Track

FIXED = ("mean", "scale")


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Tokens of several moments, kind by kind; moment i's tokens stand in row i of the padded states."""

    rows: tuple[Tensor, ...]
    """Normalised figures of each kind, [tokens, figure]; 0 where nobody knows."""
    known: tuple[Tensor, ...]
    """1 where a figure is known."""
    moment: tuple[Tensor, ...]
    column: tuple[Tensor, ...]
    """Where each token stands."""
    place: tuple[Tensor, ...]
    there: Tensor
    """[moments, columns]; the last column is the chunk's own token."""

    @property
    def size(self) -> int:
        """Moments."""
        return len(self.there)


class TorchEncoder(nn.Module):
    """Parameters are shaped and named as in numpy, with `_` for `.`."""

    def __init__(self, spec: EncoderSpec, *, generator: torch.Generator) -> None:
        """Small random kernels, no biases."""
        super().__init__()
        self.spec = spec
        for name, shape in weight_shapes(spec).items():
            key = name.replace(".", "_")
            if name.endswith(FIXED):
                self.register_buffer(key, torch.zeros(shape) if name.endswith("mean") else torch.ones(shape))
                continue
            fan_in = shape[0] if len(shape) > 1 and name != "time" else 2500
            gain = 1.0 / spec.layers if ".told." in name or ".narrow." in name else 1.0
            weight = torch.zeros(shape) if name.endswith(".bias") else torch.randn(shape, generator=generator)
            self.register_parameter(key, nn.Parameter(weight * gain / fan_in**0.5))
        self.hidden_tokens = nn.Parameter(torch.randn(len(KINDS), spec.width, generator=generator) * 0.02)

    def weight(self, name: str) -> Tensor:
        """By its name in numpy."""
        found: Tensor = getattr(self, name.replace(".", "_"))
        return found

    def forward(self, batch: Batch, *, masked: Sequence[Tensor] | None = None, dropout: float = 0.0) -> Tensor:
        """States [moment, column, width]; tokens where `masked` is 1 are not seen."""
        spec = self.spec
        x = torch.zeros(*batch.there.shape, spec.width)
        for k, kind in enumerate(KINDS):
            rows = functional.dropout(batch.rows[k], dropout, self.training)
            known = rows @ self.weight(f"{kind}.kernel")
            if masked is not None:
                known = torch.where(masked[k][:, None], self.hidden_tokens[k], known)
            known = known + self.weight(f"{kind}.bias") + self.weight("time")[batch.place[k]]
            x = x.index_put((batch.moment[k], batch.column[k]), known)
        x[:, -1] = self.weight("whole")
        seen = batch.there[:, None, None, :]
        for i in range(spec.layers):
            heard = self._layer(functional.layer_norm(x, (spec.width,)), f"{i}.heard")
            q, key, value = heard.unflatten(2, (3, spec.heads, -1)).permute(2, 0, 3, 1, 4)
            told = functional.scaled_dot_product_attention(q, key, value, attn_mask=seen).transpose(1, 2).flatten(2)
            x = x + functional.dropout(self._layer(told, f"{i}.told"), dropout, self.training)
            wide = functional.relu(self._layer(functional.layer_norm(x, (spec.width,)), f"{i}.wide"))
            x = x + functional.dropout(self._layer(wide, f"{i}.narrow"), dropout, self.training)
        return functional.layer_norm(x, (spec.width,))

    def _layer(self, x: Tensor, name: str) -> Tensor:
        return x @ self.weight(f"{name}.kernel") + self.weight(f"{name}.bias")

    def pooled(self, states: Tensor, batch: Batch) -> Tensor:
        """Means and deviations as `Encoder` has them, before they are standardised; absent ones are 0."""
        parts = []
        for pool, deviates in zip(range(len(POOLS)), DEVIATES, strict=True):
            chosen = torch.zeros(batch.there.shape)
            for k in range(len(KINDS)):
                if POOL_OF[k] == pool:
                    chosen[batch.moment[k], batch.column[k]] = 1.0
            count = chosen.sum(dim=1, keepdim=True).clamp(min=1.0)
            mean = (states * chosen[..., None]).sum(dim=1) / count
            parts.append(mean)
            if deviates:
                apart = ((states - mean[:, None]) ** 2 * chosen[..., None]).sum(dim=1) / count
                parts.append((apart + 1e-8).sqrt() * (chosen.sum(dim=1, keepdim=True) > 0.0))
        return torch.cat([*parts, states[:, -1]], dim=1)

    def in_numpy(self) -> Encoder:
        """The same for the product."""
        names = weight_shapes(self.spec)
        return Encoder(self.spec, {n: self.weight(n).detach().numpy().astype(np.float32) for n in names})

    def set_normalisation(self, tracks: Sequence[Sequence[Track]]) -> None:
        """Mean and deviation of each kind's figures over moments."""
        for k, kind in enumerate(KINDS):
            rows = np.concatenate([moment[k].rows for moment in tracks]).astype(np.float32)
            if len(rows):
                self.weight(f"{kind}.mean").copy_(torch.from_numpy(np.nanmean(rows, axis=0)))
                self.weight(f"{kind}.scale").copy_(torch.from_numpy(np.maximum(np.nanstd(rows, axis=0), 1e-3)))

    def batch(self, moments: Sequence[Sequence[Track]]) -> Batch:
        """Moments of at most a chunk together."""
        counts = np.array([[len(track.place) for track in tracks] for tracks in moments])
        longest = int(counts.sum(axis=1).max())
        starts = np.cumsum(counts, axis=1) - counts
        there = np.arange(longest + 1) < counts.sum(axis=1)[:, None]
        there[:, -1] = True
        parts: list[list[Tensor]] = [[] for _ in range(5)]
        for k, kind in enumerate(KINDS):
            raw = np.concatenate([tracks[k].rows for tracks in moments]).astype(np.float32)
            rows = (raw - self.weight(f"{kind}.mean").numpy()) / self.weight(f"{kind}.scale").numpy()
            index = np.repeat(np.arange(len(moments)), counts[:, k])
            column = np.concatenate([start + np.arange(n) for start, n in zip(starts[:, k], counts[:, k], strict=True)])
            place = np.concatenate([tracks[k].place for tracks in moments]).astype(np.int64)
            arrays: tuple[Array, ...] = (
                np.nan_to_num(np.clip(rows, -FARTHEST, FARTHEST), nan=0.0), np.isfinite(rows).astype(np.float32),
                index, column.astype(np.int64), place,
            )  # fmt: skip
            for part, array in zip(parts, arrays, strict=True):
                part.append(torch.from_numpy(array))
        rows_, known, moment, column_, place_ = (tuple(part) for part in parts)
        return Batch(rows_, known, moment, column_, place_, torch.from_numpy(there))
