"""`face-emote export`: motion file or capture to other formats."""

from pathlib import Path
from typing import Any

import click

from face_emote.cli import options
from face_emote.cli.progress import progress_shown

HELP = """\
Write a motion file, or a face capture (Live Link Face .csv, ARKit .json or .csv, .npz of coefficients as AMASS, EMOTE
and BEAT2 have them), as something else.

\b
OUT ends in
  .glb       glTF: ARKit-52 and other shapes by name, joints, one animation; wrinkles and blood
             flow in its extras, or with --skin-curves as shapes skin_wrinkle_* and skin_blood_*
  .gltf      the same as text, with OUT.bin and pictures beside it
  .usda .usdc .usdz
             USD: text, binary, or a package with pictures; needs pip install 'face-emote[usd]'
  .abc       Alembic: every vertex of every frame; needs pip install 'face-emote[blender]'
  .fbx       shapes, bones, one animation; needs pip install 'face-emote[blender]'
  .csv       Live Link Face recording, for Unreal and MetaHumans
  .json      ARKit-52 weights and the angles of head and eyes
  cues.json .TextGrid
             words and sounds of the mouth, to correct them (animate --cues)
  .a2f.json  weights as Audio2Face writes them
  .vrm .vrma the character as a VRM 1.0 avatar; the performance for any VRM
  .bvh       skeleton: turns of head, jaw and eyes
  .pc2 .mdd  point cache: every vertex of every frame
  .ply .obj  a folder of that name with a file a frame; with --frame one file
  .npz       a motion file
  nothing    a folder of .obj files, one a frame

\b
Examples:
  face-emote export line.npz -o line.glb
  face-emote export line.npz -o line_obj --up z --unit cm
  face-emote export line.npz -o line.csv --fps 60
  face-emote export line.npz -o line.glb --lod 1 --parts skin,eyes,teeth
  face-emote export line.npz -o smile.glb --frame 1.5
  face-emote export line.npz -o bald.glb --hair none
  face-emote export line.npz --from 0.5s --to 00:02 --speech line.wav -o part.usdz
  face-emote export line.npz -o line.csv --rig metahuman
  face-emote export line.npz -o line.tsv --rig rhubarb
  face-emote export line.npz -o line.vrma
  face-emote export line.npz -o me.glb --avatar talkinghead
  face-emote export line.npz -o flame.npz --rig generic_model.pkl
  face-emote export --list
"""


OPTIONS = ("up", "unit", "lod", "parts", "blush", "hair", "frame", "skin_curves", "compress", "dense", "avatar")


