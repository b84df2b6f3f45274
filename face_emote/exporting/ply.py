"""A folder of binary `.ply` files, one a frame: `frame_0001.ply` is the first; or one `.ply` of one instant.

All frames have the same vertices, without other options all the head's in its own order, and the same faces (quads on
the bundled head).
"""

import re
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.output import folder_written_beside, written_beside
from face_emote.core.types import MotionSource
from face_emote.exporting.blush_colours import BlushColours, blush_colours
from face_emote.exporting.mesh_options import PLAIN, MeshOptions
from face_emote.exporting.person import Progress, person_of, posed_blocks
from face_emote.exporting.surface import Surface, surface_of
from face_emote.face.characters import character
from face_emote.face.head import Head

OWN_NAMES = re.compile(r"frame_\d{4,}\.ply")
"""A folder that holds nothing else may be replaced by a new export."""
PLACES = ("x", "y", "z")
COLOURS = ("red", "green", "blue")


def write_ply(
    motion: MotionSource,
    folder: Path,
    *,
    head: Head,
    options: MeshOptions = PLAIN,
    progress: Progress | None = None,
) -> None:
    """Write every frame of a motion into `folder`. Memory does not grow with the length.

    Raises:
        HeadError: the motion belongs to another face model.
        OptionError: parts of an imported head.
        OutputError: the folder cannot be written, or holds other files.
    """
    person = person_of(motion, head)
    surface, colours = _prepared(motion, person, options)
    faces = _face_bytes(surface)
    digits = max(4, len(str(motion.num_frames)))
    with folder_written_beside(folder, own_names=OWN_NAMES) as target:
        number = 0
        for block, vertices in posed_blocks(motion, person):
            for frame, places in enumerate(surface.frames(vertices)):
                number += 1
                rows = _vertex_bytes(options.space.placed(places), colours, blood_flow=block.blood_flow[frame])
                data = _header(surface, coloured=colours is not None) + rows + faces
                (target / f"frame_{number:0{digits}d}.ply").write_bytes(data)
            if progress is not None:
                progress(number, motion.num_frames, "exporting")


def write_one_ply(
    motion: MotionSource,
    path: Path,
    *,
    head: Head,
    options: MeshOptions = PLAIN,
    progress: Progress | None = None,
) -> None:
    """Write the first frame of a motion as one file. Errors as `write_ply`."""
    person = person_of(motion, head)
    surface, colours = _prepared(motion, person, options)
    block, vertices = next(posed_blocks(motion, person))
    rows = _vertex_bytes(options.space.placed(surface.of(vertices[0])), colours, blood_flow=block.blood_flow[0])
    with written_beside(path) as target:
        target.write_bytes(_header(surface, coloured=colours is not None) + rows + _face_bytes(surface))
    if progress is not None:
        progress(1, 1, "exporting")


def _prepared(motion: MotionSource, person: Head, options: MeshOptions) -> tuple[Surface, BlushColours | None]:
    surface = surface_of(person, lod=options.lod, parts=options.parts)
    return surface, blush_colours(surface, character(motion.character).skin) if options.blush else None


def _header(surface: Surface, *, coloured: bool) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {surface.num_vertices}"]
    lines += [f"property float {name}" for name in PLACES]
    lines += [f"property uchar {name}" for name in COLOURS if coloured]
    lines += [f"element face {len(surface.corners)}", "property list uchar int vertex_indices", "end_header"]
    return ("\n".join(lines) + "\n").encode("ascii")


def _vertex_bytes(
    places: Float[Array, "vertex 3"], colours: BlushColours | None, *, blood_flow: Float[Array, " region=8"]
) -> bytes:
    if colours is None:
        return places.astype("<f4").tobytes()
    rows = np.empty(len(places), np.dtype([("place", "<f4", (3,)), ("colour", "u1", (3,))]))
    rows["place"], rows["colour"] = places, colours.srgb(blood_flow)
    return rows.tobytes()


def _face_bytes(surface: Surface) -> bytes:
    corners = surface.corners
    rows = np.empty(len(corners), np.dtype([("count", "u1"), ("corners", "<i4", (corners.shape[1],))]))
    rows["count"], rows["corners"] = corners.shape[1], corners
    return rows.tobytes()
