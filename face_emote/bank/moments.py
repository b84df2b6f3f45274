"""Moments, and the folders that hold them.

A bank is a folder of `index.json` - a row for each moment: name, context, VAD, voice, what was felt, where it is from,
who agreed to it - and of `.npz` files with the tokens that rows point into. The index is written last and in one step,
so that a bank is whole whenever it is read; nothing in it is taken on faith.
"""

import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.names import CONTEXTS
from face_emote.core.output import written_beside
from face_emote.core.reading import read_npz, text_of
from face_emote.face.person_file import require_consent
from face_emote.generation.layout import FACE, VOICE, WINDOW

FORMAT = "face_emote.bank/1"
INDEX = "index.json"
FILMED, AUTHORED, OWN = MADE = ("filmed", "authored", "own")
"""A face that was tracked; one that was computed from such; a user's."""
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,59}")
_FILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}\.npz")
MOST_MOMENTS = 4096
_MOST_BYTES = 8 * 2**20
_LARGEST = 1e4


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What a face did for a window of tokens, and when that suits."""

    name: str
    face: Float[Array, f"token={WINDOW} value={len(FACE)}"]
    """In the units of `layout.FACE`."""
    vad: Float[Array, " vad=3"]
    """Of what was felt."""
    context: str
    """One of `names.CONTEXTS`."""
    voice: Float[Array, f" value={len(VOICE)}"]
    """Mean of the window's tokens of voice; NaN where nobody speaks, or nobody knows."""
    emotion: str = ""
    """In words."""
    made: str = OWN
    source: str = ""
    consent: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """A folder as it is: its moments, and the file and row of each."""

    folder: Path
    moments: tuple[Moment, ...]
    places: tuple[tuple[str, int], ...]


def read_bank(folder: Path) -> Bank:
    """The bank of a folder; one that is not there, or has no index, is empty.

    Raises:
        OptionError: it is no bank, or a damaged one.
    """
    if not (folder / INDEX).exists():
        return Bank(folder, (), ())
    try:
        content = json.loads(text_of(folder / INDEX, most=_MOST_BYTES))
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError("its index is of another format")
        rows = content["moments"]
        if not isinstance(rows, list) or len(rows) > MOST_MOMENTS:
            raise ValueError(f"its index holds no list of at most {MOST_MOMENTS} moments")
        tokens: dict[str, Array] = {}
        moments, places = [], []
        for row in rows:
            file, at = row["file"], row["row"]
            if not isinstance(file, str) or not _FILE.fullmatch(file) or type(at) is not int:
                raise ValueError(f"a moment lies in {str(file)[:40]!r}")
            if file not in tokens:
                tokens[file] = _tokens(folder / file)
            if not 0 <= at < len(tokens[file]):
                raise ValueError(f"there is no row {str(at)[:20]} in {file}")
            moments.append(_moment(row, tokens[file][at]))
            places.append((file, at))
        if len({moment.name for moment in moments}) < len(moments):
            raise ValueError("two of its moments have one name")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise OptionError(f"This is no bank of moments, or a damaged one ({error}): {folder}") from None
    return Bank(folder, tuple(moments), tuple(places))


def _tokens(path: Path) -> Array:
    face = read_npz(path, names=("face",)).get("face", np.zeros(0))
    if face.dtype.kind != "f" or face.ndim != 3 or face.shape[1:] != (WINDOW, len(FACE)):
        raise ValueError(f"{path.name} holds no tokens of faces")
    if not (np.abs(face) < _LARGEST).all():
        raise ValueError(f"{path.name} holds numbers that no face has")
    return face.astype(np.float32)


def _moment(row: dict[str, object], face: Array) -> Moment:
    texts = {name: row[name] for name in ("name", "context", "emotion", "made", "source", "consent")}
    if not all(isinstance(text, str) and len(text) <= 1000 for text in texts.values()):
        raise ValueError("a moment says something else than texts of itself")
    known = {name: str(text) for name, text in texts.items()}
    if not NAME.fullmatch(known["name"]) or known["context"] not in CONTEXTS or known["made"] not in MADE:
        raise ValueError(f"a moment is called {known['name'][:60]!r} and has the context {known['context'][:20]!r}")
    if known["made"] == OWN and not known["consent"].strip():
        raise ValueError(f"{known['name']} says nothing of consent")
    vad, voice = _numbers(row["vad"], 3), _numbers(row["voice"] or [math.nan] * len(VOICE), len(VOICE))
    if not (np.abs(vad) <= 1.0).all():
        raise ValueError(f"{known['name']} has no VAD")
    return Moment(face=face, vad=vad, voice=voice, **known)


def _numbers(values: object, count: int) -> Array:
    if not isinstance(values, list) or len(values) != count or not all(type(v) in (int, float) for v in values):
        raise ValueError("a moment has other numbers than it should")
    return np.array(values, np.float32)


def add_moments(folder: Path, moments: list[Moment], *, file: str) -> Bank:
    """Put moments into a bank, which is made if need be, with their tokens in a new file of that name.

    Raises OptionError when a name is taken, somebody's own has no consent, or the bank would be too full or is damaged.
    """
    for moment in moments:
        if moment.made == OWN:
            require_consent(moment.consent, folder, whose="A moment is somebody's", example="Jane Doe, 2026-03-01")
    bank = read_bank(folder)
    taken = {moment.name for moment in bank.moments}
    twice = next((moment.name for moment in moments if moment.name in taken or (folder / file).exists()), None)
    if twice is not None or len(taken) + len(moments) > MOST_MOMENTS:
        why = f"already holds {twice}" if twice else f"cannot hold more than {MOST_MOMENTS} moments"
        raise OptionError(f"The bank {why}; forget some, or choose another name: {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    with written_beside(folder / file) as beside, beside.open("wb") as stream:
        np.savez_compressed(stream, face=np.array([moment.face for moment in moments], np.float16))
    places = [(file, row) for row in range(len(moments))]
    grown = Bank(folder, (*bank.moments, *moments), (*bank.places, *places))
    _write_index(grown)
    return grown


def forget_moments(folder: Path, names: list[str]) -> Bank:
    """Take moments out of a bank; files in which none is left are deleted, and nothing else is.

    Raises OptionError when there is none of that name.
    """
    bank = read_bank(folder)
    unknown = next((name for name in names if name not in {moment.name for moment in bank.moments}), None)
    if unknown is not None:
        raise OptionError(f"The bank holds no moment {unknown!r}; see `face-emote bank list`: {folder}")
    kept = [k for k, moment in enumerate(bank.moments) if moment.name not in names]
    smaller = replace(
        bank, moments=tuple(bank.moments[k] for k in kept), places=tuple(bank.places[k] for k in kept)
    )  # fmt: skip
    _write_index(smaller)
    for file in {file for file, _ in bank.places} - {file for file, _ in smaller.places}:
        (folder / file).unlink()
    return smaller


def _write_index(bank: Bank) -> None:
    rows = [
        {
            "name": m.name, "context": m.context, "emotion": m.emotion, "made": m.made, "source": m.source,
            "consent": m.consent, "vad": _rounded(m.vad), "voice": _rounded(m.voice), "file": file, "row": row,
        }
        for m, (file, row) in zip(bank.moments, bank.places, strict=True)
    ]  # fmt: skip
    with written_beside(bank.folder / INDEX) as beside:
        lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
        beside.write_text(f'{{"format": "{FORMAT}", "moments": [\n{lines}\n]}}\n', encoding="utf-8")


def _rounded(values: Array) -> list[float]:
    return [round(float(value), 3) for value in values] if np.isfinite(values).all() else []
