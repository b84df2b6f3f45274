"""Light from every fragment, material by material: rows of what is known of it in, tone-mapped linear light out.

The functions of rows are run as they stand, or compiled (`fused`); each row stands for itself.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Bool, Float
from face_emote.rendering.stage import buffers
from face_emote.rendering.torch import fused, materials
from face_emote.rendering.torch.eye import EyeLook, EyePoints, lid_distances, shade_eye
from face_emote.rendering.torch.fragments import Fragments
from face_emote.rendering.torch.interpolate import Places, SkinMaps, rows_of
from face_emote.rendering.torch.light import Lights, tone, unit
from face_emote.rendering.torch.mouth import shade_gum, shade_tongue, shade_tooth
from face_emote.rendering.torch.shade import SkinPoints, shade_skin
from face_emote.rendering.torch.stage import Stage

KNOWN = 16
"""Place from the camera, normal, sky light on plain materials and on skin, openness; wrinkle activation, blood flow and
thinness of skin."""
COMPILED = (buffers.SKIN, buffers.CLOTH)
"""Materials that many pixels see; the others' few are not worth the seconds that compiling takes."""


@dataclass(frozen=True, slots=True)
class Eyeballs:
    """What shading an eye needs to know of the whole frame."""

    eyes: Float[Tensor, "batch side=2 row=6 3"]
    """As `rendering.fast.buffers.Look.eyes`."""
    redness: Float[Tensor, "batch 1"]
    seen: Bool[Tensor, "batch row column"]
    """Samples that see an eyeball."""
    per_depth: Float[Tensor, "batch 1"]
    """Metres that a sample covers a metre from the camera."""
    view: Float[Tensor, "batch 3 4"]
    camera: Float[Tensor, "batch 3"]
    """Its place."""


def fragment_colours(
    stage: Stage,
    fragments: Fragments,
    *,
    known: Float[Tensor, "batch point channel=16"],
    screen: Float[Tensor, "batch point 4"],
    eyeballs: Eyeballs,
    lights: Lights,
    maps: SkinMaps,
    compiled: bool,
) -> Float[Tensor, "fragment 3"]:
    """Tone-mapped linear light of all fragments.

    Args:
        stage: Person and scene.
        fragments: What is seen.
        known: Of every point, see `KNOWN`.
        screen: Where the points are on the grid of samples.
        eyeballs: Of every frame.
        lights: Of the scene.
        maps: Skin maps.
        compiled: Whether kernels may be used; they serve a CPU and single precision.
    """
    places = []
    for material in range(len(fragments.counts)):
        chosen = fragments.of(material)
        places.append(Places(fragments.triangle[chosen], fragments.corner[chosen], fragments.place[chosen]))
    by_material = rows_of(
        known.reshape(-1, KNOWN), screen.reshape(-1, 4), places, constant=stage.local, maps=maps,
        compiled=compiled and not maps.texels.requires_grad,
    )  # fmt: skip
    parts = []
    for material, rows in enumerate(by_material):
        if len(rows) == 0:
            continue
        if material == buffers.EYE:
            frame = places[material].corner[:, 0] // known.shape[1]
            parts.append(_eye(rows, _eye_points(rows, places[material], frame, eyeballs), lights, look=stage.eye_look))
        elif material == buffers.TOOTH:
            light = shade_tooth(_plain(rows), lights, age=stage.eye_look.age)
            parts.append(tone(light * lights.exposure))
        elif material in COMPILED:
            colour = stage.hair_colour if material == buffers.SKIN else stage.cloth_colour
            function = skin_light if material == buffers.SKIN else cloth_light
            parts.append(fused.apply(function, rows, *numbers(lights), colour, compiled=compiled))
        else:
            shaded = shade_gum if material == buffers.GUM else shade_tongue
            parts.append(tone(shaded(_plain(rows), lights) * lights.exposure))
    return torch.cat(parts) if parts else known.new_zeros(0, 3)


def numbers(lights: Lights) -> tuple[Tensor, ...]:
    """The lights as parameters of a function of rows."""
    return lights.directions, lights.colours, lights.sky_directions, lights.sky_colours, lights.exposure


def skin_light(rows: Tensor, *parameters: Tensor) -> Float[Tensor, "fragment 3"]:
    """Rows: what is known, tangents, texels. Parameters: lights, hair colour."""
    lights, hair = Lights(*parameters[:5]), parameters[5]
    points = SkinPoints(
        texel=rows[:, KNOWN + 6 :],
        normal=unit(rows[:, 3:6]),
        tangents=rows[:, KNOWN : KNOWN + 6].unflatten(1, (2, 3)),
        view=unit(-rows[:, :3]),
        sky=rows[:, 6:12],
        opened=rows[:, 12:13],
        wrinkle=rows[:, 13:14],
        blood=rows[:, 14:15],
        thin=rows[:, 15:16],
    )
    return tone(shade_skin(points, lights, hair_colour=hair) * lights.exposure)


def cloth_light(rows: Tensor, *parameters: Tensor) -> Float[Tensor, "fragment 3"]:
    """Rows: what is known, place under the collar. Parameters: lights, colour of the cloth."""
    lights = Lights(*parameters[:5])
    return tone(materials.shade_cloth(_plain(rows), lights, colour=parameters[5]) * lights.exposure)


def _plain(rows: Tensor) -> materials.PlainPoints:
    return materials.PlainPoints(
        local=rows[:, KNOWN : KNOWN + 3],
        normal=unit(rows[:, 3:6]),
        view=unit(-rows[:, :3]),
        sky=rows[:, 6:12],
        opened=rows[:, 12:13],
    )


def _eye(rows: Tensor, eyes: EyePoints, lights: Lights, *, look: EyeLook) -> Float[Tensor, "fragment 3"]:
    return tone(shade_eye(_plain(rows), eyes, lights, look=look) * lights.exposure)


def _eye_points(rows: Tensor, places: Places, frame: Tensor, eyeballs: Eyeballs) -> EyePoints:
    """What the lids hide and where the eyes are, at every fragment of an eyeball."""
    _, height, width = eyeballs.seen.shape
    column, line = places.place.long().unbind(1)
    depth = -(eyeballs.view[frame, 2, :3] * rows[:, :3]).sum(-1, keepdim=True)
    clear, standing = lid_distances(
        eyeballs.seen, (frame * height + line) * width + column, per_pixel=depth * eyeballs.per_depth[frame]
    )
    return EyePoints(
        place=rows[:, :3] + eyeballs.camera[frame],
        eyes=eyeballs.eyes[frame],
        clear=clear,
        standing=standing,
        redness=eyeballs.redness[frame],
    )
