"""Teeth and gums in more detail than the head's own mesh has: made when a head is prepared, for drawing only.

Every new point is a fixed combination of vertices of the crowns (weights sum to 1), so that it follows any identity,
jaw and pose. A point is moved by d when sum over anchors of w = (anchor - mean) C^-1 d is added to its weights: such a
shift turns and grows with the tooth.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.face.subdivision import SparseRows, sparse_rows
from face_emote.look.teeth import AROUND, CROWN_POINTS, LEVELS

ANCHORS = (1 * AROUND + 0, 1 * AROUND + 4, 5 * AROUND + 2, 5 * AROUND + 7)
"""Points of a crown that shifts are tied to: both sides near the gum, front and back near the edge."""
WIDER = 1.06  # Subdivision shrinks crowns; neighbours shall touch.
TURN, LEAN, RISE, STEP = 0.045, 0.018, 0.10e-3, 0.14e-3
"""Irregularity: largest turn about the long axis and lean along the arch (radians), shift up and outwards (metres)."""
CORNER_DROP, DISTAL_DROP = 0.28e-3, 0.45e-3
"""How much the corners of an edge are rounded off, towards the middle of the face and away from it; metres."""
LOWERED = (0.0, 0.65e-3, 0.0, 0.80e-3, 0.60e-3, 0.0, 0.0)
"""How much longer the upper teeth are drawn, from the first incisor back, so that their edges make one smooth curve
along the lower lip; metres."""
LOBES, LOBE_EDGE = 0.085e-3, 0.10e-3
"""Depth of the two furrows down the face of a front tooth, and of the three lobes of its edge."""
MARGIN, PAPILLA, PAPILLA_POWER = -0.02, 0.32, 2.3
"""Gum line as a height on the crown: at the middle of a tooth, what it rises between teeth, and how steeply."""
GUM_ROWS = (
    (0.035, -0.30, 1.0), (0.012, 0.16, 1.0), (-0.05, 0.38, 1.0), (-0.15, 0.56, 0.9),
    (-0.32, 0.70, 0.45), (-0.62, 0.45, 0.0), (-1.00, -0.60, 0.0),
)  # fmt: skip
"""Rows of the gum from its edge: height above the gum line (crown heights), millimetres outside the tooth, and how much
of the papillae is left."""
GUM_STEPS = (-0.78, -0.52, -0.26, 0.0, 0.26, 0.52, 0.78)
"""Columns of the gum across each tooth; one more lies between neighbours."""
ROOT = -0.2  # Height under which a crown has no surface and the gum goes straight on.


@dataclass(frozen=True, slots=True, eq=False)
class _Crown:
    """One tooth on the template."""

    first: int  # Its first vertex among those of the arch.
    origin: Float[Array, " 3"]
    frame: Float[Array, "3 axis=3"]  # Columns: across (away from the middle of the face), from gum to edge, outwards.
    height: float
    half_width: float
    anchors: Float[Array, "anchor 3"]
    kind: int

    def tied(self, shift: Float[Array, "point 3"]) -> Float[Array, "point anchor"]:
        """Weights that move points by `shift` (metres, on the template)."""
        centred = self.anchors - self.anchors.mean(axis=0)
        weights: Array = shift @ np.linalg.solve(centred.T @ centred, centred.T)
        return weights


def _crowns(arch: Float[Array, "arch_vertex 3"]) -> list[_Crown]:
    crowns = []
    for tooth, points in enumerate(arch.reshape(-1, CROWN_POINTS, 3).astype(np.float64)):
        rings = points[:-1].reshape(len(LEVELS), AROUND, 3)
        up = rings[6].mean(axis=0) - rings[1].mean(axis=0)
        height = float(np.linalg.norm(up)) / (LEVELS[6] - LEVELS[1])
        up /= np.linalg.norm(up)
        across = rings[2:4, [0, 9]].mean(axis=(0, 1)) - rings[2:4, [4, 5]].mean(axis=(0, 1))
        across -= (across @ up) * up
        across /= np.linalg.norm(across)
        outward = np.cross(across, up)
        outward *= np.sign(outward @ (rings[3, 2] - rings[3, 7]))
        crowns.append(
            _Crown(
                first=tooth * CROWN_POINTS,
                origin=rings[1].mean(axis=0),
                frame=np.stack([across, up, outward], axis=1),
                height=height,
                half_width=float(0.5 * (rings[3, 0] - rings[3, 4]) @ across),
                anchors=points[list(ANCHORS)],
                kind=tooth // 2,
            )
        )
    return crowns


def _reshaped(
    crown: _Crown, points: Float[Array, "point 3"], rng: np.random.Generator, *, longer: float
) -> Float[Array, "point 3"]:
    """How far each point of a refined crown moves; metres."""
    x, y, z = ((points - crown.origin) @ crown.frame).T
    turn, lean = rng.uniform(-TURN, TURN), rng.uniform(-LEAN, LEAN)
    rise, step = rng.uniform(-RISE, RISE), rng.uniform(-STEP, STEP)
    level, side = y / crown.height, np.clip(x / crown.half_width, -1.2, 1.2)
    wide = x * WIDER
    low = np.clip((level - 0.70) / 0.30, 0.0, 1.0)
    outer = np.clip((side - 0.45) / 0.55, 0.0, 1.0) ** 2 * DISTAL_DROP
    outer += np.clip((-side - 0.55) / 0.45, 0.0, 1.0) ** 2 * CORNER_DROP
    front = 1.0 if crown.kind < 2 else 0.35
    drop = -low * outer * front + low * LOBE_EDGE * front * np.cos(3.0 * np.pi * side)
    drop += longer * np.clip(level, 0.0, 1.0)
    faced = np.clip(z / 0.0015, 0.0, 1.0) * np.clip(level, 0.0, 1.0)
    lobe = -LOBES * front * faced * np.exp(-(((np.abs(side) - 0.34) / 0.13) ** 2))
    shift = np.stack([wide - x + z * turn + y * lean, drop + rise - x * lean, lobe - x * turn + step], axis=1)
    moved: Array = shift @ crown.frame.T
    return moved


def _triplets(rows: SparseRows) -> tuple[Array, Array, Array]:
    return np.repeat(np.arange(rows.num_rows), np.diff(rows.start)), rows.index, rows.weight


def finer_crowns(
    rows: SparseRows, arch: Float[Array, "arch_vertex 3"], *, tooth: Int[Array, " point"], upper: bool
) -> SparseRows:
    """Give refined crowns the shapes and the small irregularities of grown teeth; `tooth` of each refined point."""
    points = rows.apply(arch.astype(np.float64))
    rng = np.random.default_rng(7 if upper else 8)
    row, column, weight = ([part] for part in _triplets(rows))
    for number, crown in enumerate(_crowns(arch)):
        own = np.flatnonzero(tooth == number)
        longer = LOWERED[crown.kind] if upper else 0.0
        tied = crown.tied(_reshaped(crown, points[own], rng, longer=longer))
        row.append(np.repeat(own, len(ANCHORS)))
        column.append(np.tile(crown.first + np.array(ANCHORS), len(own)))
        weight.append(tied.reshape(-1))
    return sparse_rows(*(np.concatenate(part) for part in (row, column, weight)), shape=(rows.num_rows, len(arch)))


def _columns(num_teeth: int) -> list[tuple[tuple[int, float], ...]]:
    """Columns of the gum along an arch, from the last right tooth to the last left one: (tooth, place across it)."""
    right = [(tooth, -1.0) for tooth in range(num_teeth - 1, 0, -2)]
    left = [(tooth, 1.0) for tooth in range(0, num_teeth, 2)]
    order = right + left
    columns: list[tuple[tuple[int, float], ...]] = [((order[0][0], 1.0),)]
    for k, (tooth, sense) in enumerate(order):
        columns += [((tooth, sense * step),) for step in GUM_STEPS]
        if k + 1 < len(order):
            following, its_sense = order[k + 1]
            columns.append(((tooth, sense), (following, -its_sense)))
        else:
            columns.append(((tooth, 1.0),))
    return columns


def make_gum(
    crown_rows: SparseRows, arch: Float[Array, "arch_vertex 3"], *, tooth: Int[Array, " point"]
) -> tuple[SparseRows, Int[Array, "triangle 3"]]:
    """A scalloped gum over the necks of an arch's crowns: from the arch's vertices to its points, and its triangles."""
    crowns, points = _crowns(arch), crown_rows.apply(arch.astype(np.float64))
    places = np.zeros((len(points), 3))
    for number, crown in enumerate(crowns):
        own = tooth == number
        places[own] = (points[own] - crown.origin) @ crown.frame / [crown.half_width, crown.height, 1.0]
    columns = _columns(len(crowns))
    row, column, weight = [], [], []
    for j, parts in enumerate(columns):
        for k in range(len(GUM_ROWS)):
            for number, across in parts:
                at = j * len(GUM_ROWS) + k
                index, share = _gum_point(
                    crowns[number], crown_rows, own=np.flatnonzero(tooth == number), places=places, across=across, k=k
                )
                row.append(np.full(len(index), at))
                column.append(index)
                weight.append(share / len(parts))
    shape = (len(columns) * len(GUM_ROWS), len(arch))
    rows = sparse_rows(*(np.concatenate(part) for part in (row, column, weight)), shape=shape)
    corner = np.arange(len(columns) - 1)[:, None] * len(GUM_ROWS) + np.arange(len(GUM_ROWS) - 1)
    a, b = corner.reshape(-1), corner.reshape(-1) + len(GUM_ROWS)
    triangles = np.concatenate([np.stack([a, b, b + 1], axis=1), np.stack([a, b + 1, a + 1], axis=1)])
    found = rows.apply(arch.astype(np.float64))[triangles]
    normal = np.cross(found[:, 1] - found[:, 0], found[:, 2] - found[:, 0])
    outward = np.mean([crown.frame[:, 2] for crown in crowns[:4]], axis=0)
    middle = np.abs(found[:, :, 0]).max(axis=1) < 0.01
    return rows, triangles if (normal[middle] @ outward).sum() > 0.0 else triangles[:, ::-1]


def _gum_point(
    crown: _Crown, rows: SparseRows, *, own: Int[Array, " near"], places: Array, across: float, k: int
) -> tuple[Array, Array]:
    """Columns and weights of one point of the gum: the crown's surface there, moved outwards and down the root."""
    above, out, scalloped = GUM_ROWS[k]
    line = MARGIN + PAPILLA * scalloped * abs(across) ** PAPILLA_POWER
    level = line + above
    front = own[places[own, 2] > np.median(places[own, 2])]
    distance = ((places[front, 0] - across) ** 2 + (1.8 * (places[front, 1] - max(level, ROOT))) ** 2) + 1e-3
    near = np.argsort(distance)[:3]
    share = 1.0 / distance[near] ** 1.5
    share /= share.sum()
    # Interpolation misses the wanted height and place by a little; the shift makes up for it.
    missed = np.array([across, level]) - share @ places[front[near], :2]
    shift = crown.frame @ np.array([missed[0] * crown.half_width, missed[1] * crown.height, 1e-3 * out])
    index, weight = [], []
    for point, part in zip(front[near], share, strict=True):
        entries = slice(rows.start[point], rows.start[point + 1])
        index.append(rows.index[entries])
        weight.append(part * rows.weight[entries])
    index.append(crown.first + np.array(ANCHORS))
    weight.append(crown.tied(shift[None])[0])
    return np.concatenate(index), np.concatenate(weight)
