"""Heads in, pictures with gradients out."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from face_emote.core.arrays import Array, Float, Int, UInt8
from face_emote.core.types import SkinParams
from face_emote.differentiable import materials
from face_emote.differentiable.antialias import antialias
from face_emote.differentiable.interpolate import Pixels, find_pixels, interpolate
from face_emote.differentiable.light import Lights, sky_light, srgb, tone, unit
from face_emote.differentiable.mesh import project, vertex_normals
from face_emote.differentiable.rasterise import Visible, rasterise
from face_emote.differentiable.shade import SkinPoints, shade_skin
from face_emote.differentiable.stage import Stage, make_stage
from face_emote.differentiable.texture import mip_chain, mip_level, sample
from face_emote.face.head import Head
from face_emote.rendering.base import Pose
from face_emote.rendering.fast import buffers
from face_emote.rendering.scene import Scene
from face_emote.skin.reflection import MAX_WRINKLE


@dataclass(frozen=True, slots=True)
class Drawn:
    """A batch of pictures."""

    picture: Float[Tensor, "batch height width 3"]
    """Tone-mapped linear light, 0..1; `light.srgb` makes it a picture to look at."""
    alpha: Float[Tensor, "batch height width"]
    """1 where the head is, 0 where the backdrop is, between on silhouettes."""
    visible: Visible


@dataclass(frozen=True, slots=True)
class _Posed:
    """The mesh that is drawn, of every frame."""

    points: Float[Tensor, "batch point 3"]
    normals: Float[Tensor, "batch point 3"]
    sky: Float[Tensor, "batch point 6"]
    skin: Float[Tensor, "batch point 2"]
    """Local wrinkle activation and blood flow; 0 on what is not skin."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the pixels of one material see."""

    pixels: Pixels
    corners: Float[Tensor, "pixel 3 3"]
    """Where the triangle's corners are."""
    mixed: Float[Tensor, "pixel 14"]
    """Position, normal, sky, wrinkle and blood under the pixel."""
    view: Float[Tensor, "pixel 3"]


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
    """
    batch = len(vertices)
    lit = lights or stage.lights
    camera = stage.view.expand(batch, 3, 4) if view is None else view
    zoom = stage.focal.expand(batch) if focal is None else focal
    posed = _pose(stage, vertices, lit, skin=_skin_state(stage, wrinkles=wrinkles, blood=blood_flow))
    screen = project(posed.points, camera, focal=zoom, width=stage.width, height=stage.height)
    visible = rasterise(screen, stage.triangles, width=stage.width, height=stage.height)
    pixels = find_pixels(visible, screen, stage.triangles)
    eye = -(camera[:, :, :3].transpose(1, 2) @ camera[:, :, 3:])[..., 0]
    texels = stage.texels if texture is None else mip_chain(texture)
    colour = _colours(
        stage, posed, pixels, axes=_eye_axes(stage, vertices), eye=eye, lights=lit, texels=texels,
        side=len(stage.texture if texture is None else texture),
    )  # fmt: skip
    flat = stage.backdrop.expand(batch, -1, -1, -1).reshape(-1, 3)
    flat = torch.cat([flat, torch.zeros_like(flat[:, :1])], dim=1)
    drawn = torch.cat([tone(colour * lit.exposure), torch.ones_like(colour[:, :1])], dim=1)
    picture = flat.index_copy(0, pixels.index, drawn).reshape(batch, stage.height, stage.width, 4)
    if antialiased:
        picture = antialias(picture, visible, screen, stage.triangles, stage.edges)
    return Drawn(picture[..., :3], picture[..., 3], visible)


def _skin_state(stage: Stage, *, wrinkles: Tensor, blood: Tensor) -> Float[Tensor, "batch skin_point 2"]:
    """Wrinkle activation and blood flow at every point of the skin."""
    folds = (wrinkles @ stage.wrinkle_masks.T).clamp(max=MAX_WRINKLE)
    # The neck follows cheeks and ears.
    flow = torch.cat([blood, blood[:, 2:5].mean(dim=1, keepdim=True)], dim=1) @ stage.blood_masks.T
    return torch.stack([folds, flow.clamp(-1.0, 1.0)], dim=-1)


def _pose(stage: Stage, vertices: Float[Tensor, "batch vertex 3"], lights: Lights, *, skin: Tensor) -> _Posed:
    """Points, normals and sky light of everything that is drawn."""
    coarse = sky_light(vertex_normals(vertices, stage.coarse_facets), lights)
    refined = stage.rows.apply(torch.cat([vertices, coarse], dim=-1))
    points, sky = refined[..., :3], refined[..., 3:]
    normals = vertex_normals(points, stage.plain_facets)
    first = slice(0, stage.num_skin)
    cloth = stage.garment.points(points[:, first], normals[:, first])
    others = points.new_zeros(len(points), len(stage.local) - stage.num_skin, 2)
    return _Posed(
        points=torch.cat([points, cloth], dim=1),
        normals=torch.cat([normals, vertex_normals(cloth, stage.cloth_facets)], dim=1),
        sky=torch.cat([sky, stage.garment.blend(sky[:, first])], dim=1),
        skin=torch.cat([skin, others], dim=1),
    )


def screen_points(stage: Stage, vertices: Float[Tensor, "batch vertex 3"]) -> Float[Tensor, "batch point 4"]:
    """Where everything that is drawn is on the stage's picture, as `mesh.project` gives it."""
    batch = len(vertices)
    still = vertices.new_zeros(batch, stage.num_skin, 2)
    points = _pose(stage, vertices, stage.lights, skin=still).points
    view, focal = stage.view.expand(batch, 3, 4), stage.focal.expand(batch)
    return project(points, view, focal=focal, width=stage.width, height=stage.height)


