"""`face-emote demo`: the first thing that a newcomer runs."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, PerformanceOptions, hair_option
from face_emote.cli.progress import progress_shown
from face_emote.core.names import DEFAULT_FPS
from face_emote.core.types import PerformanceStyle

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
@click.option(
    "-e", "--emotion", metavar="WORDS", default="joy tinged with guilt", show_default=True, help="What is felt."
)
@click.option(
    "-c",
    "--character",
    metavar="NAME",
    default="default",
    show_default=True,
    help="Who speaks; see `face-emote head list`.",
)
@click.option(
    "--size", metavar="PIXELS", type=int, default=512, show_default=True, help="Side of the picture in pixels."
)
@hair_option
def command(output: Path, emotion: str, character: str, size: int, hair: str | None) -> None:
    """Perform a sentence of Jane Austen's that comes with face_emote, and write every kind of result to DIR."""
    from face_emote.audio.examples import example_speech
    from face_emote.cli.performing import require_video, told, write_performance
    from face_emote.core.output import require_writable
    from face_emote.formats.motion_file import read_motion
    from face_emote.verbs.animate import DEFAULT_ANIMATOR, DEFAULT_MODEL
    from face_emote.verbs.export import export
    from face_emote.verbs.render import contact_sheet, render

    require_writable(output, folder=True)
    require_video(output / "demo.mp4", codec=None, size=size, camera="portrait", light="studio")
    output.mkdir(exist_ok=True)
    speech = example_speech()[0]
    options = PerformanceOptions(
        emotion=emotion,
        transcript=speech.transcript,
        fps=DEFAULT_FPS,
        seed=0,
        character=character,
        head=None,
        style=PerformanceStyle(),
        animator=DEFAULT_ANIMATOR,
        model=DEFAULT_MODEL,
    )
    with progress_shown() as progress:
        write_performance(speech.path, output / "demo.npz", options=options, progress=progress)
        motion = read_motion(output / "demo.npz")
        export(motion, output / "demo.glb", progress=progress)
        contact_sheet(motion, output / "demo_sheet.png", hair=hair, progress=progress)
        render(motion, output / "demo.mp4", speech=speech.path, size=size, hair=hair, progress=progress)
    click.echo(told(output / "demo.mp4", num_frames=motion.num_frames, fps=motion.fps))
    click.echo(
        'Also there: demo_sheet.png, demo.glb, demo.npz. Next: face-emote animate YOUR.wav -e "calm anger" -o your.mp4'
    )
