"""Measure the structure of a checkout's two packages: the table in `docs/architecture.md`.

python -m tools.house [ROOT]
"""

import argparse
import ast
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

SHORT = 60
"""Lines under which a file with one importer may as well stand in it."""
KERNELS = ("rendering/fast/", "rendering/stage/")
"""Where functions take arrays one by one, for numba."""


def main() -> int:
    """Print one figure a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", default=Path(), help="the checkout")
    root = parser.parse_args().root
    for package in ("face_emote", "face_emote_lab"):
        print(package)
        for name, value in figures(root, package=package).items():
            print(f"  {name}: {value}")
    return 0


def figures(root: Path, *, package: str) -> dict[str, float]:
    """Counts over the sources of a package that git knows."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", f"{package}/*.py"], capture_output=True, text=True, check=True
    )
    texts = {Path(name): (root / name).read_text(encoding="utf-8") for name in listed.stdout.splitlines()}
    trees = {module_name(path): (path, ast.parse(text)) for path, text in texts.items()}
    importers = defaultdict(set)
    for name, (_, tree) in trees.items():
        for target in imported(tree):
            importers[target].add(name)
    lines = {path: len(text.splitlines()) for path, text in texts.items()}
    single = [path for name, (path, _) in trees.items() if len(importers[name]) == 1 and path.name != "__init__.py"]
    wide = [
        node
        for path, tree in trees.values()
        if not any(place in path.as_posix() for place in KERNELS)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and num_positional(node) > 2
    ]
    return {
        "lines": sum(lines.values()),
        "files": len(lines),
        "median file": statistics.median(lines.values()),
        "files over 400 lines": sum(count > 400 for count in lines.values()),
        "modules with one importer": len(single),
        f"of them under {SHORT} lines": sum(lines[path] < SHORT for path in single),
        "functions with more than two positional parameters, kernels apart": len(wide),
        "fmt: skip": sum(text.count("# fmt: skip") for text in texts.values()),
    }


def module_name(path: Path) -> str:
    """Dotted name of a source file."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.AST) -> Iterator[str]:
    """Everything that a file imports by name, be it a module or something in one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{item.name}" for item in node.names)


def num_positional(node: ast.FunctionDef) -> int:
    """Parameters that may be given by place, self and cls apart."""
    return len([item for item in (*node.args.posonlyargs, *node.args.args) if item.arg not in ("self", "cls")])


if __name__ == "__main__":
    raise SystemExit(main())
