"""Reading the arrays out of a pickle without executing anything that it asks for.

FLAME's official files are pickles from Python 2 that hold numpy arrays, scipy sparse matrices and chumpy objects. A
pickle is a program: it names callables and calls them. This reader knows a dozen names and puts an inert stand-in of
its own in the place of each; any other name is refused. Arrays are rebuilt here from their raw bytes, so that neither
numpy's nor scipy's nor chumpy's unpickling code ever runs. All that the pickle makes, opcode by opcode and copy by
copy, is counted against one `MemoryBudget`.
"""

import pickle
import re
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any, ClassVar

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.reading import MemoryBudget

_OPCODE_BYTES = 64  # About what one opcode makes: a number, a reference, an empty list, an entry of the memo.
_SIMPLE_TYPE = re.compile(r"[biufSU]\d{1,4}")


class UnsafePickleError(pickle.UnpicklingError):
    """The pickle asks for something that a file of arrays does not need."""


class _Marker:
    """Stands for a class whose constructor must not be called."""


class _Dtype:
    """Stands for numpy.dtype: a type code and a byte order."""

    def __init__(self, code: object, *_: object) -> None:
        text = code.decode("ascii") if isinstance(code, bytes) else code
        if not isinstance(text, str) or not _SIMPLE_TYPE.fullmatch(text):
            raise UnsafePickleError(f"array type {text!r}")
        self.code = text
        self.order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1] if state[1] in ("<", ">") else "<"

    def real(self) -> "np.dtype[Any]":
        """The numpy type."""
        return np.dtype(self.order + self.code)


class _Array:
    """Stands for numpy.ndarray."""

    value: Array

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, by_column, raw = state
        self.value = _values(raw, dtype).reshape(shape, order="F" if by_column else "C")


def _values(raw: str | bytes | bytearray, dtype: _Dtype) -> Array:
    return np.frombuffer(raw.encode("latin1") if isinstance(raw, str) else raw, dtype.real())


class _Sparse:
    """Stands for a scipy matrix: the state of csc_matrix or csr_matrix is its arrays."""

    by_column = True

    def __setstate__(self, state: dict[Any, Any]) -> None:
        self.state = state

    def dense(self, budget: MemoryBudget) -> Array:
        """The full matrix."""
        rows, columns = (int(size) for size in self.state["_shape" if "_shape" in self.state else "shape"])
        values, inner, starts = (_plain(self.state[name], budget) for name in ("data", "indices", "indptr"))
        lines, width = (columns, rows) if self.by_column else (rows, columns)
        sound = (
            0 < rows
            and 0 < columns
            and len(starts) == lines + 1
            and starts[0] == 0
            and starts[-1] == len(values) == len(inner)
            and np.all(np.diff(starts) >= 0)
            and np.all((inner >= 0) & (inner < width))
        )
        if not sound:
            raise UnsafePickleError(f"a sparse matrix of {rows} x {columns} whose indices do not fit")
        budget.take(8 * (rows * columns + 3 * len(values)))
        outer = np.repeat(np.arange(lines), np.diff(starts))
        out = np.zeros((rows, columns))
        np.add.at(out, (inner, outer) if self.by_column else (outer, inner), values)
        return out


class _SparseRows(_Sparse):
    by_column = False


class _Chumpy:
    """Stands for chumpy.ch.Ch: its state holds the array under `x`."""

    def __setstate__(self, state: dict[Any, Any]) -> None:
        self.state = state


_STAND_INS = (_Array, _Dtype, _Sparse, _Chumpy)


def _reconstruct(kind: object, _shape: object, _code: object) -> _Array:
    if kind is not _Marker:
        raise UnsafePickleError("an array of an unknown class")
    return _Array()


