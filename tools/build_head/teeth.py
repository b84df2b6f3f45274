"""28 single teeth along MakeHuman's two dental strips.

The strips (helper meshes) give the arches and the motion: every tooth vertex is bound to its nearest strip vertices,
so that teeth follow any identity. Crown shapes are profiles by tooth type; widths are those of adults.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.spatial import cKDTree

from face_emote.core.arrays import Array, Float, Int
from tools.build_head.cut import PART_NAMES, Mesh

STRIP_ROWS = {
    "U": (
        (15069, 15086, 15071, 15070, 15085, 15078, 15077, 15076, 15080),
        (15079, 15075, 15074, 15073, 15072, 15084, 15083, 15082, 15081),
    ),
    "L": (
        (15010, 15001, 15002, 15003, 15004, 15005, 15006, 15007, 15008),
        (15012, 15013, 15014, 15015, 15011, 15016, 15017, 15018, 15009),
    ),
}
"""Base-mesh vertices of the strips from the middle backwards: biting edge, gum line."""
WIDTHS = {"U": (8.6, 6.7, 7.7, 7.1, 6.8, 10.1, 9.6), "L": (5.4, 6.0, 6.9, 7.1, 7.2, 10.9, 10.3)}
"""Millimetres, first incisor to second molar (means of adults, as in dental anatomy textbooks)."""
HEIGHTS = {"U": (1.04, 0.95, 1.05, 0.88, 0.82, 0.74, 0.68), "L": (0.96, 0.99, 1.06, 0.90, 0.82, 0.74, 0.68)}
"""Relative to the strip's crown height (9 mm)."""
KINDS = ("incisor", "incisor", "canine", "premolar", "premolar", "molar", "molar")
SIZE = 1.07
"""The head is somewhat larger than life; so are its teeth."""
LEVELS = (-0.25, 0.04, 0.34, 0.64, 0.84, 0.95, 1.0)
"""Rings of a crown from below the gum to the edge."""
AROUND = 10
FACE_LEVEL = 3
"""Ring whose outer face is what lips rest on."""
WIDTH_PROFILE = {
    "incisor": (0.72, 0.80, 0.92, 0.99, 1.0, 0.95, 0.80),
    "canine": (0.70, 0.78, 0.93, 1.0, 0.84, 0.56, 0.26),
    "premolar": (0.76, 0.82, 0.95, 1.0, 0.96, 0.84, 0.62),
    "molar": (0.84, 0.89, 0.97, 1.0, 0.98, 0.90, 0.72),
}
DEPTH_PROFILE = {
    "incisor": (3.1, 3.2, 2.6, 1.7, 1.15, 0.85, 0.55),
    "canine": (3.5, 3.6, 3.3, 2.6, 1.8, 1.2, 0.6),
    "premolar": (3.9, 4.1, 4.3, 4.2, 3.8, 3.2, 2.3),
    "molar": (4.6, 4.9, 5.1, 5.0, 4.7, 4.2, 3.3),
}
"""Half depth from lip to tongue, millimetres."""
BULGE = (0.10, 0.45, 0.75, 0.55, 0.25, 0.0, -0.30)
"""How far the face of the crown stands out, millimetres."""
CUSP = {"incisor": 0.0, "canine": 0.0, "premolar": 0.55, "molar": 0.45}
LEAN = {"U": (0.0, 0.05, -0.03, 0.02, 0.0, 0.0, 0.0), "L": (0.0, 0.03, -0.05, 0.03, 0.0, 0.0, 0.0)}
"""Radians by which a crown leans back along the arch: perfect rows look false."""
FORWARD = {"U": 0.0048, "L": 0.0028}
DOWN = {"U": 0.0034, "L": 0.0030}
"""Shift of each arch at the incisors, metres: upper edges 2.5 mm below the lip line, faces against the lips."""
NARROW = 0.97
CAVITY_NEAR, CAVITY_FAR, CAVITY_SHRINK = 0.009, 0.02, 0.006
"""Distances from the lips between which the mouth's walls start to be drawn in, and by how much; metres."""
ARCH_FRONT, ARCH_BACK = 0.104, 0.054
CHARTS = {"U": (0.915, 0.055, 0.99, 0.09), "L": (0.915, 0.01, 0.99, 0.045)}
"""Texture boxes: seven slots, front tooth first; up is from gum to edge. Left and right share a slot."""


@dataclass(frozen=True, slots=True, eq=False)
class Teeth:
    """Vertices to append to the head, and what they follow."""

    vertices: Float[Array, "tooth_vertex 3"]
    upper: Array
    """Which of them belong to the upper arch."""
    bind_index: Int[Array, "tooth_vertex 8"]
    bind_weight: Float[Array, "tooth_vertex 8"]
    upper_front: Int[Array, " tooth"]
    """One vertex on the outer face of each upper tooth, x rising."""


