"""Signatures as COSE writes them (RFC 9053, 2.1 and 2.2; RFC 8230). Imported where cryptography is installed."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

CURVES: dict[int, tuple[str, HashAlgorithm]] = {
    256: ("es256", SHA256()),
    384: ("es384", SHA384()),
    521: ("es512", SHA512()),
}
"""C2PA's name and the hash that goes with elliptic curves of so many bits."""
_PSS = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)


def algorithm_of(key: bytes) -> str | None:
    """C2PA's name of what a PEM private key signs by: ed25519, es256, es384, es512, ps256; None: C2PA has none.

    ValueError: this is no PEM key without a password.
    """
    try:
        private = load_pem_private_key(key, None)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.key_size in CURVES:
        return CURVES[private.curve.key_size][0]
    return None


def sign(key: bytes, content: bytes) -> bytes:
    """Sign with a PEM private key of a kind that `algorithm_of` names. Ed25519 leaves nothing to chance."""
    private = load_pem_private_key(key, None)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(content)
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(content, _PSS, SHA256())
    if isinstance(private, ec.EllipticCurvePrivateKey):
        width = (private.curve.key_size + 7) // 8
        signature = private.sign(content, ec.ECDSA(CURVES[private.curve.key_size][1]))
        return b"".join(number.to_bytes(width, "big") for number in utils.decode_dss_signature(signature))
    raise ValueError("a key of a kind that was not expected")


def signed_by(certificate: bytes, content: bytes, signature: bytes) -> bool:
    """Whether the owner of a PEM certificate signed this."""
    public = x509.load_pem_x509_certificate(certificate).public_key()
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, content)
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, content, _PSS, SHA256())
        elif isinstance(public, ec.EllipticCurvePublicKey) and public.curve.key_size in CURVES:
            numbers = (signature[: len(signature) // 2], signature[len(signature) // 2 :])
            encoded = utils.encode_dss_signature(*(int.from_bytes(number, "big") for number in numbers))
            public.verify(encoded, content, ec.ECDSA(CURVES[public.curve.key_size][1]))
        else:
            return False
    except InvalidSignature:
        return False
    return True
