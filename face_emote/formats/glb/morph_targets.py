"""Which morph targets a glTF head has, and their weights on every frame.

A glTF mesh is moved by linear targets and by joints, FLAME by expression columns, pose correctives and joints, so the
correspondence is exact: a used expression column is a target; a pose corrective is a target whose weight is the
element of R - I that drives it, or two of opposite sign, since many programs cut weights off at 0. Only contact (lips
that seal, lids that would cross) is not linear; `contact_targets` finds the few targets for it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_52, BLOOD_REGIONS, CONTROLS, JOINTS, NUM_EXPRESSION, WRINKLES
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.face.skinning import corrective_coefficients
from face_emote.formats.glb.contact_targets import ContactTargets
from face_emote.formats.mesh.person import rotations_of

SMALLEST_MOVE = 1e-6
"""Metres; what moves less is not a target."""
LIP_SEAL = CONTROLS.index("lipSeal")
WRINKLE_PREFIX, BLOOD_PREFIX = "skin_wrinkle_", "skin_blood_"
"""Of targets that carry the curve of a wrinkle or a blood region."""


@dataclass(frozen=True, slots=True)
class MorphTarget:
    """One named target."""

    name: str
    delta: Float[Array, "vertex 3"] | None
    """Metres at weight 1; None for a target that moves nothing and only carries a curve."""


@dataclass(frozen=True, slots=True)
class TargetSet:
    """Targets, and how a block of motion weighs them."""

    targets: tuple[MorphTarget, ...]
    weights: Callable[[FaceMotion], Float[Array, "frames target"]]


def morph_targets(motion: MotionSource, person: Head) -> TargetSet:
    """Targets for this motion: all of ARKit-52, whatever else it uses, and a curve per wrinkle and blood region.

    ARKit units that turn a joint (jawOpen, eyeLookInLeft ..) are there as shapes with weight 0: the joints play them.
    """
    used_columns, used_correctives = _used(motion)
    columns = [i for i in _expression_columns(person, used_columns) if i != LIP_SEAL or not person.is_semantic]
    correctives = [
        (i, sign) for i, sign in used_correctives if np.abs(person.pose_correctives[i]).max() > SMALLEST_MOVE
    ]
    contacts = _contacts(motion, person)
    joint_controls = {CONTROLS.index(item.control) for item in person.control_joints}
    targets = [_column_target(person, i, turns=i in joint_controls) for i in columns]
    targets += [MorphTarget(_corrective_name(i, sign), sign * person.pose_correctives[i]) for i, sign in correctives]
    for name, contact in contacts:
        targets += [MorphTarget(f"{name}_{i + 1}", delta) for i, delta in enumerate(contact.deltas)]
    targets += [MorphTarget(f"{WRINKLE_PREFIX}{name}", None) for name in WRINKLES]
    targets += [MorphTarget(f"{BLOOD_PREFIX}{name}", None) for name in BLOOD_REGIONS]
    elements, signs = [i for i, _ in correctives], np.array([sign for _, sign in correctives])

    def weights(block: FaceMotion) -> Float[Array, "frames target"]:
        turned = corrective_coefficients(rotations_of(block))[:, elements]
        pieces = [block.expression[:, columns], np.maximum(turned * signs, 0.0)]
        pieces += [contact.weights(block) for _, contact in contacts]
        return np.concatenate([*pieces, block.wrinkles, block.blood_flow], axis=1).astype(np.float32)

    return TargetSet(targets=tuple(targets), weights=weights)


def _used(motion: MotionSource) -> tuple[list[int], list[tuple[int, float]]]:
    """Expression columns, and pose correctives with each sign, that any frame uses."""
    expression = np.zeros(NUM_EXPRESSION, bool)
    correctives = np.zeros((9 * (len(JOINTS) - 1), 2), bool)
    for block in motion.blocks():
        expression |= np.any(block.expression != 0.0, axis=0)
        turned = corrective_coefficients(rotations_of(block))
        correctives |= np.stack([np.any(turned > 1e-7, axis=0), np.any(turned < -1e-7, axis=0)], axis=1)
    return _indices(expression), [(int(i), (1.0, -1.0)[k]) for i, k in np.argwhere(correctives)]


def _contacts(motion: MotionSource, person: Head) -> list[tuple[str, ContactTargets]]:
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
    moving = [i for i in used if np.abs(person.expression_basis[i]).max() > SMALLEST_MOVE]
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
