"""Motion to video: evaluates the head, draws every frame, adds the sound. Memory does not grow with the length."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, UInt8
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionSource, span
from face_emote.core.output import require_writable, written_beside
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion, SkinParams, Speech
from face_emote.face.bundled import load_head
from face_emote.face.characters import character as find_character
from face_emote.face.head import Head
from face_emote.look.hair import wearing
from face_emote.provenance.credential import COMMENT, Provenance
from face_emote.provenance.marking import mark
from face_emote.rendering.base import Pose, Renderer, Stoppable
from face_emote.rendering.engines import make_renderer, require_engine, require_lens
from face_emote.rendering.scene import Camera, LightRig, make_scene
from face_emote.rendering.segment_file import write_packets
from face_emote.rendering.sheet import compose_sheet, draw_text
from face_emote.rendering.video import CODECS, SEGMENT_FRAMES, Codec, SegmentEncoder, VideoWriter, choose_codec

Progress = Callable[[float, float, str], None]
"""progress(done, total, what): frames done, frames in all, what is going on."""
Size = int | tuple[int, int]
MAX_WORKERS = 16
WARM_UP = "preparing the renderer (the first run compiles it: up to a minute, once)"


def render(
    motion: MotionSource,
    path: str | Path,
    *,
    speech: Speech | str | Path | None = None,
    size: Size = 512,
    camera: str | Camera = "portrait",
    light: str | LightRig = "studio",
    skin: SkinParams | str | None = None,
    hair: str | None = None,
    dof: float | None = None,
    codec: str | None = None,
    engine: str = "fast",
    samples: int | None = None,
    head: Head | None = None,
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
        camera: Preset name (`scene.CAMERAS`) or own camera.
        light: Preset name (`scene.LIGHTS`) or own lights.
        skin: Instead of the skin, eyes and hair of the motion's character: another character's name, or own values.
        hair: Another style than the skin's: none, crop, short, medium or tied.
        dof: Depth of field of a lens focused on the eyes, such as 2.8; None: everything is sharp.
        codec: h264, vp9 or av1; None takes what suits the file type.
        engine: Which renderer draws: `fast`; `gl`, the same picture by a graphics card (needs moderngl); `cycles`,
            path-traced by Blender, slow and most like a photograph; `differentiable`, whose pictures have no shadows
            and no strands of hair and need torch; the same with the rasteriser of `pytorch3d` or `nvdiffrast`; or
            `pyrender`, a plain view without the skin model.
        samples: Light paths per pixel of the engine `cycles`; 16 by default.
        head: The head to draw on; the bundled one by default.
        workers: Frames drawn at the same time; None: one per processor core.
        provenance: What the signed mark (C2PA; .mp4 and .mov) says beside the facts; None: no mark at all.
        label: Words drawn into the lower left corner of every frame.
        progress: Called after every frame.

    Returns:
        The path written. Nothing is left behind when an error is raised.

    Raises:
        OptionError, OutputError, HeadError, DependencyError, BlenderError, ProvenanceError: see their messages.
    """
    target = Path(path)
    chosen = choose_codec(target, codec)
    require_writable(target)
    sound = Path(speech) if isinstance(speech, str | Path) else speech
    renderer, person = _prepare(
        motion, size=size, camera=camera, light=light, skin=skin, hair=hair, dof=dof, engine=engine, samples=samples,
        head=head,
        progress=progress,
    )  # fmt: skip
    with written_beside(target) as beside:
        with _video(beside, motion, size=size, codec=chosen, sound=sound, commented=provenance is not None) as video:
            for done, picture in enumerate(_pictures(renderer, person, motion, workers=workers), start=1):
                video.write(_labelled(picture, label))
                if progress is not None:
                    progress(done, motion.num_frames, "rendering")
        if provenance is not None:
            mark(beside, motion, provenance)
    return target


