"""`face-emote capture`: a filmed face to motion, mesh or video."""

from pathlib import Path
from typing import Any

import click

from face_emote.cli import options
from face_emote.cli.progress import progress_shown
from face_emote.core.fields import built, options_of
from face_emote.core.options import Filming, Picture
from face_emote.face.person_file import Person
from face_emote.provenance.credential import Provenance

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
  face-emote capture --enrol rest.mp4 --character-out jane.character --consent "Jane Doe, own face, 2026-03-01"
  face-emote capture take.mp4 --person jane.character -o take.npz
"""


@click.command("capture", help=HELP, short_help="Read a filmed face as a motion.")
@click.argument("video", metavar="VIDEO", type=options.PathType, required=False)
@options.output_option("Its ending says what to write; see above.", required=False)
@options.options_for(FILMING_OPTIONS)
@click.option(
    "--enrol",
    metavar="CLIP",
    type=options.PathType,
    help="A second or two of the same person at rest, turning a little: whose face it is, is solved from it first.",
)
@click.option(
    "--character-out",
    metavar="FILE",
    type=options.PathType,
    help="Keep who was enrolled as a .character file, for --person and --character; needs --consent.",
)
@click.option(
    "--report",
    metavar="FILE",
    type=options.PathType,
    help="Film beside head, curves, and what was not sure: .html or .png.",
)
@options.provenance_options
@click.pass_context
def command(
    context: click.Context, /, *, video: Path | None, output: Path | None, report: Path | None, enrol: Path | None,
    character_out: Path | None, **values: Any,
) -> None:  # fmt: skip
    """Read the face in VIDEO as a motion and write it to OUT."""
    from face_emote.core.errors import OptionError

    consent, filming = values["consent"], built(Filming, {item.name: values.pop(item.name) for item in FILMING_OPTIONS})
    if enrol is not None and filming.person is not None:
        raise OptionError("--enrol and --person both say who is filmed; give one of them")
    if character_out is not None and enrol is None:
        raise OptionError("--character-out keeps who is enrolled; name the clip of that person at rest with --enrol")
    provenance = options.provenance_from(values)
    if video is not None or output is not None or character_out is None:
        options.require_given(context, video=video, output=output)
    if video is not None and output is not None:
        _require_places(video, output, report)
    known = None if enrol is None else _enrolled(enrol, filming, character_out=character_out, consent=consent)
    if video is not None and output is not None:
        _capture(video, output, filming=filming, person=known, report=report, provenance=provenance)


def _require_places(video: Path, output: Path, report: Path | None) -> None:
    """Before any work: everything can be written where it is wanted."""
    from face_emote.cli.performing import require_output
    from face_emote.core.errors import OptionError
    from face_emote.verbs.capture import require_report

    require_output(output, source=video, picture=Picture(), head=None)
    if report is not None:
        require_report(report)
        if report.absolute() == output.absolute():
            raise OptionError(f"The report would replace the motion; give another name: {report}")


def _enrolled(clip: Path, filming: Filming, *, character_out: Path | None, consent: str) -> Person:
    """Who is at rest in the clip; kept, where that is asked for."""
    from face_emote.verbs.enrol import enrol, keep_person, require_keepable

    if character_out is not None:
        require_keepable(character_out, consent)
    with progress_shown() as progress:
        person = enrol(clip, face=filming.face, focal=filming.focal, progress=progress)
    if character_out is not None:
        keep_person(person, character_out, consent=consent)
        click.echo(f"{character_out}: for --person, and for --character where somebody is to play")
    return person


def _capture(
    video: Path, output: Path, *, filming: Filming, person: Person | None, report: Path | None,
    provenance: Provenance | None,
) -> None:  # fmt: skip
    from face_emote.cli.performing import write_result
    from face_emote.face.bundled import load_head
    from face_emote.verbs.capture import read_film, write_report

    with progress_shown() as progress:
        captured = read_film(video, filming, person=person, progress=progress)
        line = write_result(
            captured.motion, output, picture=Picture(), speech=video if captured.motion.info.speech_secs else None,
            head=load_head(), provenance=provenance, progress=progress,
        )  # fmt: skip
        if report is not None:
            write_report(video, captured, report, progress=progress)
    for remark in captured.remarks:
        click.echo(f"face-emote: {remark}", err=True)
    click.echo(line)
