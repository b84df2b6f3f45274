"""Motions and heads made up for tests: everything moves, nothing is meant."""

from dataclasses import replace

import numpy as np

from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.rig import ControlPose, controls_from_pose, pose_from_controls


def lively_motion(head: Head, num_frames: int, *, fps: float = 30.0, seed: int = 0) -> FaceMotion:
    """A speaking, looking, nodding face with sealed lips now and then, on some random person."""
    rng = np.random.default_rng(seed)
    time = np.arange(num_frames)[:, None] / fps

    def waves(count: int) -> np.ndarray:
        speed, start = rng.uniform(0.5, 3.0, count), rng.uniform(0.0, 6.0, count)
        return (0.5 - 0.5 * np.cos(2.0 * np.pi * speed * time + start)).astype(np.float32)

    controls = np.zeros((num_frames, NUM_EXPRESSION), np.float32)
    moving = rng.choice(81, 24, replace=False)
    controls[:, moving] = 0.5 * waves(24)
    named = ("jawOpen", "mouthClose", "jawLeft", "eyeLookOutLeft", "eyeLookInRight", "eyeLookUpRight", "lipSeal")
    controls[:, [CONTROLS.index(name) for name in named]] = waves(7) * [0.6, 0.4, 0.3, 1.0, 1.0, 1.0, 1.0]
    controls[:, CONTROLS.index("lipSeal")] = np.maximum(controls[:, CONTROLS.index("lipSeal")] * 2.0 - 1.0, 0.0)
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    return FaceMotion(
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        eye_pose=pose.eye_pose,
        neck_pose=0.2 * waves(3) - 0.1,
        global_pose=0.1 * waves(3) - 0.05,
        translation=0.02 * waves(3) - 0.01,
        wrinkles=waves(16),
        blood_flow=2.0 * waves(8) - 1.0,
        fps=fps,
        info=MotionInfo(basis=head.basis, speech_name="line.wav", speech_secs=num_frames / fps, version="0.1.0"),
        betas=(0.5 * rng.standard_normal(300)).astype(np.float32),
    )


def still_motion(head: Head, num_frames: int) -> FaceMotion:
    """A face at rest on the average head."""
    motion = lively_motion(head, num_frames)
    rows = ("expression", "jaw_pose", "neck_pose", "eye_pose", "global_pose", "translation", "wrinkles", "blood_flow")
    still = {name: np.zeros_like(getattr(motion, name)) for name in rows}
    return replace(motion, **still, betas=np.zeros(300, np.float32))


def arkit_motion(frames, *, fps=30.0, seed=0):
    """A motion of ARKit's 52 and a turning neck: all that a capture can hold."""
    head, rng = load_head(), np.random.default_rng(seed)
    controls = np.zeros((frames, NUM_EXPRESSION), np.float32)
    controls[:, :52] = rng.uniform(0.0, 1.0, (frames, 52))
    for first, second in (("jawLeft", "jawRight"), ("eyeLookDown", "eyeLookUp"), ("eyeLookIn", "eyeLookOut")):
        for side in ("",) if first == "jawLeft" else ("Left", "Right"):
            pair = [CONTROLS.index(first + side), CONTROLS.index(second + side)]
            controls[np.arange(frames), np.array(pair)[rng.integers(0, 2, frames)]] = 0.0
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    still = still_motion(head, frames)
    return replace(
        still,
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        eye_pose=pose.eye_pose,
        neck_pose=rng.uniform(-0.7, 0.7, (frames, 3)).astype(np.float32),
        fps=fps,
    )


def controls_of(motion):
    pose = ControlPose(expression=motion.expression, jaw_pose=motion.jaw_pose, eye_pose=motion.eye_pose)
    return controls_from_pose(pose, control_joints=load_head().control_joints)
