"""Certificates of those whose word counts: named by the user, or of this installation."""

import re
from pathlib import Path

from face_emote.core.errors import DependencyError, ProvenanceError
from face_emote.provenance.signer import CHAIN, settings_folder

MAX_BYTES = 1 << 22  # Far more than all authorities of the world together.
_SHOW = "give a PEM file of certificates, such as the chain.pem of the signer"
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


def read_certificates(path: Path) -> tuple[bytes, ...]:
    """Certificates in a PEM file, each as PEM; text between them is passed over.

    ProvenanceError: there is no certificate in it, it is damaged, far too large, or holds a private key.
    DependencyError: cryptography is not installed.
    """
    if path.is_dir():
        raise ProvenanceError(f"This is a folder; {_SHOW}: {path}")
    if not path.is_file():
        raise ProvenanceError(f"There is no such file of certificates; check its name: {path}")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProvenanceError(f"The certificates cannot be read ({error.strerror}): {path}") from None
    if len(content) > MAX_BYTES:
        raise ProvenanceError(f"This file is over {MAX_BYTES >> 20} MB, no list of certificates; {_SHOW}: {path}")
    if _PRIVATE_KEY.search(content):
        raise ProvenanceError(
            f"This file holds a private key, which nobody but its owner may see; {_SHOW}, and keep this one to "
            f"yourself: {path}"
        )
    return _certificates(content, path)


def own_certificate() -> bytes | None:
    """This installation's own, PEM; None: nothing was ever signed here. ProvenanceError: it is damaged."""
    chain = settings_folder() / CHAIN
    return read_certificates(chain)[0] if chain.exists() else None


def _certificates(content: bytes, path: Path) -> tuple[bytes, ...]:
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
    except ImportError:
        raise DependencyError("Reading certificates needs cryptography: pip install cryptography") from None
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise ProvenanceError(f"There is no certificate in this file; {_SHOW}: {path}")
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ProvenanceError(f"A certificate in this file is damaged; get it from the signer again: {path}") from None
    return tuple(certificate.public_bytes(Encoding.PEM) for certificate in found)
