"""The gl renderer: vertices and shadow maps by the stage's kernels, everything seen by OpenGL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, TypeVar

from face_emote.core.arrays import Array, UInt8
from face_emote.core.errors import DependencyError
from face_emote.core.png import srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.rendering.base import Pose
from face_emote.rendering.gl.drawing import Drawing
from face_emote.rendering.scene import Scene
from face_emote.rendering.stage.person import StagedPerson

Result = TypeVar("Result")
INSTALL = "pip install 'face-emote[gl]' and, on a Linux server, the system packages libegl1 and libgl1"


class GlThread:
    """A thread with an OpenGL 3.3 context of its own: contexts belong to threads, callers come from any."""

    def __init__(self) -> None:
        """Open the context. DependencyError: moderngl, or a driver that draws without a window, is missing."""
        if find_spec("moderngl") is None:
            raise DependencyError(f"The gl engine needs moderngl: {INSTALL}")
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="gl")
        self.context: Any = self.call(_open)

    def call(self, work: Callable[[], Result]) -> Result:
        """Do `work` in the context's thread and wait for it."""
        return self._pool.submit(work).result()


def _open() -> Any:
    import moderngl

    reasons = []
    tries: tuple[dict[str, Any], ...] = ({"backend": "egl"}, {})
    for options in tries:
        try:
            return moderngl.create_context(standalone=True, require=330, **options)
        except Exception as error:
            # Drivers fail with exceptions of every kind.
            reasons.append(str(error))
    raise DependencyError(f"The gl engine found no OpenGL 3.3 driver ({'; '.join(reasons)}): {INSTALL}")


def gl_missing() -> str | None:
    """Why the gl engine cannot run here, None if it can."""
    try:
        GlThread()
    except DependencyError as error:
        return str(error)
    return None


class GlRenderer:
    """Implements `Renderer`; may be shared between threads, which take turns at the card."""

    name = "gl"

    def __init__(
        self, head: Head, *, betas: Array, skin: SkinParams, scene: Scene, shadows: bool = True, hair: bool = True
    ) -> None:
        """Prepare one person; arguments and errors as `StagedPerson`, and DependencyError without OpenGL."""
        self._stage = StagedPerson(head, betas=betas, skin=skin, scene=scene, shadows=shadows, hair=hair)
        self._gl = GlThread()
        self._drawing = self._gl.call(lambda: Drawing(self._gl.context, self._stage))

    def render(self, pose: Pose) -> UInt8[Array, "height width 3"]:
        """Draw one frame, sRGB."""
        staged = self._stage.staged(pose)
        return srgb_bytes(self._gl.call(lambda: self._drawing.draw(staged)))
