"""`face-emote animate`: speech, or a recorded face, to motion, mesh or video."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from face_emote.cli import options
from face_emote.cli.options import PathType
from face_emote.cli.progress import progress_shown
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionStream
from face_emote.core.options import OVER_CAPTURE, PERFORMANCE_OPTIONS, Performance, Picture, facing
from face_emote.core.output import written_beside
from face_emote.provenance.credential import Provenance

if TYPE_CHECKING:
    from face_emote.verbs.animate import Take

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

With --stream raw sound (16-bit, mono) comes in on stdin as it is spoken, and every frame goes out on stdout as a line
of JSON, 80 or 160 ms later; or into the folder OUT as motion files of a second each. With --to the frames go to other
programs, about 0.1 s behind the sound: Unreal (livelink://), VSeeFace, Warudo, Unity, .. (osc://, the VMC protocol).
Sound then comes from stdin, from a microphone (--mic) or from SPEECH; Ctrl-C ends it.

\b
Examples:
  face-emote animate line.wav -o line.mp4
  face-emote animate line.wav -e "joy tinged with guilt" -t line.txt -o line.glb
  face-emote animate line.wav -e "0s calm; 1.5s fear:0.8; 3s relief" --fps 24 -o line.npz
  face-emote animate line.wav -e "hurt, then cold" -o line.mp4
  face-emote animate line.wav -e "restrained despair" --head-motion 0.5 --seed 3 -o take3.mp4
  face-emote animate line.wav --animator takes --takes 5 -o line.npz
  face-emote animate --from take.csv -e "calm anger" -o take.glb
  arecord -q -f S16_LE -r 16000 -t raw | face-emote animate --stream -e "calm joy" | your-engine
  face-emote animate --stream --mic --to livelink
  face-emote animate --stream --mic --to livelink://192.168.1.5:11111/Heroine --to osc://127.0.0.1:39539 --rig vrm0
  face-emote animate --stream line.wav -e "calm joy" --to osc
"""

MOST_TOLD = 5
RECORDED = ("transcript", "heart", "partner", "style", "style_strength")
LIVE = (
    "stream", "stream_rate", "latency", "to", "mic", "rig", "tokens", "output", "speech",
    *(item.name for item in PERFORMANCE_OPTIONS if item.name not in RECORDED and item.owner != "moments"),
)  # fmt: skip
"""Options that make sense live; those before need all of a recording."""


@click.command(
    "animate", cls=options.SectionedCommand, help=HELP, short_help="Perform a recording: motion file, mesh or video."
)
@click.argument("speech", metavar="SPEECH", type=PathType, required=False)
@options.output_option("Its ending says what to write; see above.", required=False)
@options.performance_options
@click.option(
    "--from", "capture", metavar="FILE", type=PathType, help="A recorded face that keeps its lips and expression."
)
@click.option(
    "--flame", metavar="FILE", type=PathType, help="The FLAME or SMPL-X file that the coefficients in --from belong to."
)
@click.option(
    "--tokens",
    metavar="FILE",
    type=PathType,
    help="Play what `perceive -o FILE.tokens` has read, here or elsewhere; - for what comes in on stdin.",
)
@click.option(
    "--takes",
    metavar="NUMBER",
    type=click.IntRange(1, 20),
    default=1,
    help="Perform so many takes with seeds one after the other; OUT gets their numbers, and a sheet shows them all.",
)
@click.option(
    "--bank-report",
    metavar="FILE",
    type=PathType,
    help="Write which moment was played or drawn after where, as JSON, to pin or forbid it.",
)
@click.option(
    "--print-emotion",
    is_flag=True,
    help="Say what is felt as --emotion takes it: the keys that auto has read, to edit.",
)
@click.option(
    "--voice",
    is_flag=True,
    help="Re-tune the sound to the emotion, too: into a video, and as NAME.voice.wav beside any OUT.",
)
@click.option(
    "--stream",
    is_flag=True,
    help="Perform what is heard while it is heard; 50 frames a second unless --fps is given.",
)
@click.option(
    "--to",
    metavar="ADDRESS",
    multiple=True,
    help="Send frames there as they are due: livelink://HOST:11111/NAME, osc://HOST:39539 or json. All but the first "
    "word may be left out; HOST is a number, this computer if left out. May be given several times.",
)
@click.option(
    "--mic",
    metavar="DEVICE",
    is_flag=False,
    flag_value="",
    help="Hear a microphone: its number or a part of its name; without one the usual.",
)
@click.option(
    "--rig",
    metavar="NAME|FILE",
    help="Curves of osc:// and json, as `export --rig` names them: vrm, vrm0 (before 1.0), arkit (perfect sync), .. "
    "[default: vrm for osc://]",
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
    help="Milliseconds of sound that a frame waits for; 160 closes the lips better. [default: 160, with --to 80]",
)
@options.picture_options
@options.provenance_options
@click.pass_context
def command(context: click.Context, /, *, speech: Path | None, output: Path | None, **values: Any) -> None:
    """Perform SPEECH with an emotion and write it to OUT."""
    live = {name: values.pop(name) for name in ("stream", "stream_rate", "latency", "to", "mic", "rig")}
    capture, flame, print_emotion, tokens, voice, takes, report = (
        values.pop(name) for name in ("capture", "flame", "print_emotion", "tokens", "voice", "takes", "bank_report")
    )
    performance = options.performance_from(values, speech=speech or Path("-"))
    if tokens is not None:
        performance = _felt_by_tokens(context, performance, tokens)
    picture, provenance = options.picture_from(values), options.provenance_from(values)
    if live["stream"]:
        _perform_live(context, performance, speech=speech, output=output, **live)
        return
    lone = next((name for name in ("to", "mic", "rig") if live[name]), None)
    if lone is not None:
        raise OptionError(f"{options.flag(lone)} belongs to --stream; add it")
    if flame is not None and capture is None:
        raise OptionError("--flame says what the coefficients of --from FILE mean; give both")
    options.require_given(context, speech=speech or capture, output=output)
    assert output is not None
    if capture is not None:
        if voice:
            raise OptionError("--voice is for performances of speech; leave it out, or --from")
        _perform_over(context, capture, output=output, flame=flame, performance=performance, picture=picture,
                      provenance=provenance)  # fmt: skip
    elif speech is not None:
        _perform_takes(takes, speech, output, performance=facing(performance, picture), picture=picture,
                       provenance=provenance, print_emotion=print_emotion, voice=voice, report=report)  # fmt: skip


