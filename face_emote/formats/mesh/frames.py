"""A motion as meshes in numpy, made frame by frame while they are gone through; and as `trimesh` objects."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import DependencyError
from face_emote.core.motion import MotionSource, instant
from face_emote.face.head import MeshSequence
from face_emote.formats.mesh.person import Person, posed_blocks
from face_emote.formats.mesh.surface import fanned


@dataclass(frozen=True, slots=True, eq=False)
class MeshFrames:
    """A head of fixed topology that moves. Nothing is held: iterate as often as wanted, however long the motion."""

    motion: MotionSource
    person: Person

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.motion.fps

    def __len__(self) -> int:
        return self.motion.num_frames

    @property
    def faces(self) -> Int[Array, "triangle 3"]:
        """Vertex indices, counter-clockwise seen from outside."""
        return self.person.surface.triangles()

    @property
    def uv(self) -> Float[Array, "uv_vertex 2"] | None:
        """Texture coordinates, (0, 0) bottom left; None on an imported head."""
        return self.person.surface.uv

    @property
    def uv_faces(self) -> Int[Array, "triangle 3"] | None:
        """Indices into `uv`, corner by corner of `faces`."""
        corners = self.person.surface.uv_corners
        return None if corners is None else fanned(corners)

    @property
    def part_faces(self) -> dict[str, Int[Array, " triangle"]]:
        """Which of `faces` make up each part, by its name; the whole head is one part unless parts were asked for."""
        twice = self.person.surface.corners.shape[1] - 2
        return {
            item.name: (item.face_index[:, None] * twice + np.arange(twice)).reshape(-1)
            for item in self.person.surface.objects()
        }

    def __iter__(self) -> Iterator[Float[Array, "vertex 3"]]:
        """Vertices of one frame after the other, float32."""
        for _, block in posed_blocks(self.motion, self.person.head):
            for vertices in self.person.surface.frames(block):
                yield self.person.options.placed(vertices)

    def blocks(self, size: int = 64) -> Iterator[Float[Array, "frames vertex 3"]]:
        """Vertices of up to `size` frames at a time."""
        rows: list[Array] = []
        for vertices in self:
            rows.append(vertices)
            if len(rows) == size:
                yield np.stack(rows)
                rows = []
        if rows:
            yield np.stack(rows)

    def at(self, time_secs: float) -> Float[Array, "vertex 3"]:
        """Vertices of the frame on show at an instant. Raises OptionError when the motion has ended by then."""
        _, block = next(posed_blocks(instant(self.motion, time_secs=time_secs), self.person.head))
        return self.person.options.placed(self.person.surface.of(block[0]))

    def sequence(self) -> MeshSequence:
        """All frames at once, as `Head.meshes` gives them; an imported head has all its texture at (0, 0)."""
        vertices = np.stack(list(self))
        known = self.uv is not None and self.uv_faces is not None
        return MeshSequence(
            vertices=vertices,
            faces=self.faces,
            uv=self.uv if known and self.uv is not None else np.zeros((1, 2), np.float32),
            uv_faces=self.uv_faces if known and self.uv_faces is not None else np.zeros_like(self.faces),
            fps=self.fps,
        )

    def trimeshes(self) -> Iterator[Any]:
        """A `trimesh.Trimesh` of each frame, vertices in our order. DependencyError: trimesh is not installed."""
        try:
            import trimesh
        except ImportError:
            raise DependencyError("Meshes for trimesh need trimesh: pip install 'face-emote[trimesh]'") from None
        faces = self.faces
        for vertices in self:
            yield trimesh.Trimesh(vertices=vertices, faces=faces, process=False)
