# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces made of bones, and characters from other files."""

from typing import Any

import bpy
from bpy.props import EnumProperty

from ..apply import face_rigs, linked, mapping, poses
from ..messages import tr
from ..names import ARKIT, NEUTRAL_POSE
from ..report import UserError
from .button import Button
from .mapping import LEAST, all_presets, set_rows

NEUTRAL = ("neutral", "rest", "basis", "default", "base")


def rig_of(character: Any) -> Any | None:
    """The armature whose poses a character plays."""
    if character is None or character.type == "ARMATURE":
        return character
    return character.face_emote.rig or character.find_armature()


def map_poses(character: Any, *, source: str = "AUTO") -> tuple[str, int]:
    """Fill the table of a rig's poses, from a library or made for a known rig; returns their kind and number.

    Raises:
        UserError: there are hardly any known names, and the rig is none that is known.
    """
    rig = rig_of(character)
    if rig is None:
        raise UserError("Choose the rig in the panel first")
    foreign = linked.refusal(rig)
    if foreign:
        raise UserError(foreign)
    found = poses.named_poses(rig, list(bpy.data.actions)) if source != "RIG" else []
    match = mapping.best_match(all_presets(), keys=[name for name, _, _ in found], sources=ARKIT)
    title = match.preset.title
    if len({row.source for row in match.rows}) < LEAST:
        kind = face_rigs.known_rig(rig) if source != "LIBRARY" else None
        if kind is None:
            raise UserError(
                tr(
                    "Of {count} poses of '{name}' hardly any has a known name (jawOpen, AA, smile..), and its bones "
                    "are not Rigify's or Auto-Rig Pro's; name actions or pose markers after ARKit's curves",
                    count=len(found),
                    name=rig.name,
                )
            )
        action = face_rigs.make_poses(rig, kind, facing=character.face_emote.facing)
        found = [(marker.name, action, float(marker.frame)) for marker in action.pose_markers]
        match = mapping.best_match(all_presets()[:1], keys=[name for name, _, _ in found], sources=ARKIT)
        title = kind.title
    _take_in(character, rig, found, rows=match.rows)
    return title, len(match.rows)


def _take_in(character: Any, rig: Any, found: list[tuple[str, Any, float]], *, rows: tuple[mapping.Row, ...]) -> None:
    """Store poses and rows with the rig. Curves that shape keys of the character play already are left to them."""
    by_keys = {row.source for row in character.face_emote.rows} if character != rig else set()
    by_keys = by_keys if character.face_emote.kind == "OWN" else set()
    own = rig.face_emote
    set_rows(own, tuple(row for row in rows if row.source not in by_keys))
    own.poses.clear()
    wanted = {row.key for row in rows}
    for name, action, frame in found:
        is_neutral = mapping.normalised(name) in NEUTRAL
        if name in wanted or is_neutral:
            item = own.poses.add()
            item.name, item.action, item.frame = NEUTRAL_POSE if is_neutral else name, action, frame
    own.kind = "OWN" if character == rig else "PART"
    settings = character.face_emote
    settings.kind, settings.rig = "OWN", rig
    for role, bone in mapping.guessed_bones([bone.name for bone in rig.data.bones]).items():
        played = {"jaw": "jaw", "eye_left": "eyeLook", "eye_right": "eyeLook"}.get(role, " ")
        if not getattr(settings, role) and not any(row.source.startswith(played) for row in own.rows):
            setattr(settings, role, bone)


def _no_rig(context: Any) -> str:
    character = context.scene.face_emote.target
    if character is None or character.face_emote.kind == "HEAD":
        return "Choose a rig, or a mesh that has one"
    return "" if rig_of(character) is not None else "The mesh has no rig; choose it in the panel"


class FACEEMOTE_OT_map_poses(Button):
    """Let bones act: find poses by their names (assets, actions, pose markers), or make them for a known face rig"""

    bl_idname = "face_emote.map_poses"
    bl_label = "Map Poses"

    source: EnumProperty(
        name="Poses",
        items=[
            ("AUTO", "Library, or made for the rig", "Poses with known names; without them those of a known rig"),
            ("LIBRARY", "Library", "Actions, or pose markers of an action, named after curves or mouth shapes"),
            ("RIG", "Made for the rig", "Rigify's and Auto-Rig Pro's controls, in the rig's own size"),
        ],
    )

    _refusal = staticmethod(_no_rig)

    def _work(self, context: Any) -> None:
        title, count = map_poses(context.scene.face_emote.target, source=self.source)
        self.report({"INFO"}, tr("{title}: {count} rows of poses", title=title, count=count))


class FACEEMOTE_OT_make_override(Button):
    """Make the linked character a library override with its rig and shape keys, so that takes are kept in this file"""

    bl_idname = "face_emote.make_override"
    bl_label = "Make Override"

    @staticmethod
    def _refusal(context: Any) -> str:
        character = context.scene.face_emote.target
        reason = "" if character is not None and linked.refusal(character) else "The character is not linked"
        return reason

    def _work(self, context: Any) -> None:
        settings = context.scene.face_emote
        settings.target = linked.make_override(settings.target, context=context)
        self.report({"INFO"}, tr("'{name}' is an override now", name=settings.target.name))


CLASSES = (FACEEMOTE_OT_map_poses, FACEEMOTE_OT_make_override)
