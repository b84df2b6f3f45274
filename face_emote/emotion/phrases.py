"""The small words of an emotion description: how much, in what manner, joined how, hidden by what.

All figures are our choices, made so that each phrase changes the picture visibly and in the direction it says.
"""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.names import EMOTIONS
from face_emote.emotion.blending import State, combine, scaled


@dataclass(frozen=True, slots=True)
class Manner:
    """What an adjective such as `calm` or `suppressed` does to the emotion after it."""

    strength: float = 1.0
    """Factor on the intensity that shows."""
    vad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Added to valence, arousal, dominance, times the intensity of the emotion."""
    covert: float = 0.0
    """Share of the emotion's own intensity that goes into hiding."""
    leak: float = 0.0
    """How much of what is hidden shows."""
    tint: tuple[tuple[str, float], ...] = ()
    """Emotions mixed in, by share of the whole."""


AMOUNTS: dict[str, float] = {
    "a hint of": 0.25, "a touch of": 0.3, "a trace of": 0.2, "a bit of": 0.4, "a bit": 0.4, "a little": 0.4,
    "a lot of": 1.3, "barely": 0.2, "hardly": 0.2, "scarcely": 0.2, "faintly": 0.25, "faint": 0.25, "vaguely": 0.3,
    "vague": 0.3, "subtly": 0.35, "subtle": 0.35, "slightly": 0.4, "slight": 0.4, "lightly": 0.4, "light": 0.4,
    "mildly": 0.45, "mild": 0.45, "somewhat": 0.55, "moderately": 0.6, "moderate": 0.6, "half": 0.5, "rather": 0.75,
    "fairly": 0.75, "pretty": 0.8, "quite": 0.85, "truly": 1.15, "so": 1.2, "really": 1.25, "great": 1.25,
    "very": 1.3, "strongly": 1.3, "strong": 1.3, "deeply": 1.3, "deep": 1.3, "profoundly": 1.4, "profound": 1.4,
    "extremely": 1.5, "extreme": 1.5, "intensely": 1.5, "intense": 1.5, "utterly": 1.5, "utter": 1.5,
    "totally": 1.5, "total": 1.5, "completely": 1.5, "complete": 1.5, "absolutely": 1.5, "absolute": 1.5,
    "overwhelmingly": 1.6, "overwhelming": 1.6, "incredibly": 1.5, "terribly": 1.4, "full": 1.3,
}  # fmt: skip
"""Factor on the intensity of an emotion; before a manner, on the strength of that manner (`very calm anger`)."""

_CALM = Manner(strength=0.8, vad=(0.1, -0.6, 0.2))
_RESTRAINED = Manner(strength=0.55, vad=(0.0, -0.25, 0.1), covert=0.45, leak=0.3)
_SUPPRESSED = Manner(strength=0.3, vad=(0.0, -0.2, 0.0), covert=0.7, leak=0.35)
_HIDDEN = Manner(strength=0.0, covert=1.0, leak=0.25)
_COLD = Manner(strength=0.85, vad=(-0.1, -0.45, 0.3), tint=(("contempt", 0.2),))
_QUIET = Manner(strength=0.6, vad=(0.0, -0.4, -0.05))
_HOT = Manner(strength=1.25, vad=(0.0, 0.35, 0.1))
_FORCED = Manner(strength=0.75, vad=(-0.45, -0.1, -0.1))
_WEAK = Manner(strength=0.45, vad=(0.0, -0.15, -0.35))
_TENSE = Manner(vad=(-0.1, 0.3, 0.0), tint=(("fear", 0.12),))
_DARK = Manner(vad=(-0.3, 0.0, 0.25), tint=(("anger", 0.25),))
_GENUINE = Manner(strength=1.05, vad=(0.05, 0.0, 0.0))
_GRIM = Manner(vad=(-0.2, -0.1, 0.2), tint=(("anger", 0.2), ("sadness", 0.1)))

MANNERS: dict[str, Manner] = {
    "calm": _CALM, "calmly": _CALM, "composed": _CALM, "cool": _CALM, "collected": _CALM,
    "restrained": _RESTRAINED, "controlled": _RESTRAINED, "contained": _RESTRAINED, "measured": _RESTRAINED,
    "reserved": _RESTRAINED, "withheld": _RESTRAINED,
    "suppressed": _SUPPRESSED, "repressed": _SUPPRESSED, "stifled": _SUPPRESSED, "bottled up": _SUPPRESSED,
    "swallowed": _SUPPRESSED,
    "hidden": _HIDDEN, "concealed": _HIDDEN, "secret": _HIDDEN, "secretly": _HIDDEN, "masked": _HIDDEN,
    "covert": _HIDDEN, "disguised": _HIDDEN, "inner": _HIDDEN,
    "cold": _COLD, "coldly": _COLD, "icy": _COLD, "icily": _COLD, "steely": _COLD,
    "quiet": _QUIET, "quietly": _QUIET, "silent": _QUIET, "silently": _QUIET, "soft": _QUIET, "softly": _QUIET,
    "gentle": _QUIET, "gently": _QUIET, "subdued": _QUIET, "muted": _QUIET,
    "hot": _HOT, "heated": _HOT, "burning": _HOT, "wild": _HOT, "wildly": _HOT, "explosive": _HOT, "violent": _HOT,
    "unbridled": _HOT, "uncontrolled": _HOT, "boiling": _HOT,
    "forced": _FORCED, "fake": _FORCED, "feigned": _FORCED, "false": _FORCED, "pretended": _FORCED,
    "insincere": _FORCED, "artificial": _FORCED, "strained": _FORCED,
    "weak": _WEAK, "weakly": _WEAK, "feeble": _WEAK, "feebly": _WEAK, "fragile": _WEAK, "timid": _WEAK,
    "tense": _TENSE, "tensely": _TENSE, "taut": _TENSE, "dark": _DARK, "darkly": _DARK, "grim": _GRIM,
    "grimly": _GRIM, "genuine": _GENUINE, "genuinely": _GENUINE, "real": _GENUINE, "true": _GENUINE,
    "pure": _GENUINE, "open": _GENUINE, "openly": _GENUINE,
}  # fmt: skip
"""Adjectives that are no emotion of their own, or (`calm`, `cold`) act as a manner when an emotion follows."""

