"""Wrinkles from the geometry: skin that is squeezed folds, at once; it smooths out a little later.

    activation = clip(gain * knee(tension) + residual)

`tension` is the mean compression of a region's mesh edges against this identity's own neutral face, each edge counted
by how far it lies across the region's folds (Raman et al., WACV 2023, drive wrinkle maps by mesh tension likewise).
`gain` is measured on the head itself: the facial action that makes the wrinkle, at full strength, gives `FULL`.
The residual adds what an edge cannot see, such as the cords of the neck.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.assets import asset_table
from face_emote.core.errors import HeadError
from face_emote.core.lowpass import follow
from face_emote.core.names import CONTROLS, WRINKLES
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.look.regions import wrinkle_masks

FULL = 0.9  # Activation at the reference action's full strength, so that unusual squeezes still have room.
_GENTLE = {"mouth_corner_left": 0.6, "mouth_corner_right": 0.6, "perioral": 0.6}
"""Regions that are kept shallower: around the mouth full depth would flicker with every rounded vowel."""
ATTACK_SECS = 0.02
RELEASE_SECS = 0.18
"""Time constants of folding (0-40 ms) and of smoothing out (120-250 ms); choices within those ranges."""
_KNEE = 0.15  # Compression, as a share of the reference, below which skin only begins to fold.
_ROOM = 0.6  # Activation up to which folds deepen in proportion.
_MIN_TENSION = 0.012
"""Regions whose reference action squeezes the mesh less than this are driven by the residual alone."""
_MIN_MASK = 0.25
_EDGES_PER_REGION = 40  # The edges that say most about a region are enough, and four times quicker than all of them.
_LIDS_COUNT = frozenset({"crows_feet_left", "crows_feet_right"})
"""Regions in which the moving lids themselves are part of the fold; elsewhere a blink must not wrinkle anything."""

_ACROSS = {
    "forehead_centre": (0.0, 1.0), "forehead_left": (0.0, 1.0), "forehead_right": (0.0, 1.0), "glabella": (1.0, 0.0),
    "nose_bridge": (0.2, 1.0), "crows_feet_left": (0.3, 1.0), "crows_feet_right": (-0.3, 1.0),
    "lower_lid_left": (0.0, 1.0), "lower_lid_right": (0.0, 1.0), "nasolabial_left": (0.0, 1.0),
    "nasolabial_right": (0.0, 1.0), "perioral": (1.0, 0.0), "mouth_corner_left": (1.0, 0.0),
    "mouth_corner_right": (1.0, 0.0), "chin": (0.0, 1.0), "neck_bands": (1.0, 0.0),
}  # fmt: skip
"""Direction across the folds in the frontal plane (x to the character's left, y up)."""

_PROBES_MM = {
    "nasolabial_left": (35.0, -4.0, 9.0), "nasolabial_right": (-35.0, -4.0, 9.0),
    "mouth_corner_left": (41.0, -27.0, 7.0), "mouth_corner_right": (-41.0, -27.0, 7.0), "nose_bridge": (0.0, 30.0, 6.5),
}  # fmt: skip
"""Regions whose cause is best felt beside the fold: centre x, y and radius in mm. Under the cheekbone, where a smile
squeezes and neither an opening jaw nor pressed lips do; outside the mouth corner; below the reach of the lids."""


@dataclass(frozen=True, slots=True, eq=False)
class WrinkleModel:
    """One identity's skin, ready to be asked for its folds."""

    head: Head  # Only the vertices that wrinkle.
    edges: Int[Array, "edge 2"]  # Into the vertices of `head`.
    rest_length: Float[Array, " edge"]
    weights: Float[Array, "edge wrinkle=16"]  # Each column sums to 1.
    reference: Float[Array, " wrinkle=16"]
    """Tension of each region at its reference action; infinite where geometry is not used."""


def _control_rows(table: dict[str, dict[str, float]]) -> Float[Array, "wrinkle=16 control=100"]:
    return np.array([[table.get(region, {}).get(name, 0.0) for name in CONTROLS] for region in WRINKLES])


_TABLE = asset_table("emotion/skin.toml")["wrinkles"]
RESIDUAL = _control_rows(_TABLE["residual"]).T  # What each fold has of controls directly, beside what the mesh says.


def wrinkle_model(head: Head) -> WrinkleModel:
    """Measure where and how much this head folds. HeadError: an imported head, whose regions are not known."""
    if head.layout is None:
        raise HeadError("Wrinkle regions are known on the bundled head only; this head came from another file")
    skin = head.layout.in_parts("head", "torso")
    quads = head.layout.quads[skin]
    pairs = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    # Masks and directions belong to the template's surface, lengths to the person's.
    average = _average(head)
    masks = wrinkle_masks(average * 1e3).astype(np.float64)
    for name, (x, y, radius) in _PROBES_MM.items():
        away = np.hypot(average[:, 0] * 1e3 - x, average[:, 1] * 1e3 - y)
        masks[:, WRINKLES.index(name)] = np.where(average[:, 2] > 0.03, np.exp(-0.5 * (away / radius) ** 2), 0.0)
    edge_mask = np.minimum(masks[pairs[:, 0]], masks[pairs[:, 1]])
    keep = edge_mask.max(axis=1) > _MIN_MASK
    pairs, edge_mask = pairs[keep], edge_mask[keep]
    along = average[pairs[:, 1]] - average[pairs[:, 0]]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.array([_ACROSS[name] for name in WRINKLES])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    weights = np.where(edge_mask > _MIN_MASK, edge_mask, 0.0) * (along[:, :2] @ across.T) ** 2
    lids = head.layout.mask_eyelids.astype(np.float64)
    on_lids = np.maximum(lids[pairs[:, 0]], lids[pairs[:, 1]])
    weights *= np.where(
        [name in _LIDS_COUNT for name in WRINKLES], 1.0, (1.0 - np.clip(4.0 * on_lids, 0.0, 1.0))[:, None]
    )
    least = np.sort(weights, axis=0)[-_EDGES_PER_REGION]
    weights = np.where(weights >= np.maximum(least, 1e-9), weights, 0.0)
    pairs, weights = pairs[weights.any(axis=1)], weights[weights.any(axis=1)]
    weights /= np.maximum(weights.sum(axis=0), 1e-9)
    used, local = np.unique(pairs, return_inverse=True)
    model = WrinkleModel(
        head=head.restricted_to(used),
        edges=local.reshape(pairs.shape),
        rest_length=np.linalg.norm(head.template[pairs[:, 1]] - head.template[pairs[:, 0]], axis=1),
        weights=weights.astype(np.float32),
        reference=np.ones(len(WRINKLES)),
    )
    measured = np.diagonal(tension(model, _control_rows(_TABLE["reference"]).astype(np.float32)))
    reference = np.where(measured > _MIN_TENSION, measured, np.inf)
    return WrinkleModel(model.head, model.edges, model.rest_length, model.weights, reference)


def _average(head: Head) -> Float[Array, "vertex 3"]:
    """Where this person's vertices lie on the average head (to the fraction of a millimetre that seals the lips)."""
    template = head.template.astype(np.float64)
    return template if head.betas is None else template - np.tensordot(head.betas, head.shape_basis, axes=1)


def tension(model: WrinkleModel, controls: Float[Array, "frames control=100"]) -> Float[Array, "frames wrinkle=16"]:
    """Mean compression of each region's edges, as a share of their neutral length, on frames of controls 0..1."""
    pose = pose_from_controls(controls, control_joints=model.head.control_joints)
    vertices = model.head.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)
    across = vertices.take(model.edges[:, 1], axis=1) - vertices.take(model.edges[:, 0], axis=1)
    length = np.sqrt(np.einsum("fec,fec->fe", across, across))
    shortened: Array = np.maximum(1.0 - length / model.rest_length, 0.0) @ model.weights
    return shortened.astype(np.float64)


