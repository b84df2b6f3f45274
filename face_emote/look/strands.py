"""Hair as curves that ride on the skin: eyebrows, eyelashes and a short crop, grown on the template head.

A strand's root is a point of a triangle of `surface.skin_surface(..., levels=1)`; its knots are given as offsets from
the root on the template at rest. On a posed head the root follows the triangle and the offsets turn with it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.assets import ASSETS

STRAND_FILE = ASSETS / "skin" / "strands.npz"
GROUPS = (
    "brow_left", "brow_right", "lash_upper_left", "lash_upper_right", "lash_lower_left", "lash_lower_right", "scalp",
)  # fmt: skip
HAIR_LENGTH = 0.012
"""Metres of the longest scalp strands as stored: `SkinParams.hair_length` / HAIR_LENGTH is their scale."""
OFFSET_STEP = 1e-6  # Metres per unit of stored offsets.
WIDTH_STEP = 1e-6
TIP_WIDTH = 0.25  # Width at the tip as a share of the width at the root; it falls linearly.


@dataclass(frozen=True, slots=True, eq=False)
class StrandGroup:
    """Strands of one kind, in an order in which every first part is an even selection."""

    name: str  # One of `GROUPS`.
    triangle: Int[Array, " strand"]  # Index into `SkinSurface.triangles` at level 1.
    weights: Float[Array, "strand 3"]  # Barycentric coordinates of the root.
    offsets: Float[Array, "strand knot 3"]
    """From the root, metres, world axes of the template at rest; knot 0 is the root itself, 0."""
    width: Float[Array, " strand"]  # Diameter at the root, metres.
    tint: Float[Array, " strand"]  # Factor on the hair colour, about 0.6..1.5.

    @property
    def num_strands(self) -> int:
        """Number of strands."""
        return len(self.triangle)

    def thinned(self, share: float) -> "StrandGroup":
        """The first `share` (0..1, clipped) of the strands."""
        return self.chosen(slice(0, round(min(max(share, 0.0), 1.0) * self.num_strands)))

    def chosen(self, kept: slice | Int[Array, " chosen"]) -> "StrandGroup":
        """Some of the strands."""
        return replace(
            self,
            triangle=self.triangle[kept],
            weights=self.weights[kept],
            offsets=self.offsets[kept],
            width=self.width[kept],
            tint=self.tint[kept],
        )

    def smooth(self, knots: int) -> "StrandGroup":
        """The polynomial through each strand's knots (evenly spaced in their parameter), at more of them."""
        own = self.offsets.shape[1]
        basis = np.vander(np.linspace(0.0, 1.0, own))
        weights = np.vander(np.linspace(0.0, 1.0, knots), own) @ np.linalg.inv(basis)
        offsets = np.einsum("nk,skd->snd", weights, self.offsets)
        offsets[:, 0] = 0.0
        return replace(self, offsets=offsets.astype(np.float32))

    def lengthened(self, factor: float) -> "StrandGroup":
        """Strands `factor` times as long."""
        return replace(self, offsets=(self.offsets * np.float32(factor)))


@dataclass(frozen=True, slots=True, eq=False)
class StrandSet:
    """All strands of the bundled head."""

    groups: tuple[StrandGroup, ...]  # In the order of `GROUPS`.

    def group(self, name: str) -> StrandGroup:
        """The group of that name (one of `GROUPS`)."""
        return self.groups[GROUPS.index(name)]


@lru_cache(maxsize=1)
def load_strands() -> StrandSet:
    """The bundled strands. Cached; arrays are not to be written to."""
    groups = []
    with np.load(STRAND_FILE, allow_pickle=False) as file:
        for name in GROUPS:
            two = file[f"{name}_weights"].astype(np.float32) / 255.0
            later = file[f"{name}_offsets"].astype(np.float32) * np.float32(OFFSET_STEP)
            groups.append(
                StrandGroup(
                    name=name,
                    triangle=file[f"{name}_triangle"].astype(np.int32),
                    weights=np.column_stack([two, 1.0 - two.sum(axis=1)]).astype(np.float32),
                    offsets=np.concatenate([np.zeros_like(later[:, :1]), later], axis=1),
                    width=file[f"{name}_width"].astype(np.float32) * np.float32(WIDTH_STEP),
                    tint=file[f"{name}_tint"].astype(np.float32) / np.float32(100.0),
                )
            )
    return StrandSet(tuple(groups))


def triangle_frames(corners: Float[Array, "triangle 3 3"]) -> Float[Array, "triangle 3 3"]:
    """Orthonormal frames: columns are first edge, normal x edge, normal. Degenerate triangles give zeros."""
    edge = corners[:, 1] - corners[:, 0]
    edge = edge / np.maximum(np.linalg.norm(edge, axis=1, keepdims=True), 1e-12)
    normal = np.cross(edge, corners[:, 2] - corners[:, 0])
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return np.stack([edge, np.cross(normal, edge), normal], axis=2)


def pose_strands(
    group: StrandGroup, *, rest_triangles: Float[Array, "strand 3 3"], posed_triangles: Float[Array, "strand 3 3"]
) -> Float[Array, "strand knot 3"]:
    """Knots of every strand on a posed head, metres; corners of each strand's root triangle at rest, then as shown."""
    root = np.einsum("sk,skd->sd", group.weights, posed_triangles)
    turn = triangle_frames(posed_triangles) @ triangle_frames(rest_triangles).transpose(0, 2, 1)
    found: Array = (root[:, None] + np.einsum("sij,skj->ski", turn, group.offsets)).astype(np.float32)
    return found
