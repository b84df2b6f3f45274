"""`face-emote animate`: speech to motion, mesh or video."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from face_emote.cli.options import (
    SLIDERS,
    PathType,
    PerformanceOptions,
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

HELP = """\
Perform SPEECH with an emotion and write it to OUT.

SPEECH is a recording (wav, flac, mp3, ogg, m4a, ..) or a video whose sound is taken.

\b
OUT ends in
  .npz          motion file: for Blender, for `render` and `export`, for numpy
  .glb          talking head for engines: ARKit shapes, joints, curves
  .mp4 .webm    video with the sound (also .mov, .mkv)
  nothing       a folder of .obj files, one a frame

With --from FILE a recorded face (Live Link Face .csv, ARKit .json, motion file, .npz of coefficients) keeps its lips
and expression and gets the emotion, wrinkles and blood flow on top; SPEECH is then its sound, if there is one.

With --stream there is no SPEECH: raw sound (16-bit, mono) comes in on stdin as it is spoken, and every frame goes out
on stdout as a line of JSON, 80 or 160 ms later; or into the folder OUT as motion files of a second each.

\b
Examples:
  face-emote animate line.wav -o line.mp4
  face-emote animate line.wav -e "joy tinged with guilt" -t line.txt -o line.glb
  face-emote animate line.wav -e "0s calm; 1.5s fear:0.8; 3s relief" --fps 24 -o line.npz
  face-emote animate line.wav -e "restrained despair" --head-motion 0.5 --seed 3 -o take3.mp4
  face-emote animate --from take.csv -e "calm anger" -o take.glb
  arecord -q -f S16_LE -r 16000 -t raw | face-emote animate --stream -e "calm joy" | your-engine
"""

STREAMED = (
    "stream", "stream_rate", "latency", "output", "speech", "emotion", "character", "seed", "fps", "head", "animator",
    "fast", "model", "asymmetry", "blood", *(name.replace("-", "_") for name, _ in SLIDERS),
)  # fmt: skip
"""Options that make sense live."""


@click.command(
    "animate", cls=SectionedCommand, help=HELP, short_help="Perform a recording: motion file, mesh or video."
)
@click.argument("speech", metavar="SPEECH", type=PathType, required=False)
@output_option("Its ending says what to write; see above.", required=False)
@performance_options
@click.option(
    "--from",
    "capture",
    metavar="FILE",
    type=PathType,
    help="A recorded face that keeps its lips and expression.",
)
@click.option(
    "--flame",
    metavar="FILE",
    type=PathType,
    help="The FLAME or SMPL-X file that the coefficients in --from belong to.",
)
@click.option(
    "--stream",
    is_flag=True,
    help="Perform what comes in on stdin while it comes in; 50 frames a second unless --fps is given.",
)
@click.option(
    "--stream-rate",
    metavar="HERTZ",
    type=int,
    default=16_000,
    show_default=True,
    help="Samples a second on stdin; other rates than 16000 wait 0.13 s longer.",
)
@click.option(
    "--latency",
    type=click.Choice(("80", "160")),
    default="160",
    show_default=True,
    help="Milliseconds between a sound and its frame; 160 closes the lips better.",
)
@picture_options
@provenance_options()
@click.pass_context
def command(
    context: click.Context,
    speech: Path | None,
    output: Path | None,
    stream: bool,
    stream_rate: int,
    latency: str,
    capture: Path | None,
    flame: Path | None,
    **values: Any,
) -> None:
    """Perform SPEECH with an emotion and write it to OUT."""
    options, size = performance_from(values), size_from(values.pop("size"))
    if stream:
        _perform_live(context, options, output=output, rate_hz=stream_rate, latency_ms=int(latency))
        return
    if capture is not None and output is not None:
        from face_emote.cli.capturing import perform_capture

        perform_capture(context, capture, output, speech=speech, flame=flame, options=options, size=size, values=values)
        return
    if flame is not None:
        raise OptionError("--flame tells what the coefficients of --from FILE mean; give both")
    for name, value in (("speech", speech), ("output", output)):
        if value is None:
            raise click.MissingParameter(ctx=context, param=_parameter(context, name))
    if speech is not None and output is not None:
        _perform(speech, output, options=options, size=size, values=values)


def _parameter(context: click.Context, name: str) -> click.Parameter:
    return next(item for item in context.command.params if item.name == name)


def _perform_live(
    context: click.Context, options: PerformanceOptions, *, output: Path | None, rate_hz: int, latency_ms: int
) -> None:
    from face_emote.cli.streaming import stream_performance
    from face_emote.motion.live import LIVE_FPS

    given = [
        name for name in context.params if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    ]  # fmt: skip
    if "speech" in given and context.params["speech"] is not None:
        raise OptionError("--stream hears what comes in on stdin; leave out SPEECH, or --stream")
    unfit = next((name for name in given if name not in STREAMED), None)
    if unfit is not None:
        raise OptionError(f"--{unfit.replace('_', '-')} cannot be used with --stream; animate a recording instead")
    if options.animator == "rules" and "animator" in given:
        raise OptionError("The rules have to hear a recording to its end; leave out --animator rules, or --stream")
    fps = options.fps if "fps" in given else LIVE_FPS
    stream_performance(options, output=output, fps=fps, rate_hz=rate_hz, latency_ms=latency_ms)


def _perform(
    speech: Path, output: Path, *, options: PerformanceOptions, size: int | tuple[int, int], values: dict[str, Any]
) -> None:
    from face_emote.cli.performing import VIDEOS, performance, require_output, require_video, told, write_performance
    from face_emote.face.bundled import load_head
    from face_emote.formats.motion_file import open_motion
    from face_emote.rendering.engines import require_engine
    from face_emote.verbs.export import export
    from face_emote.verbs.render import render

    require_output(output, speech=speech)
    provenance = provenance_from(values)
    if output.suffix.lower() in VIDEOS:
        require_video(
            output, size=size, **{name: values[name] for name in ("codec", "camera", "light", "dof", "engine")}
        )
        require_engine(values["engine"], samples=values["samples"])
    with progress_shown() as progress:
        if output.suffix.lower() == ".npz":
            write_performance(speech, output, options=options, progress=progress)
            with open_motion(output) as written:
                click.echo(told(output, num_frames=written.num_frames, fps=written.fps))
            return
        with performance(speech, beside=output, options=options, progress=progress) as motion:
            head = load_head(options.head)
            if output.suffix.lower() in VIDEOS:
                render(
                    motion,
                    output,
                    speech=speech,
                    head=head,
                    size=size,
                    provenance=provenance,
                    progress=progress,
                    **values,
                )
            else:
                export(motion, output, head=head, provenance=provenance, progress=progress)
            click.echo(told(output, num_frames=motion.num_frames, fps=motion.fps))
