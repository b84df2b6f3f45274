"""Every other sound or video file (flac, mp3, ogg, m4a, mp4, ...) through PyAV.

The only place where media are opened: by a handle, so that no name is taken for an address, with the formats that hold
sound themselves and no others. Playlists and their kin, which name further files, are never followed.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AudioError, DependencyError

MAX_GAP_SECS = 0.1  # How far the time stamps may drift from the sound that was decoded.
LEAST_LEAD_SECS = 0.001
PIECE_FRAMES = 1 << 16
FORMATS = (
    "3dostr,aa,aac,aax,ac3,ac4,adx,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,dv,eac3,flac,flv,gxf,iff,ilbc,ircam,iv8,"
    "loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,nsv,nut,ogg,oma,paf,pvf,qcp,rm,rso,sds,shn,sol,sox,"
    "spdif,swf,tak,truehd,tta,voc,vqf,w64,wav,wsaud,wtv,wv,xa,xwma"
)
"""Demuxers of files that hold their own sound. FFmpeg's other ones follow names, addresses, patterns and devices."""
FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}
_ATTACHED_PICTURE = 0x400  # FFmpeg's flag of the picture on an album's cover.
LISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"[Reference]", b"<MPD", b"<asx", b"<smil", b"v=0")
"""How files start that name other files."""
logger = logging.getLogger(__name__)


@contextmanager
def opened_media(path: Path) -> Iterator[Any]:
    """PyAV's container of a file, open for reading.

    DependencyError: PyAV is not installed. OSError, ValueError: it is no such file, or damaged.
    """
    with path.open("rb") as file, _container(file, path) as container:
        yield container


def _container(file: BinaryIO, path: Path) -> Any:
    try:
        import av
    except ImportError:
        raise DependencyError(f"Reading anything but .wav needs PyAV: pip install av: {path}") from None
    options = {"protocol_whitelist": "none", "format_whitelist": FORMATS}
    try:
        return av.open(file, options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:  # some of them, such as an early end, are no OSError
        raise OSError(str(error)) from None


@contextmanager
def _opened_sound(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its first audio stream."""
    with path.open("rb") as file:
        try:
            container = _container(file, path)
        except (OSError, ValueError):
            raise AudioError(_unreadable(path)) from None
        with container:
            if not container.streams.audio:
                raise AudioError(f"The file holds no sound; give one with an audio track: {path}")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise AudioError(f"The sound is coded in a way that nobody here can decode; give a wav: {path}")
            yield container, stream


def _unreadable(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(400).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if any(start.startswith(mark.lower()) for mark in LISTS) or (start.startswith(b"<?xml") and b"<mpd" in start):
        return f"This is a list of other files or addresses, not a recording; name the recording itself: {path}"
    return f"This cannot be read as sound or video (not that kind of file, or cut off); give a wav: {path}"


def media_facts(path: Path) -> tuple[int, int, float]:
    """Sample rate in Hz, channels, and the length in seconds that the container declares (0 when it declares none).

    AudioError: nothing that sounds can be read from the file. DependencyError: PyAV is not installed.
    """
    with _opened_sound(path) as (container, stream):
        return stream.rate or 0, stream.channels, _declared_secs(container, stream)


def _declared_secs(container: Any, stream: Any) -> float:
    """From the first picture to the end of the sound."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base) + _lead_secs(container, stream)
    return 0.0 if container.duration is None else container.duration / 1e6  # FFmpeg's own unit, microseconds


def _lead_secs(container: Any, stream: Any) -> float:
    """How long the pictures run before the sound starts."""
    starts = [_start_secs(video) for video in container.streams.video if not is_cover(video)]
    return max(0.0, _start_secs(stream) - min(starts)) if starts else 0.0


def _start_secs(stream: Any) -> float:
    known = stream.start_time is not None and stream.time_base is not None
    return float(stream.start_time * stream.time_base) if known else 0.0


def is_cover(stream: Any) -> bool:
    """Whether a stream of pictures is only the picture on an album's cover."""
    return bool(int(stream.disposition) & _ATTACHED_PICTURE)


def media_pieces(  # noqa: C901 - one walk over the packets, whose faults depend on what came before
    path: Path, *, remark: Callable[[str], None] | None = None
) -> Iterator[tuple[int, Float[Array, "_frames channels"]]]:
    """Sample rate and samples of each decoded packet, float32 with full scale 1, from the first picture on.

    Silence stands for what a film shows before its sound starts, and for damaged packets before the first good one (a
    cut stream). Damage after the last good one (a tag) is left out. `remark` is called with what a person should know
    about the file; warnings are logged by default. AudioError: sound is missing in the middle, for lips would run away
    from it from there on. DependencyError: PyAV is not installed.
    """
    import av

    say = remark or logger.warning
    with _opened_sound(path) as (container, stream):
        lead_secs = _lead_secs(container, stream)
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
                    if origin is None:
                        origin = at
                        lead_secs += max(0.0, at - _start_secs(stream)) if damaged else 0.0
                    gap = abs(at - origin - heard_secs) > MAX_GAP_SECS
                if gap or (damaged and heard_secs):
                    raise AudioError(f"Sound is damaged or missing at {heard_secs:.1f} s; re-encode the file: {path}")
                samples = _samples(frame, path)
                if not heard_secs:
                    yield from _silence(lead_secs, rate=frame.sample_rate, channels=samples.shape[1])
                yield frame.sample_rate, samples
                heard_secs += frame.samples / frame.sample_rate
        if damaged and not heard_secs:
            raise AudioError(f"All {damaged} packets of sound are damaged; record or export it again: {path}")
        if damaged:
            say(f"{damaged} damaged packets at the ends were left out: {path}")
        declared, there = _declared_secs(container, stream), lead_secs + heard_secs
        only_film = stream.duration is None and container.streams.video  # pictures may go on after the sound
        if there < 0.95 * declared - 0.5 and not only_film:
            say(f"The file declares {declared:.1f} s of sound, {there:.1f} s are there: {path}")


def _silence(secs: float, *, rate: int, channels: int) -> Iterator[tuple[int, Float[Array, "_frames channels"]]]:
    left = round(secs * rate) if secs >= LEAST_LEAD_SECS else 0
    while left > 0:
        yield rate, np.zeros((min(left, PIECE_FRAMES), channels), np.float32)
        left -= PIECE_FRAMES


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
    amplitude: Array = values / np.float32(FULL_SCALE[kind])
    return amplitude
