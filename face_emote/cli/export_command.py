"""`face-emote export`: motion file or capture to other formats."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, head_option, output_option
from face_emote.cli.progress import progress_shown

HELP = """\
Write a motion file, or a face capture (Live Link Face .csv, ARKit .json), as something else.

\b
OUT ends in
  .glb       glTF: ARKit-52 and other shapes by name, joints, one animation; wrinkles and blood
             flow as curves named skin_wrinkle_* and skin_blood_*
  .usda .usdc
             USD, text or binary; needs pip install 'face-emote[usd]'
  .csv       Live Link Face recording, for Unreal and MetaHumans
  .json      ARKit-52 weights and the angles of head and eyes
  .bvh       skeleton: turns of head, jaw and eyes
  .pc2 .mdd  point cache: every vertex of every frame
  .ply       a folder of that name with a .ply a frame
  .npz       a motion file
  nothing    a folder of .obj files, one a frame

\b
Examples:
  face-emote export line.npz -o line.glb
  face-emote export line.npz -o line_obj --up z --unit cm
  face-emote export line.npz -o line.csv --fps 60
  face-emote export --list
"""


def _show_list(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Tell of every format what it keeps and loses, and end."""
    if not wanted:
        return
    from face_emote.exporting.formats import FORMATS

    for suffix, item in FORMATS.items():
        click.echo(f"{suffix or '(no suffix)'}: {item.title}")
        click.echo(f"  keeps {item.keeps}")
        click.echo(f"  loses {item.loses}")
        if item.takes_space:
            click.echo("  takes --up and --unit")
    context.exit()


@click.command("export", help=HELP, short_help="Convert a motion file for engines and other programs.")
@click.argument("motion", metavar="MOTION", type=PathType)
@output_option("Its ending says what to write; see above.")
@click.option("--up", metavar="AXIS", default="y", show_default=True, help="y or z; for .pc2, .mdd, .ply and .obj.")
@click.option("--unit", metavar="UNIT", default="m", show_default=True, help="m or cm; for the same.")
@click.option("--fps", metavar="RATE", type=float, help="Another frame rate than the motion's.")
@head_option
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_show_list,
              help="Tell what each format keeps and loses.")  # fmt: skip
def command(motion: Path, output: Path, up: str, unit: str, fps: float | None, head: Path | None) -> None:
    """Write a motion as something else."""
    from face_emote.cli.performing import require_other_file, told
    from face_emote.convert import export, require_place, require_space
    from face_emote.core.timing import require_fps
    from face_emote.core.types import MotionSource
    from face_emote.exporting.mesh_space import MeshSpace
    from face_emote.exporting.resampled import ResampledMotion
    from face_emote.face.bundled import load_head
    from face_emote.motion.imports.capture import CAPTURE_SUFFIXES, read_capture
    from face_emote.motion.motion_file import MotionReader

    require_space(output, MeshSpace(up=up, unit=unit))
    require_place(output)
    require_other_file(output, motion)
    if fps is not None:
        require_fps(fps)

    def write(source: MotionSource) -> None:
        shown = source if fps is None else ResampledMotion(source, fps=fps)
        with progress_shown() as progress:
            export(shown, output, head=load_head(head), up=up, unit=unit, progress=progress)
        click.echo(told(output, num_frames=shown.num_frames, fps=shown.fps))

    if motion.suffix.lower() not in CAPTURE_SUFFIXES:
        with MotionReader(motion) as reader:
            write(reader)
        return
    capture = read_capture(motion)
    write(capture.motion)
    if capture.unmatched:
        click.echo(f"left out, no such shape: {', '.join(capture.unmatched)}", err=True)
    if capture.missing:
        click.echo(f"not in the capture, left at 0: {', '.join(capture.missing)}", err=True)
