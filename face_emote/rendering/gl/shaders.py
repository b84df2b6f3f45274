"""GLSL sources: a few constants, then files of `shaders`, of which those in `glsl` are printed from the formulas."""

from face_emote.core.assets import SHADERS
from face_emote.look.eyes import LID_SHADOW, SOCKET_REACH
from face_emote.rendering.stage import buffers, hair_kernels, shadow

VERSION = "#version 330 core\n"
KINDS = ("SKIN", "EYE", "TOOTH", "GUM", "CLOTH", "TONGUE")  # Materials of `buffers`, KIND_SKIN .. in the shaders.
CONSTANTS = {
    "SHADOW_BIAS": shadow.SHADOW_BIAS,
    "LEAST_VARIANCE": shadow.LEAST_VARIANCE,
    "BLEEDING": shadow.BLEEDING,
    "HAIR_SELF_BIAS": hair_kernels.SELF_BIAS,
    "LID_SHADOW": LID_SHADOW,
    "SOCKET_REACH": SOCKET_REACH,
}
"""What is looked up beside the formulas."""


def shader_source(*names: str) -> str:
    """One compilable text out of files of shaders, in the order given."""
    constants = [f"const int KIND_{name} = {getattr(buffers, name)};" for name in KINDS]
    constants += [f"const float {name} = {value!r};" for name, value in CONSTANTS.items()]
    files = (f"#line 1\n{(SHADERS / f'{name}.glsl').read_text(encoding='utf-8')}" for name in names)
    return "\n".join((VERSION, *constants, *files))
