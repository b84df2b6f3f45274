"""Where hair grows on the template head: the scalp's hairline and the band of the eyebrows."""

import itertools

import numpy as np

from face_emote.core.arrays import Array, Float
from tools.bake_skin.noise import fractal, ramp

AXIS_Z_MM = 10.0
"""The head is unrolled around a vertical axis this far in front of the skull base."""
RADIUS_MM = 85.0

HAIRLINE = (
    (0, 102.5), (8, 101.8), (16, 103.0), (23, 106.0), (29, 107.5), (34, 104.5), (39, 97.0), (44, 88.0),
    (49, 79.0), (54, 69.5), (59, 58.5), (64, 49.0), (69, 40.0), (72, 26.0), (74.5, 13.0), (78, 9.5),
    (81, 12.0), (83, 28.0), (86, 44.0),
    (92, 53.0), (100, 51.0), (106, 40.0), (111, 20.0), (116, 2.0), (123, -14.0), (134, -25.0), (150, -31.0),
    (165, -33.5), (180, -34.0),
)  # fmt: skip
"""Azimuth from the front in degrees, height in mm: forehead, temple recession, sideburn, over the ear, nape."""

BROW_TOP = ((9.5, 57.5), (21.0, 65.0), (37.0, 66.8), (52.5, 55.5))
BROW_BOTTOM = ((8.8, 51.0), (21.0, 57.2), (36.0, 61.2), (52.5, 54.8))
"""Bezier control points of the left brow's borders seen from the front, inner end first, mm."""


def unrolled(points_mm: Float[Array, "point 3"]) -> Float[Array, "point 2"]:
    """Arc length from the front (>= 0, both sides alike) and height, mm."""
    azimuth = np.arctan2(np.abs(points_mm[:, 0]), points_mm[:, 2] - AXIS_Z_MM)
    return np.column_stack([azimuth * RADIUS_MM, points_mm[:, 1]])


def hairline_distance(points_mm: Float[Array, "point 3"]) -> Float[Array, " point"]:
    """Distance from the hairline in mm, positive inside the hair."""
    line = np.array(HAIRLINE, np.float64)
    line[:, 0] = np.radians(line[:, 0]) * RADIUS_MM
    flat = unrolled(points_mm).astype(np.float64)
    best = np.full(len(flat), np.inf)
    for a, b in itertools.pairwise(line):
        along = b - a
        t = np.clip((flat - a) @ along / (along @ along), 0.0, 1.0)
        best = np.minimum(best, np.linalg.norm(flat - a - t[:, None] * along, axis=1))
    inside = flat[:, 1] > np.interp(flat[:, 0], line[:, 0], line[:, 1])
    # Above the ears the unrolled plane shrinks towards the crown; all that matters there is "far inside".
    return np.where(inside, best, -best)


def scalp_density(points_mm: Float[Array, "point 3"], *, ears: Float[Array, " point"]) -> Float[Array, " point"]:
    """Share of full hair density, 0..1, thinning out over an irregular border."""
    distance = hairline_distance(points_mm)
    points = points_mm.astype(np.float32)
    ragged = (
        distance + 7.0 * fractal(points, per_mm=0.09, octaves=2, seed=21) + 5.0 * fractal(points, per_mm=0.35, seed=22)
    )
    # The front border is softer than the sides.
    width = np.interp(unrolled(points_mm)[:, 0], [0.0, 60.0, 100.0], [12.0, 9.0, 5.0])
    return ramp(ragged / width, -0.25, 1.0) * (1.0 - ramp(ears, 0.05, 0.25))


def bezier(control: tuple[tuple[float, float], ...], t: Float[Array, " t"]) -> Float[Array, "t 2"]:
    """A cubic in the plane."""
    p0, p1, p2, p3 = (np.array(p) for p in control)
    t = t[:, None]
    s = 1.0 - t
    out: Float[Array, "t 2"] = s**3 * p0 + 3 * s * s * t * p1 + 3 * s * t * t * p2 + t**3 * p3
    return out


def brow_place(points_mm: Float[Array, "point 3"]) -> tuple[Float[Array, " point"], Float[Array, " point"]]:
    """Position along the brow 0 inner .. 1 outer, and across it 0 bottom .. 1 top (beyond 0..1 outside)."""
    t = np.linspace(0.0, 1.0, 65)
    top, bottom = bezier(BROW_TOP, t), bezier(BROW_BOTTOM, t)
    middle = 0.5 * (top + bottom)
    x = np.abs(points_mm[:, 0])
    along = np.interp(x, middle[:, 0], t)
    upper, lower = np.interp(along, t, top[:, 1]), np.interp(along, t, bottom[:, 1])
    beyond = np.maximum(middle[0, 0] - x, 0.0) + np.maximum(x - middle[-1, 0], 0.0)
    across = (points_mm[:, 1] - lower) / np.maximum(upper - lower, 1.5)
    return along + beyond * np.sign(x - 30.0) / 44.0, across


def brow_coverage(points_mm: Float[Array, "point 3"]) -> Float[Array, " point"]:
    """Soft shade under the brow's hairs, 0..1."""
    along, across = brow_place(points_mm)
    ends = ramp(along, -0.06, 0.14) * ramp(along, 1.04, 0.80)
    body = ramp(across, -0.35, 0.30) * ramp(across, 1.35, 0.60)
    out: Float[Array, " point"] = ends * body * ramp(points_mm[:, 2], 60.0, 75.0)
    return out
