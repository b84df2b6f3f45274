"""Are two sets of windows of the same kind? A judge that has to tell them apart, and the distance between them."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import sqrtm
from scipy.stats import rankdata
from torch import nn

from bench.moving_windows import figures_of
from face_emote.core.arrays import Array, Bool, Float

_STEPS, _SEEDS, _BATCH, _WIDTH = 300, 3, 256, 32
_SHRUNK = 0.1
"""Share of the diagonal in a covariance: there are fewer windows than a full one asks for."""


def told_apart(
    real: Sequence[Float[Array, "_window frames channel"]],
    drawn: Sequence[Float[Array, "_window frames channel"]],
    *,
    measured: Sequence[int],
) -> list[float]:
    """AUC on each fold of `measured` of a judge that learnt from all others; .5 is chance."""
    found = []
    for fold in measured:
        others = [k for k in range(len(real)) if k != fold]
        sets = [np.concatenate([part[k] for k in others]) for part in (real, drawn)]
        scores = _judged(sets[0], sets[1], asked=np.concatenate([real[fold], drawn[fold]]))
        found.append(auc(scores, is_drawn=np.arange(len(scores)) >= len(real[fold])))
    return found


def auc(scores: Float[Array, " window"], *, is_drawn: Bool[Array, " window"]) -> float:
    """Chance that a drawn window scores above a real one."""
    ranks, count = rankdata(scores), int(is_drawn.sum())
    above = ranks[is_drawn].sum() - count * (count + 1) / 2.0
    return float(above / (count * (len(scores) - count)))


def _judged(real: Array, drawn: Array, *, asked: Array) -> Float[Array, " window"]:
    seen = figures_of(np.concatenate([real, drawn]))
    middle, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-6

    def tensor(figures: Array) -> torch.Tensor:
        return torch.from_numpy(np.clip((figures - middle) / spread, -4.0, 4.0)).float()

    labels = torch.arange(len(seen)).ge(len(real)).float()
    weight = torch.where(labels > 0, len(seen) / (2.0 * len(drawn)), len(seen) / (2.0 * len(real)))
    taught, questions, total = tensor(seen), tensor(figures_of(asked)), np.zeros(len(asked))
    for seed in range(_SEEDS):
        torch.manual_seed(seed)
        judge = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(seen.shape[1], _WIDTH), nn.SiLU(), nn.Dropout(0.3), nn.Linear(_WIDTH, 1)
        )
        steps = torch.optim.AdamW(judge.parameters(), lr=3e-3, weight_decay=3e-2)
        for _ in range(_STEPS):
            some = torch.randint(len(seen), (_BATCH,))
            loss = nn.functional.binary_cross_entropy_with_logits(judge(taught[some])[:, 0], labels[some], weight[some])
            steps.zero_grad()
            loss.backward()
            steps.step()
        with torch.no_grad():
            total += judge.eval()(questions)[:, 0].numpy()
    return total


def frechet(
    a: Float[Array, "_window figure"], b: Float[Array, "_window figure"], *, scale: Float[Array, " figure"]
) -> float:
    """Distance of the normal distributions that have the means and covariances of two sets of figures."""
    means, covariances = [], []
    for rows in (a / scale, b / scale):
        covariance = np.cov(rows.T)
        means.append(rows.mean(axis=0))
        covariances.append((1.0 - _SHRUNK) * covariance + _SHRUNK * np.diag(np.diag(covariance)))
    cross = np.real(sqrtm(covariances[0] @ covariances[1]))
    return float(np.sum((means[0] - means[1]) ** 2) + np.trace(covariances[0] + covariances[1] - 2.0 * cross))
