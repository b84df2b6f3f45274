"""One person in one scene, prepared once, and every frame made ready for whoever rasterises it."""

import threading
from typing import NamedTuple

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError
from face_emote.core.rotations import turn_between
from face_emote.core.types import SkinParams
from face_emote.face.eyeball import widened
from face_emote.face.head import Head
from face_emote.face.layout import HeadLayout
from face_emote.look.displacement import crease_relief
from face_emote.look.eyes import eye_redness, pupil_radius
from face_emote.look.formula.materials import MOUTH
from face_emote.look.formula.mouth import front_light
from face_emote.look.formula.records import Age, Colour, EyeLook, Lights, Skies
from face_emote.look.garment import hidden_faces
from face_emote.look.hair import mean_hair_colour
from face_emote.look.lights import (
    light_arrays,
    lights_of,
    opening_record,
    shared_numbers,
    skies_of,
    sky_colours,
    sky_directions,
    vector,
)
from face_emote.look.maps import load_skin_maps, resting_folds
from face_emote.look.reflection import MAX_WRINKLE
from face_emote.look.regions import blood_masks, with_neck, wrinkle_masks
from face_emote.look.teeth import MouthOpening, head_mouth_points, mouth_opening
from face_emote.rendering.base import Pose
from face_emote.rendering.scene import Scene, focal_pixels, placed, view_matrix
from face_emote.rendering.stage import ambient, kernels
from face_emote.rendering.stage.buffers import BLOOD, CLOTH, FOLDING, THINNESS, Geometry, Lighting, Look
from face_emote.rendering.stage.generated import run_rows
from face_emote.rendering.stage.hair import Hair, PosedStrands
from face_emote.rendering.stage.lights import backdrop, light_frame, scene_luminance
from face_emote.rendering.stage.mesh import RenderMesh, make_mesh
from face_emote.rendering.stage.shadow import shadow_moments
from face_emote.rendering.stage.texture import pack_texture
from face_emote.rendering.stage.workspace import Workspace

NUM_SKY = 7  # Sky light on plain materials and on skin, openness: what the mouth changes.


def light_mouth(geometry: Geometry, mesh: RenderMesh, opening: MouthOpening, *, lights: Lights, skies: Skies) -> None:
    """Replace the sky light of the points inside the mouth."""
    record = opening_record(opening, front=front_light(vector(opening.forward), skies))
    inner = mesh.inner
    lining = np.arange(len(inner)) < mesh.num_lining
    before = (geometry.points[inner], geometry.normals[inner], geometry.sky[inner, :NUM_SKY], lining[:, None])
    rows = np.concatenate(before, axis=1)
    geometry.sky[inner, :NUM_SKY] = run_rows(MOUTH, rows, shared_numbers(record, lights))


SHADOW_RADIUS = 0.19
SHADOW_CENTRE = np.array([0.0, -0.05, -0.02])  # From the eyes' midpoint to the middle of head and neck, metres.
TEXTURE_SIDE = {512: 1024, 8192: 2048}  # Texture side by the largest picture side it serves.


class Staged(NamedTuple):
    """One frame, ready to be seen."""

    geometry: Geometry
    light: Lighting
    look: Look
    strands: PosedStrands | None
    space: Workspace


