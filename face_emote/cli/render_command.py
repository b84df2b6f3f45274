"""`face-emote render`: speech or motion to video."""

from pathlib import Path
from typing import Any

import click

from face_emote.cli import options
from face_emote.cli.progress import progress_shown
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionSource
from face_emote.core.options import PERFORMANCE_OPTIONS, Picture, facing
from face_emote.core.types import Progress, Speech
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.provenance.credential import Provenance

HELP = """\
Draw SPEECH, a motion file or a face capture as a video; or as a sheet of twelve frames, when OUT ends in .png, or, with
--frame, as one picture.

\b
Examples:
  face-emote render line.wav -o line.mp4
  face-emote render line.npz -o line.mp4 --size 1024 --camera close
  face-emote render line.npz --speech line.wav --codec vp9 -o line.webm
  face-emote render line.wav --from 0.5s --to 00:02 -o part.mp4
  face-emote render line.npz --light warm --skin maya --size 320 -o sheet.png
  face-emote render line.npz --engine cycles --frame 1.2 --size 1024 -o still.png

A motion is drawn as it is, at its own frame rate or at --fps; options that shape the performance are for speech only.
"""


@click.command(
    "render", cls=options.SectionedCommand, help=HELP, short_help="Draw a recording or a motion file as a video."
)
@click.argument("source", metavar="SPEECH|MOTION.npz", type=options.PathType)
@options.output_option("Video: .mp4, .webm, .mov or .mkv. Contact sheet, or one picture: .png.")
@click.option(
    "--frame", metavar="SECONDS", type=options.FRAME, help="Only the picture at this instant; OUT ends in .png."
)
@click.option(
    "--speech",
    type=options.PathType,
    help="Sound for a motion file. [default: the recording it was made from, if that lies beside it]",
)
@options.excerpt_options
@options.picture_options
@options.performance_options
@options.provenance_options
@click.pass_context
def command(context: click.Context, /, *, source: Path, output: Path, speech: Path | None, frame: float | None,
            **values: Any) -> None:  # fmt: skip
    """Draw SPEECH, or a motion file, as a video."""
    from face_emote.cli.performing import performed, require_other_file, require_video, sound_of
    from face_emote.core.output import require_writable
    from face_emote.formats.captures import is_capture
    from face_emote.formats.motion_file import opened_motion
    from face_emote.verbs.animate import perform
    from face_emote.verbs.excerpt import excerpted
    from face_emote.verbs.render import require_picture

    picture, part = options.picture_from(values), options.excerpt_from(values)
    performance = facing(options.performance_from(values, speech=source), picture)
    provenance = options.provenance_from(values)
    if output.suffix.lower() == ".png":
        _require_still(picture, output, frame=frame)
        require_picture(picture, head=performance.head)
    elif frame is not None:
        raise OptionError(f"--frame draws one picture; end the output in .png: {output}")
    else:
        require_video(output, picture, head=performance.head)
    require_writable(output)
    require_other_file(output, source)
    is_motion = source.suffix.lower() == ".npz" or is_capture(source)
    fps = performance.fps if "fps" in options.options_given(context) else None
    if is_motion:
        _require_no_performance(context)
    with progress_shown() as progress:
        opened = (
            opened_motion(source, fps=fps)
            if is_motion
            else performed(perform(performance, progress=progress), beside=output)
        )
        with opened as motion:
            sound = speech or (sound_of(source, motion.info) if is_motion else source)
            head = load_head(performance.head)
            with excerpted(motion, sound, part) as (shown, heard):
                click.echo(
                    _drawn(shown, output, picture=picture, frame=frame, sound=heard, head=head, provenance=provenance,
                           progress=progress)
                )  # fmt: skip


def _drawn(
    motion: MotionSource, output: Path, *, picture: Picture, frame: float | None, sound: Speech | Path | None,
    head: Head,
    provenance: Provenance | None, progress: Progress | None,
) -> str:  # fmt: skip
    """Write the still, sheet or video; returns the line that says so."""
    from face_emote.cli.performing import write_result
    from face_emote.verbs.render import write_sheet, write_still

    if frame is not None:
        write_still(motion, output, picture=picture, time_secs=frame, head=head, progress=progress)
        return f"{output}: the picture at {frame:g} s"
    if output.suffix.lower() == ".png":
        write_sheet(motion, output, picture=picture, head=head, progress=progress)
        return f"{output}: twelve of {motion.num_frames} frames"
    line = write_result(
        motion, output, picture=picture, speech=sound, head=head, provenance=provenance, progress=progress
    )
    return line if sound else f"{line}; without sound, as no --speech was given"


def _require_still(picture: Picture, output: Path, *, frame: float | None) -> None:
    from face_emote.verbs.render import require_square

    if frame is None:
        require_square(picture)
    if picture.label:
        raise OptionError(f"--label is drawn into videos; leave it out for a picture: {output}")


def _require_no_performance(context: click.Context) -> None:
    names = {item.name for item in PERFORMANCE_OPTIONS} - {"head", "fps"}
    given = next((name for name in options.options_given(context) if name in names), None)
    if given is not None:
        raise OptionError(
            f"A motion file is performed already, {options.flag(given)} cannot change it; use animate on the speech"
        )
