"""Pictures and sound to a video file, streamed through PyAV (FFmpeg's libraries, no program to install).

The picture track ends with the sound exactly: frames cover it, and the last one is shown only for what is left.

Pictures are compressed in segments of SEGMENT_FRAMES, each by a fresh encoder, so that a segment depends on nothing
outside it: segments drawn on different machines and joined give the very file that one machine writes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from face_emote.audio.reader import open_speech
from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.errors import DependencyError, OptionError
from face_emote.core.types import Speech
from face_emote.rendering.segment_file import CodedPacket, read_packets

TICKS_HZ = 90_000  # Resolution of picture times.
SEGMENT_FRAMES = 192
"""Encoders start anew (a key frame) after so many: a whole number of the blocks in which motions are evaluated."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to compress."""

    encoder: str
    options: tuple[tuple[str, str], ...]
    suffixes: tuple[str, ...]


CODECS = {
    "h264": Codec("libx264", (("crf", "20"), ("preset", "veryfast"), ("mbtree", "0")), (".mp4", ".mov", ".mkv")),
    "vp9": Codec(
        "libvpx-vp9", (("crf", "30"), ("b", "0"), ("cpu-used", "5"), ("row-mt", "1")), (".webm", ".mp4", ".mkv")
    ),
    "av1": Codec("libsvtav1", (("crf", "32"), ("preset", "9")), (".mp4", ".webm", ".mkv")),
}
"""h264 plays everywhere; vp9 and av1 are free of GPL encoders and of patents' fees.

Without x264's macroblock tree: at some widths (64, 160, 200 pixels) it gives other bytes from time to time for the very
same pictures. At equal quality files are a sixth larger.
"""
DEFAULT_CODEC = {".mp4": "h264", ".mov": "h264", ".mkv": "h264", ".webm": "vp9"}


def choose_codec(path: Path, codec: str | None) -> Codec:
    """The codec to write `path` with.

    OptionError: an unknown codec or file type, or one that does not go into the other.
    """
    suffix = path.suffix.lower()
    if suffix not in DEFAULT_CODEC:
        raise OptionError(f"A video must end in {', '.join(DEFAULT_CODEC)}; rename the output: {path}")
    name = codec or DEFAULT_CODEC[suffix]
    if name not in CODECS:
        raise OptionError(f"There is no codec called {name!r}. Known: {', '.join(CODECS)}")
    if suffix not in CODECS[name].suffixes:
        raise OptionError(f"{name} does not go into {suffix} files; use {' or '.join(CODECS[name].suffixes)}: {path}")
    return CODECS[name]


def _import_av() -> Any:
    try:
        import av
    except ImportError:
        raise DependencyError("Writing video needs PyAV: pip install av") from None
    return av


_GLOBAL_HEADER = 1 << 22  # FFmpeg's flag: parameter sets go into the container's head, not before every key frame.


class SegmentEncoder:
    """Compresses the frames of one segment; times count from its first frame."""

    def __init__(self, codec: Codec, *, width: int, height: int, fps: float) -> None:
        av = _import_av()
        self._ticks = ticks_per_frame(fps)
        self._frame = 0
        self._context = context = av.CodecContext.create(codec.encoder, "w")
        _set_up(context, codec, width=width, height=height)
        context.framerate = Fraction(fps).limit_denominator(1001)
        context.flags |= _GLOBAL_HEADER

    def write(self, picture: UInt8[Array, "height width 3"]) -> list[CodedPacket]:
        """Append one sRGB frame; returns the packets that are ready."""
        av = _import_av()
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=1, src_color_range=2, dst_color_range=1)
        frame.pts, frame.time_base = round(self._frame * self._ticks), Fraction(1, TICKS_HZ)
        self._frame += 1
        return [_coded(packet) for packet in self._context.encode(frame)]

    def finish(self) -> list[CodedPacket]:
        """The packets that are left."""
        return [_coded(packet) for packet in self._context.encode(None)]


