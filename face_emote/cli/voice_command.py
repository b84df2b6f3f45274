"""`face-emote voice`: a recording with another feeling in the voice."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, output_option
from face_emote.cli.progress import progress_shown

HELP = """\
Re-tune SPEECH so that it sounds as it is felt, and write it to OUT (.wav).

Pitch, melody, loudness, tone and breath of the voice change as acted voices do; words, timing and talker stay, so lips
that fit SPEECH fit OUT. `animate --voice` does both at once. With several emotions over time the voice follows them;
what is hidden trembles through. At --intensity 0 the sound is untouched.

\b
Examples:
  face-emote voice line.wav -e "calm anger" -o angry.wav
  face-emote voice line.wav -e "0s neutral; 1.5s fear:0.8" -o afraid.wav
  face-emote voice line.wav -e "grief hidden under a smile" -o brave.wav
"""


@click.command("voice", help=HELP, short_help="Re-tune a recording to a feeling.")
@click.argument("speech", metavar="SPEECH", type=PathType)
@output_option("A .wav file.")
@click.option("-e", "--emotion", metavar="WORDS", required=True, help="What is felt, as `animate` takes it.")
@click.option(
    "--intensity", metavar="SHARE", type=click.FloatRange(0.0, 1.0), default=1.0, show_default=True,
    help="How strongly it is felt, 0 to 1.",
)  # fmt: skip
@click.option(
    "--seed",
    metavar="NUMBER",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of a voice's small irregularities.",
)
def command(speech: Path, output: Path, emotion: str, intensity: float, seed: int) -> None:
    """Re-tune SPEECH so that it sounds as it is felt."""
    from face_emote.verbs.voice import write_retuned

    with progress_shown() as progress:
        write_retuned(speech, output, emotion=emotion, intensity=intensity, seed=seed, progress=progress)
    click.echo(f"{output}: {speech.name}, {emotion}")
