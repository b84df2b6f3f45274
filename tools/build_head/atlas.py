"""Texture coordinates: the face gets most of the map, every part its own place; eyelash coordinates; vertex masks."""

from pathlib import Path

import numpy as np
from PIL import Image

from face_emote.core.arrays import Array, Float
from tools.build_head.cut import Mesh

HEAD_FLOOR = 0.36
"""The head chart fills the map above this height."""
STRETCH = 10.0
"""asinh warp: how much denser the middle of the face is than the back of the head."""
PLACES = {
    "torso": (0.005, 0.005, 0.60, 0.345),
    "mouth": (0.62, 0.17, 0.82, 0.345),
    "tongue": (0.84, 0.17, 0.995, 0.345),
    "socketL": (0.62, 0.005, 0.71, 0.155),
    "socketR": (0.72, 0.005, 0.81, 0.155),
    "eyeL": (0.83, 0.10, 0.90, 0.165),
    "eyeR": (0.91, 0.10, 0.98, 0.165),
    "teethU": (0.83, 0.055, 0.905, 0.09),
    "teethL": (0.83, 0.01, 0.905, 0.045),
    "lashL": (0.985, 0.10, 0.998, 0.13),
    "lashR": (0.985, 0.135, 0.998, 0.165),
}
"""Boxes (left, bottom, right, top) of the other charts; `toothU` and `toothL` follow in teeth.py."""
CHART_AXIS = 0.4833
CHART_CROWN = 0.9936
FACE_HEIGHT = 0.10
"""MakeHuman's head chart lies on its side: its symmetry axis, its crown end, the face's middle from there."""
LASH_LENGTH = 0.0095
MASKS = {
    "mask_lips": "mpfb_lips.jpg",
    "mask_eyelids": "mpfb_eyelids.jpg",
    "mask_ears": "mpfb_ears.jpg",
    "mask_face": "mpfb_face.jpg",
    "mask_inside_mouth": "mpfb_inside-mouth.jpg",
}


def pack_atlas(mesh: Mesh, vertices: Float[Array, "vertex 3"]) -> Float[Array, "uv_vertex 2"]:
    """New texture coordinates for MakeHuman's charts."""
    original = mesh.uv
    packed = np.zeros_like(original)
    head = mesh.uv_of("head")
    on_head = mesh.in_parts("head")
    x = vertices[mesh.quads[on_head], 0].ravel()
    side = np.sign(np.corrcoef(x, original[mesh.quad_uv[on_head], 1].ravel())[0, 1])
    across = side * (original[head, 1] - CHART_AXIS)
    down = CHART_CROWN - original[head, 0]
    warp = np.arcsinh(STRETCH * across) / np.arcsinh(STRETCH * np.abs(across).max())
    low, high = np.arcsinh(-STRETCH * FACE_HEIGHT), np.arcsinh(STRETCH * (down.max() - FACE_HEIGHT))
    up = (np.arcsinh(STRETCH * (down - FACE_HEIGHT)) - low) / (high - low)
    packed[head] = np.stack([0.5 + 0.5 * warp, HEAD_FLOOR + (1.0 - HEAD_FLOOR) * up], axis=1)
    for name, (left, bottom, right, top) in PLACES.items():
        index = mesh.uv_of(name)
        points = original[index]
        corner = points.min(axis=0)
        scale = (np.array([right - left, top - bottom]) / np.ptp(points, axis=0)).min()
        packed[index] = (points - corner) * scale + [left, bottom]
    return packed


def lash_coordinates(mesh: Mesh, vertices: Float[Array, "vertex 3"]) -> Float[Array, "uv_vertex 2"]:
    """Along the lid 0..1 and from the root 0 outwards, for drawing single hairs; zero off the lashes."""
    out = np.zeros_like(mesh.uv)
    for side in "LR":
        lid = vertices[mesh.shared("head", f"socket{side}")]
        on_strip = mesh.in_parts(f"lash{side}")
        points = vertices[mesh.quads[on_strip].ravel()]
        root = np.linalg.norm(points[:, None] - lid[None], axis=2).min(axis=1)
        along = (points[:, 0] - lid[:, 0].min()) / np.ptp(lid[:, 0])
        out[mesh.quad_uv[on_strip].ravel()] = np.stack([along, root / LASH_LENGTH], axis=1)
    return out


def sample_mask(mesh: Mesh, picture: Path, *, uv: Float[Array, "uv_vertex 2"]) -> Float[Array, " vertex"]:
    """Grey value 0..1 of a picture in MakeHuman's chart at every vertex (bilinear)."""
    with Image.open(picture) as image:
        grey = np.asarray(image.convert("L"), np.float64) / 255.0
    height, width = grey.shape
    own = np.zeros((len(mesh.source), 2))
    own[mesh.quads.ravel()] = uv[mesh.quad_uv.ravel()]
    x = np.clip(own[:, 0] * width - 0.5, 0, width - 2)
    y = np.clip((1.0 - own[:, 1]) * height - 0.5, 0, height - 2)
    column, row = x.astype(np.int64), y.astype(np.int64)
    fx, fy = x - column, y - row
    upper = grey[row, column] * (1 - fx) + grey[row, column + 1] * fx
    lower = grey[row + 1, column] * (1 - fx) + grey[row + 1, column + 1] * fx
    value = upper * (1 - fy) + lower * fy
    out: Float[Array, " vertex"] = (
        np.maximum(value, value[mesh.mirror]) * 0.5 + np.minimum(value, value[mesh.mirror]) * 0.5
    )
    return out
