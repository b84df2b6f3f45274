"""A folder of Wavefront `.obj` files, one a frame, for tools that read nothing else.

`frame_0001.obj` is the first frame. All frames have the same vertices in the head's own order and the same quads, so
they import as a vertex sequence. One `head.mtl` names the materials.
"""

import re
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Int
from face_emote.core.output import folder_written_beside
from face_emote.core.types import MotionSource
from face_emote.exporting.materials import SURFACES
from face_emote.exporting.mesh_space import OURS, MeshSpace
from face_emote.exporting.person import Progress, person_of, posed_blocks
from face_emote.exporting.surface_parts import MATERIAL_PARTS
from face_emote.face.head import Head

MATERIAL_FILE = "head.mtl"
OWN_NAMES = re.compile(r"frame_\d{4,}\.obj|head\.mtl")
"""A folder that holds nothing else may be replaced by a new export."""


def write_obj(
    motion: MotionSource, folder: Path, *, head: Head, space: MeshSpace = OURS, progress: Progress | None = None
) -> None:
    """Write every frame of a motion into `folder`. Memory does not grow with the length.

    Raises:
        HeadError: the motion belongs to another face model.
        OutputError: the folder cannot be written, or holds other files.
    """
    person = person_of(motion, head)
    surface = _surface_text(person)
    digits = max(4, len(str(motion.num_frames)))
    row = "v %.6f %.6f %.6f\n" * person.num_vertices
    with folder_written_beside(folder, own_names=OWN_NAMES) as target:
        (target / MATERIAL_FILE).write_text(_material_text(), encoding="ascii", newline="\n")
        number = 0
        for _, block in posed_blocks(motion, person):
            for vertices in space.placed(block):
                number += 1
                text = f"mtllib {MATERIAL_FILE}\no head\n{row % tuple(vertices.ravel().tolist())}{surface}"
                (target / f"frame_{number:0{digits}d}.obj").write_text(text, encoding="ascii", newline="\n")
            if progress is not None:
                progress(number, motion.num_frames, "exporting")


def _surface_text(head: Head) -> str:
    """Texture coordinates and faces: the same in every frame."""
    layout = head.layout
    if layout is None:
        return "s 1\nusemtl skin\n" + _face_lines(head.faces, None)
    lines = ["vt %.6f %.6f\n" % (u, v) for u, v in layout.uv.tolist()]  # noqa: UP031 (same form as the vertex rows)
    lines.append("s 1\n")
    for material, parts in MATERIAL_PARTS.items():
        chosen = layout.in_parts(*parts)
        lines += [f"usemtl {material}\n", _face_lines(layout.quads[chosen], layout.quad_uv[chosen])]
    return "".join(lines)


def _face_lines(corners: Int[Array, "face corner"], uv_corners: Int[Array, "face corner"] | None) -> str:
    """Faces count from 1 in an .obj."""
    if uv_corners is None:
        form, numbers = "f" + " %d" * corners.shape[1] + "\n", corners + 1
    else:
        form = "f" + " %d/%d" * corners.shape[1] + "\n"
        numbers = np.stack([corners, uv_corners], axis=-1) + 1
    return form * len(corners) % tuple(numbers.ravel().tolist())


def _material_text() -> str:
    return "".join(
        f"newmtl {surface.name}\nKd {surface.red:.4f} {surface.green:.4f} {surface.blue:.4f}\nillum 2\n\n"
        for surface in SURFACES
    )
