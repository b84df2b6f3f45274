"""Hair of one person as geometry: what every engine and exporter draws.

```python
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.look.hair import style_geometry

maya = character("maya")
hair = style_geometry(load_head().with_identity(maya.betas), skin=maya.skin)
hair.points      # [strand, knot, 3] metres, the head at rest
```
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError, OptionError
from face_emote.core.names import HAIR_STYLES
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.layout import HeadLayout
from face_emote.look.fine_hair import WHITE
from face_emote.look.hair_loss import left, loss
from face_emote.look.hair_shape import CHARACTERS, Chance, carried, chances, shaped, skin_points
from face_emote.look.hair_styles import HairStyle, load_anchors, load_style
from face_emote.look.head_shell import CENTRE, HeadShell, farthest, head_shell, smoothed
from face_emote.look.strands import HAIR_LENGTH, TIP_WIDTH, load_strands, pose_strands
from face_emote.look.surface import SkinSurface, layout_skin

ROOT_TONE, TIP_TONE = 0.82, 1.14  # Hair is bleached towards its tips.
HULL_DEPTH = 0.0065  # Metres under the outside of the hair at which 1 / e of the light from all around is left.
LEAST_OPEN = 0.145
SHADE, SHADE_SPREAD = 0.62, 10
"""Share of the sky's light that hair keeps from the skin under it, and how many times that is spread to its border."""
CURLY_SHARE = 0.45  # Share of the strands that the tightest curls get, which take more room each.


@dataclass(frozen=True, slots=True, eq=False)
class HairCurves:
    """Strands on a head at rest, each a polyline from root to tip; an even selection is `points[::n]`."""

    points: Float[Array, "strand knot 3"]  # Metres, axes of the head.
    width: Float[Array, "strand knot"]
    """Diameter, metres. A strand stands for several hairs; drawing every n-th, multiply by about n."""
    colour: Float[Array, "strand knot 3"]  # Albedo, linear sRGB.
    openness: Float[Array, "strand knot"]
    """Light from all around that reaches a knot through the other hair, 0..1: ambient occlusion."""
    outward: Float[Array, "strand knot 3"]  # Unit vectors away from the head, to shade strands as a volume.
    triangle: Int[Array, " strand"]
    """Triangle of `skin.surface.skin_surface(..., levels=1)` that a strand is rooted in."""
    weights: Float[Array, "strand 3"]  # Barycentric coordinates of the root.

    @property
    def num_strands(self) -> int:
        """Number of strands."""
        return len(self.points)


def require_style(name: str) -> str:
    """The name itself. OptionError: there is no such hair style; the message names them all."""
    if name not in HAIR_STYLES:
        raise OptionError(f"There is no hair style '{name}'; choose one of {', '.join(HAIR_STYLES)}")
    return name


def wearing(skin: SkinParams, style: str | None) -> SkinParams:
    """The same look with another hair style; None keeps its own."""
    return skin if style is None else replace(skin, hair_style=require_style(style))


def mean_hair_colour(skin: SkinParams) -> tuple[float, float, float]:
    """Colour of the hair as a whole: pigmented and white hairs mixed."""
    grey = min(max(skin.hair_grey, 0.0), 1.0)
    red, green, blue = (c * (1.0 - grey) + w * grey for c, w in zip(skin.hair_colour, WHITE, strict=True))
    return red, green, blue


def style_geometry(head: Head, *, skin: SkinParams, detail: float = 1.0) -> HairCurves:
    """The hair on a head's scalp: the style, colours, curl and length that `skin` says. Brows and lashes are not in it.

    To draw it elsewhere: Blender and Cycles take `points` as hair curves with `width` as their diameter and `colour`
    as an attribute; an engine without curves sweeps each polyline into a ribbon of `width`, facing the camera. Grown
    styles move rigidly with the skull (`skin.hair_follow.SkullFrame`); they never follow the jaw.

    Args:
        head: The bundled head, with an identity or without.
        skin: Whose hair.
        detail: Share of the strands, 0..1; those left are wider, so that they cover as much.

    Returns:
        No strand at all for the style `none`.

    Raises:
        HeadError: the head has no layout (an imported FLAME file).
        OptionError: an unknown style.
    """
    if head.layout is None:
        raise HeadError("Hair grows on the bundled head only; an imported FLAME head has no scalp to root it in")
    require_style(skin.hair_style)
    surface = _surface(head.layout)
    template, points = (
        surface.matrix.apply(vertices[surface.vertex_index].astype(np.float64)).astype(np.float32)
        for vertices in (load_head().template, head.template)
    )
    return hair_on(surface, template=template, points=points, skin=skin, detail=detail)


