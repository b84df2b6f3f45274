"""Arrays in an .npz with a signature over every byte of them: whatever is kept of a person, with who agreed to it.

The .npz holds `header`, which is JSON, other arrays, `certificate` and `signature`; whether that one is good is for
`face-emote verify` to say.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.output import written_beside
from face_emote.core.reading import read_npz

_MARKS = ("certificate", "signature")


@dataclass(frozen=True, slots=True, eq=False)
class Signed:
    """A file as it is."""

    header: dict[str, Any]
    arrays: dict[str, Array]
    digest: bytes  # What was signed.
    certificate: bytes  # PEM.
    signature: bytes


def with_header(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """All that is to be signed and written."""
    text = json.dumps(header, sort_keys=True).encode()
    return {**arrays, "header": np.frombuffer(text, np.uint8)}


def digest_of(arrays: Mapping[str, Array]) -> bytes:
    """SHA-256 over names and bytes of `with_header`."""
    content = hashlib.sha256()
    for name in sorted(arrays):
        content.update(name.encode() + arrays[name].tobytes())
    return content.digest()


def write_signed(arrays: Mapping[str, Array], path: Path, *, certificate: bytes, signature: bytes) -> Path:
    """Write what `with_header` gave. The same arguments give the same bytes."""
    marks = {"certificate": np.frombuffer(certificate, np.uint8), "signature": np.frombuffer(signature, np.uint8)}
    with written_beside(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays, **marks)  # type: ignore[arg-type] # numpy's stub takes no dictionary
    return path


def read_signed(path: Path) -> Signed:
    """The file's parts. ValueError, KeyError, OSError: it is no such file, or a damaged one."""
    found = read_npz(path)
    certificate, signature = (found.pop(name).tobytes() for name in _MARKS)
    digest = digest_of(found)
    header = json.loads(found.pop("header").tobytes())
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    return Signed(header, found, digest, certificate, signature)


def require_arrays(arrays: Mapping[str, Array], known: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Raise ValueError or KeyError unless each is there, of its type and shape, and finite."""
    for name, (dtype, shape) in known.items():
        array = arrays[name]
        if array.dtype != dtype or array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"its {name} are not as they should be")
