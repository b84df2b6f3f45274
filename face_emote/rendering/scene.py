"""What the head is seen with: camera and lights, as small frozen values with presets that people know.

Positions are relative to the point midway between the eyes of the head that is shown, in metres; +Z is in front of the
face, +X is the character's left (the viewer's right).
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import asset_table
from face_emote.core.cameras import CAMERAS
from face_emote.core.errors import OptionError
from face_emote.core.types import Camera, Light, LightRig, Vector

SENSOR = 0.024  # Shorter side of the sensor that an f-number is meant for, metres.
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture's worth of staging."""

    camera: Camera
    lights: LightRig
    width: int = 512
    height: int = 512
    f_number: float | None = None
    """Of the lens, focused on the eyes: 2.8 blurs what lies behind them softly; None: everything is sharp."""


def _plain(value: Any) -> Any:
    """A value of a TOML table as `LightRig` has it."""
    if isinstance(value, dict):
        return Light(**{name: tuple(own) for name, own in value.items()})
    return tuple(value) if isinstance(value, list) else value


LIGHTS = {
    name: LightRig(**{key: _plain(value) for key, value in table.items()})
    for name, table in asset_table("lights.toml").items()
}
"""Presets by name."""


def _preset(name: str, table: Mapping[str, Value], kind: str) -> Value:
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise OptionError(f"There is no {kind} called {name!r}. {hint}Known: {', '.join(table)}")
    return table[name]


def make_scene(
    *, camera: str | Camera, light: str | LightRig, width: int, height: int, f_number: float | None = None
) -> Scene:
    """A scene from preset names or own values.

    OptionError: an unknown preset (the nearest is named), a size outside 16..8192 or odd, or an f-number outside
    0.7..64.
    """
    for side, value in (("width", width), ("height", height)):
        if not 16 <= value <= 8192 or value % 2:
            raise OptionError(f"The picture's {side} must be an even number from 16 to 8192, got {value}")
    if f_number is not None and not 0.7 <= f_number <= 64.0:
        raise OptionError(f"The lens's f-number must lie between 0.7 and 64, got {f_number:g}; 2.8 is a soft portrait")
    chosen_camera = _preset(camera, CAMERAS, "camera") if isinstance(camera, str) else camera
    chosen_light = _preset(light, LIGHTS, "light") if isinstance(light, str) else light
    return Scene(chosen_camera, chosen_light, width, height, f_number)


def placed(camera: Camera, *, origin: Float[Array, " 3"]) -> Camera:
    """The camera moved from eye-centred coordinates into the head's."""
    x, y, z = (float(value) for value in origin)

    def shifted(p: Vector) -> Vector:
        return (p[0] + x, p[1] + y, p[2] + z)

    return replace(camera, position=shifted(camera.position), target=shifted(camera.target))


def view_matrix(camera: Camera) -> Float[Array, "3 4"]:
    """camera_from_world: x right, y up, z towards the viewer (points in front of the camera have z < 0)."""
    back = np.subtract(camera.position, camera.target).astype(np.float64)
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(back, right), back])
    return np.concatenate([turn, -turn @ np.array(camera.position)[:, None]], axis=1)


def aperture(camera: Camera, *, f_number: float) -> float:
    """Diameter of the lens that sees this field of view on a 24 mm high sensor, metres."""
    return SENSOR / (2.0 * float(np.tan(0.5 * camera.field_of_view)) * f_number)


def focal_pixels(camera: Camera, *, width: int, height: int) -> float:
    """Pixels per unit of x / depth."""
    return 0.5 * min(width, height) / float(np.tan(0.5 * camera.field_of_view))
