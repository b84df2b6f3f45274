"""Read the mark of a file and check it."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from face_emote.audio.media_file import opened_media
from face_emote.core.errors import DependencyError, OptionError, ProvenanceError
from face_emote.core.reading import require_readable
from face_emote.core.signed_arrays import read_signed
from face_emote.face.person_file import SUFFIX as CHARACTER
from face_emote.face.person_file import read_person
from face_emote.generation.style_file import SUFFIX as STYLE
from face_emote.generation.style_file import is_unsigned, read_style
from face_emote.provenance.credential import COMMENT, PERFORMANCE, SEAL, Facts
from face_emote.provenance.marking import MEDIA_TYPES
from face_emote.provenance.slot import DamagedMarkError, OtherKindError, Slot, file_seal, find_slot, without_entry
from face_emote.provenance.store import Layout, blanked, layout_of, signed_part
from face_emote.provenance.trust import own_certificate

OWN_FACTS = tuple(Facts.__slots__)
OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
"""c2pa's settings: no address that a file names is asked."""
CREDENTIAL = "signingCredential."
"""What c2pa's answers about the signer's certificate start with; they say nothing about changes."""


class Status(StrEnum):
    """What a file's mark is worth."""

    OWN = "own"  # Intact, signed with the key of this installation.
    TRUSTED = "trusted"  # Intact, signed by somebody whom the user named, or whom a named authority vouches for.
    UNKNOWN = "unknown"  # Intact, signed by anybody: the name in the certificate proves nothing.
    CHANGED = "changed"  # The file or its mark is not as it was signed.
    UNMARKED = "unmarked"  # There is no signed mark.


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file says about its making, and whether that can be believed."""

    status: Status
    signer: str = ""  # The name in the certificate; worth something only when the signer is known.
    tool: str = ""
    generated: bool = False  # It says that a machine made it.
    facts: Facts | None = None  # What face_emote says about the performance; None in files of other programs.
    problems: tuple[str, ...] = ()  # Why it is changed, unmarked or not trusted.
    sealed: bool = False
    """The mark covers every byte of the file; else, as in files of other programs, what C2PA covers."""
    comment: bool = False  # The unsigned comment of face_emote is there.

    @property
    def signed(self) -> bool:
        """It holds a mark, whatever that is worth."""
        return self.status is not Status.UNMARKED

    @property
    def intact(self) -> bool:
        """Neither the file nor the mark was changed since somebody signed it."""
        return self.status in (Status.OWN, Status.TRUSTED, Status.UNKNOWN)


def verify(path: str | Path, *, trust: tuple[bytes, ...] = ()) -> Verdict:
    """Read a file's mark and check every byte that it covers.

    Args:
        path: A .mp4, .mov, .glb, .character or .style; of other videos the comment is read.
        trust: PEM certificates of signers and authorities to trust: `trust.read_certificates`.

    Raises:
        ProvenanceError: there is no such file, it cannot carry a mark, or this installation's certificate is damaged.
        DependencyError: c2pa-python is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise ProvenanceError(f"There is no such file; check its name: {path}")
    try:
        require_readable(path)
    except OSError as error:
        raise ProvenanceError(f"The file cannot be read ({error.strerror}): {path}") from None
    if path.suffix in (CHARACTER, STYLE):
        return _agreed(path, trust)
    comment = _has_comment(path)
    if path.suffix.lower() not in MEDIA_TYPES:
        if comment:
            return Verdict(Status.UNMARKED, comment=True)
        kinds = ", ".join(MEDIA_TYPES)
        raise ProvenanceError(f"Signed marks are in {kinds} files; this one cannot carry any: {path}")
    return replace(_checked(path, trust), comment=comment)


def _agreed(path: Path, trust: tuple[bytes, ...]) -> Verdict:
    """Who vouches that somebody agreed to be kept as a character, or as a style."""
    if path.suffix == STYLE and is_unsigned(path):
        return Verdict(Status.UNMARKED)
    try:
        from cryptography import x509

        from face_emote.provenance.cose import signed_by
    except ImportError:
        raise DependencyError("Reading signatures needs cryptography: pip install cryptography") from None
    try:
        consent = (read_person if path.suffix == CHARACTER else read_style)(path).consent
        stored = read_signed(path)
        if not signed_by(stored.certificate, stored.digest, stored.signature):
            return Verdict(Status.CHANGED, problems=("signature.mismatch",))
        names = x509.load_pem_x509_certificate(stored.certificate).subject.rfc4514_string()
    except (OptionError, ValueError, KeyError, OSError) as error:
        return Verdict(Status.CHANGED, problems=(str(error),))
    own = own_certificate()
    known = {Status.OWN: () if own is None else (own,), Status.TRUSTED: trust}
    status = next(
        (what for what, whose in known.items() for one in whose if signed_by(one, stored.digest, stored.signature)),
        Status.UNKNOWN,
    )
    facts = Facts(character=path.stem if path.suffix == CHARACTER else "", consent=consent)
    return Verdict(status, signer=names, tool="face_emote", facts=facts, sealed=True)


def _checked(path: Path, trust: tuple[bytes, ...]) -> Verdict:
    slot = None
    try:
        slot = find_slot(path)
        answer = _answer(path, slot, trust=trust)
    except DamagedMarkError as error:
        return Verdict(Status.CHANGED, problems=(str(error),))
    except OtherKindError as error:
        return Verdict(Status.CHANGED if slot else Status.UNMARKED, problems=(str(error),))
    if answer is None:
        return Verdict(Status.CHANGED if slot else Status.UNMARKED, problems=("manifest.missing",) if slot else ())
    if answer.get("active_manifest") not in answer["manifests"]:
        return Verdict(Status.CHANGED, problems=("manifest.missing",))
    return _judged(path, slot, answer=answer, trust=trust)