class StagedPerson:
    """Mesh, maps, masks, hair and lights of one person; may be shared between threads, each frame uses one."""

    def __init__(
        self, head: Head, *, betas: Array, skin: SkinParams, scene: Scene, shadows: bool = True, hair: bool = True
    ) -> None:
        """Prepare one person on the bundled head; without shadows it does not keep light from itself.

        Without hair there are no strands; what is painted on the skin stays. HeadError: the head has no charts and
        parts (an imported FLAME file).
        """
        layout = charts_of(head)
        self.scene = scene
        self.mesh = make_mesh(layout, head.template)
        person = head.with_identity(betas)
        self._rest = person.template
        self._mouth = head_mouth_points(head)
        self.origin = person.eyes_middle()
        self.camera = placed(scene.camera, origin=self.origin)
        self.view = view_matrix(self.camera)
        self.focal = focal_pixels(self.camera, width=scene.width, height=scene.height)
        maps = load_skin_maps(skin, size=texture_side(scene))
        self.texture = pack_texture(maps)
        self._relief = crease_relief(maps.wrinkle_height, surface=self.mesh.skin, lips=layout.mask_lips)
        self._skin = skin
        self._wrinkle_masks, self._blood_masks = region_masks(layout, self.mesh)
        self._plain_triangles = np.ascontiguousarray(self.mesh.triangles[self.mesh.material != CLOTH])
        self._cloth_triangles = np.ascontiguousarray(self.mesh.garment.triangles)
        casters = self.mesh.coarse_triangles
        casting = ~hidden_faces(head.template, casters) if shadows else np.zeros(len(casters), bool)
        self._casters = np.ascontiguousarray(casters[casting])
        self.backdrop = backdrop(scene)
        self.lights, self._skies = lights_of(scene.lights), skies_of(scene.lights)
        self._look = fixed_look(skin, scene)
        self.hair = None
        if hair:
            pixels = 1e-3 * self.focal / float(np.linalg.norm(np.array(self.camera.position) - self.origin))
            self.hair = Hair(self.mesh, head=person, skin=skin, pixels_per_mm=pixels)
        self._sky_frames = np.stack([light_frame(d) for d in sky_directions()])
        self._sky_colours = sky_colours(scene.lights.ambient)
        self._rim_frame = light_frame(light_arrays(scene.lights)[0][2])
        self._spaces = threading.local()

    def staged(self, pose: Pose) -> Staged:
        """Everything of a frame but the picture; valid until this thread's next frame."""
        space = self.space(len(pose.vertices))
        vertices = np.ascontiguousarray(pose.vertices, np.float32)
        self._feel(pose, space)
        self._place(vertices, space)
        geometry = self._geometry(space)
        strands = None if self.hair is None else self.hair.pose(geometry, vertices)
        light = self._light(vertices, space, strands)
        opening = mouth_opening(vertices, self._mouth)
        light_mouth(geometry, self.mesh, opening, lights=self.lights, skies=self._skies)
        look = dilated(self._look, pose.pupil)
        look = look._replace(eyes=self._eyes(vertices), redness=eye_redness(pose.blood_flow))
        return Staged(geometry, light, look, strands, space)

    def space(self, num_vertices: int) -> Workspace:
        """This thread's arrays."""
        space = getattr(self._spaces, "space", None)
        if space is None:
            num_points = self.mesh.rows.num_rows + len(self.mesh.garment.first)
            space = Workspace(num_points, num_vertices, self.scene.width, self.scene.height)
            self._spaces.space = space
        return space

    def _place(self, vertices: Float[Array, "vertex 3"], space: Workspace) -> None:
        """Points, normals, sky light and screen positions of everything that is drawn."""
        rows, mesh, scene = self.mesh.rows, self.mesh, self.scene
        plain, num_skin = slice(0, rows.num_rows), mesh.num_skin
        cloth = slice(rows.num_rows, None)
        points, normals = space.points, space.normals
        kernels.apply_rows(rows.start, rows.index, rows.weight, vertices, points[plain])
        kernels.vertex_normals(points[plain], self._plain_triangles, normals[plain])
        folds = self._relief * (space.attributes[:num_skin, FOLDING] + resting_folds(self._skin.age))
        points[:num_skin] += normals[:num_skin] * folds[:, None]
        points[cloth] = mesh.garment.points(points[:num_skin], normals[:num_skin])
        kernels.vertex_normals(points[cloth], self._cloth_triangles, normals[cloth])
        kernels.vertex_normals(vertices, mesh.coarse_triangles, space.coarse_normals)
        ambient.sky_light(
            vertices, space.coarse_normals, self._casters, self._sky_frames, self._sky_colours, self._rim_frame,
            self.origin + SHADOW_CENTRE, space.coarse_map, space.ambient_depth, space.coarse_total, space.coarse_sky,
        )  # fmt: skip
        if self.hair is not None and self.hair.sky_left is not None:
            space.coarse_sky *= self.hair.sky_left[:, None]
        kernels.apply_rows(rows.start, rows.index, rows.weight, space.coarse_sky, space.sky[plain])
        space.sky[cloth] = mesh.garment.blend(space.sky[:num_skin]) * mesh.garment.shade[:, None]
        kernels.project(points, self.view, 2.0 * self.focal, float(scene.width), float(scene.height), space.screen)

    def _feel(self, pose: Pose, space: Workspace) -> None:
        """Blood flow and folding at every point of the skin."""
        skin = space.attributes[: self.mesh.num_skin]
        skin[:, BLOOD] = np.clip(self._blood_masks @ with_neck(pose.blood_flow), -1.0, 1.0)
        active = self._wrinkle_masks @ pose.wrinkles.astype(np.float32)
        skin[:, FOLDING] = np.minimum(active, MAX_WRINKLE)
        skin[:, THINNESS] = self.mesh.thinness

    def _geometry(self, space: Workspace) -> Geometry:
        mesh = self.mesh
        return Geometry(
            triangles=mesh.triangles,
            charts=mesh.charts,
            material=mesh.material,
            attributes=space.attributes,
            points=space.points,
            normals=space.normals,
            sky=space.sky,
            screen=space.screen,
            local=mesh.local,
        )

    def _light(self, vertices: Float[Array, "vertex 3"], space: Workspace, strands: PosedStrands | None) -> Lighting:
        rig = self.scene.lights
        frame = light_frame(light_arrays(rig)[0][0])
        centre = self.origin + SHADOW_CENTRE
        # The head's own mesh casts the shadow: a quarter of the triangles, and the filter hides the difference.
        kernels.depth_map(vertices, self._casters, frame, centre, SHADOW_RADIUS, space.coarse_map, space.key_depth)
        if self.hair is not None and strands is not None:
            self.hair.cast(strands, space.key_depth, frame=frame, centre=centre, radius=SHADOW_RADIUS)
        texels = rig.softness * 0.5 * len(space.shadow) / SHADOW_RADIUS
        shadow_moments(space.key_depth, max(1, round(texels)), space.shadow_spare, space.shadow)
        return Lighting(
            eye=np.array(self.camera.position),
            shadow=space.shadow,
            shadow_frame=frame,
            shadow_centre=centre,
            shadow_radius=SHADOW_RADIUS,
        )

    def _eyes(self, vertices: Float[Array, "vertex 3"]) -> Float[Array, "2 6 3"]:
        """Frames of both eyeballs, by the rotation from rest to pose, their centres and the corners of the lids."""
        eyes = np.zeros((2, 6, 3))
        for side, index in enumerate(self.mesh.eye_vertices):
            rest, posed = self._rest[index], vertices[index]
            eyes[side, :3] = self.mesh.eye_frames[side] @ turn_between(rest, posed).T
            eyes[side, 3] = posed.mean(axis=0)
            eyes[side, 4:] = vertices[self.mesh.eye_corners[side]]
        return eyes


