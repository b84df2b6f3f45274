# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lists of the panels are made of: shares, lines, parts, poses, words and sounds, blinks, drawn shapes."""

from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from .apply import mouth
from .apply.channels import has_keys
from .names import ARKIT, EMOTIONS, PEOPLE, SHOWN_REGIONS, SOUNDS, region_label

OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
INSERTABLE = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
STATIC_ITEMS: dict[str, list[tuple[str, str, str]]] = {
    "characters": [(name, shown, f"The engine's character {name}") for name, shown in PEOPLE.items()],
    "emotions": [("NONE", "Nothing", "Nothing is hidden"), *((n, n.title(), f"Hide {n}") for n in EMOTIONS[1:])],
    "sounds": [(name, name, "") for name in SOUNDS],
    "sources": [(name, name, "") for name in ARKIT],
    "regions": [
        (name, region_label(name) if number else "Show No Region", "") for number, name in enumerate(SHOWN_REGIONS)
    ],
}


def slider(name: str, description: str, *, default: float = 0.0, low: float = 0.0, high: float = 1.0) -> Any:
    """A float between bounds, which can be keyed."""
    return FloatProperty(name=name, description=description, default=default, min=low, max=high, subtype="FACTOR")


def is_character(_self: Any, candidate: bpy.types.Object) -> bool:
    """Whether an object can speak, or be made to: a mesh, or a rig with poses."""
    return candidate.type in ("MESH", "ARMATURE")


def is_part(_self: Any, candidate: bpy.types.Object) -> bool:
    """Whether an object can be driven with another: a mesh with shape keys."""
    return has_keys(candidate)


class FACEEMOTE_PG_row(bpy.types.PropertyGroup):
    """A share of one ARKit curve that a shape key plays."""

    key: StringProperty(name="Shape key", override=OVERRIDABLE)
    source: EnumProperty(name="Curve", items=STATIC_ITEMS["sources"], default="jawOpen", override=OVERRIDABLE)
    weight: FloatProperty(name="Weight", default=1.0, soft_min=-1.0, soft_max=2.0, override=OVERRIDABLE)


class FACEEMOTE_PG_line(bpy.types.PropertyGroup):
    """One line of many: who says what, and how; a strip of the sequencer, or a recording named in a table.

    What is empty here is as in the panels, but for the transcript. `name` ties a line to its take.
    """

    strip: StringProperty(name="Strip", description="Sound strip of the sequencer")
    speech: StringProperty(name="Recording", description="Sound file", subtype="FILE_PATH")
    character: PointerProperty(type=bpy.types.Object, name="Character", poll=is_character)
    emotion: StringProperty(name="Emotion", description="In words; empty: as in the Emotion panel")
    given: StringProperty(description="Other fields of the row, as JSON", default="{}")
    style: StringProperty(description="Its sliders, as JSON", default="{}")
    problem: StringProperty(description="Why the row cannot be performed")
    state: EnumProperty(
        items=[
            ("IDLE", "Not Done", ""), ("WAITING", "Waiting", ""), ("RUNNING", "Running", ""), ("DONE", "Done", ""),
            ("SAME", "Unchanged", ""), ("FAILED", "Failed", ""),
        ],
    )  # fmt: skip
    note: StringProperty(description="What came of it")


class FACEEMOTE_PG_part(bpy.types.PropertyGroup):
    """Another mesh of the same character, with a table of its own."""

    mesh: PointerProperty(type=bpy.types.Object, name="Mesh", poll=is_part, override=OVERRIDABLE)


class FACEEMOTE_PG_pose(bpy.types.PropertyGroup):
    """A pose of a rig: an action at a frame. Its name is in the table of rows."""

    action: PointerProperty(type=bpy.types.Action, name="Action", override=OVERRIDABLE)
    frame: FloatProperty(name="Frame", override=OVERRIDABLE)


class FACEEMOTE_PG_cue(bpy.types.PropertyGroup):
    """A word of the take's mouth, or a sound."""

    kind: EnumProperty(items=[("WORD", "Word", ""), ("SOUND", "Sound", "")])
    text: StringProperty(name="Word", description="Another word gets the sounds of its spelling", update=mouth.retyped)
    label: EnumProperty(name="Sound", items=STATIC_ITEMS["sounds"])
    start: FloatProperty(name="From", description="Frame of the timeline", precision=1, step=50, update=mouth.moved)
    end: FloatProperty(name="To", description="Frame of the timeline", precision=1, step=50, update=mouth.moved)
    strength: slider("Strength", "0: the mouth rests, 1: as it is", default=1.0, high=2.0)
    stress: IntProperty()
    was_start: FloatProperty()
    was_end: FloatProperty()


class FACEEMOTE_PG_blink(bpy.types.PropertyGroup):
    """A blink of a take."""

    frame: FloatProperty(name="From", description="Frame at which the lids begin to close", precision=1, step=50)
    frames: FloatProperty(name="Length", description="Frames until they are open again", min=0.5, precision=1, step=50)
    strength: slider("Strength", "1 closes the lids, less is a partial blink", default=1.0)
    closing: FloatProperty(default=0.27)
    hold: FloatProperty(default=0.09)


class FACEEMOTE_PG_shape(bpy.types.PropertyGroup):
    """A shape of a chart of drawn mouths."""

    shape: StringProperty(name="Shape")
    shows: StringProperty(name="Shows", description="Name of the object, or number of the frame, that shows it")
