"""A crew-neck garment on a bust: the shoulders pushed outwards, cut along a collar line, and closed below.

The head ends at the shoulders. From its edge the cloth goes on over the arms' roots and in again to a finished base, as
sculptors end a bust; an inner rim at the collar gives it thickness. The whole is one closed surface.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, Int

THICKNESS = 0.0042  # Metres between skin and the outer face of the cloth.
ROUNDING_MM = 3.0  # Over this distance under the collar the cloth curves in to its edge.
EDGE_THICKNESS = 0.0020
RIM_DEPTH = -0.0012  # The rim's inner edge lies this far inside the skin, so that no gap shows.
HIDDEN_UNDER_CLOTH = 12.0
"""Faces of skin further than this under the collar (mm) are left out: nobody sees them, and none comes through."""
AXIS = -0.033  # The bust's vertical axis on the template: z in metres.
ROUND = 2.5  # Exponent of the superellipses that are the bust's cross-sections.
WIDEST = (0.217, 0.101, 0.093, -0.240, 0.0)
"""Half width, depth to the front and to the back, height, rise at the sides: metres, of the template."""
BASE = (0.158, 0.080, 0.068, -0.345, 0.030)
CUT_RINGS = 3  # Rings of the skin refined once that are left out at its edge, where the arms' folds begin.
EVEN = 9  # Columns over which the slope of the shoulders is averaged, of about a hundred.
FALL = 0.075  # Length of a column's tangents, metres.
COLUMN_STEPS = 5  # Rings from the shoulders to the widest, and from there to the base.
CAP = ((0.965, 0.0055), (0.88, 0.0085), (0.55, 0.0085))  # Rings under the base: share of its width, and metres lower.
BASE_SHADE = 0.45  # Share of the sky's light that reaches the base.


def under_collar(template_points: Float[Array, "point 3"]) -> Float[Array, " point"]:
    """Millimetres under the collar line (negative above it), from positions on the template in metres.

    The line runs round the neck: 26 mm lower at the throat than at the sides, 6 mm higher at the nape.
    """
    x, y, z = (template_points * 1000.0).T
    forward = np.cos(np.arctan2(x, z + 32.0))
    line = -118.0 - 26.0 * np.clip(forward, 0, 1) ** 1.5 + 6.0 * np.clip(-forward, 0, 1)
    return np.where(y < -60.0, line - y, -100.0)


class Base(NamedTuple):
    """The cloth beyond the shoulders: it hangs on their edge, and is as wide and as deep as they are."""

    hem: Int[Array, " column"]  # Cloth points on the shoulders' edge, in order around the body.
    anchor: Int[Array, " anchor"]  # Skin points that say where the body is.
    axes: Float[Array, "3 anchor"]
    """Weights of theirs that give its origin, across and ahead; the way up follows from those."""
    hem_rest: Float[Array, "column 3"]  # Across, up and ahead from the origin on the template, metres.
    rest: Float[Array, "base_point 3"]
    column: Int[Array, " base_point"]
    share: Float[Array, " base_point"]
    """How much of what moves the edge moves the point: 1 at the edge, 0 from the widest on."""


def hidden_faces(template: Float[Array, "point 3"], corners: Int[Array, "face corner"]) -> Bool[Array, " face"]:
    """Which faces of a skin the garment hides, given its points on the template in metres."""
    covered = under_collar(template) > HIDDEN_UNDER_CLOTH
    found: Array = covered[corners].all(axis=1)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Garment:
    """Cloth points as blends of two skin points each, lifted along the skin's normal; then those of the base."""

    first: Int[Array, " cloth_point"]
    second: Int[Array, " cloth_point"]  # For points of the base those of its column's edge.
    share: Float[Array, " cloth_point"]  # Weight of `second`.
    offset: Float[Array, " lifted_point"]  # Metres along the normal; the base has none.
    under: Float[Array, " cloth_point"]  # Millimetres under the collar.
    shade: Float[Array, " cloth_point"]  # Share of the sky's light.
    base: Base
    triangles: Int[Array, "triangle 3"]

    def blend(self, values: Float[Array, "point axis"]) -> Float[Array, "cloth_point axis"]:
        """Skin values at the cloth's points."""
        t = self.share[:, None].astype(values.dtype)
        found: Array = values[self.first] * (1 - t) + values[self.second] * t
        return found

    def points(
        self, skin_points: Float[Array, "point 3"], skin_normals: Float[Array, "point 3"]
    ) -> Float[Array, "cloth_point 3"]:
        """Where the cloth is on a posed bust."""
        lifted, base = len(self.offset), self.base
        lift = self.offset[:, None].astype(skin_points.dtype)
        points: Array = self.blend(skin_points)
        points[:lifted] += self.blend(skin_normals)[:lifted] * lift
        origin, across, ahead = base.axes.astype(skin_points.dtype) @ skin_points[base.anchor]
        up = np.cross(ahead, across) / np.sqrt(np.linalg.norm(ahead) * np.linalg.norm(across))
        frame = np.stack([across, up, ahead])
        moved = points[base.hem] - (origin + base.hem_rest @ frame)
        points[lifted:] = origin + base.rest @ frame + base.share[:, None] * moved[base.column]
        return points

    def joint_weights(self, skin_weights: Float[Array, "point joint"]) -> Float[Array, "cloth_point joint"]:
        """How joints move the cloth: the base follows the first, the body's."""
        weights = self.blend(skin_weights)
        weights[len(self.offset) :] *= self.base.share[:, None]
        weights[len(self.offset) :, 0] += 1.0 - self.base.share
        return weights

    def local(self, skin_template: Float[Array, "point 3"]) -> Float[Array, "cloth_point 3"]:
        """Shading coordinates: millimetres under the collar, template x and z."""
        rest = self.blend(skin_template)
        return np.stack([self.under, rest[:, 0], rest[:, 2]], axis=1)


