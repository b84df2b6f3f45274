"""An eyeball unrolled about its optical axis, for whoever draws with pictures: colour and normals of its surfaces.

Distance from the picture's middle is the angle from the axis, SPAN at the rim. Colour is that of the renderers' formula
seen from straight ahead, refraction included. The lower surface's normals make a dish of the iris, which is brighter on
the side away from a light, as the cornea's caustic makes it; the upper surface's stand up as the cornea does.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import SkinParams
from face_emote.look import eyes as eye
from face_emote.look.formula.eye import iris, sclera, trace_cornea
from face_emote.look.formula.ops import Vec, mix, smoothstep
from face_emote.look.formula.records import EyeLook

SPAN = 1.6  # Angle from the optical axis that the picture covers, radians.
TEXELS = 512
LIDS_ALONE = 0.7  # Share of the lids' shade that no engine's own shadows make.
MEAN_LIGHT = 0.75  # Cosine of a usual key light to the optical axis.


def eye_uv(local: Float[Array, "point 3"]) -> Float[Array, "point 2"]:
    """Place in the picture of points in the eye's own frame, whose z is the optical axis; (0, 0) bottom left."""
    x, y, z = local.T.astype(np.float64)
    across = np.hypot(x, y)
    reach = np.minimum(np.arctan2(across, z) / SPAN, 1.0)
    scale = np.divide(0.5 * reach, across, out=np.zeros_like(across), where=across > 0.0)
    return np.stack([0.5 + scale * x, 0.5 + scale * y], axis=1).astype(np.float32)


def eye_albedo(skin: SkinParams, *, pupil: float, gathered: float = 1.0) -> Float[Array, "side side 3"]:
    """Albedo of pupil, iris and white; row 0 at the top. The corners' redness, which depends on the lids, is not in it.

    `pupil`: its radius in iris radii; `gathered`: light that the cornea gathers on the iris, for engines that let it
    through a cornea of their own.
    """
    age = float(np.clip(skin.age, 0.0, 1.0))
    at, _ = _directions()
    off_axis = np.where(at.z > 0.0, np.hypot(at.x, at.y), 2.0 - np.hypot(at.x, at.y)) / eye.LIMBUS
    near = off_axis < eye.WHITE[1]
    start = Vec(np.where(near, at.x, 0.0), np.where(near, at.y, 0.0), np.where(near, at.z, 1.0))
    x, y, _ = trace_cornea(start, Vec(0.0, 0.0, 1.0))
    person = EyeLook(Vec(*skin.iris_colour), pupil, age)
    front = iris(x, y, look=person, caustic=lambda r, cx, cy: gathered)
    white = sclera(at, off_axis, age=age, redness=0.0, corner=0.0)
    colour = mix(front.each(lambda c: np.maximum(c, 0.0)), white, smoothstep(eye.WHITE, off_axis))
    return np.stack(list(colour), axis=-1).astype(np.float32)


def eye_normals() -> tuple[Float[Array, "side side 3"], Float[Array, "side side 3"]]:
    """Tangent-space normals of iris and white, and of the wet surface over them; x along +u, y along +v."""
    at, turn = _directions()
    out = np.hypot(at.x, at.y)
    off_axis = np.where(at.z > 0.0, out, 2.0 - out) / eye.LIMBUS
    dish = -eye.CAUSTIC * MEAN_LIGHT * np.minimum(off_axis, 1.0) * (1.0 - smoothstep(eye.WHITE, off_axis))
    steep = np.arcsin(np.minimum(out / eye.CORNEA_RADIUS, 0.9)) - np.arcsin(np.minimum(out, 1.0))
    bulge = np.sin(steep) * np.where(at.z > 0.0, smoothstep(eye.CORNEA_RIM, off_axis), 0.0)

    def leaning(tilt: Array) -> Array:
        found = [tilt * np.cos(turn), tilt * np.sin(turn), np.sqrt(1.0 - tilt * tilt)]
        return np.stack(found, axis=-1).astype(np.float32)

    return leaning(dish), leaning(bulge)


def lid_light(margin: Float[Array, "lid_vertex 3"], *, radius: float) -> Float[Array, "side side 3"]:
    """Share of light that the lids leave on the eyeball at rest, per channel; row 0 at the top.

    `margin`: the lids' edge all around, in the eye's frame, metres from its middle; `radius`: the eyeball's, metres.
    """
    at, _ = _directions()
    ends = np.sort([margin[:, 0].argmin(), margin[:, 0].argmax()])
    one, other = margin[ends[0] : ends[1] + 1], np.concatenate([margin[ends[1] :], margin[: ends[0] + 1]])
    upper, lower = (one, other) if one[:, 1].mean() > other[:, 1].mean() else (other, one)

    def height(chain: Array) -> Array:  # A smooth line: in the corners the edge folds back over itself.
        line = np.polynomial.Polynomial.fit(chain[:, 0], chain[:, 1], 4)
        found: Array = line(np.clip(radius * at.x, chain[:, 0].min(), chain[:, 0].max()))
        return found

    below, above = height(upper) - radius * at.y, radius * at.y - height(lower)
    t = np.clip(below / eye.LID_SHADOW, 0.0, 1.0)
    s = np.clip(above / eye.SOCKET_REACH, 0.0, 1.0)
    shade = mix(eye.LID_FLOOR, 1.0, t * (2.0 - t)) * mix(eye.SOCKET_FLOOR, 1.0, s * (2.0 - s))
    through = [shade**warmth + glow * (1.0 - shade) for warmth, glow in zip(eye.LID_WARMTH, eye.LID_GLOW, strict=True)]
    found: Array = mix(1.0, np.minimum(np.stack(through, axis=-1), 1.0), LIDS_ALONE).astype(np.float32)
    return found


def _directions() -> tuple[Vec, Float[Array, "side side"]]:
    """Unit vectors of the texels in the eye's frame, and their angle round its axis."""
    row, column = np.mgrid[0:TEXELS, 0:TEXELS]
    across, up = 2.0 * (column + 0.5) / TEXELS - 1.0, 1.0 - 2.0 * (row + 0.5) / TEXELS
    angle, turn = SPAN * np.hypot(across, up), np.arctan2(up, across)
    return Vec(np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)), turn
