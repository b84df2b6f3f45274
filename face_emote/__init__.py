"""Speech and emotion in, a 3D facial performance out.

```python
import face_emote as fe

motion = fe.animate("line.wav", emotion="joy tinged with guilt", fps=30)
fe.render(motion, "line.mp4", speech="line.wav")
fe.export(motion, "line.glb")
```

Names are imported when they are first used, so that `import face_emote` costs nothing and needs numpy alone.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from face_emote.core.version import VERSION

if TYPE_CHECKING:
    from face_emote.audio.reader import read_speech
    from face_emote.core.errors import FaceEmoteError
    from face_emote.core.types import FaceMotion, PerformanceStyle, SkinParams
    from face_emote.emotion.grammar import describe
    from face_emote.face.bundled import load_head
    from face_emote.face.characters import characters
    from face_emote.face.identity import identity
    from face_emote.formats.motion_file import read_motion, write_motion
    from face_emote.verbs.animate import animate
    from face_emote.verbs.capture import capture
    from face_emote.verbs.enrol import enrol
    from face_emote.verbs.export import export
    from face_emote.verbs.perceive import perceive
    from face_emote.verbs.render import contact_sheet, render
    from face_emote.verbs.say import say
    from face_emote.verbs.voice import retune

__all__ = [
    "FaceEmoteError",
    "FaceMotion",
    "PerformanceStyle",
    "SkinParams",
    "animate",
    "capture",
    "characters",
    "contact_sheet",
    "describe",
    "enrol",
    "export",
    "identity",
    "load_head",
    "perceive",
    "read_motion",
    "read_speech",
    "render",
    "retune",
    "say",
    "write_motion",
]

_HOMES = {
    "FaceEmoteError": "core.errors",
    "FaceMotion": "core.types",
    "PerformanceStyle": "core.types",
    "SkinParams": "core.types",
    "animate": "verbs.animate",
    "capture": "verbs.capture",
    "characters": "face.characters",
    "contact_sheet": "verbs.render",
    "describe": "emotion.grammar",
    "enrol": "verbs.enrol",
    "export": "verbs.export",
    "identity": "face.identity",
    "load_head": "face.bundled",
    "perceive": "verbs.perceive",
    "read_motion": "formats.motion_file",
    "read_speech": "audio.reader",
    "render": "verbs.render",
    "retune": "verbs.voice",
    "say": "verbs.say",
    "write_motion": "formats.motion_file",
}


__version__ = VERSION


def __getattr__(name: str) -> object:
    """Import a public name from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'face_emote' has no attribute {name!r}; it has {', '.join(__all__)}")
    setattr(sys.modules[__name__], name, getattr(import_module(f"face_emote.{_HOMES[name]}"), name))
    return globals()[name]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
