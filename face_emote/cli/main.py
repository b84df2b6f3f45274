"""Entry of the command line: which commands there are, and what happens when one fails.

Exit codes: 0 done; 2 the user's mistake, in one line; 130 interrupted; 1 a bug of ours.
`verify` has two more.
"""

import os
import signal
import sys
import traceback
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

import click

from face_emote.core.errors import FaceEmoteError, OptionError, warnings_in_a_line
from face_emote.core.fields import shown
from face_emote.core.lab import has_lab
from face_emote.core.output import shown_path
from face_emote.core.threads import use_one_thread
from face_emote.core.version import VERSION

COMMANDS = (
    "demo", "animate", "say", "read", "voice", "perceive", "capture", "clone", "bank", "render", "export", "view",
    "batch", "verify", "head", "train", "evaluate", "doctor",
)  # fmt: skip
LAB = {"train", "evaluate"}
"""Those that the package beside this one brings."""
DONE, BUG, USER_MISTAKE, INTERRUPTED = 0, 1, 2, 130


class LazyGroup(click.Group):
    """Imports a command only when it is used, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order a newcomer meets them."""
        return [name for name in COMMANDS if name not in LAB or has_lab()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `<name>_command` of its package and take its `command`."""
        if cmd_name not in self.list_commands(ctx):
            return None
        package = "face_emote_lab" if cmd_name in LAB else "face_emote.cli"
        command: click.Command = import_module(f"{package}.{cmd_name}_command").command
        return command


HELP = """\
Turn speech and an emotion into a 3D facial performance: lips, expression, gaze, head, wrinkles and blushes.

\b
Start here:
  face-emote demo
  face-emote animate line.wav --emotion "joy tinged with guilt" -o line.mp4

Everything runs on this computer; nothing is uploaded or downloaded.
"""


@click.group(
    help=HELP, cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(VERSION, "-V", "--version", message="face-emote %(version)s")
@click.option("--debug", is_flag=True, help="Show the whole traceback when something fails.")
def cli(debug: bool) -> None:
    """Turn speech and an emotion into a 3D facial performance."""
    del debug  # `main` takes it out of the arguments, so that it may stand anywhere on the line.


def main(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    use_one_thread()
    _end_cleanly_when_terminated()
    _write_any_letter()
    try:
        _require_names(words)
        with warnings_in_a_line():
            return int(cli.main(words, prog_name="face-emote", standalone_mode=False) or DONE)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return USER_MISTAKE
    except click.ClickException as error:
        return _failed(_usage_message(error), USER_MISTAKE, debug=debug)
    except FaceEmoteError as error:
        return _failed(str(error), USER_MISTAKE, debug=debug)
    except (KeyboardInterrupt, click.Abort):
        return _failed("interrupted; nothing was left half-written", INTERRUPTED, debug=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Or Python complains again at exit.
        return DONE
    except OSError as error:
        if error.errno is None:
            raise
        place = f": {shown_path(Path(os.fsdecode(error.filename)))}" if isinstance(error.filename, str | bytes) else ""
        return _failed(f"The system refuses ({error.strerror}){place}", USER_MISTAKE, debug=debug)
    except Exception as error:
        story = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return _failed(f"a bug of ours, sorry ({story}); please report it with what --debug shows", BUG, debug=debug)


def _require_names(words: list[str]) -> None:
    """Raise OptionError for a word that the system takes for no name: halves of letters, which no terminal gives."""
    for word in words:
        try:
            os.fsencode(word)
        except UnicodeEncodeError:
            raise OptionError(f"This word holds signs that are no letters; write it anew: {shown(word)}") from None


def _failed(message: str, code: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    click.echo(f"face-emote: {message}", err=True)
    return code


def _usage_message(error: click.ClickException) -> str:
    """One line; for a wrong command line it ends with where to read on."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message}; see {context.command_path} --help" if context else message


def _write_any_letter() -> None:
    """A console that lacks a letter of a name shows its number; finished work must not fail for that."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end_cleanly_when_terminated() -> None:
    """Let `kill` and a closing terminal unwind the stack, as Ctrl-C does, so that temporary files go."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_DFL:
            signal.signal(getattr(signal, name), stop)
