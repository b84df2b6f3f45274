"""Options that several commands share, and what becomes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from face_emote.core.errors import OptionError
from face_emote.core.names import DEFAULT_FPS
from face_emote.core.types import PerformanceStyle
from face_emote.provenance.credential import Provenance

TRANSCRIPT_SUFFIXES = (".txt", ".srt", ".vtt")
SLIDERS = (
    ("lips", "Lip shapes; closed sounds stay closed."),
    ("jaw", "How far the jaw opens."),
    ("brows", "Brow accents on stressed words."),
    ("head-motion", "Nods, tilts and sway of the head."),
    ("gaze", "Eye movements."),
    ("blinks", "Blinks per minute."),
    ("energy", "The emotion's expression."),
    ("wrinkles", "Depth of the moving wrinkles."),
)
"""Sliders of PerformanceStyle that are factors: 1 is natural."""
BLOOD = ("stage", "physiological", "off")
CODECS = ("h264", "vp9", "av1")
ENGINES = ("fast", "gl", "cycles", "differentiable", "pyrender", "pytorch3d", "nvdiffrast")

SECTIONS = {
    "Performance": ("emotion", "transcript", "character", "seed", "fps"),
    "Animator": ("animator", "fast", "model"),
    "Sliders (1 is natural, 0 none, 4 the most)": tuple(name.replace("-", "_") for name, _ in SLIDERS),
    "Fine points": ("asymmetry", "blood", "head"),
    "Recorded face": ("capture", "flame"),
    "Live": ("stream", "stream_rate", "latency"),
    "Mark (for video and .glb)": ("consent", "label", "no_provenance"),
    "Picture (for video)": ("size", "camera", "light", "skin", "hair", "dof", "codec", "engine", "samples"),
}
"""Titles of the groups that --help shows, and the options in each."""

PathType = click.Path(path_type=Path)
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class PerformanceOptions:
    """How a speech is to be performed."""

    emotion: str
    transcript: str | Path | None
    fps: float
    seed: int
    character: str
    head: Path | None
    style: PerformanceStyle
    animator: str
    model: str | Path


def output_option(text: str, *, required: bool = True) -> Decorator:
    """-o OUT."""
    return click.option("-o", "--output", metavar="OUT", type=PathType, required=required, help=text)


def head_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--head FILE."""
    text = "Another face model than the bundled one: a file made by `face-emote head import`, or a FLAME file."
    return click.option("--head", metavar="FILE", type=PathType, help=text)(function)


