"""What stays the same from frame to frame: one person's mesh, masks and maps, in one scene, as tensors."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.face.layout import HeadLayout
from face_emote.look.displacement import crease_relief
from face_emote.look.eyes import pupil_radius
from face_emote.look.garment import Garment
from face_emote.look.hair import mean_hair_colour
from face_emote.look.maps import SkinMaps, load_skin_maps, resting_folds
from face_emote.look.teeth import head_mouth_points
from face_emote.rendering.scene import Scene, focal_pixels, placed, view_matrix
from face_emote.rendering.stage.buffers import CLOTH, SKIN, Look, Texture
from face_emote.rendering.stage.lights import backdrop, scene_luminance
from face_emote.rendering.stage.mesh import RenderMesh, make_mesh
from face_emote.rendering.stage.person import charts_of, fixed_look, region_masks, texture_side
from face_emote.rendering.stage.texture import pack_texture
from face_emote_lab.differentiable.antialias import Edges, find_edges
from face_emote_lab.differentiable.light import Lights, make_lights
from face_emote_lab.differentiable.mesh import Facets, Rows, torch_rows
from face_emote_lab.differentiable.mouth import TorchMouth
from face_emote_lab.differentiable.texture import mip_chain, skin_texture


@dataclass(frozen=True, slots=True)
class TorchGarment:
    """`look.garment.Garment` as tensors."""

    first: Int[Tensor, " cloth"]
    second: Int[Tensor, " cloth"]
    share: Float[Tensor, "cloth 1"]
    offset: Float[Tensor, "lifted 1"]
    shade: Float[Tensor, "cloth 1"]
    hem: Int[Tensor, " column"]
    anchor: Int[Tensor, " anchor"]
    axes: Float[Tensor, "3 anchor"]
    hem_rest: Float[Tensor, "column 3"]
    rest: Float[Tensor, "base 3"]
    column: Int[Tensor, " base"]
    base_share: Float[Tensor, "base 1"]

    def blend(self, values: Float[Tensor, "batch point channel"]) -> Float[Tensor, "batch cloth channel"]:
        """Skin values at the cloth's points."""
        return torch.lerp(values.index_select(1, self.first), values.index_select(1, self.second), self.share)

    def points(
        self, points: Float[Tensor, "batch point 3"], normals: Float[Tensor, "batch point 3"]
    ) -> Float[Tensor, "batch cloth 3"]:
        """Where the cloth is on a posed bust."""
        lifted = len(self.offset)
        own = self.blend(points)[:, :lifted] + self.blend(normals)[:, :lifted] * self.offset
        origin, across, ahead = (self.axes @ points.index_select(1, self.anchor)).split(1, dim=1)
        length = across.norm(dim=-1, keepdim=True) * ahead.norm(dim=-1, keepdim=True)
        frame = torch.cat([across, torch.linalg.cross(ahead, across) / length.sqrt(), ahead], dim=1)
        moved = own.index_select(1, self.hem) - (origin + self.hem_rest @ frame)
        base = origin + self.rest @ frame + self.base_share * moved.index_select(1, self.column)
        return torch.cat([own, base], dim=1)


@dataclass(frozen=True, slots=True)
class Eyes:
    """What a person's eyes are like, and where they are on the head."""

    iris: Float[Tensor, " 3"]
    pupil: float
    age: float
    index: tuple[Tensor, Tensor]
    weights: tuple[Tensor, Tensor]
    """[3, eye vertex]: a turned eyeball's right, up and optical axis are the weighted sums of its vertices, exactly."""
    corners: Int[Tensor, "side=2 corner=2"]  # Vertices at the inner and the outer corner of the lids.


