"""The training loop: learns, goes on where it was interrupted, gives the same bytes again, shares work out."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")
pytest.importorskip("tensorboard", reason="training needs tensorboard: pip install 'face-emote[train]'")

from tiny_corpus import make_corpus

from face_emote.core.errors import ConfigError, CorpusError
from face_emote.network.checkpoint import read_checkpoint
from face_emote.network.runtime import FOLDER
from face_emote.network.weights import EXPRESSION_PREFIX
from face_emote_lab.train.config import TrainConfig, read_config
from face_emote_lab.train.corpus.cache import read_corpus
from face_emote_lab.train.crops import NO_LABEL, lip_batch, make_pool
from face_emote_lab.train.devices import this_process
from face_emote_lab.train.loop import train
from tools.train_network.train import train_network


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


def tiny(steps: int, **changes) -> TrainConfig:
    config = read_config("tiny")
    return replace(config, optimiser=replace(config.optimiser, steps=steps), measure_steps=steps, **changes)


def losses(run: Path, name: str) -> list[float]:
    rows = [line.split(",") for line in (run / "log.csv").read_text().splitlines()[1:]]
    return [float(value) for _, key, value in rows if key == name]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_tiny_run_learns_and_leaves_a_checkpoint_that_the_runtime_reads(corpus: Path, tmp_path: Path):
    written = train_network(tiny(100, parts=("lips", "expression")), corpus=corpus, output=tmp_path / "run")
    lips, faces = losses(tmp_path / "run", "loss/params"), losses(tmp_path / "run", "loss/expression")
    assert len(lips) == 4 and lips[-1] < 0.75 * lips[0]
    assert faces[-1] < 0.7 * faces[0]
    found = read_checkpoint(written)
    assert found.config == tiny(100).net
    assert "step 100 of 100" in found.card
    assert losses(tmp_path / "run", "clips/correlation")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_interrupted_run_reaches_the_same_weights(corpus: Path, tmp_path: Path):
    config = tiny(8)
    whole = train(config, corpus=corpus, output=tmp_path / "whole", ranks=this_process("cpu"))
    parts = tmp_path / "parts"
    seen: list[float] = []
    train(config, corpus=corpus, output=parts, ranks=this_process("cpu"), minutes=1e-9)  # stops after one step
    assert torch.load(parts / "last.pt", weights_only=True)["step"] == 1
    written = train(
        config,
        corpus=corpus,
        output=parts,
        ranks=this_process("cpu"),
        progress=lambda done, _total, _what: seen.append(done),
    )
    assert written.read_bytes() == whole.read_bytes()


def test_a_path_that_is_not_trained_is_the_bundled_networks(corpus: Path, tmp_path: Path):
    bundled = read_checkpoint(FOLDER / "default.safetensors")
    net = replace(
        read_config("tiny").net, expression=bundled.config.expression, condition_width=bundled.config.condition_width
    )
    found = read_checkpoint(
        train(tiny(1, net=net, parts=("lips",)), corpus=corpus, output=tmp_path, ranks=this_process("cpu"))
    )
    faces = [name for name in bundled.weights if name.startswith(EXPRESSION_PREFIX)]
    assert faces and all(np.array_equal(found.weights[name], bundled.weights[name]) for name in faces)
    assert found.weights["x0"].shape == (40,) and not np.array_equal(found.weights["x0"], bundled.weights["x0"])


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"parts": ("expression",)}, "a teacher of the expression path"),
        ({"judges": {"reader": 0.1}}, "judges"),
        ({"net": replace(read_config("tiny").net, lips_see_emotion=True)}, "emotions that lips see"),
    ],
)
def test_what_the_package_does_not_bring_is_told(corpus: Path, tmp_path: Path, changes: dict, asked: str):
    with pytest.raises(ConfigError, match=f"asks for {asked}; train it with .*tools.train_network.train"):
        train(tiny(1, **changes), corpus=corpus, output=tmp_path / "run", ranks=this_process("cpu"))
    assert not (tmp_path / "run").exists()


def test_another_configuration_is_not_mixed_into_a_run(corpus: Path, tmp_path: Path):
    train(tiny(1), corpus=corpus, output=tmp_path, ranks=this_process("cpu"))
    with pytest.raises(ConfigError, match="another seed; choose a new one"):
        train(tiny(1, seed=5), corpus=corpus, output=tmp_path, ranks=this_process("cpu"))


def test_a_damaged_checkpoint_is_explained(corpus: Path, tmp_path: Path):
    train(tiny(1), corpus=corpus, output=tmp_path, ranks=this_process("cpu"))
    (tmp_path / "last.pt").write_bytes(b"no pickle")
    with pytest.raises(ConfigError, match="cannot go on"):
        train(tiny(1), corpus=corpus, output=tmp_path, ranks=this_process("cpu"))


def test_a_missing_corpus_is_explained(tmp_path: Path):
    with pytest.raises(CorpusError, match="build one"):
        train(tiny(1), corpus=tmp_path / "none", output=tmp_path / "run", ranks=this_process("cpu"))


def test_a_corpus_without_a_clip_to_learn_from_is_explained(corpus: Path):
    data = replace(read_config("tiny").data, shares={"user_motions": 1.0})
    with pytest.raises(CorpusError, match=r"No clip is left to learn from of grid_s1, grid_talkers, librispeech"):
        make_pool(read_corpus(corpus), data)


def test_held_out_talkers_and_test_clips_are_never_drawn(corpus: Path):
    clips = read_corpus(corpus)
    data = replace(read_config("tiny").data, hold_out_talkers=("s4",))
    drawn = {clips.clips[int(i)] for i in make_pool(clips, data).clips}
    assert drawn and all(clip.talker != "s4" and clip.split == "train" for clip in drawn)


def test_answers_are_asked_for_as_late_as_the_look_ahead_says(corpus: Path):
    config = read_config("tiny")
    data = replace(config.data, augment=0.0, batch=16, phones_known=1.0)
    pool = make_pool(read_corpus(corpus), data)
    crops = lip_batch(pool, net=config.net, data=data, rng=np.random.default_rng(3))
    for i, place in enumerate(crops.look_ahead):
        late = config.net.look_ahead_frames[int(place)]
        assert not crops.known[i, :late].any() and (crops.phones[i, :late] == NO_LABEL).all()
        np.testing.assert_array_equal(crops.phones[i, late:], crops.phones_given[i, : len(crops.phones[i]) - late])


def test_a_batch_depends_on_its_generator_alone(corpus: Path):
    config = read_config("tiny")
    pool = make_pool(read_corpus(corpus), config.data)
    one, same, other = (
        lip_batch(pool, net=config.net, data=config.data, rng=np.random.default_rng([0, step, 0])) for step in (4, 4, 5)
    )
    np.testing.assert_array_equal(one.rows, same.rows)
    assert not np.array_equal(one.rows, other.rows)


@pytest.mark.slow
def test_two_processes_train_one_network(corpus: Path, tmp_path: Path):
    run = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m", "face_emote",
         "train", "tiny", "--corpus", str(corpus), "-o", str(run), "--steps", "4", "--device", "cpu"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_checkpoint(run / "model.safetensors").config == tiny(4).net


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_lip_path_that_sees_the_emotion_is_held_by_exchanging_it(corpus: Path, tmp_path: Path):
    config = tiny(60, parts=("lips",))
    config = replace(
        config, net=replace(config.net, lips_see_emotion=True), losses=replace(config.losses, exchange=1.0)
    )
    train_network(config, corpus=corpus, output=tmp_path / "run")
    moved = losses(tmp_path / "run", "loss/exchange")
    assert len(moved) == 2 and all(value > 0.0 for value in moved)
    assert losses(tmp_path / "run", "clips/correlation")
