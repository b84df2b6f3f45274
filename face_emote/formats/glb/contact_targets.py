"""A few linear morph targets for what `Head` solves frame by frame: lips that close and lids that do not cross.

The displacement by contact is taken back through the skinning to the rest pose, where targets live; its principal
components over the frames of this very motion are the targets, as many as the wanted exactness needs. Targets come in
pairs of opposite sign, since many programs do not let a weight fall below 0.
"""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.motion import MotionSource
from face_emote.core.types import FRAME_ARRAYS, FaceMotion
from face_emote.face.head import Head
from face_emote.formats.mesh.person import JointMotion, rotations_of

MAX_ERROR = 0.0002
"""Metres; targets are added until no vertex of any sampled frame is further off."""
MAX_COMPONENTS = 24
MAX_SAMPLES = 200
"""Frames with contact that the targets are found from, spread over the motion."""
SMALLEST_MOVE = 1e-5
"""Metres; contact that moves no vertex further is none."""


@dataclass(frozen=True, slots=True)
class ContactTargets:
    """Targets and the solver that weighs them."""

    deltas: Float[Array, "target vertex 3"]
    """Metres at weight 1, which some sampled frame reaches."""
    touching: Head
    """Only the vertices that the contact moves."""
    apart: Head
    """The same without contact."""
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
        return np.maximum(moved @ self.projection.T, 0.0)


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
    part = replace(block, **{name: getattr(block, name)[frames] for name in FRAME_ARRAYS})
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
