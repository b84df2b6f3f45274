"""Read the mark of a file and check it."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from face_emote.audio.media_file import opened_media
from face_emote.core.errors import DependencyError, ProvenanceError
from face_emote.provenance.credential import COMMENT, PERFORMANCE, Facts
from face_emote.provenance.glb_slot import taken_out
from face_emote.provenance.marking import MEDIA_TYPES
from face_emote.provenance.signer import CHAIN, settings_folder

OWN_FACTS = tuple(Facts.__slots__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file says about its making, and whether that can be believed."""

    signed: bool
    """It holds a C2PA manifest."""
    intact: bool = False
    """Neither the file nor the manifest was changed since it was signed."""
    trusted: bool = False
    """The signer is on a list of trusted authorities (a self-signed certificate never is)."""
    own: bool = False
    """Signed with the key of this installation."""
    signer: str = ""
    tool: str = ""
    generated: bool = False
    """It says that a machine made it."""
    facts: Facts | None = None
    """What face_emote says about the performance; None in files of other programs."""
    problems: tuple[str, ...] = ()
    """Why it is not intact."""
    comment: bool = False
    """The unsigned comment of face_emote is there."""


def verify(path: str | Path, *, anchors: str | Path | None = None) -> Verdict:
    """Read a file's mark; without one, the verdict says `signed=False`.

    Args:
        path: A .mp4, .mov or .glb; of other videos the comment is read.
        anchors: PEM file of certificates of authorities to trust.

    Raises:
        ProvenanceError: there is no such file, it cannot carry a mark, or it is damaged.
        DependencyError: c2pa-python is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise ProvenanceError(f"There is no such file; check its name: {path}")
    comment = _has_comment(path)
    suffix = path.suffix.lower()
    if suffix not in MEDIA_TYPES:
        if comment:
            return Verdict(signed=False, comment=True)
        kinds = ", ".join(MEDIA_TYPES)
        raise ProvenanceError(f"Signed marks are in {kinds} files; this one cannot carry any: {path}")
    trusted = _pem(Path(anchors)) if anchors is not None else ""
    store = _read(path, MEDIA_TYPES[suffix], trusted=trusted)
    if store is None:
        return Verdict(signed=False, comment=comment)
    root = _own_root()
    own = bool(root) and (_read(path, MEDIA_TYPES[suffix], trusted=root) or {}).get("validation_state") == "Trusted"
    return replace(_judged(store), own=own, comment=comment)


def _read(path: Path, media_type: str, *, trusted: str) -> dict[str, Any] | None:
    """The manifest store as c2pa tells it, judged with `trusted` certificates (PEM); None: there is none."""
    try:
        import c2pa
    except ImportError:
        raise DependencyError("Reading marks needs c2pa-python: pip install c2pa-python") from None
    with ExitStack() as files:
        manifest = None
        if path.suffix.lower() == ".glb":
            found = taken_out(path)
            if found is None:
                return None
            manifest, stream = found
            files.enter_context(stream)
        else:
            stream = files.enter_context(path.open("rb"))
        try:
            trust = {"trust": {"trust_anchors": trusted}} if trusted else {}
            with c2pa.Context.from_dict(trust) as context:
                with c2pa.Reader(media_type, stream, manifest_data=manifest, context=context) as reader:
                    content: dict[str, Any] = json.loads(reader.json())
                    return content
        except c2pa.C2paError.ManifestNotFound:
            return None
        except c2pa.C2paError as error:
            raise ProvenanceError(f"The mark cannot be read ({' '.join(str(error).split())}): {path}") from None


def _judged(store: dict[str, Any]) -> Verdict:
    active = store["manifests"][store["active_manifest"]]
    state = store.get("validation_state", "")
    failures = store.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    problems = tuple(item["code"] for item in failures if item["code"] != "signingCredential.untrusted")
    signature = active.get("signature_info", {})
    tool = (active.get("claim_generator_info") or [{}])[0]
    performance = next((item["data"] for item in active["assertions"] if item["label"] == PERFORMANCE), None)
    return Verdict(
        signed=True,
        intact=state in ("Valid", "Trusted") and not problems,
        trusted=state == "Trusted",
        signer=signature.get("common_name") or signature.get("issuer") or "",
        tool=" ".join(str(tool.get(name, "")) for name in ("name", "version")).strip(),
        generated=any(_tells_of_a_machine(item) for item in active["assertions"]),
        facts=None if not isinstance(performance, dict) else _facts(performance),
        problems=problems,
    )


def _facts(values: dict[str, Any]) -> Facts:
    """Only what is known and of the right kind: the file may come from anybody."""
    kinds = {name: int if name == "seed" else str for name in OWN_FACTS}
    return Facts(**{name: values[name] for name in OWN_FACTS if isinstance(values.get(name), kinds[name])})


def _tells_of_a_machine(assertion: dict[str, Any]) -> bool:
    return assertion["label"].startswith("c2pa.actions") and "AlgorithmicMedia" in json.dumps(assertion)


def _own_root() -> str:
    """The root certificate of this installation; empty when nothing was ever signed here."""
    try:
        chain = (settings_folder() / CHAIN).read_text("ascii")
    except (OSError, ValueError):
        return ""
    return chain[max(chain.rfind("-----BEGIN CERTIFICATE-----"), 0) :]


def _pem(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, ValueError):
        raise ProvenanceError(f"The trusted certificates cannot be read as a PEM file: {path}") from None


def _has_comment(path: Path) -> bool:
    if path.suffix.lower() == ".glb":
        return False
    try:
        with opened_media(path) as container:
            return any(COMMENT in text for text in container.metadata.values())
    except (DependencyError, OSError, ValueError):
        return False
