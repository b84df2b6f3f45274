"""`face-emote export`: motion file to other formats."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, head_option, output_option
from face_emote.cli.progress import progress_shown

HELP = """\
Write a motion file as something else.

\b
OUT ends in
  .glb       glTF: ARKit-52 and other shapes by name, joints, one animation; wrinkles and blood
             flow as curves named skin_wrinkle_* and skin_blood_*
  .npz       a checked copy
  nothing    a folder of .obj files, one a frame

\b
Examples:
  face-emote export line.npz -o line.glb
  face-emote export line.npz -o line_obj
"""


@click.command("export", help=HELP, short_help="Convert a motion file for engines and other programs.")
@click.argument("motion", metavar="MOTION.npz", type=PathType)
@output_option("Its ending says what to write; see above.")
@head_option
def command(motion: Path, output: Path, head: Path | None) -> None:
    """Write a motion file as something else."""
    from face_emote.cli.performing import told
    from face_emote.convert import export, require_format
    from face_emote.core.output import require_writable
    from face_emote.face.bundled import load_head
    from face_emote.motion.motion_file import MotionReader

    require_format(output)
    require_writable(output, folder=output.suffix == "")
    with MotionReader(motion) as reader, progress_shown() as progress:
        export(reader, output, head=load_head(head), progress=progress)
        click.echo(told(output, num_frames=reader.num_frames, fps=reader.fps))
