"""Somebody else's rasteriser behind our protocol: pytorch3d's, where it is installed.

It only answers which triangle a sample sees; where in it, and every gradient, is worked out by `interpolate` and
`antialias` as always. So pictures and gradients do not depend on who looked, and a test can say so. It is imported
when it is asked for. pytorch3d (BSD) has no wheels: build it from its source. The package that PyPI calls `drtk` is not
Meta's: do not install it.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.core.errors import DependencyError, OptionError
from face_emote.rendering.torch.rasterise import Rasteriser, Visible, rasterise, rasterise_scatter

HINTS = {"pytorch3d": "build it from github.com/facebookresearch/pytorch3d"}


def find_rasteriser(name: str) -> Rasteriser:
    """The rasteriser of a name: `own`, `scatter` or `pytorch3d`.

    Raises:
        OptionError: there is none of that name.
        DependencyError: it is not installed.
    """
    makers: dict[str, Callable[[], Rasteriser]] = {
        "own": lambda: rasterise,
        "scatter": lambda: rasterise_scatter,
        "pytorch3d": lambda: rasterise_pytorch3d,
    }
    if name not in makers:
        raise OptionError(f"There is no rasteriser called {name!r}. Known: {', '.join(makers)}")
    if name in HINTS and find_spec(name) is None:
        raise DependencyError(f"The rasteriser {name} is not installed: {HINTS[name]}")
    return makers[name]()


@torch.no_grad()
def rasterise_pytorch3d(
    screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"], *, width: int, height: int
) -> Visible:
    """By `pytorch3d.renderer.mesh.rasterize_meshes`, one face a pixel, hard.

    Its normalised coordinates run to the left and up, from -1 to 1 along the shorter side, with pixel centres at
    halves.
    """
    from pytorch3d.renderer.mesh import rasterize_meshes
    from pytorch3d.structures import Meshes

    short = float(min(width, height))
    x, y = (width - 2.0 * screen[..., 0]) / short, (height - 2.0 * screen[..., 1]) / short
    points = torch.stack([x, y, screen[..., 2]], dim=-1).float()
    fronts = [torch.nonzero(front)[:, 0] for front in faces_camera(screen, triangles)]
    meshes = Meshes(verts=list(points), faces=[triangles[front] for front in fronts])
    seen, *_ = rasterize_meshes(
        meshes, image_size=(height, width), blur_radius=0.0, faces_per_pixel=1, perspective_correct=True
    )
    packed = seen[..., 0]
    face_id = torch.full_like(packed, -1)
    first = 0
    for k, front in enumerate(fronts):
        hit = packed[k] >= 0
        face_id[k][hit] = front[packed[k][hit] - first]
        first += len(front)
    return _seen(face_id, screen, triangles)


def faces_camera(screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"]) -> Tensor:
    """Which triangles show their outside: [batch, triangle]."""
    x, y = screen[..., 0][:, triangles], screen[..., 1][:, triangles]
    return (x[..., 1] - x[..., 0]) * (y[..., 2] - y[..., 0]) < (x[..., 2] - x[..., 0]) * (y[..., 1] - y[..., 0])


def _seen(face_id: Tensor, screen: Tensor, triangles: Tensor) -> Visible:
    """With 1 / depth, which is linear on the screen, from the triangles that are seen."""
    batch, height, width = face_id.shape
    frame = torch.arange(batch, device=screen.device)[:, None, None]
    at: Any = screen[frame, triangles[face_id.clamp(min=0)].permute(3, 0, 1, 2)]
    (x0, x1, x2), (y0, y1, y2), w = at[..., 0], at[..., 1], at[..., 3]
    px = torch.arange(width, device=screen.device, dtype=screen.dtype) + 0.5
    py = (torch.arange(height, device=screen.device, dtype=screen.dtype) + 0.5)[:, None]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    b0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
    b1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
    inverse = b0 * w[0] + b1 * w[1] + (1.0 - b0 - b1) * w[2]
    return Visible(face_id, torch.where(face_id >= 0, inverse, 0.0))
