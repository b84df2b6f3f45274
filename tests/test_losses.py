"""Losses on lips: 0 for what is right, above 0 for what is wrong, and the gradient knows the way."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")

from face_emote.core.names import PHONES
from face_emote.core.types import PerformanceStyle
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.mouth.lip_rig import lip_rig
from face_emote.motion.mouth.lip_solve import LIP_SEAL, MouthTarget, lip_controls
from face_emote.network.config import LIP_CHANNELS, LIP_SCALE
from face_emote_lab.train.lip_losses import (
    CLOSED_GAP,
    LipLossWeights,
    LipTruth,
    among,
    closure_loss,
    correlation_loss,
    dilated,
    gap_loss,
    lip_exchange_loss,
    lip_terms,
    natural,
    opening_loss,
    params_loss,
    phone_loss,
    relative_loudness,
    silence_loss,
    soft_minimum,
    velocity_loss,
)
from tools.train_judges.emotional_sync import concordance, concordance_loss, lag_loss
from tools.train_judges.losses import vertices_loss
from tools.train_judges.mouth import AIMS, mouth_mesh

GAP, CLOSURE = LIP_CHANNELS.index("gap"), LIP_CHANNELS.index("closure")
P, AA, SIL = (PHONES.index(name) for name in ("P", "AA", "SIL"))


ALL_TERMS = LipLossWeights(opening=0.25, silence=0.5, phones=0.1)


def truth_of(target, *, known=1.0, loudness=1.0, phone=255):
    frames = target.shape[:2]
    return LipTruth(
        target=target,
        known=torch.full_like(target, known),
        loudness=torch.full(frames, float(loudness)),
        phones=torch.full(frames, phone),
    )


def speech(seed=0, *, batch=3, frames=60):
    """Smooth lips in natural units."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[None, :, None] / 50.0
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * (rng.uniform(1, 4, (batch, 1, 9)) * t + rng.random((batch, 1, 9))))
    scale = np.array([0.15, 0.04, 0.3, 0.5, 0.5, 0.3, 1.0, 1.0, 1.0])
    return torch.tensor(wave * scale, dtype=torch.float32)


def answers_for(target):
    """Raw answers that mean these natural values."""
    linear = target[..., :6] / torch.tensor(LIP_SCALE)
    return torch.cat([linear, torch.logit(target[..., 6:].clamp(1e-6, 1 - 1e-6))], dim=-1)


def test_answers_and_natural_values_are_one_to_one():
    target = speech()
    assert torch.allclose(natural(answers_for(target)), target, atol=1e-5)


