"""Heads in, pictures with gradients out."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.types import SkinParams
from face_emote.face.eyeball import widened
from face_emote.face.head import Head
from face_emote.look.eyes import PERIORBITAL
from face_emote.look.formula.materials import SKY
from face_emote.look.reflection import MAX_WRINKLE
from face_emote.rendering.base import Pose
from face_emote.rendering.scene import Scene
from face_emote.rendering.stage.person import dilated
from face_emote_lab.differentiable.antialias import find_crossings, find_crossings_compiled
from face_emote_lab.differentiable.columns import can_compile, columns, compiled_rows
from face_emote_lab.differentiable.compose import GRID, compose
from face_emote_lab.differentiable.light import Lights, srgb, unit
from face_emote_lab.differentiable.mesh import project, vertex_normals
from face_emote_lab.differentiable.mouth import light_mouth
from face_emote_lab.differentiable.rasterise import Rasteriser, Visible, rasterise, rasterise_scatter
from face_emote_lab.differentiable.shading import Eyeballs, Seen, shade_columns, shade_compiled
from face_emote_lab.differentiable.stage import Stage, make_stage
from face_emote_lab.differentiable.texture import mip_chain


@dataclass(frozen=True, slots=True)
class Drawn:
    """A batch of pictures."""

    picture: Float[Tensor, "batch height width 3"]
    """Tone-mapped linear light, 0..1; `light.srgb` makes it a picture to look at."""
    alpha: Float[Tensor, "batch height width"]  # 1 where the head is, 0 where the backdrop is, between on silhouettes.
    visible: Visible  # What the samples see, on a grid of `GRID` x `GRID` a pixel.


@dataclass(frozen=True, slots=True)
class _Posed:
    """The mesh that is drawn, of every frame."""

    points: Float[Tensor, "batch point 3"]
    normals: Float[Tensor, "batch point 3"]
    sky: Float[Tensor, "batch point 7"]  # Light on plain materials, on skin, openness.
    skin: Float[Tensor, "batch point 3"]  # Local wrinkle activation, blood flow and thinness; 0 on what is not skin.


def render_batch(
    stage: Stage,
    vertices: Float[Tensor, "batch vertex 3"],
    *,
    wrinkles: Float[Tensor, "batch wrinkle=16"],
    blood_flow: Float[Tensor, "batch region=8"],
    view: Float[Tensor, "batch 3 4"] | None = None,
    focal: Float[Tensor, " batch"] | None = None,
    lights: Lights | None = None,
    texture: Float[Tensor, "side side channel=10"] | None = None,
    antialiased: bool = True,
    compiled: bool = True,
    rasteriser: Rasteriser | None = None,
) -> Drawn:
    """Draw some poses of one person, without shadows and strands of hair.

    Gradients reach everything that is given as a tensor, but for the choice which triangle a pixel sees.

    Args:
        stage: Person and scene.
        vertices: Posed vertices of the head's own mesh, metres.
        wrinkles: Activation of each of `names.WRINKLES`, 0..1.
        blood_flow: Per `names.BLOOD_REGIONS`, -1..1.
        view: camera_from_world of each frame instead of the stage's.
        focal: Pixels per unit of x / depth instead of the stage's.
        lights: Instead of the stage's.
        texture: Skin maps instead of the stage's, as `texture.skin_texture` makes them.
        antialiased: Whether silhouettes are mixed; without it they have no gradient.
        compiled: Whether kernels for a processor may be used, where the tensors are on one and in single precision.
            Without, everything is plain torch, as it is on a graphics card.
        rasteriser: Says what is seen; by default our own z-buffer.
    """
    batch, fast = len(vertices), compiled and can_compile(vertices, stage.texels) and lights is None and texture is None
    if lights is not None:
        stage = replace(stage, lights=lights)
    if texture is not None:
        stage = replace(stage, texture=texture, texels=mip_chain(texture))
    camera = stage.view.expand(batch, 3, 4) if view is None else view
    zoom = stage.focal.expand(batch) if focal is None else focal
    posed = _pose(stage, vertices, skin=_skin_state(stage, wrinkles=wrinkles, blood=blood_flow), compiled=fast)
    screen = _on_grid(stage, posed.points, view=camera, focal=zoom, compiled=fast)
    look = rasteriser or (rasterise if compiled else rasterise_scatter)
    visible = look(screen.detach(), stage.triangles, width=GRID * stage.width, height=GRID * stage.height)
    eye = -(camera[:, :, :3].transpose(1, 2) @ camera[:, :, 3:]).transpose(1, 2)
    eyes, lit_by_rim = _eyes(stage, vertices), torch.ones_like(posed.sky[..., :1])
    eyeballs = Eyeballs(
        eyes=torch.cat([eyes[:, :, :3], eyes[:, :, 3:] - eye[:, None]], dim=2),
        redness=blood_flow[:, PERIORBITAL].clamp(0.0, 1.0),
        per_depth=1.0 / (GRID * zoom),
        ahead=-camera[:, 2, :3],
    )
    attributes = torch.cat([posed.points - eye, posed.normals, posed.sky, lit_by_rim, posed.skin], dim=-1)
    shade = shade_compiled if fast else shade_columns
    colours, pieces = shade(stage, Seen(attributes, screen, eyeballs, visible))
    crossings = None
    if antialiased:
        find = find_crossings_compiled if fast else find_crossings
        crossings = find(visible, screen, stage.triangles, stage.edges)
    picture = compose(colours, stage.backdrop, pieces, crossings, compiled=fast)
    return Drawn(picture[..., :3], picture[..., 3], visible)


def _on_grid(
    stage: Stage, points: Float[Tensor, "batch point 3"], *, view: Tensor, focal: Tensor, compiled: bool
) -> Float[Tensor, "batch point 4"]:
    """Where points are on the grid of samples, as `mesh.project` gives it."""
    size = {"width": GRID * stage.width, "height": GRID * stage.height}
    return project(points, view, focal=GRID * focal, compiled=compiled, **size)


def _skin_state(stage: Stage, *, wrinkles: Tensor, blood: Tensor) -> Float[Tensor, "batch skin_point 3"]:
    """Wrinkle activation, blood flow and thinness at every point of the skin."""
    folds = (wrinkles @ stage.skin.wrinkle_masks.T).clamp(max=MAX_WRINKLE)
    # The neck follows cheeks and ears.
    flow = torch.cat([blood, blood[:, 2:5].mean(dim=1, keepdim=True)], dim=1) @ stage.skin.blood_masks.T
    return torch.stack([folds, flow.clamp(-1.0, 1.0), stage.skin.thinness.expand_as(folds)], dim=-1)


def _pose(stage: Stage, vertices: Float[Tensor, "batch vertex 3"], *, skin: Tensor, compiled: bool) -> _Posed:
    """Points, normals and sky light of everything that is drawn."""
    lights = stage.lights
    turned = vertex_normals(vertices, stage.coarse_facets, compiled=compiled)
    coarse = sky_light_at(turned, lights, compiled=compiled)
    refined = stage.rows.apply(torch.cat([vertices, coarse], dim=-1))
    points, sky = refined.split([3, 6], dim=-1)
    sky = torch.cat([sky, torch.ones_like(sky[..., :1])], dim=-1)
    normals = vertex_normals(points, stage.plain_facets, compiled=compiled)
    sky = light_mouth(points, normals, sky, vertices=vertices, mouth=stage.mouth, lights=lights, compiled=compiled)
    folds = stage.skin.relief * (skin[..., 0] + stage.skin.resting_folds)
    points = points + normals * functional.pad(folds, (0, points.shape[1] - stage.num_skin))[..., None]
    cloth = stage.garment.points(points, normals)
    others = points.new_zeros(len(points), len(stage.local) - stage.num_skin, 3)
    return _Posed(
        points=torch.cat([points, cloth], dim=1),
        normals=torch.cat([normals, vertex_normals(cloth, stage.cloth_facets, compiled=compiled)], dim=1),
        sky=torch.cat([sky, stage.garment.blend(sky) * stage.garment.shade], dim=1),
        skin=torch.cat([skin, others], dim=1),
    )


def sky_light_at(
    normals: Float[Tensor, "batch point 3"], lights: Lights, *, compiled: bool
) -> Float[Tensor, "batch point 6"]:
    """Unshadowed sky light on plain materials and on skin."""
    run = compiled_rows if compiled else columns
    return run(SKY, normals.reshape(-1, 3), lights.skies()).reshape(*normals.shape[:2], 6)


def screen_points(stage: Stage, vertices: Float[Tensor, "batch vertex 3"]) -> Float[Tensor, "batch point 4"]:
    """Where everything that is drawn is on the stage's picture, as `mesh.project` gives it."""
    batch = len(vertices)
    still = vertices.new_zeros(batch, stage.num_skin, 3)
    points = _pose(stage, vertices, skin=still, compiled=False).points
    view, focal = stage.view.expand(batch, 3, 4), stage.focal.expand(batch)
    return project(points, view, focal=focal, width=stage.width, height=stage.height)


