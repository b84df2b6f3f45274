"""Procedural noise in space, point by point: value noise, its fractal sum and cellular noise (Worley 1996)."""

import math

import numpy as np
from numba import njit

from face_emote.core.arrays import Array, Float


@njit(cache=True, inline="always")
def _hash(i: int, j: int, k: int) -> float:
    """A well-mixed number in [0, 1) of three integers."""
    x = np.uint32(np.uint32(i) * np.uint32(374761393) + np.uint32(j) * np.uint32(668265263))
    x = np.uint32(x + np.uint32(k) * np.uint32(2246822519))
    x = np.uint32((x ^ (x >> np.uint32(13))) * np.uint32(1274126177))
    x = np.uint32((x ^ (x >> np.uint32(15))) * np.uint32(2654435769))
    return float((x ^ (x >> np.uint32(16))) & np.uint32(0xFFFFFF)) / 16777216.0


@njit(cache=True)
def _value(x: float, y: float, z: float) -> float:
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for a in range(2):
        for b in range(2):
            for c in range(2):
                weight = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
                total += weight * _hash(i + a, j + b, k + c)
    return total


@njit(cache=True)
def _fractal(points: Array, frequency: Array, octaves: int, seed: float, out: Array) -> None:
    for n in range(len(points)):
        total, amplitude, norm, scale = 0.0, 1.0, 0.0, 1.0
        for o in range(octaves):
            shift = seed * 31.7 + 17.3 * o
            total += amplitude * _value(
                points[n, 0] * frequency[0] * scale + shift,
                points[n, 1] * frequency[1] * scale + shift * 0.7,
                points[n, 2] * frequency[2] * scale - shift,
            )
            norm += amplitude
            amplitude *= 0.5
            scale *= 2.03
        out[n] = total / norm


@njit(cache=True)
def _cellular(points: Array, frequency: Array, seed: int, out: Array) -> None:
    for n in range(len(points)):
        x, y, z = points[n, 0] * frequency[0], points[n, 1] * frequency[1], points[n, 2] * frequency[2]
        i, j, k = math.floor(x), math.floor(y), math.floor(z)
        near, second, kind = 9.0, 9.0, 0.0
        for a in range(-1, 2):
            for b in range(-1, 2):
                for c in range(-1, 2):
                    h0 = _hash(i + a + 101 * seed, j + b, k + c)
                    h1 = _hash(i + a, j + b + 57 * seed + 11, k + c)
                    h2 = _hash(i + a, j + b, k + c + 31 * seed + 23)
                    dx, dy, dz = i + a + h0 - x, j + b + h1 - y, k + c + h2 - z
                    d = dx * dx + dy * dy + dz * dz
                    if d < near:
                        second, near = near, d
                        kind = _hash(i + a + 7, j + b + 13 * seed, k + c + 5)
                    elif d < second:
                        second = d
        out[n, 0], out[n, 1], out[n, 2] = math.sqrt(near), math.sqrt(second), kind


def fractal(
    points_mm: Float[Array, "point 3"], *, per_mm: float | tuple[float, float, float], octaves: int = 3, seed: int = 0
) -> Float[Array, " point"]:
    """Fractal value noise in about -0.5..0.5, mean 0; `per_mm` is the lowest frequency, per axis if three."""
    out = np.empty(len(points_mm), np.float32)
    frequency = np.broadcast_to(np.asarray(per_mm, np.float32), 3).copy()
    _fractal(points_mm.astype(np.float32), frequency, octaves, float(seed), out)
    return out - np.float32(0.5)


def cellular(
    points_mm: Float[Array, "point 3"], *, cell_mm: float | tuple[float, float, float], seed: int = 0
) -> tuple[Float[Array, " point"], Float[Array, " point"], Float[Array, " point"]]:
    """Distances to the nearest and the second nearest scattered point (in cells), and the nearest one's number 0..1."""
    out = np.empty((len(points_mm), 3), np.float32)
    frequency = 1.0 / np.broadcast_to(np.asarray(cell_mm, np.float32), 3)
    _cellular(points_mm.astype(np.float32), frequency.astype(np.float32), seed, out)
    return out[:, 0], out[:, 1], out[:, 2]


def bump(distance: Float[Array, "..."], width: float) -> Float[Array, "..."]:
    """Gaussian of standard deviation `width`, 1 at distance 0."""
    return np.exp(-0.5 * (distance / width) ** 2)


def ramp(value: Float[Array, "..."], start: float | Array, stop: float | Array) -> Float[Array, "..."]:
    """Smoothstep from 0 at `start` to 1 at `stop` (which may lie below `start`)."""
    t = np.clip((value - start) / (stop - start), 0.0, 1.0)
    out: Array = t * t * (3.0 - 2.0 * t)
    return out
