"""`python -m tools.bake_skin [-o FOLDER] [--only maps|strands]`: bake the skin assets of the bundled head.

Needs scipy (extra `build-head`). Same head, same bytes.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.look.strands import GROUPS
from tools.bake_skin import pigment, relief
from tools.bake_skin.creases import crease_height
from tools.bake_skin.grow_brows import grow_brow
from tools.bake_skin.grow_lashes import grow_lashes
from tools.bake_skin.grow_scalp import grow_scalp
from tools.bake_skin.hairline import brow_coverage, scalp_density
from tools.bake_skin.mesh import SkinMesh, Texels, skin_mesh, texels, topology_code
from tools.bake_skin.pack import quantised, spread, write_arrays
from tools.bake_skin.roots import packed

ASSETS = Path(__file__).parent.parent.parent / "assets" / "skin"
COARSE, FINE = 1024, 2048

Baker = Callable[[Texels, pigment.Zones], Array]
SMOOTH: dict[str, Baker] = {
    "melanin": pigment.melanin_share,
    "haemoglobin": pigment.haemoglobin_share,
    "redness": pigment.redness,
    "gloss": pigment.gloss,
    "age_spots": pigment.age_spots,
    "lips": lambda _texels, zone: zone.lips,
    "inside": lambda _texels, zone: zone.inside,
    "brow": lambda texels, _zone: brow_coverage(texels.position_mm),
    "scalp": lambda texels, _zone: scalp_density(texels.position_mm, ears=texels.ears),
}
DETAILED: dict[str, Baker] = {
    "moles": pigment.moles,
    "freckles": pigment.freckles,
    "stubble": pigment.stubble,
    "micro": relief.micro_relief,
    "pores": relief.pores,
    "fine_lines": relief.fine_lines,
}


def bake_maps(mesh: SkinMesh) -> dict[str, Array]:
    """All basis maps, quantised, with their ranges."""
    arrays: dict[str, Array] = {}
    for size, bakers in ((COARSE, SMOOTH), (FINE, DETAILED)):
        places = texels(mesh, size=size)
        zone = pigment.zones(places)
        for name, baker in bakers.items():
            start = time.perf_counter()
            image = spread(baker(places, zone), covered=places.covered)
            arrays[name], arrays[f"{name}_range"] = quantised(image, bits=8)
            print(f"{name}: {image.min():.2f}..{image.max():.2f}, {time.perf_counter() - start:.1f} s", flush=True)
        if size == FINE:
            image = spread(crease_height(mesh, places), covered=places.covered)
            arrays["wrinkle"], arrays["wrinkle_range"] = quantised(image, bits=16)
    return arrays


def bake_strands(mesh: SkinMesh, *, seed: int = 7) -> dict[str, Array]:
    """All strand groups, quantised."""
    arrays: dict[str, Array] = {}
    for number, name in enumerate(GROUPS):
        rng = np.random.default_rng([seed, number])
        left = name.endswith("left")
        if name.startswith("brow"):
            grown = grow_brow(mesh, left=left, rng=rng)
        elif name.startswith("lash"):
            grown = grow_lashes(mesh, left=left, upper="upper" in name, rng=rng)
        else:
            grown = grow_scalp(mesh, rng=rng)
        arrays |= packed(name, grown, rng=rng)
        print(f"{name}: {len(grown.width_mm)} strands", flush=True)
    return arrays


def mesh_code(head: Head) -> int:
    """Fingerprint of the head on which strands are grown."""
    if head.layout is None:
        raise ValueError("Strands are grown on the bundled head; this one has no layout")
    return topology_code(head.layout.quads, quad_part=head.layout.quad_part)


def main() -> None:
    """Write maps.npz and strands.npz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=ASSETS, help="folder for maps.npz and strands.npz")
    parser.add_argument("--only", choices=("maps", "strands"), help="bake just one of the two")
    options = parser.parse_args()
    head = load_head()
    if options.only != "strands":
        write_arrays(bake_maps(skin_mesh(head, levels=2)), options.output / "maps.npz")
    if options.only != "maps":
        strands = bake_strands(skin_mesh(head, levels=1))
        strands["topology"] = np.array([mesh_code(head)], np.int64)
        write_arrays(strands, options.output / "strands.npz")


if __name__ == "__main__":
    main()
