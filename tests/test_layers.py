"""The house as CONTRIBUTING.md draws it: imports flow one way, no file needs itself, what is checked is listed."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "face_emote"
LAB = ROOT / "face_emote_lab"
NUMPY_ONLY = (
    "core", "audio", "body", "emotion", "face", "look", "network", "rigs", "perception", "generation", "bank", "motion",
)  # fmt: skip
"""These rooms run where nothing but numpy is installed: any other import is made inside a function."""
ENGINES = ("fast", "gl", "cycles")
LAB_USES = {"evaluation": {"train"}, "enrolment": {"differentiable"}}
"""Which of the lab's rooms a room of it may import; the others none."""
COMPILED = {"compiled", "inlined", "njit", "intrinsic", "_fused"}
"""Decorators of functions that numba compiles; it cannot compile what a type checker has wrapped."""


def layers() -> list[set[str]]:
    """Rooms line by line, as the table in CONTRIBUTING.md has them."""
    rows = re.findall(r"^\| \d+ \| (.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    return [set(re.findall(r"`(?:face_emote/)?(\w+)(?:\.py)?`", row)) for row in rows]


def room_of(module: str) -> str:
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
    level = {name: i for i, layer in enumerate(layers()) for name in layer}
    assert own in level, f"{own} has no line in CONTRIBUTING.md's table"
    return [
        f"line {line}: {own} -> {room_of(module)}"
        for module, line in imports(ast.parse(source))
        if module.split(".")[0] == "face_emote" and room_of(module) != own and level[room_of(module)] >= level[own]
    ]


def foreign_imports(source: str) -> list[str]:
    known = {"numpy", "face_emote", "__future__"} | set(sys.stdlib_module_names)
    return [
        f"line {line}: {module}"
        for module, line in imports(ast.parse(source), top_level_only=True)
        if module.split(".")[0] not in known
    ]


def imported_lab_rooms(source: str) -> set[str]:
    """First names inside `face_emote_lab` of what a file imports from there."""
    modules = (module.split(".") for module, _ in imports(ast.parse(source)))
    return {pieces[1] if len(pieces) > 1 else "" for pieces in modules if pieces[0] == "face_emote_lab"}


def imported_packages(source: str) -> set[str]:
    """First names of all that a file imports."""
    return {module.split(".")[0] for module, _ in imports(ast.parse(source))}


def foreign_engines(source: str, own: str) -> set[tuple[str, str]]:
    """(own, other) for every other render engine that a file of one imports."""
    modules = (module.split(".") for module, _ in imports(ast.parse(source)))
    named = {pieces[2] for pieces in modules if pieces[:2] == ["face_emote", "rendering"] and len(pieces) > 2}
    return {(own, other) for other in named & set(ENGINES) if other != own}


def sources() -> Iterator[tuple[Path, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        rel = path.relative_to(PACKAGE)
        yield path, rel.parts[0] if len(rel.parts) > 1 else rel.stem


def import_graph(folder: Path) -> dict[str, set[str]]:
    """Modules of a package and which of them each imports, wherever in the file, relative imports included."""
    files = {}
    for path in folder.rglob("*.py"):
        parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph: dict[str, set[str]] = {name: set() for name in files}
    for name, path in files.items():
        package = (name if path.name == "__init__.py" else name.rpartition(".")[0]).split(".")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names} & set(files)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*above, *([node.module] if node.module else [])])
                for alias in node.names:
                    inner = f"{module}.{alias.name}"
                    graph[name] |= {inner if inner in files else module} & set(files)
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Chains of imports that come back to where they began, one for every module on a circle."""
    found, left, finished = [], list(graph), set()

    def follow(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
        elif name not in finished:
            for target in sorted(graph[name]):
                follow(target, [*path, name])
            finished.add(name)

    for name in left:
        follow(name, [])
    return found


def is_compiled(path: Path) -> bool:
    """Whether numba compiles functions of this file."""
    functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    names = {ast.unparse(decorator).partition("(")[0] for node in functions for decorator in node.decorator_list}
    return bool(names & COMPILED)


def expected_checked() -> list[str]:
    """The shortest list of packages and modules that holds every file but those that numba compiles."""

    def listed(folder: Path, name: str) -> list[str]:
        if not any(is_compiled(path) for path in folder.rglob("*.py")):
            return [name]
        found = []
        for path in sorted(folder.iterdir()):
            if path.is_dir() and path.name != "__pycache__" and any(path.rglob("*.py")):
                found += listed(path, f"{name}.{path.name}")
            elif path.suffix == ".py" and path.stem not in ("__init__", "__main__") and not is_compiled(path):
                found.append(f"{name}.{path.stem}")
        return found

    return [*listed(PACKAGE, "face_emote"), *listed(LAB, "face_emote_lab")]


def test_the_table_names_every_room_and_no_other():
    drawn = [name for layer in layers() for name in layer]
    assert sorted(drawn) == sorted({own for _, own in sources()} - {"__main__"})


def test_imports_flow_one_way():
    wrong = [
        f"{path.relative_to(PACKAGE)} {problem}"
        for path, own in sources()
        if path.name != "__main__.py"
        for problem in upward_imports(path.read_text(), own)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_engine_imports_numpy_alone():
    wrong = [
        f"{path.relative_to(PACKAGE)} {problem}"
        for path, own in sources()
        if own in NUMPY_ONLY and path != PACKAGE / "core" / "arrays.py"
        for problem in foreign_imports(path.read_text())
    ]
    assert not wrong, "\n".join(wrong)


def test_the_runtime_imports_nothing_of_the_lab_nor_torch_and_the_labs_rooms_hardly_each_other():
    runtime = [(path, path.read_text()) for path, _ in sources()]
    wrong = [str(path) for path, text in runtime if imported_lab_rooms(text) or "torch" in imported_packages(text)]
    for room in (path for path in LAB.iterdir() if path.is_dir()):
        known = {room.name} | LAB_USES.get(room.name, set())
        wrong += [str(path) for path in room.rglob("*.py") if imported_lab_rooms(path.read_text()) - known]
    assert not wrong, wrong


def test_render_engines_do_not_know_each_other():
    seen = {
        pair
        for own in ENGINES
        for path in (PACKAGE / "rendering" / own).rglob("*.py")
        for pair in foreign_engines(path.read_text(), own)
    }
    seen |= {pair for path in LAB.rglob("*.py") for pair in foreign_engines(path.read_text(), "differentiable")}
    assert not seen, sorted(seen)


def test_no_file_imports_itself_by_a_detour():
    for name in ("face_emote", "face_emote_lab", "blender_addon", "tools", "bench"):
        assert not circles(import_graph(ROOT / name))


def test_shapes_are_checked_in_every_file_that_numba_does_not_compile():
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]
    *checked, checker = re.search(r"--jaxtyping-packages=(\S+)", options)[1].split(",")
    assert checker == "beartype.beartype"
    wanted = expected_checked()
    assert checked == wanted, "pyproject.toml should say --jaxtyping-packages=" + ",".join([*wanted, checker])


def test_the_guards_fire(tmp_path):
    assert upward_imports("from face_emote.motion.mouth.lips import x", "face")
    assert upward_imports("import face_emote.emotion.grammar", "audio")
    assert not upward_imports("from face_emote.core.types import Speech", "audio")
    assert foreign_imports("import numba")
    assert not foreign_imports("def f():\n    import numba\n")
    assert imported_lab_rooms("def f():\n    from face_emote_lab.train.loop import train\n") == {"train"}
    assert "torch" in imported_packages("def f():\n    import torch.nn\n")
    assert foreign_engines("from face_emote.rendering.fast.shade import x", "gl") == {("gl", "fast")}
    assert not foreign_engines("from face_emote.rendering.stage.mesh import x", "gl")
    package = tmp_path / "house"
    package.mkdir()
    (package / "a.py").write_text("def f():\n    from . import b\n")
    (package / "b.py").write_text("from .c import g\n")
    (package / "c.py").write_text("import house.b\n")
    assert circles(import_graph(package)) == [["house.b", "house.c", "house.b"]]
    (package / "c.py").write_text("import house.d\n")
    assert not circles(import_graph(package))
    (package / "b.py").write_text("@compiled\ndef f():\n    pass\n")
    assert is_compiled(package / "b.py") and not is_compiled(package / "c.py")
