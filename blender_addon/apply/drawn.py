# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawn mouths: pictures, Grease Pencil frames or objects that change with the sounds, by constant keys."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..messages import tr
from ..report import UserError
from .charts import CHARTS, cue_track, matched_name
from .curves import CONSTANT

MODIFIER = "Face Emote Mouth"
"""Grease Pencil modifier that shows one frame."""
HIDING = ("hide_viewport", "hide_render")


def fill(settings: Any) -> int:
    """List the shapes of the chart with whatever shows them, as far as names tell; how many were found."""
    names = [item.name for item in settings.members.objects] if settings.members is not None else []
    was = {row.shape: row.shows for row in settings.shapes if row.shows}
    settings.shapes.clear()
    found = 0
    for number, shape in enumerate(CHARTS[settings.chart], start=1):
        row = settings.shapes.add()
        row.shape = shape
        if settings.kind == "OBJECTS":
            kept = was.get(shape, "")
            row.shows = kept if kept in names else matched_name(shape, names)
        else:
            row.shows = was.get(shape, "") if was.get(shape, "").isdecimal() else str(number)
        found += bool(row.shows)
    return found


def key_mouth(scene: Any, cues: dict[str, Any], *, fps: float, first: float, stretch: float, num_frames: int) -> int:
    """Key a drawn mouth for a line that starts at a frame of the timeline; returns how many shapes it shows.

    Keys of an older version between its first and last frame go; others stay.

    Raises:
        UserError: nothing that could show it was chosen.
    """
    settings = scene.face_emote.drawn
    track = cue_track(cues, chart=settings.chart, fps=fps, num_frames=num_frames)
    rest = CHARTS[settings.chart][0]
    shapes = [(round(first + frame * stretch), shape) for frame, shape in track]
    end = round(first + num_frames * stretch)
    if shapes[-1][1] != rest:
        shapes.append((end, rest))
    shows = {row.shape: row.shows for row in settings.shapes}
    span = (round(first), end)
    if settings.kind == "OBJECTS":
        _key_objects(settings, shapes, shows=shows, span=span)
    else:
        numbers = [(frame, _number(shape, shows)) for frame, shape in shapes]
        owner, path, more = _picture(settings) if settings.kind == "PICTURES" else _pencil(settings)
        _key(owner, path, [(frame, number + more) for frame, number in numbers], span=span)
    return len(shapes)


def clear_mouth(scene: Any) -> int:
    """Take away all keys of the drawn mouth; how many curves there were."""
    settings = scene.face_emote.drawn
    if settings.kind == "OBJECTS":
        chosen = [row.shows for row in settings.shapes]
        members = settings.members.objects if settings.members is not None else ()
        places = [(item, path) for item in members if item.name in chosen for path in HIDING]
    else:
        owner, path, _ = _picture(settings) if settings.kind == "PICTURES" else _pencil(settings)
        places = [(owner, path)]
    count = 0
    for owner, path in places:
        data = owner.animation_data
        if data is None or data.action is None or data.action_slot is None:
            continue
        bag = compat.channelbag(data.action, data.action_slot)
        curve = bag.fcurves.find(path)
        if curve is not None:
            bag.fcurves.remove(curve)
            count += 1
    for owner, path in places:
        if path in HIDING:
            setattr(owner, path, False)
    return count


def _number(shape: str, shows: dict[str, str]) -> int:
    text = shows.get(shape, "").strip()
    if not text.lstrip("-").isdecimal():
        raise UserError(tr("Say which frame shows the shape {shape}: a whole number", shape=shape))
    return int(text)


def _picture(settings: Any) -> tuple[Any, str, int]:
    """The image texture of the material that shows a sequence, or a movie."""
    material = settings.material
    nodes = material.node_tree.nodes if material is not None and material.node_tree is not None else ()
    moving = [
        node
        for node in nodes
        if node.type == "TEX_IMAGE" and node.image is not None and node.image.source in ("SEQUENCE", "MOVIE")
    ]
    if not moving:
        raise UserError("Choose a material with an image texture that shows an image sequence")
    node = next((node for node in moving if node == material.node_tree.nodes.active), moving[0])
    node.image_user.frame_duration, node.image_user.frame_start = 1, 1
    node.image_user.use_auto_refresh, node.image_user.use_cyclic = True, False
    return material.node_tree, f"{node.path_from_id()}.image_user.frame_offset", -1


def _pencil(settings: Any) -> tuple[Any, str, int]:
    """A modifier that holds a frame of the Grease Pencil object."""
    thing = settings.pencil
    if thing is None:
        raise UserError("Choose a Grease Pencil object whose frames are mouths")
    modifier = thing.modifiers.get(MODIFIER) or thing.modifiers.new(MODIFIER, "GREASE_PENCIL_TIME")
    modifier.mode = "FIX"
    return thing, f'modifiers["{modifier.name}"].offset', 0


def _key_objects(
    settings: Any, shapes: Sequence[tuple[int, str]], *, shows: dict[str, str], span: tuple[int, int]
) -> None:
    members = settings.members.objects if settings.members is not None else ()
    chosen = {name for name in shows.values() if name}
    mouths = [item for item in members if item.name in chosen]
    missing = sorted({shape for _, shape in shapes if not any(item.name == shows.get(shape) for item in mouths)})
    if not mouths or missing:
        raise UserError(
            tr(
                "No object of the collection shows {shapes}; press List Shapes, or write its name in the list",
                shapes=", ".join(missing) or "a mouth",
            )
        )
    for item in mouths:
        keys = [(frame, 0 if shows.get(shape) == item.name else 1) for frame, shape in shapes]
        changes = [key for number, key in enumerate(keys) if number == 0 or keys[number - 1][1] != key[1]]
        for path in HIDING:
            _key(item, path, changes, span=span)


def _key(owner: Any, path: str, keys: Sequence[tuple[int, int]], *, span: tuple[int, int]) -> None:
    """Constant keys in place of those of a span; the owner's own action is used if it has one."""
    data = owner.animation_data_create()
    if data.action is None:
        data.action = bpy.data.actions.new(f"{owner.name} mouth")
    if data.action_slot is None:
        fitting = [slot for slot in data.action.slots if slot.target_id_type == owner.id_type]
        data.action_slot = fitting[0] if fitting else data.action.slots.new(id_type=owner.id_type, name=owner.name)
    bag = compat.channelbag(data.action, data.action_slot)
    curve = bag.fcurves.find(path) or bag.fcurves.new(path)
    old = [tuple(point.co) for point in curve.keyframe_points if not span[0] <= point.co[0] <= span[1]]
    table = np.array(sorted([*old, *((float(frame), float(value)) for frame, value in keys)]), np.float32)
    curve.keyframe_points.clear()
    curve.keyframe_points.add(len(table))
    curve.keyframe_points.foreach_set("co", table.ravel())
    curve.keyframe_points.foreach_set("interpolation", np.full(len(table), CONSTANT, np.int32))
    curve.update()
    owner.update_tag()


def read_cues(path: str) -> dict[str, Any]:
    """What the engine says of a line. Raises UserError when the file is gone or damaged."""
    try:
        cues = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError("The engine gave no words and sounds; is there speech in the file?") from None
    if not isinstance(cues, dict):
        raise UserError("The engine gave no words and sounds; is there speech in the file?")
    return cues
