"""Identity basis: principal components of MakeHuman's people, exactly symmetric or antisymmetric.

Components are computed in the space of the target weights: with samples X = (W - mean) B, the components of X follow
from the small Gram matrix B B^T and the covariance of W, so the 3000 sampled heads are never built.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import NUM_SHAPE
from face_emote.face.identity import (
    AGE,
    GENDER,
    HEIGHT,
    MUSCLE,
    PROPORTIONS,
    RACE,
    WEIGHT,
    Phenotypes,
    both_signs,
    random_details,
    target_weights,
)
from tools.build_head.makehuman import MakeHuman

DETAIL_KEYS = ("head", "forehead", "eyebrows", "neck", "eyes", "nose", "mouth", "ears", "chin", "cheek")
NUM_SAMPLES = 3000
DETAIL_DEVIATION = 0.25
METRES = 0.1
"""Metres in MakeHuman's unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Displacements that make up people, metres, on the tracked vertices."""

    macro_labels: tuple[tuple[str, ...], ...]
    macro: Float[Array, "macro vertex 3"]
    detail_names: tuple[str, ...]
    details: Float[Array, "detail 2 vertex 3"]
    """At +1 and at -1."""


@dataclass(frozen=True, slots=True, eq=False)
class IdentityBasis:
    """Mean head and components on the tracked vertices."""

    mean: Float[Array, "vertex 3"]
    columns: Float[Array, "shape vertex 3"]
    """Metres per standard deviation."""
    macro_betas: Float[Array, "macro shape"]
    """betas of each macro target at weight 1."""
    detail_betas: Float[Array, "detail 2 shape"]
    base_betas: Float[Array, " shape"]
    """betas of the bare base mesh."""


def read_targets(data: MakeHuman, tracked: Int[Array, " vertex"], *, anchor: Int[Array, " anchor"]) -> Targets:
    """All macro targets and face details; each is shifted so that `anchor` (the skull base) never moves."""
    labels, paths = _macro_targets()
    macro = np.stack([data.target(path)[tracked] for path in paths]) * METRES
    names, pairs = _detail_targets(data)
    details = np.stack([np.stack([data.target(path)[tracked] for path in pair]) for pair in pairs]) * METRES
    return Targets(
        macro_labels=labels,
        macro=macro - macro[:, anchor].mean(axis=1, keepdims=True),
        detail_names=names,
        details=details - details[:, :, anchor].mean(axis=2, keepdims=True),
    )


def _macro_targets() -> tuple[tuple[tuple[str, ...], ...], list[Path]]:
    folder = Path("mpfb2/targets/macrodetails")
    labels: list[tuple[str, ...]] = []
    paths: list[Path] = []
    for body in itertools.product(GENDER, AGE, MUSCLE, WEIGHT):
        stem = "-".join(body)
        labels.append(body)
        paths.append(folder / f"universal-{stem}.target")
        for folder_name, words in (("height", HEIGHT), ("proportions", PROPORTIONS)):
            for word in words:
                labels.append((*body, word))
                paths.append(folder / folder_name / f"{stem}-{word}.target")
    for race, gender, age in itertools.product(RACE, GENDER, AGE):
        labels.append((race, gender, age))
        paths.append(folder / f"{race}-{gender}-{age}.target")
    return tuple(labels), paths


def _detail_targets(data: MakeHuman) -> tuple[tuple[str, ...], list[tuple[Path, Path]]]:
    catalogue = data.json("mpfb2/targets/target.json")
    names: list[str] = []
    pairs: list[tuple[Path, Path]] = []
    for key in DETAIL_KEYS:
        folder = Path("mpfb2/targets") / key
        for category in catalogue[key]["categories"]:
            opposites = category.get("opposites", {})
            for side in ("left", "right", "unsided"):
                plus, minus = opposites.get(f"positive-{side}"), opposites.get(f"negative-{side}")
                if plus and minus:
                    names.append(plus)
                    pairs.append((folder / f"{plus}.target", folder / f"{minus}.target"))
    return tuple(names), pairs


