"""From the head's mesh to the mesh that is drawn: refined skin, eyes, teeth, mouth lining, a garment over the cut."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int, UInt8
from face_emote.face.eyeball import eye_frame
from face_emote.face.layout import HeadLayout
from face_emote.face.subdivision import SparseRows, catmull_clark, triangles
from face_emote.look.garment import Garment, hidden_faces, make_garment
from face_emote.look.regions import thinness
from face_emote.look.surface import SKIN_PARTS, SkinSurface, layout_skin
from face_emote.look.teeth import CROWN_POINTS, crown_coordinates
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.denture import finer_crowns, make_gum

SOLID_PARTS = (
    ("eyeL", buffers.EYE, 2),
    ("eyeR", buffers.EYE, 2),
    ("toothU", buffers.TOOTH, 1),
    ("toothL", buffers.TOOTH, 1),
    ("tongue", buffers.TONGUE, 1),
)
"""Part, material and subdivision steps. Lash strips are left out: lashes are strands. So are the
strips of gum: `denture.make_gum` makes better ones."""


@dataclass(frozen=True, slots=True, eq=False)
class RenderMesh:
    """Topology and constant attributes of what is drawn. Points: skin, solids, then the garment."""

    rows: SparseRows  # From head vertices to all points but the garment's.
    skin: SkinSurface
    garment: Garment
    triangles: Int[Array, "triangle 3"]
    uv_triangles: Int[Array, "triangle 3"]
    uv: Float[Array, "uv_point 2"]
    material: UInt8[Array, " triangle"]
    local: Float[Array, "point 3"]  # See buffers.Geometry.local.
    charts: Float[Array, "triangle 12"]  # See buffers.Geometry.charts.
    thinness: Float[Array, " skin_point"]  # How much light comes through from behind, 0..1.
    coarse_triangles: Int[Array, "coarse 3"]  # Triangles of the head's own mesh that cast sky shadow.
    skin_template: Float[Array, "skin_point 3"]  # Skin points of the template, metres: regions are functions of these.
    eye_vertices: tuple[Int[Array, " eye_vertex"], Int[Array, " eye_vertex"]]
    eye_frames: Float[Array, "2 axis=3 3"]  # Right, up and optical axis of left and right eye on the template.
    eye_corners: Int[Array, "2 corner=2"]
    """Head vertices at the inner and the outer corner of the lids, left and right."""
    inner: Int[Array, " inner_point"]  # Points inside the mouth: its lining first, then teeth, gums and tongue.
    num_lining: int

    @property
    def num_skin(self) -> int:
        """Number of skin points; they come first."""
        return self.skin.matrix.num_rows


def _with_columns(rows: SparseRows, column: Int[Array, " column"], *, num_columns: int) -> SparseRows:
    """The same rows over the full vertex list of the head."""
    return SparseRows(rows.start, column[rows.index].astype(np.int32), rows.weight, num_columns)


def _stack(blocks: list[SparseRows]) -> SparseRows:
    offsets = np.cumsum([0] + [len(block.index) for block in blocks])
    starts = [block.start[:-1] + offset for block, offset in zip(blocks, offsets, strict=False)]
    return SparseRows(
        start=np.concatenate([*starts, offsets[-1:]]).astype(np.int64),
        index=np.concatenate([block.index for block in blocks]),
        weight=np.concatenate([block.weight for block in blocks]),
        num_columns=blocks[0].num_columns,
    )


def _refined_part(layout: HeadLayout, part: str, *, steps: int, num_vertices: int) -> tuple[SparseRows, Array]:
    vertex, quads = np.unique(layout.quads[layout.in_parts(part)], return_inverse=True)
    quads = quads.reshape(-1, 4)
    rows, quads = catmull_clark(quads, num_vertices=len(vertex))
    for _ in range(steps - 1):
        step, quads = catmull_clark(quads, num_vertices=rows.num_rows)
        rows = step.after(rows)
    return _with_columns(rows, vertex, num_columns=num_vertices), triangles(quads)


def _eye_corners(layout: HeadLayout, template: Float[Array, "vertex 3"]) -> Int[Array, "2 corner=2"]:
    corners = []
    for loop in (layout.left_lid_loop, layout.right_lid_loop):
        order = loop[np.argsort(np.abs(template[loop, 0]))]
        corners.append([order[0], order[-1]])
    return np.array(corners)


def _solids(
    layout: HeadLayout, template: Float[Array, "vertex 3"]
) -> Iterator[tuple[int, SparseRows, Int[Array, "triangle 3"], Float[Array, "point 3"]]]:
    """Of everything that is not skin: material, rows from head vertices, triangles and shading coordinates."""
    count = len(template)
    for part, material, steps in SOLID_PARTS:
        rows, corners = _refined_part(layout, part, steps=steps, num_vertices=count)
        if material == buffers.TOOTH:
            yield from _arch(layout, template, part=part, rows=rows, corners=corners)
            continue
        points = rows.apply(template)
        if material == buffers.EYE:
            middle = template[layout.vertices_of(part)].mean(axis=0)
            points = (points - middle) @ eye_frame(0 if part == "eyeL" else 1)
        yield material, rows, corners, points


def _arch(
    layout: HeadLayout, template: Float[Array, "vertex 3"], *, part: str, rows: SparseRows, corners: Array
) -> Iterator[tuple[int, SparseRows, Int[Array, "triangle 3"], Float[Array, "point 3"]]]:
    """Crowns with their irregularities, then the gum they stand in."""
    vertex = layout.vertices_of(part)
    upper = part == "toothU"
    local = np.zeros((len(template), 4))
    local[vertex, :3] = crown_coordinates(len(vertex), upper=upper)
    local[vertex, 3] = np.arange(len(vertex)) // CROWN_POINTS
    refined = rows.apply(local)
    own = np.searchsorted(vertex, rows.index).astype(np.int32)
    tooth = np.rint(refined[:, 3]).astype(np.int64)
    crowns = finer_crowns(
        SparseRows(rows.start, own, rows.weight, len(vertex)), template[vertex], tooth=tooth, upper=upper
    )
    gum, gum_corners = make_gum(crowns, template[vertex], tooth=tooth)
    yield buffers.TOOTH, _with_columns(crowns, vertex, num_columns=len(template)), corners, refined[:, :3]
    rows = _with_columns(gum, vertex, num_columns=len(template))
    yield buffers.GUM, rows, gum_corners, rows.apply(template)


def _charts(
    uv: Float[Array, "uv_point 2"], triangles: Int[Array, "triangle 3"], *, num_skin: int
) -> Float[Array, "triangle 12"]:
    """What `buffers.Geometry.charts` holds; the first `num_skin` triangles are skin."""
    out = np.zeros((len(triangles), 12))
    corners = uv.astype(np.float64)[triangles[:num_skin]]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - second[:, 0] * first[:, 1]
    inverse = np.where(np.abs(area) < 1e-14, 0.0, 1.0 / np.where(np.abs(area) < 1e-14, 1.0, area))[:, None]
    out[:num_skin, 0:2], out[:num_skin, 2:4], out[:num_skin, 4:6] = corners[:, 0], first, second
    out[:num_skin, 6:8] = np.stack([second[:, 1], -first[:, 1]], axis=1) * inverse
    out[:num_skin, 8:10] = np.stack([-second[:, 0], first[:, 0]], axis=1) * inverse
    out[:num_skin, 10] = np.abs(area)
    return out.astype(np.float32)


def make_mesh(layout: HeadLayout, template: Float[Array, "vertex 3"], *, levels: int = 1) -> RenderMesh:
    """Prepare a head for drawing; `levels`: subdivision steps of the skin, 1 up to 1080 lines, 2 for close-ups."""
    count = len(template)
    skin = layout_skin(layout, levels=levels)
    blocks = [_with_columns(skin.matrix, skin.vertex_index, num_columns=count)]
    skin_points = blocks[0].apply(template)
    garment = make_garment(skin.triangles, skin_points, levels=levels)
    drawn = ~hidden_faces(skin_points, skin.triangles)
    corner_lists, materials = [skin.triangles[drawn]], [np.full(drawn.sum(), buffers.SKIN)]
    ears = skin.linear.apply(layout.mask_ears[skin.vertex_index].astype(np.float64))
    locals_ = [skin_points]
    lining = np.unique(skin.triangles[skin.part == SKIN_PARTS.index("mouth")])
    inside: list[Array] = []
    base = len(skin_points)
    for material, rows, corners, local in _solids(layout, template):
        blocks.append(rows)
        locals_.append(local)
        corner_lists.append(corners + base)
        materials.append(np.full(len(corners), material))
        if material != buffers.EYE:
            inside.append(np.arange(base, base + len(local)))
        base += len(local)
    corner_lists.append(garment.triangles + base)
    materials.append(np.full(len(garment.triangles), buffers.CLOTH))
    locals_.append(garment.local(skin_points))
    num_plain = sum(len(corners) for corners in corner_lists[1:])
    solid = layout.in_parts("head", "torso", "mouth", "socketL", "socketR", *(part for part, _, _ in SOLID_PARTS))
    uv_triangles = np.concatenate([skin.uv_triangles[drawn], np.zeros((num_plain, 3), np.int32)]).astype(np.int32)
    return RenderMesh(
        rows=_stack(blocks),
        skin=skin,
        garment=garment,
        triangles=np.concatenate(corner_lists).astype(np.int32),
        uv_triangles=uv_triangles,
        charts=_charts(skin.uv, uv_triangles, num_skin=int(drawn.sum())),
        thinness=thinness(skin_points * 1e3, ears),
        uv=np.ascontiguousarray(skin.uv, np.float32),
        material=np.concatenate(materials).astype(np.uint8),
        local=np.concatenate(locals_).astype(np.float32),
        coarse_triangles=triangles(layout.quads[solid]).astype(np.int32),
        skin_template=skin_points.astype(np.float32),
        eye_vertices=(layout.vertices_of("eyeL"), layout.vertices_of("eyeR")),
        eye_frames=np.stack([eye_frame(0).T, eye_frame(1).T]).astype(np.float32),
        eye_corners=_eye_corners(layout, template),
        inner=np.concatenate([lining, np.concatenate(inside)]).astype(np.int32),
        num_lining=len(lining),
    )
