"""What the authored units leave out: muscles that show on an open mouth, a lid that lifts, a nose that wrinkles.

The units of the face data were sculpted one by one on a closed mouth. Read against the descriptions of FACS (Ekman,
Friesen & Hager 2002) several are too small, or are another action: `mouthPress` drew the corners out and up, which is a
smile. `DAMPED` takes away what does not belong to an action, `SCALED` makes the rest stronger, `PUSHES` adds the
missing parts as smooth pushes of the skin. Directions are FACS's, millimetres are choices, looked at on renders of
closed and open mouths.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.names import BROWS_LET_GO, MUSCLES
from tools.build_head.cut import Mesh

Point = tuple[float, float, float]
CORNER: Point = (25.0, -30.0, 105.6)
REACH = 2.4
"""A push ends at this many of its radii."""


@dataclass(frozen=True, slots=True)
class Push:
    """A smooth push of the skin around a place of the mean head, millimetres; its mirror image for the right side."""

    control: str
    """Without its side; a push of an unsided control acts on both sides."""
    at: Point
    radius: Point
    move: Point
    lip: str = ""
    """`upper` or `lower`: only the skin that stays with the skull, or that goes with the jaw."""


SCALED = {"eyeWide": 1.3, "mouthStretch": 1.1, "noseSneer": 1.15}
"""AU5 has to bare white above the iris (4 mm); AU20 and AU9 as strong as their neighbours."""

DAMPED = {
    "mouthPress": ((CORNER, 11.0, 0.95),),
    "neckPlatysma": ((CORNER, 12.0, 0.7), ((-25.0, -30.0, 105.6), 12.0, 0.7), ((0.0, -36.0, 115.0), 12.0, 0.9)),
}
"""Control: (place, radius, share taken away). AU21 tightens the neck and leaves the mouth to AU15 and AU20."""

PUSHES = (
    # AU15, depressor anguli oris: the corner comes down and outwards and the skin below it bunches.
    Push("mouthFrown", CORNER, (10.0, 9.0, 14.0), (1.4, -2.7, -0.5)),
    Push("mouthFrown", (16.0, -37.0, 111.0), (7.0, 6.0, 9.0), (0.8, -1.2, 0.0), lip="lower"),
    Push("mouthFrown", (31.0, -45.0, 99.0), (7.0, 7.0, 9.0), (0.8, 0.4, 1.6)),
    # AU17, mentalis: the chin boss rises and bunches, the lower lip is pushed up and out.
    Push("mouthShrugLower", (0.0, -62.0, 108.0), (15.0, 8.0, 14.0), (0.0, 4.2, 1.2), lip="lower"),
    Push("mouthShrugLower", (0.0, -50.0, 109.0), (12.0, 5.0, 12.0), (0.0, 2.4, -0.6), lip="lower"),
    Push("mouthShrugLower", (0.0, -36.0, 116.0), (11.0, 7.0, 10.0), (0.0, 1.6, 1.2), lip="lower"),
    # AU23 and AU24, orbicularis oris: corners drawn in, the red of the lips narrowed between two tense rims.
    Push("mouthPress", CORNER, (8.0, 8.0, 12.0), (-1.2, -0.6, -0.3)),
    Push("mouthPress", (9.0, -39.0, 117.0), (8.0, 4.0, 6.0), (0.0, 0.8, -0.9), lip="lower"),
    Push("mouthPress", (9.0, -21.0, 121.0), (8.0, 4.0, 6.0), (0.0, -1.2, -0.8), lip="upper"),
    Push("mouthPress", (10.0, -28.5, 111.0), (9.0, 5.0, 8.0), (0.0, 0.0, 0.7)),
    Push("mouthPress", (10.0, -48.0, 109.0), (9.0, 5.0, 12.0), (0.0, 0.9, 1.1), lip="lower"),
    Push("mouthPress", (10.0, -13.0, 118.0), (9.0, 5.0, 12.0), (0.0, -0.4, 1.0), lip="upper"),
    # AU20, risorius: corners straight back and out, lips flat against the teeth's row.
    Push("mouthStretch", (30.0, -30.0, 103.0), (13.0, 11.0, 16.0), (3.4, 0.9, -0.6)),
    Push("mouthStretch", (37.0, -28.0, 97.0), (8.0, 11.0, 12.0), (0.6, 0.0, -1.6)),
    Push("mouthStretch", (14.0, -37.0, 113.0), (8.0, 6.0, 9.0), (1.8, -1.0, -0.4), lip="lower"),
    Push("mouthStretch", (12.0, -23.0, 118.0), (8.0, 6.0, 9.0), (1.2, 0.2, -0.6), lip="upper"),
    # AU9, levator labii alaeque nasi and procerus: wing and skin beside the nose go up, the bridge comes down.
    Push("noseSneer", (18.0, 2.0, 109.0), (6.0, 8.0, 9.0), (0.5, 1.2, 0.0)),
    Push("noseSneer", (13.0, 20.0, 109.0), (5.0, 7.0, 8.0), (-0.2, 2.2, 1.3)),
    Push("noseSneer", (25.0, -3.0, 104.0), (8.0, 9.0, 10.0), (0.6, 2.4, 0.9)),
    Push("noseSneer", (9.0, -19.0, 118.0), (9.0, 8.0, 10.0), (0.2, 1.8, 0.2), lip="upper"),
    Push("noseSneer", (0.0, 38.0, 111.0), (7.0, 6.0, 9.0), (0.0, -0.5, 0.4)),
    # AU4, corrugator and procerus: the inner ends come down furthest, where the authored brow comes down in its middle.
    Push("browDown", (13.0, 59.0, 111.0), (10.0, 7.0, 14.0), (-0.8, -3.2, 0.4)),
    # What swells: the chewing muscle at the jaw's angle; the belly of the forehead's muscle; the knot beside the root
    # of the nose; the apple of the cheek; the chin's ball; the cords of the neck.
    Push("muscleMasseter", (56.0, -38.0, 50.0), (8.0, 16.0, 15.0), (3.0, 0.0, 0.6)),
    Push("muscleFrontalis", (27.0, 78.0, 105.0), (15.0, 9.0, 15.0), (0.2, 0.3, 1.2)),
    Push("muscleCorrugator", (13.0, 59.0, 112.0), (6.0, 5.0, 9.0), (-0.3, -0.2, 1.8)),
    Push("muscleZygomaticus", (41.0, 6.0, 100.0), (13.0, 10.0, 15.0), (0.9, 0.6, 2.2)),
    Push("muscleMentalis", (7.0, -65.0, 106.0), (8.0, 6.5, 12.0), (0.2, 0.4, 1.5)),
    Push("musclePlatysma", (21.0, -88.0, 44.0), (6.0, 17.0, 18.0), (0.8, -1.0, 3.0)),
    Push("musclePlatysma", (30.0, -115.0, 30.0), (6.0, 16.0, 14.0), (0.6, 0.0, 2.5)),
    # Swallowing lifts the larynx: the skin over it rides up.
    Push("larynxUp", (0.0, -108.0, 42.0), (13.0, 13.0, 16.0), (0.0, 9.0, 2.0)),
    # The frontalis lets go: the brow sinks as one, the fold of the upper lid with it, and nothing is drawn together.
    Push("browRelax", (29.0, 65.0, 107.0), (18.0, 9.0, 16.0), (0.0, -2.5, 0.1)),
    # The corrugators let go: the brows' inner ends part.
    Push("glabellaRelax", (13.0, 59.0, 111.0), (8.0, 8.0, 12.0), (0.6, 0.1, 0.0)),
)  # fmt: skip


def reshaped(
    unit: Float[Array, "vertex 3"],
    *,
    control: str,
    mesh: Mesh,
    mean: Float[Array, "vertex 3"],
    jaw: Float[Array, " vertex"],
) -> Float[Array, "vertex 3"]:
    """A unit as FACS has it. `jaw` is how far each vertex goes with the jaw, 0..1."""
    side = next((side for side in ("Left", "Right") if control.endswith(side)), "")
    name = control.removesuffix(side)
    out = unit * SCALED.get(name, 1.0)
    places = mean * 1e3 * [-1.0 if side == "Right" else 1.0, 1.0, 1.0]
    flip = np.array([-1.0 if side == "Right" else 1.0, 1.0, 1.0])
    for at, radius, share in DAMPED.get(name, ()):
        out *= 1.0 - share * bump(places, at=at, radius=(radius,) * 3)[:, None]
    masks = {"": np.ones(len(mean)), "lower": jaw, "upper": 1.0 - jaw}
    soft = soft_parts(mesh)
    for push in PUSHES:
        if push.control != name:
            continue
        weight = soft * masks[push.lip]
        out += (weight * bump(places, at=push.at, radius=push.radius))[:, None] * push.move * flip * 1e-3
        if not side and push.at[0] > 0.0:
            weight = weight * bump(places * [-1.0, 1.0, 1.0], at=push.at, radius=push.radius)
            out += weight[:, None] * push.move * [-1.0, 1.0, 1.0] * 1e-3
    return out


def followers(mesh: Mesh, mean: Float[Array, "vertex 3"]) -> dict[str, Array]:
    """Columns of what has no authored unit: muscles, larynx, and brows without their tone."""
    nothing, still = np.zeros_like(mean), np.zeros(len(mean))
    names = (*MUSCLES, "larynxUp", *BROWS_LET_GO)
    return {name: reshaped(nothing, control=name, mesh=mesh, mean=mean, jaw=still) for name in names}


def soft_parts(mesh: Mesh) -> Bool[Array, " vertex"]:
    """What is skin, inside and out: no teeth, tongue, eyes or lashes."""
    soft = np.zeros(len(mesh.source), bool)
    soft[mesh.vertices_of("head", "torso", "mouth")] = True
    return soft


def bump(points_mm: Float[Array, "vertex 3"], *, at: Point, radius: Point) -> Float[Array, " vertex"]:
    """1 at the place, falling like a bell and exactly 0 from REACH radii on."""
    distance = np.linalg.norm((points_mm - at) / radius, axis=1) / REACH
    bell: Array = np.where(distance < 1.0, (1.0 - np.minimum(distance, 1.0) ** 2) ** 3, 0.0)
    return bell
