"""The wet eye with gradients: the formula of `rendering.fast.eye`, with the numbers of `skin.eyes`."""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.look import eyes as eye
from face_emote.rendering.fast.eye import AXIS, CENTRE, INNER, OUTER, RIGHT, UP
from face_emote.rendering.torch.light import Lights, dot, highlights, unit
from face_emote.rendering.torch.materials import PlainPoints, diffuse, row, smoothstep
from face_emote.rendering.torch.noise import noise_at


@dataclass(frozen=True, slots=True)
class EyePoints:
    """What is known at every pixel that sees an eyeball, besides `PlainPoints`."""

    place: Float[Tensor, "pixel 3"]
    eyes: Float[Tensor, "pixel side=2 row=6 3"]
    """As `rendering.fast.buffers.Look.eyes`."""
    clear: Float[Tensor, "pixel 1"]
    """Metres down from the upper lid, at most `skin.eyes.LID_SHADOW`."""
    standing: Float[Tensor, "pixel 1"]
    """Metres up from the lower lid, at most `skin.eyes.SOCKET_REACH`."""
    redness: Float[Tensor, "pixel 1"]


@dataclass(frozen=True, slots=True)
class EyeLook:
    """What a person's eyes are like."""

    iris: Float[Tensor, " 3"]
    pupil: float
    age: float


def _between(ends: tuple[float, float], share: Tensor | float) -> Tensor | float:
    return ends[0] + (ends[1] - ends[0]) * share


def _distance(a: Tensor, b: Tensor) -> Float[Tensor, "pixel 1"]:
    return torch.sqrt(dot(a - b, a - b) + 1e-18)


def trace_cornea(place: Float[Tensor, "pixel 3"], towards: Float[Tensor, "pixel 3"]) -> tuple[Tensor, Tensor]:
    """Follow view rays through the cornea, all in the eye's frame and in ball radii: `fast.eye.trace_cornea`.

    Args:
        place: Where the rays meet the ball.
        towards: Unit vectors from there to the camera.

    Returns:
        x and y on the iris plane [pixel, 2], and the cornea's unit normals [pixel, 3].
    """
    start = place - row((0.0, 0.0, eye.CORNEA_CENTRE), place)
    along = dot(start, towards)
    inside = along * along - (dot(start, start) - eye.CORNEA_RADIUS**2)
    entry = start + (torch.sqrt(inside.clamp(min=1e-12)) - along) * towards
    normal = entry * torch.rsqrt(dot(entry, entry) + 1e-12)
    cosine = dot(normal, towards).clamp(min=0.0)
    bend = eye.REFRACTION * cosine - torch.sqrt(1.0 - eye.REFRACTION**2 * (1.0 - cosine * cosine))
    inwards = bend * normal - eye.REFRACTION * towards
    reach = (eye.IRIS_PLANE - eye.CORNEA_CENTRE - entry[:, 2:]) / inwards[:, 2:].clamp(max=-0.2)
    return entry[:, :2] + reach * inwards[:, :2], normal


def _iris(look: EyeLook, hit: Float[Tensor, "pixel 2"], light: Float[Tensor, "pixel 2"]) -> Float[Tensor, "pixel 3"]:
    distance = torch.sqrt((hit * hit).sum(dim=-1, keepdim=True) + 1e-9)
    r = distance / eye.IRIS_RADIUS
    turned = hit / distance
    fibres = torch.zeros_like(r)
    for turn, along, offset, share in eye.FIBRES:
        x, y = (turned * turn).split(1, dim=-1)
        fibres = fibres + share * noise_at(x, y, r * along + offset)
    collar = eye.COLLARETTE[2] * smoothstep(eye.COLLARETTE[0], eye.COLLARETTE[1], r + 0.12 * (fibres - 0.5))
    width, depth = _between(eye.LIMBAL_WIDTH, look.age), _between(eye.LIMBAL_DEPTH, look.age)
    lit = (1.0 - eye.CAUSTIC * r * (turned * light).sum(dim=-1, keepdim=True)).clamp(min=0.35)
    lit = lit * (1.0 - depth * smoothstep(1.0 - float(width), 1.03, r))
    lit = lit * smoothstep(look.pupil - eye.PUPIL_EDGE, look.pupil + eye.PUPIL_EDGE, r)
    lit = lit * (eye.FIBRE_RANGE[0] + eye.FIBRE_RANGE[1] * fibres) * (1.0 - 0.25 * r)
    return look.iris * lit * (1.0 + collar * (row(eye.COLLARETTE_TINT, r) - 1.0))


