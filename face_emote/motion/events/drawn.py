"""A drawn take on the face: brows and lids as controls, the head as a rotation, beside whatever is felt."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.generation.drawing import DrawnLife
from face_emote.generation.layout import TOKEN_HZ
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.events.head_motion import LIMIT, limited

_INNER, _OUTER, _DOWN, _WIDE, _BLINK = (
    [CONTROLS.index(name + side) for side in ("Left", "Right")]
    for name in ("innerBrowRaise", "browOuterUp", "browDown", "eyeWide", "eyeBlink")
)
_RAISED, _KNIT, _MOST_DOWN = (0.04, 0.26), (0.03, 0.09), 0.4
"""Least and most tone of brows at rest - a millimetre -, and the most that they are pressed down."""
_COVERED = 99.0
"""Percentage of a take for which the tone is enough."""
_WITH_BLINK = 0.05
"""What every blink presses the brows down by (`layering`); it counts as pressed already."""
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

    Only what knits brows lowers them, and nothing parts them: so at rest they have as much tone as this take asks for,
    to fall and part from. The outer ends alone have it: raised inner ends are sad.
    """
    on_head, lids = drawn.on_head, drawn.life.lids_at(times)
    raises, lowers = on_head["outer_up brow"] + on_head["inner_up brow"], on_head["down brow"]
    every = np.arange(len(drawn.life.face)) / TOKEN_HZ
    everywhere = _pulls(drawn, every, amount=amount)
    everywhere[:, 2] -= _WITH_BLINK * drawn_closure(drawn, every, blinks=True)
    raised = float(np.clip(np.percentile(-everywhere[:, :2], _COVERED), *_RAISED))
    tone = float(np.clip(np.percentile(-everywhere[:, 2], _COVERED), *_KNIT))
    pulls, blink = _pulls(drawn, times, amount=amount), drawn_closure(drawn, times, blinks=True)[:, None]
    knit = np.maximum(tone + pulls[:, 2:] - _WITH_BLINK * blink, 0.0)
    unasked = knit + _WITH_BLINK * blink - tone - pulls[:, 2:]
    up = raised + pulls[:, :2] - unasked * lowers / raises
    down = knit + np.minimum(up, 0.0) * raises / lowers
    up = np.maximum(up, 0.0)
    inner = np.maximum(up - raised, 0.0)
    out = np.zeros((len(times), len(CONTROLS)), np.float32)
    out[:, _INNER] = inner
    out[:, _OUTER] = (raises * up - on_head["inner_up brow"] * inner) / on_head["outer_up brow"]
    out[:, _DOWN] = np.minimum(down, _MOST_DOWN)
    out[:, _WIDE] = np.maximum(lids - 1.0, 0.0) / on_head["wide lids"]
    out[:, _BLINK] = np.maximum(lids.mean(axis=1, keepdims=True) - lids, 0.0)
    return out


def _pulls(drawn: Drawn, times: Float[Array, " frames"], *, amount: float) -> Float[Array, "frames pull=3"]:
    """How far both brows are to be raised and how far knit, below 0 where they fall and part."""
    seen, on_head = amount * drawn.life.brows_at(times), drawn.on_head
    raises, lowers = on_head["outer_up brow"] + on_head["inner_up brow"], on_head["down brow"]
    # Inner ends that rise come together too: what they take of the distance is not asked of the frown.
    gathers = on_head["inner_up frown"] / raises
    knit = (seen[:, 2] - gathers * np.maximum(seen[:, :2].mean(axis=1), 0.0)) / (
        on_head["down frown"] - gathers * lowers
    )
    return np.column_stack([(seen[:, :2] - lowers * knit[:, None]) / raises, knit])


def drawn_closure(drawn: Drawn, times: Float[Array, " frames"], *, blinks: bool) -> Float[Array, " frames"]:
    """How closed the lids are, 0..1; without `blinks` no further than tired lids are."""
    shut = np.clip(1.0 - drawn.life.lids_at(times).mean(axis=1), 0.0, 1.0)
    if not blinks:
        return np.asarray(np.minimum(shut, _FAINTEST))
    seen: Array = smoothstep((shut - _SHUT[0]) / (_SHUT[1] - _SHUT[0]))
    return np.asarray(np.clip(shut + _SEEN_SHUT * seen, 0.0, 1.0))
