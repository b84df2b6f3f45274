# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose shape key is which ARKit curve: names in any case, with any side mark, by presets of common rigs. No bpy."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PRESET_FOLDER = Path(__file__).parent.parent / "presets"
BUILT_IN = ("arkit", "metahuman", "vrm1", "vrm0", "meta_visemes", "microsoft_visemes")
BONE_WORDS = {
    "neck": ("neck", "j_bip_c_neck", "cc_base_necktwist01", "neck01", "mixamorig:neck"),
    "jaw": ("jaw", "jaw_master", "cc_base_jawroot", "j_adj_c_jaw", "facial_c_jaw", "jaw_01"),
    "eye_left": ("eye.l", "eye_l", "lefteye", "eye_left", "j_adj_l_faceeye", "cc_base_l_eye", "facial_l_eye"),
    "eye_right": ("eye.r", "eye_r", "righteye", "eye_right", "j_adj_r_faceeye", "cc_base_r_eye", "facial_r_eye"),
}  # fmt: skip
"""Names of bones in common rigs, lower case, most trusted first."""
_PREFIX = re.compile(r"^(a\d\d|ctrl_?expressions|expressions|bs|blendshape\d*|morph|fcl_all|shape)[._ ]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """A share of one ARKit curve that a shape key plays."""

    key: str
    source: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A naming convention."""

    name: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """How a convention fits a mesh."""

    preset: Preset
    rows: tuple[Row, ...]
    """With the mesh's own names."""
    idle_keys: tuple[str, ...]
    """Shape keys that nothing plays."""
    lost_sources: tuple[str, ...]
    """Curves that nothing shows."""


def normalised(name: str) -> str:
    """A name without case, separators and prefixes; a side becomes a last `#l` or `#r`.

    eyeBlinkLeft, EyeBlink_L, eye_blink.left, A14_Eye_Blink_Left and head_lod0_mesh__eyeBlinkL are one.
    """
    name = name.rsplit("__", 1)[-1].rsplit(":", 1)[-1].strip()
    head, dot, tail = name.rpartition(".")
    if dot and len(tail) > 5 and head:
        name = tail
    name = _PREFIX.sub("", name)
    side = ""
    found = _side_of(name)
    if found is not None:
        name, side = found
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain + side


def _side_of(name: str) -> tuple[str, str] | None:
    found = re.match(r"^(.+?)[._ -]?(left|right)$", name, re.IGNORECASE)
    if found is None:
        found = re.match(r"^(.+?)[._ -](l|r)$", name, re.IGNORECASE) or re.match(r"^(.*[a-z0-9])(L|R)$", name)
    return (found[1], f"#{found[2][0].lower()}") if found else None


def load_preset(path: Path) -> Preset:
    """A preset file: {"title": .., "rows": [[shape key, ARKit curve, weight], ..]}.

    Raises:
        ValueError: the file is none; the message says why.
    """
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        stored = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(Row(str(key), str(source), float(weight)) for key, source, weight in stored["rows"])
        return Preset(path.stem, str(stored["title"]), rows)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"This is no mapping preset ({type(error).__name__}: {error}): {path}") from None


def save_preset(path: Path, *, title: str, rows: Sequence[Row]) -> None:
    """Write a preset file."""
    table = {"title": title, "rows": [[row.key, row.source, round(row.weight, 4)] for row in rows]}
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def built_in_presets() -> tuple[Preset, ...]:
    """The conventions that come with the extension."""
    return tuple(load_preset(PRESET_FOLDER / f"{name}.json") for name in BUILT_IN)


def matched(preset: Preset, *, keys: Sequence[str], sources: Sequence[str]) -> Match:
    """Find a convention's names among a mesh's shape keys."""
    by_name: dict[str, list[str]] = {}
    for key in keys:
        by_name.setdefault(normalised(key), []).append(key)
    rows = []
    for row in preset.rows:
        wanted = normalised(row.key)
        found = by_name.get(wanted, [])
        if not found and "#" not in wanted:  # One shape in the convention, a left and a right one on the mesh.
            found = [*by_name.get(f"{wanted}#l", []), *by_name.get(f"{wanted}#r", [])]
        rows += [Row(key, row.source, row.weight) for key in found]
    used, heard = {row.key for row in rows}, {row.source for row in rows}
    return Match(
        preset,
        tuple(rows),
        idle_keys=tuple(key for key in keys if key not in used),
        lost_sources=tuple(source for source in sources if source not in heard),
    )


def best_match(presets: Sequence[Preset], *, keys: Sequence[str], sources: Sequence[str]) -> Match:
    """The convention that shows most of the curves; the first of equals."""
    matches = [matched(preset, keys=keys, sources=sources) for preset in presets]
    return max(matches, key=lambda match: len({row.source for row in match.rows}))


def mapping_matrix(rows: Sequence[Row], *, sources: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Shape keys, and the matrix [source, key] from ARKit weights to their values. Unknown curves are skipped."""
    keys = tuple(dict.fromkeys(row.key for row in rows))
    matrix = np.zeros((len(sources), len(keys)), np.float32)
    for row in rows:
        if row.source in sources:
            matrix[sources.index(row.source), keys.index(row.key)] += row.weight
    return keys, matrix


def guessed_bones(names: Sequence[str]) -> dict[str, str]:
    """Bones of a rig by role (neck, jaw, eye_left, eye_right); roles without a likely bone are absent."""
    lower = {name.lower(): name for name in names}
    guesses = {}
    for role, words in BONE_WORDS.items():
        exact = next((lower[word] for word in words if word in lower), None)
        inside = next((name for low, name in lower.items() if any(low.endswith(word) for word in words)), None)
        likely = exact or inside
        if likely:
            guesses[role] = likely
    return guesses
