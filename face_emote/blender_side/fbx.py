"""A rigged head in Blender, and Blender's FBX exporter."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from face_emote.blender_side import compat
from face_emote.blender_side.files_job import RigJob

WRITTEN = datetime.datetime(2000, 1, 1)  # The date that every file bears, so that the same motion gives the same bytes.

STILL = 0.1  # What changes by less than a ten-thousandth of its size gets no key; Blender counts in thousandths.


def write_fbx_file(shown: Any, job: RigJob, *, path: Path, attachments: Sequence[tuple[Any, RigJob]] = ()) -> None:
    """Give a mesh, and its attachments, shapes, bones and curves, and export all."""
    _add_shapes(shown, job)
    rig = _add_bones(job)
    _bind(shown, rig, job)
    _play_bones(rig, job)
    _play_shapes(shown, job)
    for other, own in attachments:
        _bind(other, rig, own)
        if len(own.shape_names):
            _add_shapes(other, own)
            _play_shapes(other, own)
    _stop_the_clock()
    bpy.context.scene.frame_set(0)  # What stands still has no curve: its place is that of the frame on show.
    bpy.ops.export_scene.fbx(
        filepath=str(path), object_types={"ARMATURE", "MESH"}, use_mesh_modifiers=False, mesh_smooth_type="OFF",
        add_leaf_bones=False, apply_scale_options="FBX_SCALE_UNITS", axis_forward="-Z", axis_up="Y",
        bake_anim=True, bake_anim_use_all_bones=False, bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False, bake_anim_force_startend_keying=False, bake_anim_simplify_factor=STILL,
        path_mode="COPY", embed_textures=True, use_metadata=False,
    )  # fmt: skip


def _add_shapes(shown: Any, job: RigJob) -> None:
    shown.shape_key_add(name="Basis", from_mix=False)
    rest = np.empty(len(shown.data.vertices) * 3, np.float32)
    shown.data.vertices.foreach_get("co", rest)
    for name, move in zip(job.shape_names, job.shapes, strict=True):
        key = shown.shape_key_add(name=str(name), from_mix=False)
        # Curves that go below 0 or above 1 (pose correctives, blood flow) would be cut off.
        key.slider_min, key.slider_max, key.value = -10.0, 10.0, 0.0
        key.data.foreach_set("co", rest + np.asarray(move, np.float32).reshape(-1))


def _add_bones(job: RigJob) -> Any:
    data = bpy.data.armatures.new("skeleton")
    rig = bpy.data.objects.new("skeleton", data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    names = [str(name) for name in job.joint_names]
    for i, name in enumerate(names):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = Vector(job.joint_places[i].tolist()), Vector(job.joint_ends[i].tolist())
        if job.joint_parents[i] >= 0:
            bone.parent = data.edit_bones[names[job.joint_parents[i]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def _bind(shown: Any, rig: Any, job: RigJob) -> None:
    for i, name in enumerate(str(item) for item in job.joint_names):
        group = shown.vertex_groups.new(name=name)
        for vertex in np.flatnonzero(job.skin_weights[:, i] > 0.0).tolist():
            group.add([vertex], float(job.skin_weights[vertex, i]), "REPLACE")
    shown.parent = rig
    modifier = shown.modifiers.new("skeleton", "ARMATURE")
    modifier.object = rig


def _play_bones(rig: Any, job: RigJob) -> None:
    bag = compat.channelbag(bpy.data.actions.new("performance"), rig)
    for i, name in enumerate(str(item) for item in job.joint_names):
        pose = rig.pose.bones[name]
        pose.rotation_mode = "QUATERNION"
        own = np.array(pose.bone.matrix_local.to_3x3())  # A bone's curves are in its own axes.
        turns = np.concatenate([job.turns[:, i, :1], job.turns[:, i, 1:] @ own], axis=1)
        moves = job.moves[:, i] @ own
        for axis in range(4):
            compat.add_curve(bag, f'pose.bones["{name}"].rotation_quaternion', index=axis, values=turns[:, axis])
        for axis in range(3):
            compat.add_curve(bag, f'pose.bones["{name}"].location', index=axis, values=moves[:, axis])


def _play_shapes(shown: Any, job: RigJob) -> None:
    keys = shown.data.shape_keys
    bag = compat.channelbag(bpy.data.actions.new("shapes"), keys)
    for i, name in enumerate(str(item) for item in job.shape_names):
        compat.add_curve(bag, f'key_blocks["{name}"].value', index=0, values=job.shape_curves[:, i])


def _stop_the_clock() -> None:
    """The exporter asks the time for its header, and writes whole paths of pictures; they are in the file."""
    import addon_utils

    addon_utils.enable("io_scene_fbx")
    from io_scene_fbx import export_fbx_bin

    clock = SimpleNamespace(now=lambda *_: WRITTEN)
    export_fbx_bin._gen_vid_path = lambda picture, _data: (Path(picture.filepath).name,) * 2
    export_fbx_bin.datetime = SimpleNamespace(datetime=clock, timezone=datetime.timezone)
