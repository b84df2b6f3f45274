"""People in words, and the ready characters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.core.errors import OptionError
from face_emote.face.bundled import load_head
from face_emote.face.characters import character, characters
from face_emote.face.identity import (
    AGE,
    GENDER,
    HEIGHT,
    IDENTITY_FILE,
    MUSCLE,
    PROPORTIONS,
    RACE,
    WEIGHT,
    Phenotypes,
    detail_mirror,
    detail_names,
    identity,
    target_weights,
)

FLIP = np.array([-1, 1, 1], np.float32)


def shape(**words: object) -> np.ndarray:
    head = load_head()
    betas = identity(**words)  # type: ignore[arg-type]
    return head.template + np.tensordot(betas, head.shape_basis, axes=1)


def labels() -> tuple[tuple[str, ...], ...]:
    with np.load(IDENTITY_FILE) as stored:
        return tuple(tuple(str(words).split()) for words in stored["macro_labels"])


def target_weights_ref(person: dict[str, float], race: tuple[float, float, float], words: tuple[str, ...]) -> float:
    """MakeHuman's rule for one target: multiply the shares of its labels, each a tent over its anchors."""
    weight = 1.0
    axes = {
        "gender": (GENDER, (0.0, 1.0)),
        "age": (AGE, (1 / 3, 2 / 3, 1.0)),
        "muscle": (MUSCLE, (0.0, 0.5, 1.0)),
        "weight": (WEIGHT, (0.0, 0.5, 1.0)),
        "height": (HEIGHT, (0.0, 1.0)),
        "proportions": (PROPORTIONS, (0.0, 1.0)),
    }
    for word in words:
        if word in RACE:
            weight *= race[RACE.index(word)] / sum(race)
            continue
        for name, (known, anchors) in axes.items():
            if word in known:
                at, x = known.index(word), person[name]
                if at > 0 and anchors[at - 1] <= x <= anchors[at]:
                    weight *= (x - anchors[at - 1]) / (anchors[at] - anchors[at - 1])
                elif at < len(anchors) - 1 and anchors[at] <= x <= anchors[at + 1]:
                    weight *= (anchors[at + 1] - x) / (anchors[at + 1] - anchors[at])
                else:
                    weight = 0.0
    return weight


