"""Hair of a person as curves with a thickness, standing on the neutral face. The look follows the fast renderer's."""

from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Int
from face_emote.face.bundled import load_head
from face_emote.look.standing_hair import StandingHair, standing_hair
from face_emote.look.surface import SkinSurface
from face_emote.worker.person import Person

CLUMPING = {"scalp": 1.3, "brow": 1.0, "lash": 1.6}
"""A curve stands for a few real hairs; factor on its thickness. Longer hair of the scalp keeps its own."""
DETAIL = 0.6  # Share of scalp strands: a viewport has to draw them.


def hair_arrays(person: Person, skin: SkinSurface) -> dict[str, Any]:
    """Per kind of hair: `hair_*_points` [strand, knot, 3], `_radius` [strand, knot], `_colour` [strand, 3] and, for
    brows and lashes, `_anchor` [strand, 3]: three head vertices next to the root. Bald scalps have no strands.
    """
    template, posed = (
        skin.matrix.apply(head.template[skin.vertex_index].astype(np.float64)) for head in (load_head(), person.head)
    )
    hairs = standing_hair(skin, template=template, points=posed, skin=person.skin, detail=DETAIL)
    out: dict[str, Any] = {}
    for kind, clumping in CLUMPING.items():
        own = [hair for hair in hairs if hair.kind == kind]
        wide = 1.0 if own[0].rigid else clumping
        out |= {
            f"hair_{kind}_points": np.concatenate([hair.points for hair in own]),
            f"hair_{kind}_radius": (0.5 * (np.concatenate([hair.width for hair in own]) * wide)).astype(np.float32),
        }
        if kind == "scalp":
            out["hair_scalp_colour"] = own[0].colour.mean(axis=1)
        else:
            out[f"hair_{kind}_colour"] = np.concatenate([hair.colour[:, 0] for hair in own])
            out[f"hair_{kind}_anchor"] = np.concatenate([_anchors(hair, skin) for hair in own])
    return out


def _anchors(hair: StandingHair, skin: SkinSurface) -> Int[Array, "strand 3"]:
    """Of every strand the three vertices of the unrefined head that its root depends on most."""
    rows = skin.linear
    anchors = np.zeros((len(hair.points), 3), np.int32)
    for strand, (triangle, weights) in enumerate(zip(hair.triangle, hair.weights, strict=True)):
        shares: dict[int, float] = {}
        for corner, weight in zip(skin.triangles[triangle].tolist(), weights.tolist(), strict=True):
            part = slice(rows.start[corner], rows.start[corner + 1])
            for vertex, share in zip(rows.index[part].tolist(), rows.weight[part].tolist(), strict=True):
                shares[vertex] = shares.get(vertex, 0.0) + weight * share
        strongest = sorted(shares, key=lambda vertex: (-shares[vertex], vertex))
        anchors[strand] = skin.vertex_index[strongest[:3]]
    return anchors
