"""The renderers by name: which there are, what each of them needs, and how one is made."""

from face_emote.blender_side.process import blender_python
from face_emote.core.arrays import Array
from face_emote.core.errors import OptionError
from face_emote.core.lab import require_torch, with_torch
from face_emote.core.names import ENGINES
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.rendering.base import Renderer
from face_emote.rendering.scene import Scene

TORCH = "The differentiable renderer"


def require_engine(engine: str) -> None:
    """Raise OptionError or DependencyError unless this engine can draw here; cheap, for use before long work."""
    if engine not in ENGINES:
        raise OptionError(f"There is no engine {engine!r}; choose one of: {', '.join(ENGINES)}")
    if engine == "cycles":
        blender_python()
    if engine == "differentiable":
        require_torch(TORCH)


def make_renderer(
    engine: str, head: Head, *, betas: Array, skin: SkinParams, scene: Scene, samples: int | None
) -> Renderer:
    """One person in one scene. Only the engine that is asked for is imported: they need different packages."""
    if engine == "cycles":
        from face_emote.rendering.cycles.engine import CyclesRenderer

        return CyclesRenderer(head, betas=betas, skin=skin, scene=scene, samples=samples)
    if engine == "differentiable":
        render = with_torch("differentiable.render", what=TORCH)
        drawn: Renderer = render.DifferentiableRenderer(head, betas=betas, skin=skin, scene=scene)
        return drawn
    if engine == "gl":
        from face_emote.rendering.gl.engine import GlRenderer

        return GlRenderer(head, betas=betas, skin=skin, scene=scene)
    from face_emote.rendering.fast.engine import FastRenderer

    return FastRenderer(head, betas=betas, skin=skin, scene=scene)