unit = st.floats(0.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(
    person=st.fixed_dictionaries(
        {name: unit for name in ("gender", "muscle", "weight", "height", "proportions")} | {"age": st.floats(1 / 3, 1)}
    ),
    race=st.tuples(unit, unit, st.floats(0.1, 1.0)),
)
def test_target_weights_equal_their_slow_twin(person, race):
    people = Phenotypes(race=np.array([race]), **{name: np.array([value]) for name, value in person.items()})
    chosen = labels()[::9]
    fast = target_weights(people, labels=chosen)[0]
    slow = [target_weights_ref(person, race, words) for words in chosen]
    np.testing.assert_allclose(fast, slow, atol=1e-9)


def test_every_kind_of_person_is_symmetric_and_different():
    mirror = load_head().layout.mirror
    kinds = [shape(race=race, gender=gender, age=age) for race in RACE for gender in GENDER for age in AGE]
    for one in kinds:
        np.testing.assert_allclose(one[mirror] * FLIP, one, atol=2e-4)
    for i, one in enumerate(kinds):
        for other in kinds[:i]:
            assert np.abs(one - other).max() > 2e-3


def test_words_and_numbers_mean_the_same():
    words = identity(race="asian", gender="female", age="old")
    np.testing.assert_array_equal(words, identity(race=(0.0, 2.0, 0.0), gender=1.0, age=1.0))
    middle = identity(gender=0.5)
    mixed = 0.5 * (identity(gender="male") + identity(gender="female"))
    np.testing.assert_allclose(middle, mixed, atol=2e-3)


def test_people_look_as_described():
    head = load_head()
    jaw = np.abs(head.template[:, 0])[head.layout.vertices_of("head")]
    assert jaw.size

    def width(points: np.ndarray) -> float:
        nose = np.flatnonzero((np.abs(head.template[:, 1]) < 0.012) & (head.template[:, 2] > 0.105))
        return float(np.ptp(points[nose, 0]))

    assert width(shape(race="african", gender=1.0)) > width(shape(race="caucasian", gender=1.0)) + 0.002

    def height(points: np.ndarray) -> float:
        return float(np.ptp(points[head.layout.vertices_of("head"), 1]))

    assert height(shape(age="child")) < height(shape(age="young")) - 0.005
    assert height(shape(gender="female")) < height(shape(gender="male"))


def test_a_seed_makes_an_individual_and_always_the_same_one():
    np.testing.assert_array_equal(identity(seed=5), identity(seed=5))
    assert np.abs(shape(seed=5) - shape(seed=6)).max() > 1e-3
    assert np.abs(shape(seed=5, variation=0.0) - shape()).max() == 0.0
    calm, wild = (np.abs(shape(seed=5, variation=spread) - shape()).max() for spread in (0.05, 0.3))
    assert calm < wild


def test_details_act_on_both_sides_and_in_both_directions():
    mirror = load_head().layout.mirror
    plain = shape()
    bigger, smaller = shape(details={"eye-scale-incr": 0.8}), shape(details={"eye-scale-incr": -0.8})
    np.testing.assert_allclose(bigger[mirror] * FLIP, bigger, atol=3e-4)
    eye = load_head().layout.vertices_of("eyeL")
    sizes = [np.ptp(points[eye], axis=0).prod() for points in (smaller, plain, bigger)]
    assert sizes[0] < sizes[1] < sizes[2]
    one_side = shape(details={"l-eye-scale-incr": 0.8})
    assert np.abs(one_side[mirror] * FLIP - one_side).max() > 5e-4


def test_details_pair_up():
    names = detail_names()
    with_sides = tuple(name for name in names if names.count(name) == 1)
    other = detail_mirror(with_sides)
    for i, name in enumerate(with_sides):
        if name.startswith("l-"):
            assert with_sides[other[i]] == "r-" + name[2:]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"race": "martian"}, "race 'martian' is not known; use african, asian, caucasian"),
        ({"race": (0.0, 0.0, 0.0)}, "three shares"),
        ({"race": (1.0, -1.0, 1.0)}, "three shares"),
        ({"gender": "robot"}, "gender must lie between 0 and 1"),
        ({"gender": 1.5}, "gender must lie"),
        ({"age": 0.1}, "age must lie between 0.333 and 1"),
        ({"age": "ancient"}, "use child, teen, young, middle, old"),
        ({"muscle": float("nan")}, "muscle must lie"),
        ({"weight": -0.2}, "weight must lie"),
        ({"details": {"nose-hump": 0.3}}, "nose-hump-incr"),
        ({"details": {"nose-hump-incr": 3.0}}, "nose-hump-incr must lie between -1 and 1"),
        ({"seed": 1, "variation": 2.0}, "variation must lie"),
    ],
)
def test_mistakes_are_explained(words, says):
    with pytest.raises(OptionError, match=says):
        identity(**words)


@settings(max_examples=15, deadline=None)
@given(
    gender=unit,
    age=st.floats(1 / 3, 1),
    muscle=unit,
    weight=unit,
    height=unit,
    proportions=unit,
    seed=st.integers(0, 99),
)
def test_anybody_is_a_usable_head(gender, age, muscle, weight, height, proportions, seed):
    betas = identity(
        gender=gender, age=age, muscle=muscle, weight=weight, height=height, proportions=proportions, seed=seed
    )
    person = load_head().with_identity(betas)
    assert np.isfinite(person.template).all()
    size = np.ptp(person.template[load_head().layout.vertices_of("head")], axis=0)
    assert np.all(size > 0.1) and np.all(size < 0.4)


def test_there_are_eight_different_characters():
    people = characters()
    assert people[0].name == "default"
    assert len({item.name for item in people}) == len(people) == 8
    for i, one in enumerate(people):
        for other in people[:i]:
            assert np.linalg.norm(one.betas - other.betas) > 3.0
            assert one.skin != other.skin


def test_characters_are_people_not_outliers():
    for item in characters():
        assert np.abs(item.betas).max() < 6.0
        assert not item.betas.flags.writeable


def test_a_misspelt_character_is_corrected():
    assert character("amara").name == "amara"
    with pytest.raises(OptionError, match="did you mean 'james'"):
        character("Jmaes")
    with pytest.raises(OptionError, match="there are default, james"):
        character("xyzzyx")


def test_identity_belongs_to_the_bundled_head():
    with np.load(IDENTITY_FILE) as stored:
        assert str(stored["basis"]) == load_head().basis