def test_every_term_vanishes_for_the_right_answer():
    target = speech()
    phones = torch.tensor([SIL, AA, P])[torch.arange(60) // 20].expand(3, -1)
    truth = LipTruth(target, torch.ones_like(target), torch.ones(3, 60), phones)
    sure = 50.0 * torch.nn.functional.one_hot(phones, 40).float()
    terms = lip_terms(answers_for(target), truth, weights=ALL_TERMS, phone_logits=sure)
    for name in ("params", "velocity", "gap", "closure", "opening", "silence", "phones", "correlation"):
        assert abs(float(terms[name])) < 1e-4, name


def test_wrong_answers_cost_and_the_gradient_shows_the_way():
    target = speech()
    target[..., CLOSURE] = 0.0
    phones = torch.tensor([SIL, AA, P])[torch.arange(60) // 20].expand(3, -1)
    loud = torch.ones(3, 60)
    loud[:, :20] = 0.0
    truth = LipTruth(target, torch.ones_like(target), loud, phones)
    pred = (answers_for(speech(1)) + 0.3).requires_grad_()
    logits = torch.zeros(3, 60, 40, requires_grad=True)
    terms = lip_terms(pred, truth, weights=ALL_TERMS, phone_logits=logits)
    for name in ("params", "velocity", "gap", "closure", "opening", "silence", "phones", "correlation"):
        value = terms[name]
        assert float(value.detach()) > 1e-4, name
        given_by = logits if name == "phones" else pred
        (grad,) = torch.autograd.grad(value, given_by, retain_graph=True)
        assert torch.isfinite(grad).all() and grad.abs().sum() > 0, name
        with torch.no_grad():
            nearer = given_by - 1e-3 * grad / grad.norm()
            arguments = {"phone_logits": nearer} if name == "phones" else {"phone_logits": logits}
            moved = lip_terms(pred if name == "phones" else nearer, truth, weights=ALL_TERMS, **arguments)
        assert float(moved[name]) < float(value.detach()), name


def test_terms_are_weighted_and_those_of_weight_0_left_out():
    truth = truth_of(speech())
    weights = LipLossWeights(
        params=2.0, velocity=0.0, gap=0.5, closure=0.0, opening=0.0, silence=0.0, phones=0.0, correlation=0.0
    )
    terms = lip_terms(answers_for(speech(1)), truth, weights=weights)
    alone = {name: loss(answers_for(speech(1)), truth) for name, loss in (("params", params_loss), ("gap", gap_loss))}
    assert set(terms) == set(alone)
    total = 2.0 * float(alone["params"]) + 0.5 * float(alone["gap"])
    assert sum(float(value) for value in terms.values()) == pytest.approx(total)


def test_params_by_hand():
    target = torch.zeros(1, 1, 9)
    pred = torch.zeros(1, 1, 9)
    pred[0, 0, 0] = 3.0  # three scales off: 3 - 1/2
    pred[0, 0, 1] = 0.5  # half a scale: 1/8
    known = torch.zeros(1, 1, 9)
    known[0, 0, [0, 1, 6]] = 1.0  # closure: probability .5 where 0 is true: log 2
    truth = LipTruth(target, known, torch.ones(1, 1), torch.full((1, 1), 255))
    assert float(params_loss(pred, truth)) == pytest.approx((2.5 + 0.125 + math.log(2.0)) / 3.0, rel=1e-5)


def test_what_is_not_known_costs_nothing():
    target = speech()
    pred = answers_for(speech(1))
    truth = truth_of(target, known=0.0)
    for loss in (params_loss, velocity_loss, gap_loss, correlation_loss):
        assert float(loss(pred, truth)) == 0.0


def test_velocity_counts_only_between_known_frames():
    target = torch.zeros(1, 3, 9)
    pred = torch.zeros(1, 3, 9)
    pred[0, 2, 0] = 1.0
    known = torch.zeros(1, 3, 9)
    known[0, :2, 0] = 1.0
    truth = LipTruth(target, known, torch.ones(1, 3), torch.full((1, 3), 255))
    assert float(velocity_loss(pred, truth)) == 0.0
    known[0, 2, 0] = 1.0
    assert float(velocity_loss(pred, truth)) == pytest.approx(0.5)


def test_gap_errors_weigh_more_when_lips_are_near():
    for gap, more in ((0.0, True), (0.15, False)):
        target = torch.zeros(1, 2, 9)
        target[0, 0, GAP], target[0, 1, GAP] = gap, 0.08
        pred = target.clone()
        pred[..., :6] /= torch.tensor(LIP_SCALE)
        first, second = pred.clone(), pred.clone()
        first[0, 0, GAP] += 0.5
        second[0, 1, GAP] += 0.5
        truth = truth_of(target)
        assert (float(gap_loss(first, truth)) > float(gap_loss(second, truth))) is more


def test_a_closure_within_forty_milliseconds_is_enough():
    target = torch.full((1, 15, 9), 0.1)
    for where, is_free in ((5, True), (9, True), (3, False), (11, False)):
        pred = torch.zeros(1, 15, 9)
        pred[..., GAP] = 0.1 / LIP_SCALE[GAP]
        pred[0, where, GAP] = 0.0
        truth = truth_of(target, known=0.0)
        truth.phones[0, 7] = P
        assert (float(closure_loss(pred, truth)) < 1e-6) is is_free


def test_a_closure_that_the_face_did_not_make_is_not_asked_for():
    target = torch.full((1, 9, 9), 0.07)
    pred = torch.full((1, 9, 9), 0.07 / LIP_SCALE[GAP])
    truth = truth_of(target, phone=P)
    assert float(closure_loss(pred, truth)) == 0.0
    unseen = truth_of(target, known=0.0, phone=P)
    assert float(closure_loss(pred, unseen)) == pytest.approx((0.07 - CLOSED_GAP) / LIP_SCALE[GAP], rel=1e-4)


def test_open_vowels_may_not_close():
    target = torch.zeros(1, 5, 9)
    target[..., GAP] = 0.12
    truth = truth_of(target, phone=AA)
    pred = answers_for(target)
    assert float(opening_loss(pred, truth)) == 0.0
    pred[..., CLOSURE] = 20.0
    assert float(opening_loss(pred, truth)) == pytest.approx(0.045 / LIP_SCALE[GAP], rel=1e-4)
    assert float(opening_loss(pred, truth_of(target, phone=P))) == 0.0


def test_silence_wants_stillness_but_lets_lips_set_off():
    pred = torch.zeros(1, 60, 9)
    pred[0, 30:, 0] = 1.0
    target = torch.zeros(1, 60, 9)
    assert float(silence_loss(pred, truth_of(target, loudness=0.0))) == pytest.approx(1.0 / 59.0)
    truth = truth_of(target, loudness=0.0)
    truth.loudness[0, 35:] = 1.0
    assert float(silence_loss(pred, truth)) < 1e-9
    assert float(silence_loss(torch.zeros(1, 60, 9), truth_of(target, loudness=0.0))) == 0.0


def test_silence_does_not_count_padding():
    pred = torch.randn(1, 20, 9)
    assert float(silence_loss(pred, truth_of(torch.zeros(1, 20, 9), known=0.0, loudness=0.0))) == 0.0


def test_phones_by_hand():
    logits = torch.zeros(1, 3, 40)
    phones = torch.tensor([[3, 255, 7]])
    assert float(phone_loss(logits, phones)) == pytest.approx(math.log(40.0))
    assert float(phone_loss(logits, torch.full((1, 3), 255))) == 0.0


def test_correlation_does_not_see_size_or_offset():
    target = speech()
    pred = answers_for(target)
    pred[..., GAP] = 0.3 * pred[..., GAP] + 2.0
    assert float(correlation_loss(pred, truth_of(target))) < 1e-3
    pred[..., GAP] *= -1.0
    assert float(correlation_loss(pred, truth_of(target))) == pytest.approx(2.0, abs=1e-2)
    still = torch.zeros(1, 60, 9)
    assert float(correlation_loss(pred[:1], truth_of(still))) == 0.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.0, 0.3), min_size=5, max_size=20), st.integers(1, 4))
