"""What a worker does: small steps, each of which leaves a whole file or none, so that any of them may be done again.

All files of a row lie in its work folder: `motion.npz`, `story.json` (emotion over time), a segment file per segment of
each video, and the outputs, unsigned; the batch signs and publishes them.
"""

import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.audio.media_file import opened_media
from face_emote.batch.rows import Row, is_sheet, is_video, is_voice
from face_emote.core.arrays import Array, UInt8
from face_emote.core.names import EMOTIONS
from face_emote.core.options import Filming, Picture
from face_emote.core.output import written_beside
from face_emote.core.timing import frames_in
from face_emote.core.types import EmotionPlan
from face_emote.emotion.grammar import plan_of
from face_emote.emotion.track import PlannedEmotion, in_turn
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import open_motion, write_motion
from face_emote.rendering.video import DEFAULT_CODEC, SEGMENT_FRAMES
from face_emote.verbs.animate import perform
from face_emote.verbs.capture import read_film
from face_emote.verbs.export import export
from face_emote.verbs.over_capture import animate_capture
from face_emote.verbs.render import join_segments, render_frames, write_segment, write_sheet
from face_emote.verbs.voice import write_retuned

SPLIT_FROM = 3  # A row with so many segments to draw is drawn by several workers.
MOTION, STORY, THUMBNAIL, VOICE = "motion.npz", "story.json", "thumbnail.jpg", "voice.wav"
STORY_POINTS = 96
THUMBNAIL_SIDE = 144
SHEET_MAX_SIDE = 320
Tick = Callable[[int], None]  # tick(frames drawn since the last call).


@dataclass(frozen=True, slots=True)
class Perform:
    """Hear the speech and write the motion."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Draw one segment of one video."""

    output: str
    segment: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Write an output from the motion and its segments."""

    output: str


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture for the report."""


Step = Perform | Draw | Finish | Thumbnail


@dataclass(frozen=True, slots=True)
class Task:
    """What is given to a worker at once."""

    row: Row
    key: str  # Of the row's work folder.
    steps: tuple[Step, ...]
    num_frames: int  # Estimate, for order and progress.

    @property
    def name(self) -> str:
        """For messages."""
        kinds = ", ".join(type(step).__name__.lower() for step in self.steps[:2])
        return f"{self.row.name}: {kinds}"


@dataclass(frozen=True, slots=True)
class Done:
    """What a worker says afterwards."""

    secs: tuple[tuple[str, float], ...]  # Time of each kind of step: performing, drawing, writing.
    num_frames: int  # Frames of the motion.
    drawn: int  # Frames that were drawn.
    worker: str  # Host and process.
    memory_mb: float  # Resident memory of the worker afterwards; 0 where the system does not say.


def stages(row: Row, *, key: str, secs: float) -> list[list[Task]]:
    """Tasks of a row; those of a stage may run at the same time, stages run in order.

    A short row is one task; a long one is performed, drawn in segments by many, and joined.
    `secs` is the length of its speech, 0 when that is not known before listening.
    """
    num_frames = frames_in(secs, fps=row.performance.fps)
    videos = [output for output in row.outputs if is_video(output)]
    draws = [Draw(output, segment) for output in videos for segment in range(num_segments(num_frames))]
    finishes: list[Step] = [*(Finish(output) for output in row.outputs), Thumbnail()]
    cost = num_frames * len(videos) + 12 * sum(is_sheet(output) for output in row.outputs) + 1
    if len(draws) < SPLIT_FROM:
        return [[Task(row, key, (Perform(), *draws, *finishes), cost)]]
    last = num_frames - (num_segments(num_frames) - 1) * SEGMENT_FRAMES
    drawn = [
        Task(row, key, (draw,), last if draw.segment == num_segments(num_frames) - 1 else SEGMENT_FRAMES)
        for draw in draws
    ]
    return [[Task(row, key, (Perform(),), 0)], drawn, [Task(row, key, tuple(finishes), 0)]]


