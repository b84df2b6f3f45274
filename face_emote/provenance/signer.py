"""The key that signs: made once per installation, kept in the user's settings, never shipped.

Two files in `settings_folder()`: `chain.pem`, certificates from the signer's up, and `key.pem`, readable by its owner
only. Whoever has a certificate from an authority puts it and its key there instead.
"""

import datetime
import logging
import os
import sys
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from face_emote.core.errors import ProvenanceError

SETTINGS = "FACE_EMOTE_SETTINGS"
"""Environment variable: a folder instead of the user's own for settings."""
CHAIN, KEY = "chain.pem", "key.pem"
VALID_FROM, VALID_TO = 2025, 2075
"""Years; fixed, so that no wrong clock makes a certificate that is not valid yet."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs."""

    chain: bytes
    """PEM certificates, the signer's first."""
    key: bytes = field(repr=False)
    """PEM private key."""
    algorithm: str
    """C2PA's name: ed25519, es256, es384, es512, ps256."""


def settings_folder() -> Path:
    """Where this user's signing files lie."""
    chosen = os.environ.get(SETTINGS)
    if chosen:
        return Path(chosen) / "provenance"
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "face_emote" / "provenance"


def own_signature() -> Signature:
    """The signature of this installation; made, with a new key, when there is none yet.

    Raises:
        ProvenanceError: the files there cannot be read as a certificate and its key.
    """
    return _signature_in(settings_folder())


@lru_cache(maxsize=4)
def _signature_in(folder: Path) -> Signature:
    try:
        if not folder.is_dir():
            _make(folder)
        chain, key = (folder / CHAIN).read_bytes(), (folder / KEY).read_bytes()
    except OSError as error:
        if folder.is_dir():
            raise ProvenanceError(
                f"The signing key cannot be read ({error.strerror}); mend or delete the folder: {folder}"
            ) from None
        _log.warning("no signing key can be kept in %s (%s): one for this run only is used", folder, error.strerror)
        chain, key = _new_certificate()
    return Signature(chain, key, _algorithm_of(key, folder))


def _make(folder: Path) -> None:
    """Write both files to a folder beside, then move it there: another process may be doing the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".provenance_") as made:
        new = Path(made) / "new"
        new.mkdir(mode=0o700)
        chain, key = _new_certificate()
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


def _new_certificate() -> tuple[bytes, bytes]:
    """A root of its own and a signer below it (C2PA forbids that a signer signs itself), as PEM: chain, key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    root_key, key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate_chain(root_key, key, digest=None), private


def certificate_chain(root_key: Any, key: Any, *, digest: Any) -> bytes:
    """Certificates of a signer and of the root that signs it, PEM; `digest` as the root's kind of key needs it."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import ExtendedKeyUsageOID

    above = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = (
        _certificate("face_emote root of this installation", root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(above, critical=False)
        .sign(root_key, digest)
    )
    signer = (
        _certificate("face_emote, self-signed", key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False)
        .sign(root_key, digest)
    )
    return bytes(signer.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM))


def _certificate(name: str, key: Any) -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    def entity(common: str) -> x509.Name:
        names = ((NameOID.ORGANIZATION_NAME, "face_emote"), (NameOID.COMMON_NAME, common))
        return x509.Name([x509.NameAttribute(kind, text) for kind, text in names])

    return (
        x509.CertificateBuilder()
        .subject_name(entity(name))
        .issuer_name(entity("face_emote root of this installation"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(VALID_FROM, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(VALID_TO, 1, 1, tzinfo=datetime.UTC))
    )


def _key_usage(**granted: bool) -> Any:
    from cryptography import x509

    uses = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**(dict.fromkeys(uses, False) | granted))
