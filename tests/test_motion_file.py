"""The motion file keeps every number, streams, and survives any damage with one clear sentence."""

import dataclasses
import io
import json
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.core.errors import FaceEmoteError, MotionFileError, OutputError
from face_emote.core.types import FRAME_ARRAYS, FaceMotion, MotionInfo
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import MotionWriter, open_motion, read_motion, write_motion
from face_emote.formats.motion_layout import MAX_HEADER_BYTES, ROW_SHAPES

INFO = MotionInfo(
    basis="face_emote-1:01234567",
    emotion="joy tinged with guilt — 'très'",
    speech_name="line.wav",
    speech_sha256="ab" * 32,
    speech_secs=1.25,
    animator="rules",
    seed=7,
    version="0.1.0",
)


def fabricated_motion(num_frames: int, *, seed: int = 0, fps: float = 30.0) -> FaceMotion:
    rng = np.random.default_rng(seed)
    rows = {name: rng.random((num_frames, *shape), dtype=np.float32) for name, shape in ROW_SHAPES.items()}
    betas = rng.standard_normal(300).astype(np.float32)
    return FaceMotion(**rows, fps=fps, info=INFO, betas=betas, character="maya")


def assert_same(one: FaceMotion, other: FaceMotion) -> None:
    for field in dataclasses.fields(FaceMotion):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        assert np.array_equal(ours, theirs) if isinstance(ours, np.ndarray) else ours == theirs, field.name


@pytest.fixture(scope="module")
def good_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_motion(fabricated_motion(5), tmp_path_factory.mktemp("good") / "m.npz").read_bytes()


def test_a_round_trip_is_exact(tmp_path):
    motion = fabricated_motion(601)
    assert_same(read_motion(write_motion(motion, tmp_path / "line.npz")), motion)


@settings(max_examples=25, deadline=None)
@given(
    num_frames=st.integers(1, 40),
    fps=st.floats(1.0, 1000.0),
    emotion=st.text(max_size=30).filter(lambda text: text.isprintable()),
    seed=st.integers(-(2**70), 2**70),
    block=st.integers(1, 50),
)
def test_any_motion_survives_a_round_trip(tmp_path_factory, num_frames, fps, emotion, seed, block):
    info = dataclasses.replace(INFO, emotion=emotion, seed=seed)
    motion = dataclasses.replace(fabricated_motion(num_frames, fps=fps), info=info)
    path = tmp_path_factory.mktemp("trip") / "m.npz"
    write_motion(motion, path)
    assert_same(read_motion(path), motion)
    with open_motion(path) as reader:
        parts = list(reader.blocks(block))
    assert [part.num_frames for part in parts[:-1]] == [block] * (len(parts) - 1)
    for name in FRAME_ARRAYS:
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(motion, name))


def test_writing_in_blocks_gives_the_same_bytes_as_writing_whole(tmp_path):
    motion = fabricated_motion(100)
    write_motion(motion, tmp_path / "whole.npz")
    with MotionWriter(tmp_path / "blocks.npz") as writer:
        for block in motion.blocks(7):
            writer.append(block)
    assert (tmp_path / "whole.npz").read_bytes() == (tmp_path / "blocks.npz").read_bytes()


def test_numpy_opens_the_file_and_the_header_explains_it(tmp_path):
    path = write_motion(fabricated_motion(3), tmp_path / "m.npz")
    with np.load(path, allow_pickle=False) as arrays:
        header = json.loads(arrays["header"].tobytes())
        assert arrays["expression"].shape == (3, 100) and arrays["eye_pose"].shape == (3, 2, 3)
    assert (header["version"], header["num_frames"], header["fps"]) == (1, 3, 30.0)
    assert header["info"]["basis"] == INFO.basis and header["wrinkles"][0] == "forehead_centre"


def test_motions_of_the_head_that_could_not_let_its_brows_go_still_play(tmp_path):
    old = dataclasses.replace(fabricated_motion(3), info=dataclasses.replace(INFO, basis="face_emote-1:f611e2bb"))
    read = read_motion(write_motion(old, tmp_path / "old.npz"))
    assert read.info.basis == load_head().basis
    assert np.isfinite(load_head().vertices(read)).all()


def test_a_file_saved_again_by_numpy_is_still_a_motion(tmp_path):
    path = write_motion(fabricated_motion(3), tmp_path / "m.npz")
    with np.load(path) as arrays:
        np.savez(tmp_path / "again.npz", **arrays)
    assert_same(read_motion(tmp_path / "again.npz"), fabricated_motion(3))


