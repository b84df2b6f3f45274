"""Whether a pulse can be read from rendered faces: the made-up heart's, and those of recorded bodies (`--heart FILE`).

Pictures of 256 px, 25 a second, of a listening face, before any codec. The reader knows nothing of how they were made:
the mean colour of what has the colour of skin, its green against its red, and the highest peak from 42 to 180 beats a
minute. Beside it the rate that was played. `--pictures DIR`: a strip of a pulse, and a plot of signals and blood.
"""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

import face_emote as fe
from bench.common import QUICK, Figure, options, report
from face_emote.body.recording import read_recording
from face_emote.body.signals import signals_of
from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS, CONTROLS
from face_emote.core.options import Picture
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion, PerformanceStyle, Speech
from face_emote.verbs.render import draw

SIDE, FPS, SECS = (64, 25.0, 6.0) if QUICK else (256, 25.0, 12.0)
BAND_HZ = (0.7, 3.0)
_POINTS = 1 << 14
_MAGNIFIED, _CELL = 80.0, 8


def skin_colour(frame: Array) -> Float[Array, " 3"]:
    """Mean linear-ish colour of the pixels that are redder than green, and greener than blue."""
    pixels = frame.reshape(-1, 3).astype(np.float64)
    red, green, blue = pixels.T
    skin = (red > green + 8.0) & (green > blue) & (red > 90.0)
    colour: Array = pixels[skin].mean(axis=0)
    return colour


def pulse_in(colours: Float[Array, "frames 3"], *, fps: float) -> float:
    """Beats a minute: green against red (Huelsbusch 2008), for shading changes both alike, without its slow drift."""
    ratio, place = colours[:, 1] / colours[:, 0], np.linspace(-1.0, 1.0, len(colours))
    return _peak_bpm(ratio - np.polyval(np.polyfit(place, ratio, 5), place), fps=fps)


def _peak_bpm(wave: Array, *, fps: float) -> float:
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), _POINTS)) ** 2
    hertz = np.fft.rfftfreq(_POINTS, 1.0 / fps)
    band = (hertz >= BAND_HZ[0]) & (hertz <= BAND_HZ[1])
    return float(60.0 * hertz[band][power[band].argmax()])


def performed(heart: Path | None, *, emotion: str) -> FaceMotion:
    """A face that listens: talking moves it by more than a pulse colours it."""
    hush = Speech((1e-3 * np.random.default_rng(0).standard_normal(int(16_000 * SECS))).astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Nobody speaks.
        return fe.animate(hush, emotion=emotion, heart=heart, fps=FPS, style=PerformanceStyle(blood="physiological"))


def played_bpm(motion: FaceMotion) -> float:
    """What the blood of the cheek does, without any picture."""
    cheek = motion.blood_flow[:, BLOOD_REGIONS.index("cheek_left")].astype(np.float64)
    reach = int(motion.fps)
    slow = np.convolve(np.pad(cheek, reach, mode="edge"), np.ones(2 * reach + 1) / (2 * reach + 1), "valid")
    return _peak_bpm(cheek - slow, fps=motion.fps)


def main() -> None:
    """Measure and print."""
    given = options(__doc__, heart="a recording of a body, as animate takes it", pictures="folder for pictures")
    cases = [(f"made-up heart, {emotion}", None, emotion) for emotion in ("neutral", "fear", "shame")]
    if given.heart is not None:
        cases.append((given.heart.name, given.heart, "neutral"))
    figures: list[Figure] = []
    for name, heart, emotion in cases[: 1 if QUICK else None]:
        motion = performed(heart, emotion=emotion)
        frames = list(draw(motion, Picture(size=SIDE, camera="close", hair="none"), workers=1))
        read, played = pulse_in(np.stack([skin_colour(frame) for frame in frames]), fps=FPS), played_bpm(motion)
        figures += [Figure(f"{name}: played", played, "bpm"), Figure(f"{name}: read from pictures", read, "bpm")]
        if heart is not None:
            body = signals_of(read_recording(heart), duration_secs=SECS)
            inside = body.beats[(body.beats >= 0.0) & (body.beats < SECS)]
            figures.append(Figure(f"{name}: mean of the file", 60.0 / float(np.diff(inside).mean()), "bpm"))
        if given.pictures is not None:
            given.pictures.mkdir(parents=True, exist_ok=True)
            stem = "heart" if heart is not None else f"made_up_{emotion}"
            (given.pictures / f"pulse_{stem}.png").write_bytes(png_bytes(strip(motion)))
            if heart is not None:
                plot(heart, motion, np.stack([skin_colour(frame) for frame in frames]), given.pictures / "signals.png")
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
