"""A crew-neck garment: the bust pushed outwards, cut along a collar line, with a rim that gives it thickness."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int

THICKNESS = 0.0042
"""Metres between skin and the outer face of the cloth."""
ROUNDING_MM = 3.0
"""Over this distance under the collar the cloth curves in to its edge."""
EDGE_THICKNESS = 0.0020
HEM_DROP = 0.16
"""The bust ends at the chest; the cloth falls on straight from there for this many metres, out of every picture."""
RIM_DEPTH = -0.0008
"""The rim's inner edge lies this far inside the skin, so that no gap shows."""


def under_collar(template_points: Float[Array, "point 3"]) -> Float[Array, " point"]:
    """Millimetres under the collar line (negative above it), from positions on the template in metres.

    The line runs round the neck: 26 mm lower at the throat than at the sides, 6 mm higher at the nape.
    """
    x, y, z = (template_points * 1000.0).T
    forward = np.cos(np.arctan2(x, z + 32.0))
    line = -118.0 - 26.0 * np.clip(forward, 0, 1) ** 1.5 + 6.0 * np.clip(-forward, 0, 1)
    return np.where(y < -60.0, line - y, -100.0)


@dataclass(frozen=True, slots=True, eq=False)
class Garment:
    """Cloth points as blends of two skin points each, plus an offset along the skin's normal."""

    first: Int[Array, " cloth_point"]
    second: Int[Array, " cloth_point"]
    share: Float[Array, " cloth_point"]
    """Weight of `second`."""
    offset: Float[Array, " cloth_point"]
    """Metres along the normal."""
    under: Float[Array, " cloth_point"]
    """Millimetres under the collar."""
    drop: Float[Array, " cloth_point"]
    """Metres downwards, for the hem."""
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
        lift = self.offset[:, None].astype(skin_points.dtype)
        points: Array = self.blend(skin_points) + self.blend(skin_normals) * lift
        points[:, 1] -= self.drop
        return points

    def local(self, skin_template: Float[Array, "point 3"]) -> Float[Array, "cloth_point 3"]:
        """Shading coordinates: millimetres under the collar, template x and z."""
        rest = self.blend(skin_template)
        return np.stack([self.under, rest[:, 0], rest[:, 2]], axis=1)


def make_garment(skin_triangles: Int[Array, "triangle 3"], under: Float[Array, " point"]) -> Garment:
    """Cut the skin along `under` = 0, keep what lies below, and close its edge with a rim."""
    inside = under > 0
    count = inside[skin_triangles].sum(axis=1)
    whole = skin_triangles[count == 3]
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

    kept = [[point(v, v) for v in triangle] for triangle in whole.tolist()]
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
    depth = np.where(f == s, under[f], 0.0)
    rounding = np.sqrt(np.clip(depth / ROUNDING_MM, 0.0, 1.0))
    offset = EDGE_THICKNESS + (THICKNESS - EDGE_THICKNESS) * rounding
    hem = _border(np.array(kept), without=np.array(rim))
    edge = np.unique(np.array(rim))
    hem_points = np.unique(hem)
    inner = {int(v): len(f) + i for i, v in enumerate(edge)}
    fallen = {int(v): len(f) + len(edge) + i for i, v in enumerate(hem_points)}
    for a, b in rim:
        kept += [[b, a, inner[a]], [b, inner[a], inner[b]]]
    for a, b in hem.tolist():
        kept += [[b, a, fallen[a]], [b, fallen[a], fallen[b]]]
    copied = np.concatenate([edge, hem_points])
    num_own = len(f)
    offset = np.concatenate([offset, np.full(len(edge), RIM_DEPTH), offset[hem_points]])
    drop = np.zeros(num_own + len(copied))
    drop[num_own + len(edge) :] = HEM_DROP
    return Garment(
        first=np.concatenate([f, f[copied]]).astype(np.int32),
        second=np.concatenate([s, s[copied]]).astype(np.int32),
        share=np.concatenate([share, share[copied]]).astype(np.float32),
        offset=offset.astype(np.float32),
        under=(np.concatenate([depth, depth[copied]]) + drop * 1000.0).astype(np.float32),
        drop=drop.astype(np.float32),
        triangles=np.array(kept, np.int32),
    )


def _border(triangles: Int[Array, "triangle 3"], *, without: Int[Array, "edge 2"]) -> Int[Array, "hem_edge 2"]:
    """Directed edges that only one triangle has, except those of the collar."""
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = int(triangles.max()) + 1
    key = np.sort(sides, axis=1) @ np.array([count, 1])
    _, inverse, times = np.unique(key, return_inverse=True, return_counts=True)
    collar = np.sort(without, axis=1) @ np.array([count, 1])
    alone = (times[inverse.reshape(-1)] == 1) & ~np.isin(key, collar)
    found: Array = sides[alone]
    return found
