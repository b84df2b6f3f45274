"""Strands by OpenGL: knots lit in the vertex shader, pieces made into ribbons, blended from far to near."""

from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.rendering.gl.shaders import shader_source
from face_emote.rendering.stage import hair_kernels
from face_emote.rendering.stage.hair import Hair, PosedStrands

FRAME_LAYOUT = ("3f 3f 3f 4f", "position", "outward", "tangent", "root_sky")
FRAME_FLOATS = 13
FIXED_LAYOUT = ("3f 4f", "colour", "strand")
OWN_SKY = -1.0  # Openness of `root_sky` where hair has its own sky light.


class StrandDrawing:
    """The card's side of one character's hair, brows and lashes."""

    def __init__(self, context: Any, hair: Hair) -> None:
        """Compile, and send what does not change."""
        strands = hair.joined
        owner = np.zeros(len(strands.width), np.int32)
        owner[strands.segment] = owner[strands.segment + 1] = strands.owner
        self._strands, self._root = strands, strands.root[owner]
        self.program = context.program(
            vertex_shader=shader_source("common", "glsl/lights", "glsl/hair", "hair_vertex"),
            geometry_shader=shader_source("hair_geometry"),
            fragment_shader=shader_source("hair_fragment"),
        )
        per_strand = [strands.gloss[owner], strands.jitter[owner]]
        fixed = [strands.colour, np.stack([strands.width, strands.openness, *per_strand], axis=1)]
        self._context = context
        self._knots = context.buffer(reserve=4 * FRAME_FLOATS * len(owner), dynamic=True)
        self._order = context.buffer(reserve=8 * len(strands.segment), dynamic=True)
        content = [
            (self._knots, *FRAME_LAYOUT),
            (context.buffer(np.concatenate(fixed, axis=1, dtype=np.float32).tobytes()), *FIXED_LAYOUT),
        ]
        self._ribbons = context.vertex_array(self.program, content, index_buffer=self._order, skip_errors=True)

    def draw(
        self, posed: PosedStrands, *, sky: Float[Array, "point 8"], view: Float[Array, "3 4"], focal: float,
        size: tuple[int, int],
    ) -> None:  # fmt: skip
        """Blend over what the bound canvas shows, behind what its depth buffer holds nearer."""
        context = self._context
        self._knots.write(self._frame(posed, sky).tobytes())
        order = _far_to_near(posed.knots, self._strands.segment, view=view, focal=focal, size=size)
        pairs = np.stack([order, order + 1], axis=1).astype(np.uint32)
        self._order.write(pairs.tobytes())
        context.disable(context.CULL_FACE)
        context.enable(context.BLEND)
        context.blend_func = (context.ONE, context.ONE_MINUS_SRC_ALPHA)
        canvas = context.fbo
        canvas.depth_mask = False
        self._ribbons.render(context.LINES, vertices=pairs.size)
        canvas.depth_mask = True
        context.disable(context.BLEND)

    def _frame(self, posed: PosedStrands, sky: Float[Array, "point 8"]) -> Float[Array, f"knot {FRAME_FLOATS}"]:
        """`FRAME_LAYOUT` of one frame."""
        out = np.empty((len(posed.knots), FRAME_FLOATS), np.float32)
        out[:, :3], out[:, 3:6] = posed.knots, posed.outward
        start = self._strands.segment
        along = posed.knots[start + 1] - posed.knots[start]
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
        out[start + 1, 6:9] = along  # a strand's last knot has the direction of its last piece
        out[start, 6:9] = along
        rooted = self._root >= 0
        out[:, 12] = OWN_SKY
        out[:, 9:12] = 0.0
        out[rooted, 9:12] = sky[self._root[rooted], :3]
        out[rooted, 12] = sky[self._root[rooted], 6]
        return out


def _far_to_near(
    knots: Float[Array, "knot 3"], segment: Int[Array, " segment"], *, view: Array, focal: float, size: tuple[int, int]
) -> Int[Array, " seen"]:
    """First knots of the pieces on the picture, the farthest first."""
    count = len(segment)
    screen = np.empty((len(knots), 3), np.float32)
    hair_kernels.project_knots(knots, view, focal, 0.5 * size[0], 0.5 * size[1], screen)
    order, buckets = np.empty(count, np.int32), np.empty(hair_kernels.NUM_BUCKETS + 1, np.int32)
    nothing_before = np.zeros((size[1], size[0]), np.float32)
    seen = hair_kernels.nearest_first(screen, segment, nothing_before, np.empty(count, np.int32), buckets, order)
    return segment[order[:seen][::-1]]