JOINERS: dict[str, float | None] = {
    "+": None, ",": None, "&": None, "/": None, "and": None, "plus": None, "as well as": None, "mixed with": None,
    "mingled with": None, "blended with": None, "combined with": None, "together with": None,
    "but": 0.6, "yet": 0.6, "with": 0.5, "bordering on": 0.6, "laced with": 0.4, "tinged with": 0.35,
    "tinted with": 0.35, "edged with": 0.3, "shaded with": 0.3, "coloured by": 0.3, "colored by": 0.3,
    "touched with": 0.25, "touched by": 0.25, "with some": 0.35, "with a bit of": 0.3, "with a little": 0.3,
    "with a touch of": 0.25, "with a hint of": 0.2, "with a trace of": 0.2, "with hints of": 0.2,
    "with a tinge of": 0.25, "with a dash of": 0.25, "with a lot of": 0.8,
}  # fmt: skip
"""Words between two emotions, and the amount of the second as a share of the first; None: they stand as equals."""

HIDDEN_LEFT = frozenset(
    {
        f"{verb} {place}"
        for verb in ("hidden", "concealed", "masked", "disguised", "covered", "buried")
        for place in ("under", "beneath", "underneath", "behind", "by", "with", "as", "below")
    }
    | {"under", "beneath", "underneath", "behind", "below"}
)
"""`anger hidden under joy`: the emotion before these is covert, the one after is shown."""
HIDDEN_RIGHT = frozenset(
    {"hiding", "masking", "concealing", "covering", "disguising", "over", "on top of", "through"}
    | {f"{link} {verb}" for link in ("to", "that", "which") for verb in ("hide", "mask", "conceal", "cover")}
    | {f"{link} {verb}" for link in ("that", "which") for verb in ("hides", "masks", "conceals", "covers")}
)
"""`a smile hiding anger`, `smiling through tears`: the emotion after these is covert."""
HIDING_VERBS = frozenset({"hiding", "masking", "concealing", "covering", "disguising"})
"""`masking fear with joy`: at the start, the first emotion is covert and the second shown."""
HIDING_LINKS = frozenset({"with", "by", "under", "beneath", "underneath", "behind", "below"})
HIDDEN_HOW_WELL: dict[str, float] = {
    "barely": 0.5, "poorly": 0.5, "badly": 0.5, "thinly": 0.5, "hardly": 0.5, "half": 0.4, "well": 0.1,
    "perfectly": 0.05, "completely": 0.05, "fully": 0.05, "carefully": 0.12, "deeply": 0.12,
}  # fmt: skip
"""Leak when the word stands before `hidden under` and the like."""

FILLERS = frozenset(
    "a an the some of feeling feelings emotion emotions mood tone look expression face sense kind sort full is "
    "being feels in his her their my your its all".split()
)
"""Words that carry nothing: `a sense of dread`."""
NEGATIONS = frozenset({"not", "no", "without", "never", "non", "isn't", "don't", "nor", "neither"})


def in_manner(state: State, manner: Manner, *, power: float = 1.0) -> State:
    """The emotion shown in a manner; `power` weakens or strengthens the manner itself (`slightly bitter joy`)."""
    power = min(power, 1.6)
    base = state.intensity
    for emotion, share in manner.tint:
        share = min(0.9, share * power)
        other = State(mix=np.eye(len(EMOTIONS))[EMOTIONS.index(emotion)], intensity=base, vad=state.vad)
        state = combine([(1.0 - share, state), (share, other)])
        state = scaled(state, base / state.intensity) if state.intensity > 0 else state
    covert_share = min(1.0, manner.covert * power)
    hidden = state.mix * base * covert_share
    hidden[0] = 0.0
    covert = state.covert + hidden
    strength = manner.strength**power if manner.strength > 0 else max(0.0, 1.0 - power)
    felt = state.vad + np.array(manner.vad) * base * power
    shown = scaled(replace(state, vad=np.clip(felt, -1.0, 1.0)), strength)
    return replace(
        shown,
        covert=covert / max(1.0, float(covert.sum())),
        leak=max(state.leak, manner.leak) if float(covert.sum()) > 0 else 0.0,
    )
