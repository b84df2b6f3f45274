"""Hair as cards, for engines without strands: strips of triangles along clumps, and a picture of the strands on them.

A card follows the mean of the strands next to one of them, and is as wide as they spread. Of brows and lashes every
card bears its own strands; cards of the scalp share the pictures of a few clumps.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from face_emote.core.arrays import Array, Float, Int, UInt8
from face_emote.core.png import srgb_bytes
from face_emote.look.standing_hair import StandingHair

LAYERS = (0.10, -0.10)  # Cards of the scalp are turned about their length by up to so many radians, lest they lie flat.
GLOW = 1.25  # A lock sends back about so much more light than its hairs' albedo says, by what passes through them.
ENCLOSED = 0.45  # Light on strands that others enclose.
STEPS = np.array([51.0, 51.0, 51.0, 17.0])
"""Levels of a picture's bytes, colour and cover: it is shorter, and nobody sees it. Fewer would tint dark hair."""
WAYS = ("cards", "strands", "none")  # How hair is written: cards, ribbons as narrow as a strand, not at all.
ROUNDNESS = 0.45  # A card's normals turn by this to its sides, as those of a lock do.


@dataclass(frozen=True, slots=True)
class Recipe:
    """How cards of one kind are made."""

    name: str
    cards: int  # At the coarsest level of detail, of each group of strands.
    rows: int  # Places along a card that have two vertices.
    near: int  # Strands that a card shows.
    cells: int  # Pictures; 0: one a card.
    cell: tuple[int, int]  # Texels along and across.
    root: float = 1.0  # Exponent that brings rows closer together at the root, where hair bends most.
    lift: float = 0.0  # Metres off the head, lest flat pieces cut through it.
    ragged: float = 0.0  # Share of its length that a strand may be shorter than its card.
    beyond: float = 0.0  # Of a card's length, that it goes on at either end: roots of brow hairs do not lie in a row.
    finest: float = 0.2  # Texels of the thinnest strand's radius: what is cut out by its coverage must not vanish.
    spread: float = 1.7  # Half width of a card in standard deviations of its strands.


RECIPES = {
    "scalp": Recipe(
        "hair", cards=850, rows=8, near=24, cells=12, cell=(192, 64), finest=0.55, root=1.5, lift=0.0025, ragged=0.15
    ),
    "crop": Recipe("hair", cards=2400, rows=3, near=14, cells=16, cell=(64, 32), finest=0.55, ragged=0.25),
    "brow": Recipe("brows", cards=26, rows=3, near=32, cells=0, cell=(64, 32), beyond=0.25),
    "lash": Recipe("lashes", cards=12, rows=4, near=18, cells=0, cell=(64, 32), spread=1.9),
}
MOST = 1_000_000
LODS = (1.0, 2.0, 4.0)  # Factor on the number of the scalp's cards by level of detail.


@dataclass(frozen=True, slots=True, eq=False)
class Cards:
    """Cards of one kind on the neutral face."""

    name: str
    points: Float[Array, "vertex 3"]
    normals: Float[Array, "vertex 3"]
    uv: Float[Array, "vertex 2"]  # (0, 0) bottom left.
    triangles: Int[Array, "triangle 3"]
    root_triangle: Int[Array, " vertex"]  # Of the skin refined once: where the vertex's card is rooted.
    root_weights: Float[Array, "vertex 3"]
    rigid: bool  # Whether they move with the skull alone.
    picture: UInt8[Array, "row column 4"]  # sRGB and coverage, row 0 at the top.


class _Strips(NamedTuple):
    """Cards of one group of strands."""

    guide: Int[Array, " card"]
    near: Int[Array, "card near"]
    middle: Float[Array, "card row 3"]
    side: Float[Array, "card row 3"]  # To the right edge, metres.
    outward: Float[Array, "card row 3"]


def make_cards(hairs: tuple[StandingHair, ...], *, lod: int = 0, ribbons: bool = False) -> tuple[Cards, ...]:
    """Cards of all kinds that a person has; ribbons are as many and as narrow as the strands."""
    out = []
    for kind in ("scalp", "brow", "lash"):
        groups = [hair for hair in hairs if hair.kind == kind and len(hair.points)]
        if groups:
            recipe = RECIPES["crop" if kind == "scalp" and not groups[0].rigid else kind]
            if ribbons:
                few = min(recipe.rows + 2, groups[0].points.shape[1])
                recipe = replace(recipe, cards=MOST, rows=few, near=1, cells=64, cell=(16, 4), beyond=0.0)
            out.append(_cards(groups, recipe, factor=LODS[lod] if kind == "scalp" else 1.0))
    return tuple(out)


