"""Face models that users bring, reduced to what a map needs: official FLAME (2020, 2023, 2023 Open) and SMPL-X."""

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError
from face_emote.core.names import JOINTS, NUM_EXPRESSION
from face_emote.core.reading import content_of, opened, read_npz
from face_emote.face.flame_file import MAX_BYTES
from face_emote.face.head import Head
from face_emote.face.head_file import basis_id
from face_emote.face.pickle_reader import UnsafePickleError, read_pickled_arrays

KEYS = ("v_template", "shapedirs", "weights", "f", "J_regressor")
MODEL_SUFFIXES = (".pkl", ".npz")
SMPLX_JOINTS = 55
SMPLX_HEAD = (12, 15, 22, 23, 24)
"""Neck, head, jaw, left eye, right eye among SMPL-X's joints."""
SMPLX_SHAPES = 300
SMPLX_BASIS = "smplx"


@dataclass(frozen=True, slots=True, eq=False)
class TargetModel:
    """A head with an expression basis without names."""

    kind: str
    """`flame` or `smplx`."""
    basis: str
    template: Float[Array, "vertex 3"]
    faces: Int[Array, "triangle 3"]
    expression_basis: Float[Array, "expr vertex 3"]
    neck: Float[Array, " axis=3"]
    jaw: Float[Array, " axis=3"]
    eyes: Float[Array, "eye=2 3"]
    jaw_weights: Float[Array, " vertex"]
    """Share of the jaw in each vertex's skinning."""


def target_of_head(head: Head) -> TargetModel:
    """A FLAME head that was read already."""
    joints = dict(zip(JOINTS, head.joints(), strict=True))
    return TargetModel(
        kind="flame",
        basis=head.basis,
        template=head.template,
        faces=head.faces,
        expression_basis=head.expression_basis,
        neck=joints["neck"],
        jaw=joints["jaw"],
        eyes=np.stack([joints["eye_left"], joints["eye_right"]]),
        jaw_weights=head.skin_weights[:, JOINTS.index("jaw")],
    )


def is_smplx(path: Path) -> bool:
    """Whether a file has SMPL-X's joints. Files that cannot be read are none."""
    try:
        return (
            path.stat().st_size <= MAX_BYTES
            and _arrays(path, names=("J_regressor",))["J_regressor"].shape[0] == SMPLX_JOINTS
        )
    except (OSError, LookupError, ValueError, TypeError, UnsafePickleError):
        return False


def read_smplx(path: Path) -> TargetModel:
    """The head of an SMPL-X file (.npz, or .pkl of which nothing is executed).

    Raises HeadError when the file is damaged or has no expression columns.
    """
    try:
        arrays = _arrays(path)
        template, shapes, weights = (
            np.asarray(arrays[key], np.float32) for key in ("v_template", "shapedirs", "weights")
        )
        count = len(template)
        faces = np.asarray(arrays["f"]).astype(np.int64)
        joints = np.asarray(arrays["J_regressor"], np.float64) @ template
        first = SMPLX_SHAPES if shapes.shape[-1] > SMPLX_SHAPES else shapes.shape[-1] // 2
        columns = shapes[:, :, first : first + NUM_EXPRESSION].transpose(2, 0, 1)
        fits = template.shape == (count, 3) and shapes.shape[:2] == (count, 3) and weights.shape == (count, len(joints))
        if not fits or not len(columns) or faces.ndim != 2 or faces.shape[1] != 3:
            raise ValueError("its arrays have other shapes than SMPL-X's")
        if (
            faces.min() < 0
            or faces.max() >= count
            or not all(np.isfinite(a).all() for a in (template, columns, joints))
        ):
            raise ValueError("its faces or places cannot be used")
    except (OSError, LookupError, ValueError, TypeError, UnsafePickleError) as error:
        raise HeadError(f"This is not an SMPL-X model, or it is damaged ({error}): {path}") from None
    neck, _, jaw, left, right = (joints[number] for number in SMPLX_HEAD)
    kept = np.flatnonzero(weights[:, list(SMPLX_HEAD)].sum(axis=1) > 0.5)
    number = np.full(count, -1)
    number[kept] = np.arange(len(kept))
    own = number[faces]
    return TargetModel(
        kind="smplx",
        basis=basis_id(SMPLX_BASIS, (template, columns)),
        template=template[kept],
        faces=own[(own >= 0).all(axis=1)],
        expression_basis=np.ascontiguousarray(columns[:, kept]),
        neck=neck,
        jaw=jaw,
        eyes=np.stack([left, right]),
        jaw_weights=weights[kept, SMPLX_HEAD[2]],
    )


def _arrays(path: Path, *, names: Container[str] = KEYS) -> dict[str, Array]:
    """The arrays that are needed; some SMPL-X archives also hold pickled objects, which stay unread."""
    with opened(path) as stream:
        packed = stream.read(2) == b"PK"
    return read_npz(path, names=names) if packed else read_pickled_arrays(content_of(path, most=MAX_BYTES))
