"""Formulas as GLSL functions: numbers of a place are arguments, numbers that all share are uniforms."""

from collections.abc import Iterable

from face_emote.look.formula.materials import VIEWED, Formula
from face_emote.look.formula.printed import OF_ALL, component_name, uniform_name
from face_emote.look.formula.records import Lights, Skies
from tools.write_shaders.symbols import LEAVES, Traced, needed

HEAD = "// Written by `python -m tools.write_shaders` from face_emote/look; a change here is lost.\n"
SIGNS = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}", "where": "{} ? {} : {}",
    "lt": "{} < {}", "gt": "{} > {}", "hash": "cell_hash({}, {}, {})", "atan2": "atan({}, {})",
}  # fmt: skip
"""How a step is written; others are calls of their name."""


def glsl_source(formula: Formula) -> str:
    """Uniforms of its own, and `vec3 shade_NAME(..)`: display light."""
    return f"{HEAD}\n{_function(formula)}"


def viewer_source() -> str:
    """Everything that the page's shader calls."""
    return f"{HEAD}\n{_uniforms(Lights, Skies)}\n" + "\n".join(_function(formula) for formula in VIEWED)


def _function(formula: Formula) -> str:
    traced = Traced(formula)
    own = [name for name in traced.shared_names if not name.startswith(OF_ALL)]
    uniforms = "".join(f"uniform {kind} {formula.name}_{name};\n" for kind, name in _grouped(own))
    arguments = ", ".join(f"{kind} {name}" for kind, name in _grouped(traced.row_names))
    names = {("x", k): component_name(name) for k, name in enumerate(traced.row_names)}
    names |= {("p", k): uniform_name(formula, name) for k, name in enumerate(traced.shared_names)}
    lines = []
    for index in needed(traced.program, traced.outputs):
        operation, operands = traced.program.steps[index]
        if operation not in LEAVES:
            parts = [_operand(traced, number, names) for number in operands]
            text = SIGNS[operation].format(*parts) if operation in SIGNS else f"{operation}({', '.join(parts)})"
            lines.append(f"    {'bool' if operation in ('lt', 'gt') else 'float'} s{index} = {text};\n")
    out = ", ".join(_operand(traced, output.index, names) for output in traced.outputs)
    return f"{uniforms}\nvec3 shade_{formula.name}({arguments}) {{\n{''.join(lines)}    return vec3({out});\n}}\n"


def lights_source() -> str:
    """The uniforms of the lamps, which all formulas share."""
    return f"{HEAD}\n{_uniforms(Lights)}"


def _uniforms(*kinds: type) -> str:
    names = Formula("lights", len, (), kinds).names(kinds)
    return "".join(f"uniform {kind} {name};\n" for kind, name in _grouped(names, whole=True))


def _operand(traced: Traced, number: int, names: dict[tuple[str, int], str]) -> str:
    operation, operands = traced.program.steps[number]
    if operation == "constant":
        text = repr(float(operands[0]))
        return f"({text})" if text.startswith("-") else text
    return names[operation, operands[0]] if operation in LEAVES else f"s{number}"


def _grouped(names: Iterable[str], *, whole: bool = False) -> list[tuple[str, str]]:
    """(type, name) of the vectors and numbers that named numbers are parts of."""
    found: dict[str, str] = {}
    for name in names:
        component = component_name(name, whole=whole)
        found[component.partition(".")[0]] = "vec3" if "." in component else "float"
    return [(kind, name) for name, kind in found.items()]
