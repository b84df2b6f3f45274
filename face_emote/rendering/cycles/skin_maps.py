"""A character's skin maps, in the layers that Blender is sent."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import SkinParams
from face_emote.look.maps import load_skin_maps


def map_layers(skin: SkinParams, *, side: int) -> Float[Array, "layer=4 side side 3"]:
    """See `CyclesJob.skin_maps`."""
    maps = load_skin_maps(skin, size=side)
    layers = (
        (maps.melanin, maps.haemoglobin, maps.specular),
        (maps.bump_gradient[..., 0], maps.bump_gradient[..., 1], maps.hair_coverage),
        (maps.wrinkle_gradient[..., 0], maps.wrinkle_gradient[..., 1], maps.wrinkle_height),
        (maps.lips, maps.inside, maps.roughness),
    )
    return np.stack([np.stack(layer, axis=-1) for layer in layers]).astype(np.float32)
