"""What moves: motion files, captures, coefficients, heads of .glb files, signed marks."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import face_emote as fe
from face_emote.bank.moments import INDEX, add_moments, read_bank
from face_emote.bank.retrieval import BUNDLED
from face_emote.core.types import FRAME_ARRAYS, FaceMotion
from face_emote.emotion.grammar import describe
from face_emote.formats.captures import read_capture
from face_emote.formats.motion_file import open_motion
from face_emote.formats.viewer import write_page
from face_emote.perception.tokens import (
    NUM_FEELINGS,
    NUM_MANNERS,
    Tokens,
    plan_of_tokens,
    read_tokens,
    write_tokens,
)
from face_emote.provenance.credential import Provenance
from face_emote.provenance.marking import mark
from face_emote.provenance.trust import read_certificates
from face_emote.provenance.verification import verify
from face_emote.rendering.scene import LIGHTS
from tools.fuzz import stock
from tools.fuzz.formats import BOXES, GLB, MOTION, NPZ
from tools.fuzz.reader import Reader, Seed, WronglyAcceptedError
from tools.fuzz.texts import JSON, TEXT

FILMS = ("marked.mp4", "marked.mkv")
KEY_FILES = ("key.pem", "chain.pem")
MOST = 1e6
"""Larger numbers are no motion of a face."""


def _looked_at(motion: FaceMotion) -> None:
    for name in FRAME_ARRAYS:
        values = getattr(motion, name)
        if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > MOST:
            raise WronglyAcceptedError(f"{name} holds what is no motion")
    if not 1.0 <= motion.fps <= 1000.0 or not np.isfinite(motion.betas).all():
        raise WronglyAcceptedError(f"{motion.fps} frames a second")


def motion(path: Path) -> None:
    """All frames, at once and block by block."""
    _looked_at(fe.read_motion(path))
    with open_motion(path) as reader:
        for block in reader.blocks(7):
            _looked_at(block)


def played_tokens(path: Path) -> None:
    """A line's feeling and manner, as emotion keys."""
    describe(plan_of_tokens(read_tokens(path)).text)


def _token_files(folder: Path) -> list[Seed]:
    frames = np.arange(60)
    write_tokens(Tokens(frames % NUM_FEELINGS, frames * 7 % NUM_MANNERS, 120.0, -25.0), folder / "line.tokens")
    return [Seed((folder / "line.tokens").read_bytes(), ".tokens")]


def capture(path: Path) -> None:
    """A recorded face."""
    _looked_at(read_capture(path).motion)


def _banks(folder: Path) -> list[Seed]:
    moments = [replace(moment, consent="ours") for moment in read_bank(BUNDLED).moments[:3]]
    add_moments(folder / "made", moments, file="tokens.npz")
    shutil.copy(folder / "made" / "tokens.npz", folder / "tokens.npz")
    return [Seed((folder / "made" / INDEX).read_bytes(), ".json")]


def bank(path: Path) -> None:
    """The index of a bank; its tokens lie beside."""
    for moment in read_bank(path.parent).moments:
        if not np.isfinite(moment.face).all() or not np.isfinite(moment.vad).all():
            raise WronglyAcceptedError("a moment that is no numbers")


def viewed(path: Path) -> None:
    """A page for the browser."""
    page = path.with_name("page.html")
    write_page(path, page, light=LIGHTS["studio"])
    page.unlink()


def verified(path: Path) -> None:
    """Who says what about its making."""
    verify(path)


def trusted(path: Path) -> None:
    """Certificates to trust."""
    verify(path.with_name("marked.glb"), trust=read_certificates(path))


def signing_key(path: Path) -> None:
    """Sign with the key, or the certificates, that lie there."""
    before, folder = os.environ["FACE_EMOTE_SETTINGS"], path.parent.parent
    for name in KEY_FILES:
        if name != path.name:
            shutil.copy(Path(before) / "provenance" / name, path.with_name(name))
    os.environ["FACE_EMOTE_SETTINGS"] = str(folder)
    try:
        mark(folder / "plain.glb", fe.read_motion(folder / "line.npz"), Provenance())
    finally:
        os.environ["FACE_EMOTE_SETTINGS"] = before
        for name in KEY_FILES:
            if name != path.name:
                path.with_name(name).unlink()


def _motions(folder: Path) -> list[Seed]:
    stock.motion(folder)
    name = "short.npz"
    stock.kept(folder, name, lambda path: (fe.write_motion(stock.short(folder), path.with_suffix(".npz")), None))
    return [stock.seed_of(folder / "line.npz"), stock.seed_of(folder / name)]


def _captures(folder: Path) -> list[Seed]:
    link = stock.exported(folder, "link.csv")
    arkit = stock.exported(folder, "arkit.json")
    curves = stock.exported(folder, "curves.csv", rig="arkit")
    weights = stock.exported(folder, "weights.a2f.json")
    return [stock.seed_of(path) for path in (link, arkit, curves, weights)]


def _coefficients(folder: Path) -> list[Seed]:
    own = stock.exported(folder, "own.npz", rig="amass")
    return [stock.seed_of(own)]


def _glbs(folder: Path) -> list[Seed]:
    return [stock.seed_of(stock.exported(folder, "marked.glb"))]


def _marked(folder: Path) -> list[Seed]:
    return [*_glbs(folder), *(stock.seed_of(stock.marked_film(folder, name)) for name in FILMS)]


def _anchors(folder: Path) -> list[Seed]:
    return _settings(folder, "chain.pem")


def _pem(name: str) -> Callable[[Path], list[Seed]]:
    def make(folder: Path) -> list[Seed]:
        stock.motion(folder)
        stock.exported(folder, "plain.glb", provenance=None)
        return [Seed(seed.content, ".pem") for seed in _settings(folder, name)]

    return make


def _settings(folder: Path, name: str) -> list[Seed]:
    stock.exported(folder, "marked.glb")
    return [stock.seed_of(folder / "settings" / "provenance" / name)]


READERS = (
    Reader("motion-file", "motion", _motions, motion, MOTION, quick=True),
    Reader("capture-csv-json", "motion", _captures, capture, (*TEXT, *JSON), quick=True),
    Reader("tokens", "motion", _token_files, played_tokens, quick=True),
    Reader("bank", "motion", _banks, bank, JSON, beside=("tokens.npz",), name_there=INDEX, quick=True),
    Reader("coefficients", "motion", _coefficients, capture, NPZ),
    Reader("viewed-glb", "motion", _glbs, viewed, GLB),
    Reader("mark", "mark", _marked, verified, (*GLB, *BOXES)),
    Reader("trusted-certificates", "mark", _anchors, trusted, TEXT, beside=("marked.glb",)),
    *(
        Reader(f"signing-{name[:-4]}", "mark", _pem(name), signing_key, TEXT, beside=("plain.glb", "line.npz"),
               name_there=f"provenance/{name}")
        for name in KEY_FILES
    ),
)  # fmt: skip
