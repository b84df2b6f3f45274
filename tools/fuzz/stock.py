"""Valid inputs, made by the product itself from what comes with it; each is made once a run."""

import pickle
import struct
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.audio.reader import read_speech
from face_emote.core.types import FaceMotion
from face_emote.provenance.credential import Provenance
from tools.fuzz.reader import Seed

SPOKEN_SECS = (0.55, 1.6)
"""Of the first bundled sentence: a few words of it."""
SPOKEN = "John Dashwood"
CODINGS = (
    ("a.flac", "flac", "s16", 44_100), ("a.mp3", "libmp3lame", "fltp", 44_100), ("a.m4a", "aac", "fltp", 44_100),
    ("a.aac", "aac", "fltp", 44_100), ("a.ogg", "libopus", "flt", 48_000), ("a.mka", "flac", "s16", 16_000),
    ("a.aiff", "pcm_s16be", "s16", 22_050), ("a.w64", "pcm_s16le", "s16", 16_000),
    ("a.caf", "pcm_s16le", "s16", 16_000),
)  # fmt: skip
FILMS = ("a.mp4", "a.mkv", "a.webm", "a.mov", "a.avi")
VERTICES = 60


def kept(folder: Path, name: str, make: Callable[[Path], object]) -> Path:
    """The file of that name in the folder; made when it is not there yet."""
    path = folder / name
    if not path.exists():
        beside = folder / f"new_{name}"
        make(beside)
        beside.rename(path)
    return path


def seed_of(path: Path) -> Seed:
    """A file as a seed."""
    return Seed(path.read_bytes(), path.suffix)


def spoken() -> np.ndarray:
    """A second of speech, 16 kHz."""
    first, stop = (round(16_000 * secs) for secs in SPOKEN_SECS)
    return read_speech(example_speech()[0].path).samples[first:stop]


def line(folder: Path) -> Path:
    """`line.wav`, 16 bits."""

    def make(path: Path) -> None:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(np.round(spoken() * 32767.0).astype("<i2").tobytes())

    return kept(folder, "line.wav", make)


def waves(folder: Path) -> list[Seed]:
    """Wave files of several codings and shapes."""
    plain = line(folder).read_bytes()
    values = spoken()[:4000]
    wide = np.stack([values, -0.5 * values], axis=1)
    return [
        Seed(plain, ".wav"),
        Seed(_wave(3, 32, 1, values.astype("<f4").tobytes()), ".wav"),
        Seed(_wave(3, 64, 2, wide.astype("<f8").tobytes()), ".wav"),
        Seed(_wave(1, 8, 1, np.round(values * 100 + 128).astype(np.uint8).tobytes()), ".wav"),
        Seed(_wave(1, 24, 1, b"".join(struct.pack("<i", int(v * 2**23))[:3] for v in values)), ".wav"),
        Seed(_wave(0xFFFE, 16, 2, np.round(wide * 32767).astype("<i2").tobytes()), ".wav"),
        Seed(plain[:40] + b"\xff\xff\xff\xff" + plain[44:], ".wav"),
        Seed(plain[:36] + b"LIST\5\0\0\0abcde\0" + plain[36:], ".WAV"),
    ]


