"""Motion to pictures: evaluates the head, draws every frame, adds the sound. Memory does not grow with the length.

Everything that is drawn - a video, a segment of one, a still, a sheet - goes through `draw`, which takes the motion and
a `Picture`, the record of how it is to look. `render` and `contact_sheet` build that record from keywords.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, UInt8
from face_emote.core.errors import HeadError, OptionError
from face_emote.core.fields import Sides
from face_emote.core.motion import MotionSource, instant, span, view_of
from face_emote.core.options import Excerpt, Picture
from face_emote.core.output import require_writable, written_beside
from face_emote.core.png import png_bytes
from face_emote.core.types import Camera, FaceMotion, LightRig, Progress, SkinParams, Speech
from face_emote.face.bundled import load_head
from face_emote.face.characters import character as find_character
from face_emote.face.head import Head
from face_emote.face.rig import PUPIL
from face_emote.look.hair import wearing
from face_emote.provenance.credential import COMMENT, Provenance
from face_emote.provenance.marking import mark
from face_emote.rendering.base import Pose, Renderer, Stoppable
from face_emote.rendering.engines import make_renderer, require_engine
from face_emote.rendering.scene import make_scene
from face_emote.rendering.segment_file import write_packets
from face_emote.rendering.sheet import compose_sheet, draw_text
from face_emote.rendering.video import CODECS, SEGMENT_FRAMES, SegmentEncoder, VideoWriter, choose_codec
from face_emote.verbs.excerpt import excerpted

MAX_WORKERS = 16
WARM_UP = "preparing the renderer (the first run compiles it: up to a minute, once)"


def render(  # noqa: PLR0913
    motion: MotionSource,
    path: str | Path,
    *,
    speech: Speech | str | Path | None = None,
    size: int | Sides = 512,
    camera: str | Camera = "portrait",
    light: str | LightRig = "studio",
    skin: SkinParams | str | None = None,
    hair: str | None = None,
    dof: float | None = None,
    codec: str | None = None,
    engine: str = "fast",
    samples: int | None = None,
    head: Head | None = None,
    start: float | None = None,
    end: float | None = None,
    workers: int | None = None,
    provenance: Provenance | None = Provenance(),  # noqa: B008 - frozen
    label: str = "",
    progress: Progress | None = None,
) -> Path:
    """Write a motion as a video, with its sound when `speech` is given.

    Args:
        motion: A FaceMotion, or an open motion file.
        path: .mp4, .mov, .mkv or .webm.
        speech: The sound file or recording that the motion was made from.
        size: Side of a square picture in pixels, or (width, height); even.
        camera: Preset name (`names.CAMERAS`) or own camera.
        light: Preset name (`names.LIGHTS`) or own lights.
        skin: Instead of the skin, eyes and hair of the motion's character: another character's name, or own values.
        hair: Another style than the skin's: none, crop, short, medium or tied.
        dof: Depth of field of a lens focused on the eyes, such as 2.8; None: everything is sharp.
        codec: h264, vp9 or av1; None takes what suits the file type.
        engine: Which renderer draws: `fast`; `gl`, the same picture by a graphics card (needs moderngl); `cycles`,
            path-traced by Blender, slow and most like a photograph; `differentiable`, whose pictures have no shadows
            and no strands of hair and need torch.
        samples: Light paths per pixel of the engine `cycles`; 16 by default.
        head: The head to draw on; the bundled one by default.
        start: Leave out what comes before this instant (seconds), of motion and sound.
        end: And what comes after this one.
        workers: Frames drawn at the same time; None: one per processor core.
        provenance: What the signed mark (C2PA; .mp4 and .mov) says beside the facts; None: no mark at all.
        label: Words drawn into the lower left corner of every frame.
        progress: Called after every frame.

    Returns:
        The path written. Nothing is left behind when an error is raised.

    Raises:
        OptionError, OutputError, AudioError, HeadError, DependencyError, BlenderError, ProvenanceError: their messages
            say what to do.
    """
    picture = Picture(
        size=size, camera=camera, light=light, skin=skin, hair=hair, dof=dof, codec=codec, engine=engine,
        samples=samples, label=label,
    )  # fmt: skip
    sound = Path(speech) if isinstance(speech, str) else speech
    with excerpted(motion, sound, Excerpt(start, end)) as (shown, heard):
        return write_video(
            shown, path, picture=picture, speech=heard, head=head, workers=workers, provenance=provenance,
            progress=progress,
        )  # fmt: skip


def write_video(
    motion: MotionSource, path: str | Path, *, picture: Picture, speech: Speech | str | Path | None = None,
    head: Head | None = None, workers: int | None = None, provenance: Provenance | None = Provenance(),  # noqa: B008
    progress: Progress | None = None,
) -> Path:  # fmt: skip
    """`render`, with the picture as a record."""
    target = Path(path)
    choose_codec(target, picture.codec)
    require_writable(target)
    sound = Path(speech) if isinstance(speech, str | Path) else speech
    frames = draw(motion, picture, head=head, workers=workers, progress=progress)
    with written_beside(target) as beside:
        with _video(beside, motion, picture=picture, sound=sound, commented=provenance is not None) as video:
            for frame in frames:
                video.write(frame)
        if provenance is not None:
            mark(beside, motion, provenance)
    return target


def write_segment(
    motion: MotionSource, path: Path, *, picture: Picture, segment: int, head: Head | None = None,
    progress: Progress | None = None,
) -> None:  # fmt: skip
    """Draw frames segment * SEGMENT_FRAMES .. of a motion into a segment file, for `join_segments`.

    The picture names its codec. One frame is drawn at a time.
    """
    assert picture.codec is not None
    first = segment * SEGMENT_FRAMES
    part = span(motion, first=first, stop=min(first + SEGMENT_FRAMES, motion.num_frames))
    frames = draw(part, picture, head=head, workers=1, progress=progress)
    width, height = picture.sides
    encoder = SegmentEncoder(CODECS[picture.codec], width=width, height=height, fps=motion.fps)
    packets = [packet for frame in frames for packet in encoder.write(frame)]
    with written_beside(path) as beside:
        write_packets(beside, packets + encoder.finish())


def join_segments(
    segments: Sequence[Path], path: Path, *, motion: MotionSource, picture: Picture, speech: Path | None = None,
    commented: bool = True,
) -> None:  # fmt: skip
    """Copy the pictures of all segments of a motion into a video, with its sound.

    The file is the very one that `render` writes, but for the signed mark, which is left to the caller; `commented`
    says whether it will have one.
    """
    with (
        written_beside(path) as beside,
        _video(beside, motion, picture=picture, sound=speech, commented=commented) as video,
    ):
        for segment in segments:
            video.append(segment)


def render_frames(
    motion: MotionSource, frames: list[int], *, picture: Picture = Picture(),  # noqa: B008 - frozen
    head: Head | None = None, progress: Progress | None = None,
) -> UInt8[Array, "frames height width 3"]:  # fmt: skip
    """Draw some frames of a motion, in the order given, sRGB; errors as `render`."""
    for frame in frames:
        if not 0 <= frame < motion.num_frames:
            raise OptionError(f"There is no frame {frame}; the motion has frames 0 to {motion.num_frames - 1}")
    rising = sorted(set(frames))

    def read(_size: int) -> Iterator[FaceMotion]:
        first = 0
        for block in motion.blocks():
            stop = first + block.num_frames
            yield from (block.part(frame - first, frame - first + 1) for frame in rising if first <= frame < stop)
            first = stop

    wanted = view_of(motion, read, num_frames=len(rising))
    drawn = dict(zip(rising, draw(wanted, picture, head=head, workers=1, progress=progress), strict=True))
    return np.stack([drawn[frame] for frame in frames])


def contact_sheet(  # noqa: PLR0913
    motion: MotionSource,
    path: str | Path,
    *,
    columns: int = 4,
    rows: int = 3,
    size: int = 320,
    camera: str | Camera = "portrait",
    light: str | LightRig = "studio",
    skin: SkinParams | str | None = None,
    hair: str | None = None,
    dof: float | None = None,
    engine: str = "fast",
    samples: int | None = None,
    head: Head | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a PNG of `columns` x `rows` evenly spaced frames, each with its time; the rest as `render`."""
    picture = Picture(
        size=size, camera=camera, light=light, skin=skin, hair=hair, dof=dof, engine=engine, samples=samples
    )
    return write_sheet(motion, path, picture=picture, columns=columns, rows=rows, head=head, progress=progress)


