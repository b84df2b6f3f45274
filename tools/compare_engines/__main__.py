"""`python -m tools.compare_engines -o out.png [--who NAME ..] [--engines fast cycles] [--samples 16]`: draw faces.

Rows are engines, columns people by faces: neutral, speaking with a blush, angry with wrinkles.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from face_emote.core.names import BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION, WRINKLES
from face_emote.core.options import Picture
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.rig import pose_from_controls
from face_emote.verbs.render import render_frames


@dataclass(frozen=True, slots=True)
class Face:
    """One column."""

    controls: dict[str, float] = field(default_factory=dict)
    wrinkles: dict[str, float] = field(default_factory=dict)
    blood: dict[str, float] = field(default_factory=dict)


def both(**amounts: float) -> dict[str, float]:
    """The same on both sides."""
    return {f"{name}{side}": amount for name, amount in amounts.items() for side in ("Left", "Right")}


FACES = (
    Face(),
    Face(
        {"jawOpen": 0.35, **both(mouthSmile=0.3, mouthUpperUp=0.25), "eyeLookOutLeft": 0.3, "eyeLookInRight": 0.3},
        blood={"cheek_left": 0.9, "cheek_right": 0.9, "nose": 0.4, "ears": 0.8, "forehead": 0.3},
    ),
    Face(
        both(browDown=1.0, noseSneer=0.7, mouthPress=0.4, eyeSquint=0.4),
        wrinkles={
            "glabella": 0.95, "nose_bridge": 0.8, "nasolabial_left": 0.6, "nasolabial_right": 0.6,
            "forehead_centre": 0.2,
        },
        blood={"forehead": 0.5, "cheek_left": 0.5, "cheek_right": 0.5},
    ),
)  # fmt: skip


def motion_of(who: str) -> FaceMotion:
    """`FACES` as frames."""
    head, count = load_head(), len(FACES)
    controls = np.zeros((count, NUM_EXPRESSION), np.float32)
    wrinkles, blood = np.zeros((count, len(WRINKLES)), np.float32), np.zeros((count, len(BLOOD_REGIONS)), np.float32)
    for i, face in enumerate(FACES):
        for rows, names, amounts in (
            (controls, CONTROLS, face.controls),
            (wrinkles, WRINKLES, face.wrinkles),
            (blood, BLOOD_REGIONS, face.blood),
        ):
            for name, amount in amounts.items():
                rows[i, names.index(name)] = amount
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    still = np.zeros((count, 3), np.float32)
    return FaceMotion(
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        eye_pose=pose.eye_pose,
        neck_pose=still,
        global_pose=still,
        translation=still,
        wrinkles=wrinkles,
        blood_flow=blood,
        fps=30.0,
        info=MotionInfo(basis=head.basis),
        betas=character(who).betas,
        character=who,
    )


def main() -> None:
    """Draw the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--who", nargs="+", default=["default"])
    parser.add_argument("--engines", nargs="+", default=["fast", "cycles"])
    parser.add_argument("--faces", nargs="+", type=int, default=[0, 1, 2], help="of neutral, blush, anger")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--camera", default="portrait")
    parser.add_argument("--light", default="studio")
    asked = parser.parse_args()
    rows = []
    for engine in asked.engines:
        samples = asked.samples if engine == "cycles" else None
        look = Picture(size=asked.size, camera=asked.camera, light=asked.light, engine=engine, samples=samples)
        pictures = [
            picture for who in asked.who for picture in render_frames(motion_of(who), asked.faces, picture=look)
        ]
        rows.append(np.concatenate(pictures, axis=1))
    asked.output.write_bytes(png_bytes(np.concatenate(rows, axis=0)))


if __name__ == "__main__":
    main()
