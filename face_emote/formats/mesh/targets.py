"""Which blend shapes a head has in a file (glTF, USD, FBX), and their weights on every frame.

Such a mesh is moved by linear targets and by joints, FLAME by expression columns, pose correctives and joints, so the
correspondence is exact: a used expression column is a target; a pose corrective is a target whose weight is the
element of R - I that drives it, or two of opposite sign, since many programs cut weights off at 0.

Only contact (lips that seal, lids that would cross) is not linear: what it does is taken back through the skinning to
the rest pose, where targets live; the principal components of that over the frames of this very motion are the
targets, as many as the wanted exactness needs. They too come in pairs of opposite sign.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_52, BLOOD_REGIONS, CONTROLS, JOINTS, NUM_EXPRESSION, WRINKLES
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.face.skinning import corrective_coefficients
from face_emote.formats.mesh.person import JointMotion, rotations_of

SMALLEST_SHAPE = 1e-6  # Metres; what moves less is not a target.
MAX_ERROR = 0.0002  # Metres; targets are added until no vertex of any sampled frame is further off.
MAX_COMPONENTS = 24
MAX_SAMPLES = 200  # Frames with contact that the targets are found from, spread over the motion.
SMALLEST_MOVE = 1e-5  # Metres; contact that moves no vertex further is none.
LIP_SEAL = CONTROLS.index("lipSeal")
SKIN_CURVES = (*(f"skin_wrinkle_{name}" for name in WRINKLES), *(f"skin_blood_{name}" for name in BLOOD_REGIONS))
"""Names of the curves of `skin_values`, which move no vertex."""


@dataclass(frozen=True, slots=True)
class MorphTarget:
    """One named target."""

    name: str
    delta: Float[Array, "vertex 3"]  # Metres at weight 1.


@dataclass(frozen=True, slots=True)
class TargetSet:
    """Targets, and how a block of motion weighs them."""

    targets: tuple[MorphTarget, ...]
    weights: Callable[[FaceMotion], Float[Array, "frames target"]]


def morph_targets(motion: MotionSource, person: Head) -> TargetSet:
    """Targets for this motion: all of ARKit-52, and whatever else it uses.

    ARKit units that turn a joint (jawOpen, eyeLookInLeft ..) are there as shapes with weight 0: the joints play them.
    """
    used_columns, used_correctives = _used(motion)
    columns = [i for i in _expression_columns(person, used_columns) if i != LIP_SEAL or not person.is_semantic]
    correctives = [
        (i, sign) for i, sign in used_correctives if np.abs(person.pose_correctives[i]).max() > SMALLEST_SHAPE
    ]
    contacts = _contacts(motion, person)
    joint_controls = {CONTROLS.index(item.control) for item in person.control_joints}
    targets = [_column_target(person, i, turns=i in joint_controls) for i in columns]
    targets += [MorphTarget(_corrective_name(i, sign), sign * person.pose_correctives[i]) for i, sign in correctives]
    for name, contact in contacts:
        targets += [MorphTarget(f"{name}_{i + 1}", delta) for i, delta in enumerate(contact.deltas)]
    elements, signs = [i for i, _ in correctives], np.array([sign for _, sign in correctives])

    def weights(block: FaceMotion) -> Float[Array, "frames target"]:
        turned = corrective_coefficients(rotations_of(block))[:, elements]
        pieces = [block.expression[:, columns], np.maximum(turned * signs, 0.0)]
        pieces += [contact.weights(block) for _, contact in contacts]
        return np.concatenate(pieces, axis=1).astype(np.float32)

    return TargetSet(targets=tuple(targets), weights=weights)


def skin_values(block: FaceMotion) -> Float[Array, "frames curve=24"]:
    """Wrinkles and blood flow, in the order of `SKIN_CURVES`."""
    return np.concatenate([block.wrinkles, block.blood_flow], axis=1).astype(np.float32)


def _used(motion: MotionSource) -> tuple[list[int], list[tuple[int, float]]]:
    """Expression columns, and pose correctives with each sign, that any frame uses."""
    expression = np.zeros(NUM_EXPRESSION, bool)
    correctives = np.zeros((9 * (len(JOINTS) - 1), 2), bool)
    for block in motion.blocks():
        expression |= np.any(block.expression != 0.0, axis=0)
        turned = corrective_coefficients(rotations_of(block))
        correctives |= np.stack([np.any(turned > 1e-7, axis=0), np.any(turned < -1e-7, axis=0)], axis=1)
    return _indices(expression), [(int(i), (1.0, -1.0)[k]) for i, k in np.argwhere(correctives)]


def _contacts(motion: MotionSource, person: Head) -> list[tuple[str, "ContactTargets"]]:
    """Targets of lips and lids, of those that touch in this motion."""
    if person.contact is None:
        return []
    lids = np.union1d(person.contact.left_lids.free, person.contact.right_lids.free)
    found = (
        (name, ContactTargets.fitted(motion, person, vertex_index=index))
        for name, index in (("lipSeal", person.contact.lips.free), ("lidContact", lids))
    )
    return [(name, targets) for name, targets in found if targets is not None]


def _indices(mask: Array) -> list[int]:
    return [int(i) for i in np.flatnonzero(mask)]


def _expression_columns(person: Head, used: list[int]) -> list[int]:
    moving = [i for i in used if np.abs(person.expression_basis[i]).max() > SMALLEST_SHAPE]
    return sorted({*range(len(ARKIT_52)), *moving}) if person.is_semantic else moving


def _column_target(person: Head, column: int, *, turns: bool) -> MorphTarget:
    if not person.is_semantic:
        return MorphTarget(f"expression_{column:02d}", person.expression_basis[column])
    if not turns:
        return MorphTarget(CONTROLS[column], person.expression_basis[column])
    controls = np.zeros((2, NUM_EXPRESSION), np.float32)
    controls[1, column] = 1.0
    pose = pose_from_controls(controls, control_joints=person.control_joints)
    rest, moved = person.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)
    return MorphTarget(CONTROLS[column], moved - rest)


def _corrective_name(index: int, sign: float) -> str:
    joint, element = divmod(index, 9)
    return f"corrective_{JOINTS[joint + 1]}_r{element // 3}{element % 3}" + ("_minus" if sign < 0.0 else "")


@dataclass(frozen=True, slots=True)
class ContactTargets:
    """Targets and the solver that weighs them."""

    deltas: Float[Array, "target vertex 3"]  # Metres at weight 1, which some sampled frame reaches.
    touching: Head  # Only the vertices that the contact moves.
    apart: Head  # The same without contact.
    joints: JointMotion
    projection: Float[Array, "target coordinate"]

    @classmethod
    def fitted(
        cls, motion: MotionSource, person: Head, *, vertex_index: Int[Array, " moved"]
    ) -> "ContactTargets | None":
        """Find the targets for the contact of these vertices; None if they never touch in this motion."""
        touching = person.restricted_to(vertex_index)
        apart = replace(person, contact=None).restricted_to(vertex_index)
        joints, samples = JointMotion(person), np.zeros((0, 3 * len(vertex_index)))
        stride = seen = 0
        for block in motion.blocks():
            moved = _rest_displacement(block, touching=touching, apart=apart, joints=joints)
            moved = moved[np.abs(moved).max(axis=1) > SMALLEST_MOVE]
            stride = max(1, stride)
            samples = np.concatenate([samples, moved[-seen % stride :: stride]])
            seen += len(moved)
            while len(samples) > MAX_SAMPLES:  # Every other one, so that those kept stay spread over the motion.
                samples, stride = samples[::2], 2 * stride
        components = _components(samples)
        if len(components) == 0:
            return None
        along = samples @ components.T
        signed = np.concatenate([components, -components])
        reach = np.concatenate([along.max(axis=0), -along.min(axis=0)])
        used = reach > SMALLEST_MOVE
        signed, reach = signed[used], reach[used]
        deltas = np.zeros((len(signed), person.num_vertices, 3), np.float32)
        deltas[:, vertex_index] = (signed * reach[:, None]).reshape(len(signed), -1, 3)
        return cls(deltas, touching, apart, joints, signed / reach[:, None])

    def weights(self, block: FaceMotion) -> Float[Array, "frames target"]:
        """Weights of a block of frames, none below 0; 0 where nothing touches."""
        moved = _rest_displacement(block, touching=self.touching, apart=self.apart, joints=self.joints)
        weights: Array = np.maximum(moved @ self.projection.T, 0.0)
        return weights


def _rest_displacement(
    block: FaceMotion, *, touching: Head, apart: Head, joints: JointMotion
) -> Float[Array, "frames coordinate"]:
    """What contact does to each vertex, turned back into the rest pose, flat."""
    names = ("expression", "jaw_pose", "neck_pose", "eye_pose", "global_pose")
    pose = {name: getattr(block, name) for name in names}
    moved = touching.pose_vertices(**pose) - apart.pose_vertices(**pose)
    out = np.zeros((block.num_frames, 3 * touching.num_vertices))
    frames = np.flatnonzero(np.abs(moved).max(axis=(1, 2)) > 0.0)
    if len(frames) == 0:
        return out
    part = replace(block, **{name: getattr(block, name)[frames] for name in block.row_names})
    turns = joints.transforms(part, rotations_of(part))[..., :3]
    blended = np.einsum("vj,fjrc->fvrc", touching.skin_weights.astype(np.float64), turns)
    turned = np.linalg.solve(blended, moved[frames][..., None].astype(np.float64))
    out[frames] = turned.reshape(len(frames), -1)
    return out


def _components(samples: Float[Array, "sample coordinate"]) -> Float[Array, "component coordinate"]:
    """Orthonormal rows that reproduce every sample to MAX_ERROR (or MAX_COMPONENTS of them)."""
    if len(samples) == 0:
        return samples
    _, strength, rows = np.linalg.svd(samples, full_matrices=False)
    rest = samples
    useful = min(MAX_COMPONENTS, int(np.count_nonzero(strength > 1e-9)))
    for count, row in enumerate(rows[:useful]):
        if np.linalg.norm(rest.reshape(len(rest), -1, 3), axis=2).max() <= MAX_ERROR:
            return rows[:count]
        rest = rest - np.outer(rest @ row, row)
    return rows[:useful]
