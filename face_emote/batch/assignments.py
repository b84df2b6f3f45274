"""How a row becomes tasks: a short one is one task, a long one is performed, drawn in segments by many, and joined."""

from pathlib import Path

from face_emote.batch.rows import Row, is_sheet
from face_emote.batch.work import Draw, Finish, Perform, Portray, Step, Task, num_segments
from face_emote.core.timing import frames_in
from face_emote.rendering.video import DEFAULT_CODEC, SEGMENT_FRAMES

SPLIT_FROM = 3
"""A row with so many segments to draw is drawn by several workers."""


def stages(row: Row, *, key: str, secs: float) -> list[list[Task]]:
    """Tasks of a row; those of a stage may run at the same time, stages run in order.

    Args:
        row: With the outputs that are still to be made.
        key: Of its work folder.
        secs: Length of its speech; 0 when it is not known before listening.
    """
    num_frames = frames_in(secs, fps=row.performance.fps)
    videos = [output for output in row.outputs if Path(output).suffix.lower() in DEFAULT_CODEC]
    draws = [Draw(output, segment) for output in videos for segment in range(num_segments(num_frames))]
    finishes: list[Step] = [*(Finish(output) for output in row.outputs), Portray()]
    cost = num_frames * len(videos) + 12 * sum(is_sheet(output) for output in row.outputs) + 1
    if len(draws) < SPLIT_FROM:
        return [[Task(row, key, (Perform(), *draws, *finishes), cost)]]
    last = num_frames - (num_segments(num_frames) - 1) * SEGMENT_FRAMES
    drawn = [
        Task(row, key, (draw,), last if draw.segment == num_segments(num_frames) - 1 else SEGMENT_FRAMES)
        for draw in draws
    ]
    return [[Task(row, key, (Perform(),), 0)], drawn, [Task(row, key, tuple(finishes), 0)]]
