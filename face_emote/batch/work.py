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
from pathlib import Path

import numpy as np

from face_emote.batch.rows import Row, is_sheet
from face_emote.batch.thumbnail import frame_of_video, jpeg_bytes
from face_emote.core.names import EMOTIONS
from face_emote.core.output import written_beside
from face_emote.core.types import EmotionPlan
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import planned_emotion
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import open_motion, write_motion
from face_emote.rendering.video import DEFAULT_CODEC, SEGMENT_FRAMES
from face_emote.verbs.animate import Take, animate_blocks
from face_emote.verbs.export import export
from face_emote.verbs.render import contact_sheet, join_segments, render_frames, render_segment

MOTION, STORY, THUMBNAIL = "motion.npz", "story.json", "thumbnail.jpg"
STORY_POINTS = 96
THUMBNAIL_SIDE = 144
SHEET_MAX_SIDE = 320
Tick = Callable[[int], None]
"""tick(frames drawn since the last call)."""


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
class Portray:
    """A small picture for the report."""


Step = Perform | Draw | Finish | Portray


@dataclass(frozen=True, slots=True)
class Task:
    """What is given to a worker at once."""

    row: Row
    key: str
    """Of the row's work folder."""
    steps: tuple[Step, ...]
    num_frames: int
    """Estimate, for order and progress."""

    @property
    def name(self) -> str:
        """For messages."""
        kinds = ", ".join(type(step).__name__.lower() for step in self.steps[:2])
        return f"{self.row.name}: {kinds}"


@dataclass(frozen=True, slots=True)
class Done:
    """What a worker says afterwards."""

    secs: tuple[tuple[str, float], ...]
    """Time of each kind of step: performing, drawing, writing."""
    num_frames: int
    """Frames of the motion."""
    drawn: int
    """Frames that were drawn."""
    worker: str
    """Host and process."""
    memory_mb: float
    """Resident memory of the worker afterwards; 0 where the system does not tell."""


def segment_file(output_index: int, segment: int) -> str:
    """Name of a segment in the work folder."""
    return f"segment_{output_index}_{segment:06d}.bin"


def output_file(row: Row, output: str) -> str:
    """Name of an unsigned output in the work folder."""
    return f"output_{row.outputs.index(output)}{Path(output).suffix.lower()}"


