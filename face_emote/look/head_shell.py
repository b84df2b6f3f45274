"""A head as its distance from a middle point in every direction: cheap to ask whether hair is under the skin.

A head is nearly star-shaped about `CENTRE`; where it is not (behind the ears, under the chin) the outermost counts.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int

CENTRE = np.array([0.0, 0.045, 0.005], np.float32)
"""In the middle of the skull, metres from the skull-base joint; identities do not move that joint."""
ROWS, COLUMNS = 96, 192
"""Steps of latitude from the top to the bottom, and of longitude around the vertical: about 3 mm on the scalp."""
LOWEST = -0.085  # Skin below this height (metres) belongs to the shoulders, which hair may touch.
SUBDIVISIONS = 3


@dataclass(frozen=True, slots=True, eq=False)
class HeadShell:
    """Radius by direction."""

    radius: Float[Array, "row column"]
    """Metres from `CENTRE`; row 0 is straight up, column 0 straight back, turning by the character's right."""

    def at(self, points: Float[Array, "point 3"]) -> Float[Array, " point"]:
        """Radius in the direction of each point, interpolated."""
        row, column, _ = _places(points)
        row = np.clip(row - 0.5, 0.0, ROWS - 1.0)
        column = column - np.float32(0.5)
        r0, c0 = np.floor(row).astype(np.intp), np.floor(column).astype(np.intp)
        fr, fc = row - r0, column - c0
        r1 = np.minimum(r0 + 1, ROWS - 1)
        c0, c1 = c0 % COLUMNS, (c0 + 1) % COLUMNS
        flat = self.radius.reshape(-1)
        upper = flat[r0 * COLUMNS + c0] * (1.0 - fc) + flat[r0 * COLUMNS + c1] * fc
        lower = flat[r1 * COLUMNS + c0] * (1.0 - fc) + flat[r1 * COLUMNS + c1] * fc
        found: Array = upper * (1.0 - fr) + lower * fr
        return found

    def height(self, points: Float[Array, "point 3"]) -> Float[Array, " point"]:
        """How far each point is outside, metres; negative under the skin."""
        found: Array = np.linalg.norm(points - CENTRE, axis=-1) - self.at(points)
        return found


def pushed_out(
    points: Float[Array, "point 3"], shell: HeadShell, *, clearance: Float[Array, " point"]
) -> Float[Array, "point 3"]:
    """The points, those lower than `clearance` (metres) above the shell lifted to it, along their ray from `CENTRE`."""
    away = points - CENTRE
    distance = np.linalg.norm(away, axis=1)
    wanted = np.maximum(distance, shell.at(points) + clearance)
    found: Array = CENTRE + away * (wanted / np.maximum(distance, 1e-6))[:, None]
    return found


def head_shell(points: Float[Array, "point 3"], triangles: Int[Array, "triangle 3"]) -> HeadShell:
    """The shell of a mesh of skin, a little outside of it: widened by half a step and smoothed.

    Metres, +Y up, from the skull-base joint; skin of head and neck, shoulders are left out here.
    """
    corners = points[triangles].astype(np.float32)
    corners = corners[corners[:, :, 1].min(axis=1) > LOWEST]
    i, j = np.meshgrid(np.arange(SUBDIVISIONS + 1), np.arange(SUBDIVISIONS + 1), indexing="ij")
    inside = i + j <= SUBDIVISIONS
    share = np.column_stack([i[inside], j[inside], SUBDIVISIONS - i[inside] - j[inside]]).astype(np.float32)
    samples = np.einsum("gk,tkd->tgd", share / np.float32(SUBDIVISIONS), corners).reshape(-1, 3)
    return HeadShell(smoothed(_widened(_filled(farthest(samples)))))


def farthest(points: Float[Array, "point 3"]) -> Float[Array, "row column"]:
    """Greatest distance from `CENTRE` among the points of each cell of directions; 0 where there is none."""
    row, column, distance = _places(points)
    cell = np.clip(row.astype(np.intp), 0, ROWS - 1) * COLUMNS + column.astype(np.intp) % COLUMNS
    radius = np.zeros(ROWS * COLUMNS, np.float32)
    np.maximum.at(radius, cell, distance.astype(np.float32))
    return radius.reshape(ROWS, COLUMNS)


def _places(points: Float[Array, "point 3"]) -> tuple[Array, Array, Array]:
    """Row and column (cell k spans k..k+1) and distance of each point."""
    away = points - CENTRE
    distance = np.linalg.norm(away, axis=-1)
    height = np.clip(away[..., 1] / np.maximum(distance, 1e-9), -1.0, 1.0)
    row = (0.5 - np.arcsin(height) / np.pi) * ROWS
    column = (np.arctan2(away[..., 0], away[..., 2]) / (2.0 * np.pi) + 0.5) * COLUMNS
    return row, column, distance


def _around(values: Float[Array, "row column"]) -> list[Array]:
    """The four neighbours of every cell; beyond a pole lies the cell itself."""
    up = np.concatenate([values[:1], values[:-1]])
    down = np.concatenate([values[1:], values[-1:]])
    return [up, down, np.roll(values, 1, axis=1), np.roll(values, -1, axis=1)]


def _filled(values: Float[Array, "row column"]) -> Float[Array, "row column"]:
    """Empty cells (0) take the mean of their filled neighbours, again and again until there are none."""
    while (values == 0.0).any():
        near = np.stack(_around(values))
        count = (near > 0.0).sum(axis=0)
        mean = near.sum(axis=0) / np.maximum(count, 1)
        values = np.where(values == 0.0, mean, values).astype(np.float32)
    return values


def _widened(values: Float[Array, "row column"]) -> Float[Array, "row column"]:
    near = np.max(_around(values), axis=0)
    found: Array = np.maximum(values, 0.5 * (values + near))
    return found


def smoothed(values: Float[Array, "row column"]) -> Float[Array, "row column"]:
    """Every cell half itself, half the mean of its neighbours."""
    return (0.5 * values + 0.125 * sum(_around(values))).astype(np.float32)
