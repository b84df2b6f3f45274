"""Light from every fragment of a batch: by the kernels of `stage.shading` and their way back, or column by column."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Bool, Float
from face_emote.look.eyes import LID_SHADOW, SOCKET_REACH
from face_emote.look.formula.materials import SKIN, SURFACES, Formula
from face_emote.look.formula.printed import TILE
from face_emote.rendering.stage import buffers
from face_emote_lab.differentiable.columns import applied, columns
from face_emote_lab.differentiable.compose import GRID, Pieces
from face_emote_lab.differentiable.fragments import find_fragments
from face_emote_lab.differentiable.interpolate import Places, SkinMaps, plain_rows, skin_rows
from face_emote_lab.differentiable.rasterise import Visible
from face_emote_lab.differentiable.stage import Stage

CENTRE, INNER = 3, 4  # Rows of `Eyeballs.eyes`.


@dataclass(frozen=True, slots=True)
class Eyeballs:
    """What shading an eye needs to know of every frame."""

    eyes: Float[Tensor, "batch side=2 row=6 3"]  # As `stage.buffers.Look.eyes`, places less the camera's.
    redness: Float[Tensor, " batch"]
    per_depth: Float[Tensor, " batch"]  # Metres that a sample covers a metre from the camera.
    ahead: Float[Tensor, "batch 3"]  # The direction in which depth rises.


@dataclass(frozen=True, slots=True)
class Seen:
    """The points of a batch and the samples that see them."""

    attributes: Float[Tensor, "batch point 17"]  # As `stage.buffers.Geometry.attributes`, places less the camera's.
    screen: Float[Tensor, "batch point 4"]  # On the grid of samples.
    eyeballs: Eyeballs
    visible: Visible


def shade_columns(stage: Stage, seen: Seen) -> tuple[Float[Tensor, "fragment 3"], Pieces]:
    """Fragments, sorted by material, and their display light, in plain torch with gradients to everything."""
    attributes, parts = seen.attributes, []
    fragments = find_fragments(
        seen.visible, stage.triangles, stage.material, num_points=attributes.shape[1], dtype=attributes.dtype
    )
    maps = SkinMaps(stage.uv, stage.texels, side=len(stage.texture))
    known, places = attributes.flatten(0, 1), seen.screen.flatten(0, 1)
    for material, formula in enumerate(SURFACES):
        chosen = fragments.of(material)
        at = Places(fragments.triangle[chosen], fragments.corner[chosen], fragments.place[chosen])
        if formula is SKIN:
            rows = skin_rows(known, places, at, maps=maps)
        else:
            rows = plain_rows(known, places, at, constant=stage.local)
        count = attributes.shape[2]
        rows = torch.cat([rows[:, :count], torch.ones_like(rows[:, :1]), rows[:, count:]], dim=1)
        if material == buffers.EYE:
            frame = at.corner[:, 0] // attributes.shape[1]
            rows = torch.cat([rows, _eye_rows(stage, rows, at, frame=frame, seen=seen)], dim=1)
        if len(rows):
            parts.append(columns(formula, rows, torch.cat([stage.lights.lamps(), _own(stage, formula)])))
    return torch.cat(parts) if parts else known.new_zeros(0, 3), fragments.pieces


def _own(stage: Stage, formula: Formula) -> Tensor:
    """The numbers that a formula's places share beside the lights."""
    look, like = stage.eyes, stage.hair_colour
    age = like.new_tensor([look.age])
    own = {
        "skin": stage.hair_colour,
        "eye": torch.cat([look.iris, like.new_tensor([look.pupil]), age]),
        "tooth": age,
        "cloth": stage.cloth_colour,
    }
    return own.get(formula.name, like.new_zeros(0))


def _eye_rows(stage: Stage, rows: Tensor, places: Places, *, frame: Tensor, seen: Seen) -> Float[Tensor, "fragment 18"]:
    """The numbers of `records.EyePlace`."""
    eyeballs, ids = seen.eyeballs, seen.visible.face_id
    eyes = eyeballs.eyes[frame]
    away = ((rows[:, None, :3] - eyes[:, :, CENTRE]) ** 2).sum(-1)
    ball = torch.where((away[:, 0] < away[:, 1])[:, None, None], eyes[:, 0], eyes[:, 1])
    per_pixel = (eyeballs.ahead[frame] * rows[:, :3]).sum(-1) * eyeballs.per_depth[frame]
    is_eye = (ids >= 0) & (stage.material[ids.clamp(min=0)] == buffers.EYE)
    _, height, width = ids.shape
    column, line = places.place.long().unbind(1)
    clear, standing = lid_distances(is_eye, (frame * height + line) * width + column, per_pixel=per_pixel)
    shape = (ball[:, :CENTRE].flatten(1), ball[:, INNER:].flatten(1))
    return torch.cat([*shape, torch.stack([eyeballs.redness[frame], clear, standing], dim=1)], dim=1)


def lid_distances(
    is_eye: Bool[Tensor, "batch height width"], index: Tensor, *, per_pixel: Float[Tensor, " place"]
) -> tuple[Float[Tensor, " place"], Float[Tensor, " place"]]:
    """Metres from places on eyeballs up to the upper lid and down to the lower one, each at most its reach.

    `index` of the places' samples, into the flat batch; `per_pixel`: metres that a sample covers there.
    """
    out = []
    _, height, width = is_eye.shape
    flat, line = is_eye.reshape(-1), index // width % height
    for step, reach in ((-1, LID_SHADOW), (1, SOCKET_REACH)):
        limit = (reach / per_pixel).detach()
        steps = int(limit.max()) if len(limit) else 0
        found = torch.zeros_like(limit)
        for k in range(steps, 0, -1):
            inside = (line + step * k >= 0) & (line + step * k < height)
            covered = inside & ~flat[(index + step * k * width).clamp(0, len(flat) - 1)]
            found = torch.where(covered, k - 0.5, found)
        out.append(torch.where((found > 0.0) & (found < limit), found * per_pixel, reach))
    return out[0], out[1]