def do_task(task: Task, folder: Path, tick: Tick) -> Done:
    """Do all steps in the row's work folder; what is there already is kept.

    Raises:
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
            _draw(task.row, step, folder, count)
            kind = "draw"
        else:
            _portray(task.row, folder) if isinstance(step, Portray) else _finish(task.row, step.output, folder, count)
            kind = "write"
        secs[kind] += time.perf_counter() - started
    with open_motion(folder / MOTION) as motion:
        num_frames = motion.num_frames
    return Done(tuple(secs.items()), num_frames, drawn, f"{platform.node()}:{os.getpid()}", resident_mb())


def scaled(plan: EmotionPlan, intensity: float) -> EmotionPlan:
    """The plan with every emotion as strong as `intensity` says."""
    if intensity == 1.0:
        return plan
    keys = tuple(
        replace(key, emotion=replace(key.emotion, intensity=key.emotion.intensity * intensity)) for key in plan.keys
    )
    return replace(plan, keys=keys, text=f"{plan.text} (x {intensity:g})")


def _perform(row: Row, folder: Path) -> None:
    target = folder / MOTION
    if target.exists() and (folder / STORY).exists():
        return
    asked = row.performance
    take = animate_blocks(
        row.speech,
        emotion=scaled(describe(asked.emotion), asked.intensity),
        transcript=asked.transcript,
        fps=asked.fps,
        seed=asked.seed,
        head=load_head(asked.head),
        character=asked.character,
        style=asked.style,
        animator=asked.animator,
        model=asked.model,
    )
    write_motion(take.motion, target)
    with written_beside(folder / STORY) as beside:
        beside.write_text(json.dumps(_story(take)), encoding="utf-8")


def _story(take: Take) -> dict[str, object]:
    """What is felt over time, in few points: strength of each emotion that ever shows, valence and arousal."""
    secs = take.analysis.duration_secs
    times = np.linspace(0.0, secs, STORY_POINTS)
    felt = planned_emotion(take.analysis, take.plan).at(times, rate_hz=STORY_POINTS / max(secs, 1e-3))
    strength = felt.mix * felt.intensity[:, None]
    curves = {
        name: [round(float(value), 3) for value in strength[:, index]]
        for index, name in enumerate(EMOTIONS)
        if name != "neutral" and strength[:, index].max() > 0.02
    }
    return {"secs": round(secs, 3), "curves": curves}


def _draw(row: Row, step: Draw, folder: Path, count: Tick) -> None:
    target = folder / segment_file(row.outputs.index(step.output), step.segment)
    if target.exists():
        return
    last = 0

    def progress(done: float, _total: float, _what: str) -> None:
        nonlocal last
        count(int(done) - last)
        last = int(done)

    picture = row.picture
    with open_motion(folder / MOTION) as motion:
        render_segment(
            motion,
            target,
            segment=step.segment,
            codec=codec_of(row, step.output),
            size=picture.size,
            camera=picture.camera,
            light=picture.light,
            skin=picture.skin,
            hair=picture.hair,
            dof=picture.dof,
            engine=picture.engine,
            samples=picture.samples,
            head=load_head(row.performance.head),
            label=picture.label,
            progress=progress,
        )


def codec_of(row: Row, output: str) -> str:
    """Name of the codec of a video."""
    return row.picture.codec or DEFAULT_CODEC[Path(output).suffix.lower()]


def num_segments(num_frames: int) -> int:
    """How many segments a motion has."""
    return max(1, -(-num_frames // SEGMENT_FRAMES))


def _finish(row: Row, output: str, folder: Path, count: Tick) -> None:
    target = folder / output_file(row, output)
    if target.exists():
        return
    picture, suffix = row.picture, target.suffix
    head = load_head(row.performance.head)
    with open_motion(folder / MOTION) as motion:
        if suffix in DEFAULT_CODEC:
            index = row.outputs.index(output)
            for segment in range(num_segments(motion.num_frames)):
                # Usually all are there. The length of some sounds is known only after listening.
                _draw(row, Draw(output, segment), folder, count)
            segments = [folder / segment_file(index, number) for number in range(num_segments(motion.num_frames))]
            join_segments(
                segments, target, motion=motion, codec=codec_of(row, output), size=picture.size, speech=row.speech,
                commented=row.marked,
            )  # fmt: skip
        elif is_sheet(output):
            tile = min(picture.size[0], SHEET_MAX_SIDE)
            contact_sheet(
                motion, target, size=tile, camera=picture.camera, light=picture.light, skin=picture.skin,
                hair=picture.hair, dof=picture.dof, engine=picture.engine, samples=picture.samples, head=head,
            )  # fmt: skip
        elif suffix == ".npz":
            with written_beside(target) as beside:
                shutil.copyfile(folder / MOTION, beside)
        else:
            export(motion, target, head=head, provenance=None)


def _portray(row: Row, folder: Path) -> None:
    target = folder / THUMBNAIL
    if target.exists():
        return
    video = next((name for name in row.outputs if Path(name).suffix.lower() in DEFAULT_CODEC), None)
    with open_motion(folder / MOTION) as motion:
        frame = motion.num_frames // 2
        if video is not None:
            picture = frame_of_video(folder / output_file(row, video), frame / motion.fps)
        else:
            picture = render_frames(
                motion, [frame], size=THUMBNAIL_SIDE, skin=row.picture.skin, hair=row.picture.hair,
                head=load_head(row.performance.head),
            )[0]  # fmt: skip
    with written_beside(target) as beside:
        beside.write_bytes(jpeg_bytes(picture, height=THUMBNAIL_SIDE))


def resident_mb() -> float:
    """Memory of this process that lies in RAM, MB; where Linux does not tell, its peak; 0 on Windows."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)
