"""Damaged inputs end as a person's mistake in every reader; whatever else happens is found by `tools.fuzz`."""

import os
import random
import time
from pathlib import Path

import numpy as np
import pytest

from face_emote.core.errors import FaceEmoteError
from tools.fuzz.campaign import Campaign, Tally, orders_of
from tools.fuzz.damage import ANY, damaged
from tools.fuzz.reader import Reader, Seed
from tools.fuzz.readers import all_readers, quick_readers
from tools.fuzz.worker import Result

VALID = b"valid"


def run(folder: Path, readers, *, cases: int, seed: int = 0, most_secs: float = 10.0) -> tuple[list[Result], dict]:
    with Campaign(readers, folder, most_secs=most_secs) as campaign:
        results = list(campaign.results(orders_of(readers().values(), cases=cases, seed=seed)))
        return results, campaign.untriable


def told(results: list[Result]) -> list[str]:
    return [f"{one.reader} --seed {one.seed} --only {one.number}: {one.finding} {one.story}" for one in results]


def test_damage_is_a_persons_mistake_in_every_quick_reader(tmp_path):
    results, untriable = run(tmp_path, quick_readers, cases=200)
    assert not untriable and not told([one for one in results if one.finding])
    outcomes = [one.outcome for one in results]
    assert len(outcomes) == 200 and {"accepted", "refused"} == set(outcomes)


@pytest.mark.slow
def test_damage_is_a_persons_mistake_in_every_reader(tmp_path):
    results, untriable = run(tmp_path, all_readers, cases=1500, seed=1)
    assert not untriable and not told([one for one in results if one.finding])
    assert len(results) == 1500


def _seeds(_folder: Path) -> list[Seed]:
    return [Seed(VALID, ".txt")]


def _unless_valid(act):
    def read(path: Path) -> None:
        if path.read_bytes() != VALID:
            act(path)

    return read


def _fail(_path: Path) -> None:
    raise KeyError("a bug")


def _hold(_path: Path) -> None:
    assert np.ones(90 << 20)[0]


def _refuse(path: Path) -> None:
    raise FaceEmoteError(f"not valid: {path}")


def planted_readers() -> dict[str, Reader]:
    """Readers with every fault that there is, and a sound one."""
    acts = {
        "traceback": _fail,
        "memory": _hold,
        "files left": lambda path: path.with_name("left").touch(),
        "died": lambda _path: os._exit(3),
        "hang": lambda _path: time.sleep(60.0),
        "refused": _refuse,
    }
    return {name: Reader(name, "planted", _seeds, _unless_valid(act), is_file=False) for name, act in acts.items()}


def test_every_planted_fault_is_found(tmp_path):
    results, untriable = run(tmp_path, planted_readers, cases=6, most_secs=1.5)
    assert not untriable
    assert {one.reader: one.finding or one.outcome for one in results} == {name: name for name in planted_readers()}
    left = next(one for one in results if one.reader == "files left")
    assert left.left == ("here/left",)
    tally = Tally()
    for one in results:
        tally.add(one)
    assert tally.cases == 6 and set(tally.counts.values()) == {1} and tally.most_megabytes > 500.0


def untriable_readers() -> dict[str, Reader]:
    return {"deaf": Reader("deaf", "planted", _seeds, _refuse)}


def test_a_reader_that_refuses_its_own_valid_input_proves_nothing(tmp_path):
    results, untriable = run(tmp_path, untriable_readers, cases=3)
    assert not results and "a valid input (.txt) is refused" in untriable["deaf"]


def test_the_same_numbers_give_the_same_damage():
    data = random.Random(0).randbytes(3000)
    made = [[damaged(data, random.Random(f"0 x {i}"), own=()) for i in range(200)] for _ in range(2)]
    assert made[0] == made[1] and len(set(made[0])) > 150
    assert all(edit(data, random.Random(1)) != data for edit in ANY)
