"""One way to grow any style: curves step along a wanted direction, bend slowly, and stay above the skin."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.look.head_shell import CENTRE, HeadShell
from tools.bake_skin.noise import ramp
from tools.bake_skin.roots import Roots, unit

MM = 1e3
KNOTS = 20
"""Knots of a guide, the root included."""
FINE = 64
"""Steps while growing."""
SKIN_CLEARANCE = 0.4

Wanted = Callable[[Float[Array, "guide 3"], float], Float[Array, "guide 3"]]
"""wanted(points in mm, share of the length grown) -> the direction hair would take, any length."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How the curves of a style behave; one value per guide, mm."""

    length: Float[Array, " guide"]
    start: Float[Array, "guide 3"]
    """First direction."""
    stiffness: Float[Array, " guide"]
    """Millimetres over which a curve turns into the wanted direction."""
    lift: Float[Array, " guide"]
    """Least height over the skin that the curve has when it has left the root behind."""
    lift_rate: float = 0.0
    """Least height gained per mm of curve: hair lies on the hair that grows beneath it."""
    lift_most: float = 30.0
    face_width: tuple[tuple[float, float], ...] = ()
    """(height, half width): no hair before the face nearer to its middle than that."""


def grown(roots: Roots, growth: Growth, *, wanted: Wanted, shell: HeadShell) -> Float[Array, "guide fine 3"]:
    """Curves in mm, evenly stepped, from the roots on."""
    point = roots.position_mm.astype(np.float64)
    way = unit(growth.start)
    step = (growth.length / (FINE - 1))[:, None]
    curve = [point]
    for k in range(1, FINE):
        share = k / (FINE - 1)
        along = k * step[:, 0]
        turn = np.clip(step / growth.stiffness[:, None], 0.0, 1.0)
        way = unit(way * (1.0 - turn) + unit(wanted(point, share)) * turn)
        moved = point + way * step
        least = np.minimum(growth.lift + growth.lift_rate * along, growth.lift_most) * ramp(along, 0.0, 14.0)
        moved = raised(moved, shell=shell, least=least)
        if growth.face_width:
            moved = beside_the_face(moved, growth.face_width)
        way = unit(moved - point)
        point = point + way * step
        curve.append(point)
    return np.stack(curve, axis=1)


def raised(points: Float[Array, "point 3"], *, shell: HeadShell, least: Float[Array, " point"]) -> Array:
    """Points lifted along their ray from the head's middle to at least `least` mm over the skin."""
    away = points - CENTRE * MM
    distance = np.linalg.norm(away, axis=1)
    floor = shell.at((points / MM).astype(np.float32)) * MM + least + SKIN_CLEARANCE * (least > 0)
    out: Array = CENTRE * MM + away * (np.maximum(distance, np.where(least > 0, floor, 0.0)) / distance)[:, None]
    return out


def beside_the_face(points: Float[Array, "point 3"], width: tuple[tuple[float, float], ...]) -> Array:
    """Points before the face moved sideways out of it, gradually."""
    table = np.array(sorted(width))
    half = np.interp(points[:, 1], table[:, 0], table[:, 1]) * ramp(points[:, 2], 20.0, 60.0)
    side = np.where(points[:, 0] >= 0.0, 1.0, -1.0)
    missing = np.maximum(half - np.abs(points[:, 0]), 0.0)
    out = points.copy()
    out[:, 0] += side * 0.5 * missing
    return out


def cut(curves: Float[Array, "guide fine 3"], keep: Float[Array, " guide"]) -> Float[Array, "guide knot 3"]:
    """The first `keep` (0..1) of every curve's length, as `KNOTS` even knots."""
    place = keep[:, None] * np.linspace(0.0, 1.0, KNOTS)[None] * (curves.shape[1] - 1)
    first = np.minimum(place.astype(int), curves.shape[1] - 2)
    share = (place - first)[..., None]
    guide = np.arange(len(curves))[:, None]
    out: Float[Array, "guide knot 3"] = curves[guide, first] * (1.0 - share) + curves[guide, first + 1] * share
    return out


def share_above(curves: Float[Array, "guide fine 3"], height: Float[Array, " guide"]) -> Float[Array, " guide"]:
    """Share of each curve before it first sinks under a height (mm)."""
    under = curves[:, :, 1] < height[:, None]
    first = np.where(under.any(axis=1), under.argmax(axis=1), curves.shape[1] - 1)
    out: Float[Array, " guide"] = np.maximum(first, 2) / (curves.shape[1] - 1)
    return out


@dataclass(frozen=True, slots=True)
class Grown:
    """A style before packing."""

    roots: Roots
    curves: Float[Array, "guide knot 3"]
    """mm, world axes, template at rest."""
    lock: Int[Array, " guide"]
    """Curves of different locks are never blended: the two sides of a parting, a bun and the hair under it."""
