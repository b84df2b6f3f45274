"""A motion as the targets of another face (`rigs.rig_file`): sums of our curves, mixes of faces, or cues."""

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_52, CONTROLS, FACE_ANGLES, NUM_EXPRESSION
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.arkit.curves import CURVES, DECIMALS, ArkitCurves
from face_emote.rigs.nonnegative import nonnegative_weights
from face_emote.rigs.rig_file import SOURCES, Rig, RigTarget

EXTRAS = tuple(name for name in CONTROLS if name not in ARKIT_52 and not name.startswith("reserved"))
MOUTH = ("mouth", "jaw", "tongue", "lip")
SEAL_SHARE = 0.02
"""Sealed lips are no shape; where faces are compared they count like so much of the square of an open jaw."""
SETTLED = 1e-4
SHAPE_SWEEPS = 1000
"""At most; mouths are so alike that some frames need hundreds."""
RIDGE = 0.003
"""Share of a shape's mean square that a weight of 1 costs: of two mixes that look alike the smaller is taken."""


class RigCurves:
    """Targets of motions on one head."""

    def __init__(self, motion: MotionSource, head: Head, *, rig: Rig) -> None:
        """Raises HeadError when the motion belongs to another model, or the model has no named shapes."""
        self.names = tuple(target.name for target in rig.targets)
        self._curves = ArkitCurves(motion, head)
        self._sums, self._shapes = _matrix(rig.sums), _matrix(rig.shapes)
        self._low, self._high = (
            np.array([getattr(target, end) for target in rig.targets], np.float64) for end in ("low", "high")
        )
        self._cues = _matrix(rig.cues)
        faces = (*rig.shapes, *rig.cues)
        # Where only mouths are compared, cheeks that smile must not vote.
        of_mouths = all(name.startswith(MOUTH) for target in faces for name in target.weights)
        self._products = None
        if faces:
            self._products = _blind_to(_matrix(rig.absorbed), face_products(head, lips_only=of_mouths))

    def of(self, block: FaceMotion) -> Float[Array, "frames target"]:
        """Every target's value, within its limits."""
        values = self._sources(block)
        pieces = [values @ self._sums.T]
        if self._products is not None and len(self._shapes):
            pieces.append(self._mixed(values))
        out = np.clip(np.concatenate(pieces, axis=1), self._low, self._high)
        return np.round(out, DECIMALS) + 0.0  # No "-0.000000".

    def cue_index(self, block: FaceMotion) -> Int[Array, " frames"]:
        """Which of the rig's cues looks most like the face."""
        assert self._products is not None
        values = self._sources(block)
        size = np.einsum("cs,st,ct->c", self._cues, self._products, self._cues)
        return np.argmin(size - 2.0 * (values @ self._products @ self._cues.T), axis=1)

    def _sources(self, block: FaceMotion) -> Float[Array, "frames source"]:
        """Curves in the order of `rig_file.SOURCES`."""
        extra = block.expression[:, [CONTROLS.index(name) for name in EXTRAS]]
        return np.concatenate([self._curves.of(block), extra, block.wrinkles, block.blood_flow], axis=1)

    def _mixed(self, values: Float[Array, "frames source"]) -> Float[Array, "frames shape"]:
        assert self._products is not None
        used = np.flatnonzero(np.abs(self._shapes).any(axis=1))
        recipes = self._shapes[used]
        gram = recipes @ self._products @ recipes.T
        goal = values @ self._products @ recipes.T
        gram = gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        out = np.zeros((len(values), len(self._shapes)))
        out[:, used] = nonnegative_weights(gram, goal, upper=1.0, sweeps=SHAPE_SWEEPS, settled=SETTLED)
        # A shape that moves nothing (silence) is what is left of a whole face.
        rest = np.setdiff1d(np.arange(len(self._shapes)), used)
        out[:, rest] = np.maximum(1.0 - out[:, used].sum(axis=1, keepdims=True), 0.0)
        return out


def face_products(head: Head, *, lips_only: bool) -> Float[Array, "source source"]:
    """Inner products of what our curves do to the vertices of face or lips; 0 for curves that are no shapes."""
    controls = np.zeros((NUM_EXPRESSION + 1, NUM_EXPRESSION), np.float32)
    shapes = [name for name in SOURCES if name in CONTROLS and name != "lipSeal"]
    rows = np.array([CONTROLS.index(name) for name in shapes])
    controls[rows + 1, rows] = 1.0
    controls[CONTROLS.index("mouthClose") + 1, CONTROLS.index("jawOpen")] = 1.0  # It closes an open jaw only.
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    assert head.layout is not None
    face = np.flatnonzero((head.layout.mask_lips if lips_only else head.layout.mask_face) > 0.1)
    posed = head.restricted_to(face).pose_vertices(
        expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose
    )
    moved = (posed[1:] - posed[0]).reshape(NUM_EXPRESSION, -1).astype(np.float64)
    moved[CONTROLS.index("mouthClose")] -= moved[CONTROLS.index("jawOpen")]
    products = np.zeros((len(SOURCES), len(SOURCES)))
    place = np.array([SOURCES.index(name) for name in shapes])
    products[np.ix_(place, place)] = moved[rows] @ moved[rows].T
    jaw, seal = SOURCES.index("jawOpen"), SOURCES.index("lipSeal")
    products[seal, seal] = SEAL_SHARE * products[jaw, jaw]
    return products


def _blind_to(absorbed: Float[Array, "face source"], products: Float[Array, "source source"]) -> Array:
    """Inner products of what is left of every curve across the span of the absorbed faces."""
    if not len(absorbed):
        return products
    seen = absorbed @ products
    within = seen @ absorbed.T
    return products - seen.T @ np.linalg.solve(within + 1e-9 * np.trace(within) * np.eye(len(within)), seen)


def _matrix(targets: tuple[RigTarget, ...]) -> Float[Array, "target source"]:
    out = np.zeros((len(targets), len(SOURCES)))
    for row, target in enumerate(targets):
        for name, weight in target.weights.items():
            out[row, SOURCES.index(name)] = weight
    return out


assert SOURCES[: len(CURVES)] == CURVES and SOURCES[len(ARKIT_52) : len(CURVES)] == FACE_ANGLES
