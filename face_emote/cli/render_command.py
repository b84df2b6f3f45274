"""`face-emote render`: speech or motion to video."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from face_emote.cli.options import (
    PathType,
    SectionedCommand,
    output_option,
    performance_from,
    performance_options,
    picture_options,
    provenance_from,
    provenance_options,
    size_from,
)
from face_emote.cli.progress import progress_shown
from face_emote.core.errors import OptionError

MOTION_TOO = (
    "speech", "output", "head", "source", "size", "camera", "light", "skin", "hair", "dof", "codec", "engine",
    "samples", "frame", "consent", "label", "no_provenance",
)  # fmt: skip
"""Options that also make sense for a motion file."""


HELP = """\
Draw SPEECH, or a motion file, as a video; or as a sheet of twelve frames, when OUT ends in .png, or, with --frame,
as one picture.

\b
Examples:
  face-emote render line.wav -o line.mp4
  face-emote render line.npz -o line.mp4 --size 1024 --camera close
  face-emote render line.npz --speech line.wav --codec vp9 -o line.webm
  face-emote render line.npz --light warm --skin maya --size 320 -o sheet.png
  face-emote render line.npz --engine cycles --frame 1.2 --size 1024 -o still.png

A motion file is drawn as it is: options that shape the performance are for speech only.
"""


@click.command("render", cls=SectionedCommand, help=HELP, short_help="Draw a recording or a motion file as a video.")
@click.argument("source", metavar="SPEECH|MOTION.npz", type=PathType)
@output_option("Video: .mp4, .webm, .mov or .mkv. Contact sheet, or one picture: .png.")
@click.option("--frame", metavar="SECONDS", type=float, help="Only the picture at this instant; OUT ends in .png.")
@click.option(
    "--speech",
    type=PathType,
    help="Sound for a motion file. [default: the recording it was made from, if that lies beside it]",
)
@picture_options
@performance_options
@provenance_options()
@click.pass_context
def command(context: click.Context, source: Path, output: Path, speech: Path | None, frame: float | None,
            **values: Any) -> None:  # fmt: skip
    """Draw SPEECH, or a motion file, as a video."""
    from face_emote.cli.performing import performance, require_other_file, require_video, sound_of, told
    from face_emote.core.output import require_writable
    from face_emote.face.bundled import load_head
    from face_emote.formats.motion_file import open_motion
    from face_emote.rendering.engines import require_engine
    from face_emote.verbs.render import contact_sheet, render, still

    options, size = performance_from(values), size_from(values.pop("size"))
    provenance = provenance_from(values)
    is_picture = output.suffix.lower() == ".png"
    is_sheet = is_picture and frame is None
    tile = _tile_of(size) if is_sheet else 0
    if frame is not None and not is_picture:
        raise OptionError(f"--frame draws one picture; end the output in .png: {output}")
    if is_picture and values["label"]:
        raise OptionError(f"--label is drawn into videos; leave it out for a picture: {output}")
    require_engine(values["engine"], samples=values["samples"])
    if not is_picture:
        require_video(
            output, size=size, **{name: values[name] for name in ("codec", "camera", "light", "dof", "engine")}
        )
    require_writable(output)
    require_other_file(output, source)
    is_motion = source.suffix.lower() == ".npz"
    if is_motion:
        _require_no_performance_options(context)
    with progress_shown() as progress:
        opened = (
            open_motion(source) if is_motion else performance(source, beside=output, options=options, progress=progress)
        )
        with opened as motion:
            sound = speech or (sound_of(source, motion.info) if is_motion else source)
            head = load_head(options.head)
            look = {name: value for name, value in values.items() if name not in ("codec", "label")}
            if frame is not None:
                still(motion, output, time_secs=frame, size=size, head=head, progress=progress, **look)
                click.echo(f"{output}: the picture at {frame:g} s")
                return
            if is_sheet:
                contact_sheet(motion, output, size=tile, head=head, progress=progress, **look)
                click.echo(f"{output}: twelve of {motion.num_frames} frames")
                return
            render(
                motion, output, speech=sound, head=head, size=size, provenance=provenance, progress=progress, **values
            )
            told_sound = "" if sound else "; without sound, as no --speech was given"
            click.echo(told(output, num_frames=motion.num_frames, fps=motion.fps) + told_sound)


def _tile_of(size: int | tuple[int, int]) -> int:
    if not isinstance(size, int):
        raise OptionError(f"The pictures of a sheet are square; give --size one number, not {size[0]}x{size[1]}")
    return size


def _require_no_performance_options(context: click.Context) -> None:
    given = [
        name
        for name in context.params
        if name not in MOTION_TOO and context.get_parameter_source(name) is not ParameterSource.DEFAULT
    ]
    if given:
        option = "--" + given[0].replace("_", "-")
        raise OptionError(f"A motion file is performed already, {option} cannot change it; use animate on the speech")
