"""Everything that is printed, by path under `shaders`."""

from face_emote.look.formula.materials import FORMULAS, HAIR, MOUTH, SKY, SURFACES
from face_emote.look.printers.glsl import glsl_source, lights_source, viewer_source
from face_emote.look.printers.kernel import backward_source, forward_source
from face_emote.look.printers.numbers import CYCLES, EXTENSION, numbers_source

EXTENSION_FILE = "../blender_addon/apply/look.json"
"""The extension is a package of its own, so it carries its numbers itself."""


def printed_files() -> dict[str, str]:
    """Path and text of every generated file. The differentiable renderer, which reads `*_back`, draws no strands."""
    files = {f"kernels/{formula.name}.py": forward_source(formula) for formula in FORMULAS}
    files |= {f"kernels/{formula.name}_back.py": backward_source(formula) for formula in (*SURFACES, MOUTH, SKY)}
    files |= {f"glsl/{formula.name}.glsl": glsl_source(formula) for formula in (*SURFACES, HAIR)}
    files |= {"cycles.json": numbers_source(CYCLES), EXTENSION_FILE: numbers_source(EXTENSION)}
    return files | {"glsl/lights.glsl": lights_source(), "glsl/viewer.glsl": viewer_source()}
