"""The 100 expression columns, in the order of `names.CONTROLS`."""

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import ARKIT_52, CONTROLS
from tools.build_head.anatomy import followers, reshaped
from tools.build_head.cut import Mesh
from tools.build_head.makehuman import MakeHuman
from tools.build_head.rigging import FLIP, JAW, Rig, before_skinning, turn

METRES = 0.1
UNITS_FOLDER = Path("mpfb2/targets/expression/units/caucasian")
EXTRA_UNITS = {
    "noseDilateLeft": "nose-left-dilatation",
    "noseDilateRight": "nose-right-dilatation",
    "noseCompress": "nose-compression",
    "noseDepress": "nose-depression",
    "neckPlatysma": "neck-platysma",
    "mouthPurse": "mouth-pursing",
    "mouthProtrude": "mouth-protusion",
    "mouthEvert": "mouth-eversion",
    "mouthPart": "mouth-parling",
    "mouthPartLater": "mouth-part-later",
    "mouthCompress": "mouth-compression",
    "mouthRetract": "mouth-retraction",
    "mouthDepressRetract": "mouth-depression-retraction",
    "mouthUpwardRetract": "mouth-upward-retraction",
    "mouthCornerPull": "mouth-corner-puller",
    "mouthElevate": "mouth-elevation",
    "mouthDepress": "mouth-depression",
    "innerBrowRaiseLeft": "eyebrows-left-inner-up",
    "innerBrowRaiseRight": "eyebrows-right-inner-up",
    "noseElevateLeft": "nose-left-elevation",
    "noseElevateRight": "nose-right-elevation",
    "eyeOpenUpLeft": "eye-left-opened-up",
    "eyeOpenUpRight": "eye-right-opened-up",
}
HALVED = ("browInnerUp", "cheekPuff", "mouthPucker", "mouthFunnel", "mouthRollLower", "mouthRollUpper")
SPLIT_WIDTH = 0.006
"""Metres over which a left half fades out across x = 0."""
LINING_NEAR, LINING_FAR = 0.003, 0.009
"""The lining of the lids moves with the lid's skin up to the first distance from it, freely from the second on."""


def opposite(control: str) -> str:
    """The same control of the other side."""
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if control.endswith(side):
            return control.removesuffix(side) + other
    return control


def read_units(
    data: MakeHuman, *, source: Int[Array, " vertex"], mirror: Int[Array, " vertex"]
) -> tuple[Float[Array, "unit=52 vertex 3"], Float[Array, "extra vertex 3"]]:
    """ARKit units and EXTRA_UNITS in metres, made exactly mirror symmetric (the two sides differ by rounding)."""
    faceunits = Path("faceunits01/targets/faceunits")
    arkit = {name: data.target(faceunits / f"{name}.target")[source] * METRES for name in ARKIT_52}
    extra = {name: data.target(UNITS_FOLDER / f"{file}.target")[source] * METRES for name, file in EXTRA_UNITS.items()}

    def even(units: dict[str, Array]) -> Float[Array, "unit vertex 3"]:
        return np.stack([0.5 * (unit + units[opposite(name)][mirror] * FLIP) for name, unit in units.items()])

    return even(arkit), even(extra)


def follow_lids(
    units: Float[Array, "unit vertex 3"], *, mesh: Mesh, vertices: Float[Array, "vertex 3"]
) -> Float[Array, "unit vertex 3"]:
    """Let the lining behind the lids follow their skin: as authored, it comes through a squinting lower lid."""
    skin = mesh.vertices_of("head")
    sockets = np.setdiff1d(mesh.vertices_of("socketL", "socketR"), skin)
    distance, near = cKDTree(vertices[skin]).query(vertices[sockets], 4)
    share = 1.0 / (distance + 1e-4) ** 2
    share /= share.sum(axis=1, keepdims=True)
    carried = (units[:, skin[near]] * share[None, :, :, None]).sum(axis=2)
    bound = np.clip((LINING_FAR - distance[:, 0]) / (LINING_FAR - LINING_NEAR), 0.0, 1.0)[:, None]
    followed = units.copy()
    followed[:, sockets] += bound * (carried - units[:, sockets])
    return followed


def expression_columns(
    *,
    arkit: Float[Array, "unit=52 vertex 3"],
    extra: Float[Array, "extra vertex 3"],
    mesh: Mesh,
    mean: Float[Array, "vertex 3"],
    rig: Rig,
) -> Float[Array, "control=100 vertex 3"]:
    """Columns of all controls; those that turn joints, lipSeal and lipsPart stay zero here.

    mouthClose is taken back through the open jaw's skinning, so that jawOpen 1 + mouthClose 1 is exact.
    """
    columns = np.zeros((len(CONTROLS), *mean.shape))
    turning = {item.control: item.angle for item in rig.controls}
    jaw = rig.skin_weights[:, JAW]
    for name, unit in zip(ARKIT_52, arkit, strict=True):
        if name not in turning:
            columns[CONTROLS.index(name)] = reshaped(unit, control=name, mesh=mesh, mean=mean, jaw=jaw)
    close = CONTROLS.index("mouthClose")
    open_jaw = turn(0, turning["jawOpen"])
    columns[close] = before_skinning(columns[close], weight=jaw, rotation=open_jaw)
    for name, unit in zip(EXTRA_UNITS, extra, strict=True):
        columns[CONTROLS.index(name)] = unit
    for name, column in followers(mesh, mean).items():
        columns[CONTROLS.index(name)] = column
    left = 1.0 / (1.0 + np.exp(-mean[:, :1] / SPLIT_WIDTH))
    for name in HALVED:
        columns[CONTROLS.index(f"{name}Left")] = arkit[ARKIT_52.index(name)] * left
    return columns


def neck_ramp(data: MakeHuman, *, source: Int[Array, " vertex"]) -> Float[Array, " vertex"]:
    """Share of the neck joint (against the root) from MakeHuman's rig: full on the head, fading down the neck bones."""
    bones = data.json("mpfb2/rigs/standard/rig.default.json")
    weights = data.json("mpfb2/rigs/standard/weights.default.json")["weights"]
    own = np.full(data.num_vertices, -1)
    own[source] = np.arange(len(source))
    part, total = np.zeros(len(source)), np.zeros(len(source))
    for bone, entries in weights.items():
        if not entries:
            continue
        table = np.array(entries)
        index = own[table[:, 0].astype(np.int64)]
        kept = index >= 0
        np.add.at(part, index[kept], table[kept, 1] * _neck_share(bone, bones))
        np.add.at(total, index[kept], table[kept, 1])
    return np.where(total < 1e-6, 1.0, part / np.maximum(total, 1e-9))


def _neck_share(bone: str, bones: dict[str, dict[str, str]]) -> float:
    known = {"neck03": 0.8, "neck02": 0.5, "neck01": 0.15}
    above: str | None = bone
    while above:
        if above == "head":
            return 1.0
        above = bones[above].get("parent")
    return known.get(bone, 0.0)
