"""Lips: what the mouth does at every instant of a recording.

`lip_score` prepares a clip once (small arrays, about 100 bytes a phone); it is then sampled at any instants.
Sampling is a pure function of time: blocks equal the whole bit by bit.

    phones -> visemes (visemes.py) -> blended targets (coarticulation.py) --.
           -> closures and tucks (lip_contacts.py) --------------------------+-> controls (lip_solve.py on lip_rig.py)
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, DEFAULT_FPS
from face_emote.core.timing import require_fps
from face_emote.core.types import PerformanceStyle, SpeechAnalysis
from face_emote.face.head import Head
from face_emote.motion.mouth.coarticulation import Blend, Segments, blend
from face_emote.motion.mouth.lip_contacts import PhoneContacts, phone_contacts
from face_emote.motion.mouth.lip_rig import LipRig, lip_rig
from face_emote.motion.mouth.lip_solve import MouthTarget, lip_controls
from face_emote.motion.mouth.viseme_table import CHANNELS
from face_emote.motion.mouth.visemes import segments_from


@dataclass(frozen=True, slots=True, eq=False)
class LipMotion:
    """The mouth on each frame."""

    controls: Float[Array, f"frames control={len(CONTROLS)}"]
    """In the order of `names.CONTROLS`, 0..1; only jaw, mouth, tongue and seal are used."""
    closure: Float[Array, " frames"]  # Lips in contact (P B M), 0..1.
    tuck: Float[Array, " frames"]  # Lower lip at the upper teeth (F V), 0..1.
    ownership: Float[Array, " frames"]
    """How much of the mouth belongs to speech rather than to emotion, 0..1; 1 in every contact."""


@runtime_checkable
class Lips(Protocol):
    """Whatever knows the mouth of a clip: the rules' `LipScore`, or `net_lips.NetLips`."""

    def sample(self, times: Float[Array, " frames"]) -> LipMotion:
        """The mouth at ascending instants, seconds; a pure function of each."""
        ...


def lips_at(mouth: MouthTarget, *, speech: Float[Array, " frames"], rig: LipRig, style: PerformanceStyle) -> LipMotion:
    """The mouth on a head; `speech` says how much of it belongs to speech where nothing touches, 0..1."""
    contact = 1.0 - (1.0 - mouth.closure) * (1.0 - mouth.tuck)
    return LipMotion(
        controls=lip_controls(rig, mouth, style=style),
        closure=mouth.closure,
        tuck=mouth.tuck,
        ownership=1.0 - (1.0 - speech) * (1.0 - contact),
    )


@dataclass(frozen=True, slots=True, eq=False)
class LipScore:
    """All that the mouth will do in a clip by the rules, for one head and style."""

    segments: Segments
    contacts: PhoneContacts
    rig: LipRig
    style: PerformanceStyle

    def sample(self, times: Float[Array, " frames"]) -> LipMotion:
        """The mouth at ascending instants, seconds."""
        aims = blend(self.segments, times=times)
        return lips_at(self._target(aims, times), speech=aims.speech, rig=self.rig, style=self.style)

    def aims(self, times: Float[Array, " frames"]) -> Float[Array, "frames lip=9"]:
        """As `net_lips.NetLips.aims`: shapes, contacts, and how much of the mouth belongs to speech."""
        blended = blend(self.segments, times=times)
        return np.column_stack([blended.channels, *self.contacts.at(times), blended.speech])

    def target(self, times: Float[Array, " frames"]) -> MouthTarget:
        """Where the mouth aims, before it is put on the head."""
        return self._target(blend(self.segments, times=times), times)

    def _target(self, aims: Blend, times: Float[Array, " frames"]) -> MouthTarget:
        channels: dict[str, Array] = dict(zip(CHANNELS, aims.channels.T, strict=True))
        closure, tuck = self.contacts.at(times)
        return MouthTarget(**channels, closure=closure, tuck=tuck)


def lip_score(analysis: SpeechAnalysis, *, head: Head, style: PerformanceStyle, fps: float = DEFAULT_FPS) -> LipScore:
    """Prepare a clip.

    Of `style`, `lips` and `jaw` are used. At a low `fps` contacts are held until a frame hits them. HeadError: the head
    is an imported one, whose controls have no names. OptionError: fps is out of range.
    """
    contacts = phone_contacts(analysis.phones, frame_secs=1.0 / require_fps(fps))
    return LipScore(segments_from(analysis), contacts, rig=lip_rig(head), style=style)
