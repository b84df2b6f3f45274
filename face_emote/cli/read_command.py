"""`face-emote read`: a script to a table of lines, with what is felt in each."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, output_option

HELP = """\
Read SCRIPT and write a row a line: who says what, what is felt, how strongly, and what is hidden.

\b
SCRIPT is
  .fountain     a screenplay; (parentheticals) say how, scene headings and action are left out
  .txt          `NAME: (how) text`, or text, a line each; or a screenplay
  .srt .vtt ..  subtitles, with their times

\b
OUT ends in
  .csv          to correct, and for `batch`: it says and performs every row
  .vtt          captions with names; what is felt is the class of each
  .ssml         prosody, emphasis and breaks, for other speakers

What is felt is read from the words, and from directions that name a feeling: "(hurt, then cold)". It is a first guess,
to be edited.

\b
Examples:
  face-emote read script.fountain -o script.csv
  face-emote batch script.csv -o out
  face-emote read script.srt -o script.ssml
"""


@click.command("read", help=HELP, short_help="Read what is felt in a script: a table for `batch`.")
@click.argument("script", metavar="SCRIPT", type=PathType)
@output_option("Its ending says what to write; see above.")
def command(script: Path, output: Path) -> None:
    """Read SCRIPT and write a row a line."""
    from face_emote.cli.performing import require_other_file
    from face_emote.core.output import require_writable
    from face_emote.lines.script import read_script
    from face_emote.lines.script_files import require_script_file, write_script

    require_script_file(output)
    require_writable(output)
    require_other_file(output, script)
    lines = read_script(script)
    write_script(lines, output)
    who = len({line.speaker for line in lines if line.speaker})
    click.echo(f"{output}: {len(lines)} lines" + (f", {who} speakers" if who else ""))
