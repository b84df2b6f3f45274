"""What exported heads look like: skin with its own pictures, eyes with an iris, plain teeth and mouth.

The resting relief of the skin (pores, lip lines, age) is a tangent-space normal map: `look.maps` gives a height's
derivative per unit of texture coordinate in metres; divided by the metres that a unit of texture coordinate spans on
the surface it is a slope. Red is +u, green +v (up in the picture), as glTF and USD want it.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.png import png_bytes, srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.formats.mesh.surface import EYE_SPAN, MATERIAL_PARTS
from face_emote.look.colour import painted, skin_albedo
from face_emote.look.hair import mean_hair_colour
from face_emote.look.maps import SkinMaps, load_skin_maps

TEXELS = 1024
CELLS = 128
"""The span of a texel is found on a grid of this many cells; it changes slowly."""
EYE_TEXELS = 256
IRIS_ANGLE = 0.355
"""Angular radius of the iris on the eyeball (radius 16.5 mm): 11.7 mm across."""
PUPIL_ANGLE = 0.115
SCLERA = (0.70, 0.66, 0.63)
PUPIL = (0.004, 0.004, 0.004)


@dataclass(frozen=True, slots=True)
class Material:
    """What one material looks like without a picture; linear colour."""

    name: str
    red: float
    green: float
    blue: float
    roughness: float


MATERIALS = (
    Material("skin", 0.60, 0.34, 0.25, roughness=0.5),
    Material("eyes", 0.75, 0.72, 0.70, roughness=0.12),
    Material("teeth", 0.72, 0.66, 0.55, roughness=0.25),
    Material("mouth", 0.38, 0.11, 0.10, roughness=0.35),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a file."""

    data: bytes
    kind: str
    """jpeg, png or webp."""


@dataclass(frozen=True, slots=True)
class SkinPictures:
    """Pictures of one person."""

    colour: Picture
    """Resting skin in the head's texture coordinates."""
    normal: Picture
    """Its relief."""
    eye: Picture


@lru_cache(maxsize=2)
def pictures_of(skin: SkinParams, *, compress: bool = False) -> SkinPictures:
    """Draw the pictures of a person; kept, for the next file of the same one."""
    return drawn_pictures(skin, load_skin_maps(skin, size=TEXELS), gain=1.0, compress=compress)


def drawn_pictures(skin: SkinParams, maps: SkinMaps, *, gain: float, compress: bool) -> SkinPictures:
    """Pictures of a person, of maps of TEXELS; `gain` brightens the skin, for vertex colours to darken."""
    return SkinPictures(
        colour=_encoded(skin_picture(skin, maps, gain=gain), compress=compress, steps=2),
        normal=_encoded(normal_picture(maps), compress=compress, steps=4),
        eye=Picture(png_bytes(eye_picture(skin)), "png"),
    )


def _encoded(pixels: UInt8[Array, "row column 3"], *, compress: bool, steps: int) -> Picture:
    """JPEG without subsampling, quantised in `steps` (1 is finest); WebP; or PNG where PyAV is not installed."""
    try:
        import av
    except ImportError:
        return Picture(png_bytes(pixels), "png")
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    if compress:
        codec, options = av.CodecContext.create("libwebp", "w"), {"quality": "90"}
        frame = frame.reformat(format="bgra")
    else:
        codec, options = av.CodecContext.create("mjpeg", "w"), {"qmin": str(steps), "qmax": str(steps)}
        frame = frame.reformat(
            format="yuvj444p", src_colorspace="itu601", dst_colorspace="itu601", src_color_range=2, dst_color_range=2
        )
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, frame.format.name
    codec.time_base, codec.options = Fraction(1, 25), options
    data = b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
    return Picture(data, "webp" if compress else "jpeg")


def skin_picture(skin: SkinParams, maps: SkinMaps, *, gain: float = 1.0) -> UInt8[Array, "texels texels 3"]:
    """Resting skin in the head's texture coordinates, 8-bit sRGB, row 0 at the top."""
    bare = skin_albedo(melanin=maps.melanin, haemoglobin=maps.haemoglobin)
    between = maps.melanin <= 0.0  # The charts leave gaps; a viewer's small mipmaps must not mix white into the seams.
    bare[between] = np.median(bare[~between], axis=0)
    return srgb_bytes(gain * painted(bare, maps.hair_coverage, hair_colour=mean_hair_colour(skin)))


