"""How teeth, gums and tongue look, defined once: every renderer takes these numbers from here.

The formulas are in docs/shading.md. Colours are linear sRGB albedos, lengths metres.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError
from face_emote.face.head import Head

AROUND, LEVELS = 10, (-0.25, 0.04, 0.34, 0.64, 0.84, 0.95, 1.0)
"""A crown of the bundled head: points of a ring; heights of its rings, 0 gum line .. 1 edge. A last point closes it."""
CROWN_POINTS = AROUND * len(LEVELS) + 1
TEETH_PER_SIDE = 7  # First incisor to second molar; the left tooth of a pair comes before the right one.

ENAMEL = (0.760, 0.700, 0.595)
ENAMEL_NECK = (0.640, 0.510, 0.360)
ENAMEL_EDGE = (0.500, 0.530, 0.550)
"""Body of a crown; at the gum, where dentine shows through; at the edge, which has no dentine and looks blue-grey."""
NECK, EDGE = (0.46, 0.0), (0.66, 1.0)  # Heights on the crown between which neck and edge set in.
EDGE_SHARE = 0.75
ENAMEL_WARM = (0.965, 0.905, 0.790)  # Factor of the warmest tooth (canines are warmer than incisors).
ENAMEL_OLD = (0.930, 0.855, 0.715)  # Factor at age 1.
ENAMEL_MOTTLE = 0.07
BETWEEN, BETWEEN_FLOOR = (0.86, 1.02), (0.70, 0.60, 0.52)
"""Where, across a crown, its side turns to its neighbour, and the light left there."""
ENAMEL_WRAP, ENAMEL_SHADOWED = 0.30, 0.18
"""Diffuse wrap, and the share of the key light that comes through enamel in shadow."""
ENAMEL_ROUGHNESS, ENAMEL_F0, ENAMEL_RIPPLE = 0.19, 0.055, 0.05

GUM = (0.52, 0.200, 0.185)
GUM_MOTTLE, GUM_STIPPLE, GUM_ROUGHNESS, GUM_F0 = 0.22, 0.16, 0.26, 0.040
GUM_SCALE = (420.0, 1500.0)  # Cells per metre of blotches and of the stippling like orange peel.
TONGUE = (0.56, 0.225, 0.205)
TONGUE_COAT = (0.53, 0.300, 0.270)
TONGUE_COAT_REACH = (0.092, 0.066)  # Between which rest positions in z the back of the tongue turns pale.
TONGUE_SCALE, TONGUE_RELIEF, TONGUE_PIT = 1100.0, 0.10, 0.24
"""Papillae per metre, how far they bend the normal, the light that gaps between them take."""
TONGUE_GROOVE, TONGUE_GROOVE_SHADE = 0.0018, 0.22
TONGUE_ROUGHNESS, TONGUE_F0 = 0.54, 0.028
FLESH_WRAP, WET_STRENGTH = 0.26, 1.3

LEAST_DEPTH = 0.0015
THROUGH = 0.62  # Exponent of the share of light that comes through the lips: lips and cheeks let some pass as well.
LINING_BLEND = 0.005
"""Metres behind the lips over which the lining of the mouth passes from the face's light to the mouth's."""
KEY_OPEN = 0.5
"""Share of the key light that does not depend on how open the lips are there (shadows take care of it too)."""
FACING = 0.45  # Share of the light through the lips that a surface loses when it does not face them.
BOUNCE = (0.52, 0.150, 0.105)
BOUNCE_SIDE, BOUNCE_DEPTH, BOUNCE_KEY = 0.016, 0.032, 0.30
"""Light that the walls of the mouth throw back: its colour; opening (metres a side) at which it is half; depth over
which it falls to 1/e; share of the key light in it."""


@dataclass(frozen=True, slots=True, eq=False)
class MouthOpening:
    """The hole between the lips: an ellipse bent round the teeth. All from posed vertices."""

    middle: Float[Array, " 3"]
    right: Float[Array, " 3"]  # Unit vector to the character's left.
    up: Float[Array, " 3"]
    forward: Float[Array, " 3"]
    half_width: float
    half_height: float
    sag: float  # How far the corners lie behind the middle.
    lift: float  # How far the corners lie above the middle.


@dataclass(frozen=True, slots=True, eq=False)
class MouthPoints:
    """Head vertices from which the opening is measured."""

    corners: Int[Array, " side=2"]  # Of the lips: the character's right, left.
    upper: Int[Array, " near"]  # Edge of the upper lip near the middle.
    lower: Int[Array, " near_below"]
    front: Int[Array, " incisor"]
    back: Int[Array, " molar"]  # Upper teeth, which give the direction forward.


def mouth_points(
    template: Float[Array, "vertex 3"],
    *,
    upper: Int[Array, " upper"],
    lower: Int[Array, " lower"],
    teeth: Int[Array, " tooth"],
) -> MouthPoints:
    """Choose them on a template from the lips' edges and one vertex of each upper tooth, all in order of x."""
    near = 0.2 * (template[upper[-1], 0] - template[upper[0], 0])
    return MouthPoints(
        corners=np.array([upper[0], upper[-1]]),
        upper=upper[np.abs(template[upper, 0]) < near],
        lower=lower[np.abs(template[lower, 0]) < near],
        front=teeth[len(teeth) // 2 - 1 : len(teeth) // 2 + 1],
        back=teeth[[0, -1]],
    )


def head_mouth_points(head: Head) -> MouthPoints:
    """`mouth_points` of a head. HeadError: the head has no contact operators (an imported FLAME file)."""
    if head.contact is None:
        raise HeadError("An imported FLAME head has no lip edges yet; render the bundled head instead")
    lips = head.contact.lips
    return mouth_points(head.template, upper=lips.upper, lower=lips.lower, teeth=head.contact.upper_teeth)


def mouth_opening(vertices: Float[Array, "vertex 3"], points: MouthPoints) -> MouthOpening:
    """Measure the opening of a posed head."""
    one, other = vertices[points.corners].astype(np.float64)
    forward = vertices[points.front].mean(axis=0).astype(np.float64) - vertices[points.back].mean(axis=0)
    right = _unit(other - one)
    forward = _unit(forward - (forward @ right) * right)
    up = np.cross(forward, right)
    above = vertices[points.upper].mean(axis=0).astype(np.float64)
    below = vertices[points.lower].mean(axis=0).astype(np.float64)
    middle, between = 0.5 * (above + below), 0.5 * (one + other)
    return MouthOpening(
        middle=middle,
        right=right,
        up=up,
        forward=forward,
        half_width=float(0.5 * np.linalg.norm(other - one)),
        half_height=float(max(0.5 * (above - below) @ up, 0.0)),
        sag=float((middle - between) @ forward),
        lift=float((between - middle) @ up),
    )


def _unit(vector: Array) -> Array:
    found: Array = vector / np.linalg.norm(vector)
    return found


def crown_coordinates(num_points: int, *, upper: bool) -> Float[Array, "point 3"]:
    """Shading coordinates of the crowns of one arch: height (0 gum line .. 1 edge), across (-1..1), warmth (0..1)."""
    turn = 2.0 * np.pi * (np.arange(AROUND) + 0.5) / AROUND
    height = np.append(np.repeat(np.clip(LEVELS, 0.0, 1.0), AROUND), 1.0)
    across = np.append(np.tile(np.cos(turn) / np.cos(turn[0]), len(LEVELS)), 0.0)
    rng = np.random.default_rng(41 if upper else 43)
    out = np.empty((num_points // CROWN_POINTS, CROWN_POINTS, 3))
    for tooth in range(len(out)):
        kind = tooth // 2
        warmth = 0.25 + (0.45 if kind == 2 else 0.12 * kind if kind > 2 else 0.0) + rng.uniform(-0.12, 0.12)
        out[tooth] = np.stack([height, across, np.full(CROWN_POINTS, warmth)], axis=1)
    return out.reshape(-1, 3)
