"""Shape keys for somebody else's character: arrays in, arrays out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.errors import OptionError
from face_emote.core.output import require_writable, written_beside
from face_emote.core.reading import read_npz
from face_emote.face.bundled import load_head
from face_emote.rigs.registration.guess import guessed_places
from face_emote.rigs.registration.pieces import PARTS
from face_emote.rigs.registration.transfer import ARKIT, transferred
from face_emote.worker.protocol import Params

Meshes = dict[str, tuple[np.ndarray, np.ndarray, str]]


def write_transfer(params: Params, *, progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Marks, or shapes, of the meshes in the file `meshes`, written to `path`.

    `meshes` holds, for each number i, vertices_i (+Y up), triangles_i and kind_i (of `pieces.PARTS`; eye, teeth or
    nothing to find out), and either place_names and places - then shapes are made: keys_i [key, vertex, 3], gap_i,
    key_names - or perhaps eyes (left, right): then place_names and places are found. HeadError, OptionError: the file
    or the meshes cannot be used.
    """
    params.require_known(("meshes", "path"))
    source, target = Path(params.text("meshes")), Path(params.text("path"))
    require_writable(target)
    stored, meshes = _read(source)
    head = load_head()
    if "places" not in stored:
        progress(0.1, "looking for the face")
        found = guessed_places(head, meshes, eyes=stored.get("eyes"))
        with written_beside(target) as beside:
            np.savez(beside, place_names=np.array(list(found)), places=np.array(list(found.values())))
        return {"path": str(target)}
    places = dict(zip((str(name) for name in stored["place_names"]), stored["places"], strict=True))
    made = transferred(head, meshes, places=places, progress=progress)
    arrays = {f"keys_{name}": keys.astype(np.float32) for name, keys in made.keys.items()}
    arrays |= {f"gap_{name}": gap.astype(np.float32) for name, gap in made.gap.items()}
    with written_beside(target) as beside:
        np.savez(beside, allow_pickle=False, key_names=np.array(ARKIT), **arrays)
    return {
        "path": str(target), "coverage": round(made.coverage, 4), "error": round(made.error, 6),
        "worst": round(made.worst, 6), "weak": list(made.weak),
    }  # fmt: skip


def _read(path: Path) -> tuple[dict[str, np.ndarray], Meshes]:
    try:
        stored = read_npz(path)
        meshes: Meshes = {}
        while f"vertices_{len(meshes)}" in stored:
            number = len(meshes)
            points, triangles = np.asarray(stored[f"vertices_{number}"], np.float64), stored[f"triangles_{number}"]
            kind = str(stored[f"kind_{number}"])
            fits = points.ndim == triangles.ndim == 2 and points.shape[1] == triangles.shape[1] == 3 and len(triangles)
            inside = fits and 0 <= triangles.min() and triangles.max() < len(points)
            if not inside or not np.isfinite(points).all() or kind not in ("", "eye", "teeth", *PARTS):
                raise ValueError(f"mesh {number} has no usable triangles")
            meshes[str(number)] = (points, triangles.astype(np.int64), kind)
        if not meshes:
            raise ValueError("there is no mesh in it")
    except (OSError, KeyError, ValueError) as error:
        raise OptionError(f"The meshes cannot be used ({error}): {path}") from None
    return stored, meshes