def folding(
    model: WrinkleModel,
    controls: Float[Array, "frames control=100"],
    *,
    amount: float = 1.0,
    residual: Float[Array, "frames wrinkle=16"] | None = None,
) -> Float[Array, "frames wrinkle=16"]:
    """Activation that the controls call for, before attack and release, 0..1.

    `residual` is what is known of the folds beyond that: added to `controls @ RESIDUAL`, may be negative.
    """
    share = tension(model, controls) / model.reference
    knee = share * share / (share + _KNEE)
    full = np.array([FULL * _GENTLE.get(name, 1.0) for name in WRINKLES])
    raw = full * (1.0 + _KNEE) * knee + controls.astype(np.float64) @ RESIDUAL
    if residual is not None:
        raw = np.maximum(raw + residual, 0.0)
    return np.clip(amount * _deepest(raw), 0.0, 1.0)


def _deepest(raw: Float[Array, "frames wrinkle=16"]) -> Float[Array, "frames wrinkle=16"]:
    """Bent towards 1 beyond `_ROOM`: further muscles on one region fold it ever less, but never not at all."""
    over = np.maximum(raw - _ROOM, 0.0)
    deepest: Array = np.minimum(raw, _ROOM) + (1.0 - _ROOM) * (1.0 - np.exp(-over / (1.0 - _ROOM)))
    return deepest


def step_wrinkles(
    target: Float[Array, "steps wrinkle=16"], level: Float[Array, " wrinkle=16"] | None, *, step_hz: float
) -> tuple[Float[Array, "steps wrinkle=16"], Float[Array, " wrinkle=16"] | None]:
    """Activations after each step and the level to go on from: quick to fold, slower to smooth out."""
    if not len(target):
        return target, level
    before = target[0] if level is None else level
    return follow(target, before, on_secs=ATTACK_SECS, off_secs=RELEASE_SECS, step_hz=step_hz)
