"""What a pixel shows: those of its 2 x 2 samples that lie on one smooth surface of one material make one fragment.

A fragment is shaded once, in the middle of its samples, so that silhouettes, lips and lids are antialiased and nothing
is shaded four times in vain.
"""

from typing import NamedTuple

import numpy as np

from face_emote.rendering.stage.buffers import NUM_MATERIALS
from face_emote.rendering.stage.kernels import compiled, inlined

SAME_SURFACE = 0.004  # Relative depth difference up to which neighbouring samples share one shading.


class Fragments(NamedTuple):
    """Room for the fragments of some rows of pixels, in the order of pixels."""

    pixel: np.ndarray  # [fragment] row times width plus column.
    triangle: np.ndarray  # [fragment].
    place: np.ndarray  # [fragment, 2]: column and row on the grid of samples, whose centres lie at halves.
    share: np.ndarray  # [fragment] of the pixel, 0.25..1.
    near: np.ndarray  # [fragment]: 1 / depth at its first sample.
    colour: np.ndarray  # [fragment, 3], for whoever shades.
    order: np.ndarray  # [material, fragment]: fragments of each material.
    counts: np.ndarray  # [material] how many those are.


def room_for(num_pixels: int) -> Fragments:
    """Four fragments a pixel, the most there can be."""
    most = 4 * num_pixels
    return Fragments(
        pixel=np.empty(most, np.int32),
        triangle=np.empty(most, np.int32),
        place=np.empty((most, 2), np.float32),
        share=np.empty(most, np.float32),
        near=np.empty(most, np.float32),
        colour=np.empty((most, 3), np.float32),
        order=np.empty((NUM_MATERIALS, most), np.int32),
        counts=np.zeros(NUM_MATERIALS, np.int64),
    )


@inlined
def _same(material, face_id, inverse_depth, row, column, r, c):
    t, o = face_id[row, column], face_id[r, c]
    if t < 0 or o < 0:
        return t == o
    if t == o:
        return True
    w = inverse_depth[row, column]
    return material[t] == material[o] and abs(w - inverse_depth[r, c]) < SAME_SURFACE * w


@compiled
def list_fragments(face_id, inverse_depth, material, first_row, last_row, found, member):
    """Fill `found` with the fragments of some rows of pixels; returns how many.

    `face_id`, `inverse_depth` [2 height, 2 width]; `member`, of that shape or empty, receives the fragment of every
    sample, or -1.
    """
    width = face_id.shape[1] // 2
    keeps = member.shape[0] > 0
    found.counts[:] = 0
    number = 0
    for i in range(first_row, last_row):
        for j in range(width):
            row, column = 2 * i, 2 * j
            t = face_id[row, column]
            if t == face_id[row, column + 1] and t == face_id[row + 1, column] and t == face_id[row + 1, column + 1]:
                # Most pixels: all samples see one triangle, or nothing.
                done, whole = 15, True
            else:
                done, whole = 0, False
            if whole:
                if keeps:
                    owner = number if t >= 0 else -1
                    member[row, column] = member[row, column + 1] = owner
                    member[row + 1, column] = member[row + 1, column + 1] = owner
                if t >= 0:
                    found.near[number] = inverse_depth[row, column]
                    _add(found, number, i * width + j, t, column + 1.0, row + 1.0, 1.0, material[t])
                    number += 1
            for first in range(4):
                if done & (1 << first):
                    continue
                row, column = 2 * i + (first >> 1), 2 * j + (first & 1)
                t = face_id[row, column]
                share, x, y = 0.0, 0.0, 0.0
                for other in range(first, 4):
                    r, c = 2 * i + (other >> 1), 2 * j + (other & 1)
                    if done & (1 << other) or not _same(material, face_id, inverse_depth, row, column, r, c):
                        continue
                    done |= 1 << other
                    if keeps:
                        member[r, c] = number if t >= 0 else -1
                    share += 0.25
                    x += 0.25 * (c + 0.5)
                    y += 0.25 * (r + 0.5)
                if t >= 0:
                    found.near[number] = inverse_depth[row, column]
                    _add(found, number, i * width + j, t, x / share, y / share, share, material[t])
                    number += 1
    return number


@inlined
def _add(found, number, pixel, t, x, y, share, kind):
    found.pixel[number], found.triangle[number], found.share[number] = pixel, t, share
    found.place[number, 0], found.place[number, 1] = x, y
    found.order[kind, found.counts[kind]] = number
    found.counts[kind] += 1
