# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's curves: few keys, a slot a layer; and what somebody has edited in them, found again and kept."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..names import CUES_KEY, MADE_KEY
from ..report import UserError
from .channels import JOINTS, Channel, channels_of, owners_of, read_take
from .curves import STILL, fingerprint, fits_of, values_at, write_curve
from .facts import facts_of, write_facts
from .layers import Layer, layers_of, slot_name
from .regions import ROLES, region_of_key
from .surface import closed_frames, cues_text, tolerances

SAME = 2e-3
"""Fingerprints that differ by less are of the same curve."""


@dataclass(slots=True)
class Former:
    """What was edited in a take, before it is written again."""

    curves: dict[str, np.ndarray | None] = field(default_factory=dict)
    """By `place_of`: what was added to the engine's values, a number a frame; None: the curve stays as it is."""
    stretch: float = 1.0
    """New frames for each old one."""


def place_of(owner_name: str, path: str, index: int) -> str:
    """What a curve is filed under."""
    return f"{owner_name}|{path}|{index}"


def motion_curves(facts: dict[str, Any]) -> Path:
    """The file of curves beside a take's motion."""
    motion = Path(facts.get("motion", ""))
    return motion.with_name(motion.name.replace(".motion", "")) if motion.name else motion


def keep_layers(path: Path, former: Path, *, regions: tuple[str, ...]) -> None:
    """Give a take's file everything but some layers from the file before."""
    if not former.is_file():
        return
    with np.load(path, allow_pickle=False) as new, np.load(former, allow_pickle=False) as old:
        stored, before = dict(new), dict(old)
    names = list(map(str, stored["names"]))
    if before["weights"].shape != stored["weights"].shape or names != list(map(str, before["names"])):
        return
    kept = [i for i, name in enumerate(names) if region_of_key(name) not in regions]
    stored["weights"][:, kept] = before["weights"][:, kept]
    still = [joint for name, joint in JOINTS.items() if ROLES[name] not in regions]
    stored["turns"][:, still] = before["turns"][:, still]
    for name in ("translation", "wrinkles", "blood"):
        stored[name] = before[name]
    np.savez(path, **stored)


def curves_of(action: Any, character: Any) -> list[tuple[Layer, Any]]:
    """Every curve of a take with its layer."""
    return [
        (layer, curve)
        for layer in layers_of(action, character)
        for bag in [compat.existing_channelbag(action, layer.slot)]
        for curve in (bag.fcurves if bag is not None else ())
    ]


def edited_curves(action: Any, character: Any) -> list[tuple[Layer, Any]]:
    """Curves that are not as they were written."""
    made = _made(action)
    if not made:
        return []
    out = []
    for layer, curve in curves_of(action, character):
        known = made.get(place_of(layer.owner_name, curve.data_path, curve.array_index), None)
        if known is None or abs(known - fingerprint(curve)) > SAME:
            out.append((layer, curve))
    renamed = [value for value in made.values() if value is not None]
    return [
        (layer, curve)
        for layer, curve in out
        if place_of(layer.owner_name, curve.data_path, curve.array_index) in made
        or not any(abs(value - fingerprint(curve)) <= SAME for value in renamed)  # A shape key got another name.
    ]


def edits_of(action: Any, character: Any) -> Former:
    """What was edited, as differences from what the engine made; without its file, as whole curves."""
    edited, facts = edited_curves(action, character), facts_of(action)
    if not edited:
        return Former()
    first = float(facts.get("first_frame", 1))
    try:
        made = {
            place_of(channel.owner, channel.path, channel.index): channel.values
            for channel in channels_of(read_take(motion_curves(facts)), character)
        }
    except UserError:
        made = {}
    former = Former()
    for layer, curve in edited:
        place = place_of(layer.owner_name, curve.data_path, curve.array_index)
        values = made.get(place)
        former.curves[place] = (
            None if values is None else values_at(curve, first + np.arange(len(values))) - values
        )  # fmt: skip
    return former


