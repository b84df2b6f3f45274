"""How one head's mouth answers its controls, measured on the head itself, and the inverse: controls for a wanted mouth.

The mouth is driven by a few postures (fixed mixes of controls) over the jaw's rotation. A point of a FLAME head is
linear in the expression, and over the jaw's range its height is

    m(amounts, t) = sum_p amounts_p (a_p + b_p sin t + c_p (1 - cos t)),

with amount 1 for the neutral posture; what that leaves out (second harmonics, where pose correctives are themselves
rotated) is 0.01 mm. Three poses per posture give all coefficients, and the solve for one posture's amount is a
division. Elementwise arithmetic only: a frame's result does not depend on its neighbours.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError
from face_emote.core.names import CONTROLS
from face_emote.face.head import Head

JAW_OPEN = CONTROLS.index("jawOpen")

POSTURES: dict[str, dict[str, float]] = {
    "neutral": {},
    "spread": {"mouthStretch": 0.55, "mouthSmile": 0.18, "mouthDimple": 0.25},
    "narrow": {"mouthPucker": 1.0},
    "rounding": {"mouthPucker": 0.60, "mouthPurse": 0.35, "mouthFunnel": 0.22},
    "flare": {"mouthFunnel": 0.60, "mouthPucker": 0.15},
    "part": {"lipsPart": 0.5, "mouthLowerDown": 0.7, "mouthUpperUp": 0.7, "mouthDepressRetract": 0.12},
    "close": {"mouthClose": 1.0},
    "press": {"mouthRollLower": 0.24, "mouthRollUpper": 0.14, "mouthPress": 0.05, "mouthPucker": 0.12},
    "tuck": {"mouthRollLower": 0.75, "mouthUpperUp": 0.55, "mouthElevate": 0.10},
    "lift": {"mouthShrugLower": 1.0},
}
"""Left and right controls are named without their side."""
NAMES = tuple(POSTURES)
STATIONS = (0.0, -0.2, 0.2, -0.4, 0.4, -0.6, 0.6)
"""Where the gap is measured: share of the half width of the mouth, the middle first."""
NUM_GAPS = len(STATIONS)
WIDTH = NUM_GAPS
BITE = NUM_GAPS + 1
NUM_MEASURES = NUM_GAPS + 2
FRONT_TEETH_METRES = 0.008  # Half the width over which the lowest upper tooth is looked for.
PROBE_RADIANS = (0.0, 0.2, 0.4)
PROBE_AMOUNT = 4.0
"""Postures are measured exaggerated: the mesh is float32, and the solve for three terms amplifies its noise."""


@dataclass(frozen=True, slots=True, eq=False)
class LipRig:
    """A mouth's response, in units of the distance between the outer corners of the eyes.

    Measures: gap between the inner lips at STATIONS (negative: pressed), distance of the inner corners, and `BITE`,
    the height of the lower lip's middle above the edge of the upper front teeth.
    """

    response: Float[Any, f"posture={len(NAMES)} term=3 measure={NUM_MEASURES}"]
    """Per amount 1 of a posture: constant, times sin t, times 1 - cos t. An array, or a tensor."""
    jaw_angle: float  # Radians at jawOpen = 1.
    unit_metres: float  # Distance between the outer corners of the eyes.

    @property
    def rest_width(self) -> float:
        """Inner width of the neutral mouth."""
        return float(self.response[0, 0, WIDTH])

    def slopes(self, jaw: Float[Any, "*frames"], *, xp: ModuleType = np) -> Float[Any, "*frames posture measure"]:
        """Change of every measure per amount of every posture at an opening of the jaw; `xp` is the arrays' module."""
        constant, per_sine, per_versine = (self.response[:, term] for term in range(3))
        angle = (self.jaw_angle * jaw)[..., None, None]
        return constant + per_sine * xp.sin(angle) + per_versine * (1.0 - xp.cos(angle))


@dataclass(frozen=True, slots=True, eq=False)
class LipEdges:
    """Vertices of the mouth that are measured."""

    upper: Int[Array, " upper"]  # Inner edge of the upper lip in order of x, both corners included.
    lower: Int[Array, " lower"]  # The same of the lower lip.
    tooth: Int[Array, " one"]  # The lowest point of the upper front teeth.
    eye_corners: Int[Array, " two"]  # Outer corners of the left and the right eye.


