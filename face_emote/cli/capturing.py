"""`animate --from`: a recorded face, with an emotion on top."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from face_emote.cli.options import PerformanceOptions
from face_emote.cli.progress import progress_shown
from face_emote.core.errors import OptionError

UNHEEDED = (
    "transcript", "seed", "animator", "fast", "model", "lips", "jaw", "head_motion", "gaze", "blinks", "stream",
)  # fmt: skip
"""Options of a performance that a recorded one has no use for."""


def perform_capture(
    context: click.Context,
    capture: Path,
    output: Path,
    *,
    speech: Path | None,
    flame: Path | None,
    options: PerformanceOptions,
    size: int | tuple[int, int],
    values: dict[str, Any],
) -> None:
    """Read the recording, put the emotion on top, and write it as anything that `animate` writes."""
    from face_emote.cli.performing import VIDEOS, require_other_file, require_output, require_video, told
    from face_emote.core.motion import MotionSource, resampled
    from face_emote.face.bundled import load_head
    from face_emote.formats.captures import is_capture, read_capture
    from face_emote.formats.motion_file import read_motion
    from face_emote.verbs.animate import animate_capture
    from face_emote.verbs.export import export
    from face_emote.verbs.render import render

    given = {name for name in context.params if context.get_parameter_source(name) is not ParameterSource.DEFAULT}
    unfit = next((name for name in UNHEEDED if name in given), None)
    if unfit is not None:
        raise OptionError(f"--{unfit.replace('_', '-')} is for performances of speech; leave it out, or --from")
    require_output(output, speech=capture)
    if speech is not None:
        require_other_file(output, speech)
    video = output.suffix.lower() in VIDEOS
    if video:
        require_video(output, size=size, **{name: values[name] for name in ("codec", "camera", "light")})
    recorded = read_capture(capture, model=flame).motion if is_capture(capture) else read_motion(capture)
    with progress_shown() as progress:
        performed = animate_capture(
            recorded,
            emotion=options.emotion if "emotion" in given else ("neutral" if speech is None else "auto"),
            speech=speech,
            style=options.style,
            character=options.character if "character" in given else None,
        )
        shown: MotionSource = performed
        if "fps" in given and options.fps != performed.fps:
            shown = resampled(performed, fps=options.fps)
        head = load_head(options.head)
        if video:
            render(shown, output, speech=speech, head=head, size=size, progress=progress, **values)
        else:
            export(shown, output, head=head, progress=progress)
        click.echo(told(output, num_frames=shown.num_frames, fps=shown.fps))
