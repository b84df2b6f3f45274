"""Turns a person and a scene into what Blender is sent once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.blender_side.cycles_job import BROW, CLOTH, EYE, LASH, SCALP, SKIN, TABLE, TOOTH, WET, CyclesJob
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.types import SkinParams
from face_emote.face.eyeball import widened
from face_emote.face.head import Head
from face_emote.look import cloth, colour, reflection, teeth
from face_emote.look.eye_picture import eye_albedo, eye_uv
from face_emote.look.eyes import pupil_radius
from face_emote.look.formula.mouth import enamel, tongue_colour
from face_emote.look.formula.ops import Vec
from face_emote.look.garment import hidden_faces
from face_emote.look.hair import mean_hair_colour
from face_emote.look.lights import SKY_GAIN, light_arrays
from face_emote.look.maps import load_skin_maps
from face_emote.rendering.cycles.eyes import CORNEA_GAIN
from face_emote.rendering.scene import Scene
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.hair import GLOSS, JoinedStrands
from face_emote.rendering.stage.lights import scene_luminance
from face_emote.rendering.stage.mesh import RenderMesh
from face_emote.rendering.stage.person import StagedPerson


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


def flesh_colours(mesh: RenderMesh, skin: SkinParams) -> Float[Array, "point 3"]:
    """Albedo of every point of what is wet and not skin or eye."""
    colours = np.tile(np.array(teeth.GUM, np.float32), (len(mesh.local), 1))
    crowns, tongue = (
        np.unique(mesh.triangles[mesh.material == material]) for material in (buffers.TOOTH, buffers.TONGUE)
    )
    age = float(np.clip(skin.age, 0.0, 1.0))
    crown = enamel(Vec(*mesh.local[crowns].T.astype(np.float64)), age=age, mottle=0.5)
    colours[crowns] = np.stack(list(crown), axis=1)
    colours[tongue] = np.stack(list(tongue_colour(mesh.local[tongue, 2].astype(np.float64))), axis=1)
    return colours


TEXTURE_SIDE = {768: 1024, 8192: 2048}  # Side of the skin maps by the largest picture side that they serve.
LIGHT_SIZES = (0.22, 0.55, 0.30)  # Key, fill and rim as seen from the head, radians: softboxes.
LIGHT_TARGET = (0.0, -0.03, 0.03)  # From the eyes' midpoint to where the lights point, metres.
SKY_SHARE = 1.0 / 2.7  # The fast renderer's 16 directions stand for 2.7 pi of solid angle, over pi.
MOST = (6.0, 10.0)
"""Melanin and haemoglobin up to which skin colours are tabled: the darkest mole, a full blush of lips."""
MATERIALS = {buffers.SKIN: SKIN, buffers.EYE: EYE, buffers.TOOTH: TOOTH, buffers.CLOTH: CLOTH}  # All else is wet flesh.


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One person in one scene."""

    job: CyclesJob
    stage: StagedPerson
    uv_inverse: Float[Array, "skin_triangle 2 2"]  # From two edges of a triangle to the derivatives by u and v.
    eyes: tuple[Int[Array, " eye_point"], Int[Array, " eye_point"]]
    eye_map: Callable[[float], Float[Array, "side side 3"]]  # Albedo of the eyes by the dilation of the pupils.


def prepare(head: Head, *, betas: Array, skin: SkinParams, scene: Scene, samples: int) -> Prepared:
    """Mesh, maps, strands and lights of one person; the shadows are Blender's."""
    stage = StagedPerson(head, betas=betas, skin=skin, scene=scene, shadows=False)
    eye_points = np.unique(stage.mesh.triangles[stage.mesh.material == buffers.EYE])
    # Left and right eye follow one another in the mesh and have equally many points.
    left, right = np.split(eye_points, 2)

    @lru_cache(maxsize=4)
    def eye_map(dilation: float) -> Float[Array, "side side 3"]:
        pupil = widened(pupil_radius(scene_luminance(scene.lights)), dilation)
        return eye_albedo(skin, pupil=pupil, gathered=CORNEA_GAIN)

    return Prepared(
        job=_job(stage, skin=skin, samples=samples, eye_map=eye_map(0.0)),
        stage=stage,
        uv_inverse=_uv_inverse(stage.mesh.skin.uv[stage.mesh.skin.uv_triangles]),
        eyes=(left, right),
        eye_map=eye_map,
    )


