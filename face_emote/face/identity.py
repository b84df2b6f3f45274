"""People in words: origin, gender, age and build to betas of the bundled head.

MakeHuman describes a body by weights of its macro targets, each the product of the shares of its labels, and by details
of the face between -1 and 1. The builder projects every target onto the identity basis, so that a person is a small
matrix product.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.assets import ASSETS
from face_emote.core.errors import OptionError
from face_emote.core.names import NUM_SHAPE

IDENTITY_FILE = ASSETS / "flame" / "identity.npz"
RACE = ("african", "asian", "caucasian")
GENDER = ("male", "female")
AGE = ("child", "young", "old")
MUSCLE = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHT = ("minweight", "averageweight", "maxweight")
HEIGHT = ("minheight", "maxheight")
PROPORTIONS = ("idealproportions", "uncommonproportions")
AGE_ANCHORS = (1.0 / 3.0, 2.0 / 3.0, 1.0)  # MakeHuman's age scale at child (about 10 years), young (25) and old (90).
AGE_WORDS = {"child": AGE_ANCHORS[0], "teen": 0.5, "young": AGE_ANCHORS[1], "middle": 0.8, "old": AGE_ANCHORS[2]}


EVERYBODY = (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0)
VARIATION = 0.1
"""Standard deviation of the details of a random individual: clearly somebody, never a caricature (0.2 is)."""
_SIDES = ("l-", "r-")


@dataclass(frozen=True, slots=True, eq=False)
class Phenotypes:
    """People as MakeHuman's sliders, each 0..1."""

    gender: Float[Array, " person"]  # 0 male, 1 female.
    age: Float[Array, " person"]  # 1/3 child, 2/3 young adult, 1 old.
    muscle: Float[Array, " person"]
    weight: Float[Array, " person"]
    height: Float[Array, " person"]
    proportions: Float[Array, " person"]  # 0 ideal, 1 uncommon.
    race: Float[Array, "person 3"]  # Shares of RACE; scaled to sum 1.


def target_weights(people: Phenotypes, *, labels: tuple[tuple[str, ...], ...]) -> Float[Array, "person target"]:
    """Weight of each macro target: the product of the shares of its labels."""
    share: dict[str, Array] = {}
    for words, value, anchors in (
        (GENDER, people.gender, (0.0, 1.0)),
        (AGE, people.age, AGE_ANCHORS),
        (MUSCLE, people.muscle, (0.0, 0.5, 1.0)),
        (WEIGHT, people.weight, (0.0, 0.5, 1.0)),
        (HEIGHT, people.height, (0.0, 1.0)),
        (PROPORTIONS, people.proportions, (0.0, 1.0)),
    ):
        for word, knot in zip(words, np.eye(len(words)), strict=True):
            share[word] = np.interp(value, anchors, knot)
    race = people.race / people.race.sum(axis=1, keepdims=True)
    share |= {word: race[:, i] for i, word in enumerate(RACE)}
    return np.stack([np.prod([share[word] for word in label], axis=0) for label in labels], axis=1)


def detail_mirror(names: tuple[str, ...]) -> Int[Array, " detail"]:
    """For each detail the same one of the other side (itself when unsided)."""
    where = {name: i for i, name in enumerate(names)}
    swap = dict(zip(_SIDES, _SIDES[::-1], strict=True))
    return np.array([where.get(swap.get(name[:2], name[:2]) + name[2:], i) for i, name in enumerate(names)])


def random_details(
    rng: np.random.Generator, *, people: int, names: tuple[str, ...], deviation: float
) -> Float[Array, "person detail"]:
    """Details of random people in -1..1; the two sides of a face differ little."""
    amount = np.clip(rng.normal(0.0, deviation, (people, len(names))), -1.0, 1.0)
    other = detail_mirror(names)
    right = np.array([name.startswith(_SIDES[1]) for name in names]) & (other != np.arange(len(names)))
    amount[:, right] = amount[:, other[right]] + rng.normal(0.0, 0.12 * deviation, (people, right.sum()))
    return np.clip(amount, -1.0, 1.0)


def both_signs(amount: Float[Array, "person detail"]) -> Float[Array, "person detail 2"]:
    """Weights of each detail's two targets: the one above zero and the one below."""
    return np.stack([np.maximum(amount, 0.0), np.maximum(-amount, 0.0)], axis=2)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """What the builder wrote: betas of every target."""

    macro_labels: tuple[tuple[str, ...], ...]
    macro_betas: Float[Array, "macro shape"]
    detail_names: tuple[str, ...]
    detail_betas: Float[Array, "detail 2 shape"]
    base_betas: Float[Array, " shape"]


