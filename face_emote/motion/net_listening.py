"""One pass of the network over a clip: all that it says of lips and expression."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import MOTION_HZ, PHONES
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import EmotionTrack, SpeechAnalysis
from face_emote.emotion.track import PlannedEmotion
from face_emote.motion.feeling.affect import hidden_emotion
from face_emote.motion.feeling.dynamics import LEAD_SECS
from face_emote.motion.feeling.net_expression import NetExpression
from face_emote.motion.mouth.net_lips import SPLINE_AHEAD
from face_emote.network.config import LATENT_FRAMES
from face_emote.network.hearing import LevelFollower
from face_emote.network.runtime import MotionNet
from face_emote.network.streams import ExpressionStream, LipStream


@dataclass(frozen=True, slots=True, eq=False)
class NetAnswers:
    """What the network said of a clip; 14 MB an hour."""

    lips: Float[Array, "motion_frames lip=9"]
    """In the order of `network.config.LIP_CHANNELS`, natural units, at `names.MOTION_HZ`, and `net_lips.SPLINE_AHEAD`
    more."""
    expression: NetExpression


def net_answers(
    net: MotionNet,
    mels: Iterable[Float[Array, "_rows band=40"]],
    *,
    analysis: SpeechAnalysis,
    planned: PlannedEmotion,
    look_ahead_frames: int | None = None,
) -> NetAnswers:
    """Let the network hear a whole clip, given as log-mel rows (`audio.logmel`); it does not matter how they are cut.

    Exact phones of the `analysis` are given to the network. `look_ahead_frames` is one of its own; the longest by
    default.
    """
    ahead = longest_look_ahead(net) if look_ahead_frames is None else look_ahead_frames
    num_frames = frames_in(analysis.duration_secs, fps=MOTION_HZ)
    lips = LipStream(
        net,
        ahead,
        phones=phones_at_frames(analysis) if analysis.aligned else None,
        emotion=condition_rows(planned, first=0, stop=num_frames) if net.config.lips_see_emotion else None,
    )
    shown = _Feeling(net, ahead, planned=planned, is_hidden=False)
    feelings = [shown, _Feeling(net, ahead, planned=planned, is_hidden=True)] if planned.hides else [shown]
    found: list[Array] = []
    for rows in normalised_rows(net, mels):
        found.append(lips.push(rows))
        for feeling in feelings:
            feeling.push(rows)
    found.append(lips.finish(num_frames + SPLINE_AHEAD))
    # One latent more, so that the last frames lie between two.
    kept = [feeling.finish(num_frames + LATENT_FRAMES) for feeling in feelings]
    expression = NetExpression(answers=kept[0], hidden=kept[1] if planned.hides else None, first=shown.first)
    return NetAnswers(lips=np.concatenate(found), expression=expression)


def longest_look_ahead(net: MotionNet) -> int:
    """The look-ahead for recordings, in frames of `MOTION_HZ`."""
    return max(net.config.look_ahead_frames)


def phones_at_frames(analysis: SpeechAnalysis) -> Int[Array, " frames"]:
    """Index into `names.PHONES` at every frame of `MOTION_HZ`."""
    ends = np.array([phone.end_secs for phone in analysis.phones])
    labels = np.array([PHONES.index(phone.label) for phone in analysis.phones])
    times = frame_times(0, frames_in(analysis.duration_secs, fps=MOTION_HZ), fps=MOTION_HZ)
    return labels[np.minimum(np.searchsorted(ends, times, side="right"), len(labels) - 1)]


def emotion_rows(track: EmotionTrack) -> Float[Array, "frames 21"]:
    """The emotion as the network sees it: `network.config.EMOTION_COLUMNS`."""
    return np.concatenate(
        [track.mix, track.vad, track.intensity[:, None], track.covert, track.leak[:, None]], axis=1, dtype=np.float32
    )


def condition_rows(
    planned: PlannedEmotion, *, first: int, stop: int, is_hidden: bool = False
) -> Float[Array, "frames 21"]:
    """The feeling that the network is conditioned on at motion frames first..stop-1.

    The plan is read `LEAD_SECS` ahead, as the faces that it learnt from did. `is_hidden`: the hidden emotion as if it
    were shown, with its usual valence, arousal and dominance.
    """
    track = planned.at(frame_times(first, stop, fps=MOTION_HZ) + LEAD_SECS, rate_hz=MOTION_HZ)
    return emotion_rows(hidden_emotion(track) if is_hidden else track)


class _Feeling:
    """The expression path over a clip, of which every `LATENT_FRAMES`th answer is kept: between them it is linear."""

    def __init__(self, net: MotionNet, look_ahead: int, *, planned: PlannedEmotion, is_hidden: bool) -> None:
        self._stream = ExpressionStream(net, look_ahead)
        self._planned, self._is_hidden = planned, is_hidden
        self._conditioned = 0
        self._heard_rows = 0
        self._kept: list[Array] = []
        self.first = (2 * LATENT_FRAMES - 1 - look_ahead) % LATENT_FRAMES
        """Answers of this frame and every `LATENT_FRAMES`th one after it are latents themselves."""

    def push(self, rows: Array) -> None:
        self._heard_rows += len(rows)
        until = self._heard_rows // 2 + 2 * LATENT_FRAMES
        emotion = condition_rows(self._planned, first=self._conditioned, stop=until, is_hidden=self._is_hidden)
        self._conditioned = until
        self._keep(self._stream.num_answered, self._stream.push(rows, emotion))

    def finish(self, num_frames: int) -> Array:
        done = self._stream.num_answered
        if done < num_frames:
            self._keep(done, self._stream.finish(num_frames))
        return np.concatenate(self._kept)

    def _keep(self, first: int, answers: Array) -> None:
        # A copy: a view would keep the answers between alive.
        self._kept.append(answers[(self.first - first) % LATENT_FRAMES :: LATENT_FRAMES].astype(np.float16))


def normalised_rows(net: MotionNet, mels: Iterable[Array]) -> Iterator[Array]:
    """Log-mel rows as the network hears them."""
    level = LevelFollower(net.x0)
    return (level.push(rows) for rows in mels)