def hair_on(
    surface: SkinSurface, *, template: Float[Array, "point 3"], points: Float[Array, "point 3"], skin: SkinParams,
    detail: float = 1.0,
) -> HairCurves:  # fmt: skip
    """`style_geometry` for a skin that has been refined already (once): its points on the template and on this head."""
    if skin.hair_style == "none" or (skin.hair_style == "crop" and skin.hair_length <= 0.0):
        return _no_hair()
    if skin.hair_style == "crop":
        return _crop(surface, template=template, points=points, skin=skin, detail=detail)
    return _grown(surface, template=template, points=points, skin=skin, detail=detail)


def _growing(roots: Float[Array, "strand 3"], *, skin: SkinParams, seed: int) -> Array:
    """Which strands are left of those with such roots on the template."""
    if skin.hair_loss <= 0.0:
        return np.ones(len(roots), bool)
    return np.random.default_rng(seed).random(len(roots)) < left(loss(roots), min(skin.hair_loss, 1.0))


@lru_cache(maxsize=1)
def _surface(layout: HeadLayout) -> SkinSurface:
    return layout_skin(layout)


def _no_hair() -> HairCurves:
    empty = np.zeros((0, 2, 3), np.float32)
    return HairCurves(
        points=empty, width=empty[..., 0], colour=empty, openness=empty[..., 0], outward=empty,
        triangle=np.zeros(0, np.int32), weights=np.zeros((0, 3), np.float32),
    )  # fmt: skip


def _grown(surface: SkinSurface, *, template: Array, points: Array, skin: SkinParams, detail: float) -> HairCurves:
    style = load_style(skin.hair_style)
    curl = float(np.clip(skin.hair_curl, 0.0, 1.0))
    share = float(np.clip(detail * (1.0 - (1.0 - CURLY_SHARE) * curl**0.5), 0.01, 1.0))
    kept = np.unique(np.linspace(0, style.num_strands - 1, round(share * style.num_strands)).astype(np.intp))
    places = skin_points(template, style.triangle[kept], style.weights[kept], surface.triangles)
    kept = kept[_growing(places, skin=skin, seed=5)]
    every = chances(style)
    chance = Chance(every.strand[kept], every.clump[kept])
    heads = style.chosen(style.clump[kept])
    style = style.chosen(kept)
    shell = head_shell(points, surface.triangles[np.isin(surface.part, (0, 1))])
    anchors = load_anchors()
    strands = shaped(
        style,
        guides=_guides(style, template=template, points=points, anchors=anchors, triangles=surface.triangles),
        roots=skin_points(points, style.triangle, style.weights, surface.triangles),
        heads=skin_points(points, heads.triangle, heads.weights, surface.triangles),
        shell=shell,
        chance=chance,
        curl=curl,
        detail=float(np.clip(detail, 0.0, 1.0)),
    )
    num_knots = strands.shape[1]
    along = np.linspace(0.0, 1.0, num_knots, dtype=np.float32)
    thickness = CHARACTERS[style.name].width * share**-0.75 * (0.75 + 0.5 * chance.strand[:, 10])
    tint = np.exp(0.30 * (chance.strand[:, 6] - 0.5) + 0.40 * (chance.clump[:, 6] - 0.5))
    return HairCurves(
        points=strands,
        width=(thickness[:, None] * _profile(along)).astype(np.float32),
        colour=_colours(skin, tint=tint, greyness=chance.strand[:, 9], along=along),
        openness=_openness(strands, shell),
        outward=_outward(strands),
        triangle=style.triangle,
        weights=style.weights,
    )


def _profile(along: Float[Array, " knot"]) -> Float[Array, " knot"]:
    """Width along a drawn strand: a single hair at the root, then its neighbours join; a tip at the end."""
    return (0.35 + 0.65 * np.minimum(along / 0.18, 1.0)) * (1.0 - 0.8 * along**4)


def _guides(style: HairStyle, *, template: Array, points: Array, anchors: Array, triangles: Array) -> Array:
    """Guides of this head, from their roots."""
    root = skin_points(template, style.guide_triangle, style.guide_weights, triangles)
    knots = (root[:, None] + style.guide_knots).reshape(-1, 3)
    both = carried(np.concatenate([knots, root]), anchors=template[anchors], moved=points[anchors])
    moved = both[: len(knots)].reshape(style.guide_knots.shape)
    found: Array = moved - both[len(knots) :, None]
    return found