def _sclera(
    look: EyeLook, points: EyePoints, frame: Tensor, *, at: Tensor, off_axis: Tensor
) -> Float[Tensor, "pixel 3"]:
    x, y, z = at.split(1, dim=-1)
    warp = noise_at(x * 7.0 + 5.0, y * 7.0, z * 7.0)
    fine = noise_at(x * 11.0 + 2.0 * warp, y * 26.0 + 2.0 * warp, z * 11.0)
    branch = noise_at(x * 23.0 - 2.0 * warp, y * 41.0, z * 23.0 + 2.0 * warp)
    veins = (1.0 - (2.0 * fine - 1.0).abs()) ** eye.VESSEL_SHARPNESS
    veins = veins + 0.6 * (1.0 - (2.0 * branch - 1.0).abs()) ** eye.VESSEL_SHARPNESS
    inner, outer = _distance(points.place, frame[:, INNER]), _distance(points.place, frame[:, OUTER])
    corner = torch.maximum(smoothstep(*eye.CORNER_REACH, inner), smoothstep(*eye.CORNER_REACH, outer))
    away = smoothstep(1.25, 2.6, off_axis)
    red = eye.VESSELS * (1.0 + points.redness) * veins * (0.25 + 0.75 * away)
    red = red + eye.PINK * away + eye.CORNER_PINK * corner
    red = (red + eye.FLUSH_REDNESS * points.redness * (0.35 + 0.65 * away)).clamp(max=0.85)
    white = torch.lerp(row(eye.SCLERA_YOUNG, red), row(eye.SCLERA_OLD, red), look.age)
    white = torch.lerp(white.expand(len(red), 3), row(eye.VESSEL, red).expand(len(red), 3), red)
    return torch.lerp(white, row(eye.CARUNCLE, red).expand_as(white), smoothstep(*eye.CARUNCLE_REACH, inner))


def _window(mirrored: Float[Tensor, "pixel 3"], towards: Float[Tensor, " 3"]) -> Float[Tensor, "pixel 1"]:
    x, y, z = unit(towards)
    along = dot(mirrored, unit(towards).expand_as(mirrored)).clamp(min=0.2)
    level = torch.rsqrt(x * x + z * z + 1e-9)
    rx, ry, rz = mirrored.split(1, dim=-1)
    across = ((rx * z - rz * x) * level / along).abs()
    high = (((rx * x + rz * z) * -y + ry * (x * x + z * z)) * level / along).abs()
    e, b = eye.WINDOW_EDGE, eye.WINDOW_BAR
    pane = smoothstep(eye.WINDOW_HALF[0] + e, eye.WINDOW_HALF[0] - e, across)
    pane = pane * smoothstep(eye.WINDOW_HALF[1] + e, eye.WINDOW_HALF[1] - e, high)
    bars = torch.maximum(smoothstep(2.0 * b, 0.5 * b, across), smoothstep(2.0 * b, 0.5 * b, high))
    return torch.where(along > 0.2, pane * (1.0 - eye.WINDOW_BAR_SHADE * bars), 0.0)


def _mirror(points: PlainPoints, lights: Lights, *, normal: Tensor, lid: Tensor, cornea: Tensor) -> Tensor:
    facing = dot(normal, points.view)
    mirrored = 2.0 * facing * normal - points.view
    low = row((1.0, eye.WINDOW_LOWERED, 1.0), normal)
    pane = _window(mirrored, lights.directions[0] * low) * _between((eye.WINDOW_SCLERA, eye.WINDOW_CORNEA), cornea)
    disc = smoothstep(eye.FILL_LOW, eye.FILL_HIGH, mirrored @ lights.directions[1][:, None])
    fresnel = eye.WET_F0 + (1.0 - eye.WET_F0) * (1.0 - facing.clamp(min=0.0)) ** 5
    above = eye.MIRRORED_SKY * fresnel * (0.6 + 0.4 * mirrored[:, 1:2]).clamp(min=0.0)
    out = lights.colours[0] * pane * lid + lights.colours[1] * (disc * eye.FILL_MIRRORED * cornea * lid)
    rough = _between((eye.GLOSS_SCLERA, eye.GLOSS_CORNEA), cornea)
    return (
        out + points.sky[:, :3] * above + lid * highlights(lights, normal, points.view, roughness=rough, f0=eye.WET_F0)
    )


