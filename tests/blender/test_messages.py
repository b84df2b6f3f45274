"""What the extension says can be translated: values are put in after the translation, never before."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = [
    path for path in sorted((ROOT / "blender_addon").rglob("*.py")) if path.parent.name != "engine"
]  # The engine's client knows no Blender; what it says is translated where it is shown.
REASONS = ("refusal", "_no_mesh", "unready", "no_speech", "busy", "no_take", "no_motion", "next_step", "_root")
"""Functions that answer with a sentence."""


def said_by(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that people read."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "UserError":
        return call.args[:1]
    if name in ("report", "say"):
        return call.args[1:2]
    if name in ("label", "progress"):
        return [item.value for item in call.keywords if item.arg == "text"]
    return []


def sentences(tree: ast.AST) -> list[ast.expr]:
    """Everything of a module that people read."""
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += said_by(node)
        if isinstance(node, ast.FunctionDef) and node.name in REASONS:
            found += [item.value for item in ast.walk(node) if isinstance(item, ast.Return) and item.value is not None]
    return found


def words_of(text: ast.JoinedStr) -> str:
    return "".join(str(part.value) for part in text.values if isinstance(part, ast.Constant))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_sentence_is_built_before_it_is_translated(path: Path) -> None:
    built = [
        f"line {part.lineno}: {words_of(part)!r}"
        for sentence in sentences(ast.parse(path.read_text(encoding="utf-8")))
        for part in ast.walk(sentence)
        if isinstance(part, ast.JoinedStr) and re.search(r"[A-Za-z]{3}", words_of(part))
    ]
    assert built == []


def test_every_translated_sentence_names_its_values() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr" and node.keywords:
                message = ast.literal_eval(node.args[0])
                wanted = set(re.findall(r"\{(\w+)", message.replace("{{", "")))
                assert wanted == {item.arg for item in node.keywords}, f"{path}: {message}"
