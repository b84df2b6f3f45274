"""Checkpoint files: what is written comes back, and nothing else is ever taken for one."""

import json
import struct
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_net import TINY, random_weights, write_random_net

from face_emote.core.errors import CheckpointError, FaceEmoteError
from face_emote.network.checkpoint import FORMAT, read_checkpoint
from face_emote.network.config import NetConfig, PathConfig
from face_emote.network.safetensors_file import MAX_HEADER_BYTES, read_tensors
from face_emote_lab.train.checkpoint_file import write_checkpoint, write_tensors

SMALL = NetConfig(
    lips=PathConfig(width=4, layers=1, heads=1, band=2, taps=1, growth=1),
    expression=PathConfig(width=4, layers=0, heads=1, band=2, taps=1, growth=1),
    condition_width=2,
)
NO_FUNCTION_RESET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_a_checkpoint_comes_back(tmp_path):
    weights = random_weights(TINY)
    path = tmp_path / "net.safetensors"
    digest = write_checkpoint(path, weights, config=TINY, card="# Card\nümläuts")
    read = read_checkpoint(path)
    assert read.config == TINY
    assert read.card == "# Card\nümläuts"
    assert read.sha256 == digest
    assert set(read.weights) == set(weights)
    for name, array in weights.items():
        assert read.weights[name].dtype == np.float32
        want = array if name == "x0" else array.astype(np.float16)
        np.testing.assert_array_equal(read.weights[name], want)


def test_the_same_weights_give_the_same_bytes(tmp_path):
    one, two = write_random_net(tmp_path / "1.safetensors"), write_random_net(tmp_path / "2.safetensors")
    assert one.read_bytes() == two.read_bytes()
    assert write_random_net(two, seed=1).read_bytes() != one.read_bytes()


def test_other_readers_of_the_format_can_read_it(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="the independent reader: pip install safetensors")
    path = write_random_net(tmp_path / "net.safetensors")
    ours, _ = read_tensors(path)
    theirs = safetensors.load_file(path)
    assert set(theirs) == set(ours)
    for name, array in theirs.items():
        np.testing.assert_array_equal(array, ours[name])


def test_weights_from_torch_fit_the_configuration(tmp_path):
    pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")
    from face_emote_lab.train.torch_net import TorchMotionNet, weights_from_torch

    for config in (TINY, NetConfig(), replace(TINY, lips_see_emotion=True)):
        weights = weights_from_torch(TorchMotionNet(config))
        write_checkpoint(tmp_path / "net.safetensors", weights, config=config, card="")
        assert read_checkpoint(tmp_path / "net.safetensors").config == config


def test_weights_that_do_not_fit_are_not_written(tmp_path):
    path = tmp_path / "net.safetensors"
    weights = random_weights(SMALL)
    cases = {
        "lacks": {name: a for name, a in weights.items() if name != "x0"},
        "should not have": weights | {"extra": np.zeros(3, np.float32)},
        "shape": weights | {"x0": np.zeros(39, np.float32)},
        "not finite": weights | {"lip_path.lip_head.bias": np.full(9, np.nan, np.float32)},
        "too large": weights | {"lip_path.lip_head.bias": np.full(9, 1e6, np.float32)},
    }
    for message, case in cases.items():
        with pytest.raises(CheckpointError, match=message):
            write_checkpoint(path, case, config=SMALL, card="")
    assert not path.exists()


@pytest.mark.parametrize(
    "config",
    (
        replace(SMALL, lips=replace(SMALL.lips, width=1 << 30)),
        replace(SMALL, lips=replace(SMALL.lips, heads=3)),
        replace(SMALL, lips=replace(SMALL.lips, layers=-1)),
        replace(SMALL, expression=replace(SMALL.expression, band=0)),
        replace(SMALL, condition_width=0),
        replace(SMALL, look_ahead_frames=()),
        replace(SMALL, look_ahead_frames=(2,)),
        replace(SMALL, styles=()),
    ),
)
def test_impossible_sizes_are_refused(tmp_path, config):
    metadata = {"format": FORMAT, "config": json.dumps(asdict(config)), "card": ""}
    path = tmp_path / "net.safetensors"
    write_tensors(path, random_weights(SMALL), metadata=metadata)
    with pytest.raises(CheckpointError, match="configuration"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "text",
    ("", "{", "[]", "null", '{"lips": 3}', "[" * 100_000, json.dumps(asdict(SMALL) | {"more": 1}), '{"lips": {}}'),
)
def test_unreadable_configurations_are_refused(tmp_path, text):
    path = tmp_path / "net.safetensors"
    write_tensors(path, random_weights(SMALL), metadata={"format": FORMAT, "config": text})
    with pytest.raises(CheckpointError, match="configuration cannot be read"):
        read_checkpoint(path)


