"""The mouth with corrections: what was heard, bent in time to the corrected cues; new sounds by the rules.

Sounds that are still there keep the mouth that they had, moved and stretched with them. Where others stand now, the
rules of `lips` play them, with a short passage on either side. Strength takes the mouth farther from rest, or nearer.
"""

from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Protocol, runtime_checkable

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.cues import MouthCues
from face_emote.core.types import PerformanceStyle, Phone, SpeechAnalysis
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.mouth.lip_rig import LipRig
from face_emote.motion.mouth.lip_solve import MouthTarget
from face_emote.motion.mouth.lips import LipMotion, LipScore, lips_at
from face_emote.motion.mouth.net_lips import REST
from face_emote.network.config import LIP_CHANNELS, NUM_LINEAR

PASSAGE_SECS = 0.06  # From the mouth that was heard to the rules' and back.
SAME_SECS = 2e-4  # Times that differ by less are the same.
JUMP_SECS = 0.005  # Where more time than this was taken out, the rules play the passage.
_CONTACTS = slice(NUM_LINEAR, NUM_LINEAR + 2)
_SPEECH = LIP_CHANNELS.index("speech")


@runtime_checkable
class Aims(Protocol):
    """Whatever knows where the mouth aims."""

    def aims(self, times: Float[Array, " frames"]) -> Float[Array, "frames lip=9"]:
        """In the order of `network.config.LIP_CHANNELS`, at ascending instants."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EditedLips:
    """A `lips.Lips` of corrected cues."""

    heard: Aims
    rules: LipScore  # Of the corrected cues.
    now_secs: Float[Array, " knot"]
    then_secs: Float[Array, " knot"]  # When what is played now was heard; linear between.
    new_secs: Float[Array, "span 2"]  # Stretches that were not heard.
    emphasis: Float[Array, "phone 3"]  # Start, end, and strength less 1.
    offset_secs: float
    rig: LipRig
    style: PerformanceStyle

    def sample(self, times: Float[Array, " frames"]) -> LipMotion:
        """The mouth at ascending instants, seconds; a pure function of each."""
        aims = self.aims(times - self.offset_secs)
        return lips_at(MouthTarget(*aims.T[:_SPEECH]), speech=aims[:, _SPEECH], rig=self.rig, style=self.style)

    def aims(self, times: Float[Array, " frames"]) -> Float[Array, "frames lip=9"]:
        """Where the mouth aims, before the offset."""
        then = np.interp(times, self.now_secs, self.then_secs)
        then = np.where(np.abs(then - times) < SAME_SECS, times, then)
        order = np.argsort(then, kind="stable")
        rows = np.empty((len(times), len(LIP_CHANNELS)))
        rows[order] = self.heard.aims(then[order])
        for start, end in self.new_secs:
            near = np.flatnonzero((times > start - PASSAGE_SECS) & (times < end + PASSAGE_SECS))
            if len(near):
                share = _window(times[near], start, end)[:, None]
                rows[near] += share * (self.rules.aims(times[near]) - rows[near])
        for start, end, more in self.emphasis:
            near = np.flatnonzero((times > start - PASSAGE_SECS) & (times < end + PASSAGE_SECS))
            factor = 1.0 + more * _window(times[near], start, end)[:, None]
            shapes, contacts = rows[near, :NUM_LINEAR], rows[near, _CONTACTS]
            rows[near, :NUM_LINEAR] = REST[:NUM_LINEAR] + factor * (shapes - REST[:NUM_LINEAR])
            rows[near, _CONTACTS] = np.minimum(factor, 1.0) * contacts
        return rows


def edited_lips(heard: Aims, cues: MouthCues, *, analysis: SpeechAnalysis, rules: LipScore) -> EditedLips:
    """Lay corrected cues over what was heard; `rules` are the mouth of `corrected` by `lip_score`."""
    now, then, new = _laid_over(analysis.phones, cues.sounds)
    return EditedLips(
        heard=heard,
        rules=rules,
        now_secs=now,
        then_secs=then,
        new_secs=new,
        emphasis=np.array(
            [(p.start_secs, p.end_secs, p.strength - 1.0) for p in cues.sounds if p.strength != 1.0]
        ).reshape(-1, 3),
        offset_secs=cues.offset_secs,
        rig=rules.rig,
        style=rules.style,
    )


def corrected(analysis: SpeechAnalysis, cues: MouthCues) -> SpeechAnalysis:
    """The analysis as if the cues had been heard, for the rules."""
    return replace(analysis, phones=cues.sounds, aligned=True)


def _laid_over(
    heard: tuple[Phone, ...], wanted: tuple[Phone, ...]
) -> tuple[Float[Array, " knot"], Float[Array, " knot"], Float[Array, "span 2"]]:
    """Instants now, the same when they were heard, and the stretches that have no such instants."""
    pairs: dict[int, int] = {}
    exact = SequenceMatcher(None, [_key(p) for p in heard], [_key(p) for p in wanted], autojunk=False)
    for kind, i, i_stop, j, j_stop in exact.get_opcodes():
        if kind == "equal":
            pairs.update(zip(range(j, j_stop), range(i, i_stop), strict=True))
            continue
        labels = [p.label for p in heard[i:i_stop]], [p.label for p in wanted[j:j_stop]]
        for block in SequenceMatcher(None, *labels, autojunk=False).get_matching_blocks():
            pairs.update((j + block.b + k, i + block.a + k) for k in range(block.size))
    knots: list[tuple[float, float]] = []
    new: list[tuple[float, float]] = []
    for j, phone in enumerate(wanted):
        if j not in pairs:
            new.append((phone.start_secs, phone.end_secs))
            continue
        own = heard[pairs[j]]
        if knots and phone.start_secs - knots[-1][0] < SAME_SECS:
            if own.start_secs - knots[-1][1] > JUMP_SECS:
                new.append((phone.start_secs, phone.start_secs))
            knots.pop()
        knots += [(phone.start_secs, own.start_secs), (phone.end_secs, own.end_secs)]
    if not knots:
        knots = [(0.0, 0.0)]
    now, then = np.array(knots).T
    return now, np.where(np.abs(now - then) < SAME_SECS, now, then), np.array(new).reshape(-1, 2)


def _key(phone: Phone) -> tuple[str, int, int]:
    return phone.label, round(phone.start_secs / SAME_SECS / 5), round(phone.end_secs / SAME_SECS / 5)


def _window(times: Float[Array, " frames"], start: float, end: float) -> Float[Array, " frames"]:
    """1 within, eased to 0 on either side."""
    away = np.maximum(np.maximum(start - times, times - end), 0.0)
    window: Array = 1.0 - smoothstep(away / PASSAGE_SECS)
    return window


def is_unchanged(analysis: SpeechAnalysis, cues: MouthCues) -> bool:
    """Whether the cues are what was heard."""
    return (
        cues.offset_secs == 0.0
        and len(cues.sounds) == len(analysis.phones)
        and all(
            own.label == phone.label
            and phone.strength == 1.0
            and max(abs(own.start_secs - phone.start_secs), abs(own.end_secs - phone.end_secs)) < SAME_SECS
            for own, phone in zip(analysis.phones, cues.sounds, strict=True)
        )
    )
