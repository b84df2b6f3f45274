"""`face-emote clone`: how somebody moves, as a style to be played by any face."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, output_option
from face_emote.cli.progress import progress_shown

HELP = """\
Learn from CLIPs how somebody moves while they talk, and write it to OUT (.style).

CLIPs are films with a face, or motion files (.npz) that `capture` wrote: 5 to 30 s of one person who talks.
What is kept is how much and how fast brows and head move, how unlike the two sides are, how the lids blink, what the
face does at rest and, where there is sound, habits of the lips: nothing of how they look or sound, unless --identity is
given. Who agreed to it stands in the file, which is signed, and in the mark of whatever is played so.

\b
Examples:
  face-emote clone jane_1.mp4 jane_2.mp4 --consent "Jane Doe, own style, 2026-03-01" -o jane.style
  face-emote animate line.wav --style jane.style -o line.mp4
"""


@click.command("clone", help=HELP, short_help="Learn somebody's style from clips of them.")
@click.argument("clips", metavar="CLIP..", type=PathType, nargs=-1, required=True)
@output_option("A .style file.")
@click.option("--consent", metavar="WORDS", default="", help="Who agreed to this, in your own words; needed.")
@click.option("--identity", is_flag=True, help="Keep the shape of the face, too (for `animate --style --identity`).")
def command(clips: tuple[Path, ...], output: Path, consent: str, identity: bool) -> None:
    """Learn from CLIPs how somebody moves."""
    from face_emote.generation.style_file import require_style_place
    from face_emote.verbs.clone import clone, keep_style

    require_style_place(output, consent)
    with progress_shown() as progress:
        style = clone(clips, consent=consent, identity=identity, progress=progress)
    keep_style(style, output)
    click.echo(f"{output}: from {style.secs:g} s")
