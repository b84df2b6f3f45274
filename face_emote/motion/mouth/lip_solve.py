"""Controls that give a head the wanted mouth: gap, width, jaw and contacts, frame by frame in closed form."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.core.types import PerformanceStyle
from face_emote.motion.mouth.coarticulation import smoothstep
from face_emote.motion.mouth.lip_rig import BITE, JAW_OPEN, NUM_GAPS, WIDTH, LipRig, posture_controls

LIP_SEAL = CONTROLS.index("lipSeal")
TONGUE_OUT = CONTROLS.index("tongueOut")

PRESSED = 0.010
"""How far closed lips overlap before the contact solver trims them; about a millimetre."""
SOFT = 0.006
"""Range over which opening goes over into closing, and spreading into narrowing."""
CLOSURE_SHAPE = 0.6
"""Share of rounding and spreading that stays while the lips are closed."""
TUCK_SHAPE = 0.5
TUCK_BITE = 0.006
"""Height of the lower lip above the edge of the upper teeth in F and V."""
MAX_NARROW = 0.7
MAX_SPREAD = 1.0
MAX_PART = 1.8
MAX_LIFT = 0.8
SEAL_FROM = 0.35
"""Strength of a closure from which contact is enforced."""

Amounts = dict[str, Float[Array, " frames"]]


@dataclass(frozen=True, slots=True, eq=False)
class MouthTarget:
    """The wanted mouth. Units as in `viseme_table.CHANNELS`; all of shape [frames]."""

    gap: Float[Array, " frames"]
    width: Float[Array, " frames"]
    jaw: Float[Array, " frames"]
    rounding: Float[Array, " frames"]
    flare: Float[Array, " frames"]
    tongue: Float[Array, " frames"]
    closure: Float[Array, " frames"]
    tuck: Float[Array, " frames"]


def lip_controls(
    rig: LipRig, target: MouthTarget, *, style: PerformanceStyle
) -> Float[Array, f"frames control={len(CONTROLS)}"]:
    """Controls 0..1. Open shapes follow the sliders `style.jaw` and `style.lips`; contacts hold at any setting."""
    nominal = np.clip(target.jaw, 0.0, 1.0)
    jaw = np.clip(nominal * style.jaw, 0.0, 1.0)
    amounts = _scaled(_open_mouth(rig, target, jaw=nominal), jaw=jaw, style=style)
    amounts = _mixed(amounts, _tucked(rig, amounts, jaw=jaw), share=target.tuck)
    amounts = _mixed(amounts, _closed(rig, amounts, jaw=jaw), share=target.closure)
    out = np.zeros((len(jaw), len(CONTROLS)))
    for posture, amount in amounts.items():
        for control in np.flatnonzero(posture_controls(posture)):
            out[:, control] += amount * posture_controls(posture)[control]
    out[:, JAW_OPEN] = jaw
    out[:, TONGUE_OUT] = np.clip(target.tongue, 0.0, 1.0) * (1.0 - target.closure)
    out[:, LIP_SEAL] = smoothstep((target.closure - SEAL_FROM) / (1.0 - SEAL_FROM))
    return np.clip(out, 0.0, 1.0)


def _open_mouth(rig: LipRig, target: MouthTarget, *, jaw: Float[Array, " frames"]) -> Amounts:
    """Postures that give the target's width and gap, no contacts yet."""
    amounts: Amounts = {"rounding": np.clip(target.rounding, 0.0, 1.0), "flare": np.clip(target.flare, 0.0, 1.0)}
    missing = target.width + rig.rest_width - rig.measure(amounts, jaw=jaw, measure=WIDTH)
    wider, narrower = _split(missing)
    amounts["spread"] = _soft_limit(wider / rig.slope("spread", jaw=jaw, measure=WIDTH), MAX_SPREAD)
    amounts["narrow"] = _soft_limit(-narrower / rig.slope("narrow", jaw=jaw, measure=WIDTH), MAX_NARROW)
    opening, closing = _split(target.gap - rig.measure(amounts, jaw=jaw, measure=0))
    amounts["part"] = _soft_limit(opening / rig.slope("part", jaw=jaw, measure=0), MAX_PART)
    amounts["close"] = np.minimum(-closing / rig.slope("close", jaw=jaw, measure=0), jaw)
    return amounts


def _scaled(amounts: Amounts, *, jaw: Float[Array, " frames"], style: PerformanceStyle) -> Amounts:
    """The sliders: lip shapes by `lips`; what closes the lips over a dropped jaw goes with the jaw."""
    scaled = {name: amount * style.lips for name, amount in amounts.items() if name != "close"}
    scaled["close"] = np.minimum(amounts["close"] * style.jaw, jaw)
    return scaled


def _tucked(rig: LipRig, amounts: Amounts, *, jaw: Float[Array, " frames"]) -> Amounts:
    """Lower lip at the edge of the upper teeth, upper lip out of its way."""
    out = {name: TUCK_SHAPE * amounts[name] for name in ("rounding", "flare", "spread", "narrow")}
    out["tuck"] = np.ones(len(jaw))
    below = TUCK_BITE - rig.measure(out, jaw=jaw, measure=BITE)
    out["close"] = np.clip(below / rig.slope("close", jaw=jaw, measure=BITE), 0.0, jaw)
    below = below - out["close"] * rig.slope("close", jaw=jaw, measure=BITE)
    out["lift"] = np.clip(below / rig.slope("lift", jaw=jaw, measure=BITE), 0.0, MAX_LIFT)
    return out


def _closed(rig: LipRig, amounts: Amounts, *, jaw: Float[Array, " frames"]) -> Amounts:
    """Lips in contact along their whole length: close as far as the widest gap asks."""
    out = {name: CLOSURE_SHAPE * amounts[name] for name in ("rounding", "flare", "spread", "narrow")}
    out["press"] = np.ones(len(jaw))
    widest = np.zeros(len(jaw))
    for station in range(NUM_GAPS):
        open_by = rig.measure(out, jaw=jaw, measure=station) + PRESSED
        widest = np.maximum(widest, -open_by / rig.slope("close", jaw=jaw, measure=station))
    out["close"] = np.minimum(widest, jaw)
    return out


def _mixed(amounts: Amounts, other: Amounts, *, share: Float[Array, " frames"]) -> Amounts:
    """(1 - share) of one, share of the other; measures mix in the same proportion because they are linear."""
    none = np.zeros(len(share))
    names = list(dict.fromkeys([*amounts, *other]))
    return {name: (1.0 - share) * amounts.get(name, none) + share * other.get(name, none) for name in names}


def _split(value: Float[Array, " frames"]) -> tuple[Float[Array, " frames"], Float[Array, " frames"]]:
    """Two smooth parts >= 0 whose difference is the value; each nears 0 on the other's side."""
    size = np.sqrt(value * value + SOFT * SOFT)
    return 0.5 * (size + value), 0.5 * (size - value)


def _soft_limit(value: Float[Array, " frames"], limit: float) -> Float[Array, " frames"]:
    """The value while small, bending smoothly to stay below the limit."""
    return limit * np.tanh(value / limit)
