"""Films for `bench.capture`: our own performances, drawn or traced; real ones with a hand before them, or longer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bench.common import QUICK
from face_emote.audio.examples import example_speech
from face_emote.capturing.face_mesh import INNER_LIPS, LEFT_BROW, RIGHT_BROW, eye_distance
from face_emote.capturing.film import film_pictures
from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS, CONTROLS
from face_emote.core.options import Picture
from face_emote.core.types import FaceMotion, Light, LightRig
from face_emote.face.bundled import load_head
from face_emote.face.rig import ControlPose, controls_from_pose
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.motion.feeling.wrinkles import folding, wrinkle_model
from face_emote.verbs.animate import animate
from face_emote.verbs.render import write_video

FPS = 25.0
WINDOW = LightRig(
    key=Light((-1.0, 0.25, 0.8), (1.75, 1.80, 1.90)), fill=Light((0.9, 0.4, 0.6), (0.34, 0.32, 0.30)),
    rim=Light((0.3, 0.9, -0.8), (0.5, 0.5, 0.5)), ambient=(0.40, 0.40, 0.42), backdrop_centre=(0.30, 0.31, 0.30),
    backdrop_edge=(0.10, 0.10, 0.11), exposure=0.80, softness=0.006,
)  # fmt: skip
"""A large window beside the face: light that nothing was learnt in."""
BLUSH, FAINT_BLUSH = 0.6, 0.15
"""Height of the blush; a faint one has a standard deviation of .05."""
GLANCES = (0.0, 0.16, -0.10, 0.05, -0.18, 0.10)
"""Radians to the left, half a second each."""
BLINKS = (0.62, 1.55, 2.48)
BLINK_SECS = 0.045
"""Instants of whole blinks, and their deviation in time."""
COMING_FRAMES = 8
"""How long a hand takes to come and to go."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Who plays what, and how it is filmed."""

    who: str
    emotion: str
    light: str | LightRig
    engine: str = "fast"
    secs: float = 3.0
    size: int = 400
    looks_about: bool = False
    """Glances, blinks and a faint blush instead of a strong one."""


CLIPS = (
    Clip("james", "anger:0.9", "soft"), Clip("amara", "joy:0.9", "studio"),
    Clip("kenji", "0s surprise; 1.5s fear:0.9", "soft"), Clip("elena", "0s neutral; 1s sadness:0.9", "warm"),
)  # fmt: skip
LOOKING_ABOUT = Clip("leo", "neutral", "studio", looks_about=True)
TRACED = Clip("maya", "0s surprise:0.8; 1.2s joy:0.9", WINDOW, engine="cycles", secs=2.4, size=320)


def controls(motion: FaceMotion) -> Float[Array, "frames control"]:
    """Of a motion, jaw and eyes among them."""
    pose = ControlPose(motion.expression, motion.jaw_pose, motion.eye_pose)
    return controls_from_pose(pose, control_joints=load_head().control_joints)


def made(clip: Clip, folder: Path) -> tuple[Path, FaceMotion]:
    """The film and its truth; what is in the folder already is kept."""
    truth, film = (folder / f"{clip.engine}_{clip.who}{suffix}" for suffix in (".npz", ".mp4"))
    if not truth.exists():
        write_motion(_performance(clip), truth)
    motion = read_motion(truth)
    if not film.exists():
        samples = 8 if clip.engine == "cycles" else None
        picture = Picture(size=clip.size, camera="front", light=clip.light, engine=clip.engine, samples=samples)
        write_video(motion, film, picture=picture, provenance=None, workers=1)
    return film, motion


def _performance(clip: Clip) -> FaceMotion:
    speeches = example_speech()
    speech = speeches[CLIPS.index(clip) if clip in CLIPS else 0].path
    motion = animate(speech, emotion=clip.emotion, character=clip.who, fps=FPS, seed=3)
    motion = motion.part(0, min(motion.num_frames, round((1.0 if QUICK else clip.secs) * FPS)))
    time_secs = np.arange(motion.num_frames) / FPS
    blush = (FAINT_BLUSH if clip.looks_about else BLUSH) * np.sin(np.pi * time_secs / time_secs[-1]) ** 2
    flow = np.zeros((motion.num_frames, len(BLOOD_REGIONS)), np.float32)
    for name, share in (("cheek_left", 1.0), ("cheek_right", 1.0), ("forehead", 0.7), ("nose", 0.5), ("chin", -0.4)):
        flow[:, BLOOD_REGIONS.index(name)] = share * blush
    if clip.looks_about:
        motion = _looking_about(motion, time_secs)
    model = wrinkle_model(load_head().with_identity(motion.betas))
    return replace(motion, blood_flow=flow, wrinkles=folding(model, controls(motion)).astype(np.float32))


