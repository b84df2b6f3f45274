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

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.assets import ASSETS
from face_emote.core.errors import OptionError
from face_emote.core.types import SkinParams
from face_emote.look.hair_loss import left
from face_emote.look.hair_styles import load_loss_map

MAP_FILE = ASSETS / "skin" / "maps.npz"
SIZES = (512, 1024, 2048)
MICRO_DEPTH = 0.00015  # Metres of furrow relief at micro height 1, of a grown-up.
PORE_DEPTH = 0.00025  # Metres of the deepest pores of a grown-up.
PORE_EDGE = (0.30, 0.08)
"""Height of the baked cones at which a pore begins, at age 0 and at age 1: it widens as skin grows slack."""
FINE_DEPTH = 0.00016  # Metres of the fine lines of age 1.
WRINKLE_DEPTH = 0.0017  # Metres of an expression crease at activation 1.
PORE_SHADE, PORE_BLOOD, PORE_DULL = 0.16, 0.40, 0.60
"""Shares of melanin and blood that the bottom of a pore adds, and of gloss that it takes."""
MOTTLING = 0.8  # How much stronger the unevenness of pigment and blood is at age 1.
THREAD_VEINS = 0.35  # Blood that age 1 adds where skin is red anyway, on cheeks and nose.
LIP_AGEING = (0.28, 0.9)  # Shares of their redness that lips lose by age 1, and of depth that their lines gain.
BROW_SHADE, SCALP_COVER, STUBBLE_SHADE = 0.20, 0.80, 0.85
"""Coverage of painted hair where a brow, the scalp's hair or a shaven beard is densest."""
ROUGH, GLOSS_SMOOTHS, AGE_ROUGHENS = 0.90, 0.50, 0.03
"""Where skin reflects more it is oilier and smoother; old skin is drier."""
ROUGHNESS = (0.30, 0.65)  # It stays within these.
LIP_BROWN = 0.10
"""Melanin in place of the red that lips of redness 0 lack: a man's lips are the skin's colour, a little darker."""
LIP_PIGMENT = 0.22  # Melanin that lips gain per unit beyond olive skin: dark lips are as dark as the face, and browner.
FOLDING = (0.78, 1.15)  # Depth of every expression crease at age 0 and at age 1: young skin is elastic.
RESTING_SHARE = 0.36  # Activation that age 1 leaves in every expression crease at rest.


@dataclass(frozen=True, slots=True, eq=False)
class SkinMaps:
    """One character's skin, ready for a renderer. All float32."""

    melanin: Float[Array, "size size"]  # Concentration, as `colour.albedo` takes it: about 0..4.
    haemoglobin: Float[Array, "size size"]  # Concentration at rest, 0..4; multiply by exp(BLOOD_GAIN * blood_flow).
    specular: Float[Array, "size size"]
    """Factor on the reflection of skin (1 is usual, F0 = 0.028), 0..2; about 1.5 on lips, 1.8 on mucous skin."""
    roughness: Float[Array, "size size"]
    """Of the highlights (GGX): about 0.3 on lips, 0.42 on nose and forehead, 0.54 on cheeks."""
    bump_gradient: Float[Array, "size size 2"]
    """Resting relief: its height's derivative per unit u and v, metres. Pores, lip lines, age."""
    wrinkle_height: Float[Array, "size size"]
    """Signed expression relief at activation 1: -1 the floor of a crease .. 0.8, times `fold_depth`; clip(-height *
    activation) darkens."""
    wrinkle_gradient: Float[Array, "size size 2"]
    """Derivative of the expression relief at activation 1 per unit u and v, metres."""
    hair_coverage: Float[Array, "size size"]
    """Paint of hair colour on the skin: under brows and scalp hair, and as stubble, 0..1."""
    lips: Float[Array, "size size"]  # 1 on the red of the lips, 0..1.
    inside: Float[Array, "size size"]  # 1 on mucous skin inside the mouth and behind the lids, 0..1.

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


def resting_folds(age: float) -> float:
    """Activation that every expression crease keeps at rest, by `SkinParams.age`."""
    return float(RESTING_SHARE * float(np.clip(age, 0.0, 1.0)) ** 1.3)


def fold_depth(age: float) -> float:
    """Factor on every expression crease, by `SkinParams.age`."""
    return FOLDING[0] + (FOLDING[1] - FOLDING[0]) * float(np.clip(age, 0.0, 1.0))


