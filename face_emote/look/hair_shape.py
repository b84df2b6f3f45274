"""From stored guides to the strands of one head: carried over, blended, clumped, curled, kept off the skin.

Everything is a function of (style, head, look): the random numbers come from one fixed seed per style.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.look.hair_styles import HairStyle
from face_emote.look.head_shell import CENTRE, HeadShell, pushed_out


@dataclass(frozen=True, slots=True)
class Character:
    """How the strands of a style behave; lengths in metres."""

    clumping: float  # How far tips gather, 0..1.
    lock_wave: float  # Sideways waves that a clump shares.
    strand_wave: float  # Waves of single strands.
    wave_length: float
    astray: float  # Share of strands that leave their clump.
    width: float  # Diameter of a drawn strand, which stands for a few hairs.
    knots: int


CHARACTERS = {
    "short": Character(0.62, 0.0022, 0.0009, 0.030, 0.05, 0.00021, 12),
    "medium": Character(0.55, 0.0030, 0.0008, 0.070, 0.025, 0.00025, 20),
    "tied": Character(0.30, 0.0008, 0.0006, 0.055, 0.03, 0.00022, 18),
}
CURL_RADIUS = (0.0058, 0.0026)
CURL_LENGTH = (0.075, 0.0105)  # Radius and length of a turn of the loosest waves and of the tightest curls, metres.
KNOTS_PER_TURN, MOST_KNOTS = 9, 72
CURL_RISE = 0.42  # Share of its length by which the curliest hair stands off the head.
CLEARANCE = (0.0005, 0.0012)  # Least height of a strand over the skin, and how much more some have.


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """The random numbers of a style's strands."""

    strand: Float[Array, "strand 12"]
    clump: Float[Array, "strand 12"]  # The same for all strands of a clump.


def chances(style: HairStyle) -> Chance:
    """Uniform in 0..1; the same for every head."""
    rng = np.random.default_rng([len(style.name), style.num_strands])
    strand = rng.random((style.num_strands, 12), dtype=np.float32)
    clump = rng.random((style.num_strands, 12), dtype=np.float32)
    return Chance(strand, clump[style.clump])


def carried(
    knots: Float[Array, "point 3"], *, anchors: Float[Array, "anchor 3"], moved: Float[Array, "anchor 3"]
) -> Float[Array, "point 3"]:
    """Points moved with the anchors: the smoothest displacement (biharmonic splines and an affine part) that fits them.

    With f(x) = sum_i w_i |x - a_i| + A x + b through f(a_i) = moved_i - a_i (Carr et al. 2001, "Reconstruction and
    representation of 3D objects with radial basis functions").
    """
    shift = (moved - anchors).astype(np.float64)
    if np.abs(shift).max() < 1e-9:
        return knots.astype(np.float32)
    count = len(anchors)
    linear = np.column_stack([anchors, np.ones(count)]).astype(np.float64)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = np.linalg.norm(anchors[:, None] - anchors[None], axis=2)
    system[:count, count:] = linear
    system[count:, :count] = linear.T
    weights = np.linalg.solve(system, np.concatenate([shift, np.zeros((4, 3))]))
    out = knots.astype(np.float32)
    theirs = anchors.astype(np.float64)
    for first in range(0, len(knots), 2048):
        part = slice(first, first + 2048)
        own = knots[part].astype(np.float64)
        square = (own**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None] - 2.0 * own @ theirs.T
        gap = np.sqrt(np.maximum(square, 0.0))
        out[part] += (gap @ weights[:count] + own @ weights[count:-1] + weights[-1]).astype(np.float32)
    return out


def resampled(curves: Float[Array, "curve knot 3"], knots: int) -> Float[Array, "curve more 3"]:
    """The same curves with another number of evenly spaced knots."""
    place = np.linspace(0.0, curves.shape[1] - 1.0, knots)
    first = np.minimum(place.astype(np.intp), curves.shape[1] - 2)
    share = (place - first).astype(np.float32)[:, None]
    found: Array = curves[:, first] * (1.0 - share) + curves[:, first + 1] * share
    return found


