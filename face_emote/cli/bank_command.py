"""`face-emote bank`: moments that takes are drawn after - list, look at, add, forget."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, output_option
from face_emote.core.names import CONTEXTS

HELP = """\
Moments: what a face did for 2.56 s, to be drawn after or pinned (`animate --pin`).

Some come with face_emote; others are yours, in a folder of the user (or $FACE_EMOTE_BANK), or in a project's --bank.

\b
Examples:
  face-emote bank list --context interview
  face-emote bank show hostility-dialogue-01 -o moment.png
  face-emote bank add take.npz -e "cold fury" --context interview --consent "Jane Doe, own moves, 2026-03-01"
  face-emote animate line.wav --pin "1.2s cold-fury-interview-take-01" -o line.mp4
  face-emote bank forget cold-fury-interview-take-01
"""
bank_option = click.option("--bank", metavar="FOLDER", type=PathType, help="A project's bank, in place of yours.")


@click.group("bank", help=HELP, short_help="Moments that takes are drawn after: list, show, add, forget.")
def command() -> None:
    """Moments that takes are drawn after."""


@command.command("list")
@bank_option
@click.option("--context", type=click.Choice(CONTEXTS), help="Only these.")
@click.option("--own", is_flag=True, help="Only what was added, here or in the project's bank.")
def list_moments(bank: Path | None, context: str | None, own: bool) -> None:
    """List moments: name, feeling (valence, arousal, dominance), context, from where."""
    from face_emote.bank.moments import OWN
    from face_emote.bank.retrieval import library_of
    from face_emote.core.options import BankUse

    for moment in library_of(BankUse(bank=bank)).moments:
        if (context is None or moment.context == context) and (not own or moment.made == OWN):
            feeling = " ".join(f"{value:+.2f}" for value in moment.vad)
            click.echo(
                f"{moment.name:<32}{feeling}  {moment.context:<10}{moment.emotion}; {moment.made}, {moment.source}"
            )


@command.command("show")
@click.argument("name")
@output_option("A .png.")
@bank_option
def show(name: str, output: Path, bank: Path | None) -> None:
    """Draw the moment NAME on the head, and its curves."""
    from face_emote.bank.retrieval import library_of
    from face_emote.cli.progress import progress_shown
    from face_emote.core.options import BankUse, Picture
    from face_emote.verbs.bank import TILE, show_moment

    moment = library_of(BankUse(bank=bank)).named(name)
    with progress_shown() as progress:
        show_moment(moment, output, bank=bank, picture=Picture(size=TILE), progress=progress)
    click.echo(f"{output}: {moment.name}, {moment.emotion}, {moment.context}, {moment.made}")


@command.command("add")
@click.argument("take", metavar="TAKE", type=PathType)
@click.option("-e", "--emotion", metavar="WORDS", required=True, help="What is felt in it.")
@click.option("--context", type=click.Choice(CONTEXTS), required=True, help="Who is spoken to.")
@click.option("--consent", metavar="WORDS", default="", help="Who agreed to this, in your own words; needed.")
@click.option("--name", metavar="NAME", help="Of the moments; they get numbers. [default: emotion, context and file]")
@bank_option
def add(take: Path, emotion: str, context: str, consent: str, name: str | None, bank: Path | None) -> None:
    """Cut TAKE, a motion file, into moments where it pauses, and keep them."""
    from face_emote.bank.retrieval import own_bank
    from face_emote.verbs.bank import add_take

    place = own_bank() if bank is None else bank
    for moment in add_take(take, place, emotion=emotion, context=context, consent=consent, name=name):
        click.echo(f"{moment.name}: {place}")


@command.command("forget")
@click.argument("names", metavar="NAME..", nargs=-1, required=True)
@bank_option
def forget(names: tuple[str, ...], bank: Path | None) -> None:
    """Take moments out of your bank, or out of a project's; those that came with face_emote stay (--forbid them)."""
    from face_emote.bank.moments import forget_moments
    from face_emote.bank.retrieval import own_bank

    place = own_bank() if bank is None else bank
    forget_moments(place, list(names))
    click.echo(f"{len(names)} forgotten: {place}")
