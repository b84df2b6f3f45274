"""Skin maps packed for the shading kernels: 16 bits a channel, channels side by side, all mip levels in one block."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.look.maps import SkinMaps
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.buffers import Texture

SMALLEST_LEVEL = 16


def stacked_channels(maps: SkinMaps) -> Float[Array, "row column channel=10"]:
    """Maps side by side, in the order of `buffers`."""
    stacked = np.empty((*maps.melanin.shape, buffers.NUM_CHANNELS), np.float32)
    stacked[..., buffers.MELANIN] = maps.melanin
    stacked[..., buffers.HAEMOGLOBIN] = maps.haemoglobin
    stacked[..., buffers.SPECULAR] = maps.specular
    stacked[..., buffers.BUMP_U : buffers.BUMP_V + 1] = maps.bump_gradient
    stacked[..., buffers.WRINKLE] = maps.wrinkle_height
    stacked[..., buffers.WRINKLE_U : buffers.WRINKLE_V + 1] = maps.wrinkle_gradient
    stacked[..., buffers.HAIR] = maps.hair_coverage
    stacked[..., buffers.ROUGHNESS] = maps.roughness
    return stacked


def pack_texture(maps: SkinMaps) -> Texture:
    """Quantise (65535 steps over each channel's own range) and build the mip chain by 2 x 2 means."""
    level = stacked_channels(maps)
    flat = level.reshape(-1, buffers.NUM_CHANNELS)
    low, high = flat.min(axis=0), flat.max(axis=0)
    scale = np.maximum(high - low, 1e-12) / 65535.0
    texels, offsets, sides = [], [], []
    total = 0
    while True:
        side = len(level)
        texels.append(np.round((level.reshape(-1, buffers.NUM_CHANNELS) - low) / scale).astype(np.uint16))
        offsets.append(total)
        sides.append(side)
        total += side * side
        if side <= SMALLEST_LEVEL or side % 2:
            break
        level = 0.25 * (level[0::2, 0::2] + level[1::2, 0::2] + level[0::2, 1::2] + level[1::2, 1::2])
    return Texture(
        texels=np.concatenate(texels),
        offset=np.array(offsets, np.int64),
        side=np.array(sides, np.int64),
        scale=scale.astype(np.float64),
        bias=low.astype(np.float64),
    )