def render_segment(
    motion: MotionSource,
    path: Path,
    *,
    segment: int,
    codec: str,
    size: Size = 512,
    camera: str | Camera = "portrait",
    light: str | LightRig = "studio",
    skin: SkinParams | str | None = None,
    hair: str | None = None,
    dof: float | None = None,
    engine: str = "fast",
    samples: int | None = None,
    head: Head | None = None,
    label: str = "",
    progress: Progress | None = None,
) -> None:
    """Draw frames segment * SEGMENT_FRAMES .. of a motion into a segment file, for `join_segments`.

    `codec` is a name of `CODECS`; the other arguments are those of `render`. One frame is drawn at a time.
    """
    first = segment * SEGMENT_FRAMES
    part = span(motion, first, min(first + SEGMENT_FRAMES, motion.num_frames))
    renderer, person = _prepare(
        part,
        size=size,
        camera=camera,
        light=light,
        skin=skin,
        hair=hair,
        dof=dof,
        engine=engine,
        samples=samples,
        head=head,
        progress=progress,
    )
    width, height = _width_height(size)
    encoder = SegmentEncoder(CODECS[codec], width=width, height=height, fps=motion.fps)
    packets = []
    for done, picture in enumerate(_pictures(renderer, person, part, workers=1), start=1):
        packets += encoder.write(_labelled(picture, label))
        if progress is not None:
            progress(done, part.num_frames, "rendering")
    with written_beside(path) as beside:
        write_packets(beside, packets + encoder.finish())


def join_segments(
    segments: Sequence[Path],
    path: Path,
    *,
    motion: MotionSource,
    codec: str,
    size: Size = 512,
    speech: Path | None = None,
    commented: bool = True,
) -> None:
    """Copy the pictures of all segments of a motion into a video, with its sound.

    The file is the very one that `render` writes, but for the signed mark, which is left to the caller; `commented`
    says whether it will have one.
    """
    with (
        written_beside(path) as beside,
        _video(beside, motion, size=size, codec=CODECS[codec], sound=speech, commented=commented) as video,
    ):
        for segment in segments:
            video.append(segment)


