# SPDX-License-Identifier: GPL-3.0-or-later
"""Corneas: a round cap before each eyeball, so that iris and pupil are faces of their own in every viewport mode.

The modelled eyeball has eight meridians; its iris lives in a picture, which Solid mode shows in one colour type only.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

PARTS = ("iris", "pupil")
"""Materials behind those of the head."""
SEGMENTS = 32
PUPIL, IRIS = 0.10, 0.355
"""Radians from the axis of the eye, as in the engine's picture, which spans SPAN."""
WIDENS, MOST_WIDENED = "pupilDilate", 1.4
"""The shape that widens the pupils, and by which factor, as the engine's does."""
SPAN = 1.6
TILT = (0.07, -0.02)
"""The axis of a modelled eyeball: radians outwards and up from straight ahead."""
RINGS = ((PUPIL, 1.010), (0.235, 1.010), (IRIS, 1.007), (0.46, 0.975), (0.56, 0.86))
"""Angle and radius in radii of the eyeball; the last ones dive into the white."""


@dataclass(frozen=True, slots=True)
class _Cap:
    """One cornea."""

    points: np.ndarray
    uv: np.ndarray
    quads: np.ndarray
    part: np.ndarray
    """Of each quad: 0 white, 1 iris, 2 pupil."""


def with_corneas(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The head's arrays with both caps behind all else; they move with the eyeballs in every shape key."""
    out = dict(arrays)
    names = arrays["material_names"].tolist()
    eyes = arrays["quads"][arrays["quad_material"] == names.index("eyes")]
    materials = np.array([names.index("eyes"), len(names), len(names) + 1], np.int32)
    out["material_names"] = np.array([*names, *PARTS])
    for side, joint in ((1.0, "eye_left"), (-1.0, "eye_right")):
        ball = np.unique(eyes[(side * arrays["vertices"][eyes][..., 0]).mean(axis=1) > 0.0])
        places = arrays["vertices"][ball].astype(np.float64)
        cap = _cap(places, side=side)
        number = len(cap.points)
        # A turn is an affine map of places: fitted to the eyeball's vertices, it is the cap's too.
        affine = np.linalg.pinv(np.c_[places, np.ones(len(places))])
        moved = np.c_[cap.points, np.ones(number)] @ (affine @ arrays["key_deltas"][:, ball].astype(np.float64))
        keys = arrays["key_names"].tolist()
        if WIDENS in keys:
            moved[keys.index(WIDENS)] = _cap(places, side=side, widened=MOST_WIDENED).points - cap.points
        weights = np.zeros((number, len(arrays["joint_names"])), np.float32)
        weights[:, arrays["joint_names"].tolist().index(joint)] = 1.0
        added: dict[str, np.ndarray] = {
            "quads": cap.quads + len(out["vertices"]), "vertices": cap.points, "quad_uv": cap.uv[cap.quads],
            "quad_material": materials[cap.part], "skin_weights": weights,
        }  # fmt: skip
        added |= {name: np.zeros((number, arrays[name].shape[1])) for name in ("wrinkle_masks", "blood_masks")}
        for name, more in added.items():
            out[name] = np.concatenate([out[name], more.astype(out[name].dtype)])
        out["key_deltas"] = np.concatenate([out["key_deltas"], moved.astype(np.float32)], axis=1)
    return out


def _cap(ball: np.ndarray, *, side: float, widened: float = 1.0) -> _Cap:
    """Rings around the axis of an eyeball; two segments share a quad in the middle."""
    centre = 0.5 * (ball.min(axis=0) + ball.max(axis=0))
    radius = np.linalg.norm(ball - centre, axis=1).mean()
    axis = np.array([TILT[0] * side, TILT[1], 1.0])
    axis /= np.linalg.norm(axis)
    right = np.cross((0.0, 1.0, 0.0), axis)
    right /= np.linalg.norm(right)
    turn = 2.0 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    around = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points, uv = [centre + RINGS[0][1] * radius * axis], [np.full(2, 0.5)]
    for angle, share in RINGS:
        place = angle * widened if angle < IRIS else angle
        across = around @ np.stack([right, np.cross(axis, right)])
        points += list(centre + share * radius * (np.sin(place) * across + np.cos(place) * axis))
        uv += list(0.5 + 0.5 * angle / SPAN * around)
    number = np.arange(SEGMENTS)
    quads = [np.stack([0 * number, 1 + number, 1 + (number + 1) % SEGMENTS, 1 + (number + 2) % SEGMENTS], axis=1)[::2]]
    part = [np.full(SEGMENTS // 2, 2)]
    for ring in range(len(RINGS) - 1):
        inner, outer = 1 + ring * SEGMENTS, 1 + (ring + 1) * SEGMENTS
        after = (number + 1) % SEGMENTS
        quads.append(np.stack([inner + number, outer + number, outer + after, inner + after], axis=1))
        part.append(np.full(SEGMENTS, 1 if RINGS[ring + 1][0] <= IRIS else 0))
    return _Cap(np.array(points), np.array(uv), np.concatenate(quads), np.concatenate(part))


def solid_colours(arrays: dict[str, np.ndarray], pictures: dict[str, Any], plain: dict[str, Any]) -> np.ndarray:
    """Colour of every corner [quad * 4, 4] in sRGB: from the part's picture, or its one colour."""
    colours = np.ones((*arrays["quad_uv"].shape[:2], 4), np.float32)
    for number, part in enumerate(arrays["material_names"].tolist()):
        own = arrays["quad_material"] == number
        if part in plain:
            colours[own, :, :3] = np.asarray(plain[part]) ** (1.0 / 2.2)
            continue
        image = pictures["skin" if part == "skin" else "eyes"]
        pixels = np.empty(len(image.pixels), np.float32)
        image.pixels.foreach_get(pixels)
        width, height = image.size
        place = np.clip((arrays["quad_uv"][own] * (width, height)).astype(int), 0, (width - 1, height - 1))
        colours[own] = pixels.reshape(height, width, -1)[place[..., 1], place[..., 0]]
    return colours.reshape(-1, 4)
