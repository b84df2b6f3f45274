"""One frame: pose, controls, jaw and eyes from landmarks, by Gauss-Newton within bounds.

The six numbers of the pose have no bounds and are eliminated (Schur complement); the rest is solved coordinate by
coordinate. Besides the points themselves there are rows for differences - the gap of the lips, their width, the gap of
the lids - which landmarks tell much more exactly than places.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.capturing import face_mesh
from face_emote.capturing.kernels import boxed_solution
from face_emote.capturing.points import FITTED, NUM_TURNS, SKIN_ONLY, LandmarkHead, PosedPoints, posed
from face_emote.core.arrays import Array, Float
from face_emote.core.rotations import rotation_matrix

NUM_FITTED = len(FITTED)
INDEPENDENT = 60  # The 478 landmarks come from about so many independent ones.
SIGMA = 0.012
LIP_SIGMA = 0.004  # Standard deviations of a landmark and of the lips' gap, in eye distances.
RIDGE = 0.5
_DOUBT = {
    "jawForward": 3.0, "mouthFunnel": 0.8, "mouthShrugUpper": 1.5, "mouthShrugLower": 0.8, "mouthRollLower": 0.6,
    "mouthRollUpper": 0.6, "mouthClose": 1.5, "noseSneer": 0.8, "mouthLeft": 0.8, "mouthRight": 0.8, "mouthPress": 1.0,
    "mouthDimple": 1.0, "eyeBlink": 0.1, "cheekSquint": 1.0,
}  # fmt: skip
"""How little landmarks say of a control; 0.35 is usual."""
DOUBT = np.array(
    [_DOUBT.get(name.removesuffix("Left").removesuffix("Right"), _DOUBT.get(name, 0.35)) for name in FITTED]
)
TURN_LOW = np.array([-0.03, -0.1, -0.5, -0.6, -0.5, -0.6])
TURN_HIGH = np.array([0.5, 0.1, 0.5, 0.6, 0.5, 0.6])
TURN_DOUBT = np.array([0.5, 30.0, 2.0, 2.0, 2.0, 2.0])  # A free jaw yaw takes what belongs to the head's.
EYES_TOGETHER = ((2, 4, 60.0), (3, 5, 25.0))  # Angles of the two eyes, and how tightly they are tied.
SWEEPS = 40
_CLOSE = FITTED.index("mouthClose")


@dataclass(frozen=True, slots=True)
class Lens:
    """A pinhole camera: pixels from metres, x right, y up, z towards the viewer."""

    focal: float  # Pixels.
    centre: tuple[float, float]

    def project(self, points: Float[Array, "point 3"]) -> Float[Array, "point 2"]:
        """Pixels; rows run down."""
        scaled = points[:, :2] * (self.focal / -points[:, 2:])
        return np.stack([self.centre[0] + scaled[:, 0], self.centre[1] - scaled[:, 1]], axis=1)

    def slopes(self, points: Float[Array, "point 3"]) -> Float[Array, "point 2 3"]:
        """Pixels per metre."""
        x, y, depth = points[:, 0], points[:, 1], -points[:, 2]
        out = np.zeros((len(points), 2, 3))
        out[:, 0, 0] = self.focal / depth
        out[:, 0, 2] = self.focal * x / depth**2
        out[:, 1, 1] = -self.focal / depth
        out[:, 1, 2] = -self.focal * y / depth**2
        return out


@dataclass(frozen=True, slots=True, eq=False)
class FrameFit:
    """What one frame's face does; `rotation` and `translation` take the head to the camera."""

    rotation: Float[Array, "3 3"]
    translation: Float[Array, " 3"]
    controls: Float[Array, " fitted"]
    turns: Float[Array, " turn=6"]


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What is known of the controls beside the landmarks, and how well."""

    controls: Float[Array, " fitted"]
    weight: Float[Array, " fitted"]


@dataclass(frozen=True, slots=True)
class Trust:
    """How exact the landmarks are taken to be, in eye distances, and how much is asked of a control to leave rest."""

    sigma: float = SIGMA
    lip_sigma: float = LIP_SIGMA
    ridge: float = RIDGE
    sparse: float = 0.0


USUAL = Trust()


def in_camera(person: LandmarkHead, fit: FrameFit) -> tuple[PosedPoints, Float[Array, "landmark=478 3"]]:
    """Points in the head's axes and in the camera's."""
    points = posed(person, fit.controls, fit.turns)
    return points, points.place @ fit.rotation.T + fit.translation


def pose_slopes(
    slopes: Float[Array, "point 2 3"], points: Float[Array, "point 3"], fit: FrameFit
) -> Float[Array, "point 2 6"]:
    """Pixels per small turn (about the camera's axes, around the head's origin) and shift of the head."""
    turned = points - fit.translation
    cross = np.zeros((len(points), 3, 3))
    for row, column, axis, sign in (
        (0, 1, 2, 1),
        (0, 2, 1, -1),
        (1, 0, 2, -1),
        (1, 2, 0, 1),
        (2, 0, 1, 1),
        (2, 1, 0, -1),
    ):
        cross[:, row, column] = sign * turned[:, axis]
    return np.concatenate([slopes @ cross, slopes], axis=2)


def moved(fit: FrameFit, step: Float[Array, " step=6"]) -> tuple[Float[Array, "3 3"], Float[Array, " 3"]]:
    """Pose after a small turn and shift."""
    return rotation_matrix(step[None, :3])[0] @ fit.rotation, fit.translation + step[3:6]


def point_weight(landmarks: Float[Array, "landmark=478 2"], sigma: float) -> Float[Array, " landmark=478"]:
    """Of each landmark's residual, per pixel."""
    weight: Array = face_mesh.BELIEF / (
        sigma * float(face_mesh.eye_distance(landmarks)) * np.sqrt(face_mesh.NUM_LANDMARKS / INDEPENDENT)
    )
    return weight


