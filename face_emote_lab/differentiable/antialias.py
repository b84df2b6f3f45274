"""Silhouettes: how a picture changes when an edge moves over a pixel, which no shading of pixel centres can tell.

A silhouette edge is one between an outside that faces the camera and one that turns away, or a border. Where such an
edge passes between the centres of two neighbouring pixels and hides one side of it, the colours of the two are mixed
by the share of each pixel that the edge cuts off, taking it as straight and axis-aligned there: with the crossing at s
in 0..1 from the first centre to the second, s > 0.5 lets the nearer side into the farther pixel, s < 0.5 the reverse.

Edges nearer to upright are looked at along rows only, the others along columns only: counting both makes gradients 20
to 60 % too large. Edges are gone through, not pixels, so triangles smaller than a pixel lose nothing; where several
edges pass one pair of pixels the outermost counts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote_lab.differentiable.columns import applied
from face_emote_lab.differentiable.rasterise import Visible

MIN_GAP = 0.0005  # Relative 1 / depth by which an edge has to stand before what it hides.
SAME_SURFACE = 0.03  # Relative 1 / depth by which the nearer pixel may stand before the edge and still belong to it.


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of a mesh and the triangles beside them."""

    ends: Int[Tensor, "edge 2"]
    sides: Int[Tensor, "edge 2"]  # The two triangles; the second is -1 at a border.
    apex: Int[Tensor, "edge 2"]  # The triangle's point off the edge; the second repeats the first at a border.


@dataclass(frozen=True, slots=True)
class Crossings:
    """Where silhouettes pass between the centres of neighbouring samples."""

    near: Int[Tensor, " crossing"]
    """The sample that sees the surface which ends there, in the flat [batch * row * column]."""
    far: Int[Tensor, " crossing"]  # Its neighbour behind.
    reach: Float[Tensor, " crossing"]
    """How far past the middle between their centres the edge is, -0.5..0.5 of a sample: what of the far sample the
    near surface covers, or, where it is negative, what of the near one it leaves."""


def find_edges(triangles: Int[Tensor, "triangle 3"]) -> Edges:
    """All edges; where more than two triangles meet, the first two in order count."""
    device, count = triangles.device, int(triangles.max()) + 1
    corners = torch.cat([triangles[:, [0, 1, 2]], triangles[:, [1, 2, 0]], triangles[:, [2, 0, 1]]])
    owner = torch.arange(len(triangles), device=device).repeat(3)
    low, high = corners[:, :2].amin(1), corners[:, :2].amax(1)
    key, order = torch.sort(low * count + high, stable=True)
    first = torch.ones(len(key), dtype=torch.bool, device=device)
    first[1:] = key[1:] != key[:-1]
    at = torch.nonzero(first)[:, 0]
    after = (at + 1).clamp(max=len(key) - 1)
    paired = (key[after] == key[at]) & (after != at)
    one, two = order[at], order[after]
    return Edges(
        ends=torch.stack([low[one], high[one]], 1),
        sides=torch.stack([owner[one], torch.where(paired, owner[two], -1)], 1),
        apex=torch.stack([corners[one, 2], torch.where(paired, corners[two, 2], corners[one, 2])], 1),
    )


def _silhouettes(
    screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"], edges: Edges
) -> tuple[Tensor, Tensor, Tensor]:
    """Frame, ends [silhouette, 2] and the apex of the triangle that faces the camera."""
    x, y = screen[..., 0].detach()[:, triangles], screen[..., 1].detach()[:, triangles]
    area = (x[..., 1] - x[..., 0]) * (y[..., 2] - y[..., 0]) - (x[..., 2] - x[..., 0]) * (y[..., 1] - y[..., 0])
    facing = torch.cat([area < 0.0, torch.zeros_like(area[:, :1], dtype=torch.bool)], dim=1)
    first, second = facing[:, edges.sides[:, 0]], facing[:, edges.sides[:, 1]]
    frame, edge = torch.nonzero(first != second, as_tuple=True)
    apex = torch.where(first[frame, edge], edges.apex[edge, 0], edges.apex[edge, 1])
    return frame, edges.ends[edge], apex


def find_crossings(
    visible: Visible, screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"], edges: Edges
) -> Crossings:
    """All crossings in plain torch; their reach has gradients to the ends of their edges."""
    frame, ends, apex = _silhouettes(screen, triangles, edges)
    start, stop = screen[frame, ends[:, 0], :], screen[frame, ends[:, 1], :]
    inside = screen[frame, apex, :2].detach()
    slope = (stop - start).detach()[:, :2].abs()
    upright = slope[:, 1] >= slope[:, 0]
    parts = []
    for along in (0, 1):
        chosen = torch.nonzero(upright if along == 0 else ~upright)[:, 0]
        parts.append(
            _crossed(start[chosen], stop[chosen], inside[chosen], frame=frame[chosen], visible=visible, along=along)
        )
    near, far, reach = (torch.cat(values) for values in zip(*parts, strict=True))
    return Crossings(near, far, reach)


def find_crossings_compiled(
    visible: Visible, screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"], edges: Edges
) -> Crossings:
    """The same by the compiled kernels, on a CPU and in single precision."""
    near, far, reach = applied(_Crossed, screen, visible, triangles, edges)
    return Crossings(near, far, reach)


