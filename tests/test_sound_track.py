"""The sound of a video is what the analysis heard: the same decoder, the same time, and never the network."""

import socket
from pathlib import Path

import numpy as np
import pytest
from test_audio_reader import film, saved, wav_bytes, written

from face_emote.audio.reader import read_speech
from face_emote.core.errors import AudioError
from face_emote.core.types import Speech
from face_emote.rendering.video import VideoWriter, choose_codec

av = pytest.importorskip("av")
GREY = np.full((64, 64, 3), 90, np.uint8)


def video(path: Path, speech: Path | Speech | None, *, secs: float = 2.0) -> Path:
    writer = VideoWriter(
        path, width=64, height=64, fps=10.0, codec=choose_codec(path, None), speech=speech, duration_secs=secs
    )
    with writer as out:
        for _ in range(round(secs * 10)):
            out.write(GREY)
    return path


def loudness(path: Path) -> np.ndarray:
    """RMS of every 50 ms of a video's sound."""
    samples = read_speech(path).samples
    return np.sqrt((samples[: len(samples) // 800 * 800].reshape(-1, 800) ** 2).mean(axis=1))


def test_a_stream_with_junk_at_its_end_can_be_heard_and_shown(tmp_path: Path):
    whole = written(tmp_path / "a.aac", "aac", "fltp")
    for name, tail in (
        ("b.aac", np.random.default_rng(0).bytes(3_000)),
        ("c.aac", b"\xff\xf1\x50\x80\x06\x1f\xfc" * 9),
    ):
        torn = saved(tmp_path, whole.read_bytes() + tail, name)
        heard = read_speech(torn)
        shown = video(tmp_path / f"{name}.mp4", torn)
        assert loudness(shown)[5:35] == pytest.approx(0.3 / np.sqrt(2.0), rel=0.05)
        assert heard.duration_secs == pytest.approx(2.0, abs=0.1)


def test_sound_that_starts_late_is_late_in_the_video_too(tmp_path: Path):
    levels = loudness(video(tmp_path / "b.mp4", film(tmp_path / "a.mp4", sound_at_secs=0.6)))
    assert levels[:11].max() < 0.01 < 0.1 < levels[13:30].min()


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 11])
@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_any_number_of_channels_gives_a_sound_track(tmp_path: Path, channels: int, suffix: str):
    wave = 0.3 * np.sin(2.0 * np.pi * 440.0 * np.arange(32_000) / 16_000)
    path = video(tmp_path / f"a.{suffix}", saved(tmp_path, wav_bytes(np.stack([wave] * channels, axis=1))))
    with av.open(str(path)) as container:
        assert container.streams.audio[0].channels == min(channels, 2) if channels < 9 else 1
    assert loudness(path)[5:35].min() > 0.1


def test_a_recording_in_memory_gives_the_sound_track_of_its_file(tmp_path: Path):
    wave = (0.3 * np.sin(2.0 * np.pi * 440.0 * np.arange(32_000) / 16_000)).astype(np.float32)
    path = saved(tmp_path, wav_bytes(wave, coding=3, bits=32))
    one, other = video(tmp_path / "a.mp4", path), video(tmp_path / "b.mp4", read_speech(path))
    assert one.read_bytes() == other.read_bytes()


def test_what_cannot_be_heard_is_refused_before_it_is_shown(tmp_path: Path):
    with pytest.raises(AudioError, match="list of other files"):
        video(tmp_path / "a.mp4", saved(tmp_path, b"#EXTM3U\n#EXTINF:1,\na.wav\n", "a.m3u8"))


@pytest.mark.parametrize("scheme", ["tcp", "http", "rtmp", "gopher"])
def test_names_that_look_like_addresses_are_files(tmp_path: Path, scheme: str, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flac = written(tmp_path / "a.flac", "flac", "s16").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        name = f"{scheme}:127.0.0.1:{server.getsockname()[1]}"
        Path(name).write_bytes(flac)
        assert read_speech(name).duration_secs == pytest.approx(2.0)
        assert video(Path(f"{name}.mp4"), Path(name)).is_file()
        listed = saved(tmp_path, f"#EXTM3U\n#EXTINF:1,\n{scheme}://127.0.0.1:{name.rsplit(':')[-1]}/a\n".encode(), "a")
        with pytest.raises(AudioError):
            read_speech(listed)
        with pytest.raises(TimeoutError):
            server.accept()
