"""Sizes of the network, which are saved inside every checkpoint; and what it is given and answers, column by column.

Checkpoints and corpora follow these orders.
"""

from dataclasses import dataclass, field

from face_emote.core.names import EMOTIONS

LATENT_FRAMES = 4  # Frames of 50 Hz per latent of the expression path.


@dataclass(frozen=True, slots=True)
class PathConfig:
    """A stack of blocks: banded causal attention, causal depthwise convolution, two-layer perceptron."""

    width: int = 128
    layers: int = 4
    heads: int = 4
    band: int = 48  # Frames (or latents) that attention sees: this one and band - 1 before it.
    taps: int = 7  # Of the depthwise convolution.
    growth: int = 3  # Width of the perceptron's middle against the path's.


@dataclass(frozen=True, slots=True)
class NetConfig:
    """The whole network. Both paths are causal; looking ahead is answering late (see `docs/network.md`)."""

    lips: PathConfig = PathConfig()
    expression: PathConfig = PathConfig(width=96, layers=3, heads=4, band=32, taps=5, growth=2)
    condition_width: int = 64
    look_ahead_frames: tuple[int, ...] = (3, 7, 15)
    """Frames between what is heard last and what is answered; with half a window of sound: 72, 152 and 312 ms."""
    styles: tuple[str, ...] = field(default=("generic",))
    """Ways of moving the lips (training talkers); the first one is for everybody."""
    lips_see_emotion: bool = False  # For comparison only: condition the lip path on the emotion too.


LIP_CHANNELS = ("gap", "width", "jaw", "rounding", "flare", "tongue", "closure", "tuck", "speech")
"""What the mouth aims at. The first six as in `motion.viseme_table.CHANNELS` (gap and width in units of the distance
between the outer corners of the eyes, the others 0..1); `closure` and `tuck` are contacts and `speech` is how much of
the mouth belongs to speech, all 0..1."""
NUM_LINEAR = 6  # The first six lip channels are answered as numbers, the other three as logits.
LIP_SCALE = (0.06, 0.03, 0.12, 0.25, 0.25, 0.15)
"""The network answers the linear channels in these units: about their standard deviations in speech."""

EMOTION_COLUMNS = (
    *(f"mix_{name}" for name in EMOTIONS),
    "valence", "arousal", "dominance", "intensity",
    *(f"covert_{name}" for name in EMOTIONS),
    "leak",
)  # fmt: skip
"""The emotion of a frame as the network sees it: the fields of `core.types.EmotionTrack`, 21 numbers."""

EXPRESSION_CONTROLS = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekSquintLeft",
    "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft",
    "eyeWideRight", "jawForward", "jawOpen", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "noseDilateLeft", "noseDilateRight", "neckPlatysma", "mouthCornerPull",
    "mouthElevate", "mouthDepress", "innerBrowRaiseLeft", "innerBrowRaiseRight", "noseElevateLeft",
    "noseElevateRight", "lipsPart",
)  # fmt: skip
"""Controls of the face that a feeling moves."""
BEARING = (
    "frown", "motion_energy", "head_pitch", "head_yaw", "head_roll", "gaze_pitch", "gaze_avert", "gaze_scan",
    "blink_factor", "breath_factor",
)  # fmt: skip
"""How the feeling carries head, eyes and breath: `motion.emotion_expression.EmotionBias`, the breath's rate against
rest, and how much the mood presses the brows down."""
BLOOD_DRIVES = ("blush", "flush", "pallor", "tears")
VOICE_TRACKS = ("accent", "activity", "energy")
"""Heard in the voice: prominence of this syllable, speaking or not, loudness against the talker's own range; 0..1."""

CONTROL_SLICE = slice(0, len(EXPRESSION_CONTROLS))
BEARING_SLICE = slice(CONTROL_SLICE.stop, CONTROL_SLICE.stop + len(BEARING))
WRINKLE_SLICE = slice(BEARING_SLICE.stop, BEARING_SLICE.stop + 16)
"""Residuals: what the compression of the mesh does not explain of `names.WRINKLES`."""
BLOOD_SLICE = slice(WRINKLE_SLICE.stop, WRINKLE_SLICE.stop + len(BLOOD_DRIVES))
VOICE_SLICE = slice(BLOOD_SLICE.stop, BLOOD_SLICE.stop + len(VOICE_TRACKS))
NUM_EXPRESSION_OUTPUTS = VOICE_SLICE.stop  # All answers of the expression path.
