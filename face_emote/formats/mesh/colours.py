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
from face_emote.formats.mesh.materials import MATERIALS
from face_emote.formats.mesh.surface import Surface
from face_emote.look.colour import painted, skin_albedo
from face_emote.look.hair import mean_hair_colour
from face_emote.look.maps import SkinMaps
from face_emote.look.regions import blood_masks, with_neck

PATCHES = 512
"""A vertex has the mean colour of one of so many patches of the skin along u and v."""
BASE = 0.8
"""glTF vertex colour at rest, so that pallor, which is paler, finds room below 1; pictures are divided by it."""


@dataclass(frozen=True, slots=True, eq=False)
class BlushColours:
    """Colours of the written vertices of one person."""

    masks: Float[Array, "vertex region=9"]
    """Of `regions.BLOOD_AND_NECK`; 0 off the skin."""
    melanin: Float[Array, " vertex"]
    haemoglobin: Float[Array, " vertex"]
    hair: Float[Array, " vertex"]
    hair_colour: tuple[float, float, float]
    bare: Float[Array, "vertex 3"]
    """Linear colour of what is no skin."""
    is_skin: Bool[Array, " vertex"]

    def linear(self, blood_flow: Float[Array, " region=8"]) -> Float[Array, "vertex 3"]:
        """Linear albedo under a blood flow."""
        flow = np.clip(self.masks @ with_neck(blood_flow), -1.0, 1.0)
        skin = skin_albedo(melanin=self.melanin, haemoglobin=self.haemoglobin, blood_flow=flow)
        skin = painted(skin, self.hair, hair_colour=self.hair_colour)
        return np.where(self.is_skin[:, None], skin, self.bare).astype(np.float32)

    def srgb(self, blood_flow: Float[Array, " region=8"]) -> UInt8[Array, "vertex 3"]:
        """The same as bytes."""
        return srgb_bytes(self.linear(blood_flow))

    def shifts(self) -> Float[Array, "region=8 vertex 3"]:
        """Change of a glTF vertex colour (BASE at rest) per unit of each region's flow: half of flush minus pallor."""
        rest = self.linear(np.zeros(len(BLOOD_REGIONS)))
        out = np.zeros((len(BLOOD_REGIONS), *rest.shape), np.float32)
        for region in range(len(BLOOD_REGIONS)):
            full = np.eye(len(BLOOD_REGIONS))[region]
            out[region] = 0.5 * BASE * (self.linear(full) - self.linear(-full)) / np.maximum(rest, 1e-4)
        return out


def blush_colours(surface: Surface, skin: SkinParams, maps: SkinMaps) -> BlushColours:
    """Prepare the colours of a surface of the bundled head (of any identity)."""
    average = load_head()
    assert average.layout is not None and surface.uv is not None and surface.uv_corners is not None
    masks = blood_masks(1000.0 * surface.of(average.template), surface.of(average.layout.mask_ears))
    uv = np.zeros((surface.num_vertices, 2), np.float32)
    uv[surface.corners.reshape(-1)] = surface.uv[surface.uv_corners.reshape(-1)]
    column = np.clip((uv[:, 0] * PATCHES).astype(np.int64), 0, PATCHES - 1)
    row = np.clip(((1.0 - uv[:, 1]) * PATCHES).astype(np.int64), 0, PATCHES - 1)
    bare = np.zeros((surface.num_vertices, 3), np.float32)
    is_skin = np.zeros(surface.num_vertices, bool)
    plain = {item.name: (item.red, item.green, item.blue) for item in MATERIALS}
    for material, faces in surface.material_faces(np.arange(len(surface.corners))):
        index = np.unique(surface.corners[faces])
        if material == "skin":
            is_skin[index] = True
        else:
            bare[index[~is_skin[index]]] = plain[material]
    masks[~is_skin] = 0.0
    return BlushColours(
        masks=masks,
        melanin=_patches(maps.melanin)[row, column],
        haemoglobin=_patches(maps.haemoglobin)[row, column],
        hair=_patches(maps.hair_coverage)[row, column],
        hair_colour=mean_hair_colour(skin),
        bare=bare,
        is_skin=is_skin,
    )


def _patches(values: Float[Array, "texel texel"]) -> Float[Array, "patch patch"]:
    step = len(values) // PATCHES
    means: Array = values.reshape(PATCHES, step, PATCHES, step).mean(axis=(1, 3))
    return means
