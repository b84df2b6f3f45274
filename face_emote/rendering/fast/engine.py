"""The fast renderer: one character in one scene, frame by frame, one CPU core per frame."""

import threading
from typing import NamedTuple

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.errors import HeadError
from face_emote.core.png import srgb_bytes
from face_emote.core.types import LightRig, SkinParams
from face_emote.face.head import Head
from face_emote.look import colour
from face_emote.look.displacement import crease_relief
from face_emote.look.eyes import eye_redness, pupil_radius
from face_emote.look.hair import mean_hair_colour
from face_emote.look.maps import load_skin_maps, resting_folds
from face_emote.look.reflection import MAX_WRINKLE
from face_emote.look.regions import blood_masks, wrinkle_masks
from face_emote.look.teeth import head_mouth_points, mouth_opening
from face_emote.rendering.base import Pose
from face_emote.rendering.fast import lens
from face_emote.rendering.fast.lighting import shadow_moments
from face_emote.rendering.fast.mouth import light_mouth
from face_emote.rendering.fast.shade import shade_picture, to_srgb
from face_emote.rendering.scene import Scene, aperture, focal_pixels, placed, view_matrix
from face_emote.rendering.stage import ambient, kernels
from face_emote.rendering.stage.buffers import BLOOD, CLOTH, FOLDING, THINNESS, Geometry, Lighting, Look
from face_emote.rendering.stage.hair import Hair, PosedStrands
from face_emote.rendering.stage.mesh import make_mesh
from face_emote.rendering.stage.texture import pack_texture
from face_emote.rendering.stage.workspace import Workspace

SHADOW_RADIUS = 0.19
SHADOW_CENTRE = np.array([0.0, -0.05, -0.02])
"""From the eyes' midpoint to the middle of head and neck, metres."""
CORNEA = 0.012
"""From an eyeball's middle to its front, metres."""
TEXTURE_SIDE = {512: 1024, 8192: 2048}
"""Texture side by the largest picture side it serves."""


class Staged(NamedTuple):
    """One frame, ready to be seen by whoever rasterises it."""

    geometry: Geometry
    light: Lighting
    look: Look
    strands: PosedStrands | None
    space: Workspace