def segment_file(output_index: int, segment: int) -> str:
    """Name of a segment in the work folder."""
    return f"segment_{output_index}_{segment:06d}.bin"


def output_file(row: Row, output: str) -> str:
    """Name of an unsigned output in the work folder."""
    return f"output_{row.outputs.index(output)}{Path(output).suffix.lower()}"


def do_task(task: Task, folder: Path, *, tick: Tick) -> Done:
    """Do all steps in the row's work folder; what is there already is kept.

    FaceEmoteError: the row cannot be done; trying again would not help.
    """
    folder.mkdir(parents=True, exist_ok=True)
    secs = {"perform": 0.0, "draw": 0.0, "write": 0.0}
    drawn = 0

    def count(frames: int) -> None:
        nonlocal drawn
        drawn += frames
        tick(frames)

    for step in task.steps:
        started = time.perf_counter()
        if isinstance(step, Perform):
            _perform(task.row, folder)
            kind = "perform"
        elif isinstance(step, Draw):
            _draw(task.row, step, folder=folder, count=count)
            kind = "draw"
        else:
            if isinstance(step, Finish):
                _finish(task.row, step.output, folder=folder, count=count)
            else:
                _draw_thumbnail(task.row, folder)
            kind = "write"
        secs[kind] += time.perf_counter() - started
    with open_motion(folder / MOTION) as motion:
        num_frames = motion.num_frames
    return Done(tuple(secs.items()), num_frames, drawn, f"{platform.node()}:{os.getpid()}", resident_mb())


def _perform(row: Row, folder: Path) -> None:
    target = folder / MOTION
    if target.exists() and (folder / STORY).exists():
        return
    if row.filming is None:
        take = perform(row.performance)
        if row.voice and any(is_video(output) or is_voice(output) for output in row.outputs):
            write_retuned(row.speech, folder / VOICE, emotion=take.plan, seed=row.performance.seed)
        write_motion(take.motion, target)
        read = "" if take.heard is None else take.heard.text
        story = _story(take.plan, take.analysis.duration_secs) | {"remarks": list(take.analysis.remarks), "read": read}
    else:
        story = _capture(row, row.filming, target)
    with written_beside(folder / STORY) as beside:
        beside.write_text(json.dumps(story), encoding="utf-8")


def _capture(row: Row, filming: Filming, target: Path) -> dict[str, object]:
    """Write a filmed face, with its emotion on top where one is named; returns the story."""
    layer, captured = row.performance, read_film(row.speech, filming)
    motion, plan = captured.motion, plan_of(layer.emotion, layer.intensity)
    if layer.emotion != "neutral":
        sound = row.speech if plan.auto > 0.0 and motion.info.speech_secs else None
        motion = animate_capture(
            motion, emotion=layer.emotion, intensity=layer.intensity, speech=sound, style=layer.style
        )  # fmt: skip
    write_motion(motion, target)
    secs = motion.num_frames / motion.fps
    return _story(in_turn(plan, duration_secs=secs), secs) | {"remarks": list(captured.remarks), "read": ""}


def _story(plan: EmotionPlan, secs: float) -> dict[str, object]:
    """What is felt over time, in few points: strength of each emotion that ever shows."""
    times = np.linspace(0.0, secs, STORY_POINTS)
    felt = PlannedEmotion(plan, secs).at(times, rate_hz=STORY_POINTS / max(secs, 1e-3))
    strength = felt.mix * felt.intensity[:, None]
    curves = {
        name: [round(float(value), 3) for value in strength[:, index]]
        for index, name in enumerate(EMOTIONS)
        if name != "neutral" and strength[:, index].max() > 0.02
    }
    return {"secs": round(secs, 3), "curves": curves}


