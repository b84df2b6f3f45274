"""A folder of Wavefront `.obj` files, one a frame, for tools that read nothing else; or one `.obj` of one instant.

`frame_0001.obj` is the first frame. All frames have the same vertices, without other options the head's own in its
order, and the same faces, so they import as a vertex sequence. One `.mtl` names the materials.
"""

import re
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.motion import MotionSource
from face_emote.core.output import written_beside
from face_emote.face.head import Head
from face_emote.formats.frame_folder import first_frame, prepared_surface, write_frames
from face_emote.formats.mesh.blush_colours import BlushColours
from face_emote.formats.mesh.materials import SURFACES
from face_emote.formats.mesh.options import PLAIN, MeshOptions
from face_emote.formats.mesh.person import Progress, person_of
from face_emote.formats.mesh.surface import Surface

MATERIAL_FILE = "head.mtl"
OWN_NAMES = re.compile(r"frame_\d{4,}\.obj|head\.mtl")
"""A folder that holds nothing else may be replaced by a new export."""


def write_obj(
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
    faces = _surface_text(surface)

    def content(places: Float[Array, "vertex 3"], blood_flow: Float[Array, " region=8"]) -> bytes:
        rows = _vertex_lines(places, colours, blood_flow=blood_flow)
        return f"mtllib {MATERIAL_FILE}\n{rows}{faces}".encode("ascii")

    write_frames(
        motion, folder, content, person=person, surface=surface, options=options, suffix=".obj", own_names=OWN_NAMES,
        extra={MATERIAL_FILE: _material_text().encode("ascii")}, progress=progress,
    )  # fmt: skip


def write_one_obj(
    motion: MotionSource,
    path: Path,
    *,
    head: Head,
    options: MeshOptions = PLAIN,
    progress: Progress | None = None,
) -> None:
    """Write the first frame of a motion as one file; materials have no file of their own. Errors as `write_obj`."""
    person = person_of(motion, head)
    surface, colours = prepared_surface(motion, person, options)

    def content(places: Float[Array, "vertex 3"], blood_flow: Float[Array, " region=8"]) -> bytes:
        return (_vertex_lines(places, colours, blood_flow=blood_flow) + _surface_text(surface)).encode("ascii")

    with written_beside(path) as target:
        target.write_bytes(first_frame(motion, content, person=person, surface=surface, options=options))
    if progress is not None:
        progress(1, 1, "exporting")


def _vertex_lines(
    places: Float[Array, "vertex 3"], colours: BlushColours | None, *, blood_flow: Float[Array, " region=8"]
) -> str:
    """With colours the widely read `v x y z r g b`."""
    if colours is None:
        return "v %.6f %.6f %.6f\n" * len(places) % tuple(places.ravel().tolist())
    rows = np.concatenate([places, colours.srgb(blood_flow) / 255.0], axis=1)
    return "v %.6f %.6f %.6f %.4f %.4f %.4f\n" * len(rows) % tuple(rows.ravel().tolist())


def _surface_text(surface: Surface) -> str:
    """Texture coordinates and faces: the same in every frame."""
    lines = []
    if surface.uv is not None:
        lines = ["vt %.6f %.6f\n" * len(surface.uv) % tuple(surface.uv.ravel().tolist())]
    for item in surface.objects():
        lines.append(f"o {item.name}\ns 1\n")
        for material, own in surface.material_faces(item.face_index):
            faces = item.face_index[own]
            uv_corners = None if surface.uv_corners is None else surface.uv_corners[faces]
            lines += [f"usemtl {material}\n", _face_lines(surface.corners[faces], uv_corners)]
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
    """Phong materials (Ns from roughness r as 2 / r^4 - 2, with which Blender's and others' importers invert it)."""
    return "".join(
        f"newmtl {item.name}\nKa 0 0 0\nKd {item.red:.4f} {item.green:.4f} {item.blue:.4f}\nKs 0.04 0.04 0.04\n"
        f"Ns {min(2.0 / item.roughness**4 - 2.0, 1000.0):.2f}\nd 1\nillum 2\n\n"
        for item in SURFACES
    )
