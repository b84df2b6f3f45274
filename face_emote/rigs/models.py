"""The user's FLAME and SMPL-X files as rigs: from a path to the map of its coefficients."""

from pathlib import Path

from face_emote.core.errors import HeadError
from face_emote.face.bundled import load_head
from face_emote.rigs.expression_map import ExpressionMap, kept_map
from face_emote.rigs.registration.target_model import MODEL_SUFFIXES, is_smplx, read_smplx
from face_emote.rigs.retarget import flame_map


def is_model_file(path: str | Path) -> bool:
    """Whether a rig is named by a model's file."""
    return Path(path).suffix.lower() in MODEL_SUFFIXES


def model_map(path: str | Path) -> ExpressionMap:
    """The map to a model file's coefficients; solved at the first time, which takes some seconds.

    Raises:
        HeadError: the file cannot be used, has no face, or is the bundled head.
    """
    return named_model(path)[2]


def named_model(path: str | Path) -> tuple[str, str, ExpressionMap]:
    """Kind (`flame`, `smplx`), basis id and map of a model file. Errors as `model_map`."""
    file = Path(path)
    if is_smplx(file):
        target = read_smplx(file)
        return target.kind, target.basis, kept_map(target, head=load_head())
    head = load_head(file)
    if head.is_semantic:
        raise HeadError(f"This is the bundled head or one like it, whose shapes have names already: {file}")
    return "flame", head.basis, flame_map(head)
