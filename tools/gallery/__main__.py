"""`python -m tools.gallery [-o docs/gallery] [--only NAME ..]`: draw the gallery anew, a few minutes in all."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import face_emote as fe
from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.core.names import CONTROLS
from face_emote.core.options import Picture
from face_emote.core.types import FaceMotion, PerformanceStyle
from face_emote.face.characters import character
from face_emote.face.rig import MUSCLE_COLUMNS
from face_emote.rendering.scene import LIGHTS
from face_emote.rendering.sheet import compose_sheet
from face_emote.verbs.render import render_frames
from tools.gallery.listening import listening
from tools.gallery.voices import voices

FOUR_EMOTIONS = ("joy", "anger", "sadness", "fear")
CAST = ("default", "james", "maya", "amara", "kenji", "elena", "walter", "leo")
FEELINGS = ("joy", "sadness", "surprise", "fear", "disgust", "anger", "contempt", "embarrassment")
VISEMES = ("SIL", "P", "F", "DH", "D", "K", "CH", "S", "N", "R", "AA", "EH", "IH", "AO", "UH", "UW")
"""One phone of every shape that the mouth takes: closed, tucked, tongue between the teeth, .. open, rounded."""
CELL = 256
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
    out: list[int] = np.clip(np.round(times * motion.fps), 0, motion.num_frames - 1).astype(int).tolist()
    return out


def open_eyed(motion: FaceMotion, secs: float) -> np.ndarray:
    """The instant nearest to `secs`, within 0.4 s, that no blink hides."""
    lids = motion.expression[:, [CONTROLS.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]].mean(axis=1)
    frames = np.arange(motion.num_frames)
    away = np.abs(frames / motion.fps - secs)
    near = away <= 0.4
    hidden = lids > np.median(lids) + 0.1
    return np.array([frames[near][np.argmin(away[near] + hidden[near])] / motion.fps])


def drawn_at(motion: FaceMotion, times: np.ndarray, picture: Picture) -> np.ndarray:
    """The frames on show at some seconds, drawn."""
    return render_frames(motion, frames_at(motion, times), picture=picture)


def hero() -> np.ndarray:
    """Five people, five feelings, in the middle of a sentence."""
    pictures = [
        drawn_at(perform(emotion, who=who), np.array([secs]), Picture(size=(400, 480)))[0]
        for who, emotion, secs in HERO
    ]
    return np.concatenate(pictures, axis=1)


def four_emotions() -> np.ndarray:
    """One sentence said with four feelings: rows are feelings, columns instants."""
    times = np.array([0.55, 0.80, 1.05, 1.30, 1.62, 2.15])
    rows, labels = [], []
    for emotion in FOUR_EMOTIONS:
        motion = perform(emotion)
        rows.append(drawn_at(motion, times, Picture(size=240)))
        labels += [f"{emotion} {secs:.2f} s" for secs in times]
    return compose_sheet(np.concatenate(rows), labels, columns=len(times))


def strips() -> np.ndarray:
    """Three seconds of one sentence with four feelings, ten frames a second: a feeling has three rows."""
    times = 0.1 * np.arange(30)
    drawn = [drawn_at(perform(emotion), times, Picture(size=160, camera="close")) for emotion in FOUR_EMOTIONS]
    labels = [f"{emotion} {secs:.1f} s" for emotion in FOUR_EMOTIONS for secs in times]
    return compose_sheet(np.concatenate(drawn), labels, columns=10)


def people() -> np.ndarray:
    """Eight characters and eight feelings, in the middle of a sentence."""
    pictures = []
    for who in CAST:
        for feeling in FEELINGS:
            motion = perform(feeling, who=who)
            pictures.append(drawn_at(motion, open_eyed(motion, 2.15), Picture(size=CELL))[0])
    grid = np.stack(pictures).reshape(len(CAST), len(FEELINGS), CELL, CELL, 3)
    return np.concatenate([np.concatenate(list(row), axis=1) for row in grid])


def visemes() -> np.ndarray:
    """The mouth in the middle of the longest sound of each kind in the example sentences."""
    longest: dict[str, tuple[float, int, float]] = {}
    for index, example in enumerate(example_speech()):
        for phone in analyse(example.path, transcript=example.transcript).phones:
            middle = 0.5 * (phone.start_secs + phone.end_secs)
            longest[phone.label] = max(
                longest.get(phone.label, (0.0, 0, 0.0)), (phone.end_secs - phone.start_secs, index, middle)
            )
    spoken = {index: perform("neutral", who="maya", index=index) for index in range(len(example_speech()))}
    shown = [name for name in VISEMES if name in longest]
    pictures = []
    for name in shown:
        _, index, middle = longest[name]
        frame = frames_at(spoken[index], np.array([middle]))
        pictures.append(render_frames(spoken[index], frame, picture=Picture(size=220, camera="mouth"))[0])
    return compose_sheet(np.stack(pictures), shown, columns=8)


def blush() -> np.ndarray:
    """Embarrassment, told by the blood: six instants of one sentence at stage speed."""
    motion = perform("embarrassment", index=0)
    times = np.array([0.0, 0.8, 1.6, 3.0, 4.6, 6.8])
    pictures = drawn_at(motion, times, Picture(size=260, camera="close", light="soft"))
    return compose_sheet(pictures, [f"{secs:.1f} s" for secs in times], columns=len(times))


def wrinkles() -> np.ndarray:
    """The same frames without and with wrinkles."""
    instants = (("surprise", 1.05), ("anger", 1.30), ("delight", 2.15))
    rows, labels = [], []
    for amount in (0.0, 1.0):
        for emotion, secs in instants:
            motion = perform(emotion, who="james", style=PerformanceStyle(wrinkles=amount))
            rows.append(drawn_at(motion, np.array([secs]), Picture(size=420, camera="close")))
            labels.append(f"{emotion}, {'with' if amount else 'without'} wrinkles")
    return compose_sheet(np.concatenate(rows), labels, columns=len(instants))


def muscles() -> np.ndarray:
    """The same frames without and with the muscles that swell under the skin."""
    instants = (("surprise", 1.05), ("anger", 1.30), ("delight", 2.15))
    rows, labels = [], []
    for amount in (0.0, 1.0):
        for emotion, secs in instants:
            motion = perform(emotion, who="james")
            expression = motion.expression.copy()
            expression[:, MUSCLE_COLUMNS] *= amount
            shown = replace(motion, expression=expression)
            rows.append(drawn_at(shown, np.array([secs]), Picture(size=420, camera="close")))
            labels.append(f"{emotion}, {'with' if amount else 'without'} muscles")
    return compose_sheet(np.concatenate(rows), labels, columns=len(instants))


def cast() -> np.ndarray:
    """The eight characters."""
    takes = [perform("warm", who=who) for who in CAST]
    pictures = [drawn_at(motion, open_eyed(motion, 2.3), Picture(size=300))[0] for motion in takes]
    names = [character(who).name for who in CAST]
    return compose_sheet(np.stack(pictures), names, columns=4)


def lights() -> np.ndarray:
    """The light presets, day to night, on pale and on dark skin."""
    pictures, labels = [], []
    for who in ("elena", "amara"):
        motion = perform("calm", who=who)
        for light in LIGHTS:
            pictures.append(drawn_at(motion, np.array([0.8]), Picture(size=300, light=light))[0])
            labels.append(light)
    return compose_sheet(np.stack(pictures), labels, columns=len(LIGHTS))


STILLS: dict[str, Callable[[], np.ndarray]] = {
    f.__name__: f
    for f in (hero, people, four_emotions, strips, visemes, blush, wrinkles, muscles, cast, lights, voices, listening)
}


def talking(path: Path) -> None:
    """A short silent loop of the demo sentence as an animated WebP."""
    motion = perform("joy", who="maya")
    pictures = render_frames(motion, list(range(0, motion.num_frames, 2)), picture=Picture(size=320))
    images = [Image.fromarray(picture) for picture in pictures]
    images[0].save(path, save_all=True, append_images=images[1:], duration=80, loop=0, quality=72, method=6)


def main() -> None:
    """Draw what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/gallery"))
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
