"""Speech files: every kind of .wav by our own reader, the rest by PyAV; bad ones refused in one sentence."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_emote.audio.reader import BLOCK_SAMPLES, open_speech, read_speech, regroup, sha256_of
from face_emote.core.errors import AudioError, FaceEmoteError

RAMP = np.linspace(-0.9, 0.9, 4000).astype(np.float32)


def encoded(values: np.ndarray, coding: int, bits: int) -> bytes:
    if coding == 3:
        return values.astype(f"<f{bits // 8}").tobytes()
    if bits == 8:
        return np.round(values * 128.0 + 128.0).clip(0, 255).astype(np.uint8).tobytes()
    whole = np.round(values.astype(np.float64) * 2.0 ** (bits - 1)).clip(-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1)
    if bits == 24:
        return b"".join(struct.pack("<i", int(v))[:3] for v in whole)
    return whole.astype(f"<i{bits // 8}").tobytes()


def wav_bytes(
    values: np.ndarray,
    *,
    coding: int = 1,
    bits: int = 16,
    rate: int = 16_000,
    extensible: bool = False,
    before: bytes = b"",
    data_size: int | None = None,
) -> bytes:
    """A wave file of [frames] or [frames, channels] values; any header field can be falsified."""
    channels = 1 if values.ndim == 1 else values.shape[1]
    data = encoded(values.reshape(-1), coding, bits)
    tag = 0xFFFE if extensible else coding
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    if extensible:
        fmt += struct.pack("<HHIH", 22, bits, 0, coding) + bytes.fromhex("000000001000800000aa00389b71")
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt + before
    chunks += b"data" + struct.pack("<I", len(data) if data_size is None else data_size) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def saved(folder: Path, content: bytes, name: str = "speech.wav") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(("coding", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
def test_every_sample_format_reads_at_its_true_scale(tmp_path: Path, coding: int, bits: int, extensible: bool):
    path = saved(tmp_path, wav_bytes(RAMP, coding=coding, bits=bits, extensible=extensible))
    speech = read_speech(path)
    assert speech.samples.dtype == np.float32
    assert speech.duration_secs == open_speech(path).duration_secs == 0.25
    np.testing.assert_allclose(speech.samples, RAMP, atol=0.6 / 2 ** (min(bits, 24) - 1))


def test_full_scale_integers_stay_in_range(tmp_path: Path):
    extremes = np.tile([-1.0, 1.0], 500)
    samples = read_speech(saved(tmp_path, wav_bytes(extremes))).samples
    assert samples.min() == -1.0 and samples.max() == np.float32(32767 / 32768)


def test_float_beyond_full_scale_is_clipped_and_not_scaled(tmp_path: Path):
    samples = read_speech(saved(tmp_path, wav_bytes(np.array([0.5, 3.0, -7.0] * 100), coding=3, bits=32))).samples
    np.testing.assert_array_equal(samples[:3], [0.5, 1.0, -1.0])


def test_mono_is_the_mean_of_the_channels(tmp_path: Path):
    path = saved(tmp_path, wav_bytes(np.stack([RAMP, 0.5 * RAMP, 0.0 * RAMP], axis=1), coding=3, bits=32))
    np.testing.assert_allclose(read_speech(path).samples, RAMP * 0.5, atol=1e-6)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_streamed_wave_without_a_size_is_read_to_its_end(tmp_path: Path, size: int):
    assert len(read_speech(saved(tmp_path, wav_bytes(RAMP, data_size=size))).samples) == len(RAMP)


def test_odd_chunks_before_the_sound_are_skipped(tmp_path: Path):
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"junk" + struct.pack("<I", 0)
    np.testing.assert_allclose(read_speech(saved(tmp_path, wav_bytes(RAMP, before=odd))).samples, RAMP, atol=1e-4)


def test_rf64_sizes_are_read_from_their_own_chunk(tmp_path: Path):
    plain = wav_bytes(RAMP, data_size=0xFFFFFFFF)
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 0, 2 * len(RAMP), len(RAMP), 0)
    wide = b"RF64" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + ds64 + plain[12:] + b"LISTtail"
    assert len(read_speech(saved(tmp_path, wide)).samples) == len(RAMP)


def test_bytes_after_the_sound_are_not_sound(tmp_path: Path):
    tail = b"LIST" + struct.pack("<I", 4) + b"tail"
    assert len(read_speech(saved(tmp_path, wav_bytes(RAMP) + tail)).samples) == len(RAMP)


def test_blocks_are_ten_seconds_and_join_to_the_whole(tmp_path: Path):
    values = np.random.default_rng(0).uniform(-0.5, 0.5, 44_100 * 25).astype(np.float32)
    source = open_speech(saved(tmp_path, wav_bytes(values, rate=44_100)))
    blocks = list(source.blocks())
    assert [len(block) for block in blocks] == [BLOCK_SAMPLES, BLOCK_SAMPLES, BLOCK_SAMPLES // 2]
    np.testing.assert_array_equal(np.concatenate(blocks), read_speech(source.path).samples)


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 30))
def test_regrouping_keeps_every_sample_in_order(lengths: list[int], size: int):
    whole = np.arange(sum(lengths), dtype=np.float32)
    blocks = list(regroup(np.split(whole, np.cumsum(lengths)), size))
    assert all(len(block) == size for block in blocks[:-1]) and all(0 < len(block) <= size for block in blocks)
    np.testing.assert_array_equal(np.concatenate([np.zeros(0), *blocks]), whole)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"RIFF", "cannot be read as sound"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "ends before its sound begins"),
        (wav_bytes(RAMP)[:30], "ends before its sound begins"),
        (wav_bytes(RAMP)[:-1000], "cut off"),
        (wav_bytes(RAMP, data_size=80_000), "cut off"),
        (wav_bytes(np.zeros(0)), "no sound"),
        (wav_bytes(np.zeros(0)) + b"LIST" + struct.pack("<I", 4) + b"tail", "no sound"),
        (wav_bytes(np.array([0.0, np.nan, 0.1] * 99), coding=3, bits=32), "not numbers"),
        (wav_bytes(np.array([0.0, np.inf, 0.1] * 99), coding=3, bits=64), "not numbers"),
        (wav_bytes(np.full(99, 1e300), coding=3, bits=64), "not numbers"),
        (wav_bytes(RAMP, rate=10), "sample rate"),
        (wav_bytes(np.zeros((10, 100))), "channels"),
        (b"This is a letter, not a recording.\n" * 40, "cannot be read as sound"),
        (b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", "list of other files"),
        (b"ffconcat version 1.0\nfile 'a.wav'\n", "list of other files"),
        (b"[playlist]\nFile1=http://127.0.0.1:9/a\n", "list of other files"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n", "list of other files"),
        (b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>', "list of other files"),
        (b"#EXTM3U\n/etc/hostname\n", "list of other files"),
        (b"[ffmetadata]\n;FFMETADATA1\n", "cannot be read as sound"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path: Path, content: bytes, says: str):
    path = saved(tmp_path, content)
    with pytest.raises(AudioError, match=says) as raised:
        read_speech(path)
    assert str(raised.value).endswith(str(path)) and "\n" not in str(raised.value)


@pytest.mark.parametrize("suffix", ["m3u8", "ffconcat", "sdp", "mpd", "pls", "png", "jpg", "txt", "srt"])
def test_the_name_of_a_list_or_a_picture_makes_nothing_else_of_it(tmp_path: Path, suffix: str):
    name = saved(tmp_path, wav_bytes(RAMP)).name
    path = saved(tmp_path, f"#EXTM3U\n#EXTINF:1,\n{name}\n".encode(), f"a%d.{suffix}")
    with pytest.raises(AudioError):
        read_speech(path)
    assert len(read_speech(saved(tmp_path, wav_bytes(RAMP), f"b%d.{suffix}")).samples) == len(RAMP)


def test_names_that_no_file_can_have_are_refused(tmp_path: Path):
    for name in ("a" * 300 + ".wav", "\ud800.wav", "a\0b.wav"):
        for read in (open_speech, sha256_of):
            with pytest.raises(AudioError):
                read(tmp_path / name)


def test_missing_files_and_folders_are_named(tmp_path: Path):
    with pytest.raises(AudioError, match="no such speech file"):
        open_speech(tmp_path / "none.wav")
    with pytest.raises(AudioError, match="a folder"):
        open_speech(tmp_path)
    with pytest.raises(AudioError, match="no such speech file"):
        sha256_of(tmp_path / "none.wav")


def test_more_than_a_day_is_refused_before_it_is_read(tmp_path: Path):
    header = wav_bytes(np.zeros(0), bits=8, rate=1000, data_size=25 * 3600 * 1000)
    path = saved(tmp_path, header)
    with path.open("r+b") as file:
        file.truncate(len(header) + 25 * 3600 * 1000)  # sparse: takes no room
    with pytest.raises(AudioError, match="24 hours"):
        open_speech(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_of_a_header_makes_the_reader_fail_otherwise(tmp_path: Path, data: st.DataObject):
    content = bytearray(wav_bytes(RAMP[:200], extensible=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 67))] = data.draw(st.integers(0, 255))
    path = saved(tmp_path, bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        samples = read_speech(path).samples
    except FaceEmoteError:
        return
    assert len(samples) and np.isfinite(samples).all() and np.abs(samples).max() <= 1.0


def written(path: Path, codec: str, kind: str, *, rate: int = 44_100) -> Path:
    """Two seconds of a 440 Hz tone of amplitude 0.3, encoded by PyAV."""
    av = pytest.importorskip("av")
    tone = (0.3 * np.sin(2.0 * np.pi * 440.0 * np.arange(2 * rate) / rate)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
        frame.sample_rate = rate
        fifo = av.AudioFifo()
        for part in av.AudioResampler(format=kind, layout="stereo", rate=rate).resample(frame):
            fifo.write(part)
        while (part := fifo.read(stream.frame_size or 1024, partial=True)) is not None:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "kind", "rate"),
    [
        ("a.flac", "flac", "s16", 44_100),
        ("a.mp3", "libmp3lame", "fltp", 44_100),
        ("a.m4a", "aac", "fltp", 44_100),
        ("a.ogg", "libopus", "flt", 48_000),
        ("a.wav", "adpcm_ms", "s16", 22_050),
    ],
)
def test_compressed_files_read_at_their_true_scale_and_length(
    tmp_path: Path, name: str, codec: str, kind: str, rate: int
):
    path = written(tmp_path / name, codec, kind, rate=rate)
    speech = read_speech(path)
    assert speech.duration_secs == pytest.approx(2.0, abs=0.05)
    assert open_speech(path).duration_secs == pytest.approx(2.0, abs=0.05)
    middle = speech.samples[8_000:24_000]
    heard = abs(2.0 * np.mean(middle * np.exp(-2j * np.pi * 440.0 * np.arange(16_000) / 16_000)))
    assert heard == pytest.approx(0.3, rel=0.06)  # the mp3 encoder itself scales by 0.95


def test_the_kind_is_told_by_content_and_not_by_suffix(tmp_path: Path):
    flac = written(tmp_path / "a.flac", "flac", "s16")
    assert read_speech(flac.rename(tmp_path / "b.wav")).duration_secs == 2.0
    assert read_speech(saved(tmp_path, wav_bytes(RAMP), "c.mp3")).duration_secs == 0.25


def test_a_hole_in_the_middle_of_a_compressed_file_is_refused(tmp_path: Path):
    path = written(tmp_path / "a.mp3", "libmp3lame", "fltp")
    content = bytearray(path.read_bytes())
    content[9_000:15_000] = np.random.default_rng(0).bytes(6_000)
    with pytest.raises(AudioError, match="damaged or missing at"):
        read_speech(saved(tmp_path, bytes(content)))


def test_a_picture_without_sound_is_refused(tmp_path: Path):
    av = pytest.importorskip("av")
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="holds no sound"):
        read_speech(path)


def film(path: Path, *, sound_at_secs: float) -> Path:
    """Two seconds of grey pictures; a second of a 440 Hz tone starts late."""
    av = pytest.importorskip("av")
    rate = 44_100
    tone = (0.3 * np.sin(2.0 * np.pi * 440.0 * np.arange(rate) / rate)).astype(np.float32)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        sound = container.add_stream("pcm_s16le" if path.suffix == ".mov" else "aac", rate=rate, layout="mono")
        for _ in range(50):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        for first in range(0, rate - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(tone[None, first : first + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, first + round(sound_at_secs * rate)
            for part in av.AudioResampler(format=sound.codec_context.format, layout="mono", rate=rate).resample(frame):
                part.pts = frame.pts
                container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_a_film_whose_sound_starts_late_keeps_its_time(tmp_path: Path, name: str):
    path = film(tmp_path / name, sound_at_secs=0.6)
    samples = read_speech(path).samples
    loud = np.abs(samples) > 0.1
    assert loud.argmax() / 16_000 == pytest.approx(0.6, abs=0.03)
    assert not np.abs(samples[: round(0.55 * 16_000)]).any()
    assert open_speech(path).duration_secs == pytest.approx(len(samples) / 16_000, abs=0.5)
    on_time = read_speech(film(tmp_path / f"b{path.suffix}", sound_at_secs=0.0)).samples
    assert (np.abs(on_time) > 0.1).argmax() / 16_000 < 0.03


def test_bad_packets_at_the_ends_of_a_stream_are_left_out(tmp_path: Path):
    path = written(tmp_path / "a.aac", "aac", "fltp")
    whole = read_speech(path).duration_secs
    junk = np.random.default_rng(0).bytes(400)
    remarks: list[str] = []
    torn = saved(tmp_path, path.read_bytes() + b"\xff\xf1\x50\x80\x06\x1f\xfc" + junk, "b.aac")
    pieces = list(open_speech(torn).pieces(remark=remarks.append))
    assert sum(map(len, pieces)) / 44_100 == pytest.approx(whole, abs=0.05)


@pytest.mark.parametrize("name", ["a.ogg", "a.flac", "a.mp3", "a.m4a", "a.aac", "a.mkv"])
def test_no_damage_of_a_compressed_file_makes_the_reader_fail_otherwise(tmp_path: Path, name: str):
    kinds = {
        "a.ogg": ("libopus", "flt", 48_000),
        "a.flac": ("flac", "s16", 44_100),
        "a.mp3": ("libmp3lame", "fltp", 44_100),
        "a.m4a": ("aac", "fltp", 44_100),
        "a.aac": ("aac", "fltp", 44_100),
    }
    path = tmp_path / name
    if name in kinds:
        codec, kind, rate = kinds[name]
        written(path, codec, kind, rate=rate)
    else:
        film(path, sound_at_secs=0.6)
    whole, refused = path.read_bytes(), 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        content = bytearray(whole)
        for _ in range(int(rng.choice([1, 3, 20, 200]))):
            content[int(rng.integers(min(len(content), int(rng.choice([64, 4096, len(content)])))))] = rng.integers(256)
        if rng.random() < 0.3:
            content = content[: int(rng.integers(len(content) + 1))]
        try:
            samples = read_speech(saved(tmp_path, bytes(content), f"b{path.suffix}")).samples
        except FaceEmoteError:
            refused += 1
        else:
            assert len(samples) and np.isfinite(samples).all() and np.abs(samples).max() <= 1.0
    assert refused