def _wave(coding: int, bits: int, channels: int, data: bytes) -> bytes:
    fmt = struct.pack("<HHIIHH", coding, channels, 16_000, 2000 * channels * bits, channels * bits // 8, bits)
    if coding == 0xFFFE:
        fmt += struct.pack("<HHIH14s", 22, bits, 3, 1, bytes.fromhex("000000001000800000aa00389b71"))
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def compressed(folder: Path) -> list[Seed]:
    """Speech as other programs keep it."""
    return [seed_of(kept(folder, coding[0], partial(_coded, coding=coding))) for coding in CODINGS]


def films(folder: Path) -> list[Seed]:
    """Pictures with sound."""
    import av

    def make(path: Path) -> None:
        codec, sound = ("libvpx", "libopus") if path.suffix == ".webm" else ("mpeg4", "aac")
        if path.suffix == ".avi":
            sound = "libmp3lame"
        with av.open(str(path), "w") as container:
            film: Any = container.add_stream(codec, rate=10)
            film.width, film.height, film.pix_fmt = 48, 32, "yuv420p"
            track = container.add_stream(sound, rate=48_000, layout="mono")
            for number in range(5):
                picture = np.full((32, 48, 3), 40 * number, np.uint8)
                container.mux(film.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(film.encode(None))
            _encode(container, track, kind="flt" if sound == "libopus" else "fltp", rate=48_000)

    return [seed_of(kept(folder, name, make)) for name in FILMS]


def _coded(path: Path, *, coding: tuple[str, str, str, int]) -> None:
    import av

    _, codec, kind, rate = coding
    with av.open(str(path), "w") as container:
        _encode(container, container.add_stream(codec, rate=rate, layout="mono"), kind=kind, rate=rate)


def _encode(container: Any, track: Any, *, kind: str, rate: int) -> None:
    import av

    frame = av.AudioFrame.from_ndarray(spoken()[None], format="fltp", layout="mono")
    frame.sample_rate = 16_000
    pieces = av.AudioFifo()
    resampler = av.AudioResampler(format=kind, layout="mono", rate=rate)
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        part.pts = None
        pieces.write(part)
    while (piece := pieces.read(track.frame_size or 1024, partial=True)) is not None:
        container.mux(track.encode(piece))
    container.mux(track.encode(None))


def motion(folder: Path) -> FaceMotion:
    """The line, performed with joy."""

    def make(path: Path) -> None:
        fe.write_motion(fe.animate(line(folder), emotion="joy", animator="rules", fps=25.0), path.with_suffix(".npz"))
        path.with_suffix(".npz").replace(path)

    return fe.read_motion(kept(folder, "line.npz", make))


def short(folder: Path) -> FaceMotion:
    """Four frames of it."""
    return motion(folder).part(8, 12)


def exported(folder: Path, name: str, **about: Any) -> Path:
    """Four frames as another file."""

    def make(path: Path) -> None:
        fe.export(short(folder), path, **about)

    return kept(folder, name, make)


def marked_film(folder: Path, name: str) -> Path:
    """A film of four frames, with its mark."""

    def make(path: Path) -> None:
        consent = Provenance(consent="Jane Doe, own voice, 2026-03-01")
        fe.render(short(folder), path, size=32, workers=1, provenance=consent)

    return kept(folder, name, make)


def flame_arrays() -> dict[str, Any]:
    """Arrays of a tiny model in FLAME's layout; nobody's face."""
    rng = np.random.default_rng(0)
    weights = rng.random((VERTICES, 5))
    return {
        "v_template": rng.normal(0.0, 0.1, (VERTICES, 3)),
        "shapedirs": rng.normal(0.0, 0.01, (VERTICES, 3, 400)),
        "posedirs": rng.normal(0.0, 0.01, (VERTICES, 3, 36)),
        "J_regressor": np.full((5, VERTICES), 1.0 / VERTICES),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "f": np.arange(VERTICES, dtype=np.uint32).reshape(-1, 3),
    }


def smplx_arrays() -> dict[str, Any]:
    """The same in SMPL-X's."""
    joints = np.full((VERTICES, 55), 1.0 / 55.0)
    joints[:30] = np.eye(55)[15]
    return flame_arrays() | {"weights": joints, "J_regressor": np.full((55, VERTICES), 1.0 / VERTICES)}


def archived(folder: Path, name: str, arrays: dict[str, Any]) -> Path:
    """Arrays as an .npz."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **arrays)

    return kept(folder, name, make)


def pickled(folder: Path, name: str, arrays: dict[str, Any]) -> Path:
    """Arrays as FLAME's makers ship them: a pickle with a sparse matrix in it."""
    import scipy.sparse

    def make(path: Path) -> None:
        sparse = {"J_regressor": scipy.sparse.csc_matrix(arrays["J_regressor"])}
        path.write_bytes(pickle.dumps(arrays | sparse, protocol=2))

    return kept(folder, name, make)
