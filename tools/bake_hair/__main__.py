"""`python -m tools.bake_hair [-o FILE]`: grow the guides of `short`, `medium` and `tied` and root the strands in them.

Needs scipy (extra `build-head`). Same head, same bytes.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from face_emote.core.arrays import Array, Float, Int
from face_emote.face.bundled import load_head
from face_emote.look.hair_loss import loss
from face_emote.look.hair_styles import HAIR_FILE, KNOT_STEP, MIX_STEP
from face_emote.look.head_shell import head_shell
from tools.bake_hair import styles
from tools.bake_hair.growing import KNOTS, MM, Grown
from tools.bake_skin.mesh import SkinMesh, skin_mesh, texels, topology_code
from tools.bake_skin.pack import spread, write_arrays
from tools.bake_skin.roots import Roots

GUIDES = 640
STRANDS = {"short": 15_000, "medium": 13_000, "tied": 12_000}
CLUMPS = {"short": 900, "medium": 700, "tied": 800}
BUN_GUIDES, BUN_STRANDS, BUN_CLUMPS = 160, 2_600, 130
NUM_ANCHORS = 180
LOSS_SIZE = 512
SEED = 17


def anchors(mesh: SkinMesh) -> Int[Array, " anchor"]:
    """Skin points spread evenly over head and neck, each the farthest from those before it: they carry hair along."""
    own = np.unique(mesh.surface.triangles[np.isin(mesh.surface.part, (0, 1))])
    place = mesh.position_mm[own]
    own, place = own[place[:, 1] > -120.0], place[place[:, 1] > -120.0]
    chosen = [int(np.argmax(place[:, 1]))]
    gap = np.full(len(own), np.inf)
    for _ in range(NUM_ANCHORS - 1):
        gap = np.minimum(gap, np.linalg.norm(place - place[chosen[-1]], axis=1))
        chosen.append(int(np.argmax(gap)))
    out: Int[Array, " anchor"] = own[chosen]
    return out


def blended(roots: Roots, lock: Array, guides: Grown) -> tuple[Int[Array, "strand 3"], Float[Array, "strand 3"]]:
    """The three guides that each strand follows, of its own lock, and their shares."""
    index, share = np.zeros((len(lock), 3), int), np.zeros((len(lock), 3))
    for number in np.unique(lock):
        own, theirs = np.flatnonzero(lock == number), np.flatnonzero(guides.lock == number)
        gap, near = cKDTree(guides.roots.position_mm[theirs]).query(roots.position_mm[own], k=3)
        weight = 1.0 / (gap + 0.8) ** 2
        index[own], share[own] = theirs[near], weight / weight.sum(axis=1, keepdims=True)
    return index, share


def clumps(roots: Roots, lock: Array, *, count: int) -> Int[Array, " strand"]:
    """The strand (one of the first `count`) around which each one gathers."""
    out = np.zeros(len(lock), int)
    for number in np.unique(lock):
        own = np.flatnonzero(lock == number)
        heads = own[own < count]
        _, near = cKDTree(roots.position_mm[heads]).query(roots.position_mm[own])
        out[own] = heads[near]
    return out


def bun(guides: Grown, rng: np.random.Generator) -> tuple[Roots, Array, Array, Array]:
    """Strands of the bun: each between two neighbouring turns; clumps are runs of neighbours."""
    place = rng.permutation((np.arange(BUN_STRANDS) + rng.random(BUN_STRANDS)) / BUN_STRANDS * (BUN_GUIDES - 1))
    first = np.minimum(place.astype(int), BUN_GUIDES - 2)
    share = place - first
    index = np.column_stack([first, first + 1, first])
    heads = np.argmin(np.abs(place[:, None] - place[None, :BUN_CLUMPS]), axis=1)
    roots = guides.roots.chosen(np.zeros(BUN_STRANDS, int))
    return roots, index, np.column_stack([1.0 - share, share, np.zeros(BUN_STRANDS)]), heads


def packed(style: str, guides: Grown, strands: tuple[Roots, Array, Array, Array]) -> dict[str, Array]:
    """Arrays on disk."""
    roots, index, share, clump = strands
    offsets = np.rint((guides.curves - guides.roots.position_mm[:, None]) / MM / KNOT_STEP)
    if np.abs(offsets).max() > 32767:
        raise ValueError(f"A guide of {style} is longer than an offset can say")
    return {
        f"{style}_guide_triangle": guides.roots.triangle.astype(np.uint16),
        f"{style}_guide_weights": _weights(guides.roots.weights),
        f"{style}_guide_knots": offsets.astype(np.int16),
        f"{style}_triangle": roots.triangle.astype(np.uint16),
        f"{style}_weights": _weights(roots.weights),
        f"{style}_guides": index.astype(np.uint16),
        f"{style}_mix": np.rint(share[:, :2] / MIX_STEP).astype(np.uint8),
        f"{style}_clump": clump.astype(np.uint16),
    }


def _weights(weights: Array) -> Array:
    two = np.rint(weights[:, :2] * 255.0)
    two[two.sum(axis=1) > 255.0] -= [1.0, 0.0]
    return np.maximum(two, 0.0).astype(np.uint8)


def _joined(first: Roots, second: Roots) -> Roots:
    names = ("triangle", "weights", "position_mm", "normal")
    return Roots(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))


def bake(mesh: SkinMesh) -> dict[str, Array]:
    """All styles, quantised."""
    head = mesh.surface.triangles[np.isin(mesh.surface.part, (0, 1))]
    shell = head_shell((mesh.position_mm / MM).astype(np.float32), head)
    arrays: dict[str, Array] = {"anchors": anchors(mesh).astype(np.uint16)}
    growers = {"short": styles.grow_short, "medium": styles.grow_medium, "tied": styles.grow_tied}
    for number, (style, grow) in enumerate(growers.items()):
        rng = np.random.default_rng([SEED, number])
        guides = grow(styles.scalp_roots(mesh, count=GUIDES, rng=rng), shell=shell, rng=rng)
        roots = styles.scalp_roots(mesh, count=STRANDS[style], rng=rng)
        lock = styles.locks(roots, style)
        index, share = blended(roots, lock, guides)
        clump = clumps(roots, lock, count=CLUMPS[style])
        if style == "tied":
            coil = styles.grow_bun(mesh, count=BUN_GUIDES, rng=rng)
            more, more_index, more_share, more_clump = bun(coil, rng)
            index, share = np.concatenate([index, more_index + GUIDES]), np.concatenate([share, more_share])
            clump = np.concatenate([clump, more_clump + len(roots.triangle)])
            roots = _joined(roots, more)
            guides = Grown(
                _joined(guides.roots, coil.roots),
                np.concatenate([guides.curves, coil.curves]),
                np.concatenate([guides.lock, coil.lock]),
            )
        arrays |= packed(style, guides, (roots, index, share, clump))
        print(f"{style}: {len(guides.lock)} guides of {KNOTS} knots, {len(roots.triangle)} strands", flush=True)
    return arrays


def loss_map(mesh: SkinMesh) -> Array:
    """`skin.hair_loss.loss` in texture coordinates, times 255, row 0 at the top."""
    places = texels(mesh, size=LOSS_SIZE)
    image = spread((255.0 * loss(places.position_mm / MM)).astype(np.float32), covered=places.covered)
    out: Array = np.rint(image).astype(np.uint8)
    return out


def main() -> None:
    """Write hair.npz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=HAIR_FILE, help="where to write")
    options = parser.parse_args()
    head = load_head()
    layout = head.layout
    if layout is None:
        raise ValueError("Hair is grown on the bundled head; this one has no layout")
    mesh = skin_mesh(head, levels=1)
    arrays = bake(mesh)
    arrays["loss"] = loss_map(mesh)
    arrays["topology"] = np.array([topology_code(layout.quads, quad_part=layout.quad_part)], np.int64)
    write_arrays(arrays, options.output)


if __name__ == "__main__":
    main()