def write_take(
    action: Any, character: Any, channels: list[Channel], *, former: Former, regions: tuple[str, ...] = ()
) -> None:
    """Write a take's curves into the slots of its layers, all or those of some regions.

    What moves has few keys, what rests elsewhere than before the first take has one, and what never moves has none.
    Curves that the engine no longer moves go, unless they were edited.
    """
    facts = facts_of(action)
    first_frame, bags = int(facts["first_frame"]), _bags(action, character, channels)
    channels = [channel for channel in channels if not regions or channel.region in regions]
    made = _made(action)
    kept = [channel for channel in channels if former.curves.get(_place(channel), channel) is not None]
    moved = _moved([_with_edits(channel, former) for channel in kept], character, facts)
    mm = float(bpy.context.scene.face_emote.key_tolerance)
    closed = closed_frames(
        str(action.get(CUES_KEY, "")) if facts.get("corrected") else cues_text(facts) or str(action.get(CUES_KEY, "")),
        fps=float(facts["fps"]), num_frames=int(facts["num_frames"]),
    )  # fmt: skip
    tolerance = None
    if mm > 0.0 and moved:
        tolerance = tolerances(moved, character, mm=mm, closed=closed)
        seen = _seen(moved, tolerance, facts)
        moved, tolerance = [channel for channel, is_seen in zip(moved, seen, strict=True) if is_seen], tolerance[seen]
    values = np.array([channel.values for channel in moved], np.float32)
    for channel, fit in zip(moved, fits_of(values, tolerance=tolerance), strict=True):
        bag = bags[channel.owner, channel.region]
        curve = write_curve(bag, channel, first_frame=first_frame, fit=fit, is_fitted=mm > 0.0)
        made[_place(channel)] = None if _place(channel) in former.curves else fingerprint(curve)
    _drop(action, character, written={_place(channel) for channel in moved}, former=former, regions=regions)
    action[MADE_KEY] = json.dumps(made)


def _place(channel: Channel) -> str:
    return place_of(channel.owner, channel.path, channel.index)


def _made(action: Any) -> dict[str, float | None]:
    try:
        made = json.loads(str(action.get(MADE_KEY, "{}")))
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}


def _with_edits(channel: Channel, former: Former) -> Channel:
    """The engine's values with what was changed in those before."""
    change = former.curves.get(_place(channel))
    if change is None:
        return channel
    here = np.arange(len(channel.values)) / former.stretch
    return replace(
        channel, values=(channel.values + np.interp(here, np.arange(len(change)), change)).astype(np.float32)
    )


def _seen(channels: list[Channel], tolerance: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
    """Which channels leave the place where they rest by more than the tolerance; bones stay whole."""
    rests = _rests(facts)
    return np.array([
        channel.owner == "RIG"
        or bool(np.any(np.abs(channel.values - rests.get(_place(channel), np.inf)) > allowed))
        for channel, allowed in zip(channels, tolerance, strict=True)
    ], bool)  # fmt: skip


def _rests(facts: dict[str, Any]) -> dict[str, float]:
    """What every curve moves was before the first take."""
    return {
        f"{owner}|{place}": value
        for owner, places in facts.get("former", {}).items()
        for place, value in places.items()
    }


def _moved(channels: list[Channel], character: Any, facts: dict[str, Any]) -> list[Channel]:
    """Channels that need a curve: they move, another number of the same thing does, or they rest elsewhere."""
    rests = _rests(facts)
    moving = {
        (channel.owner, channel.path)
        for channel in channels
        if np.abs(channel.values - rests.get(_place(channel), channel.values[0])).max() > STILL
    }
    return [channel for channel in channels if (channel.owner, channel.path) in moving]


def _bags(action: Any, character: Any, channels: list[Channel]) -> dict[tuple[str, str], Any]:
    """Where the curves of each layer go; slots that are missing are made, and known as its layer's."""
    slots = {(layer.owner_name, layer.region): layer.slot for layer in layers_of(action, character)}
    registry = dict(facts_of(action).get("layers", {}))
    owners, bags = owners_of(character), {}
    for key in dict.fromkeys((channel.owner, channel.region) for channel in channels):
        slot = slots.get(key)
        if slot is None:
            owner = owners[key[0]]
            slot = action.slots.new(id_type=owner.id_type, name=slot_name(owner, key[1]))
            registry[str(slot.handle)] = key[1]
        bags[key] = compat.channelbag(action, slot)
    write_facts(action, facts_of(action) | {"layers": registry})
    return bags


def _drop(action: Any, character: Any, *, written: set[str], former: Former, regions: tuple[str, ...]) -> None:
    owners = owners_of(character)
    for layer, curve in curves_of(action, character):
        place = place_of(layer.owner_name, curve.data_path, curve.array_index)
        if place in written or place in former.curves or (regions and layer.region not in regions):
            continue
        compat.channelbag(action, layer.slot).fcurves.remove(curve)
    for owner in owners.values():
        owner.update_tag()
