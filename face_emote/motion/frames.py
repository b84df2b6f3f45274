"""Frames at the output rate: events and slow tracks, sampled and put together into a FaceMotion."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import FaceMotion, MotionInfo, PerformanceStyle
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.events.breathing import breath_motion, breath_volume
from face_emote.motion.events.gaze import GazeScore, eye_rotations, gaze_direction
from face_emote.motion.events.head_motion import HeadScore, body_sway, head_rotation
from face_emote.motion.face_controls import FaceEvents, face_controls
from face_emote.motion.layering import MouthGauge, lids_follow
from face_emote.motion.slow_tracks import SlowTracks


@runtime_checkable
class Events(FaceEvents, Protocol):
    """What moves face, head and eyes."""

    @property
    def gaze(self) -> GazeScore: ...  # noqa: D102
    @property
    def head(self) -> HeadScore: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class Performer:
    """One person playing."""

    score: Events
    head: Head
    gauge: MouthGauge
    style: PerformanceStyle
    fps: float
    info: MotionInfo
    betas: Array
    character: str


def person_of(head: Head, betas: Float[Array, " shape=300"]) -> Head:
    """The head with that identity, unless it has one already."""
    return head.with_identity(betas) if head.betas is None and np.any(betas) else head


def face_frames(
    performer: Performer,
    times: Float[Array, " frames"],
    *,
    now: SlowTracks,
    activity: Float[Array, " frames"],
    leisure: Float[Array, " frames"],
) -> FaceMotion:
    """The performance at ascending instants; a pure function of each.

    Args:
        performer: who plays what.
        times: seconds.
        now: the slow tracks at these instants.
        activity: 1 while speaking, 0 in silence (`SpeechCues.activity_at`).
        leisure: how far the mouth is from speech in time (`SpeechCues.rest_at`).
    """
    score, style = performer.score, performer.style
    neck = head_rotation(
        score.head, times, activity=activity, energy=now.energy, tendency=now.head_tendency, amount=style.head
    )
    lift, tip = breath_motion(breath_volume(score.breath, times), amount=style.head)
    neck[:, 0] += tip
    sway, shift = body_sway(times, key=score.head.key, amount=style.head)
    shift[:, 1] += lift
    eyes = eye_rotations(
        gaze_direction(score.gaze, times),
        joints=performer.head.joints(),
        neck_pose=neck,
        global_pose=sway,
        translation=shift,
    )
    controls = face_controls(
        score,
        times,
        leisure=leisure,
        emotion=now.emotion,
        hidden=now.hidden,
        leak=now.leak,
        frown=now.frown,
        style=style,
        gauge=performer.gauge,
    )
    controls = lids_follow(controls, eye_pitch=eyes[:, :, 0])
    pose = pose_from_controls(controls, control_joints=performer.head.control_joints)
    return FaceMotion(
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        neck_pose=neck.astype(np.float32),
        eye_pose=eyes.astype(np.float32),
        global_pose=sway.astype(np.float32),
        translation=shift.astype(np.float32),
        wrinkles=now.wrinkles.astype(np.float32),
        blood_flow=now.blood.astype(np.float32),
        fps=performer.fps,
        info=performer.info,
        betas=performer.betas,
        character=performer.character,
    )
