"""Colours of vertices: blood flow, for programs that know nothing of haemoglobin, and what lies behind lips and lids.

The colour model is `skin.colour`, the places are `skin.regions`; both are the renderer's. A mesh file gets the skin's
albedo at every vertex, frame by frame; a glTF gets one colour shift per region, which its weight scales (linear, where
the model is exponential: exact at rest, within 0.06 of the albedo at full flush).

Colours of teeth, gums and tongue and the light that comes through the lips are the renderers' (`look.formula.mouth`),
the latter in a mouth that stands open as in speech: an engine's lamps reach everywhere, these colours take it back.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, UInt8
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION
from face_emote.core.png import srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.mesh.materials import MATERIALS
from face_emote.formats.mesh.surface import Surface, vertex_normals
from face_emote.look import teeth
from face_emote.look.colour import painted, skin_albedo
from face_emote.look.formula.mouth import enamel, light_mouth, tongue_colour
from face_emote.look.formula.ops import Vec
from face_emote.look.formula.records import Inner, Lamp, Lights
from face_emote.look.hair import mean_hair_colour
from face_emote.look.lights import opening_record
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


OPEN_JAW = 0.35  # Of jawOpen: a mouth in the middle of a vowel.


def flesh_colours(person: Head, skin: SkinParams) -> Float[Array, "vertex 3"]:
    """Linear albedo of the head's vertices on eyes, teeth, gums and tongue; 0 elsewhere."""
    layout = person.layout
    assert layout is not None
    out = np.zeros((person.num_vertices, 3), np.float32)
    eyes = next(item for item in MATERIALS if item.name == "eyes")
    out[layout.vertices_of("eyeL", "eyeR")] = (eyes.red, eyes.green, eyes.blue)
    out[layout.vertices_of("teethL", "teethU")] = teeth.GUM
    tongue = layout.vertices_of("tongue")
    out[tongue] = _rows(tongue_colour(person.template[tongue, 2].astype(np.float64)))
    for part in ("toothL", "toothU"):
        crowns = layout.vertices_of(part)
        crown = Vec(*teeth.crown_coordinates(len(crowns), upper=part == "toothU").T)
        out[crowns] = _rows(enamel(crown, age=float(np.clip(skin.age, 0.0, 1.0)), mottle=0.5))
    return out


def mouth_light(person: Head) -> Float[Array, "vertex 3"]:
    """Share of the light outside that reaches each of the head's vertices in an open mouth; 1 outside."""
    layout = person.layout
    assert layout is not None
    controls = np.zeros((1, NUM_EXPRESSION), np.float32)
    controls[0, CONTROLS.index("jawOpen")] = OPEN_JAW
    pose = pose_from_controls(controls, control_joints=person.control_joints)
    posed = person.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)[0]
    normals = vertex_normals(posed, person.faces)
    dark, all_of_it = Vec(0.0, 0.0, 0.0), Vec(1.0, 1.0, 1.0)
    lamp = Lamp(Vec(0.0, 0.0, 1.0), dark)
    opening = opening_record(teeth.mouth_opening(posed, teeth.head_mouth_points(person)), front=all_of_it)
    out = np.ones((person.num_vertices, 3), np.float32)
    for parts, lining in ((("mouth",), 1.0), (("teethL", "teethU", "tongue", "toothL", "toothU"), 0.0)):
        index = layout.vertices_of(*parts)
        places, facing = (Vec(*values[index].astype(np.float64).T) for values in (posed, normals))
        inner = Inner(places, facing, all_of_it, all_of_it, 1.0, lining)
        out[index] = _rows(light_mouth(inner, opening, Lights(lamp, lamp, lamp, 1.0))[0])
    return np.clip(out, 0.0, 1.0)


def _rows(colour: Vec) -> Float[Array, "row 3"]:
    return np.stack(np.broadcast_arrays(*colour), axis=-1).astype(np.float32)
