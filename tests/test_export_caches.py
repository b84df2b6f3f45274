"""Point caches and .ply folders hold the head's vertices, in the axes, unit and rate that were asked for."""

import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from fabricated import lively_motion
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.core.errors import HeadError, OptionError, OutputError
from face_emote.core.motion import resampled
from face_emote.core.types import FRAME_ARRAYS, FaceMotion
from face_emote.face.bundled import load_head
from face_emote.formats.mesh.person import person_of
from face_emote.formats.motion_file import read_motion
from face_emote.formats.point_cache import write_pc2
from face_emote.verbs.export import FORMATS, export, require_place

FARTHEST = 0.00005
"""Metres."""


@pytest.fixture(scope="module")
def motion():
    return lively_motion(load_head(), 70, fps=25.0)


@pytest.fixture(scope="module")
def vertices(motion):
    return load_head().vertices(motion)


def read_pc2(path):
    data = path.read_bytes()
    magic, version, points, first, per_sample, samples = struct.unpack_from("<12siiffi", data)
    assert (magic, version, first, per_sample) == (b"POINTCACHE2\0", 1, 0.0, 1.0)
    assert len(data) == 32 + samples * points * 12
    return np.frombuffer(data, "<f4", offset=32).reshape(samples, points, 3)


def read_mdd(path):
    data = path.read_bytes()
    frames, points = struct.unpack_from(">2i", data)
    assert len(data) == 8 + 4 * frames + 12 * frames * points
    times = np.frombuffer(data, ">f4", count=frames, offset=8)
    return times, np.frombuffer(data, ">f4", offset=8 + 4 * frames).reshape(frames, points, 3)


def read_ply(path):
    """Vertices and faces, read element by element as the header announces them."""
    head, _, body = path.read_bytes().partition(b"end_header\n")
    words = [line.split() for line in head.decode("ascii").splitlines()]
    assert words[:2] == [["ply"], ["format", "binary_little_endian", "1.0"]]
    counts = {row[1]: int(row[2]) for row in words if row[0] == "element"}
    assert [row[-1] for row in words if row[0] == "property"] == ["x", "y", "z", "vertex_indices"]
    points = np.frombuffer(body, "<f4", count=3 * counts["vertex"]).reshape(-1, 3)
    faces, at = [], 12 * counts["vertex"]
    for _ in range(counts["face"]):
        corners = body[at]
        faces.append(struct.unpack_from(f"<{corners}i", body, at + 1))
        at += 1 + 4 * corners
    assert at == len(body)
    return points, np.array(faces)


def test_pc2_and_mdd_hold_every_vertex(motion, vertices, tmp_path):
    assert np.abs(read_pc2(export(motion, tmp_path / "a.pc2")) - vertices).max() <= FARTHEST
    times, points = read_mdd(export(motion, tmp_path / "a.mdd"))
    assert np.abs(points - vertices).max() <= FARTHEST
    assert np.allclose(times, np.arange(70) / 25.0, atol=1e-6)


def test_a_ply_folder_holds_every_vertex_and_the_drawn_quads(motion, vertices, tmp_path):
    head = load_head()
    export(motion.part(0, 3), tmp_path / "a.ply")
    paths = sorted((tmp_path / "a.ply").iterdir())
    assert [path.name for path in paths] == ["frame_0001.ply", "frame_0002.ply", "frame_0003.ply"]
    for path, expected in zip(paths, vertices, strict=False):
        points, faces = read_ply(path)
        assert np.abs(points - expected).max() <= FARTHEST
    drawn = ~head.layout.in_parts("lashL", "lashR")
    assert np.array_equal(np.sort(faces, axis=None), np.sort(head.layout.quads[drawn], axis=None))


def test_a_second_ply_export_replaces_the_first_and_spares_other_files(motion, tmp_path):
    export(motion.part(0, 2), tmp_path / "a.ply")
    export(motion.part(0, 1), tmp_path / "a.ply")
    assert [path.name for path in (tmp_path / "a.ply").iterdir()] == ["frame_0001.ply"]
    (tmp_path / "b.ply").mkdir()
    (tmp_path / "b.ply" / "scan.ply").write_text("somebody's")
    with pytest.raises(OutputError, match="holds other files"):
        require_place(tmp_path / "b.ply")
    with pytest.raises(OutputError, match="holds other files"):
        export(motion.part(0, 1), tmp_path / "b.ply")


