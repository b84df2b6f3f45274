"""Between the bundled head's controls and another model's expression coefficients, which are principal components.

The bundled head is fitted onto the model (`registration`), its shapes' displacements are carried over point by point,
and the coefficients that reproduce each of them best are a ridge regression. Jaw, eyes and neck are joints in both; the
jaw's angle is scaled so that the chin moves alike. The way back (coefficients of a capture to controls) is the
non-negative regression in the same displacements. Solved once for each file and kept in the user's cache folder.
"""

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.core.reading import read_npz
from face_emote.face.head import Head
from face_emote.rigs.nonnegative import nonnegative_weights
from face_emote.rigs.registration.register import Registration, register
from face_emote.rigs.registration.target_model import TargetModel

VERSION = 1  # Of the method; a new one makes kept maps void.
RIDGE = 0.02  # Share of the mean square of the basis that a coefficient of 1 costs.
BACK_RIDGE = 0.01
BACK_SWEEPS = 60
MOVES_METRES = 2e-4  # Shapes that move the face less than this are not mapped.
_NOTHING = np.zeros((0, 0, 0))
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionMap:
    """Solved once; both directions are matrix products."""

    coefficients: Float[Array, f"control={NUM_EXPRESSION} expr"]
    """Coefficients of the other model per unit of each control; 0 for those that are joints."""
    jaw_scale: float  # The other model's jaw angle per angle of ours.
    scale: float  # Size of the other head against ours.
    gram: Float[Array, f"control={NUM_EXPRESSION} control"]  # Inner products of the carried shapes.
    cross: Float[Array, f"expr control={NUM_EXPRESSION}"]  # Inner products of the other model's columns with them.
    distance_mm: float  # Mean distance of the fitted face from the other one.
    cosines: Float[Array, f" control={NUM_EXPRESSION}"]
    """How truly the other basis can show each shape: cosine of carried and reproduced motion; NaN where none is."""

    def expression(self, controls: Float[Array, f"frames control={NUM_EXPRESSION}"]) -> Float[Array, "frames expr"]:
        """Coefficients that look like these controls (columns of the bundled head, joints left out)."""
        found: Array = (controls @ self.coefficients).astype(np.float32)
        return found

    def controls(self, expression: Float[Array, "frames expr"]) -> Float[Array, f"frames control={NUM_EXPRESSION}"]:
        """Controls, 0..1, that look like these coefficients."""
        gram = self.gram + BACK_RIDGE * np.trace(self.gram) / NUM_EXPRESSION * np.eye(NUM_EXPRESSION) * (
            np.diag(self.gram) > 0.0
        )
        goal = expression.astype(np.float64) @ self.cross
        return nonnegative_weights(gram, goal, upper=1.0, sweeps=BACK_SWEEPS).astype(np.float32)

    def report(self) -> str:
        """The accuracy in a line for people."""
        known = np.flatnonzero(np.isfinite(self.cosines))
        worst = known[np.argsort(self.cosines[known])[:3]]
        named = ", ".join(f"{CONTROLS[i]} {self.cosines[i]:.2f}" for i in worst)
        return (
            f"fitted to {self.distance_mm:.2f} mm; {len(known)} shapes reproduced with median cosine "
            f"{np.median(self.cosines[known]):.2f}, weakest {named}; jaw angle x {self.jaw_scale:.2f}"
        )


def solve_map(target: TargetModel, *, head: Head, chin: "ChinMoves | None" = None) -> ExpressionMap:
    """Fit and regress; seconds of work. `chin` turns the other model's jaw. Raises HeadError as `register`."""
    fit = register(head, target)
    carried = fit.carried(fit.person.expression_basis)
    carried[np.linalg.norm(carried, axis=2).max(axis=1) < MOVES_METRES] = 0.0
    flat = carried.reshape(NUM_EXPRESSION, -1)
    basis = target.expression_basis[:, fit.reached].reshape(len(target.expression_basis), -1).astype(np.float64)
    products = basis @ basis.T
    ridge = RIDGE * np.trace(products) / len(products)
    coefficients = np.linalg.solve(products + ridge * np.eye(len(products)), basis @ flat.T).T
    made = coefficients @ basis
    size = np.linalg.norm(flat, axis=1) * np.linalg.norm(made, axis=1)
    cosines = np.where(size > 0.0, np.sum(flat * made, axis=1) / np.maximum(size, 1e-30), np.nan)
    return ExpressionMap(
        coefficients=coefficients.astype(np.float32),
        jaw_scale=1.0 if chin is None else _jaw_scale(fit, chin),
        scale=float(fit.similarity.scale),
        gram=flat @ flat.T,
        cross=basis @ flat.T,
        distance_mm=1000.0 * fit.distance,
        cosines=cosines,
    )


