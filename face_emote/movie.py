"""Motion to video: evaluates the head, draws every frame, adds the sound. Memory does not grow with the length."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, UInt8
from face_emote.core.errors import DependencyError, OptionError
from face_emote.core.output import require_writable, written_beside
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion, MotionSource, SkinParams, Speech
from face_emote.face.bundled import load_head
from face_emote.face.characters import character as find_character
from face_emote.face.head import Head
from face_emote.rendering.base import Pose, Renderer
from face_emote.rendering.scene import Camera, LightRig, Scene, make_scene
from face_emote.rendering.sheet import compose_sheet
from face_emote.rendering.video import VideoWriter, choose_codec

Progress = Callable[[float, float, str], None]
"""progress(done, total, what): frames done, frames in all, what is going on."""
Size = int | tuple[int, int]
ENGINES = ("fast", "differentiable")
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
    codec: str | None = None,
    engine: str = "fast",
    head: Head | None = None,
    workers: int | None = None,
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
        codec: h264, vp9 or av1; None takes what suits the file type.
        engine: Which renderer draws: `fast`, or `differentiable`, whose pictures have no shadows and no strands of
            hair and need torch.
        head: The head to draw on; the bundled one by default.
        workers: Frames drawn at the same time; None: one per processor core.
        progress: Called after every frame.

    Returns:
        The path written. Nothing is left behind when an error is raised.

    Raises:
        OptionError, OutputError, HeadError, DependencyError: see their messages.
    """
    target = Path(path)
    chosen = choose_codec(target, codec)
    require_writable(target)
    sound = Path(speech) if isinstance(speech, str | Path) else speech
    renderer, person = _prepare(
        motion, size=size, camera=camera, light=light, skin=skin, engine=engine, head=head, progress=progress
    )
    width, height = _width_height(size)
    secs = _duration(motion, sound)
    with (
        written_beside(target) as beside,
        VideoWriter(
            beside, width=width, height=height, fps=motion.fps, codec=chosen, speech=sound, duration_secs=secs
        ) as video,
    ):
        for done, picture in enumerate(_pictures(renderer, person, motion, workers=workers), start=1):
            video.write(picture)
            if progress is not None:
                progress(done, motion.num_frames, "rendering")
    return target


def render_frames(
    motion: MotionSource,
    frames: list[int],
    *,
    size: Size = 512,
    camera: str | Camera = "portrait",
    light: str | LightRig = "studio",
    skin: SkinParams | str | None = None,
    head: Head | None = None,
    progress: Progress | None = None,
) -> UInt8[Array, "frames height width 3"]:
    """Draw some frames of a motion, in the order given, sRGB."""
    for frame in frames:
        if not 0 <= frame < motion.num_frames:
            raise OptionError(f"There is no frame {frame}; the motion has frames 0 to {motion.num_frames - 1}")
    renderer, person = _prepare(
        motion, size=size, camera=camera, light=light, skin=skin, engine="fast", head=head, progress=progress
    )
    rising = sorted(set(frames))
    poses = (pose for part in _picked(motion, rising) for pose in _poses(person, part))
    drawn = {frame: renderer.render(pose) for frame, pose in zip(rising, poses, strict=True)}
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
    head: Head | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a PNG of `columns` x `rows` evenly spaced frames, each with its time."""
    target = Path(path)
    require_writable(target)
    count = columns * rows
    frames = np.linspace(0, motion.num_frames - 1, count + 2)[1:-1].round().astype(int).tolist()
    pictures = render_frames(
        motion, frames, size=size, camera=camera, light=light, skin=skin, head=head, progress=progress
    )
    labels = [f"{frame / motion.fps:.2f} s" for frame in frames]
    with written_beside(target) as beside:
        beside.write_bytes(png_bytes(compose_sheet(pictures, labels, columns=columns)))
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
    engine: str,
    head: Head | None,
    progress: Progress | None,
) -> tuple[Renderer, Head]:
    if engine not in ENGINES:
        raise OptionError(f"There is no render engine called {engine!r}. Known: {', '.join(ENGINES)}")
    width, height = _width_height(size)
    scene = make_scene(camera=camera, light=light, width=width, height=height)
    model = head or load_head()
    person = model if model.betas is not None else model.with_identity(motion.betas)
    worn = skin or motion.character
    look = find_character(worn).skin if isinstance(worn, str) else worn
    if progress is not None:
        progress(0, motion.num_frames, WARM_UP)
    whole = model if model.betas is None else load_head()
    return _renderer(engine, whole, betas=motion.betas, skin=look, scene=scene), person


def _renderer(engine: str, head: Head, *, betas: Array, skin: SkinParams, scene: Scene) -> Renderer:
    """Only the engine that is asked for is imported: they need different packages."""
    if engine == "differentiable":
        if find_spec("torch") is None:
            raise DependencyError("The differentiable renderer needs torch: pip install 'face-emote[torch]'")
        from face_emote.differentiable.render import DifferentiableRenderer

        return DifferentiableRenderer(head, betas=betas, skin=skin, scene=scene)
    from face_emote.rendering.fast.engine import FastRenderer

    return FastRenderer(head, betas=betas, skin=skin, scene=scene)


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
