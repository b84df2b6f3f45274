"""People who let themselves be filmed, as `.character` files: what they look like, and their consent, signed.

Arrays of `core.signed_arrays`, whose header has skin, consent and version: nobody's consent can be put to another face.
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.names import ARKIT_52, NUM_SHAPE
from face_emote.core.signed_arrays import read_signed, require_arrays, with_header
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


def require_consent(consent: str, path: Path, *, whose: str, example: str) -> None:
    """Raise OptionError unless somebody says who agreed to what `path` is to keep."""
    if not 0 < len(consent.strip()) <= MOST_CONSENT:
        raise OptionError(
            f"{whose}: say who agreed to its being kept, in at most {MOST_CONSENT} letters, as in "
            f'--consent "{example}": {path}'
        )


def person_arrays(person: Person) -> dict[str, Array]:
    """All that is signed and kept: `core.signed_arrays`."""
    header = {"skin": asdict(person.skin), "consent": person.consent, "version": VERSION}
    return with_header(
        header, {name: np.ascontiguousarray(getattr(person, name), dtype) for name, (dtype, _) in ARRAYS.items()}
    )


def read_person(path: Path) -> Person:
    """The person in a file; whether the signature is good is for `face-emote verify` to say.

    OptionError: there is none, it is no such file, damaged, or says nothing of consent.
    """
    if not path.is_file():
        raise OptionError(f"There is no such character file; check its name: {path}")
    try:
        found = read_signed(path)
        require_arrays(found.arrays, ARRAYS)
        person = Person(
            **{name: found.arrays[name].astype(np.float32) for name in ARRAYS}, skin=_skin(found.header["skin"]),
            consent=str(found.header["consent"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"This is no character file, or a damaged one ({error}); enrol the person again: {path}"
        ) from None
    if not person.consent.strip():
        raise OptionError(f"The character file says nothing of consent; enrol the person again, with it: {path}")
    return person


def _skin(values: dict[str, object]) -> SkinParams:
    usual, known = SkinParams(), {}
    for item in fields(SkinParams):
        value, like = values[item.name], getattr(usual, item.name)
        value = tuple(value) if isinstance(value, list) else value
        if not isinstance(value, type(like)) or not (isinstance(value, str) or np.isfinite(value).all()):
            raise ValueError(f"its skin's {item.name} is {value!r}")
        known[item.name] = value
    return SkinParams(**known)
