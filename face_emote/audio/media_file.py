"""Every other sound or video file (flac, mp3, ogg, m4a, mp4, ...) through PyAV."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AudioError, DependencyError

MAX_GAP_SECS = 0.1
"""How far the time stamps may drift from the sound that was decoded."""
logger = logging.getLogger(__name__)

FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its first audio stream."""
    try:
        import av
    except ImportError:
        raise DependencyError(f"Reading anything but .wav needs PyAV: pip install av: {path}") from None
    with path.open("rb") as file:  # a handle, not a name: no name can be taken for a network address
        try:
            # A playlist must not reach beyond this machine.
            container = av.open(file, options={"protocol_whitelist": "file"}, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError, OSError):
            raise AudioError(
                f"This cannot be read as sound or video (not that kind of file, or cut off); give a wav: {path}"
            ) from None
        with container:
            if not container.streams.audio:
                raise AudioError(f"The file holds no sound; give one with an audio track: {path}")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise AudioError(f"The sound is coded in a way that nobody here can decode; give a wav: {path}")
            yield container, stream


def media_rate_and_secs(path: Path) -> tuple[int, float]:
    """Sample rate in Hz and the length in seconds that the container declares (0 when it declares none).

    Raises:
        AudioError: nothing that sounds can be read from the file.
        DependencyError: PyAV is not installed.
    """
    with _opened(path) as (container, stream):
        return stream.rate or 0, _declared_secs(container, stream)


def _declared_secs(container: Any, stream: Any) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return 0.0 if container.duration is None else container.duration / 1e6  # FFmpeg's own unit, microseconds


def media_pieces(path: Path) -> Iterator[tuple[int, Float[Array, "_frames channels"]]]:
    """Sample rate and samples of each decoded packet, float32 with full scale 1.

    Damaged packets before the first or after the last good one (a cut stream, a tag) are left out with a warning.

    Raises:
        AudioError: sound is missing in the middle, for lips would run away from it from there on.
        DependencyError: PyAV is not installed.
    """
    import av

    with _opened(path) as (container, stream):
        damaged, heard_secs, origin, gap = 0, 0.0, None, False
        for packet in _packets(container, stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                damaged += 1
                continue
            for frame in frames:
                if frame.pts is not None and frame.time_base is not None:
                    at = float(frame.pts * frame.time_base)
                    origin = at - heard_secs if origin is None else origin
                    gap = abs(at - origin - heard_secs) > MAX_GAP_SECS
                if gap or (damaged and heard_secs):
                    raise AudioError(f"Sound is damaged or missing at {heard_secs:.1f} s; re-encode the file: {path}")
                yield frame.sample_rate, _samples(frame, path)
                heard_secs += frame.samples / frame.sample_rate
        if damaged and not heard_secs:
            raise AudioError(f"All {damaged} packets of sound are damaged; record or export it again: {path}")
        if damaged:
            logger.warning("%d damaged packets at the ends were left out: %s", damaged, path)
        declared = _declared_secs(container, stream)
        if heard_secs < 0.95 * declared - 0.5:
            logger.warning("The file declares %.1f s of sound, %.1f s are there: %s", declared, heard_secs, path)


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Packets of the stream; a demuxer that fails on a cut-off file has simply reached its end."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.error.FFmpegError):
            return


def _samples(frame: Any, path: Path) -> Float[Array, "frames channels"]:
    kind = frame.format.name.removesuffix("p")
    if kind not in FULL_SCALE:
        raise AudioError(f"The sound is coded as {frame.format.name}, which cannot be read; give a wav: {path}")
    values = frame.to_ndarray().astype(np.float32)
    if kind == "u8":
        values -= 128.0
    values = values.T if frame.format.is_planar else values.reshape(frame.samples, -1)
    return values / np.float32(FULL_SCALE[kind])
