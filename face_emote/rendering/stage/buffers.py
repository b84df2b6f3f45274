"""What the shading kernels read, as named tuples (numba takes them apart at no cost)."""

from typing import NamedTuple

import numpy as np

SKIN, EYE, TOOTH, GUM, CLOTH, TONGUE = range(6)  # Materials, per triangle.
NUM_MATERIALS = 6

MELANIN, HAEMOGLOBIN, SPECULAR, BUMP_U, BUMP_V, WRINKLE, WRINKLE_U, WRINKLE_V, HAIR, ROUGHNESS = range(10)
"""Texture channels."""
NUM_CHANNELS = 10

POINT, NORMAL, SKY, OPENNESS, RIM_SEEN, FOLDING, BLOOD, THINNESS = 0, 3, 6, 12, 13, 14, 15, 16
"""First columns of `Geometry.attributes`."""
NUM_ATTRIBUTES = 17


class Geometry(NamedTuple):
    """The mesh of one frame. `point` axes are render vertices."""

    triangles: np.ndarray  # [triangle, 3] int32.
    charts: np.ndarray
    """[triangle, 12]: texture coordinates of the first corner and, relative to it, of the others; the inverse matrix of
    those two rows; area times two; one that pads. All 0 where it is not skin."""
    material: np.ndarray  # [triangle] uint8.
    attributes: np.ndarray
    """[point, 17]: all that is mixed under a sample, side by side; the next four are views of it."""
    points: np.ndarray  # [point, 3] metres.
    normals: np.ndarray
    sky: np.ndarray  # [point, 8]: sky light on plain materials, on skin, openness, share of the rim light.
    screen: np.ndarray  # [point, 4]: pixel x, pixel y, depth, 1 / depth.
    local: np.ndarray
    """[point, 3]: eyes: direction in the eye's own frame; cloth: millimetres under the collar, rest x, z; teeth: height
    on the crown, place across it, warmth (`skin.teeth.crown_coordinates`); else rest."""


class Texture(NamedTuple):
    """All mip levels of the skin maps, one after the other."""

    texels: np.ndarray  # [texel, channel] uint16.
    offset: np.ndarray  # [level] first texel.
    side: np.ndarray  # [level] size of the square level.
    scale: np.ndarray  # [channel]: value = texel * scale + bias.
    bias: np.ndarray


class Lighting(NamedTuple):
    """The camera and the key light's shadow map."""

    eye: np.ndarray  # [3] camera position.
    shadow: np.ndarray  # [R, R, 2]: mean and mean square of distances along the key light, around each texel.
    shadow_frame: np.ndarray  # [3, 3].
    shadow_centre: np.ndarray
    shadow_radius: float


class Look(NamedTuple):
    """The character's colours; the first arrays are what all places of a picture share of a formula, in its order."""

    skin: np.ndarray
    eye: np.ndarray
    tooth: np.ndarray
    flesh: np.ndarray  # Of gums and of the tongue.
    cloth: np.ndarray
    hair: np.ndarray
    eyes: np.ndarray
    """[2, 6, 3], left and right: right, up and optical axis of the eyeball, its centre, inner and outer corner of the
    lids."""
    redness: float  # Of the eyes, 0..1.
    sample_size: float  # Metres a sample of the 2 x 2 grid covers at 1 m distance.
