"""`face-emote animate`: speech to motion, mesh or video."""

from pathlib import Path
from typing import Any

import click

from face_emote.cli.options import (
    PathType,
    SectionedCommand,
    output_option,
    performance_from,
    performance_options,
    picture_options,
    size_from,
)
from face_emote.cli.progress import progress_shown

HELP = """\
Perform SPEECH with an emotion and write it to OUT.

SPEECH is a recording (wav, flac, mp3, ogg, m4a, ..) or a video whose sound is taken.

\b
OUT ends in
  .npz          motion file: for Blender, for `render` and `export`, for numpy
  .glb          talking head for engines: ARKit shapes, joints, curves
  .mp4 .webm    video with the sound (also .mov, .mkv)
  nothing       a folder of .obj files, one a frame

\b
Examples:
  face-emote animate line.wav -o line.mp4
  face-emote animate line.wav -e "joy tinged with guilt" -t line.txt -o line.glb
  face-emote animate line.wav -e "0s calm; 1.5s fear:0.8; 3s relief" --fps 24 -o line.npz
  face-emote animate line.wav -e "restrained despair" --head-motion 0.5 --seed 3 -o take3.mp4
"""


@click.command(
    "animate", cls=SectionedCommand, help=HELP, short_help="Perform a recording: motion file, mesh or video."
)
@click.argument("speech", type=PathType)
@output_option("Its ending says what to write; see above.")
@performance_options
@picture_options
def command(speech: Path, output: Path, **values: Any) -> None:
    """Perform SPEECH with an emotion and write it to OUT."""
    from face_emote.cli.performing import VIDEOS, performance, require_output, require_video, told, write_performance
    from face_emote.convert import export
    from face_emote.face.bundled import load_head
    from face_emote.motion.motion_file import MotionReader
    from face_emote.movie import render

    options, size = performance_from(values), size_from(values.pop("size"))
    require_output(output, speech=speech)
    if output.suffix.lower() in VIDEOS:
        require_video(output, size=size, **{name: values[name] for name in ("codec", "camera", "light")})
    with progress_shown() as progress:
        if output.suffix.lower() == ".npz":
            write_performance(speech, output, options=options, progress=progress)
            with MotionReader(output) as written:
                click.echo(told(output, num_frames=written.num_frames, fps=written.fps))
            return
        with performance(speech, beside=output, options=options, progress=progress) as motion:
            head = load_head(options.head)
            if output.suffix.lower() in VIDEOS:
                render(motion, output, speech=speech, head=head, size=size, progress=progress, **values)
            else:
                export(motion, output, head=head, progress=progress)
            click.echo(told(output, num_frames=motion.num_frames, fps=motion.fps))