@pytest.mark.parametrize("suffix", [".pc2", ".mdd", ".csv", ".json"])
def test_same_motion_same_bytes(motion, suffix, tmp_path):
    first, second = (export(motion.part(0, 9), tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert first == second


def test_memory_does_not_grow_with_the_length(tmp_path):
    class Long(FaceMotion):
        """The same frames again and again."""

        def __init__(self, motion, num_frames):
            rows = {name: getattr(motion, name) for name in FRAME_ARRAYS}
            super().__init__(**rows, fps=motion.fps, info=motion.info, betas=motion.betas)
            object.__setattr__(self, "times", num_frames // motion.num_frames)

        @property
        def num_frames(self):
            return len(self.expression) * self.times

        def blocks(self, size=256):
            rows = {name: getattr(self, name)[:size] for name in FRAME_ARRAYS}
            for _ in range(self.times):
                yield FaceMotion(**rows, fps=self.fps, info=self.info, betas=self.betas)

    short, peaks = lively_motion(load_head(), 64), []
    for num_frames in (128, 128, 1024):
        tracemalloc.start()
        long = Long(short, num_frames)
        write_pc2(long, tmp_path / "a.pc2", person=person_of(long, head=load_head()))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (tmp_path / "a.pc2").stat().st_size == 32 + num_frames * 12 * load_head().num_vertices
    assert peaks[2] < 1.05 * peaks[1]


@pytest.mark.parametrize("name", ["a.pc2", "a.mdd", "a.ply", "a"])
def test_z_up_and_centimetres(motion, vertices, name, tmp_path):
    target = export(motion.part(0, 1), tmp_path / name, up="z", unit="cm")
    read = {
        "a.pc2": lambda: read_pc2(target)[0],
        "a.mdd": lambda: read_mdd(target)[1][0],
        "a.ply": lambda: read_ply(target / "frame_0001.ply")[0],
        "a": lambda: np.array(
            [
                line.split()[1:]
                for line in (target / "frame_0001.obj").read_text().splitlines()
                if line.startswith("v ")
            ],
            float,
        ),
    }[name]()
    x, y, z = vertices[0].T * 100.0
    assert np.abs(read - np.stack([x, -z, y], axis=1)).max() <= 100.0 * FARTHEST
    nose = read[np.argmax(vertices[0][:, 2])]
    assert nose[1] == read[:, 1].min()  # Looks along -Y.


def test_axes_and_units_are_refused_where_they_are_fixed(motion, tmp_path):
    for suffix in (".glb", ".npz", ".csv", ".json", ".bvh", ".usda"):
        with pytest.raises(OptionError, match=f"Up-axis and unit of {suffix} files are fixed"):
            export(motion, tmp_path / f"a{suffix}", up="z")
    with pytest.raises(OptionError, match="up must be y or z, got 'x'"):
        export(motion, tmp_path / "a.pc2", up="x")
    with pytest.raises(OptionError, match="unit must be m or cm, got 'inch'"):
        export(motion, tmp_path / "a.pc2", unit="inch")
    with pytest.raises(OptionError, match="fps must be a number"):
        export(motion, tmp_path / "a.pc2", fps=0.0)
    assert not list(tmp_path.iterdir())


def test_a_motion_of_another_model_is_refused(motion, tmp_path):
    stranger = replace(motion, info=replace(motion.info, basis="flame"))
    for suffix in (".pc2", ".mdd", ".ply", ".csv", ".json"):
        with pytest.raises(HeadError, match="belongs to face model 'flame'"):
            export(stranger, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_an_error_half_way_leaves_nothing(motion, tmp_path):
    class Interrupted(FaceMotion):
        def blocks(self, size=256):
            yield motion.part(0, 1)
            raise KeyboardInterrupt

    rows = {name: getattr(motion, name) for name in FRAME_ARRAYS}
    broken = Interrupted(**rows, fps=motion.fps, info=motion.info)
    for suffix in (".pc2", ".mdd", ".ply", ".csv", ".json"):
        with pytest.raises(KeyboardInterrupt):
            export(broken, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_an_imported_head_without_layout_writes_its_triangles(motion, tmp_path):
    plain = replace(load_head(), layout=None)
    export(motion.part(0, 1), tmp_path / "a.ply", head=plain)
    assert np.array_equal(read_ply(tmp_path / "a.ply" / "frame_0001.ply")[1], plain.faces)
    export(motion.part(0, 1), tmp_path / "a.mdd", head=plain, unit="cm")


def resampled_ref(motion, fps):
    """Frame by frame, from the whole motion."""
    count = max(1, int(np.ceil(motion.num_frames / motion.fps * fps - 1e-6)))
    out = {name: [] for name in FRAME_ARRAYS}
    for frame in range(count):
        at = min(frame / fps * motion.fps, motion.num_frames - 1)
        low = int(np.floor(at + 1e-9))
        high, share = min(low + 1, motion.num_frames - 1), max(0.0, at - low)
        for name, rows in out.items():
            values = getattr(motion, name)
            rows.append((1 - share) * values[low] + share * values[high])
    return {name: np.array(rows) for name, rows in out.items()}


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 90),
    old=st.sampled_from([24.0, 25.0, 29.97, 30.0, 60.0]),
    new=st.floats(1.0, 240.0),
    size=st.sampled_from([1, 7, 64, 256]),
)
def test_a_resampled_motion_streams_what_the_whole_one_gives(frames, old, new, size):
    motion = lively_motion(load_head(), frames, fps=old)
    source = resampled(motion, fps=new)
    blocks = list(source.blocks(size))
    assert all(1 <= block.num_frames <= size and block.fps == new for block in blocks)
    expected = resampled_ref(motion, new)
    for name in FRAME_ARRAYS:
        found = np.concatenate([getattr(block, name) for block in blocks])
        assert len(found) == source.num_frames and found.dtype == np.float32
        assert np.abs(found - expected[name]).max() < 1e-4


def test_fps_changes_the_rate_of_every_format(motion, tmp_path):
    assert read_motion(export(motion, tmp_path / "a.npz", fps=50.0)).num_frames == 140
    times, _ = read_mdd(export(motion, tmp_path / "a.mdd", fps=12.5))
    assert np.allclose(times, np.arange(35) / 12.5, atol=1e-6)


def test_every_format_says_what_it_keeps_and_loses():
    assert len(FORMATS) == 20
    for item in FORMATS.values():
        assert item.title and item.keeps and item.loses