class _Cut(NamedTuple):
    """The cloth on the skin."""

    first: Array
    second: Array
    depth: Float[Array, " point"]  # Millimetres under the collar.
    share: Float[Array, " point"]
    triangles: list[list[int]]
    rim: list[tuple[int, int]]  # Edges along the collar, in the direction of the triangles above them.


def make_garment(
    skin_triangles: Int[Array, "triangle 3"], template: Float[Array, "point 3"], *, levels: int = 1
) -> Garment:
    """The garment of a skin that was refined so often, given its points on the template in metres."""
    steps = 2 ** (levels - 1)
    shoulders = _without_border(skin_triangles, rings=CUT_RINGS * steps)
    cut = _cut(shoulders, under_collar(template))
    count, kept = len(cut.first), cut.triangles
    collar = _in_order(np.array(cut.rim))
    inner = {v: count + i for i, v in enumerate(collar)}
    for a, b in cut.rim:
        kept += [[b, a, inner[a]], [b, inner[a], inner[b]]]
    kept += _closed([inner[v] for v in collar])
    hem = _in_order(_border(np.array(kept)))
    # From the far left on, so that the lid's strip runs from front to back.
    far = int(np.argmax(template[cut.first[hem], 0]))
    hem = hem[far:] + hem[:far]
    rounding = np.sqrt(np.clip(cut.depth / ROUNDING_MM, 0.0, 1.0))
    offset = EDGE_THICKNESS + (THICKNESS - EDGE_THICKNESS) * rounding
    offset = np.concatenate([offset, np.full(len(collar), RIM_DEPTH)])
    on_skin = np.concatenate([np.arange(count), collar])
    first, second, share, under = (values[on_skin] for values in (cut.first, cut.second, cut.share, cut.depth))
    edge = template[first[hem]] * (1.0 - share[hem, None]) + template[second[hem]] * share[hem, None]
    within = template[np.unique(_border(_without_border(shoulders, rings=steps)))]
    base, fallen = _base(edge, np.array(hem), slope=_slope(edge, within), template=template)
    rings = np.concatenate([[hem], len(on_skin) + np.arange(len(base.rest)).reshape(-1, len(hem))]).astype(np.int64)
    kept += _tube(rings) + _closed(rings[-1].tolist())
    copied = np.array(hem)[base.column]
    shade = np.concatenate([np.ones(len(on_skin)), _shade(base.rest[:, 1])])
    return Garment(
        first=np.concatenate([first, first[copied]]).astype(np.int32),
        second=np.concatenate([second, second[copied]]).astype(np.int32),
        share=np.concatenate([share, share[copied]]).astype(np.float32),
        offset=offset.astype(np.float32),
        under=np.concatenate([under, under[copied] + 1000.0 * fallen]).astype(np.float32),
        shade=shade.astype(np.float32),
        base=base,
        triangles=np.array(kept, np.int32),
    )


