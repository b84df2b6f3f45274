"""What tells drawn windows from real ones has to find what is there, and nothing where there is nothing."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")

from bench.moving_windows import figures_of, gist_of, windows_of
from bench.two_samples import auc, frechet, told_apart
from face_emote.generation.seen import CHANNELS, FPS, from_rest, without_noise


def folds(rng: np.random.Generator, *, fast: float) -> list[np.ndarray]:
    """Three folds of windows that wander, with a share of faster movement."""
    steps = rng.standard_normal((3, 40, 50, 3))
    wander = np.cumsum(steps, axis=2) / 5.0
    return list(wander + fast * steps)


def test_windows_of_one_kind_are_not_told_apart() -> None:
    rng = np.random.default_rng(0)
    found = told_apart(folds(rng, fast=0.0), folds(rng, fast=0.0), measured=(0, 1, 2))
    assert 0.35 < float(np.mean(found)) < 0.65


def test_windows_of_two_kinds_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    found = told_apart(folds(rng, fast=0.0), folds(rng, fast=1.0), measured=(0, 1))
    assert min(found) > 0.9


def test_auc_counts_pairs_in_the_right_order() -> None:
    scores, drawn = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert auc(scores, is_drawn=drawn) == 0.75
    assert auc(-scores, is_drawn=drawn) == 0.25


def test_distance_is_that_of_the_means_where_the_covariances_agree() -> None:
    rows = np.random.default_rng(2).standard_normal((400, 4))
    scale = np.ones(4)
    assert frechet(rows, rows, scale=scale) == pytest.approx(0.0, abs=1e-6)
    assert frechet(rows, rows + 2.0, scale=scale) == pytest.approx(16.0, rel=1e-3)


def test_what_does_not_move_has_finite_figures() -> None:
    still = np.zeros((2, 50, 8))
    assert np.isfinite(figures_of(still)).all()
    assert np.isfinite(gist_of(still)).all()


def test_a_clip_is_seen_from_its_own_rest_and_without_the_trackers_noise() -> None:
    times = np.arange(100) / FPS
    curve = np.full((100, len(CHANNELS)), 7.0) + np.sin(2.0 * np.pi * 1.0 * times)[:, None]
    moved = from_rest(curve)
    assert np.abs(np.median(moved[:, 0])) < 0.2
    assert np.median(moved[:, 3]) == pytest.approx(1.0)
    noisy = moved + 0.5 * np.sin(2.0 * np.pi * 11.0 * np.arange(len(moved)) / FPS)[:, None]
    assert np.abs(without_noise(noisy) - without_noise(moved))[10:-10].max() < 0.02
    assert windows_of([curve]).shape[1:] == (50, len(CHANNELS))
