"""Options that several commands share; those of a performance and of a picture are made from their records' fields."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from face_emote.core import options as records
from face_emote.core.errors import OptionError
from face_emote.core.fields import Kind, Option, options_of, read_option, require_option
from face_emote.core.motion import LAST_SECS
from face_emote.core.options import MARK, PERFORMANCE_OPTIONS, PICTURE_OPTIONS, Excerpt, Performance, Picture
from face_emote.core.types import SLIDERS, Speech
from face_emote.provenance.credential import Provenance

SECTIONS = {
    records.PERFORMANCE: ("tokens", "print_emotion", "voice"),
    records.ANIMATOR: ("bank_report",),
    SLIDERS: (),
    "Fine points": (),
    "Recorded face": ("capture", "flame"),
    "Live": ("stream", "to", "mic", "rig", "stream_rate", "latency"),
    MARK: ("consent", "no_provenance"),
    records.PICTURE: (),
}
"""Titles of the groups that --help shows, in order, and the options in each that are no fields of a record."""
_SECTION_OF = {
    **{item.name: item.section for item in (*PERFORMANCE_OPTIONS, *PICTURE_OPTIONS)},
    **{name: title for title, names in SECTIONS.items() for name in names},
}

PathType = click.Path(path_type=Path)
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def reader_of(item: Option) -> Callable[[object], object]:
    """What reads a value, and refuses it, as in a manifest; defaults are values already."""
    return lambda value: read_option(item, value) if isinstance(value, str) else value


def option_for(item: Option) -> Decorator:
    """The command-line option of a record's field."""
    names = ([f"-{item.letter}"] if item.letter else []) + [flag(item.name), item.name]
    if item.kind is Kind.FLAG:
        return click.option(*names, is_flag=True, help=item.help)
    listed = item.kind is Kind.TEXT and item.choices
    shown = item.default not in (None, "") and item.section != SLIDERS and item.kind is not Kind.FILE
    return click.option(
        *names,
        type=click.Choice(item.choices) if listed else reader_of(item),
        metavar=item.metavar or None,
        default=item.default,
        show_default=shown and not item.usual,
        help=item.help + (f" [default: {item.usual}]" if item.usual else ""),
    )


def options_for(items: Iterable[Option]) -> Decorator:
    """The options of several fields; the command gets them as keyword arguments of their names."""
    return decorated([option_for(item) for item in items])


def decorated(options: list[Decorator]) -> Decorator:
    """Several options as one decorator, in their order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def option_named(name: str) -> Option:
    """A field by its name."""
    return next(item for item in (*PERFORMANCE_OPTIONS, *PICTURE_OPTIONS) if item.name == name)


def flag(name: str) -> str:
    """How an option is written: `head_motion` is `--head-motion`."""
    return f"--{name.replace('_', '-')}"


FRAME = reader_of(Option(help="", name="frame", kind=Kind.NUMBER, low=0.0, high=LAST_SECS))
"""An instant of a motion, in seconds: `--frame`."""
performance_options = options_for(PERFORMANCE_OPTIONS)
picture_options = options_for(PICTURE_OPTIONS)
excerpt_options = decorated(  # Named as the fields: `to` is another thing to `animate`.
    [
        click.option(flag(item.name), item.attribute, type=reader_of(item), metavar=item.metavar, help=item.help)
        for item in options_of(Excerpt)
    ]
)
head_option = option_for(option_named("head"))
fps_option = option_for(
    replace(
        option_named("fps"), default=None,
        help="Another frame rate than the motion's; of a capture within one second: the rate it was recorded at.",
    )
)  # fmt: skip


def output_option(text: str, *, required: bool = True, multiple: bool = False) -> Decorator:
    """-o OUT."""
    return click.option("-o", "--output", metavar="OUT", type=PathType, required=required, multiple=multiple, help=text)


provenance_options = decorated(
    [
        click.option(
            "--consent",
            metavar="WORDS",
            default="",
            help='Who agreed to what, for the signed mark: "Jane Doe, own voice, 2026-03-01".',
        ),
        click.option("--no-provenance", is_flag=True, help="Leave out the mark that says, signed: made by a machine."),
    ]
)
"""What the result says of its own making."""


def provenance_from(values: dict[str, Any]) -> Provenance | None:
    """Take `consent` and `no_provenance` out of `values`; None: no mark."""
    consent, unmarked = values.pop("consent"), values.pop("no_provenance")
    require_option(Option(help="", name="consent"), consent)
    if unmarked and consent:
        raise OptionError("--consent is part of the mark; leave out --no-provenance")
    return None if unmarked else Provenance(consent=consent)


def excerpt_from(values: dict[str, Any]) -> Excerpt:
    """Gather the keyword arguments that `excerpt_options` made; they are taken out of `values`."""
    return Excerpt(start=values.pop("start"), end=values.pop("end"))


def performance_from(values: dict[str, Any], *, speech: Speech | Path) -> Performance:
    """Gather the keyword arguments that `performance_options` made; they are taken out of `values`."""
    return records.performance_from({item.name: values.pop(item.name) for item in PERFORMANCE_OPTIONS}, speech=speech)


def picture_from(values: dict[str, Any]) -> Picture:
    """Gather the keyword arguments that `picture_options` made; they are taken out of `values`."""
    return records.picture_from({item.name: values.pop(item.name) for item in PICTURE_OPTIONS})


def options_given(context: click.Context) -> list[str]:
    """Names of the parameters that stand on the command line."""
    return [name for name in context.params if context.get_parameter_source(name) is not ParameterSource.DEFAULT]


def require_given(context: click.Context, **values: object) -> None:
    """Raise MissingParameter for the first of these that is None."""
    for item in context.command.params:
        if item.name in values and values[item.name] is None:
            raise click.MissingParameter(ctx=context, param=item)


class SectionedCommand(click.Command):
    """A command whose --help groups the options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section after the other; what is in none comes first."""
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], **{title: [] for title in SECTIONS}}
        for option in self.get_params(ctx):
            row = option.get_help_record(ctx)
            if row is not None and isinstance(option, click.Option):
                rows[_SECTION_OF.get(option.name or "", "Options")].append(row)
        for title, lines in rows.items():
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)
