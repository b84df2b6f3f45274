"""Small pictures for the report."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from face_emote.core.arrays import Array, UInt8


def frame_of_video(path: Path, time_secs: float) -> UInt8[Array, "height width 3"]:
    """The picture on show at an instant, sRGB."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        container.seek(int(time_secs * 1e6))  # to the key frame before; FFmpeg's own unit, microseconds
        shown: Any = None
        for frame in container.decode(stream):
            shown = frame
            if frame.time is not None and frame.time + 1e-6 >= time_secs:
                break
        picture: Array = shown.to_ndarray(format="rgb24")
        return picture


def jpeg_bytes(picture: UInt8[Array, "height width 3"], *, height: int) -> bytes:
    """The picture as a JPEG of that height (at most)."""
    import av
    import numpy as np

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    high = min(height, frame.height) // 2 * 2
    wide = max(2, round(frame.width * high / frame.height) // 2 * 2)
    frame = frame.reformat(width=wide, height=high, format="yuvj420p")
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = wide, high, "yuvj420p"
    context.time_base = Fraction(1, 25)
    context.thread_count = 1
    context.options = {"qscale:v": "4", "flags": "+qscale+bitexact"}
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
