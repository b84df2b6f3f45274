"""An emotion, wrinkles and blood flow on top of a recorded face, which keeps its own lips and expression.

The recording is what speech is to `layering`: it owns the mouth, so the emotion bends its corners but neither parts nor
closes the lips. Only the difference that the emotion makes is added; with a neutral emotion the face stays as recorded
to the last bit, and gets its skin. Slow things are stepped at `names.MOTION_HZ`, as in a performance.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import MOTION_HZ
from face_emote.core.timing import frame_times
from face_emote.core.types import FaceMotion, PerformanceStyle
from face_emote.emotion.track import PlannedEmotion
from face_emote.face.head import Head
from face_emote.face.rig import PUPIL, ControlPose, controls_from_pose, pose_from_controls
from face_emote.motion.feeling.affect import Display, affect_by_rules
from face_emote.motion.feeling.dynamics import LEAD_SECS
from face_emote.motion.layering import layered, lip_gap
from face_emote.motion.player import Player, player_of
from face_emote.motion.slow_tracks import SlowTracks, rested_skin, step_skin, tracks_at

CHUNK = 128
LEAK_SHARE = 0.5
"""Without speech there are no pauses for micro-expressions; a hidden emotion shows at this share of its leak."""
CLOSED_METRES, APART_METRES = 0.0004, 0.002
"""Lips nearer than the first are meant to touch, lips further apart than the second are not."""


@dataclass(frozen=True, slots=True, eq=False)
class _Layers:
    """What stays the same over a clip."""

    recorded: FaceMotion
    player: Player

    def controls(self, motion: FaceMotion) -> Float[Array, "frames control=100"]:
        """The recording as controls."""
        pose = ControlPose(expression=motion.expression, jaw_pose=motion.jaw_pose, eye_pose=motion.eye_pose)
        return controls_from_pose(pose, control_joints=self.player.head.control_joints)

    def at(self, times: Float[Array, " steps"]) -> Float[Array, "steps control=100"]:
        """Controls between the recorded frames."""
        place = np.clip(times * self.recorded.fps, 0.0, self.recorded.num_frames - 1)
        low = place.astype(np.int64)
        high = np.minimum(low + 1, self.recorded.num_frames - 1)
        first, stop = int(low[0]), int(high[-1]) + 1
        rows = self.controls(self.recorded.part(first, stop))
        share = (place - low)[:, None].astype(np.float32)
        recorded_then: Array = (1.0 - share) * rows[low - first] + share * rows[high - first]
        return recorded_then

    def with_emotion(
        self, recorded: Float[Array, "frames control=100"], emotion: Float[Array, "frames control=100"]
    ) -> Float[Array, "frames control=100"]:
        """Controls with what the emotion changes; where it changes nothing, exactly those recorded."""
        bounded = np.clip(recorded, 0.0, 1.0).astype(np.float32)
        gap = lip_gap(self.player.gauge, bounded)
        closure = np.clip((APART_METRES - gap) / (APART_METRES - CLOSED_METRES), 0.0, 1.0)
        still, none = np.zeros(len(recorded)), np.zeros_like(bounded)
        with_it, without = (
            layered(
                bounded,
                emotion=shown,
                accents=none,
                ownership=np.ones(len(recorded)),
                closure=closure,
                blink=still,
                inhaled=still,
                gauge=self.player.gauge,
            )
            for shown in (emotion.astype(np.float32), none)
        )
        felt: Array = recorded + (with_it - without)
        return felt


def over_capture(
    recorded: FaceMotion, planned: PlannedEmotion, *, head: Head, style: PerformanceStyle, block_frames: int = CHUNK
) -> Iterator[FaceMotion]:
    """The recorded frames with the emotion on top, in consecutive blocks. The same arguments give the same bytes.

    Of `style`, `energy`, `brows`, `asymmetry`, `wrinkles` and `blood` are heeded; the rest is the recording's.
    HeadError: an imported head, whose controls have no names.
    """
    betas, character = recorded.betas, recorded.character
    layers = _Layers(
        recorded, player_of(head, style=style, fps=recorded.fps, info=recorded.info, betas=betas, character=character)
    )
    every = frame_times(0, recorded.num_frames, fps=recorded.fps)
    chunks = np.split(every, range(block_frames, recorded.num_frames, block_frames))
    blocks = recorded.blocks(block_frames)
    for block, (_, now) in zip(blocks, tracks_at(_slow(layers, planned), chunks), strict=True):
        yield _played(layers, block, now=now)


def _slow(layers: _Layers, planned: PlannedEmotion) -> Iterator[SlowTracks]:
    """Steps 0, 1, 2 .. in chunks, without end."""
    player = layers.player
    mood, skin, first = None, rested_skin(player.style), 0
    while True:
        times = np.arange(first, first + CHUNK) / MOTION_HZ
        plan = planned.at(times + LEAD_SECS, rate_hz=MOTION_HZ)
        affect, mood = affect_by_rules(plan, mood, style=player.style)
        affect = replace(affect, display=_with_leak(affect.display))
        shown = layers.with_emotion(layers.at(times), affect.display.emotion)
        controls = np.clip(shown, 0.0, 1.0).astype(np.float32)
        tracks, skin = step_skin(affect, controls, state=skin, first=first, player=player)
        yield tracks
        first += CHUNK


def _with_leak(display: Display) -> Display:
    """With what leaks of the hidden emotion in the shown one."""
    leak = LEAK_SHARE * display.leak[:, None]
    shown = display.emotion + leak * np.maximum(display.hidden - display.emotion, 0.0)
    return replace(display, emotion=shown.astype(np.float32))


def _played(layers: _Layers, block: FaceMotion, *, now: SlowTracks) -> FaceMotion:
    """One block. Joints turn by what the emotion adds to their controls; eyes, neck and place are the recording's."""
    recorded = layers.controls(block)
    controls = layers.with_emotion(recorded, now.display.emotion).astype(np.float32)
    joints = layers.player.head.control_joints
    before, after = (pose_from_controls(rows, control_joints=joints) for rows in (recorded, controls))
    felt = after.expression - before.expression
    felt[:, PUPIL] = np.maximum(now.pupil[:, 0] - block.expression[:, PUPIL], 0.0)
    return replace(
        block,
        expression=block.expression + felt,
        jaw_pose=block.jaw_pose + (after.jaw_pose - before.jaw_pose),
        # A recording that has a skin already keeps what is deeper or redder.
        wrinkles=np.maximum(block.wrinkles, now.wrinkles).astype(np.float32),
        blood_flow=np.clip(block.blood_flow + now.blood, -1.0, 1.0).astype(np.float32),
    )
