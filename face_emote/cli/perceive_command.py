"""`face-emote perceive`: what is felt, from a voice, words and a face."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, output_option
from face_emote.cli.progress import progress_shown
from face_emote.core.errors import OptionError

HELP = """\
Read what is felt in INPUT, and how sure that is, and write it to OUT.

\b
INPUT is up to three files about the same moment, in any order, or many recordings of one voice:
  a recording    wav, flac, mp3, .. or a video: how it is said
  .txt .srt ..   what is said; English words are placed in time by the recording
  .npz           a motion file of the bundled head: what the face does

\b
OUT ends in
  .json          mix of eight emotions, valence, arousal and dominance with deviations, 28 words, bursts, what is
                 hidden, how far each sense was believed: over all and every 80 ms
  .csv           the same, a row every 80 ms
  .png           a chart over waveform and words
  .npz           the same as arrays, and what the encoder makes of it: `embedding`, 1024 numbers for the whole line,
                 and `states` every 80 ms
  .tokens        feeling and manner in 150 bits a second, for `animate --tokens`
With --stream there is no INPUT: raw sound (16-bit, mono) comes in on stdin as it is spoken, and tokens go out to OUT, a
.tokens file or - for stdout, 2.3 s later at most.
Without OUT the emotion keys are printed, as `animate --emotion` takes them.

With --one-talker INPUT are recordings of one voice, six or more. Each is read against the others, and OUT names a file
for each: "{name}.json".

A guess about a performance, for animating it: never a judgement of a person (see docs/perception.md).

\b
Examples:
  face-emote perceive line.wav
  face-emote perceive line.wav line.txt -o feelings.png
  face-emote perceive take.npz -o feelings.csv
  arecord -q -f S16_LE -r 16000 -t raw | face-emote perceive --stream -o - | ssh stage "cat > now.tokens"
  face-emote perceive anna/*.wav --one-talker -o "anna/{name}.json"
"""
MOTION, TEXT = (".npz",), (".txt", ".srt", ".vtt", ".ass", ".ssa", ".sub", ".ttml", ".sbv")


@click.command("perceive", help=HELP, short_help="Read what is felt in a voice, words or a face.")
@click.argument("inputs", metavar="INPUT..", nargs=-1, type=PathType)
@output_option("Its ending says what to write; may be repeated.", required=False, multiple=True)
@click.option("-t", "--text", metavar="WORDS", help="What is said, in place of a file.")
@click.option("--one-talker", is_flag=True, help="INPUT are lines of one voice, each read against the others.")
@click.option("--stream", is_flag=True, help="Hear raw 16-bit mono sound on stdin, write tokens as it is spoken.")
@click.option(
    "--stream-rate", metavar="HZ", type=int, default=16000, show_default=True, help="Samples a second on stdin."
)
@click.pass_context
def command(
    context: click.Context, /, *, inputs: tuple[Path, ...], output: tuple[Path, ...], text: str | None,
    one_talker: bool, stream: bool, stream_rate: int,
) -> None:  # fmt: skip
    """Read what is felt in INPUT, and how sure that is, and write it to OUT."""
    from face_emote.formats.motion_file import read_motion
    from face_emote.verbs.perceive import perceived, require_feelings_file, write_perceived

    if stream:
        _perceive_live(output, rate_hz=stream_rate, unfit=bool(inputs) or text is not None or one_talker)
        return
    if not inputs:
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    if one_talker:
        _perceive_lines(inputs, output, text=text)
        return
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
            encoded=_holds_arrays(output),
        )
    for path in output:
        write_perceived(found, path)
    click.echo(", ".join(map(str, output)) if output else found.plan().text)


def _perceive_live(output: tuple[Path, ...], *, rate_hz: int, unfit: bool) -> None:
    """Tokens of what is said on stdin."""
    from face_emote.cli.streaming import heard_on_stdin, stream_bytes
    from face_emote.verbs.perceive import stream_tokens

    if unfit:
        raise OptionError("--stream hears what comes in on stdin; leave out INPUT, --text and --one-talker")
    if len(output) != 1 or output[0].suffix.lower() not in ("", ".tokens"):
        raise OptionError("--stream writes tokens; name one OUT ending in .tokens, or - for stdout")
    stream_bytes(stream_tokens(heard_on_stdin(rate_hz, command="perceive --stream")), output[0])


def _perceive_lines(lines: tuple[Path, ...], output: tuple[Path, ...], *, text: str | None) -> None:
    """Each line against the others of the same voice."""
    from face_emote.perception.talker import LEAST_LINES, talker_from
    from face_emote.verbs.perceive import figures_heard, perceived, require_feelings_file, write_perceived

    other = next((path for path in lines if role_of(path) != "recording"), None)
    if other is not None or text is not None:
        raise OptionError(f"--one-talker hears recordings alone; leave out {other or '--text'}")
    if any("{name}" not in path.name for path in output):
        raise OptionError('With --one-talker every line has files of its own; name them with {name}: -o "{name}.json"')
    targets = {line: [path.with_name(path.name.replace("{name}", line.stem)) for path in output] for line in lines}
    names = [path for paths in targets.values() for path in paths]
    if len(set(names)) < len(names) or len(targets) < len(lines):
        raise OptionError(f"Two lines have one name, and so would their files; rename one: {lines[0].parent}")
    for path in names:
        require_feelings_file(path)
    heard = {line: figures_heard(line) for line in lines}
    for line in lines:
        others = [figures for path, figures in heard.items() if path != line and figures is not None]
        talker = talker_from(others)
        if talker is None:
            raise OptionError(f"A voice is known from {LEAST_LINES} other lines with speech; here are {len(others)}")
        found = perceived(line, talker=talker, encoded=_holds_arrays(output))
        for path in targets[line]:
            write_perceived(found, path)
        click.echo(f"{line}: {', '.join(map(str, targets[line])) or found.plan().text}")


def _holds_arrays(output: tuple[Path, ...]) -> bool:
    return any(path.suffix.lower() == ".npz" for path in output)


def _only(inputs: tuple[Path, ...], role: str) -> Path | None:
    own = [path for path in inputs if role_of(path) == role]
    if len(own) > 1:
        more = "; --one-talker reads lines of one voice" if role == "recording" else ""
        raise OptionError(f"These are two files with a {role}, and one is read at a time{more}: {own[0]}, {own[1]}")
    return own[0] if own else None


def role_of(path: Path) -> str:
    """`motion`, `text` or `recording`, by the ending."""
    ending = path.suffix.lower()
    return "motion" if ending in MOTION else "text" if ending in TEXT else "recording"
