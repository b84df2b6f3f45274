"""What was captured, to look at: film beside head, curves, and what was not sure."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from face_emote.audio.activity import runs
from face_emote.capturing.confidence import BELIEVED
from face_emote.capturing.film import film_pictures
from face_emote.capturing.take import Captured
from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.names import BLOOD_REGIONS, CONFIDENCE_AREAS, CONTROLS, WRINKLES
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion
from face_emote.rendering.sheet import GAP, compose_sheet

SUFFIXES = (".html", ".png")
NUM_INSTANTS = 8
TILE = 224  # Pixels a picture.
FINER = 2
"""How many times as fine the head is drawn before it is reduced: closed lips are thinner than a pixel of a tile."""
BAR = 9  # Pixels a row of confidence.
GOOD, BAD = np.array([92, 156, 116]), np.array([196, 84, 76])
WIDTH, HEIGHT = 640.0, 60.0  # Of a curve, in its own units.
COLOURS = ("#6ea8e5", "#e8655a", "#8fbf5a")
_CURVES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Jaw and lips", "lower", ("jaw", "lipSeal", "mouthSmileLeft")),
    ("Lids", "upper", ("eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft")),
    ("Brows", "upper", ("browInnerUp", "browDownLeft", "browOuterUpLeft")),
    ("Wrinkles", "upper", ("forehead_centre", "glabella", "nasolabial_left")),
    ("Blood", "lower", ("cheek_left", "forehead", "lips")),
)
STYLE = """
body { margin: 24px auto; max-width: 1860px; padding: 0 20px; background: #121316; color: #e8e6e3;
  font: 15px/1.45 system-ui, sans-serif; }
