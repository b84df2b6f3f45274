"""`face-emote perceive`: what is felt, from a voice, words and a face."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, output_option
from face_emote.cli.progress import progress_shown
from face_emote.core.errors import OptionError

HELP = """\
Read what is felt in INPUT, and how sure that is, and write it to OUT.

\b
INPUT is up to three files about the same moment, in any order:
  a recording    wav, flac, mp3, .. or a video: how it is said
  .txt .srt ..   what is said; English words are placed in time by the recording
  .npz           a motion file of the bundled head: what the face does

\b
OUT ends in
  .json          mix of eight emotions, valence, arousal and dominance with deviations, 28 words, bursts, what is
                 hidden, how far each sense was believed: over all and every 80 ms
  .csv           the same, a row every 80 ms
  .png           a chart over waveform and words
  .tokens        feeling and manner in 150 bits a second, for `animate --tokens`
Without OUT the emotion keys are printed, as `animate --emotion` takes them.

A guess about a performance, for animating it: never a judgement of a person (see docs/perception.md).

\b
Examples:
  face-emote perceive line.wav
  face-emote perceive line.wav line.txt -o feelings.png
  face-emote perceive take.npz -o feelings.csv
"""
MOTION, TEXT = (".npz",), (".txt", ".srt", ".vtt", ".ass", ".ssa", ".sub", ".ttml", ".sbv")


@click.command("perceive", help=HELP, short_help="Read what is felt in a voice, words or a face.")
@click.argument("inputs", metavar="INPUT..", nargs=-1, required=True, type=PathType)
@output_option("Its ending says what to write; may be repeated.", required=False, multiple=True)
@click.option("-t", "--text", metavar="WORDS", help="What is said, in place of a file.")
def command(*, inputs: tuple[Path, ...], output: tuple[Path, ...], text: str | None) -> None:
    """Read what is felt in INPUT, and how sure that is, and write it to OUT."""
    from face_emote.formats.motion_file import read_motion
    from face_emote.verbs.perceive import perceived, require_feelings_file, write_perceived

    for path in output:
        require_feelings_file(path)
    speech, words, motion = (_only(inputs, role) for role in ("recording", "text", "motion"))
    if text is not None and words is not None:
        raise OptionError("--text and a file of text both say the words; give one of them")
    with progress_shown() as progress:
        found = perceived(
            speech,
            text=words if text is None else text,
            motion=None if motion is None else read_motion(motion),
            progress=progress,
        )
    for path in output:
        write_perceived(found, path)
    click.echo(", ".join(map(str, output)) if output else found.plan().text)


def _only(inputs: tuple[Path, ...], role: str) -> Path | None:
    own = [path for path in inputs if role_of(path) == role]
    if len(own) > 1:
        raise OptionError(f"These are two files with a {role}, and one is read at a time: {own[0]}, {own[1]}")
    return own[0] if own else None


def role_of(path: Path) -> str:
    """`motion`, `text` or `recording`, by the ending."""
    ending = path.suffix.lower()
    return "motion" if ending in MOTION else "text" if ending in TEXT else "recording"