def hair_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--hair STYLE."""
    from face_emote.core.names import HAIR_STYLES

    text = "Hair style. [default: the character's own]"
    return click.option("--hair", type=click.Choice(HAIR_STYLES), help=text)(function)


def performance_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `PerformanceOptions`; the command gets them as keyword arguments of these names."""
    from face_emote.verbs.animate import ANIMATORS, DEFAULT_ANIMATOR

    options: list[Decorator] = [
        click.option(
            "-e", "--emotion", metavar="WORDS", default="auto", show_default=True,
            help='In words: "joy", "calm anger", "joy 70% + guilt 30%", "anger hidden under a smile", '
            '"0s neutral; 1.5s surprise". auto reads it from the voice.',
        ),
        click.option(
            "-t", "--transcript", metavar="TEXT",
            help="What is said, as text or as a .txt, .srt or .vtt file; makes English lips exact.",
        ),
        click.option(
            "--fps", metavar="RATE", type=float, default=DEFAULT_FPS, show_default=True, help="Frames per second."
        ),
        click.option(
            "--seed", metavar="NUMBER", type=int, default=0, show_default=True, help="Another number, another take."
        ),
        click.option(
            "-c", "--character", metavar="NAME", default="default", show_default=True,
            help="Who speaks; see `face-emote head list`.",
        ),
        head_option,
        click.option(
            "--animator", type=click.Choice(ANIMATORS),
            help="net has learnt from recorded lips and hears any language; rules follow the phones they recognise. "
            f"[default: {DEFAULT_ANIMATOR}]",
        ),
        click.option("--fast", is_flag=True, help="The smaller network: quicker, a little less exact."),
        click.option("--model", metavar="FILE", type=PathType, help="Another network: a .safetensors checkpoint."),
        *(
            click.option(f"--{name}", metavar="FACTOR", type=float, default=1.0, help=text)
            for name, text in SLIDERS
        ),
        click.option(
            "--asymmetry", type=float, metavar="SHARE", default=PerformanceStyle().asymmetry, show_default=True,
            help="Difference between the left and the right half of the face, 0 to 0.25.",
        ),
        click.option(
            "--blood", type=click.Choice(BLOOD), default=PerformanceStyle().blood, show_default=True,
            help="Blushes and pallor: quick, at their true speed, or none.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def picture_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a video."""
    from face_emote.rendering.scene import CAMERAS, LIGHTS

    options: list[Decorator] = [
        click.option("--size", metavar="PIXELS", default="512", show_default=True, help="512, or 1280x720."),
        click.option(
            "--camera", type=click.Choice(list(CAMERAS)), default="portrait", show_default=True, help="Where from."
        ),
        click.option(
            "--light", type=click.Choice(list(LIGHTS)), default="studio", show_default=True, help="Mood of the light."
        ),
        click.option("--skin", metavar="NAME", help="Wear another character's skin, eyes and hair."),
        hair_option,
        click.option(
            "--dof",
            metavar="F-NUMBER",
            type=float,
            help="Depth of field: blur what is not near the eyes, as a lens of this f-number does; 2.8 is a soft "
            "portrait. [default: all sharp]",
        ),
        click.option("--codec", type=click.Choice(CODECS), help="Video codec; by default what suits the file."),
        click.option(
            "--engine",
            type=click.Choice(ENGINES),
            default="fast",
            show_default=True,
            help="What draws; gl uses a graphics card; cycles is slow, most like a photograph and needs Blender's "
            "module; differentiable has no shadows and no hair (needs torch; pytorch3d and nvdiffrast are its "
            "variants); pyrender is a plain view.",
        ),
        click.option("--samples", metavar="NUMBER", type=int, help="Light paths per pixel of cycles.  [default: 16]"),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def provenance_options(*, label: bool = True) -> Decorator:
    """What the result says of its own making; `label` only where pictures are drawn."""
    consent = click.option(
        "--consent",
        metavar="WORDS",
        default="",
        help='Who agreed to what, for the signed mark: "Jane Doe, own voice, 2026-03-01".',
    )
    shown = click.option(
        "--label", metavar="WORDS", default="", help='Words in the corner of every frame, such as "AI-generated".'
    )
    off = click.option("--no-provenance", is_flag=True, help="Leave out the mark that says, signed: made by a machine.")
    options = (consent, shown, off) if label else (consent, off)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def provenance_from(values: dict[str, Any]) -> Provenance | None:
    """Take `consent` and `no_provenance` out of `values`; None: no mark."""
    consent, unmarked = values.pop("consent"), values.pop("no_provenance")
    if unmarked and consent:
        raise OptionError("--consent is part of the mark; leave out --no-provenance")
    return None if unmarked else Provenance(consent=consent)


def performance_from(values: dict[str, Any]) -> PerformanceOptions:
    """Gather the keyword arguments that `performance_options` made; they are taken out of `values`."""
    factors = {name.replace("-", "_"): values.pop(name.replace("-", "_")) for name, _ in SLIDERS}
    head_motion = factors.pop("head_motion")
    style = PerformanceStyle(
        **factors, head=head_motion, asymmetry=values.pop("asymmetry"), blood=values.pop("blood")
    )  # fmt: skip
    animator, model = animator_from(values.pop("animator"), fast=values.pop("fast"), model=values.pop("model"))
    return PerformanceOptions(
        emotion=values.pop("emotion"),
        transcript=transcript_from(values.pop("transcript")),
        fps=values.pop("fps"),
        seed=values.pop("seed"),
        character=values.pop("character"),
        head=values.pop("head"),
        style=style,
        animator=animator,
        model=model,
    )


def animator_from(animator: str | None, *, fast: bool, model: Path | None) -> tuple[str, str | Path]:
    """Who animates, and with which network; naming a network asks for it."""
    from face_emote.verbs.animate import DEFAULT_ANIMATOR, DEFAULT_MODEL

    if fast and model is not None:
        raise OptionError("--fast and --model name two networks; give one of them")
    if animator == "rules" and (fast or model is not None):
        raise OptionError("The rules need no network; leave out --fast and --model, or --animator rules")
    named = "fast" if fast else model
    return animator or (DEFAULT_ANIMATOR if named is None else "net"), named or DEFAULT_MODEL


def transcript_from(value: str | None) -> str | Path | None:
    """A path when it ends like a transcript file, else the words themselves."""
    if value is None or not value.lower().endswith(TRANSCRIPT_SUFFIXES) or len(value.splitlines()) > 1:
        return value
    path = Path(value)
    if not path.is_file():
        raise OptionError(f"There is no such transcript file; check its name: {path}")
    return path


def size_from(value: str) -> int | tuple[int, int]:
    """`512` or `1280x720` in pixels."""
    width, _, height = value.lower().partition("x")
    if not width.isdecimal() or (height and not height.isdecimal()) or value.lower().endswith("x"):
        raise OptionError(f"--size takes pixels such as 512 or 1280x720, got '{value}'")
    return (int(width), int(height)) if height else int(width)


class SectionedCommand(click.Command):
    """A command whose --help groups the options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section after the other; what is in none comes first."""
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], **{title: [] for title in SECTIONS}}
        for option in self.get_params(ctx):
            row = option.get_help_record(ctx)
            if row is not None and isinstance(option, click.Option):
                home = next((title for title, names in SECTIONS.items() if option.name in names), "Options")
                rows[home].append(row)
        for title, lines in rows.items():
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)