def write_sheet(
    motion: MotionSource | Sequence[MotionSource], path: str | Path, *, picture: Picture, columns: int = 4,
    rows: int = 3, head: Head | None = None, progress: Progress | None = None,
) -> Path:  # fmt: skip
    """`contact_sheet`, with the picture as a record; each frame bears its time in place of the label.

    Of several motions each has its `rows`, at the same instants.
    """
    target = Path(path)
    require_square(picture)
    require_writable(target)
    motions, plain = list(motion) if isinstance(motion, Sequence) else [motion], replace(picture, label="")
    first = motions[0]
    frames = np.linspace(0, first.num_frames - 1, columns * rows + 2)[1:-1].round().astype(int).tolist()
    pictures = np.concatenate(
        [render_frames(one, frames, picture=plain, head=head, progress=progress) for one in motions]
    )
    labels = [f"{frame / first.fps:.2f} s" for frame in frames] * len(motions)
    with written_beside(target) as beside:
        beside.write_bytes(png_bytes(compose_sheet(pictures, labels, columns=columns)))
    return target


def write_still(
    motion: MotionSource, path: str | Path, *, picture: Picture, time_secs: float, head: Head | None = None,
    progress: Progress | None = None,
) -> Path:  # fmt: skip
    """Write a PNG of the frame on show at `time_secs`."""
    target = Path(path)
    require_writable(target)
    (drawn,) = draw(instant(motion, time_secs=time_secs), picture, head=head, workers=1, progress=progress)
    with written_beside(target) as beside:
        beside.write_bytes(png_bytes(drawn))
    return target


