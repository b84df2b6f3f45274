# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys for a character that has none: marks on its face, what is sent to the engine, and what comes back."""

import math
import re
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..messages import tr
from ..names import ARKIT, MATCH_COLOURS
from ..report import UserError
from . import axes, linked
from .channels import FACING, has_keys

KINDS = (
    ("teeth_upper", re.compile(r"(teeth|tooth|gum|denture).*(up|top)|(up|top).*(teeth|tooth|gum|denture)")),
    ("teeth_lower", re.compile(r"(teeth|tooth|gum|denture).*(low|bot)|(low|bot).*(teeth|tooth|gum|denture)")),
    ("teeth", re.compile(r"teeth|tooth|gum|denture")), ("", re.compile(r"mouth")),
    ("tongue", re.compile(r"tongue|tong")),
    ("attached", re.compile(r"lash|brow|beard|mustache|moustache|stubble|tear|occlusion")),
    ("eye_left", re.compile(r"(eye|iris|pupil|sclera|cornea).*([._ -]l|left)\d*$|^(l|left)[._ -]?eye")),
    ("eye_right", re.compile(r"(eye|iris|pupil|sclera|cornea).*([._ -]r|right)\d*$|^(r|right)[._ -]?eye")),
    ("eye", re.compile(r"eye|iris|pupil|sclera|cornea")),
)  # fmt: skip
"""What an object is by its name; what it does not say in full is found out piece by piece, by the engine."""
FAR_OFF = 0.006
"""Metres on a human head at which a match is as red as it gets."""
LEAST_MOVE = 1e-6


def refusal(character: Any) -> str:
    """Why no shape keys can be made; empty when they can."""
    if character is None or character.type != "MESH":
        return "Choose a mesh"
    if character.face_emote.kind == "HEAD":
        return "The Face Emote head has its shape keys"
    if character.data.library is not None or character.data.override_library is not None:
        return tr("'{name}' is linked; make its shape keys in the file that it comes from", name=character.name)
    if len(character.data.polygons) == 0 or character.mode != "OBJECT":
        return "The mesh needs faces, and object mode"
    return linked.refusal(character)


def meshes_with(character: Any) -> list[tuple[Any, str]]:
    """The character and the eyes, teeth, tongue, lashes and brows that go with it: on its rig, or beside it."""
    rig, found = character.find_armature(), [(character, "")]
    for thing in bpy.data.objects:
        near = (rig is not None and thing.type == "MESH" and thing.find_armature() == rig) or (
            thing.parent is not None and thing.parent in (character, character.parent, rig)
        )
        together = near or bool(set(thing.users_collection) & set(character.users_collection) - _scene_roots())
        name = thing.name.lower()
        kind = next((kind for kind, words in KINDS if words.search(name)), None)
        known = thing.type == "MESH" and thing != character and thing.data != character.data and kind is not None
        if known and together and thing.data.library is None and thing.data.polygons:
            found.append((thing, str(kind)))
    return found


def _scene_roots() -> set[Any]:
    return {scene.collection for scene in bpy.data.scenes}


def basis_of(character: Any) -> np.ndarray:
    """From the engine's axes to the world's, for a character that looks where the panel says."""
    angle = FACING[character.face_emote.facing]
    c, s = math.cos(angle), math.sin(angle)
    turned: np.ndarray = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ axes.TO_BLENDER
    return turned


