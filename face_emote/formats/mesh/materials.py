"""What exported heads look like: pictures of skin and eyes from the renderers' formulas, and plain teeth and mouth.

The resting relief of the skin (pores, lip lines, age) is a tangent-space normal map: `look.maps` gives a height's
derivative per unit of texture coordinate in metres; divided by the metres that a unit of texture coordinate spans on
the surface it is a slope. Red is +u, green +v (up in the picture), as glTF and USD want it. A second pair of pictures
has every expression crease at its deepest, to be blended in.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.png import png_bytes, srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.eyeball import eye_frame
from face_emote.formats.mesh.surface import MATERIAL_PARTS
from face_emote.look import eyes, teeth
from face_emote.look.colour import painted, skin_albedo
from face_emote.look.eye_picture import eye_albedo, eye_normals, lid_light
from face_emote.look.hair import mean_hair_colour
from face_emote.look.maps import SkinMaps, load_skin_maps
from face_emote.look.reflection import SKIN_F0

TEXELS = 1024
CELLS = 128  # The span of a texel is found on a grid of this many cells; it changes slowly.
DIELECTRIC_F0 = 0.04  # Reflectance that glTF, USD and engines take for granted.
PUPIL = 0.30  # Radius in iris radii: that of a bright room.
WET_LIPS = 0.35  # Strength of the film of spittle on lips; its highlights come on top of the skin's own.


@dataclass(frozen=True, slots=True)
class Material:
    """What one material looks like without a picture; linear colour."""

    name: str
    red: float
    green: float
    blue: float
    roughness: float
    reflects: float = 1.0  # Its reflectance over DIELECTRIC_F0.
    coat: float = 0.0  # Strength of a second, wet surface over it.
    coat_roughness: float = 0.0


MATERIALS = (
    Material("skin", 0.60, 0.34, 0.25, roughness=0.5, reflects=SKIN_F0 / DIELECTRIC_F0, coat_roughness=0.3),
    Material(
        "eyes", 0.75, 0.72, 0.70, roughness=0.6, reflects=0.0, coat=eyes.WET_F0 / DIELECTRIC_F0,
        coat_roughness=eyes.GLOSS_CORNEA,
    ),
    Material("teeth", *teeth.ENAMEL, roughness=teeth.ENAMEL_ROUGHNESS),
    Material("mouth", *teeth.TONGUE, roughness=0.35),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a file."""

    data: bytes
    kind: str  # jpeg, png or webp.


@dataclass(frozen=True, slots=True)
class SkinPictures:
    """Pictures of one person; those of the skin in the head's texture coordinates."""

    colour: Picture  # At rest.
    normal: Picture  # Its relief.
    shine: Picture  # Red: the wetness of the lips; green: roughness.
    folds_colour: Picture  # With every crease at its deepest.
    folds_normal: Picture
    eye: Picture
    eye_normal: Picture  # Of iris and white.
    eye_coat: Picture  # Of the wet surface, whose cornea stands out.


@lru_cache(maxsize=1)
def maps_of(skin: SkinParams) -> SkinMaps:
    """The maps that a person's files are made of; kept, for the next file of the same one."""
    return load_skin_maps(skin, size=TEXELS)


@lru_cache(maxsize=2)
def pictures_of(skin: SkinParams, *, compress: bool = False) -> SkinPictures:
    """Draw the pictures of a person; kept likewise."""
    maps = maps_of(skin)
    iris, cornea = eye_normals()
    fine, plain = partial(encoded, compress=compress, steps=2), partial(encoded, compress=compress, steps=4)
    return SkinPictures(
        colour=fine(skin_picture(skin, maps)),
        normal=plain(normal_picture(maps)),
        shine=plain(shine_picture(maps)),
        folds_colour=plain(skin_picture(skin, maps, folded=True)),
        folds_normal=plain(normal_picture(maps, folded=True)),
        eye=plain(eye_picture(skin)) if compress else Picture(png_bytes(eye_picture(skin)), "png"),
        eye_normal=fine(normal_bytes(iris)),
        eye_coat=fine(normal_bytes(cornea)),
    )


