# SPDX-License-Identifier: GPL-3.0-or-later
"""Own meshes: which shape key plays which curve, and which bones turn."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ..apply import linked, mapping, takes
from ..apply.channels import has_keys
from ..folders import user_folder
from ..messages import tr
from ..names import ARKIT
from ..report import UserError
from .button import Button

PRESETS = "mappings"
LEAST = 3
"""Curves that must find a shape key before a convention is believed."""
_enum_items: list[tuple[str, str, str]] = []
"""Blender needs dynamic enum items to stay alive."""


def keys_of(character: Any) -> list[str]:
    """Names of a mesh's shape keys without the basis."""
    keys = character.data.shape_keys if has_keys(character) else None
    return [block.name for block in keys.key_blocks if block != keys.reference_key] if keys else []


def all_presets() -> list[mapping.Preset]:
    """Built-in conventions, then the user's own; a file of the user's that cannot be read is skipped."""
    found = list(mapping.built_in_presets())
    for path in sorted(user_folder(PRESETS).glob("*.json")):
        try:
            found.append(mapping.load_preset(path))
        except ValueError:
            continue
    return found


def preset_items(_self: Any, _context: Any) -> list[tuple[str, str, str]]:
    """For the menu of conventions."""
    _enum_items[:] = [("AUTO", "Best match", "The convention that fits most shape keys")]
    _enum_items.extend((preset.name, preset.title, f"{len(preset.rows)} rows") for preset in all_presets())
    return _enum_items


def map_character(character: Any, *, preset: str = "AUTO") -> mapping.Match:
    """Fill a character's mapping table and guess its bones.

    Raises:
        UserError: hardly any shape key has a known name.
    """
    keys, settings = keys_of(character), character.face_emote
    if not keys:
        raise UserError(takes.refusal(character) or tr("'{name}' has no shape keys", name=character.name))
    presets = all_presets()
    if preset != "AUTO":
        presets = [item for item in presets if item.name == preset]
    if not presets:
        raise UserError(tr("There is no mapping preset '{preset}'; choose another", preset=preset))
    match = mapping.best_match(presets, keys=keys, sources=ARKIT)
    found = len({row.source for row in match.rows})
    if found < LEAST and preset == "AUTO":
        raise UserError(
            tr(
                "Of {count} shape keys only {found} have known names (ARKit, VRM, MetaHuman, MPFB); add rows by hand",
                count=len(keys),
                found=found,
            )
        )
    set_rows(settings, match.rows)
    settings.kind = "OWN"
    _map_parts(character, presets)
    rig = settings.rig or character.find_armature()
    if rig is not None:
        settings.rig = rig
        for role, bone in mapping.guessed_bones([bone.name for bone in rig.data.bones]).items():
            if not getattr(settings, role):
                setattr(settings, role, bone)
    return match


def _map_parts(character: Any, presets: list[mapping.Preset]) -> None:
    """Map the parts anew, and take in other meshes on the same rig: teeth, lashes, tongue, brows."""
    known = [part.mesh for part in character.face_emote.parts if part.mesh is not None]
    rig = character.face_emote.rig or character.find_armature()
    near = [
        item for item in bpy.data.objects if rig is not None and item.type == "MESH" and item.find_armature() == rig
    ]
    character.face_emote.parts.clear()
    for mesh in [*known, *(item for item in near if item not in known)]:
        add_part(character, mesh, presets=presets)


def add_part(character: Any, mesh: Any, *, presets: list[mapping.Preset]) -> bool:
    """Drive another mesh together with a character; False when it cannot be, or nothing of it is known."""
    taken = mesh.face_emote.kind in ("HEAD", "OWN") or mesh.data == character.data or mesh == character
    if taken or mesh.library is not None or mesh.data.library is not None or not keys_of(mesh):
        return False
    match = mapping.best_match(presets, keys=keys_of(mesh), sources=ARKIT)
    if not match.rows:
        return False
    set_rows(mesh.face_emote, match.rows)
    mesh.face_emote.kind = "PART"
    character.face_emote.parts.add().mesh = mesh
    return True


def set_rows(settings: Any, rows: tuple[mapping.Row, ...]) -> None:
    """Replace the table."""
    settings.rows.clear()
    for row in rows:
        item = settings.rows.add()
        item.key, item.source, item.weight = row.key, row.source, row.weight


def rows_of(settings: Any) -> tuple[mapping.Row, ...]:
    """The table as values."""
    return tuple(mapping.Row(row.key, row.source, row.weight) for row in settings.rows)


def unmatched(character: Any) -> tuple[list[str], list[str]]:
    """Shape keys that nothing plays, and curves that nothing shows."""
    rows = rows_of(character.face_emote)
    played, heard = {row.key for row in rows}, {row.source for row in rows}
    return [key for key in keys_of(character) if key not in played], [name for name in ARKIT if name not in heard]


def _no_mesh(context: Any) -> str:
    character = context.scene.face_emote.target
    if character is None:
        return "Choose a mesh with shape keys first"
    if character.type != "MESH":
        return "Choose a mesh; a rig has poses"
    if character.face_emote.kind == "HEAD":
        return "The Face Emote head needs no mapping"
    if character.face_emote.kind == "PART":
        return takes.refusal(character)
    return linked.refusal(character)


