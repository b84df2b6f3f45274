"""A talker, known from other lines: what is read of one line against the others, alone and in a batch."""

import wave
from pathlib import Path

import numpy as np
import pytest
from batch_lines import write_line

import face_emote as fe
from face_emote.audio.reader import read_speech
from face_emote.batch.plan import PlanOptions, plan_batch
from face_emote.batch.rows import motion_hash
from face_emote.batch.talkers import FILE, read_voices, write_voices
from face_emote.cli.main import main
from face_emote.core.assets import ASSETS
from face_emote.core.types import Speech
from face_emote.perception.talker import LEAST_LINES, talker_from
from face_emote.perception.voice import CLASSES, load_voice_reader
from face_emote.verbs.perceive import figures_heard, talker_of

LINES = sorted((ASSETS / "speech").glob("dashwood_*.wav"))


def drawn_lines(rng: np.random.Generator, *, labels: np.ndarray, own: np.ndarray) -> list[np.ndarray]:
    """Lines of a made talker: people, the talker's part, what the feeling adds, noise."""
    reader = load_voice_reader()
    noise = 0.3 * reader.nets[0].scale * rng.standard_normal((len(labels), len(reader.people)))
    return list(reader.people + own + reader.class_shift[labels] + noise)


@pytest.fixture(scope="module")
def own() -> np.ndarray:
    """What is the talker's own: half a deviation of everything."""
    rng = np.random.default_rng(3)
    return np.asarray(0.5 * load_voice_reader().nets[0].scale * rng.standard_normal(len(load_voice_reader().people)))


def test_the_talkers_part_is_found_in_lines_that_feel_many_things(own):
    lines = drawn_lines(np.random.default_rng(0), labels=np.arange(28) % 7, own=own)
    talker = talker_from(lines)
    assert talker is not None and talker.num_lines == 28
    scale = load_voice_reader().nets[0].scale
    left = np.abs((np.array(talker.shift) - own) / scale).mean()
    assert left < 0.6 * np.abs(own / scale).mean()


def test_a_feeling_that_all_lines_share_is_not_taken_for_the_talker(own):
    reader = load_voice_reader()
    angry = np.full(20, 5)
    lines = drawn_lines(np.random.default_rng(1), labels=angry, own=0.0 * own)
    talker = talker_from(lines)
    assert talker is not None
    plain = reader(np.stack(lines))[:, CLASSES][:, 5].mean()
    known = reader(np.stack(lines) - np.array(talker.shift))[:, CLASSES][:, 5].mean()
    assert known > 0.8 * plain


def test_the_order_of_the_lines_changes_no_bit_and_too_few_say_nothing(own):
    lines = drawn_lines(np.random.default_rng(2), labels=np.arange(12) % 7, own=own)
    assert talker_from(lines) == talker_from(lines[::-1])
    assert talker_from(lines[: LEAST_LINES - 1]) is None


def test_a_line_is_read_against_the_others_of_its_voice():
    talker = talker_of([*LINES[1:], read_speech(LINES[1])])
    assert talker is not None
    alone, known = (fe.perceive(LINES[0], talker=who) for who in (None, talker))
    assert np.abs(alone.overall.mix - known.overall.mix).max() > 1e-4
    assert np.allclose(known.frames.mix.sum(axis=1), 1.0, atol=1e-6)
    silence = Speech(np.zeros(16_000, np.float32))
    assert figures_heard(silence) is None and talker_of([silence] * 9) is None


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven lines of one voice, and one that nobody speaks in."""
    folder = tmp_path_factory.mktemp("spoken")
    for number in range(7):
        write_line(folder / f"{number}.wav", 1.2, first=0.4 * number)
    with wave.open(str(folder / "silent.wav"), "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(bytes(32000))
    return folder


def written(folder: Path, name: str, order: list[str], *, speaker: str = "anna") -> Path:
    rows = [f"{line}.wav,{speaker if line != '6' else ''},auto" for line in order]
    (folder / name).write_text("\n".join(["speech,speaker,emotion", *rows, f"silent.wav,{speaker},joy"]) + "\n")
    return folder / name


def test_rows_of_one_speaker_know_each_other_whatever_their_order(spoken):
    order = [str(number) for number in range(7)]
    plans = [
        plan_batch(written(spoken, f"{i}.csv", lines), PlanOptions()) for i, lines in enumerate((order, order[::-1]))
    ]
    one, other = ({row.name: row for row in plan.rows} for plan in plans)
    assert {name: motion_hash(row) for name, row in one.items()} == {
        name: motion_hash(row) for name, row in other.items()
    }
    talkers = {name: row.performance.talker for name, row in one.items()}
    assert talkers["6"] is None and talkers["silent"] is None, "nobody's line, and one whose feeling is named"
    known = [talkers[name] for name in order[:6]]
    assert all(talker is not None and talker.num_lines == 5 for talker in known)
    assert len(set(known)) == 6, "a line says nothing of itself"


def test_what_was_heard_of_a_speaker_is_kept_for_the_next_run(spoken, tmp_path, monkeypatch):
    manifest = written(spoken, "kept.csv", [str(number) for number in range(7)])
    first = plan_batch(manifest, PlanOptions(output=tmp_path))
    (tmp_path / ".work").mkdir()
    write_voices(first.voices, tmp_path / ".work")
    monkeypatch.setattr("face_emote.batch.talkers.figures_heard", lambda _path: pytest.fail("heard again"))
    again = plan_batch(manifest, PlanOptions(output=tmp_path))
    assert [motion_hash(row) for row in again.rows] == [motion_hash(row) for row in first.rows]
    (tmp_path / ".work" / FILE).write_text('{"version": "older", "x": [1]}')
    assert read_voices(tmp_path / ".work") == {}


def test_five_lines_are_too_few_and_other_speakers_do_not_count(spoken):
    manifest = written(spoken, "few.csv", ["0", "1", "2", "3", "4", "6"])
    assert all(row.performance.talker is None for row in plan_batch(manifest, PlanOptions()).rows)


def test_the_command_reads_lines_of_one_talker(spoken, tmp_path, capsys):
    lines = [str(spoken / f"{number}.wav") for number in range(6)]
    assert main(["perceive", *lines, "--one-talker", "-o", str(tmp_path / "{name}.csv")]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == [f"{number}.csv" for number in range(6)]
    capsys.readouterr()
    for words, said in (
        ([*lines[:3], "--one-talker"], "5 other lines"),
        ([*lines, "--one-talker", "-o", str(tmp_path / "all.csv")], "{name}"),
        ([*lines, "--one-talker", "-t", "words"], "--text"),
        (lines[:2], "--one-talker"),
    ):
        assert main(["perceive", *words]) == 2
        assert said in capsys.readouterr().err
