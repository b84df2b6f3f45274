"""An OpenGL context without a window, and the one thread that may use it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, TypeVar

from face_emote.core.errors import DependencyError

Result = TypeVar("Result")
INSTALL = "pip install 'face-emote[gl]' and, on a Linux server, the system packages libegl1 and libgl1"


class GlThread:
    """A thread with an OpenGL 3.3 context of its own: contexts belong to threads, callers come from any."""

    def __init__(self) -> None:
        """Open the context.

        Raises:
            DependencyError: moderngl, or a driver that draws without a window, is missing.
        """
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
