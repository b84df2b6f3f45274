"""The whole performance: lips, expression, head, gaze, blinks, wrinkles and blood, block by block.

A *score* is decided once for the clip: small lists of events (blinks, saccades, nods, accents, breaths, leaks) and the
lips' targets. Then two loops run over time side by side:

    steps at names.MOTION_HZ   what has memory (emotion dynamics, wrinkles, blood), its state carried on   `slow_tracks`
    frames at the output fps   what is a pure function of time, over the slow tracks interpolated          `frames`

Both run in chunks of a fixed length whatever block size the caller wants, so blocks equal the whole byte for byte and
memory does not grow with the clip.
"""

from collections.abc import Iterator

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import joined_motion
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import (
    EmotionPlan,
    FaceMotion,
    MotionInfo,
    PerformanceStyle,
    SpeechAnalysis,
)
from face_emote.face.head import Head
from face_emote.motion.feeling.wrinkles import wrinkle_model
from face_emote.motion.frames import Performer, face_frames, person_of
from face_emote.motion.layering import mouth_gauge
from face_emote.motion.net_answers import NetAnswers
from face_emote.motion.score import PerformanceScore, performance_score
from face_emote.motion.slow_tracks import joined, slow_tracks

CHUNK = 128
"""Frames, and steps, evaluated at once."""
DEFAULT_BLOCK = 256


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
    answers: NetAnswers | None = None,
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
        answers: what the network says of the clip; without them the rules play it.
        block_frames: at least 1.

    Raises:
        HeadError: an imported head, whose controls have no names.
    """
    person = person_of(head, betas)
    score = performance_score(analysis, plan, head=person, style=style, seed=seed, fps=fps, answers=answers)
    performer = Performer(
        score=score,
        head=person,
        gauge=mouth_gauge(person),
        style=style,
        fps=fps,
        info=info,
        betas=np.asarray(betas, np.float32),
        character=character,
    )
    yield from _in_blocks(_chunks(performer, score, duration_secs=analysis.duration_secs), size=block_frames)


def _chunks(performer: Performer, score: PerformanceScore, *, duration_secs: float) -> Iterator[FaceMotion]:
    num_frames = frames_in(duration_secs, fps=performer.fps)
    steps = slow_tracks(score, model=wrinkle_model(performer.head), style=performer.style, chunk=CHUNK)
    slow = next(steps)
    for first in range(0, num_frames, CHUNK):
        times = frame_times(first, min(first + CHUNK, num_frames), fps=performer.fps)
        slow = slow.since(float(times[0]))
        while slow.last_secs < times[-1]:
            slow = joined(slow, next(steps))
        activity, leisure = score.cues.activity_at(times), score.cues.rest_at(times)
        yield face_frames(performer, times, now=slow.at(times), activity=activity, leisure=leisure)


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