class _Crossed(torch.autograd.Function):
    """Crossings found by the compiled kernel, which gives the derivatives of their reach with them."""

    @staticmethod
    def forward(ctx, screen: Tensor, visible: Visible, triangles: Tensor, edges: Edges) -> tuple[Tensor, ...]:  # type: ignore[no-untyped-def]
        from face_emote_lab.differentiable import kernels

        batch, num_points, _ = screen.shape
        depth = visible.inverse_depth.numpy()
        faces, best = np.empty(len(triangles) + 1, np.bool_), np.full((2, 2, depth[0].size), -1, np.int32)
        space = np.empty((16 * sum(depth[0].shape), 9))
        parts = []
        for k in range(batch):
            points = screen[k].detach().numpy()
            kernels.facing(points, triangles.numpy(), faces)
            mesh = (edges.ends.numpy(), edges.sides.numpy(), edges.apex.numpy())
            while True:
                count = kernels.edge_crossings(points, *mesh, faces, depth[k], MIN_GAP, SAME_SURFACE, best, space)
                if count <= len(space):
                    break
                space = np.empty((count, 9))
                best.fill(-1)
            found = torch.from_numpy(space[:count].copy())
            found[:, :2] += k * depth[0].size
            found[:, 2:4] += k * num_points
            parts.append(found)
        crossed = torch.cat(parts)
        ctx.ends, ctx.slopes, ctx.shape = crossed[:, 2:4].long(), crossed[:, 5:].float(), screen.shape
        near, far, reach = crossed[:, 0].long(), crossed[:, 1].long(), crossed[:, 4].float()
        ctx.mark_non_differentiable(near, far)
        return near, far, reach

    @staticmethod
    def backward(ctx, _near: Any, _far: Any, given: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[no-untyped-def]
        out = torch.zeros(ctx.shape)
        at = torch.stack([4 * ctx.ends[:, 0], 4 * ctx.ends[:, 0] + 1, 4 * ctx.ends[:, 1], 4 * ctx.ends[:, 1] + 1], 1)
        out.view(-1).index_add_(0, at.reshape(-1), (ctx.slopes * given[:, None]).reshape(-1))
        return out, None, None, None


def _crossed(
    start: Tensor, stop: Tensor, inside: Tensor, *, frame: Tensor, visible: Visible, along: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of pixels that an edge parts: the nearer, the farther (flat indices), and how far past the middle it is.

    The share is in -0.5..0.5: positive where the nearer surface reaches into the farther pixel. `along` 0 looks along
    rows, 1 along columns.
    """
    batch, height, width = visible.face_id.shape
    lines, steps = (height, width) if along == 0 else (width, height)
    over = 1 - along
    a, b = start[:, over].detach(), stop[:, over].detach()
    # Half-open, so that the point which two edges share is crossed once.
    first = (torch.minimum(a, b) - 0.5).ceil().clamp(0, lines).long()
    count = ((torch.maximum(a, b) - 0.5).ceil().clamp(0, lines).long() - first).clamp(min=0)
    which = torch.repeat_interleave(torch.arange(len(count), device=count.device), count)
    line = first[which] + torch.arange(len(which), device=count.device) - (count.cumsum(0) - count)[which]
    p, q, apex = start[which], stop[which], inside[which]
    t = (line + 0.5 - p[:, over]) / (q[:, over] - p[:, over])
    at = torch.lerp(p[:, along], q[:, along], t)
    w = torch.lerp(p[:, 3], q[:, 3], t).detach()
    before = (at.detach() - 0.5).floor().long()
    whole = (before >= 0) & (before < steps - 1)
    line, at, w, before, p, q, apex, which = (v[whole] for v in (line, at, w, before, p, q, apex, which))
    s = at - (before + 0.5)
    # Where the edge's line passes at the apex: the surface lies on the apex's side of it.
    reach = (apex[:, over] - p[:, over]) / (q[:, over] - p[:, over])
    leads = apex[:, along] < torch.lerp(p[:, along], q[:, along], reach)
    stride, line_stride = (1, width) if along == 0 else (width, 1)
    one = frame[which] * (height * width) + line * line_stride + before * stride
    near, far = torch.where(leads, one, one + stride), torch.where(leads, one + stride, one)
    depth = visible.inverse_depth.reshape(-1)
    shown = (w > depth[far] * (1.0 + MIN_GAP)) & (w * (1.0 + SAME_SURFACE) > depth[near])
    near, far, s, leads, one = near[shown], far[shown], s[shown], leads[shown], one[shown]
    share = torch.where(leads, s - 0.5, 0.5 - s)
    key = one * 2 + leads.long()
    furthest = torch.full((2 * batch * height * width,), -1.0, dtype=share.dtype, device=share.device)
    furthest.scatter_reduce_(0, key, share.detach(), "amax")
    # Of several that reach equally far the last written stands; any of them is right, one must be chosen.
    order = torch.full((len(furthest),), -1, dtype=torch.int64, device=share.device)
    number = torch.arange(len(key), device=share.device)
    top = share.detach() >= furthest[key]
    order.scatter_reduce_(0, key[top], number[top], "amax")
    kept = order[key] == number
    return near[kept], far[kept], share[kept]
