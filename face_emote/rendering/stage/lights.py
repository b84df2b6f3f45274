"""What engines need of a scene's light beside the records of `look.lights`."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import LightRig
from face_emote.rendering.scene import Scene


def light_frame(direction: np.ndarray) -> np.ndarray:
    """Orthonormal [right, up, towards-the-light]."""
    towards = direction / np.linalg.norm(direction)
    helper = (0.0, 1.0, 0.0) if abs(towards[1]) < 0.95 else (1.0, 0.0, 0.0)
    right = np.cross(helper, towards)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards])


def scene_luminance(rig: LightRig) -> float:
    """Luminance of what the eyes look into: key and sky light times exposure."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    return float(rig.exposure * (weights @ rig.key.colour + weights @ rig.ambient))


def backdrop(scene: Scene) -> Float[Array, "height width 3"]:
    """A soft glow behind the head, tone-mapped linear light, dithered by position against banding."""
    rows = (np.arange(scene.height) + 0.5) / scene.height - 0.45
    columns = ((np.arange(scene.width) + 0.5) / scene.width - 0.5) * scene.width / scene.height
    distance = np.clip(np.hypot(rows[:, None], columns[None]) * 1.45, 0.0, 1.0)[..., None]
    distance = distance * distance * (3.0 - 2.0 * distance)
    light = np.array(scene.lights.backdrop_centre) * (1 - distance) + np.array(scene.lights.backdrop_edge) * distance
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, distance.shape) * 0.004
    return (light * (1.0 + noise)).astype(np.float32)