def _coded(packet: Any) -> CodedPacket:
    return CodedPacket(packet.pts, packet.dts, bool(packet.is_keyframe), bytes(packet))


def _set_up(context: Any, codec: Codec, *, width: int, height: int) -> None:
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.options = dict(codec.options)
    context.thread_count = 1  # more threads may change the bytes
    context.time_base = Fraction(1, TICKS_HZ)
    context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709, the players' default
    context.color_range = 1


def ticks_per_frame(fps: float) -> Fraction:
    """Ticks of 1 / TICKS_HZ seconds."""
    return Fraction(TICKS_HZ) / Fraction(fps).limit_denominator(1001)


class VideoWriter:
    """`with VideoWriter(path, ...) as video: video.write(picture)` for every frame in order.

    The caller provides a path to write to that is not yet the final one (see core.output.written_beside).
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: float,
        codec: Codec,
        speech: Path | Speech | None,
        duration_secs: float,
        comment: str = "",
    ) -> None:
        """Open the file; sides are even pixels, the codec is of `choose_codec`, the comment is the container's.

        `speech`: a sound file (kept at its own rate, at most stereo), a recording, or None for silence. At
        `duration_secs` picture and sound end: the last frame is shortened to it.
        """
        av = _import_av()
        self._codec, self._width, self._height, self._fps = codec, width, height, fps
        self._ticks = ticks_per_frame(fps)
        self._end = round(duration_secs * TICKS_HZ)
        self._frame = self._base = 0
        self._segment: SegmentEncoder | None = None
        # Bit-exact: no random identifiers in Matroska.
        start = {"movflags": "+faststart"} if path.suffix in (".mp4", ".mov") else {}
        # As a file, whatever its name looks like: FFmpeg would take `http:x.mp4` for an address.
        always = {"fflags": "+bitexact", "max_interleave_delta": _INTERLEAVE_MICROSECS}
        self._container = av.open(f"file:{path.absolute()}", "w", options=start | always)
        if comment:
            self._container.metadata["comment"] = comment
        # This stream's own encoder only tells the container what the segments are like.
        self._video = self._container.add_stream(codec.encoder, rate=Fraction(fps).limit_denominator(1001))
        _set_up(self._video.codec_context, codec, width=width, height=height)
        self._video.time_base = Fraction(1, TICKS_HZ)
        self._sound = _SoundTrack(self._container, path, speech, duration_secs) if speech is not None else None

    def write(self, picture: UInt8[Array, "height width 3"]) -> None:
        """Append one sRGB frame."""
        if self._segment is None or self._frame % SEGMENT_FRAMES == 0:
            self._start_segment()
            self._segment = SegmentEncoder(self._codec, width=self._width, height=self._height, fps=self._fps)
        self._mux(self._segment.write(picture))
        self._count_frame()

    def append(self, segment: Path) -> None:
        """Append the pictures of a segment file as they are: nothing is compressed again.

        ValueError: the frames so far do not end with a segment.
        """
        if self._frame % SEGMENT_FRAMES:
            raise ValueError(f"a segment starts every {SEGMENT_FRAMES} frames, not at {self._frame}")
        self._start_segment()
        self._segment = None
        for packet in read_packets(segment):
            self._mux([packet])
            self._count_frame()

    def _start_segment(self) -> None:
        self._finish_segment()
        self._base = round(self._frame * self._ticks)

    def _finish_segment(self) -> None:
        if self._segment is not None:
            self._mux(self._segment.finish())

    def _count_frame(self) -> None:
        self._frame += 1
        if self._sound is not None:
            self._sound.advance_to(self._frame * self._ticks / TICKS_HZ)

    def _mux(self, packets: list[CodedPacket]) -> None:
        av, tick = _import_av(), round(self._ticks)
        for coded in packets:
            packet = av.Packet(coded.data)
            packet.stream, packet.time_base = self._video, Fraction(1, TICKS_HZ)
            packet.is_keyframe = coded.is_key
            packet.pts, packet.dts = coded.shown + self._base, coded.decoded + self._base
            packet.duration = max(1, min(tick, self._end - packet.pts))
            self._container.mux(packet)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish_segment()
                if self._sound is not None:
                    self._sound.finish()
        finally:
            self._container.close()


class _SoundTrack:
    """Encodes the speech alongside the pictures, piece by piece, as the analysis reads it."""

    def __init__(self, container: Any, path: Path, speech: Path | Speech, duration_secs: float) -> None:
        av = _import_av()
        self._container = container
        if isinstance(speech, Speech):
            rate, channels, pieces = speech.sample_rate, 1, _cut(speech)
        else:
            source = open_speech(speech)
            rate, channels, pieces = source.sample_rate, source.channels, source.pieces()
        self._blocks = _frames(pieces, rate=rate, channels=channels)
        opus = path.suffix == ".webm"
        rate = 48_000 if opus or rate not in _AAC_RATES else rate
        layout = "mono" if channels not in _LAYOUTS or channels == 1 else "stereo"
        self._stream = container.add_stream("libopus" if opus else "aac", rate=rate)
        self._stream.layout = layout
        self._stream.bit_rate = 128_000 if rate >= 32_000 else 64_000
        self._resampler = av.AudioResampler(
            format=self._stream.codec_context.format or "fltp",
            layout=layout,
            rate=rate,
            frame_size=960 if opus else 1024,
        )
        self._rate, self._wanted, self._sent = rate, round(duration_secs * rate), 0
        self._ended = False

    def advance_to(self, time_secs: Fraction) -> None:
        """Encode until the sound has reached this instant."""
        while not self._ended and self._sent < time_secs * self._rate:
            block = next(self._blocks, None)
            self._ended = block is None
            for frame in self._resampler.resample(block):
                self._encode(frame)

    def _encode(self, frame: Any) -> None:
        av = _import_av()
        left = self._wanted - self._sent
        if left <= 0:
            return
        if frame.samples > left:
            kept = np.ascontiguousarray(frame.to_ndarray()[:, :left])
            short = av.AudioFrame.from_ndarray(kept, format=frame.format.name, layout=frame.layout.name)
            short.sample_rate = frame.sample_rate
            frame = short
        frame.pts, frame.time_base = self._sent, Fraction(1, self._rate)
        self._sent += frame.samples
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Encode what is left."""
        self.advance_to(Fraction(self._wanted + 1, self._rate))
        self._container.mux(self._stream.encode(None))


