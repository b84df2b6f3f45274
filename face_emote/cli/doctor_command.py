"""`face-emote doctor`: what this machine has, whether it works, and what to do about what does not."""

import os
import platform
import tempfile
import time
from importlib import metadata, util
from pathlib import Path
from typing import Any

import click

from face_emote.core.version import VERSION

REQUIRED = (
    "numpy", "numba", "av", "num2words", "pysubs2", "anyascii", "click", "rich", "filelock",
    "c2pa-python", "cryptography",
)  # fmt: skip
MODULES = {"c2pa-python": "c2pa"}  # Of packages that bring a module of another name.
EXTRAS = (
    ("train", "torch", "training, `face-emote train`"),
    ("torch", "torch", "pictures with gradients, `--engine differentiable`"),
    ("capture", "mediapipe", "capture from video"),
    ("voice", "pyworld", "a recording re-tuned to what is felt, `face-emote voice`"),
    ("say", "hibari", "a voice for a text, `face-emote say`"),
    ("live", "pythonosc", "a live face by the VMC protocol, and the microphone"),
    ("gl", "moderngl", "rendering on a graphics card"),
    ("usd", "pxr", "USD export"),
    ("batch", "ray", "rendering on several machines"),
    ("blender", "bpy", "`--engine cycles`, Alembic and FBX export"),
)
"""Name of the extra, a module that it brings, what it is for."""
TEST_SIZE = 64


@click.command("doctor", short_help="Check this installation and say what to do.")
def command() -> None:
    """Check versions, caches and a tiny render; say what to do about whatever is missing."""
    advice = [*_versions(), *_caches(), *_self_test()]
    _extras()
    for line in advice:
        click.echo(f"-> {line}")
    if advice:
        raise click.exceptions.Exit(2)
    click.echo("All is well.")


def _row(name: str, value: str) -> None:
    click.echo(f"{name:<16}{value}")


def _versions() -> list[str]:
    """Print versions; return what to do about packages that are missing."""
    _row("face-emote", f"{VERSION} in {Path(__file__).parent.parent}")
    _row("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    missing = [name for name in REQUIRED if util.find_spec(MODULES.get(name, name)) is None]
    for name in REQUIRED:
        _row(name, "missing" if name in missing else metadata.version(name))
    return [f"pip install {' '.join(missing)}"] if missing else []


def _caches() -> list[str]:
    """Print processor cores and the cache of compiled code; return what to do if it cannot be written."""
    from face_emote.rendering.stage.cache import cache_folder

    threads = os.environ.get("NUMBA_NUM_THREADS")
    _row("processor", f"{os.cpu_count()} cores" + (f", NUMBA_NUM_THREADS={threads}" if threads else ""))
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            _row("compiled code", str(folder))
        return []
    except OSError as error:
        _row("compiled code", f"{folder} cannot be written ({error.strerror})")
        return ["set NUMBA_CACHE_DIR to a folder that can be written, or every run compiles the renderer anew"]


def _self_test() -> list[str]:
    """Evaluate the head and draw one small frame; return what to do if that fails."""
    try:
        started = time.perf_counter()
        _draw_one_frame()
        _row("self test", f"drew a frame of {TEST_SIZE} x {TEST_SIZE} in {time.perf_counter() - started:.1f} s")
        return []
    except Exception as error:  # Whatever goes wrong is just what the doctor is there to find.
        _row("self test", f"failed: {type(error).__name__}: {' '.join(str(error).split())}")
        return ["reinstall: pip install --force-reinstall face-emote; if it still fails, report all of the above"]


def _draw_one_frame() -> None:
    import numpy as np

    from face_emote.core.options import Picture
    from face_emote.core.types import FaceMotion, MotionInfo
    from face_emote.face.bundled import load_head
    from face_emote.formats.motion_layout import ROW_SHAPES
    from face_emote.verbs.render import render_frames

    rows: dict[str, Any] = {name: np.zeros((1, *shape), np.float32) for name, shape in ROW_SHAPES.items()}
    still = FaceMotion(**rows, fps=30.0, info=MotionInfo(basis=load_head().basis))
    picture = render_frames(still, [0], picture=Picture(size=TEST_SIZE))[0]
    if np.ptp(picture.astype(int)) < 32:
        raise RuntimeError("the picture is empty")


def _extras() -> None:
    """Print which optional packages are here, and who can say a text."""
    from face_emote.lines.speakers import speakers

    click.echo("extras:")
    for extra, module, purpose in EXTRAS:
        have, hint = util.find_spec(module) is not None, f"pip install 'face-emote[{extra}]'"
        _row(f"  [{extra}]", f"{purpose}: {'here' if have else hint}")
    _row("speakers", ", ".join(one.name for one in speakers() if one.command) or "none; `face-emote say --list`")