def _eye_axes(stage: Stage, vertices: Float[Tensor, "batch vertex 3"]) -> Float[Tensor, "batch eye=3 3"]:
    """Gaze axes of left and right eyeball, then the point between the eyes."""
    axes, middle = [], []
    for index, weights in zip(stage.eye_index, stage.eye_weights, strict=True):
        points = vertices[:, index]
        axes.append(unit((points * weights[:, None]).sum(1)))
        middle.append(points.mean(1))
    return torch.stack([*axes, 0.5 * (middle[0] + middle[1])], dim=1)


def _look(posed: _Posed, pixels: Pixels, *, eye: Float[Tensor, "batch 3"]) -> _Seen:
    """Everything known of the points, at the pixels."""
    known = torch.cat([posed.points, posed.normals, posed.sky, posed.skin], dim=-1).reshape(-1, 14)
    corners = known.index_select(0, pixels.corner.reshape(-1)).reshape(-1, 3, 14)
    mixed = (corners * pixels.weight[:, :, None]).sum(1)
    return _Seen(pixels, corners[:, :, :3], mixed, unit(eye[pixels.frame] - mixed[:, :3]))


def _some(seen: _Seen, chosen: Int[Tensor, " chosen"]) -> _Seen:
    pixels = Pixels(**{f.name: getattr(seen.pixels, f.name).index_select(0, chosen) for f in fields(Pixels)})
    return _Seen(pixels, *(value.index_select(0, chosen) for value in (seen.corners, seen.mixed, seen.view)))


def _colours(
    stage: Stage, posed: _Posed, pixels: Pixels, /, *, axes: Tensor, eye: Tensor, lights: Lights, texels: Tensor,
    side: int,
) -> Float[Tensor, "pixel 3"]:  # fmt: skip
    """Linear light from every pixel that sees something."""
    kind = stage.material[pixels.triangle]
    whole = _look(posed, pixels, eye=eye)
    order, parts = [], []
    for material in (buffers.SKIN, buffers.EYE, buffers.TOOTH, buffers.WET, buffers.CLOTH):
        chosen = torch.nonzero(kind == material)[:, 0]
        if len(chosen) == 0:
            continue
        seen = _some(whole, chosen)
        order.append(chosen)
        if material == buffers.SKIN:
            points = _skin_points(stage, seen, texels=texels, side=side)
            parts.append(shade_skin(points, lights, hair_colour=stage.hair_colour))
        else:
            parts.append(_plain(stage, seen, material=material, axes=axes, lights=lights))
    if not parts:
        return whole.view
    return torch.zeros_like(whole.view).index_copy(0, torch.cat(order), torch.cat(parts))


def _skin_points(stage: Stage, seen: _Seen, *, texels: Tensor, side: int) -> SkinPoints:
    uv = stage.uv[seen.pixels.triangle]
    first, second = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    det = first[:, :1] * second[:, 1:] - second[:, :1] * first[:, 1:]
    inverse = 1.0 / torch.where(det.abs() < 1e-14, 1.0, det)
    a, b, c = seen.corners.unbind(1)
    e1, e2 = b - a, c - a
    along_u = (e1 * second[:, 1:] - e2 * first[:, 1:]) * inverse
    along_v = (e2 * first[:, :1] - e1 * second[:, :1]) * inverse
    level = mip_level(det[:, 0].abs(), seen.pixels.area, side=side)
    place = (uv * seen.pixels.weight[:, :, None]).sum(1)
    return SkinPoints(
        texel=sample(texels, place, level, side=side),
        normal=unit(seen.mixed[:, 3:6]),
        tangents=torch.stack([along_u, along_v], dim=1),
        view=seen.view,
        sky=seen.mixed[:, 6:12],
        wrinkle=seen.mixed[:, 12:13],
        blood=seen.mixed[:, 13:14],
    )


def _plain(stage: Stage, seen: _Seen, *, material: int, axes: Tensor, lights: Lights) -> Float[Tensor, "pixel 3"]:
    pixels, mixed = seen.pixels, seen.mixed
    points = materials.PlainPoints(
        local=interpolate(stage.local, pixels.corner % len(stage.local), pixels.weight),
        normal=unit(mixed[:, 3:6]),
        view=seen.view,
        sky=mixed[:, 6:12],
    )
    if material == buffers.EYE:
        right = (mixed[:, 0] <= axes[pixels.frame, 2, 0]).long()
        axis = axes[pixels.frame, right]
        return materials.shade_eye(points, lights, axis=axis, iris_colour=stage.iris_colour)
    if material == buffers.TOOTH:
        return materials.shade_tooth(points, lights)
    if material == buffers.WET:
        return materials.shade_wet(points, lights)
    return materials.shade_cloth(points, lights, colour=stage.cloth_colour)


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
        drawn = render_batch(self._stage, vertices, wrinkles=wrinkles, blood_flow=blood)
        return (srgb(drawn.picture[0]) * 255.0 + 0.5).to(torch.uint8).numpy()
