"""Blood flow: slow, exact, resumable, and driven by what is felt rather than by what is shown."""

import numpy as np
import pytest

from face_emote.core.errors import OptionError
from face_emote.core.lowpass import follow, follow_twice
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, EMOTIONS, MOTION_HZ
from face_emote.core.types import EmotionTrack
from face_emote.look.regions import BLOOD_AND_NECK, blood_masks
from face_emote.motion.feeling.blood import (
    DRIVES,
    TIMINGS,
    blood_drives,
    blood_flow,
    pressed_blood,
    pulse_of,
    rested_blood,
    step_blood,
)

CHEEK = BLOOD_REGIONS.index("cheek_left")


def felt(frames: int, *, vad=(0.0, 0.0, 0.0), covert=None, intensity=1.0, **mix: float) -> EmotionTrack:
    row = np.zeros(8, np.float32)
    for name, weight in mix.items():
        row[EMOTIONS.index(name)] = weight
    row[0] += 1.0 - row.sum()
    hidden = np.zeros(8, np.float32)
    for name, weight in (covert or {}).items():
        hidden[EMOTIONS.index(name)] = weight
    tile = lambda x: np.tile(np.asarray(x, np.float32), (frames, 1))  # noqa: E731
    ones = np.ones(frames, np.float32)
    return EmotionTrack(tile(row), tile(vad), intensity * ones, tile(hidden), 0.3 * ones, MOTION_HZ)


def levels_of(drives: np.ndarray, preset: str) -> np.ndarray:
    return step_blood(drives, rested_blood(preset, step_hz=MOTION_HZ), preset=preset, step_hz=MOTION_HZ)[0]


def euler_ref(drives: np.ndarray, preset: str, rate: int = 10_000) -> np.ndarray:
    """The same equations by 10 kHz Euler steps, one drive at a time."""
    timing = TIMINGS[preset]
    per_step = rate // int(MOTION_HZ)
    out = np.zeros_like(drives)
    for d in range(drives.shape[1]):
        y1 = y2 = 0.0
        delay = round(timing.delay_secs[d] * MOTION_HZ)
        for i in range(len(drives)):
            u = drives[i - delay, d] if i >= delay else 0.0
            for _ in range(per_step):
                tau = timing.on_secs[d] if u > y1 else timing.off_secs[d]
                y1, y2 = y1 + (u - y1) / tau / rate, y2 + (y1 - y2) / tau / rate
            out[i, d] = y2
    return out


