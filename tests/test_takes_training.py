"""The network that draws takes is trained for real, on readers who were made up."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from face_emote.generation.drawing import drawn_life
from face_emote.generation.layout import FACE, FACE_SLICE, MOMENTS, NUM_VALUES, STYLE, VOICE_SLICE, WINDOW, DrawConfig
from face_emote.generation.net import load_draw_net
from face_emote.generation.seen import face_tokens, style_of
from tools.train_generation.answers import write_answers
from tools.train_generation.corpus import TakeCorpus
from tools.train_generation.head_controls import head_controls
from tools.train_generation.straighten import straightened
from tools.train_generation.suiting import suits, taught_judge
from tools.train_generation.teach import held_out_loss, manners_of, teach, write_net
from tools.train_generation.windows import Windows

NOD, LIDS = FACE.index("nod"), FACE.index("lids")


@pytest.fixture(scope="module")
def corpus() -> TakeCorpus:
    """Readers who hardly move and look down as loudly as they speak, and two actors without faces."""
    rng = np.random.default_rng(0)
    values = np.repeat(rng.standard_normal((72, 1, NUM_VALUES)), WINDOW, axis=1).astype(np.float32)
    values[:, :, FACE_SLICE.start + NOD] = 2.0 * values[:, :, VOICE_SLICE.start + 8]
    values[:, :, FACE_SLICE.start + LIDS] = 1.0 + 0.05 * rng.standard_normal((72, WINDOW))
    faced = np.arange(72) < 60
    known = np.stack([faced, np.ones(72, bool), ~faced], axis=1)
    talker = np.array([f"s{i % 4}" if i < 60 else f"emodb {i % 2}" for i in range(72)])
    return TakeCorpus(values, known, style=np.zeros((72, len(STYLE)), np.float32), talker=talker)


def test_it_learns_goes_on_and_draws(corpus: TakeCorpus, tmp_path: Path) -> None:
    windows, beside = Windows(corpus, held_out=frozenset({"s3"})), tmp_path / "net.pt"
    config = DrawConfig(width=16, heads=2)
    begun = teach(windows, config=config, steps=20, beside=beside, suits=0.03)
    first = held_out_loss(begun, windows)
    net = teach(windows, config=config, steps=320, beside=beside)
    assert held_out_loss(net, windows) < 0.93 * first
    net = straightened(net, windows, steps=3, lines=1)
    path = tmp_path / "takes.safetensors"
    write_net(net, windows, path=path, held_out=frozenset({"s3"}), steps=320)
    write_answers(path, corpus, held_out=frozenset({"s3"}))
    drawn = load_draw_net(path)
    assert "held out: s3" in drawn.card
    assert np.all((drawn.answer_gain >= 0.5) & (drawn.answer_gain <= 1.5))
    assert np.abs(drawn.answer_offset).max() > 0.0
    voice = corpus.values[3][:, VOICE_SLICE]
    assert np.isfinite(drawn_life(drawn, voice, seed=0).face).all()


def test_moments_of_a_window_are_other_clips_of_talkers_who_are_learnt_from(corpus: TakeCorpus) -> None:
    windows, dice = Windows(corpus, held_out=frozenset({"s1"})), torch.Generator().manual_seed(0)
    chosen = torch.arange(60)
    faces, there = windows.recalling(chosen, dice=dice)
    assert faces.shape == (60, MOMENTS, WINDOW, len(FACE))
    own = windows.values[:, :, FACE_SLICE]
    found = torch.tensor([[int((own == face).all(dim=(1, 2)).nonzero()[0, 0]) for face in four] for four in faces])
    assert not (found == chosen[:, None]).any()
    assert not (corpus.talker[found.numpy()] == "s1").any()
    share = float((~there.any(dim=1)).float().mean())
    assert 0.1 < share < 0.6, "some windows are learnt without any"


def test_the_judge_finds_the_face_of_a_voice(corpus: TakeCorpus) -> None:
    windows = Windows(corpus, held_out=frozenset({"s3"}))
    voice, face = windows.learnt_pairs()
    judge = taught_judge((voice, face), seed=0)
    asked = windows.values[windows.asked]
    assert suits(judge, asked[:, :, VOICE_SLICE], asked[:, :, FACE_SLICE]) > 0.7


def test_whoever_is_held_out_is_never_chosen(corpus: TakeCorpus) -> None:
    windows = Windows(corpus, held_out=frozenset({"s1"}))
    assert not windows.chance.numpy()[corpus.talker == "s1"].any()
    assert windows.chance.numpy()[corpus.talker != "s1"].all()


def test_manners_of_few_clips_lie_near_everybodys(corpus: TakeCorpus) -> None:
    style = np.zeros_like(corpus.style)
    style[0] = 5.0
    few = TakeCorpus(corpus.values, corpus.known, style, np.where(np.arange(72) == 0, "s9", corpus.talker))
    means, root = manners_of(few, learnt=np.ones(72, bool))
    assert means.max() < 1.5
    assert root.shape == (len(STYLE), len(STYLE))


def test_a_clip_becomes_tokens_at_its_own_times() -> None:
    times = np.arange(75) / 25.0
    curve = np.zeros((75, 9))
    curve[:, 3:5] = 0.2 * (1.0 - 0.9 * np.exp(-((times - 2.0) ** 2) / 0.005))[:, None]
    face = face_tokens(curve)
    assert len(face) == WINDOW
    first = 75 - 2 * WINDOW + 1
    shut = face[:, LIDS].argmin()
    assert abs((first + 2 * shut) / 25.0 - 2.0) <= 0.04
    assert style_of(face)[STYLE.index("shut")] > 0.0


def test_controls_of_the_head_move_it_as_their_names_say() -> None:
    found = head_controls()
    assert found["outer_up brow"] > 5.0 > 0.0 > found["down brow"]
    assert found["down frown"] < -20.0
    assert found["shut lids"] == pytest.approx(-1.0, abs=0.2)
    assert found["wide lids"] > 0.1
