"""`face-emote say`: a text to a voice, and a face that says it."""

from pathlib import Path
from typing import Any

import click

from face_emote.cli import options
from face_emote.cli.progress import progress_shown
from face_emote.core.errors import OptionError
from face_emote.core.options import facing

HELP = """\
Say TEXT with an emotion: a voice, re-tuned to what is felt, and the face that says it, into OUT.

A speaker on this computer says it (`--list` shows all: what they are, their licences, how to get them); nothing is
downloaded, and what was said once is kept. Without -e the words say what is felt. Feelings may follow each other:
"hurt, then cold". [Directions] in brackets are not said.

\b
OUT ends in
  .wav          the voice alone
  .mp4 .webm    video with the voice
  .npz .glb ..  motion or mesh, as `animate` writes it; NAME.voice.wav beside it is the voice

\b
Examples:
  face-emote say "I never said that." -e "hurt, then cold" -o out.mp4
  face-emote say "I never said that." -e "calm anger" --speaker flite:rms -o out.wav
  face-emote say "Das habe ich nie gesagt." -e fear --speaker espeak-ng -o out.glb
  face-emote say --list
Many lines: `face-emote read script.txt -o lines.csv`, then `face-emote batch lines.csv -o out`.
"""


@click.command("say", cls=options.SectionedCommand, help=HELP, short_help="Say a text: voice, face and video.")
@click.argument("text", metavar="TEXT", required=False)
@options.output_option("Its ending says what to write; see above.", required=False)
@click.option(
    "--speaker", metavar="NAME", help="Who says it, perhaps with a voice: flite:rms. [default: the first here]"
)
@click.option("--list", "listed", is_flag=True, help="Say who can speak here, and in which languages.")
@options.performance_options
@options.picture_options
@options.provenance_options
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    text: str | None,
    output: Path | None,
    speaker: str | None,
    listed: bool,
    **values: Any,
) -> None:
    """Say TEXT with an emotion."""
    from face_emote.cli.animate_command import perform_into
    from face_emote.cli.performing import require_output
    from face_emote.core.output import require_writable
    from face_emote.verbs.say import said_performance, sure_of_words, tuned_performance

    if listed:
        _list()
        return
    options.require_given(context, text=text, output=output)
    assert text is not None and output is not None
    unfit = next((name for name in ("transcript", "cues") if name in options.options_given(context)), None)
    if unfit is not None:
        raise OptionError(f"{options.flag(unfit)} is for recordings; the text says it all")
    wanted = options.performance_from(values, speech=output)
    picture, provenance = options.picture_from(values), options.provenance_from(values)
    alone = output.suffix.lower() == ".wav"
    sound = output if alone else output.with_name(f"{output.stem}.voice.wav")
    require_writable(sound)
    if not alone:
        require_output(output, source=sound, picture=picture, head=wanted.head)
    with progress_shown() as progress:
        spoken = said_performance(text, facing(wanted, picture), speaker=speaker, progress=progress)
        spoken = tuned_performance(spoken, sound, progress=progress)
    click.echo(f"{sound}: {spoken.emotion}")
    if not alone:
        with sure_of_words():
            perform_into(output, sound, performance=spoken, picture=picture, provenance=provenance)


def _list() -> None:
    from face_emote.lines.speakers import speakers

    for one in speakers():
        languages = " ".join("all" if code == "*" else code for code in one.voices)
        click.echo(f"{one.name:<11}{'here' if one.command else 'not here':<10}{languages}")
        click.echo(f"{'':<21}{one.licence}" + ("" if one.command else f"; {one.install}"))
