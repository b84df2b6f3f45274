"""The network computes what `docs/network.md` says: in torch, in numpy, and in slow loops."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_net import TINY, random_net, random_weights

from face_emote.audio.logmel import log_mels
from face_emote.core.errors import CheckpointError
from face_emote.network.blocks import BlockStream, silu
from face_emote.network.config import LIP_SCALE, NUM_LINEAR, NetConfig, PathConfig
from face_emote.network.hearing import QUIET, SILENCE_LOG_MEL, Hearing, LevelFollower, normalised
from face_emote.network.runtime import BUNDLED, MotionNet, load_motion_net
from face_emote.network.streams import ExpressionStream, LipStream
from face_emote.network.weights import lip_sizes

FRAMES = 60
NEEDS_TORCH = "training needs torch: pip install 'face-emote[train]'"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> MotionNet:
    return random_net(tmp_path_factory.mktemp("net"))


def rows_of(num_frames: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3.6, 2.0, (2 * num_frames, 40)).astype(np.float32)


def emotion_of(num_frames: int, *, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (num_frames, 21)).astype(np.float32)


def lips_of(net: MotionNet, rows: np.ndarray, look_ahead: int, **options) -> np.ndarray:
    stream = LipStream(net, look_ahead, **options)
    return np.concatenate([stream.push(rows), stream.finish(len(rows) // 2)])


def expression_of(net: MotionNet, rows: np.ndarray, emotion: np.ndarray, look_ahead: int, **options) -> np.ndarray:
    stream = ExpressionStream(net, look_ahead, **options)
    return np.concatenate([stream.push(rows, emotion), stream.finish(len(rows) // 2)])


# --- against torch ----------------------------------------------------------------------------------------------------


def torch_twin(config: NetConfig, *, seed: int = 0):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from face_emote_lab.train.torch_net import TorchMotionNet

    twin = TorchMotionNet(config).eval()
    halved = {name: w.astype(np.float16).astype(np.float32) for name, w in random_weights(config, seed=seed).items()}
    halved["x0"] = random_weights(config, seed=seed)["x0"]
    twin.load_state_dict({name: torch.from_numpy(array) for name, array in halved.items()})
    return twin


@pytest.mark.parametrize("look_index", range(3))
def test_numpy_answers_what_torch_answers(net, look_index):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from tools.train_network.faces import latent_emotion, upsampled

    twin = torch_twin(TINY)
    look = TINY.look_ahead_frames[look_index]
    rows, emotion = rows_of(FRAMES), emotion_of(FRAMES)
    phones = np.random.default_rng(2).integers(0, 41, FRAMES)
    padded = np.full((2 * (FRAMES + look + 8), 40), QUIET, np.float32)
    padded[: len(rows)] = rows
    heard, which = torch.from_numpy(padded)[None], torch.tensor([look_index])
    known = torch.zeros(1, len(padded) // 2, dtype=torch.long)
    known[0, :FRAMES] = torch.from_numpy(phones)
    latents = max(-(-(FRAMES - 1 + look - 7) // 4), 0) + 1
    with torch.no_grad():
        hidden, _ = twin.lips(heard, look_ahead=which, style=torch.tensor([1]), phones=known)
        raw = hidden[0, look : look + FRAMES].numpy()
        felt = latent_emotion(torch.from_numpy(emotion)[None], look, num_latents=latents)
        slow = upsampled(twin.expression(heard, look_ahead=which, emotion=felt), FRAMES, look_ahead_frames=look)
    lips = np.hstack([raw[:, :NUM_LINEAR] * np.array(LIP_SCALE), 1.0 / (1.0 + np.exp(-raw[:, NUM_LINEAR:]))])
    np.testing.assert_allclose(lips_of(net, rows, look, style="mumbler", phones=phones), lips, atol=1e-4)
    np.testing.assert_allclose(expression_of(net, rows, emotion, look), slow[0].numpy(), atol=1e-4)


def test_lips_that_see_the_emotion_agree_with_torch(tmp_path):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    config = replace(TINY, lips_see_emotion=True)
    twin, net = torch_twin(config), random_net(tmp_path, config=config)
    rows, emotion = rows_of(FRAMES), emotion_of(FRAMES)
    shifted = emotion[np.clip(np.arange(FRAMES) - 7, 0, None)]
    with torch.no_grad():
        hidden, _ = twin.lips(
            torch.from_numpy(rows)[None], look_ahead=torch.tensor([1]), emotion=torch.from_numpy(shifted)[None]
        )
    want = hidden[0, 7:, :NUM_LINEAR].numpy() * np.array(LIP_SCALE)
    got = lips_of(net, rows, 7, emotion=emotion)[: FRAMES - 7, :NUM_LINEAR]
    np.testing.assert_allclose(got, want, atol=1e-4)
    assert np.abs(lips_of(net, rows, 7, emotion=0.0 * emotion)[: FRAMES - 7, :NUM_LINEAR] - want).max() > 1e-3


def test_a_batch_of_mixed_look_aheads_reads_each_clip_at_its_own():
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from tools.train_network.faces import latent_emotion, upsampled

    hidden = torch.arange(2 * 30 * 1.0).reshape(2, 30, 1)
    looks = torch.tensor([3, 15])
    np.testing.assert_array_equal(
        upsampled(hidden, 20, look_ahead_frames=looks)[1], upsampled(hidden[1:], 20, look_ahead_frames=15)[0]
    )
    felt = latent_emotion(torch.arange(40.0).reshape(1, 40, 1).expand(2, 40, 21), looks, num_latents=6)
    assert felt[:, :, 0].tolist() == [[4, 8, 12, 16, 20, 24], [0, 0, 0, 4, 8, 12]]


def test_a_new_network_starts_as_its_stem():
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from face_emote_lab.train.torch_net import Block

    block = Block(lip_sizes(TINY))
    x = torch.randn(2, 20, 16)
    np.testing.assert_array_equal(block(x, torch.randn(2, 1, 8)).detach(), x)


# --- what is heard ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("look_index", "look"), [(0, 3), (1, 7), (2, 15)])
def test_gradients_reach_as_far_as_the_look_ahead_and_no_further(look_index, look):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from tools.train_network.faces import upsampled

    twin = torch_twin(TINY)
    which = torch.tensor([look_index])
    for frame in (0, 5, 18, 19, 20, 21):
        rows = torch.from_numpy(rows_of(48))[None].requires_grad_()
        twin.lips(rows, look_ahead=which)[0][0, frame + look].sum().backward()
        assert last_heard(rows.grad) == 2 * (frame + look)
        rows = torch.from_numpy(rows_of(48))[None].requires_grad_()
        latents = twin.expression(rows, look_ahead=which, emotion=torch.zeros(1, 12, 21))
        upsampled(latents, 30, look_ahead_frames=look)[0, frame].sum().backward()
        last_latent = max(-(-(frame + look - 7) // 4), 0)
        assert last_heard(rows.grad) == 8 * last_latent + 6 <= 2 * (frame + look)


def last_heard(gradient) -> int:
    return int(gradient[0].abs().sum(1).nonzero().max())


@pytest.mark.parametrize("look", TINY.look_ahead_frames)
def test_the_numpy_runtime_hears_no_further_than_the_look_ahead(net, look):
    row = 61
    rows, emotion = rows_of(FRAMES), emotion_of(FRAMES)
    changed = rows.copy()
    changed[row:] = 0.5
    first = -(-row // 2) - look
    for answers in (lambda r: lips_of(net, r, look), lambda r: expression_of(net, r, emotion, look)):
        whole, other = answers(rows), answers(changed)
        np.testing.assert_array_equal(whole[:first], other[:first])
        assert np.abs(whole[first + 4 :] - other[first + 4 :]).max() > 1e-3
    assert np.abs(lips_of(net, rows, look)[first] - lips_of(net, changed, look)[first]).max() > 1e-4


def test_every_condition_matters(net):
    rows, emotion = rows_of(FRAMES), emotion_of(FRAMES)
    phones = np.full(FRAMES, 7)
    plain = lips_of(net, rows, 7)
    for other in (lips_of(net, rows, 7, style=1), lips_of(net, rows, 7, phones=phones), lips_of(net, rows, 3)):
        assert np.abs(plain - other).max() > 1e-3
    felt = expression_of(net, rows, emotion, 7)
    emotion[30:] = 0.0
    other = expression_of(net, rows, emotion, 7)
    assert np.abs(felt - other)[31:].max() > 1e-3
    # Latent v is told the emotion of the frame that it answers for.
    np.testing.assert_array_equal(felt[:25], other[:25])


def test_unknown_phones_are_no_transcript_and_silence_follows_the_last_phone(net):
    rows = rows_of(FRAMES)
    np.testing.assert_array_equal(lips_of(net, rows, 3, phones=np.full(90, 40)), lips_of(net, rows, 3))
    short, long = np.full(20, 5), np.concatenate([np.full(20, 5), np.zeros(80, np.int64)])
    np.testing.assert_array_equal(lips_of(net, rows, 3, phones=short), lips_of(net, rows, 3, phones=long))


def test_what_the_network_was_not_trained_for_is_refused(net):
    with pytest.raises(ValueError):
        LipStream(net, 4)
    with pytest.raises(ValueError):
        ExpressionStream(net, 4)
    with pytest.raises(ValueError):
        LipStream(net, 3, style="nobody")
    with pytest.raises(ValueError):
        LipStream(net, 3, emotion=emotion_of(5))


# --- slow twins -------------------------------------------------------------------------------------------------------


def attention_ref(x, qkv, bias, attended, attended_bias):
    """Attention with one loop per frame, head and key."""
    frames, width = x.shape
    heads, band = bias.shape
    size = width // heads
    queries, keys, values = np.split(x @ qkv.T, 3, axis=1)
    y = np.zeros((frames, width))
    for t in range(frames):
        for h in range(heads):
            own = slice(h * size, (h + 1) * size)
            seen = range(max(t - band + 1, 0), t + 1)
            scores = np.array([queries[t, own] @ keys[s, own] / np.sqrt(size) + bias[h, t - s] for s in seen])
            weights = np.exp(scores - scores.max())
            for share, s in zip(weights / weights.sum(), seen, strict=True):
                y[t, own] += share * values[s, own]
    return y @ attended.T + attended_bias


def convolution_ref(x, kernel, bias, mixed, mixed_bias):
    """Depthwise convolution with one loop per frame and tap."""
    frames, taps = len(x), kernel.shape[2]
    y = np.tile(bias.astype(np.float64), (frames, 1))
    for t in range(frames):
        for k in range(taps):
            if t - k >= 0:
                y[t] += kernel[:, 0, taps - 1 - k] * x[t - k]
    return y / (1.0 + np.exp(-y)) @ mixed.T + mixed_bias


def norm_ref(x):
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)


def block_ref(x, modulation, weights):
    """One block, straight from the formulas of the document."""
    shift, scale, gate = modulation.reshape(3, 3, -1).transpose(1, 0, 2)
    w = {name.removeprefix("lip_path.blocks.0."): a.astype(np.float64) for name, a in weights.items()}
    h = norm_ref(x) * (1.0 + scale[0]) + shift[0]
    x = x + gate[0] * attention_ref(h, w["qkv.weight"], w["attention_bias"], w["attended.weight"], w["attended.bias"])
    h = norm_ref(x) * (1.0 + scale[1]) + shift[1]
    x = x + gate[1] * convolution_ref(h, w["depthwise.weight"], w["depthwise.bias"], w["mixed.weight"], w["mixed.bias"])
    h = (norm_ref(x) * (1.0 + scale[2]) + shift[2]) @ w["widened.weight"].T + w["widened.bias"]
    return x + gate[2] * (h / (1.0 + np.exp(-h)) @ w["narrowed.weight"].T + w["narrowed.bias"])


@pytest.mark.parametrize("chunk", (1, 4, 10))
def test_a_streamed_block_equals_the_slow_loops(net, chunk):
    weights = {name: w.astype(np.float16) for name, w in random_weights(TINY).items()}
    rng = np.random.default_rng(3)
    x, condition = rng.normal(size=(40, 16)), rng.normal(size=8)
    modulation = weights["lip_path.blocks.0.modulation.weight"].astype(np.float64) @ condition
    modulation += weights["lip_path.blocks.0.modulation.bias"]
    block = net.lips.blocks[0]
    stream, pieces = BlockStream(block, chunk=chunk), []
    for start in range(0, 40, chunk):
        piece = x[start : start + chunk].astype(np.float32)
        stream.step(piece, block.modulation(condition[None].astype(np.float32)))
        pieces.append(piece)
    np.testing.assert_allclose(np.concatenate(pieces), block_ref(x, modulation, weights), atol=2e-5)


def test_torch_attention_equals_the_slow_loops():
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    block = torch_twin(TINY).lip_path.blocks[0]
    x = np.random.default_rng(4).normal(size=(2, 33, 16)).astype(np.float32)
    names = ("qkv.weight", "attention_bias", "attended.weight", "attended.bias")
    parts = [block.state_dict()[name].numpy().astype(np.float64) for name in names]
    with torch.no_grad():
        got = block.attention(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, [attention_ref(clip, *parts) for clip in x], atol=2e-5)


def test_silu_survives_extremes():
    x = np.array([[-1e4, -90.0, -1.0, 0.0, 1.0, 90.0, 1e4]], np.float32)
    np.testing.assert_allclose(silu(x)[0], [0.0, 0.0, -0.26894143, 0.0, 0.7310586, 90.0, 1e4], atol=1e-6)


# --- hearing ----------------------------------------------------------------------------------------------------------

X0 = np.linspace(-12.0, -8.0, 40).astype(np.float32)


def speech_mels(num_rows: int, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.uniform(-14.0, -4.0, num_rows // 10 + 1), 10)[:num_rows, None]
    return (loud + rng.normal(size=(num_rows, 40))).astype(np.float32)


def normalised_ref(mels, x0):
    """The recursion of the document, one number at a time."""
    decay = np.exp(-1.0 / 600.0)
    a, b = 0.2 * x0.astype(np.float64), 0.2
    rows = []
    for x in mels.astype(np.float64):
        w = np.sqrt(sum(np.exp(x)) / 40.0)
        a = decay * a + w * x + (1.0 - decay) * 0.2 * x0
        b = decay * b + w + (1.0 - decay) * 0.2
        rows.append(np.clip(x - a / b, -9.0, 5.0) / 2.5)
    return np.array(rows)


def test_the_level_follows_the_recursion():
    mels = speech_mels(150)
    np.testing.assert_allclose(normalised(mels, X0), normalised_ref(mels, X0), atol=1e-5)


@given(st.lists(st.integers(0, 150), max_size=5))
def test_the_level_does_not_depend_on_cutting(cuts):
    mels = speech_mels(150)
    follower = LevelFollower(X0)
    edges = sorted({0, 150, *cuts})
    pieces = [follower.push(mels[a:b]) for a, b in itertools.pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(pieces), normalised(mels, X0))


def test_a_batch_is_normalised_clip_by_clip():
    clips = np.stack([speech_mels(80, seed=seed) for seed in range(3)])
    np.testing.assert_array_equal(normalised(clips, X0), [normalised(clip, X0) for clip in clips])


def test_gain_and_microphone_cancel_after_some_speech():
    mels = speech_mels(1200)
    coloured = mels + 2.0 + np.linspace(-1.0, 1.0, 40, dtype=np.float32)
    difference = np.abs(normalised(mels, X0) - normalised(coloured, X0)).mean(axis=1)
    assert difference[:5].mean() > 0.2
    assert difference[300:].max() < 0.06


def test_minutes_of_digital_silence_never_sound_like_speech():
    rows = normalised(np.full((20_000, 40), SILENCE_LOG_MEL, np.float32), X0)
    assert rows.max() < -2.5


@given(st.lists(st.integers(0, 9000), max_size=5), st.sampled_from((3, 20, 256)))
def test_hearing_does_not_depend_on_cutting(cuts, chunk_rows):
    sound = np.random.default_rng(5).normal(size=9000).astype(np.float32) * 0.1
    hearing = Hearing(X0, chunk_rows=chunk_rows)
    edges = sorted({0, 9000, *cuts})
    rows = [hearing.push(sound[a:b]) for a, b in itertools.pairwise(edges)]
    rows = np.concatenate([*rows, hearing.finish()])
    whole = normalised(np.concatenate(list(log_mels([sound]))), X0)
    assert rows.shape == whole.shape
    if chunk_rows == 256:
        np.testing.assert_array_equal(rows, whole)
    np.testing.assert_allclose(rows, whole, atol=1e-5)


# --- loading ----------------------------------------------------------------------------------------------------------


def test_a_missing_network_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("face_emote.network.runtime.FOLDER", tmp_path)
    load_motion_net.cache_clear()
    with pytest.raises(CheckpointError, match="--animator rules"):
        load_motion_net(BUNDLED[0])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_motion_net(tmp_path / "none.safetensors")


def test_default_sizes_fit_in_a_small_file():
    from face_emote.network.weights import weight_shapes

    shapes = weight_shapes(NetConfig(lips=PathConfig()))
    assert 2 * sum(int(np.prod(shape)) for shape in shapes.values()) < 5e6
