# SPDX-License-Identifier: GPL-3.0-or-later
"""Stepped takes and held poses: modifiers of the curves, which leave every key as it is."""

from typing import Any

from .facts import facts_of, write_facts
from .regions import REGIONS
from .writing import curves_of

STEP, HOLD = "Face Emote step", "Face Emote hold"
"""What our modifiers are called; others are the artist's."""
BEFORE = 0.01
"""Frames before its end at which a held pose is let go: a modifier's range includes its end."""


def step(action: Any, character: Any, *, frames: int, regions: tuple[str, ...] = REGIONS) -> None:
    """Let layers change on every `frames`-th frame only: on twos, on threes; 1 is every frame again."""
    steps = {region: frames for region in regions} if frames > 1 else {}
    kept = {region: count for region, count in steps_of(action).items() if region not in regions}
    write_facts(action, facts_of(action) | {"steps": kept | steps})
    apply(action, character)


def steps_of(action: Any) -> dict[str, int]:
    """On how many frames each stepped layer changes."""
    steps: dict[str, int] = facts_of(action).get("steps", {})
    return steps


def hold(action: Any, character: Any, *, start: float, frames: int) -> None:
    """Keep the pose of a frame of the take for some frames."""
    others = [span for span in holds_of(action) if span[1] <= start or span[0] >= start + frames]
    _set_holds(action, character, [*others, [start, start + frames]])


def release(action: Any, character: Any, *, frame: float) -> int:
    """Let go of poses that are held at a frame of the take; how many there were."""
    others = [span for span in holds_of(action) if not span[0] <= frame < span[1]]
    count = len(holds_of(action)) - len(others)
    _set_holds(action, character, others)
    return count


def holds_of(action: Any) -> list[list[float]]:
    """First frame of each held pose, and the frame at which it is let go."""
    spans: list[list[float]] = facts_of(action).get("holds", [])
    return spans


def _set_holds(action: Any, character: Any, spans: list[list[float]]) -> None:
    write_facts(action, facts_of(action) | {"holds": sorted(spans)})
    apply(action, character)


def apply(action: Any, character: Any) -> None:
    """Give every curve of the take the modifiers that its layer wants, and take ours off the others."""
    steps, holds = steps_of(action), holds_of(action)
    first = float(facts_of(action).get("first_frame", 1))
    for layer, curve in curves_of(action, character):
        put(curve, steps=steps.get(layer.region, 1), holds=holds, first=first)


def put(curve: Any, *, steps: int, holds: list[list[float]], first: float, stretch: float = 1.0) -> None:
    """Modifiers for one curve; poses are held before they are stepped, for Blender asks the last one first."""
    wanted = bool(holds) or steps > 1
    for modifier in [item for item in curve.modifiers if item.name.startswith((STEP, HOLD))]:
        curve.modifiers.remove(modifier)
    if not wanted:
        return
    if steps > 1:
        _added(curve, STEP, every=steps * stretch, offset=first)
    for start, end in holds:
        modifier = _added(curve, HOLD, every=(end - start) + 1.0, offset=start)
        modifier.use_restricted_range = True
        modifier.frame_end = end - BEFORE
        modifier.frame_start = start


def _added(curve: Any, name: str, *, every: float, offset: float) -> Any:
    modifier = curve.modifiers.new("STEPPED")
    modifier.name = name
    modifier.frame_step, modifier.frame_offset = every, offset
    return modifier
