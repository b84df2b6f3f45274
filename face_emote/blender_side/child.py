"""The end of the line inside Blender: reads what is asked, does it, answers.

Runs in Blender's Python with numpy and the standard library. Standard output belongs to the answers alone: all that
Blender prints goes to standard error, which is the log.
"""

import json
import os
import queue
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

Verb = Callable[..., Mapping[str, Any]]
_answers: list[TextIO] = []


def report(done: float, total: float) -> None:
    """Tell the parent how far the present verb is."""
    _tell({"progress": done, "total": total})


def serve(module: str, folder: str) -> None:
    """Answer until the parent is gone, then remove `folder` and leave."""
    answers = os.dup(1)
    os.dup2(2, 1)
    _answers.append(TextIOWrapper(os.fdopen(answers, "wb"), encoding="utf-8", write_through=True))
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(requests, Path(folder)), daemon=True).start()
    verbs: Mapping[str, Verb] = {}
    while True:
        question = json.loads(requests.get())
        try:
            if question["verb"] == "hello":
                result, verbs = _hello(module)
            else:
                result = verbs[question["verb"]](**question["facts"])
            _tell({"result": result})
        except ImportError as error:
            traceback.print_exc()
            _tell({"missing": str(error)})
        except Exception as error:  # All errors are the parent's to tell; the log has the rest.
            traceback.print_exc()
            sys.stderr.flush()
            _tell({"error": f"{type(error).__name__}: {' '.join(str(error).split())}"})


def _hello(module: str) -> tuple[Mapping[str, Any], Mapping[str, Verb]]:
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    return {"version": bpy.app.version_string}, import_module(module).VERBS


def _tell(answer: Mapping[str, Any]) -> None:
    _answers[0].write(json.dumps(answer) + "\n")
    _answers[0].flush()


def _read(requests: "queue.Queue[str]", folder: Path) -> None:
    """Lines to the main thread. Blender lets go of the interpreter while it renders, so the end is noticed at once."""
    for line in sys.stdin:
        requests.put(line)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)
