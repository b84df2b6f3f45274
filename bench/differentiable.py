"""Milliseconds of the differentiable renderer, forward and backward, one picture and a batch, on one thread."""

import torch

from bench.common import Figure, median_secs, report
from face_emote.differentiable.render import render_batch
from face_emote.differentiable.stage import Stage, make_stage
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.rendering.scene import make_scene

SIZES = (128, 256, 512)
BATCH = 4


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    person, head = character("default"), load_head()
    neutral = torch.from_numpy(head.with_identity(person.betas).template).float()
    figures = []
    for size in SIZES:
        scene = make_scene(camera="portrait", light="studio", width=size, height=size)
        stage = make_stage(head, betas=person.betas, skin=person.skin, scene=scene)
        for batch in (1, BATCH):
            note = "one picture" if batch == 1 else f"per picture, {batch} at once"
            for name, secs in _times(stage, neutral.expand(batch, -1, -1)).items():
                figures.append(Figure(f"{size} px {name}", secs * 1e3 / batch, "ms", note))
    report("Differentiable renderer", figures)


def _times(stage: Stage, vertices: torch.Tensor) -> dict[str, float]:
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

    return {"forward": median_secs(forward), "forward and backward": median_secs(both)}


if __name__ == "__main__":
    main()
