"""A video that many draw in parts is the very file that one draws, frame for frame and byte for byte."""

import numpy as np
import pytest
from test_movie import click, still

from face_emote.core.errors import OutputError
from face_emote.core.motion import span
from face_emote.rendering import video
from face_emote.rendering.segment_file import MAGIC, read_packets, write_packets
from face_emote.rendering.video import SegmentEncoder, VideoWriter, choose_codec

av = pytest.importorskip("av")

WIDTH, HEIGHT, SEGMENT = 64, 48, 20


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    monkeypatch.setattr(video, "SEGMENT_FRAMES", SEGMENT)


def picture(frame):
    rng = np.random.default_rng(0)
    shown = np.roll(rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8), 2 * frame, axis=1)
    shown[10:30, frame % 40 : frame % 40 + 15] = frame * 5 % 255
    return shown


def frames_of(path):
    with av.open(str(path)) as file:
        return [(frame.pts, frame.to_ndarray().tobytes()) for frame in file.decode(video=0)]


CASES = [("a.mp4", "h264"), ("a.mp4", "vp9"), ("a.webm", "vp9"), ("a.mkv", "h264"), ("a.mov", "h264")]


@pytest.mark.parametrize("fps", [30.0, 23.976])
@pytest.mark.parametrize(("name", "codec"), CASES)
@pytest.mark.parametrize("count", [3 * SEGMENT, 2 * SEGMENT + 1])
def test_joined_segments_are_the_file_written_in_one_go(tmp_path, name, codec, fps, count):
    chosen = choose_codec(tmp_path / name, codec)
    secs = count / fps - 0.01
    form = {
        "width": WIDTH, "height": HEIGHT, "fps": fps, "codec": chosen, "speech": click(secs, at=0.3),
        "duration_secs": secs,
    }  # fmt: skip
    with VideoWriter(tmp_path / name, **form) as whole:
        for frame in range(count):
            whole.write(picture(frame))
    parts = []
    for first in range(0, count, SEGMENT):
        encoder, packets = SegmentEncoder(chosen, width=WIDTH, height=HEIGHT, fps=fps), []
        for frame in range(first, min(first + SEGMENT, count)):
            packets += encoder.write(picture(frame))
        parts.append(tmp_path / f"{first}.bin")
        write_packets(parts[-1], packets + encoder.finish())
    joined_path = tmp_path / f"joined{(tmp_path / name).suffix}"
    with VideoWriter(joined_path, **form) as joined:
        for part in parts:
            joined.append(part)
    assert len(frames_of(tmp_path / name)) == count
    assert frames_of(joined_path) == frames_of(tmp_path / name)
    assert joined_path.read_bytes() == (tmp_path / name).read_bytes()


def test_a_segment_cannot_start_in_the_middle_of_another(tmp_path):
    with (
        pytest.raises(ValueError, match="starts every 20 frames, not at 3"),
        VideoWriter(
            tmp_path / "a.mp4", width=WIDTH, height=HEIGHT, fps=30.0, codec=choose_codec(tmp_path / "a.mp4", None),
            speech=None, duration_secs=1.0,
        ) as writer,
    ):  # fmt: skip
        for frame in range(3):
            writer.write(picture(frame))
        writer.append(tmp_path / "b.bin")


@pytest.mark.parametrize("content", [b"", b"hello", MAGIC[:-1], MAGIC + b"\0" * 5, MAGIC + b"\0" * 17 + b"\xff" * 4])
def test_a_damaged_segment_is_refused(tmp_path, content):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(OutputError, match="damaged"):
        list(read_packets(path))


def test_a_span_of_a_motion_is_that_part_in_the_same_blocks():
    motion = still(300)
    motion.expression[:, 0] = np.arange(300)
    part = span(motion, first=128, stop=290)
    blocks = list(part.blocks(64))
    assert [block.num_frames for block in blocks] == [64, 64, 34]
    assert np.concatenate([block.expression[:, 0] for block in blocks]).tolist() == list(range(128, 290))
    assert (part.num_frames, part.fps, part.character) == (162, motion.fps, motion.character)
