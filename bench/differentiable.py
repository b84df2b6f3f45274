"""Milliseconds of the differentiable renderer, forward and backward, one picture and a batch, on one thread.

With `--least` the shortest of many runs instead of the median: what the code costs where others use the machine too.
"""

import sys
import time
from collections.abc import Callable

import torch

from bench.common import QUICK, Figure, median_secs, options, report
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.rendering.scene import make_scene
from face_emote_lab.differentiable.rasterise import rasterise
from face_emote_lab.differentiable.render import render_batch, screen_points
from face_emote_lab.differentiable.stage import Stage, make_stage

SIZES = (128,) if QUICK else (128, 256, 512)
BATCH = 2 if QUICK else 4
FINE = 512 if QUICK else 2048
"""Pixels of the mask that silhouette gradients are compared with."""


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    least = "--least" in sys.argv
    if least:
        sys.argv.remove("--least")
    target = options(__doc__).json
    person, head = character("default"), load_head()
    neutral = torch.from_numpy(head.with_identity(person.betas).template).float()
    figures = []
    for size in SIZES:
        scene = make_scene(camera="portrait", light="studio", width=size, height=size)
        stage = make_stage(head, betas=person.betas, skin=person.skin, scene=scene)
        for batch in (1, BATCH):
            note = "one picture" if batch == 1 else f"per picture, {batch} at once"
            for name, secs in _times(stage, neutral.expand(batch, -1, -1), least=least).items():
                figures.append(Figure(f"{size} px {name}", secs * 1e3 / batch, "ms", note))
        if size == 256:
            figures += _silhouettes(stage, neutral[None])
    report("Differentiable renderer" + (", least of 40 runs" if least else ""), figures, target=target)


def _times(stage: Stage, vertices: torch.Tensor, *, least: bool) -> dict[str, float]:
    """Seconds of the picture alone, and of the picture and its gradients to vertices, wrinkles and blood."""
    batch = len(vertices)
    moved = vertices.clone().requires_grad_()
    wrinkles = torch.full((batch, 16), 0.3, requires_grad=True)
    blood = torch.full((batch, 8), 0.2, requires_grad=True)

    def forward() -> None:
        with torch.no_grad():
            render_batch(stage, moved, wrinkles=wrinkles, blood_flow=blood)

    def both() -> None:
        drawn = render_batch(stage, moved, wrinkles=wrinkles, blood_flow=blood)
        torch.autograd.grad(drawn.picture.square().mean(), [moved, wrinkles, blood])

    clock = _least_secs if least else median_secs
    return {"forward": clock(forward), "forward and backward": clock(both)}


def _least_secs(work: Callable[[], object]) -> float:
    """Least processor time of `work` in 40 runs, after one that warms caches up."""
    work()
    times = []
    for _ in range(1 if QUICK else 40):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def _silhouettes(stage: Stage, vertices: torch.Tensor) -> list[Figure]:
    """Gradients of a weighted silhouette against differences of a finely sampled one, per cent."""
    size = stage.width
    rows, columns = torch.meshgrid(torch.arange(size) / size, torch.arange(size) / size, indexing="ij")
    weights = torch.exp(-(((columns - 0.7) / 0.3) ** 2) - ((rows - 0.3) / 0.35) ** 2)
    wrinkles, blood = torch.zeros(1, 16), torch.zeros(1, 8)

    def mask(points: torch.Tensor) -> torch.Tensor:
        screen = screen_points(stage, points) * torch.tensor([FINE / size, FINE / size, 1.0, 1.0])
        seen = rasterise(screen, stage.triangles, width=FINE, height=FINE).face_id[0] >= 0
        return seen.reshape(size, FINE // size, size, FINE // size).double().mean((1, 3))

    zero, y = torch.zeros_like(vertices[..., 0]), vertices[..., 1]
    moves = {
        "right": torch.stack([zero + 0.1, zero, zero], -1), "up": torch.stack([zero, zero + 0.1, zero], -1),
        "larger": vertices, "sheared": torch.stack([y, zero, zero], -1),
    }  # fmt: skip
    figures, step = [], 0.02
    for name, move in moves.items():
        change = (mask(vertices + step * move) - mask(vertices - step * move)) * weights
        amount = torch.zeros((), requires_grad=True)
        drawn = render_batch(stage, vertices + amount * move, wrinkles=wrinkles, blood_flow=blood)
        (slope,) = torch.autograd.grad((drawn.alpha[0] * weights).mean(), [amount])
        error = abs(float(slope) / float(change.mean() / (2.0 * step)) - 1.0)
        figures.append(Figure(f"{size} px silhouette gradient, {name}", 100.0 * error, "% off", "finite differences"))
    return figures


if __name__ == "__main__":
    main()
