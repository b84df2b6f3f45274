"""Lips: what the mouth does at every instant of a recording.

`lip_score` prepares a clip once (small arrays, about 100 bytes a phone); `sample_lips` reads the mouth at any instants.
Sampling is a pure function of time: blocks equal the whole bit by bit.

    phones -> visemes (visemes.py) -> blended targets (coarticulation.py) --.
           -> closures and tucks (lip_contacts.py) --------------------------+-> controls (lip_solve.py on lip_rig.py)
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, DEFAULT_FPS
from face_emote.core.timing import require_fps
from face_emote.core.types import PerformanceStyle, SpeechAnalysis
from face_emote.face.head import Head
from face_emote.motion.mouth.coarticulation import Blend, Segments, blend
from face_emote.motion.mouth.lip_contacts import Contacts, closures, strength, tucks
from face_emote.motion.mouth.lip_rig import LipRig, lip_rig
from face_emote.motion.mouth.lip_solve import MouthTarget, lip_controls
from face_emote.motion.mouth.viseme_table import CHANNELS
from face_emote.motion.mouth.visemes import merged, segments_from


@dataclass(frozen=True, slots=True, eq=False)
class LipMotion:
    """The mouth on each frame."""

    controls: Float[Array, f"frames control={len(CONTROLS)}"]
    """In the order of `names.CONTROLS`, 0..1; only jaw, mouth, tongue and seal are used."""
    closure: Float[Array, " frames"]
    """Lips in contact (P B M), 0..1."""
    tuck: Float[Array, " frames"]
    """Lower lip at the upper teeth (F V), 0..1."""
    ownership: Float[Array, " frames"]
    """How much of the mouth belongs to speech rather than to emotion, 0..1; 1 in every contact."""


@runtime_checkable
class Lips(Protocol):
    """Whatever knows the mouth of a clip: the rules' `LipScore`, or `net_lips.NetLips`."""

    def sample(self, times: Float[Array, " frames"]) -> LipMotion:
        """The mouth at ascending instants, seconds; a pure function of each."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LipScore:
    """All that the mouth will do in a clip, for one head and style."""

    segments: Segments
    closures: Contacts
    tucks: Contacts
    rig: LipRig
    style: PerformanceStyle

    def sample(self, times: Float[Array, " frames"]) -> LipMotion:
        """`sample_lips`, as `Lips` asks for."""
        return sample_lips(self, times=times)


def lip_score(analysis: SpeechAnalysis, *, head: Head, style: PerformanceStyle, fps: float = DEFAULT_FPS) -> LipScore:
    """Prepare a clip.

    Args:
        analysis: the phones and their loudness.
        head: the person's head (`Head.with_identity`); lip shapes are solved on it.
        style: `lips` and `jaw` are used.
        fps: at which the motion will be shown; at low rates contacts are held until a frame hits them.

    Raises:
        HeadError: the head is an imported one, whose controls have no names.
        OptionError: fps is out of range.
    """
    frame_secs = 1.0 / require_fps(fps)
    phones = merged(analysis.phones)
    return LipScore(
        segments=segments_from(analysis),
        closures=closures(phones, frame_secs=frame_secs),
        tucks=tucks(phones, frame_secs=frame_secs),
        rig=lip_rig(head),
        style=style,
    )


def sample_lips(score: LipScore, *, times: Float[Array, " frames"]) -> LipMotion:
    """The mouth at ascending instants (seconds)."""
    aims = blend(score.segments, times=times)
    mouth = _target(score, aims=aims, times=times)
    contact = 1.0 - (1.0 - mouth.closure) * (1.0 - mouth.tuck)
    return LipMotion(
        controls=lip_controls(score.rig, mouth, style=score.style),
        closure=mouth.closure,
        tuck=mouth.tuck,
        ownership=1.0 - (1.0 - aims.speech) * (1.0 - contact),
    )


def mouth_target(score: LipScore, *, times: Float[Array, " frames"]) -> MouthTarget:
    """Where the mouth aims at ascending instants, before it is put on the head."""
    return _target(score, aims=blend(score.segments, times=times), times=times)


def lip_motion(
    analysis: SpeechAnalysis,
    *,
    times: Float[Array, " frames"],
    head: Head,
    style: PerformanceStyle,
    fps: float = DEFAULT_FPS,
) -> LipMotion:
    """`lip_score` and `sample_lips` in one call; make the score once when sampling in blocks."""
    return sample_lips(lip_score(analysis, head=head, style=style, fps=fps), times=times)


def _target(score: LipScore, *, aims: Blend, times: Float[Array, " frames"]) -> MouthTarget:
    channel = {name: aims.channels[:, i] for i, name in enumerate(CHANNELS)}
    return MouthTarget(
        **channel, closure=strength(score.closures, times=times), tuck=strength(score.tucks, times=times)
    )
