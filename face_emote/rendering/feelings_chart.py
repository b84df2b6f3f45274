"""A reading as a picture: feelings over the waveform and the words, how sure they are, and which sense was believed."""

from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.names import EMOTIONS
from face_emote.core.output import written_beside
from face_emote.core.png import png_bytes
from face_emote.core.types import SpeechAnalysis
from face_emote.perception.evidence import SENSES
from face_emote.perception.reading import EmotionReading
from face_emote.rendering.sheet import draw_text

WIDTH, MARGIN = 1600, 90
BANDS = {"sound": (60, 150), "feelings": (190, 400), "hidden": (420, 470), "vad": (500, 660), "senses": (690, 750)}
"""Rows from and to of each part; their sum with the key's line is the height."""
HEIGHT = 820
COLOURS = {
    "neutral": (70, 74, 80), "joy": (242, 193, 78), "sadness": (110, 168, 229), "surprise": (89, 201, 192),
    "fear": (176, 138, 224), "disgust": (143, 191, 90), "anger": (229, 94, 80), "contempt": (201, 139, 166),
}  # fmt: skip
SENSE_COLOURS = ((120, 190, 255), (255, 210, 120), (180, 230, 150))
VAD_COLOURS = {"valence": (242, 193, 78), "arousal": (229, 94, 80)}
GROUND, INK, FAINT = (24, 26, 30), (210, 212, 216), (48, 52, 58)
MOST_WORDS = 60


def write_chart(reading: EmotionReading, path: Path, *, analysis: SpeechAnalysis | None, emotion: str) -> None:
    """Write the picture as PNG. OutputError: the file cannot be written there."""
    with written_beside(path) as beside:
        beside.write_bytes(png_bytes(chart_of(reading, analysis=analysis, emotion=emotion)))


def chart_of(
    reading: EmotionReading, *, analysis: SpeechAnalysis | None, emotion: str
) -> UInt8[Array, "height width 3"]:
    """The picture: from the top loudness and words, feelings, what is hidden, valence and arousal, senses, keys."""
    picture = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
    columns = np.arange(MARGIN, WIDTH - 20)
    place = np.linspace(0.0, len(reading.frames.vad) - 1.0, len(columns))

    def along(values: Float[Array, "frames column"]) -> Float[Array, "column pixels"]:
        frames = np.arange(len(values))
        return np.stack([np.interp(place, frames, column) for column in values.T])

    if analysis is not None:
        _sound(picture, columns, analysis=analysis)
    _stack(picture, columns, along(reading.frames.mix[:, 1:]), band="feelings", colours=list(COLOURS.values())[1:])
    _stack(
        picture, columns, 2.0 * along(reading.frames.hidden[:, 1:]), band="hidden", colours=list(COLOURS.values())[1:]
    )
    _stack(picture, columns, along(reading.frames.gates), band="senses", colours=list(SENSE_COLOURS))
    _lines(picture, columns, vad=along(reading.frames.vad), sd=along(reading.frames.vad_sd))
    _words(picture, reading, analysis=analysis)
    _legend(picture, reading, emotion=emotion)
    return picture


def _sound(picture: UInt8[Array, "height width 3"], columns: Array, *, analysis: SpeechAnalysis) -> None:
    """Loudness, mirrored, as far as somebody speaks bright."""
    top, bottom = BANDS["sound"]
    level = np.clip((analysis.prosody.loudness_db + 60.0) / 50.0, 0.0, 1.0)
    edges = np.linspace(0, len(level), len(columns) + 1).astype(int)
    for x, first, stop in zip(columns, edges[:-1], edges[1:], strict=True):
        span = slice(first, max(stop, first + 1))
        half = int(0.5 * (bottom - top) * level[span].max())
        spoken = analysis.prosody.speaking[span].max() > 0.5
        middle = (top + bottom) // 2
        picture[middle - half : middle + half + 1, x] = (150, 156, 166) if spoken else FAINT


