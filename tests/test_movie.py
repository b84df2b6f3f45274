"""Videos last exactly as long as the sound, carry it, and appear whole or not at all."""

import math
import sys
import wave
from dataclasses import replace

import numpy as np
import pytest

import face_emote as fe
from face_emote.core.errors import DependencyError, OptionError, OutputError
from face_emote.core.options import Picture
from face_emote.core.types import FaceMotion, MotionInfo, Speech
from face_emote.face.bundled import load_head
from face_emote.rendering.sheet import compose_sheet
from face_emote.rendering.video import VideoWriter, choose_codec
from face_emote.verbs.render import contact_sheet, render, render_frames

av = pytest.importorskip("av")


def still(num_frames, *, fps=25.0, secs=0.0):
    rows = lambda *shape: np.zeros((num_frames, *shape), np.float32)  # noqa: E731
    return FaceMotion(
        expression=rows(100), jaw_pose=rows(3), neck_pose=rows(3), eye_pose=rows(2, 3), global_pose=rows(3),
        translation=rows(3), wrinkles=rows(16), blood_flow=rows(8), fps=fps,
        info=MotionInfo(basis=load_head().basis, speech_secs=secs),
    )  # fmt: skip


def click(secs, *, rate=16_000, at=1.0):
    samples = np.zeros(round(secs * rate), np.float32)
    samples[round(at * rate)] = 1.0
    return Speech(samples=samples, sample_rate=rate)


