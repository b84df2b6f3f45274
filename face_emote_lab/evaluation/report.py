"""The result of an evaluation: frozen records, their JSON, and the rows of the table that people read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from face_emote.core.output import written_beside
from face_emote_lab.evaluation.lip_figures import ClipFigures, LipFigures, TalkerFigures

HUMAN = "human"


@dataclass(frozen=True, slots=True)
class GroupReport:
    """Clips that are reported together."""

    name: str
    clips: int
    talkers: int
    systems: tuple[LipFigures, ...]  # The one under test, the baselines, the human.
    by_talker: tuple[TalkerFigures, ...]  # The one under test.
    by_clip: tuple[ClipFigures, ...]  # The one under test.


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured, and on what."""

    animator: str
    version: str
    data: str  # Name of the folder.
    groups: tuple[GroupReport, ...]
    notes: tuple[str, ...]  # What was left out and why, and what figures mean here.


LIP_ROWS: tuple[tuple[str, str, str], ...] = (
    ("correlation", "gap correlation", ".3f"),
    ("correlation_by_talker", "  mean over talkers", ".3f"),
    ("lag_ms", "best lag, ms", "+.0f"),
    ("within_20_ms", "  within 20 ms", ".0%"),
    ("within_40_ms", "  within 40 ms", ".0%"),
    ("closure", "closes on P B M", ".1%"),
    ("false_closure", "closed at open vowels", ".1%"),
    ("nearly_closed", "  nearly, by own range", ".1%"),
    ("loud_gap", "95th percentile of gap", ".2f"),
    ("lve_mm", "LVE, mm", ".2f"),
    ("mve_mm", "MVE, mm", ".2f"),
    ("mod_mm", "MOD, mm", ".2f"),
    ("mtm_ms", "MTM, ms", ".0f"),
    ("sync_offset_ms", "sync offset, ms", "+.0f"),
    ("sync_confidence", "sync confidence", ".2f"),
    ("silence_motion", "motion in silence", ".1%"),
    ("jerk_ratio", "jerk ratio", ".2f"),
    ("realtime_factor", "CPU s per s of sound", ".3f"),
)
"""Field of LipFigures, what it is called, how it is printed."""
TALKER_COLUMNS = (
    ("correlation", "correlation", ".3f"),
    ("lag_ms", "lag, ms", "+.0f"),
    ("closure", "P B M", ".1%"),
    ("false_closure", "open vowels", ".1%"),
    ("loud_gap", "95 % gap", ".2f"),
)


def printed(value: float | None, form: str) -> str:
    """A figure as the table shows it."""
    return "-" if value is None else format(value, form)


def lip_table(group: GroupReport) -> list[tuple[str, ...]]:
    """Head and rows: the measure, then each system; measures that are not known are left out."""
    rows: list[tuple[str, ...]] = [("", *(system.system for system in group.systems))]
    for name, title, form in LIP_ROWS:
        values = [getattr(system, name) for system in group.systems]
        if any(value is not None for value in values):
            rows.append((title, *(printed(value, form) for value in values)))
    return rows


def talker_table(group: GroupReport) -> list[tuple[str, ...]]:
    """Head and rows: a talker each."""
    head = ("talker", "clips", *(title for _, title, _ in TALKER_COLUMNS))
    rows = (
        (talker.talker, str(talker.clips), *(printed(getattr(talker, name), form) for name, _, form in TALKER_COLUMNS))
        for talker in group.by_talker
    )
    return [head, *rows]


def report_json(report: Report) -> str:
    """The report as JSON text; what is not known is null."""
    return json.dumps(asdict(report), indent=1, allow_nan=False) + "\n"


def write_report(report: Report, path: Path) -> None:
    """Write the JSON. Raises OutputError when it cannot be written there."""
    with written_beside(path) as target:
        target.write_text(report_json(report), encoding="utf-8")
