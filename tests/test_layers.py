"""Imports flow one way: a module may import only from layers before its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

LAYERS = [
    {"core"},
    {"audio", "emotion", "face", "blender_side"},
    {"look", "network", "rigs"},
    {"motion", "formats", "rendering", "provenance"},
    {"train", "evaluation"},
    {"verbs"},
    {"batch"},
    {"__init__"},
    {"cli", "worker"},
]
ROOT = Path(__file__).parent.parent / "face_emote"
NUMPY_ONLY = ("core", "audio", "emotion", "face", "look", "network", "rigs", "motion")
"""These folders run where nothing but numpy is installed: any other import is made inside a function."""
STANDARD = {"numpy", "face_emote", "__future__"}


def layer_of(module: str) -> str:
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 else "__init__"


def imports(tree: ast.AST, *, top_level_only: bool = False) -> Iterator[tuple[str, int]]:
    nodes = tree.body if top_level_only else ast.walk(tree)  # type: ignore[attr-defined]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import on line {node.lineno}"
            yield node.module or "", node.lineno


def upward_imports(source: str, own: str) -> list[str]:
    level = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    assert own in level, f"{own} has no layer: add it to LAYERS"
    return [
        f"line {line}: {own} -> {layer_of(module)}"
        for module, line in imports(ast.parse(source))
        if module.split(".")[0] == "face_emote" and layer_of(module) != own and level[layer_of(module)] >= level[own]
    ]


def foreign_imports(source: str) -> list[str]:
    import sys

    known = STANDARD | set(sys.stdlib_module_names)
    return [
        f"line {line}: {module}"
        for module, line in imports(ast.parse(source), top_level_only=True)
        if module.split(".")[0] not in known
    ]


def sources() -> Iterator[tuple[Path, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        rel = path.relative_to(ROOT)
        yield path, rel.parts[0] if len(rel.parts) > 1 else rel.stem


def test_imports_flow_one_way():
    wrong = [
        f"{path.relative_to(ROOT)} {problem}"
        for path, own in sources()
        if path.name != "__main__.py"
        for problem in upward_imports(path.read_text(), own)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_engine_imports_numpy_alone():
    wrong = [
        f"{path.relative_to(ROOT)} {problem}"
        for path, own in sources()
        if own in NUMPY_ONLY and path != ROOT / "core" / "arrays.py"
        for problem in foreign_imports(path.read_text())
    ]
    assert not wrong, "\n".join(wrong)


def test_the_guards_fire():
    assert upward_imports("from face_emote.motion.mouth.lips import x", "face")
    assert upward_imports("import face_emote.emotion.grammar", "audio")
    assert not upward_imports("from face_emote.core.types import Speech", "audio")
    assert foreign_imports("import numba")
    assert not foreign_imports("def f():\n    import numba\n")
