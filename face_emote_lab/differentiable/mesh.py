"""Geometry with gradients: sparse rows, vertex normals, projection."""

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Float, Int
from face_emote.face.subdivision import SparseRows
from face_emote_lab.differentiable.columns import applied

NEAREST = 1e-4  # Metres; what lies nearer to the camera, or behind it, is moved to this depth.


class _Product(torch.autograd.Function):
    """A constant sparse matrix times columns. Written out because the transpose is best kept, not made each time."""

    @staticmethod
    def forward(ctx, matrix: Tensor, transposed: Tensor, values: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.transposed = transposed
        ctx.matrix = matrix
        found: Tensor = torch.sparse.mm(matrix, values)
        return found

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, None, Tensor]:  # type: ignore[no-untyped-def]
        return None, None, applied(_Product, ctx.transposed, ctx.matrix, gradient.contiguous())


class Rows:
    """A constant sparse matrix on a device, for instance from the vertices of a head to the points of a finer mesh."""

    def __init__(
        self, row: Tensor, column: Tensor, weight: Tensor, *, shape: tuple[int, int], dtype: torch.dtype,
        device: str | torch.device = "cpu",
    ) -> None:  # fmt: skip
        """From triplets; duplicates are summed."""
        at = torch.stack([row, column]).long()
        matrix = torch.sparse_coo_tensor(at, weight.to(dtype), shape, check_invariants=True).coalesce()
        self.num_rows = shape[0]
        with warnings.catch_warnings():
            # Compressed rows are twenty times quicker here; torch calls them a beta feature once per process.
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            self._matrix = matrix.to_sparse_csr().to(device)
            self._transposed = matrix.t().coalesce().to_sparse_csr().to(device)

    def apply(self, values: Float[Tensor, "batch column channel"]) -> Float[Tensor, "batch row channel"]:
        """Matrix times each of the batch."""
        batch, columns, channels = values.shape
        flat = values.transpose(0, 1).reshape(columns, batch * channels)
        out: Tensor = applied(_Product, self._matrix, self._transposed, flat)
        return out.reshape(self.num_rows, batch, channels).transpose(0, 1)


def torch_rows(rows: SparseRows, *, dtype: torch.dtype, device: str | torch.device = "cpu") -> Rows:
    """`SparseRows` on a device."""
    start = torch.from_numpy(rows.start).long()
    row = torch.repeat_interleave(torch.arange(rows.num_rows), start.diff())
    index, weight = torch.from_numpy(rows.index), torch.from_numpy(rows.weight)
    return Rows(row, index, weight, shape=(rows.num_rows, rows.num_columns), dtype=dtype, device=device)


class Facets:
    """Triangles as two sparse matrices, so that normals and their gradients need no scattered additions."""

    def __init__(self, triangles: Int[Tensor, "triangle 3"], *, num_points: int, dtype: torch.dtype) -> None:
        """Prepare; every point index is below `num_points`."""
        count, corner = len(triangles), triangles.reshape(-1).cpu()
        number = torch.arange(3 * count)
        ones, device = torch.ones(3 * count), triangles.device
        self.triangles = triangles
        self.pick = Rows(number, corner, ones, shape=(3 * count, num_points), dtype=dtype, device=device)
        """From points to corners, [3 * triangle]."""
        self.gather = Rows(corner, number // 3, ones, shape=(num_points, count), dtype=dtype, device=device)
        """From triangles to the sum over each point's triangles."""


def vertex_normals(
    points: Float[Tensor, "batch point 3"], facets: Facets, *, compiled: bool = False
) -> Float[Tensor, "batch point 3"]:
    """Area-weighted unit normals; zero where a point has no triangle. `compiled`: on a CPU, in single precision."""
    if compiled:
        out: Tensor = applied(_Normals, points, facets.triangles)
        return out
    a, b, c = facets.pick.apply(points).unflatten(1, (-1, 3)).unbind(2)
    total = facets.gather.apply(torch.linalg.cross(b - a, c - a))
    # An area of 1e-30 m2 is no area; the floor keeps the gradient of a lone point finite.
    return functional.normalize(total, dim=-1, eps=1e-30)


class _Normals(torch.autograd.Function):
    """`vertex_normals` by the compiled kernels."""

    @staticmethod
    def forward(ctx, points: Tensor, triangles: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        from face_emote_lab.differentiable import kernels

        places = points.contiguous()
        total, out = torch.empty_like(places), torch.empty_like(places)
        for k in range(len(places)):
            kernels.normals(places[k].numpy(), triangles.numpy(), total[k].numpy(), out[k].numpy())
        ctx.save_for_backward(places, triangles, total)
        return out

    @staticmethod
    def backward(ctx, given: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        from face_emote_lab.differentiable import kernels

        places, triangles, total = ctx.saved_tensors
        across, out = given.clone(memory_format=torch.contiguous_format), torch.zeros_like(places)
        for k in range(len(places)):
            one = (places[k].numpy(), triangles.numpy(), total[k].numpy(), across[k].numpy())
            kernels.normals_back(*one, out[k].numpy())
        return out, None


def project(
    points: Float[Tensor, "batch point 3"],
    view: Float[Tensor, "batch 3 4"],
    *,
    focal: Float[Tensor, " batch"],
    width: int,
    height: int,
    compiled: bool = False,
) -> Float[Tensor, "batch point 4"]:
    """Perspective: pixel x, pixel y (down), depth in metres, 1 / depth. The optical axis meets the picture's middle.

    `view` is camera_from_world, as `scene.view_matrix` makes it (z towards the viewer); `focal` is pixels per unit of x
    / depth. `compiled`: kernels may be used; they serve a CPU and single precision.
    """
    if compiled and not (view.requires_grad or focal.requires_grad):
        out: Tensor = applied(_Projected, points, view, focal, (width, height))
        return out
    seen = points @ view[:, :, :3].transpose(1, 2) + view[:, None, :, 3]
    depth = (-seen[..., 2]).clamp(min=NEAREST)
    inverse = 1.0 / depth
    scale = focal[:, None] * inverse
    x, y = 0.5 * width + scale * seen[..., 0], 0.5 * height - scale * seen[..., 1]
    return torch.stack([x, y, depth, inverse], dim=-1)


class _Projected(torch.autograd.Function):
    """`project` by the compiled kernels, with gradients to the points alone."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, view: Tensor, focal: Tensor, size: tuple[int, int]) -> Tensor:
        from face_emote.rendering.stage import kernels

        places = points.contiguous()
        ctx.places, ctx.view, ctx.focal = places.numpy(), view.double().numpy(), focal.tolist()
        out = torch.empty(*places.shape[:2], 4)
        for k, one in enumerate(out):
            kernels.project(ctx.places[k], ctx.view[k], ctx.focal[k], 0.5 * size[0], 0.5 * size[1], one.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor, None, None, None]:
        from face_emote_lab.differentiable import kernels

        out, slopes = torch.empty(ctx.places.shape), given.contiguous().numpy()
        for k, one in enumerate(out):
            kernels.project_back(ctx.places[k], ctx.view[k], ctx.focal[k], NEAREST, slopes[k], one.numpy())
        return out, None, None, None
