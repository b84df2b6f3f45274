"""A FLAME-format file made up for tests from the bundled head: another person, another mesh, a basis without names.

The skin is subdivided and thinned to another topology, the eyeballs are pieces of their own, and the expression columns
are principal components of random faces: the shapes that made them are known here and nowhere in the file.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.face.bundled import load_head
from face_emote.face.identity import identity
from face_emote.face.subdivision import catmull_clark

COMPONENTS = 60


@dataclass(frozen=True)
class FabricatedFlame:
    """Arrays of the file, and what is hidden."""

    arrays: dict[str, np.ndarray]
    units: np.ndarray
    """True displacement of every vertex by each control [control, vertex, 3], metres."""
    used: np.ndarray
    """Controls that are in the basis."""


def thinned(quads: np.ndarray, num_vertices: int, *, keep: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random vertices of a mesh (more of its border) and the triangles between their Voronoi cells on it."""
    rng = np.random.default_rng(seed)
    edges = np.concatenate([quads, np.roll(quads, -1, axis=1)], axis=1).reshape(-1, 2, 4).swapaxes(1, 2).reshape(-1, 2)
    unique, count = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    border = np.unique(unique[count == 1])
    inside = np.setdiff1d(np.unique(quads), border)
    seeds = np.concatenate([border, rng.choice(inside, int(keep * len(inside)), replace=False)])
    owner = np.full(num_vertices, -1)
    owner[seeds] = np.arange(len(seeds))
    while True:
        both = owner[unique]
        left = (both[:, 0] < 0) & (both[:, 1] >= 0)
        right = (both[:, 1] < 0) & (both[:, 0] >= 0)
        if not left.any() and not right.any():
            break
        owner[unique[left, 0]] = both[left, 1]
        owner[unique[right, 1]] = both[right, 0]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    cells = owner[triangles]
    apart = (cells[:, 0] != cells[:, 1]) & (cells[:, 1] != cells[:, 2]) & (cells[:, 0] != cells[:, 2])
    kept = cells[apart]
    _, first = np.unique(np.sort(kept, axis=1), axis=0, return_index=True)
    return seeds, kept[np.sort(first)]


@lru_cache(maxsize=1)
def fabricated_flame(seed: int = 3) -> FabricatedFlame:
    """Arrays in FLAME's layout."""
    head = load_head()
    person = head.with_identity(identity(race="asian", gender=0.3, age=0.75, seed=seed))
    layout = person.layout
    assert layout is not None
    matrix, fine = catmull_clark(layout.quads.astype(np.int64), num_vertices=head.num_vertices)
    part = np.repeat(layout.quad_part, 4)
    pieces, faces, first = [], [], 0
    for names, keep in ((("head", "torso"), 0.2), (("eyeL",), 0.6), (("eyeR",), 0.6)):
        chosen = fine[np.isin(part, [layout.part_names.index(name) for name in names])]
        index, triangles = thinned(chosen, matrix.num_rows, keep=keep, seed=seed)
        pieces.append(index)
        faces.append(triangles + first)
        first += len(index)
    index = np.concatenate(pieces)

    def at(values: np.ndarray) -> np.ndarray:
        return matrix.apply(values.astype(np.float64))[index]

    used = np.flatnonzero(np.linalg.norm(person.expression_basis, axis=2).max(axis=1) > 1e-4)
    used = used[[CONTROLS[i] not in ("mouthClose", "pupilDilate") for i in used]]
    units = np.zeros((NUM_EXPRESSION, len(index), 3))
    for unit in used:
        units[unit] = at(person.expression_basis[unit])
    used = used[np.linalg.norm(units[used], axis=2).max(axis=1) > 1e-4]  # The tongue, say, is not in this mesh.
    rng = np.random.default_rng(seed)
    amounts = np.where(rng.random((300, len(used))) < 0.3, rng.random((300, len(used))), 0.0)
    amounts -= amounts.mean(axis=0)
    flat = units[used].reshape(len(used), -1)
    # Principal components of amounts @ flat by way of the small product.
    strength, turn = np.linalg.eigh((amounts @ flat) @ (amounts @ flat).T)
    best = np.argsort(strength)[::-1][:COMPONENTS]
    columns = (turn[:, best].T @ amounts @ flat) / np.sqrt(len(amounts))
    shapes = np.zeros((len(index), 3, 400))
    shapes[:, :, 300 : 300 + COMPONENTS] = columns.reshape(COMPONENTS, -1, 3).transpose(1, 2, 0)
    posed = np.stack([at(column) for column in person.pose_correctives])
    weights = at(person.skin_weights)
    template = at(person.template)
    # Joints as mixtures of the nearest vertices that stand where the head's do.
    regressor = np.zeros((5, len(index)))
    for row, joint in enumerate(person.joints()):
        near = np.argsort(np.linalg.norm(template - joint, axis=1))[:400]
        stacked = np.concatenate([template[near].T, np.ones((1, len(near)))])
        regressor[row, near] = np.linalg.lstsq(stacked, np.append(joint, 1.0), rcond=None)[0]
    return FabricatedFlame(
        arrays={
            "v_template": 1.04 * template + (0.0, 0.012, -0.01),
            "shapedirs": 1.04 * shapes,
            "posedirs": 1.04 * posed.transpose(1, 2, 0),
            "J_regressor": regressor,
            "weights": weights / weights.sum(axis=1, keepdims=True),
            "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
            "f": np.concatenate(faces).astype(np.uint32),
        },
        units=1.04 * units,
        used=used,
    )


def write_flame(path: Path) -> Path:
    """The file, as an archive."""
    arrays: dict[str, Any] = {**fabricated_flame().arrays}
    np.savez(path, **arrays)
    return path


assert NUM_EXPRESSION == 100