ChinMoves = Callable[[Float[Array, "frames 3"]], Float[Array, "frames vertex 3"]]
"""Vertices of the other model for jaw poses."""


def _jaw_scale(fit: Registration, chin: ChinMoves) -> float:
    """The factor on our jaw's angle with which the other chin moves as far as ours, by bisection."""
    angle = next(item.angle for item in fit.person.control_joints if item.control == "jawOpen")
    wanted = fit.carried_open_jaw(angle)
    amount = np.linalg.norm(wanted, axis=1)
    chosen = amount > 0.5 * amount.max()
    low, high = 0.4, 2.5
    for _ in range(20):
        middle = 0.5 * (low + high)
        posed = chin(np.array([[0.0, 0.0, 0.0], [middle * angle, 0.0, 0.0]]))[:, fit.reached][:, chosen]
        moved = np.sum((posed[1] - posed[0]) * wanted[chosen], axis=1) / amount[chosen]
        low, high = (middle, high) if moved.mean() < amount[chosen].mean() else (low, middle)
    return 0.5 * (low + high)


def kept_map(
    target: TargetModel, *, head: Head, chin: ChinMoves | None = None, folder: Path | None = None
) -> ExpressionMap:
    """The map from the cache folder, or solved and put there. A folder that cannot be written only costs time."""
    place = (cache_folder() if folder is None else folder) / _file_name(target, head)
    try:
        return _read(place)
    except (OSError, ValueError):
        pass
    solved = solve_map(target, head=head, chin=chin)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as beside:
            fresh = Path(beside) / place.name
            np.savez_compressed(fresh, **{field.name: getattr(solved, field.name) for field in fields(ExpressionMap)})
            fresh.replace(place)
    except OSError as error:
        _log.info("the map was not kept: %s", error)
    return solved


def cache_folder() -> Path:
    """Where maps are kept: FACE_EMOTE_CACHE, or face_emote in the user's cache folder."""
    chosen = os.environ.get("FACE_EMOTE_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "face_emote"


def _file_name(target: TargetModel, head: Head) -> str:
    digest = hashlib.sha256(f"{VERSION} {target.kind} {target.basis} {head.basis}".encode())
    for array in (target.template, target.expression_basis, target.faces):
        digest.update(np.ascontiguousarray(array).tobytes())
    return f"map-{digest.hexdigest()[:16]}.npz"


def _read(path: Path) -> ExpressionMap:
    """Raises ValueError when it is damaged, and OSError."""
    stored = read_npz(path)
    shapes = _shapes(num_columns=len(np.atleast_1d(stored.get("cross", _NOTHING))))
    if any(stored.get(name, _NOTHING).shape != shape for name, shape in shapes.items()):
        raise ValueError("a kept map is damaged")
    if any(stored[name].dtype.kind != "f" for name in shapes) or not all(
        np.isfinite(stored[name]).all() for name in shapes if name != "cosines"
    ):
        raise ValueError("a kept map holds what is no number")
    values: dict[str, Any] = {name: stored[name] if shape else float(stored[name]) for name, shape in shapes.items()}
    return ExpressionMap(**values)


def _shapes(*, num_columns: int) -> dict[str, tuple[int, ...]]:
    """Of the arrays of a kept map, in which `num_columns` coefficients are known."""
    many = NUM_EXPRESSION
    matrices = {"coefficients": (many, num_columns), "gram": (many, many), "cross": (num_columns, many)}
    return {**matrices, "cosines": (many,), **dict.fromkeys(("jaw_scale", "scale", "distance_mm"), ())}
