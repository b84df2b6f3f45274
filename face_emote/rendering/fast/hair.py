"""The character's strands, ready to be posed and drawn: scalp hair, brows and lashes."""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.types import SkinParams
from face_emote.rendering.fast.buffers import Geometry, Lighting
from face_emote.rendering.fast.hair_kernels import draw_strands, local_offsets, pose_strands
from face_emote.rendering.fast.mesh import RenderMesh
from face_emote.rendering.fast.workspace import Workspace
from face_emote.skin.strands import HAIR_LENGTH, TIP_WIDTH, StrandGroup, load_strands

LASH_COLOUR = (0.003, 0.002, 0.002)
BROW_SHARE = 0.85
"""Share of the hair's colour that brows have: they are a little darker."""
VOLUME = (0.004, 0.16)
"""Hair rises at most this far off the scalp: metres, plus a share of its length. Longer hair lies down."""
CLUMPING = {"scalp": 1.45, "brow": 1.0, "lash": 2.0}
"""A drawn strand stands for a few real hairs; factor on its width."""
LASH_SHAPE = (0.9, 0.42, 0.95)
"""Factors on the stored lashes along x, y, z: they then point at the viewer rather than up, and read as a dark rim."""
GLOSS = {"scalp": 1.3, "brow": 0.4, "lash": 0.0}
"""Strength of the highlight along the strands; lashes are matt, or they would sparkle white."""
ROOT_SHADE = {"scalp": 0.30, "brow": 0.75, "lash": 1.0}
"""Light at a strand's root as a share of that at its tip: neighbours shade it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Strands:
    corners: Int[Array, "strand 3"]
    weights: Float[Array, "strand 3"]
    local: Float[Array, "strand knot 3"]
    width: Float[Array, " strand"]
    tint: Float[Array, " strand"]
    colour: Float[Array, " 3"]
    gloss: float
    root_shade: float


def _laid_down(local: Float[Array, "strand knot 3"], *, hair_length: float) -> Float[Array, "strand knot 3"]:
    """Bend strands over so that none rises higher than the style's volume; `local` [..., 2] is along the normal."""
    highest = VOLUME[0] + VOLUME[1] * hair_length
    rise = local[..., 2]
    local[..., 2] = np.where(rise > 0.0, highest * (1.0 - np.exp(-np.maximum(rise, 0.0) / highest)), rise)
    return local


def _prepare(group: StrandGroup, mesh: RenderMesh, *, colour: Array, kind: str, skin: SkinParams) -> _Strands:
    corners = np.ascontiguousarray(mesh.skin.triangles[group.triangle])
    offsets = np.ascontiguousarray(group.offsets, np.float32)
    local = np.zeros_like(offsets)
    local_offsets(mesh.skin_template, corners, offsets, np.empty((3, 3)), local)
    is_scalp = kind == "scalp"
    if is_scalp:
        local = _laid_down(local, hair_length=skin.hair_length)
    return _Strands(
        corners=corners,
        weights=np.ascontiguousarray(group.weights, np.float32),
        local=local,
        width=np.ascontiguousarray(group.width * CLUMPING[kind], np.float32),
        tint=np.ascontiguousarray(group.tint, np.float32),
        colour=np.asarray(colour, np.float64),
        gloss=GLOSS[kind],
        root_shade=ROOT_SHADE[kind],
    )


class Hair:
    """All strands of one character."""

    def __init__(self, mesh: RenderMesh, skin: SkinParams) -> None:
        """Choose and shape the strands.

        Args:
            mesh: Refined once (`levels=1`): strands are rooted in that mesh.
            skin: Colours, lengths and densities.
        """
        hair = np.array(skin.hair_colour)
        self._groups: list[_Strands] = []
        for group in load_strands().groups:
            kind = group.name.split("_")[0]
            if kind == "scalp":
                if skin.hair_length <= 0.0:
                    continue
                group = group.lengthened(skin.hair_length / HAIR_LENGTH)
            if kind == "lash":
                group = replace(group, offsets=group.offsets * np.array(LASH_SHAPE, np.float32))
            if kind == "brow":
                # Fewer hairs below 1, thicker ones above it.
                thickness = np.float32(max(1.0, skin.brow_density))
                group = group.thinned(skin.brow_density)
                group = replace(group, width=group.width * thickness)
            colour = {"scalp": hair, "brow": hair * BROW_SHARE, "lash": np.array(LASH_COLOUR)}[kind]
            self._groups.append(_prepare(group, mesh, colour=colour, kind=kind, skin=skin))

    def draw(
        self,
        geometry: Geometry,
        light: Lighting,
        *,
        view: Float[Array, "3 4"],
        focal: float,
        centre: tuple[float, float],
        space: Workspace,
    ) -> None:
        """Blend the strands over `space.picture`, far ones first, hidden where `space.depth` is nearer."""
        for group in self._groups:
            knots = np.empty(group.local.shape, np.float32)
            pose_strands(geometry.points, group.corners, group.weights, group.local, np.empty((3, 3)), knots)
            distance = knots[:, -1] @ view[2, :3].astype(np.float32)
            order = np.argsort(distance, kind="stable")
            draw_strands(
                order, knots, group.corners, group.weights, group.width, group.tint, group.colour, group.gloss,
                group.root_shade, TIP_WIDTH, geometry, light, view, focal, centre[0], centre[1], np.empty(9),
                space.picture, space.depth,
            )  # fmt: skip
