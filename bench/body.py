"""Whether a pulse can be read from rendered faces: the made-up heart's, and those of recorded bodies (`--heart FILE`).

Pictures of 256 px, 25 a second, of faces that listen and that talk, before any codec and after H.264 (x264 medium,
4:2:0). The reader knows nothing of how they were made: it finds what has the colour of skin, looks at the forehead,
which talking moves least, at its green against its red in linear light, and takes the rate from 45 to 180 beats a
minute whose wave and half its overtone are the strongest. Beside it the rate that was played. `--pictures DIR`: a
strip of a pulse, and a plot of signals and blood.
"""

import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

import face_emote as fe
from bench.common import QUICK, Figure, options, report
from face_emote.audio.examples import example_speech
from face_emote.audio.reader import read_speech
from face_emote.body.recording import read_recording
from face_emote.body.signals import signals_of
from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS, CONTROLS
from face_emote.core.options import Picture
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion, PerformanceStyle, Speech
from face_emote.verbs.render import draw

SIDE, FPS, SECS, TALKING_SECS = (64, 25.0, 6.0, 6.0) if QUICK else (256, 25.0, 12.0, 20.0)
BAND_HZ = (0.75, 3.0)
QUALITIES = (None, 18, 23)  # Of x264: its CRF; None before any codec.
_FOREHEAD_UP, _FOREHEAD_WIDE, _FOREHEAD_HIGH = 1.05, 0.8, 0.28
"""Where the window lies, and its deviations, in deviations of the height of the skin."""
_SMOOTH = 20.0
"""Slow drift is taken off by a smoothness prior (Tarvainen et al. 2002)."""
_OVERTONE = 0.5
_LINEAR = np.where(np.arange(256) < 11, np.arange(256) / 3294.6, ((np.arange(256) / 255.0 + 0.055) / 1.055) ** 2.4)
_POINTS = 1 << 14
_MAGNIFIED, _CELL = 80.0, 8


def forehead_colours(frames: Iterable[Array]) -> Float[Array, "frames 3"]:
    """Mean linear colour in a soft window over the forehead, which follows the skin's centre."""
    rows, columns, colours = np.arange(SIDE)[:, None], np.arange(SIDE), []
    for frame in frames:
        red, green, blue = np.moveaxis(frame.astype(np.int16), -1, 0)
        skin = (red > green + 8) & (green > blue) & (red > 90)
        at = np.nonzero(skin)
        middle, height = [float(place.mean()) for place in at], float(at[0].std())
        up = (rows - middle[0] + _FOREHEAD_UP * height) / (_FOREHEAD_HIGH * height)
        aside = (columns - middle[1]) / (_FOREHEAD_WIDE * height)
        weight = skin * np.exp(-0.5 * (up**2 + aside**2))
        colours.append(np.einsum("yx,yxc->c", weight, _LINEAR[frame]) / weight.sum())
    return np.stack(colours)


def pulse_in(colours: Float[Array, "frames 3"], *, fps: float) -> float:
    """Beats a minute: green against red (Huelsbusch 2008), for shading changes both alike."""
    return _peak_bpm(np.log(colours[:, 1] / colours[:, 0]), fps=fps)


def _peak_bpm(wave: Array, *, fps: float) -> float:
    bend = np.diff(np.eye(len(wave)), 2, axis=0)
    wave = wave - np.linalg.solve(np.eye(len(wave)) + _SMOOTH**2 * bend.T @ bend, wave)
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), _POINTS)) ** 2
    hertz = np.fft.rfftfreq(_POINTS, 1.0 / fps)
    band = np.flatnonzero((hertz >= BAND_HZ[0]) & (hertz <= BAND_HZ[1]))
    return float(60.0 * hertz[band][(power[band] + _OVERTONE * power[2 * band]).argmax()])


