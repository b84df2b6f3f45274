"""Measures on plain curves whose answers are known by hand."""

import numpy as np
import pytest
from evaluated_takes import FPS, PHONES

from bench.performances import lip_change, upper_face_dynamics
from face_emote.core.types import Phone
from face_emote_lab.evaluation.lip_figures import still_and_speaking
from face_emote_lab.evaluation.signals import (
    best_shift_secs,
    correlation,
    extrema,
    jerk,
    misalignment_secs,
    warping_path,
)


def test_a_late_sine_has_its_lag_found():
    dense_times = np.arange(-25, 325) / 100.0
    times = np.arange(75) / FPS
    truth = np.sin(2.0 * np.pi * 1.3 * times)
    for late in (-0.08, 0.0, 0.05):
        dense = np.sin(2.0 * np.pi * 1.3 * (dense_times - late))
        found = best_shift_secs(dense, dense_times=dense_times, truth=truth, times=times)
        assert found == pytest.approx(-late, abs=1e-9)
    flat = np.zeros_like(dense_times)
    assert np.isnan(best_shift_secs(flat, dense_times=dense_times, truth=truth, times=times))


def test_correlation_knows_no_scale_and_no_constant():
    curve = np.array([0.0, 1.0, 4.0, 2.0])
    assert correlation(curve, 3.0 - 2.0 * curve) == pytest.approx(-1.0)
    assert np.isnan(correlation(curve, np.ones(4)))


def test_extrema_are_the_turning_points_and_ripples_are_none():
    times = np.arange(200) / 50.0
    curve = np.sin(2.0 * np.pi * times) + 0.02 * np.sin(2.0 * np.pi * 11.0 * times)
    assert np.allclose(times[extrema(curve)], np.arange(0.25, 4.0, 0.5), atol=0.03)
    assert len(extrema(np.zeros(50))) == 0


def warping_cost_ref(a, b, band):
    """Slow twin: the textbook recursion."""
    cost = np.full((len(a) + 1, len(b) + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(len(a)):
        for j in range(max(0, i - band), min(len(b), i + band + 1)):
            cost[i + 1, j + 1] = abs(a[i] - b[j]) + min(cost[i, j], cost[i, j + 1], cost[i + 1, j])
    return cost[-1, -1]


@pytest.mark.parametrize("seed", range(4))
def test_the_warping_path_is_monotone_in_its_band_and_as_cheap_as_the_slow_twins(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 30)).cumsum(axis=1)
    i, j = warping_path(a, b, band=6)
    assert (i[0], j[0], i[-1], j[-1]) == (0, 0, 29, 29)
    assert ((np.diff(i) >= 0) & (np.diff(j) >= 0) & (np.diff(i) + np.diff(j) >= 1)).all()
    assert np.abs(i - j).max() <= 6
    assert np.abs(a[i] - b[j]).sum() == pytest.approx(warping_cost_ref(a, b, 6))


def test_misalignment_is_nought_for_itself_and_the_delay_for_a_delayed_curve():
    times = np.arange(100) / 50.0
    bumps = np.exp(-(((times[:, None] - [0.5, 1.0, 1.5]) / 0.08) ** 2)).sum(axis=1)
    assert misalignment_secs(bumps, 2.0 * bumps, times=times) == 0.0
    late = np.exp(-(((times[:, None] - [0.6, 1.1, 1.6]) / 0.08) ** 2)).sum(axis=1)
    assert misalignment_secs(late, bumps, times=times) == pytest.approx(0.1, abs=0.021)
    assert np.isnan(misalignment_secs(np.ones(100), bumps, times=times))


def test_jerk_of_a_cubic_is_its_third_derivative():
    times = np.arange(50) / 10.0
    assert jerk(2.0 * times**3, fps=10.0) == pytest.approx(12.0)


def test_silence_is_judged_away_from_speech():
    times = np.arange(200) / 100.0
    still, speaking = still_and_speaking(PHONES, times=times)
    assert np.array_equal(np.flatnonzero(still), [*range(0, 26), *range(145, 200)])
    assert np.array_equal(np.flatnonzero(speaking), range(50, 130))
    assert not still_and_speaking((Phone("SIL", 0.0, 0.25), Phone("AA", 0.25, 1.0)), times=times)[0].any()


def test_lip_change_and_dynamics_by_hand():
    speaking = np.array([True, True, True, False])
    neutral, felt = np.array([0.1, 0.0, 0.1, 0.0]), np.array([0.12, 0.0, 0.1, 0.3])
    assert lip_change(felt, neutral, where=speaking, speaking=speaking) == pytest.approx(0.1)
    assert lip_change(felt, neutral, where=~speaking, speaking=speaking) == pytest.approx(4.5)
    swing = np.zeros((4, 2, 3))
    swing[:, 1, 0] = [3.0, 1.0, -1.0, -3.0]
    assert np.allclose(upper_face_dynamics(swing), [0.0, 1.0])
