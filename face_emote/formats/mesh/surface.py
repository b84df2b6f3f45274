"""What of a head is written, and how finely: the same for every format that holds a mesh.

A `Surface` is linear in the head's vertices, so whatever is given per vertex (places, targets, joint weights) is
carried to the written vertices by `Surface.of`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.errors import OptionError
from face_emote.face.eyeball import eye_frame
from face_emote.face.head import Head
from face_emote.face.subdivision import SparseRows, bilinear, catmull_clark, loop_step
from face_emote.look.eye_picture import eye_uv

PARTS = {
    "skin": ("head", "torso", "socketL", "socketR"),
    "lips": (),
    "eye_left": ("eyeL",),
    "eye_right": ("eyeR",),
    "teeth": ("toothL", "toothU"),
    "mouth": ("mouth", "teethL", "teethU"),
    "tongue": ("tongue",),
}
"""Parts that can be had on their own, and the parts of the bundled head that make them up. Lashes need a hair shader
and stay out. Lips are cut out of the skin when they are named."""
PART_NAMES = tuple(PARTS)
MATERIAL_OF = {
    **dict.fromkeys(("skin", "lips"), "skin"), **dict.fromkeys(("eye_left", "eye_right"), "eyes"), "teeth": "teeth",
    **dict.fromkeys(("mouth", "tongue"), "mouth"),
}  # fmt: skip
MATERIAL_NAMES = ("skin", "eyes", "teeth", "mouth")
MATERIAL_PARTS = {
    material: tuple(name for part, names in PARTS.items() if MATERIAL_OF[part] == material for name in names)
    for material in MATERIAL_NAMES
}
"""Materials and the parts of the bundled head that wear them."""
WHOLE = "head"  # Name of the object when the head is not split.
LIPS = 0.5  # Of the lips' mask: its vermilion.
MAX_LOD = 2


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceObject:
    """One object of a file: its own vertices and faces."""

    name: str
    vertex_index: Int[Array, " object_vertex"]  # Written vertices that it has, rising.
    face_index: Int[Array, " face"]  # Its faces among those of the surface.
    corners: Int[Array, "face corner"]  # Indices into `vertex_index`.


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Topology of what is written."""

    matrix: SparseRows | None  # From the head's vertices to refined ones; None at LOD 0.
    kept: Int[Array, " vertex"] | None  # Refined vertices that are written; None: all of them.
    num_vertices: int
    corners: Int[Array, "face corner"]
    """Written vertices of each face, counter-clockwise: quads on the bundled head, triangles on others."""
    uv: Float[Array, "uv_vertex 2"] | None  # (0, 0) bottom left; None on imported heads.
    uv_corners: Int[Array, "face corner"] | None
    face_part: Int[Array, " face"]  # Index into PART_NAMES.
    eye_uv: Float[Array, "vertex 2"] | None  # Places in the picture of an eye, on eyeballs; None on imported heads.
    split: bool  # Whether each part is an object of its own.

    def of(self, values: Float[Array, "head_vertex ..."]) -> Float[Array, "vertex ..."]:
        """Values of the head's vertices at the written ones."""
        refined = values if self.matrix is None else self.matrix.apply(values)
        return refined if self.kept is None else refined[self.kept]

    def frames(self, block: Float[Array, "frames head_vertex 3"]) -> Iterator[Float[Array, "vertex 3"]]:
        """Written vertices of one frame after the other."""
        for vertices in block:
            yield self.of(vertices)

    def objects(self) -> tuple[SurfaceObject, ...]:
        """The objects of a file: the whole head, or each part that is there."""
        if not self.split:
            every = np.arange(len(self.corners))
            return (SurfaceObject(WHOLE, np.arange(self.num_vertices), every, self.corners),)
        out = []
        for number, name in enumerate(PART_NAMES):
            faces = np.flatnonzero(self.face_part == number)
            if len(faces):
                index, corners = np.unique(self.corners[faces], return_inverse=True)
                out.append(SurfaceObject(name, index, faces, corners.reshape(len(faces), -1)))
        return tuple(out)

    def without(self, hidden: Bool[Array, " face"]) -> "Surface":
        """The same vertices with some of the faces left out."""
        assert self.uv_corners is not None
        seen = ~hidden
        return replace(
            self, corners=self.corners[seen], uv_corners=self.uv_corners[seen], face_part=self.face_part[seen]
        )

    def material_faces(self, faces: Int[Array, " face"]) -> Iterator[tuple[str, Int[Array, " own"]]]:
        """Each material and its places in a list of faces; materials without faces are left out."""
        of_part = np.array([MATERIAL_NAMES.index(MATERIAL_OF[name]) for name in PART_NAMES])
        material_index = of_part[self.face_part[faces]]
        for number, material in enumerate(MATERIAL_NAMES):
            chosen = np.flatnonzero(material_index == number)
            if len(chosen):
                yield material, chosen

    def vertex_uv(self) -> Float[Array, "vertex 2"]:
        """One of each written vertex's texture coordinates; only where they are known."""
        assert self.uv is not None and self.uv_corners is not None
        out = np.zeros((self.num_vertices, 2), np.float32)
        out[self.corners.reshape(-1)] = self.uv[self.uv_corners.reshape(-1)]
        return out

    def materials(self) -> tuple[str, ...]:
        """Names of the materials that any face has, in their fixed order."""
        used = {MATERIAL_OF[PART_NAMES[number]] for number in np.unique(self.face_part)}
        return tuple(name for name in MATERIAL_NAMES if name in used)

    def triangles(self) -> Int[Array, "triangle 3"]:
        """Faces as triangles, two of each quad."""
        return fanned(self.corners)