def _cards(groups: list[StandingHair], recipe: Recipe, *, factor: float) -> Cards:
    strips = [_strips(hair, recipe, count=round(factor * recipe.cards)) for hair in groups]
    cells: list[Array] = []
    uvs = []
    for hair, own in zip(groups, strips, strict=True):
        count = len(own.guide)
        shown = np.arange(count) if not recipe.cells else np.linspace(0, count - 1, recipe.cells).astype(np.intp)
        first = len(cells)
        cells += [_painted(hair, own, card, recipe=recipe) for card in shown.tolist()]
        number = np.arange(count) if not recipe.cells else np.random.default_rng(9).integers(0, recipe.cells, count)
        uvs.append(first + number)
    cell = np.concatenate(uvs)
    columns = int(np.ceil(np.sqrt(len(cells) * recipe.cell[0] / recipe.cell[1])))
    picture = _sheet(cells, columns=columns)
    if recipe.near == 1:
        picture[..., 3] = 255
    middle, side, outward = (np.concatenate([s[k] for s in strips]) for k in (2, 3, 4))
    rows = middle.shape[1]
    points = np.stack([middle - side, middle + side], axis=2).reshape(-1, 3)
    tilt = ROUNDNESS * side / np.maximum(np.linalg.norm(side, axis=2, keepdims=True), 1e-9)
    normals = np.stack([outward - tilt, outward + tilt], axis=2).reshape(-1, 3)
    across = (np.array([0.02, 0.98])[None, None] + (cell % columns)[:, None, None]) / columns
    lines = -(-len(cells) // columns)
    down = (np.linspace(0.01, 0.99, rows)[None, :, None] + (cell // columns)[:, None, None]) / lines
    uv = np.stack(np.broadcast_arrays(across, 1.0 - down), axis=-1).reshape(-1, 2)
    quad = np.array([[0, 1, 3], [0, 3, 2]])[None] + 2 * np.arange(rows - 1)[:, None, None]
    triangles = (quad[None] + (2 * rows * np.arange(len(cell)))[:, None, None, None]).reshape(-1, 3)
    roots = [np.repeat(hair.triangle[own.guide], 2 * rows) for hair, own in zip(groups, strips, strict=True)]
    weights = [np.repeat(hair.weights[own.guide], 2 * rows, axis=0) for hair, own in zip(groups, strips, strict=True)]
    return Cards(
        name=recipe.name,
        points=points.astype(np.float32),
        normals=(normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32),
        uv=uv.astype(np.float32),
        triangles=triangles.astype(np.int32),
        root_triangle=np.concatenate(roots).astype(np.int32),
        root_weights=np.concatenate(weights).astype(np.float32),
        rigid=groups[0].rigid,
        picture=picture,
    )


def _strips(hair: StandingHair, recipe: Recipe, *, count: int) -> _Strips:
    strands = _at_steps(hair.points, recipe.rows, power=recipe.root)
    number = len(strands)
    guide = np.unique(np.linspace(0, number - 1, min(count, number)).astype(np.intp))
    features = strands[:, [0, recipe.rows // 2, -1]].reshape(number, 9)
    near = _nearest(features, guide, count=min(recipe.near, number))
    own = strands[near]
    middle = own.mean(axis=1)
    if hair.kind == "scalp":  # A parting is as narrow as its hairs make it.
        to_root = (1.0 - np.linspace(0.0, 1.0, recipe.rows)[None, :, None]) ** 2
        middle = middle + to_root * (strands[guide] - middle)
    if recipe.beyond:
        ends = recipe.beyond * (middle[:, -1] - middle[:, 0])
        middle = middle + np.linspace(-1.0, 1.0, recipe.rows)[None, :, None] * ends[:, None]
    along = np.gradient(middle, axis=1)
    if hair.kind == "lash":
        root = own[:, :, 0] - own[:, :, 0].mean(axis=1, keepdims=True)
        row = np.linalg.svd(root, full_matrices=False)[2][:, 0]
        side = np.broadcast_to((row * np.sign(row[:, :1]))[:, None], middle.shape)
        outward = np.cross(along, side)
        outward *= np.sign(outward[..., 1:2])
    else:
        outward = hair.outward[guide] if hair.kind == "brow" else middle - (0.0, 0.03, -0.01)
        outward = np.broadcast_to(outward if outward.ndim == 3 else outward[:, None], middle.shape)
        side = np.cross(along, outward)
        steepness = recipe.lift / np.linalg.norm(outward, axis=2, keepdims=True)
        middle = middle + outward * steepness * (np.arange(recipe.rows) > 0)[None, :, None]
    side, outward = (v / np.maximum(np.linalg.norm(v, axis=2, keepdims=True), 1e-12) for v in (side, outward))
    if hair.kind == "scalp":
        roll = np.random.default_rng(8).uniform(LAYERS[1], LAYERS[0], len(guide))[:, None, None]
        side = side * np.cos(roll) + outward * np.sin(roll)
    lateral = np.einsum("cnrd,crd->cnr", own - middle[:, None], side)
    half = recipe.spread * np.sqrt((lateral**2).mean(axis=1)) + hair.width.mean()
    if recipe.near == 1:
        half = 0.5 * _at_steps(hair.width[guide, :, None], recipe.rows)[..., 0]
    elif recipe.beyond:
        half = np.broadcast_to(half.max(axis=1, keepdims=True), half.shape)
    return _Strips(guide, near, middle, side * half[..., None], outward)


def _at_steps(
    points: Float[Array, "strand knot axis"], steps: int, *, power: float = 1.0
) -> Float[Array, "strand step axis"]:
    """The strands at places along their knots, evenly spaced but for the power."""
    at = np.linspace(0.0, 1.0, steps) ** power * (points.shape[1] - 1.0)
    low = np.minimum(at.astype(np.intp), points.shape[1] - 2)
    share = (at - low).astype(np.float32)[None, :, None]
    found: Array = points[:, low] * (1.0 - share) + points[:, low + 1] * share
    return found


def _nearest(features: Float[Array, "strand 9"], guide: Int[Array, " card"], *, count: int) -> Int[Array, "card near"]:
    """Strands that lie closest to each guide."""
    size, out = (features**2).sum(axis=1), []
    for start in range(0, len(guide), 256):
        distance = size - 2.0 * features[guide[start : start + 256]] @ features.T
        out.append(np.argpartition(distance, count - 1, axis=1)[:, :count])
    return np.concatenate(out)


def _painted(hair: StandingHair, strips: _Strips, card: int, *, recipe: Recipe) -> Float[Array, "row column 4"]:
    """The strands of one card, seen from outside: premultiplied linear colour and coverage."""
    height, width = recipe.cell
    near = strips.near[card]
    steps = height * 3 // 2
    knots = _at_steps(hair.points[near], steps, power=recipe.root)
    light = hair.colour[near] * (ENCLOSED + (1.0 - ENCLOSED) * hair.openness[near, :, None])
    if hair.kind == "scalp":
        light = 1.0 - (1.0 - np.clip(light, 0.0, 1.0)) ** GLOW
    colour = _at_steps(light, steps, power=recipe.root)
    thick = _at_steps(hair.width[near, :, None], steps, power=recipe.root)[..., 0]
    if hair.kind == "scalp":  # Single hairs at the root would be cut out.
        thick = np.maximum(thick, hair.width.mean())
    middle, side = strips.middle[card], strips.side[card]
    if recipe.beyond or hair.kind == "lash":
        chord = middle[-1] - middle[0]
        down = (knots - middle[0]) @ chord / (chord @ chord)
    else:
        down = np.broadcast_to(np.linspace(0.0, 1.0, steps) ** recipe.root, thick.shape)
    place = np.clip(down, 0.0, 1.0) ** (1.0 / recipe.root) * (len(middle) - 1)
    low = np.minimum(place.astype(np.intp), len(middle) - 2)
    share = (place - low)[..., None]
    centre, across = (v[low] * (1.0 - share) + v[low + 1] * share for v in (middle, side))
    half = np.linalg.norm(across, axis=-1)
    lateral = np.einsum("nsd,nsd->ns", knots - centre, across) / half**2
    column = (0.5 + 0.48 * lateral) * width
    radius = np.maximum(0.24 * thick / half * width, recipe.finest)
    ends = 1.0 - recipe.ragged * np.random.default_rng(card).random(len(near))
    radius = np.where(down > ends[:, None], -1.0, radius)
    return _dotted(down ** (1.0 / recipe.root) * (height - 1.0), column, radius=radius, colour=colour, cell=recipe.cell)


def _dotted(row: Array, column: Array, *, radius: Array, colour: Array, cell: tuple[int, int]) -> Array:
    """Dots on a cell; the last strands lie on top."""
    out = np.zeros((*cell, 4))
    y, x = np.round(row).astype(np.intp), np.floor(column).astype(np.intp)
    reach = int(np.ceil(radius.max())) + 1
    for strand in range(len(row)):
        cover, paint = np.zeros(cell), np.zeros((*cell, 3))
        for step in range(-reach, reach + 1):
            at = x[strand] + step
            dot = np.clip(radius[strand] + 0.5 - np.abs(at + 0.5 - column[strand]), 0.0, 1.0)
            inside = (at >= 0) & (at < cell[1]) & (dot > 0.0) & (y[strand] >= 0) & (y[strand] < cell[0])
            where = (y[strand][inside], at[inside])
            np.maximum.at(cover, where, dot[inside])
            paint[where] = colour[strand][inside]
        out = out * (1.0 - cover[..., None]) + np.concatenate([paint, np.ones((*cell, 1))], axis=2) * cover[..., None]
    return out


def _sheet(cells: list[Array], *, columns: int) -> UInt8[Array, "row column 4"]:
    """Cells side by side; what no strand covers has their mean colour, so that no other shines through at the edges."""
    height, width, _ = cells[0].shape
    lines = -(-len(cells) // columns)
    sheet = np.zeros((lines * height, columns * width, 4), np.uint8)
    for number, cell in enumerate(cells):
        cover = cell[..., 3:]
        mean = cell[..., :3].sum(axis=(0, 1)) / max(float(cover.sum()), 1e-6)
        colour = np.where(cover > 0.02, cell[..., :3] / np.maximum(cover, 0.02), mean)
        top, left = height * (number // columns), width * (number % columns)
        own = sheet[top : top + height, left : left + width]
        own[..., :3], own[..., 3] = srgb_bytes(colour), np.round(255.0 * cover[..., 0])
    found: Array = np.round(np.round(sheet / 255.0 * STEPS) * (255.0 / STEPS)).astype(np.uint8)
    return found
