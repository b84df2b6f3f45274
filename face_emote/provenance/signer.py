"""The key that signs: made once per installation, kept in the user's settings, never shipped.

Two files in `settings_folder()`: `chain.pem`, certificates from the signer's up, and `key.pem`, readable by its owner
only. Whoever has a certificate from an authority puts it and its key there instead.
"""

import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from face_emote.core.arrays import Array
from face_emote.core.errors import DependencyError, ProvenanceError
from face_emote.core.reading import content_of
from face_emote.core.settings import user_folder
from face_emote.core.signed_arrays import digest_of, write_signed

CHAIN, KEY = "chain.pem", "key.pem"
MAX_BYTES = 1 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs."""

    chain: bytes  # PEM certificates, the signer's first.
    key: bytes = field(repr=False)  # PEM private key.
    algorithm: str  # C2PA's name: ed25519, es256, es384, es512, ps256.


def settings_folder() -> Path:
    """Where this user's signing files lie."""
    return user_folder() / "provenance"


def own_signature() -> Signature:
    """The signature of this installation; made, with a new key, when there is none yet.

    ProvenanceError: the files there cannot be read as a certificate and its key.
    """
    return _signature_in(settings_folder())


def write_own(arrays: Mapping[str, Array], path: Path) -> Path:
    """Write what is kept of a person, `core.signed_arrays.with_header`, signed by this installation.

    OutputError, ProvenanceError, DependencyError: it cannot be written, or not be signed.
    """
    if find_spec("cryptography") is None:
        raise DependencyError("Signing needs cryptography: pip install cryptography")
    from face_emote.provenance.cose import sign

    own = own_signature()
    return write_signed(arrays, path, certificate=own.chain, signature=sign(own.key, digest_of(arrays)))


@lru_cache(maxsize=4)
def _signature_in(folder: Path) -> Signature:
    try:
        if not folder.is_dir():
            _make(folder)
        chain, key = content_of(folder / CHAIN, most=MAX_BYTES), content_of(folder / KEY, most=MAX_BYTES)
    except ValueError as error:
        raise ProvenanceError(f"This is no signing key ({error}); mend or delete the folder: {folder}") from None
    except OSError as error:
        if folder.is_dir():
            raise ProvenanceError(
                f"The signing key cannot be read ({error.strerror}); mend or delete the folder: {folder}"
            ) from None
        _log.warning("no signing key can be kept in %s (%s): one for this run only is used", folder, error.strerror)
        from face_emote.provenance.certificate import new_certificate

        chain, key = new_certificate()
    return Signature(chain, key, _algorithm_of(key, folder))


def _make(folder: Path) -> None:
    """Write both files to a folder beside, then move it there: another process may be doing the same."""
    from face_emote.provenance.certificate import new_certificate

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".provenance_") as made:
        new = Path(made) / "new"
        new.mkdir(mode=0o700)
        chain, key = new_certificate()
        (new / CHAIN).write_bytes(chain)
        with os.fdopen(os.open(new / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
        try:
            new.rename(folder)
        except OSError:
            if not folder.is_dir():  # else the other process was first, and its key is the one
                raise


def _algorithm_of(key: bytes, folder: Path) -> str:
    from face_emote.provenance.cose import algorithm_of

    try:
        algorithm = algorithm_of(key)
    except ValueError:
        raise ProvenanceError(f"The signing key is no PEM key without a password: {folder / KEY}") from None
    if algorithm is None:
        raise ProvenanceError(
            f"C2PA signs with Ed25519, P-256, P-384, P-521 or RSA keys, not with this one: {folder / KEY}"
        )
    return algorithm