_INTERLEAVE_MICROSECS = "60000000"
"""How long a packet waits for its neighbours of the other stream. An encoder that looks ahead, or a segment that comes
all at once, is seconds late; after FFmpeg's ten, order and bytes would depend on which of the two it was."""
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Which loudspeakers so many channels are for; of other numbers the mean is heard."""


def _cut(speech: Speech) -> Iterator[Float[Array, "_frames channel=1"]]:
    for first in range(0, len(speech.samples), speech.sample_rate):
        yield speech.samples[first : first + speech.sample_rate, None].astype(np.float32, copy=False)


def _frames(pieces: Iterable[Float[Array, "_frames _channels"]], *, rate: int, channels: int) -> Iterator[Any]:
    """Audio frames of `channels` channels each, or of one when there is no layout for so many."""
    av = _import_av()
    wanted = channels if channels in _LAYOUTS else 1
    for piece in pieces:
        fits = piece.shape[1] == wanted
        values = piece if fits else np.repeat(piece.mean(axis=1, dtype=np.float32)[:, None], wanted, axis=1)
        # Interleaved: PyAV makes no planar frames of eight channels.
        frame = av.AudioFrame.from_ndarray(values.reshape(1, -1), format="flt", layout=_LAYOUTS[wanted])
        frame.sample_rate = rate
        yield frame
