"""The character's strands, ready to be posed and drawn: scalp hair, brows and lashes."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.look.fine_hair import FINE_TAPER, FineHair, fine_hair
from face_emote.look.hair import HairCurves, hair_on, light_under_hair
from face_emote.look.hair_follow import SkullFrame, skull_frame
from face_emote.look.standing_hair import laid_down
from face_emote.rendering.stage import hair_kernels
from face_emote.rendering.stage.buffers import Geometry
from face_emote.rendering.stage.mesh import RenderMesh

CLUMPING = {"scalp": 1.45, "brow": 1.0, "lash": 1.45}
"""A drawn strand stands for a few real hairs; factor on its width."""
GLOSS = {"scalp": 1.0, "crop": 0.6, "brow": 0.4, "lash": 0.0}
"""Strength of the highlights; lashes are matt, or they would sparkle white."""
ROOT_SHADE = {"brow": 0.75, "lash": 1.0}  # Light at a strand's root as a share of that at its tip: neighbours shade it.
DETAIL = (0.12, 0.20)  # Share of scalp strands drawn: so much, and so much more per pixel that a millimetre fills.
CLOSE, CLOSE_KNOTS = 2.5, 9
"""Pixels per mm from which brow hairs and lashes are drawn as smooth curves, and of how many knots."""
CASTING = 3  # Every so many strands of scalp hair cast a shadow; the shadow's filter hides the gaps.


@dataclass(frozen=True, slots=True, eq=False)
class _Strands:
    """One set of strands of equally many knots, constant over time."""

    corners: Int[Array, "strand 3"]
    weights: Float[Array, "strand 3"]
    knots: Float[Array, "strand knot 3"]
    """With the skull: places on the head at rest. Rooted: offsets in the root triangle's frame."""
    width: Float[Array, "strand knot"]
    colour: Float[Array, "strand knot 3"]
    openness: Float[Array, "strand knot"]
    gloss: float
    with_skull: bool = False
    outward: Float[Array, "strand knot 3"] | None = None
    rest_roots: Float[Array, "strand 3"] | None = None
    pitch: Float[Array, " strand"] | None = None


def _in_triangles(points: Array, corners: Array, offsets: Array) -> Float[Array, "strand knot 3"]:
    """Offsets in the frames of the root triangles of a head at rest."""
    local = np.zeros(offsets.shape, np.float32)
    plain = np.ascontiguousarray(offsets, np.float32)
    hair_kernels.local_offsets(np.ascontiguousarray(points, np.float32), corners, plain, np.empty((3, 3)), local)
    return local


def _rooted(fine: FineHair, mesh: RenderMesh, *, pixels_per_mm: float) -> _Strands:
    """Brows and lashes."""
    kind, group = fine.kind, fine.group.smooth(CLOSE_KNOTS) if pixels_per_mm > CLOSE else fine.group
    corners = np.ascontiguousarray(mesh.skin.triangles[group.triangle])
    along = np.linspace(0.0, 1.0, group.offsets.shape[1], dtype=np.float32)
    shape = group.offsets.shape
    return _Strands(
        corners=corners,
        weights=np.ascontiguousarray(group.weights, np.float32),
        knots=_in_triangles(mesh.skin_template, corners, group.offsets),
        width=(group.width[:, None] * (CLUMPING[kind] * (1.0 - FINE_TAPER * along**1.8))).astype(np.float32),
        colour=np.ascontiguousarray(np.broadcast_to(fine.colour[:, None], shape)),
        openness=np.broadcast_to(ROOT_SHADE[kind] + (1.0 - ROOT_SHADE[kind]) * along, shape[:2]).astype(np.float32),
        gloss=GLOSS[kind],
    )


def _scalp(curves: HairCurves, mesh: RenderMesh, points: Array, *, skin: SkinParams) -> _Strands:
    corners = np.ascontiguousarray(mesh.skin.triangles[curves.triangle])
    strands = _Strands(
        corners=corners,
        weights=np.ascontiguousarray(curves.weights, np.float32),
        knots=np.ascontiguousarray(curves.points, np.float32),
        width=np.ascontiguousarray(curves.width),
        colour=np.ascontiguousarray(curves.colour, np.float32),
        openness=np.ascontiguousarray(curves.openness, np.float32),
        gloss=GLOSS["crop" if skin.hair_style == "crop" else "scalp"],
    )
    if skin.hair_style == "crop":
        local = _in_triangles(points, corners, curves.points - curves.points[:, :1])
        local = laid_down(local, hair_length=skin.hair_length)
        return replace(strands, knots=local, width=strands.width * np.float32(CLUMPING["scalp"]))
    roots = np.einsum("sk,skd->sd", curves.weights, points[corners]).astype(np.float32)
    length = np.linalg.norm(np.diff(curves.points, axis=1), axis=2).sum(axis=1)
    return replace(
        strands,
        with_skull=True,
        outward=np.ascontiguousarray(curves.outward, np.float32),
        rest_roots=np.ascontiguousarray(roots),
        pitch=(length / (curves.points.shape[1] - 1)).astype(np.float32),
    )