def _felt_by_tokens(context: click.Context, performance: Performance, tokens: Path) -> Performance:
    from face_emote.perception.tokens import plan_of_tokens, read_tokens, tokens_from

    if "emotion" in options.options_given(context):
        raise OptionError("--tokens and --emotion both say what is felt; give one of them")
    if str(tokens) != "-":
        return replace(performance, emotion=plan_of_tokens(read_tokens(tokens)))
    if context.params["stream"] and context.params["speech"] is None and context.params["mic"] is None:
        raise OptionError("--stream and --tokens - both read stdin; keep the tokens in a file, or leave out --stream")
    return replace(performance, emotion=plan_of_tokens(tokens_from(sys.stdin.buffer.read(), name="stdin")))


def _perform_live(
    context: click.Context, performance: Performance, *, speech: Path | None, output: Path | None, stream_rate: int,
    latency: str | None, **way: Any,
) -> None:  # fmt: skip
    from face_emote.cli.live import live_way, perform_to
    from face_emote.cli.streaming import stream_performance
    from face_emote.motion.live import LIVE_FPS

    given = options.options_given(context)
    unfit = next((name for name in given if name not in LIVE), None)
    if unfit is not None:
        raise OptionError(f"{options.flag(unfit)} cannot be used with --stream; animate a recording instead")
    if performance.animator != "net":
        raise OptionError(
            f"Only the animator net can hear while somebody speaks; leave out --animator {performance.animator}, or "
            "--stream"
        )
    fps = performance.fps if "fps" in given else LIVE_FPS
    if speech is None and way["mic"] is None and not way["to"] and way["rig"] is None:
        latency_ms = int(latency or 160)
        stream_performance(performance, output=output, fps=fps, rate_hz=stream_rate, latency_ms=latency_ms)
        return
    del way["stream"]
    found = live_way(way.pop("to"), speech=speech, rate_hz=stream_rate, **way)
    perform_to(found, performance, output=output, fps=fps, latency_ms=int(latency or 80))