def _stack(
    picture: UInt8[Array, "height width 3"],
    columns: Array,
    shares: Float[Array, "share pixels"],
    *,
    band: str,
    colours: list[tuple[int, int, int]],
) -> None:
    """Areas on top of each other; a full band is 1."""
    top, bottom = BANDS[band]
    picture[top:bottom, columns] = (32, 35, 40)
    heights = np.cumsum(np.concatenate([np.zeros((1, shares.shape[1])), shares]), axis=0) * (bottom - top)
    rows = bottom - 1 - np.arange(bottom - top)
    for low, high, colour in zip(heights[:-1], heights[1:], colours, strict=True):
        above = np.arange(bottom - top)[:, None]
        inside = (above >= low) & (above < high)
        part = picture[rows[:, None], columns]
        part[inside] = colour
        picture[rows[:, None], columns] = part


def _lines(
    picture: UInt8[Array, "height width 3"], columns: Array, *, vad: Float[Array, "vad=3 pixels"], sd: Array
) -> None:
    """Valence and arousal with one standard deviation to either side."""
    top, bottom = BANDS["vad"]
    middle, half = (top + bottom) // 2, (bottom - top) // 2
    picture[middle, columns] = (90, 94, 100)
    for mean, spread, colour in zip(vad, sd, VAD_COLOURS.values(), strict=False):
        for x, value, width in zip(columns, mean, spread, strict=True):
            low, high = (int(middle - half * np.clip(value + side * width, -1.0, 1.0)) for side in (1.0, -1.0))
            picture[low : high + 1, x] = (0.85 * picture[low : high + 1, x] + 0.15 * np.array(colour)).astype(np.uint8)
        rows = np.clip(np.round(middle - half * mean).astype(int), top, bottom - 1)
        for shift in (0, 1):
            picture[rows + shift, columns] = colour


def _words(
    picture: UInt8[Array, "height width 3"], reading: EmotionReading, *, analysis: SpeechAnalysis | None
) -> None:
    """Words where they are said, and seconds below them."""
    secs = max(reading.duration_secs, 0.08)
    scale = (WIDTH - 20 - MARGIN) / secs
    if analysis is not None and len(analysis.words) <= MOST_WORDS:
        for i, word in enumerate(analysis.words):
            at = MARGIN + int(word.start_secs * scale)
            draw_text(picture, word.text, row=22 + 16 * (i % 2), column=at, scale=1)
    for burst in reading.bursts:
        draw_text(picture, burst.kind, row=160, column=MARGIN + int(burst.start_secs * scale), scale=1)
    step = next((s for s in (0.5, 1, 2, 5, 10, 30, 60, 300, 600) if secs / s <= 14), 3600)
    for second in np.arange(0.0, secs, step):
        at = MARGIN + int(second * scale)
        picture[BANDS["feelings"][0] : BANDS["senses"][1] : 4, at] = (80, 84, 90)
        draw_text(picture, f"{second:g} s", row=BANDS["senses"][1] + 4, column=at, scale=1)


def _legend(picture: UInt8[Array, "height width 3"], reading: EmotionReading, *, emotion: str) -> None:
    for name, (top, _) in BANDS.items():
        draw_text(picture, name if name != "vad" else "", row=top, column=8, scale=2)
    for i, (name, colour) in enumerate(VAD_COLOURS.items()):
        _named(picture, name, colour, row=BANDS["vad"][0] + 22 * i, column=8)
    for i, (sense, colour) in enumerate(zip(SENSES, SENSE_COLOURS, strict=True)):
        _named(picture, sense, colour, row=BANDS["senses"][0] + 18 + 14 * i, column=8)
    for i, name in enumerate(EMOTIONS[1:]):
        _named(
            picture, f"{name} {100 * reading.overall.mix[0, i + 1]:.0f}%", COLOURS[name], row=4, column=MARGIN + 200 * i
        )
    shown = emotion if len(emotion) < 250 else emotion[:247] + ".."
    draw_text(picture, shown, row=HEIGHT - 30, column=8, scale=1 if len(shown) > 150 else 2)


def _named(
    picture: UInt8[Array, "height width 3"], text: str, colour: tuple[int, int, int], *, row: int, column: int
) -> None:
    picture[row + 1 : row + 9, column : column + 8] = colour
    draw_text(picture, text, row=row, column=column + 12, scale=1)
