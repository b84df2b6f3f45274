"""A certificate for an installation that has none. Imported where cryptography is installed."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FROM, VALID_TO = 2025, 2075  # Years; fixed, so that no wrong clock makes a certificate that is not valid yet.
USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
ROOT, SIGNER = "face_emote root of this installation", "face_emote, self-signed"
Key = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def new_certificate() -> tuple[bytes, bytes]:
    """A root of its own and a signer below it (C2PA forbids that a signer signs itself), as PEM: chain, key."""
    root_key, key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate_chain(root_key, key), private


def certificate_chain(root_key: Key, key: Key) -> bytes:
    """Certificates of a signer and of the root that signs it, PEM."""
    digest = None if isinstance(root_key, Ed25519PrivateKey) else SHA256()
    above = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = (
        _certificate(ROOT, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(above, critical=False)
        .sign(root_key, digest)
    )
    signer = (
        _certificate(SIGNER, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False)
        .sign(root_key, digest)
    )
    return signer.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)


def _certificate(name: str, key: Key) -> x509.CertificateBuilder:
    def entity(common: str) -> x509.Name:
        names = ((NameOID.ORGANIZATION_NAME, "face_emote"), (NameOID.COMMON_NAME, common))
        return x509.Name([x509.NameAttribute(kind, text) for kind, text in names])

    return (
        x509.CertificateBuilder()
        .subject_name(entity(name))
        .issuer_name(entity(ROOT))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(VALID_FROM, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(VALID_TO, 1, 1, tzinfo=datetime.UTC))
    )


def _key_usage(**granted: bool) -> x509.KeyUsage:
    return x509.KeyUsage(**(dict.fromkeys(USES, False) | granted))