class PosedStrands(NamedTuple):
    """The strands of one frame."""

    knots: Float[Array, "knot 3"]
    outward: Float[Array, "knot 3"]  # Away from the head.


@dataclass(frozen=True, slots=True, eq=False)
class JoinedStrands:
    """What never changes about all strands, brows and lashes included, one after the other."""

    segment: Int[Array, " segment"]  # Knot at the start of each straight piece; the next knot is its end.
    owner: Int[Array, " segment"]  # Strand of each.
    width: Float[Array, " knot"]
    openness: Float[Array, " knot"]
    colour: Float[Array, "knot 3"]
    gloss: Float[Array, " strand"]
    jitter: Float[Array, " strand"]
    root: Int[Array, " strand"]  # Point whose sky light a strand stands in; -1: the hair has its own.


class Hair:
    """All strands of one character."""

    def __init__(self, mesh: RenderMesh, *, head: Head, skin: SkinParams, pixels_per_mm: float = 4.0) -> None:
        """Choose and shape the strands of a person, rooted in a mesh refined once (`levels=1`).

        `pixels_per_mm`: how large the head is drawn: small heads get fewer, wider strands.
        """
        points = mesh.skin.matrix.apply(head.template[mesh.skin.vertex_index].astype(np.float64)).astype(np.float32)
        detail = float(np.clip(DETAIL[0] + DETAIL[1] * pixels_per_mm, 0.25, 1.0))
        curves = hair_on(mesh.skin, template=mesh.skin_template, points=points, skin=skin, detail=detail)
        self._sets = [_scalp(curves, mesh, points, skin=skin)] if curves.num_strands else []
        self._frame: SkullFrame | None = skull_frame(head) if self._sets and self._sets[0].with_skull else None
        self.sky_left = light_under_hair(curves, head.template) if self._frame is not None else None
        self._sets += [_rooted(fine, mesh, pixels_per_mm=pixels_per_mm) for fine in fine_hair(skin)]
        self._join()

    def _join(self) -> None:
        """Constant arrays of all sets, one after the other."""
        shapes = [part.width.shape for part in self._sets]
        self._first = np.cumsum([0] + [strands * knots for strands, knots in shapes])
        number = np.cumsum([0] + [strands for strands, _ in shapes])
        segment, owner = [], []
        for (strands, knots), knot, strand in zip(shapes, self._first, number, strict=False):
            start = knot + np.arange(strands)[:, None] * knots + np.arange(knots - 1)[None]
            segment.append(start.reshape(-1))
            owner.append(strand + np.repeat(np.arange(strands), knots - 1))

        def flat(name: str, *tail: int) -> Array:
            return np.concatenate([getattr(part, name).reshape(-1, *tail) for part in self._sets])

        root = np.concatenate([np.where(part.with_skull, -1, part.corners[:, 0]) for part in self._sets])
        self.joined = JoinedStrands(
            segment=np.concatenate(segment).astype(np.int32),
            owner=np.concatenate(owner).astype(np.int32),
            width=flat("width"),
            openness=flat("openness"),
            colour=flat("colour", 3),
            gloss=np.concatenate([np.full(len(part.corners), part.gloss, np.float32) for part in self._sets]),
            jitter=(np.random.default_rng(5).random(len(root)) - 0.5).astype(np.float32),
            root=root.astype(np.int32),
        )

    def pose(self, geometry: Geometry, vertices: Float[Array, "vertex 3"]) -> PosedStrands:
        """All strands on a posed head."""
        knots = np.empty((self._first[-1], 3), np.float32)
        outward = np.empty_like(knots)
        skull = self._frame.transform(vertices) if self._frame is not None else np.eye(3, 4)
        for part, first in zip(self._sets, self._first, strict=False):
            size = part.width.size
            place = knots[first : first + size].reshape(part.knots.shape)
            normal = outward[first : first + size].reshape(part.knots.shape)
            if part.with_skull:
                hair_kernels.pose_with_skull(
                    geometry.points, part.corners, part.weights, part.rest_roots, part.knots, part.outward, part.pitch,
                    skull, place, normal,
                )  # fmt: skip
            else:
                hair_kernels.pose_rooted(
                    geometry.points, geometry.normals, part.corners, part.weights, part.knots, np.empty((3, 3)),
                    place, normal,
                )  # fmt: skip
        return PosedStrands(knots, outward)

    def cast(self, strands: PosedStrands, depth: Array, *, frame: Array, centre: Array, radius: float) -> None:
        """Draw the shadow of long hair into the key light's depth map (arguments as `kernels.depth_map`)."""
        for part, first in zip(self._sets, self._first, strict=False):
            if part.with_skull:
                own = strands.knots[first : first + part.width.size].reshape(part.knots.shape)
                hair_kernels.cast_strands(own, CASTING, depth, frame, centre, radius)
