"""Rigs as data: which targets another face has, and what of ours drives each.

A `.toml` or `.json` file, bundled (`assets/rigs`) or a user's own:

    title = "Heroine, game build 7"
    limits = [0.0, 1.0]               # of every target, if left out 0 and 1

    [sums]                            # a target is a weighted sum of our curves, in any spelling
    Smile_L = { mouthSmileLeft = 1.0, cheekSquintLeft = 0.2 }
    Brow_Up = { browInnerUp = 0.8, limits = [0.0, 0.8] }

    [shapes]                          # a target is a face; all of them together are mixed to come nearest to ours
    AA = { jawOpen = 0.65, mouthLowerDownLeft = 0.2, mouthLowerDownRight = 0.2 }

    [absorbed]                        # faces that shapes and cues do not see, so that a smile is no vowel
    smile = { mouthSmileLeft = 1.0, mouthSmileRight = 1.0 }

    [cues]                            # a target is a drawing of the mouth: one at a time is on show
    D = { jawOpen = 0.8 }

Or a `.txt` with a target's name on each line, each of which is one of our curves as that program spells it.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_emote.core.assets import ASSETS
from face_emote.core.errors import OptionError
from face_emote.core.names import ARKIT_ORDER, BLOOD_REGIONS, CONTROLS, FACE_ANGLES, WRINKLES
from face_emote.rigs.curve_names import meaning

FOLDER = ASSETS / "rigs"
FORMS = ("sums", "shapes", "cues")
SOURCES = (
    *ARKIT_ORDER,
    *FACE_ANGLES,
    *(name for name in CONTROLS if name not in ARKIT_ORDER and not name.startswith("reserved")),
    *(f"wrinkle_{name}" for name in WRINKLES),
    *(f"blood_{name}" for name in BLOOD_REGIONS),
)
"""Curves that a rig may use: the 61 of ARKit, our extra controls, and the skin's."""
MAX_BYTES = 1 << 20
MAX_TARGETS = 4096
MAX_WEIGHT = 1000.0


@dataclass(frozen=True, slots=True)
class RigTarget:
    """One target of another face."""

    name: str
    weights: Mapping[str, float]
    """By one of SOURCES: factors of a sum, or the amounts that make a face."""
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class Rig:
    """A set of targets."""

    name: str
    title: str
    sums: tuple[RigTarget, ...] = ()
    shapes: tuple[RigTarget, ...] = ()
    cues: tuple[RigTarget, ...] = ()
    absorbed: tuple[RigTarget, ...] = ()
    unmatched: tuple[str, ...] = ()
    """Names of a list that mean none of our curves; they stay out."""

    @property
    def targets(self) -> tuple[RigTarget, ...]:
        """Sums, then shapes."""
        return (*self.sums, *self.shapes)


