# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that end up in saved files: changing one needs a migration."""

SCHEMA = 1
TRACK = "Face Emote"
TAKE_KEY = "face_emote_take"
"""Custom property of an action that is a take: its settings as JSON."""
CUES_KEY = "face_emote_cues"
"""Custom property of a take: what its mouth says, as JSON of the engine."""
MARKER = "FE#"
"""How timeline markers of words and sounds begin; the number of their row follows."""
LAYERS_KEY = "face_emote_layers"
"""Custom property of a take: which of its layers are muted or solo, as JSON."""
MADE_KEY = "face_emote_made"
"""Custom property of a take: what its curves were like when they were written, as JSON; edited ones differ."""
STRIP_KEY = "face_emote_take"
"""Custom property of a sound strip of ours: the ids of the takes that are heard in it, one a line."""
EMOTIONS = ("neutral", "joy", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
CHARACTERS = ("default", "james", "maya", "amara", "kenji", "elena", "walter", "leo")
PEOPLE = {name: name.title() for name in CHARACTERS} | {"default": "Clara"}
"""What people call the characters: objects get these names."""
SOUNDS = tuple(
    "P B M F V TH DH T D N L S Z SH ZH CH JH K G NG HH R W Y AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
)
WRINKLES = (
    "forehead_centre", "forehead_left", "forehead_right", "glabella", "nose_bridge", "crows_feet_left",
    "crows_feet_right", "lower_lid_left", "lower_lid_right", "nasolabial_left", "nasolabial_right", "perioral",
    "mouth_corner_left", "mouth_corner_right", "chin", "neck_bands",
)  # fmt: skip
BLOOD_REGIONS = ("forehead", "nose", "cheek_left", "cheek_right", "ears", "periorbital", "lips", "chin")
ARKIT = (
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
JAW_CURVES = ("jawOpen", "jawLeft", "jawRight", "jawForward")
"""ARKit curves that a jaw bone plays instead of shape keys."""
LOOK_CURVES = tuple(name for name in ARKIT if name.startswith("eyeLook"))
MATCH_COLOURS = "Face Emote Match"
"""Colour attribute that shows how well shapes were transferred."""
NEUTRAL_POSE = "neutral"
"""Name of the pose, among those of a rig, that the others differ from."""
BONE_ROLES = ("neck", "jaw", "eye_left", "eye_right")

WRINKLE_PROPERTIES = tuple(f"face_emote_wrinkles_{letter}" for letter in "abcd")
"""Custom properties of a character, four wrinkles each: EEVEE reads at most eight object attributes a material."""
BLOOD_PROPERTIES = tuple(f"face_emote_blood_{letter}" for letter in "ab")
SKIN_PROPERTY = "face_emote_skin"
"""Wrinkle strength, blood strength, which region is shown (0 none), unused."""
SOLID_COLOURS = "face_emote_solid"
"""Colour attribute of our head that Solid mode shows."""
SHOWN_REGIONS = (
    "none",
    "all_wrinkles",
    "all_blood",
    *(f"wrinkle {n}" for n in WRINKLES),
    *(f"blood {n}" for n in BLOOD_REGIONS),
)


def region_label(name: str) -> str:
    """What a region is called in panels."""
    return name.replace("_", " ").capitalize().replace(" left", " L").replace(" right", " R")


def wrinkle_place(index: int) -> tuple[str, int]:
    """Custom property and its component that hold a wrinkle."""
    return WRINKLE_PROPERTIES[index // 4], index % 4


def blood_place(index: int) -> tuple[str, int]:
    """Custom property and its component that hold a blood region."""
    return BLOOD_PROPERTIES[index // 4], index % 4
