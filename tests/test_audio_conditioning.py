"""What is put right before anyone listens: offsets, rumble, quiet and loud recordings, channels that cancel."""

import subprocess
import sys
import wave
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.audio.analyse import analyse
from face_emote.audio.conditioning import RumbleFilter, listened_to, without_rumble
from face_emote.audio.examples import example_speech
from face_emote.audio.reader import read_speech
from face_emote.cli.main import main
from face_emote.core.errors import FaceEmoteWarning
from face_emote.core.types import FaceMotion, Speech
from face_emote.verbs.animate import animate
from face_emote.verbs.over_capture import animate_capture

RATE = 16_000
LINE = example_speech()[2]
CLEAN = read_speech(LINE.path).samples
TIME = np.arange(len(CLEAN)) / RATE
SILENCE = Speech(np.zeros(2 * RATE, np.float32))


def tone(hz: float, amplitude: float) -> np.ndarray:
    return amplitude * np.sin(2.0 * np.pi * hz * TIME)


def performed(samples: np.ndarray, animator: str) -> FaceMotion:
    return animate(Speech(samples.astype(np.float32)), emotion="neutral", animator=animator)


@cache
def jaw_of_clean(animator: str) -> float:
    return float(performed(CLEAN, animator).jaw_pose[:, 0].std())


def heard(source: Speech | Path) -> np.ndarray:
    return np.concatenate(list(listened_to(source).blocks()))


def without_lows(samples: np.ndarray) -> np.ndarray:
    return np.concatenate(list(without_rumble([samples])))