class FastRenderer:
    """Implements `Renderer`; may be shared between threads, each frame uses one."""

    name = "fast"

    def __init__(
        self, head: Head, *, betas: Array, skin: SkinParams, scene: Scene, shadows: bool = True, hair: bool = True
    ) -> None:
        """Prepare maps, mesh and hair of one person.

        Args:
            head: The bundled head, without identity.
            betas: Identity of the person.
            skin: Skin, eyes, hair and garment.
            scene: Camera, lights and picture size.
            shadows: Whether the head keeps the key light and the sky from itself.
            hair: Whether strands are drawn; the hair painted on the skin stays.

        Raises:
            HeadError: the head has no charts and parts (an imported FLAME file).
        """
        if head.layout is None:
            raise HeadError("An imported FLAME head has no skin charts yet; render the bundled head instead")
        self.scene = scene
        self.mesh = make_mesh(head.layout, head.template)
        person = head.with_identity(betas)
        self._rest = person.template
        self._mouth = head_mouth_points(head)
        self._origin = person.joints()[3:5].mean(axis=0)
        self._camera = placed(scene.camera, origin=self._origin)
        self.view = view_matrix(self._camera)
        side = next(side for limit, side in TEXTURE_SIDE.items() if max(scene.width, scene.height) <= limit)
        maps = load_skin_maps(skin, size=side)
        self.texture = pack_texture(maps)
        self._relief = crease_relief(maps.wrinkle_height, surface=self.mesh.skin, lips=head.layout.mask_lips)
        self._skin = skin
        template_mm = self.mesh.skin_template * 1000.0
        layout_ears = head.layout.mask_ears[self.mesh.skin.vertex_index].astype(np.float32)
        ears = self.mesh.skin.linear.apply(layout_ears)
        self._wrinkle_masks = wrinkle_masks(template_mm)
        self._blood_masks = blood_masks(template_mm, ears)
        self._plain_triangles = np.ascontiguousarray(self.mesh.triangles[self.mesh.material != CLOTH])
        self._cloth_triangles = np.ascontiguousarray(self.mesh.garment.triangles)
        self._casters = self.mesh.coarse_triangles if shadows else self.mesh.coarse_triangles[:0]
        self.backdrop = backdrop(scene)
        self.hair = None
        if hair:
            pixels = 1e-3 * focal_pixels(self._camera, width=scene.width, height=scene.height) / self._distance()
            ambient_light = np.array(scene.lights.ambient)
            self.hair = Hair(self.mesh, head=person, skin=skin, overhead=ambient_light, pixels_per_mm=pixels)
        self._sky_frames = np.stack([ambient.light_frame(d) for d in ambient.sky_directions()])
        self._sky_colours = ambient.sky_colours(scene.lights.ambient)
        self.focal = focal_pixels(self._camera, width=scene.width, height=scene.height)
        self._rim_frame = ambient.light_frame(light_arrays(scene.lights)[0][2])
        self._spaces = threading.local()

    def staged(self, pose: Pose) -> Staged:
        """Everything of a frame but the picture; valid until this thread's next frame."""
        space = self._space(len(pose.vertices))
        vertices = np.ascontiguousarray(pose.vertices, np.float32)
        self._feel(pose, space)
        self._place(vertices, space)
        geometry = self._geometry(space)
        strands = None if self.hair is None else self.hair.pose(geometry, vertices)
        light = self._light(vertices, space, strands)
        light_mouth(
            space.points, space.normals, self.mesh.inner, self.mesh.num_lining,
            mouth_opening(vertices, self._mouth).rows(), self._sky_frames, self._sky_colours, light, space.sky,
        )  # fmt: skip
        return Staged(geometry, light, self._look(vertices, pose), strands, space)

    def render(self, pose: Pose) -> UInt8[Array, "height width 3"]:
        """Draw one frame, sRGB."""
        geometry, light, look, strands, space = self.staged(pose)
        kernels.visibility(space.screen, self.mesh.triangles, space.face_id, space.inverse_depth)
        shade_picture(
            geometry, self.texture, look, light,
            space.face_id, space.inverse_depth, self.backdrop, space.shading, space.picture, space.depth,
        )  # fmt: skip
        focal = focal_pixels(self._camera, width=self.scene.width, height=self.scene.height)
        centre = (0.5 * self.scene.width, 0.5 * self.scene.height)
        if self.hair is not None and strands is not None:
            self.hair.draw(strands, geometry, light, view=self.view, focal=focal, centre=centre, space=space)
        out = np.empty(space.picture.shape, np.uint8)
        to_srgb(self._through_lens(pose.vertices, space), _SRGB_TABLE, out)
        return out

    def _through_lens(self, vertices: Float[Array, "vertex 3"], space: Workspace) -> Float[Array, "height width 3"]:
        """The picture with the scene's depth of field, focused on the corneas."""
        f_number = self.scene.f_number
        if f_number is None:
            return space.picture
        eyes = np.mean([vertices[index].mean(axis=0) for index in self.mesh.eye_vertices], axis=0)
        radius = lens.blur_radius(
            space.depth,
            focus=float(-(self.view[2, :3] @ eyes + self.view[2, 3])) - CORNEA,
            aperture=aperture(self._camera, f_number=f_number),
            focal=focal_pixels(self._camera, width=self.scene.width, height=self.scene.height),
        )
        blurred = np.empty_like(space.picture)
        lens.defocus(space.picture, radius, lens.TAPS, blurred)
        return blurred

    def _distance(self) -> float:
        """From the camera to the middle between the eyes, metres."""
        return float(np.linalg.norm(np.array(self._camera.position) - self._origin))

    def _space(self, num_vertices: int) -> Workspace:
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
            self._origin + SHADOW_CENTRE, space.coarse_map, space.ambient_depth, space.coarse_total, space.coarse_sky,
        )  # fmt: skip
        if self.hair is not None and self.hair.sky_left is not None:
            space.coarse_sky *= self.hair.sky_left[:, None]
        kernels.apply_rows(rows.start, rows.index, rows.weight, space.coarse_sky, space.sky[plain])
        space.sky[cloth] = mesh.garment.blend(space.sky[:num_skin])
        focal = 2.0 * focal_pixels(self._camera, width=scene.width, height=scene.height)
        kernels.project(points, self.view, focal, float(scene.width), float(scene.height), space.screen)

    def _feel(self, pose: Pose, space: Workspace) -> None:
        """Blood flow and folding at every point of the skin."""
        blood = np.append(pose.blood_flow, pose.blood_flow[2:5].mean())  # the neck follows cheeks and ears
        skin = space.attributes[: self.mesh.num_skin]
        skin[:, BLOOD] = np.clip(self._blood_masks @ blood.astype(np.float32), -1.0, 1.0)
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
        directions, colours = light_arrays(rig)
        frame = ambient.light_frame(directions[0])
        centre = self._origin + SHADOW_CENTRE
        # The head's own mesh casts the shadow: a quarter of the triangles, and the filter hides the difference.
        kernels.depth_map(vertices, self._casters, frame, centre, SHADOW_RADIUS, space.coarse_map, space.key_depth)
        if self.hair is not None and strands is not None:
            self.hair.cast(strands, space.key_depth, frame=frame, centre=centre, radius=SHADOW_RADIUS)
        texels = rig.softness * 0.5 * len(space.shadow) / SHADOW_RADIUS
        shadow_moments(space.key_depth, max(1, round(texels)), space.shadow_spare, space.shadow)
        return Lighting(
            directions=directions,
            colours=colours,
            eye=np.array(self._camera.position),
            shadow=space.shadow,
            shadow_frame=frame,
            shadow_centre=centre,
            shadow_radius=SHADOW_RADIUS,
            exposure=rig.exposure,
        )

    def _look(self, vertices: Float[Array, "vertex 3"], pose: Pose) -> Look:
        return Look(
            iris=np.array(self._skin.iris_colour),
            hair=np.array(mean_hair_colour(self._skin)),
            cloth=np.array(self._skin.garment_colour),
            eyes=self._eyes(vertices),
            pupil=pupil_radius(scene_luminance(self.scene.lights)),
            redness=eye_redness(pose.blood_flow),
            age=float(np.clip(self._skin.age, 0.0, 1.0)),
            epidermis=colour.EPIDERMIS,
            base=np.array(colour.BASE_ALBEDO),
            melanin_absorption=np.array(colour.MELANIN_EXTINCTION),
            haemoglobin_absorption=np.array(colour.HAEMOGLOBIN_EXTINCTION),
            blood_gain=colour.BLOOD_GAIN,
            pallor_greying=colour.PALLOR_GREYING,
            luminance=np.array(colour.LUMINANCE),
            crease=np.array(colour.CREASE_TINT),
            sample_size=0.5 / focal_pixels(self._camera, width=self.scene.width, height=self.scene.height),
        )

    def _eyes(self, vertices: Float[Array, "vertex 3"]) -> Float[Array, "2 6 3"]:
        """Frames of both eyeballs, by the rotation from rest to pose, their centres and the corners of the lids."""
        eyes = np.zeros((2, 6, 3))
        for side, index in enumerate(self.mesh.eye_vertices):
            rest, posed = self._rest[index], vertices[index]
            u, _, vt = np.linalg.svd((rest - rest.mean(axis=0)).T @ (posed - posed.mean(axis=0)))
            turn = vt.T @ np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
            eyes[side, :3] = self.mesh.eye_frames[side] @ turn.T
            eyes[side, 3] = posed.mean(axis=0)
            eyes[side, 4:] = vertices[self.mesh.eye_corners[side]]
        return eyes