img { max-width: 100%; border-radius: 8px; }
section { display: inline-block; width: 680px; margin: 10px 20px 10px 0; vertical-align: top; }
h1 { font-size: 20px; } h2 { font-size: 15px; margin: 0 0 4px; }
svg { width: 100%; height: 90px; background: #1b1d22; border-radius: 8px; }
i { display: inline-block; width: 10px; height: 10px; border-radius: 5px; margin: 0 5px 0 12px; }
.remark { border-left: 3px solid #d9b45f; padding-left: 12px; } .dim { color: #9a9ca5; }
"""


def instants(captured: Captured) -> list[int]:
    """Frames of the motion that the strip shows."""
    count = captured.motion.num_frames
    places = np.linspace(0, count - 1, min(NUM_INSTANTS, count) + 2)[1:-1]
    return [int(place) for place in places.round()]


def strip(
    film: Path, captured: Captured, drawn: UInt8[Array, "instant height width 3"]
) -> UInt8[Array, "strip_height strip_width 3"]:
    """The film's face above the head that plays it, at `instants`; bars say how sure each frame's two halves are.

    `drawn`: the head, `FINER` times as large as a tile.
    """
    frames, motion = instants(captured), captured.motion
    drawn = drawn.reshape(len(drawn), TILE, FINER, TILE, FINER, 3).mean(axis=(2, 4)).round().astype(np.uint8)
    times = [frame / motion.fps for frame in frames]
    pictures = np.stack([*_film_at(film, captured, times), *drawn])
    labels = [f"{time:.2f} s" for time in times] + [""] * len(times)
    sheet = compose_sheet(pictures, labels, columns=len(times))
    width = sheet.shape[1] - 2 * GAP
    assert motion.confidence is not None
    column = np.linspace(0, motion.num_frames - 1, width).round().astype(int)
    sure = motion.confidence[column].T[:, :, None]
    bars = np.repeat((BAD + (GOOD - BAD) * sure).astype(np.uint8), BAR, axis=0)
    framed = np.pad(bars, ((0, GAP), (GAP, GAP), (0, 0)), constant_values=18)
    return np.concatenate([sheet, framed])


def _film_at(film: Path, captured: Captured, times: Sequence[float]) -> list[UInt8[Array, "row column 3"]]:
    """The face at these instants, cut out and scaled to tiles."""
    import cv2

    wanted = [int(np.argmin(np.abs(captured.times - time))) for time in times]
    x, y, side = captured.crop
    scale = TILE / side
    place = np.array([[scale, 0.0, TILE / 2.0 - scale * x], [0.0, scale, TILE / 2.0 - scale * y]])
    found = {
        number: np.asarray(cv2.warpAffine(picture, place, (TILE, TILE), flags=cv2.INTER_AREA))
        for number, (_, picture) in enumerate(film_pictures(film, remark=lambda _: None))
        if number in wanted
    }
    return [found[number] for number in wanted]


def report_bytes(suffix: str, film: Path, captured: Captured, drawn: UInt8[Array, "instant height width 3"]) -> bytes:
    """The report as a file of one of `SUFFIXES`."""
    picture = png_bytes(strip(film, captured, drawn))
    return picture if suffix == ".png" else _page(film, captured, picture).encode()


def _page(film: Path, captured: Captured, picture: bytes) -> str:
    motion, pulse = captured.motion, captured.pulse
    unsure = [f"{area} {start:.2f}-{end:.2f} s" for area, start, end in unsure_spans(motion)]
    said = [
        f"{motion.num_frames} frames at {motion.fps:g} a second.",
        "All of it was seen well." if not unsure else f"Not sure: {'; '.join(unsure)}.",
        f"Pulse {pulse.beats_per_minute:.0f} a minute, {pulse.snr_db:.1f} dB above the noise."
        if pulse.believed
        else "No pulse stands out of the noise.",
    ]
    remarks = "".join(f'<p class="remark">{escape(remark)}</p>' for remark in captured.remarks)
    curves = "".join(_section(motion, *row) for row in _CURVES)
    image = base64.b64encode(picture).decode()
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(film.name)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(film.name)}</h1><p>{escape(' '.join(said))}</p>{remarks}"
        f'<p><img alt="Film above, head below" src="data:image/png;base64,{image}"></p>'
        '<p class="dim">Bars: how sure the upper and the lower half of each frame are; red is not seen and made up.</p>'
        f"{curves}</body></html>\n"
    )


def unsure_spans(motion: FaceMotion) -> list[tuple[str, float, float]]:
    """Where a half of the face is not believed: which one, and from when to when, seconds."""
    if motion.confidence is None:
        return []
    return [
        (area, first / motion.fps, stop / motion.fps)
        for area, trust in zip(CONFIDENCE_AREAS, motion.confidence.T, strict=True)
        for first, stop in runs(trust < BELIEVED)
    ]


def _values(motion: FaceMotion, name: str) -> Float[Array, " frames"]:
    """A channel by name, 0..1; blood, which goes from -1 to 1, has its rest in the middle."""
    if name == "jaw":
        return motion.jaw_pose[:, 0] / 0.4
    if name in WRINKLES:
        return motion.wrinkles[:, WRINKLES.index(name)]
    if name in BLOOD_REGIONS:
        return 0.5 + motion.blood_flow[:, BLOOD_REGIONS.index(name)]
    return motion.expression[:, CONTROLS.index(name)]


def _section(motion: FaceMotion, title: str, area: str, names: tuple[str, ...]) -> str:
    step = WIDTH / max(1, motion.num_frames - 1)
    assert motion.confidence is not None
    unsure = motion.confidence[:, CONFIDENCE_AREAS.index(area)] < BELIEVED
    spans = "".join(
        f'<rect x="{first * step:.1f}" y="0" width="{(stop - first) * step:.1f}" height="{HEIGHT:g}" fill="#4a2624"/>'
        for first, stop in runs(unsure)
    )
    lines, legend = [], []
    for name, colour in zip(names, COLOURS, strict=True):
        heights = (HEIGHT - 2.0) * (1.0 - np.clip(_values(motion, name), 0.0, 1.0)) + 1.0
        points = " ".join(f"{i * step:.1f},{height:.1f}" for i, height in enumerate(heights))
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5" '
            'vector-effect="non-scaling-stroke"/>'
        )
        legend.append(f'<i style="background:{colour}"></i>{escape(name)}')
    return (
        f"<section><h2>{escape(title)}{''.join(legend)}</h2>"
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none">{spans}{"".join(lines)}</svg></section>'
    )
