"""`face-emote head`: characters and face models."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, output_option
from face_emote.core.types import SkinParams

SKIN_TONES = ((0.65, "fair skin"), (1.0, "light skin"), (1.6, "olive skin"), (2.4, "dark skin"))
"""Melanin below which a skin is called so."""
AGES = ((0.05, "very young"), (0.3, "young"), (0.7, "middle-aged"))


@click.group("head", short_help="List characters, look at a head file, import FLAME.")
def command() -> None:
    """Characters and face models."""


@command.command("list")
def list_characters() -> None:
    """List the characters that come with face_emote, for --character."""
    from face_emote.face.characters import characters

    for item in characters():
        click.echo(f"{item.name:<12}{_described(item.skin)}")


def _described(skin: SkinParams) -> str:
    """A person's looks in a few words."""
    tone = next((word for limit, word in SKIN_TONES if skin.melanin < limit), "very dark skin")
    years = next((word for limit, word in AGES if skin.age < limit), "old")
    marks = [word for word, amount in (("freckles", skin.freckles), ("stubble", skin.beard)) if amount > 0.2]
    return ", ".join([years, tone, *marks])


@command.command("info")
@click.argument("file", type=PathType, required=False)
def info(file: Path | None) -> None:
    """Say what a head file holds (without FILE: the bundled head)."""
    from face_emote.face.bundled import load_head

    head = load_head(file)
    named = "names of face_emote's controls (ARKit-52 first)" if head.is_semantic else "principal components"
    rows = (
        ("face model", head.basis),
        ("vertices", str(head.num_vertices)),
        ("triangles", str(len(head.faces))),
        ("identity", f"{len(head.shape_basis)} columns"),
        ("expression", f"{len(head.expression_basis)} columns: {named}"),
        ("texture", "uv map" if head.layout is not None else "none"),
        ("parts", ", ".join(head.layout.part_names) if head.layout is not None else "one"),
    )
    for name, value in rows:
        click.echo(f"{name:<12}{value}")


IMPORT_HELP = """\
Read an official FLAME file (.pkl or .npz; 2020, 2023, 2023 Open) and store it for --head.

Nothing inside the file is executed. FLAME has a licence of its own: see the page that you got it from.

\b
Example:
  face-emote head import flame2023_Open.pkl -o flame.npz
"""


@command.command("import", help=IMPORT_HELP)
@click.argument("file", metavar="FLAME_FILE", type=PathType)
@output_option("The head as a compact .npz, for --head.")
def import_head(file: Path, output: Path) -> None:
    """Read an official FLAME file (.pkl or .npz; 2020, 2023, 2023 Open) and store it for --head."""
    from face_emote.core.output import require_writable
    from face_emote.face.flame_file import import_flame

    require_writable(output)
    click.echo(f"{import_flame(file, output)}: use it with --head")
