"""A rig of lights as the records that formulas read."""

import math

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import LightRig
from face_emote.look.formula.ops import Vec
from face_emote.look.formula.records import NUM_SKIES, Lamp, Lights, Opening, Skies, leaves
from face_emote.look.teeth import MouthOpening

SKY_GAIN = 2.6


def sky_directions() -> np.ndarray:
    """Fibonacci points on the sphere from the zenith to 35 degrees under the horizon, [direction, 3]."""
    i = np.arange(NUM_SKIES) + 0.5
    y = 1.0 - 1.35 * i / NUM_SKIES
    ring = np.sqrt(np.maximum(0.0, 1.0 - y * y))
    turn = np.pi * (1.0 + math.sqrt(5.0)) * i
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], axis=1)


def sky_colours(overhead: tuple[float, float, float]) -> np.ndarray:
    """Light from each of `sky_directions`, [direction, 3]; it falls to a tenth at the nadir."""
    colours = np.array(overhead)[None] * (0.55 + 0.45 * sky_directions()[:, 1:2])
    return colours / NUM_SKIES * SKY_GAIN


def light_arrays(rig: LightRig) -> tuple[Array, Array]:
    """Unit directions towards key, fill and rim light and their colours, [3, 3] each."""
    lights = (rig.key, rig.fill, rig.rim)
    directions = np.array([light.direction for light in lights], np.float64)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions, np.array([light.colour for light in lights], np.float64)


def vector(values: Array) -> Vec:
    """Three numbers of an array."""
    return Vec(*(float(value) for value in values))


def lights_of(rig: LightRig) -> Lights:
    """The three lamps of a rig."""
    pairs = zip(*light_arrays(rig), strict=True)
    key, fill, rim = (Lamp(vector(direction), vector(colour)) for direction, colour in pairs)
    return Lights(key, fill, rim, rig.exposure)


def skies_of(rig: LightRig) -> Skies:
    """The sky of a rig."""
    directions, colours = sky_directions(), sky_colours(rig.ambient)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    pairs = zip(directions, colours, strict=True)
    return Skies(tuple(Lamp(vector(direction), vector(colour)) for direction, colour in pairs))


def opening_record(opening: MouthOpening, *, front: Vec) -> Opening:
    """The opening of a mouth as formulas read it; `front` is the sky's light on a surface that faces out of it."""
    middle, right, up, forward = (
        vector(values) for values in (opening.middle, opening.right, opening.up, opening.forward)
    )
    size = (opening.half_width, opening.half_height, opening.sag, opening.lift)
    return Opening(middle, right, up, forward, *size, front=front)


def shared_numbers(*records: object) -> Float[Array, " number"]:
    """What kernels read as `shared`: the numbers of some records, one after the other."""
    return np.array([number for record in records for _, number in leaves(record)], np.float32)
