"""What the shading kernels read, as named tuples (numba takes them apart at no cost)."""

from typing import NamedTuple

import numpy as np

SKIN, EYE, TOOTH, WET, CLOTH = range(5)
"""Materials, per triangle."""

MELANIN, HAEMOGLOBIN, SPECULAR, BUMP_U, BUMP_V, WRINKLE, WRINKLE_U, WRINKLE_V, HAIR, LIPS = range(10)
"""Texture channels."""
NUM_CHANNELS = 10


class Geometry(NamedTuple):
    """The mesh of one frame. `point` axes are render vertices."""

    triangles: np.ndarray
    """[triangle, 3] int32."""
    uv_triangles: np.ndarray
    """[triangle, 3] int32, into `uv`."""
    material: np.ndarray
    """[triangle] uint8."""
    uv: np.ndarray
    """[uv point, 2]."""
    points: np.ndarray
    """[point, 3] metres."""
    normals: np.ndarray
    screen: np.ndarray
    """[point, 4]: pixel x, pixel y, depth, 1 / depth."""
    sky: np.ndarray
    """[point, 7]: sky light on plain materials, on skin, openness."""
    wrinkle: np.ndarray
    """[point] local wrinkle activation."""
    blood: np.ndarray
    """[point] local blood flow, -1..1."""
    local: np.ndarray
    """[point, 3]: eyes: direction in the eye's own frame; cloth: millimetres under the collar, rest x, z; else rest."""


class Texture(NamedTuple):
    """All mip levels of the skin maps, one after the other."""

    texels: np.ndarray
    """[texel, channel] uint16."""
    offset: np.ndarray
    """[level] first texel."""
    side: np.ndarray
    """[level] size of the square level."""
    scale: np.ndarray
    """[channel]: value = texel * scale + bias."""
    bias: np.ndarray


class Lighting(NamedTuple):
    """Lights of the scene and the key light's shadow map."""

    directions: np.ndarray
    """[3, 3]: unit vectors towards key, fill and rim."""
    colours: np.ndarray
    """[3, 3]."""
    eye: np.ndarray
    """[3] camera position."""
    shadow: np.ndarray
    """[R, R] distances along the key light."""
    shadow_frame: np.ndarray
    """[3, 3]."""
    shadow_centre: np.ndarray
    shadow_radius: float
    exposure: float


class Look(NamedTuple):
    """The character's colours."""

    iris: np.ndarray
    hair: np.ndarray
    cloth: np.ndarray
    eye_axes: np.ndarray
    """[3, 3]: unit gaze axes of the left and the right eyeball, for the cornea, then a point between the eyes."""
    base: np.ndarray
    """[3] albedo of skin without pigment."""
    melanin_absorption: np.ndarray
    haemoglobin_absorption: np.ndarray
    blood_gain: float
    """ln of the haemoglobin ratio at blood flow 1."""
    pallor_greying: float
    luminance: np.ndarray
    crease: np.ndarray
    sample_size: float
    """Metres a sample of the 2 x 2 grid covers at 1 m distance."""
