"""Frames per second of the fast renderer at 512 px and 1080p, and where the time goes.

The limit at 512 px is arithmetic, not memory: about 115,000 shaded pixels and 58,000 triangles a frame.
"""

import numpy as np

from bench.common import Figure, median_secs, report
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.rendering.base import Pose
from face_emote.rendering.fast import kernels
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import make_scene

SIZES = {"256 px": (256, 256), "512 px": (512, 512), "1080p": (1920, 1080)}


def main() -> None:
    """Measure and print."""
    person = character("default")
    head = load_head()
    neutral = head.with_identity(person.betas).template
    pose = Pose(neutral.astype(np.float32), np.full(16, 0.3, np.float32), np.full(8, 0.2, np.float32))
    figures = []
    for name, (width, height) in SIZES.items():
        scene = make_scene(camera="portrait", light="studio", width=width, height=height)
        renderer = FastRenderer(head, betas=person.betas, skin=person.skin, scene=scene)
        secs = median_secs(lambda r=renderer: r.render(pose), repeats=7)
        figures.append(Figure(f"{name} frame", secs * 1e3, "ms", "one thread"))
        figures.append(
            Figure(f"{name} rate", 1.0 / secs, "frames/s", "one thread; frames are drawn in parallel threads")
        )
        space = renderer._space(len(pose.vertices))
        seen = median_secs(
            lambda s=space, r=renderer: kernels.visibility(s.screen, r._mesh.triangles, s.face_id, s.inverse_depth)
        )
        figures.append(Figure(f"{name} visibility", seen * 1e3, "ms", "z-buffer at 2 x 2 samples a pixel"))
    report("Fast renderer", figures)


if __name__ == "__main__":
    main()
