"""A file may ask for as much memory as its size explains, and for no more: hostile ones are refused at once."""

import pickle
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from face_emote.core.errors import HeadError
from face_emote.core.reading import ALWAYS_BYTES, PER_FILE_BYTE, MemoryBudget, read_npz
from face_emote.face.flame_file import read_flame
from face_emote.face.pickle_reader import UnsafePickleError, read_pickled_arrays
from face_emote.formats.coefficients import read_coefficients

MOST_BYTES = 4e8
MOST_SECS = 10.0


def refused(read, error=ValueError, *, match="far more than a file of its size") -> None:
    tracemalloc.start()
    begun = time.monotonic()
    with pytest.raises(error, match=match):
        read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES and time.monotonic() - begun < MOST_SECS


DTYPE = b"cnumpy\ndtype\n(U\x02f8K\x00K\x01tR"
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
WORD = b"X" + struct.pack("<i", 800_000) + b"a" * 800_000


def copies() -> bytes:
    """One long text, and thousands of arrays made of copies of it."""
    arrays = b"".join(
        b"M" + struct.pack("<H", i) + ARRAY + b"(K\x01J" + struct.pack("<i", 100_000) + b"\x85h\x01\x89h\x00tb"
        for i in range(3000)
    )
    return b"\x80\x02" + WORD + b"q\x000" + DTYPE + b"q\x010}(" + arrays + b"u."


def wide_matrices() -> bytes:
    """One sparse matrix of next to nothing, named by hundreds of keys."""
    import scipy.sparse

    matrix = scipy.sparse.csc_matrix(([1.0], ([5], [7])), shape=(4000, 4000))
    return pickle.dumps({str(i): matrix for i in range(300)}, protocol=2)


def nested_keys() -> bytes:
    """A tuple of a tuple of a tuple .., twice each: hashing it would take for ever."""
    return b"\x80\x02}K\x00" + b"2\x86" * 60 + b"K\x01s."


HOSTILE = {
    "copies of a text": copies,
    "wide matrices": wide_matrices,
    "dictionaries without end": lambda: b"\x80\x04" + b"}\x94" * 30_000 + b".",
    "marks without end": lambda: b"\x80\x04" + b"(" * 60_000 + b".",
    "keys that cannot be hashed": nested_keys,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pickles_cost_little(kind, tmp_path, monkeypatch):
    content = HOSTILE[kind]()
    if "without end" in kind:  # Two million opcodes reach the real limit; checked call by call that takes minutes.
        monkeypatch.setattr("face_emote.core.reading.ALWAYS_BYTES", 2**20)
    match = "keys are no names" if "keys" in kind else "far more than a file of its size"
    refused(lambda: read_pickled_arrays(content), (ValueError, UnsafePickleError), match=match)
    path = tmp_path / "head.pkl"
    path.write_bytes(content)
    refused(lambda: read_flame(path), HeadError, match=match)


def bomb(path, name: str, *, shape: tuple[int, ...], dtype: str = "|i1") -> None:
    """Zeros, which pack a thousand to one."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{name}.npy", "w") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        left = int(np.prod(shape)) * np.dtype(dtype).itemsize
        while left:
            left -= file.write(bytes(min(left, 1 << 20)))


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path):
    path = tmp_path / "flame.npz"
    bomb(path, "v_template", shape=(700_000_000,))
    assert path.stat().st_size < 1e6
    refused(lambda: read_npz(path))
    refused(lambda: read_flame(path), HeadError)
    assert read_npz(path, names=("other",)) == {}


def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path):
    path = tmp_path / "short.npz"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000, 100000), }\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64))
    refused(lambda: read_npz(path))


@pytest.mark.parametrize("frames", [2_000_000, 40_000_000])
def test_coefficients_without_end_are_refused(tmp_path, frames):
    path = tmp_path / "take.npz"
    bomb(path, "expression", shape=(frames, 1))
    bomb(path, "jaw_pose", shape=(frames, 3))
    refused(lambda: read_coefficients(path), match="far more|split it")


def test_an_hour_of_coefficients_is_read(tmp_path):
    path = tmp_path / "take.npz"
    bomb(path, "expression", shape=(216_000, 50))
    bomb(path, "jaw_pose", shape=(216_000, 3))
    assert len(read_coefficients(path).expression) == 216_000


def test_a_budget_is_what_the_size_explains():
    budget = MemoryBudget(1000)
    budget.take(ALWAYS_BYTES + PER_FILE_BYTE * 1000)
    with pytest.raises(ValueError, match="far more"):
        budget.take(1)
