"""`face-emote evaluate`: measure lips against real ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from face_emote.cli.options import PathType, decorated
from face_emote.cli.progress import progress_shown
from face_emote.core.names import ANIMATORS

if TYPE_CHECKING:
    from rich.console import Console

    from face_emote_lab.evaluation.clips import ClipSet
    from face_emote_lab.evaluation.lip_figures import SyncJudge
    from face_emote_lab.evaluation.report import Report
    from face_emote_lab.evaluation.systems import LipSystem

HELP = """\
Measure how well lips follow the speech in FOLDER, beside simple baselines and the real lips.

\b
FOLDER holds recordings, and beside each what is known about it:
  NAME.wav           the recording (also .flac, .ogg, .mp3, .m4a)
  NAME.phones.json   [[word, phone, start, end], ..]: closures are counted
  NAME.txt           the words spoken, if there are no phones
  NAME.lips.npz      real lips: gap [frames], fps, perhaps width and jaw
  NAME.npz           a motion file: the real performance

\b
Examples:
  face-emote evaluate takes/
  face-emote evaluate takes/ --animator rules --json figures.json --plots plots/
  face-emote evaluate takes/ --model runs/mine/model.safetensors
"""
PLAIN_WIDTH = 140
measuring_options = decorated(
    [
        click.option(
            "--animator", type=click.Choice(ANIMATORS), help="Which one is measured; by default what `animate` uses."
        ),
        click.option(
            "--model",
            "--checkpoint",
            "checkpoint",
            metavar="FILE",
            type=PathType,
            help="Another network than the bundled one: a .safetensors checkpoint.",
        ),
        click.option(
            "--transcripts/--no-transcripts",
            default=False,
            show_default=True,
            help="Give the animator the words, as a transcript would; without them, it listens.",
        ),
        click.option(
            "--baselines/--no-baselines", default=True, show_default=True, help="Measure simple animators too."
        ),
        click.option("--json", "json_path", metavar="FILE", type=PathType, help="Write all figures there."),
        click.option("--plots", metavar="DIR", type=PathType, help="Write pictures there: lip gaps, bars."),
    ]
)
"""What says how to measure."""


@click.command("evaluate", help=HELP, short_help="Measure lips against real ones.")
@click.argument("folder", type=PathType)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="At most so many clips.")
@measuring_options
def command(folder: Path, *, limit: int | None, **values: Any) -> None:
    """Measure how well lips follow the speech in FOLDER."""
    from face_emote_lab.evaluation.clips import read_clips

    measure(lambda _system: read_clips(folder, limit=limit), data=folder.resolve().name, **values)


def measure(
    clips: Callable[[LipSystem], ClipSet], *, data: str, animator: str | None, checkpoint: Path | None,
    json_path: Path | None, plots: Path | None, sync: SyncJudge | None = None, **values: Any,
) -> None:  # fmt: skip
    """Measure a system on `clips` of it, which the report calls `data`, with a judge of `sync`."""
    from face_emote.core.errors import OptionError
    from face_emote.core.output import require_writable
    from face_emote.face.bundled import load_head
    from face_emote_lab.evaluation.evaluate import evaluate, lip_system
    from face_emote_lab.evaluation.plots import require_plotting, write_plots
    from face_emote_lab.evaluation.report import write_report

    if checkpoint is not None and animator == "rules":
        raise OptionError("--model names a network, and --animator rules uses none; leave one of them out")
    if json_path is not None:
        require_writable(json_path)
    if plots is not None:
        require_plotting()
        require_writable(plots, folder=True)
    chosen = animator or "net"
    model: str | Path = "default" if checkpoint is None else checkpoint
    head = load_head()
    system = lip_system(chosen, head=head, known_words=values["transcripts"], model=model)
    found = clips(system)
    with progress_shown() as progress:
        report, pairs = evaluate(
            found, system, head=head, data=data, sync=sync, with_baselines=values["baselines"], progress=progress
        )
    _show(report)
    if json_path is not None:
        write_report(report, json_path)
        click.echo(f"figures: {json_path}")
    if plots is not None:
        for path in write_plots(report, pairs, folder=plots):
            click.echo(f"picture: {path}")


def _show(report: Report) -> None:
    """Tables on stdout; as wide as they need when that is no terminal."""
    from rich.console import Console

    from face_emote_lab.evaluation.report import lip_table, talker_table

    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    for group in report.groups:
        console.print(f"\n[bold]{group.name}[/bold] ({group.clips} clips, {group.talkers} talkers)")
        _table(console, lip_table(group))
        if group.talkers > 1:
            console.print("\n[bold]talker by talker[/bold]")
            _table(console, talker_table(group))
    for note in report.notes:
        console.print(f"- {note}", style="dim")


def _table(console: Console, rows: Sequence[tuple[str, ...]]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for i, title in enumerate(rows[0]):
        table.add_column(title, justify="right" if i else "left", no_wrap=True)
    for row in rows[1:]:
        table.add_row(*row)
    console.print(table)
