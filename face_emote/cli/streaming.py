"""Live performance on the command line: sound from stdin, frames to stdout as JSON lines or into a folder."""

import json
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.audio.reader import MAX_RATE_HZ, MIN_RATE_HZ
from face_emote.audio.resampler import resample
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AudioError, OptionError
from face_emote.core.motion import joined_motion
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, WRINKLES
from face_emote.core.options import Performance
from face_emote.core.output import require_writable, written_beside
from face_emote.core.types import FaceMotion
from face_emote.core.version import VERSION
from face_emote.emotion.grammar import plan_of
from face_emote.face.bundled import load_head
from face_emote.formats.live_targets import LiveFrame
from face_emote.formats.motion_file import write_motion
from face_emote.motion.live import LivePerformer
from face_emote.network.runtime import load_motion_net

CHUNK_SECS = 1.0  # Length of the motion files in a folder.
_MOST_BYTES = 1 << 16
_DIGITS = 4
_SMALLEST = 0.5 * 10.0**-_DIGITS


def stream_performance(
    performance: Performance, *, output: Path | None, fps: float, rate_hz: int, latency_ms: int
) -> None:
    """Perform what comes in on stdin until it ends, or until nobody reads stdout any more.

    AudioError: stdin is a terminal. OptionError: rate, latency or fps are out of range, or the folder holds motion
    files already.
    """
    sound = heard_on_stdin(rate_hz, command="animate --stream")
    performer = performer_of(performance, fps=fps, latency_ms=latency_ms)
    sink = JsonLines(fps=fps, latency_ms=latency_ms) if output is None else Folder(output, fps=fps)
    with until_nobody_reads():
        for samples in sound:
            sink.write(performer.feed(samples))
        sink.write(performer.finish())
        sink.close()


def performer_of(performance: Performance, *, fps: float, latency_ms: int) -> LivePerformer:
    """Whoever performs. Raises as `LivePerformer`."""
    return LivePerformer(
        load_head(performance.head),
        plan_of(performance.emotion, performance.intensity),
        style=performance.style,
        seed=performance.seed,
        fps=fps,
        latency_ms=latency_ms,
        character=performance.character,
        look_at=performance.look_at,
        net=load_motion_net(performance.model),
    )


def stream_bytes(pieces: Iterator[bytes], output: Path) -> None:
    """Write pieces as they come, into a file or, for `-`, to stdout. OutputError: the file cannot be written there."""
    if str(output) != "-":
        with written_beside(output) as beside, beside.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        return
    with until_nobody_reads():
        for piece in pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def heard_on_stdin(rate_hz: int, *, command: str) -> Iterator[Float[Array, " _samples"]]:
    """16-bit mono sound as it comes, at 16 kHz. AudioError: stdin is a terminal. OptionError: no such rate."""
    require_piped(rate_hz, command=command)
    read: Callable[[int], bytes] = sys.stdin.buffer.read1  # type: ignore[union-attr]
    return (np.clip(samples, -1.0, 1.0) for samples in resample(pcm_pieces(read), rate_in=rate_hz))


