"""All strands of one person on the neutral face - scalp, brows, lashes -, for programs that draw them otherwise."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.types import SkinParams
from face_emote.look.fine_hair import FINE_TAPER, fine_hair
from face_emote.look.hair import hair_on
from face_emote.look.strands import pose_strands, triangle_frames
from face_emote.look.surface import SkinSurface

VOLUME = (0.004, 0.16)
"""Hair of a crop rises at most this far off the scalp: metres, plus a share of its length. Longer hair lies down."""


@dataclass(frozen=True, slots=True, eq=False)
class StandingHair:
    """Strands of one kind."""

    kind: str  # `scalp`, `brow` or `lash`.
    points: Float[Array, "strand knot 3"]  # Metres.
    width: Float[Array, "strand knot"]  # Diameter, metres.
    colour: Float[Array, "strand knot 3"]  # Linear albedo.
    openness: Float[Array, "strand knot"]  # Light from all around that reaches a knot, 0..1.
    triangle: Int[Array, " strand"]  # Of the skin refined once, where the root is.
    weights: Float[Array, "strand 3"]
    outward: Float[Array, "strand 3"]  # The skin's normal at the root.
    rigid: bool  # Whether it moves with the skull alone.


def standing_hair(
    surface: SkinSurface, *, template: Float[Array, "point 3"], points: Float[Array, "point 3"], skin: SkinParams,
    detail: float = 1.0,
) -> tuple[StandingHair, ...]:  # fmt: skip
    """What stands on a skin refined once, given its points on the template and on this head.

    The scalp, both brows, all four rows of lashes; bare ones have no strands. As exact as the points are.
    """
    plain = {"template": template.astype(np.float32), "points": points.astype(np.float32)}
    curves = hair_on(surface, **plain, skin=skin, detail=detail)
    knots, crop = curves.points.astype(points.dtype), skin.hair_style == "crop"
    frames = triangle_frames(points[surface.triangles])
    outward = frames[..., 2]
    if crop:
        turn = frames[curves.triangle]
        local = np.einsum("sji,skj->ski", turn, knots - knots[:, :1])
        knots = knots[:, :1] + np.einsum("sij,skj->ski", turn, laid_down(local, hair_length=skin.hair_length))
    facts = (curves.colour, curves.openness, curves.triangle, curves.weights, outward[curves.triangle])
    out = [StandingHair("scalp", knots.astype(np.float32), curves.width, *facts, rigid=not crop)]
    for fine in fine_hair(skin):
        group = fine.group
        corners = surface.triangles[group.triangle]
        knots = pose_strands(group, rest_triangles=template[corners], posed_triangles=points[corners])
        along = np.linspace(0.0, 1.0, knots.shape[1], dtype=points.dtype)
        width = group.width[:, None] * (1.0 - FINE_TAPER * along**1.8)
        colour = np.broadcast_to(fine.colour[:, None], knots.shape).astype(np.float32)
        facts = (colour, np.ones_like(width), group.triangle, group.weights, outward[group.triangle])
        out.append(StandingHair(fine.kind, knots, width, *facts, rigid=False))
    return tuple(out)


def laid_down(local: Float[Array, "strand knot 3"], *, hair_length: float) -> Float[Array, "strand knot 3"]:
    """Bend strands over so that none rises higher than the style's volume; `local` [..., 2] is along the normal."""
    highest = VOLUME[0] + VOLUME[1] * hair_length
    rise = local[..., 2]
    bent = highest * (1.0 - np.exp(-np.maximum(rise, 0.0) / highest))
    return np.concatenate([local[..., :2], np.where(rise > 0.0, bent, rise)[..., None]], axis=-1)
