# SPDX-License-Identifier: GPL-3.0-or-later
"""Many lines at one push: strips of the sequencer, or a table of recordings; what has not changed is not done again."""

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from .. import compat, reasons
from ..apply import own_mesh, takes
from ..engine import jobs
from ..engine.current import SESSION
from ..folders import user_folder
from ..messages import tr
from ..names import PEOPLE, STRIP_KEY
from ..report import UserError
from .button import Button
from .export import placed
from .generate import submit_take, take_request
from .speech import Line, fps_of, prepared_line

GAP_SECS = 0.5
"""Between lines that are laid one after another."""


class FACEEMOTE_OT_add_lines(Button):
    """Add every sound strip of the sequencer that is selected (or all) as a line of the current character"""

    bl_idname = "face_emote.add_lines"
    bl_label = "Add Strips"

    @staticmethod
    def _refusal(context: Any) -> str:
        return "" if speech_strips(context.scene) else "The sequencer has no sound strips"

    def _work(self, context: Any) -> None:
        settings = context.scene.face_emote
        strips = speech_strips(context.scene)
        chosen = [strip for strip in strips if strip.select] or strips
        known = {line.strip for line in settings.lines}
        for strip in sorted(chosen, key=compat.strip_first_frame):
            if strip.name not in known:
                line = settings.lines.add()
                line.name, line.strip, line.character = strip.name, strip.name, settings.target


class FACEEMOTE_OT_remove_line(Button):
    """Remove the marked line from the list; its take stays"""

    bl_idname = "face_emote.remove_line"
    bl_label = "Remove Line"

    @staticmethod
    def _refusal(context: Any) -> str:
        return "" if context.scene.face_emote.lines else "The list is empty"

    def _work(self, context: Any) -> None:
        settings = context.scene.face_emote
        settings.lines.remove(min(settings.active_line, len(settings.lines) - 1))
        settings.active_line = max(0, settings.active_line - 1)


class FACEEMOTE_OT_read_lines(Button):
    """List the lines of the table; characters that were chosen here stay chosen"""

    bl_idname = "face_emote.read_lines"
    bl_label = "Read Table"
    bl_options = {"REGISTER"}

    @staticmethod
    def _refusal(context: Any) -> str:
        return reasons.busy(context) or no_table(context.scene)

    def _work(self, context: Any) -> None:
        read_table(context.scene, then=jobs.redraw)


class FACEEMOTE_OT_generate_lines(Button):
    """Generate all lines that have changed or are new; a faulty one is named, the others are done"""

    bl_idname = "face_emote.generate_lines"
    bl_label = "Generate All Lines"
    bl_options = {"REGISTER"}

    @staticmethod
    def _refusal(context: Any) -> str:
        settings = context.scene.face_emote
        empty = "" if settings.lines or settings.lines_table else "Choose a table, or add strips as lines"
        return reasons.busy(context) or empty

    def _work(self, context: Any) -> None:
        scene = context.scene
        if scene.face_emote.lines_table and _state_of(scene) != scene.face_emote.lines_read:
            again = jobs.remembered(scene)
            read_table(scene, then=lambda: _Run(again()).go(wait=False))
        else:
            _Run(scene).go(wait=None)


class FACEEMOTE_OT_export_lines(Button):
    """Write every line's take beside the Export panel's file, with its ending; files are called as the lines are"""

    bl_idname = "face_emote.export_lines"
    bl_label = "Export All Lines"
    bl_options = {"REGISTER"}

    @staticmethod
    def _refusal(context: Any) -> str:
        there = any(take_of(line) for line in context.scene.face_emote.lines)
        return reasons.busy(context) or ("" if there else "Generate the lines first")

    def _work(self, context: Any) -> None:
        model = placed(context.scene.face_emote.export_path)
        for line in context.scene.face_emote.lines:
            take, path = take_of(line), model.with_name(f"{line.name}{model.suffix}")
            if take is None:
                continue
            if own_mesh.exports(line.character, path):
                takes.show_only(line.character, take)
                own_mesh.export(context, line.character, take, path=path)
                continue
            facts = takes.facts_of(take)
            params = {"motion": facts["motion"], "path": str(path), "person": facts.get("person", {})}
            jobs.submit(tr("export {name}", name=path.name), method="export", params=params, done=_written(path))


def _written(path: Path) -> Callable[[dict[str, Any]], None]:
    def said(_result: dict[str, Any]) -> None:
        SESSION.status, SESSION.failed = tr("Wrote {path}", path=path), False

    return said


def speech_strips(scene: Any) -> list[Any]:
    """Sound strips that no take has placed."""
    return [item for item in compat.strips_of(scene) or () if item.type == "SOUND" and STRIP_KEY not in item]


def no_table(scene: Any) -> str:
    """Why no table can be read; empty when one can."""
    path = bpy.path.abspath(scene.face_emote.lines_table)
    if not path:
        return "Choose a table of lines"
    return "" if Path(path).exists() else tr("There is no such table: {path}", path=path)


def read_table(scene: Any, *, then: Callable[[], None]) -> None:
    """Fill the list from the table, and go on."""
    missing = no_table(scene)
    if missing:
        raise UserError(missing)
    path, again, state = bpy.path.abspath(scene.face_emote.lines_table), jobs.remembered(scene), _state_of(scene)

    def done(result: dict[str, Any]) -> None:
        settings = again().face_emote
        fill(settings, result["lines"])
        settings.lines_read = state
        SESSION.status = tr("{count} lines", count=len(settings.lines))
        then()

    jobs.submit(
        tr("table of lines"), method="lines", params={"table": path, "folder": str(user_folder("takes"))}, done=done
    )


