"""A folder of files, one a frame: what `.obj` and `.ply` have in common."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.output import folder_written_beside
from face_emote.face.characters import character
from face_emote.face.head import Head
from face_emote.formats.mesh.blush_colours import BlushColours, blush_colours
from face_emote.formats.mesh.options import MeshOptions
from face_emote.formats.mesh.person import Progress, posed_blocks
from face_emote.formats.mesh.surface import Surface, surface_of

FrameContent = Callable[[Float[Array, "vertex 3"], Float[Array, " region=8"]], bytes]
"""One file, of the places of its vertices and the blood flow."""


def prepared_surface(
    motion: MotionSource, person: Head, options: MeshOptions
) -> tuple[Surface, BlushColours | None]:  # fmt: skip
    """The surface that is written, and its colours where they are asked for."""
    surface = surface_of(person, lod=options.lod, parts=options.parts)
    return surface, blush_colours(surface, character(motion.character).skin) if options.blush else None


def write_frames(
    motion: MotionSource,
    folder: Path,
    content: FrameContent,
    *,
    person: Head,
    surface: Surface,
    options: MeshOptions,
    suffix: str,
    own_names: re.Pattern[str],
    extra: Mapping[str, bytes],
    progress: Progress | None,
) -> None:
    """Write `frame_0001` + suffix .. and the `extra` files by name. Memory does not grow with the length.

    Raises:
        OutputError: the folder cannot be written, or holds other files than `own_names`.
    """
    digits = max(4, len(str(motion.num_frames)))
    with folder_written_beside(folder, own_names=own_names) as target:
        for name, data in extra.items():
            (target / name).write_bytes(data)
        number = 0
        for block, vertices in posed_blocks(motion, person):
            for frame, places in enumerate(surface.frames(vertices)):
                number += 1
                data = content(options.space.placed(places), block.blood_flow[frame])
                (target / f"frame_{number:0{digits}d}{suffix}").write_bytes(data)
            if progress is not None:
                progress(number, motion.num_frames, "exporting")


def first_frame(
    motion: MotionSource, content: FrameContent, *, person: Head, surface: Surface, options: MeshOptions
) -> bytes:
    """The file of the first frame."""
    block, vertices = next(posed_blocks(motion, person))
    return content(options.space.placed(surface.of(vertices[0])), block.blood_flow[0])
