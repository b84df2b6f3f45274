"""Joints, skin weights and pose correctives: which rotations the ARKit units are, and what remains of them.

jawOpen moves the lower teeth rigidly, the eyeLook units turn the eyeballs: those rotations become FLAME's joints, and
pose correctives add exactly what linear blend skinning leaves out, so that one rotation equals one full unit.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import spsolve

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import ARKIT_52, JOINTS
from face_emote.core.rotations import rotation_matrix
from face_emote.face.layout import ControlJoint
from face_emote.face.skinning import NUM_CORRECTIVES
from tools.build_head.anatomy import followers
from tools.build_head.cut import SKIN_PARTS, Mesh, laplacian

JAW, EYE_LEFT, EYE_RIGHT = (JOINTS.index(name) for name in ("jaw", "eye_left", "eye_right"))
MIRROR_JOINTS = np.array([0, 1, 2, 4, 3])
FLIP = np.array([-1.0, 1.0, 1.0])
_LIGHT = 1e-2
"""Weight of small regressor entries against exactness of the joint."""


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """Everything that turns."""

    joints: Float[Array, "joint=5 3"]
    joint_regressor: Float[Array, "joint=5 vertex"]
    skin_weights: Float[Array, "vertex joint=5"]
    pose_correctives: Float[Array, "corrective=36 vertex 3"]
    controls: tuple[ControlJoint, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Where MakeHuman puts neck and skull base, on the mean head and per identity column."""

    neck: Float[Array, "3"]
    neck_columns: Float[Array, "shape 3"]
    skull: Float[Array, "3"]
    skull_columns: Float[Array, "shape 3"]


def turn(axis: int, angle: float) -> Float[Array, "3 3"]:
    """Rotation about one coordinate axis."""
    return rotation_matrix(np.eye(3)[axis] * angle)


def rigid_fit(before: Float[Array, "point 3"], after: Float[Array, "point 3"]) -> tuple[Array, Array]:
    """Rotation and offset that best carry one set of points onto the other (Kabsch 1976)."""
    centre, goal = before.mean(axis=0), after.mean(axis=0)
    u, _, vt = np.linalg.svd((before - centre).T @ (after - goal))
    rotation = vt.T @ np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
    return rotation, goal - rotation @ centre


def build_rig(
    mesh: Mesh,
    *,
    mean: Float[Array, "vertex 3"],
    columns: Float[Array, "shape vertex 3"],
    units: Float[Array, "unit=52 vertex 3"],
    anchors: Anchors,
    neck_ramp: Float[Array, " vertex"],
) -> Rig:
    """Fit joints, weights and correctives to the ARKit units (metres on the mean head)."""
    opening = units[ARKIT_52.index("jawOpen")]
    jaw_angle, jaw_pivot = _jaw_hinge(mean, opening, teeth=mesh.vertices_of("teethL"))
    weights = _skin_weights(mesh, mean, opening=opening, angle=jaw_angle, pivot=jaw_pivot, neck_ramp=neck_ramp)
    swelling = np.stack(list(followers(mesh, mean).values()))
    still = np.linalg.norm(np.concatenate([units, swelling]), axis=2).max(axis=0) < 2e-4
    regressor = _joint_regressor(mesh, mean, columns=columns, anchors=anchors, jaw_pivot=jaw_pivot, still=still)
    joints = regressor @ mean
    correctives = np.zeros((NUM_CORRECTIVES, len(mean), 3))
    controls = [
        *_jaw_controls(
            mesh, mean, units=units, weights=weights[:, JAW], joint=joints[JAW], angle=jaw_angle, out=correctives
        ),
        *_eye_controls(mesh, mean, units=units, out=correctives),
    ]
    return Rig(joints, regressor, weights, correctives, tuple(controls))


def _jaw_hinge(
    mean: Float[Array, "vertex 3"], opening: Float[Array, "vertex 3"], *, teeth: Int[Array, " tooth"]
) -> tuple[float, Float[Array, "3"]]:
    """Angle about +X and pivot in the plane x = 0 of the rigid motion of the lower teeth."""
    rotation, _ = rigid_fit(mean[teeth], mean[teeth] + opening[teeth])
    angle = float(np.arctan2(rotation[2, 1] - rotation[1, 2], rotation[1, 1] + rotation[2, 2]))
    hinge = turn(0, angle)
    offset = (mean[teeth] + opening[teeth] - mean[teeth] @ hinge.T).mean(axis=0)
    pivot = np.zeros(3)
    pivot[1:] = np.linalg.solve((np.eye(3) - hinge)[1:, 1:], offset[1:])
    return angle, pivot


