"""The whole performance: lips, expression, head, gaze, blinks, wrinkles and blood, block by block.

A *score* is decided once for the clip: small lists of events (blinks, saccades, nods, accents, breaths, leaks) and the
lips' targets. Then two loops run over time side by side:

    steps at names.MOTION_HZ   what has memory (emotion dynamics, wrinkles, blood), its state carried on   `slow_tracks`
    frames at the output fps   what is a pure function of time, over the slow tracks interpolated          `face_frames`

Both run in chunks of a fixed length whatever block size the caller wants, so blocks equal the whole byte for byte and
memory does not grow with the clip.
"""

from collections.abc import Iterator

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.cues import MouthCues
from face_emote.core.motion import joined_motion
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import EmotionPlan, FaceMotion, SpeechAnalysis
from face_emote.face.rig import PUPIL, pose_from_controls
from face_emote.motion.events.breathing import breath_motion, breath_volume
from face_emote.motion.events.brows import aged_brows
from face_emote.motion.events.drawn import Drawn, drawn_head
from face_emote.motion.events.gaze import eye_rotations, gaze_direction, turned_head
from face_emote.motion.events.head_motion import body_sway, head_rotation
from face_emote.motion.feeling.body import tremor_of
from face_emote.motion.layering import lids_follow
from face_emote.motion.net_listening import NetAnswers
from face_emote.motion.player import Player
from face_emote.motion.score import FaceScore, PerformanceScore, face_controls, performance_score
from face_emote.motion.slow_tracks import SlowTracks, slow_tracks, tracks_at

CHUNK = 512  # Frames, and steps, evaluated at once: so many that numpy computes more than it calls.
DEFAULT_BLOCK = 256


def perform(
    analysis: SpeechAnalysis,
    plan: EmotionPlan,
    *,
    player: Player,
    answers: NetAnswers | None = None,
    spoken: MouthCues | None = None,
    drawn: Drawn | None = None,
    partner: SpeechAnalysis | None = None,
    block_frames: int = DEFAULT_BLOCK,
) -> Iterator[FaceMotion]:
    """Play a clip: consecutive blocks of `block_frames` frames, the last one perhaps shorter.

    The same arguments give the same bytes, for any `block_frames`; another seed gives other blinks, glances and nods.
    Without answers of the network the rules play it; `spoken` are corrected cues of the mouth, `drawn` a take of head,
    brows and blinks; a `partner` is listened to.
    """
    score = performance_score(
        analysis, plan, player=player, answers=answers, spoken=spoken, drawn=drawn, partner=partner
    )  # fmt: skip
    yield from played(score, player=player, duration_secs=analysis.duration_secs, block_frames=block_frames)


def played(
    score: PerformanceScore, *, player: Player, duration_secs: float, block_frames: int = DEFAULT_BLOCK
) -> Iterator[FaceMotion]:
    """A clip that was decided."""
    yield from _in_blocks(_chunks(player, score, duration_secs=duration_secs), size=block_frames)


def _chunks(player: Player, score: PerformanceScore, *, duration_secs: float) -> Iterator[FaceMotion]:
    num_frames = frames_in(duration_secs, fps=player.fps)
    starts = range(0, num_frames, CHUNK)
    chunks = (frame_times(first, min(first + CHUNK, num_frames), fps=player.fps) for first in starts)
    for times, now in tracks_at(slow_tracks(score, player=player, chunk=CHUNK), chunks):
        activity, leisure = score.cues.activity_at(times), score.cues.rest_at(times)
        yield face_frames(player, times, score=score.face, now=now, activity=activity, leisure=leisure)


def face_frames(
    player: Player,
    times: Float[Array, " frames"],
    *,
    score: FaceScore,
    now: SlowTracks,
    activity: Float[Array, " frames"],
    leisure: Float[Array, " frames"],
) -> FaceMotion:
    """The performance at ascending instants; a pure function of each.

    `now` holds the slow tracks at these instants; `activity` and `leisure` are those of `SpeechCues`.
    """
    display, amount = now.display, player.style.head
    energy, tendency = display.energy, display.head_tendency
    if score.drawn is None:
        neck = head_rotation(score.head, times, activity=activity, energy=energy, tendency=tendency, amount=amount)
    else:
        neck = drawn_head(score.drawn, times, energy=energy, tendency=tendency, amount=amount)
    if score.listening is not None:
        neck[:, 0] += amount * score.listening.nods.at(times)
        if score.drawn is None:
            neck += amount * score.listening.head(times)
    lift, tip = breath_motion(breath_volume(score.breath, times), amount=amount)
    neck[:, 0] += tip
    if player.body is not None:
        neck = neck + tremor_of(player.body, times, key=score.head.key)
    viewer = player.viewer
    if player.eyes is not None and len(player.eyes.secs):
        viewer, turn = player.eyes.at(times)
        neck = turned_head(neck, turn)
    sway, shift = body_sway(times, key=score.head.key, amount=amount)
    shift[:, 1] += lift
    eyes = eye_rotations(
        gaze_direction(score.gaze, times),
        joints=player.head.joints(),
        neck_pose=neck,
        global_pose=sway,
        translation=shift,
        viewer=viewer,
    )
    controls = face_controls(score, times, display=display, leisure=leisure, style=player.style, gauge=player.gauge)
    controls[:, PUPIL] = now.pupil[:, 0]
    controls = aged_brows(lids_follow(controls, eye_pitch=eyes[:, :, 0]), age=player.age)
    pose = pose_from_controls(controls, control_joints=player.head.control_joints)
    return FaceMotion(
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        neck_pose=neck.astype(np.float32),
        eye_pose=eyes.astype(np.float32),
        global_pose=sway.astype(np.float32),
        translation=shift.astype(np.float32),
        wrinkles=now.wrinkles.astype(np.float32),
        blood_flow=now.blood.astype(np.float32),
        fps=player.fps,
        info=player.info,
        betas=player.betas,
        character=player.character,
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
