"""The gl renderer: vertices and shadow maps by the stage's kernels, everything seen by OpenGL."""

from face_emote.core.arrays import Array, UInt8
from face_emote.core.png import srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.rendering.base import Pose
from face_emote.rendering.gl.context import GlThread
from face_emote.rendering.gl.drawing import Drawing
from face_emote.rendering.scene import Scene
from face_emote.rendering.stage.person import StagedPerson


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
