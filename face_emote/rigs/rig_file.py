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

    [vowels]                          # which shapes are the vowels; on every frame the one that is said leads
    aa = "AA"

    [cues]                            # a target is a drawing of the mouth: one at a time is on show
    D = { jawOpen = 0.8 }

Or a `.txt` with a target's name on each line, each of which is one of our curves as that program spells it.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from face_emote.core.assets import ASSETS
from face_emote.core.errors import OptionError
from face_emote.core.names import ARKIT_ORDER, FACE_ANGLES, KEYED_CONTROLS
from face_emote.core.reading import content_of
from face_emote.core.records import Record, number_from, parsed_json
from face_emote.rigs.curve_names import SKIN_CURVES, meaning
from face_emote.rigs.vowels import VOWEL_SOUNDS

FOLDER = ASSETS / "rigs"
FORMS = ("sums", "shapes", "cues")
SOURCES = (*ARKIT_ORDER, *FACE_ANGLES, *(name for name in KEYED_CONTROLS if name not in ARKIT_ORDER), *SKIN_CURVES)
"""Curves that a rig may use: the 61 of ARKit, our extra controls, and the skin's."""
MAX_BYTES = 1 << 20
MAX_TARGETS = 4096
MAX_WEIGHT = 1000.0
MAX_LIMIT = 1e6


@dataclass(frozen=True, slots=True)
class RigTarget:
    """One target of another face."""

    name: str
    weights: Mapping[str, float]  # By one of SOURCES: factors of a sum, or the amounts that make a face.
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
    vowels: Mapping[str, str] = field(default_factory=dict)  # By one of `vowels.VOWEL_SOUNDS`, the shape that is it.
    unmatched: tuple[str, ...] = ()  # Names of a list that mean none of our curves; they stay out.

    @property
    def targets(self) -> tuple[RigTarget, ...]:
        """Sums, then shapes."""
        return (*self.sums, *self.shapes)


def rig_names() -> tuple[str, ...]:
    """Names of the bundled rigs."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_rig(rig: str | Path | Mapping[str, object]) -> Rig:
    """A bundled rig by its name (in any case), a file, or what such a file would hold.

    OptionError: there is none of that name, or the file is damaged; the message says what is wrong.
    """
    if isinstance(rig, Mapping):
        with _faults_named("a mapping in Python"):
            return _rig(Record.of(dict(rig)), name="own")
    bundled = FOLDER / f"{str(rig).lower()}.toml"
    if str(rig).lower() in rig_names():
        return _read(bundled, name=str(rig).lower())
    path = Path(rig)
    if path.suffix.lower() not in (".toml", ".json", ".txt"):
        raise OptionError(
            f"There is no rig '{rig}'; choose among {', '.join(rig_names())}, or give a .toml, .json or .txt file, "
            "or a FLAME or SMPL-X model (.pkl, .npz)"
        )
    return _read(path, name=path.stem)


@contextmanager
def _faults_named(place: str | Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise OptionError(f"There is no such rig file; check the name: {place}") from None
    except OSError as error:
        raise OptionError(f"The rig file cannot be opened ({error.strerror}); check it: {place}") from None
    except UnicodeDecodeError:
        raise OptionError(f"Not a usable rig: it is not text in UTF-8: {place}") from None
    except (ValueError, RecursionError) as error:
        raise OptionError(f"Not a usable rig: {' '.join(str(error).split())}: {place}") from None


def _read(path: Path, *, name: str) -> Rig:
    with _faults_named(path):
        data = content_of(path, most=MAX_BYTES)
        if path.suffix.lower() == ".json":
            return _rig(Record.of(parsed_json(data)), name=name)
        text = data.decode("utf-8-sig")
        if path.suffix.lower() == ".txt":
            return _listed(text, name=name)
        return _rig(Record.of(tomllib.loads(text)), name=name)


def _listed(text: str, *, name: str) -> Rig:
    names = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not 0 < len(names) <= MAX_TARGETS:
        raise ValueError(f"it lists {len(names)} names; expected 1 to {MAX_TARGETS}")
    if len(set(names)) < len(names):
        raise ValueError("it lists a name twice")
    meant = {given: meaning(given) for given in names}
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


def _rig(content: Record, *, name: str) -> Rig:
    if not any(form in content.values for form in FORMS):
        raise ValueError("it has none of the tables [sums], [shapes], [cues]")
    content.require_names(("title", "about", "limits", "absorbed", "vowels", *FORMS))
    content.text("about", "")
    limits = _limits(content, usual=(0.0, 1.0))
    groups = {form: _targets(content.table(form, {}), limits=limits) for form in (*FORMS, "absorbed")}
    every = [target.name for form in ("sums", "shapes") for target in groups[form]]
    if len(set(every)) < len(every):
        raise ValueError("a target is both a sum and a shape")
    if not every and not groups["cues"]:
        raise ValueError("it has no targets")
    return Rig(
        name=name,
        title=content.text("title", name),
        sums=groups["sums"],
        shapes=groups["shapes"],
        cues=groups["cues"],
        absorbed=groups["absorbed"],
        vowels=_vowels(content.table("vowels", {}), shapes=groups["shapes"]),
    )


def _vowels(table: Record, *, shapes: tuple[RigTarget, ...]) -> dict[str, str]:
    table.require_names(VOWEL_SOUNDS)
    found = {sound: table.text(sound) for sound in table.values}
    unknown = next((name for name in found.values() if name not in {target.name for target in shapes}), None)
    if unknown is not None:
        raise ValueError(f"vowels name {unknown!r:.60}, which is none of the shapes")
    if len(set(found.values())) < len(found):
        raise ValueError("vowels name a shape twice")
    return found


def _targets(table: Record, *, limits: tuple[float, float]) -> tuple[RigTarget, ...]:
    if len(table.values) > MAX_TARGETS:
        raise ValueError(f"{table.place} has {len(table.values)} targets; expected at most {MAX_TARGETS}")
    return tuple(_target(table, name, limits=limits) for name in table.values)


def _target(table: Record, name: str, *, limits: tuple[float, float]) -> RigTarget:
    if not name.strip():
        raise ValueError(f"a target of {table.place} has an empty name")
    where = f"target '{name}'"
    entry = Record.of(table.values[name], where)
    low, high = _limits(entry, usual=limits)
    weights: dict[str, float] = {}
    for given in entry.values:
        if given == "limits":
            continue
        curve = meaning(given)
        if curve is None:
            raise ValueError(f"{where} wants the curve '{given}', which does not exist")
        if curve in weights:
            raise ValueError(f"{where} names the curve {curve} twice")
        weights[curve] = entry.number(given, low=-MAX_WEIGHT, high=MAX_WEIGHT)
    # A mouth at rest is a shape and a cue; a sum of nothing is a slip.
    if not weights and table.place not in ("shapes", "cues"):
        raise ValueError(f"{where} of {table.place} names no curve")
    return RigTarget(name, weights, low=low, high=high)


def _limits(record: Record, *, usual: tuple[float, float]) -> tuple[float, float]:
    values, where = record.rows("limits", list(usual)), f"limits of {record.place or 'the rig'}"
    if len(values) != 2:
        raise ValueError(f"{where} must be two numbers, the lowest and the highest value")
    low, high = (number_from(item, where, low=-MAX_LIMIT, high=MAX_LIMIT) for item in values)
    if not low < high:
        raise ValueError(f"{where}: the lower limit {low:g} is not below the upper one {high:g}")
    return low, high