def shrink_cavity(mesh: Mesh, vertices: Float[Array, "vertex 3"]) -> Float[Array, "vertex 3"]:
    """Draw the walls of the mouth inwards, away from the lips: on lean or old faces they came through the cheeks."""
    wall = mesh.vertices_of("mouth")
    loop = vertices[mesh.shared("head", "mouth")]
    distance = np.linalg.norm(vertices[wall][:, None] - loop[None], axis=2).min(axis=1)
    share = np.clip((distance - CAVITY_NEAR) / (CAVITY_FAR - CAVITY_NEAR), 0.0, 1.0)
    inward = vertices[wall].mean(axis=0) * [0.0, 1.0, 1.0] - vertices[wall]
    length = np.linalg.norm(inward, axis=1)
    shrunk = vertices.copy()
    shrunk[wall] += (share * np.minimum(CAVITY_SHRINK, 0.3 * length) / length)[:, None] * inward
    return shrunk


def place_arches(mesh: Mesh, vertices: Float[Array, "vertex 3"]) -> Float[Array, "vertex 3"]:
    """Move both strips to where teeth are in a face: forward against the lips (less and less backwards), and down."""
    placed = vertices.copy()
    for arch in "UL":
        strip = mesh.vertices_of(f"teeth{arch}")
        reach = np.clip((vertices[strip, 2] - ARCH_BACK) / (ARCH_FRONT - ARCH_BACK), 0.0, 1.0)
        placed[strip, 2] += FORWARD[arch] * reach**3
        placed[strip, 0] *= NARROW
        placed[strip, 1] -= DOWN[arch]
    return placed


def _frames(
    arch: str, *, mesh: Mesh, vertices: Float[Array, "vertex 3"]
) -> list[tuple[Array, Array, Array, Array, float]]:
    """For each tooth of one side: gum point, along, up and outward directions, crown height (metres)."""
    own = {source: i for i, source in enumerate(mesh.source)}
    edge, gum = (vertices[[own[i] for i in row]].copy() for row in STRIP_ROWS[arch])
    for row in (edge, gum):
        row[:, 0] = np.abs(row[:, 0])
        row[0, 0] = 0.0
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(edge[:, [0, 2]], axis=0), axis=1))])
    edge_at, gum_at = PchipInterpolator(length, edge), PchipInterpolator(length, gum)
    frames = []
    start = 0.0
    for width, height in zip(WIDTHS[arch], HEIGHTS[arch], strict=True):
        along = start + 0.5e-3 * SIZE * width
        start += 1e-3 * SIZE * width
        tip, root = edge_at(along), gum_at(along)
        tangent = edge_at.derivative()(along) * [1.0, 0.0, 1.0]
        tangent /= np.linalg.norm(tangent)
        up = tip - root
        crown = float(np.linalg.norm(up))
        outward = np.cross(tangent, [0.0, 1.0, 0.0])
        outward *= np.sign(outward @ (tip * [1.0, 0.0, 1.0] - [0.0, 0.0, 0.06])) / np.linalg.norm(outward)
        frames.append((root, tangent, up / crown, outward, crown * height))
    return frames


def _turn() -> Float[Array, " around"]:
    """Angles of a ring's points; one of them faces the lip exactly (a quarter turn)."""
    return 2.0 * np.pi * (np.arange(AROUND) + 0.5) / AROUND


def _crown(index: int, *, arch: str, frame: tuple[Array, Array, Array, Array, float]) -> Float[Array, "point 3"]:
    """Rings from below the gum to the edge, then the point that closes the top."""
    root, tangent, up, outward, height = frame
    kind = KINDS[index]
    lean = LEAN[arch][index]
    upright = up * np.cos(lean) + tangent * np.sin(lean)
    turn = _turn()
    blunt = 0.55 if kind in ("incisor", "canine") else 0.65
    across = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** blunt
    inward = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** blunt
    points = []
    for level, width, depth, bulge in zip(LEVELS, WIDTH_PROFILE[kind], DEPTH_PROFILE[kind], BULGE, strict=True):
        half_width, half_depth = 0.5e-3 * SIZE * WIDTHS[arch][index] * width, 1e-3 * depth
        lift = np.full(AROUND, height * level)
        if level >= 0.95:
            cusps = np.cos(2.0 * turn + np.pi) if kind == "premolar" else np.cos(4.0 * turn + np.pi)
            lift += 1e-3 * CUSP[kind] * cusps
        ring = root + lift[:, None] * upright + (half_width * across)[:, None] * tangent
        points.append(ring + (half_depth * (inward - 1.0) + 1e-3 * bulge)[:, None] * outward)
    top = points[-1].mean(axis=0) + (0.0004 if CUSP[kind] == 0.0 else -0.0007) * upright
    return np.concatenate([*points, top[None]])


def _crown_quads() -> Int[Array, "quad 4"]:
    """Quads of one crown, in the order of `_crown`'s points."""
    quads = []
    for level in range(len(LEVELS) - 1):
        low, high = level * AROUND, (level + 1) * AROUND
        for i in range(AROUND):
            j = (i + 1) % AROUND
            quads.append((low + i, low + j, high + j, high + i))
    last, top = (len(LEVELS) - 1) * AROUND, len(LEVELS) * AROUND
    for i in range(0, AROUND, 2):
        quads.append((last + i, last + (i + 1) % AROUND, last + (i + 2) % AROUND, top))
    return np.array(quads)


