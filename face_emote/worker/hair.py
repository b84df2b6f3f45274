"""Hair of a person as curves with a thickness, standing on the neutral face. The look follows the fast renderer's."""

from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.face.bundled import load_head
from face_emote.look.fine_hair import FINE_TAPER, fine_hair
from face_emote.look.hair import hair_on
from face_emote.look.strands import StrandGroup, triangle_frames
from face_emote.look.surface import SkinSurface
from face_emote.worker.person import Person

VOLUME = (0.004, 0.16)
"""Hair of a crop rises at most this far off the scalp: metres, plus a share of its length. Longer hair lies down."""
CLUMPING = {"scalp": 1.3, "brow": 1.0, "lash": 1.6}
"""A curve stands for a few real hairs; factor on its thickness."""
DETAIL = 0.6
"""Share of scalp strands: a viewport has to draw them."""
FINE_KINDS = ("brow", "lash")


def hair_arrays(person: Person, skin: SkinSurface) -> dict[str, Any]:
    """Per kind of hair: `hair_*_points` [strand, knot, 3], `_radius` [strand, knot], `_colour` [strand, 3] and, for
    brows and lashes, `_anchor` [strand, 3]: three head vertices next to the root. Bald scalps have no strands.
    """
    template = skin.matrix.apply(load_head().template[skin.vertex_index].astype(np.float64))
    posed = skin.matrix.apply(person.head.template[skin.vertex_index].astype(np.float64))
    out = _scalp(person, skin, template=template, posed=posed)
    fine = fine_hair(person.skin)
    for kind in FINE_KINDS:
        groups = [hairs.group for hairs in fine if hairs.kind == kind]
        pieces = [_stood(group, skin=skin, template=template, posed=posed) for group in groups]
        whole = np.concatenate(pieces)
        along = np.linspace(0.0, 1.0, whole.shape[1])
        width = np.concatenate([group.width for group in groups])[:, None] * (1.0 - FINE_TAPER * along**1.8)
        colour = np.concatenate([hairs.colour for hairs in fine if hairs.kind == kind])
        out |= _named(kind, points=whole, width=width * CLUMPING[kind], colour=colour)
        out[f"hair_{kind}_anchor"] = np.concatenate([_anchors(group, skin) for group in groups])
    return out


def _named(kind: str, *, points: Array, width: Array, colour: Array) -> dict[str, Any]:
    values = {"points": points, "radius": 0.5 * width, "colour": colour}
    return {f"hair_{kind}_{name}": array.astype(np.float32) for name, array in values.items()}


def _scalp(person: Person, skin: SkinSurface, *, template: Array, posed: Array) -> dict[str, Any]:
    curves = hair_on(
        skin, template=template.astype(np.float32), points=posed.astype(np.float32), skin=person.skin, detail=DETAIL
    )
    points = curves.points.astype(np.float64)
    wide = 1.0
    if person.skin.hair_style == "crop" and len(points):
        wide = CLUMPING["scalp"]
        frames = triangle_frames(posed[skin.triangles[curves.triangle]])
        local = np.einsum("sji,skj->ski", frames, points - points[:, :1])
        laid = _laid_down(local, hair_length=person.skin.hair_length)
        points = points[:, :1] + np.einsum("sij,skj->ski", frames, laid)
    return _named("scalp", points=points, width=wide * curves.width, colour=curves.colour.mean(axis=1))


def _stood(group: StrandGroup, *, skin: SkinSurface, template: Array, posed: Array) -> Float[Array, "strand knot 3"]:
    """Knots of each strand on this person."""
    corners = skin.triangles[group.triangle]
    turn = triangle_frames(posed[corners]) @ triangle_frames(template[corners]).transpose(0, 2, 1)
    root = np.einsum("sk,skd->sd", group.weights, posed[corners])
    knots: Array = root[:, None] + np.einsum("sij,skj->ski", turn, group.offsets.astype(np.float64))
    return knots


def _anchors(group: StrandGroup, skin: SkinSurface) -> Int[Array, "strand 3"]:
    """Of every strand the three vertices of the unrefined head that its root depends on most."""
    rows = skin.linear
    anchors = np.zeros((group.num_strands, 3), np.int32)
    for strand, (triangle, weights) in enumerate(zip(group.triangle, group.weights, strict=True)):
        shares: dict[int, float] = {}
        for corner, weight in zip(skin.triangles[triangle].tolist(), weights.tolist(), strict=True):
            part = slice(rows.start[corner], rows.start[corner + 1])
            for vertex, share in zip(rows.index[part].tolist(), rows.weight[part].tolist(), strict=True):
                shares[vertex] = shares.get(vertex, 0.0) + weight * share
        strongest = sorted(shares, key=lambda vertex: (-shares[vertex], vertex))
        anchors[strand] = skin.vertex_index[strongest[:3]]
    return anchors


def _laid_down(local: Float[Array, "strand knot 3"], *, hair_length: float) -> Float[Array, "strand knot 3"]:
    """Bend strands over so that none rises higher than the style's volume; `local` [..., 2] is along the normal."""
    highest = VOLUME[0] + VOLUME[1] * hair_length
    rise = local[..., 2]
    bent = highest * (1.0 - np.exp(-np.maximum(rise, 0.0) / highest))
    return np.concatenate([local[..., :2], np.where(rise > 0.0, bent, rise)[..., None]], axis=-1)