def test_soft_minimum_stays_just_above_the_minimum(values, reach):
    x = torch.tensor([values])
    found = soft_minimum(x, reach=reach, softness=0.004)[0]
    for t in range(len(values)):
        least = min(values[max(t - reach, 0) : t + reach + 1])
        assert least - 1e-6 <= float(found[t]) <= least + 0.004 * math.log(2 * reach + 1) + 1e-6


def test_dilation_equals_a_loop():
    x = torch.rand(2, 17)
    wanted = torch.stack([x[:, max(t - 3, 0) : t + 4].amax(1) for t in range(17)], dim=1)
    assert torch.equal(dilated(x, reach=3), wanted)


def test_among_finds_its_phones():
    assert among(torch.tensor([[P, AA, 255]]), labels=frozenset({"P", "B"})).tolist() == [[1.0, 0.0, 0.0]]


def test_loudness_is_relative_to_the_talker():
    mels = torch.full((2, 200, 40), -20.0)
    mels[:, 100:] = 0.0
    mels[1] += -2.0
    loud = relative_loudness(mels)
    assert torch.allclose(loud[:, 60:], torch.ones(2, 40), atol=1e-4)
    assert float(loud[:, :49].max()) < 1e-3


# The mouth in torch


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def mouth(head):
    return mouth_mesh(head)


def wild_aims(seed, frames):
    """Aims over, and a little beyond, their ranges."""
    rng = np.random.default_rng(seed)
    aims = rng.random((frames, 8)) * [0.25, 0.1, 0.6, 1.1, 1.1, 0.5, 1.0, 1.0] - [
        0.03,
        0.05,
        0.05,
        0.1,
        0.1,
        0.05,
        0,
        0,
    ]
    aims[:, 6:] *= rng.random((frames, 2)) > 0.5
    return aims


def test_mouth_equals_the_numpy_solve(head, mouth):
    aims = wild_aims(0, 200)
    target = MouthTarget(**{name: aims[:, i] for i, name in enumerate(AIMS)})
    controls = lip_controls(lip_rig(head), target, style=PerformanceStyle())
    given_aims = torch.tensor(aims[None], dtype=torch.float32)
    assert np.abs(mouth.controls(given_aims)[0].numpy() - controls).max() < 1e-5
    controls[:, LIP_SEAL] = 0.0
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    part = head.restricted_to(mouth.vertex_index)
    vertices = part.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)
    assert np.abs(mouth.vertices(given_aims)[0].numpy() - vertices).max() < 1e-6


