"""The head as the bakers see it: smooth skin in millimetres, and one record per texel of the atlas."""

import zlib
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.face.head import Head
from face_emote.look.surface import SkinSurface, skin_surface
from tools.bake_skin.raster import rasterise

MM = 1e3


@dataclass(frozen=True, slots=True)
class SkinMesh:
    """Refined skin of the template head. Positions are in mm from the skull-base joint."""

    surface: SkinSurface
    position_mm: Float[Array, "vertex 3"]
    normal: Float[Array, "vertex 3"]
    lips: Float[Array, " vertex"]
    eyelids: Float[Array, " vertex"]
    ears: Float[Array, " vertex"]
    inside_mouth: Float[Array, " vertex"]
    lid_loops_mm: tuple[Float[Array, "_ 3"], Float[Array, "_ 3"]]
    """Lid margins, left and right, in order around the eye."""
    eye_centres_mm: Float[Array, "eye=2 3"]


@dataclass(frozen=True, slots=True)
class Texels:
    """Every texel that lies on skin, in row order; the arrays are aligned."""

    size: int
    covered: Bool[Array, "size size"]
    position_mm: Float[Array, "texel 3"]
    normal: Float[Array, "texel 3"]
    lips: Float[Array, " texel"]
    eyelids: Float[Array, " texel"]
    ears: Float[Array, " texel"]
    inside_mouth: Float[Array, " texel"]
    lid_distance_mm: Float[Array, " texel"]
    """Distance to the nearest lid margin, at most 40."""
    part: Int[Array, " texel"]
    """Index into `SKIN_PARTS`."""


def vertex_normals(points: Float[Array, "vertex 3"], triangles: Int[Array, "triangle 3"]) -> Float[Array, "vertex 3"]:
    """Area-weighted unit normals."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    total = np.stack(
        [sum(np.bincount(triangles[:, k], area[:, d], len(points)) for k in range(3)) for d in range(3)], axis=1
    )
    out: Float[Array, "vertex 3"] = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return out


def in_order(loop: Float[Array, "point 3"]) -> Float[Array, "point 3"]:
    """Sort the points of a loop by angle around their middle, as seen from the front."""
    middle = loop.mean(axis=0)
    return loop[np.argsort(np.arctan2(loop[:, 1] - middle[1], loop[:, 0] - middle[0]))]


def skin_mesh(head: Head, *, levels: int) -> SkinMesh:
    """Refine the skin of a head that has a layout."""
    layout = head.layout
    if layout is None:
        raise ValueError("Skin is baked for the bundled head; this one has no layout")
    surface = skin_surface(
        layout.quads,
        quad_uv=layout.quad_uv,
        uv=layout.uv,
        quad_part=layout.quad_part,
        part_names=tuple(layout.part_names),
        levels=levels,
    )
    template = head.template.astype(np.float64) * MM
    position = surface.matrix.apply(template[surface.vertex_index])

    # Old vertices keep their places at the head of the refined ones.
    def margin(loop: Array) -> Array:
        return in_order(position[np.searchsorted(surface.vertex_index, loop)])

    def mask(values: Array) -> Array:
        return surface.linear.apply(values.astype(np.float64)[surface.vertex_index])

    return SkinMesh(
        surface=surface,
        position_mm=position,
        normal=vertex_normals(position, surface.triangles),
        lips=mask(layout.mask_lips),
        eyelids=mask(layout.mask_eyelids),
        ears=mask(layout.mask_ears),
        inside_mouth=mask(layout.mask_inside_mouth),
        lid_loops_mm=(margin(layout.left_lid_loop), margin(layout.right_lid_loop)),
        eye_centres_mm=(head.joint_regressor.astype(np.float64) @ template)[3:5],
    )


def texels(mesh: SkinMesh, *, size: int) -> Texels:
    """Where every texel of a size x size atlas lies on the head; charts are grown by half a texel."""
    surface = mesh.surface
    corners = surface.uv[surface.uv_triangles] * np.array([size, -size]) + np.array([0.0, size])
    index, weights = rasterise(corners, shape=(size, size), margin=0.5)
    covered = index >= 0
    triangle = index[covered]
    share = weights[covered]
    corner = surface.triangles[triangle]

    def blend(values: Array) -> Array:
        mixed: Array = np.einsum("tk,tk...->t...", share, values[corner])
        return mixed.astype(np.float32)

    normal = blend(mesh.normal)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    position = blend(mesh.position_mm)
    loops = np.concatenate([densified(loop) for loop in mesh.lid_loops_mm])
    distance, _ = cKDTree(loops).query(position, distance_upper_bound=40.0)
    return Texels(
        size=size,
        covered=covered,
        position_mm=position,
        normal=normal,
        lips=np.clip(blend(mesh.lips), 0.0, 1.0),
        eyelids=np.clip(blend(mesh.eyelids), 0.0, 1.0),
        ears=np.clip(blend(mesh.ears), 0.0, 1.0),
        inside_mouth=np.clip(blend(mesh.inside_mouth), 0.0, 1.0),
        lid_distance_mm=np.minimum(distance, 40.0).astype(np.float32),
        part=surface.part[triangle].astype(np.int32),
    )


def densified(loop: Float[Array, "point 3"], *, steps: int = 8) -> Float[Array, "_ 3"]:
    """Points along a closed polyline, `steps` per side."""
    share = (np.arange(steps) / steps)[:, None, None]
    out: Float[Array, "_ 3"] = ((1.0 - share) * loop + share * np.roll(loop, -1, axis=0)).reshape(-1, 3)
    return out


def front_depth(mesh: SkinMesh, *, step_mm: float = 0.5) -> Float[Array, "rows columns 4"]:
    """Normal and z of the skin seen from the front, on a grid of x in -100..100 and y in 130..-215 mm (rows down)."""
    points = mesh.position_mm
    shape = (round(345 / step_mm), round(200 / step_mm))
    front = np.isin(mesh.surface.part, (0, 1))
    triangles = mesh.surface.triangles[front]
    corners = (points[:, :2] * [1, -1] + [100.0, 130.0])[triangles] / step_mm
    index, weights = rasterise(corners, shape=shape, depth=points[:, 2][triangles], margin=0.01)
    values = np.concatenate([mesh.normal, points[:, 2:]], axis=1)
    picture: Float[Array, "rows columns 4"] = np.einsum("rck,rckd->rcd", weights, values[triangles[index]])
    picture[index < 0] = np.nan
    return picture


def lifted(front: Float[Array, "rows columns 4"], xy: Array, *, step_mm: float = 0.5) -> tuple[Array, Array]:
    """Points and normals of the front surface above (x, y) in mm: nearest grid sample."""
    column = np.clip(((xy[:, 0] + 100.0) / step_mm).astype(int), 0, front.shape[1] - 1)
    row = np.clip(((130.0 - xy[:, 1]) / step_mm).astype(int), 0, front.shape[0] - 1)
    sample = front[row, column]
    if np.isnan(sample).any():
        raise ValueError("A curve runs off the front of the head")
    return np.column_stack([xy, sample[:, 3]]), sample[:, :3]


def topology_code(quads: Int[Array, "quad 4"], *, quad_part: Int[Array, " quad"]) -> int:
    """Fingerprint of a head's quads: strands grown on one numbering must not be used with another."""
    code = zlib.crc32(np.ascontiguousarray(quads, "<i4").tobytes())
    return zlib.crc32(np.ascontiguousarray(quad_part, "<i4").tobytes(), code)