def posture_controls(posture: str) -> Float[Array, " control"]:
    """The controls of a posture at amount 1."""
    out = np.zeros(len(CONTROLS))
    for name, value in POSTURES[posture].items():
        for control in (name,) if name in CONTROLS else (f"{name}Left", f"{name}Right"):
            out[CONTROLS.index(control)] = value
    return out


def lip_rig(head: Head) -> LipRig:
    """Measure a head's mouth (a few milliseconds).

    HeadError: the head is an imported one, whose controls have no names.
    """
    edges = lip_edges(head)
    part = head.restricted_to(np.concatenate([edges.upper, edges.lower, edges.tooth, edges.eye_corners]))
    angle = next(item.angle for item in head.control_joints if item.control == "jawOpen")
    postures = PROBE_AMOUNT * np.stack([posture_controls(name) for name in NAMES])
    poses = [_positions(part, postures, radians=radians) for radians in PROBE_RADIANS]
    unit = float(np.linalg.norm(poses[0][0, -2] - poses[0][0, -1]))
    measures = (
        np.stack([_measures(pose, num_upper=len(edges.upper), num_lower=len(edges.lower)) for pose in poses]) / unit
    )
    measures[:, 1:] = (measures[:, 1:] - measures[:, :1]) / PROBE_AMOUNT
    terms = np.array([[1.0, np.sin(t), 1.0 - np.cos(t)] for t in PROBE_RADIANS])
    response = np.einsum("ij,jpm->pim", np.linalg.inv(terms), measures)
    return LipRig(response=response, jaw_angle=float(angle), unit_metres=unit)


def lip_edges(head: Head) -> LipEdges:
    """Where the mouth is measured. HeadError: the head is an imported one, on which no lips are known."""
    layout, contact = head.layout, head.contact
    if layout is None or contact is None or not head.is_semantic:
        raise HeadError("Lip shapes are measured on the bundled head, and this is another one; give load_head()")
    corners = contact.lips.upper[[0, -1]]
    teeth = layout.vertices_of("toothU")
    front = teeth[np.abs(head.template[teeth, 0]) < FRONT_TEETH_METRES]
    lids = (layout.left_lid_loop, layout.right_lid_loop)
    return LipEdges(
        upper=contact.lips.upper,
        lower=np.concatenate([corners[:1], contact.lips.lower, corners[1:]]),
        tooth=front[[np.argmin(head.template[front, 1])]],
        eye_corners=np.array([loop[np.argmax(np.abs(head.template[loop, 0]))] for loop in lids]),
    )


def _positions(part: Head, postures: Float[Array, "posture control"], *, radians: float) -> Float[Array, "posture v 3"]:
    jaw_pose = np.zeros((len(postures), 3))
    jaw_pose[:, 0] = radians
    return part.pose_vertices(expression=postures.astype(np.float32), jaw_pose=jaw_pose).astype(np.float64)


def _measures(
    points: Float[Array, "posture v 3"], *, num_upper: int, num_lower: int
) -> Float[Array, f"posture measure={NUM_MEASURES}"]:
    """Metres. The facing points are those of the neutral mouth, so that measures stay linear in the positions."""
    upper, lower = points[:, :num_upper], points[:, num_upper : num_upper + num_lower]
    tip = points[:, num_upper + num_lower]
    half = 0.5 * (upper[0, -1, 0] - upper[0, 0, 0])
    middle = 0.5 * (upper[0, -1, 0] + upper[0, 0, 0])
    out = np.empty((len(points), NUM_MEASURES))
    for k, station in enumerate(STATIONS):
        x = middle + station * half
        out[:, k] = weights_at(x, upper[0, :, 0]) @ upper[:, :, 1].T - weights_at(x, lower[0, :, 0]) @ lower[:, :, 1].T
    out[:, WIDTH] = upper[:, -1, 0] - upper[:, 0, 0]
    out[:, BITE] = weights_at(middle, lower[0, :, 0]) @ lower[:, :, 1].T - tip[:, 1]
    return out


def weights_at(x: float, knots: Float[Array, " knot"]) -> Float[Array, " knot"]:
    """Share of each point of an edge, in order of x, in the point of it that lies at `x`."""
    return np.array([np.interp(x, knots, row) for row in np.eye(len(knots))])