@lru_cache(maxsize=1)
def _table() -> _Table:
    with np.load(IDENTITY_FILE, allow_pickle=False) as stored:
        return _Table(
            macro_labels=tuple(tuple(str(words).split()) for words in stored["macro_labels"]),
            macro_betas=stored["macro_betas"].astype(np.float32),
            detail_names=tuple(str(name) for name in stored["detail_names"]),
            detail_betas=stored["detail_betas"].astype(np.float32),
            base_betas=stored["base_betas"],
        )


def detail_names() -> tuple[str, ...]:
    """Names that `identity(details=..)` knows; those of eyes, ears and cheeks also work without their side (l-, r-)."""
    names = _table().detail_names
    return (*names, *(name[2:] for name in names if name.startswith(_SIDES[0])))


def identity(  # noqa: PLR0913 - its keywords are the public words for a person
    *,
    race: str | tuple[float, float, float] = EVERYBODY,
    gender: str | float = 0.5,
    age: str | float = "young",
    muscle: float = 0.5,
    weight: float = 0.5,
    height: float = 0.5,
    proportions: float = 0.5,
    details: Mapping[str, float] | None = None,
    seed: int | None = None,
    variation: float = VARIATION,
) -> Float[Array, f" shape={NUM_SHAPE}"]:
    """Betas of a person, for `Head.with_identity` and `animate`.

    Args:
        race: `african`, `asian`, `caucasian`, or three shares in this order.
        gender: `male`, `female`, or 0 (male) to 1 (female).
        age: `child`, `teen`, `young`, `middle`, `old`, or 1/3 (child) over 2/3 (about 25) to 1 (about 90).
        muscle: 0..1, 0.5 is the average; so are weight, height and proportions (0 ideal, 1 uncommon).
        weight: 0..1.
        height: 0..1.
        proportions: 0..1.
        details: amounts in -1..1 by MakeHuman's names (`detail_names`), for example {"nose-hump-incr": 0.4}.
        seed: draws the other details at random: an individual instead of a type.
        variation: standard deviation of the random details, 0..0.5.

    Raises:
        OptionError: an unknown word or a value out of range.
    """
    table = _table()
    people = Phenotypes(
        gender=_slider(
            "gender", float(GENDER.index(gender)) if isinstance(gender, str) and gender in GENDER else gender
        ),
        age=_slider("age", _age_of(age), low=AGE_ANCHORS[0]),
        muscle=_slider("muscle", muscle),
        weight=_slider("weight", weight),
        height=_slider("height", height),
        proportions=_slider("proportions", proportions),
        race=_race_of(race),
    )
    amount = np.zeros((1, len(table.detail_names)))
    if seed is not None:
        rng = np.random.default_rng(seed)
        spread = float(_slider("variation", 2.0 * variation)[0]) / 2.0
        amount = random_details(rng, people=1, names=table.detail_names, deviation=spread)
    for name, value in (details or {}).items():
        amount[0, _detail_index(name, table.detail_names)] = _slider(name, value, low=-1.0)
    macro = target_weights(people, labels=table.macro_labels)[0] @ table.macro_betas
    detail = np.tensordot(both_signs(amount)[0], table.detail_betas, axes=2)
    return np.asarray(table.base_betas + macro + detail, np.float32)


def _slider(name: str, value: str | float, *, low: float = 0.0) -> Float[Array, " person=1"]:
    if isinstance(value, str) or not (math.isfinite(value) and low - 1e-6 <= value <= 1.0):
        raise OptionError(f"{name} must lie between {low:.3g} and 1 (or be one of its words), got '{value}'")
    return np.array([float(value)])


def _age_of(age: str | float) -> float:
    if isinstance(age, str):
        if age not in AGE_WORDS:
            raise OptionError(f"age '{age}' is not known; use {', '.join(AGE_WORDS)} or a number from 0.333 to 1")
        return AGE_WORDS[age]
    return age


def _race_of(race: str | tuple[float, float, float]) -> Float[Array, "person=1 3"]:
    if isinstance(race, str):
        if race not in RACE:
            raise OptionError(f"race '{race}' is not known; use {', '.join(RACE)} or three shares")
        return np.eye(3)[[RACE.index(race)]]
    shares = np.array([race], np.float64)
    if shares.shape != (1, 3) or not np.all(np.isfinite(shares)) or shares.min() < 0 or shares.sum() <= 0:
        raise OptionError(f"race must be three shares of {', '.join(RACE)}, none negative, not all zero, got {race}")
    return shares


def _detail_index(name: str, names: tuple[str, ...]) -> list[int]:
    wanted = {name, *(side + name for side in _SIDES)}
    found = [i for i, known in enumerate(names) if known in wanted]
    if not found:
        near = difflib.get_close_matches(name, detail_names(), n=3, cutoff=0.3)
        raise OptionError(f"There is no facial detail '{name}'; near it: {', '.join(near) or 'none'}")
    return found