def dilated(look: Look, dilation: float) -> Look:
    """With pupils that are wider by 0..1."""
    *others, pupil, age = look.eye.tolist()
    return look._replace(eye=np.array([*others, widened(pupil, dilation), age], np.float32))


def charts_of(head: Head) -> HeadLayout:
    """Its layout; HeadError for a head that cannot be drawn."""
    if head.layout is None:
        raise HeadError("An imported FLAME head has no skin charts yet; render the bundled head instead")
    return head.layout


def texture_side(scene: Scene) -> int:
    """Side of the skin maps that a picture needs."""
    return next(side for limit, side in TEXTURE_SIDE.items() if max(scene.width, scene.height) <= limit)


def region_masks(
    layout: HeadLayout, mesh: RenderMesh
) -> tuple[Float[Array, "skin_point 16"], Float[Array, "skin_point 9"]]:
    """Where wrinkles and blood act, at every point of the skin."""
    template_mm = mesh.skin_template * 1000.0
    ears = layout.mask_ears[mesh.skin.vertex_index].astype(np.float32)
    return wrinkle_masks(template_mm), blood_masks(template_mm, mesh.skin.linear.apply(ears))


def fixed_look(skin: SkinParams, scene: Scene) -> Look:
    """What never changes about a person's colours in a scene; the eyes' places and redness are to be filled in."""
    lights, age = lights_of(scene.lights), float(np.clip(skin.age, 0.0, 1.0))
    pupil = pupil_radius(scene_luminance(scene.lights))
    iris, cloth = vector(np.array(skin.iris_colour)), vector(np.array(skin.garment_colour))
    return Look(
        skin=shared_numbers(lights, Colour(vector(np.array(mean_hair_colour(skin))))),
        eye=shared_numbers(lights, EyeLook(iris, pupil, age)),
        tooth=shared_numbers(lights, Age(age)),
        flesh=shared_numbers(lights),
        cloth=shared_numbers(lights, Colour(cloth)),
        hair=shared_numbers(lights, Colour(vector(np.array(scene.lights.ambient)))),
        eyes=np.zeros((2, 6, 3)),
        redness=0.0,
        sample_size=0.5 / focal_pixels(scene.camera, width=scene.width, height=scene.height),
    )