def _show_list(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Say of every format what it keeps and loses, and end."""
    if not wanted:
        return
    from face_emote.formats.catalogue import FORMATS
    from face_emote.rigs.rig_file import load_rig, rig_names

    for suffix, item in FORMATS.items():
        click.echo(f"{suffix or '(no suffix)'}: {item.title}")
        click.echo(f"  keeps {item.keeps}")
        click.echo(f"  loses {item.loses}")
        if item.takes:
            click.echo("  takes " + " ".join(f"--{name.replace('_', '-')}" for name in OPTIONS if name in item.takes))
    click.echo("")
    for name in rig_names():
        rig = load_rig(name)
        kinds = ".tsv .json" if rig.cues else ".csv .json .npz"
        click.echo(f"--rig {name}: {rig.title}; {len(rig.targets or rig.cues)} targets; {kinds}")
    click.echo("cues.json, .TextGrid: words and sounds of the mouth; for animate --cues, and for Praat")
    click.echo("--rig amass: coefficients of the bundled head as arrays; .npz")
    click.echo("--rig MODEL.pkl or MODEL.npz: coefficients of your FLAME or SMPL-X file; .npz")
    click.echo("--rig FILE.toml, .json or .txt: your own targets; .csv .json .npz")
    context.exit()


@click.command("export", help=HELP, short_help="Convert a motion file for engines and other programs.")
@click.argument("motion", metavar="MOTION", type=options.PathType)
@options.output_option("Its ending says what to write; see above.")
@options.fps_option
@click.option("--up", metavar="AXIS", default="y", show_default=True, help="y or z; for .pc2, .mdd, .ply and .obj.")
@click.option("--unit", metavar="UNIT", default="m", show_default=True, help="m or cm; for the same.")
@click.option(
    "--lod",
    metavar="LEVEL",
    type=int,
    default=0,
    show_default=True,
    help="Mesh: 0 the head's own, 1 or 2 subdivided smoothly once or twice.",
)
@click.option(
    "--parts",
    metavar="NAMES",
    default="",
    help="Mesh: only these parts, each an object of its own: skin, lips, eye_left, eye_right, eyes, teeth, "
    "mouth, tongue, or all.",
)
@click.option("--blush", is_flag=True, help="Mesh: blood flow as vertex colours too; for .glb, USD, .ply and .obj.")
@click.option(
    "--hair",
    metavar="WAY",
    default="cards",
    show_default=True,
    help="cards (strips with a picture), strands (a ribbon each) or none; for .glb, USD and .fbx.",
)
@click.option(
    "--frame",
    metavar="SECONDS",
    type=options.FRAME,
    is_flag=False,
    flag_value=0.0,
    help="Only this instant (alone: the first frame), as a plain mesh; for .glb, USD, .ply and .obj.",
)
@click.option("--skin-curves", is_flag=True, help="Wrinkles and blood as shapes that move nothing; for .glb and .fbx.")
@click.option("--compress", is_flag=True, help="A .glb of half the size, for programs that know meshopt and WebP.")
@click.option("--dense", is_flag=True, help="Shapes of a .glb in full, for programs that read no sparse ones (Godot).")
@click.option("--avatar", metavar="KIND", default="", help="A .glb with the names that talkinghead looks up.")
@click.option(
    "--rig",
    metavar="NAME|FILE",
    help="Curves of another face instead: a name that --list shows, your own mapping, a FLAME or SMPL-X file.",
)
@options.excerpt_options
@click.option(
    "--speech",
    metavar="FILE",
    type=options.PathType,
    help="The recording, whose sound goes along: inside a .usdz, else beside OUT as .wav.",
)
@options.head_option
@click.option(
    "--flame",
    metavar="FILE",
    type=options.PathType,
    help="The FLAME or SMPL-X file that the coefficients in MOTION belong to.",
)
@options.provenance_options
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_show_list,
              help="Show what each format keeps and loses.")  # fmt: skip
def command(
    *, motion: Path, output: Path, fps: float | None, rig: str | None, head: Path | None, flame: Path | None,
    parts: str, speech: Path | None, **mesh: Any,
) -> None:  # fmt: skip
    """Write a motion as something else."""
    from face_emote.cli.performing import require_other_file, summary
    from face_emote.core.output import require_writable
    from face_emote.face.bundled import load_head
    from face_emote.formats.mesh.options import MeshOptions
    from face_emote.formats.mesh.surface import parts_named
    from face_emote.formats.motion_file import opened_motion
    from face_emote.verbs.export import export, require_export, require_place

    provenance, part = options.provenance_from(mesh), options.excerpt_from(mesh)
    mesh["parts"] = parts_named(parts)
    require_export(output, MeshOptions(**mesh), rig=rig)
    if rig is not None:
        require_writable(output)
    else:
        require_place(output, one_file=mesh["frame"] is not None)
    require_other_file(output, motion)
    with opened_motion(motion, model=flame, fps=fps) as shown:
        with progress_shown() as progress:
            export(
                shown, output, head=load_head(head), rig=rig, start=part.start, end=part.end, speech=speech,
                provenance=provenance, progress=progress, **mesh,
            )  # fmt: skip
        first, stop = part.frames(shown.num_frames, fps=shown.fps)
        click.echo(summary(output, num_frames=1 if mesh["frame"] is not None else stop - first, fps=shown.fps))
    _report_fit(rig, head)


def _report_fit(rig: str | None, head: Path | None) -> None:
    """How well a model's coefficients fit."""
    from face_emote.face.bundled import load_head
    from face_emote.rigs.retarget import flame_map, is_model_file, model_map

    if rig is not None and is_model_file(rig):
        click.echo(model_map(rig).report())
    elif head is not None and not load_head(head).is_semantic:
        click.echo(flame_map(load_head(head)).report())
