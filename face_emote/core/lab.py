"""The package beside this one, `face_emote_lab`: whatever needs torch, and what measures; asked for by name only."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from face_emote.core.errors import DependencyError


def has_lab() -> bool:
    """Whether it is installed; it is in the same wheel, but not inside Blender."""
    return find_spec("face_emote_lab") is not None


def with_torch(name: str, *, what: str, extra: str = "torch") -> ModuleType:
    """A module of it by its name there. DependencyError: torch is not installed, which `what` needs."""
    require_torch(what, extra=extra)
    return import_module(f"face_emote_lab.{name}")


def require_torch(what: str, *, extra: str = "torch") -> None:
    """Raise DependencyError, with the command that mends it, unless `what` can be done here."""
    if not has_lab() or find_spec("torch") is None:
        raise DependencyError(f"{what} needs torch: pip install 'face-emote[{extra}]'")
