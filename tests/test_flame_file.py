"""Reading FLAME files: fabricated models in the official layout, and hostile files."""

import io
import os
import pickle
import struct
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.core.errors import HeadError, OptionError
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.face.bundled import load_head
from face_emote.face.flame_file import import_flame, read_flame
from face_emote.face.head import Head
from face_emote.face.pickle_reader import UnsafePickleError, read_pickled_arrays

COUNT = 60


def fabricated_arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """Random tensors in FLAME's layout and of FLAME's magnitudes."""
    rng = np.random.default_rng(seed)
    regressor = np.where(rng.random((5, COUNT)) < 0.2, rng.random((5, COUNT)), 0.0)
    weights = rng.random((COUNT, 5)) ** 4
    return {
        "v_template": rng.normal(0, 0.08, (COUNT, 3)),
        "shapedirs": rng.normal(0, 2e-3, (COUNT, 3, 400)),
        "posedirs": rng.normal(0, 5e-3, (COUNT, 3, 36)),
        "J_regressor": regressor / regressor.sum(axis=1, keepdims=True),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "f": np.array([[i, (i + 1) % COUNT, (i + 7) % COUNT] for i in range(COUNT)], np.uint32),
    }


class Ch:
    """What chumpy.ch.Ch looks like to a pickle."""

    __module__ = "chumpy.ch"

    def __init__(self, x: np.ndarray) -> None:
        self.x = x
        self._dirty_vars: set[str] = set()
        self._itr = None


@pytest.fixture
def chumpy(monkeypatch):
    """A module of that name, only so that fabricated files can refer to its class."""
    package, module = types.ModuleType("chumpy"), types.ModuleType("chumpy.ch")
    module.Ch = Ch
    monkeypatch.setitem(sys.modules, "chumpy", package)
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)


def official_pickle(
    arrays: dict[str, np.ndarray], *, protocol: int = 2, sparse: Any = scipy.sparse.csc_matrix
) -> bytes:
    """As FLAME is distributed: chumpy objects, a sparse regressor, strings besides."""
    stored = {
        **arrays,
        "v_template": Ch(arrays["v_template"]),
        "shapedirs": Ch(arrays["shapedirs"]),
        "J_regressor": sparse(arrays["J_regressor"]),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }
    return pickle.dumps(stored, protocol=protocol)


