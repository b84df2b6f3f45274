"""Texture maps of one character's skin, mixed from basis maps that suit everyone.

Every map is square with row 0 at the top: texel (r, c) of an s x s map has its centre at
u = (c + 0.5) / s, v = 1 - (r + 0.5) / s in the bundled head's texture coordinates.

A height map tilts the normal. With h_u, h_v its derivatives per unit u and v (metres) and T_u, T_v the derivatives of
the surface point per unit u and v (metres), the surface gradient is
g = (h_u * cross(T_v, n) + h_v * cross(n, T_u)) / dot(n, cross(T_u, T_v)) and the bumped normal normalize(n - g)
(Mikkelsen 2010, "Bump mapping unparametrized surfaces on the GPU").
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.errors import OptionError
from face_emote.core.types import SkinParams

MAP_FILE = Path(__file__).parent.parent / "assets" / "skin" / "maps.npz"
SIZES = (512, 1024, 2048)
MICRO_DEPTH = 0.00010
"""Metres of pore and furrow relief at micro height 1."""
FINE_DEPTH = 0.00016
"""Metres of the fine lines of age 1."""
WRINKLE_DEPTH = 0.0017
"""Metres of an expression crease at activation 1."""
PORE_SHADE = 0.07
"""Share of melanin that the bottom of a pore adds: what collects there is dark."""
BROW_SHADE, SCALP_COVER, STUBBLE_SHADE = 0.42, 0.80, 0.62
"""Coverage of painted hair where a brow, the scalp's hair or a shaven beard is densest."""
RESTING_SHARE = 0.30
"""Activation that age 1 leaves in every expression crease at rest."""


@dataclass(frozen=True, slots=True, eq=False)
class SkinMaps:
    """One character's skin, ready for a renderer. All float32."""

    melanin: Float[Array, "size size"]
    """Concentration, as `colour.albedo` takes it: about 0..4."""
    haemoglobin: Float[Array, "size size"]
    """Concentration at rest, 0..4; multiply by exp(BLOOD_GAIN * blood_flow)."""
    specular: Float[Array, "size size"]
    """Factor on the reflection of skin (1 is usual, F0 = 0.028), 0..2; about 1.5 on lips, 1.8 on mucous skin."""
    bump_gradient: Float[Array, "size size 2"]
    """Resting relief: its height's derivative per unit u and v, metres. Pores, lip lines, age."""
    wrinkle_height: Float[Array, "size size"]
    """Signed expression relief at activation 1: -1 the floor of a crease .. 0.8; clip(-height * activation) darkens."""
    wrinkle_gradient: Float[Array, "size size 2"]
    """Derivative of the expression relief at activation 1 per unit u and v, metres."""
    hair_coverage: Float[Array, "size size"]
    """Paint of hair colour on the skin: under brows and scalp hair, and as stubble, 0..1."""
    lips: Float[Array, "size size"]
    """1 on the red of the lips, 0..1."""
    inside: Float[Array, "size size"]
    """1 on mucous skin inside the mouth and behind the lids, 0..1."""

    @property
    def size(self) -> int:
        """Texels per side."""
        return len(self.melanin)


def _decoded(name: str, stored: dict[str, Array]) -> UInt8[Array, "size size"] | Array:
    """Undo the differences along rows; a map of two planes (high bytes, low bytes) becomes uint16."""
    planes = np.cumsum(stored[name], axis=-1, dtype=np.uint8)
    if planes.ndim == 2:
        return planes
    difference = stored[name].astype(np.uint16)
    return np.cumsum((difference[0] << 8) | difference[1], axis=-1, dtype=np.uint16)


def _shrunk(codes: Array, size: int) -> Array:
    """Codes of any size as float32 at the wanted one: box mean down, bilinear up by two."""
    factor = len(codes) // size
    if factor > 1:
        rows = sum((codes[k::factor].astype(np.uint32) for k in range(1, factor)), codes[::factor].astype(np.uint32))
        summed = sum((rows[:, k::factor] for k in range(1, factor)), rows[:, ::factor])
        return summed.astype(np.float32) * np.float32(1.0 / factor**2)
    values = codes.astype(np.float32)
    return values if factor == 1 else _doubled(_doubled(values).T).T