def _eyes(stage: Stage, vertices: Float[Tensor, "batch vertex 3"]) -> Float[Tensor, "batch side=2 row=6 3"]:
    """Frames of both eyeballs, their centres and the corners of the lids."""
    eyes = []
    for side, (index, weights) in enumerate(zip(stage.eyes.index, stage.eyes.weights, strict=True)):
        points = vertices.index_select(1, index)
        frame = unit(weights @ points)
        corners = vertices.index_select(1, stage.eyes.corners[side])
        eyes.append(torch.cat([frame, points.mean(1, keepdim=True), corners], dim=1))
    return torch.stack(eyes, dim=1)


class DifferentiableRenderer:
    """Implements `Renderer`: the pictures that gradients are taken of, one at a time."""

    name = "differentiable"

    def __init__(self, head: Head, *, betas: Array, skin: SkinParams, scene: Scene) -> None:
        """Prepare one person; arguments and errors as `make_stage`."""
        self._stage = make_stage(head, betas=betas, skin=skin, scene=scene)

    @torch.no_grad()
    def render(self, pose: Pose) -> UInt8[Array, "height width 3"]:
        """Draw one frame, sRGB."""
        vertices, wrinkles, blood = (
            torch.from_numpy(values)[None].float() for values in (pose.vertices, pose.wrinkles, pose.blood_flow)
        )
        known = self._stage
        eyes = replace(known.eyes, pupil=widened(known.eyes.pupil, pose.pupil))
        stage = replace(known, eyes=eyes, look=dilated(known.look, pose.pupil))
        drawn = render_batch(stage, vertices, wrinkles=wrinkles, blood_flow=blood)
        return (srgb(drawn.picture[0]) * 255.0 + 0.5).to(torch.uint8).numpy()
