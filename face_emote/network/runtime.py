"""The network at run time: load it, hear with it, and stream its two paths."""

from functools import lru_cache
from pathlib import Path

from face_emote.core.assets import ASSETS
from face_emote.core.errors import CheckpointError
from face_emote.network.checkpoint import read_checkpoint
from face_emote.network.expression_path import ExpressionStream
from face_emote.network.hearing import Hearing
from face_emote.network.lip_path import LipStream
from face_emote.network.net_weights import MotionNet, motion_net

__all__ = ["ExpressionStream", "Hearing", "LipStream", "MotionNet", "load_motion_net"]

FOLDER = ASSETS / "network"
BUNDLED = ("default", "fast")
SUFFIX = ".safetensors"


@lru_cache(maxsize=4)
def load_motion_net(name_or_path: str | Path = "default") -> MotionNet:
    """A bundled network by name, or one from a file.

    Raises:
        CheckpointError: It is missing, damaged, of another version, or does not fit its own configuration.
    """
    if name_or_path in BUNDLED:
        path = FOLDER / f"{name_or_path}{SUFFIX}"
        if not path.is_file():
            raise CheckpointError(
                f"The network '{name_or_path}' is not in this installation; use --animator rules, or install again: "
                f"{path}"
            )
        return motion_net(read_checkpoint(path), name=str(name_or_path))
    path = Path(name_or_path)
    return motion_net(read_checkpoint(path), name=path.stem)
