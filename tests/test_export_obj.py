"""A folder of .obj files holds the head's vertices, frame by frame, and never costs anybody a file."""

import dataclasses

import numpy as np
import pytest
from fabricated import lively_motion

from face_emote.core.errors import OutputError
from face_emote.face.bundled import load_head
from face_emote.verbs.export import export


@pytest.fixture(scope="module")
def motion():
    return lively_motion(load_head(), 3)


def read_obj(path):
    """Vertices, texture coordinates, faces as lists of (vertex, uv), and the material of each face."""
    rows = {"v": [], "vt": []}
    faces, materials, material = [], [], None
    for line in path.read_text().splitlines():
        kind, *values = line.split()
        if kind in rows:
            rows[kind].append([float(value) for value in values])
        elif kind == "usemtl":
            material = values[0]
        elif kind == "f":
            faces.append([[int(number) for number in value.split("/")] for value in values])
            materials.append(material)
    return np.array(rows["v"]), np.array(rows["vt"]), np.array(faces) - 1, materials


def test_every_frame_holds_the_heads_vertices(motion, tmp_path):
    head = load_head()
    export(motion, tmp_path / "line")
    frames = sorted((tmp_path / "line").glob("frame_*.obj"))
    assert [path.name for path in frames] == ["frame_0001.obj", "frame_0002.obj", "frame_0003.obj"]
    for path, expected in zip(frames, head.vertices(motion), strict=True):
        vertices, uv, faces, materials = read_obj(path)
        assert np.abs(vertices - expected).max() < 1e-6
        assert set(materials) == {"skin", "eyes", "teeth", "mouth"}
        assert faces[..., 0].max() < len(vertices) and faces[..., 1].max() < len(uv)
    drawn = head.layout.in_parts("lashL", "lashR")
    assert np.array_equal(np.sort(faces[..., 0], axis=None), np.sort(head.layout.quads[~drawn], axis=None))
    assert (tmp_path / "line" / "head.mtl").read_text().count("newmtl") == 4


def test_a_head_without_layout_writes_its_triangles(motion, tmp_path):
    plain = dataclasses.replace(load_head(), layout=None)
    export(motion.part(0, 1), tmp_path / "flame", head=plain)
    assert (tmp_path / "flame" / "frame_0001.obj").read_text().count("\nf ") == len(plain.faces)


def test_a_second_export_replaces_the_first_whole(motion, tmp_path):
    export(motion, tmp_path / "line")
    export(motion.part(0, 1), tmp_path / "line")
    assert sorted(path.name for path in (tmp_path / "line").iterdir()) == ["frame_0001.obj", "head.mtl"]
    assert [path.name for path in tmp_path.iterdir()] == ["line"]


def test_a_folder_with_other_files_is_left_alone(motion, tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(OutputError, match=r"holds other files \(thesis.doc\)"):
        export(motion, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_an_error_half_way_leaves_nothing(motion, tmp_path):
    class Interrupted(type(motion)):
        def blocks(self, size=256):
            yield self.part(0, 1)
            raise KeyboardInterrupt

    rows = {field.name: getattr(motion, field.name) for field in dataclasses.fields(motion)}
    with pytest.raises(KeyboardInterrupt):
        export(Interrupted(**rows), tmp_path / "line")
    assert not list(tmp_path.iterdir())
