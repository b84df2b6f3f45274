"""Tiny films of our own heads, whose every control is known."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from face_emote.core.names import BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION, WRINKLES
from face_emote.core.options import Picture
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.rig import pose_from_controls
from face_emote.verbs.render import draw

FPS = 25.0


def motion_of(curves: dict[str, np.ndarray], *, who: str = "default", yaw: np.ndarray | None = None) -> FaceMotion:
    """A motion from curves of controls."""
    head, person = load_head(), character(who)
    count = len(next(iter(curves.values())))
    controls = np.zeros((count, NUM_EXPRESSION), np.float32)
    for name, curve in curves.items():
        controls[:, CONTROLS.index(name)] = curve
    posed = pose_from_controls(controls, control_joints=head.control_joints)
    neck = np.zeros((count, 3), np.float32)
    neck[:, 1] = 0.0 if yaw is None else yaw
    return FaceMotion(
        expression=posed.expression, jaw_pose=posed.jaw_pose, neck_pose=neck, eye_pose=posed.eye_pose,
        global_pose=np.zeros((count, 3), np.float32), translation=np.zeros((count, 3), np.float32),
        wrinkles=np.zeros((count, len(WRINKLES)), np.float32),
        blood_flow=np.zeros((count, len(BLOOD_REGIONS)), np.float32), fps=FPS, info=MotionInfo(basis=head.basis),
        betas=person.betas, character=who,
    )  # fmt: skip


def pictures_of(motion: FaceMotion, *, size: int = 320) -> list[np.ndarray]:
    """The motion, drawn from the front in soft light."""
    return list(draw(motion, Picture(size=size, camera="front", light="soft"), workers=1))


def write_film(path: Path, pictures: list[np.ndarray], *, times: list[float] | None = None) -> Path:
    """An almost lossless film; `times` in seconds, or even ones."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=round(FPS), options={"crf": "8"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(1000 * (i / FPS if times is None else times[i]))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
