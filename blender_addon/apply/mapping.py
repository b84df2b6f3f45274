# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose shape key is which ARKit curve: names in any case, with any side mark, by presets of common rigs. No bpy."""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PRESET_FOLDER = Path(__file__).parent.parent / "presets"
BUILT_IN = (
    "arkit", "metahuman", "vrm1", "vrm0", "meta_visemes", "microsoft_visemes", "character_creator", "daz_facs",
    "daz_g8", "mmd", "mpfb_units", "rhubarb", "preston_blair",
)  # fmt: skip
BONE_WORDS = {
    "neck": ("neck", "j_bip_c_neck", "cc_base_necktwist01", "neck01", "neck_01", "c_neck.x", "neck.x", "neck1",
             "necklower", "mixamorig:neck", "首"),
    "jaw": ("jaw_master", "jaw", "c_jawbone.x", "jawbone.x", "cc_base_jawroot", "j_adj_c_jaw", "facial_c_jaw", "jaw_01",
            "lowerjaw"),
    "eye_left": ("c_eye.l", "eye.l", "eye_l", "lefteye", "eye_left", "j_adj_l_faceeye", "cc_base_l_eye", "facial_l_eye",
                 "leye", "l_eye", "左目", "目.l"),
    "eye_right": ("c_eye.r", "eye.r", "eye_r", "righteye", "eye_right", "j_adj_r_faceeye", "cc_base_r_eye",
                  "facial_r_eye", "reye", "r_eye", "右目", "目.r"),
}  # fmt: skip
"""Names of bones in common rigs, lower case, most trusted first."""
MADE_BONES = ("org-", "def-", "mch-", "vis_", "wgt-")
"""Rigify's own bones, which its controls move."""
EYE_TARGETS = "master_eye."
"""Rigify's eyes look at targets; no bone of them can simply be turned."""
_PREFIX = re.compile(
    r"^((a\d\d|ctrl_?expressions|expressions|bs|blendshape\d*|morph|fcl_all|shape|facs_(bs|jnt|ctrl|cbs))[._ ]"
    r"|m_[fm]\d\d_\d+(_\d+)?_(?=fcl_)|mouth[._ -](?=(?![lr]$)[a-z]{1,3}$))",
    re.IGNORECASE,
)
_DAZ_SUFFIX = re.compile(r"_div\d+$", re.IGNORECASE)


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
    needs: tuple[str, ...] = ()
    """Names without which a mesh does not follow it: a chart's letters mean something else elsewhere."""
    otherwise: tuple[Row, ...] = ()
    """For curves that no row found a key for."""


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
    name = unicodedata.normalize("NFKC", _DAZ_SUFFIX.sub("", name))
    name = name.rsplit("__", 1)[-1].rsplit(":", 1)[-1].strip()
    head, dot, tail = name.rpartition(".")
    if dot and len(tail) > 5 and head:
        name = tail
    name = _PREFIX.sub("", name)
    side = ""
    found = _side_of(name)
    if found is not None:
        name, side = found
    plain = re.sub(r"[\W_]", "", name.lower())
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
        tables = (stored["rows"], stored.get("otherwise", []))
        rows, otherwise = (tuple(Row(str(key), str(of), float(share)) for key, of, share in table) for table in tables)
        needs = tuple(str(name) for name in stored.get("needs", []))
        return Preset(path.stem, str(stored["title"]), rows, needs=needs, otherwise=otherwise)
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
    rows: list[Row] = []
    if all(normalised(name) in by_name for name in preset.needs):
        letters = {row.key for row in preset.rows if len(row.key) == 1 and row.key.isascii()}
        believed = bool(preset.needs) or all(letter.lower() in by_name for letter in letters)
        rows = [
            found
            for row in preset.rows
            if believed or row.key not in letters  # A, I, U, E and O are vowels only where all five are.
            for found in _found(row, by_name)
        ]
        heard = {row.source for row in rows}
        rows += [found for row in preset.otherwise if row.source not in heard for found in _found(row, by_name)]
    used, heard = {row.key for row in rows}, {row.source for row in rows}
    return Match(
        preset,
        tuple(rows),
        idle_keys=tuple(key for key in keys if key not in used),
        lost_sources=tuple(source for source in sources if source not in heard),
    )


def _found(row: Row, by_name: dict[str, list[str]]) -> list[Row]:
    """A convention's row with a mesh's own names."""
    wanted = normalised(row.key)
    found = by_name.get(wanted, [])
    if not found and "#" not in wanted:  # One shape in the convention, a left and a right one on the mesh.
        found = [*by_name.get(f"{wanted}#l", []), *by_name.get(f"{wanted}#r", [])]
    return [Row(key, row.source, row.weight) for key in found]


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
    lower = {name.lower(): name for name in names if not name.lower().startswith(MADE_BONES)}
    looks_at_targets = any(low.startswith(EYE_TARGETS) for low in lower)
    guesses = {}
    for role, words in BONE_WORDS.items():
        if looks_at_targets and role.startswith("eye"):
            continue
        exact = next((lower[word] for word in words if word in lower), None)
        inside = next((name for low, name in lower.items() if any(low.endswith(word) for word in words)), None)
        likely = exact or inside
        if likely:
            guesses[role] = likely
    return guesses
