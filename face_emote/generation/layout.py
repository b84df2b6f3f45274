"""Tokens, 12.5 a second: what a face does, how its voice sounds and what is felt, side by side.

Token k stands at k / `TOKEN_HZ` seconds in all three streams. The face is how a talker moves about a posture - that
one is somebody's feeling, and is authored - as a camera sees it.
"""

from dataclasses import dataclass

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS

TOKEN_HZ = 12.5
FACE = ("brow_left", "brow_right", "frown", "nod", "turn", "tilt", "lids", "lids_later", "lids_apart")
"""Brow heights and the distance between the brows in 1/1000 of the distance between the eyes' outer corners, degrees,
and lids: 1 as open as usual, 0 shut; at the token, half a token later, and left less right."""
VOICE = (
    "pitch", "rise", "wobble", "tone", "clean", "unclean", "speaking", "tremor", "loudness", "loudness_spread",
    "loudness_rise",
)  # fmt: skip
"""Of `perception.encoder_inputs.voice_tokens`, against the talker's own pitch and level."""
VOICE_COLUMNS = slice(1, 1 + len(VOICE))
"""Where they stand among those."""
_VAD = ("valence", "arousal", "dominance")
FEELING = (*EMOTIONS, *_VAD)
STREAMS = {"face": FACE, "voice": VOICE, "feeling": FEELING}
STYLE = (
    "brows", "brows_apart", "frown", "nod", "turn", "tilt", "lids", "lids_apart", "brow_pace", "head_pace", "shut",
    "frown_with_lids", "lids_with_nod", "frown_with_nod", "brows_with_nod", "brows_with_frown", "nod_with_tilt",
    "brows_with_turn",
)  # fmt: skip
"""How somebody moves: logarithms of the standard deviations of what is named, and of speed over deviation; the root of
the share of time with shut lids; and how one goes with another, -1..1."""

EASED = 0.05
"""Inside the network lids are asinh((lids - 1) / EASED): lids that rest must not twitch for those that blink."""
LIDS = [FACE.index(name) for name in ("lids", "lids_later")]

FACE_SLICE = slice(0, len(FACE))
VOICE_SLICE = slice(FACE_SLICE.stop, FACE_SLICE.stop + len(VOICE))
FEELING_SLICE = slice(VOICE_SLICE.stop, VOICE_SLICE.stop + len(FEELING))
SLICES = (FACE_SLICE, VOICE_SLICE, FEELING_SLICE)
NUM_VALUES = FEELING_SLICE.stop
PHRASE_TOKENS = 8
"""Tokens of a phrase token: 1.56 of those a second."""
MOMENTS = 4
"""Most moments that a window is drawn after."""
WINDOW, CONTEXT, AHEAD = 32, 8, 8
"""Tokens that are drawn together; of these, known ones at the start, and ones at the end that only look ahead."""


NUM_RECALLED = PHRASE_TOKENS * len(FACE) + len(_VAD) + WINDOW // PHRASE_TOKENS
"""Numbers of a phrase token of a moment: its tokens of face, the moment's VAD, and which of its phrases it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """Moments to draw a window after, up to `MOMENTS`."""

    face: Float[Array, f"moment token={WINDOW} value={len(FACE)}"]
    """In the units of `FACE`."""
    vad: Float[Array, "moment vad=3"]


@dataclass(frozen=True, slots=True)
class DrawConfig:
    """Sizes of the network, saved in its checkpoint."""

    width: int = 64
    heads: int = 4
    layers: int = 1
    """Blocks before, at and after the level of phrases."""
    taps: int = 5
    growth: int = 2
    condition: int = 64
