"""The network on a stream: cut anyhow, it answers the same, in time, and remembers no more than it must."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_net import TINY, random_net

from face_emote.network.hearing import Hearing
from face_emote.network.runtime import MotionNet
from face_emote.network.streams import ExpressionStream, LipStream

FRAMES = 150
RNG = np.random.default_rng(0)
ROWS = RNG.uniform(-3.6, 2.0, (2 * FRAMES, 40)).astype(np.float32)
EMOTION = RNG.uniform(-1.0, 1.0, (FRAMES, 21)).astype(np.float32)
CUTS = st.lists(st.integers(0, 2 * FRAMES), max_size=8)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> MotionNet:
    return random_net(tmp_path_factory.mktemp("net"))


def pieces(cuts: list[int]) -> list[slice]:
    edges = sorted({0, 2 * FRAMES, *cuts})
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def lips(net: MotionNet, look_ahead: int, cuts: list[int] | None = None, **options) -> np.ndarray:
    stream = LipStream(net, look_ahead, **options)
    answers = [stream.push(ROWS[piece]) for piece in pieces(cuts or [])]
    return np.concatenate([*answers, stream.finish(FRAMES)])


def expression(net: MotionNet, look_ahead: int, cuts: list[int] | None = None, **options) -> np.ndarray:
    """Emotion arrives with the sound, cut at odd places."""
    stream = ExpressionStream(net, look_ahead, **options)
    answers = [stream.push(ROWS[p], EMOTION[p.start // 2 : p.stop // 2]) for p in pieces(cuts or [])]
    return np.concatenate([*answers, stream.finish(FRAMES)])


@settings(max_examples=30, deadline=None)
@given(CUTS, st.sampled_from(TINY.look_ahead_frames))
def test_lips_do_not_depend_on_cutting(net, cuts, look):
    np.testing.assert_array_equal(lips(net, look, cuts), lips(net, look))


@settings(max_examples=30, deadline=None)
@given(CUTS, st.sampled_from(TINY.look_ahead_frames))
def test_expression_does_not_depend_on_cutting(net, cuts, look):
    np.testing.assert_array_equal(expression(net, look, cuts), expression(net, look))


@pytest.mark.parametrize("look", TINY.look_ahead_frames)
@pytest.mark.parametrize("chunk", (1, 3, 8))
def test_live_answers_are_the_offline_ones(net, look, chunk):
    np.testing.assert_allclose(lips(net, look, chunk_frames=chunk), lips(net, look), atol=1e-5)
    np.testing.assert_allclose(expression(net, look, chunk_latents=chunk), expression(net, look), atol=1e-5)


def test_the_same_input_gives_the_same_bytes(net):
    assert lips(net, 7).tobytes() == lips(net, 7).tobytes()
    assert expression(net, 7).tobytes() == expression(net, 7).tobytes()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 140), st.integers(0, 90), st.sampled_from(TINY.look_ahead_frames))
def test_exactly_the_wanted_frames_come_out(net, num_rows, extra, look):
    num_frames = -(-num_rows // 2) + extra
    stream = LipStream(net, look, chunk_frames=16)
    first = stream.push(ROWS[:num_rows])
    assert len(first) == stream.num_answered <= num_frames
    assert len(first) + len(stream.finish(num_frames)) == num_frames
    slow = ExpressionStream(net, look, chunk_latents=4)
    first = slow.push(ROWS[:num_rows], EMOTION[: max(num_frames, 1)])
    assert len(first) == slow.num_answered <= num_frames
    assert len(first) + len(slow.finish(num_frames)) == num_frames


@pytest.mark.parametrize("look", TINY.look_ahead_frames)
def test_live_answers_come_as_soon_as_the_look_ahead_is_heard(net, look):
    fast, slow = LipStream(net, look, chunk_frames=1), ExpressionStream(net, look, chunk_latents=1)
    slow.push(ROWS[:0], EMOTION)
    for row in range(120):
        fast.push(ROWS[row : row + 1])
        slow.push(ROWS[row : row + 1], EMOTION[:0])
        on_time = max(row // 2 - look + 1, 0)
        assert fast.num_answered == on_time
        assert slow.num_answered >= on_time


def test_the_expression_waits_for_the_emotion(net):
    slow = ExpressionStream(net, 3, chunk_latents=1)
    assert len(slow.push(ROWS[:100], EMOTION[:4])) == 0
    assert len(slow.push(ROWS[:0], EMOTION[4:5])) == 5
    assert len(slow.push(ROWS[:0], EMOTION[5:13])) == 8


def test_a_stream_cannot_end_before_its_answers(net):
    stream = LipStream(net, 3, chunk_frames=64)
    stream.push(ROWS)
    with pytest.raises(ValueError):
        stream.finish(10)
    with pytest.raises(ValueError):
        ExpressionStream(net, 3).finish(10)


def remembered(thing: object, seen: set[int]) -> int:
    """Bytes of all arrays that an object holds, arrays that views hold on to included."""
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        return thing.nbytes if thing.base is None else remembered(thing.base, seen)
    if isinstance(thing, (list, tuple)):
        return sum(remembered(item, seen) for item in thing)
    names = getattr(type(thing), "__slots__", ()) or vars(thing) if hasattr(thing, "__dict__") else ()
    return sum(remembered(getattr(thing, name), seen) for name in names)


def test_memory_stays_flat_over_five_minutes(net):
    hearing = Hearing(net.x0)
    fast, slow = LipStream(net, 15), ExpressionStream(net, 15)
    second = np.random.default_rng(1).normal(size=16_000).astype(np.float32) * 0.1
    sizes = []
    for secs in range(300):
        rows = hearing.push(second) if secs < 20 else ROWS[:100]
        fast.push(rows)
        slow.push(rows, EMOTION[:50])
        sizes.append(sum(remembered(stream, {id(net)}) for stream in (hearing, fast, slow)))
    assert fast.num_answered > 14_500
    assert slow.num_answered > 14_500
    assert max(sizes[150:]) <= max(sizes[:100])
    assert max(sizes) < 2_000_000