def _perform_takes(
    count: int, speech: Path, output: Path, *, performance: Performance, picture: Picture,
    provenance: Provenance | None, report: Path | None, **way: bool,
) -> None:  # fmt: skip
    """One take into OUT; or several, and a sheet with a row for each, all at the same instants."""
    from face_emote.cli.demo_command import SHEET_TILE
    from face_emote.verbs.render import write_sheet

    played = []
    for number in range(count):
        target, told = (
            path if path is None or count == 1 else path.with_stem(f"{path.stem}_{number + 1}")
            for path in (output, report)
        )
        assert target is not None
        one = replace(performance, seed=performance.seed + number)
        played.append(perform_into(target, speech, performance=one, picture=picture, provenance=provenance,
                                   report=told, **way))  # fmt: skip
        way["print_emotion"] = False
    if count > 1:
        sheet, tile = output.with_name(f"{output.stem}_takes.png"), replace(picture, size=SHEET_TILE)
        with progress_shown() as progress:
            write_sheet(played, sheet, picture=tile, columns=6, rows=1, progress=progress)
        click.echo(f"{sheet}: {count} takes")


def perform_into(
    output: Path, speech: Path, *, performance: Performance, picture: Picture, provenance: Provenance | None,
    print_emotion: bool = False, voice: bool = False, report: Path | None = None,
) -> MotionStream:  # fmt: skip
    """A performance as what the output's ending says."""
    from face_emote.cli.performing import performed, require_output, summary, write_result
    from face_emote.face.bundled import load_head
    from face_emote.formats.motion_file import write_motion
    from face_emote.verbs.animate import perform
    from face_emote.verbs.voice import require_wav, write_retuned

    require_output(output, source=speech, picture=picture, head=performance.head)
    sound = output.with_name(f"{output.stem}.voice.wav") if voice else speech
    if voice:
        require_wav(sound)
    with progress_shown() as progress:
        take = perform(performance, progress=progress)
        if voice:
            write_retuned(speech, sound, emotion=take.plan, seed=performance.seed, progress=progress)
        if print_emotion:
            click.echo(take.plan.text if take.heard is None else take.heard.text)
        _tell_moments(take, report)
        if output.suffix.lower() == ".npz":
            write_motion(take.motion, output)
            click.echo(summary(output, num_frames=take.motion.num_frames, fps=take.motion.fps))
            return take.motion
        with performed(take, beside=output) as motion:
            click.echo(
                write_result(
                    motion, output, picture=picture, speech=sound, head=load_head(performance.head),
                    provenance=provenance, progress=progress,
                )
            )  # fmt: skip
    return take.motion


def _tell_moments(take: "Take", report: Path | None) -> None:
    """Which moments were played or drawn after: the first ones in a line, all of them as JSON."""
    if take.moments:
        rest = len(take.moments) - MOST_TOLD
        shown = ", ".join(
            f"{use.name} at {use.start_secs:.2f} s{' (pinned)' * use.pinned}" for use in take.moments[:MOST_TOLD]
        )  # fmt: skip
        click.echo(f"moments: {shown}{f', {rest} more (--bank-report FILE)' * (rest > 0)}")
    if report is not None:
        with written_beside(report) as beside:
            beside.write_text(json.dumps([asdict(use) for use in take.moments], indent=1) + "\n", encoding="utf-8")


def _perform_over(
    context: click.Context, capture: Path, *, output: Path, flame: Path | None, performance: Performance,
    picture: Picture, provenance: Provenance | None,
) -> None:  # fmt: skip
    """Read a recorded face, put the emotion on top, and write it as anything that `animate` writes."""
    from face_emote.cli.performing import require_other_file, require_output, write_result
    from face_emote.core.motion import joined_motion
    from face_emote.face.bundled import load_head
    from face_emote.formats.motion_file import opened_motion
    from face_emote.verbs.over_capture import animate_capture

    given, speech = options.options_given(context), context.params["speech"]
    unheeded = ("takes", *(item.name for item in PERFORMANCE_OPTIONS if item.name not in OVER_CAPTURE))
    unfit = next((name for name in unheeded if name in given), None)
    if unfit is not None:
        raise OptionError(f"{options.flag(unfit)} is for performances of speech; leave it out, or --from")
    require_output(output, source=capture, picture=picture, head=performance.head)
    if speech is not None:
        require_other_file(output, speech)
    with opened_motion(capture, model=flame, fps=performance.fps if "fps" in given else None) as source:
        recorded = joined_motion(list(source.blocks()))
    with progress_shown() as progress:
        motion = animate_capture(
            recorded,
            emotion=performance.emotion if "emotion" in given else ("neutral" if speech is None else "auto"),
            intensity=performance.intensity,
            speech=speech,
            style=performance.style,
            character=performance.character if "character" in given else None,
        )
        click.echo(
            write_result(
                motion, output, picture=picture, speech=speech, head=load_head(performance.head),
                provenance=provenance, progress=progress,
            )
        )  # fmt: skip
