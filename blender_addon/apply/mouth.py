# SPDX-License-Identifier: GPL-3.0-or-later
"""Words and sounds of a take: kept in its action, listed for correction, written down for the engine."""

import hashlib
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..names import CUES_KEY, MARKER
from . import takes
from .facts import facts_of, write_facts

NEAR_FRAMES = 0.02
"""Edges that lie so near are one, and move together."""
SHORTEST_FRAMES = 0.25
UPPER = ("brow", "innerBrow", "eye", "cheekSquint")
"""How keys begin that no mouth moves."""
_quiet = False


@dataclass(frozen=True, slots=True)
class Clock:
    """From the seconds of a take to frames of the timeline, wherever its strip lies."""

    first: float
    rate: float
    """Frames a second."""

    def frame(self, secs: float) -> float:
        """The frame at an instant."""
        return self.first + secs * self.rate

    def secs(self, frame: float) -> float:
        """The instant at a frame."""
        return (frame - self.first) / self.rate


def clock_of(action: Any, character: Any) -> Clock:
    """As the take's first strip plays it."""
    facts = facts_of(action)
    first, rate = float(facts.get("first_frame", 1)), float(facts.get("fps", 24.0))
    strip = next(takes.strips_of(action, character), None)
    if strip is None:
        return Clock(first, rate)
    return Clock(strip.frame_start + (first - strip.action_frame_start) * strip.scale, rate * strip.scale)


def keep_cues(action: Any, path: str) -> None:
    """Store in the take what its mouth says, as the engine wrote it."""
    if path and Path(path).is_file():
        action[CUES_KEY] = Path(path).read_text(encoding="utf-8")


def cues_of(action: Any) -> dict[str, Any]:
    """What a take's mouth says; empty when nobody knows."""
    try:
        cues = json.loads(str(action.get(CUES_KEY, "")))
    except ValueError:
        return {}
    return cues if isinstance(cues, dict) else {}


def num_words(action: Any) -> int:
    """How many words are known to be said in a take."""
    return len(cues_of(action).get("words", ()))


def request_of(action: Any, folder: Path) -> dict[str, str]:
    """What a request for this take says of its mouth: nothing, unless somebody has corrected it."""
    if action is None or not facts_of(action).get("corrected") or not cues_of(action):
        return {}
    text = str(action[CUES_KEY])
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.cues.json"
    path.write_text(text, encoding="utf-8")
    return {"cues": str(path)}


def keep_rest(path: Path, former: Path) -> None:
    """Give a take's file the brows, lids and eyes of the one before: our shapes beyond ARKit's fifty-two reach them."""
    if not former.is_file():
        return
    with np.load(path, allow_pickle=False) as new, np.load(former, allow_pickle=False) as old:
        stored, before, names = dict(new), old["weights"], list(map(str, old["names"]))
    if before.shape == stored["weights"].shape and names == list(map(str, stored["names"])):
        kept = [i for i, name in enumerate(names) if name.startswith(UPPER)]
        stored["weights"][:, kept] = before[:, kept]
        np.savez(path, **stored)


def list_cues(settings: Any, action: Any) -> None:
    """Fill the list from a take."""
    cues, clock = cues_of(action), clock_of(action, settings.target)
    rows = [(word["start"], 0, word["end"], "WORD", word["text"], 1.0, 0) for word in cues.get("words", ())]
    rows += [
        (phone["start"], 1, phone["end"], "SOUND", phone["label"], phone.get("strength", 1.0), phone.get("stress", 0))
        for phone in cues.get("phones", ())
        if phone["label"] != "SIL"
    ]
    with _quietly():
        settings.cues.clear()
        for start, _, end, kind, text, strength, stress in sorted(rows):
            add_row(settings, kind, text, start=clock.frame(start), end=clock.frame(end)).strength = strength
            settings.cues[-1].stress = stress
        settings.cues_offset = cues.get("offset", 0.0) * clock.rate
        settings.cues_take = facts_of(action).get("id", "")


def add_row(settings: Any, kind: str, text: str, *, start: float, end: float) -> Any:
    """One more row at the end of the list."""
    row = settings.cues.add()
    row.kind, row.start, row.end, row.was_start, row.was_end = kind, start, end, start, end
    if kind == "WORD":
        row.text = text
    else:
        row.label = text
    return row


def sort_rows(settings: Any) -> None:
    """Put the rows in order of time, words before their sounds."""
    rows = settings.cues
    for place in range(len(rows)):
        first = min(range(place, len(rows)), key=lambda i: (round(rows[i].start, 3), rows[i].kind != "WORD"))
        rows.move(first, place)


