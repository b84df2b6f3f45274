"""The renderers by name: which there are, what each of them needs, and how one is made."""

from importlib.util import find_spec

from face_emote.blender_side.process import blender_python
from face_emote.core.arrays import Array
from face_emote.core.errors import DependencyError, OptionError
from face_emote.core.names import ENGINES
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.rendering.base import Renderer
from face_emote.rendering.scene import Scene


def require_engine(engine: str) -> None:
    """Raise OptionError or DependencyError unless this engine can draw here; cheap, for use before long work."""
    if engine not in ENGINES:
        raise OptionError(f"There is no engine {engine!r}; choose one of: {', '.join(ENGINES)}")
    if engine == "cycles":
        blender_python()
    if engine == "differentiable" and find_spec("torch") is None:
        raise DependencyError("The differentiable renderer needs torch: pip install 'face-emote[torch]'")


def make_renderer(
    engine: str, head: Head, *, betas: Array, skin: SkinParams, scene: Scene, samples: int | None
) -> Renderer:
    """One person in one scene. Only the engine that is asked for is imported: they need different packages."""
    if engine == "cycles":
        from face_emote.rendering.cycles.engine import CyclesRenderer

        return CyclesRenderer(head, betas=betas, skin=skin, scene=scene, samples=samples)
    if engine == "differentiable":
        from face_emote.rendering.torch.render import DifferentiableRenderer

        return DifferentiableRenderer(head, betas=betas, skin=skin, scene=scene)
    if engine == "gl":
        from face_emote.rendering.gl.engine import GlRenderer

        return GlRenderer(head, betas=betas, skin=skin, scene=scene)
    from face_emote.rendering.fast.engine import FastRenderer

    return FastRenderer(head, betas=betas, skin=skin, scene=scene)