def test_other_formats_are_refused_by_name(tmp_path):
    path = tmp_path / "net.safetensors"
    write_tensors(path, random_weights(SMALL), metadata={"format": "someone/9"})
    with pytest.raises(CheckpointError, match="'someone/9'"):
        read_checkpoint(path)


def test_one_changed_bit_is_found(tmp_path):
    path = write_random_net(tmp_path / "net.safetensors", config=SMALL)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="checksum"):
        read_checkpoint(path)


def headed(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
META = {"sha256": "0" * 64}


@pytest.mark.parametrize(
    ("content", "message"),
    (
        (b"", "cut off"),
        (b"\x00" * 8, "cut off"),
        (struct.pack("<Q", 2**63) + b"{}", "cut off"),
        (struct.pack("<Q", MAX_HEADER_BYTES + 1) + b" " * (MAX_HEADER_BYTES + 1), "cut off"),
        (headed(b"[" * 200_000), "header"),
        (headed(b'{"a": 1, "a": 1}'), "header"),
        (headed(b"\xff\xfe"), "header"),
        (headed([]), "header"),
        (headed({}), "metadata"),
        (headed({"__metadata__": {"sha256": 3}}), "metadata"),
        (headed({"__metadata__": META, "w": 3}), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"dtype": "I64"}}, b" " * 8), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"dtype": []}}, b" " * 8), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"shape": [-2]}}, b" " * 8), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"shape": [True, 2]}}, b" " * 8), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"shape": [2.0]}}, b" " * 8), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"shape": [1] * 40 + [2]}}, b" " * 8), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"data_offsets": [8, 0]}}, b" " * 8), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"data_offsets": [0]}}, b" " * 8), "'w' wrongly"),
        (headed({"__metadata__": META, "w": ENTRY | {"data_offsets": [8, 16]}}, b" " * 16), "outside"),
        (headed({"__metadata__": META, "w": ENTRY}, b" " * 7), "outside"),
        (headed({"__metadata__": META, "w": ENTRY, "v": ENTRY}, b" " * 16), "outside"),
        (headed({"__metadata__": META, "w": ENTRY}, b" " * 9), "checksum"),
        (headed({"__metadata__": META, "w": ENTRY}, b" " * 8), "checksum"),
    ),
)
def test_hostile_files_are_refused_in_one_sentence(tmp_path, content, message):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_checkpoint(path)
    assert str(caught.value).endswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(CheckpointError, match="cannot be read"):
            read_checkpoint(path)


def survives(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        read_checkpoint(path)
    except CheckpointError:
        return
    raise AssertionError("a damaged file was taken for a checkpoint")


@NO_FUNCTION_RESET
@given(st.binary(max_size=300))
def test_random_bytes_are_never_a_checkpoint(tmp_path, content):
    survives(tmp_path / "a", content)
    survives(tmp_path / "a", struct.pack("<Q", len(content)) + content)


@NO_FUNCTION_RESET
@given(st.data())
def test_damaged_files_are_never_a_checkpoint(tmp_path, data):
    path = write_random_net(tmp_path / "net.safetensors", config=SMALL)
    whole = path.read_bytes()
    survives(tmp_path / "a", whole[: data.draw(st.integers(0, len(whole) - 1))])
    at = data.draw(st.integers(8, len(whole) - 1))
    (tmp_path / "b").write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    try:
        # A changed letter of the card is no damage that matters; anything else is.
        changed = read_checkpoint(tmp_path / "b")
    except CheckpointError:
        return
    for name, array in read_checkpoint(path).weights.items():
        np.testing.assert_array_equal(changed.weights[name], array)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = write_random_net(tmp_path / "net.safetensors", config=SMALL)
    before = path.read_bytes()
    with pytest.raises(FaceEmoteError):
        write_checkpoint(path, {}, config=SMALL, card="")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.safetensors"]