def _state_of(scene: Any) -> str:
    """What changes when the table does."""
    path = Path(bpy.path.abspath(scene.face_emote.lines_table))
    return f"{path} {path.stat().st_mtime_ns}" if path.exists() else ""


def fill(settings: Any, rows: list[dict[str, Any]]) -> None:
    """Put rows of a table into the list; strips stay before them."""
    former = {line.name: line.character for line in settings.lines if not line.strip}
    for index in reversed(range(len(settings.lines))):
        if not settings.lines[index].strip:
            settings.lines.remove(index)
    for row in rows:
        line = settings.lines.add()
        line.name, line.problem, line.speech = row["name"], row["problem"], row.get("speech", "")
        given = dict(row.get("given", {}))
        line.emotion = given.pop("emotion", "")
        line.given, line.style = json.dumps(given), json.dumps(row.get("sliders", {}))
        line.character = _who(row, settings.target) or former.get(line.name)


def _who(row: dict[str, Any], usual: Any) -> Any | None:
    """The character of a row: one called so, or like the person or the speaker; the usual one if none is named."""
    for wanted in (row.get("character", ""), row.get("speaker", "")):
        names = {wanted.casefold(), PEOPLE.get(wanted.casefold(), wanted).casefold()}
        for item in bpy.data.objects if wanted else ():
            if item.name.casefold() in names and item.type == "MESH" and item.data.shape_keys is not None:
                return item
    return None if row.get("character") else usual


def take_of(line: Any) -> Any | None:
    """The take that was made of a line."""
    own = takes.takes_of(line.character) if line.character is not None else []
    return next((take for take in own if takes.facts_of(take).get("row") == line.name), None)


@dataclass
class _Run:
    """Lines one after the other; the scene and its lines are found again each time, for undo moves them."""

    scene: Any
    waiting: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    end: int = 0

    def go(self, *, wait: bool | None) -> None:
        """Start."""
        lines = self.scene.face_emote.lines
        for line in lines:
            line.name = line.name or line.strip
            line.state, line.note = "WAITING", ""
        self.waiting = [line.name for line in lines]
        known = [take for take in map(take_of, lines) if take is not None]
        facts = [takes.facts_of(take) for take in known]
        self.end = max((item["first_frame"] + item["num_frames"] + self._gap() for item in facts), default=0)
        self._again = jobs.remembered(self.scene)
        self._next(wait=wait)

    def _gap(self) -> int:
        return math.ceil(GAP_SECS * fps_of(self.scene))

    def _next(self, *, wait: bool | None) -> None:
        self.scene = self._again()
        while self.waiting:
            line = self.scene.face_emote.lines.get(self.waiting.pop(0))
            if line is None:
                continue
            try:
                if self._starts(line, wait=wait):
                    return
                self._mark(line, "SAME", "")
            except UserError as error:
                self._mark(line, "FAILED", str(error))
        SESSION.status = tr(
            "{made} lines generated, {same} unchanged, {failed} failed",
            made=self.counts["DONE"], same=self.counts["SAME"], failed=self.counts["FAILED"],
        )  # fmt: skip
        SESSION.failed = self.counts["FAILED"] > 0
        jobs.redraw()

    def _starts(self, item: Any, *, wait: bool | None) -> bool:
        """Ask for a line's take; False when the one that is there is still what would come."""
        if item.problem:
            raise UserError(item.problem)
        refusal = takes.refusal(item.character)
        if refusal:
            raise UserError(refusal)
        take, line = take_of(item), self._line(item)
        _request, facts = take_request(self.scene, item.character, line)
        known = takes.facts_of(take) if take is not None else {}
        if known.get("inputs") == facts["inputs"]:
            return False
        name, item.state = item.name, "RUNNING"

        def then(reason: str) -> None:
            self.scene = self._again()
            again = self.scene.face_emote.lines.get(name)
            if again is not None:
                self._mark(again, "FAILED" if reason else "DONE", reason)
            self._next(wait=False)

        submit_take(self.scene, item.character, line, take=known.get("id", ""), wait=wait, then=then)
        self.end = max(self.end, line.first_frame + math.ceil(line.num_secs * fps_of(self.scene)) + self._gap())
        return True

    def _line(self, item: Any) -> Line:
        given = (
            {"transcript": ""} | json.loads(item.given) | {"sliders": json.loads(item.style)}
        )  # The panel's is of its own.
        if item.emotion:
            given["emotion"] = item.emotion
        if item.strip:
            line = prepared_line(self.scene, strip=item.strip)
        else:
            line = prepared_line(self.scene, speech=item.speech)
            take = take_of(item)
            first = takes.facts_of(take)["first_frame"] if take is not None else self.end or line.first_frame
            line = replace(line, first_frame=first)
        return replace(line, row=item.name, given=given)

    def _mark(self, line: Any, state: str, note: str) -> None:
        line.state, line.note = state, note
        self.counts[state] += 1


CLASSES = (
    FACEEMOTE_OT_add_lines,
    FACEEMOTE_OT_remove_line,
    FACEEMOTE_OT_read_lines,
    FACEEMOTE_OT_generate_lines,
    FACEEMOTE_OT_export_lines,
)