def require_square(picture: Picture) -> None:
    """Raise OptionError unless a sheet can be made of such pictures."""
    width, height = picture.sides
    if width != height:
        raise OptionError(f"The pictures of a sheet are square; give size one number, not {width}x{height}")


def require_picture(picture: Picture, *, character: str = "default", head: Path | None = None) -> None:
    """Before any work: raise the error that `draw` would for this character and this file of a head."""
    require_engine(picture.engine)
    _look(picture, character)
    if head is not None and load_head(head).layout is None:
        raise HeadError(
            f"Pictures are drawn on the bundled head only; leave out the head, or write a mesh such as .glb: {head}"
        )


def draw(
    motion: MotionSource, picture: Picture, *, head: Head | None = None, workers: int | None = None,
    progress: Progress | None = None,
) -> Iterator[UInt8[Array, "height width 3"]]:  # fmt: skip
    """Every frame of a motion, in order, sRGB; drawn while they are taken, `workers` at a time (None: a core each).

    Errors as of `render`; at once, not with the first frame.
    """
    require_engine(picture.engine)
    width, height = picture.sides
    scene = make_scene(camera=picture.camera, light=picture.light, width=width, height=height, f_number=picture.dof)
    model = head or load_head()
    person = model if model.betas is not None else model.with_identity(motion.betas)
    whole = model if model.betas is None else load_head()
    look = _look(picture, motion.character)
    if progress is not None:
        progress(0.0, float(motion.num_frames), "starting Blender" if picture.engine == "cycles" else WARM_UP)
    renderer = make_renderer(picture.engine, whole, betas=motion.betas, skin=look, scene=scene, samples=picture.samples)

    def frames() -> Iterator[Array]:
        for done, frame in enumerate(_drawn(renderer, _poses(person, motion), workers=workers), start=1):
            yield _labelled(frame, picture.label)
            if progress is not None:
                progress(float(done), float(motion.num_frames), "rendering")

    return frames()


def _look(picture: Picture, character: str) -> SkinParams:
    """Skin, eyes and hair to draw with."""
    skin = picture.skin or character
    return wearing(find_character(skin).skin if isinstance(skin, str) else skin, picture.hair)


def _video(
    path: Path, motion: MotionSource, *, picture: Picture, sound: Speech | Path | None, commented: bool
) -> VideoWriter:
    width, height = picture.sides
    return VideoWriter(
        path,
        width=width,
        height=height,
        fps=motion.fps,
        codec=choose_codec(path, picture.codec),
        speech=sound,
        duration_secs=_duration(motion, sound),
        comment=COMMENT if commented else "",
    )


def _labelled(picture: Array, label: str) -> Array:
    """The picture with words in its lower left corner, readable at any size."""
    if not label:
        return picture
    scale = max(1, min(len(picture) // 200, picture.shape[1] // (5 * len(label) + 8)))
    shown = picture.copy()
    draw_text(shown, label, row=len(picture) - 11 * scale, column=3 * scale, scale=scale)
    return shown


def _duration(motion: MotionSource, sound: Path | Speech | None) -> float:
    """Where the video ends: with the sound if it fits the motion, else with the last frame."""
    whole = motion.num_frames / motion.fps
    known = sound.duration_secs if isinstance(sound, Speech) else motion.info.speech_secs
    return known if known and whole - 1.0 / motion.fps <= known + 1e-6 <= whole + 2e-6 else whole


def _poses(person: Head, motion: MotionSource) -> Iterator[Pose]:
    for block in motion.blocks(64):
        for vertices in person.iterate_vertices(block):
            for i, points in enumerate(vertices):
                yield Pose(points, block.wrinkles[i], block.blood_flow[i], float(block.expression[i, PUPIL]))


def _drawn(renderer: Renderer, poses: Iterator[Pose], *, workers: int | None) -> Iterator[Array]:
    """Frames in order, drawn by several threads, never more than two per thread in memory."""
    count = min(MAX_WORKERS, workers or os.cpu_count() or 1)
    waiting: deque[Future[Array]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for pose in poses:
                waiting.append(pool.submit(renderer.render, pose))
                if len(waiting) > 2 * count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            if isinstance(renderer, Stoppable):
                renderer.close()
