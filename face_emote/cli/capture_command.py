"""`face-emote capture`: a filmed face to motion, mesh or video."""

from pathlib import Path
from typing import Any

import click

from face_emote.cli.options import (
    PathType,
    options_for,
    output_option,
    provenance_from,
    provenance_options,
)
from face_emote.cli.progress import progress_shown
from face_emote.core.fields import built, options_of
from face_emote.core.options import Filming, Picture

FILMING_OPTIONS = options_of(Filming)
HELP = """\
Read the face in VIDEO as a performance: lips, brows, gaze, head, wrinkles and blood flow, to play on any head.

OUT ends in .npz, .glb, .csv, .mp4 .. as that of `animate` does; .npz is the motion file, to edit and to keep. It says
of every frame how surely the upper and the lower half of the face were seen. Needs pip install 'face-emote[capture]'.

\b
Examples:
  face-emote capture take.mp4 -o take.npz --report take.html
  face-emote capture take.mov --neutral 0.4 --focal 28 --lips both -o take.glb
  face-emote animate --from take.npz -e "calm anger" -o angry.mp4
"""


@click.command("capture", help=HELP, short_help="Read a filmed face as a motion.")
@click.argument("video", metavar="VIDEO", type=PathType)
@output_option("Its ending says what to write; see above.")
@options_for(FILMING_OPTIONS)
@click.option(
    "--report", metavar="FILE", type=PathType, help="Film beside head, curves, and what was not sure: .html or .png."
)
@provenance_options
def command(*, video: Path, output: Path, report: Path | None, **values: Any) -> None:
    """Read the face in VIDEO as a motion and write it to OUT."""
    from face_emote.cli.performing import require_output, write_result
    from face_emote.core.errors import OptionError
    from face_emote.face.bundled import load_head
    from face_emote.verbs.capture import read_film, require_report, write_report

    provenance = provenance_from(values)
    filming = built(Filming, {item.name: values.pop(item.name) for item in FILMING_OPTIONS})
    picture = Picture()
    require_output(output, source=video, picture=picture, head=None)
    if report is not None:
        require_report(report)
        if report.absolute() == output.absolute():
            raise OptionError(f"The report would replace the motion; give another name: {report}")
    with progress_shown() as progress:
        captured = read_film(video, filming, progress=progress)
        line = write_result(
            captured.motion, output, picture=picture, speech=video if captured.motion.info.speech_secs else None,
            head=load_head(), provenance=provenance, progress=progress,
        )  # fmt: skip
        if report is not None:
            write_report(video, captured, report, progress=progress)
    for remark in captured.remarks:
        click.echo(f"face-emote: {remark}", err=True)
    click.echo(line)