def test_memory_stays_flat_while_streaming(tmp_path):
    part = fabricated_motion(500)

    def peak(num_parts: int) -> int:
        path = tmp_path / f"{num_parts}.npz"
        tracemalloc.start()
        with MotionWriter(path) as writer:
            for _ in range(num_parts):
                writer.append(part)
        with open_motion(path) as reader:
            assert sum(block.num_frames for block in reader.blocks()) == 500 * num_parts
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(24) < peak(4) + 200_000  # 20 more parts are 5.7 MB of floats


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_mutated_bytes_never_raise_anything_but_a_motion_file_error(good_bytes, tmp_path_factory, data):
    damaged = bytearray(good_bytes)
    directory = struct.unpack_from("<L", damaged, len(damaged) - 6)[0]
    anywhere = st.one_of(
        st.integers(0, len(damaged) - 1), st.integers(directory, len(damaged) - 1), st.integers(0, 200)
    )
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(anywhere)] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), anywhere))
    path = tmp_path_factory.mktemp("hostile") / "m.npz"
    path.write_bytes(bytes(damaged[:cut]))
    try:
        read_motion(path)
    except MotionFileError as error:
        assert str(error).endswith(str(path)) and "\n" not in str(error)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("noise") / "m.npz"
    path.write_bytes(content)
    with pytest.raises(MotionFileError):
        read_motion(path)


def changed_copy(
    good: bytes, path: Path, *, replace: dict[str, bytes | None], method: int = zipfile.ZIP_DEFLATED
) -> Path:
    """Copy a motion file with some entries replaced (None: dropped)."""
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(path, "w", method) as target:
        content = {name: source.read(name) for name in source.namelist()} | replace
        for name, value in content.items():
            if value is not None:
                target.writestr(name, value)
    return path


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def changed_header(good: bytes, **changes: object) -> bytes:
    with np.load(io.BytesIO(good)) as arrays:
        header = json.loads(arrays["header"].tobytes())
    return npy(np.frombuffer(json.dumps(header | changes).encode(), np.uint8))


NAN = np.full((5, 3), np.nan, np.float32)
HOSTILE = {
    "missing array": ({"wrinkles.npy": None}, "9 arrays"),
    "another array": ({"extra.npy": b""}, "other names"),
    "odd name": ({"wrinkles.npy": None, "../../w.npy": b""}, "other names"),
    "no array inside": ({"wrinkles.npy": b"hello"}, "'wrinkles' is not of the .npy format"),
    "wrong shape": ({"wrinkles.npy": npy(np.zeros((5, 15), np.float32))}, "(5, 15)"),
    "wrong frames": ({"jaw_pose.npy": npy(np.zeros((4, 3), np.float32))}, "(4, 3)"),
    "doubles": ({"jaw_pose.npy": npy(np.zeros((5, 3)))}, "<f8"),
    "objects": ({"jaw_pose.npy": npy(np.full((5, 3), None))}, "|O"),
    "not a number": ({"jaw_pose.npy": npy(NAN)}, "no numbers"),
    "huge value": ({"jaw_pose.npy": npy(np.full((5, 3), 1e30, np.float32))}, "1e4"),
    "cut rows": ({"jaw_pose.npy": npy(np.zeros((5, 3), np.float32))[:-4]}, "another size"),
    "code as shape": ({"jaw_pose.npy": b"\x93NUMPY\x01\x00\x10\x00__import__('os')"}, "cannot be read"),
    "deep json": ({"header.npy": npy(np.frombuffer(b"[" * 60_000, np.uint8))}, "nested"),
    "no json": ({"header.npy": npy(np.frombuffer(b"{", np.uint8))}, "Not a usable motion"),
    "long header": ({"header.npy": npy(np.zeros(MAX_HEADER_BYTES + 1, np.uint8))}, "too long"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_with_the_reason(good_bytes, tmp_path, case):
    replace, reason = HOSTILE[case]
    path = changed_copy(good_bytes, tmp_path / "m.npz", replace=replace)
    with pytest.raises(MotionFileError) as caught:
        read_motion(path)
    assert reason in str(caught.value) and str(caught.value).endswith(str(path))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 3}, "version 3"),
        ({"version": 2}, "other names"),
        ({"version": True}, "version of its header must be a whole number"),
        ({"version": 1.0}, "version of its header must be a whole number"),
        ({"version": None}, "got null"),
        ({"fps": 0.5}, "fps of its header must be a number from 1 to 1000, got 0.5"),
        ({"format": "song"}, "not that of a face_emote motion"),
        ({"fps": 0.0}, "fps"),
        ({"fps": float("nan")}, "it holds NaN, which is no number"),
        ({"fps": True}, "fps"),
        ({"num_frames": 0}, "num_frames of its header must be a whole number from 1 to"),
        ({"num_frames": 10**12}, "num_frames of its header must be a whole number from 1 to"),
        ({"num_frames": 2_000_000}, "'expression' is <f4 of shape (5, 100)"),
        ({"character": 3}, "character of its header must be a text, got 3"),
        ({"info": {"basis": 1}}, "origin"),
        ({"more": 1}, "other entries"),
        ({"wrinkles": ["a"]}, "other names"),
    ],
)
def test_a_wrong_header_is_refused_with_the_reason(good_bytes, tmp_path, changes, reason):
    path = changed_copy(good_bytes, tmp_path / "m.npz", replace={"header.npy": changed_header(good_bytes, **changes)})
    with pytest.raises(MotionFileError, match="Not a usable motion file") as caught:
        read_motion(path)
    assert reason in str(caught.value)