def require_piped(rate_hz: int, *, command: str) -> None:
    """Raise the errors of `heard_on_stdin`."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise OptionError(f"--stream-rate must lie between {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz, got {rate_hz}")
    if sys.stdin.isatty():
        raise AudioError(f"There is no sound on stdin; pipe 16-bit mono PCM into face-emote {command}")


@contextmanager
def until_nobody_reads() -> Iterator[None]:
    """The block ends when nobody reads stdout any more."""
    try:
        yield
    except BrokenPipeError:
        # Nobody listens any more: that is how a stream ends. What is still buffered must not fail again at exit.
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a file descriptor is wanted
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def pcm_pieces(read: Callable[[int], bytes], *, most: int = _MOST_BYTES) -> Iterator[Float[Array, " _samples"]]:
    """Samples as they arrive; a half sample at the very end is dropped."""
    rest = b""
    while piece := read(most):
        piece = rest + piece
        whole = len(piece) - len(piece) % 2
        rest = piece[whole:]
        if whole:
            yield np.frombuffer(piece[:whole], "<i2").astype(np.float32) / np.float32(32768.0)


class JsonLines:
    """One line that says what follows, then one line a frame."""

    def __init__(self, *, fps: float, latency_ms: int) -> None:
        self._fps, self._latency_ms = fps, latency_ms
        self._frame = 0

    def write(self, motions: list[FaceMotion]) -> None:
        """Frames as they come."""
        for motion in motions:
            if self._frame == 0:
                self._say(self._header(motion))
            for i in range(motion.num_frames):
                self._say(frame_of(motion, i, secs=self._frame / self._fps))
                self._frame += 1
        sys.stdout.flush()

    def send(self, frame: LiveFrame) -> None:
        """A frame that is shown now, and the curves of a rig; lost if nobody has read those before it."""
        if not _stdout_takes():
            return
        if self._frame == 0:
            self._say(self._header(frame.motion))
        said = frame_of(frame.motion, 0, secs=frame.secs)
        self._say(said | {"curves": frame.curves} if frame.curves else said)
        sys.stdout.flush()
        self._frame += 1

    def close(self) -> None:
        """Nothing is held back."""
        sys.stdout.flush()

    def _header(self, motion: FaceMotion) -> dict[str, Any]:
        return {
            "face_emote": VERSION,
            "basis": motion.info.basis,
            "animator": motion.info.animator,
            "character": motion.character,
            "fps": self._fps,
            "latency_ms": self._latency_ms,
        }

    @staticmethod
    def _say(values: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(values, separators=(",", ":")) + "\n")


def _stdout_takes() -> bool:
    """Whether a line can be written without waiting, where the system can say so."""
    try:
        return bool(select.select([], [sys.stdout], [], 0.0)[1])
    except (OSError, ValueError):
        return True


def frame_of(motion: FaceMotion, index: int, *, secs: float) -> dict[str, Any]:
    """A frame as JSON: controls, wrinkles and blood by name where they are not 0; rotations in radians, metres."""
    return {
        "t": round(secs, 6),
        "expression": _named(CONTROLS, motion.expression[index]),
        "jaw": _rounded(motion.jaw_pose[index]),
        "neck": _rounded(motion.neck_pose[index]),
        "eyes": [_rounded(eye) for eye in motion.eye_pose[index]],
        "body": _rounded(motion.global_pose[index]),
        "shift": _rounded(motion.translation[index]),
        "wrinkles": _named(WRINKLES, motion.wrinkles[index]),
        "blood": _named(BLOOD_REGIONS, motion.blood_flow[index]),
    }


def _named(names: tuple[str, ...], values: Array) -> dict[str, float]:
    return {names[i]: round(float(values[i]), _DIGITS) for i in np.flatnonzero(np.abs(values) > _SMALLEST)}


def _rounded(values: Array) -> list[float]:
    return [round(float(value), _DIGITS + 2) for value in values]


class Folder:
    """A motion file for every second: 000000.npz, 000001.npz, .."""

    def __init__(self, folder: Path, *, fps: float) -> None:
        require_writable(folder, folder=True)
        if folder.is_dir() and any(folder.glob("*.npz")):
            raise OptionError(f"There are motion files in this folder already; choose another: {folder}")
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._size = max(round(CHUNK_SECS * fps), 1)
        self._held: list[FaceMotion] = []
        self._count = 0

    def write(self, motions: list[FaceMotion]) -> None:
        """Keep frames, and write the seconds that they complete."""
        self._held += motions
        while sum(motion.num_frames for motion in self._held) >= self._size:
            self._write(self._size)

    def close(self) -> None:
        """Write what is left."""
        if self._held:
            self._write(self._size)

    def _write(self, num_frames: int) -> None:
        whole = joined_motion(self._held)
        write_motion(whole.part(0, num_frames), self._folder / f"{self._count:06d}.npz")
        self._held = [whole.part(num_frames, whole.num_frames)] if whole.num_frames > num_frames else []
        self._count += 1