def _doubled(values: Array) -> Array:
    """Twice as many rows, linear between texel centres."""
    up = np.concatenate([values[:1], values[:-1]])
    down = np.concatenate([values[1:], values[-1:]])
    out = np.empty((2 * len(values), *values.shape[1:]), np.float32)
    out[0::2] = 0.75 * values + 0.25 * up
    out[1::2] = 0.75 * values + 0.25 * down
    return out


@lru_cache(maxsize=1)
def _basis(size: int) -> dict[str, Array]:
    """Basis maps as float32 in their own units."""
    with np.load(MAP_FILE, allow_pickle=False) as file:
        stored = {name: file[name] for name in file.files}
    maps = {}
    for name in stored:
        if name.endswith("_range"):
            continue
        low, step = (np.float32(value) for value in stored[f"{name}_range"])
        maps[name] = _shrunk(_decoded(name, stored), size) * step + low
    return maps


def height_gradient(height: Float[Array, "size size"], *, depth: float) -> Float[Array, "size size 2"]:
    """Central differences of `depth` * height per unit u and v (rows run down, v up); one-sided at the borders."""
    size = len(height)
    scale = np.float32(0.5 * size * depth)
    out = np.empty((size, size, 2), np.float32)
    out[:, 1:-1, 0] = (height[:, 2:] - height[:, :-2]) * scale
    out[:, [0, -1], 0] = (height[:, [1, -1]] - height[:, [0, -2]]) * (2.0 * scale)
    out[1:-1, :, 1] = (height[:-2] - height[2:]) * scale
    out[[0, -1], :, 1] = (height[[0, -2]] - height[[1, -1]]) * (2.0 * scale)
    return out


def load_skin_maps(params: SkinParams, *, size: int = 1024) -> SkinMaps:
    """Mix the maps of one character.

    Raises:
        OptionError: a size other than 512, 1024 or 2048.
    """
    if size not in SIZES:
        raise OptionError(f"Skin maps come in {', '.join(map(str, SIZES))} texels, not {size}. Choose one of these")
    basis = _basis(size)
    age = float(np.clip(params.age, 0.0, 1.0))
    melanin = (
        params.melanin * basis["melanin"] * (1.0 - PORE_SHADE * np.minimum(basis["micro"], 0.0))
        + basis["moles"]
        + params.freckles * basis["freckles"]
        + age**1.5 * basis["age_spots"]
    )
    resting = np.float32(RESTING_SHARE * age**1.3)
    crease = np.maximum(-basis["wrinkle"], 0.0) * resting
    lips = basis["lips"]
    haemoglobin = params.haemoglobin * basis["haemoglobin"] + basis["redness"]
    haemoglobin += params.lip_colour * 1.3 * lips + 0.5 * crease
    wrinkle_gradient = height_gradient(basis["wrinkle"], depth=WRINKLE_DEPTH)
    bump = height_gradient(MICRO_DEPTH * basis["micro"] + (FINE_DEPTH * age) * basis["fine_lines"], depth=1.0)
    bump += resting * wrinkle_gradient
    scalp = min(1.0, params.hair_length / 0.004)
    coverage = BROW_SHADE * params.brow_density * basis["brow"] + SCALP_COVER * scalp * basis["scalp"]
    coverage += STUBBLE_SHADE * params.beard * basis["stubble"]
    return SkinMaps(
        melanin=np.maximum(melanin, 0.0),
        haemoglobin=np.maximum(haemoglobin, 0.0),
        specular=2.0 * basis["gloss"],
        bump_gradient=bump,
        wrinkle_height=basis["wrinkle"],
        wrinkle_gradient=wrinkle_gradient,
        hair_coverage=np.clip(coverage, 0.0, 1.0),
        lips=lips,
        inside=basis["inside"],
    )