def _draw(row: Row, step: Draw, *, folder: Path, count: Tick) -> None:
    target = folder / segment_file(row.outputs.index(step.output), step.segment)
    if target.exists():
        return
    last = 0

    def progress(done: float, _total: float, _what: str) -> None:
        nonlocal last
        count(int(done) - last)
        last = int(done)

    picture = replace(row.picture, codec=row.picture.codec or DEFAULT_CODEC[Path(step.output).suffix.lower()])
    head = load_head(row.performance.head)
    with open_motion(folder / MOTION) as motion:
        if step.segment >= num_segments(motion.num_frames):  # A film is at times shorter than it says.
            return
        write_segment(motion, target, picture=picture, segment=step.segment, head=head, progress=progress)


def num_segments(num_frames: int) -> int:
    """How many segments a motion has."""
    return max(1, -(-num_frames // SEGMENT_FRAMES))


def _finish(row: Row, output: str, *, folder: Path, count: Tick) -> None:
    target = folder / output_file(row, output)
    if target.exists():
        return
    head = load_head(row.performance.head)
    with open_motion(folder / MOTION) as motion:
        if is_video(output):
            index = row.outputs.index(output)
            for segment in range(num_segments(motion.num_frames)):
                # Usually all are there. The length of some sounds is known only after listening.
                _draw(row, Draw(output, segment), folder=folder, count=count)
            segments = [folder / segment_file(index, number) for number in range(num_segments(motion.num_frames))]
            spoken = folder / VOICE if row.voice else row.speech
            sound = spoken if motion.info.speech_secs else None
            join_segments(segments, target, motion=motion, picture=row.picture, speech=sound, commented=row.marked)
        elif is_sheet(output):
            tile = replace(row.picture, size=min(row.picture.sides[0], SHEET_MAX_SIDE))
            write_sheet(motion, target, picture=tile, head=head)
        elif target.suffix in (".npz", ".wav"):
            with written_beside(target) as beside:
                shutil.copyfile(folder / (MOTION if target.suffix == ".npz" else VOICE), beside)
        else:
            export(motion, target, head=head, provenance=None)


def _draw_thumbnail(row: Row, folder: Path) -> None:
    """Of the middle frame; empty for a head that cannot be drawn."""
    target, head = folder / THUMBNAIL, load_head(row.performance.head)
    if target.exists():
        return
    video = next((name for name in row.outputs if is_video(name)), None)
    with open_motion(folder / MOTION) as motion:
        frame = motion.num_frames // 2
        if video is not None:
            content = jpeg_bytes(frame_of_video(folder / output_file(row, video), frame / motion.fps))
        elif head.layout is not None:
            picture = Picture(size=THUMBNAIL_SIDE, skin=row.picture.skin, hair=row.picture.hair)
            content = jpeg_bytes(render_frames(motion, [frame], picture=picture, head=head)[0])
        else:
            content = b""
    with written_beside(target) as beside:
        beside.write_bytes(content)


def frame_of_video(path: Path, time_secs: float) -> UInt8[Array, "height width 3"]:
    """The picture on show at an instant, sRGB."""
    with opened_media(path) as container:
        stream = container.streams.video[0]
        container.seek(int(time_secs * 1e6))  # to the key frame before; FFmpeg's own unit, microseconds
        shown: Any = None
        for frame in container.decode(stream):
            shown = frame
            if frame.time is not None and frame.time + 1e-6 >= time_secs:
                break
        picture: Array = shown.to_ndarray(format="rgb24")
        return picture


def jpeg_bytes(picture: UInt8[Array, "height width 3"], *, height: int = THUMBNAIL_SIDE) -> bytes:
    """The picture as a JPEG of that height (at most)."""
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    high = min(height, frame.height) // 2 * 2
    wide = max(2, round(frame.width * high / frame.height) // 2 * 2)
    frame = frame.reformat(width=wide, height=high, format="yuvj420p")
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = wide, high, "yuvj420p"
    context.time_base = Fraction(1, 25)
    context.thread_count = 1
    context.options = {"qscale:v": "4", "flags": "+qscale+bitexact"}
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def resident_mb() -> float:
    """Memory of this process that lies in RAM, MB; where Linux does not say, its peak; 0 on Windows."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)
