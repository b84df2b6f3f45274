"""Quantised maps on disk: bytes, differences along rows (they deflate better), fixed time stamps (same bytes again)."""

import io
import zipfile
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.output import written_beside

MARGIN = 4
"""Texels around each chart that repeat its border."""


def spread(values: Float[Array, " texel"], *, covered: Bool[Array, "size size"]) -> Float[Array, "size size"]:
    """An image of texel values; near a chart the nearest one, elsewhere their minimum magnitude, 0."""
    image = np.zeros(covered.shape, np.float32)
    image[covered] = values
    distance, nearest = distance_transform_edt(~covered, return_indices=True)
    near = distance <= MARGIN
    out = np.zeros_like(image)
    out[near] = image[nearest[0][near], nearest[1][near]]
    return out


def quantised(image: Float[Array, "size size"], *, bits: int) -> tuple[Array, Float[Array, "2"]]:
    """Row differences of the codes, and (value of code 0, step). 8 bits: [size, size]; 16: [2, size, size] by byte."""
    low, high = float(image.min()), float(image.max())
    step = max(high - low, 1e-6) / (2**bits - 1)
    if low < 0.0 < high:
        # Zero gets a code of its own, so that untouched skin stays exactly level.
        step = max(high, -low) / (2 ** (bits - 1) - 1)
        low = -step * 2 ** (bits - 1)
    codes = np.rint((image - low) / step)
    if bits == 8:
        stored = np.diff(codes.astype(np.uint8), axis=1, prepend=np.uint8(0))
    else:
        difference = np.diff(codes.astype(np.uint16), axis=1, prepend=np.uint16(0))
        stored = np.stack([difference >> 8, difference & 255]).astype(np.uint8)
    return stored, np.array([low, step], np.float32)


def write_arrays(arrays: dict[str, Array], path: Path) -> None:
    """An .npz without pickles or time stamps."""
    with written_beside(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            file.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED, 9
            )