def write_meshes(character: Any, path: Path, *, with_marks: bool) -> list[Any]:
    """What the engine needs; returns the objects in their order."""
    basis, things = basis_of(character), meshes_with(character)
    arrays: dict[str, np.ndarray] = {}
    eyes = {}
    for number, (thing, kind) in enumerate(things):
        points = _points(thing) @ basis
        mesh = thing.data
        mesh.calc_loop_triangles()
        triangles = np.empty(3 * len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("vertices", triangles)
        arrays |= {f"vertices_{number}": points, f"triangles_{number}": triangles.reshape(-1, 3)}
        arrays[f"kind_{number}"] = np.array(kind)
        if kind in ("eye_left", "eye_right"):
            eyes[kind] = 0.5 * (points.min(axis=0) + points.max(axis=0))
    marks = marks_of(character) if with_marks else {}
    if marks:
        arrays["place_names"] = np.array(list(marks))
        arrays["places"] = np.array([mark.matrix_world.translation for mark in marks.values()]) @ basis
    elif len(eyes) == 2:
        arrays["eyes"] = np.stack([eyes["eye_left"], eyes["eye_right"]])
    np.savez(path, allow_pickle=False, **arrays)
    return [thing for thing, _ in things]


def _points(thing: Any) -> np.ndarray:
    """Vertices of the basis in the world."""
    flat = np.empty(3 * len(thing.data.vertices))
    source = thing.data.shape_keys.reference_key.data if has_keys(thing) else thing.data.vertices
    source.foreach_get("co", flat)
    world = np.array(thing.matrix_world)
    out: np.ndarray = flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
    return out


def marks_of(character: Any) -> dict[str, Any]:
    """Empties on a character's face, by the place that they mark."""
    return {
        item.face_emote.mark: item for item in bpy.data.objects if item.parent == character and item.face_emote.mark
    }


def place_marks(character: Any, path: Path) -> int:
    """Put an empty where the engine found each place; returns their number."""
    with np.load(path, allow_pickle=False) as stored:
        names, places = [str(name) for name in stored["place_names"]], stored["places"] @ basis_of(character).T
    known = marks_of(character)
    size = 0.02 * float(np.linalg.norm(np.ptp(places, axis=0)))
    home = character.users_collection[0] if character.users_collection else bpy.context.scene.collection
    from mathutils import Vector

    inverse = character.matrix_world.inverted()
    for name, place in zip(names, places, strict=True):
        mark = known.get(name)
        if mark is None:
            mark = bpy.data.objects.new(f"Mark {name.replace('_', ' ')}", None)
            home.objects.link(mark)
            mark.parent, mark.face_emote.mark = character, name
            mark.empty_display_type, mark.show_in_front = "SPHERE", True
        mark.location = inverse @ Vector(place)
        mark.empty_display_size = size / max(*character.matrix_world.to_scale(), 1e-9)
    return len(names)


def add_keys(character: Any, things: list[Any], path: Path) -> list[Any]:
    """Write the shapes as keys and the match as colours; keys of these names are changed in place.

    Returns the other objects that got keys.
    """
    basis, moved = basis_of(character), []
    with np.load(path, allow_pickle=False) as stored:
        names = [str(name) for name in stored["key_names"]]
        for number, thing in enumerate(things):
            moves = stored[f"keys_{number}"] @ basis.T
            if len(moves[0]) != len(thing.data.vertices):
                raise UserError(tr("'{name}' has changed meanwhile; create the shape keys again", name=thing.name))
            if _write_keys(thing, names, moves, whole=thing == character) and thing != character:
                moved.append(thing)
        _colour(character, stored["gap_0"])
    return moved


def _write_keys(thing: Any, names: list[str], moves: np.ndarray, *, whole: bool) -> bool:
    """Of other objects only keys that move them."""
    used = [i for i, move in enumerate(moves) if whole or np.abs(move).max() > LEAST_MOVE]
    if not used:
        return False
    if thing.data.shape_keys is None:
        thing.shape_key_add(name="Basis")
    keys = thing.data.shape_keys
    base = np.empty(3 * len(thing.data.vertices))
    keys.reference_key.data.foreach_get("co", base)
    inverse = np.linalg.inv(np.array(thing.matrix_world)[:3, :3])
    for i in used:
        key = keys.key_blocks.get(names[i]) or thing.shape_key_add(name=names[i], from_mix=False)
        key.value, key.slider_min, key.slider_max = 0.0, 0.0, 1.0
        key.data.foreach_set("co", (base + (moves[i] @ inverse.T).reshape(-1)).astype(np.float32))
    thing.data.update()
    return True


def _colour(character: Any, gap: np.ndarray) -> None:
    """Green where the mesh lies on the fitted head, red where it is far off, grey where no partner is in reach."""
    attributes = character.data.color_attributes
    layer = attributes.get(MATCH_COLOURS) or attributes.new(MATCH_COLOURS, "FLOAT_COLOR", "POINT")
    share = np.clip(np.nan_to_num(gap / FAR_OFF), 0.0, 1.0)
    colour = np.stack([share, 1.0 - share, np.zeros_like(share), np.ones_like(share)], axis=1)
    colour[~np.isfinite(gap)] = (0.25, 0.25, 0.25, 1.0)
    layer.data.foreach_set("color", colour.astype(np.float32).reshape(-1))
    attributes.active_color = layer


def missing(character: Any) -> list[str]:
    """ARKit's curves that a mesh has no key for, by their own names."""
    blocks = character.data.shape_keys.key_blocks if has_keys(character) else ()
    return [name for name in ARKIT if name not in blocks]
