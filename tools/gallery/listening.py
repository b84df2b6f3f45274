"""One side of a conversation: the partner's wave, the face that listens and answers, and what it does, over time."""

import wave
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from face_emote.audio.examples import example_speech
from face_emote.core.names import CONTROLS
from face_emote.core.options import Performance, Picture
from face_emote.core.types import FaceMotion
from face_emote.verbs.animate import perform
from face_emote.verbs.render import render_frames

RATE_HZ, SECS, SEED = 16_000, 13.6, 20
PARTNER, OWN = ((5, 0.3), (3, 4.0)), ((2, 10.1),)
"""Lines of the example and when they begin, seconds."""
FACES, FACE, WAVE, CURVE = 12, 160, 70, 54
GROUND, THEIRS, OURS, INK = (18, 18, 20), (255, 176, 64), (96, 190, 255), (200, 200, 206)
_CURVES = (
    ("nod, +- 3 degrees", None, 3.0), ("blinks", "eyeBlinkLeft", 1.0), ("brows", "browOuterUpLeft", 0.5),
    ("smile", "mouthSmileLeft", 0.6),
)  # fmt: skip


def listening() -> np.ndarray:
    """Waves above, faces at their instants, curves below."""
    folder = example_speech()[1].path.parent
    tracks = [_track(folder, lines, seed=k) for k, lines in enumerate((PARTNER, OWN))]
    with TemporaryDirectory() as made:
        paths = [Path(made) / name for name in ("other.wav", "answer.wav")]
        for path, samples in zip(paths, tracks, strict=True):
            with wave.open(str(path), "wb") as file:
                file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
                file.writeframes(samples.tobytes())
        asked = Performance(paths[1], emotion="calm", character="maya", partner=paths[0], fps=25.0, seed=SEED)
        motion = perform(asked).whole()
    frames = (np.linspace(0, motion.num_frames, FACES, endpoint=False) + motion.num_frames / (2 * FACES)).astype(int)
    faces = render_frames(motion, frames.tolist(), picture=Picture(size=FACE, camera="portrait"))
    waves = [_wave(samples, ink) for samples, ink in zip(tracks, (THEIRS, OURS), strict=True)]
    return np.concatenate([waves[0], np.concatenate(list(faces), axis=1), waves[1], _curves(motion)])


def _track(folder: Path, lines: tuple[tuple[int, float], ...], *, seed: int) -> np.ndarray:
    """Lines in the noise of a quiet room."""
    samples = np.random.default_rng(seed).normal(0.0, 2.0, int(SECS * RATE_HZ))
    for line, start in lines:
        with wave.open(str(folder / f"dashwood_{line}.wav")) as file:
            said = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        samples[int(start * RATE_HZ) :][: len(said)] += said
    return samples.astype(np.int16)


def _wave(samples: np.ndarray, ink: tuple[int, int, int]) -> np.ndarray:
    picture, width = np.full((WAVE, FACES * FACE, 3), GROUND, np.uint8), FACES * FACE
    level = np.abs(samples[: len(samples) // width * width].reshape(width, -1).astype(np.float64)).max(axis=1)
    for x, half in enumerate((0.48 * WAVE * level / level.max()).astype(int)):
        picture[WAVE // 2 - half : WAVE // 2 + half + 1, x] = ink
    return picture


def _curves(motion: FaceMotion) -> np.ndarray:
    picture = Image.new("RGB", (FACES * FACE, CURVE * len(_CURVES)), GROUND)
    pen, across = ImageDraw.Draw(picture), np.linspace(0, FACES * FACE, motion.num_frames)
    for k, (title, control, most) in enumerate(_CURVES):
        if control is None:
            nod = np.degrees(motion.neck_pose[:, 0])
            share = 0.5 - 0.5 * np.clip((nod - np.median(nod)) / most, -1.0, 1.0)
        else:
            share = np.clip(motion.expression[:, CONTROLS.index(control)] / most, 0.0, 1.0)
        rows = CURVE * (k + 1) - 4 - (CURVE - 10) * share
        pen.line([(float(x), float(y)) for x, y in zip(across, rows, strict=True)], fill=OURS, width=2)
        pen.text((6, CURVE * k + 2), title, fill=INK, font_size=14)
    return np.asarray(picture)
