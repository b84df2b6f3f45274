"""What words are read to say."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words_lines import LINES, MENDED, UNREAD

from face_emote.core.errors import CheckpointError
from face_emote.core.names import EMOTIONS
from face_emote.core.types import SpokenWord
from face_emote.perception import words as module
from face_emote.perception.words import FINE_WORDS, WordsReading, read_timed_words, read_words
from face_emote.perception.words_net import read_words_net
from face_emote.perception.words_phrases import IRONY, PHRASES, load_phrases


def is_right(reading: WordsReading, wanted: str) -> bool:
    """Whether a line is read as `words_lines` says."""
    words = wanted.split()
    of = {name: float(p) for name, p in zip(EMOTIONS, reading.mix, strict=True)}
    fine = {name: float(p) for name, p in zip(FINE_WORDS, reading.fine, strict=True)}
    names = [word for word in words if word.isalpha() and word != "plain"]
    rare = [name for name in names if name not in EMOTIONS]
    best = [max(of, key=lambda name: of[name])] + ([max(fine, key=lambda name: fine[name])] if rare else [])
    return (
        (not names or any(name in names for name in best))
        and ("+" not in words or reading.vad[0] > 0.0)
        and ("-" not in words or reading.vad[0] < 0.0)
        and ("!" not in words or reading.irony > 0.5)
        and ("plain" not in words or reading.irony < 0.5)
    )


def test_thirty_four_of_forty_hand_written_lines_are_read_right() -> None:
    wrong = [line for line, wanted in LINES if not is_right(read_words(line), wanted)]
    assert len(LINES) == 40
    assert len(wrong) <= 6, wrong


def test_lines_whose_kinds_were_mended_are_read_right() -> None:
    assert sum(is_right(read_words(line), wanted) for line, wanted in MENDED) >= 28


def test_three_quarters_of_lines_that_nobody_looked_at_are_read_right() -> None:
    # Counted without saying which: the set would be read.
    assert sum(is_right(read_words(line), wanted) for line, wanted in UNREAD) >= 0.75 * len(UNREAD)


def test_what_nobody_could_do_better_is_praise_and_not_denied() -> None:
    praise, blame = read_words("No one could have sung it better."), read_words("No one could sing it.")
    joy = EMOTIONS.index("joy")
    assert praise.mix[joy] > 0.3 and praise.mix[joy] > 5.0 * blame.mix[joy]
    assert praise.vad[0] > blame.vad[0]


def test_a_line_is_not_right_when_it_is_read_as_another() -> None:
    wanted = dict(LINES)
    assert not is_right(read_words("I'm over the moon!"), wanted["Ich habe Angst."])
    assert not is_right(read_words("Oh great, another meeting."), wanted["Oh great, we made it!"])


@given(st.text(max_size=300))
def test_any_text_gives_probabilities_and_finite_figures(text: str) -> None:
    reading = read_words(text)
    assert np.isclose(reading.mix.sum(), 1.0, atol=1e-5) and (reading.mix >= 0.0).all()
    assert (np.abs(reading.vad) <= 1.0).all() and (reading.vad_sd > 0.0).all()
    assert ((reading.fine >= 0.0) & (reading.fine <= 1.0)).all()
    assert 0.0 <= reading.evidence <= 1.0 and 0.0 <= reading.irony <= 1.0


@pytest.mark.parametrize(
    "text", ["", "   \n", "\x00\x07\x1b[31m", "\ud800", "١٢٣ 456", "....", "\u202e\u200b", "-" * 999]
)
def test_what_says_nothing_is_neutral_and_without_evidence(text: str) -> None:
    reading = read_words(text)
    assert EMOTIONS[int(reading.mix.argmax())] == "neutral"
    assert reading.evidence < 0.5


def test_a_megabyte_is_read_in_a_moment() -> None:
    for text in ("I hate you. " * 90_000, "a" * 1_000_000, "😡" * 250_000, "你" * 300_000):
        start = time.process_time()
        read_words(text)
        assert time.process_time() - start < 8.0


def test_words_of_an_unknown_language_are_hardly_evidence() -> None:
    known, unknown = read_words("I hate you, you monster"), read_words("Ngiyakuzonda wena silwane esibi kakhulu")
    assert unknown.evidence < 0.5 * known.evidence


def test_the_same_words_are_read_the_same() -> None:
    first, second = (read_words("I can't believe you lied to me!") for _ in range(2))
    for field in dataclasses.fields(WordsReading):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name))


@pytest.mark.parametrize(
    "word, feeling", [("happy", "joy"), ("afraid", "fear"), ("angry", "anger"), ("disgusted", "disgust")]
)
def test_what_is_denied_counts_less_than_what_is_said(word: str, feeling: str) -> None:
    said, denied = read_words(f"I am {word}."), read_words(f"I am not {word}.")
    column = EMOTIONS.index(feeling)
    assert denied.mix[column] < 0.5 * said.mix[column]


def test_irony_turns_joy_and_is_weaker_evidence() -> None:
    turned, plain = read_words("Oh great, another meeting."), read_words("Oh great, we made it!")
    joy = EMOTIONS.index("joy")
    assert turned.irony > 0.5 > plain.irony
    assert turned.mix[joy] < plain.mix[joy] and turned.vad[0] < plain.vad[0]


def timed(text: str, *, pause_after: int = -1) -> list[SpokenWord]:
    words, clock = [], 0.0
    for i, word in enumerate(text.split()):
        words.append(SpokenWord(word, clock, clock + 0.3))
        clock += 0.3 + (1.0 if i == pause_after else 0.0)
    return words


def test_spoken_sentences_follow_the_stops_of_the_transcript() -> None:
    words = timed("i am so happy to see you but i am scared")
    found = read_timed_words(words, transcript="I am so happy to see you! But I am scared.")
    assert [(round(start, 1), round(end, 1)) for start, end, _ in found] == [(0.0, 2.1), (2.1, 3.3)]
    assert [EMOTIONS[int(reading.mix.argmax())] for *_, reading in found] == ["joy", "fear"]


def test_without_a_transcript_a_pause_ends_a_clause() -> None:
    found = read_timed_words([*timed("i am so happy i am scared", pause_after=3), SpokenWord("", 9.0, 9.5)])
    assert [(round(start, 1), round(end, 1)) for start, end, _ in found] == [(0.0, 1.2), (2.2, 3.1)]
    assert read_timed_words([]) == []


def test_without_the_ratings_the_fine_words_give_the_vad(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "VAD_WEIGHTS", tmp_path / "gone.npz")
    module.load_reader.cache_clear()
    try:
        assert read_words("I love this so much").vad[0] > 0.2 > -0.2 > read_words("I hate this so much").vad[0]
    finally:
        module.load_reader.cache_clear()


def test_without_the_net_of_other_languages_their_words_count_little(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = ("Das Essen schmeckt mir heute überhaupt nicht", "Questa storia mi fa venire i brividi")
    known = [read_words(line).evidence for line in lines]
    monkeypatch.setitem(module.WEIGHTS, "", tmp_path / "gone.npz")
    assert all(read_words(line).evidence < 0.3 < 0.5 < was for line, was in zip(lines, known, strict=True))
    assert read_words("I love this so much").evidence > 0.5


def test_every_phrase_means_feelings_that_there_are() -> None:
    for path, known in ((PHRASES, set(module.FEELINGS)), (IRONY, {"irony", "burden", "sincere"})):
        phrases = [phrase for found in load_phrases(path).values() for phrase in found]
        assert len(phrases) > 100
        for phrase in phrases:
            assert set(phrase.meaning) <= known and all(0.0 < sure <= 1.0 for sure in phrase.meaning.values()), phrase


def test_the_weights_are_small_and_damage_is_said(tmp_path: Path) -> None:
    files = [*module.WEIGHTS.values(), module.VAD_WEIGHTS]
    assert sum(path.stat().st_size for path in files) < 2.5e6
    (tmp_path / "cut.npz").write_bytes(files[0].read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="fetch them again"):
        read_words_net(tmp_path / "cut.npz")


def test_the_numpy_net_answers_as_the_one_that_was_taught(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from face_emote.perception.words_features import denied_in, tokens_of
    from tools.train_words.student import NetShape, TorchWordsNet, encoded, write_words_net

    taught = TorchWordsNet(NetShape(256, 8, 16), answers=5, seed=1)
    write_words_net(tmp_path / "net.npz", taught, extra={})
    net, _ = read_words_net(tmp_path / "net.npz")
    lines = ["I'm not happy, you know!", "Ja.", "WHAT did you say?! Sooo bad", "你好吗"]
    wanted = taught.answers(encoded(lines), range(len(lines)))
    for line, answer in zip(lines, wanted, strict=True):
        tokens = tokens_of(line)
        np.testing.assert_allclose(net(tokens, denied_in(tokens)), answer, atol=2e-2)
