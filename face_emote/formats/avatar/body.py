"""The bones of a person around a head, its named faces, and where head and eyes turn.

A head is worn by a whole person's bones, of which only those that carry it have anything to move: programs for avatars
pose, shift and measure people by their hips, hands and feet. `assets/avatar.toml` says where they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import asset_table
from face_emote.core.errors import HeadError
from face_emote.core.names import CONTROLS, JOINTS, NUM_EXPRESSION
from face_emote.core.rotations import axis_angle, from_yaw_pitch_roll, quaternions, rotation_matrix
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.glb.glb import joint_nodes, skin_at
from face_emote.formats.mesh.targets import MorphTarget

FINGER_BONES = 3
MIRRORED = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Bone:
    """One bone in T-pose."""

    name: str  # Mixamo's.
    human: str  # VRM's; empty where it has none.
    parent: str  # Empty: the hips.
    place: Float[Array, " 3"]  # Metres, the feet at 0.
    joint: str = ""  # Which of the head's joints moves with it.


def require_named_shapes(head: Head) -> None:
    """Raise HeadError unless faces can be given by name."""
    if not head.is_semantic:
        raise HeadError("An avatar has shapes of known names, and this head has none; leave it out for the bundled one")


def bones_of(head: Head) -> tuple[Bone, ...]:
    """All bones of a person with this head, parents before children, fingers last."""
    table = asset_table("avatar.toml")
    joints = head.joints() + np.array([0.0, table["lift"], 0.0])
    bones: list[Bone] = []
    for name, row in table["bones"].items():
        stands = row.get("stands") or row.get("joint", "")
        place = np.array(row["at"]) if "at" in row else joints[JOINTS.index(stands)]
        bone = Bone(name, row.get("human", ""), row.get("parent", ""), place, row.get("joint", ""))
        bones += [bone, _mirrored(bone)] if name.startswith("Left") and not bone.joint else [bone]
    hand = next(bone for bone in bones if bone.name == "LeftHand")
    for finger, row in table["fingers"].items():
        above = hand.name
        for i in range(FINGER_BONES):
            place = hand.place + np.array(row["at"]) + i * np.array(row["step"])
            bone = Bone(f"LeftHand{finger}{i + 1}", "", above, place)
            bones += [bone, _mirrored(bone)]
            above = bone.name
    return tuple(bones)


def _mirrored(bone: Bone) -> Bone:
    def right(name: str) -> str:
        return name.replace("Left", "Right").replace("left", "right")

    return Bone(right(bone.name), right(bone.human), right(bone.parent), MIRRORED * bone.place)


def bone_nodes(bones: tuple[Bone, ...], *, first: int) -> list[dict[str, Any]]:
    """The nodes of some bones, of which the hips is number `first`; parents that are left out must have no children."""
    at = {"": -1} | {bone.name: i for i, bone in enumerate(bones)}
    places = np.array([bone.place for bone in bones])
    return joint_nodes(list(at)[1:], places, parents=[at[bone.parent] for bone in bones], first=first)


def skin_of(gltf: GltfFile, bones: tuple[Bone, ...], *, first: int) -> dict[str, Any]:
    """The skin of a head's meshes: the bones of its joints in their order, then all others."""
    own = [next(i for i, bone in enumerate(bones) if bone.joint == joint) for joint in JOINTS]
    order = own + [i for i in range(len(bones)) if i not in own]
    # The head's vertices lie about its own origin.
    places = np.array([bones[i].place for i in order]) - [0.0, asset_table("avatar.toml")["lift"], 0.0]
    return skin_at(gltf, places, joints=[first + i for i in order], skeleton=first)


def faces_of(head: Head, recipes: Mapping[str, Mapping[str, float]]) -> list[MorphTarget]:
    """Faces as shapes: what each recipe, amounts by control, does to the head at rest, lips and lids in contact.

    mouthClose does nothing there; it is what takes back an open jaw, which has to be among them.
    """
    controls = np.zeros((len(recipes) + 2, NUM_EXPRESSION), np.float32)
    for row, recipe in enumerate([*recipes.values(), {"jawOpen": 1.0, "mouthClose": 1.0}], 1):
        for name, amount in recipe.items():
            controls[row, CONTROLS.index(name)] = amount
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    posed = head.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)
    moves = dict(zip(recipes, posed[1:-1] - posed[0], strict=True))
    moves["mouthClose"] = posed[-1] - posed[0] - moves["jawOpen"]
    return [MorphTarget(name, move) for name, move in moves.items()]


def head_turns(block: FaceMotion) -> tuple[Float[Array, "frames 4"], Float[Array, "frames 4"]]:
    """How neck and head turn on each frame: quaternions x, y, z, w, which together turn as the motion's head does."""
    turn = rotation_matrix(block.global_pose.astype(np.float64)) @ rotation_matrix(block.neck_pose.astype(np.float64))
    neck = rotation_matrix(asset_table("avatar.toml")["neck"] * axis_angle(turn))
    return quaternions(neck), quaternions(neck.swapaxes(-1, -2) @ turn)


def gaze_turns(block: FaceMotion) -> Float[Array, "frames 4"]:
    """Where both eyes look between them, against the head: a quaternion of yaw and pitch."""
    x, y, z = rotation_matrix(block.eye_pose.astype(np.float64))[..., 2].mean(axis=1).T
    angles = np.stack([np.arctan2(x, z), -np.arctan2(y, np.hypot(x, z)), np.zeros_like(x)], axis=-1)
    return quaternions(from_yaw_pitch_roll(angles))
