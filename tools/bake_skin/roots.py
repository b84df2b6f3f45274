"""Where strands start: points on triangles of the skin, and the record that a group of strands is grown into."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from face_emote.core.arrays import Array, Float, Int
from face_emote.look.strands import OFFSET_STEP, WIDTH_STEP
from tools.bake_skin.mesh import SkinMesh


@dataclass(frozen=True, slots=True)
class Roots:
    """Points fixed to triangles, in mm."""

    triangle: Int[Array, " root"]
    weights: Float[Array, "root 3"]
    position_mm: Float[Array, "root 3"]
    normal: Float[Array, "root 3"]

    def chosen(self, index: Array) -> "Roots":
        """A selection, by index or mask."""
        return Roots(self.triangle[index], self.weights[index], self.position_mm[index], self.normal[index])


@dataclass(frozen=True, slots=True)
class Grown:
    """A finished group of strands; lengths in mm."""

    roots: Roots
    knots_mm: Float[Array, "strand knot 3"]
    """Offsets from the root, without the root."""
    width_mm: Float[Array, " strand"]
    tint: Float[Array, " strand"]


def at(mesh: SkinMesh, triangle: Int[Array, " root"], weights: Float[Array, "root 3"]) -> Roots:
    """Points on given triangles."""
    corner = mesh.surface.triangles[triangle]
    position = np.einsum("rk,rkd->rd", weights, mesh.position_mm[corner])
    normal = np.einsum("rk,rkd->rd", weights, mesh.normal[corner])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return Roots(triangle, weights, position, normal)


def scattered(mesh: SkinMesh, density: Float[Array, " triangle"], *, count: int, rng: np.random.Generator) -> Roots:
    """`count` points spread evenly by area times density: one in each equal share of the mesh's running area."""
    corner = mesh.position_mm[mesh.surface.triangles]
    area = 0.5 * np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    running = np.cumsum(area * density)
    place = (np.arange(count) + rng.random(count)) / count * running[-1]
    triangle = np.minimum(np.searchsorted(running, place), len(running) - 1)
    a, b = np.sqrt(rng.random(count)), rng.random(count)
    return at(mesh, triangle, np.column_stack([1.0 - a, a * (1.0 - b), a * b]))


def nearest_on_skin(mesh: SkinMesh, points: Float[Array, "point 3"], *, part: int = 0, steps: int = 12) -> Roots:
    """The skin point of one part nearest to each given point (to a twelfth of a triangle's side)."""
    low, high = points.min(axis=0) - 3.0, points.max(axis=0) + 3.0
    corner = mesh.position_mm[mesh.surface.triangles]
    near = (mesh.surface.part == part) & ((corner > low) & (corner < high)).all(axis=2).any(axis=1)
    triangle = np.flatnonzero(near)
    grid = barycentric_grid(steps)
    samples = np.einsum("gk,tkd->tgd", grid, corner[triangle])
    _, found = cKDTree(samples.reshape(-1, 3)).query(points)
    return at(mesh, triangle[found // len(grid)], grid[found % len(grid)])


def barycentric_grid(steps: int) -> Float[Array, "point 3"]:
    """Even points of a triangle, `steps` to a side."""
    i, j = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    inside = i + j <= steps
    return np.column_stack([i[inside], j[inside], steps - i[inside] - j[inside]]) / steps


def packed(name: str, grown: Grown, *, rng: np.random.Generator) -> dict[str, Array]:
    """Arrays on disk, in random order."""
    order = rng.permutation(len(grown.knots_mm))
    two = np.rint(grown.roots.weights[order, :2] * 255.0)
    # Rounding may not push the third weight below zero.
    two[two.sum(axis=1) > 255.0] -= [1.0, 0.0]
    offsets = np.rint(grown.knots_mm[order] * 1e-3 / OFFSET_STEP)
    if np.abs(offsets).max() > 32767:
        raise ValueError(f"A strand of {name} is longer than 32 mm")
    return {
        f"{name}_triangle": grown.roots.triangle[order].astype(np.uint16),
        f"{name}_weights": np.maximum(two, 0.0).astype(np.uint8),
        f"{name}_offsets": offsets.astype(np.int16),
        f"{name}_width": np.rint(grown.width_mm[order] * 1e-3 / WIDTH_STEP).astype(np.uint8),
        f"{name}_tint": np.rint(np.clip(grown.tint[order], 0.0, 2.5) * 100.0).astype(np.uint8),
    }


def unit(vectors: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3"]:
    """Vectors of length 1 (or 0)."""
    out: Float[Array, "*batch 3"] = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return out


def along_skin(vectors: Float[Array, "root 3"], normal: Float[Array, "root 3"]) -> Float[Array, "root 3"]:
    """Unit vectors turned into the tangent plane."""
    return unit(vectors - normal * (vectors * normal).sum(axis=1, keepdims=True))
