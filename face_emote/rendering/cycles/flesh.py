"""Colours of teeth, gums and tongue, point by point, from the numbers in `skin.teeth`."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import SkinParams
from face_emote.look import teeth
from face_emote.look.formula.mouth import enamel, tongue_colour
from face_emote.look.formula.ops import Vec
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.mesh import RenderMesh


def flesh_colours(mesh: RenderMesh, skin: SkinParams) -> Float[Array, "point 3"]:
    """Albedo of every point of what is wet and not skin or eye."""
    colours = np.tile(np.array(teeth.GUM, np.float32), (len(mesh.local), 1))
    crowns, tongue = (
        np.unique(mesh.triangles[mesh.material == material]) for material in (buffers.TOOTH, buffers.TONGUE)
    )
    age = float(np.clip(skin.age, 0.0, 1.0))
    crown = enamel(Vec(*mesh.local[crowns].T.astype(np.float64)), age=age, mottle=0.5)
    colours[crowns] = np.stack(list(crown), axis=1)
    colours[tongue] = np.stack(list(tongue_colour(mesh.local[tongue, 2].astype(np.float64))), axis=1)
    return colours
