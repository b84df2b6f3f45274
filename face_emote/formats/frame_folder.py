"""A folder of files, one a frame (Wavefront `.obj`, binary `.ply`), for tools that read nothing else; or one instant.

`frame_0001` is the first frame. All frames have the same vertices, without other options all the head's in its own
order, and the same faces, so they import as a vertex sequence. Beside `.obj` files one `.mtl` names the materials; a
single `.obj` has none.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.motion import MotionSource
from face_emote.core.output import folder_written_beside, written_beside
from face_emote.core.types import Progress
from face_emote.formats.catalogue import FORMATS, MATERIAL_FILE
from face_emote.formats.mesh.colours import BlushColours
from face_emote.formats.mesh.materials import MATERIALS
from face_emote.formats.mesh.person import Person, posed_blocks
from face_emote.formats.mesh.surface import Surface

FrameContent = Callable[[Float[Array, "vertex 3"], Float[Array, " region=8"]], bytes]
"""One file, of the places of its vertices and the blood flow."""
PLACES = ("x", "y", "z")
COLOURS = ("red", "green", "blue")


def write_obj(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write every frame of a motion into a folder, or the only one as a file. Memory does not grow with the length.

    OutputError: it cannot be written there, or the folder holds other files.
    """
    head = "" if person.options.frame is not None else f"mtllib {MATERIAL_FILE}\n"
    faces = _obj_surface(person.surface)

    def content(places: Float[Array, "vertex 3"], blood_flow: Float[Array, " region=8"]) -> bytes:
        return f"{head}{_obj_vertices(places, person.colours, blood_flow=blood_flow)}{faces}".encode("ascii")

    beside = {MATERIAL_FILE: _obj_materials().encode("ascii")}
    _write(motion, path, content, person=person, suffix=".obj", beside=beside, progress=progress)


def write_ply(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """As `write_obj`; the bundled head has quads."""
    header = _ply_header(person.surface, coloured=person.colours is not None)
    faces = _ply_faces(person.surface)

    def content(places: Float[Array, "vertex 3"], blood_flow: Float[Array, " region=8"]) -> bytes:
        return header + _ply_vertices(places, person.colours, blood_flow=blood_flow) + faces

    _write(motion, path, content, person=person, suffix=".ply", beside={}, progress=progress)


def _write(
    motion: MotionSource, path: Path, content: FrameContent, *, person: Person, suffix: str,
    beside: Mapping[str, bytes], progress: Progress | None,
) -> None:  # fmt: skip
    if person.options.frame is not None:
        with written_beside(path) as target:
            for block, vertices in posed_blocks(motion, person.head, progress=progress):
                places = person.options.placed(person.surface.of(vertices[0]))
                target.write_bytes(content(places, block.blood_flow[0]))
        return
    digits, number = max(4, len(str(motion.num_frames))), 0
    with folder_written_beside(path, own_names=FORMATS[suffix].own_names) as folder:
        for name, data in beside.items():
            (folder / name).write_bytes(data)
        for block, vertices in posed_blocks(motion, person.head, progress=progress):
            for frame, places in enumerate(person.surface.frames(vertices)):
                number += 1
                data = content(person.options.placed(places), block.blood_flow[frame])
                (folder / f"frame_{number:0{digits}d}{suffix}").write_bytes(data)


def _obj_vertices(
    places: Float[Array, "vertex 3"], colours: BlushColours | None, *, blood_flow: Float[Array, " region=8"]
) -> str:
    """With colours the widely read `v x y z r g b`."""
    if colours is None:
        return "v %.6f %.6f %.6f\n" * len(places) % tuple(places.ravel().tolist())
    rows = np.concatenate([places, colours.srgb(blood_flow) / 255.0], axis=1)
    return "v %.6f %.6f %.6f %.4f %.4f %.4f\n" * len(rows) % tuple(rows.ravel().tolist())


def _obj_surface(surface: Surface) -> str:
    """Texture coordinates and faces: the same in every frame."""
    lines = []
    if surface.uv is not None:
        lines = ["vt %.6f %.6f\n" * len(surface.uv) % tuple(surface.uv.ravel().tolist())]
    for item in surface.objects():
        lines.append(f"o {item.name}\ns 1\n")
        for material, own in surface.material_faces(item.face_index):
            faces = item.face_index[own]
            uv_corners = None if surface.uv_corners is None else surface.uv_corners[faces]
            lines += [f"usemtl {material}\n", _obj_faces(surface.corners[faces], uv_corners)]
    return "".join(lines)


def _obj_faces(corners: Int[Array, "face corner"], uv_corners: Int[Array, "face corner"] | None) -> str:
    """Faces count from 1 in an .obj."""
    number = "%d" if uv_corners is None else "%d/%d"
    form: str = "f" + f" {number}" * corners.shape[1] + "\n"
    numbers = 1 + (corners if uv_corners is None else np.stack([corners, uv_corners], axis=-1))
    return form * len(corners) % tuple(numbers.ravel().tolist())


def _obj_materials() -> str:
    """Phong materials (Ns from roughness r as 2 / r^4 - 2, with which Blender's and others' importers invert it)."""
    return "".join(
        f"newmtl {item.name}\nKa 0 0 0\nKd {item.red:.4f} {item.green:.4f} {item.blue:.4f}\nKs 0.04 0.04 0.04\n"
        f"Ns {min(2.0 / item.roughness**4 - 2.0, 1000.0):.2f}\nd 1\nillum 2\n\n"
        for item in MATERIALS
    )


def _ply_header(surface: Surface, *, coloured: bool) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {surface.num_vertices}"]
    lines += [f"property float {name}" for name in PLACES]
    lines += [f"property uchar {name}" for name in COLOURS if coloured]
    lines += [f"element face {len(surface.corners)}", "property list uchar int vertex_indices", "end_header"]
    return ("\n".join(lines) + "\n").encode("ascii")


def _ply_vertices(
    places: Float[Array, "vertex 3"], colours: BlushColours | None, *, blood_flow: Float[Array, " region=8"]
) -> bytes:
    if colours is None:
        return places.astype("<f4").tobytes()
    rows = np.empty(len(places), np.dtype([("place", "<f4", (3,)), ("colour", "u1", (3,))]))
    rows["place"], rows["colour"] = places, colours.srgb(blood_flow)
    return rows.tobytes()


def _ply_faces(surface: Surface) -> bytes:
    corners = surface.corners
    rows = np.empty(len(corners), np.dtype([("count", "u1"), ("corners", "<i4", (corners.shape[1],))]))
    rows["count"], rows["corners"] = corners.shape[1], corners
    return rows.tobytes()
