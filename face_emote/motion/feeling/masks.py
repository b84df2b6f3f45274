"""A feeling that is hidden, or held back: which of the face still tells it.

People hold the mouth well, and brows and lids badly (Ekman 2003; Porter & ten Brinke 2008). So the feeling that is
shown has the mouth, and smiles without its eyes; the hidden one keeps a trace of the muscles that hardly obey (brows,
the ring of the eye, the nose), and breaks through for an instant (`events.micro_expressions`): above the mouth whole,
and in part in its corners, which fall, rise or tighten by themselves (AU 12, 14, 15). Whoever holds back the very
feeling that shows holds it with the lips: they are pressed, and the brows go on.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.core.types import EmotionTrack
from face_emote.emotion.track import mass_of


def _named(*beginnings: str) -> Array:
    return np.array([i for i, name in enumerate(CONTROLS) if name.startswith(beginnings)])


_CHEEKS, _UPPER = _named("cheek"), _named("brow", "innerBrow", "eye", "nose")
_UNRULY = _named("brow", "innerBrow", "eyeWide", "cheekSquint", "eyeSquint", "noseSneer", "mouthDimple")
"""What shows all the time of what is hidden: AU 1, 2, 4 and 5, 6 and 7 of joy, 9 of disgust, 14 of contempt."""
_CORNERS = _named("mouthSmile", "mouthFrown", "mouthDimple")
_LOWER = _named("mouth", "jaw", "lips", "neck", "tongue", "cheekPuff")
_PARTED = _named("jawOpen", "lipsPart", "mouthLowerDown", "mouthUpperUp", "mouthFunnel")
_PRESSED = _named("mouthPress", "mouthRollLower", "mouthRollUpper", "mouthShrugLower")
_TRACE = 0.34  # Share of `_UNRULY` that shows all the time at a leak of 1; a seventh of them at the usual leak.
_CORNERS_LEAK = 0.5  # Of their own flash: lips are held better than brows, and have to speak. A choice.
_POSED_CHEEKS, _POSED_UPPER = 0.85, 0.2
"""What a pose lacks of its cheeks (AU6: a social smile has none) and of the rest above the mouth."""
_HELD_MOUTH, _HELD_PARTING, _HELD_PRESS = 0.5, 0.9, 0.35
"""What holding back takes of the mouth and of what parts the lips, and the pressing of the lips that it puts there
(AU 17, 23, 24: how smiles and anger are controlled, Keltner 1995)."""


def behind_mask(
    shown: Float[Array, "steps control=100"], hidden: Float[Array, "steps control=100"], *, track: EmotionTrack
) -> tuple[Float[Array, "steps control=100"], Float[Array, "steps control=100"]]:
    """What shows all the time, and what of the hidden feeling breaks through in flashes.

    `shown` and `hidden` are the faces of both feelings by themselves; where nothing is hidden the first stays as it is.
    """
    covert = track.covert[:, 1:].astype(np.float64)
    held = mass_of(np.minimum(covert, track.mix[:, 1:]))
    posed = np.clip(mass_of(covert) - held, 0.0, 1.0)
    leak = track.leak.astype(np.float64)
    face = shown.astype(np.float64)
    face[:, _CHEEKS] *= (1.0 - _POSED_CHEEKS * posed)[:, None]
    face[:, _UPPER] *= (1.0 - _POSED_UPPER * posed)[:, None]
    face[:, _LOWER] *= (1.0 - _HELD_MOUTH * held)[:, None]
    face[:, _PARTED] *= (1.0 - _HELD_PARTING * held)[:, None]
    face[:, _PRESSED] += (_HELD_PRESS * held)[:, None]
    face[:, _UNRULY] += (_TRACE * leak * (2.0 - leak))[:, None] * hidden[:, _UNRULY]
    flashes = hidden.astype(np.float64)
    flashes[:, _LOWER] = 0.0
    flashes[:, _CORNERS] = _CORNERS_LEAK * hidden[:, _CORNERS]
    return np.clip(face, 0.0, 1.0).astype(shown.dtype), flashes.astype(hidden.dtype)
