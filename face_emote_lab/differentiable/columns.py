"""Formulas on tensors: column by column anywhere, or by their compiled kernels on a CPU in single precision."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.look.formula.materials import Formula
from face_emote.look.formula.ops import KINDS
from face_emote.look.formula.records import filled


def _hash(i: Tensor, j: Tensor, k: Tensor) -> Tensor:
    x = (i.long() * 374761393 + j.long() * 668265263 + k.long() * 1274126177) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 1103515245) & 0xFFFFFFFF
    return ((x ^ (x >> 16)) & 0xFFFFFF).to(i.dtype) / 16777215.0


def _chosen(over: Callable[..., Tensor], limit: str) -> Callable[..., Tensor]:
    def call(a: Any, b: Any) -> Tensor:
        if not isinstance(b, Tensor):
            found: Tensor = a.clamp(**{limit: b})
            return found
        return over(a, b) if isinstance(a, Tensor) else b.clamp(**{limit: a})

    return call


TENSORS: dict[str, Callable[..., Tensor]] = {
    "sqrt": torch.sqrt, "exp": torch.exp, "log": torch.log, "sin": torch.sin, "atan2": torch.atan2,
    "floor": torch.floor, "where": torch.where, "hash": _hash,
    "max": _chosen(torch.maximum, "min"), "min": _chosen(torch.minimum, "max"),
}  # fmt: skip
KINDS[Tensor] = lambda name, *values: TENSORS[name](*values)


def columns(formula: Formula, rows: Float[Tensor, "place number"], shared: Tensor) -> Float[Tensor, "place output"]:
    """The formula at many places, with gradients to the rows and to the numbers that all share, in its order."""
    left = iter((*rows.unbind(1), *shared.unbind(0)))
    records: list[Any] = [filled(kind, lambda _: next(left)) for kind in (*formula.rows, *formula.shared)]
    return torch.stack(torch.broadcast_tensors(*formula.compute(*records)), dim=1)


def compiled_rows(
    formula: Formula, rows: Float[Tensor, "place number"], shared: Tensor
) -> Float[Tensor, "place output"]:
    """The same by the kernels; of the shared numbers only those in `gradient_names` get gradients."""
    out: Tensor = applied(_Compiled, formula, rows, shared)
    return out


def applied(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    """What a function with a way back of its own gives."""
    return function.apply(*arguments)


class _Compiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, formula: Formula, rows: Tensor, shared: Tensor) -> Tensor:
        from face_emote.rendering.stage.generated import run_rows

        ctx.formula, ctx.rows, ctx.shared = formula, rows.detach().numpy(), shared.detach().numpy()
        return torch.from_numpy(run_rows(formula, ctx.rows, ctx.shared))

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> tuple[None, Tensor, Tensor | None]:
        from face_emote.rendering.stage.generated import run_back

        found = run_back(ctx.formula, ctx.rows, ctx.shared, given=given.numpy())
        num_rows, total = ctx.rows.shape[1], None
        if ctx.needs_input_grad[2]:
            sums = np.zeros(len(ctx.shared), np.float32)
            sums[: found.shape[1] - num_rows] = found[:, num_rows:].sum(axis=0)
            total = torch.from_numpy(sums)
        return None, torch.from_numpy(np.ascontiguousarray(found[:, :num_rows])), total


def can_compile(*tensors: Tensor) -> bool:
    """Whether kernels for one processor core serve: on a CPU, in single precision."""
    return all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in tensors)
