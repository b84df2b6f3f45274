"""`python -m tools.gallery [-o docs/pictures] [--only NAME ..]`: draw the gallery anew, a few minutes in all."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.core.types import FaceMotion, PerformanceStyle
from face_emote.face.characters import character
from face_emote.movie import render_frames
from face_emote.rendering.sheet import compose_sheet

FOUR_EMOTIONS = ("joy", "anger", "sadness", "fear")
CAST = ("default", "james", "maya", "amara", "kenji", "elena", "walter", "leo")
HERO = (
    ("maya", "delight", 2.15),
    ("james", "anger", 1.30),
    ("default", "surprise", 1.05),
    ("amara", "joy tinged with guilt", 2.15),
    ("walter", "disgust", 1.62),
)
"""Character, emotion and second of the sentence."""


def perform(emotion: str, *, who: str = "default", index: int = 1, style: PerformanceStyle | None = None) -> FaceMotion:
    """One of the example sentences, acted."""
    example = example_speech()[index]
    return fe.animate(
        example.path,
        emotion=emotion,
        transcript=example.transcript,
        fps=25.0,
        character=who,
        style=style or PerformanceStyle(),
    )


def frames_at(motion: FaceMotion, times: np.ndarray) -> list[int]:
    """The frames on show at some seconds."""
    return np.clip(np.round(times * motion.fps), 0, motion.num_frames - 1).astype(int).tolist()


def hero() -> np.ndarray:
    """Five people, five feelings, in the middle of a sentence."""
    pictures = [
        render_frames(motion := perform(emotion, who=who), frames_at(motion, np.array([secs])), size=(400, 480))[0]
        for who, emotion, secs in HERO
    ]
    return np.concatenate(pictures, axis=1)


def four_emotions() -> np.ndarray:
    """One sentence said with four feelings: rows are feelings, columns instants."""
    times = np.array([0.55, 0.80, 1.05, 1.30, 1.62, 2.15])
    rows, labels = [], []
    for emotion in FOUR_EMOTIONS:
        motion = perform(emotion)
        rows.append(render_frames(motion, frames_at(motion, times), size=240))
        labels += [f"{emotion} {secs:.2f} s" for secs in times]
    return compose_sheet(np.concatenate(rows), labels, columns=len(times))


def blush() -> np.ndarray:
    """Embarrassment, told by the blood: six instants of one sentence at stage speed."""
    motion = perform("embarrassment", index=0)
    times = np.array([0.0, 0.8, 1.6, 3.0, 4.6, 6.8])
    pictures = render_frames(motion, frames_at(motion, times), size=260, camera="close", light="soft")
    return compose_sheet(pictures, [f"{secs:.1f} s" for secs in times], columns=len(times))


def wrinkles() -> np.ndarray:
    """The same frames without and with wrinkles."""
    instants = (("surprise", 1.05), ("anger", 1.30), ("delight", 2.15))
    rows, labels = [], []
    for amount in (0.0, 1.0):
        for emotion, secs in instants:
            motion = perform(emotion, who="james", style=PerformanceStyle(wrinkles=amount))
            rows.append(render_frames(motion, frames_at(motion, np.array([secs])), size=420, camera="close"))
            labels.append(f"{emotion}, {'with' if amount else 'without'} wrinkles")
    return compose_sheet(np.concatenate(rows), labels, columns=len(instants))


def cast() -> np.ndarray:
    """The eight characters."""
    pictures = [
        render_frames(motion := perform("warm", who=who), frames_at(motion, np.array([2.3])), size=300)[0]
        for who in CAST
    ]
    names = [character(who).name for who in CAST]
    return compose_sheet(np.stack(pictures), names, columns=4)


def lights() -> np.ndarray:
    """The light presets."""
    motion = perform("calm")
    names = ("studio", "soft", "warm", "night")
    pictures = [render_frames(motion, frames_at(motion, np.array([0.8])), size=300, light=name)[0] for name in names]
    return compose_sheet(np.stack(pictures), list(names), columns=4)


STILLS: dict[str, Callable[[], np.ndarray]] = {
    f.__name__: f for f in (hero, four_emotions, blush, wrinkles, cast, lights)
}


def talking(path: Path) -> None:
    """A short silent loop of the demo sentence as an animated WebP."""
    motion = perform("joy", who="maya")
    pictures = render_frames(motion, list(range(0, motion.num_frames, 2)), size=320)
    images = [Image.fromarray(picture) for picture in pictures]
    images[0].save(path, save_all=True, append_images=images[1:], duration=80, loop=0, quality=72, method=6)


def main() -> None:
    """Draw what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--only", nargs="*", choices=[*STILLS, "talking"])
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    for name in chosen.only or [*STILLS, "talking"]:
        if name == "talking":
            talking(chosen.output / "talking.webp")
        else:
            Image.fromarray(STILLS[name]()).save(chosen.output / f"{name}.jpg", quality=88)
        print(f"{name} done")


if __name__ == "__main__":
    main()
