"""Whom a performance has for company: a partner who is listened to, and the moments that a take is drawn after."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.reader import sha256_of
from face_emote.bank.moments import Moment
from face_emote.bank.retrieval import Library, Use, library_of, pins_in
from face_emote.core.arrays import Array
from face_emote.core.errors import OptionError
from face_emote.core.options import BankUse, Performance
from face_emote.core.types import Speech, SpeechAnalysis
from face_emote.emotion.track import PlannedEmotion
from face_emote.generation.drawing import HOP, drawn_life
from face_emote.generation.layout import CONTEXT, FACE, TOKEN_HZ, VOICE, VOICE_COLUMNS, WINDOW, Recalled
from face_emote.generation.net import DrawNet
from face_emote.generation.seen import style_of
from face_emote.generation.style_file import MotionStyle
from face_emote.motion.events.cues import speech_cues
from face_emote.motion.events.curves import since_and_until
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


def drawn_take(
    performance: Performance, net: DrawNet, *, style: MotionStyle | None, analysis: SpeechAnalysis,
    partner: SpeechAnalysis | None, planned: PlannedEmotion,
) -> tuple[Drawn, tuple[Use, ...]]:  # fmt: skip
    """Head, brows and blinks of a clip, and the moments in them.

    Each window moves as somebody did in a moment that is near, unless a style says how. OptionError: a pin lies behind
    the clip's end.
    """
    voice, seed, use = voice_tokens(analysis.prosody)[0].rows[:, VOICE_COLUMNS], performance.seed, performance.moments
    library = library_of(use)
    pins = pins_in(use.pin, library)
    late = next((pin for pin in pins if pin.start_secs >= analysis.duration_secs), None)
    if late is not None:
        raise OptionError(
            f"{late.name} is pinned at {late.start_secs:g} s, and the speech ends at {analysis.duration_secs:.2f} s; "
            "pin it earlier"
        )
    like = None if style is None else net.manner(style.moves, strength=performance.likeness)
    moments: list[list[Moment]] = []
    if like is None and library.moments:
        contexts = contexts_of(use, analysis=analysis, partner=partner, count=-(-len(voice) // HOP))
        moments = _near(library, voice, contexts=contexts, planned=planned, seed=seed)
    manners = [style_of(near[0].face.astype(np.float64)) for near in moments]
    life = drawn_life(
        net, voice, seed=seed, style=like, pinned=_pinned_tokens(library, pins, count=len(voice)),
        after=(lambda window, _voice: manners[min(window, len(manners) - 1)]) if manners else None,
        moments=(lambda window, _voice: _recalled(moments[min(window, len(moments) - 1)])) if moments else None,
    )  # fmt: skip
    return Drawn(life, net.controls), _uses(pins, moments, last_secs=analysis.duration_secs)


def _recalled(near: list[Moment]) -> Recalled:
    return Recalled(np.stack([moment.face for moment in near]), np.stack([moment.vad for moment in near]))


def contexts_of(use: BankUse, *, analysis: SpeechAnalysis, partner: SpeechAnalysis | None, count: int) -> list[str]:
    """To whom each window is said; or that it is listened."""
    if partner is None:
        return [use.context or "monologue"] * count
    own, theirs = speech_cues(analysis), speech_cues(partner)
    said, heard = (float(np.diff(cues.phrases).sum()) for cues in (own, theirs))
    talks = use.context or ("interview" if said / max(said + heard, 1e-6) > _MOST_ANSWERS else "dialogue")
    middle = (np.arange(count) + 0.5) * HOP / TOKEN_HZ
    _, _, listens = since_and_until(listening_spans(own, theirs), middle)
    return ["listening" if listening else talks for listening in listens]


def _near(
    library: Library, voice: Array, *, contexts: list[str], planned: PlannedEmotion, seed: int
) -> list[list[Moment]]:
    """For each window the nearest moments, any of them first."""
    chosen = []
    for window, context in enumerate(contexts):
        middle = min((window + 0.5) * HOP / TOKEN_HZ, planned.duration_secs)
        vad = planned.at(np.array([middle]), rate_hz=TOKEN_HZ).vad[0]
        dice = np.random.default_rng([seed, window, 7])
        heard = voice[max(window * HOP - CONTEXT, 0) : window * HOP - CONTEXT + WINDOW].astype(np.float64)
        said = heard[heard[:, _SPEAKS] > 0.5]
        sound = said.mean(axis=0) if len(said) else np.full(len(VOICE), np.nan)
        near = library.nearest(vad=vad, context=context, voice=sound, dice=dice)
        first = int(dice.integers(len(near)))
        chosen.append([near[first], *near[:first], *near[first + 1 :]])
    return chosen


def _pinned_tokens(library: Library, pins: tuple[Use, ...], *, count: int) -> Array:
    """Tokens of the face that are given, NaN where they are to be drawn."""
    tokens = np.full((count, len(FACE)), np.nan)
    for pin in pins:
        first = round(pin.start_secs * TOKEN_HZ)
        face = library.named(pin.name).face[: max(count - first, 0)]
        tokens[first : first + len(face)] = face
    return tokens


def _uses(pins: tuple[Use, ...], moments: list[list[Moment]], *, last_secs: float) -> tuple[Use, ...]:
    """Every moment of a clip, and where: the pinned ones, and what each window is drawn after."""
    hop = HOP / TOKEN_HZ
    found = [
        Use(near[0].name, k * hop, (k + 1) * hop, pinned=False, consent=near[0].consent)
        for k, near in enumerate(moments)
    ]
    runs = [list(same) for _, same in groupby(found, key=lambda use: use.name)]
    joined = [replace(run[0], end_secs=run[-1].end_secs) for run in runs]
    ended = [replace(use, end_secs=min(use.end_secs, last_secs)) for use in (*pins, *joined)]
    return tuple(sorted(ended, key=lambda use: (use.start_secs, use.name)))


def told(uses: tuple[Use, ...]) -> str:
    """The uses as the header of a motion has them: `0.00-2.56 s NAME (pinned); ..`."""
    return "; ".join(
        f"{use.start_secs:.2f}-{use.end_secs:.2f} s {use.name}{' (pinned)' * use.pinned}" for use in uses
    )  # fmt: skip


def consents(uses: tuple[Use, ...]) -> tuple[str, ...]:
    """Of everybody whose own moments are used, each once."""
    return tuple(dict.fromkeys(use.consent for use in uses if use.consent))