def _from_buffer(raw: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.value = _values(raw, dtype).reshape(shape, order="F" if order == "F" else "C")
    return array


def _scalar(dtype: _Dtype, raw: str | bytes) -> object:
    return _values(raw, dtype)[0]


def _no_set(*_: object) -> None:
    """Chumpy keeps sets of names, which nobody needs; hashing what is in them could take for ever."""


def _new_object(kind: type, *_: object) -> object:
    if not issubclass(kind, _STAND_INS):
        raise UnsafePickleError(f"an object of class {kind.__name__}")
    return kind.__new__(kind)


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise UnsafePickleError(f"encoding {encoding!r}")
    return text.encode("latin1")


def _known_names() -> dict[tuple[str, str], object]:
    known: dict[tuple[str, str], object] = {
        ("numpy", "ndarray"): _Marker,
        ("numpy", "dtype"): _Dtype,
        ("copy_reg", "_reconstructor"): _new_object,
        ("copyreg", "_reconstructor"): _new_object,
        ("_codecs", "encode"): _encode,
        ("__builtin__", "object"): _Marker,
        ("builtins", "object"): _Marker,
        ("__builtin__", "set"): _no_set,
        ("builtins", "set"): _no_set,
        ("chumpy.ch", "Ch"): _Chumpy,
    }
    for package in ("numpy.core.multiarray", "numpy._core.multiarray"):
        known[package, "_reconstruct"] = _reconstruct
        known[package, "scalar"] = _scalar
    for package in ("numpy.core.numeric", "numpy._core.numeric"):
        known[package, "_frombuffer"] = _from_buffer
    for layout, stand_in in (("csc", _Sparse), ("csr", _SparseRows)):
        for module in (f"scipy.sparse.{layout}", f"scipy.sparse._{layout}"):
            for name in (f"{layout}_matrix", f"{layout}_array"):
                known[module, name] = stand_in
    return known


_KNOWN = _known_names()
_REFUSED = frozenset(
    (
        *(pickle.PERSID, pickle.BINPERSID, pickle.INST, pickle.OBJ, pickle.EXT1, pickle.EXT2, pickle.EXT4),
        *(pickle.NEWOBJ_EX, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER),
    )
)


def _counted(method: Callable[[Any], None]) -> Callable[[Any], None]:
    def step(reader: "_Reader") -> None:
        reader.budget.take(_OPCODE_BYTES)
        method(reader)

    return step


class _Reader(pickle._Unpickler):
    """Python's own slow unpickler (its memo is a dict: no allocation by index) with names and opcodes taken out."""

    stack: list[Any]
    read: Callable[[int], bytes]
    append: Callable[[object], None]
    pop_mark: Callable[[], list[Any]]
    dispatch: ClassVar[dict[int, Any]] = {}

    def __init__(self, content: bytes) -> None:
        super().__init__(BytesIO(content), encoding="latin1")
        self.budget = MemoryBudget(len(content))

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a known name."""
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise UnsafePickleError(f"the name {module}.{name}") from None

    def load_reduce(self) -> None:
        """Call one of the functions above; what they copy is counted."""
        self._count_copies(self.stack[-1])
        super().load_reduce()  # type: ignore[misc]

    def load_build(self) -> None:
        """Give a state to one of the stand-ins; nothing else takes one."""
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, _STAND_INS):
            raise UnsafePickleError(f"a state for {type(target).__name__}")
        self._count_copies(state)
        if isinstance(state, dict):
            state = {_text(key): value for key, value in state.items()}
        target.__setstate__(state)

    def _count_copies(self, parts: object) -> None:
        if isinstance(parts, tuple | dict):
            copied = sum(len(part) for part in parts if isinstance(part, str | bytes | bytearray))
            self.budget.take(copied + _OPCODE_BYTES * len(parts))

    def load_setitem(self) -> None:
        """One entry of a dictionary."""
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key, value])

    def load_setitems(self) -> None:
        """Many entries of a dictionary."""
        self._put(self.pop_mark())

    def load_dict(self) -> None:
        """A dictionary with its entries."""
        items = self.pop_mark()
        self.append({})
        self._put(items)

    def _put(self, items: list[Any]) -> None:
        """Keys are names or numbers: hashing a tuple of tuples of tuples could take for ever."""
        table, keys = self.stack[-1], items[::2]
        if not isinstance(table, dict) or not all(isinstance(key, str | bytes | int) for key in keys):
            raise UnsafePickleError("a dictionary whose keys are no names")
        table.update(zip(keys, items[1::2], strict=True))

    def load_empty_set(self) -> None:
        """See `_no_set`."""
        self.append(None)

    def load_additems(self) -> None:
        """Into a set that is not there."""
        self.pop_mark()

    def load_frozenset(self) -> None:
        """No set either."""
        self.pop_mark()
        self.append(None)

    def load_bytearray8(self) -> None:
        """Bytes, read before they are counted on: the base class would allocate whatever length is claimed."""
        (length,) = struct.unpack("<Q", self.read(8))
        content = self.read(length)
        if len(content) != length:
            raise ValueError("the pickle is cut short")
        self.append(content)


_OWN = {
    pickle.REDUCE: _Reader.load_reduce, pickle.BUILD: _Reader.load_build, pickle.SETITEM: _Reader.load_setitem,
    pickle.SETITEMS: _Reader.load_setitems, pickle.DICT: _Reader.load_dict, pickle.BYTEARRAY8: _Reader.load_bytearray8,
    pickle.EMPTY_SET: _Reader.load_empty_set, pickle.ADDITEMS: _Reader.load_additems,
    pickle.FROZENSET: _Reader.load_frozenset,
}  # fmt: skip
_Reader.dispatch = {
    code: _counted(_OWN.get(bytes([code]), method))
    for code, method in pickle._Unpickler.dispatch.items()
    if bytes([code]) not in _REFUSED
}


def read_pickled_arrays(content: bytes) -> dict[str, Array]:
    """The arrays of a pickled dictionary by name; entries that are not arrays are left out.

    UnsafePickleError: the pickle needs anything but arrays. ValueError: it is not a pickle, is cut short, is not a
    dictionary, or asks for too much memory.
    """
    reader = _Reader(content)
    try:
        loaded = reader.load()
        if not isinstance(loaded, dict):
            raise ValueError(f"the pickle holds a {type(loaded).__name__}, not a dictionary")
        plain = {_text(key): _plain(value, reader.budget) for key, value in loaded.items()}
    except (UnsafePickleError, ValueError):
        raise
    except Exception as error:
        # Wrong bytes can fail at any opcode, in any way; all of it means the same to the user.
        raise ValueError(f"damaged pickle: {type(error).__name__} {error}") from error
    return {name: value for name, value in plain.items() if isinstance(value, np.ndarray)}


def _text(key: object) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)


def _plain(value: object, budget: MemoryBudget) -> Any:
    """A numpy array in place of a stand-in that holds one."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, _Sparse):
        return value.dense(budget)
    if isinstance(value, _Chumpy):
        return _plain(value.state["x"], budget)
    return value
