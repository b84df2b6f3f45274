"""Loudness, pitch, speech activity and tremor."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.audio.activity import pauses_in, runs, speaking_track
from face_emote.audio.best_path import BATCH_FRAMES, Stretches
from face_emote.audio.examples import example_speech
from face_emote.audio.features import prosody_of
from face_emote.audio.logmel import HOP, NUM_BANDS, WINDOW, log_mels, mel_filters, num_feature_frames
from face_emote.audio.phone_net import with_context
from face_emote.audio.pitch import JUMP_COST, OCTAVE_COST, VOICING_COST, VOICING_THRESHOLD, track_pitch
from face_emote.audio.reader import read_speech

RATE = 16_000


def voice(f0_hz: np.ndarray | float, *, secs: float = 1.5, tilt: float = 1.0, margin_secs: float = 0.5) -> np.ndarray:
    """Harmonics up to 6 kHz over a pitch contour, with silence around."""
    f0 = np.broadcast_to(f0_hz, round(secs * RATE))
    phase = np.cumsum(2.0 * np.pi * f0 / RATE)
    tone = sum(np.sin(k * phase) / k**tilt for k in range(1, int(6_000 / f0.max()) + 1))
    silence = np.zeros(round(margin_secs * RATE))
    return np.concatenate([silence, 0.1 * tone, silence]).astype(np.float32)


def noisy(x: np.ndarray, snr_db: float) -> np.ndarray:
    loud = x[np.abs(x) > 0]
    noise = np.random.default_rng(0).normal(size=len(x)) * loud.std() * 10 ** (-snr_db / 20)
    return (x + noise).astype(np.float32)


@pytest.mark.parametrize("f0", [65.0, 90.0, 140.0, 220.0, 330.0, 480.0])
@pytest.mark.parametrize(
    ("snr_db", "typical", "worst"), [(60.0, 0.001, 0.005), (10.0, 0.002, 0.01), (7.0, 0.004, 0.03)]
)
def test_pitch_of_harmonic_stacks_is_found_even_in_noise(f0: float, snr_db: float, typical: float, worst: float):
    heard = prosody_of([noisy(voice(f0), snr_db)]).f0_hz[60:190]
    error = np.abs(heard / f0 - 1.0)
    assert np.isfinite(heard).mean() > 0.97
    assert np.nanmedian(error) < typical and np.nanmax(error) < worst


def test_pitch_follows_a_glide_on_the_frame():
    contour = 100.0 * 2.0 ** (np.arange(3 * RATE) / RATE / 1.5)  # an octave in 1.5 s
    heard = prosody_of([voice(contour, secs=3.0)]).f0_hz[60:340]
    truth = contour[(np.arange(60, 340) - 50) * HOP]
    assert np.abs(heard / truth - 1.0).max() < 0.01


def test_a_missing_fundamental_is_still_heard():
    phase = 2.0 * np.pi * 120.0 * np.arange(RATE) / RATE
    x = np.concatenate([np.zeros(RATE), 0.05 * sum(np.sin(k * phase) for k in range(4, 20)), np.zeros(RATE)])
    heard = prosody_of([x.astype(np.float32)]).f0_hz[110:190]
    assert np.abs(heard / 120.0 - 1.0).max() < 0.01


def test_noise_and_silence_have_no_pitch_and_are_not_speech():
    hiss = np.random.default_rng(0).normal(0.0, 0.05, 6 * RATE).astype(np.float32)
    hum = (0.2 * np.sin(2.0 * np.pi * 100.0 * np.arange(6 * RATE) / RATE)).astype(np.float32)
    for x in (hiss, hum, hiss + hum, np.zeros(6 * RATE, np.float32)):
        prosody = prosody_of([x])
        assert not np.isfinite(prosody.f0_hz).any() and not prosody.voiced.any() and not prosody.speaking.any()


def test_loudness_is_the_level_of_the_window():
    x = (0.5 * np.sin(2.0 * np.pi * 1_000.0 * np.arange(RATE) / RATE)).astype(np.float32)
    prosody = prosody_of([np.concatenate([np.zeros(RATE, np.float32), x])])
    assert prosody.loudness_db[150] == pytest.approx(20.0 * np.log10(0.5 / np.sqrt(2.0)), abs=0.01)
    assert prosody.loudness_db[50] == -90.0
    assert prosody.loudness_db[100] == pytest.approx(prosody.loudness_db[150] - 3.0, abs=0.3)  # half the window sounds


@pytest.mark.parametrize("speech", example_speech(), ids=lambda s: s.name)
def test_speech_is_told_from_silence_and_from_steady_noise(speech):
    clean = read_speech(speech.path).samples
    truth = prosody_of([clean]).speaking > 0.5
    assert 0.75 < truth.mean() < 0.95
    assert not truth[:15].any() and not truth[-5:].any()
    again = prosody_of([noisy(clean, 20.0)]).speaking > 0.5
    assert (again & ~truth).mean() < 0.01, "noise taken for speech"
    assert (again & truth).sum() > 0.8 * truth.sum(), "speech lost in noise"


def test_speech_activity_does_not_depend_on_the_gain():
    x = read_speech(example_speech()[0].path).samples
    loud, soft = (prosody_of([gain * x]).speaking > 0.5 for gain in (np.float32(1.0), np.float32(0.1)))
    assert (loud == soft).mean() > 0.98


def test_pauses_span_the_gaps_and_short_dips_are_none():
    level = np.full(600, -20.0)
    level[:100] = level[200:210] = level[300:303] = level[500:] = -80.0
    speaking = speaking_track(level, np.ones(600))
    pauses = pauses_in(speaking, duration_secs=6.0)
    edges = [edge for pause in pauses for edge in (pause.start_secs, pause.end_secs)]
    assert edges == pytest.approx([0.0, 0.995, 1.995, 2.095, 4.995, 6.0])


def test_tremor_is_strong_at_five_hertz_and_absent_from_steady_and_gliding_pitch():
    t = np.arange(3 * RATE) / RATE
    trembling = voice(150.0 * 2.0 ** (0.7 / 12.0 * np.sin(2.0 * np.pi * 5.5 * t)), secs=3.0)
    gliding = voice(150.0 * 2.0 ** (t / 3.0), secs=3.0)
    assert prosody_of([trembling]).tremor[100:300].min() > 0.7
    assert prosody_of([gliding]).tremor.max() < 0.1
    assert prosody_of([voice(150.0, secs=3.0)]).tremor.max() < 0.1
    read = [prosody_of([read_speech(speech.path).samples]).tremor.mean() for speech in example_speech()]
    assert max(read) < 0.1


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 47_000), max_size=6))
def test_streamed_features_equal_whole_ones_to_the_bit(cuts: list[int]):
    x = read_speech(example_speech()[1].path).samples
    pieces = np.split(x, sorted(cuts))
    np.testing.assert_array_equal(np.concatenate(list(log_mels(pieces))), np.concatenate(list(log_mels([x]))))
    whole, streamed = prosody_of([x]), prosody_of(pieces)
    for name in ("loudness_db", "f0_hz", "voiced", "speaking", "tremor"):
        np.testing.assert_array_equal(getattr(streamed, name), getattr(whole, name))


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 16_000, 41_000, 256 * HOP + 1])
def test_every_10_ms_has_a_frame(samples: int):
    x = np.random.default_rng(0).normal(0.0, 0.1, samples).astype(np.float32)
    frames = -(-samples // HOP)
    assert num_feature_frames(samples) == frames
    assert np.concatenate(list(log_mels([x]))).shape == (frames, NUM_BANDS)
    prosody = prosody_of([x])
    assert {len(getattr(prosody, n)) for n in ("loudness_db", "f0_hz", "voiced", "speaking", "tremor")} == {frames}


def log_mel_ref(x: np.ndarray, frame: int) -> np.ndarray:
    """One frame by the definition: window, direct Fourier sum, filters, logarithm."""
    n = np.arange(WINDOW)
    taken = np.array([x[i] if 0 <= i < len(x) else 0.0 for i in frame * HOP - WINDOW // 2 + n])
    hann = 0.5 + 0.5 * np.cos(2.0 * np.pi * (n - WINDOW // 2) / WINDOW)
    power = [abs(np.sum(taken * hann * np.exp(-2j * np.pi * k * n / 512))) ** 2 for k in range(257)]
    return np.log(np.array(power) * 4.0 / hann.sum() ** 2 @ mel_filters().astype(float) + np.exp(-20.0))


def test_log_mels_match_their_definition():
    x = np.random.default_rng(0).normal(0.0, 0.1, 2_000).astype(np.float32)
    mels = np.concatenate(list(log_mels([x])))
    for frame in (0, 1, 7, 12):
        np.testing.assert_allclose(mels[frame], log_mel_ref(x, frame), atol=2e-3)


def test_a_tone_lights_the_band_around_it():
    x = np.sin(2.0 * np.pi * 2_000.0 * np.arange(RATE) / RATE).astype(np.float32)
    mels = np.concatenate(list(log_mels([x])))[50]
    assert mels[mel_filters()[64].argmax()] == mels.max()
    assert np.sort(mels)[-4] < mels.max() - 3.0


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=10), st.integers(1, 16), st.integers(0, 9), st.integers(0, 9))
def test_windows_with_context_hold_every_row_once(lengths: list[int], size: int, before: int, after: int):
    rows = np.arange(1.0, sum(lengths) + 1.0)[:, None]
    windows = list(with_context(np.split(rows, np.cumsum(lengths)), size=size, before=before, after=after, outside=0.0))
    joined = np.concatenate([np.zeros((0, 1)), *(window[before : before + real] for window, real in windows)])
    np.testing.assert_array_equal(joined, rows)
    padded = np.concatenate([np.zeros((before, 1)), rows, np.zeros((after + size, 1))])
    for i, (window, _) in enumerate(windows):
        np.testing.assert_array_equal(window, padded[i * size : i * size + before + size + after])


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 10_000))
def test_stretches_are_walked_side_by_side_both_ways(lengths: list[int], seed: int):
    rng = np.random.default_rng(seed)
    first = np.cumsum([0, *lengths[:-1]]) + 2 * np.arange(len(lengths))
    order = rng.permutation(len(lengths))
    stretches = Stretches.of(first[order], np.array(lengths)[order])
    rows = {(int(f), int(n)) for f, n in zip(first, lengths, strict=True)}
    assert {(int(f), int(n)) for f, n in zip(stretches.first, stretches.length, strict=True)} == rows
    for walk, start, way in ((stretches.forward(), stretches.first, 1), (stretches.backward(), stretches.last, -1)):
        seen: list[list[int]] = [[] for _ in lengths]
        for now in walk:
            for i, row in enumerate(now.tolist()):
                seen[i].append(row)
        assert seen == [[int(s) + way * k for k in range(int(n))] for s, n in zip(start, stretches.length, strict=True)]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 7))
def test_the_pitch_that_is_tracked_is_the_best_of_all_paths(seed: int, frames: int):
    rng = np.random.default_rng(seed)
    hz, strength = rng.uniform(60.0, 500.0, (frames, 2)), rng.uniform(0.2, 1.0, (frames, 2))
    strength[rng.random(frames) < 0.3] = -1.0
    found = np.concatenate([f0 for f0, _ in track_pitch([(hz, strength)])])

    def worth(path: tuple[int, ...]) -> float:
        total = 0.0
        for t, k in enumerate(path):
            total += VOICING_THRESHOLD if k == 0 else strength[t, k - 1] + OCTAVE_COST * np.log2(hz[t, k - 1] / 60.0)
            before = path[t - 1] if t else k
            if bool(before) != bool(k):
                total -= VOICING_COST
            elif t and k:
                total -= JUMP_COST * abs(np.log2(hz[t, k - 1] / hz[t - 1, before - 1]))
        return total

    choices = [(0, 1, 2) if row.max() > 0.0 else (0,) for row in strength]
    best = max(itertools.product(*choices), key=worth)
    wanted = [np.nan if k == 0 else hz[t, k - 1] for t, k in enumerate(best)]
    np.testing.assert_array_equal(found, wanted)


def test_pitch_does_not_depend_on_what_is_gathered():
    rng = np.random.default_rng(0)
    hz, strength = rng.uniform(60.0, 500.0, (3 * BATCH_FRAMES, 5)), rng.uniform(0.2, 1.0, (3 * BATCH_FRAMES, 5))
    strength[rng.random(len(hz)) < 0.05] = -1.0
    whole, streamed = (
        np.concatenate([f0 for f0, _ in track_pitch(zip(*parts, strict=True))])
        for parts in (([hz], [strength]), (np.array_split(hz, 70), np.array_split(strength, 70)))
    )
    np.testing.assert_array_equal(whole, streamed)


@given(st.lists(st.booleans(), max_size=50))
def test_runs_cover_exactly_what_is_true(values: list[bool]):
    mask = np.array(values, bool)
    rebuilt = np.zeros(len(mask), bool)
    for first, stop in runs(mask):
        assert stop > first and not rebuilt[max(first - 1, 0) : stop].any()
        rebuilt[first:stop] = True
    np.testing.assert_array_equal(rebuilt, mask)
