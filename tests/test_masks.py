"""A hidden feeling: the mask has the mouth, the leak the brows and lids; what is held back is held with the lips."""

import numpy as np
import pytest

from face_emote.core.names import CONTROLS
from face_emote.core.types import EmotionTrack, PerformanceStyle
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import track
from face_emote.motion.feeling.affect import affect_by_rules
from face_emote.motion.feeling.masks import behind_mask

EVEN = PerformanceStyle(asymmetry=0.0)
MOUTH = [i for i, name in enumerate(CONTROLS) if name.startswith(("mouth", "jaw", "lips", "neck", "tongue"))]
BROWS = [i for i, name in enumerate(CONTROLS) if "brow" in name.lower()]
CORNERS = [i for i, name in enumerate(CONTROLS) if name.startswith(("mouthSmile", "mouthFrown", "mouthDimple"))]
SMILE, CHEEK = CONTROLS.index("mouthSmileLeft"), CONTROLS.index("cheekSquintLeft")


def felt(text: str, *, count: int = 200) -> EmotionTrack:
    return track(describe(text), times=np.arange(count) / 50.0, fps=50.0)


def shown(text: str):
    affect, _ = affect_by_rules(felt(text), None, style=EVEN)
    return affect.display


@pytest.mark.parametrize("hidden", ["anger", "sadness", "fear", "disgust", "contempt", "surprise"])
def test_the_mask_has_the_mouth_and_smiles_without_its_eyes(hidden):
    masked, joy = shown(f"{hidden} hidden under joy"), shown("joy")
    lips = np.setdiff1d(MOUTH, CORNERS)
    np.testing.assert_allclose(masked.emotion[-1, lips], joy.emotion[-1, lips], atol=1e-3)
    np.testing.assert_allclose(masked.emotion[-1, CORNERS], joy.emotion[-1, CORNERS], atol=0.16)
    assert masked.emotion[-1, CHEEK] < 0.25 * joy.emotion[-1, CHEEK]


@pytest.mark.parametrize("hidden", ["anger", "sadness", "fear", "disgust", "contempt", "joy"])
def test_what_breaks_through_has_of_the_mouth_its_corners_alone_and_by_half(hidden):
    masked, plain = shown(f"{hidden} hidden under calm"), shown(hidden)
    assert not masked.hidden[:, np.setdiff1d(MOUTH, CORNERS)].any()
    assert (masked.hidden[-1, CORNERS] <= 0.6 * plain.emotion[-1, CORNERS] + 1e-6).all()
    above = np.setdiff1d(np.arange(len(CONTROLS)), MOUTH)
    assert masked.hidden[-1, above].max() > 0.8 * plain.emotion[-1, above].max()


@pytest.mark.parametrize(
    ("hidden", "control"),
    [
        ("joy", "cheekSquintLeft"),
        ("disgust", "noseSneerLeft"),
        ("contempt", "mouthDimpleLeft"),
        ("fear", "browInnerUp"),
    ],
)
def test_every_feeling_that_is_hidden_keeps_a_trace_of_the_muscle_that_does_not_obey(hidden, control):
    column = CONTROLS.index(control)
    masked, neutral = shown(f"{hidden} hidden under neutral"), shown("neutral")
    trace = masked.emotion[-1, column] - neutral.emotion[-1, column]
    assert 0.06 < trace < 0.2


def test_hidden_brows_keep_a_trace_by_the_leak_and_none_without_one():
    plain = shown("joy").emotion[-1, BROWS]
    traces = [
        np.abs(shown(f"sadness hidden under joy, leak {leak}").emotion[-1, BROWS] - plain).max()
        for leak in (0.0, 0.25, 1)
    ]
    assert traces[0] < 1e-6 and 0.08 < traces[1] < 0.2 < traces[2] < 0.4


def test_who_holds_a_feeling_back_presses_the_lips_and_keeps_the_brows():
    restrained, despair = shown("restrained despair").emotion[-1], shown("despair:0.55").emotion[-1]
    press, part = CONTROLS.index("mouthPressLeft"), CONTROLS.index("lipsPart")
    assert restrained[press] > despair[press] + 0.08 and restrained[part] <= 0.6 * despair[part]
    brow = CONTROLS.index("innerBrowRaiseLeft")
    assert restrained[brow] > 0.9 * despair[brow]


def test_a_feeling_that_hides_nothing_is_left_alone():
    rows = np.random.default_rng(0).uniform(0.0, 1.0, (200, len(CONTROLS)))
    face, flashes = behind_mask(rows, np.zeros_like(rows), track=felt("calm anger tinged with fear"))
    assert np.array_equal(face, rows) and not flashes.any()


def test_any_cut_of_the_steps_gives_the_same_bytes():
    plan = felt("0s joy; 1s anger hidden under joy; 2.5s restrained sadness; 4s neutral", count=300)
    rows = np.random.default_rng(1).uniform(0.0, 1.0, (2, 300, len(CONTROLS)))
    whole = behind_mask(rows[0], rows[1], track=plan)
    for size in (7, 64):
        parts = [
            behind_mask(rows[0, i : i + size], rows[1, i : i + size], track=_cut(plan, i, i + size))
            for i in range(0, 300, size)
        ]
        for got, wanted in zip(zip(*parts, strict=True), whole, strict=True):
            assert np.concatenate(got).tobytes() == wanted.tobytes()


def _cut(plan: EmotionTrack, first: int, stop: int) -> EmotionTrack:
    rows = {name: getattr(plan, name)[first:stop] for name in ("mix", "vad", "intensity", "covert", "leak")}
    return EmotionTrack(**rows, fps=plan.fps)
