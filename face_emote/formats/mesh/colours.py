"""Blood flow as vertex colours, for programs that know nothing of haemoglobin.

The colour model is `skin.colour`, the places are `skin.regions`; both are the renderer's. A mesh file gets the skin's
albedo at every vertex, frame by frame; a glTF gets one colour shift per region, which its weight scales (linear, where
the model is exponential: exact at rest, within 0.06 of the albedo at full flush).
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, UInt8
from face_emote.core.names import BLOOD_REGIONS
from face_emote.core.png import srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.formats.mesh.flesh import flesh_colours, mouth_light
from face_emote.formats.mesh.surface import Surface
from face_emote.look.colour import painted, skin_albedo
from face_emote.look.hair import mean_hair_colour
from face_emote.look.maps import SkinMaps
from face_emote.look.regions import blood_masks, with_neck

PATCHES = 512  # A vertex has the mean colour of one of so many patches of the skin along u and v.


@dataclass(frozen=True, slots=True, eq=False)
class BlushColours:
    """Colours of the written vertices of one person."""

    masks: Float[Array, "vertex region=9"]  # Of `regions.BLOOD_AND_NECK`; 0 off the skin.
    melanin: Float[Array, " vertex"]
    haemoglobin: Float[Array, " vertex"]
    hair: Float[Array, " vertex"]
    hair_colour: tuple[float, float, float]
    flesh: Float[Array, "vertex 3"]
    """Linear colour of what is no skin; inside the mouth with the light that comes through its lips."""
    is_skin: Bool[Array, " vertex"]

    def linear(self, blood_flow: Float[Array, " region=8"]) -> Float[Array, "vertex 3"]:
        """Linear albedo under a blood flow."""
        flow = np.clip(self.masks @ with_neck(blood_flow), -1.0, 1.0)
        skin = skin_albedo(melanin=self.melanin, haemoglobin=self.haemoglobin, blood_flow=flow)
        skin = painted(skin, self.hair, hair_colour=self.hair_colour)
        return np.where(self.is_skin[:, None], skin, self.flesh).astype(np.float32)

    def srgb(self, blood_flow: Float[Array, " region=8"]) -> UInt8[Array, "vertex 3"]:
        """The same as bytes."""
        return srgb_bytes(self.linear(blood_flow))

    def shifts(self) -> Float[Array, "region=8 vertex 3"]:
        """Change of a glTF vertex colour (1 at rest) per unit of each region's flow: half of flush minus pallor.

        Pallor is above 1, which some programs cut off.
        """
        rest = self.linear(np.zeros(len(BLOOD_REGIONS)))
        out = np.zeros((len(BLOOD_REGIONS), *rest.shape), np.float32)
        for region in range(len(BLOOD_REGIONS)):
            full = np.eye(len(BLOOD_REGIONS))[region]
            out[region] = 0.5 * (self.linear(full) - self.linear(-full)) / np.maximum(rest, 1e-4)
        return out


def blush_colours(person: Head, surface: Surface, *, skin: SkinParams, maps: SkinMaps) -> BlushColours:
    """Prepare the colours of a surface of the bundled head, of any identity."""
    average = load_head()
    assert average.layout is not None
    masks = blood_masks(1000.0 * surface.of(average.template), surface.of(average.layout.mask_ears))
    uv = surface.vertex_uv()
    column = np.clip((uv[:, 0] * PATCHES).astype(np.int64), 0, PATCHES - 1)
    row = np.clip(((1.0 - uv[:, 1]) * PATCHES).astype(np.int64), 0, PATCHES - 1)
    melanin, haemoglobin = _patches(maps.melanin)[row, column], _patches(maps.haemoglobin)[row, column]
    flesh = surface.of(flesh_colours(person, skin))
    lining = ~np.any(flesh > 0.0, axis=1)
    flesh[lining] = skin_albedo(melanin=melanin[lining], haemoglobin=haemoglobin[lining])
    flesh *= surface.of(mouth_light(person))
    is_skin = np.zeros(surface.num_vertices, bool)
    for material, faces in surface.material_faces(np.arange(len(surface.corners))):
        if material == "skin":
            is_skin[surface.corners[faces]] = True
    masks[~is_skin] = 0.0
    return BlushColours(
        masks=masks,
        melanin=melanin,
        haemoglobin=haemoglobin,
        hair=_patches(maps.hair_coverage)[row, column],
        hair_colour=mean_hair_colour(skin),
        flesh=flesh,
        is_skin=is_skin,
    )


def _patches(values: Float[Array, "texel texel"]) -> Float[Array, "patch patch"]:
    step = len(values) // PATCHES
    means: Array = values.reshape(PATCHES, step, PATCHES, step).mean(axis=(1, 3))
    return means
