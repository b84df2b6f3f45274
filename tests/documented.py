"""Every command and every Python block that a reader is told to type: pages, `--help`, heads of programs."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import click

from face_emote.cli.main import cli

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "examples/README.md",
]
STARTS = ("face-emote", "make", "python", "python3.11", "pip", "sh", "arecord", "torchrun", "ray", "cd", "export")
"""First words of commands."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
INLINE = re.compile(rf"`((?:{'|'.join(re.escape(word) for word in STARTS)}) [^`]+)`")
REMARK = re.compile(r"\s{2,}\S.*$")
"""Two spaces and more separate a command from what is said about it."""
OPTIONAL = re.compile(r"\s+\[[^\]]*\]")
PROGRAMS = [path for room in ("bench", "tools", "face_emote_lab") for path in sorted((ROOT / room).rglob("*.py"))]


@dataclass(frozen=True, slots=True)
class Command:
    """A line of a shell, and the page that shows it."""

    page: str
    text: str


def commands() -> list[Command]:
    """All of them, each text once, without what its synopsis calls optional."""
    found: dict[str, Command] = {}
    for command in [*_of_pages(), *_of_help(), *_of_programs()]:
        text = OPTIONAL.sub("", command.text)
        if text.startswith("export ") and "=" not in text.split()[1]:  # The page says which program is meant.
            text = f"face-emote {text}"
        found.setdefault(text, Command(command.page, text))
    return list(found.values())


def python_blocks() -> list[tuple[str, str]]:
    """Page and text of every block of Python."""
    return [
        (page.name, block)
        for page in PAGES
        for language, block in FENCE.findall(page.read_text(encoding="utf-8"))
        if language == "python"
    ]


def _of_pages() -> list[Command]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [block for language, block in FENCE.findall(text) if not language]
        inline = INLINE.findall(re.sub(r"\s*\n\s*", " ", FENCE.sub("", text)))
        found += [Command(page.name, line) for line in [*(line for block in blocks for line in _lines(block)), *inline]]
    return found


def _of_help() -> list[Command]:
    def walk(command: click.Command, name: str) -> list[Command]:
        found = [Command(f"{name} --help", line) for line in _lines(command.help or "")]
        if isinstance(command, click.Group):
            context = click.Context(command)
            for word in command.list_commands(context):
                below = command.get_command(context, word)
                assert below is not None
                found += walk(below, f"{name} {word}")
        return found

    return walk(cli, "face-emote")


def _of_programs() -> list[Command]:
    found = []
    for path in PROGRAMS:
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        name = path.relative_to(ROOT).as_posix()
        found += [Command(name, line) for line in [*_lines(said), *INLINE.findall(said)]]
    return found


def _lines(block: str) -> list[str]:
    """Lines that are commands; in what a terminal has shown only those after its `$`."""
    lines = [line.strip() for line in block.splitlines()]
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    return [REMARK.sub("", line) for line in lines if line.split(" ")[0] in STARTS and " " in line]