def python2_pickle(arrays: dict[str, np.ndarray]) -> bytes:
    """Module names and byte strings as a Python 2 cPickle of protocol 2 writes them."""
    out = io.BytesIO()
    out.write(b"\x80\x02}(")

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    def integer(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    for name, array in arrays.items():
        code = array.dtype.str[1:].encode()
        shape = b"(" + b"".join(integer(size) for size in array.shape) + b"t"
        out.write(text(name.encode()))
        out.write(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR")
        out.write(b"(K\x01" + shape + b"cnumpy\ndtype\n(" + text(code) + b"K\x00K\x01tR")
        out.write(b"(K\x03" + text(b"<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb")
        out.write(b"\x89" + text(array.tobytes()) + b"tb")
    out.write(b"u.")
    return out.getvalue()


def motion_for(head: Head, *, frames: int = 3, seed: int = 1) -> FaceMotion:
    rng = np.random.default_rng(seed)

    def values(*shape: int, scale: float) -> np.ndarray:
        return rng.normal(0, scale, (frames, *shape)).astype(np.float32)

    return FaceMotion(
        expression=values(100, scale=1.0),
        jaw_pose=values(3, scale=0.2),
        neck_pose=values(3, scale=0.2),
        eye_pose=values(2, 3, scale=0.2),
        global_pose=values(3, scale=0.4),
        translation=values(3, scale=0.1),
        wrinkles=np.zeros((frames, 16), np.float32),
        blood_flow=np.zeros((frames, 8), np.float32),
        fps=30.0,
        info=MotionInfo(basis=head.basis),
        betas=rng.normal(0, 1, 300).astype(np.float32),
    )


def written(tmp_path: Path, content: bytes, *, name: str = "flame.pkl") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def require_equal(head: Head, arrays: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(head.template, arrays["v_template"], atol=1e-7)
    np.testing.assert_allclose(head.shape_basis, arrays["shapedirs"][:, :, :300].transpose(2, 0, 1), atol=1e-8)
    np.testing.assert_allclose(head.expression_basis, arrays["shapedirs"][:, :, 300:].transpose(2, 0, 1), atol=1e-8)
    np.testing.assert_allclose(head.pose_correctives, arrays["posedirs"].transpose(2, 0, 1), atol=1e-8)
    np.testing.assert_allclose(head.joint_regressor, arrays["J_regressor"], atol=1e-7)
    np.testing.assert_allclose(head.skin_weights, arrays["weights"], atol=1e-7)
    np.testing.assert_array_equal(head.faces, arrays["f"])


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_official_layout_is_read_from_every_pickle_protocol(tmp_path, chumpy, protocol):
    arrays = fabricated_arrays()
    head = read_flame(written(tmp_path, official_pickle(arrays, protocol=protocol)))
    require_equal(head, arrays)
    assert head.basis.startswith("flame:")
    assert head.layout is None and not head.is_semantic


def test_pickle_of_python_2_is_read(tmp_path):
    arrays = fabricated_arrays()
    require_equal(read_flame(written(tmp_path, python2_pickle(arrays))), arrays)


@pytest.mark.parametrize("sparse", [scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, scipy.sparse.csc_array])
def test_sparse_regressors_of_either_order_are_read(tmp_path, chumpy, sparse):
    arrays = fabricated_arrays()
    require_equal(read_flame(written(tmp_path, official_pickle(arrays, sparse=sparse))), arrays)


def test_big_endian_and_column_major_arrays_are_read(tmp_path):
    arrays = fabricated_arrays()
    other = {
        **arrays,
        "weights": np.asfortranarray(arrays["weights"]),
        "v_template": arrays["v_template"].astype(">f8"),
    }
    require_equal(read_flame(written(tmp_path, pickle.dumps(other))), arrays)


def test_npz_with_flame_keys_is_read(tmp_path):
    arrays = fabricated_arrays()
    path = tmp_path / "flame.npz"
    np.savez(path, **arrays)
    require_equal(read_flame(path), arrays)
    require_equal(load_head(path), arrays)


def test_same_model_has_the_same_basis_in_every_form(tmp_path, chumpy):
    arrays = fabricated_arrays()
    np.savez(tmp_path / "flame.npz", **arrays)
    bases = {
        read_flame(tmp_path / "flame.npz").basis,
        read_flame(written(tmp_path, official_pickle(arrays))).basis,
        read_flame(import_flame(tmp_path / "flame.pkl", tmp_path / "small.npz")).basis,
    }
    assert len(bases) == 1
    np.savez(tmp_path / "other.npz", **fabricated_arrays(seed=1))
    assert read_flame(tmp_path / "other.npz").basis not in bases


def test_import_keeps_positions_to_a_hundredth_of_a_millimetre(tmp_path, chumpy):
    source = written(tmp_path, official_pickle(fabricated_arrays()))
    out = import_flame(source, tmp_path / "small.npz")
    assert out == tmp_path / "small.npz"
    assert out.stat().st_size < source.stat().st_size / 3
    original, copy = read_flame(source), load_head(out)
    motion = motion_for(original)
    np.testing.assert_allclose(copy.vertices(motion), original.vertices(motion), atol=3e-5)


def test_import_refuses_a_useless_ending_and_leaves_nothing(tmp_path, chumpy):
    source = written(tmp_path, official_pickle(fabricated_arrays()))
    with pytest.raises(OptionError, match=r"written as \.npz"):
        import_flame(source, tmp_path / "head.pkl2")
    broken = written(tmp_path, b"\x80\x02}.", name="broken.pkl")
    with pytest.raises(HeadError):
        import_flame(broken, tmp_path / "out.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.pkl", "flame.pkl"]


def test_imported_head_makes_meshes_and_knows_no_landmarks(tmp_path):
    head = read_flame(written(tmp_path, python2_pickle(fabricated_arrays())))
    motion = motion_for(head)
    mesh = head.meshes(motion)
    assert mesh.uv.shape == (COUNT, 2)
    assert mesh.uv.min() >= 0.0 and mesh.uv.max() <= 1.0
    with pytest.raises(HeadError, match="bundled head only"):
        head.landmarks(motion)
    some = np.array([3, 50, 17])
    np.testing.assert_allclose(head.restricted_to(some).vertices(motion), head.vertices(motion)[:, some], atol=1e-6)
    with pytest.raises(HeadError, match="belongs to face model"):
        head.vertices(replace(motion, info=MotionInfo(basis=load_head().basis)))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("shapedirs", np.zeros((COUNT, 3, 150)), r"shapedirs is float64 \(60, 3, 150\), FLAME's is 60 x 3 x 400"),
        ("posedirs", np.zeros((COUNT, 3, 207)), "posedirs"),
        ("weights", np.zeros((COUNT, 24)), "weights"),
        ("v_template", np.full((COUNT, 3), np.nan), "v_template holds NaN"),
        ("J_regressor", np.zeros((24, COUNT)), "J_regressor"),
        ("kintree_table", np.array([[-1, 0, 0, 1, 1], [0, 1, 2, 3, 4]]), "connected otherwise"),
        ("kintree_table", np.zeros((2, 24)), "kintree_table"),
        ("f", np.full((4, 3), COUNT), "f names vertices that do not exist"),
        ("f", np.zeros((4, 3)), "f is float64"),
        ("f", np.array([[-1, 0, 1]]), "do not exist"),
    ],
)
def test_other_body_models_are_refused_by_name(tmp_path, key, value, says):
    path = tmp_path / "flame.npz"
    np.savez(path, **{**fabricated_arrays(), key: value})
    with pytest.raises(HeadError, match=says) as caught:
        read_flame(path)
    assert str(path) in str(caught.value)


def test_missing_tensors_are_named(tmp_path):
    arrays = fabricated_arrays()
    del arrays["posedirs"], arrays["f"]
    with pytest.raises(HeadError, match="no posedirs, f in it"):
        read_flame(written(tmp_path, pickle.dumps(arrays)))


class Runs:
    """A pickle of this calls a function when an ordinary reader loads it."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    "call", [(os.system, "touch {}"), (eval, "__import__('pathlib').Path({!r}).touch()"), (Path.touch, "{}")]
)
def test_nothing_in_a_pickle_is_executed(tmp_path, call, protocol):
    function, argument = call
    trap = tmp_path / "sprung"
    values = (Path(trap),) if function is Path.touch else (argument.format(str(trap)),)
    content = pickle.dumps({**fabricated_arrays(), "extra": Runs(function, *values)}, protocol=protocol)
    path = written(tmp_path, content)
    with pytest.raises(HeadError, match="it was not loaded"):
        read_flame(path)
    assert not trap.exists()
    # The trap is real: Python's own reader springs it.
    pickle.loads(content)
    assert trap.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cbuiltins\nexec\n(S'1'\ntR.",
        b"cnumpy\nndarray\n((J\xff\xff\xff\x7ft.",
        b"cnumpy\nndarray\n((I1000000000000\nttR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I1000000000000\ntS'b'\ntR.",
        b"cnumpy\ndtype\n(S'V1000000000000'\ntR.",
        b"cnumpy\ndtype\n(S'O8'\ntR.",
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nset\nc__builtin__\nobject\nNtR.",
        b"cnumpy.core.multiarray\nscalar\n(S'a'\n}dtb.",
        b"ccopy_reg\n_reconstructor\n}S'__defaults__'\nI1\nsb.",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x05\x96\x00\x00\x00\x00\x10\x00\x00\x00.",
        b"\x80\x05\x97.",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x02]r\xff\xff\xff\x7f.",
        b"Pname\n.",
        b"\x82\x01.",
        b"i__builtin__\neval\n.",
        b"N.",
        b".",
        b"",
        b"(((((((((((",
        b"\x80\xff.",
    ],
)
def test_hostile_pickles_are_refused(tmp_path, content):
    with pytest.raises(HeadError):
        read_flame(written(tmp_path, content))


def test_sparse_matrices_with_wild_indices_are_refused(chumpy):
    good = fabricated_arrays()
    for name, value in (
        ("indptr", np.array([0, 10**12] + [10**12] * (COUNT - 1))),
        ("indices", np.full(3, -(10**9))),
        ("_shape", (10**9, 10**9)),
        ("data", np.zeros(2)),
    ):
        matrix = scipy.sparse.csc_matrix(good["J_regressor"])
        setattr(matrix, name, value)
        with pytest.raises(UnsafePickleError, match="do not fit"):
            read_pickled_arrays(pickle.dumps({"J_regressor": matrix}))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_pickles_are_refused_or_harmless(tmp_path_factory, data):
    content = bytearray(python2_pickle({"weights": np.eye(3), "f": np.arange(6).reshape(2, 3)}))
    cut = data.draw(st.integers(0, len(content)))
    content = content[:cut] if data.draw(st.booleans()) else content
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("pickles") / "flame.pkl"
    path.write_bytes(bytes(content))
    with pytest.raises(HeadError):
        read_flame(path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_no_pickle_of_arrays(content):
    try:
        found = read_pickled_arrays(content)
    except ValueError:
        return
    except UnsafePickleError:
        return
    assert all(isinstance(value, np.ndarray) for value in found.values())


def test_object_arrays_in_an_npz_are_refused_or_stay_unread(tmp_path):
    path, arrays = tmp_path / "flame.npz", fabricated_arrays()
    pickled = np.array([{"a": 1}], dtype=object)
    np.savez(path, **arrays | {"f": pickled})
    with pytest.raises(HeadError, match="pickled objects"):
        read_flame(path)
    np.savez(path, **arrays, extra=pickled)
    require_equal(read_flame(path), arrays)


def test_vertices_equal_smplx(tmp_path):
    torch = pytest.importorskip("torch", reason="comparison with smplx needs torch")
    smplx = pytest.importorskip("smplx", reason="comparison with smplx needs smplx")
    arrays = fabricated_arrays()
    regressor = scipy.sparse.csc_matrix(arrays["J_regressor"])
    written(tmp_path, pickle.dumps({**arrays, "J_regressor": regressor}), name="FLAME_NEUTRAL.pkl")
    points = {"lmk_face_idx": np.arange(51), "lmk_b_coords": np.full((51, 3), 1 / 3)}
    written(tmp_path, pickle.dumps(points), name="flame_static_embedding.pkl")
    head = read_flame(tmp_path / "FLAME_NEUTRAL.pkl")
    motion = motion_for(head, frames=4)
    theirs = smplx.FLAME(str(tmp_path), num_betas=300, num_expression_coeffs=100, use_face_contour=False, batch_size=4)
    with torch.no_grad():
        found = theirs(
            betas=torch.tensor(np.tile(motion.betas, (4, 1))),
            expression=torch.tensor(motion.expression),
            global_orient=torch.tensor(motion.global_pose),
            neck_pose=torch.tensor(motion.neck_pose),
            jaw_pose=torch.tensor(motion.jaw_pose),
            leye_pose=torch.tensor(motion.eye_pose[:, 0]),
            reye_pose=torch.tensor(motion.eye_pose[:, 1]),
            transl=torch.tensor(motion.translation),
        ).vertices.numpy()
    np.testing.assert_allclose(head.vertices(motion), found, atol=1e-5)
