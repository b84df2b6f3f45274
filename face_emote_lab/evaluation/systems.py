"""What is measured: ways to move the lips to a recording, each behind the same small interface.

A system answers controls at any instants of a clip. So rules, network and baselines are measured by the same ruler on
the same head, through the same closed-form solve.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.conditioning import listened_to
from face_emote.audio.features import prosody_of
from face_emote.audio.logmel import log_mels
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import CONTROLS, FEATURE_HZ, MOTION_HZ
from face_emote.core.timing import frames_in
from face_emote.core.types import PerformanceStyle, Phone, Prosody, Speech, SpeechAnalysis
from face_emote.face.head import Head
from face_emote.motion.lip_learning import LipManner
from face_emote.motion.mouth.coarticulation import blend
from face_emote.motion.mouth.lip_contacts import phone_contacts
from face_emote.motion.mouth.lip_rig import LipRig, lip_rig
from face_emote.motion.mouth.lip_solve import MouthTarget, lip_controls
from face_emote.motion.mouth.lips import lip_score
from face_emote.motion.mouth.net_lips import NetLips, net_lips
from face_emote.motion.mouth.visemes import segments_from
from face_emote.motion.net_listening import longest_look_ahead, phones_at_frames
from face_emote.network.config import EMOTION_COLUMNS
from face_emote.network.hearing import LevelFollower
from face_emote.network.runtime import MotionNet, load_motion_net
from face_emote.network.streams import LipStream
from face_emote_lab.evaluation.clips import JAW_PER_GAP, Clip, Lips
from face_emote_lab.evaluation.signals import correlation

Sampler = Callable[[Array], Array]  # Ascending seconds -> controls [frames, 100].
NATURAL = PerformanceStyle()
LEVEL_LAGS_SECS = np.arange(-4, 13) * 0.01  # How much later than the sound the jaw of the energy baseline may move.
LEVEL_SMOOTHING_SECS = 0.04  # Width (standard deviation) of the average over the loudness at which it fits s1 best.
RIDGE = 1.0
_NEUTRAL = np.array([1.0] + [0.0] * (len(EMOTION_COLUMNS) - 1), np.float32)


class HeardClip:
    """A clip with what its sound says; each thing is worked out once, when first needed."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    @cached_property
    def speech(self) -> Speech:
        """The recording."""
        return read_speech(self.clip.sound)

    @cached_property
    def prosody(self) -> Prosody:
        """Loudness and the rest."""
        return prosody_of(listened_to(self.speech).blocks())

    @cached_property
    def mels(self) -> Float[Array, "rows band"]:
        """Log-mels at 100 Hz."""
        return np.concatenate(list(log_mels(iter([self.speech.samples]))))

    @cached_property
    def heard(self) -> SpeechAnalysis:
        """As the animator hears it without a transcript."""
        return analyse(self.clip.sound)

    @cached_property
    def aligned(self) -> SpeechAnalysis | None:
        """With the clip's own phones, or its transcript; None where neither is known."""
        if not self.clip.phones:
            return analyse(self.clip.sound, transcript=self.clip.transcript) if self.clip.transcript else None
        phones = self.clip.phones
        end = max(self.speech.duration_secs, phones[-1].end_secs)
        if end > phones[-1].end_secs:
            phones = (*phones, Phone("SIL", phones[-1].end_secs, end))
        return SpeechAnalysis(duration_secs=end, phones=phones, prosody=self.prosody, pauses=(), aligned=True)

    @property
    def phones(self) -> tuple[Phone, ...]:
        """True phones, or those heard."""
        known = self.aligned
        return self.heard.phones if known is None else known.phones