@pytest.mark.parametrize("preset", ["stage", "physiological"])
def test_the_step_is_exact(preset):
    rng = np.random.default_rng(1)
    seconds = {"stage": 3, "physiological": 6}[preset]
    drives = np.repeat(rng.uniform(0, 1, (seconds, 4)), int(MOTION_HZ), axis=0)
    drives[len(drives) // 2 :] *= 0.1
    assert np.abs(levels_of(drives, preset) - euler_ref(drives, preset)).max() < 1e-3


def test_blocks_of_blood_equal_the_whole():
    rng = np.random.default_rng(2)
    drives = rng.uniform(0, 1, (400, 4))
    whole = levels_of(drives, "stage")
    state = rested_blood("stage", step_hz=MOTION_HZ)
    parts = []
    for first in range(0, 400, 37):
        levels, state = step_blood(drives[first : first + 37], state, preset="stage", step_hz=MOTION_HZ)
        parts.append(levels)
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_nothing_shows_before_the_dead_time_and_all_of_it_in_the_end():
    for preset, dead, settled in (("stage", 0.28, 8.0), ("physiological", 2.4, 90.0)):
        drives = np.ones((int(settled * MOTION_HZ), 4))
        levels = levels_of(drives, preset)
        assert np.all(levels[: int(dead * MOTION_HZ)] == 0.0)
        assert np.all(levels[-1] > 0.97)
        assert np.all(np.diff(levels, axis=0) >= 0.0)


def test_a_blush_comes_faster_than_it_goes():
    second = int(MOTION_HZ)
    drives = np.concatenate([np.ones((30 * second, 4)), np.zeros((60 * second, 4))])
    blush = levels_of(drives, "physiological")[:, DRIVES.index("blush")]
    rise = np.argmax(blush > 0.5 * blush.max()) / MOTION_HZ
    peak = int(np.argmax(blush))
    fall = np.argmax(blush[peak:] < 0.5 * blush.max()) / MOTION_HZ
    assert 5.0 < rise < 12.0
    assert fall > 2.0 * rise


def test_every_emotion_drives_its_own_blood():
    drive = lambda **kw: dict(zip(DRIVES, blood_drives(felt(1, **kw))[0], strict=True))  # noqa: E731
    guilty = drive(intensity=0.75, sadness=0.65, fear=0.35, vad=(-0.57, 0.28, -0.34))
    assert max(guilty, key=guilty.get) == "blush" and guilty["blush"] > 0.4
    assert drive(anger=1.0, vad=(-0.51, 0.59, 0.25))["flush"] > 0.95
    assert drive(fear=1.0, vad=(-0.64, 0.60, -0.43))["pallor"] > 0.95
    sad = drive(sadness=1.0, vad=(-0.63, -0.27, -0.33))
    assert sad["tears"] > 0.7 and sad["blush"] < 0.05
    joy = drive(joy=1.0, vad=(0.81, 0.51, 0.46))
    assert max(joy.values()) < 0.1
    assert max(drive().values()) == 0.0


def test_hidden_anger_reddens_a_smiling_face():
    posed = felt(200, joy=1.0, vad=(0.81, 0.51, 0.46), covert={"anger": 0.9})
    levels = levels_of(blood_drives(posed), "stage")
    flow = blood_flow(levels, pressed=np.zeros((200, 8)), pulse=np.zeros(200))
    assert flow[-1, CHEEK] > 0.25
    assert flow[-1, BLOOD_REGIONS.index("forehead")] > flow[-1, CHEEK] > flow[-1, BLOOD_REGIONS.index("nose")]


def test_fear_pales_and_anger_flushes():
    for name, sign in (("fear", -1.0), ("anger", 1.0)):
        levels = levels_of(blood_drives(felt(400, **{name: 1.0})), "stage")
        flow = blood_flow(levels, pressed=np.zeros((400, 8)), pulse=np.zeros(400))
        assert sign * flow[-1, CHEEK] > 0.5
        assert np.all(np.abs(flow) <= 1.0)


def test_pressed_lips_lose_blood_at_once():
    controls = np.zeros((2, len(CONTROLS)), np.float32)
    controls[1, [CONTROLS.index("mouthPressLeft"), CONTROLS.index("mouthPressRight")]] = 1.0
    pressed = pressed_blood(controls)
    assert np.all(pressed[0] == 0.0)
    assert pressed[1, BLOOD_REGIONS.index("lips")] < -0.2


def test_off_is_off_and_unknown_presets_are_named():
    assert not levels_of(np.ones((50, 4)), "off").any()
    with pytest.raises(OptionError, match="'fast' is unknown; choose one of: stage, physiological, off"):
        rested_blood("fast", step_hz=MOTION_HZ)


def test_the_heart_beats_faster_when_aroused_and_in_any_blocks():
    def beats(arousal: float) -> float:
        state = rested_blood("physiological", step_hz=MOTION_HZ)
        h, _ = pulse_of(np.full(3000, arousal), state, preset="physiological", step_hz=MOTION_HZ)
        return float(np.sum((h[:-1] < 0) & (h[1:] >= 0)))

    assert 58 <= beats(-1.0) <= 62
    assert 104 <= beats(1.0) <= 112
    state = rested_blood("physiological", step_hz=MOTION_HZ)
    arousal = np.linspace(-1, 1, 100)
    whole, end = pulse_of(arousal, state, preset="physiological", step_hz=MOTION_HZ)
    first, mid = pulse_of(arousal[:33], state, preset="physiological", step_hz=MOTION_HZ)
    second, last = pulse_of(arousal[33:], mid, preset="physiological", step_hz=MOTION_HZ)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, atol=1e-12)
    assert abs(last.pulse_phase - end.pulse_phase) < 1e-9


def test_one_stage_and_two_stages_agree_with_their_formulas():
    ones = np.ones((100, 1))
    one, _ = follow(ones, np.zeros(1), on_secs=0.5, off_secs=9.0, step_hz=50.0)
    two, _ = follow_twice(ones, np.zeros((2, 1)), on_secs=0.5, off_secs=9.0, step_hz=50.0)
    t = np.arange(1, 101)[:, None] / 50.0
    np.testing.assert_allclose(one, 1.0 - np.exp(-t / 0.5), atol=1e-12)
    np.testing.assert_allclose(two, 1.0 - (1.0 + t / 0.5) * np.exp(-t / 0.5), atol=1e-12)


def test_blood_regions_lie_where_they_are_called():
    places = {
        "forehead": (0, 85, 110), "nose": (0, 5, 128), "cheek_left": (42, 8, 95), "cheek_right": (-42, 8, 95),
        "ears": (80, 20, 5), "periorbital": (32, 36, 98), "lips": (0, -29, 115), "chin": (0, -58, 108),
        "neck": (0, -110, 40),
    }  # fmt: skip
    points = np.array(list(places.values()), np.float32)
    masks = blood_masks(points, np.array([name == "ears" for name in places], np.float32))
    for i, name in enumerate(places):
        assert BLOOD_AND_NECK[masks[i].argmax()] == name, name
        assert masks[i].max() > 0.6, name
    assert masks.min() >= 0.0 and masks.max() <= 1.0