def through_h264(frames: Sequence[Array], *, quality: int) -> Iterator[Array]:
    """Frames as they come out of a file."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=round(FPS))
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        stream.options = {"crf": str(quality), "preset": "medium", "threads": "1"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as container:
        yield from (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))


def performed(heart: Path | None, *, emotion: str, talking: bool) -> FaceMotion:
    """A face that listens, or that says some of our sentences."""
    if talking:
        spoken = [read_speech(item.path).samples for item in example_speech()]
        said = np.concatenate([spoken[number] for number in (1, 2, 3, 0)])[: int(16_000 * TALKING_SECS)]
        speech = Speech(said)
    else:
        hush = 1e-3 * np.random.default_rng(0).standard_normal(int(16_000 * SECS))
        speech = Speech(hush.astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Nobody speaks.
        return fe.animate(speech, emotion=emotion, heart=heart, fps=FPS, style=PerformanceStyle(blood="physiological"))


def played_bpm(motion: FaceMotion) -> float:
    """What the blood of the cheek does, without any picture."""
    return _peak_bpm(motion.blood_flow[:, BLOOD_REGIONS.index("cheek_left")].astype(np.float64), fps=motion.fps)


def main() -> None:
    """Measure and print."""
    given = options(__doc__, heart="a recording of a body, as animate takes it", pictures="folder for pictures")
    cases: list[tuple[str, Path | None, str, bool]] = [
        (f"made-up heart, {emotion}", None, emotion, talking)
        for talking in (False, True)
        for emotion in ("neutral", "fear")
    ]
    if given.heart is not None:
        cases.append((given.heart.name, given.heart, "neutral", False))
    figures: list[Figure] = []
    for name, heart, emotion, talking in cases[: 1 if QUICK else None]:
        title = f"{name}, {'talking' if talking else 'listening'}"
        motion = performed(heart, emotion=emotion, talking=talking)
        frames = list(draw(motion, Picture(size=SIDE, camera="close", hair="none"), workers=1))
        figures.append(Figure(f"{title}: played", played_bpm(motion), "bpm"))
        for quality in QUALITIES:
            shown = frames if quality is None else through_h264(frames, quality=quality)
            how = "before any codec" if quality is None else f"after H.264, CRF {quality}"
            figures.append(Figure(f"{title}: read {how}", pulse_in(forehead_colours(shown), fps=FPS), "bpm"))
        if heart is not None:
            body = signals_of(read_recording(heart), duration_secs=SECS)
            inside = body.beats[(body.beats >= 0.0) & (body.beats < SECS)]
            figures.append(Figure(f"{title}: mean of the file", 60.0 / float(np.diff(inside).mean()), "bpm"))
        if given.pictures is not None:
            given.pictures.mkdir(parents=True, exist_ok=True)
            stem = "heart" if heart is not None else f"made_up_{emotion}"
            (given.pictures / f"pulse_{stem}.png").write_bytes(png_bytes(strip(motion)))
            if heart is not None:
                plot(heart, motion, forehead_colours(frames), given.pictures / "signals.png")
    report("Pulse in pictures", figures, target=given.json)


def strip(motion: FaceMotion) -> Array:
    """A still face with the blood of eight instants of the clip; under it one beat: how far it differs, magnified."""
    flow = motion.blood_flow[:, 0].astype(np.float64)
    feet = np.flatnonzero((flow[1:-1] < flow[:-2]) & (flow[1:-1] <= flow[2:])) + 1
    start = int(feet[len(feet) // 2])
    beat = np.clip(start + np.arange(8) * 2, 0, motion.num_frames - 1)
    instants = np.linspace(0, motion.num_frames - 1, 8).astype(int)
    rows = [_with_blood(motion, index) for index in (instants, beat)]
    change = rows[1] - rows[1].mean(axis=0)
    cells = change.reshape(8, SIDE // _CELL, _CELL, SIDE // _CELL, _CELL, 3).mean(axis=(2, 4))
    change = cells.repeat(_CELL, axis=1).repeat(_CELL, axis=2)  # Eight bits hold a pulse on average alone.
    shown = (rows[0], np.clip(128.0 + _MAGNIFIED * change, 0.0, 255.0))
    joined = np.concatenate([np.concatenate(list(row), axis=1) for row in shown])
    return np.ascontiguousarray(joined).astype(np.uint8)


def _with_blood(motion: FaceMotion, frames: Array) -> Float[Array, "frame height width 3"]:
    """Pictures of the first frame with the blood of others."""
    rows = {name: np.repeat(getattr(motion, name)[:1], len(frames), axis=0) for name in motion.row_names}
    still = replace(motion, **(rows | {"blood_flow": motion.blood_flow[frames]}))
    pictures: Array = np.stack(list(draw(still, Picture(size=SIDE, camera="close", hair="none"), workers=1)))
    return pictures.astype(np.float64)


def plot(heart: Path, motion: FaceMotion, colours: Float[Array, "frames 3"], target: Path) -> None:
    """Signals of a file above what they do to the face."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    recording, secs = read_recording(heart), np.arange(motion.num_frames) / motion.fps
    curves = [(name, item.secs, item.values) for name, item in recording.columns.items()]
    curves += [
        ("blood, cheek", secs, motion.blood_flow[:, BLOOD_REGIONS.index("cheek_left")]),
        ("pupilDilate", secs, motion.expression[:, CONTROLS.index("pupilDilate")]),
        ("green of the picture", secs, colours[:, 1]),
    ]
    figure, axes = pyplot.subplots(len(curves), 1, figsize=(9.0, 1.2 * len(curves)), sharex=True)
    for axis, (name, times, values) in zip(axes, curves, strict=True):
        axis.plot(times, values, linewidth=0.8, color="#222222" if times is not secs else "#b03030")
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[-1].set_xlim(0.0, secs[-1])
    axes[-1].set_xlabel("seconds", fontsize=8)
    figure.tight_layout()
    figure.savefig(target, dpi=100)


if __name__ == "__main__":
    main()
