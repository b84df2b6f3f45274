"""`face-emote demo`: the first thing that a newcomer runs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from face_emote.cli.options import PathType, option_named, options_for
from face_emote.cli.progress import progress_shown
from face_emote.core.options import facing, performance_from, picture_from

SHEET_TILE = 320
HELP = """\
Perform a sentence of Jane Austen's that comes with face_emote, and write every kind of result to DIR.

\b
  demo.mp4    the video                 demo.glb    the talking head, for engines and Blender
  demo_sheet.png  twelve frames       demo.npz    the motion, for render, export and numpy

\b
Examples:
  face-emote demo
  face-emote demo -e "anger hidden under a smile" -c maya -o anger
"""


@click.command("demo", help=HELP, short_help="Perform a bundled recording: video, mesh, motion, contact sheet.")
@click.option(
    "-o", "--output", metavar="DIR", type=PathType, default="face_emote_demo", show_default=True, help="Folder."
)
@options_for([replace(option_named("emotion"), default="joy tinged with guilt", help="What is felt.")])
@options_for([option_named(name) for name in ("character", "size", "hair")])
def command(output: Path, **values: Any) -> None:
    """Perform a sentence of Jane Austen's that comes with face_emote, and write every kind of result to DIR."""
    from face_emote.audio.examples import example_speech
    from face_emote.cli.performing import require_video, summary
    from face_emote.core.output import require_writable
    from face_emote.formats.motion_file import read_motion, write_motion
    from face_emote.verbs.animate import perform
    from face_emote.verbs.export import export
    from face_emote.verbs.render import write_sheet, write_video

    speech = example_speech()[0]
    picture = picture_from(values)
    performance = performance_from({**values, "transcript": speech.transcript}, speech=speech.path)
    performance = facing(performance, picture)
    require_writable(output, folder=True)
    require_video(output / "demo.mp4", picture)
    output.mkdir(exist_ok=True)
    with progress_shown() as progress:
        motion = read_motion(write_motion(perform(performance, progress=progress).motion, output / "demo.npz"))
        export(motion, output / "demo.glb", progress=progress)
        tile = replace(picture, size=SHEET_TILE)
        write_sheet(motion, output / "demo_sheet.png", picture=tile, progress=progress)
        write_video(motion, output / "demo.mp4", picture=picture, speech=speech.path, progress=progress)
    click.echo(summary(output / "demo.mp4", num_frames=motion.num_frames, fps=motion.fps))
    click.echo(
        'Also there: demo_sheet.png, demo.glb, demo.npz. Next: face-emote animate YOUR.wav -e "calm anger" -o your.mp4'
    )
