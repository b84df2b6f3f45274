"""A plain view by pyrender (OpenGL through EGL): the lit mesh in flat colours, without the skin model.

Somebody else's renderer: tests compare depth and outline of ours with it. Needs `pip install pyrender`
and the system's libEGL and libGL (Debian: `apt install libegl1 libgl1`).
"""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.errors import DependencyError, HeadError
from face_emote.core.types import Light, SkinParams
from face_emote.face.head import Head
from face_emote.look.colour import albedo
from face_emote.rendering.base import Pose
from face_emote.rendering.scene import Scene, focal_pixels, placed, view_matrix
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.mesh import RenderMesh, make_mesh

NEAR, FAR = 0.05, 10.0
"""Metres."""
PLAIN = {
    buffers.EYE: (0.62, 0.60, 0.58),
    buffers.TOOTH: (0.78, 0.72, 0.62),
    buffers.GUM: (0.40, 0.13, 0.12),
    buffers.TONGUE: (0.42, 0.14, 0.13),
}
"""Linear colours of what is neither skin nor cloth."""
IRIS, PUPIL = 0.355, 0.13
"""Angular radii on the eyeball."""


class PyrenderView:
    """Implements `Renderer`; one frame at a time, whatever thread asks."""

    name = "pyrender"

    def __init__(self, head: Head, *, betas: Array, skin: SkinParams, scene: Scene) -> None:
        """Prepare one person.

        Raises:
            HeadError: the head has no charts and parts (an imported FLAME file).
            DependencyError: pyrender, libEGL or libGL is missing.
        """
        if head.layout is None:
            raise HeadError("An imported FLAME head has no skin charts yet; render the bundled head instead")
        self._gl = import_pyrender()
        self._scene = scene
        self._mesh = make_mesh(head.layout, head.template)
        self._camera = placed(scene.camera, origin=head.with_identity(betas).eyes_middle())
        self._colours = _point_colours(self._mesh, skin)
        # An OpenGL context belongs to the thread that made it.
        self._thread = ThreadPoolExecutor(1)
        self._drawer: Any = None

    def render(self, pose: Pose) -> UInt8[Array, "height width 3"]:
        """Draw one frame, sRGB."""
        return self._drawn(pose)[0]

    def depth(self, pose: Pose) -> Float[Array, "height width"]:
        """Metres along the view at pixel centres; 0 where nothing is."""
        return self._drawn(pose)[1]

    def _drawn(self, pose: Pose) -> tuple[Array, Array]:
        return self._thread.submit(self._draw, pose).result()

    def _draw(self, pose: Pose) -> tuple[Array, Array]:
        if self._drawer is None:
            self._drawer = self._gl.OffscreenRenderer(self._scene.width, self._scene.height)
        picture, depth = self._drawer.render(self._staged(pose))
        return np.ascontiguousarray(picture[..., :3]), depth

    def _staged(self, pose: Pose) -> Any:
        """The mesh, the camera and three distant lights."""
        gl, rig, scene = self._gl, self._scene.lights, self._scene
        points, normals = self._points(pose)
        shape = gl.Primitive(
            positions=points, normals=normals, color_0=self._colours, indices=self._mesh.triangles,
            material=gl.MetallicRoughnessMaterial(metallicFactor=0.0, roughnessFactor=0.6, doubleSided=False),
        )  # fmt: skip
        staged = gl.Scene(bg_color=(*(c**0.4545 for c in rig.backdrop_centre), 1.0), ambient_light=rig.ambient)
        staged.add(gl.Mesh([shape]))
        world_from_camera = np.eye(4)
        turn, shift = np.split(view_matrix(self._camera), [3], axis=1)
        world_from_camera[:3, :3], world_from_camera[:3, 3] = turn.T, -(turn.T @ shift)[:, 0]
        focal = focal_pixels(self._camera, width=scene.width, height=scene.height)
        camera = gl.IntrinsicsCamera(focal, focal, 0.5 * scene.width, 0.5 * scene.height, znear=NEAR, zfar=FAR)
        staged.add(camera, pose=world_from_camera)
        for light in (rig.key, rig.fill, rig.rim):
            strength = max(light.colour)
            tint = np.array(light.colour) / max(strength, 1e-6)
            lamp = gl.DirectionalLight(color=tint, intensity=np.pi * strength * rig.exposure)
            staged.add(lamp, pose=_towards(light))
        return staged

    def _points(self, pose: Pose) -> tuple[Array, Array]:
        """Points and unit normals of everything that is drawn."""
        mesh = self._mesh
        plain = mesh.rows.apply(pose.vertices)
        normals = _normals(plain, mesh.triangles[mesh.material != buffers.CLOTH])
        cloth = mesh.garment.points(plain[: mesh.num_skin], normals[: mesh.num_skin])
        points = np.concatenate([plain, cloth]).astype(np.float32)
        own = _normals(cloth, mesh.garment.triangles)
        return points, np.concatenate([normals, own]).astype(np.float32)


def import_pyrender() -> Any:
    """The module, set up for drawing without a window.

    Raises:
        DependencyError: it, libEGL or libGL is missing.
    """
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    try:
        for library in ("libEGL.so.1", "libGL.so.1"):
            ctypes.CDLL(library)
        import pyrender
    except OSError:
        raise DependencyError("Pyrender needs libEGL and libGL: apt install libegl1 libgl1") from None
    except ImportError:
        raise DependencyError("Pyrender is missing: pip install pyrender") from None
    return pyrender


def _towards(light: Light) -> Float[Array, "4 4"]:
    """A light shines along its -z."""
    z = np.array(light.direction, np.float64)
    z /= np.linalg.norm(z)
    x = np.cross((0.0, 1.0, 0.0), z)
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    return pose


def _normals(points: Array, triangles: Array) -> Float[Array, "point 3"]:
    """Area-weighted unit normals."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    total = np.zeros((len(points), 3))
    for k in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(triangles[:, k], weights=area[:, axis], minlength=len(points))
    found: Array = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)
    return found


def _point_colours(mesh: RenderMesh, skin: SkinParams) -> Float[Array, "point 3"]:
    """One linear colour a material, and an iris with its pupil."""
    colours = PLAIN | {
        buffers.SKIN: tuple(albedo(np.array(skin.melanin), np.array(skin.haemoglobin)).tolist()),
        buffers.CLOTH: skin.garment_colour,
    }
    out = np.zeros((len(mesh.local), 3), np.float32)
    for kind, colour in colours.items():
        out[mesh.triangles[mesh.material == kind].reshape(-1)] = colour
    eyes = np.unique(mesh.triangles[mesh.material == buffers.EYE])
    place = mesh.local[eyes]
    angle = np.arccos(np.clip(place[:, 2] / np.maximum(np.linalg.norm(place, axis=1), 1e-9), -1.0, 1.0))
    out[eyes[angle < IRIS]] = skin.iris_colour
    out[eyes[angle < PUPIL]] = 0.01
    return out