def test_mouth_gradient_equals_differences(head):
    exact = mouth_mesh(head, dtype=torch.float64)
    rng = np.random.default_rng(1)
    ranges = [0.1, 0.03, 0.3, 0.5, 0.5, 0.3, 0.6, 0.6]
    aims = torch.tensor(0.1 * np.array(ranges) + 0.8 * rng.random((1, 3, 8)) * ranges, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: exact.vertices(x).sum(dim=2), (aims,), eps=1e-7, atol=1e-6)


def test_mouth_vertices_hold_the_edges_of_the_lips(head, mouth):
    chosen = mouth.vertex_index.tolist()
    assert len(chosen) == len(set(chosen)) == 150
    assert set(head.contact.lips.upper) | set(head.contact.lips.lower) <= set(chosen)


def test_vertices_loss_counts_millimetres(mouth):
    target = speech(2, batch=2, frames=10)
    pred = answers_for(target)
    truth = truth_of(target)
    assert float(vertices_loss(pred, truth, mouth=mouth)) < 1e-6
    moved = pred.clone().requires_grad_()
    with torch.no_grad():
        moved[..., 2] += 1.0
    away = 1000.0 * (mouth.vertices(natural(moved)[..., :8]) - mouth.vertices(target[..., :8]))
    loss = vertices_loss(moved, truth, mouth=mouth)
    assert float(loss.detach()) == pytest.approx(float(away.detach().square().sum(-1).mean()), rel=1e-3)
    loss.backward()
    assert torch.isfinite(moved.grad).all() and moved.grad[..., 2].sum() > 0.0


def test_vertices_loss_does_not_blame_unknown_channels(mouth):
    target = speech(2, batch=1, frames=10)
    truth = truth_of(target)
    truth.known[..., 2] = 0.0
    pred = answers_for(target)
    pred[..., 2] += 2.0
    assert float(vertices_loss(pred, truth, mouth=mouth)) < 1e-6


# Exchange, concordance, lag


def test_an_exchanged_emotion_should_leave_the_lips_still():
    answers = answers_for(speech())
    assert float(lip_exchange_loss(answers, answers)) == 0.0
    other = answers.clone()
    other[..., 0] += 3.0
    assert float(lip_exchange_loss(answers, other)) == pytest.approx(1.0, rel=1e-5)


def test_concordance_by_hand():
    a = torch.tensor([[0.0], [1.0], [2.0]])
    assert float(concordance(a, a)[0]) == pytest.approx(1.0, abs=1e-5)
    assert float(concordance(a, a + 1.0)[0]) == pytest.approx(4 / 3 / (4 / 3 + 1.0), rel=1e-5)
    assert float(concordance_loss(a, -a + 2.0)) == pytest.approx(2.0, abs=1e-5)


def test_lag_is_free_up_to_a_fifth_of_a_second():
    t = np.arange(100) / 12.5
    rng = np.random.default_rng(0)
    knots = rng.random(40)
    curve = np.interp(t, np.arange(40) / 4.0, knots)

    def cost(late_secs):
        late = np.interp(t - late_secs, np.arange(40) / 4.0, knots)
        pair = (torch.tensor(x[None], dtype=torch.float32) for x in (curve, late))
        return float(lag_loss(*pair, rate_hz=12.5))

    assert cost(0.0) < 0.05
    assert cost(0.16) < cost(0.4) < cost(0.72)
    still = torch.zeros(1, 100)
    assert float(lag_loss(still, still, rate_hz=12.5)) == 0.0


def test_closures_of_captured_lips_are_left_to_their_capture():
    lips = torch.zeros(2, 20, 9)
    lips[..., GAP] = 0.1 / LIP_SCALE[GAP]
    taught = truth_of(natural(torch.zeros(2, 20, 9)), phone=P)
    both, one, none = (replace(taught, captured=torch.tensor(c)) for c in ([False] * 2, [True, False], [True] * 2))
    whole = closure_loss(lips, taught)
    assert whole > 0.5
    assert torch.allclose(torch.stack([closure_loss(lips, both), closure_loss(lips, one)]), whole)
    assert closure_loss(lips, none) == 0.0
