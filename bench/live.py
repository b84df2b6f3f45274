"""How far a live face is behind the sound, and how even its frames are.

`python -m bench.live [--quick]`: a line is spoken into `animate --stream` in real time, piece by piece, and its frames
are timed where they come out; the shift at which the jaw moves like that of the same line performed at leisure is the
delay.
"""

import argparse
import json
import subprocess
import sys
import threading
import time

import numpy as np

from face_emote.audio.examples import example_speech
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array
from face_emote.core.motion import joined_motion
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.face.bundled import load_head
from face_emote.motion.live import LivePerformer

FPS = 50.0
SHIFTS_SECS = np.arange(0.0, 0.6, 0.001)
QUIET_SECS = 0.5


def main() -> None:
    """Measure both look-aheads, with pieces as a microphone and as `arecord` gives them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one of them, and two seconds of sound")
    quick = parser.parse_args().quick
    line = read_speech(example_speech()[0].path).samples[: (2 if quick else 6) * SAMPLE_RATE_HZ]
    print("look-ahead, ms  pieces, ms  behind the sound, ms  frames apart, ms (5th, 50th, 95th)  left out")
    for latency_ms in (80,) if quick else (80, 160):
        for piece_ms in (20,) if quick else (10, 20, 125):
            behind, apart, missing = measured(line, latency_ms=latency_ms, piece_ms=piece_ms)
            even = " ".join(f"{1000.0 * value:.1f}" for value in np.percentile(apart, (5, 50, 95)))
            print(f"{latency_ms:14} {piece_ms:11} {1000.0 * behind:21.0f}  {even:>34} {missing:9}", flush=True)


def measured(line: Array, *, latency_ms: int, piece_ms: int) -> tuple[float, Array, int]:
    """Seconds behind the sound, seconds between frames, frames left out."""
    words = ["--emotion", "neutral", "--latency", str(latency_ms), "--to", "json"]
    child = subprocess.Popen(
        [sys.executable, "-m", "face_emote", "animate", "--stream", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    seen: list[tuple[float, float, float]] = []
    live = threading.Event()

    def read_on() -> None:
        assert child.stdout is not None
        for text in child.stdout:
            frame = json.loads(text)
            if "t" in frame:
                seen.append((time.monotonic(), frame["t"], frame["jaw"][0]))
                live.set()

    reader = threading.Thread(target=read_on)
    reader.start()
    size = SAMPLE_RATE_HZ * piece_ms // 1000
    silence = np.zeros(size, "<i2").tobytes()
    clock = time.monotonic()
    while not live.is_set():
        clock += piece_ms / 1000.0
        time.sleep(max(clock - time.monotonic(), 0.0))
        child.stdin.write(silence)
        child.stdin.flush()
    sound = np.concatenate([np.zeros(int(2 * QUIET_SECS * SAMPLE_RATE_HZ), np.float32), line])
    began = clock
    for first in range(0, len(sound), size):
        piece = (sound[first : first + size] * 32767.0).astype("<i2")
        clock += len(piece) / SAMPLE_RATE_HZ
        time.sleep(max(clock - time.monotonic(), 0.0))
        child.stdin.write(piece.tobytes())
        child.stdin.flush()
    child.stdin.close()
    reader.join()
    child.wait()
    times, frames, jaw = np.array(seen).T
    inside = (times > began + QUIET_SECS) & (times < began + len(sound) / SAMPLE_RATE_HZ)
    at_leisure = _jaw(sound, latency_ms=latency_ms)
    instants = np.arange(len(at_leisure)) / FPS
    errors = [
        np.square(jaw[inside] - np.interp(times[inside] - began - shift, instants, at_leisure)).mean()
        for shift in SHIFTS_SECS
    ]
    missing = round(float(np.ptp(frames[inside])) * FPS) + 1 - int(inside.sum())
    return float(SHIFTS_SECS[int(np.argmin(errors))]), np.diff(times[inside]), missing


def _jaw(sound: Array, *, latency_ms: int) -> Array:
    performer = LivePerformer(load_head(), "neutral", latency_ms=latency_ms)
    jaw: Array = joined_motion([*performer.feed(sound), *performer.finish()]).jaw_pose[:, 0]
    return jaw


if __name__ == "__main__":
    main()