def parts_named(names: str | Iterable[str]) -> tuple[str, ...]:
    """Part names in their fixed order; `eyes` is both eyes, `all` is every part but that the skin keeps its lips.

    A text may name several, with commas. Raises OptionError.
    """
    wanted: set[str] = set()
    for name in (item.strip() for item in (names.split(",") if isinstance(names, str) else names)):
        if name == "all":
            wanted.update(name for name in PART_NAMES if name != "lips")
        elif name == "eyes":
            wanted.update(("eye_left", "eye_right"))
        elif name in PARTS:
            wanted.add(name)
        elif name or not isinstance(names, str):
            raise OptionError(f"There is no part '{name}'; choose among {', '.join(PART_NAMES)}, eyes, all")
    return tuple(name for name in PART_NAMES if name in wanted)


def surface_of(head: Head, *, lod: int = 0, parts: tuple[str, ...] = ()) -> Surface:
    """The surface of a head. With `parts` only they are there, each as an object of its own.

    OptionError: parts of an imported head, whose surface is not known.
    """
    layout = head.layout
    if layout is None:
        if parts:
            raise OptionError("Parts are known on the bundled head only; leave them out for an imported head")
        return _plain_surface(head, lod)
    matrix, uv_matrix = None, None
    quads, uv_quads = layout.quads.astype(np.int64), layout.quad_uv.astype(np.int64)
    for _ in range(lod):
        step, quads = catmull_clark(quads, num_vertices=head.num_vertices if matrix is None else matrix.num_rows)
        uv_step, uv_quads = bilinear(uv_quads, num_vertices=len(layout.uv) if uv_matrix is None else uv_matrix.num_rows)
        matrix = step if matrix is None else step.after(matrix)
        uv_matrix = uv_step if uv_matrix is None else uv_step.after(uv_matrix)
    number = np.full(len(layout.part_names), -1)
    for i, name in enumerate(PART_NAMES):
        if not parts or name in parts:
            number[[layout.part_names.index(own) for own in PARTS[name]]] = i
    quad_part = number[layout.quad_part.astype(np.int64)]
    if "lips" in parts:
        quad_part[np.all(layout.mask_lips[layout.quads] > LIPS, axis=1)] = PART_NAMES.index("lips")
    face_part = np.repeat(quad_part, 4**lod)
    drawn = face_part >= 0
    corners, uv_corners = quads[drawn], uv_quads[drawn]
    uv = layout.uv if uv_matrix is None else uv_matrix.apply(layout.uv.astype(np.float32))
    kept = None
    num_vertices = head.num_vertices if matrix is None else matrix.num_rows
    if parts:
        kept, corners = np.unique(corners, return_inverse=True)
        used, uv_corners = np.unique(uv_corners, return_inverse=True)
        corners, uv_corners = corners.reshape(-1, 4), uv_corners.reshape(-1, 4)
        uv, num_vertices = uv[used], len(kept)
    surface = Surface(
        matrix=matrix,
        kept=kept,
        num_vertices=num_vertices,
        corners=corners,
        uv=np.asarray(uv, np.float32),
        uv_corners=uv_corners,
        face_part=face_part[drawn],
        eye_uv=None,
        split=bool(parts),
    )
    eyes = np.isin(surface.face_part, [i for i, name in enumerate(PART_NAMES) if MATERIAL_OF[name] == "eyes"])
    chart, index = np.zeros((num_vertices, 2), np.float32), np.unique(corners[eyes])
    chart[index] = eyes_uv(surface.of(head.template)[index])
    return replace(surface, eye_uv=chart)


def _plain_surface(head: Head, lod: int) -> Surface:
    """An imported head: triangles, all of them skin."""
    matrix, faces = None, head.faces.astype(np.int64)
    for _ in range(lod):
        step, faces = loop_step(faces, num_vertices=head.num_vertices if matrix is None else matrix.num_rows)
        matrix = step if matrix is None else step.after(matrix)
    return Surface(
        matrix=matrix,
        kept=None,
        num_vertices=head.num_vertices if matrix is None else matrix.num_rows,
        corners=faces,
        uv=None,
        uv_corners=None,
        face_part=np.zeros(len(faces), np.int64),
        eye_uv=None,
        split=False,
    )


