"""Colours of teeth, gums and tongue, point by point, from the numbers in `skin.teeth`."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import SkinParams
from face_emote.look import teeth
from face_emote.rendering.cycles.eyes import smoothstep
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.mesh import RenderMesh


def flesh_colours(mesh: RenderMesh, skin: SkinParams) -> Float[Array, "point 3"]:
    """Albedo of every point of what is wet and not skin or eye."""
    colours = np.tile(np.array(teeth.GUM, np.float32), (len(mesh.local), 1))
    crowns, tongue = (
        np.unique(mesh.triangles[mesh.material == material]) for material in (buffers.TOOTH, buffers.TONGUE)
    )
    colours[crowns] = enamel(mesh.local[crowns], age=float(np.clip(skin.age, 0.0, 1.0)))
    back = smoothstep(*teeth.TONGUE_COAT_REACH, mesh.local[tongue, 2])[:, None]
    colours[tongue] = np.array(teeth.TONGUE) * (1.0 - back) + np.array(teeth.TONGUE_COAT) * back
    return colours


def enamel(crown: Float[Array, "point 3"], *, age: float) -> Float[Array, "point 3"]:
    """Warm at the gum, blue-grey at the edge, yellow with age; `crown` as `skin.teeth.crown_coordinates`."""
    height, across, warmth = crown.T.astype(np.float64)
    neck = smoothstep(*teeth.NECK, height)[:, None]
    edge = teeth.EDGE_SHARE * smoothstep(*teeth.EDGE, height)[:, None]
    between = smoothstep(*teeth.BETWEEN, np.abs(across))[:, None]
    colour = np.array(teeth.ENAMEL) + neck * (np.array(teeth.ENAMEL_NECK) - teeth.ENAMEL)
    colour = colour * (1.0 + warmth[:, None] * (np.array(teeth.ENAMEL_WARM) - 1.0))
    colour = colour * (1.0 + age * (np.array(teeth.ENAMEL_OLD) - 1.0))
    colour = colour + edge * (np.array(teeth.ENAMEL_EDGE) - colour)
    return (colour * (1.0 + between * (np.array(teeth.BETWEEN_FLOOR) - 1.0))).astype(np.float32)
