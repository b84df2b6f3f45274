"""`face-emote train`: make a checkpoint of the motion network."""

import logging
import math
from pathlib import Path

import click

from face_emote.cli.options import PathType
from face_emote.cli.progress import progress_shown

HELP = """\
Train the lips of the motion network as CONFIG says and leave the run in OUT; expression stays the bundled network's.

CONFIG is a .toml file, or the name of a configuration that comes with face_emote: default, fast, large, tiny, or one of
the comparisons (see docs/training.md). A run that was interrupted goes on when the same line is given again.

\b
OUT holds
  model.safetensors   the weights: `face-emote animate line.wav --model OUT/model.safetensors -o line.mp4`
  log.csv             losses and measurements; tensorboard/ has the same
  last.pt             what a run goes on from

\b
Examples:
  python -m face_emote_lab.train.corpus.build --user motions=takes -o corpus
  face-emote train tiny --corpus corpus -o runs/tiny
  face-emote train default --corpus corpus -o runs/default --minutes 30
  torchrun --nproc-per-node 4 -m face_emote train large --corpus corpus -o runs/large
"""


TAKES = "user_motions"  # The source that takes become.


@click.command("train", help=HELP, short_help="Train the motion network on a corpus.")
@click.argument("config")
@click.option(
    "--corpus",
    type=PathType,
    required=True,
    metavar="DIR",
    help="As `train.corpus.build` made it, or a folder of takes: films or sounds with motions of the same name.",
)
@click.option("-o", "--output", type=PathType, required=True, metavar="OUT", help="Folder of the run.")
@click.option("--minutes", type=click.FloatRange(min=0.0, min_open=True), help="Stop after so long; go on later.")
@click.option("--steps", type=click.IntRange(min=1), help="Instead of the configuration's number of steps.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the configuration's seed.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto takes a GPU when there is one; on a CPU one thread is used, which is fastest on shared cores.",
)
def command(
    *, config: str, corpus: Path, output: Path, minutes: float | None, steps: int | None, seed: int | None, device: str
) -> None:
    """Train the motion network as CONFIG says and leave the run in OUT."""
    require_training()
    from dataclasses import replace

    from face_emote_lab.train.config import checked, read_config
    from face_emote_lab.train.devices import this_process
    from face_emote_lab.train.loop import train

    chosen = read_config(config)
    if steps is not None:
        chosen = replace(chosen, optimiser=replace(chosen.optimiser, steps=steps))
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    ranks = this_process(device)
    made = corpus_of(corpus, output=output) if ranks.count == 1 else corpus
    if made != corpus:
        chosen = replace(chosen, data=replace(chosen.data, shares={TAKES: 1.0}))
    with progress_shown() as progress:
        written = train(
            checked(chosen),
            corpus=made,
            output=output,
            ranks=ranks,
            minutes=math.inf if minutes is None else minutes,
            progress=progress if ranks.leads else None,
        )
    ranks.leave()
    if ranks.leads:
        click.echo(f"{written}: {chosen.name}, log in {output / 'log.csv'}")


def corpus_of(folder: Path, *, output: Path) -> Path:
    """The corpus itself; of a folder of takes, the one that is made of it inside the run's folder."""
    from face_emote_lab.train.corpus.build import add_user_data, describe
    from face_emote_lab.train.corpus.cache import sources_in

    if not folder.is_dir() or sources_in(folder) or not any(folder.rglob("*.npz")):
        return folder
    made = output / "corpus"
    if not sources_in(made):
        heard = logging.getLogger("face_emote_lab.train.corpus.user_clips")
        heard.setLevel(logging.INFO)
        heard.addHandler(said := logging.StreamHandler())
        try:
            add_user_data("motions", folder=folder, out=made)
        finally:
            heard.removeHandler(said)
        click.echo(describe(made), err=True)
    return made


def require_training() -> None:
    """Raise DependencyError unless torch and TensorBoard are installed."""
    from importlib.util import find_spec

    from face_emote.core.errors import DependencyError

    for name in ("torch", "tensorboard"):
        if find_spec(name) is None:
            raise DependencyError(f"Training needs {name}: pip install 'face-emote[train]'")
