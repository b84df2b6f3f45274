"""The official FLAME files (2020, 2023, 2023 Open; .pkl or .npz): reading them, and keeping a compact copy."""

from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.errors import HeadError, OptionError
from face_emote.core.names import JOINT_PARENTS, NUM_EXPRESSION, NUM_SHAPE
from face_emote.core.output import require_writable
from face_emote.core.reading import content_of, names_in, opened, read_npz
from face_emote.face.head import Head
from face_emote.face.head_file import MAX_VERTICES, basis_id, read_head, write_head
from face_emote.face.pickle_reader import UnsafePickleError, read_pickled_arrays
from face_emote.face.skinning import NUM_CORRECTIVES, NUM_JOINTS

FAMILY = "flame"
KEYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
MAX_BYTES = 2**30
_ZIP_MAGIC = b"PK"


def read_flame(path: Path) -> Head:
    """Read a head: an official FLAME file, or this package's own head file.

    Nothing in a pickle is executed. An imported head has FLAME's principal components as its expression basis: no
    layout, no control names, no landmarks, no contact. HeadError: the file is missing, too large, damaged, unsafe, or
    not a FLAME head with 300 + 100 columns.
    """
    path = Path(path)
    try:
        with opened(path) as stream:
            if path.stat().st_size > MAX_BYTES:
                raise HeadError(f"The head file is larger than a gigabyte; give a FLAME .pkl or .npz: {path}")
            is_archive = stream.read(2) == _ZIP_MAGIC
        if is_archive and "format" in names_in(path):
            return read_head(path)
        arrays = read_npz(path, names=KEYS) if is_archive else read_pickled_arrays(content_of(path, most=MAX_BYTES))
        return _head_of(arrays)
    except OSError as error:
        raise HeadError(f"The head file cannot be opened ({error.strerror or error}): {path}") from error
    except UnsafePickleError as error:
        raise HeadError(
            f"The file asks for {error}, which a FLAME head does not need; it was not loaded. "
            f"Download it again from its makers: {path}"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise HeadError(f"This is not a FLAME head, or it is damaged ({error}): {path}") from error


def import_flame(path: Path, out: Path) -> Path:
    """Write a compact copy of a FLAME file that loads at once; returns `out`, which must end in .npz.

    The copy is derived from the user's licensed file and falls under the same licence. HeadError: the file cannot be
    used. OptionError: `out` does not end in .npz. OutputError: `out` cannot be written.
    """
    out = Path(out)
    if out.suffix.lower() != ".npz":
        raise OptionError(f"An imported head is written as .npz; give the output that ending: {out}")
    require_writable(out)
    write_head(read_flame(path), out)
    return out


def _head_of(arrays: dict[str, Array]) -> Head:
    """Check FLAME's tensors and put them in this package's order; raises ValueError."""
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise ValueError(f"no {', '.join(missing)} in it")
    template = _tensor(arrays, "v_template", shape=(None, 3))
    count = len(template)
    if not 0 < count <= MAX_VERTICES:
        raise ValueError(f"{count} vertices")
    shapes = _tensor(arrays, "shapedirs", shape=(count, 3, NUM_SHAPE + NUM_EXPRESSION))
    correctives = _tensor(arrays, "posedirs", shape=(count, 3, NUM_CORRECTIVES))
    regressor = _tensor(arrays, "J_regressor", shape=(NUM_JOINTS, count))
    weights = _tensor(arrays, "weights", shape=(count, NUM_JOINTS))
    _require_joints(arrays["kintree_table"])
    columns = np.ascontiguousarray(shapes.transpose(2, 1, 0)).swapaxes(1, 2)
    return Head(
        basis=basis_id(FAMILY, (template, shapes, correctives, regressor, weights)),
        template=template,
        shape_basis=columns[:NUM_SHAPE],
        expression_basis=columns[NUM_SHAPE:],
        pose_correctives=np.ascontiguousarray(correctives.transpose(2, 1, 0)).swapaxes(1, 2),
        joint_regressor=regressor,
        skin_weights=weights,
        faces=_faces(arrays["f"], count=count),
    )


def _tensor(arrays: dict[str, Array], key: str, *, shape: tuple[int | None, ...]) -> Array:
    """One tensor as finite float32 of the wanted shape."""
    array = arrays[key]
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in "fiu":
        wanted = " x ".join("vertices" if want is None else str(want) for want in shape)
        raise ValueError(f"{key} is {array.dtype} {array.shape}, FLAME's is {wanted}")
    values = array.astype(np.float32)
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{key} holds NaN or infinity")
    return values


def _require_joints(table: Array) -> None:
    """FLAME's kinematic tree; the root's parent is -1 or the largest uint32."""
    if table.shape != (2, NUM_JOINTS) or table.dtype.kind not in "iuf":
        raise ValueError(f"kintree_table is {table.dtype} {table.shape}, FLAME's is 2 x {NUM_JOINTS}")
    if tuple(int(parent) for parent in table[0, 1:]) != JOINT_PARENTS[1:]:
        raise ValueError(f"joints are connected otherwise: {table[0].tolist()}")


def _faces(faces: Array, *, count: int) -> Array:
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise ValueError(f"f is {faces.dtype} {faces.shape}, FLAME's is triangles x 3")
    if len(faces) == 0 or int(faces.min()) < 0 or int(faces.max()) >= count:
        raise ValueError("f names vertices that do not exist")
    return faces.astype(np.int32)
