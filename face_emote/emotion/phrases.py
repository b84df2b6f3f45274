"""The small words of an emotion description: how much, in what manner, joined how, hidden by what.

Those that have figures are read once from `assets/emotion/phrases.toml`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.assets import asset_table
from face_emote.core.names import EMOTIONS
from face_emote.emotion.blending import State, combine, scaled


@dataclass(frozen=True, slots=True)
class Manner:
    """What an adjective such as `calm` or `suppressed` does to the emotion after it."""

    strength: float = 1.0  # Factor on the intensity that shows.
    vad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Added to valence, arousal, dominance, times the intensity of the emotion."""
    covert: float = 0.0  # Share of the emotion's own intensity that goes into hiding.
    leak: float = 0.0  # How much of what is hidden shows.
    tint: tuple[tuple[str, float], ...] = ()  # Emotions mixed in, by share of the whole.


def _manner(
    *, words: Sequence[str], vad: Sequence[float] = (0.0, 0.0, 0.0), tint: Mapping[str, float] = {}, **own: float
) -> Manner:
    """Of an entry of `phrases.toml`; the words are the keys."""
    del words
    valence, arousal, dominance = vad
    return Manner(vad=(valence, arousal, dominance), tint=tuple(tint.items()), **own)


_TABLE = asset_table("emotion/phrases.toml")
AMOUNTS: dict[str, float] = _TABLE["amounts"]
"""Factor on the intensity of an emotion; before a manner, on the strength of that manner (`very calm anger`)."""
MANNERS = {word: _manner(**entry) for entry in _TABLE["manners"] for word in entry["words"]}
"""Adjectives that are no emotion of their own, or (`calm`, `cold`) act as a manner when an emotion follows."""
JOINERS: dict[str, float | None] = dict.fromkeys(_TABLE["joiners"]["equals"]) | _TABLE["joiners"]["shares"]
"""Words between two emotions, and the amount of the second as a share of the first; None: they stand as equals."""
HIDDEN_HOW_WELL: dict[str, float] = _TABLE["hidden_how_well"]
"""Leak when the word stands before `hidden under` and the like."""

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
