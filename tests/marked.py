"""Small marked files, and installations with keys of their own."""

import json
import shutil
import struct
from contextlib import contextmanager
from pathlib import Path

from test_movie import still

import face_emote as fe
from face_emote.core.settings import SETTINGS
from face_emote.provenance import signer
from face_emote.provenance.credential import Facts
from face_emote.provenance.marking import mark_with

KINDS = ("mp4", "mov", "glb")


def unmarked(path: Path) -> Path:
    """The smallest honest file of its kind: one picture, or a .glb without a mesh."""
    if path.suffix == ".glb":
        text = json.dumps(
            {"asset": {"extras": {"character": "default"}, "version": "2.0"}}, separators=(",", ":")
        ).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", 16, 0x4E4942) + bytes(range(16))
        path.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)
        return path
    return fe.render(still(1), path, size=48, workers=1, provenance=None)


def marked(path: Path, *, emotion: str = "") -> Path:
    mark_with(unmarked(path), Facts(emotion=emotion))
    return path


@contextmanager
def installation(folder: Path, monkeypatch):
    """Whatever is signed or verified inside happens in the installation whose settings lie there."""
    with monkeypatch.context() as changes:
        changes.setenv(SETTINGS, str(folder))
        yield folder / "provenance"


def keep(folder: Path, *, chain: bytes, key: bytes) -> None:
    """Make these the signing files of an installation."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / signer.CHAIN).write_bytes(chain)
    (folder / signer.KEY).write_bytes(key)
