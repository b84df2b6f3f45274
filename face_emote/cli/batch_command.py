"""`face-emote batch`: hundreds of lines, on one machine or many; `batch status` looks at one from outside."""

import os
from pathlib import Path
from typing import Any

import click

from face_emote.cli import options

HELP = """\
Perform every line of a MANIFEST (.csv, .json, .jsonl), of a FOLDER of recordings or of a pattern, and write the results
to DIR, with report.html beside them. Run the same line again after anything went wrong, or was changed: only what is
missing is done.

\b
A manifest has a row a line, and columns called like the options below (docs/batch.md has all):
  speech,emotion,character,outputs
  lines/01.wav,calm anger,maya,mp4 glb
  lines/02*.wav,joy tinged with guilt,,mp4 csv

\b
Examples:
  face-emote batch lines.csv -o out
  face-emote batch lines/ -o out --emotion "calm joy" --outputs "mp4 glb" --contact-sheet
  face-emote batch lines.csv -o out --sweep "emotion=joy,sadness,anger; intensity=.3,.6,1" --dry-run
  face-emote batch lines.csv -o out --cluster auto
  face-emote batch status out

Options that shape performance, picture and mark are for rows whose cell is empty.
"""


@click.command("status", short_help="How far a batch is.")
@click.argument("folder", metavar="DIR", type=options.PathType)
def status(folder: Path) -> None:
    """Say how far the batch in DIR is; it may be running."""
    from face_emote.cli.batch_view import echo_status

    echo_status(folder)


class BatchCommand(options.SectionedCommand):
    """`batch status DIR` is a command of its own (a folder called status can be given as ./status)."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand `status` on."""
        if args[:1] == ["status"]:
            return status.make_context(f"{info_name} status", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command("batch", cls=BatchCommand, help=HELP, short_help="Perform many lines, on one machine or on many.")
@click.argument("source", metavar="MANIFEST|FOLDER|PATTERN", type=options.PathType)
@click.option("-o", "--output", metavar="DIR", type=options.PathType, required=True, help="Folder of the results.")
@click.option(
    "--outputs", metavar="KINDS", default="", help='What to make of rows that do not say: "mp4 glb npz csv". [mp4]'
)
@click.option(
    "--name", metavar="TEMPLATE", default="", help='Names of rows without one: "{speech}_{emotion}". [{speech}]'
)
@click.option("--sweep", metavar="AXES", default="", help='Every combination: "emotion=joy,anger; intensity=.3,1".')
@click.option("--voice", is_flag=True, help="Re-tune the sound to the emotion, too: into videos, and as .voice.wav.")
@click.option("--contact-sheet", is_flag=True, help="A picture of twelve frames for every row too.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be done; write nothing.")
@click.option("--only-failed", is_flag=True, help="Only rows that failed last time.")
@click.option("--resume/--no-resume", default=True, help="Keep finished results of equal inputs. [resume]")
@click.option("--limit", metavar="ROWS", type=click.IntRange(1), help="Do at most so many rows now.")
@click.option("--workers", metavar="NUMBER", type=click.IntRange(1), help="Processes. [one a processor core]")
@click.option("--cluster", metavar="ADDRESS", help="A Ray cluster: its address, or auto for the one on this machine.")
@click.option(
    "--shared/--no-shared",
    default=True,
    help="The cluster's machines see these folders; else files travel with the work. [shared]",
)
@options.performance_options
@options.picture_options
@options.provenance_options
@click.pass_context
def command(context: click.Context, /, *, source: Path, output: Path, **values: Any) -> None:
    """Perform every line of a manifest or of a folder."""
    from face_emote.batch.batch import Place, run_batch
    from face_emote.batch.columns import COLUMNS
    from face_emote.batch.plan import PlanOptions, plan_batch
    from face_emote.batch.run import Choice
    from face_emote.cli.batch_view import BatchFailed, echo_outcome, echo_plan, echo_renamed, watching
    from face_emote.cli.progress import progress_shown

    given = options.options_given(context)
    planned = PlanOptions(
        {name: values[name] for name in given if name in COLUMNS and name != "name"},
        sweep=values["sweep"],
        name=values["name"],
        contact_sheet=values["contact_sheet"],
        output=output,
    )
    with progress_shown() as progress:
        plan = plan_batch(source, planned, progress=progress)
    echo_renamed(plan)
    choice = Choice(redo=not values["resume"], only_failed=values["only_failed"], limit=values["limit"])
    if values["dry_run"]:
        echo_plan(plan, choice, folder=output)
        return
    cluster = values["cluster"]
    workers = values["workers"] or (0 if cluster else os.cpu_count() or 1)
    place = Place(workers=workers, cluster=cluster, shared=values["shared"])
    with watching() as watch:
        outcome = run_batch(plan, output, place=place, choice=choice, watch=watch)
    echo_outcome(outcome, output)
    if outcome.failures:
        raise BatchFailed
