"""Nets of experts: numpy answers as torch does, files survive, damaged ones are refused."""

import json
import struct
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")

from face_emote.core.errors import CheckpointError
from face_emote.network.convnet import (
    Conv,
    ConvNetSpec,
    ExpertFile,
    convnet,
    convolved,
    read_expert,
    spec_from_table,
    weight_shapes_of,
)
from tools.train_judges.experts import load_classifier, load_sync
from tools.train_judges.torch_convnet import TorchConvNet, arrays_of, frozen_twin, write_expert

SPECS = {
    "windows": ConvNetSpec(inputs=3, convs=(Conv(5, 5, 2), Conv(4, 3), Conv(2, 2))),
    "frames": ConvNetSpec(inputs=3, convs=(Conv(5, 5), Conv(4, 3)), same=True),
    "pooled": ConvNetSpec(inputs=3, convs=(Conv(5, 3, 2),), dense=(6, 2)),
}


def twins(spec, *, seed=0):
    net = TorchConvNet(spec, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for i, bias in enumerate(net.biases):
            bias.copy_(torch.linspace(-0.3, 0.3, len(bias)) + 0.1 * i)
    net.mean.fill_(0.2)
    net.scale.fill_(0.7)
    return net, net.in_numpy()


@pytest.mark.parametrize("kind", SPECS)
def test_numpy_equals_torch(kind):
    net, own = twins(SPECS[kind])
    inputs = np.random.default_rng(0).normal(size=(4, 23, 3)).astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(inputs)).numpy()
    assert np.abs(own(inputs) - wanted).max() < 1e-5
    assert np.abs(own(inputs[1]) - wanted[1]).max() < 1e-5
    with torch.no_grad():
        assert np.abs(frozen_twin(own)(torch.from_numpy(inputs)).numpy() - wanted).max() < 1e-6


def test_convolution_equals_a_loop():
    rng = np.random.default_rng(1)
    x, kernel, bias = rng.normal(size=(9, 3)), rng.normal(size=(3, 3, 2)), rng.normal(size=2)
    got = convolved(x, kernel, bias=bias, stride=2, same=False)
    for k, t in enumerate(range(0, 7, 2)):
        wanted = bias + sum(x[t + j] @ kernel[j] for j in range(3))
        assert np.allclose(got[k], wanted)
    assert len(got) == 4


def test_a_long_input_gives_the_answers_of_all_its_windows():
    spec = SPECS["windows"]
    _, own = twins(spec)
    inputs = np.random.default_rng(2).normal(size=(40, 3)).astype(np.float32)
    whole = own(inputs)
    for k in range(len(whole)):
        assert np.allclose(own(inputs[2 * k : 2 * k + spec.window])[0], whole[k], atol=1e-5)
    with pytest.raises(ValueError, match="fewer"):
        own(inputs[:3])


def test_specs_survive_json_and_nonsense_does_not():
    for spec in SPECS.values():
        assert spec_from_table(json.loads(json.dumps(asdict(spec)))) == spec
    good = json.loads(json.dumps(asdict(SPECS["frames"])))
    for change in (
        {"inputs": 0},
        {"convs": [[4, 2, 1]]},
        {"convs": [[4, 3]]},
        {"dense": [10**9]},
        {"same": 1},
        {"x": 1},
    ):
        with pytest.raises(ValueError):
            spec_from_table(good | change)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 70) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(("inputs", "convs", "same", "dense", "x")), inner, max_size=4)
        ),
    )
)
def test_any_table_is_a_spec_or_a_value_error(table):
    try:
        assert weight_shapes_of(spec_from_table(table))
    except ValueError:
        pass


def written(path, *, kind="sync"):
    net, _ = twins(SPECS["windows"])
    extras = {"x0": np.arange(4.0)}
    write_expert(ExpertFile(path, kind, {"audio": net.in_numpy()}, extras, labels=("a", "b"), card="made up"))
    return net


def test_expert_files_round_trip(tmp_path):
    path = tmp_path / "e.safetensors"
    net = written(path)
    found = read_expert(path, kind="sync")
    assert found.labels == ("a", "b") and found.card == "made up" and found.extras["x0"].tolist() == [0, 1, 2, 3]
    for own, given_weights in zip(found.stacks["audio"].kernels, net.kernels, strict=True):
        assert np.abs(own - given_weights.detach().numpy()).max() < 1e-3
    first = path.read_bytes()
    written(path)
    assert path.read_bytes() == first


def test_wrong_and_broken_expert_files_are_refused_in_a_sentence(tmp_path):
    path = tmp_path / "e.safetensors"
    written(path)
    with pytest.raises(CheckpointError, match="not the expert 'lip_reader'"):
        read_expert(path, kind="lip_reader")
    with pytest.raises(CheckpointError, match="no part 'motion'"):
        load_sync(path)
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    other_taps = whole[: length + 8].replace(b"[5, 5, 2]", b"[5, 9, 2]") + whole[length + 8 :]
    assert other_taps != whole
    for content in (b"", whole[:20], whole[:-1], other_taps):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=path.name):
            read_expert(path, kind="sync")
    with pytest.raises(CheckpointError):
        load_sync(tmp_path / "missing.safetensors")
    with pytest.raises(CheckpointError):
        load_classifier(tmp_path / "missing.safetensors")


def test_weights_of_another_shape_are_refused():
    net, _ = twins(SPECS["pooled"])
    weights = arrays_of(net.in_numpy())
    assert convnet(SPECS["pooled"], weights).kernels[0].shape == net.kernels[0].shape
    for name, wrong in (("0.bias", np.zeros(3)), ("scale", np.zeros(3)), ("mean", np.full(3, np.nan))):
        with pytest.raises(ValueError):
            convnet(SPECS["pooled"], weights | {name: wrong})