def _no_row(context: Any) -> str:
    """A table may be a mesh's or a rig's; a part's is edited with its character."""
    character = context.scene.face_emote.target
    if character is None or character.type == "MESH":
        reason = _no_mesh(context)
        if reason:
            return reason
    return "" if character.face_emote.rows else "The table is empty"


def _other_meshes(context: Any) -> list[Any]:
    chosen = [item for item in context.view_layer.objects if item.select_get()]
    return [
        item for item in chosen if item.type == "MESH" and keys_of(item) and item != context.scene.face_emote.target
    ]


class FACEEMOTE_OT_map_character(Button):
    """Find out by their names what the mesh's shape keys and bones are"""

    bl_idname = "face_emote.map_character"
    bl_label = "Map Shape Keys"

    preset: EnumProperty(name="Convention", items=preset_items)

    _refusal = staticmethod(_no_mesh)

    def _work(self, context: Any) -> None:
        character = context.scene.face_emote.target
        match = map_character(character, preset=self.preset or "AUTO")
        parts = [part.mesh.name for part in character.face_emote.parts]
        with_parts = tr("; with {names}", names=", ".join(parts)) if parts else ""
        rows, idle = len(match.rows), len(match.idle_keys)
        said = tr(
            "{title}: {rows} rows, {idle} keys unmatched{with_parts}",
            title=match.preset.title, rows=rows, idle=idle, with_parts=with_parts,
        )  # fmt: skip
        self.report({"INFO"}, said)


class FACEEMOTE_OT_add_row(Button):
    """Add a row: a shape key plays a share of a curve"""

    bl_idname = "face_emote.add_row"
    bl_label = "Add Row"
    _refusal = staticmethod(_no_mesh)

    def _work(self, context: Any) -> None:
        character = context.scene.face_emote.target
        idle, _lost = unmatched(character)
        row = character.face_emote.rows.add()
        row.key = idle[0] if idle else ""
        character.face_emote.kind = "OWN"
        character.face_emote.active_row = len(character.face_emote.rows) - 1


class FACEEMOTE_OT_remove_row(Button):
    """Remove the marked row"""

    bl_idname = "face_emote.remove_row"
    bl_label = "Remove Row"
    _refusal = staticmethod(_no_row)

    def _work(self, context: Any) -> None:
        settings = context.scene.face_emote.target.face_emote
        settings.rows.remove(min(settings.active_row, len(settings.rows) - 1))
        settings.active_row = max(0, settings.active_row - 1)


class FACEEMOTE_OT_add_parts(Button):
    """Drive the other selected meshes together with the character: teeth, lashes, tongue, brows"""

    bl_idname = "face_emote.add_parts"
    bl_label = "Add Selected Meshes"

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = _no_mesh(context)
        if not reason and not _other_meshes(context):
            reason = "Select other meshes with shape keys"
        return reason

    def _work(self, context: Any) -> None:
        character = context.scene.face_emote.target
        known = [part.mesh for part in character.face_emote.parts]
        added = [
            mesh.name
            for mesh in _other_meshes(context)
            if mesh not in known and add_part(character, mesh, presets=all_presets())
        ]
        if not added:
            raise UserError("No shape key of the selected meshes has a known name, or they are characters themselves")
        self.report({"INFO"}, tr("Driven with {name}: {names}", name=character.name, names=", ".join(added)))


class FACEEMOTE_OT_remove_part(Button):
    """Drive this mesh no longer; its curves in takes stay until they are re-baked"""

    bl_idname = "face_emote.remove_part"
    bl_label = "Remove Part"

    index: IntProperty()

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = _no_mesh(context)
        if not reason and not context.scene.face_emote.target.face_emote.parts:
            reason = "There are no parts"
        return reason

    def _work(self, context: Any) -> None:
        parts = context.scene.face_emote.target.face_emote.parts
        if not 0 <= self.index < len(parts):
            raise UserError(tr("There is no part {number}", number=self.index + 1))
        mesh = parts[self.index].mesh
        parts.remove(self.index)
        if mesh is not None:
            mesh.face_emote.kind = "NONE"


class FACEEMOTE_OT_save_mapping(Button):
    """Save the table as a preset for other characters"""

    bl_idname = "face_emote.save_mapping"
    bl_label = "Save Mapping"
    bl_options = {"REGISTER"}

    name: StringProperty(name="Name", default="My rig")

    _refusal = staticmethod(_no_row)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the name."""
        answer: set[str] = context.window_manager.invoke_props_dialog(self)
        return answer

    def _work(self, context: Any) -> None:
        name = "".join(letter if letter.isalnum() else "_" for letter in self.name.strip())
        if not name:
            raise UserError("Give the preset a name")
        path = Path(user_folder(PRESETS)) / f"{name}.json"
        rows = rows_of(context.scene.face_emote.target.face_emote)
        mapping.save_preset(path, title=self.name.strip(), rows=rows)
        self.report({"INFO"}, tr("Saved as {path}", path=path))


CLASSES = (
    FACEEMOTE_OT_map_character,
    FACEEMOTE_OT_add_row,
    FACEEMOTE_OT_remove_row,
    FACEEMOTE_OT_add_parts,
    FACEEMOTE_OT_remove_part,
    FACEEMOTE_OT_save_mapping,
)