def light_arrays(rig: LightRig) -> tuple[Array, Array]:
    """Unit directions towards key, fill and rim light and their colours, [3, 3] each."""
    lights = (rig.key, rig.fill, rig.rim)
    directions = np.array([light.direction for light in lights], np.float64)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions, np.array([light.colour for light in lights], np.float64)


def scene_luminance(rig: LightRig) -> float:
    """Luminance of what the eyes look into: key and sky light times exposure."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    return float(rig.exposure * (weights @ rig.key.colour + weights @ rig.ambient))


def backdrop(scene: Scene) -> Float[Array, "height width 3"]:
    """A soft glow behind the head, tone-mapped linear light, dithered by position against banding."""
    rows = (np.arange(scene.height) + 0.5) / scene.height - 0.45
    columns = ((np.arange(scene.width) + 0.5) / scene.width - 0.5) * scene.width / scene.height
    distance = np.clip(np.hypot(rows[:, None], columns[None]) * 1.45, 0.0, 1.0)[..., None]
    distance = distance * distance * (3.0 - 2.0 * distance)
    light = np.array(scene.lights.backdrop_centre) * (1 - distance) + np.array(scene.lights.backdrop_edge) * distance
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, distance.shape) * 0.004
    return (light * (1.0 + noise)).astype(np.float32)


_SRGB_TABLE = srgb_bytes(np.arange(4096) / 4095.0)
