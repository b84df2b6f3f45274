"""What teaches the reader of words."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from face_emote.core.errors import CorpusError
from face_emote.perception.words_features import denied_in, tokens_of
from face_emote.perception.words_net import read_words_net
from tools.train_words import teach
from tools.train_words.lessons import PLANS
from tools.train_words.measure import f1, fine_figures, thresholds
from tools.train_words.student import NetShape
from tools.train_words.texts import PARTS, part_of, read_sentences

GLAD, SAD, PLAIN = 17, 25, 27


def folder_of_sentences(folder: Path, *, ratings: float = 1.0) -> Path:
    """Three sets of a few hundred lines in which one word tells the feeling."""
    folder.mkdir()
    words = {GLAD: "wonderful", SAD: "terrible", PLAIN: "ordinary"}
    things = [
        f"{a} {b}" for a in "soup train letter garden song".split() for b in "today here again now then so".split()
    ]
    comments = [
        f"What a {word} {thing}\t{label}\tid" for label, word in words.items() for thing in things for _ in "ab"
    ]
    rated = [
        f"{3 + ratings * (label == GLAD)}\t3.{i % 2}\t3.{i % 3}\tA {word} {thing}."
        for label, word in words.items()
        for i, thing in enumerate(things)
    ]
    lines = [f"Das ist {word} {thing}\t{5 if word == 'gut' else 6}" for word in ("gut", "schlimm") for thing in things]
    for name, rows in (
        ("goemotions_train", comments),
        ("emobank_vad", rated),
        ("xed_de-x", lines),
        ("xed_en-x", lines),
    ):
        with gzip.open(folder / f"{name}.tsv.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")
    return folder


@pytest.fixture(autouse=True)
def small_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = {
        name: replace(plan, shape=NetShape(1024, 8, 16), epochs=12, rate=1e-2, batch=16) for name, plan in PLANS.items()
    }
    monkeypatch.setattr(teach, "PLANS", tiny)


def test_a_small_net_learns_which_word_tells_the_feeling(tmp_path: Path) -> None:
    folder = folder_of_sentences(tmp_path / "sets")
    assert teach.main([str(folder), "-o", str(tmp_path / "out"), "--only", "english", "--only", "vad"]) == 0
    net, extra = read_words_net(tmp_path / "out" / "words.npz")
    vad, _ = read_words_net(tmp_path / "out" / "words_vad.npz")
    assert set(extra) == {"prior", "known"}
    for word, label in (("wonderful", GLAD), ("terrible", SAD)):
        tokens = tokens_of(f"What a {word} garden today")
        assert int(net(tokens, denied_in(tokens)).argmax()) == label
    glad, plain = (tokens_of(f"A {word} garden today.") for word in ("wonderful", "ordinary"))
    assert vad(glad, denied_in(glad))[0] > vad(plain, denied_in(plain))[0] + 0.1


def test_the_nets_of_feelings_never_see_the_ratings(tmp_path: Path) -> None:
    files = []
    for ratings in (1.0, -1.0):
        folder = folder_of_sentences(tmp_path / f"sets{ratings}", ratings=ratings)
        assert teach.main([str(folder), "-o", str(tmp_path / f"out{ratings}"), "--only", "english"]) == 0
        files.append((tmp_path / f"out{ratings}" / "words.npz").read_bytes())
    assert files[0] == files[1]


def test_a_sentence_is_in_one_part_however_it_is_written() -> None:
    assert part_of("I like it!") == part_of("i like it") == part_of("I  LIKE, it...")
    parts = [part_of(f"sentence {i}") for i in range(2000)]
    assert {name: round(parts.count(name) / 2000, 1) for name in PARTS} == {"train": 0.8, "check": 0.1, "test": 0.1}


def test_sets_that_are_missing_or_damaged_are_said(tmp_path: Path) -> None:
    folder = folder_of_sentences(tmp_path / "sets")
    (folder / "goemotions_train.tsv.gz").write_bytes(b"no archive")
    with pytest.raises(CorpusError, match=r"goemotions_train"):
        read_sentences(folder)
    assert teach.main([str(tmp_path / "nowhere"), "-o", str(tmp_path / "out")]) == 2


def test_figures_are_those_of_a_perfect_and_of_a_blind_reader() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random((400, 28)) < 0.2).astype(np.float32)
    assert fine_figures((label, label), (label, label))["F1 of 28"] == 1.0
    assert f1(np.zeros_like(label), label, at=0.5).max() == 0.0
    assert thresholds(0.5 * label, label).max() < 0.5
