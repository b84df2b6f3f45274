"""A folder of binary `.ply` files, one a frame: `frame_0001.ply` is the first.

All frames have all the head's vertices in its own order, and the same faces (quads on the bundled head).
"""

import re
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Int
from face_emote.core.output import folder_written_beside
from face_emote.core.types import MotionSource
from face_emote.exporting.mesh_space import OURS, MeshSpace
from face_emote.exporting.person import Progress, person_of, posed_blocks
from face_emote.exporting.surface_parts import MATERIAL_PARTS
from face_emote.face.head import Head

OWN_NAMES = re.compile(r"frame_\d{4,}\.ply")
"""A folder that holds nothing else may be replaced by a new export."""
HEADER = """\
ply
format binary_little_endian 1.0
element vertex {vertices}
property float x
property float y
property float z
element face {faces}
property list uchar int vertex_indices
end_header
"""


def write_ply(
    motion: MotionSource, folder: Path, *, head: Head, space: MeshSpace = OURS, progress: Progress | None = None
) -> None:
    """Write every frame of a motion into `folder`. Memory does not grow with the length.

    Raises:
        HeadError: the motion belongs to another face model.
        OutputError: the folder cannot be written, or holds other files.
    """
    person = person_of(motion, head)
    corners = _faces(person)
    header = HEADER.format(vertices=person.num_vertices, faces=len(corners)).encode("ascii")
    row = np.dtype([("count", "u1"), ("corners", "<i4", (corners.shape[1],))])
    faces = np.empty(len(corners), row)
    faces["count"], faces["corners"] = corners.shape[1], corners
    digits = max(4, len(str(motion.num_frames)))
    with folder_written_beside(folder, own_names=OWN_NAMES) as target:
        number = 0
        for _, block in posed_blocks(motion, person):
            for vertices in space.placed(block):
                number += 1
                data = header + vertices.astype("<f4").tobytes() + faces.tobytes()
                (target / f"frame_{number:0{digits}d}.ply").write_bytes(data)
            if progress is not None:
                progress(number, motion.num_frames, "exporting")


def _faces(head: Head) -> Int[Array, "face corner"]:
    """What has a material; lashes need a hair shader and stay out, but their vertices are there."""
    if head.layout is None:
        return head.faces
    names = [name for parts in MATERIAL_PARTS.values() for name in parts]
    return head.layout.quads[head.layout.in_parts(*names)]