def _skin_weights(
    mesh: Mesh,
    mean: Float[Array, "vertex 3"],
    *,
    opening: Float[Array, "vertex 3"],
    angle: float,
    pivot: Float[Array, "3"],
    neck_ramp: Float[Array, " vertex"],
) -> Float[Array, "vertex joint=5"]:
    """Jaw share: least squares of the opening onto the hinge rotation, smoothed; the rest is neck and root."""
    lever = (mean - pivot) @ turn(0, angle).T + pivot - mean
    along, length = (lever * opening).sum(axis=1), (lever * lever).sum(axis=1)
    raw = np.clip(along / np.maximum(length, 1e-12), 0.0, 1.0)
    skin = np.zeros(len(mean), bool)
    skin[mesh.vertices_of(*SKIN_PARTS)] = True
    trust = sparse.diags(np.where(skin, length / length[skin].mean() + 0.02, 1.0))
    graph = laplacian(mesh.edges(*SKIN_PARTS), num_vertices=len(mean))
    jaw = np.clip(spsolve((trust + 0.15 * graph).tocsc(), trust @ raw), 0.0, 1.0)
    tongue = mesh.vertices_of("tongue")
    jaw[tongue] = raw[tongue]
    jaw[mesh.vertices_of("teethL")] = 1.0
    jaw[mesh.vertices_of("teethU", "eyeL", "eyeR", "lashL", "lashR")] = 0.0
    jaw[jaw < 0.004] = 0.0
    neck = np.clip(spsolve((sparse.identity(len(mean)) + 3.0 * graph).tocsc(), neck_ramp), 0.0, 1.0)
    neck[~skin] = 1.0
    weights = np.zeros((len(mean), len(JOINTS)))
    weights[:, JAW] = jaw
    weights[mesh.vertices_of("eyeL"), EYE_LEFT] = 1.0
    weights[mesh.vertices_of("eyeR"), EYE_RIGHT] = 1.0
    rest = 1.0 - weights.sum(axis=1)
    weights[:, 1], weights[:, 0] = rest * neck, rest * (1.0 - neck)
    out: Float[Array, "vertex joint=5"] = 0.5 * (weights + weights[mesh.mirror][:, MIRROR_JOINTS])
    return out


def _joint_regressor(
    mesh: Mesh,
    mean: Float[Array, "vertex 3"],
    *,
    columns: Float[Array, "shape vertex 3"],
    anchors: Anchors,
    jaw_pivot: Float[Array, "3"],
    still: Array,
) -> Float[Array, "joint=5 vertex"]:
    """Weights of vertices that no unit moves, so that an expression never shifts a joint; mirror symmetric."""
    regressor = np.zeros((len(JOINTS), len(mean)))
    inner = mesh.vertices_of("head", "torso", "mouth")
    inner = inner[still[inner]]
    low, high = 0.35, 0.65
    for joint, place, moves in (
        (0, anchors.neck, anchors.neck_columns),
        (
            1,
            low * anchors.neck + high * anchors.skull,
            low * anchors.neck_columns + high * anchors.skull_columns,
        ),
    ):
        near = inner[np.argsort(np.linalg.norm(mean[inner] - place, axis=1), kind="stable")[:250]]
        regressor[joint, near] = _regress(mean[near], place, columns=columns[:, near], moves=moves)
    distance = np.linalg.norm((mean[inner] - jaw_pivot) * [0.4, 1.0, 1.0], axis=1)
    near = inner[np.argsort(distance, kind="stable")[:300]]
    regressor[JAW, near] = _regress(mean[near], jaw_pivot)
    for joint, part in ((EYE_LEFT, "eyeL"), (EYE_RIGHT, "eyeR")):
        ball = mesh.vertices_of(part)
        regressor[joint, ball] = _regress(mean[ball], _sphere_centre(mean[ball]))
    out: Float[Array, "joint=5 vertex"] = 0.5 * (regressor + regressor[MIRROR_JOINTS][:, mesh.mirror])
    return out


def _regress(
    points: Float[Array, "near 3"],
    place: Float[Array, "3"],
    *,
    columns: Float[Array, "shape near 3"] | None = None,
    moves: Float[Array, "shape 3"] | None = None,
) -> Float[Array, " near"]:
    """Small weights summing to 1 whose point is `place` and, if given, moves with identity as `moves`."""
    count = len(points)
    light = _LIGHT if columns is None else 2.0 * _LIGHT
    rows = [30.0 * points.T, np.full((1, count), 30.0), light * np.eye(count)]
    goal = [30.0 * place, np.array([30.0]), np.full(count, light / count)]
    if columns is not None and moves is not None:
        rows.append(3.0 * columns.transpose(0, 2, 1).reshape(-1, count))
        goal.append(3.0 * moves.reshape(-1))
    out: Float[Array, " near"] = np.linalg.lstsq(np.concatenate(rows), np.concatenate(goal), rcond=None)[0]
    return out


