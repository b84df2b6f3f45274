"""Whether a pulse can be read from rendered faces: the made-up heart's, and those of recorded bodies (`--heart FILE`).

Pictures of 256 px, 25 a second, of a talking face, before any codec. The reader knows nothing of how they were made:
the mean colour of what has the colour of skin, CHROM (de Haan & Jeanne 2013), and the highest peak from 42 to 180 beats
a minute. Beside it the rate that was played. `--pictures DIR`: a strip of a pulse, and a plot of signals and blood.
"""

from pathlib import Path

import numpy as np

import face_emote as fe
from bench.common import QUICK, Figure, options, report
from face_emote.audio.examples import example_speech
from face_emote.body.recording import read_recording
from face_emote.body.signals import signals_of
from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS, CONTROLS
from face_emote.core.options import Picture
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion, PerformanceStyle
from face_emote.verbs.render import draw

SIDE, FPS, SECS = (64, 25.0, 6.0) if QUICK else (256, 25.0, 12.0)
BAND_HZ = (0.7, 3.0)
_POINTS = 1 << 14
_MAGNIFIED = 12.0


def skin_colour(frame: Array) -> Float[Array, " 3"]:
    """Mean linear-ish colour of the pixels that are redder than green, and greener than blue."""
    pixels = frame.reshape(-1, 3).astype(np.float64)
    red, green, blue = pixels.T
    skin = (red > green + 8.0) & (green > blue) & (red > 90.0)
    colour: Array = pixels[skin].mean(axis=0)
    return colour


def pulse_in(colours: Float[Array, "frames 3"], *, fps: float) -> float:
    """Beats a minute by CHROM."""
    normal = colours / colours.mean(axis=0)
    x = 3.0 * normal[:, 0] - 2.0 * normal[:, 1]
    y = 1.5 * normal[:, 0] + normal[:, 1] - 1.5 * normal[:, 2]
    x, y = (_within_band(channel, fps=fps) for channel in (x, y))
    return _peak_bpm(x - x.std() / max(float(y.std()), 1e-12) * y, fps=fps)


def _within_band(wave: Array, *, fps: float) -> Array:
    spectrum, hertz = np.fft.rfft(wave - wave.mean()), np.fft.rfftfreq(len(wave), 1.0 / fps)
    spectrum[(hertz < BAND_HZ[0]) | (hertz > BAND_HZ[1])] = 0.0
    return np.fft.irfft(spectrum, len(wave))


def _peak_bpm(wave: Array, *, fps: float) -> float:
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), _POINTS)) ** 2
    hertz = np.fft.rfftfreq(_POINTS, 1.0 / fps)
    band = (hertz >= BAND_HZ[0]) & (hertz <= BAND_HZ[1])
    return float(60.0 * hertz[band][power[band].argmax()])


def performed(heart: Path | None, *, emotion: str) -> FaceMotion:
    """The first seconds of a bundled recording."""
    style = PerformanceStyle(blood="physiological")
    speech = max(example_speech(), key=lambda item: item.path.stat().st_size).path
    motion = fe.animate(speech, emotion=emotion, heart=heart, fps=FPS, style=style)
    return motion[: int(SECS * FPS)]


def played_bpm(motion: FaceMotion) -> float:
    """What the blood of the cheek does, without any picture."""
    cheek = motion.blood_flow[:, BLOOD_REGIONS.index("cheek_left")].astype(np.float64)
    reach = int(motion.fps)
    slow = np.convolve(np.pad(cheek, reach, mode="edge"), np.ones(2 * reach + 1) / (2 * reach + 1), "valid")
    return _peak_bpm(cheek - slow, fps=motion.fps)


def main() -> None:
    """Measure and print."""
    given = options(__doc__, heart="a recording of a body, as animate takes it", pictures="folder for pictures")
    cases = [(f"made-up heart, {emotion}", None, emotion) for emotion in ("neutral", "fear")]
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
            (given.pictures / f"pulse_{stem}.png").write_bytes(png_bytes(strip(frames, motion)))
            if heart is not None:
                plot(heart, motion, np.stack([skin_colour(frame) for frame in frames]), given.pictures / "signals.png")
    report("Pulse in pictures", figures, target=given.json)


def strip(frames: list[Array], motion: FaceMotion) -> Array:
    """Eight instants of one beat, and under them how far each differs from their mean, magnified."""
    beats = np.flatnonzero(np.diff(np.sign(np.diff(motion.blood_flow[:, 0].astype(np.float64)))) > 0)
    start = int(beats[len(beats) // 2])
    shown = [frames[min(start + i * 3, len(frames) - 1)].astype(np.float64) for i in range(8)]
    mean = np.mean(shown, axis=0)
    magnified = [np.clip(128.0 + _MAGNIFIED * (frame - mean), 0.0, 255.0) for frame in shown]
    rows = [np.concatenate(row, axis=1) for row in (shown, magnified)]
    return np.ascontiguousarray(np.concatenate(rows)).astype(np.uint8)


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