def eye_picture(skin: SkinParams) -> Array:
    """Front of an eyeball, unrolled: distance from the middle is the angle from its axis, EYE_SPAN at the rim."""
    row, column = np.mgrid[0:EYE_TEXELS, 0:EYE_TEXELS]
    x, y = (2.0 * (column + 0.5) / EYE_TEXELS - 1.0), (2.0 * (row + 0.5) / EYE_TEXELS - 1.0)
    angle = EYE_SPAN * np.hypot(x, y)
    blur = EYE_SPAN / EYE_TEXELS
    inside = _step(IRIS_ANGLE, angle, blur)[..., None]
    fibres = 1.0 + 0.18 * np.cos(37.0 * np.arctan2(y, x)) * np.sin(3.0 * angle / IRIS_ANGLE)
    shade = fibres * (1.0 - 0.6 * np.clip((angle / IRIS_ANGLE - 0.75) / 0.25, 0.0, 1.0))
    iris = 2.2 * shade[..., None] * np.asarray(skin.iris_colour)
    pupil = _step(PUPIL_ANGLE, angle, blur)[..., None]
    iris = iris * (1.0 - pupil) + np.asarray(PUPIL) * pupil
    return srgb_bytes(np.asarray(SCLERA) * (1.0 - inside) + iris * inside)


def _step(edge: float, value: Array, blur: float) -> Array:
    """1 below the edge, 0 above, linear over twice the blur."""
    return np.clip(0.5 + (edge - value) / (2.0 * blur), 0.0, 1.0)


def normal_picture(maps: SkinMaps) -> UInt8[Array, "texels texels 3"]:
    """Normals of the resting skin, 8 bits, row 0 at the top."""
    slope = maps.bump_gradient / uv_spans_at(maps.size)
    normal = np.concatenate([-slope, np.ones((maps.size, maps.size, 1), np.float32)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return (normal * 127.5 + 128.0).astype(np.uint8)


def uv_spans() -> Float[Array, "cell cell 2"]:
    """Metres on the average head's skin per unit u and per unit v, row 0 at the top."""
    head = load_head()
    assert head.layout is not None
    chosen = head.layout.in_parts(*MATERIAL_PARTS["skin"])
    place = head.template[head.layout.quads[chosen]].astype(np.float64)
    uv = head.layout.uv[head.layout.quad_uv[chosen]].astype(np.float64)
    # Of each quad its two diagonals: d(place) = T_u du + T_v dv for both.
    step = np.stack([uv[:, 2] - uv[:, 0], uv[:, 3] - uv[:, 1]], axis=1)
    move = np.stack([place[:, 2] - place[:, 0], place[:, 3] - place[:, 1]], axis=1)
    known = np.abs(np.linalg.det(step)) > 1e-12
    span = np.linalg.norm(np.linalg.solve(step[known], move[known]), axis=2)
    middle = uv[known].mean(axis=1)
    column = np.clip((middle[:, 0] * CELLS).astype(np.int64), 0, CELLS - 1)
    row = np.clip(((1.0 - middle[:, 1]) * CELLS).astype(np.int64), 0, CELLS - 1)
    total = np.zeros((CELLS, CELLS, 3))
    np.add.at(total, (row, column), np.concatenate([span, np.ones((len(span), 1))], axis=1))
    while not np.all(total[..., 2] > 0.0):  # Cells without a quad take the mean of their neighbours.
        padded = np.pad(total, ((1, 1), (1, 1), (0, 0)))
        around = sum(padded[1 + dy : CELLS + 1 + dy, 1 + dx : CELLS + 1 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1))
        empty = total[..., 2] == 0.0
        total[empty] = np.asarray(around)[empty]
    return (total[..., :2] / total[..., 2:]).astype(np.float32)


def uv_spans_at(texels: int) -> Float[Array, "texels texels 2"]:
    """`uv_spans` at every texel of a picture."""
    return _upsampled(uv_spans(), texels)


def _upsampled(grid: Float[Array, "cell cell 2"], texels: int) -> Float[Array, "texels texels 2"]:
    """Bilinear between cell centres."""
    at = np.clip((np.arange(texels) + 0.5) * CELLS / texels - 0.5, 0.0, CELLS - 1.0)
    low = np.minimum(at.astype(np.int64), CELLS - 2)
    share = (at - low).astype(np.float32)[:, None, None]
    rows = grid[low] * (1.0 - share) + grid[low + 1] * share
    across = share[None, :, 0]
    between: Array = rows[:, low] * (1.0 - across) + rows[:, low + 1] * across
    return between
