# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a curve moves the surface, and so how exact it has to be."""

import json
import re
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..names import CUES_KEY
from .channels import Channel, meshes_of
from .facts import facts_of

LEVERS_MM = {"head": 150.0, "mouth": 90.0, "eyes": 13.0}
"""From a bone of a region to the farthest skin that it turns, on a head of usual size."""
LEVER_MM = 30.0
"""Of other bones."""
SKIN_MM = 5.0
"""A wrinkle or a blush from none to full counts as this much."""
USUAL_MM, MOST_MM = 15.0, 60.0
"""How far three of four shapes of a face move it; a mesh on which they seem to move it further has other units."""
LEAST_MM = 2.5
"""What moves the surface less, or not at all, may drive something else, and counts as this much."""
CLOSED = ("P", "B", "M", "F", "V")
"""Sounds for which the lips touch each other or the teeth."""
CONTACT = 0.2
"""Of the tolerance, for what moves the mouth while they touch."""


def tolerances(channels: list[Channel], character: Any, *, mm: float, closed: np.ndarray) -> np.ndarray:
    """What each curve may be off at each frame [channel, frame], for `mm` of the surface.

    `closed` tells the frames [frame] at which the lips touch.
    """
    allowed = mm / np.maximum(_reaches(channels, character), LEAST_MM)
    table = np.repeat(allowed[:, None], len(closed), axis=1)
    of_mouth = np.array([channel.region == "mouth" for channel in channels], bool)
    table[np.ix_(of_mouth, closed)] *= CONTACT
    return table


def _reaches(channels: list[Channel], character: Any) -> np.ndarray:
    """How far one unit of each channel moves the surface, millimetres."""
    by_key = {owner: key_reaches(mesh) for owner, mesh in meshes_of(character).items()}
    every = [reach for reaches in by_key.values() for reach in reaches.values() if reach > 0.0]
    usual = float(np.percentile(every, 75.0)) if every else 0.0
    scale = 1.0 if usual <= MOST_MM else USUAL_MM / usual
    out = []
    for channel in channels:
        if channel.owner in by_key:
            out.append(scale * by_key[channel.owner].get(channel.name, USUAL_MM))
        elif channel.owner == "OBJECT":
            out.append(SKIN_MM)
        elif channel.path.endswith("location"):
            out.append(1000.0 * _unit(character.face_emote.rig))
        else:
            lever = LEVERS_MM.get(channel.region, LEVER_MM)
            out.append(2.0 * lever if channel.path.endswith("quaternion") else lever)
    return np.array(out)


def key_reaches(mesh: Any) -> dict[str, float]:
    """How far each shape key moves a vertex at most, millimetres."""
    blocks, count = mesh.data.shape_keys.key_blocks, 3 * len(mesh.data.vertices)
    shapes: dict[str, np.ndarray] = {}
    for block in blocks:
        shapes[block.name] = np.empty(count, np.float32)
        block.data.foreach_get("co", shapes[block.name])
    unit = 1000.0 * _unit(mesh)
    return {
        block.name: unit * float(np.sqrt(np.max(np.sum(
            (shapes[block.name] - shapes[block.relative_key.name]).reshape(-1, 3) ** 2, axis=1
        ), initial=0.0)))
        for block in blocks
    }  # fmt: skip


def _unit(thing: Any) -> float:
    """Metres of one unit in the space of an object."""
    return float(thing.matrix_world.median_scale * bpy.context.scene.unit_settings.scale_length)


def closed_frames(cues: str, *, fps: float, num_frames: int) -> np.ndarray:
    """At which frames of a take the lips touch, as its cues (JSON of the engine) say; a frame more on either side."""
    closed = np.zeros(num_frames, bool)
    try:
        said = json.loads(cues)
    except ValueError:
        return closed
    offset = float(said.get("offset", 0.0))
    for phone in said.get("phones", ()):
        if phone["label"] in CLOSED:
            start, end = (fps * (float(phone[edge]) + offset) for edge in ("start", "end"))
            closed[max(0, int(start) - 1) : max(0, int(end) + 3)] = True
    return closed


def closed_in(action: Any, strip: Any, *, first: int, last: int) -> np.ndarray:
    """The same for frames of the timeline, as a strip of the take plays it."""
    facts = facts_of(action)
    start, count = float(facts.get("first_frame", 1)), int(facts.get("num_frames", 1))
    closed = closed_frames(str(action.get(CUES_KEY, "")), fps=float(facts.get("fps", 24.0)), num_frames=count)
    played = strip.action_frame_start + (np.arange(first, last + 1) - strip.frame_start) / strip.scale - start
    there: np.ndarray = closed[np.clip(np.round(played).astype(int), 0, count - 1)]
    return there


def name_in(path: str) -> str:
    """The shape key, property or bone that a data path names."""
    found = re.search(r'\["((?:[^"\\]|\\.)*)"\]', path)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else path


def cues_text(facts: dict[str, Any]) -> str:
    """What the engine wrote beside a take of what its mouth says; empty when it is gone."""
    path = facts.get("cues", "")
    return Path(path).read_text(encoding="utf-8") if path and Path(path).is_file() else ""