def _video(
    path: Path,
    motion: MotionSource,
    *,
    size: Size,
    codec: Codec,
    sound: Speech | Path | None,
    commented: bool,
) -> VideoWriter:
    width, height = _width_height(size)
    return VideoWriter(
        path,
        width=width,
        height=height,
        fps=motion.fps,
        codec=codec,
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


def render_frames(
    motion: MotionSource,
    frames: list[int],
    *,
    size: Size = 512,
    camera: str | Camera = "portrait",
    light: str | LightRig = "studio",
    skin: SkinParams | str | None = None,
    hair: str | None = None,
    dof: float | None = None,
    engine: str = "fast",
    samples: int | None = None,
    head: Head | None = None,
    progress: Progress | None = None,
) -> UInt8[Array, "frames height width 3"]:
    """Draw some frames of a motion, in the order given, sRGB; arguments and errors as `render`."""
    for frame in frames:
        if not 0 <= frame < motion.num_frames:
            raise OptionError(f"There is no frame {frame}; the motion has frames 0 to {motion.num_frames - 1}")
    renderer, person = _prepare(
        motion, size=size, camera=camera, light=light, skin=skin, hair=hair, dof=dof, engine=engine, samples=samples,
        head=head,
        progress=progress,
    )  # fmt: skip
    rising = sorted(set(frames))
    poses = (pose for part in _picked(motion, rising) for pose in _poses(person, part))
    drawn = {}
    for frame, pose in zip(rising, poses, strict=True):
        drawn[frame] = renderer.render(pose)
        if progress is not None:
            progress(len(drawn), len(rising), "rendering")
    return np.stack([drawn[frame] for frame in frames])


def _picked(motion: MotionSource, frames: list[int]) -> Iterator[FaceMotion]:
    """One-frame parts, going through the motion once."""
    first = 0
    for block in motion.blocks():
        stop = first + block.num_frames
        for frame in frames:
            if first <= frame < stop:
                yield block.part(frame - first, frame - first + 1)
        first = stop


def contact_sheet(
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
    """Write a PNG of `columns` x `rows` evenly spaced frames, each with its time."""
    target = Path(path)
    require_writable(target)
    count = columns * rows
    frames = np.linspace(0, motion.num_frames - 1, count + 2)[1:-1].round().astype(int).tolist()
    pictures = render_frames(
        motion, frames, size=size, camera=camera, light=light, skin=skin, hair=hair, dof=dof, engine=engine,
        samples=samples, head=head, progress=progress,
    )  # fmt: skip
    labels = [f"{frame / motion.fps:.2f} s" for frame in frames]
    with written_beside(target) as beside:
        beside.write_bytes(png_bytes(compose_sheet(pictures, labels, columns=columns)))
    return target


def still(
    motion: MotionSource,
    path: str | Path,
    *,
    time_secs: float,
    size: Size = 512,
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
    """Write a PNG of the frame on show at `time_secs`; arguments and errors as `render`."""
    target = Path(path)
    require_writable(target)
    frame = round(time_secs * motion.fps)
    if not 0 <= frame < motion.num_frames:
        last = (motion.num_frames - 1) / motion.fps
        raise OptionError(f"There is no frame at {time_secs:g} s; the motion lasts from 0 to {last:.2f} s")
    pictures = render_frames(
        motion, [frame], size=size, camera=camera, light=light, skin=skin, hair=hair, dof=dof, engine=engine,
        samples=samples, head=head, progress=progress,
    )  # fmt: skip
    with written_beside(target) as beside:
        beside.write_bytes(png_bytes(pictures[0]))
    return target


def _width_height(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _duration(motion: MotionSource, sound: Path | Speech | None) -> float:
    """Where the video ends: with the sound if it fits the motion, else with the last frame."""
    whole = motion.num_frames / motion.fps
    known = sound.duration_secs if isinstance(sound, Speech) else motion.info.speech_secs
    return known if known and whole - 1.0 / motion.fps <= known + 1e-6 <= whole + 2e-6 else whole


def _prepare(
    motion: MotionSource,
    *,
    size: Size,
    camera: str | Camera,
    light: str | LightRig,
    skin: SkinParams | str | None,
    hair: str | None,
    dof: float | None,
    engine: str,
    samples: int | None,
    head: Head | None,
    progress: Progress | None,
) -> tuple[Renderer, Head]:
    require_engine(engine, samples=samples)
    width, height = _width_height(size)
    scene = make_scene(camera=camera, light=light, width=width, height=height, f_number=dof)
    require_lens(engine, dof=dof)
    model = head or load_head()
    person = model if model.betas is not None else model.with_identity(motion.betas)
    worn = skin or motion.character
    look = wearing(find_character(worn).skin if isinstance(worn, str) else worn, hair)
    if progress is not None:
        progress(0, motion.num_frames, "starting Blender" if engine == "cycles" else WARM_UP)
    whole = model if model.betas is None else load_head()
    return make_renderer(engine, whole, betas=motion.betas, skin=look, scene=scene, samples=samples), person


def _poses(person: Head, motion: MotionSource) -> Iterator[Pose]:
    for block in motion.blocks(64):
        for vertices in person.iterate_vertices(block):
            for i, points in enumerate(vertices):
                yield Pose(points, block.wrinkles[i], block.blood_flow[i])


def _pictures(renderer: Renderer, person: Head, motion: MotionSource, *, workers: int | None) -> Iterator[Array]:
    """Frames in order, drawn by several threads, never more than two per thread in memory."""
    count = min(MAX_WORKERS, workers or os.cpu_count() or 1)
    waiting: deque[Future[Array]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for pose in _poses(person, motion):
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