def shaped(
    style: HairStyle, *, guides: Float[Array, "guide knot 3"], roots: Float[Array, "strand 3"],
    heads: Float[Array, "strand 3"], shell: HeadShell, chance: Chance, curl: float,
    detail: float = 1.0,
) -> Float[Array, "strand more 3"]:  # fmt: skip
    """Strands in metres; `chance` are rows of `chances`, `heads` where the strands grow around which they gather."""
    character = CHARACTERS[style.name]
    length = _lengths(guides)[style.guides[:, 0]]
    turn = CURL_LENGTH[0] * (CURL_LENGTH[1] / CURL_LENGTH[0]) ** curl
    turns = float(np.percentile(length, 95)) / turn if curl > 0.0 else 0.0
    fineness = 0.5 + 0.5 * detail
    knots = round(min(max(KNOTS_PER_TURN * turns, character.knots), MOST_KNOTS) * fineness)
    fine = resampled(guides, knots)
    blend = _blended(fine, style)
    strands: Array = roots[:, None] + blend
    share = np.linspace(0.0, 1.0, knots, dtype=np.float32)
    gathered = character.clumping * (1.0 - 0.5 * curl) * share * (2.0 - share)
    strays = chance.strand[:, 0] < character.astray
    pull = np.where(strays, 0.0, 0.55 + 0.45 * chance.strand[:, 1]).astype(np.float32)
    strands += (heads - roots)[:, None] * -(-gathered * pull[:, None])[..., None]
    along = (length[:, None] * share[None]).astype(np.float32)
    strands += _waves(along, chance, character=character, strays=strays)
    if curl > 0.0:
        strands += _curls(strands, along, chance, curl=curl, turn=turn)
    least = CLEARANCE[0] + CLEARANCE[1] * chance.strand[:, 2:3]
    clearance = (least * np.clip((along - 0.0025) / 0.009, 0.0, 1.0)).astype(np.float32)
    far = along > 0.0025
    far[:, 0] = False
    strands[far] = pushed_out(strands[far], shell, clearance=clearance[far])
    return strands


def _lengths(curves: Float[Array, "curve knot 3"]) -> Float[Array, " curve"]:
    found: Array = np.linalg.norm(np.diff(curves, axis=1), axis=2).sum(axis=1).astype(np.float32)
    return found


def _blended(guides: Float[Array, "guide knot 3"], style: HairStyle) -> Float[Array, "strand knot 3"]:
    out: Array = guides[style.guides[:, 0]] * style.mix[:, 0, None, None]
    for k in (1, 2):
        out += guides[style.guides[:, k]] * style.mix[:, k, None, None]
    return out


def _waves(along: Array, chance: Chance, *, character: Character, strays: Array) -> Float[Array, "strand knot 3"]:
    """Slow waves along the strands, nothing at the root."""
    total = np.zeros((*along.shape, 3), np.float32)
    own = character.strand_wave * (1.0 + 3.5 * strays.astype(np.float32))
    for numbers, size in ((chance.clump, np.float32(character.lock_wave)), (chance.strand, own)):
        for k, pace in ((3, 1.0), (7, 2.3)):
            way = numbers[:, k : k + 3] - 0.5
            phase = 2.0 * np.pi * (numbers[:, k + 3, None] + along * (pace / character.wave_length))
            start = np.sin(2.0 * np.pi * numbers[:, k + 3, None])
            wave = (np.sin(phase) - start) * np.broadcast_to(size / pace, len(along))[:, None]
            total += (wave * np.minimum(along / 0.02, 1.0))[..., None] * way[:, None]
    return total


def _curls(strands: Array, along: Array, chance: Chance, *, curl: float, turn: float) -> Array:
    """A helix about each strand, wound alike within a clump, and hair standing off the head."""
    way = np.gradient(strands, axis=1)
    way /= np.maximum(np.linalg.norm(way, axis=2, keepdims=True), 1e-9)
    outward = strands - CENTRE
    outward /= np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), 1e-9)
    side = np.cross(way, outward)
    side /= np.maximum(np.linalg.norm(side, axis=2, keepdims=True), 1e-6)
    up = np.cross(side, way)
    radius = CURL_RADIUS[0] * (CURL_RADIUS[1] / CURL_RADIUS[0]) ** curl * min(1.0, 3.0 * curl)
    size = radius * (0.7 + 0.6 * chance.clump[:, 11:12]) * np.minimum(along / 0.010, 1.0)
    pace = turn * (0.85 + 0.3 * chance.clump[:, 10:11])
    angle = 2.0 * np.pi * (chance.clump[:, 2:3] + 0.09 * chance.strand[:, 11:12] + along / pace)
    helix = (size * np.cos(angle))[..., None] * side + (size * np.sin(angle))[..., None] * up
    rise = (CURL_RISE * curl * along / (1.0 + along / 0.06) * (0.7 + 0.6 * chance.clump[:, 9:10]))[..., None] * outward
    found: Array = (helix + rise).astype(np.float32)
    return found


def skin_points(
    points: Float[Array, "point 3"], triangle: Int[Array, " root"], weights: Array, triangles: Array
) -> Array:
    """Where roots lie on a refined skin."""
    found: Array = np.einsum("rk,rkd->rd", weights, points[triangles[triangle]]).astype(np.float32)
    return found
