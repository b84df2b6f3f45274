"""Small batches for tests, and the command that runs them."""

import os
import subprocess
import sys
import wave
from pathlib import Path

from face_emote.audio.examples import example_speech

REPOSITORY = Path(__file__).parent.parent
OURS = {"batch.sqlite", "batch.sqlite-wal", "batch.sqlite-shm", "log.jsonl", "report.html"}


def write_line(path: Path, secs: float, *, first: float = 0.2) -> Path:
    """A piece of a bundled recording; over again when it is longer than that."""
    with wave.open(str(example_speech()[0].path)) as sound:
        form = sound.getparams()
        frames = sound.readframes(form.nframes)
    wanted = round(secs * form.framerate) * form.sampwidth * form.nchannels
    start = round(first * form.framerate) * form.sampwidth * form.nchannels
    whole = (frames[start:] + frames * (wanted // len(frames) + 1))[:wanted]
    with wave.open(str(path), "wb") as out:
        out.setparams(form)
        out.writeframes(whole)
    return path


def make_lines(folder: Path) -> Path:
    """Four rows; the third recording begins well and is not finite further on."""
    import struct

    write_line(folder / "a.wav", 0.8)
    write_line(folder / "b.wav", 0.6, first=1.0)
    samples = [0.1] * 8000 + [float("nan")] * 10
    data = struct.pack(f"<{len(samples)}f", *samples)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, 16000, 64000, 4, 32,
                       b"data", len(data))  # fmt: skip
    (folder / "damaged.wav").write_bytes(head + data)
    manifest = folder / "lines.csv"
    manifest.write_text(
        "speech,name,emotion,outputs,no_provenance\n"
        "a.wav,one,joy,mp4 npz,\n"
        "b.wav,two,calm anger,glb,\n"
        "damaged.wav,damaged,joy,mp4,\n"
        "b.wav,plain,fear,csv mp4,yes\n"
    )
    return manifest


def contents(folder: Path) -> dict[str, bytes]:
    """Results of a batch, without what it keeps for itself."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in OURS and ".work" not in path.parts
    }


def command(manifest: Path, out: Path, *more: str) -> list[str]:
    """The command line of a batch."""
    return [sys.executable, "-m", "face_emote", "batch", str(manifest), "-o", str(out), *more]


def environment() -> dict[str, str]:
    """That of a child which imports this very package."""
    return os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}


def run_command(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=600)
