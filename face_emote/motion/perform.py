"""The whole performance: lips, expression, head, gaze, blinks, wrinkles and blood, block by block.

A *score* is decided once for the clip: small lists of events (blinks, saccades, nods, accents, breaths, leaks) and the
lips' targets. Then two loops run over time side by side:

    steps at names.MOTION_HZ   what has memory (emotion dynamics, wrinkles, blood), its state carried on   `slow_tracks`
    frames at the output fps   what is a pure function of time, over the slow tracks interpolated          `_frames`

Both run in chunks of a fixed length whatever block size the caller wants, so blocks equal the whole byte for byte and
memory does not grow with the clip.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import (
    FRAME_ARRAYS,
    EmotionPlan,
    FaceMotion,
    MotionInfo,
    PerformanceStyle,
    SpeechAnalysis,
)
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.breathing import breath_motion, breath_volume
from face_emote.motion.face_controls import face_controls
from face_emote.motion.gaze import eye_rotations, gaze_direction
from face_emote.motion.head_motion import body_sway, head_rotation
from face_emote.motion.layering import MouthGauge, lids_follow, mouth_gauge
from face_emote.motion.score import PerformanceScore, performance_score
from face_emote.motion.slow_tracks import SlowTracks, joined, slow_tracks
from face_emote.skin.wrinkles import wrinkle_model

CHUNK = 128
"""Frames, and steps, evaluated at once."""
DEFAULT_BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Performer:
    """One person about to play one clip."""

    score: PerformanceScore
    head: Head
    gauge: MouthGauge
    style: PerformanceStyle
    fps: float
    info: MotionInfo
    betas: Array
    character: str


def perform(
    analysis: SpeechAnalysis,
    plan: EmotionPlan,
    *,
    head: Head,
    style: PerformanceStyle,
    seed: int,
    fps: float,
    info: MotionInfo,
    betas: Float[Array, " shape=300"],
    character: str = "default",
    block_frames: int = DEFAULT_BLOCK,
) -> Iterator[FaceMotion]:
    """Play a clip: consecutive blocks of `block_frames` frames, the last one perhaps shorter.

    The same arguments give the same bytes, for any `block_frames`; another seed gives other blinks, glances and nods.

    Args:
        analysis: what was said, and how.
        plan: what is felt.
        head: the bundled head; if it has no identity yet it is given `betas`.
        style: the animator's sliders.
        seed: 0 or more.
        fps: of the frames.
        info: is put on every block.
        betas: identity.
        character: name of the skin to show it with.
        block_frames: at least 1.

    Raises:
        HeadError: an imported head, whose controls have no names.
    """
    person = head.with_identity(betas) if head.betas is None and np.any(betas) else head
    performer = Performer(
        score=performance_score(analysis, plan, head=person, style=style, seed=seed, fps=fps),
        head=person,
        gauge=mouth_gauge(person),
        style=style,
        fps=fps,
        info=info,
        betas=np.asarray(betas, np.float32),
        character=character,
    )
    yield from _in_blocks(_chunks(performer, analysis.duration_secs), size=block_frames)


def _chunks(performer: Performer, duration_secs: float) -> Iterator[FaceMotion]:
    num_frames = frames_in(duration_secs, fps=performer.fps)
    steps = slow_tracks(performer.score, model=wrinkle_model(performer.head), style=performer.style, chunk=CHUNK)
    slow = next(steps)
    for first in range(0, num_frames, CHUNK):
        times = frame_times(first, min(first + CHUNK, num_frames), fps=performer.fps)
        slow = slow.since(float(times[0]))
        while slow.last_secs < times[-1]:
            slow = joined(slow, next(steps))
        yield _frames(performer, times, slow=slow)


def _frames(performer: Performer, times: Float[Array, " frames"], *, slow: SlowTracks) -> FaceMotion:
    score, style = performer.score, performer.style
    now = slow.at(times)
    neck = head_rotation(
        score.head,
        times,
        activity=score.cues.activity_at(times),
        energy=now.energy,
        tendency=now.head_tendency,
        amount=style.head,
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


def _in_blocks(chunks: Iterator[FaceMotion], *, size: int) -> Iterator[FaceMotion]:
    """The same frames cut into blocks of `size`."""
    if size < 1:
        raise ValueError(f"block_frames must be at least 1, got {size}")
    held: list[FaceMotion] = []
    count = 0
    for chunk in chunks:
        held.append(chunk)
        count += chunk.num_frames
        while count >= size:
            whole = joined_motion(held)
            yield whole.part(0, size)
            held, count = [whole.part(size, count)], count - size
    if count:
        yield joined_motion(held)


def joined_motion(parts: list[FaceMotion]) -> FaceMotion:
    """Consecutive blocks of one motion as one."""
    if len(parts) == 1:
        return parts[0]
    rows: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in FRAME_ARRAYS}
    return replace(parts[0], **rows)
