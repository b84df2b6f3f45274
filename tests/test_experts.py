"""Experts learn for real on small made-up corpora, and numpy answers as torch does."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")

from face_emote.core.errors import CheckpointError
from face_emote.core.names import EMOTIONS, MOTION_HZ, PHONES
from face_emote.emotion.grammar import describe
from face_emote.face.bundled import load_head
from face_emote.network.config import LIP_CHANNELS, LIP_SCALE
from face_emote.network.hearing import normalised
from face_emote_lab.train.corpus.cache import ClipData, Job, read_corpus, write_source
from face_emote_lab.train.lip_losses import LipTruth
from tools.train_judges.emotional_sync import (
    NUM_FACE_COLUMNS,
    EmotionalSyncNet,
    feeling,
    feeling_terms,
    read_emotional_sync,
    soft_targets,
)
from tools.train_judges.experts import (
    COMPOUNDS,
    COMPOUNDS_JUDGE,
    EMOTIONS_JUDGE,
    MAX_SHIFT,
    SyncExpert,
    face_features,
    face_windows,
    geometry_units,
    load_classifier,
    load_sync,
    with_deltas,
)
from tools.train_judges.lip_judges import (
    geometry_of,
    info_nce,
    likeness_loss,
    lip_features,
    near_in_clip,
    random_anchors,
    read_lip_reader,
    read_sync,
    reader_features,
    reader_loss,
    reader_units,
    sync_loss,
)
from tools.train_judges.motion_classifier import classifier_net, clip_accuracy, performances
from tools.train_judges.teach import main, teach
from tools.train_judges.torch_convnet import Assignment, FitConfig, Lesson, fit, set_normalisation

SECS = 3.0
FRAMES = round(SECS * MOTION_HZ)
WORDS = ("joy", "anger", "sadness", "fear")


def noisy_clip(*, seed, emotion):
    """Noise that is as loud as the mouth is open, brighter when it is wide; the phones follow the gap."""

    def make():
        rng = np.random.default_rng(seed)
        t = np.arange(FRAMES) / MOTION_HZ
        wave = sum(np.sin(2 * np.pi * (f * t + rng.random())) for f in rng.uniform(1.0, 5.0, 4))
        gap = 0.15 * np.clip(0.5 + 0.35 * wave, 0.0, 1.0)
        lips = np.zeros((FRAMES, 9), np.float32)
        lips[:, 0], lips[:, 2], lips[:, 8] = gap, 2.0 * gap, 1.0
        lips[:, 6] = gap < 0.01
        where = np.arange(round(SECS * 16_000)) / 16_000.0
        level = np.interp(where, t, gap) / 0.15
        pitch = 300.0 + 700.0 * WORDS.index(emotion)
        tone = np.sin(2 * np.pi * pitch * where) + 0.3 * rng.normal(size=len(where))
        samples = (0.2 * level**1.5 * tone).astype(np.float32)
        phones = np.where(gap < 0.01, PHONES.index("M"), np.where(gap < 0.08, PHONES.index("IH"), PHONES.index("AA")))
        known = np.ones((FRAMES, 9), np.uint8)
        return ClipData(samples=samples, lips=lips, known=known, phones=phones.astype(np.uint8))

    return make


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    jobs = []
    for k in range(30):
        split, emotion = ("test" if k % 5 == 0 else "train"), WORDS[k % len(WORDS)]
        make = noisy_clip(seed=k, emotion=emotion)
        about = {"name": f"c{k}", "talker": "s1", "language": "en", "kind": "capture"}
        jobs.append(Job(**about, split=split, emotion=emotion, make=make))
    write_source(jobs, folder=folder, source="grid_s1")
    return read_corpus(folder)


# What numpy and torch are shown


def test_features_are_the_same_in_numpy_and_torch():
    lips = np.random.default_rng(0).random((2, 12, 9)).astype(np.float32)
    given_lips = torch.from_numpy(lips)
    assert np.allclose(with_deltas(reader_units(lips)), reader_features(given_lips).numpy(), atol=1e-5)
    seen = with_deltas(geometry_units(geometry_of(lips)))
    assert np.allclose(seen, lip_features(geometry_of(given_lips, xp=torch)).numpy(), atol=1e-4)


def test_anchors_are_distinct_and_near_each_other():
    anchors = random_anchors(7, count=6, num_windows=80, generator=torch.Generator().manual_seed(0))
    assert all(len(set(row)) == 6 and max(row) - min(row) <= 30 for row in anchors.tolist())
    assert int(anchors.min()) >= 0 and int(anchors.max()) < 80
    short = random_anchors(2, count=6, num_windows=9, generator=torch.Generator().manual_seed(0))
    assert int(short.max()) < 9


def test_info_nce_by_hand():
    nothing_hidden = torch.zeros(3, 3, dtype=torch.bool)
    usable = torch.ones(3, dtype=torch.bool)
    assert float(info_nce(torch.zeros(3, 3), usable=usable, ambiguous=nothing_hidden)) == pytest.approx(np.log(3.0))
    assert float(info_nce(50.0 * torch.eye(3), usable=usable, ambiguous=nothing_hidden)) < 1e-6
    two = torch.tensor([True, True, False])
    assert float(info_nce(torch.zeros(3, 3), usable=two, ambiguous=nothing_hidden)) == pytest.approx(np.log(2.0))
    near = near_in_clip(torch.tensor([[0, 2, 9], [0, 3, 4]]))
    assert near.nonzero().tolist() == [[0, 1], [1, 0], [4, 5], [5, 4]]
    assert float(info_nce(torch.zeros(1, 1), usable=two[:1], ambiguous=nothing_hidden[:1, :1])) == 0.0


# Real trainings


@pytest.fixture(scope="module")
def sync(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("sync") / "sync.safetensors"
    lesson = Lesson(FitConfig(steps=45, rate=3e-3, warmup=5), batch=6)
    figures = teach(Assignment("sync", corpus, lesson=lesson, seed=0, path=path, report=print))
    return load_sync(path), figures, path


def clip_of(corpus, split="test"):
    index = next(i for i, row in enumerate(corpus.clips) if row.split == split)
    return np.asarray(corpus.mels(index), np.float32), np.asarray(corpus.lips(index), np.float32)


def test_sync_expert_prefers_the_moment_itself(corpus, sync):
    expert, figures, _ = sync
    mels, lips = clip_of(corpus)
    distances = expert.distances(mels, geometry_of(lips))
    assert abs(int(distances.argmin()) - MAX_SHIFT) <= 2
    assert figures["offset within 40 ms"] >= 0.75 and figures["shifted clips"] == 18.0


def test_sync_offset_is_positive_when_lips_are_late(corpus, sync):
    expert, _, _ = sync
    mels, lips = clip_of(corpus)
    late = np.concatenate([np.repeat(lips[:1], 6, axis=0), lips[:-6]])
    offset, confidence = expert.offset_and_confidence(mels, geometry_of(late))
    assert 80.0 <= offset <= 160.0 and confidence > 0.05
    assert np.isnan(expert.offset_and_confidence(mels[:60], geometry_of(lips[:30]))[0])


def test_sync_loss_knows_lips_in_time_and_where_to_push(corpus, sync):
    expert, _, path = sync
    twin = read_sync(path)
    mels, lips = clip_of(corpus)
    rows = torch.from_numpy(normalised(mels, expert.x0))[None]
    raw = torch.from_numpy(lips)[None].clone()
    raw[..., :6] /= torch.tensor(LIP_SCALE)
    raw[..., 6:] = torch.logit(raw[..., 6:].clamp(0.01, 0.99))
    loud = torch.ones(1, FRAMES)

    def cost(pred, late):
        return sync_loss(twin, pred, rows=rows, late=torch.tensor([late]), loudness=loud)

    def delayed(pred, frames):
        return torch.cat([pred[:, :1].expand(1, frames, 9), pred[:, : FRAMES - frames]], dim=1) if frames else pred

    assert float(cost(raw, 0)) < float(cost(delayed(raw, 7), 0)) - 0.3
    assert float(cost(delayed(raw, 7), 7)) == pytest.approx(float(cost(raw, 0)), abs=0.3)
    pred = raw.clone().requires_grad_()
    cost(pred, 0).backward()
    assert torch.isfinite(pred.grad).all() and float(pred.grad[..., 0].abs().sum()) > 0
    assert float(sync_loss(twin, raw, rows=rows, late=torch.tensor([0]), loudness=0.0 * loud)) == 0.0


def test_lips_that_move_as_the_true_ones_cost_nothing_and_still_or_late_ones_do(corpus, sync):
    _, _, path = sync
    twin = read_sync(path)
    _, lips = clip_of(corpus)
    true = torch.from_numpy(lips)[None].clone()
    truth = LipTruth(true, torch.ones_like(true), torch.ones(1, FRAMES), torch.zeros(1, FRAMES, dtype=torch.int64))
    raw = true.clone()
    raw[..., :6] /= torch.tensor(LIP_SCALE)
    raw[..., 6:] = torch.logit(raw[..., 6:].clamp(1e-4, 1.0 - 1e-4))
    late = torch.cat([raw[:, :1].expand(1, 6, 9), raw[:, : FRAMES - 6]], dim=1)
    still = raw.mean(dim=1, keepdim=True).expand_as(raw).clone().requires_grad_()
    same, behind, none = (likeness_loss(twin, pred, truth) for pred in (raw, late, still))
    assert float(same) < 0.02 < 0.1 < float(behind) and float(none.detach()) > 0.1
    none.backward()
    assert torch.isfinite(still.grad).all()
    quiet = LipTruth(true, torch.ones_like(true), torch.zeros(1, FRAMES), truth.phones)
    assert float(likeness_loss(twin, late, quiet)) == 0.0


def test_lip_reader_reads(corpus, tmp_path):
    path = tmp_path / "reader.safetensors"
    lesson = Lesson(FitConfig(steps=30, rate=4e-3, warmup=5), batch=6)
    figures = teach(Assignment("lip_reader", corpus, lesson=lesson, seed=0, path=path, report=print))
    assert figures["frame accuracy, captured lips"] > 0.7
    reader = read_lip_reader(path)
    index = next(i for i, row in enumerate(corpus.clips) if row.split == "test")
    lips = torch.from_numpy(np.asarray(corpus.lips(index), np.float32))[None]
    raw = lips.clone()
    raw[..., :6] /= torch.tensor(LIP_SCALE)
    raw[..., 6:] = torch.logit(raw[..., 6:].clamp(0.01, 0.99))
    phones = torch.from_numpy(np.asarray(corpus.phones(index), np.int64))[None]
    truth = LipTruth(lips, torch.ones_like(lips), torch.ones(1, FRAMES), phones)
    still = torch.zeros_like(raw).requires_grad_()
    poor = reader_loss(still, truth, reader=reader)
    assert float(reader_loss(raw, truth, reader=reader)) < float(poor.detach()) - 0.5
    poor.backward()
    assert torch.isfinite(still.grad).all() and float(still.grad.abs().sum()) > 0


def test_training_an_expert_twice_gives_the_same_file(corpus, tmp_path):
    lesson = Lesson(FitConfig(steps=2), batch=2)
    for name in ("a", "b"):
        teach(Assignment("lip_reader", corpus, lesson=lesson, seed=3, path=tmp_path / name, report=print))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.fixture(scope="module")
def feeling_file(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("feeling") / "feeling.safetensors"
    lesson = Lesson(FitConfig(steps=24, rate=4e-3, warmup=3), batch=8)
    figures = teach(Assignment("emotional_sync", corpus, lesson=lesson, seed=0, path=path, report=print))
    path.with_suffix(".json").write_text(json.dumps(figures))
    return path


def test_emotional_sync_learns_who_feels_what(feeling_file):
    figures = json.loads(feeling_file.with_suffix(".json").read_text())
    assert figures["CCC valence, face"] > 0.6 and figures["matches above mismatches"] > 0.6


def test_matching_by_hand():
    same = soft_targets(torch.zeros(1, 3), torch.tensor([[0.0, 0.0, 0.0], [0.25, 0.0, 0.0], [2.0, 0.0, 0.0]]))
    assert same[0].tolist() == pytest.approx([1.0, np.exp(-0.5), 0.0], abs=1e-6)
    net = EmotionalSyncNet(seed=1)
    with torch.no_grad():
        heard, seen = (
            feeling(net.voice, torch.randn(2, 200, 40)),
            feeling(net.face, torch.rand(2, 25, NUM_FACE_COLUMNS)),
        )
        logits = net.matching(heard, seen)
    gap = (heard.mean[0] - seen.mean[1]).square() + heard.log_variance[0].exp() + seen.log_variance[1].exp()
    wanted = net.log_steepness.exp() * (net.reach - gap.sum() / np.sqrt(128.0))
    assert float(logits[0, 1]) == pytest.approx(float(wanted.detach()), abs=1e-3)


def test_a_frozen_expert_shows_the_face_the_way(feeling_file):
    answers = torch.rand(4, 50, 80, requires_grad=True)
    wanted = torch.rand(4, 50, 21)
    expert = read_emotional_sync(feeling_file)
    terms = feeling_terms(expert, answers, rows=torch.randn(4, 400, 40), wanted=wanted)
    (terms.exchange + terms.vad + terms.lag).backward()
    assert torch.isfinite(answers.grad).all() and float(answers.grad.abs().sum()) > 0
    assert all(not parameter.requires_grad for parameter in expert.parameters())
    for name in ("exchange", "vad"):
        assert float(getattr(terms, name).detach()) > 0.0


def test_classifier_names_what_the_rules_perform(corpus):
    labels, head = ("joy", "sadness", "joy+fear"), load_head()
    known = performances(corpus, labels=labels, count=3, head=head, seed=0)
    net = classifier_net(3, seed=0)
    windows, label = torch.from_numpy(known.windows), torch.from_numpy(known.label)
    set_normalisation(net, windows)
    fit(
        net, loss_at=lambda step: torch.nn.functional.cross_entropy(net(windows), label),
        config=FitConfig(steps=40, rate=3e-3, warmup=2), report=lambda line: None,
    )  # fmt: skip
    fresh = performances(corpus, labels=labels, count=2, head=head, seed=1, split="test")
    assert clip_accuracy(net.in_numpy()(fresh.windows), fresh) >= 5 / 6


def test_compounds_are_fifteen_descriptions_of_two_emotions():
    assert len(set(COMPOUNDS)) == 15
    for name in COMPOUNDS:
        mix = describe(name).keys[0].emotion.mix
        first, second = (EMOTIONS.index(part) for part in name.split("+"))
        assert mix[first] > 0.3 and mix[second] > 0.3


def test_face_windows_follow_seconds_not_frames():
    from fabricated import lively_motion

    head = load_head()
    features = [face_features(lively_motion(head, round(3 * fps), fps=fps)) for fps in (25.0, 50.0)]
    assert [len(rows) for rows in features] == [38, 38]
    assert face_windows(features[0]).shape[:2] == (3, 25)
    assert face_windows(features[0][:7]).shape[:2] == (1, 25)


def test_the_program_trains_and_a_wrong_folder_is_one_sentence(corpus, tmp_path, caplog):
    given_arguments = [
        str(corpus.folder),
        "-o",
        str(tmp_path),
        "--only",
        "lip_reader",
        "--seed",
        "2",
        "--minutes",
        "0.01",
    ]
    assert main(given_arguments) == 0
    assert read_lip_reader(tmp_path / "lip_reader_train.safetensors").spec.inputs == 12
    assert main([str(tmp_path / "nothing"), "-o", str(tmp_path)]) == 2


def test_bundled_judges_if_they_are_there():
    for load in (load_sync, lambda: load_classifier(EMOTIONS_JUDGE), lambda: load_classifier(COMPOUNDS_JUDGE)):
        try:
            assert isinstance(load(), (SyncExpert,)) or load().emotions in (EMOTIONS, COMPOUNDS)
        except CheckpointError:
            pytest.skip("the trained judges are not in this checkout")


assert LIP_CHANNELS[0] == "gap"
