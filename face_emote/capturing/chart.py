"""The face laid flat: a frontal map in the average head's millimetres, filled from any picture by its landmarks alone.

Each texel is a fixed blend of three landmarks, so that unwrapping a picture needs no fitted mesh.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from face_emote.capturing.face_mesh import INNER_LIP_LOOP, LEFT_BROW, LEFT_EYE, NUM_SKIN, RIGHT_BROW, RIGHT_EYE
from face_emote.core.arrays import Array, Bool, Float, Int, UInt8
from face_emote.face.head import Head
from face_emote.look.regions import blood_masks, wrinkle_masks

LEFT_MM, TOP_MM, WIDTH, HEIGHT = -72, 112, 144, 184
"""A texel a millimetre; the first is the upper left one, seen from the front."""
LEAST_FACING = 0.35  # Share of the usual area per texel below which skin is seen too obliquely.
NUM_BLOOD = 8


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """The map: `height` x `width` texels, here in rows of one array."""

    corners: Int[Array, "texel 3"]  # Landmarks between which each texel lies.
    weights: Float[Array, "texel 3"]
    area: Float[Array, " texel"]  # Twice the triangle's area at rest, mm^2, signed.
    inside: Bool[Array, " texel"]
    skin: Bool[Array, " texel"]  # Neither eyes nor brows nor the opening of the mouth.
    middle: Bool[Array, " texel"]  # Of the skin what neither hair nor the turning of the head reaches.
    wrinkles: Float[Array, "texel wrinkle=16"]
    blood: Float[Array, "texel region=8"]


@lru_cache(maxsize=1)
def make_chart(head: Head) -> Chart:
    """The map of the bundled head's landmarks."""
    import cv2
    from scipy.spatial import Delaunay

    points = head.landmark478_points
    assert points is not None
    rest = points.of(head.template[None].astype(np.float64))[0, :NUM_SKIN] * 1e3
    grid_x, grid_y = np.meshgrid(LEFT_MM + np.arange(WIDTH), TOP_MM - np.arange(HEIGHT))
    place = np.stack([grid_x.ravel(), grid_y.ravel()], axis=1).astype(np.float64)
    mesh: Any = Delaunay(rest[:, :2])
    triangle = mesh.find_simplex(place)
    inside = triangle >= 0
    affine = mesh.transform[triangle]
    first_two = np.einsum("nij,nj->ni", affine[:, :2], place - affine[:, 2])
    weights = np.where(inside[:, None], np.c_[first_two, 1.0 - first_two.sum(axis=1)], 0.0)
    corners = mesh.simplices[triangle]
    depth = (rest[:, 2][corners] * weights).sum(axis=1)
    hole = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixel = np.stack([rest[:, 0] - LEFT_MM, TOP_MM - rest[:, 1]], axis=1).astype(np.int32)
    for loop in (RIGHT_EYE, LEFT_EYE, RIGHT_BROW, LEFT_BROW):
        cv2.fillPoly(hole, [cv2.convexHull(pixel[list(loop)])], [1])
    cv2.fillPoly(hole, [pixel[list(INNER_LIP_LOOP)]], [1])
    skin = inside & (cv2.dilate(hole, np.ones((3, 3), np.uint8)).ravel() == 0)
    position = np.c_[place, depth]
    return Chart(
        corners=corners,
        weights=weights.astype(np.float32),
        area=_twice_area(rest[:, :2].astype(np.float32)[corners]),
        inside=inside,
        skin=skin,
        middle=skin & (np.hypot(place[:, 0] / 50.0, (place[:, 1] - 14.0) / 68.0) < 1.0),
        wrinkles=(wrinkle_masks(position) * skin[:, None]).astype(np.float32),
        blood=(blood_masks(position, np.zeros(len(place)))[:, :NUM_BLOOD] * skin[:, None]).astype(np.float32),
    )


def _twice_area(triangle: Float[Array, "texel 3 2"]) -> Float[Array, " texel"]:
    a, b = triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0]
    area: Array = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return area


@dataclass(frozen=True, slots=True, eq=False)
class Unwrapped:
    """One picture on the chart."""

    colour: UInt8[Array, "row column 3"]  # sRGB.
    facing: Bool[Array, " texel"]  # Seen squarely enough.


def unwrap(chart: Chart, picture: UInt8[Array, "height width 3"], landmarks: Float[Array, "_ 2"]) -> Unwrapped:
    """Lay the face of a picture flat."""
    import cv2

    triangle = landmarks[:NUM_SKIN].astype(np.float32)[chart.corners]
    place = np.einsum("nck,nc->nk", triangle, chart.weights).reshape(HEIGHT, WIDTH, 2) - np.float32(0.5)
    colour = cv2.remap(picture, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = -_twice_area(triangle) / np.where(np.abs(chart.area) < 1e-6, np.float32(1e-6), chart.area)
    facing = share > LEAST_FACING * np.median(share[chart.inside])
    return Unwrapped(colour=np.asarray(colour), facing=facing)
