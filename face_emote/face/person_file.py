"""People who let themselves be filmed, as `.character` files: what they look like, and their consent, signed.

An .npz of five arrays, `header` (JSON: skin, consent, version), `certificate` and `signature`. Signed are all bytes of
header and arrays, so that nobody's consent can be put to another face; `face-emote verify` checks it.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.names import ARKIT_52, NUM_SHAPE
from face_emote.core.output import written_beside
from face_emote.core.reading import read_npz
from face_emote.core.types import Character, SkinParams
from face_emote.core.version import VERSION

SUFFIX = ".character"
GRID = 96  # Texels per side of the map of pigments.
ARRAYS = {
    "betas": ("<f4", (NUM_SHAPE,)), "pigments": ("<f2", (GRID, GRID, 2)), "offset": ("<f4", (478, 3)),
    "at_rest": ("<f4", (len(ARKIT_52),)),
}  # fmt: skip
MOST_CONSENT = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody who was enrolled: all that capture and renderer know of them beforehand."""

    betas: Float[Array, f" shape={NUM_SHAPE}"]
    pigments: Float[Array, f"row={GRID} column={GRID} pigment=2"]
    """Melanin and haemoglobin beyond those of `skin`, on its texture."""
    offset: Float[Array, "landmark=478 3"]  # Where MediaPipe puts this face's landmarks beside the mesh's, metres.
    at_rest: Float[Array, " arkit=52"]  # MediaPipe's scores of the face at rest.
    skin: SkinParams
    consent: str = ""  # Who agreed to what; empty while nothing is kept.

    def character(self, name: str) -> Character:
        """Somebody to play: shape and skin."""
        return Character(name=name, betas=self.betas, skin=self.skin, consent=self.consent)


@dataclass(frozen=True, slots=True, eq=False)
class StoredPerson:
    """A file as it is: the person, what was signed, and by whom."""

    person: Person
    digest: bytes
    certificate: bytes  # PEM.
    signature: bytes


def require_consent(consent: str, path: Path, *, whose: str, example: str) -> None:
    """Raise OptionError unless somebody says who agreed to what `path` is to keep."""
    if not 0 < len(consent.strip()) <= MOST_CONSENT:
        raise OptionError(
            f"{whose}: say who agreed to its being kept, in at most {MOST_CONSENT} letters, as in "
            f'--consent "{example}": {path}'
        )


def signed_bytes(person: Person) -> tuple[bytes, dict[str, Array]]:
    """What is to be signed of a person, and the arrays to write."""
    header = {"skin": asdict(person.skin), "consent": person.consent, "version": VERSION}
    arrays = {name: np.ascontiguousarray(getattr(person, name), dtype) for name, (dtype, _) in ARRAYS.items()}
    arrays["header"] = np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8)
    return _digest(arrays), arrays


def write_person(person: Person, path: Path, *, certificate: bytes, signature: bytes) -> Path:
    """Write the file, signed over `signed_bytes`. The same arguments give the same bytes."""
    _, arrays = signed_bytes(person)
    arrays |= {"certificate": np.frombuffer(certificate, np.uint8), "signature": np.frombuffer(signature, np.uint8)}
    with written_beside(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # numpy's stub takes no dictionary
    return path


def read_person(path: Path) -> Person:
    """The person in a file; whether the signature is good is for `face-emote verify` to say.

    OptionError: there is none, it is no such file, damaged, or says nothing of consent.
    """
    return read_stored(path).person


def read_stored(path: Path) -> StoredPerson:
    """As `read_person`, with what was signed."""
    if not path.is_file():
        raise OptionError(f"There is no such character file; check its name: {path}")
    try:
        found = read_npz(path)
        for name, (dtype, shape) in ARRAYS.items():
            if found[name].dtype != dtype or found[name].shape != shape or not np.isfinite(found[name]).all():
                raise ValueError(f"its {name} are not as they should be")
        certificate, signature = (found.pop(name).tobytes() for name in ("certificate", "signature"))
        header = json.loads(found["header"].tobytes())
        person = Person(
            **{name: found[name].astype(np.float32) for name in ARRAYS}, skin=_skin(header["skin"]),
            consent=str(header["consent"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"This is no character file, or a damaged one ({error}); enrol the person again: {path}"
        ) from None
    if not person.consent.strip():
        raise OptionError(f"The character file says nothing of consent; enrol the person again, with it: {path}")
    return StoredPerson(person, _digest(found), certificate, signature)


def _skin(values: dict[str, object]) -> SkinParams:
    usual, known = SkinParams(), {}
    for item in fields(SkinParams):
        value, like = values[item.name], getattr(usual, item.name)
        value = tuple(value) if isinstance(value, list) else value
        if not isinstance(value, type(like)) or not (isinstance(value, str) or np.isfinite(value).all()):
            raise ValueError(f"its skin's {item.name} is {value!r}")
        known[item.name] = value
    return SkinParams(**known)


def _digest(arrays: dict[str, Array]) -> bytes:
    content = hashlib.sha256()
    for name in sorted(("header", *ARRAYS)):
        content.update(name.encode() + arrays[name].tobytes())
    return content.digest()