@dataclass(frozen=True, slots=True)
class SkinPoints:
    """What is known of the points of the skin."""

    relief: Float[Tensor, " skin_point"]  # Metres that a crease at activation 1 moves the skin out.
    resting_folds: float
    thinness: Float[Tensor, " skin_point"]
    wrinkle_masks: Float[Tensor, "skin_point wrinkle=16"]
    blood_masks: Float[Tensor, "skin_point region=9"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything `render_batch` reads that is not the pose."""

    width: int
    height: int
    view: Float[Tensor, "3 4"]
    focal: Float[Tensor, ""]
    lights: Lights
    backdrop: Float[Tensor, "height width 3"]  # Tone-mapped linear light.
    rows: Rows
    garment: TorchGarment
    num_skin: int
    triangles: Int[Tensor, "triangle 3"]
    plain_facets: Facets  # All triangles but the cloth's.
    cloth_facets: Facets  # Counted from the first cloth point.
    coarse_facets: Facets  # Of the head's own mesh.
    edges: Edges
    material: Int[Tensor, " triangle"]
    uv: Float[Tensor, "triangle 3 2"]  # Texture coordinates of each triangle's corners; 0 where it is not skin.
    local: Float[Tensor, "point 3"]
    skin: SkinPoints
    texture: Float[Tensor, "side side channel=10"]
    texels: Float[Tensor, "texel channel=10"]  # `mip_chain(texture)`.
    hair_colour: Float[Tensor, " 3"]
    eyes: Eyes
    cloth_colour: Float[Tensor, " 3"]
    mouth: TorchMouth
    mesh: RenderMesh  # What the kernels read instead of the tensors.
    packed: Texture
    look: Look


def make_stage(
    head: Head,
    *,
    betas: Array,
    skin: SkinParams,
    scene: Scene,
    maps: SkinMaps | None = None,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> Stage:
    """Prepare one person of the bundled head for one scene; `maps` instead of those that suit the skin.

    `dtype` of everything: double is for checking gradients. HeadError: the head has no charts and parts (an imported
    FLAME file).
    """
    layout = charts_of(head)
    moved = partial(_moved, dtype=dtype, device=device)
    mesh = make_mesh(layout, head.template)
    person = head.with_identity(betas)
    camera = placed(scene.camera, origin=person.eyes_middle())
    maps = maps or load_skin_maps(skin, size=texture_side(scene))
    texture = skin_texture(maps).to(device, dtype)
    triangles = moved(mesh.triangles)
    return Stage(
        width=scene.width,
        height=scene.height,
        view=moved(view_matrix(camera)),
        focal=torch.tensor(focal_pixels(camera, width=scene.width, height=scene.height), dtype=dtype, device=device),
        lights=make_lights(scene.lights, dtype=dtype, device=device),
        backdrop=moved(backdrop(scene)),
        rows=torch_rows(mesh.rows, dtype=dtype, device=device),
        garment=_garment(mesh.garment, moved=moved),
        num_skin=mesh.num_skin,
        triangles=triangles,
        plain_facets=Facets(moved(mesh.triangles[mesh.material != CLOTH]), num_points=mesh.rows.num_rows, dtype=dtype),
        cloth_facets=Facets(moved(mesh.garment.triangles), num_points=len(mesh.garment.first), dtype=dtype),
        coarse_facets=Facets(moved(mesh.coarse_triangles), num_points=len(head.template), dtype=dtype),
        edges=find_edges(triangles),
        material=moved(mesh.material.astype(np.int64)),
        uv=moved(np.where(mesh.material[:, None, None] == SKIN, mesh.uv[mesh.uv_triangles], np.float32(0.0))),
        local=moved(mesh.local),
        skin=_skin_points(layout, mesh, maps.wrinkle_height, age=skin.age, moved=moved),
        texture=texture,
        texels=mip_chain(texture),
        hair_colour=moved(np.array(mean_hair_colour(skin))),
        eyes=_eyes(mesh, person.template, skin=skin, scene=scene, moved=moved),
        cloth_colour=moved(np.array(skin.garment_colour)),
        mouth=_mouth(head, mesh, moved=moved),
        mesh=mesh,
        packed=pack_texture(maps),
        look=fixed_look(skin, scene),
    )


def _moved(values: Array, *, dtype: torch.dtype, device: str | torch.device) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    return tensor.to(device, dtype if tensor.is_floating_point() else torch.int64)


def _skin_points(
    layout: HeadLayout, mesh: RenderMesh, height: Array, /, *, age: float, moved: Callable[[Array], Tensor]
) -> SkinPoints:
    wrinkle_masks, blood_masks = region_masks(layout, mesh)
    return SkinPoints(
        relief=moved(crease_relief(height, surface=mesh.skin, lips=layout.mask_lips)),
        resting_folds=resting_folds(age),
        thinness=moved(mesh.thinness),
        wrinkle_masks=moved(wrinkle_masks),
        blood_masks=moved(blood_masks),
    )


def _eyes(mesh: RenderMesh, rest: Array, *, skin: SkinParams, scene: Scene, moved: Callable[[Array], Tensor]) -> Eyes:
    left, right = (moved(_axis_weights(mesh, rest, side=side)) for side in (0, 1))
    return Eyes(
        iris=moved(np.array(skin.iris_colour)),
        pupil=pupil_radius(scene_luminance(scene.lights)),
        age=float(np.clip(skin.age, 0.0, 1.0)),
        index=(moved(mesh.eye_vertices[0]), moved(mesh.eye_vertices[1])),
        weights=(left, right),
        corners=moved(mesh.eye_corners),
    )


def _mouth(head: Head, mesh: RenderMesh, *, moved: Callable[[Array], Tensor]) -> TorchMouth:
    points = head_mouth_points(head)
    return TorchMouth(
        corners=moved(points.corners),
        upper=moved(points.upper),
        lower=moved(points.lower),
        front=moved(points.front),
        back=moved(points.back),
        inner=moved(mesh.inner),
        num_lining=mesh.num_lining,
    )


def _garment(garment: Garment, *, moved: Callable[[Array], Tensor]) -> TorchGarment:
    base = garment.base
    return TorchGarment(
        first=moved(garment.first),
        second=moved(garment.second),
        share=moved(garment.share[:, None]),
        offset=moved(garment.offset[:, None]),
        shade=moved(garment.shade[:, None]),
        hem=moved(base.hem),
        anchor=moved(base.anchor),
        axes=moved(base.axes),
        hem_rest=moved(base.hem_rest),
        rest=moved(base.rest),
        column=moved(base.column),
        base_share=moved(base.share[:, None]),
    )


def _axis_weights(mesh: RenderMesh, rest: Float[Array, "vertex 3"], *, side: int) -> Float[Array, "axis=3 eye_vertex"]:
    """Weights w with sum w p = R a for an eye whose points r turned to p = R r + t: w = (r - mean) C^-1 a."""
    points = rest[mesh.eye_vertices[side]].astype(np.float64)
    centred = points - points.mean(axis=0)
    found: Array = (centred @ np.linalg.solve(centred.T @ centred, mesh.eye_frames[side].T.astype(np.float64))).T
    return found