def write_wav(path, speech):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.sample_rate)
        file.writeframes((speech.samples * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(("name", "fps"), [("a.mp4", 30.0), ("a.mp4", 23.976), ("a.mov", 25.0), ("a.mkv", 12.0)])
def test_picture_and_sound_end_together(tmp_path, name, fps):
    speech = click(1.7345)
    count = math.ceil(speech.duration_secs * fps)
    with VideoWriter(
        tmp_path / name, width=64, height=48, fps=fps, codec=choose_codec(tmp_path / name, None),
        speech=speech, duration_secs=speech.duration_secs,
    ) as video:  # fmt: skip
        for i in range(count):
            video.write(np.full((48, 64, 3), i % 255, np.uint8))
    with av.open(str(tmp_path / name)) as file:
        # Matroska cannot end inside a block of coded sound: 1024 samples, here 64 ms.
        assert abs(file.duration / 1e6 - speech.duration_secs) < (0.065 if name.endswith("mkv") else 0.002)
        assert sum(1 for _ in file.decode(video=0)) == count
    if name.endswith(".mp4"):
        with av.open(str(tmp_path / name)) as file:
            stream = file.streams.video[0]
            assert abs(float(stream.duration * stream.time_base) - speech.duration_secs) < 1e-3


def test_a_click_and_a_flash_at_the_same_time_stay_together(tmp_path):
    speech = click(2.0, at=1.0)
    path = tmp_path / "sync.mp4"
    with VideoWriter(
        path, width=64, height=64, fps=25.0, codec=choose_codec(path, None), speech=speech, duration_secs=2.0
    ) as video:
        for i in range(50):
            video.write(np.full((64, 64, 3), 255 if i == 25 else 0, np.uint8))
    with av.open(str(path)) as file:
        flash = next(frame.time for frame in file.decode(video=0) if frame.to_ndarray(format="gray").mean() > 128)
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
    sound = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    heard = frames[0].time + np.abs(sound).argmax() / 16_000
    assert flash == 1.0
    assert abs(heard - 1.0) < 0.002


@pytest.mark.parametrize("codec", ["vp9", "av1"])
def test_codecs_without_gpl_encoders_work(tmp_path, codec):
    path = tmp_path / "free.mp4"
    with VideoWriter(
        path, width=64, height=64, fps=10.0, codec=choose_codec(path, codec), speech=None, duration_secs=0.5
    ) as video:
        for _ in range(5):
            video.write(np.zeros((64, 64, 3), np.uint8))
    with av.open(str(path)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 5


def test_render_makes_the_video_that_was_asked_for(tmp_path):
    speech = click(0.25, at=0.1)
    sound = write_wav(tmp_path / "line.wav", speech)
    done = []
    path = fe.render(
        still(7, fps=25.0, secs=0.25), tmp_path / "out.mp4", speech=sound, size=(64, 48),
        progress=lambda count, total, what: done.append((count, total)),
    )  # fmt: skip
    with av.open(str(path)) as file:
        assert {stream.type for stream in file.streams} == {"video", "audio"}
        video = file.streams.video[0]
        assert (video.width, video.height, video.frames) == (64, 48, 7)
        assert abs(float(video.duration * video.time_base) - 0.25) < 1e-3
    assert done[-1] == (7, 7)


def test_the_number_of_workers_does_not_change_the_pictures(tmp_path):
    motion = still(5)
    one, two = (render(motion, tmp_path / f"{n}.mp4", size=48, workers=n).read_bytes() for n in (1, 2))
    assert one == two


def test_nothing_is_left_when_rendering_fails(tmp_path):
    with pytest.raises(RuntimeError, match="stop"):
        render(still(6), tmp_path / "a.mp4", size=48, progress=_stop_at_third)
    assert list(tmp_path.iterdir()) == []


def _stop_at_third(done, _total, _what):
    if done == 3:
        raise RuntimeError("stop")


def test_wrong_outputs_are_refused_before_any_work(tmp_path):
    with pytest.raises(OptionError, match="must end in"):
        render(still(1), tmp_path / "a.gif")
    with pytest.raises(OptionError, match="does not go into"):
        render(still(1), tmp_path / "a.webm", codec="h264")
    with pytest.raises(OptionError, match="no codec"):
        render(still(1), tmp_path / "a.mp4", codec="divx")
    with pytest.raises(OptionError, match="engine"):
        render(still(1), tmp_path / "a.mp4", engine="magic")
    with pytest.raises(OutputError):
        render(still(1), tmp_path / "nowhere" / "a.mp4")


def test_the_differentiable_engine_writes_videos_too(tmp_path):
    pytest.importorskip("torch", reason="the differentiable renderer needs torch")
    path = render(still(2), tmp_path / "a.mp4", size=64, engine="differentiable", workers=1)
    with av.open(str(path)) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(pictures) == 2
    face = pictures[0][26:40, 26:38].mean(axis=(0, 1))
    assert face.min() > 70
    assert face[0] > face[2], "skin is redder than blue"


def test_the_differentiable_engine_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    with pytest.raises(DependencyError, match=r"face-emote\[torch\]"):
        render(still(1), tmp_path / "a.mp4", size=64, engine="differentiable")
    assert list(tmp_path.iterdir()) == []


def test_contact_sheets_are_pngs_of_the_right_size_and_repeatable(tmp_path):
    first = contact_sheet(still(30), tmp_path / "a.png", columns=3, rows=2, size=48).read_bytes()
    assert first == contact_sheet(still(30), tmp_path / "b.png", columns=3, rows=2, size=48).read_bytes()
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(first[16:20], "big") == 3 * (48 + 4) + 4
    assert int.from_bytes(first[20:24], "big") == 2 * (48 + 4) + 4


def test_labels_are_drawn():
    blank = np.zeros((2, 64, 64, 3), np.uint8)
    sheet = compose_sheet(blank, ["1.25 s", ""], columns=2)
    assert (sheet[:, :64] > 200).any()
    assert not (sheet[:, 72:] > 200).any()


def test_frames_come_in_the_order_asked_for():
    motion = still(4)
    opened = replace(motion, jaw_pose=np.linspace(0, 0.3, 4, dtype=np.float32)[:, None] * np.float32([1, 0, 0]))
    there = render_frames(opened, [0, 3, 3, 1], picture=Picture(size=48))
    assert np.array_equal(there[[1, 0, 3]], render_frames(opened, [3, 0, 1], picture=Picture(size=48)))
    assert np.array_equal(there[1], there[2])
    assert not np.array_equal(there[0], there[1])


def test_frames_outside_the_motion_are_refused():
    with pytest.raises(OptionError, match="frames 0 to 2"):
        render_frames(still(3), [3], picture=Picture(size=48))
