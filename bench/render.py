"""Frames per second of the fast renderer at 512 px and 1080p, with and without hair, alone and as `render` uses it.

`render` draws frames in one thread per processor core; the kernels hold no lock. Limits: about 115,000 shaded samples
and 58,000 triangles a frame at 512 px, and a constant part (sky, shadow, mesh) that no picture size changes.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from bench.common import Figure, median_secs, report
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import make_scene
from face_emote.rendering.stage import kernels

HAIR = (("none", 0.0), ("crop", 0.0), ("short", 0.0), ("short", 1.0), ("medium", 0.0), ("medium", 0.3), ("tied", 0.0))
SIZES = {"256 px": (256, 256), "512 px": (512, 512), "1080p": (1920, 1080)}
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
    for _ in range(7):
        start = time.process_time()
        draw()
        took.append(time.process_time() - start)
    return float(np.median(took))


def main() -> None:
    """Measure and print."""
    person = character("default")
    head = load_head()
    neutral = head.with_identity(person.betas).template
    pose = Pose(neutral.astype(np.float32), np.full(16, 0.3, np.float32), np.full(8, 0.2, np.float32))
    figures = []
    threads = min(2, os.cpu_count() or 1)
    for name, (width, height) in SIZES.items():
        scene = make_scene(camera="portrait", light="studio", width=width, height=height)
        for hair in (False, True):
            renderer = FastRenderer(head, betas=person.betas, skin=person.skin, scene=scene, hair=hair)
            label = f"{name} {'with' if hair else 'without'} hair"
            secs = median_secs(lambda r=renderer: r.render(pose), repeats=7)
            figures.append(Figure(f"{label}, frame", secs * 1e3, "ms", "one thread"))
            figures.append(Figure(f"{label}, rate", 1.0 / secs, "frames/s", "one thread"))
            busy = processor_secs(lambda r=renderer: r.render(pose))
            figures.append(Figure(f"{label}, processor time", busy * 1e3, "ms", "of one core, whatever else runs"))
            shared = in_parallel(lambda r=renderer: r.render(pose), threads=threads)
            figures.append(Figure(f"{label}, rate together", 1.0 / shared, "frames/s", f"{threads} threads"))
        space = renderer._space(len(pose.vertices))
        seen = median_secs(
            lambda s=space, r=renderer: kernels.visibility(s.screen, r._mesh.triangles, s.face_id, s.inverse_depth)
        )
        figures.append(Figure(f"{name} visibility", seen * 1e3, "ms", "z-buffer at 2 x 2 samples a pixel"))
    report("Fast renderer", figures)
    report("Hair at 512 px", hair_figures())


def hair_figures() -> list[Figure]:
    """What every hair style costs a frame: one processor's time, median of frames drawn in turns."""
    person, head = character("default"), load_head()
    scene = make_scene(camera="portrait", light="studio", width=512, height=512)
    neutral = head.with_identity(person.betas).template.astype(np.float32)
    pose = Pose(neutral, np.zeros(16, np.float32), np.zeros(8, np.float32))
    looks = {f"{style}{f', curl {curl:g}' if curl else ''}": (style, curl) for style, curl in HAIR}
    renderers = {
        name: FastRenderer(
            head, betas=person.betas, skin=replace(person.skin, hair_style=style, hair_curl=curl), scene=scene
        )
        for name, (style, curl) in looks.items()
    }
    secs: dict[str, list[float]] = {name: [] for name in looks}
    for turn in range(12):
        for name, renderer in renderers.items():
            start = time.thread_time()
            renderer.render(pose)
            if turn:  # the first may compile
                secs[name].append(time.thread_time() - start)
    bare = float(np.median(secs["none"]))
    return [
        Figure(name, float(np.median(times)) * 1e3, "ms", f"hair itself {1e3 * (np.median(times) - bare):.0f} ms")
        for name, times in secs.items()
    ]


if __name__ == "__main__":
    main()
