"""The image stage: lips and faces are drawn, judges of pictures look, and what they say reaches the network."""

from dataclasses import asdict, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")
pytest.importorskip("tensorboard", reason="training needs tensorboard: pip install 'face-emote[train]'")

from tiny_corpus import make_corpus

from face_emote.core.errors import CheckpointError, ConfigError
from face_emote.network.config import LIP_CHANNELS
from face_emote_lab.train.config import BUNDLED, from_table, read_config
from face_emote_lab.train.corpus.cache import read_corpus
from face_emote_lab.train.devices import this_process
from face_emote_lab.train.loop import train
from tools.train_judges import picture_lessons as lessons
from tools.train_judges import picture_nets as nets
from tools.train_judges.losses import JudgeConfig
from tools.train_judges.picture_losses import FEELING_FILE, SYNC_FILE, PictureConfig, painter, soft_cross_entropy
from tools.train_judges.torch_convnet import Assignment, FitConfig, Lesson, fit, write_expert
from tools.train_network.train import train_network

SMALL = PictureConfig(sync=0.1, feeling=0.1, every=1, crops=1, frames=20, size=24)


@pytest.fixture(scope="module")
def mouth():
    return painter("mouth", size=24)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def experts(tmp_path_factory):
    """Judges as they are before they learn."""
    folder = tmp_path_factory.mktemp("experts")
    sync = nets.picture_sync_net(seed=1)
    write_expert(nets.picture_sync_file(*sync, path=folder / SYNC_FILE, x0=np.zeros(40, np.float32)))
    write_expert(nets.feeling_file(nets.feeling_net(seed=1), path=folder / FEELING_FILE))
    return folder


def lips(**channels):
    row = torch.zeros(1, len(LIP_CHANNELS))
    for name, value in channels.items():
        row[0, LIP_CHANNELS.index(name)] = value
    return row


def test_an_open_mouth_is_darker_within_and_a_picture_has_a_gradient_to_the_gap(mouth):
    shut, open_ = lips(closure=1.0), lips(gap=0.3, jaw=0.5).requires_grad_()
    pictures = mouth.mouths(torch.cat([shut, open_]))
    assert pictures.shape == (2, 24, 24)
    assert (pictures[1] - pictures[0]).abs().max() > 0.1
    (slope,) = torch.autograd.grad(pictures[1].square().sum(), open_)
    assert slope[0, LIP_CHANNELS.index("gap")].abs() > 1e-3
    assert torch.isfinite(slope).all()


def test_judges_survive_the_disk(tmp_path, experts):
    net, _ = nets.picture_sync_net(seed=1)
    back = nets.read_picture_sync(experts / SYNC_FILE)
    pictures = torch.rand(1, 24, 24, 24, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(net.watched(pictures), back.watched(pictures), atol=2e-3)
    assert not any(p.requires_grad for p in back.parameters())
    seen = nets.read_feeling_net(experts / FEELING_FILE)(pictures[0])
    assert torch.allclose(seen, nets.feeling_net(seed=1)(pictures[0]), atol=1e-5)
    with pytest.raises(CheckpointError):
        nets.read_feeling_net(experts / SYNC_FILE)


def test_the_loss_of_a_mix_is_zero_for_that_mix():
    mix = torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])
    assert soft_cross_entropy(mix.log(), 3.0 * mix) == pytest.approx(0.0, abs=1e-6)
    assert soft_cross_entropy(torch.zeros(2, 3), mix) > 0.01


def judged(config, pictures):
    return replace(config, judges={"pictures": asdict(pictures)})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_tiny_run_with_pictures_differs_from_one_without(corpus, experts, tmp_path):
    config = replace(read_config("tiny"), measure_steps=9, parts=("lips", "expression"))
    config = replace(config, optimiser=replace(config.optimiser, steps=2))
    weights = []
    for name, wanted in (("with", SMALL), ("again", SMALL), ("without", PictureConfig())):
        run = judged(config, wanted)
        weights.append(train_network(run, corpus=corpus, output=tmp_path / name, experts=experts).read_bytes())
    assert weights[0] == weights[1], "same seed, same bytes"
    assert weights[0] != weights[2]


def test_judges_that_nobody_brings_are_refused(corpus, tmp_path):
    config = judged(read_config("tiny"), replace(SMALL, feeling=0.0))
    with pytest.raises(ConfigError, match=r"asks for judges; train it with .*tools\.train_network\.train"):
        train(config, corpus=corpus, output=tmp_path / "run", ranks=this_process("cpu"))
    with pytest.raises(ConfigError, match=r"pictures\.sync needs trained experts"):
        train_network(config, corpus=corpus, output=tmp_path / "run", experts=None)
    with pytest.raises(ConfigError, match=r"pictures\.frames"):
        train_network(
            judged(config, replace(SMALL, frames=19)), corpus=corpus, output=tmp_path / "run", experts=tmp_path
        )
    with pytest.raises(ConfigError, match="did you mean 'reader'"):
        train_network(replace(config, judges={"reeder": 1.0}), corpus=corpus, output=tmp_path / "run", experts=tmp_path)


@pytest.mark.parametrize("path", sorted((BUNDLED / "ablations").glob("*.toml")), ids=lambda p: p.stem)
def test_every_comparison_names_judges_that_there_are(path):
    from_table(JudgeConfig, read_config(path).judges, where=path.name)


@pytest.mark.slow
def test_judges_learn_from_a_tiny_corpus(corpus, tmp_path):
    heard = []
    clips, lesson = read_corpus(corpus), Lesson(FitConfig(steps=30, rate=2e-3), batch=4)

    def task(name):
        return Assignment(name, clips, lesson=lesson, seed=0, path=tmp_path / name, report=heard.append)

    for student in (
        lessons.sync_student(task(SYNC_FILE), drawn=8),
        lessons.feeling_student(task(FEELING_FILE), drawn=4),
    ):
        fit(student.net, loss_at=student.loss, config=lesson.fit, report=heard.append)
        write_expert(student.file())
        assert all(0.0 <= value <= 1.0 or np.isnan(value) for value in student.figures().values())
    assert nets.read_picture_sync(tmp_path / SYNC_FILE).audio.spec.inputs == 40
    nets.read_feeling_net(tmp_path / FEELING_FILE)
    assert "loss" in heard[-1]