def load_skin_maps(params: SkinParams, *, size: int = 1024) -> SkinMaps:
    """Mix the maps of one character. OptionError: a size other than 512, 1024 or 2048."""
    if size not in SIZES:
        raise OptionError(f"Skin maps come in {', '.join(map(str, SIZES))} texels, not {size}. Choose one of these")
    basis = _basis(size)
    age = float(np.clip(params.age, 0.0, 1.0))
    lips, pore = basis["lips"], _pores(basis["pores"], age=age)
    folds = np.float32(resting_folds(age))
    gloss = 2.0 * basis["gloss"] * (1.0 - PORE_DULL * pore)
    wrinkle = basis["wrinkle"] * np.float32(fold_depth(age))
    wrinkle_gradient = height_gradient(wrinkle, depth=WRINKLE_DEPTH)
    relief = _relief(basis, age=age, pore=pore)
    return SkinMaps(
        melanin=_melanin(basis, params, age=age, pore=pore),
        haemoglobin=_haemoglobin(basis, params, age=age, pore=pore, folds=folds),
        specular=gloss,
        roughness=np.clip(ROUGH - GLOSS_SMOOTHS * gloss + AGE_ROUGHENS * age, *ROUGHNESS),
        bump_gradient=height_gradient(relief, depth=1.0) + folds * wrinkle_gradient,
        wrinkle_height=wrinkle,
        wrinkle_gradient=wrinkle_gradient,
        hair_coverage=_hair_coverage(basis, params),
        lips=lips,
        inside=basis["inside"],
    )


def _furrowed(age: float) -> float:
    """Depth of furrows and pores by age: a child's skin is smooth, an old one coarse; 1 at 0.2."""
    return float(0.66 + 0.76 * age**0.5)


def _pores(cones: Float[Array, "size size"], *, age: float) -> Float[Array, "size size"]:
    """Depth of pores, 0..1, from their baked cones."""
    edge = np.float32(PORE_EDGE[0] + (PORE_EDGE[1] - PORE_EDGE[0]) * age)
    t = np.clip((cones - edge) / (1.0 - edge), 0.0, 1.0)
    found: Array = t * (2.0 - t)
    return found


def _melanin(
    basis: dict[str, Array], params: SkinParams, *, age: float, pore: Float[Array, "size size"]
) -> Float[Array, "size size"]:
    lips, share = basis["lips"], basis["melanin"]
    uneven = share + (MOTTLING * age) * (1.0 - lips) * (1.0 - basis["inside"]) * (share - 1.0)
    melanin = params.melanin * uneven * (1.0 + PORE_SHADE * pore)
    melanin += basis["moles"] + params.freckles * basis["freckles"] + age**1.5 * basis["age_spots"]
    melanin += (LIP_PIGMENT * max(0.0, params.melanin - 0.8) + LIP_BROWN * (1.0 - params.lip_redness)) * lips
    return np.maximum(melanin, 0.0)


def _haemoglobin(
    basis: dict[str, Array], params: SkinParams, *, age: float, pore: Float[Array, "size size"], folds: np.float32
) -> Float[Array, "size size"]:
    lips, share, red = basis["lips"], basis["haemoglobin"], basis["redness"]
    bare = (1.0 - lips) * (1.0 - basis["inside"])
    uneven = share + (MOTTLING * age) * bare * (share - 1.0)
    blood = params.haemoglobin * uneven * (1.0 + PORE_BLOOD * pore)
    plain = lips * (1.0 - params.lip_redness)
    blood += red * (1.0 + bare * (THREAD_VEINS * age * age) - lips * (LIP_AGEING[0] * age)) * (1.0 - plain)
    blood += plain * (params.haemoglobin * (1.0 - share))
    blood += params.lip_colour * 1.3 * lips + 0.5 * folds * np.maximum(-basis["wrinkle"], 0.0)
    return np.maximum(blood, 0.0)


def _hair_coverage(basis: dict[str, Array], params: SkinParams) -> Float[Array, "size size"]:
    length = {"none": 0.0, "crop": params.hair_length}.get(params.hair_style, 1.0)
    scalp: float | Array = min(1.0, length / 0.004)
    if params.hair_loss > 0.0 and scalp > 0.0:
        shares = left(load_loss_map(), min(params.hair_loss, 1.0))
        scalp = scalp * np.kron(shares, np.ones((len(basis["scalp"]) // len(shares),) * 2)).astype(np.float32)
    coverage = BROW_SHADE * params.brow_density * basis["brow"] + SCALP_COVER * scalp * basis["scalp"]
    coverage += STUBBLE_SHADE * params.beard * basis["stubble"]
    return np.clip(coverage, 0.0, 1.0)


def _relief(basis: dict[str, Array], *, age: float, pore: Float[Array, "size size"]) -> Float[Array, "size size"]:
    """Metres of furrows, fine lines and pores, without folds."""
    relief = MICRO_DEPTH * _furrowed(age) * basis["micro"] * (1.0 + LIP_AGEING[1] * age * basis["lips"])
    found: Array = relief + (FINE_DEPTH * age**1.2) * basis["fine_lines"] - PORE_DEPTH * _furrowed(age) * pore
    return found


def resting_relief(params: SkinParams, *, size: int = 1024) -> Float[Array, "size size"]:
    """Height in metres of the skin at rest, of which `SkinMaps.bump_gradient` is the derivative: for bump mapping."""
    if size not in SIZES:
        raise OptionError(f"Skin maps come in {', '.join(map(str, SIZES))} texels, not {size}. Choose one of these")
    basis = _basis(size)
    age = float(np.clip(params.age, 0.0, 1.0))
    folds = np.float32(resting_folds(age) * fold_depth(age) * WRINKLE_DEPTH) * basis["wrinkle"]
    return (_relief(basis, age=age, pore=_pores(basis["pores"], age=age)) + folds).astype(np.float32)
