"""Controls that give a head the wanted mouth: gap, width, jaw and contacts, frame by frame in closed form.

One solve for numpy arrays and for torch tensors: `xp` is the module that the arrays belong to. It is elementwise, so a
frame does not depend on its neighbours, and through tensors gradients reach the aims.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from face_emote.core.arrays import Float
from face_emote.core.names import CONTROLS
from face_emote.core.types import PerformanceStyle
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.mouth.lip_rig import BITE, JAW_OPEN, NAMES, NUM_GAPS, WIDTH, LipRig, posture_controls

LIP_SEAL = CONTROLS.index("lipSeal")
TONGUE_OUT = CONTROLS.index("tongueOut")

PRESSED = 0.010  # How far closed lips overlap before the contact solver trims them; about a millimetre.
SOFT = 0.006  # Range over which opening goes over into closing, and spreading into narrowing.
CLOSURE_SHAPE = 0.6  # Share of rounding and spreading that stays while the lips are closed.
TUCK_SHAPE = 0.5
TUCK_BITE = 0.006  # Height of the lower lip above the edge of the upper teeth in F and V.
MAX_NARROW = 0.7
MAX_SPREAD = 1.0
MAX_PART = 1.8
MAX_LIFT = 0.8
SEAL_FROM = 0.35  # Strength of a closure from which contact is enforced.
_SHAPES = ("rounding", "flare", "spread", "narrow")
_CONTROLS_OF = {
    name: [(int(control), float(posture_controls(name)[control])) for control in np.flatnonzero(posture_controls(name))]
    for name in NAMES
}

Values = Float[Any, "*frames"]  # An array or a tensor.
Amounts = dict[str, Any]  # How much of each posture, by name.


@dataclass(frozen=True, slots=True, eq=False)
class MouthTarget:
    """The wanted mouth. Units as in `viseme_table.CHANNELS`."""

    gap: Values
    width: Values
    jaw: Values
    rounding: Values
    flare: Values
    tongue: Values
    closure: Values
    tuck: Values


def lip_controls(
    rig: LipRig, target: MouthTarget, *, style: PerformanceStyle, xp: ModuleType = np
) -> Float[Any, f"*frames control={len(CONTROLS)}"]:
    """Controls 0..1. Open shapes follow the sliders `style.jaw` and `style.lips`; contacts hold at any setting."""
    nominal = xp.clip(target.jaw, 0.0, 1.0)
    jaw = xp.clip(nominal * style.jaw, 0.0, 1.0)
    slopes = rig.slopes(nominal, xp=xp)
    amounts = _scaled(_open_mouth(slopes, target, rig=rig, jaw=nominal, xp=xp), jaw=jaw, style=style, xp=xp)
    if style.jaw != 1.0:
        slopes = rig.slopes(jaw, xp=xp)
    amounts = _mixed(amounts, _tucked(slopes, amounts, jaw=jaw, xp=xp), share=target.tuck)
    amounts = _mixed(amounts, _closed(slopes, amounts, jaw=jaw, xp=xp), share=target.closure)
    columns = [xp.zeros_like(jaw)] * len(CONTROLS)
    for posture, amount in amounts.items():
        for control, weight in _CONTROLS_OF[posture]:
            columns[control] = columns[control] + amount * weight
    columns[JAW_OPEN] = jaw
    columns[TONGUE_OUT] = xp.clip(target.tongue, 0.0, 1.0) * (1.0 - target.closure)
    columns[LIP_SEAL] = smoothstep((target.closure - SEAL_FROM) / (1.0 - SEAL_FROM), xp=xp)
    return xp.clip(xp.stack(columns, -1), 0.0, 1.0)


def measure(slopes: Float[Any, "*frames posture measure"], amounts: Amounts, *, which: int) -> Values:
    """One of the rig's measures of the mouth in a mix of postures."""
    total = slopes[..., 0, which]
    for posture, amount in amounts.items():
        total = total + amount * _slope(slopes, posture, which=which)
    return total