def rigid_fit(
    person: LandmarkHead, landmarks: Float[Array, "landmark=478 2"], *, lens: Lens, rounds: int = 12
) -> FrameFit:
    """The pose of a face at rest, from nothing but the landmarks."""
    right, left = face_mesh.OUTER_CANTHI
    wide = float(np.linalg.norm(person.rest[right] - person.rest[left]))
    depth = lens.focal * wide / float(face_mesh.eye_distance(landmarks))
    middle, centre = landmarks.mean(axis=0), person.rest.mean(axis=0)
    x, y = (middle - np.array(lens.centre)) / lens.focal * depth
    fit = FrameFit(
        rotation=np.eye(3),
        translation=np.array([x - centre[0], -y - centre[1], -depth]),
        controls=np.zeros(NUM_FITTED),
        turns=np.zeros(NUM_TURNS),
    )
    weight = point_weight(landmarks, SIGMA)[:, None]
    for _ in range(rounds):
        _, points = in_camera(person, fit)
        slopes = (pose_slopes(lens.slopes(points), points, fit) * weight[..., None]).reshape(-1, 6)
        residual = ((landmarks - lens.project(points)) * weight).ravel()
        step = np.linalg.solve(slopes.T @ slopes + 1e-6 * np.eye(6), slopes.T @ residual)
        rotation, translation = moved(fit, step)
        fit = FrameFit(rotation, translation, fit.controls, fit.turns)
    return fit


def solve_frame(
    person: LandmarkHead, landmarks: Float[Array, "landmark=478 2"], *, lens: Lens, start: FrameFit, rounds: int = 2,
    wanted: Wanted | None = None, trust: Trust = USUAL,
) -> FrameFit:  # fmt: skip
    """Fit one frame, from the fit of one nearby."""
    fit = start
    for _ in range(rounds):
        matrix, right = _normal_equations(person, landmarks, lens=lens, fit=fit, trust=trust)
        known = np.r_[fit.controls, fit.turns]
        # Unknown are the pose's change, and controls and turns themselves.
        right = right + matrix[:, 6:] @ known
        _add_beliefs(matrix, right, wanted=wanted, trust=trust)
        pose, coupling = matrix[:6, :6], matrix[:6, 6:]
        share = np.linalg.solve(pose, coupling)
        found = boxed_solution(
            np.ascontiguousarray(matrix[6:, 6:] - coupling.T @ share),
            right[6:] - share.T @ right[:6],
            known.copy(),
            np.r_[np.zeros(NUM_FITTED), TURN_LOW],
            np.r_[np.ones(NUM_FITTED), TURN_HIGH],
            SWEEPS,
        )
        step = np.linalg.solve(pose, right[:6] - coupling @ found)
        rotation, translation = moved(fit, step)
        found[_CLOSE] = min(found[_CLOSE], max(found[NUM_FITTED] / person.jaw_open, 0.0))
        fit = FrameFit(rotation, translation, found[:NUM_FITTED], found[NUM_FITTED:])
    return fit


