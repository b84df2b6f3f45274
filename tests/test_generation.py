"""Takes: drawn by the same bytes for the same seed, however the voice is cut, and never on the lips."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from face_emote.audio.examples import example_speech
from face_emote.cli.main import cli
from face_emote.core.errors import CheckpointError
from face_emote.core.names import CONTROLS
from face_emote.core.options import Performance
from face_emote.core.types import FaceMotion, PerformanceStyle
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion
from face_emote.generation.drawing import HOP, DrawnLife, TakeStream, drawn_life
from face_emote.generation.layout import (
    CONTEXT,
    FACE,
    LIDS,
    NUM_VALUES,
    TOKEN_HZ,
    VOICE,
    WINDOW,
    DrawConfig,
    Recalled,
)
from face_emote.generation.net import DRAW_NET, DrawNet, DrawWeights, draw_sizes, load_draw_net
from face_emote.generation.seen import seen_of
from face_emote.motion.events.drawn import Drawn, drawn_brows, drawn_closure
from face_emote.network.weights import arranged, tensors_of
from face_emote.verbs.animate import perform

MOUTH = [i for i, name in enumerate(CONTROLS) if name.startswith(("mouth", "jaw", "lip", "tongue"))]


@pytest.fixture(scope="module")
def net() -> DrawNet:
    return load_draw_net()


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((83, len(VOICE))).astype(np.float32)


def take(seed: int, *, blinks: float = 1.0) -> FaceMotion:
    speech, style = example_speech()[0].path, PerformanceStyle(blinks=blinks)
    return perform(Performance(speech, emotion="neutral", animator="takes", seed=seed, style=style)).whole()


def recalled(count: int) -> Recalled:
    rng = np.random.default_rng(7)
    face = np.zeros((count, WINDOW, len(FACE)))
    face[:, :, :6] = 0.4 * rng.standard_normal((count, WINDOW, 6))
    face[:, :, 6:8] = 1.0
    return Recalled(face, vad=rng.uniform(-1.0, 1.0, (count, 3)))


def test_moments_change_a_take_and_no_moments_change_nothing(net: DrawNet, voice: np.ndarray) -> None:
    alone, none, after = (
        drawn_life(net, voice, seed=4, moments=moments).face
        for moments in (None, lambda _number, _voice: recalled(0), lambda _number, _voice: recalled(4))
    )
    assert alone.tobytes() == none.tobytes()
    assert np.abs(alone - after).max() > 0.05


def test_windows_ask_for_their_moments_by_number_and_voice(net: DrawNet, voice: np.ndarray) -> None:
    asked = []

    def moments(number: int, heard: np.ndarray) -> None:
        asked.append((number, heard))

    drawn_life(net, voice, seed=0, moments=moments)
    assert [number for number, _ in asked] == list(range(len(asked)))
    np.testing.assert_array_equal(asked[1][1], voice[HOP - CONTEXT :][:WINDOW])


def test_pinned_tokens_hold_and_the_rest_is_drawn_to_fit(net: DrawNet, voice: np.ndarray) -> None:
    pinned = np.full((len(voice), len(FACE)), np.nan)
    pinned[30:50] = recalled(1).face[0, :20]
    free = drawn_life(net, voice, seed=2).face
    held = drawn_life(net, voice, seed=2, pinned=pinned).face
    np.testing.assert_allclose(held[30:50], pinned[30:50], atol=2e-3)
    assert np.abs(held[20:30] - free[20:30]).max() > 1e-3
    assert np.isfinite(held).all()


def test_a_seed_is_a_take(net: DrawNet, voice: np.ndarray) -> None:
    one, again, other = (drawn_life(net, voice, seed=seed).face for seed in (4, 4, 5))
    assert one.tobytes() == again.tobytes()
    assert one.shape == (len(voice), len(FACE))
    assert np.abs(one - other).max() > 0.1


def test_streamed_takes_equal_whole_ones(net: DrawNet, voice: np.ndarray) -> None:
    whole = drawn_life(net, voice, seed=1).face
    stream = TakeStream(net, seed=1)
    pieces = [stream.push(piece) for piece in np.array_split(voice, 20)]
    assert np.concatenate([*pieces, stream.finish()]).astype(np.float32).tobytes() == whole.tobytes()


@pytest.mark.parametrize("count", [0, 1, WINDOW, WINDOW + 1])
def test_a_take_is_as_long_as_the_voice(net: DrawNet, voice: np.ndarray, count: int) -> None:
    assert len(drawn_life(net, voice[:count], seed=0).face) == count


def test_another_take_changes_brows_and_head_and_nothing_of_the_mouth() -> None:
    one, other = take(0), take(1)
    assert one.expression[:, MOUTH].tobytes() == other.expression[:, MOUTH].tobytes()
    assert one.jaw_pose.tobytes() == other.jaw_pose.tobytes()
    assert np.degrees(np.abs(one.neck_pose - other.neck_pose).max()) > 0.5
    brows = [CONTROLS.index(name) for name in ("browInnerUp", "browOuterUpLeft", "browDownLeft")]
    assert np.abs(one.expression[:, brows] - other.expression[:, brows]).max() > 0.02


def test_a_motion_says_what_drew_it(net: DrawNet) -> None:
    assert take(0).info.animator.endswith(f"takes {net.sha256[:8]}")


def pauses_between_blinks(net: DrawNet, voice: np.ndarray) -> np.ndarray:
    """Seconds, of many takes of somebody who blinks a lot."""
    lively = net.manners.max(axis=0)
    found = []
    for seed in range(12):
        lids = drawn_life(net, voice, seed=seed, style=lively).face[:, LIDS].ravel()
        shut = np.flatnonzero(lids < 0.6)
        found.append(np.diff(shut)[np.diff(shut) > 1] - 1)
    return np.concatenate(found) / (2.0 * TOKEN_HZ)


def test_lids_never_flutter(net: DrawNet, voice: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pauses_between_blinks(net, voice).min() > 0.3
    monkeypatch.setattr("face_emote.generation.drawing._OPEN_FOR", 0)
    assert pauses_between_blinks(net, voice).min() < 0.3


def longest_closure(net: DrawNet, voice: np.ndarray) -> float:
    """Seconds for which lids are shut at most, in a take after somebody who looked down for long."""
    down = np.zeros((len(voice), len(FACE)), np.float32)
    down[:, LIDS] = 1.0
    down[12:30, LIDS] = 0.1
    lids = drawn_life(net, voice, seed=0, pinned=down).face[:, LIDS].ravel()
    opens = np.flatnonzero(np.concatenate([[True], lids >= 0.6, [True]]))
    return float(np.diff(opens).max() - 1) / (2.0 * TOKEN_HZ)


def test_nobody_talks_with_shut_eyes(net: DrawNet, voice: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0.2 < longest_closure(net, voice) <= 0.4
    monkeypatch.setattr("face_emote.generation.drawing._LOW_FOR", 1000)
    assert longest_closure(net, voice) > 1.0


def test_whoever_never_blinks_does_not_in_a_take_either() -> None:
    lids = [CONTROLS.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    assert max(take(seed, blinks=0.0).expression[:, lids].max() for seed in range(2)) < 0.6


def test_brows_and_lids_end_where_the_take_has_them(net: DrawNet) -> None:
    rng = np.random.default_rng(0)
    face = np.zeros((40, len(FACE)), np.float32)
    face[:, :3] = rng.normal(0.0, [5.0, 5.0, 2.5], (40, 3))
    face[:, FACE.index("lids")] = face[:, FACE.index("lids_later")] = np.arange(40) % 8 != 4
    drawn, times = Drawn(DrawnLife(face), net.controls), np.arange(40) / 12.5
    brows, closure = drawn_brows(drawn, times, amount=1.0), drawn_closure(drawn, times, blinks=True)
    assert closure.tolist() == pytest.approx((1.0 - face[:, FACE.index("lids")]).tolist(), abs=1e-6)
    brows[:, [CONTROLS.index(name) for name in ("browDownLeft", "browDownRight")]] += 0.05 * closure[:, None]
    points_of = load_head().landmark478_points
    assert points_of is not None
    points = points_of.of(load_head().pose_vertices(expression=brows))
    seen = seen_of(points.astype(np.float64), list(range(478)), np.zeros((40, 3)))[:, :3]
    rest = points_of.of(load_head().template[None]).astype(np.float64)
    still = seen_of(rest, list(range(478)), np.zeros((1, 3)))[:, :3]
    assert np.abs(seen - still - face[:, :3]).max() < 1.0


def test_several_takes_are_written_and_shown(tmp_path: Path) -> None:
    speech, out = str(example_speech()[2].path), tmp_path / "line.npz"
    asked = ["animate", speech, "-e", "neutral", "--animator", "takes", "--takes", "2", "--seed", "7", "-o", str(out)]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 0, done.output
    one, two = (read_motion(tmp_path / f"line_{number}.npz") for number in (1, 2))
    assert (one.info.seed, two.info.seed) == (7, 8)
    assert one.expression[:, MOUTH].tobytes() == two.expression[:, MOUTH].tobytes()
    assert (tmp_path / "line_takes.png").read_bytes()[:4] == b"\x89PNG"
    assert not out.exists()


def test_takes_are_of_recordings(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["animate", "--from", "x.npz", "--takes", "2", "-o", str(tmp_path / "y.npz")])
    assert done.exit_code != 0
    assert "--takes is for performances of speech" in str(done.exception or done.output)


def test_numpy_and_torch_say_the_same() -> None:
    torch = pytest.importorskip("torch")
    from tools.train_generation.torch_draw import TorchDrawNet, conditions_of

    torch.manual_seed(0)
    config = DrawConfig(width=16, layers=2)
    model = TorchDrawNet(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    sizes = draw_sizes(config)
    arrays = model.arrays()
    assert {name: array.shape for name, array in arrays.items()} == tensors_of(DrawWeights, sizes, prefix="")
    ours = replace(load_draw_net(), weights=arranged(DrawWeights, arrays, sizes=sizes, prefix=""))
    rng = np.random.default_rng(1)
    values = rng.standard_normal((WINDOW, NUM_VALUES)).astype(np.float32)
    known, style = rng.integers(0, 2, (WINDOW, 3)).astype(np.float32), ours.manners[0]
    memory = ours.remembered(recalled(2))
    assert memory is not None
    filled = torch.from_numpy(np.concatenate([memory, 9.0 + memory]))[None]
    there = torch.arange(len(filled[0]))[None] < len(memory)
    with torch.no_grad():
        units = (style - ours.style_mean) / ours.style_scale
        told = conditions_of(torch.tensor([0.3]), torch.from_numpy(units[None]).float(), torch.ones(1))
        rows, given = torch.from_numpy(values)[None], torch.from_numpy(known)[None]
        alone, after = (model(rows, known=given, conditions=told, memory=m)[0].numpy() for m in (None, (filled, there)))
    by_numpy = [ours.velocity(values, known=known, time=0.3, style=style, memory=m) for m in (None, memory)]
    assert np.abs(by_numpy[0] - alone).max() < 1e-4
    assert np.abs(by_numpy[1] - after).max() < 1e-4
    assert np.abs(alone - after).max() > 1e-2


def test_another_file_is_refused(tmp_path: Path) -> None:
    from face_emote.network.runtime import FOLDER

    with pytest.raises(CheckpointError, match="No takes can be drawn"):
        load_draw_net(FOLDER / "fast.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(DRAW_NET.read_bytes()[:-8])
    with pytest.raises(CheckpointError):
        load_draw_net(cut)