def _slope(slopes: Any, posture: str, *, which: int) -> Values:
    return slopes[..., NAMES.index(posture), which]


def _open_mouth(slopes: Any, target: MouthTarget, *, rig: LipRig, jaw: Values, xp: ModuleType) -> Amounts:
    """Postures that give the target's width and gap, no contacts yet."""
    amounts = {"rounding": xp.clip(target.rounding, 0.0, 1.0), "flare": xp.clip(target.flare, 0.0, 1.0)}
    missing = target.width + rig.rest_width - measure(slopes, amounts, which=WIDTH)
    wider, narrower = _split(missing, xp=xp)
    amounts["spread"] = _soft_limit(wider / _slope(slopes, "spread", which=WIDTH), MAX_SPREAD, xp=xp)
    amounts["narrow"] = _soft_limit(-narrower / _slope(slopes, "narrow", which=WIDTH), MAX_NARROW, xp=xp)
    opening, closing = _split(target.gap - measure(slopes, amounts, which=0), xp=xp)
    amounts["part"] = _soft_limit(opening / _slope(slopes, "part", which=0), MAX_PART, xp=xp)
    amounts["close"] = xp.minimum(-closing / _slope(slopes, "close", which=0), jaw)
    return amounts


def _scaled(amounts: Amounts, *, jaw: Values, style: PerformanceStyle, xp: ModuleType) -> Amounts:
    """The sliders: lip shapes by `lips`; what closes the lips over a dropped jaw goes with the jaw."""
    scaled = {name: amount * style.lips for name, amount in amounts.items() if name != "close"}
    scaled["close"] = xp.minimum(amounts["close"] * style.jaw, jaw)
    return scaled


def _tucked(slopes: Any, amounts: Amounts, *, jaw: Values, xp: ModuleType) -> Amounts:
    """Lower lip at the edge of the upper teeth, upper lip out of its way."""
    out = {name: TUCK_SHAPE * amounts[name] for name in _SHAPES}
    out["tuck"] = xp.ones_like(jaw)
    below = TUCK_BITE - measure(slopes, out, which=BITE)
    close = _slope(slopes, "close", which=BITE)
    out["close"] = xp.minimum(xp.clip(below / close, 0.0, None), jaw)
    below = below - out["close"] * close
    out["lift"] = xp.clip(below / _slope(slopes, "lift", which=BITE), 0.0, MAX_LIFT)
    return out


def _closed(slopes: Any, amounts: Amounts, *, jaw: Values, xp: ModuleType) -> Amounts:
    """Lips in contact along their whole length: close as far as the widest gap asks."""
    out = {name: CLOSURE_SHAPE * amounts[name] for name in _SHAPES}
    out["press"] = xp.ones_like(jaw)
    widest = xp.zeros_like(jaw)
    for station in range(NUM_GAPS):
        open_by = measure(slopes, out, which=station) + PRESSED
        widest = xp.maximum(widest, -open_by / _slope(slopes, "close", which=station))
    out["close"] = xp.minimum(widest, jaw)
    return out


def _mixed(amounts: Amounts, other: Amounts, *, share: Values) -> Amounts:
    """(1 - share) of one, share of the other; measures mix in the same proportion because they are linear."""
    names = dict.fromkeys([*amounts, *other])
    return {name: (1.0 - share) * amounts.get(name, 0.0) + share * other.get(name, 0.0) for name in names}


def _split(value: Values, *, xp: ModuleType) -> tuple[Values, Values]:
    """Two smooth parts >= 0 whose difference is the value; each nears 0 on the other's side."""
    size = xp.sqrt(value * value + SOFT * SOFT)
    return 0.5 * (size + value), 0.5 * (size - value)


def _soft_limit(value: Values, limit: float, *, xp: ModuleType) -> Values:
    """The value while small, bending smoothly to stay below the limit."""
    return limit * xp.tanh(value / limit)