def test_a_zip_bomb_is_refused_before_it_unfolds(good_bytes, tmp_path):
    bomb = npy(np.zeros((5, 16), np.float32)) + bytes(50_000_000)
    path = changed_copy(good_bytes, tmp_path / "m.npz", replace={"wrinkles.npy": bomb})
    del bomb
    tracemalloc.start()
    with pytest.raises(MotionFileError, match="another size"), open_motion(path):
        pass
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(good_bytes, tmp_path, method):
    path = changed_copy(good_bytes, tmp_path / "m.npz", replace={}, method=method)
    with pytest.raises(MotionFileError, match="unusual way"):
        read_motion(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(MotionFileError, match="no such motion file"):
        read_motion(tmp_path / "absent.npz")
    with pytest.raises(MotionFileError, match="cannot be opened"):
        read_motion(tmp_path)


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write_motion(fabricated_motion(2), tmp_path / "m.npz")
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), MotionWriter(path) as writer:
        writer.append(fabricated_motion(3))
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.npz"]


def test_what_cannot_be_a_motion_is_not_written(tmp_path):
    path = tmp_path / "m.npz"
    motion = fabricated_motion(3)
    with pytest.raises(MotionFileError, match="no numbers"):
        write_motion(dataclasses.replace(motion, jaw_pose=np.full((3, 3), np.inf, np.float32)), path)
    with pytest.raises(MotionFileError, match="no frames"):
        write_motion(motion.part(0, 0), path)
    with pytest.raises(MotionFileError, match="differ"), MotionWriter(path) as writer:
        writer.append(motion)
        writer.append(dataclasses.replace(motion, fps=24.0))
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        write_motion(fabricated_motion(1), tmp_path / "absent" / "m.npz")
    with pytest.raises(OutputError, match="a folder has that name"):
        write_motion(fabricated_motion(1), tmp_path)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    with pytest.raises(FaceEmoteError, match="No space left"), MotionWriter(tmp_path / "m.npz") as writer:
        writer.append(fabricated_motion(1))
        raise OSError(28, os.strerror(28))
    assert not list(tmp_path.iterdir())


def test_the_documentation_names_every_array_and_header_entry(good_bytes):
    page = (Path(__file__).parent.parent / "docs" / "motion_file.md").read_text()
    with np.load(io.BytesIO(good_bytes)) as arrays:
        header = json.loads(arrays["header"].tobytes())
        for name in (*arrays.files, *header, *header["info"]):
            assert f"`{name}`" in page, name


@pytest.mark.parametrize(
    "frames",
    [slice(10, 20), slice(None), slice(-5, None), slice(None, None, 3), slice(40, 4, -2), slice(None, None, -1), 5, -1,
     slice(7, 7), slice(None, 10**9)],
)  # fmt: skip
def test_a_motion_is_cut_as_a_list_of_frames_is(frames, tmp_path):
    motion = fabricated_motion(50)
    part = motion[frames]
    step = frames.step or 1 if isinstance(frames, slice) else 1
    wanted = np.arange(50)[frames if isinstance(frames, slice) else [frames]]
    assert len(part) == part.num_frames == len(wanted) and part.fps == motion.fps / abs(step)
    for name in FRAME_ARRAYS:
        assert np.array_equal(getattr(part, name), getattr(motion, name)[wanted])
    assert part.info.speech_secs == (motion.info.speech_secs if np.array_equal(wanted, np.arange(50)) else 0.0)
    if len(part):
        assert_same(read_motion(write_motion(part, tmp_path / "a.npz")), part)


def test_frames_beyond_a_motion_are_an_index_error_and_it_can_be_gone_through():
    motion = fabricated_motion(4)
    with pytest.raises(IndexError):
        motion[4]
    assert [frame.expression[0, 0] for frame in motion] == motion.expression[:, 0].tolist()


def test_exports_that_are_no_motion_files_say_what_to_read(tmp_path):
    with pytest.raises(MotionFileError, match=r"exported to \.glb, but not read back from it; give the motion file"):
        read_motion(tmp_path / "a.glb")


def test_how_sure_each_frame_is_travels_with_a_captured_motion(tmp_path):
    plain = fabricated_motion(5)
    trust = np.linspace(0.0, 1.0, 10, dtype=np.float32).reshape(5, 2)
    again = read_motion(write_motion(dataclasses.replace(plain, confidence=trust), tmp_path / "take.npz"))
    np.testing.assert_array_equal(again.confidence, trust)
    np.testing.assert_array_equal(again[1:3].confidence, trust[1:3])
    assert again.row_names[-1] == "confidence" and plain.row_names[-1] != "confidence"
    with np.load(tmp_path / "take.npz") as file:
        assert json.loads(file["header"].tobytes())["version"] == 2