def rig_names() -> tuple[str, ...]:
    """Names of the bundled rigs."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_rig(name: str | Path) -> Rig:
    """A bundled rig by its name (in any case), or a file.

    Raises:
        OptionError: there is none of that name, or the file is damaged; the message says what is wrong.
    """
    bundled = FOLDER / f"{str(name).lower()}.toml"
    if str(name).lower() in rig_names():
        return _read(bundled, name=str(name).lower())
    path = Path(name)
    if path.suffix.lower() not in (".toml", ".json", ".txt"):
        raise OptionError(
            f"There is no rig '{name}'; choose among {', '.join(rig_names())}, or give a .toml, .json or .txt file, "
            "or a FLAME or SMPL-X model (.pkl, .npz)"
        )
    return _read(path, name=path.stem)


def _read(path: Path, *, name: str) -> Rig:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError("it is larger than 1 MiB")
        text = data.decode("utf-8-sig")
        if path.suffix.lower() == ".txt":
            return _listed(text, name=name)
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
        return _rig(content, name=name)
    except FileNotFoundError:
        raise OptionError(f"There is no such rig file; check the name: {path}") from None
    except OSError as error:
        raise OptionError(f"The rig file cannot be opened ({error.strerror}); check it: {path}") from None
    except UnicodeDecodeError:
        raise OptionError(f"Not a usable rig: it is not text in UTF-8: {path}") from None
    except (ValueError, RecursionError) as error:
        raise OptionError(f"Not a usable rig: {' '.join(str(error).split())}: {path}") from None


def _listed(text: str, *, name: str) -> Rig:
    names = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not 0 < len(names) <= MAX_TARGETS:
        raise ValueError(f"it lists {len(names)} names; expected 1 to {MAX_TARGETS}")
    if len(set(names)) < len(names):
        raise ValueError("it lists a name twice")
    meant = {given: source_named(given) for given in names}
    if not any(meant.values()):
        raise ValueError("none of its names means one of our curves")
    targets = tuple(_single(given, curve) for given, curve in meant.items() if curve is not None)
    return Rig(
        name=name, title=name, sums=targets, unmatched=tuple(given for given, curve in meant.items() if curve is None)
    )


def _single(name: str, curve: str) -> RigTarget:
    """A target that is one curve; angles and blood flow go below zero too."""
    low, high = (-math.pi, math.pi) if curve in FACE_ANGLES else ((-1.0, 1.0) if curve.startswith("blood_") else (0, 1))
    return RigTarget(name, {curve: 1.0}, low=float(low), high=float(high))


def _rig(content: object, *, name: str) -> Rig:
    if not isinstance(content, dict) or not any(form in content for form in FORMS):
        raise ValueError("it has none of the tables [sums], [shapes], [cues]")
    unknown = sorted(set(content) - {*FORMS, "absorbed", "title", "about", "limits"})
    if unknown:
        raise ValueError(
            f"'{unknown[0]}' means nothing in a rig; it may hold title, about, limits, absorbed, {', '.join(FORMS)}"
        )
    limits = _limits(content.get("limits", [0.0, 1.0]), where="limits")
    groups = {form: _targets(content.get(form, {}), form=form, limits=limits) for form in (*FORMS, "absorbed")}
    every = [target.name for form in ("sums", "shapes") for target in groups[form]]
    if len(set(every)) < len(every):
        raise ValueError("a target is both a sum and a shape")
    if not every and not groups["cues"]:
        raise ValueError("it has no targets")
    return Rig(
        name=name,
        title=str(content.get("title", name)),
        sums=groups["sums"],
        shapes=groups["shapes"],
        cues=groups["cues"],
        absorbed=groups["absorbed"],
    )


def _targets(table: object, *, form: str, limits: tuple[float, float]) -> tuple[RigTarget, ...]:
    if not isinstance(table, dict):
        raise ValueError(f"{form} is no table")
    if len(table) > MAX_TARGETS:
        raise ValueError(f"{form} has {len(table)} targets; expected at most {MAX_TARGETS}")
    out = []
    for name, entry in table.items():
        if not isinstance(entry, dict):
            raise ValueError(f"target '{name}' is no table of curves and weights")
        low, high = _limits(entry.get("limits", list(limits)), where=f"target '{name}'")
        weights: dict[str, float] = {}
        for given, value in entry.items():
            if given == "limits":
                continue
            curve = source_named(given)
            if curve is None:
                raise ValueError(f"target '{name}' wants the curve '{given}', which does not exist")
            if curve in weights:
                raise ValueError(f"target '{name}' names the curve {curve} twice")
            weights[curve] = _number(value, where=f"target '{name}'", most=MAX_WEIGHT)
        out.append(RigTarget(str(name), weights, low=low, high=high))
    return tuple(out)


def _limits(value: Any, *, where: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{where}: limits are two numbers, the lowest and the highest value")
    low, high = (_number(item, where=where, most=1e6) for item in value)
    if not low < high:
        raise ValueError(f"{where}: the lower limit {low:g} is not below the upper one {high:g}")
    return low, high


def _number(value: Any, *, where: str, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
        raise ValueError(f"{where} holds {value!r} where a number up to {most:g} is wanted")
    return float(value)


def source_named(name: str) -> str | None:
    """The curve of SOURCES that a foreign spelling means, or None."""
    plain = name.strip().lower().replace("skin_", "")
    for known in SOURCES:
        if known.startswith(("wrinkle_", "blood_")) and plain.replace("bloodflow", "blood") == known:
            return known
    return meaning(name)