def _crop(surface: SkinSurface, *, template: Array, points: Array, skin: SkinParams, detail: float) -> HairCurves:
    group = load_strands().group("scalp").thinned(detail).lengthened(skin.hair_length / HAIR_LENGTH)
    growing = _growing(skin_points(template, group.triangle, group.weights, surface.triangles), skin=skin, seed=4)
    group = group.chosen(np.flatnonzero(growing))
    corners = surface.triangles[group.triangle]
    knots = pose_strands(group, rest_triangles=template[corners], posed_triangles=points[corners])
    along = np.linspace(0.0, 1.0, knots.shape[1], dtype=np.float32)
    greyness = np.random.default_rng(3).random(group.num_strands)
    wide = group.width * np.float32(max(detail, 0.01) ** -0.75)
    return HairCurves(
        points=knots,
        width=(wide[:, None] * (1.0 - (1.0 - TIP_WIDTH) * along)).astype(np.float32),
        colour=_colours(skin, tint=group.tint, greyness=greyness, along=along),
        openness=np.broadcast_to(0.3 + 0.7 * along, knots.shape[:2]).astype(np.float32),
        outward=_outward(knots),
        triangle=group.triangle,
        weights=group.weights,
    )


def _colours(skin: SkinParams, *, tint: Array, greyness: Array, along: Array) -> Float[Array, "strand knot 3"]:
    """Pigment of each strand, lighter towards the tip. A strand stands for several hairs, so its share of white ones
    lies around the whole head's, by its own number 0..1.
    """
    pigment = tint[:, None] * np.array(skin.hair_colour)[None]
    white = (0.85 + 0.15 * tint[:, None]) * np.array(WHITE)[None]
    grey = min(max(skin.hair_grey, 0.0), 1.0)
    own = np.clip(grey + 1.6 * grey * (1.0 - grey) * (greyness - 0.5), 0.0, 1.0)[:, None]
    base = pigment * (1.0 - own) + white * own
    tone = ROOT_TONE + (TIP_TONE - ROOT_TONE) * along
    found: Array = (base[:, None] * tone[None, :, None]).astype(np.float32)
    return found


def _outward(strands: Float[Array, "strand knot 3"]) -> Float[Array, "strand knot 3"]:
    """From a capsule in head and neck: a sphere's normals above its middle, a cylinder's below."""
    away = strands - CENTRE
    away[..., 1] = np.maximum(away[..., 1], 0.0)
    found: Array = away / np.maximum(np.linalg.norm(away, axis=2, keepdims=True), 1e-6)
    return found


def _openness(strands: Float[Array, "strand knot 3"], shell: HeadShell) -> Float[Array, "strand knot"]:
    """Light falls off under the outside of the hair, and towards the skin."""
    hull = HeadShell(hair_hull(strands))
    flat = strands.reshape(-1, 3)
    distance = np.linalg.norm(flat - CENTRE, axis=1)
    under = np.maximum(hull.at(flat) - distance, 0.0)
    over = np.clip((distance - shell.at(flat)) / 0.004, 0.0, 1.0)
    open_ = LEAST_OPEN + (1.0 - LEAST_OPEN) * np.exp(-under / HULL_DEPTH)
    found: Array = (open_ * (0.55 + 0.45 * over)).reshape(strands.shape[:2]).astype(np.float32)
    return found


def hair_hull(strands: Float[Array, "strand knot 3"]) -> Float[Array, "row column"]:
    """Distance of the outside of the hair from `CENTRE` by direction, as `HeadShell.radius`; 0 where there is none."""
    return farthest(strands[:, 1:].reshape(-1, 3))


def light_under_hair(curves: HairCurves, points: Float[Array, "point 3"]) -> Float[Array, " point"]:
    """Share of the sky's light that hair leaves to skin points (of the same head at rest) under and beside it."""
    hull = hair_hull(curves.points)
    shaded = (hull > 0.0).astype(np.float32)
    for _ in range(SHADE_SPREAD):
        shaded = smoothed(shaded)
    outside = HeadShell(np.where(hull > 0.0, hull, 0.0))
    inside = np.linalg.norm(points - CENTRE, axis=1) < np.maximum(outside.at(points), 0.5 * outside.radius.max()) + 0.02
    found: Array = (1.0 - SHADE * HeadShell(shaded).at(points) * inside).astype(np.float32)
    return found
