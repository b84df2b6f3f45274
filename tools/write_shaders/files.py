"""Everything that is printed, by path under `shaders`."""

import json
from collections.abc import Iterable
from importlib import import_module

from face_emote.look.formula.materials import FORMULAS, HAIR, MOUTH, SKY, SURFACES
from tools.write_shaders.glsl import glsl_source, lights_source, viewer_source
from tools.write_shaders.kernel import backward_source, forward_source

EXTENSION = (
    "colour.EPIDERMIS", "colour.BASE_ALBEDO", "colour.MELANIN_EXTINCTION", "colour.HAEMOGLOBIN_EXTINCTION",
    "colour.BLOOD_GAIN", "colour.PALLOR_GREYING", "colour.LUMINANCE", "colour.CREASE_TINT", "reflection.MAX_WRINKLE",
    "reflection.HAIR_PAINT", "reflection.HAIR_COVER", "reflection.HAIR_SHADOW", "maps.ROUGH", "maps.GLOSS_SMOOTHS",
    "maps.ROUGHNESS", "maps.WRINKLE_DEPTH",
)  # fmt: skip
"""Read by `blender_addon/apply/skin_nodes.py`."""
CYCLES = (
    "colour.BLOOD_GAIN", "colour.PALLOR_GREYING", "colour.LUMINANCE", "colour.CREASE_TINT", "reflection.HAIR_PAINT",
    "reflection.HAIR_COVER", "reflection.SKIN_F0", "eyes.REFRACTION", "teeth.ENAMEL_ROUGHNESS", "teeth.ENAMEL_F0",
    "teeth.GUM_ROUGHNESS", "teeth.GUM_F0", "teeth.TONGUE_SCALE", "cloth.RIBS", "cloth.RIB_SHADE", "cloth.RIBBED",
    "cloth.SEAM_UPPER", "cloth.SEAM_LOWER", "cloth.SEAM_SHADE", "cloth.WEAVE", "cloth.WEAVE_RANGE",
)  # fmt: skip
"""Read by `blender_side/cycles_materials.py`."""


def numbers_source(names: Iterable[str]) -> str:
    """Named numbers of `face_emote.look`, one a line."""
    found = {}
    for name in names:
        module, _, own = name.partition(".")
        found[name] = getattr(import_module(f"face_emote.look.{module}"), own)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in found.items())
    return f"{{\n{lines}\n}}\n"


EXTENSION_FILE = "../blender_addon/apply/look.json"
"""The extension is a package of its own, so it carries its numbers itself."""


def printed_files() -> dict[str, str]:
    """Path and text of every generated file. The differentiable renderer, which reads `*_back`, draws no strands."""
    files = {f"kernels/{formula.name}.py": forward_source(formula) for formula in FORMULAS}
    files |= {f"kernels/{formula.name}_back.py": backward_source(formula) for formula in (*SURFACES, MOUTH, SKY)}
    files |= {f"glsl/{formula.name}.glsl": glsl_source(formula) for formula in (*SURFACES, HAIR)}
    files |= {"cycles.json": numbers_source(CYCLES), EXTENSION_FILE: numbers_source(EXTENSION)}
    return files | {"glsl/lights.glsl": lights_source(), "glsl/viewer.glsl": viewer_source()}