def _sphere_centre(points: Float[Array, "point 3"]) -> Float[Array, "3"]:
    """Centre of the algebraic least-squares sphere: |p|^2 = 2 p.c + const."""
    system = np.concatenate([2.0 * points, np.ones((len(points), 1))], axis=1)
    out: Array = np.linalg.lstsq(system, (points * points).sum(axis=1), rcond=None)[0][:3]
    return out


def corrective_index(joint: int, row: int, column: int) -> int:
    """Index of the corrective driven by one element of R - I of a joint."""
    return (joint - 1) * 9 + row * 3 + column


def before_skinning(
    wanted: Float[Array, "vertex 3"], *, weight: Float[Array, " vertex"], rotation: Float[Array, "3 3"]
) -> Float[Array, "vertex 3"]:
    """The displacement that, added before skinning by a partly weighted rotation, shows as `wanted` after it."""
    blended = np.eye(3) + weight[:, None, None] * (rotation - np.eye(3))
    return np.linalg.solve(blended, wanted[..., None])[..., 0]


def _jaw_controls(
    mesh: Mesh,
    mean: Float[Array, "vertex 3"],
    *,
    units: Float[Array, "unit vertex 3"],
    weights: Float[Array, " vertex"],
    joint: Float[Array, "3"],
    angle: float,
    out: Float[Array, "corrective vertex 3"],
) -> list[ControlJoint]:
    """Turn jawOpen about +X and jawLeft/Right about +Y; fills the jaw's correctives."""

    def left_over(name: str, rotation: Float[Array, "3 3"]) -> Float[Array, "vertex 3"]:
        skinned = weights[:, None] * ((mean - joint) @ rotation.T + joint - mean)
        return before_skinning(units[ARKIT_52.index(name)] - skinned, weight=weights, rotation=rotation)

    out[corrective_index(JAW, 2, 1)] = left_over("jawOpen", turn(0, angle)) / np.sin(angle)
    teeth = mesh.vertices_of("teethL")
    front = teeth[np.argsort(-mean[teeth, 2], kind="stable")[:10]]
    slide = units[ARKIT_52.index("jawLeft")][front, 0].mean()
    yaw = float(np.arcsin(slide / (mean[front, 2].mean() - joint[2])))
    left, right = left_over("jawLeft", turn(1, yaw)), left_over("jawRight", turn(1, -yaw))
    out[corrective_index(JAW, 0, 2)] = 0.5 * (left - right) / np.sin(yaw)
    out[corrective_index(JAW, 0, 0)] = 0.5 * (left + right) / (np.cos(yaw) - 1.0)
    return [
        ControlJoint("jawOpen", JAW, 0, angle),
        ControlJoint("jawLeft", JAW, 1, yaw),
        ControlJoint("jawRight", JAW, 1, -yaw),
    ]


def _eye_controls(
    mesh: Mesh,
    mean: Float[Array, "vertex 3"],
    *,
    units: Float[Array, "unit vertex 3"],
    out: Float[Array, "corrective vertex 3"],
) -> list[ControlJoint]:
    """Turn eyeLook units into ball rotations; lids follow by correctives in sin and cos - 1, exact at both ends."""
    controls: list[ControlJoint] = []
    both = mesh.vertices_of("eyeL", "eyeR")
    for side, joint, part in (("Left", EYE_LEFT, "eyeL"), ("Right", EYE_RIGHT, "eyeR")):
        ball = mesh.vertices_of(part)
        pairs = (
            (("eyeLookDown", "eyeLookUp"), 0, (2, 1), (1, 1)),
            (("eyeLookIn", "eyeLookOut"), 1, (0, 2), (0, 0)),
        )
        for names, axis, odd, even in pairs:
            moves = [units[ARKIT_52.index(name + side)].copy() for name in names]
            angles = [_ball_angle(mean[ball], move[ball], axis=axis) for move in moves]
            for move in moves:
                move[both] = 0.0
            system = np.array([[np.sin(angle), np.cos(angle) - 1.0] for angle in angles])
            parts = np.tensordot(np.linalg.inv(system), np.stack(moves), axes=1)
            out[corrective_index(joint, *odd)], out[corrective_index(joint, *even)] = parts
            controls += [
                ControlJoint(name + side, joint, axis, angle) for name, angle in zip(names, angles, strict=True)
            ]
    return controls


def _ball_angle(ball: Float[Array, "point 3"], move: Float[Array, "point 3"], *, axis: int) -> float:
    rotation, _ = rigid_fit(ball, ball + move)
    element = (rotation[2, 1], rotation[1, 1]) if axis == 0 else (rotation[0, 2], rotation[2, 2])
    return float(np.arctan2(*element))