def stereo(path: Path, *channels: np.ndarray) -> Path:
    values = np.stack(channels, axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(values.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(np.clip(values, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("animator", ["net", "rules"])
@pytest.mark.parametrize(
    "samples",
    [
        CLEAN + 0.05, 0.7 * CLEAN - 0.2, 0.1 * CLEAN + 0.005, 0.003 * CLEAN + 0.05, CLEAN + 0.3 * np.sin(0.6 * TIME),
        CLEAN + tone(12.0, 0.02), CLEAN + tone(20.0, 0.1), 0.1 * CLEAN + tone(12.0, 0.1) - 0.1,
    ],
    ids=["offset", "below", "offset of a quiet one", "of a very quiet one", "drift", "12 Hz", "20 Hz", "all of it"],
)  # fmt: skip
def test_offsets_and_rumble_do_not_change_the_mouth(samples: np.ndarray, animator: str):
    assert performed(samples, animator).jaw_pose[:, 0].std() == pytest.approx(jaw_of_clean(animator), rel=0.05)


@pytest.mark.parametrize("animator", ["net", "rules"])
@pytest.mark.parametrize("gain_db", [-70.0, -50.0, -35.0, -20.0, 20.0, 40.0])
def test_quiet_and_loud_recordings_are_performed_as_those_at_level(gain_db: float, animator: str):
    motion = performed(CLEAN * 10.0 ** (gain_db / 20.0), animator)
    assert motion.jaw_pose[:, 0].std() == pytest.approx(jaw_of_clean(animator), rel=0.02)


@pytest.mark.parametrize("animator", ["net", "rules"])
@pytest.mark.parametrize("speech", example_speech()[::2], ids=lambda speech: speech.name)
def test_the_mouth_does_not_depend_on_what_nobody_hears(speech, animator: str):
    samples = read_speech(speech.path).samples
    rumble = 0.01 * np.sin(2.0 * np.pi * 12.0 * np.arange(len(samples)) / RATE)
    clean = performed(samples, animator).jaw_pose[:, 0].std()
    for changed in (np.clip(samples + 0.05, -1.0, 1.0), 0.1 * samples + 0.005, samples + rumble):
        assert performed(changed, animator).jaw_pose[:, 0].std() == pytest.approx(clean, rel=0.05)


@pytest.mark.parametrize("speech", example_speech(), ids=lambda speech: speech.name)
def test_nothing_but_what_lies_below_speech_is_taken_off_a_recording_at_level(speech):
    samples = read_speech(speech.path).samples
    np.testing.assert_array_equal(heard(speech.path), without_lows(samples))
    np.testing.assert_array_equal(heard(Speech(samples)), without_lows(samples))


def test_a_file_and_its_samples_are_put_right_alike(tmp_path: Path):
    path = stereo(tmp_path / "a.wav", 0.02 * CLEAN + 0.1)
    np.testing.assert_array_equal(heard(path), heard(read_speech(path)))


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(4 * RATE), np.full(4 * RATE, 0.1), np.random.default_rng(0).normal(0.0, 0.05, 4 * RATE),
        np.random.default_rng(0).normal(0.0, 1e-4, 4 * RATE), np.random.default_rng(0).integers(0, 2, 4 * RATE) / 2**15,
        0.1 * np.sin(2.0 * np.pi * 12.0 * np.arange(4 * RATE) / RATE),
        0.001 * np.sin(2.0 * np.pi * 100.0 * np.arange(4 * RATE) / RATE),
    ],
    ids=["silence", "offset", "hiss", "faint hiss", "last bits", "rumble", "hum"],
)  # fmt: skip
def test_where_nobody_speaks_the_mouth_is_still_and_it_is_said(samples: np.ndarray):
    analysis = analyse(Speech(samples.astype(np.float32)), transcript="Hello there")
    assert not analysis.has_speech and not analysis.aligned and not analysis.prosody.speaking.any()
    assert [remark for remark in analysis.remarks if "No speech was found" in remark and "not used" in remark]


def test_what_a_person_should_know_is_said_once_to_whoever_asked(tmp_path: Path):
    lines = ("import face_emote as fe, numpy as np", "from face_emote.core.types import Speech",
             "for _ in range(2): fe.animate(Speech(np.zeros(32_000, np.float32)), animator='rules')")  # fmt: skip
    script = tmp_path / "mine.py"
    script.write_text("\n".join(lines))
    said = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stderr
    assert f"{script}:3: FaceEmoteWarning: No speech was found in the recording (it is silent)" in said
    assert said.count("No speech was found") == 1


def test_a_command_says_it_in_a_line(tmp_path: Path, capsys):
    path = stereo(tmp_path / "a.wav", SILENCE.samples)
    assert main(["animate", str(path), "--animator", "rules", "-o", str(tmp_path / "a.npz")]) == 0
    assert capsys.readouterr().err == (
        f"face-emote: No speech was found in the recording (it is silent); the mouth stays still: {path}\n"
    )


def test_a_capture_with_a_silent_sound_warns_too():
    motion = performed(CLEAN[:RATE], "rules")
    with pytest.warns(FaceEmoteWarning, match="No speech was found"):
        animate_capture(motion, emotion="joy", speech=SILENCE)


def test_speech_needs_no_remark():
    analysis = analyse(LINE.path)
    assert analysis.has_speech and not analysis.remarks


@pytest.mark.parametrize("offset", [0.0, 0.05])
def test_channels_in_opposite_phase_are_turned(tmp_path: Path, offset: float):
    phones = [phone.label for phone in analyse(stereo(tmp_path / "one.wav", CLEAN)).phones]
    path = stereo(tmp_path / "two.wav", CLEAN + offset, -CLEAN + offset)
    assert not (read_speech(path).samples - np.float32(offset)).round(3).any()
    assert [phone.label for phone in analyse(path).phones] == phones
    four = stereo(tmp_path / "four.wav", CLEAN, -CLEAN, CLEAN, -CLEAN)
    assert [phone.label for phone in analyse(four).phones] == phones


def test_channels_that_cancel_otherwise_leave_the_loudest(tmp_path: Path):
    other = np.roll(CLEAN, 8_000)
    path = stereo(tmp_path / "a.wav", CLEAN, other, -0.7 * CLEAN - 0.7 * other)
    assert analyse(path).has_speech


def test_channels_that_agree_are_averaged(tmp_path: Path):
    left, right = CLEAN, 0.5 * CLEAN
    path = stereo(tmp_path / "a.wav", left, right)
    np.testing.assert_array_equal(heard(path), without_lows(read_speech(path).samples))


def test_the_rumble_filter_is_the_chebyshev_filter_that_it_says():
    signal = pytest.importorskip("scipy.signal")
    wanted = signal.cheby2(7, 66.0, 30.0, "highpass", fs=RATE, output="sos")
    mine = np.array([[b0, b1, b2, 1.0, a1, a2] for b0, b1, b2, a1, a2 in RumbleFilter.SECTIONS])
    np.testing.assert_allclose(mine, wanted, rtol=1e-9)
    x = np.random.default_rng(0).normal(0.0, 0.1, 3_001).astype(np.float32)
    x[0] = 0.0
    cleaner = RumbleFilter()
    cleaned = np.concatenate([cleaner.push(x), cleaner.finish()])
    np.testing.assert_allclose(cleaned, signal.sosfilt(wanted, x.astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize(
    ("hz", "least_db", "most_db"), [(1.0, -200.0, -60.0), (30.0, -200.0, -60.0), (80.0, -0.2, 0.1)]
)
def test_rumble_goes_and_voices_stay(hz: float, least_db: float, most_db: float):
    cleaned = np.concatenate(list(without_rumble([tone(hz, 0.5).astype(np.float32)])))[RATE : 4 * RATE]
    assert least_db < 20.0 * np.log10(cleaned.std() / (0.5 / np.sqrt(2.0)) + 1e-12) < most_db


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 20_000), max_size=6))
def test_rumble_is_taken_off_the_same_however_the_sound_is_cut(cuts: list[int]):
    sound = (CLEAN[:20_000] + 0.05).astype(np.float32)
    whole = np.concatenate(list(without_rumble([sound])))
    parts = np.concatenate(list(without_rumble(np.split(sound, sorted(cuts)))))
    assert len(whole) == len(sound)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.parametrize("num_samples", [1, 39, 40, 41, 4_001])
def test_the_filter_keeps_every_sample(num_samples: int):
    sound = np.full(num_samples, 0.3, np.float32)
    assert np.abs(np.concatenate(list(without_rumble([sound])))).max() < 1e-6
    assert len(np.concatenate(list(without_rumble([sound])))) == num_samples
