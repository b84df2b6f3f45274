"""Put the signed mark into a finished file."""

import logging
from importlib.util import find_spec
from pathlib import Path

from face_emote.core.errors import ProvenanceError
from face_emote.core.motion import MotionSource
from face_emote.core.reading import sha256_of
from face_emote.provenance.credential import Facts, Provenance, definition, facts_of
from face_emote.provenance.signer import Signature, own_signature, settings_folder
from face_emote.provenance.slot import file_seal, find_slot, insert, overwrite
from face_emote.provenance.store import settled

MEDIA_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".glb": "model/gltf-binary"}
"""Files that can carry a signed mark. Matroska and WebM have no place for one; they get the comment only."""
_log = logging.getLogger(__name__)


def mark(path: Path, motion: MotionSource, provenance: Provenance) -> None:
    """Sign a finished file that nobody sees yet, in its place. Same file, key and facts: same bytes (Ed25519 keys).

    Files of other kinds than `MEDIA_TYPES` stay as they are. Without c2pa-python, as inside Blender, so does every
    file, and a warning says so. ProvenanceError: the signing key cannot be used.
    """
    mark_with(path, facts_of(motion, provenance))


def mark_with(path: Path, facts: Facts) -> None:
    """As `mark`, for facts that are known already."""
    suffix = path.suffix.lower()
    if suffix not in MEDIA_TYPES:
        return
    if find_spec("c2pa") is None:
        _log.warning("c2pa-python is not installed, so this file carries no signed mark: %s", path.name)
        return
    signature = own_signature()
    text = definition(facts, media_type=MEDIA_TYPES[suffix], content_sha256=sha256_of(path))
    signed = path.with_name(f"signed{suffix}")
    try:
        store = _signed(path, signed, text=text, signature=signature)
        if suffix == ".glb":
            insert(path, store, signed)
        _seal(signed, signature)
        signed.replace(path)
    finally:
        signed.unlink(missing_ok=True)


def _signed(path: Path, target: Path, *, text: str, signature: Signature) -> bytes:
    """Let c2pa sign `path` into `target` (a .glb: sign beside it); return the manifest store."""
    import c2pa

    suffix = path.suffix.lower()
    try:
        info = c2pa.C2paSignerInfo(signature.algorithm.encode(), signature.chain, signature.key, None)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(text) as builder:
            if suffix == ".glb":
                builder.set_no_embed()
            with path.open("rb") as source, target.open("w+b") as signed:
                return bytes(builder.sign(signer, MEDIA_TYPES[suffix], source, signed))
    except c2pa.C2paError as error:
        raise ProvenanceError(
            f"The file could not be signed ({' '.join(str(error).split())}); check certificate and key, or delete both "
            f"for new ones: {settings_folder()}"
        ) from None


def _seal(path: Path, signature: Signature) -> None:
    """Write the hash over the whole file into its mark, and sign that again."""
    from face_emote.provenance.cose import sign

    slot = find_slot(path)
    if slot is None:
        raise ValueError("the mark is not where c2pa put it until now")
    sealed = settled(
        slot.store, seal=lambda store: file_seal(path, slot, store), sign=lambda content: sign(signature.key, content)
    )
    overwrite(path, slot, sealed)
