"""GLSL sources: the constants of face_emote/look written out as GLSL, then the files of shaders."""

from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from face_emote.core.assets import SHADERS
from face_emote.look import colour, eyes, hair_reflection, reflection, teeth
from face_emote.rendering import tone
from face_emote.rendering.fast import lighting
from face_emote.rendering.stage import buffers, hair_kernels

VERSION = "#version 330 core\n"
MODULES: tuple[tuple[ModuleType, str], ...] = (
    (reflection, ""), (colour, ""), (eyes, ""), (teeth, ""), (tone, ""), (hair_reflection, "HAIR_"),
)  # fmt: skip
"""Every constant in capitals of these modules is known to the shaders by its Python name after this prefix."""
KINDS = ("SKIN", "EYE", "TOOTH", "GUM", "CLOTH", "TONGUE")
"""Materials of `buffers`, KIND_SKIN .. in the shaders."""


def shader_source(*names: str) -> str:
    """One compilable text out of files of shaders, in the order given."""
    files = (f"#line 1\n{(SHADERS / f'{name}.glsl').read_text(encoding='utf-8')}" for name in names)
    return "\n".join((VERSION, constants(), *files))


@lru_cache(maxsize=1)
def constants() -> str:
    """`const` declarations of everything in capitals that is a number, a vector or a table of vectors."""
    lines = [f"const int KIND_{name} = {getattr(buffers, name)};" for name in KINDS]
    for module, prefix in MODULES:
        for name, value in vars(module).items():
            if name.isupper() and not name.startswith("_"):
                lines += [line] if (line := _declared(prefix + name, value)) else []
    lines += [
        f"const float SHADOW_BIAS = {lighting.SHADOW_BIAS!r};",
        f"const float LEAST_VARIANCE = {lighting.LEAST_VARIANCE!r};",
        f"const float BLEEDING = {lighting.BLEEDING!r};",
        f"const float HAIR_SELF_BIAS = {hair_kernels.SELF_BIAS!r};",
        f"const float HAIR_SKIN_SKY = {hair_kernels.SKIN_SKY!r};",
    ]
    return "\n".join(lines)


def _declared(name: str, value: Any) -> str:
    """The GLSL of a constant; nothing for what is neither number, vector nor table."""
    if isinstance(value, float):
        return f"const float {name} = {value!r};"
    table = np.asarray(value) if isinstance(value, tuple) else np.zeros(0)
    if table.dtype.kind not in "fi" or not 1 <= table.ndim <= 2 or not 2 <= table.shape[-1] <= 4:
        return ""
    kind = f"vec{table.shape[-1]}"
    rows = [f"{kind}({', '.join(repr(float(x)) for x in row)})" for row in np.atleast_2d(table)]
    if table.ndim == 1:
        return f"const {kind} {name} = {rows[0]};"
    return f"const {kind} {name}[{len(rows)}] = {kind}[]({', '.join(rows)});"
