"""Textures, buffers and passes of one character in one scene. Everything here runs in the context's own thread."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.look.formula.materials import CLOTH, EYE, HAIR, SKIN, TOOTH
from face_emote.look.formula.printed import uniform_values
from face_emote.rendering.gl.shaders import shader_source
from face_emote.rendering.gl.strand_drawing import StrandDrawing
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.buffers import NUM_ATTRIBUTES, Geometry, Lighting, Look, Texture
from face_emote.rendering.stage.hair_kernels import ROOT_TOLERANCE
from face_emote.rendering.stage.mesh import RenderMesh
from face_emote.rendering.stage.person import Staged, StagedPerson
from face_emote.rendering.stage.workspace import SHADOW_MAP_SIZE

FRAME_LAYOUT = ("3f 3f 3f 3f 2f 3f", "position", "normal", "sky_plain", "sky_skin", "opened", "state")
"""`buffers.Geometry.attributes`: what changes from frame to frame."""
FIXED_LAYOUT = ("2f 3f 1f", "uv", "local", "material")


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """Which points the GL vertices are, and what never changes about them."""

    point: Int[Array, " gl_vertex"]
    indices: Int[Array, "triangle 3"]
    fixed: Float[Array, "gl_vertex 6"]  # uv, local, material: `FIXED_LAYOUT`.

    def frame(self, geometry: Geometry) -> Float[Array, f"gl_vertex {NUM_ATTRIBUTES}"]:
        """`FRAME_LAYOUT` of one frame."""
        found: Array = geometry.attributes[self.point]
        return found


def make_corners(mesh: RenderMesh) -> Corners:
    """Split points at seams of the texture and between materials."""
    uv_index = np.where((mesh.material == buffers.SKIN)[:, None], mesh.uv_triangles, -1).astype(np.int64)
    material = np.repeat(mesh.material.astype(np.int64), 3)
    key = np.stack([mesh.triangles.reshape(-1).astype(np.int64), uv_index.reshape(-1), material], axis=1)
    unique, inverse = np.unique(key, axis=0, return_inverse=True)
    uv = np.where((unique[:, 1] >= 0)[:, None], mesh.uv[unique[:, 1]], 0.0)
    return Corners(
        point=unique[:, 0],
        indices=inverse.reshape(-1, 3).astype(np.int32),
        fixed=np.concatenate([uv, mesh.local[unique[:, 0]], unique[:, 2:3]], axis=1, dtype=np.float32),
    )


NEAR, FAR = 0.02, 8.0
SAMPLES = 4
FORMULAS = tuple(f"glsl/{name}" for name in ("skin", "eye", "tooth", "gum", "cloth", "tongue"))
FRAGMENT = ("common", "glsl/lights", *FORMULAS, "skin", "head_fragment")
_UNITS = frozenset({"shadow_map", "skin_maps", "num_levels", "kinds"})  # Uniforms that are whole numbers.
_SHADOW_UNIT, _KIND_UNIT, _MAP_UNIT = 0, 1, 2


class Drawing:
    """The card's side of the renderer."""

    def __init__(self, context: Any, stage: StagedPerson) -> None:
        """Compile, and send what does not change."""
        scene = stage.scene
        self._context, self._size = context, (scene.width, scene.height)
        self._clip = clip_matrix(stage.view, stage.focal, width=scene.width, height=scene.height)
        self._corners = make_corners(stage.mesh)
        self._head = context.program(
            vertex_shader=shader_source("head_vertex"), fragment_shader=shader_source(*FRAGMENT)
        )
        self._kind = context.program(
            vertex_shader=shader_source("head_vertex"), fragment_shader=shader_source("kind_fragment")
        )
        self._view, self._focal = stage.view, stage.focal
        self._strands = None if stage.hair is None else StrandDrawing(context, stage.hair)
        self._vertices = context.buffer(reserve=4 * buffers.NUM_ATTRIBUTES * len(self._corners.point), dynamic=True)
        content = [(self._vertices, *FRAME_LAYOUT), (context.buffer(self._corners.fixed.tobytes()), *FIXED_LAYOUT)]
        indices = context.buffer(self._corners.indices.tobytes())
        self._mesh, self._kinds = (
            context.vertex_array(program, content, index_buffer=indices, skip_errors=True)
            for program in (self._head, self._kind)
        )
        self._num_levels = len(stage.texture.side)
        self._maps = [_mip_texture(context, stage.texture, first) for first in (0, 4, 8)]
        self._shadow = context.texture((SHADOW_MAP_SIZE, SHADOW_MAP_SIZE), 2, dtype="f4")
        self._shadow.filter = (context.NEAREST, context.NEAREST)
        self._backdrop = np.concatenate([stage.backdrop, np.ones_like(stage.backdrop[..., :1])], axis=-1)
        self._canvas = context.framebuffer(
            [context.renderbuffer(self._size, 4, samples=SAMPLES, dtype="f4")],
            context.depth_renderbuffer(self._size, samples=SAMPLES),
        )
        double = (2 * scene.width, 2 * scene.height)
        self._material = context.texture(double, 1, dtype="f2")
        self._material.filter = (context.NEAREST, context.NEAREST)
        self._samples = context.framebuffer([self._material], context.depth_renderbuffer(double))
        self._flat = context.framebuffer([context.renderbuffer(self._size, 4, dtype="f4")])

    def draw(self, staged: Staged) -> Float[Array, "height width 3"]:
        """Display light, linear."""
        context = self._context
        self._vertices.write(self._corners.frame(staged.geometry).tobytes())
        self._shadow.write(np.ascontiguousarray(staged.light.shadow, np.float32).tobytes())
        self._shadow.use(_SHADOW_UNIT)
        for i, texture in enumerate(self._maps):
            texture.use(_MAP_UNIT + i)
        self._set_uniforms(staged.light, staged.look)
        context.enable(context.DEPTH_TEST | context.CULL_FACE)
        context.front_face = "cw"  # rows run down
        self._samples.use()
        self._samples.clear(-1.0, depth=1.0)
        self._kinds.render()
        self._material.use(_KIND_UNIT)
        self._canvas.use()
        self._canvas.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        self._mesh.render()
        if self._strands is not None and staged.strands is not None:
            self._strands.draw(
                staged.strands, sky=staged.geometry.sky, view=self._view, focal=self._focal, size=self._size
            )
        context.copy_framebuffer(self._flat, self._canvas)
        drawn = np.frombuffer(self._flat.read(components=4, dtype="f4"), np.float32)
        drawn = drawn.reshape(self._size[1], self._size[0], 4)
        found: Array = drawn[..., :3] + (1.0 - drawn[..., 3:]) * self._backdrop[..., :3]
        return found

    def _set_uniforms(self, light: Lighting, look: Look) -> None:
        values: dict[str, Any] = {
            "clip_from_world": self._clip.T,
            "camera_position": light.eye,
            "shadow_map": _SHADOW_UNIT,
            "shadow_frame": light.shadow_frame.T,
            "shadow_centre": light.shadow_centre,
            "shadow_radius": light.shadow_radius,
            "skin_maps": np.arange(_MAP_UNIT, _MAP_UNIT + 3),
            "num_levels": self._num_levels,
            "kinds": _KIND_UNIT,
            "eyes": look.eyes.reshape(-1, 3),
            "eye_redness": look.redness,
            "pixels_per_metre": self._focal,
            "root_depth": ROOT_TOLERANCE,
            "picture": self._size,
            "focal": self._focal,
        }
        shared = ((SKIN, look.skin), (EYE, look.eye), (TOOTH, look.tooth), (CLOTH, look.cloth), (HAIR, look.hair))
        for formula, numbers in shared:
            values |= uniform_values(formula, numbers)
        programs = [self._head, self._kind] + ([self._strands.program] if self._strands is not None else [])
        for program in programs:
            for name, value in values.items():
                if name in program:
                    array = np.asarray(value)
                    program[name].write(array.astype(np.int32 if name in _UNITS else np.float32).tobytes())