@runtime_checkable
class LipSystem(Protocol):
    """A way to move the lips."""

    @property
    def name(self) -> str:
        """Heads its column."""
        ...

    def lips(self, heard: HeardClip, *, fps: float) -> Sampler | None:
        """Get ready to move the lips to a clip that will be shown at `fps`; None where it cannot."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The procedural animator."""

    head: Head
    known_words: bool  # Whether it is given the phones (as by a transcript).

    @property
    def name(self) -> str:
        """Heads its column."""
        return "rules, aligned" if self.known_words else "rules, heard"

    def lips(self, heard: HeardClip, *, fps: float) -> Sampler | None:
        """From the true phones, or from the sound alone."""
        analysis = heard.aligned if self.known_words else heard.heard
        if analysis is None:
            return None
        score = lip_score(analysis, head=self.head, style=NATURAL, fps=fps)
        return lambda times: score.sample(times).controls


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """The oldest trick, a jaw that follows the loudness: gap = offset + slope * level(t - lag).

    Without a slope, lips that never move from their mean: what an error is worth.
    """

    name: str
    rig: LipRig
    offset: float
    slope: float = 0.0
    lag_secs: float = 0.0

    def lips(self, heard: HeardClip, *, fps: float) -> Sampler | None:
        """Answers for any sound."""
        del fps
        return lambda times: _open_by(self.rig, self.offset + self.slope * _level(heard, times - self.lag_secs))


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The network's lip path, with all the look-ahead that it has."""

    head: Head
    model: str | Path  # Name of a bundled network, or a checkpoint file.
    known_words: bool  # Whether it is given the phones (as by a transcript).
    manner: LipManner | None = None  # Of the talker.

    @property
    def name(self) -> str:
        """Heads its column."""
        return ("network" if self.manner is None else "in style") + (", aligned" if self.known_words else "")

    def lips(self, heard: HeardClip, *, fps: float) -> Sampler | None:
        """From the sound; with `known_words`, from the true phones too.

        CheckpointError: the network is missing or damaged.
        """
        mouth = self.mouth(heard, fps=fps)
        return None if mouth is None else lambda times: mouth.sample(times).controls

    def mouth(self, heard: HeardClip, *, fps: float) -> NetLips | None:
        """What the mouth does; None where phones should be known and are not."""
        net, habits = load_motion_net(self.model), None
        if self.manner is not None:
            net, habits = net.with_lips_of(self.manner.update), self.manner.habits
        analysis = heard.aligned if self.known_words else heard.heard
        if analysis is None:
            return None
        num_frames = frames_in(analysis.duration_secs, fps=MOTION_HZ)
        answers = lip_answers(
            net,
            log_mels(listened_to(heard.speech).blocks()),
            duration_secs=analysis.duration_secs,
            phones=phones_at_frames(analysis) if self.known_words else None,
            emotion=np.tile(_NEUTRAL, (num_frames, 1)) if net.config.lips_see_emotion else None,
        )
        return net_lips(answers, analysis=analysis, head=self.head, style=NATURAL, fps=fps, habits=habits)


def lip_answers(
    net: MotionNet,
    mels: Iterable[Float[Array, "_rows band=40"]],
    *,
    duration_secs: float,
    phones: Int[Array, " frames"] | None = None,
    emotion: Float[Array, "frames 21"] | None = None,
    look_ahead_frames: int | None = None,
) -> Float[Array, "motion_frames lip=9"]:
    """The lip path alone: answers for `net_lips`.

    `phones` are known ones (`phones_at_frames`); `emotion` is for networks whose lips see it. `look_ahead_frames` is
    one of the network's; the longest by default.
    """
    ahead = longest_look_ahead(net) if look_ahead_frames is None else look_ahead_frames
    level = LevelFollower(net.x0)
    lips = LipStream(net, ahead, phones=phones, emotion=emotion)
    found = [lips.push(level.push(rows)) for rows in mels]
    return np.concatenate([*found, lips.finish(frames_in(duration_secs, fps=MOTION_HZ))])