def _answer(path: Path, slot: Slot | None, *, trust: tuple[bytes, ...]) -> dict[str, Any] | None:
    """What c2pa says of the file to somebody who trusts these; None: there is no mark.

    OtherKindError: c2pa cannot read the file.
    """
    try:
        import c2pa
    except ImportError:
        raise DependencyError("Reading marks needs c2pa-python: pip install c2pa-python") from None
    glb = path.suffix.lower() == ".glb"
    if glb and slot is None:
        return None
    with ExitStack() as files:
        stream = files.enter_context(without_entry(path, slot) if glb and slot else path.open("rb"))
        manifest = slot.store if slot else None  # that c2pa judges the very store whose place is checked here
        settings = OFFLINE | {"trust": {"trust_anchors": b"".join(trust).decode("ascii")}} if trust else OFFLINE
        try:
            with c2pa.Context.from_dict(settings) as context:
                kind = MEDIA_TYPES[path.suffix.lower()]
                with c2pa.Reader(kind, stream, manifest_data=manifest, context=context) as reader:
                    content: dict[str, Any] = json.loads(reader.json())
                    return content
        except c2pa.C2paError.ManifestNotFound:
            return None
        except c2pa.C2paError as error:
            raise OtherKindError(f"it cannot be read: {' '.join(str(error).split())}") from None


def _judged(path: Path, slot: Slot | None, *, answer: dict[str, Any], trust: tuple[bytes, ...]) -> Verdict:
    active = answer["manifests"][answer["active_manifest"]]
    results = answer.get("validation_results", {}).get("activeManifest", {})
    failures = [item["code"] for item in results.get("failure", [])]
    seal, layout = _assertion(active, SEAL), _layout(slot)
    changes = [code for code in failures if not code.startswith(CREDENTIAL)] + _broken_seal(
        path, slot, layout, seal=seal
    )
    if not changes and not any(item["code"] == "claimSignature.validated" for item in results.get("success", [])):
        changes = ["claimSignature.missing"]
    doubts = [code for code in failures if code.startswith(CREDENTIAL) and code != f"{CREDENTIAL}untrusted"]
    own = own_certificate()
    if changes:
        status = Status.CHANGED
    elif own is not None and _signed_by_one_of((own,), slot, layout):
        status = Status.OWN
    elif not doubts and (answer.get("validation_state") == "Trusted" or _signed_by_one_of(trust, slot, layout)):
        status = Status.TRUSTED
    else:
        status = Status.UNKNOWN
    signature, tool = active.get("signature_info") or {}, (active.get("claim_generator_info") or [{}])[0]
    performance = _assertion(active, PERFORMANCE)
    return Verdict(
        status,
        signer=signature.get("common_name") or signature.get("issuer") or "",
        tool=" ".join(str(tool.get(name, "")) for name in ("name", "version")).strip(),
        generated=any(_tells_of_a_machine(item) for item in active.get("assertions", [])),
        facts=None if performance is None else _facts(performance),
        problems=tuple(dict.fromkeys(changes + doubts)),
        sealed=seal is not None,
    )


def _assertion(manifest: dict[str, Any], label: str) -> dict[str, Any] | None:
    found = next((item["data"] for item in manifest.get("assertions", []) if item["label"] == label), None)
    return found if isinstance(found, dict) else None


def _layout(slot: Slot | None) -> Layout | None:
    """Where the parts of a store lie; None where there is none, or it is not laid out as ours are."""
    try:
        return None if slot is None else layout_of(slot.store)
    except ValueError:
        return None


def _broken_seal(path: Path, slot: Slot | None, layout: Layout | None, *, seal: dict[str, Any] | None) -> list[str]:
    """Why the file is not as it was sealed; nothing when it is. A .glb must have one, as C2PA has no rule for it."""
    if seal is None:
        return ["seal.missing"] if path.suffix.lower() == ".glb" else []
    whole = slot and layout and seal.get("sha256") == file_seal(path, slot, blanked(slot.store, layout))
    return [] if whole else ["seal.mismatch"]


def _signed_by_one_of(certificates: tuple[bytes, ...], slot: Slot | None, layout: Layout | None) -> bool:
    """Whether the key of one of these signed the claim itself; an authority above the signer does not count here."""
    from face_emote.provenance.cose import signed_by

    if slot is None or layout is None:
        return False
    content, signature = signed_part(slot.store, layout), slot.store[slice(*layout.signature)]
    return any(signed_by(certificate, content, signature) for certificate in certificates)


def _facts(values: dict[str, Any]) -> Facts:
    """Only what is known and of the right kind: the file may come from anybody."""
    kinds = {name: int if name == "seed" else str for name in OWN_FACTS}
    return Facts(**{name: values[name] for name in OWN_FACTS if isinstance(values.get(name), kinds[name])})


def _tells_of_a_machine(assertion: dict[str, Any]) -> bool:
    return assertion["label"].startswith("c2pa.actions") and "AlgorithmicMedia" in json.dumps(assertion)


def _has_comment(path: Path) -> bool:
    if path.suffix.lower() == ".glb":
        return False
    try:
        with opened_media(path) as container:
            return any(COMMENT in text for text in container.metadata.values())
    except (DependencyError, OSError, ValueError):
        return False