def _looking_about(motion: FaceMotion, time_secs: Float[Array, " frames"]) -> FaceMotion:
    starts = 0.5 * np.arange(len(GLANCES))
    ends = np.r_[starts[1:] - 0.04, time_secs[-1] + 1.0]
    yaw = np.interp(time_secs, np.stack([starts, ends], axis=1).ravel(), np.repeat(GLANCES, 2))
    expression, eye_pose = motion.expression.copy(), motion.eye_pose.copy()
    lids = np.max([np.exp(-0.5 * ((time_secs - blink) / BLINK_SECS) ** 2) for blink in BLINKS], axis=0)
    expression[:, [CONTROLS.index(f"eyeBlink{side}") for side in ("Left", "Right")]] = lids[:, None]
    eye_pose[:, :, 1] += yaw[:, None].astype(np.float32)
    return replace(motion, expression=expression, eye_pose=eye_pose)


def with_hand(
    film: Path, landmarks: Float[Array, "frames landmark=478 2"], *, upper: bool, target: Path
) -> tuple[slice, slice]:
    """A copy in which a hand comes before the brows or the mouth, and goes.

    Returns:
        In which frames it is there, and in which any of it is in the picture.
    """
    count = len(landmarks)
    hidden = slice(count // 3, 2 * count // 3)
    index = [*RIGHT_BROW, *LEFT_BROW] if upper else np.array(INNER_LIPS).ravel()
    rng = np.random.default_rng(0)

    def pictures() -> Iterator[Array]:
        for i, (_, picture) in enumerate(film_pictures(film)):
            unit = float(eye_distance(landmarks[i]))
            late = max(hidden.start - i, i - hidden.stop + 1, 0)
            away = np.array([0.25, 0.15]) * late - np.array([0.0, 0.25 if upper else 0.0])
            middle = landmarks[i][index].mean(axis=0) + away * unit
            hand = _covered(picture, middle, unit=unit, cheek=landmarks[i][50], rng=rng)
            yield hand if late < COMING_FRAMES else picture

    write_film(target, pictures())
    return hidden, slice(hidden.start - COMING_FRAMES, hidden.stop + COMING_FRAMES)


def _covered(
    picture: Array, middle: Float[Array, " 2"], *, unit: float, cheek: Float[Array, " 2"], rng: np.random.Generator
) -> Array:
    """A palm and four fingers of the cheek's colour, with some shadow and grain."""
    import cv2

    x, y = middle
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(mask, (round(x + 0.3 * unit), round(y + 0.1 * unit)), (round(0.55 * unit), round(0.42 * unit)),
                0.0, 0.0, 360.0, 255, -1)  # fmt: skip
    for finger in range(4):
        height = round(y + (0.22 * finger - 0.25) * unit)
        tip = (round(x - (0.75 - 0.06 * abs(finger - 1)) * unit), height)
        cv2.line(mask, (round(x), height), tip, 255, max(2, round(0.17 * unit)))
    u, v = cheek.round().astype(int)
    skin = picture[v - 3 : v + 4, u - 3 : u + 4].reshape(-1, 3).mean(axis=0)
    shade = 1.0 - 0.25 * (np.arange(picture.shape[0])[:, None, None] - y) / unit
    hand = np.clip(skin * shade + rng.normal(0.0, 4.0, picture.shape), 0.0, 255.0)
    alpha = cv2.GaussianBlur(mask, (0, 0), 1.0)[..., None] / 255.0
    return np.asarray(picture * (1.0 - alpha) + hand * alpha, np.uint8)


def lengthened(film: Path, *, secs: float, target: Path) -> None:
    """The film forth and back until it is so long."""
    some = [picture for _, picture in film_pictures(film)]
    order = [*range(len(some)), *range(len(some) - 2, 0, -1)]
    write_film(target, (some[order[i % len(order)]] for i in range(round(secs * FPS))))


def write_film(path: Path, pictures: Iterator[Array]) -> None:
    """H.264, hardly compressed."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(round(FPS)), options={"crf": "12"})
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode())