def baselines(head: Head, *, fitting: tuple[HeardClip, ...]) -> tuple[Baseline, Baseline] | None:
    """Fit the energy baseline, at the lag that correlates best, and the mean; None when no clip has real lips."""
    known = [clip for clip in fitting if clip.clip.lips is not None]
    if not known:
        return None
    curves: list[Lips] = [clip.clip.lips for clip in known if clip.clip.lips is not None]
    gap = np.concatenate([lips.on_our_head for lips in curves])
    fits = []
    for lag in LEVEL_LAGS_SECS:
        level = np.concatenate([_level(c, lips.times - lag) for c, lips in zip(known, curves, strict=True)])
        fits.append((correlation(level, gap), float(lag), level))
    _, lag_secs, level = max(fits, key=lambda fit: fit[0])
    centred = level - level.mean()
    slope = float(centred @ (gap - gap.mean()) / (centred @ centred + RIDGE))
    rig = lip_rig(head)
    offset = float(gap.mean() - slope * level.mean())
    energy = Baseline("energy to jaw", rig, offset=offset, slope=slope, lag_secs=lag_secs)
    return energy, Baseline("mean face", rig, offset=float(gap.mean()))


def true_controls(
    heard: HeardClip, lips: Lips, *, rig: LipRig, times: Float[Array, " frames"]
) -> Float[Array, f"frames control={len(CONTROLS)}"]:
    """Our head with the real lips: gap, width and jaw as measured; nothing else of the face moves.

    What cannot be seen (rounding, flare, tongue and contacts) comes from the true phones, as in the animator's tables;
    without known phones it is nought, and lips are in contact where the gap is below 0.01.
    """
    gap, width, jaw = (
        None if curve is None else np.interp(times, lips.times, curve)
        for curve in (lips.on_our_head, lips.width, lips.jaw)
    )
    assert gap is not None
    analysis, none = heard.aligned, np.zeros(len(times))
    unseen = {"rounding": none, "flare": none, "tongue": none}
    if analysis is None:
        contacts = {"closure": np.clip((0.01 - gap) / 0.01, 0.0, 1.0), "tuck": none}
    else:
        aims = blend(segments_from(analysis), times=times).channels
        unseen = {name: aims[:, column] for column, name in enumerate(("rounding", "flare", "tongue"), start=3)}
        closure, tuck = phone_contacts(analysis.phones, frame_secs=1.0 / lips.fps).at(times)
        contacts = {"closure": closure, "tuck": tuck}
    target = MouthTarget(
        gap=gap,
        width=none if width is None else width,
        jaw=np.clip(JAW_PER_GAP * gap, 0.0, 1.0) if jaw is None else jaw,
        **unseen,
        **contacts,
    )
    return np.asarray(lip_controls(rig, target, style=NATURAL))


def _open_by(rig: LipRig, gap: Float[Array, " frames"]) -> Float[Array, "frames control=100"]:
    gap = np.maximum(gap, 0.0)
    none = np.zeros(len(gap))
    jaw = np.clip(JAW_PER_GAP * gap, 0.0, 1.0)
    target = MouthTarget(gap=gap, width=none, jaw=jaw, rounding=none, flare=none, tongue=none, closure=none, tuck=none)
    return np.asarray(lip_controls(rig, target, style=NATURAL))


def _level(heard: HeardClip, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """Smoothed loudness against the clip's own loudest tenth, in units of 20 dB, not below -2."""
    loudness = heard.prosody.loudness_db.astype(np.float64)
    level = np.maximum((loudness - np.percentile(loudness, 90.0)) / 20.0, -2.0)
    reach = round(3.0 * LEVEL_SMOOTHING_SECS * FEATURE_HZ)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (LEVEL_SMOOTHING_SECS * FEATURE_HZ)) ** 2)
    smooth = np.convolve(np.pad(level, reach, mode="edge"), weights / weights.sum(), mode="valid")
    return np.asarray(np.interp(times, np.arange(len(smooth)) / FEATURE_HZ, smooth))
