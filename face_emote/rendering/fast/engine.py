"""The fast renderer: one character in one scene, frame by frame, one CPU core per frame."""

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.png import srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.rendering.base import Pose
from face_emote.rendering.fast import lens
from face_emote.rendering.fast.hair_drawing import draw_hair
from face_emote.rendering.fast.shade import shade_picture, to_srgb
from face_emote.rendering.scene import Scene, aperture
from face_emote.rendering.stage import kernels
from face_emote.rendering.stage.person import StagedPerson
from face_emote.rendering.stage.workspace import Workspace

CORNEA = 0.012  # From an eyeball's middle to its front, metres.
_SRGB_TABLE = srgb_bytes(np.arange(4096) / 4095.0)
_NO_MEMBERS = np.empty((0, 0), np.int32)


class FastRenderer:
    """Implements `Renderer`; may be shared between threads, each frame uses one."""

    name = "fast"

    def __init__(
        self, head: Head, *, betas: Array, skin: SkinParams, scene: Scene, shadows: bool = True, hair: bool = True
    ) -> None:
        """Prepare one person; arguments and errors as `StagedPerson`."""
        self.stage = StagedPerson(head, betas=betas, skin=skin, scene=scene, shadows=shadows, hair=hair)

    def render(self, pose: Pose) -> UInt8[Array, "height width 3"]:
        """Draw one frame, sRGB."""
        stage = self.stage
        frame = stage.staged(pose)
        space = frame.space
        kernels.visibility(space.screen, stage.mesh.triangles, space.face_id, space.inverse_depth)
        shade_picture(
            frame.geometry, stage.texture, frame.look, frame.light, space.face_id, space.inverse_depth, stage.backdrop,
            space.fragments, _NO_MEMBERS, space.blocks, space.picture, space.depth,
        )  # fmt: skip
        if stage.hair is not None and frame.strands is not None:
            draw_hair(stage.hair, frame, view=stage.view, focal=stage.focal)
        out = np.empty(space.picture.shape, np.uint8)
        to_srgb(self._through_lens(pose.vertices, space), _SRGB_TABLE, out)
        return out

    def _through_lens(self, vertices: Float[Array, "vertex 3"], space: Workspace) -> Float[Array, "height width 3"]:
        """The picture with the scene's depth of field, focused on the corneas."""
        stage, f_number = self.stage, self.stage.scene.f_number
        if f_number is None:
            return space.picture
        eyes = np.mean([vertices[index].mean(axis=0) for index in stage.mesh.eye_vertices], axis=0)
        radius = lens.blur_radius(
            space.depth,
            focus=float(-(stage.view[2, :3] @ eyes + stage.view[2, 3])) - CORNEA,
            aperture=aperture(stage.camera, f_number=f_number),
            focal=stage.focal,
        )
        blurred = np.empty_like(space.picture)
        lens.defocus(space.picture, radius, lens.TAPS, blurred)
        return blurred
