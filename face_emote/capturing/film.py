"""A film as upright pictures with the instants at which they are shown."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.audio.media_file import is_cover, opened_media
from face_emote.core.arrays import Array, UInt8
from face_emote.core.errors import CaptureError
from face_emote.core.timing import MAX_FPS, MIN_FPS

MAX_SIDE = 1280
"""Pixels; larger pictures are reduced to it, for a face in them has more pixels than anything here looks at."""
USUAL_FPS = 25.0  # Of a film that says nothing about its rate.
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a film says of itself; `num_frames` and `duration_secs` are its own claims, 0 when it makes none."""

    path: Path
    num_frames: int
    fps: float  # Mean rate; the instants of its frames may vary.
    duration_secs: float
    sound_secs: float  # 0: it has no sound.
    bits_per_pixel: float  # How strongly it is compressed; 0 when it does not say.


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its moving picture."""
    if not path.exists():
        raise CaptureError(f"There is no such film; check the name: {path}")
    try:
        with opened_media(path) as container:
            streams = [stream for stream in container.streams.video if not is_cover(stream)]
            if not container.streams:
                raise CaptureError(f"The film is empty: neither pictures nor sound are in it; record it again: {path}")
            if not streams:
                raise CaptureError(f"This is sound without pictures; give a film of a face: {path}")
            if streams[0].codec_context is None:
                raise CaptureError(f"The pictures are coded in a way that nobody here can decode; give an mp4: {path}")
            yield container, streams[0]
    except (OSError, ValueError):
        raise CaptureError(
            f"This cannot be read as a film (not that kind of file, or cut off); give an mp4: {path}"
        ) from None


def film_facts(path: Path) -> FilmFacts:
    """What the film's container says. CaptureError: it is no film."""
    with _opened(path) as (container, stream):
        fps = float(stream.average_rate or stream.guessed_rate or USUAL_FPS)
        secs = _secs(stream.duration, stream.time_base) or (container.duration or 0) / 1e6
        sound = next(iter(container.streams.audio), None)
        bits = 8.0 * path.stat().st_size  # Declared rates are limits, at times a hundredfold.
        pixels = max(stream.width * stream.height, 1) * fps * secs
        return FilmFacts(
            path=path,
            num_frames=stream.frames or round(secs * fps),
            fps=float(np.clip(fps, MIN_FPS, MAX_FPS)),
            duration_secs=secs,
            sound_secs=0.0 if sound is None else _secs(sound.duration, sound.time_base) or secs,
            bits_per_pixel=bits / pixels if pixels else 0.0,
        )


def _secs(duration: int | None, time_base: Any) -> float:
    return float(duration * time_base) if duration is not None and time_base is not None else 0.0


def film_pictures(
    path: Path, *, remark: Callable[[str], None] = _log.warning
) -> Iterator[tuple[float, UInt8[Array, "height width 3"]]]:
    """Every picture, upright, sRGB, with the second at which it appears; the first at 0, none at the same instant.

    `remark` hears of damaged frames, which are left out. CaptureError: it is no film, or none of its pictures can be
    decoded.
    """
    with _opened(path) as (container, stream):
        step = 1.0 / float(stream.average_rate or USUAL_FPS)
        first, last, damaged = None, -1.0, 0
        for frame in _frames(container, stream):
            if frame is None:
                damaged += 1
                continue
            shown = last + step if frame.pts is None else float(frame.pts * frame.time_base)
            first = shown if first is None else first
            if shown - first <= last:
                continue
            last = shown - first
            yield last, _upright(frame)
        if first is None:
            raise CaptureError(
                f"The film holds no picture that can be decoded{' (all are damaged)' if damaged else ''}; record or "
                f"export it again: {path}"
            )
        if damaged:
            remark(f"{damaged} damaged packets of the film were left out: {path}")


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames; None for a damaged packet. A demuxer that fails on a cut-off file has reached its end."""
    import av

    stream.thread_type = "AUTO"
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        try:
            decoded = packet.decode()
        except av.error.FFmpegError:
            yield None
            continue
        yield from decoded


def _upright(frame: Any) -> UInt8[Array, "height width 3"]:
    largest = max(frame.width, frame.height)
    if largest > MAX_SIDE:
        width, height = (max(2, round(side * MAX_SIDE / largest / 2) * 2) for side in (frame.width, frame.height))
        picture = frame.to_ndarray(format="rgb24", width=width, height=height)
    else:
        picture = frame.to_ndarray(format="rgb24")
    quarter_turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4  # PyAV counts counter-clockwise
    return np.ascontiguousarray(np.rot90(picture, quarter_turns))
