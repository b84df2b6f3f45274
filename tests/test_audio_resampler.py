"""The resampler: streamed equals whole, flat below 7.2 kHz, silent above 8 kHz, in time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.audio.resampler import polyphase_filter, resample, resampled_length


def whole(x: np.ndarray, rate: int) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.float32), *resample([x], rate_in=rate)])


def resample_ref(x: np.ndarray, rate: int, n: int) -> float:
    """One output sample, summed tap by tap in double precision."""
    kernel = polyphase_filter(rate, 16_000)
    start, phase = divmod(n * kernel.down, kernel.up)
    total = 0.0
    for k in range(2 * kernel.half):
        i = start - kernel.half + 1 + k
        if 0 <= i < len(x):
            total += float(x[i]) * float(kernel.taps[phase, k])
    return total


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([8_000, 11_025, 22_050, 44_100, 48_000, 96_000]), st.integers(1, 9_000), st.data())
def test_streamed_equals_whole_to_the_bit(rate: int, length: int, data: st.DataObject):
    x = np.random.default_rng(length).normal(0.0, 0.2, length).astype(np.float32)
    cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=6)))
    streamed = np.concatenate([np.zeros(0, np.float32), *resample(np.split(x, cuts), rate_in=rate)])
    np.testing.assert_array_equal(streamed, whole(x, rate))
    assert len(streamed) == resampled_length(length, rate_in=rate) == round(length * 16_000 / rate + 1e-9)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 44_056])
def test_every_output_is_the_sum_over_its_taps(rate: int):
    x = np.random.default_rng(1).normal(0.0, 0.2, rate // 4).astype(np.float32)
    y = whole(x, rate)
    for n in [0, 1, 2, 777, 2047, 2048, len(y) - 1]:
        assert y[n] == pytest.approx(resample_ref(x, rate, n), abs=2e-6)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_tones_below_the_passband_edge_pass_within_a_hundredth_of_a_decibel(rate: int):
    for hz in (50.0, 1_000.0, 0.44 * min(rate, 16_000)):
        tone = np.cos(2.0 * np.pi * hz * np.arange(rate) / rate).astype(np.float32)
        expected = np.cos(2.0 * np.pi * hz * np.arange(16_000) / 16_000)
        error = whole(tone, rate)[2_000:14_000] - expected[2_000:14_000]  # in time as well as in height
        assert np.abs(error).max() < 10 ** (0.01 / 20) - 1.0


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_tones_above_the_new_band_are_80_db_down(rate: int):
    for hz in (8_010.0, 9_500.0, 0.49 * rate):
        tone = np.cos(2.0 * np.pi * hz * np.arange(rate) / rate).astype(np.float32)
        assert np.abs(whole(tone, rate)[2_000:14_000]).max() < 10 ** (-78.0 / 20)


def test_a_constant_stays_that_constant():
    np.testing.assert_allclose(whole(np.full(20_000, 0.25, np.float32), 44_100)[200:-200], 0.25, rtol=1e-6)
