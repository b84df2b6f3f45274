"""A few linear morph targets for the lip seal, which `Head` solves frame by frame and which is not linear.

The seal's displacement is taken back through the skinning to the rest pose, where targets live; the principal
components of it over the sealed frames of this very motion are the targets, as many as the wanted exactness needs.
"""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.core.types import FRAME_ARRAYS, FaceMotion, MotionSource
from face_emote.exporting.person import JointMotion, rotations_of
from face_emote.face.head import Head

LIP_SEAL = CONTROLS.index("lipSeal")
MAX_ERROR = 0.0002
"""Metres; targets are added until no vertex of any sampled frame is further off."""
MAX_TARGETS = 24
MAX_SAMPLES = 400
"""Sealed frames that the targets are found from, spread over the motion."""


@dataclass(frozen=True, slots=True)
class LipSealTargets:
    """Targets, largest first, and the solver that weighs them."""

    deltas: Float[Array, "target vertex 3"]
    """Metres at weight 1, which some sampled frame reaches."""
    lips: Head
    """Only the vertices that the seal moves."""
    joints: JointMotion
    projection: Float[Array, "target coordinate"]

    @classmethod
    def fitted(cls, motion: MotionSource, person: Head) -> "LipSealTargets":
        """Find the targets for a motion in which some frame's lipSeal is above 0."""
        assert person.contact is not None
        index = person.contact.lips.free
        lips, joints = person.restricted_to(index), JointMotion(person)
        num_sealed = sum(int(np.count_nonzero(block.expression[:, LIP_SEAL] > 0.0)) for block in motion.blocks())
        stride = -(-num_sealed // MAX_SAMPLES)
        kept, seen = [], 0
        for block in motion.blocks():
            sealed = np.flatnonzero(block.expression[:, LIP_SEAL] > 0.0)
            kept.append(_rest_displacement(block, frames=sealed[-seen % stride :: stride], lips=lips, joints=joints))
            seen += len(sealed)
        samples = np.concatenate(kept)
        components = _components(samples)
        reach = np.abs(samples @ components.T).max(axis=0)
        deltas = np.zeros((len(components), person.num_vertices, 3), np.float32)
        deltas[:, index] = (components * reach[:, None]).reshape(len(components), -1, 3)
        return cls(deltas=deltas, lips=lips, joints=joints, projection=components / reach[:, None])

    def weights(self, block: FaceMotion) -> Float[Array, "frames target"]:
        """Weights of a block of frames; 0 where nothing is sealed."""
        out = np.zeros((block.num_frames, len(self.projection)))
        sealed = np.flatnonzero(block.expression[:, LIP_SEAL] > 0.0)
        out[sealed] = _rest_displacement(block, frames=sealed, lips=self.lips, joints=self.joints) @ self.projection.T
        return out


def _rest_displacement(
    block: FaceMotion, *, frames: Array, lips: Head, joints: JointMotion
) -> Float[Array, "sealed coordinate"]:
    """What the seal does to each vertex, turned back into the rest pose, flat."""
    if len(frames) == 0:
        return np.zeros((0, 3 * lips.num_vertices))
    part = replace(block, **{name: getattr(block, name)[frames] for name in FRAME_ARRAYS})
    open_mouth = part.expression.copy()
    open_mouth[:, LIP_SEAL] = 0.0
    pose = {
        "jaw_pose": part.jaw_pose,
        "neck_pose": part.neck_pose,
        "eye_pose": part.eye_pose,
        "global_pose": part.global_pose,
    }
    moved = lips.pose_vertices(expression=part.expression, **pose) - lips.pose_vertices(expression=open_mouth, **pose)
    turns = joints.transforms(part, rotations_of(part))[..., :3]
    blended = np.einsum("vj,fjrc->fvrc", lips.skin_weights.astype(np.float64), turns)
    return np.linalg.solve(blended, moved[..., None].astype(np.float64)).reshape(len(frames), -1)


def _components(samples: Float[Array, "sample coordinate"]) -> Float[Array, "target coordinate"]:
    """Orthonormal rows that reproduce every sample to MAX_ERROR (or MAX_TARGETS of them)."""
    _, strength, rows = np.linalg.svd(samples, full_matrices=False)
    rest = samples
    useful = min(MAX_TARGETS, int(np.count_nonzero(strength > 1e-9)))
    for count, row in enumerate(rows[:useful]):
        if np.linalg.norm(rest.reshape(len(rest), -1, 3), axis=2).max() <= MAX_ERROR:
            return rows[:count]
        rest = rest - np.outer(rest @ row, row)
    return rows[:useful]