def sample_people(rng: np.random.Generator, num: int) -> Phenotypes:
    """Adults of all origins, every tenth a child."""
    age = rng.uniform(0.6, 1.0, num)
    child = rng.random(num) < 0.1
    age[child] = rng.uniform(0.4, 0.6, child.sum())
    return Phenotypes(
        gender=rng.beta(0.35, 0.35, num),
        age=age,
        muscle=np.clip(rng.normal(0.5, 0.2, num), 0, 1),
        weight=np.clip(rng.normal(0.5, 0.2, num), 0, 1),
        height=np.clip(rng.normal(0.5, 0.15, num), 0, 1),
        proportions=np.clip(rng.normal(0.5, 0.2, num), 0, 1),
        race=rng.dirichlet([0.6] * 3, num),
    )


def identity_basis(
    base: Float[Array, "vertex 3"],
    targets: Targets,
    *,
    mirror: Int[Array, " vertex"],
    num_fitted: int,
    seed: int = 0,
) -> IdentityBasis:
    """Components of sampled people, orthogonal on the first `num_fitted` vertices.

    Symmetric and antisymmetric motion are decomposed apart (a mirrored person is as likely as the person), so that
    every column is exactly one or the other and the mean is exactly symmetric.
    """
    weights = _sampled_weights(targets, num=NUM_SAMPLES, seed=seed)
    flip = np.array([-1.0, 1.0, 1.0])
    moves = np.concatenate([targets.macro, targets.details.reshape(-1, *base.shape)])
    mirrored = moves[:, mirror] * flip
    centre = weights.mean(axis=0)
    covariance = np.cov(weights, rowvar=False)
    mean = 0.5 * (base + base[mirror] * flip) + np.tensordot(centre, 0.5 * (moves + mirrored), axes=1)
    found = [_components(0.5 * (moves + sign * mirrored), covariance, num_fitted=num_fitted) for sign in (1.0, -1.0)]
    variance = np.concatenate([part[0] for part in found])
    order = np.argsort(-variance, kind="stable")[:NUM_SHAPE]
    unit = np.concatenate([part[1] for part in found])[order]
    deviation = np.sqrt(variance[order])
    fitted = unit[:, :num_fitted].reshape(NUM_SHAPE, -1)
    betas = moves[:, :num_fitted].reshape(len(moves), -1) @ fitted.T / deviation
    offset = (base - mean)[:num_fitted].reshape(-1)
    num_macro = len(targets.macro_labels)
    return IdentityBasis(
        mean=mean,
        columns=unit * deviation[:, None, None],
        macro_betas=betas[:num_macro],
        detail_betas=betas[num_macro:].reshape(-1, 2, NUM_SHAPE),
        base_betas=fitted @ offset / deviation,
    )


def sampled_betas(identity: IdentityBasis, targets: Targets, *, num: int, seed: int) -> Float[Array, "person shape"]:
    """Random people, as the basis has them."""
    moves = np.concatenate([identity.macro_betas, identity.detail_betas.reshape(-1, NUM_SHAPE)])
    betas: Array = identity.base_betas + _sampled_weights(targets, num=num, seed=seed) @ moves
    return betas


def _sampled_weights(targets: Targets, *, num: int, seed: int) -> Float[Array, "person weight"]:
    rng = np.random.default_rng(seed)
    macro = target_weights(sample_people(rng, num), labels=targets.macro_labels)
    amount = random_details(rng, people=num, names=targets.detail_names, deviation=DETAIL_DEVIATION)
    return np.concatenate([macro, both_signs(amount).reshape(num, -1)], axis=1)


def _components(
    moves: Float[Array, "target vertex 3"], covariance: Float[Array, "target target"], *, num_fitted: int
) -> tuple[Float[Array, " component"], Float[Array, "component vertex 3"]]:
    """Variances (falling) and unit components of the people that `moves` and the weights' covariance describe."""
    fitted = moves[:, :num_fitted].reshape(len(moves), -1)
    size, axes = np.linalg.eigh(fitted @ fitted.T)
    real = size > size.max() * 1e-12
    root = axes[:, real] * np.sqrt(size[real])
    variance, turn = np.linalg.eigh(root.T @ covariance @ root)
    variance, turn = variance[::-1], turn[:, ::-1]
    strong = variance > variance[0] * 1e-10
    mix = (axes[:, real] / np.sqrt(size[real])) @ turn[:, strong]
    mix *= np.where(mix[np.abs(mix).argmax(axis=0), np.arange(mix.shape[1])] < 0, -1.0, 1.0)
    return variance[strong], np.tensordot(mix.T, moves, axes=1)