@dataclass(frozen=True, slots=True)
class SurfacePart:
    """Triangles of one material. Vertices on a texture seam are there once per side."""

    material: str
    vertex_index: Int[Array, " corner_vertex"]
    """Written vertex (of the surface; of the head at LOD 0) of each of the part's vertices."""
    uv: Float[Array, "corner_vertex 2"] | None  # (0, 0) bottom left.
    triangles: Int[Array, "triangle 3"]  # Indices into `vertex_index`.


def surface_parts(head: Head) -> tuple[SurfacePart, ...]:
    """Parts of a whole head; an imported FLAME head is one part without texture coordinates."""
    surface = surface_of(head)
    return object_parts(surface, surface.objects()[0])


def object_parts(surface: Surface, item: SurfaceObject) -> tuple[SurfacePart, ...]:
    """Parts of one object of a surface."""
    return tuple(
        _part(surface, material, faces=item.face_index[own])
        for material, own in surface.material_faces(item.face_index)
    )


def _part(surface: Surface, material: str, *, faces: Int[Array, " face"]) -> SurfacePart:
    corners = surface.corners[faces]
    if surface.uv is None or surface.uv_corners is None:
        used, local = np.unique(corners, return_inverse=True)
        return SurfacePart(material, used, None, fanned(local.reshape(corners.shape)))
    pairs = np.stack([corners, surface.uv_corners[faces]], axis=-1).reshape(-1, 2)
    unique, local = np.unique(pairs, axis=0, return_inverse=True)
    return SurfacePart(material, unique[:, 0], surface.uv[unique[:, 1]], fanned(local.reshape(corners.shape)))


def fanned(corners: Int[Array, "face corner"]) -> Int[Array, "triangle 3"]:
    """Triangles as they are; of each quad two, consecutive: corners 0 1 2 and 0 2 3."""
    return corners if corners.shape[1] == 3 else corners[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def eyes_uv(places: Float[Array, "corner_vertex 3"]) -> Float[Array, "corner_vertex 2"]:
    """Each eyeball unrolled around its optical axis, the right one mirrored; `places` are those of the head at rest."""
    uv = np.empty((len(places), 2), np.float32)
    for side, own in enumerate((places[:, 0] > 0.0, places[:, 0] <= 0.0)):
        if own.any():
            ball = places[own].astype(np.float64)
            uv[own] = eye_uv((ball - 0.5 * (ball.min(axis=0) + ball.max(axis=0))) @ eye_frame(side))
            if side:
                uv[own, 0] = 1.0 - uv[own, 0]
    return uv


def vertex_normals(vertices: Float[Array, "vertex 3"], faces: Int[Array, "triangle 3"]) -> Float[Array, "vertex 3"]:
    """Unit normals, triangles weighted by area; +Z where a vertex has none."""
    corners = vertices[faces].astype(np.float64)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack(
        [np.bincount(faces.ravel(), np.repeat(across[:, axis], 3), len(vertices)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-20, total / np.maximum(length, 1e-20), (0.0, 0.0, 1.0)).astype(np.float32)


def vertex_tangents(
    places: Float[Array, "vertex 3"],
    *,
    normals: Float[Array, "vertex 3"],
    uv: Float[Array, "vertex 2"],
    faces: Int[Array, "triangle 3"],
) -> Float[Array, "vertex 4"]:
    """Directions of growing u along the surface, and +1 or -1 in w: growing v is w * cross(normal, tangent).

    Lengyel 2001, "Computing tangent space basis vectors for an arbitrary mesh".
    """
    edge_1, edge_2 = (places[faces[:, k]].astype(np.float64) - places[faces[:, 0]] for k in (1, 2))
    step_1, step_2 = (uv[faces[:, k]].astype(np.float64) - uv[faces[:, 0]] for k in (1, 2))
    area = step_1[:, 0] * step_2[:, 1] - step_2[:, 0] * step_1[:, 1]
    sign = np.where(area < 0.0, -1.0, 1.0)[:, None]
    along_u = sign * (edge_1 * step_2[:, 1:] - edge_2 * step_1[:, 1:])
    along_v = sign * (edge_2 * step_1[:, :1] - edge_1 * step_2[:, :1])
    total_u, total_v = (
        np.stack([np.bincount(faces.ravel(), np.repeat(a[:, axis], 3), len(places)) for axis in range(3)], axis=1)
        for a in (along_u, along_v)
    )
    normal = normals.astype(np.float64)
    tangent = total_u - normal * np.sum(normal * total_u, axis=1, keepdims=True)
    length = np.linalg.norm(tangent, axis=1, keepdims=True)
    # Where the chart is degenerate any direction across the normal will do.
    other = np.cross(normal, np.where(np.abs(normal[:, :1]) < 0.9, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    tangent = np.where(length > 1e-16, tangent / np.maximum(length, 1e-16), other)
    side = np.where(np.sum(np.cross(normal, tangent) * total_v, axis=1, keepdims=True) < 0.0, -1.0, 1.0)
    return np.concatenate([tangent, side], axis=1).astype(np.float32)
