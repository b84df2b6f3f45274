"""A folder of binary `.ply` files, one a frame: `frame_0001.ply` is the first; or one `.ply` of one instant.

All frames have the same vertices, without other options all the head's in its own order, and the same faces (quads on
the bundled head).
"""

import re
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.output import written_beside
from face_emote.face.head import Head
from face_emote.formats.frame_folder import FrameContent, first_frame, prepared_surface, write_frames
from face_emote.formats.mesh.blush_colours import BlushColours
from face_emote.formats.mesh.options import PLAIN, MeshOptions
from face_emote.formats.mesh.person import Progress, person_of
from face_emote.formats.mesh.surface import Surface

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
    surface, colours = prepared_surface(motion, person, options)
    write_frames(
        motion, folder, _file_content(surface, colours), person=person, surface=surface, options=options,
        suffix=".ply", own_names=OWN_NAMES, extra={}, progress=progress,
    )  # fmt: skip


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
    surface, colours = prepared_surface(motion, person, options)
    content = _file_content(surface, colours)
    with written_beside(path) as target:
        target.write_bytes(first_frame(motion, content, person=person, surface=surface, options=options))
    if progress is not None:
        progress(1, 1, "exporting")


def _file_content(surface: Surface, colours: BlushColours | None) -> FrameContent:
    header, faces = _header(surface, coloured=colours is not None), _face_bytes(surface)

    def content(places: Float[Array, "vertex 3"], blood_flow: Float[Array, " region=8"]) -> bytes:
        return header + _vertex_bytes(places, colours, blood_flow=blood_flow) + faces

    return content


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
