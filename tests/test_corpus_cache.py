"""The corpus on disk: what is written is read, a killed run goes on, damage is told."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.audio.conditioning import listened_to
from face_emote.audio.logmel import log_mels
from face_emote.core.errors import CorpusError, OptionError
from face_emote.core.types import Speech
from face_emote_lab.train.corpus.build import describe, user_source, write_manifest
from face_emote_lab.train.corpus.cache import (
    COLUMNS,
    ClipData,
    ClipRow,
    Job,
    _row,
    num_frames_of,
    read_corpus,
    write_source,
)
from tools.train_network.corpus import SOURCES, build

LENGTHS = (1, 320, 16_000, 12_345, 48_001)


def clip(index: int) -> ClipData:
    rng = np.random.default_rng(index)
    frames = num_frames_of(LENGTHS[index])
    return ClipData(
        samples=rng.uniform(-0.5, 0.5, LENGTHS[index]).astype(np.float32),
        lips=rng.normal(size=(frames, 9)),
        known=rng.integers(0, 2, (frames, 9)).astype(np.uint8),
        phones=rng.integers(0, 40, frames).astype(np.uint8),
    )


def jobs(made: list[int] | None = None, *, dies_at: int = 99) -> list[Job]:
    def job(index: int) -> Job:
        def make() -> ClipData:
            if index == dies_at:
                raise KeyboardInterrupt
            if made is not None:
                made.append(index)
            return clip(index)

        return Job(
            name=f"clip{index}",
            talker=f"t{index % 2}",
            language="en",
            kind="voice",
            split="test" if index == 1 else "train",
            emotion="joy" if index == 2 else "",
            audio=f"x/clip{index}.wav",
            make=make,
        )

    return [job(index) for index in range(len(LENGTHS))]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_is_written_is_read(tmp_path):
    write_source(jobs(), folder=tmp_path, source="a")
    corpus = read_corpus(tmp_path)
    for index, row in enumerate(corpus.clips):
        data, job = clip(index), jobs()[index]
        for name in ("name", "talker", "language", "kind", "split", "emotion", "audio"):
            assert getattr(row, name) == getattr(job, name)
        assert np.array_equal(corpus.lips(index), data.lips.astype(np.float16))
        assert np.array_equal(corpus.known(index), data.known)
        assert np.array_equal(corpus.phones(index), data.phones)
        mels = np.concatenate(list(log_mels(listened_to(Speech(data.samples)).blocks())))  # what `animate` hears
        assert np.array_equal(corpus.mels(index), mels.astype(np.float16))
        assert 2 * row.num_frames - 2 < row.num_mels <= 2 * row.num_frames
    assert isinstance(corpus.arrays["a"].mels, np.memmap)


@given(st.integers(1, 100_000))
def test_frames_cover_the_sound(num_samples):
    frames = num_frames_of(num_samples)
    assert frames == max(1, int(np.ceil(num_samples * 50 / 16_000)))


@pytest.mark.parametrize("dies_at", [0, 1, 3])
def test_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path, dies_at):
    write_source(jobs(), folder=tmp_path / "whole", source="a")
    with pytest.raises(KeyboardInterrupt):
        write_source(jobs(dies_at=dies_at), folder=tmp_path / "killed", source="a")
    with pytest.raises(CorpusError, match="no corpus"):
        read_corpus(tmp_path / "killed")
    partial = tmp_path / "killed" / ".a.partial"
    if dies_at:  # killed in the middle of writing: a torn row, and rows that no clip owns
        with (partial / "mels.raw").open("ab") as file:
            file.write(b"torn")
        with (partial / "clips.jsonl").open("a") as file:
            file.write('{"name": "cl')
    made: list[int] = []
    write_source(jobs(made), folder=tmp_path / "killed", source="a")
    assert made == list(range(dies_at, len(LENGTHS)))
    assert files(tmp_path / "killed" / "a") == files(tmp_path / "whole" / "a")
    assert not partial.exists()


def test_a_partial_folder_of_other_clips_is_not_gone_on_with(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_source(jobs(dies_at=2), folder=tmp_path, source="a")
    made: list[int] = []
    write_source(jobs(made)[::-1], folder=tmp_path, source="a")
    assert made == [4, 3, 2, 1, 0]


def test_finished_source_is_not_made_again(tmp_path):
    write_source(jobs(), folder=tmp_path, source="a")
    made: list[int] = []
    rows = write_source(jobs(made), folder=tmp_path, source="a")
    assert made == [] and len(rows) == len(LENGTHS)


def test_sources_are_read_one_after_the_other(tmp_path):
    write_source(jobs()[:2], folder=tmp_path, source="a")
    write_source(jobs()[2:], folder=tmp_path, source="b")
    both = read_corpus(tmp_path)
    assert [row.source for row in both.clips] == ["a", "a", "b", "b", "b"]
    assert np.array_equal(both.lips(2), clip(2).lips.astype(np.float16))


def test_clips_that_do_not_fit_are_refused(tmp_path):
    good = clip(2)
    for wrong in (
        {"samples": good.samples[321:]},
        {"phones": np.full_like(good.phones, 99)},
        {"lips": np.full_like(good.lips, np.nan)},
        {"kind": "rumour"},
        {"split": "both"},
    ):
        about = {name: value for name, value in wrong.items() if name in ("kind", "split")}
        bad = replace(good, **{name: value for name, value in wrong.items() if name not in about})
        with pytest.raises(CorpusError, match="do not fit"):
            write_source([replace(jobs()[2], make=lambda bad=bad: bad, **about)], folder=tmp_path, source="a")
    with pytest.raises(CorpusError, match="one name"):
        write_source([*jobs(), *jobs()], folder=tmp_path, source="a")


@pytest.mark.parametrize("name", [*COLUMNS, "clips"])
def test_damage_is_told(tmp_path, name):
    write_source(jobs(), folder=tmp_path, source="a")
    path = tmp_path / "a" / ("clips.jsonl" if name == "clips" else f"{name}.npy")
    content = path.read_bytes()
    for damaged in (content[:-200], content[: len(content) // 3], b"", b"\x80nonsense" * 20):
        path.write_bytes(damaged)
        if name == "clips" and damaged == content[:-200]:
            continue  # cut between fields: caught below as text
        with pytest.raises(CorpusError, match=r"again|empty"):
            read_corpus(tmp_path)
    path.write_bytes(content)
    assert len(read_corpus(tmp_path).clips) == len(LENGTHS)


@given(st.text() | st.builds(json.dumps, st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)))
def test_any_line_is_a_clip_or_refused(line):
    try:
        assert isinstance(_row(line), ClipRow)
    except (ValueError, TypeError):
        pass


def test_manifest_and_table_name_every_source(tmp_path):
    write_source(jobs(), folder=tmp_path, source="grid_s1")
    write_manifest(tmp_path, licences={"grid_s1": SOURCES["grid_s1"].licence})
    manifest = json.loads(write_manifest(tmp_path).read_text())  # Whoever writes it again keeps what it said.
    (entry,) = manifest["sources"]
    assert entry["name"] == "grid_s1" and "CC BY 4.0" in entry["licence"]
    assert entry["clips"] == 5 and entry["clips_test"] == 1 and entry["talkers"] == ["t0", "t1"]
    expected = sum(num_frames_of(length) for length in LENGTHS) / 50 / 3600
    assert entry["hours"] == pytest.approx(expected, abs=1e-4)
    assert "grid_s1" in describe(tmp_path) and len(describe(tmp_path).splitlines()) == 3


def test_wrong_options_are_told(tmp_path):
    with pytest.raises(OptionError, match="No source is called nonsense"):
        build(tmp_path, out=tmp_path / "c", only=["nonsense"])
    with pytest.raises(OptionError, match="hours"):
        build(tmp_path, out=tmp_path / "c", hours=-1.0)
    with pytest.raises(OptionError, match="no kind of data"):
        user_source("gossip", folder=tmp_path, flame=None)
    with pytest.raises(CorpusError, match="check"):
        build(tmp_path, out=tmp_path / "c", only=["grid_s1"])
