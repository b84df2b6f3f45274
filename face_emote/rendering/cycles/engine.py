"""`CyclesRenderer`: the head path-traced, from the same mesh, maps, camera and lights as the fast renderer."""

import itertools
import threading

import numpy as np

from face_emote.blender_side.arrays_file import save
from face_emote.blender_side.cycles_job import CyclesFrame
from face_emote.blender_side.process import BlenderProcess
from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.options import DEFAULT_SAMPLES
from face_emote.core.png import srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.look.tone import tone_mapped
from face_emote.rendering.base import Pose
from face_emote.rendering.cycles.eyes import cornea_normals
from face_emote.rendering.cycles.job import Prepared, prepare
from face_emote.rendering.scene import Scene
from face_emote.rendering.stage.buffers import BLOOD, FOLDING


def developed(
    light: Float[Array, "height width 4"], *, backdrop: Float[Array, "height width 3"], exposure: float
) -> UInt8[Array, "height width 3"]:
    """A picture, sRGB, of linear light multiplied by its alpha over a tone-mapped backdrop."""
    alpha = np.clip(light[..., 3:], 0.0, 1.0)
    seen = np.maximum(light[..., :3], 0.0) / np.maximum(alpha, 1e-4)
    return srgb_bytes(tone_mapped(seen * np.float32(exposure)) * alpha + backdrop * (1.0 - alpha))


def posed(person: Prepared, pose: Pose) -> CyclesFrame:
    """Everything of one frame that Blender must know."""
    staged, mesh = person.stage.staged(pose), person.stage.mesh
    geometry, skin = staged.geometry, slice(0, mesh.num_skin)
    assert staged.strands is not None
    points = geometry.points.copy()
    cornea = np.zeros_like(points)
    for index in person.eyes:
        cornea[index] = cornea_normals(mesh.local[index], points[index])
    return CyclesFrame(
        points=points,
        wrinkle=geometry.attributes[skin, FOLDING].copy(),
        blood=geometry.attributes[skin, BLOOD].copy(),
        normals=geometry.normals[skin].copy(),
        tangents=tangents(person, points),
        cornea=cornea,
        knots=staged.strands.knots,
        eye_map=person.eye_map(pose.pupil),
    )


def tangents(person: Prepared, points: Float[Array, "point 3"]) -> Float[Array, "uv_point 6"]:
    """Change of the surface point with u and with v, averaged over the triangles of each texture vertex."""
    skin = person.stage.mesh.skin
    corners = points[skin.triangles]
    edges = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=1)
    along = np.einsum("tij,tjc->tic", person.uv_inverse, edges).reshape(-1, 6)
    spread = np.repeat(along, 3, axis=0)
    index, count = skin.uv_triangles.reshape(-1), len(skin.uv)
    sums = np.stack([np.bincount(index, spread[:, k], count) for k in range(6)], axis=1)
    return (sums / np.maximum(np.bincount(index, minlength=count), 1)[:, None]).astype(np.float32)


VERBS = "face_emote.blender_side.cycles"


class CyclesRenderer:
    """Implements `Renderer`. Threads may share it; Blender draws one frame at a time on all cores."""

    name = "cycles"

    def __init__(self, head: Head, *, betas: Array, skin: SkinParams, scene: Scene, samples: int | None = None) -> None:
        """Start Blender and send it one person; `samples`: light paths per pixel, before noise is removed.

        DependencyError: no Blender. HeadError: the head has no charts and parts (an imported FLAME file). OptionError:
        samples outside 1..4096.
        """
        self._scene = scene
        self._person = prepare(head, betas=betas, skin=skin, scene=scene, samples=samples or DEFAULT_SAMPLES)
        self._blender = BlenderProcess(VERBS)
        self._lock = threading.Lock()
        self._number = itertools.count()
        path = self._blender.folder / "job.npz"
        save(self._person.job, path)
        self._blender.ask("open", job=str(path))
        path.unlink()

    def render(self, pose: Pose) -> UInt8[Array, "height width 3"]:
        """Draw one frame, sRGB."""
        frame = posed(self._person, pose)
        folder, number = self._blender.folder, next(self._number)
        facts, drawn = folder / f"frame_{number}.npz", folder / f"picture_{number}.npy"
        save(frame, facts)
        with self._lock:
            self._blender.ask("draw", frame=str(facts), picture=str(drawn))
        light = np.load(drawn)
        for path in (facts, drawn, drawn.with_suffix(".exr")):
            path.unlink()
        return developed(light, backdrop=self._person.stage.backdrop, exposure=self._scene.lights.exposure)

    def close(self) -> None:
        """End Blender; happens by itself when the renderer is let go."""
        self._blender.close()