def encoded(pixels: UInt8[Array, "row column channel"], *, compress: bool, steps: int = 1) -> Picture:
    """JPEG of even sides, quantised in `steps` (1 is finest); WebP; or PNG: with alpha, or without PyAV."""
    try:
        import av
    except ImportError:
        return Picture(png_bytes(pixels), "png")
    if pixels.shape[2] == 4 and not compress:
        return Picture(png_bytes(pixels), "png")
    frame = av.VideoFrame.from_ndarray(pixels, format="rgba" if pixels.shape[2] == 4 else "rgb24")
    if compress:
        codec, options = av.CodecContext.create("libwebp", "w"), {"quality": "90"}
        frame = frame.reformat(format="bgra")
    else:
        codec, options = av.CodecContext.create("mjpeg", "w"), {"qmin": str(steps), "qmax": str(steps)}
        frame = frame.reformat(
            format="yuvj444p", src_colorspace="itu601", dst_colorspace="itu601", src_color_range=2, dst_color_range=2
        )
        # FFmpeg writes whole colours with factors that Godot and Unreal refuse. Halved about the middle of four texels,
        # as JPEG has it, they are as near.
        luma, *colour = frame.to_ndarray()
        halved = [plane.reshape(len(plane) // 2, 2, -1, 2).mean(axis=(1, 3)) for plane in colour]
        planes = [luma, *(np.round(plane).astype(np.uint8).reshape(-1, luma.shape[1]) for plane in halved)]
        frame = av.VideoFrame.from_ndarray(np.concatenate(planes), format="yuvj420p")
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, frame.format.name
    codec.time_base, codec.options = Fraction(1, 25), options
    data = b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
    return Picture(data, "webp" if compress else "jpeg")


def skin_picture(skin: SkinParams, maps: SkinMaps, *, folded: bool = False) -> UInt8[Array, "texels texels 3"]:
    """Skin at rest, or with all its creases, in the head's texture coordinates, 8-bit sRGB, row 0 at the top."""
    crease = np.clip(-maps.wrinkle_height, 0.0, 1.0) if folded else None
    bare = skin_albedo(melanin=maps.melanin, haemoglobin=maps.haemoglobin, crease=crease)
    between = maps.melanin <= 0.0  # The charts leave gaps; a viewer's small mipmaps must not mix white into the seams.
    bare[between] = np.median(bare[~between], axis=0)
    return srgb_bytes(painted(bare, maps.hair_coverage, hair_colour=mean_hair_colour(skin)))


def eye_picture(skin: SkinParams) -> UInt8[Array, "texels texels 3"]:
    """The left eyeball of the average head in its lids, unrolled as in `look.eye_picture`; the right one mirrors it."""
    head = load_head()
    assert head.layout is not None
    ball = head.template[head.layout.vertices_of("eyeL")].astype(np.float64)
    middle = ball.mean(axis=0)
    margin = (head.template[head.layout.left_lid_loop] - middle) @ eye_frame(0)
    radius = float(np.linalg.norm(ball - middle, axis=1).mean())
    return srgb_bytes(eye_albedo(skin, pupil=PUPIL) * lid_light(margin, radius=radius))


def shine_picture(maps: SkinMaps) -> UInt8[Array, "texels texels 3"]:
    """Red the wetness of the lips, green roughness: where glTF looks for a coat and for roughness."""
    planes = [WET_LIPS * maps.lips, maps.roughness, np.zeros_like(maps.lips)]
    return np.round(255.0 * np.stack(planes, axis=-1)).astype(np.uint8)


def normal_picture(maps: SkinMaps, *, folded: bool = False) -> UInt8[Array, "texels texels 3"]:
    """Normals of the skin at rest, or with all its creases, 8 bits, row 0 at the top."""
    gradient = maps.bump_gradient + maps.wrinkle_gradient if folded else maps.bump_gradient
    slope = gradient / uv_spans_at(maps.size)
    normal = np.concatenate([-slope, np.ones((maps.size, maps.size, 1), np.float32)], axis=-1)
    return normal_bytes(normal / np.linalg.norm(normal, axis=-1, keepdims=True))


def normal_bytes(normals: Float[Array, "row column 3"]) -> UInt8[Array, "row column 3"]:
    """Unit vectors as the colours of a picture."""
    return (normals * 127.5 + 128.0).clip(0.0, 255.0).astype(np.uint8)


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