def shade_eye(points: PlainPoints, eyes: EyePoints, lights: Lights, *, look: EyeLook) -> Float[Tensor, "pixel 3"]:
    """Linear, scene-referred light from eyeballs."""
    near = _distance(eyes.place, eyes.eyes[:, 0, CENTRE]) < _distance(eyes.place, eyes.eyes[:, 1, CENTRE])
    frame = torch.where(near[:, :, None], eyes.eyes[:, 0], eyes.eyes[:, 1])
    at = points.local * torch.rsqrt(dot(points.local, points.local) + 1e-12)
    turn = frame[:, [RIGHT, UP, AXIS]]
    towards = (turn @ points.view[:, :, None])[..., 0]
    key = (turn @ lights.directions[0][:, None])[..., 0]
    off_axis = torch.sqrt((at[:, :2] ** 2).sum(dim=-1, keepdim=True) + 1e-9) / eye.LIMBUS
    white = smoothstep(*eye.WHITE, off_axis)
    on_cornea = off_axis < eye.WHITE[1]
    # Beyond the rim rays may miss the cornea; their traces are not used, but must not spoil gradients.
    hit, bulging = trace_cornea(torch.where(on_cornea, at, row((0.0, 0.0, 1.0), at)), towards)
    cornea = torch.where(on_cornea, smoothstep(*eye.CORNEA_RIM, off_axis), 0.0)
    bent = (bulging[:, None] @ turn)[:, 0]
    wet = unit(torch.lerp(points.normal, bent, cornea))
    colour = torch.lerp(_iris(look, hit, key[:, :2]), _sclera(look, eyes, frame, at=at, off_axis=off_axis), white)
    out = colour * diffuse(points, lights, wrap=eye.SCLERA_WRAP * white)
    shade = []
    for reach, floor, far in (
        (eye.LID_SHADOW, eye.LID_FLOOR, eyes.clear),
        (eye.SOCKET_REACH, eye.SOCKET_FLOOR, eyes.standing),
    ):
        t = (far / reach).clamp(max=1.0)
        shade.append((t * (2.0 - t), floor))
    (lid, lid_floor), (socket, socket_floor) = shade
    dim = (lid_floor + (1.0 - lid_floor) * lid) * (socket_floor + (1.0 - socket_floor) * socket)
    out = out * dim ** row(eye.LID_WARMTH, out) + colour * row(eye.LID_GLOW, out) * lights.colours[0] * (1.0 - dim)
    out = out + _mirror(points, lights, normal=wet, lid=lid, cornea=cornea)
    tear = smoothstep(*eye.TEAR, eyes.standing) * (1.0 + eye.TEAR_FLOOD * eyes.redness)
    lifted = unit(points.normal + eye.TEAR_LIFT * frame[:, UP])
    glare = highlights(lights, lifted, points.view, roughness=eye.TEAR_ROUGHNESS, f0=eye.TEAR_F0)
    return out + tear * (glare + points.sky[:, :3] * eye.TEAR_GLOW)


def lid_distances(
    is_eye: torch.Tensor, index: Tensor, *, per_pixel: Float[Tensor, "pixel 1"]
) -> tuple[Float[Tensor, "pixel 1"], Float[Tensor, "pixel 1"]]:
    """Metres from eye pixels up to the upper lid and down to the lower one, as `EyePoints` wants them.

    Args:
        is_eye: [batch, height, width], whether a pixel sees an eyeball.
        index: Of the eye pixels, into the flat batch.
        per_pixel: Metres that a pixel covers there.
    """
    out = []
    _, height, width = is_eye.shape
    flat, line = is_eye.reshape(-1), index // width % height
    for step, reach in ((-1, eye.LID_SHADOW), (1, eye.SOCKET_REACH)):
        limit = (reach / per_pixel).detach()
        steps = int(limit.max()) if len(limit) else 0
        found = torch.zeros_like(limit)
        for k in range(steps, 0, -1):
            inside = (line + step * k >= 0) & (line + step * k < height)
            covered = inside & ~flat[(index + step * k * width).clamp(0, len(flat) - 1)]
            found = torch.where(covered[:, None], k - 0.5, found)
        out.append(torch.where((found > 0.0) & (found < limit), found * per_pixel, reach))
    return out[0], out[1]
