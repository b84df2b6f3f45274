"""How emotional states combine: shares, strengths, hidden feelings, and the way between words and VAD.

Everything here is float64 and `State`; only the finished plan is rounded to the float32 of `core.types.Emotion`.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import EmotionError
from face_emote.core.names import EMOTIONS
from face_emote.core.types import Emotion, EmotionPlan

PROTOTYPE_VAD = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.81, 0.51, 0.46],
        [-0.63, -0.27, -0.33],
        [0.40, 0.67, -0.13],
        [-0.64, 0.60, -0.43],
        [-0.60, 0.35, 0.11],
        [-0.51, 0.59, 0.25],
        [-0.40, 0.15, 0.40],
    ]
)
"""VAD of `names.EMOTIONS` at full strength (Russell & Mehrabian 1977); contempt, not listed there, is a choice."""

NEUTRAL_MIX = np.eye(len(EMOTIONS))[0]
NEAREST_SHARPNESS = 10.0
"""Power of the cosine in `mix_from_vad`: keeps anger apart from fear (cosine .71), blends it with disgust (.94)."""
DEFAULT_LEAK = 0.25  # How much of a hidden emotion shows when the description does not say.


@dataclass(frozen=True, slots=True)
class State:
    """An emotional state while a description is being read."""

    mix: Float[Array, " emotion=8"] = field(default_factory=NEUTRAL_MIX.copy)  # Shares, summing to 1.
    intensity: float = 0.0
    vad: Float[Array, " vad=3"] = field(default_factory=lambda: np.zeros(3))
    """As felt, so already scaled by the intensity."""
    covert: Float[Array, " emotion=8"] = field(default_factory=lambda: np.zeros(len(EMOTIONS)))
    """Hidden shares times their own intensity; sums to at most 1."""
    leak: float = 0.0


def scaled(state: State, factor: float) -> State:
    """The same state felt `factor` times as strongly; never above full."""
    if factor == 1.0:
        return state
    intensity = min(1.0, state.intensity * factor)
    gain = intensity / state.intensity if state.intensity > 0 else factor
    mass = float(state.covert.sum()) * factor
    covert = state.covert * (factor / max(1.0, mass))
    mix = state.mix if intensity > 0 else NEUTRAL_MIX
    return replace(state, mix=mix, intensity=intensity, vad=np.clip(state.vad * gain, -1.0, 1.0), covert=covert)


def combine(parts: list[tuple[float, State]]) -> State:
    """One state out of several with amounts in 0..1.

    A part contributes amount x intensity. Shares follow the contributions. The strength is the larger of the mean
    strength and the strongest part: `joy 70% + guilt 30%` is a partition, yet `joy and slight worry` stays as strong
    as its joy. Amounts that sum to less than 1 leave the rest neutral.
    """
    if len(parts) == 1:
        return scaled(parts[0][1], parts[0][0])
    amounts = np.array([amount for amount, _ in parts])
    inner = np.array([state.intensity for _, state in parts])
    given = amounts * inner
    total = float(given.sum())
    weights = given / total if total > 0 else np.zeros(len(parts))
    intensity = min(1.0, max(total / max(1.0, float(amounts.sum())), float(given.max())))
    felt = float((weights * inner).sum())
    vad = sum((w * s.vad for w, (_, s) in zip(weights, parts, strict=True)), np.zeros(3))
    mix = sum((w * s.mix for w, (_, s) in zip(weights, parts, strict=True)), np.zeros(len(EMOTIONS)))
    covert = sum((amount * s.covert for amount, s in parts), np.zeros(len(EMOTIONS)))
    leaks = sum(amount * float(s.covert.sum()) * s.leak for amount, s in parts)
    hidden = float(covert.sum())
    return State(
        mix=mix if total > 0 else NEUTRAL_MIX,
        intensity=intensity,
        vad=np.clip(vad * (intensity / felt), -1.0, 1.0) if felt > 0 else np.zeros(3),
        covert=covert / max(1.0, hidden),
        leak=leaks / hidden if hidden > 0 else 0.0,
    )


def hide(under: State, *, surface: State, leak: float = DEFAULT_LEAK) -> State:
    """`under` goes covert beneath `surface`; what either already hid stays hidden as well."""
    covert = under.mix * under.intensity + under.covert + surface.covert
    covert[0] = 0.0
    mass = float(covert.sum())
    return replace(surface, covert=covert / max(1.0, mass), leak=leak if mass > 0 else 0.0)


def mix_from_vad(vad: Float[Array, "*batch vad=3"]) -> tuple[Float[Array, "*batch emotion=8"], Float[Array, "*batch"]]:
    """Shares and intensity of the state that lies at a point of the valence/arousal/dominance space.

    The direction picks the mix (cosine to each prototype, to the power `NEAREST_SHARPNESS`), the length the intensity
    (projection on the VAD of that mix, at most 1). The origin is neutral at intensity 0.
    """
    length = np.sqrt((vad * vad).sum(-1, keepdims=True))
    towards = PROTOTYPE_VAD[1:] / np.sqrt((PROTOTYPE_VAD[1:] ** 2).sum(-1, keepdims=True))
    cosine = (vad[..., None, :] * towards).sum(-1) / np.maximum(length, 1e-9)
    near = np.maximum(cosine, 0.05) ** NEAREST_SHARPNESS
    near = near / near.sum(-1, keepdims=True)
    centre = (near[..., None] * PROTOTYPE_VAD[1:]).sum(-2)
    intensity = (vad * centre).sum(-1) / (centre * centre).sum(-1)
    away = length < 1e-9
    mix = np.concatenate([np.zeros_like(length), near], axis=-1)
    return np.where(away, NEUTRAL_MIX, mix), np.where(away[..., 0], 0.0, np.clip(intensity, 0.0, 1.0))


def finished(state: State) -> Emotion:
    """The state as the value that leaves this package: float32 arrays, scalars of six decimals."""
    return Emotion(
        mix=state.mix.astype(np.float32),
        vad=(state.vad + 0.0).astype(np.float32),
        intensity=round(float(state.intensity), 6),
        covert=state.covert.astype(np.float32),
        leak=round(float(state.leak), 6),
    )


@dataclass(slots=True)
class Part:
    """One member of a sum."""

    state: State | None  # None stands for `auto`.
    amount: float | None  # As written; None when it was left out.
    relative: float | None  # Default amount as a share of the first part's; None among equals.


def filled_amounts(parts: list[Part]) -> list[float]:
    """The amount of every part, those that were left out filled in as the docstring of `grammar` says."""
    equals = [part for part in parts if part.relative is None]
    given = [part.amount for part in equals if part.amount is not None]
    missing = len(equals) - len(given)
    rest = 1.0 - sum(given)
    filled = 1.0 if not given else (rest / missing if missing and rest > 1e-6 else sum(given) / len(given))
    lead = parts[0].amount if parts[0].amount is not None else filled
    return [
        part.amount if part.amount is not None else (filled if part.relative is None else part.relative * lead)
        for part in parts
    ]


def sum_of(parts: list[Part]) -> State:
    """The one state that a sum without `auto` stands for; raises EmotionError when one of the parts is `auto`."""
    states = [part.state for part in parts if part.state is not None]
    if len(states) < len(parts):
        raise EmotionError("auto can only be joined with + or a comma, as in auto + joy:0.3")
    return combine(list(zip(filled_amounts(parts), states, strict=True)))


def at_intensity(plan: EmotionPlan, intensity: float) -> EmotionPlan:
    """The plan with every emotion felt so strongly, 0..1: `joy` at .5 is `joy:0.5`, VAD and hidden share included.

    EmotionError: part of the plan is read from the voice, which also says how strong it is.
    """
    if intensity == 1.0:
        return plan
    if plan.auto > 0.0:
        raise EmotionError("intensity needs an emotion by name; the strength of auto comes from the voice (use energy)")
    keys = tuple(replace(key, emotion=finished(scaled(_state(key.emotion), intensity))) for key in plan.keys)
    turns = tuple(f"({turn}):{intensity:g}" for turn in plan.turns)
    return replace(plan, keys=keys, text=f"{plan.text} (x {intensity:g})", turns=turns)


def _state(emotion: Emotion) -> State:
    mix, vad, covert = (np.asarray(values, np.float64) for values in (emotion.mix, emotion.vad, emotion.covert))
    return State(mix=mix, intensity=emotion.intensity, vad=vad, covert=covert, leak=emotion.leak)
