"""Count the files of the package, `core` apart, that a performance, a picture, a `.glb` and all three of them enter.

python -m tools.walk
"""

import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import face_emote as fe
from face_emote.audio.examples import example_speech

ROOT = Path(fe.__file__).parent


def main() -> int:
    """Print a line for each."""
    speech = example_speech()[2].path
    motion = fe.animate(speech, emotion="joy", fps=12.0)
    frames = motion.part(0, 2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)

        def draw() -> None:
            fe.render(frames, folder / "a.mp4", size=64, workers=1, provenance=None)

        draw()  # compiles, which is not counted
        walks = {
            "performance": entered(lambda: fe.animate(speech, emotion="joy", fps=12.0)),
            "picture": entered(draw),
            ".glb": entered(lambda: fe.export(frames, folder / "a.glb", provenance=None)),
        }
    walks["row of a batch"] = set().union(*walks.values())
    for name, files in walks.items():
        print(f"{name}: {len(files)} files")
    return 0


def entered(work: Callable[[], object]) -> set[str]:
    """Files of whose functions at least one was called."""
    with recorded_calls() as calls:
        work()
    return files_of(calls)


@contextmanager
def recorded_calls() -> Iterator[Counter[tuple[str, str]]]:
    """File and function of every call into the package, on any thread, while the block lasts."""
    calls: Counter[tuple[str, str]] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT):
            calls[path.relative_to(ROOT).as_posix(), frame.f_code.co_name] += 1

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def files_of(calls: Counter[tuple[str, str]]) -> set[str]:
    """Files that were entered; `core`, the ground that all stand on, does not count."""
    return {name for name, _ in calls if not name.startswith("core/")}


if __name__ == "__main__":
    raise SystemExit(main())