def add_teeth(mesh: Mesh, vertices: Float[Array, "vertex 3"]) -> tuple[Mesh, Teeth]:
    """Append the teeth and drop the strips' crowns (gums and palate stay)."""
    crown_quads = _crown_quads()
    sides: list[Array] = []
    quads: list[Array] = []
    uv: list[Array] = []
    part: list[Array] = []
    upper: list[Array] = []
    first = len(vertices)
    for arch in "UL":
        for index, frame in enumerate(_frames(arch, mesh=mesh, vertices=vertices)):
            left = _crown(index, arch=arch, frame=frame)
            for points in (left, left * [-1.0, 1.0, 1.0]):
                sides.append(points)
                quads.append(_outward(crown_quads, points) + first)
                uv.append(_crown_uv(arch, index))
                part.append(np.full(len(crown_quads), PART_NAMES.index(f"tooth{arch}")))
                upper.append(np.full(len(points), arch == "U"))
                first += len(points)
    points = np.concatenate(sides)
    new_uv = len(mesh.uv) - len(vertices)
    size = len(sides[0])
    pairs = np.arange(len(points)).reshape(-1, 2, size)[:, ::-1].reshape(-1) + len(vertices)
    kept = ~_crown_strip(mesh)
    quads_all = np.concatenate(quads)
    grown = replace(
        mesh,
        quads=np.concatenate([mesh.quads[kept], quads_all]),
        quad_uv=np.concatenate([mesh.quad_uv[kept], quads_all + new_uv]),
        uv=np.concatenate([mesh.uv, *uv]),
        part=np.concatenate([mesh.part[kept], *part]),
        ring=np.concatenate([mesh.ring, np.zeros(len(points), np.int64)]),
        mirror=np.concatenate([mesh.mirror, pairs]),
        source=np.concatenate([mesh.source, np.full(len(points), -1)]),
    )
    in_upper = np.concatenate(upper)
    bind_index, bind_weight = _bind(
        mesh, vertices, points=points.reshape(-1, 2, size, 3), upper=in_upper.reshape(-1, 2, size)
    )
    crowns = points.reshape(-1, size, 3)
    outermost = FACE_LEVEL * AROUND + int(np.argmax(np.sin(_turn())))
    front = len(vertices) + np.flatnonzero(in_upper[::size]) * size + outermost
    front = front[np.argsort(crowns[in_upper[::size], outermost, 0])]
    return grown, Teeth(
        vertices=points, upper=in_upper, bind_index=bind_index, bind_weight=bind_weight, upper_front=front
    )


def _outward(quads: Int[Array, "quad 4"], points: Float[Array, "point 3"]) -> Int[Array, "quad 4"]:
    corners = points[quads]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outside = ((corners.mean(axis=1) - points.mean(axis=0)) * normal).sum() > 0
    return quads if outside else quads[:, ::-1]


def _crown_uv(arch: str, index: int) -> Float[Array, "point 2"]:
    left, bottom, right, top = CHARTS[arch]
    slot = (right - left) / len(KINDS)
    turn = _turn()
    across = left + slot * (index + 0.5 + 0.45 * np.cos(turn))
    rings = [np.stack([across, np.full(AROUND, bottom + (top - bottom) * max(level, 0.0))], axis=1) for level in LEVELS]
    return np.concatenate([*rings, [[left + slot * (index + 0.5), top]]])


def _crown_strip(mesh: Mesh) -> Array:
    """Quads of the strips that touch the biting edge."""
    rows = [STRIP_ROWS[arch][0] for arch in "UL"]
    edge = np.flatnonzero(np.isin(mesh.source, np.concatenate(rows)))
    edge = np.concatenate([edge, mesh.mirror[edge]])
    return mesh.in_parts("teethU", "teethL") & np.isin(mesh.quads, edge).any(axis=1)


def _bind(mesh: Mesh, vertices: Array, *, points: Array, upper: Array) -> tuple[Array, Array]:
    """Inverse-square distance weights to the eight nearest strip vertices; the right side mirrors the left."""
    index = np.zeros((*points.shape[:3], 8), np.int64)
    weight = np.zeros((*points.shape[:3], 8))
    for arch, is_upper in (("U", True), ("L", False)):
        strip = mesh.vertices_of(f"teeth{arch}")
        chosen = upper[:, 0, 0] == is_upper
        distance, near = cKDTree(vertices[strip]).query(points[chosen, 0], 8)
        share = 1.0 / (distance + 0.002) ** 2
        share /= share.sum(axis=-1, keepdims=True)
        index[chosen, 0], index[chosen, 1] = strip[near], mesh.mirror[strip[near]]
        weight[chosen, 0] = weight[chosen, 1] = share
    return index.reshape(-1, 8), weight.reshape(-1, 8)
