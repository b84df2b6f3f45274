"""`.skin.png`: where each wrinkle and each blood region lies in the head's texture coordinates, for shaders of engines.

Tiles of the whole chart, grey, ROWS by COLUMNS, row by row in the order of `mesh.targets.SKIN_CURVES`: 255 is a full
share of that curve. It is the same for every character.
"""

from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionSource
from face_emote.core.names import BLOOD_REGIONS
from face_emote.core.output import written_beside
from face_emote.core.png import png_bytes
from face_emote.core.types import Progress
from face_emote.formats.mesh.person import Person
from face_emote.formats.mesh.surface import surface_of
from face_emote.look.regions import blood_masks, wrinkle_masks

ROWS, COLUMNS = 4, 6
TILE = 128
STEPS = 16  # Points along each side of a quad at which it is asked: closer than texels.


def write_regions(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write the picture. Raises OptionError for an imported head, whose chart is not known."""
    if person.head.layout is None:
        raise OptionError(f"The skin's regions are known on the bundled head only; leave out the head: {path}")
    tiles = region_masks_in_chart(person).reshape(ROWS, COLUMNS, TILE, TILE).swapaxes(1, 2)
    picture = np.round(255.0 * tiles.reshape(ROWS * TILE, COLUMNS * TILE)).astype(np.uint8)
    with written_beside(path) as target:
        target.write_bytes(png_bytes(np.repeat(picture[..., None], 3, axis=2)))
    if progress is not None:
        progress(motion.num_frames, motion.num_frames, "exporting")


def region_masks_in_chart(person: Person) -> Float[Array, "curve tile tile"]:
    """Shares of `SKIN_CURVES` at every texel of a TILE, row 0 at the top; just off the charts their neighbours'."""
    layout = person.head.layout
    assert layout is not None
    surface = surface_of(person.head, parts=("skin",))
    millimetres = 1000.0 * surface.of(person.model.template)
    blood = blood_masks(millimetres, surface.of(layout.mask_ears))[:, : len(BLOOD_REGIONS)]
    masks = np.concatenate([wrinkle_masks(millimetres), blood], axis=1)
    assert surface.uv is not None and surface.uv_corners is not None
    t = (np.arange(STEPS) + 0.5) / STEPS
    share = np.stack([np.outer(1 - t, 1 - t), np.outer(1 - t, t), np.outer(t, t), np.outer(t, 1 - t)]).reshape(4, -1)
    uv = np.einsum("qck,cs->qsk", surface.uv[surface.uv_corners], share).reshape(-1, 2)
    values = np.einsum("qcm,cs->qsm", masks[surface.corners], share).reshape(-1, masks.shape[1])
    texel = np.clip((uv * (TILE, -TILE) + (0, TILE)).astype(np.int64), 0, TILE - 1)
    place = texel[:, 1] * TILE + texel[:, 0]
    count = np.bincount(place, minlength=TILE * TILE)
    total = np.stack([np.bincount(place, column, TILE * TILE) for column in values.T])
    return _filled(total.reshape(-1, TILE, TILE), count.reshape(TILE, TILE).astype(np.float64))


def _filled(
    total: Float[Array, "curve tile tile"], count: Float[Array, "tile tile"]
) -> Float[Array, "curve tile tile"]:
    """Means, carried two texels beyond the charts, which filters and small mipmaps read."""
    for _ in range(2):
        sums, counts = (np.pad(a, [*[(0, 0)] * (a.ndim - 2), (1, 1), (1, 1)]) for a in (total, count))
        empty = count == 0.0
        for down in range(3):
            for right in range(3):
                rows, columns = slice(down, down + TILE), slice(right, right + TILE)
                total[:, empty] += sums[:, rows, columns][:, empty]
                count[empty] += counts[rows, columns][empty]
    found: Array = total / np.maximum(count, 1.0)
    return found.astype(np.float32)