def write_cues(settings: Any, action: Any) -> None:
    """Store the list in the take, corrected: in order, apart, without the sounds of retyped words."""
    cues, clock = dict(cues_of(action)), clock_of(action, settings.target)
    last = clock.frame(float(cues["duration"]))
    words = [
        {"text": row.text.strip(), "start": clock.secs(start), "end": clock.secs(end)}
        for row, start, end in _apart(settings.cues, "WORD", first=clock.first, last=last)
        if row.text.strip()
    ]
    phones = [
        {"label": row.label, "start": clock.secs(start), "end": clock.secs(end), "stress": row.stress,
         "strength": round(row.strength, 4)}
        for row, start, end in _apart(settings.cues, "SOUND", first=clock.first, last=last)
    ]  # fmt: skip
    for row in (*words, *phones):
        row["start"], row["end"] = round(row["start"], 4), round(row["end"], 4)
    cues |= {"words": words, "phones": phones, "offset": round(settings.cues_offset / clock.rate, 4)}
    action[CUES_KEY] = json.dumps(cues, ensure_ascii=False)
    write_facts(action, facts_of(action) | {"corrected": True})


def _apart(rows: Any, kind: str, *, first: float, last: float) -> Iterator[tuple[Any, float, float]]:
    own = sorted((row for row in rows if row.kind == kind), key=lambda row: row.start)
    for row, following in itertools.zip_longest(own, own[1:]):
        start = max(row.start, first)
        end = min(row.end, last if following is None else max(following.start, first))
        if end - start >= SHORTEST_FRAMES:
            yield row, start, end


def moved(row: Any, context: Any) -> None:
    """An edge was dragged: what touched it follows, and the sounds of a word go with it."""
    global _quiet
    if _quiet:
        return
    with _quietly():
        row.end = max(row.end, row.start + SHORTEST_FRAMES)
        rows = context.scene.face_emote.cues
        if row.kind == "WORD":
            stretch = (row.end - row.start) / max(row.was_end - row.was_start, SHORTEST_FRAMES)
            for other in sounds_in(rows, row.was_start, row.was_end):
                other.start = row.start + (other.start - row.was_start) * stretch
                other.end = row.start + (other.end - row.was_start) * stretch
                other.was_start, other.was_end = other.start, other.end
        else:
            for other in rows:
                if other.kind == "SOUND" and other != row:
                    if abs(other.end - row.was_start) < NEAR_FRAMES:
                        other.end = other.was_end = row.start
                    if abs(other.start - row.was_end) < NEAR_FRAMES:
                        other.start = other.was_start = row.end
        row.was_start, row.was_end = row.start, row.end


def retyped(row: Any, context: Any) -> None:
    """Another word: its sounds go, and the engine finds those of its spelling."""
    if _quiet or row.kind != "WORD":
        return
    rows = context.scene.face_emote.cues
    for number in reversed(range(len(rows))):
        if rows[number] in sounds_in(rows, row.start, row.end):
            rows.remove(number)


def sounds_in(rows: Any, start: float, end: float) -> list[Any]:
    """Sounds whose middle lies between two frames."""
    return [row for row in rows if row.kind == "SOUND" and start <= 0.5 * (row.start + row.end) < end]


def row_at(rows: Any, frame: float) -> int:
    """The sound at a frame, or the word, or the last row before it; -1 before all."""
    spoken = [i for i, row in enumerate(rows) if row.start <= frame < row.end]
    before = [i for i, row in enumerate(rows) if row.start <= frame]
    return (spoken or before or [-1])[-1]


def mark(scene: Any, *, kind: str) -> int:
    """Timeline markers for the rows of a kind, in place of those that were there; how many."""
    unmark(scene)
    count = 0
    for number, row in enumerate(scene.face_emote.cues):
        if row.kind == kind:
            marker = scene.timeline_markers.new(f"{MARKER}{number} {row.text or row.label}", frame=round(row.start))
            marker.select = False
            count += 1
    return count


def unmark(scene: Any) -> None:
    """Remove our markers."""
    for marker in [item for item in scene.timeline_markers if item.name.startswith(MARKER)]:
        scene.timeline_markers.remove(marker)


def heed_markers(scene: Any, context: Any) -> None:
    """Rows whose markers were dragged start where these are now."""
    rows = scene.face_emote.cues
    for marker in scene.timeline_markers:
        number = marker.name.removeprefix(MARKER).partition(" ")[0]
        if marker.name.startswith(MARKER) and number.isdecimal() and int(number) < len(rows):
            row = rows[int(number)]
            if marker.frame != round(row.start):
                length = row.end - row.start
                with _quietly():
                    row.start = float(marker.frame)
                    row.end = row.start + length if row.kind == "WORD" else max(row.end, row.start + 1.0)
                moved(row, context)


@bpy.app.handlers.persistent
def follow_playhead(scene: Any, _graph: Any = None) -> None:
    """The list shows what is said at the playhead."""
    settings = scene.face_emote
    if len(settings.cues) and settings.cues_follow:
        settings.active_cue = max(row_at(settings.cues, scene.frame_current_final), 0)


@contextmanager
def _quietly() -> Iterator[None]:
    global _quiet
    before, _quiet = _quiet, True
    try:
        yield
    finally:
        _quiet = before


def register() -> None:
    """Follow the playhead."""
    bpy.app.handlers.frame_change_post.append(follow_playhead)


def unregister() -> None:
    """No more."""
    bpy.app.handlers.frame_change_post.remove(follow_playhead)
