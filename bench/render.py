"""Frames per second of the fast renderer at 512 px and 1080p, with and without hair, alone and as `render` uses it.

`render` draws frames in one thread per processor core; the kernels hold no lock. Limits: about 115,000 shaded samples
and 58,000 triangles a frame at 512 px, and a constant part (sky, shadow, mesh) that no picture size changes.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from bench.common import QUICK, Figure, median_secs, options, report
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import make_scene

HAIR = (("none", 0.0), ("crop", 0.0), ("short", 0.0), ("short", 1.0), ("medium", 0.0), ("medium", 0.3), ("tied", 0.0))
SIZES = {"256 px": (256, 256)} if QUICK else {"256 px": (256, 256), "512 px": (512, 512), "1080p": (1920, 1080)}
HAIR_SIDE = 128 if QUICK else 512
FRAMES_A_THREAD = 4


def in_parallel(draw: Callable[[], object], *, threads: int) -> float:
    """Seconds a frame when this many threads draw at once, as `render` does."""

    def several() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda _: draw(), range(threads * FRAMES_A_THREAD)))

    return median_secs(several, repeats=5) / (threads * FRAMES_A_THREAD)


def processor_secs(draw: Callable[[], object]) -> float:
    """Median seconds of processor time a frame: what remains steady on a machine that has other work."""
    took = []
    for _ in range(1 if QUICK else 7):
        start = time.process_time()
        draw()
        took.append(time.process_time() - start)
    return float(np.median(took))


def main() -> None:
    """Measure and print."""
    target = options(__doc__).json
    figures = [figure for name, (width, height) in SIZES.items() for figure in picture_figures(name, width, height)]
    report("Fast renderer", [*figures, *hair_figures()], target=target)


def picture_figures(name: str, width: int, height: int) -> list[Figure]:
    """Time and rate of one picture size, without and with hair."""
    person, pose = character("default"), resting_pose(wrinkle=0.3, blood=0.2)
    scene = make_scene(camera="portrait", light="studio", width=width, height=height)
    threads, figures = min(2, os.cpu_count() or 1), []
    for hair in (False, True):
        draw = partial(
            FastRenderer(load_head(), betas=person.betas, skin=person.skin, scene=scene, hair=hair).render, pose
        )
        label = f"{name} {'with' if hair else 'without'} hair"
        secs, shared = median_secs(draw, repeats=7), in_parallel(draw, threads=threads)
        figures += [
            Figure(f"{label}, frame", secs * 1e3, "ms", "one thread"),
            Figure(f"{label}, rate", 1.0 / secs, "frames/s", "one thread"),
            Figure(f"{label}, processor time", processor_secs(draw) * 1e3, "ms", "of one core, whatever else runs"),
            Figure(f"{label}, rate together", 1.0 / shared, "frames/s", f"{threads} threads"),
        ]
    return figures


def resting_pose(*, wrinkle: float = 0.0, blood: float = 0.0) -> Pose:
    """The default character's face at rest, every wrinkle and blood region at these values."""
    neutral = load_head().with_identity(character("default").betas).template.astype(np.float32)
    return Pose(neutral, np.full(16, wrinkle, np.float32), np.full(8, blood, np.float32))


def hair_figures() -> list[Figure]:
    """What every hair style costs a frame at 512 px: one processor's time, median of frames drawn in turns."""
    person, head, pose = character("default"), load_head(), resting_pose()
    scene = make_scene(camera="portrait", light="studio", width=HAIR_SIDE, height=HAIR_SIDE)
    renderers = {
        f"hair {style}{f', curl {curl:g}' if curl else ''}": FastRenderer(
            head, betas=person.betas, skin=replace(person.skin, hair_style=style, hair_curl=curl), scene=scene
        )
        for style, curl in HAIR
    }
    secs: dict[str, list[float]] = {name: [] for name in renderers}
    for turn in range(2 if QUICK else 12):
        for name, renderer in renderers.items():
            start = time.thread_time()
            renderer.render(pose)
            if turn:  # the first may compile
                secs[name].append(time.thread_time() - start)
    bare = float(np.median(secs["hair none"]))
    return [
        Figure(name, float(np.median(times)) * 1e3, "ms", f"hair itself {1e3 * (np.median(times) - bare):.0f} ms")
        for name, times in secs.items()
    ]


if __name__ == "__main__":
    main()
