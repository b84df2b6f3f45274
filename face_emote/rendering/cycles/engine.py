"""`CyclesRenderer`: the head path-traced, from the same mesh, maps, camera and lights as the fast renderer."""

import itertools
import threading

import numpy as np

from face_emote.blender_side.arrays_file import save
from face_emote.blender_side.process import BlenderProcess
from face_emote.core.arrays import Array, UInt8
from face_emote.core.options import DEFAULT_SAMPLES
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.rendering.base import Pose
from face_emote.rendering.cycles.job import prepare
from face_emote.rendering.cycles.picture import developed
from face_emote.rendering.cycles.pose import posed
from face_emote.rendering.scene import Scene
from face_emote.rendering.stage.lights import backdrop

VERBS = "face_emote.blender_side.cycles"


class CyclesRenderer:
    """Implements `Renderer`. Threads may share it; Blender draws one frame at a time on all cores."""

    name = "cycles"

    def __init__(self, head: Head, *, betas: Array, skin: SkinParams, scene: Scene, samples: int | None = None) -> None:
        """Start Blender and send it one person.

        Args:
            head: The bundled head, without identity.
            betas: Identity of the person.
            skin: Skin, eyes, hair and garment.
            scene: Camera, lights and picture size.
            samples: Light paths per pixel, before noise is removed; 16 by default.

        Raises:
            DependencyError: no Blender.
            HeadError: the head has no charts and parts (an imported FLAME file).
            OptionError: samples outside 1..4096.
        """
        self._scene = scene
        self._backdrop = backdrop(scene)
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
        return developed(light, backdrop=self._backdrop, exposure=self._scene.lights.exposure)

    def close(self) -> None:
        """End Blender; happens by itself when the renderer is let go."""
        self._blender.close()
