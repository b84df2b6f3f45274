"""Whom a performance has for company: a partner who is listened to, and the moments that a take is drawn after."""

from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.reader import sha256_of
from face_emote.bank.retrieval import Library, Use, library_of, pins_in
from face_emote.core.arrays import Array
from face_emote.core.errors import OptionError
from face_emote.core.options import BankUse, Performance
from face_emote.core.types import Speech, SpeechAnalysis
from face_emote.emotion.track import PlannedEmotion
from face_emote.generation.drawing import HOP, drawn_life
from face_emote.generation.layout import CONTEXT, FACE, TOKEN_HZ, VOICE, VOICE_COLUMNS, WINDOW
from face_emote.generation.net import DrawNet
from face_emote.generation.style_file import MotionStyle
from face_emote.motion.events.cues import speech_cues
from face_emote.motion.events.drawn import Drawn
from face_emote.motion.events.listening import listening_spans
from face_emote.perception.encoder_inputs import voice_tokens

SLACK_SECS = 0.1  # By which two tracks of one conversation may differ in length.
_SPEAKS, _MOST_ANSWERS = VOICE.index("speaking"), 0.65
"""Share of all that is said from which on the one who says it is interviewed."""


def with_partner(own: SpeechAnalysis, performance: Performance) -> tuple[SpeechAnalysis, SpeechAnalysis | None]:
    """What is said here, and what a partner says meanwhile; None without one.

    Raises:
        AudioError: the partner's track cannot be read.
        OptionError: it is the same recording, one of another length, or nobody talks in it.
    """
    path, speech = performance.partner, performance.speech
    if path is None:
        return own, None
    if not isinstance(speech, Speech) and sha256_of(path) == sha256_of(Path(speech)):
        raise OptionError(f"The partner is the very recording that is performed; give the other one's track: {path}")
    found = analyse(path)
    if abs(found.duration_secs - own.duration_secs) > SLACK_SECS:
        raise OptionError(
            f"The partner's track lasts {found.duration_secs:.2f} s, and the speech {own.duration_secs:.2f} s; give "
            f"two tracks of one conversation: {path}"
        )
    if not found.has_speech:
        raise OptionError(f"Nobody talks in the partner's track, so there is nobody to listen to; leave it out: {path}")
    # Somebody who only listens says nothing, and that is no fault.
    return own if own.has_speech else replace(own, remarks=()), found


@dataclass(frozen=True, slots=True, eq=False)
class DrawnAfter:
    """What a take is drawn after, window by window."""

    library: Library
    pins: tuple[Use, ...]
    planned: PlannedEmotion
    context: str
    listening: Array  # Spans.
    seed: int

    def uses(self, voice: Array) -> tuple[Use, ...]:
        """Every moment of a clip, and where: the pinned ones, and what each window is drawn after."""
        windows = range(-(-len(voice) // HOP))
        found = [self._use(k, voice[max(k * HOP - CONTEXT, 0) : k * HOP - CONTEXT + WINDOW]) for k in windows]
        last = len(voice) / TOKEN_HZ
        joined = []
        for name, group in groupby((use for use in found if use is not None), key=lambda use: use.name):
            same = list(group)
            joined.append(replace(same[0], name=name, end_secs=min(same[-1].end_secs, last)))
        pins = [replace(pin, end_secs=min(pin.end_secs, last)) for pin in self.pins]
        return tuple(sorted((*pins, *joined), key=lambda use: (use.start_secs, use.name)))

    def face(self, window: int, voice: Array) -> Array | None:
        """Tokens that a window is drawn after."""
        use = self._use(window, voice)
        return None if use is None else self.library.named(use.name).face

    def _use(self, window: int, voice: Array) -> Use | None:
        start = window * HOP / TOKEN_HZ
        middle = start + 0.5 * HOP / TOKEN_HZ
        vad = self.planned.at(np.array([min(middle, self.planned.duration_secs)]), rate_hz=TOKEN_HZ).vad[0]
        heard = ((self.listening[:, 0] < middle) & (middle < self.listening[:, 1])).any()
        dice = np.random.default_rng([self.seed, window, 7])
        said = voice[voice[:, _SPEAKS] > 0.5]
        sound = said.mean(axis=0) if len(said) else np.full(len(VOICE), np.nan)
        near = self.library.nearest(vad=vad, context="listening" if heard else self.context, voice=sound, dice=dice)
        if not near:
            return None
        chosen = near[int(dice.integers(len(near)))]
        return Use(chosen.name, start, start + HOP / TOKEN_HZ, pinned=False, consent=chosen.consent)


def drawn_after(
    use: BankUse, *, analysis: SpeechAnalysis, partner: SpeechAnalysis | None, planned: PlannedEmotion, seed: int
) -> DrawnAfter:
    """What the take of a clip is drawn after. Raises OptionError for a pin behind its end."""
    library = library_of(use)
    pins = pins_in(use.pin, library)
    late = next((pin for pin in pins if pin.start_secs >= analysis.duration_secs), None)
    if late is not None:
        raise OptionError(
            f"{late.name} is pinned at {late.start_secs:g} s, and the speech ends at {analysis.duration_secs:.2f} s; "
            "pin it earlier"
        )
    spans, context = np.zeros((0, 2)), use.context or "monologue"
    if partner is not None:
        own, theirs = speech_cues(analysis), speech_cues(partner)
        spans = listening_spans(own, theirs)
        said, heard = (float(np.diff(cues.phrases).sum()) for cues in (own, theirs))
        answers = said / max(said + heard, 1e-6) > _MOST_ANSWERS
        context = use.context or ("interview" if answers else "dialogue")
    return DrawnAfter(library, pins, planned, context, spans, seed)


def drawn_take(
    performance: Performance, net: DrawNet, *, style: MotionStyle | None, analysis: SpeechAnalysis,
    partner: SpeechAnalysis | None, planned: PlannedEmotion,
) -> tuple[Drawn, tuple[Use, ...]]:  # fmt: skip
    """Head, brows and blinks of a clip, and the moments in them."""
    voice, seed = voice_tokens(analysis.prosody)[0].rows[:, VOICE_COLUMNS], performance.seed
    like = None if style is None else net.manner(style.moves, strength=performance.likeness)
    after = drawn_after(performance.moments, analysis=analysis, partner=partner, planned=planned, seed=seed)
    pinned = _pinned_tokens(after, len(voice))
    life = drawn_life(net, voice, seed=seed, style=like, pinned=pinned, after=after.face)
    return Drawn(life, net.controls), after.uses(voice)


def _pinned_tokens(after: DrawnAfter, count: int) -> Array:
    """Tokens of the face that are given, NaN where they are to be drawn."""
    tokens = np.full((count, len(FACE)), np.nan)
    for pin in after.pins:
        first = round(pin.start_secs * TOKEN_HZ)
        face = after.library.named(pin.name).face[: max(count - first, 0)]
        tokens[first : first + len(face)] = face
    return tokens


def told(uses: tuple[Use, ...]) -> str:
    """The uses as the header of a motion has them: `0.00-2.56 s NAME (pinned); ..`."""
    return "; ".join(
        f"{use.start_secs:.2f}-{use.end_secs:.2f} s {use.name}{' (pinned)' * use.pinned}" for use in uses
    )  # fmt: skip


def consents(uses: tuple[Use, ...]) -> tuple[str, ...]:
    """Of everybody whose own moments are used, each once."""
    return tuple(dict.fromkeys(use.consent for use in uses if use.consent))
