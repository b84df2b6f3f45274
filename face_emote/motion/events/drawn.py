"""A drawn take on the face: brows and lids as controls, the head as a rotation, beside whatever is felt."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.generation.drawing import DrawnLife
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.events.head_motion import LIMIT, limited

_INNER, _OUTER, _DOWN, _RELAX, _WIDE, _BLINK = (
    [CONTROLS.index(name + side) for side in ("Left", "Right")]
    for name in ("innerBrowRaise", "browOuterUp", "browDown", "browRelax", "eyeWide", "eyeBlink")
)
_PART = CONTROLS.index("glabellaRelax")
_MOST_DOWN = 0.4
"""The most that brows are knit."""
_WITH_BLINK = 0.05
"""What every blink presses the brows down by (`layering`); the take has it already."""
_SHUT, _SEEN_SHUT = (0.35, 0.65), 0.2
"""Closure from which on, and at which, it is a blink that a tracker saw `_SEEN_SHUT` too little of."""
_FAINTEST = 0.35
"""Closure that is no blink."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A take, and the face that it is played on."""

    life: DrawnLife
    on_head: Mapping[str, float]
    """What controls do to that face (`generation.net.DrawNet.controls`)."""


def drawn_head(
    drawn: Drawn,
    times: Float[Array, " frames"],
    *,
    energy: Float[Array, " frames"],
    tendency: Float[Array, "frames 3"],
    amount: float,
) -> Float[Array, "frames 3"]:
    """Rotation of the neck joint, radians; arguments as of `head_motion.head_rotation`."""
    return limited(amount * (energy[:, None] * drawn.life.head_at(times) + tendency), LIMIT)


def drawn_brows(drawn: Drawn, times: Float[Array, " frames"], *, amount: float) -> Float[Array, "frames control=100"]:
    """Controls to be added to those of the feeling.

    The frontalis raises brows, and without its tone they sink; the corrugators knit them, which lowers them too, and
    without their tone they part.
    """
    on_head, lids, aims = drawn.on_head, drawn.life.lids_at(times), amount * drawn.life.brows_at(times)
    raises, lowers, knits = (
        on_head["outer_up brow"] + on_head["inner_up brow"],
        on_head["down brow"],
        on_head["down frown"],
    )
    gathers = on_head["inner_up frown"] / raises  # Inner ends that rise come together too.
    aims -= _WITH_BLINK * drawn_closure(drawn, times, blinks=True)[:, None] * [lowers, lowers, knits]
    height, apart = aims[:, :2].mean(axis=1), aims[:, 2]
    knit = np.maximum(apart / knits, 0.0)
    rises = height - lowers * knit > 0.0
    apart = np.where(rises, apart - gathers * height, apart)
    knit = np.where(rises, np.clip(apart / (knits - gathers * lowers), 0.0, _MOST_DOWN), np.minimum(knit, _MOST_DOWN))
    heights = aims[:, :2] - lowers * knit[:, None]
    out = np.zeros((len(times), len(CONTROLS)), np.float32)
    out[:, _INNER] = out[:, _OUTER] = np.maximum(heights / raises, 0.0)
    out[:, _RELAX] = np.clip(heights / on_head["relax brow"], 0.0, 1.0)
    out[:, _DOWN] = knit[:, None]
    out[:, _PART] = np.clip(apart / on_head["part frown"], 0.0, 1.0)
    out[:, _WIDE] = np.maximum(lids - 1.0, 0.0) / on_head["wide lids"]
    out[:, _BLINK] = np.maximum(lids.mean(axis=1, keepdims=True) - lids, 0.0)
    return out


def drawn_closure(drawn: Drawn, times: Float[Array, " frames"], *, blinks: bool) -> Float[Array, " frames"]:
    """How closed the lids are, 0..1; without `blinks` no further than tired lids are."""
    shut = np.clip(1.0 - drawn.life.lids_at(times).mean(axis=1), 0.0, 1.0)
    if not blinks:
        return np.asarray(np.minimum(shut, _FAINTEST))
    seen: Array = smoothstep((shut - _SHUT[0]) / (_SHUT[1] - _SHUT[0]))
    return np.asarray(np.clip(shut + _SEEN_SHUT * seen, 0.0, 1.0))