def clip_matrix(view: Float[Array, "3 4"], focal: float, *, width: int, height: int) -> Float[Array, "4 4"]:
    """Perspective whose rows run down the picture, so that what is read back starts at the top."""
    projection = np.array(
        [
            [2.0 * focal / width, 0.0, 0.0, 0.0],
            [0.0, -2.0 * focal / height, 0.0, 0.0],
            [0.0, 0.0, (FAR + NEAR) / (NEAR - FAR), 2.0 * FAR * NEAR / (NEAR - FAR)],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )
    found: Array = projection @ np.vstack([view, [0.0, 0.0, 0.0, 1.0]])
    return found


def _mip_texture(context: Any, texture: Texture, first: int) -> Any:
    """Four channels from `first` on, every level as the fast renderer has it."""
    side = int(texture.side[0])
    made = context.texture((side, side), 4, dtype="f4")
    made.build_mipmaps(0, len(texture.side) - 1)
    made.filter = (context.LINEAR_MIPMAP_NEAREST, context.LINEAR)
    made.repeat_x = made.repeat_y = False
    for level, (offset, size) in enumerate(zip(texture.offset.tolist(), texture.side.tolist(), strict=True)):
        block = np.zeros((size * size, 4), np.float32)
        stored = texture.texels[offset : offset + size * size, first : first + 4]
        num = stored.shape[1]
        block[:, :num] = stored * texture.scale[first : first + num] + texture.bias[first : first + num]
        made.write(block.tobytes(), level=level, viewport=(0, 0, size, size))
    return made
