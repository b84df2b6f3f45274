"""Every fixed name and size in the product, in one place. Array axes follow these orders."""

SAMPLE_RATE_HZ = 16_000  # Speech is 16 kHz mono everywhere inside the package.
FEATURE_HZ = 100.0  # Frames per second of speech features (25 ms windows, 10 ms hop).
NUM_CEPSTRA = 20  # Coefficients that describe the timbre of a frame.
MOTION_HZ = 50.0  # Internal motion rate: tracks with memory (blood, wrinkles) are stepped at this rate.
DEFAULT_FPS = 30.0

EMOTIONS = ("neutral", "joy", "sadness", "surprise", "fear", "disgust", "anger", "contempt")

JOINTS = ("global", "neck", "jaw", "eye_left", "eye_right")
JOINT_PARENTS = (-1, 0, 1, 1, 1)

NUM_SHAPE = 300  # Identity columns of a FLAME-format head.
NUM_EXPRESSION = 100  # Expression columns of a FLAME-format head.

ARKIT_52 = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft",
    "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight",
    "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""Apple's ARKit blendshapes, alphabetical; the first 52 expression columns of the bundled head."""

ARKIT_ORDER = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The same 52 in the order of Unreal and of Live Link Face recordings."""
FACE_ANGLES = (
    "headYaw", "headPitch", "headRoll", "leftEyeYaw", "leftEyePitch", "leftEyeRoll", "rightEyeYaw", "rightEyePitch",
    "rightEyeRoll",
)  # fmt: skip
"""What Live Link Face records after the 52; radians here."""
LIVE_LINK_TICKS_HZ = 60.0
"""Unreal's importer counts the frame field of a timecode at this rate, whatever the clip's own fps."""

EXTRA_CONTROLS = (
    "noseDilateLeft", "noseDilateRight", "noseCompress", "noseDepress", "neckPlatysma", "mouthPurse",
    "mouthProtrude", "mouthEvert", "mouthPart", "mouthPartLater", "mouthCompress", "mouthRetract",
    "mouthDepressRetract", "mouthUpwardRetract", "mouthCornerPull", "mouthElevate", "mouthDepress",
    "innerBrowRaiseLeft", "innerBrowRaiseRight", "noseElevateLeft", "noseElevateRight", "eyeOpenUpLeft",
    "eyeOpenUpRight", "browInnerUpLeft", "cheekPuffLeft", "mouthPuckerLeft", "mouthFunnelLeft",
    "mouthRollLowerLeft", "mouthRollUpperLeft",
)  # fmt: skip
"""Columns 52.. of the bundled head: units that ARKit lacks, then left halves of six unsided ARKit units."""

MUSCLES = tuple(
    f"muscle{name}{side}"
    for name in ("Masseter", "Frontalis", "Corrugator", "Zygomaticus", "Mentalis", "Platysma")
    for side in ("Left", "Right")
)
"""Columns that follow other controls (`face/rig.py`): what swells under the skin."""
BROWS_LET_GO = ("browRelaxLeft", "browRelaxRight", "glabellaRelax")
"""What brows do when a muscle's tone goes: without the frontalis they sink, without the corrugators they part."""
_TAIL = ("larynxUp", "pupilDilate", *BROWS_LET_GO, "lipSeal", "lipsPart")
KEYED_CONTROLS = (*ARKIT_52, *EXTRA_CONTROLS, *_TAIL)
"""Controls that somebody sets; all others follow."""

CONTROLS = (*ARKIT_52, *EXTRA_CONTROLS, *MUSCLES, *_TAIL)
"""Names of all 100 expression columns of the bundled head. `lipSeal` (98) has no basis column: `Head` closes the
lips by contact at that strength. `lipsPart` (99) undoes the neutral seal, towards relaxed, slightly open lips.
`pupilDilate` (94) moves no skin: the look of the eyes follows it.
The columns of jawOpen, jawLeft, jawRight and the eight eyeLook units are empty too: they are joint rotations."""

WRINKLES = (
    "forehead_centre", "forehead_left", "forehead_right", "glabella", "nose_bridge", "crows_feet_left",
    "crows_feet_right", "lower_lid_left", "lower_lid_right", "nasolabial_left", "nasolabial_right", "perioral",
    "mouth_corner_left", "mouth_corner_right", "chin", "neck_bands",
)  # fmt: skip
HAIR_STYLES = ("none", "crop", "short", "medium", "tied")
"""Shaved; a buzz cut; swept on top; parted and cut at the jaw; drawn back into a bun."""
CAMERAS = ("portrait", "front", "three-quarter", "profile", "close", "mouth", "eyes", "bust")
LIGHTS = ("studio", "soft", "warm", "night")
ENGINES = ("fast", "gl", "cycles", "differentiable")
CODECS = ("h264", "vp9", "av1")
ANIMATORS = ("net", "rules", "takes")
CONTEXTS = ("monologue", "dialogue", "interview", "listening")
"""Talking to a camera, with a partner, to one who asks; and while a partner talks."""
"""`net` has learnt from recorded faces and voices; `rules` follow the phones, and need no network file; `takes` are
`net` with head, brows and blinks drawn anew for every seed."""
NETWORKS = ("default", "fast")  # Those that come with the package.
BLOOD_TIMINGS = ("stage", "physiological", "off")
BLOOD_REGIONS = ("forehead", "nose", "cheek_left", "cheek_right", "ears", "periorbital", "lips", "chin")
"""Blood-flow regions; the neck follows the mean of cheeks and ears."""

CONFIDENCE_AREAS = ("upper", "lower")
"""Halves of a captured face, each with a confidence of its own: brows and eyes; the mouth and what is around it."""

PHONES = (
    "SIL", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY",
    "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z",
    "ZH",
)  # fmt: skip
"""ARPAbet without stress marks, silence first."""
VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
OPEN_VOWELS = frozenset({"AA", "AE", "AH", "AO", "AW", "AY", "EH", "EY"})  # Those that no closed mouth can say.
BILABIALS = frozenset({"P", "B", "M"})
LABIODENTALS = frozenset({"F", "V"})