def _job(stage: StagedPerson, *, skin: SkinParams, samples: int, eye_map: Array) -> CyclesJob:
    mesh, scene = stage.mesh, stage.scene
    side = next(side for limit, side in TEXTURE_SIDE.items() if max(scene.width, scene.height) <= limit)
    directions, colours = light_arrays(scene.lights)
    point_uv = np.zeros((len(mesh.local), 2), np.float32)
    for material, function in ((buffers.EYE, eye_uv), (buffers.CLOTH, _cloth_uv)):
        index = np.unique(mesh.triangles[mesh.material == material])
        point_uv[index] = function(mesh.local[index])
    other = mesh.material != buffers.SKIN
    hidden = hidden_faces(mesh.skin_template, mesh.skin.triangles)
    materials = [buffers.SKIN] * int((~hidden).sum()) + mesh.material[other].tolist()
    knots, kind, radius = _strands(stage)
    return CyclesJob(
        width=scene.width,
        height=scene.height,
        samples=samples,
        field_of_view=stage.camera.field_of_view,
        world_from_camera=np.linalg.inv(np.vstack([stage.view, [0.0, 0.0, 0.0, 1.0]])),
        light_directions=directions,
        light_colours=colours,
        light_sizes=np.array(LIGHT_SIZES),
        light_target=stage.origin + np.array(LIGHT_TARGET),
        sky=np.array(scene.lights.ambient) * SKY_GAIN * SKY_SHARE,
        triangles=np.concatenate([mesh.skin.triangles[~hidden], mesh.triangles[other]]),
        material=np.array([MATERIALS.get(material, WET) for material in materials], np.int8),
        point_uv=point_uv,
        skin_uv=mesh.skin.uv,
        skin_uv_triangles=mesh.skin.uv_triangles[~hidden],
        skin_maps=map_layers(skin, side=side),
        point_colour=flesh_colours(mesh, skin),
        eye_map=eye_map,
        skin_colours=_colour_table(),
        most_melanin=MOST[0],
        most_haemoglobin=MOST[1],
        painted_hair=np.array(mean_hair_colour(skin)) * reflection.HAIR_SHADOW,
        cloth=np.array(skin.garment_colour),
        strand_knots=knots,
        strand_kind=kind,
        knot_colour=_hair_of(stage).colour,
        knot_radius=radius,
    )


def _colour_table() -> Float[Array, "blood pigment 3"]:
    melanin, haemoglobin = (np.linspace(0.0, most, TABLE) for most in MOST)
    return colour.albedo(*np.meshgrid(melanin, haemoglobin))


def _cloth_uv(local: Float[Array, "point 3"]) -> Float[Array, "point 2"]:
    return np.stack([np.arctan2(local[:, 1], local[:, 2] + cloth.RIBS_BEHIND), local[:, 0]], axis=1)


def _uv_inverse(corners: Float[Array, "triangle 3 2"]) -> Float[Array, "triangle 2 2"]:
    """Rows give d/du and d/dv of edges 1 and 2; zero where a triangle has no area in the texture."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - second[:, 0] * first[:, 1]
    whole = np.abs(area) > 1e-14
    inverse = np.where(whole, 1.0 / np.where(whole, area, 1.0), 0.0)
    rows = np.stack([second[:, 1], -first[:, 1], -second[:, 0], first[:, 0]], axis=1) * inverse[:, None]
    return rows.reshape(-1, 2, 2).astype(np.float32)


WIDTH = {SCALP: 1.25, BROW: 0.8, LASH: 1.15}
"""Factor on the drawn width: traced strands have no filter that spreads the thinnest over a pixel."""
KINDS = {"scalp": SCALP, "brow": BROW, "lash": LASH}


def _hair_of(stage: StagedPerson) -> JoinedStrands:
    assert stage.hair is not None
    return stage.hair.joined


def _strands(stage: StagedPerson) -> tuple[Int[Array, " strand"], Int[Array, " strand"], Float[Array, " knot"]]:
    """How many knots each has, its kind, and their radii."""
    joined = _hair_of(stage)
    knots = np.bincount(joined.owner) + 1
    kind = np.full(len(knots), SCALP)
    for name, number in KINDS.items():
        kind[joined.gloss == np.float32(GLOSS[name])] = number
    widths = np.array([WIDTH[number] for number in sorted(WIDTH)])
    return knots, kind, 0.5 * joined.width * np.repeat(widths[kind], knots)