def _cut(skin_triangles: Int[Array, "triangle 3"], under: Float[Array, " point"]) -> _Cut:
    """Cut the skin along `under` = 0 and keep what lies below."""
    inside = under > 0
    count = inside[skin_triangles].sum(axis=1)
    first: list[int] = []
    second: list[int] = []
    number: dict[tuple[int, int], int] = {}

    def point(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in number:
            number[key] = len(first)
            first.append(key[0])
            second.append(key[1])
        return number[key]

    kept = [[point(v, v) for v in triangle] for triangle in skin_triangles[count == 3].tolist()]
    rim: list[tuple[int, int]] = []
    for corners in skin_triangles[(count == 1) | (count == 2)].tolist():
        lone_is_inside = sum(bool(inside[v]) for v in corners) == 1
        turn = next(k for k in range(3) if bool(inside[corners[k]]) == lone_is_inside)
        a, b, c = corners[turn:] + corners[:turn]
        ab, ca = point(a, b), point(c, a)
        if lone_is_inside:
            kept.append([point(a, a), ab, ca])
            rim.append((ab, ca))
        else:
            kept += [[ab, point(b, b), point(c, c)], [ab, point(c, c), ca]]
            rim.append((ca, ab))
    f, s = np.array(first), np.array(second)
    share = np.where(f == s, 0.0, under[f] / np.where(f == s, 1.0, under[f] - under[s]))
    return _Cut(f, s, np.where(f == s, under[f], 0.0), share, kept, rim)


def _base(
    edge: Float[Array, "column 3"],
    hem: Int[Array, " column"],
    *,
    slope: Float[Array, "column 3"],
    template: Float[Array, "point 3"],
) -> tuple[Base, Float[Array, " base_point"]]:
    """Columns of cloth from the shoulders' edge to the base and under it; and how far down each point lies, metres."""
    under = under_collar(template)
    anchor = np.flatnonzero(under > 0.0)
    # Weighted least squares: the rows give the origin and two axes of any posed copy of these points.
    body = np.column_stack([np.ones(len(anchor)), template[anchor]])
    weighted = body * under[anchor, None] ** 2
    fitted = np.linalg.solve(body.T @ weighted, weighted.T)
    middle = np.array([1.0, 0.0, float(edge[:, 1].mean()), AXIS])
    axes = np.stack([middle @ fitted, fitted[1], fitted[3]])
    origin = axes[0] @ template[anchor]
    rings, fallen = _rings(edge, slope)
    down = np.clip((edge[:, 1] - rings[..., 1]) / (edge[:, 1] - WIDEST[3]), 0.0, 1.0)
    base = Base(
        hem=hem,
        anchor=anchor,
        axes=axes,
        hem_rest=edge - origin,
        rest=(rings - origin).reshape(-1, 3),
        column=np.tile(np.arange(len(hem)), len(rings)),
        share=((1.0 - down) ** 2 * (1.0 + 2.0 * down)).reshape(-1),
    )
    return base, fallen.reshape(-1)


def _slope(edge: Float[Array, "column 3"], within: Float[Array, "inner 3"]) -> Float[Array, "column 3"]:
    """Where the shoulders' surface heads at its edge, from the points of the next ring; unit vectors."""
    nearest = np.linalg.norm(edge[:, None] - within[None], axis=2).argmin(axis=1)
    away = edge - within[nearest]
    around = max(1, round(EVEN * len(edge) / 100.0))
    even = sum(np.roll(away, step, axis=0) for step in range(-around, around + 1))
    found: Array = even / np.linalg.norm(even, axis=1, keepdims=True)
    return found


def _without_border(triangles: Int[Array, "triangle 3"], *, rings: int) -> Int[Array, "kept 3"]:
    """Triangles but for so many rings of quads along the edge of their surface."""
    for _ in range(rings):
        triangles = triangles[~np.isin(triangles, _border(triangles)).any(axis=1)]
    return triangles


def _rings(
    edge: Float[Array, "column 3"], slope: Float[Array, "column 3"]
) -> tuple[Float[Array, "ring column 3"], Float[Array, "ring column"]]:
    """Points of the base, ring under ring, and their distance down the column, on the template."""
    around = np.arctan2(edge[:, 0], edge[:, 2] - AXIS)
    widest, base = _oval(around, WIDEST), _oval(around, BASE)
    outwards = np.stack([np.sin(around), np.zeros(len(edge)), np.cos(around)], axis=1)
    down = np.array([0.0, -FALL, 0.0])
    start = 1.15 * slope * np.linalg.norm(widest - edge, axis=1, keepdims=True)
    slopes = (start, 1.6 * down - 0.15 * FALL * outwards, down - 0.9 * FALL * outwards)
    step = np.linspace(0.0, 1.0, COLUMN_STEPS + 1)[1:, None, None]
    upper = _hermite(edge, widest, slopes=slopes[:2], at=step)
    lower = _hermite(widest, base, slopes=slopes[1:], at=step)
    axis = np.array([0.0, 0.0, AXIS])
    cap = []
    for share, drop in CAP:
        ring = axis + (base - axis) * (share, 1.0, share)
        cap.append(ring - (0.0, drop, 0.0))
    rings = np.concatenate([upper, lower, np.stack(cap)])
    steps = np.linalg.norm(np.diff(np.concatenate([edge[None], rings]), axis=0), axis=2)
    return rings, np.cumsum(steps, axis=0)


def _oval(around: Float[Array, " column"], shape: tuple[float, ...]) -> Float[Array, "column 3"]:
    """A cross-section of the bust, as `WIDEST`."""
    width, front, back, height, rise = shape
    across, ahead = np.sin(around), np.cos(around)
    depth = np.where(ahead > 0.0, front, back)
    radius = (np.abs(across / width) ** ROUND + np.abs(ahead / depth) ** ROUND) ** (-1.0 / ROUND)
    side = radius * across
    return np.stack([side, height + rise * np.abs(side / width) ** 3, AXIS + radius * ahead], axis=1)


def _hermite(start: Array, end: Array, *, slopes: tuple[Array, Array], at: Array) -> Float[Array, "step column 3"]:
    found: Array = (
        start * (1.0 + 2.0 * at) * (1.0 - at) ** 2
        + end * at**2 * (3.0 - 2.0 * at)
        + slopes[0] * at * (1.0 - at) ** 2
        + slopes[1] * at**2 * (at - 1.0)
    )
    return found


def _shade(height: Float[Array, " base_point"]) -> Float[Array, " base_point"]:
    """Less light towards the base, which looks down."""
    down = np.clip((height - height.max()) / (height.min() - height.max()), 0.0, 1.0)
    found: Array = 1.0 - (1.0 - BASE_SHADE) * down**3
    return found


def _in_order(edges: Int[Array, "edge 2"]) -> list[int]:
    """The points of a loop, given its directed edges."""
    following: dict[int, int] = dict(edges.tolist())
    order = [int(edges[0, 0])]
    while following[order[-1]] != order[0]:
        order.append(following[order[-1]])
    return order


def _tube(rings: Int[Array, "ring column"]) -> list[list[int]]:
    """Between rings that run as the edges of the triangles above them."""
    a, b = rings, np.roll(rings, -1, axis=1)
    upper = np.stack([b[:-1], a[:-1], a[1:]], axis=-1)
    lower = np.stack([b[:-1], a[1:], b[1:]], axis=-1)
    found: list[list[int]] = np.concatenate([upper, lower]).reshape(-1, 3).tolist()
    return found


def _closed(loop: list[int]) -> list[list[int]]:
    """A lid on a loop that runs as the edges of the triangles beside it: a strip from one side to the other."""
    found, left, right = [], 0, len(loop) - 1
    while right - left > 1:
        found.append([loop[left + 1], loop[left], loop[right]])
        left += 1
        if right - left > 1:
            found.append([loop[left], loop[right], loop[right - 1]])
            right -= 1
    return found


def _border(triangles: Int[Array, "triangle 3"]) -> Int[Array, "edge 2"]:
    """Directed edges that only one triangle has."""
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    key = np.sort(sides, axis=1) @ np.array([int(triangles.max()) + 1, 1])
    _, inverse, times = np.unique(key, return_inverse=True, return_counts=True)
    found: Array = sides[times[inverse.reshape(-1)] == 1]
    return found