def shade_compiled(stage: Stage, seen: Seen) -> tuple[Float[Tensor, "fragment 3"], Pieces]:
    """Fragments and their display light by the kernels, under the stage's own lights and maps.

    Gradients reach attributes, screen places and eyeballs.
    """
    frames = _Frames(stage, seen.visible, seen.eyeballs)
    eyes, redness = seen.eyeballs.eyes, seen.eyeballs.redness
    colours: Tensor = applied(_Shaded, seen.attributes, seen.screen, eyes, redness, frames)
    return colours, frames.pieces()


class _Frames:
    """The kernels' side of a batch, kept from the way there for the way back."""

    def __init__(self, stage: Stage, visible: Visible, eyeballs: Eyeballs) -> None:
        self.stage, self.visible = stage, visible
        self.per_depth = eyeballs.per_depth.tolist()
        self.ahead = eyeballs.ahead.detach().numpy()
        self.found: list[Any] = []
        self.counts: list[int] = []
        self.blocks: list[np.ndarray] = []
        self.member = np.empty(visible.face_id.shape, np.int32)

    def parts(self, frame: int, attributes: Tensor, screen: Tensor, eyes: Tensor, redness: Tensor) -> tuple[Any, ...]:
        """Geometry, texture, look and light of a frame, as kernels read them."""
        from face_emote.rendering.stage.buffers import Geometry, Lighting

        mesh, own = self.stage.mesh, attributes[frame].numpy()
        geometry = Geometry(
            triangles=mesh.triangles, charts=mesh.charts, material=mesh.material, attributes=own, points=own[:, :3],
            normals=own[:, 3:6], sky=own[:, 6:14], screen=screen[frame].numpy(), local=mesh.local,
        )  # fmt: skip
        look = self.stage.look._replace(
            eyes=eyes[frame].double().numpy(), redness=float(redness[frame]), sample_size=self.per_depth[frame]
        )
        origin, unlit = np.zeros(3), np.zeros((1, 1, 2), np.float32)
        return geometry, self.stage.packed, look, Lighting(origin, unlit, np.eye(3), origin, 1.0)

    def shade(self, frame: int, parts: tuple[Any, ...], *, keep: bool) -> np.ndarray:
        """Colours of a frame's fragments; `keep` keeps what the way back reads."""
        from face_emote.rendering.stage.fragments import list_fragments, room_for
        from face_emote.rendering.stage.shading import NUM_PLANES, shade_fragments

        ids, depth = self.visible.face_id[frame].numpy(), self.visible.inverse_depth[frame].numpy()
        rows = len(ids) // GRID
        found = room_for(rows * (ids.shape[1] // GRID))
        count = list_fragments(ids, depth, parts[0].material, 0, rows, found, self.member[frame])
        num_blocks = int(-(-found.counts // TILE).sum()) if keep else 1
        blocks = np.empty((max(num_blocks, 1), NUM_PLANES * TILE), np.float32)
        shade_fragments(*parts, ids, found, blocks)
        self.found.append(found)
        self.counts.append(count)
        self.blocks.append(blocks)
        return found.colour[:count]

    def pieces(self) -> Pieces:
        """The fragments of all frames."""
        num_pixels = self.member[0].size // (GRID * GRID)
        shown = list(zip(self.found, self.counts, strict=True))
        pixel = np.concatenate([found.pixel[:count] + k * num_pixels for k, (found, count) in enumerate(shown)])
        first = 0
        for member, count in zip(self.member, self.counts, strict=True):
            if first:
                member[member >= 0] += first
            first += count
        share = np.concatenate([found.share[:count] for found, count in shown])
        return Pieces(torch.from_numpy(pixel), torch.from_numpy(share), torch.from_numpy(self.member))


class _Shaded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, attributes: Tensor, screen: Tensor, eyes: Tensor, redness: Tensor, frames: _Frames) -> Tensor:
        ctx.frames, ctx.given = frames, (attributes, screen, eyes, redness)
        keep = any(ctx.needs_input_grad)
        shaded = [frames.shade(k, frames.parts(k, *ctx.given), keep=keep) for k in range(len(attributes))]
        return torch.from_numpy(np.concatenate(shaded))

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor | None, ...]:
        from face_emote_lab.differentiable.shading_kernels import NUM_BACK, shade_back

        frames: _Frames = ctx.frames
        attributes, screen, eyes, redness = ctx.given
        known_out, screen_out = torch.zeros_like(attributes), torch.zeros_like(screen)
        eyes_out, redness_out = torch.zeros_like(eyes), torch.zeros_like(redness)
        work, lit, first = np.empty(max(NUM_BACK) * TILE, np.float32), given.contiguous().numpy(), 0
        for k, count in enumerate(frames.counts):
            out = (known_out[k].numpy(), screen_out[k].numpy(), eyes_out[k].numpy(), redness_out[k : k + 1].numpy())
            parts = frames.parts(k, *ctx.given)
            shade_back(
                *parts, frames.found[k], frames.blocks[k], lit[first : first + count], work, frames.ahead[k], out
            )
            first += count
        return known_out, screen_out, eyes_out, redness_out, None