def _normal_equations(
    person: LandmarkHead, landmarks: Float[Array, "landmark=478 2"], *, lens: Lens, fit: FrameFit, trust: Trust
) -> tuple[Float[Array, "unknown unknown"], Float[Array, " unknown"]]:
    """Unknowns: 6 of the pose, the controls, the turns."""
    body, points = in_camera(person, fit)
    slopes = lens.slopes(points)
    to_pixel = slopes @ fit.rotation
    by = np.concatenate(
        [pose_slopes(slopes, points, fit), (to_pixel @ body.skin) @ person.blend, to_pixel @ body.by_turn], axis=2
    )
    residual = landmarks - lens.project(points)
    weight = point_weight(landmarks, trust.sigma)
    rows, values = [(by * weight[:, None, None]).reshape(-1, by.shape[2])], [(residual * weight[:, None]).ravel()]
    unit = trust.lip_sigma * float(face_mesh.eye_distance(landmarks))
    for pairs, factor in ((face_mesh.INNER_LIPS, 1.0), (face_mesh.LIP_WIDTH, 2.0), (face_mesh.LID_GAPS, 1.0)):
        a, b = np.array(pairs).T
        scale = 1.0 / (unit * factor * np.sqrt(len(pairs)))
        rows.append(((by[a] - by[b]) * scale).reshape(-1, by.shape[2]))
        values.append(((residual[a] - residual[b]) * scale).ravel())
    stacked = np.concatenate(rows)
    return stacked.T @ stacked, stacked.T @ np.concatenate(values)


def _add_beliefs(
    matrix: Float[Array, "unknown unknown"], right: Float[Array, " unknown"], *, wanted: Wanted | None, trust: Trust
) -> None:
    """Rest is likelier than effort, what else is known pulls, and the eyes turn together; in place."""
    weight = np.r_[np.zeros(6), 4.0 * trust.ridge * DOUBT, TURN_DOUBT]
    controls = slice(6, 6 + NUM_FITTED)
    if wanted is not None:
        weight[controls] += wanted.weight
        right[controls] += wanted.weight * wanted.controls
    right[controls] -= 20.0 * trust.sparse
    matrix[np.diag_indices(len(matrix))] += weight + 1e-6
    for first, second, tie in EYES_TOGETHER:
        a, b = 6 + NUM_FITTED + first, 6 + NUM_FITTED + second
        matrix[a, a] += tie
        matrix[b, b] += tie
        matrix[a, b] -= tie
        matrix[b, a] -= tie


def offset_of(
    person: LandmarkHead, landmarks: Float[Array, "frames landmark=478 2"], fits: list[FrameFit], *, lens: Lens
) -> Float[Array, "landmark=478 3"]:
    """Where somebody's landmarks lie beside the model's, in the head's own x and y: median over frames, metres."""
    found = []
    for seen, fit in zip(landmarks, fits, strict=True):
        _, points = in_camera(person, fit)
        beside = (seen - lens.project(points)) * (-points[:, 2:] / lens.focal) * [1.0, -1.0]
        found.append(beside @ np.linalg.inv(fit.rotation[:2, :2]).T)
    middle = np.median(found, axis=0) * SKIN_ONLY[:, None]
    offset: Array = np.c_[middle, np.zeros(face_mesh.NUM_LANDMARKS)]
    return offset
