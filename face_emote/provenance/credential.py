"""What the mark says."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_emote.core.motion import MotionSource
from face_emote.core.version import VERSION
from face_emote.face.characters import character as find_character
from face_emote.face.person_file import SUFFIX

TOOL = "face_emote"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's name for media made by a trained algorithm."""
PERFORMANCE = "org.face_emote.performance"  # Label of the assertion that holds the `Facts`.
SEAL = "org.face_emote.seal"  # Label of the assertion that holds the hash over every byte of the file: `file_seal`.
COMMENT = "AI-generated facial performance made with face_emote"
"""The unsigned mark, a comment in the container: easily removed, but it needs no key to read."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a maker adds to the mark."""

    consent: str = ""  # Who agreed to what, in the maker's own words: `Jane Doe, own voice, 2026-03-01`.


@dataclass(frozen=True, slots=True)
class Facts:
    """What a performance was made from; travels inside the mark."""

    speech_sha256: str = ""  # Of the recording; its name stays private.
    emotion: str = ""
    animator: str = ""
    seed: int = 0
    character: str = ""
    version: str = VERSION  # Version of face_emote that animated.
    consent: str = ""


def facts_of(motion: MotionSource, provenance: Provenance) -> Facts:
    """What a motion knows about its own making."""
    info = motion.info
    return Facts(
        speech_sha256=info.speech_sha256,
        emotion=info.emotion,
        animator=info.animator,
        seed=info.seed,
        character=Path(motion.character).name,
        version=info.version,
        consent="; ".join(filter(None, (provenance.consent or consent_to(motion.character), info.consent))),
    )


def consent_to(character: str) -> str:
    """Who agreed to be shown as this character; nothing of the invented ones."""
    return find_character(character).consent if character.endswith(SUFFIX) else ""


def definition(facts: Facts, *, media_type: str, content_sha256: str) -> str:
    """The C2PA manifest as c2pa-python takes it. Its identifiers follow from the content: no clock, no chance.

    The seal's hash is filled in when the file is whole.
    """
    values = {name: getattr(facts, name) for name in Facts.__slots__}
    seed = json.dumps([values, media_type, content_sha256], sort_keys=True)
    instance = uuid.UUID(bytes=hashlib.sha256(seed.encode()).digest()[:16], version=4)  # C2PA takes version 4 only
    action = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPE,
        "softwareAgent": {"name": TOOL, "version": VERSION},
        "description": COMMENT,
    }
    content: dict[str, Any] = {
        "claim_version": 2,
        "claim_generator_info": [{"name": TOOL, "version": VERSION}],
        "title": COMMENT,
        "format": media_type,
        "vendor": TOOL,
        "instance_id": f"xmp:iid:{instance}",
        "label": f"urn:c2pa:{instance}:{TOOL}",
        "assertions": [
            {"label": "c2pa.actions.v2", "created": True, "data": {"actions": [action]}},
            {"label": PERFORMANCE, "created": True, "data": values},
            {"label": SEAL, "created": True, "data": {"sha256": 64 * "0"}},
        ],
    }
    return json.dumps(content)
