# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters from other files: what of a linked one is an override here, and making it one."""

from collections.abc import Iterator
from typing import Any

import bpy

from ..messages import tr
from ..report import UserError
from .channels import meshes_of


def refusal(character: Any) -> str:
    """Why curves of a linked character would be lost when the file is saved; empty when they are kept."""
    for block in _blocks(character):
        if block.library is not None:
            return tr("'{name}' is linked from another file; press Make Override, or append it", name=block.name)
        override = block.override_library
        if override is not None and override.is_system_override:
            return tr("'{name}' is an override that is not editable; press Make Override", name=block.name)
    return ""


def make_override(character: Any, *, context: Any) -> Any:
    """Override a linked character with its rig, all that belongs to it, and its shape keys; returns the override.

    Blender overrides objects but not their meshes, and shape keys live in meshes.

    Raises:
        UserError: Blender cannot override it.
    """
    if character.library is not None:
        character = _overridden(character, context=context)
    rig = character.face_emote.rig or (character.find_armature() if character.type == "MESH" else None)
    if rig is not None and rig.library is not None:
        raise UserError(tr("The rig '{name}' could not be overridden; append the character instead", name=rig.name))
    things = [*meshes_of(character).values(), *([rig] if rig is not None else [])]
    if rig is not None:
        things += [item for item in bpy.data.objects if item.type == "MESH" and item.find_armature() == rig]
    for thing in dict.fromkeys([character, *things]):
        if thing.override_library is not None:
            thing.override_library.is_system_override = False
        mesh = thing.data
        if thing.type == "MESH" and mesh.shape_keys is not None and mesh.library is not None and thing.library is None:
            thing.data = mesh.override_create(remap_local_usages=False)
            if thing.data.shape_keys is None:
                raise UserError(tr("The shape keys of '{name}' cannot be overridden; append it", name=thing.name))
    return character


def _blocks(character: Any) -> Iterator[Any]:
    yield from (block for block in (character, character.face_emote.rig) if block is not None)
    for mesh in meshes_of(character).values():
        yield from (mesh, mesh.data)


def _overridden(character: Any, *, context: Any) -> Any:
    """The override of a linked object, made with the whole collection that was linked."""
    scene, layer = context.scene, context.view_layer
    known = {item for item in bpy.data.objects if item.override_library is not None}
    linked = [item for item in bpy.data.collections if item.library == character.library]
    holding = [item for item in linked if character.name in item.all_objects]
    widest = max(holding, key=lambda item: len(item.all_objects), default=None)
    shown = None
    if widest is not None:
        instances = (item for item in scene.objects if item.instance_collection == widest and item.library is None)
        shown = next(instances, None)
        widest.override_hierarchy_create(scene, layer, reference=shown, do_fully_editable=True)
    else:
        character.override_hierarchy_create(scene, layer, do_fully_editable=True)
    fresh = [item for item in bpy.data.objects if item.override_library is not None and item not in known]
    found = next((item for item in fresh if item.override_library.reference == character), None)
    if found is None:
        raise UserError(tr("Blender cannot override '{name}'; append it instead", name=character.name))
    if shown is not None:  # The overrides stand where the instance stood; both would be seen at one place.
        for item in fresh:
            if item.parent is None:
                item.matrix_world = shown.matrix_world @ item.matrix_world
        if shown.children:
            shown.instance_type = "NONE"
        else:
            bpy.data.objects.remove(shown)
    return found
