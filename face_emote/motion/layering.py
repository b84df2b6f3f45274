"""Speech, emotion, accents and blinks in one face. The mouth has two layers: speech decides how far the lips part,
where they touch and how round they are; the feeling decides corners, upper lip, chin, stretch and the set of the jaw.

1. By ownership. Where the mouth belongs to speech, the emotion's mouth controls shrink: those that part the lips most,
   those that only bend the corners hardly, so that a feeling is seen while talking.
2. By measurement. The gap between the lips may differ from that of speech by `GAP_SHARE` (and `GAP_METRES` where it is
   small). What is beyond is taken back with the jaw; what the jaw cannot take back, first with the emotion's controls
   that part the lips, and only then with its corners.
3. At a closure nothing parts the lips, and `lipSeal` closes what is left.
4. Part of the emotion's jaw comes back as a chin that drops behind lips that stay where they are.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import asset_table
from face_emote.core.names import CONTROLS, JOINTS
from face_emote.core.rotations import rotation_matrix
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.mouth.lip_rig import lip_edges, weights_at

_INDEX = {name: i for i, name in enumerate(CONTROLS)}
JAW_OPEN, MOUTH_CLOSE = _INDEX["jawOpen"], _INDEX["mouthClose"]
_STATIONS = (-0.45, -0.2, 0.0, 0.2, 0.45)  # Where the gap is measured, as shares of the mouth's half width.
_JAW = JOINTS.index("jaw")
_JAW_CORRECTIVES = slice(9 * (_JAW - 1), 9 * _JAW)
_JAW_PROBE = 0.04
_TOLERANCE_METRES = 0.0003
_SEAL = _INDEX["lipSeal"]
_SEALED_METRES, _SEAL_FROM = 0.001, 1.5
"""A gap too much that calls for all of `lipSeal`, and the closure (its inverse) at which that counts in full."""

_YIELDS: dict[str, tuple[float, float]] = asset_table("emotion/face.toml")["yields"]
"""What each of the emotion's mouth controls gives up: where speech owns the mouth, and at a closure of the lips."""
_ROUNDING = ("mouthPucker", "mouthFunnel", "mouthPurse")
_SPREADING = ("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthDimpleLeft",
              "mouthDimpleRight", "mouthCornerPull", "mouthRetract")  # fmt: skip
_GAZE = tuple(i for name, i in _INDEX.items() if name.startswith("eyeLook"))
_BLINK = (_INDEX["eyeBlinkLeft"], _INDEX["eyeBlinkRight"])
_OPENED = tuple(_INDEX[n] for n in ("eyeWideLeft", "eyeWideRight", "eyeOpenUpLeft", "eyeOpenUpRight"))
_SQUINTED = tuple(_INDEX[n] for n in ("eyeSquintLeft", "eyeSquintRight"))
_WIDE = (_INDEX["eyeWideLeft"], _INDEX["eyeWideRight"])
_LID_DROP, _LID_LIFT = 1.0, 1.9
"""eyeBlink and eyeWide per radian of the eyeball. On the bundled head the first of eyeBlink lowers the upper lid by 52
degrees of the ball per unit, eyeWide lifts it by 14: the lid follows nine tenths of a look far down, half of one up."""
_LID_SLACK = np.radians(4.0)
"""Half of so small a look is left to the eyeball alone: glances at a viewer's mouth must not make eyes sleepy."""
_WITH_BLINK = tuple((_INDEX[n], w) for n, w in (("browDownLeft", 0.05), ("browDownRight", 0.05),
                                                ("cheekSquintLeft", 0.06), ("cheekSquintRight", 0.06)))  # fmt: skip
_NOSTRILS = (_INDEX["noseDilateLeft"], _INDEX["noseDilateRight"])


def _side_free(name: str) -> str:
    for side in ("Left", "Right"):
        if name not in _YIELDS and name.endswith(side):
            return name.removesuffix(side)
    return name


def _yield_rows() -> Float[Array, "kind=2 control=100"]:
    return np.array([_YIELDS.get(_side_free(name), (0.0, 0.0)) for name in CONTROLS]).T


_TO_SPEECH, _TO_CLOSURE = _yield_rows()
MOUTH = np.flatnonzero(_TO_CLOSURE > 0.0)  # Controls that are shared between speech and emotion.
_PARTS = (
    "mouthUpperUp", "mouthElevate", "mouthLowerDown", "mouthDepress", "mouthFunnel", "mouthPart", "mouthEvert",
    "lipsPart", "mouthUpwardRetract", "mouthRetract", "mouthProtrude",
)  # fmt: skip
_PARTING = np.array([i for i, name in enumerate(CONTROLS) if name.startswith(_PARTS)])
_BENDING = np.setdiff1d(MOUTH, [*_PARTING, JAW_OPEN, MOUTH_CLOSE, _SEAL])
"""Of these, what parts the lips, and what bends and presses them."""
GAP_SHARE, GAP_METRES = 0.08, 0.0007
"""How far an emotion may move the gap between talking lips: that share of it, and at least so much wider."""
_CHIN, _CHIN_MOST = 0.30, 0.14  # Share of the emotion's jaw that drops the chin while talking, and the most of it.


@dataclass(frozen=True, slots=True, eq=False)
class MouthGauge:
    """Measures the gap between a head's lips."""

    head: Head  # Only the edge of the lips.
    heights: Float[Array, " vertex"]  # Weights whose sum over the vertices' heights is the mean gap.
    linear: Float[Array, "column place=4"]
    """What 1, the expression and the jaw's correctives add to that sum over what stays with the skull, and to the three
    coordinates of what goes with the jaw."""
    on_jaw: float  # Sum of the weights that go with the jaw.


def mouth_gauge(head: Head) -> MouthGauge:
    """Prepare the measurement on a head. HeadError: an imported head, whose lips are not known."""
    edges = lip_edges(head)
    x = head.template[edges.upper, 0]
    places = 0.5 * float(x[0] + x[-1]) + np.array(_STATIONS) * (0.5 * float(np.ptp(x)))
    upper, lower = (
        np.stack([weights_at(place, head.template[edge, 0].astype(np.float64)) for place in places])
        for edge in (edges.upper, edges.lower)
    )
    lips = head.restricted_to(np.concatenate([edges.upper, edges.lower]))
    heights = np.concatenate([upper.mean(axis=0), -lower.mean(axis=0)])
    turned = heights * lips.skin_weights[:, _JAW]
    columns = np.concatenate([lips.template[None], lips.expression_basis, lips.pose_correctives[_JAW_CORRECTIVES]])
    still, turning = (heights - turned) @ columns[:, :, 1].T, np.einsum("cva,v->ca", columns, turned)
    return MouthGauge(lips, heights, np.column_stack([still, turning]), float(turned.sum()))


def lip_gap(gauge: MouthGauge, controls: Float[Array, "frames control=100"]) -> Float[Array, " frames"]:
    """Mean height of the opening between the inner lips, metres; negative where they are pressed.

    Where nothing seals the lips it is a sum of the coefficients, of which a part turns with the jaw.
    """
    pose = pose_from_controls(controls, control_joints=gauge.head.control_joints)
    turn = rotation_matrix(pose.jaw_pose.astype(np.float64))
    bent = (turn - np.eye(3)).reshape(len(turn), -1)
    still, *turning = (np.concatenate([np.ones((len(turn), 1)), pose.expression, bent], axis=1) @ gauge.linear).T
    joint = gauge.head.moved_joints(pose.expression)[:, _JAW]
    gap: Array = still + gauge.on_jaw * joint[:, 1]
    for axis in range(3):
        gap += turn[:, 1, axis] * (turning[axis] - gauge.on_jaw * joint[:, axis])
    sealed = np.flatnonzero(pose.expression[:, _SEAL] > 0.0)
    if len(sealed):
        vertices = gauge.head.pose_vertices(expression=pose.expression[sealed], jaw_pose=pose.jaw_pose[sealed])
        gap[sealed] = vertices[:, :, 1].astype(np.float64) @ gauge.heights
    return gap


def layered(
    lips: Float[Array, "frames control=100"],
    *,
    emotion: Float[Array, "frames control=100"],
    accents: Float[Array, "frames control=100"],
    ownership: Float[Array, " frames"],
    closure: Float[Array, " frames"],
    blink: Float[Array, " frames"],
    inhaled: Float[Array, " frames"],
    gauge: MouthGauge | None = None,
) -> Float[Array, "frames control=100"]:
    """All layers in one, 0..1, float32.

    `ownership` says how much the mouth belongs to speech, `closure` how much the lips have to touch, `blink` how closed
    the lids are, `inhaled` how full the breath is, each 0..1. Without `gauge`, which keeps the lips' gap, step 2 is
    left out.
    """
    felt = emotion.astype(np.float64)
    felt[:, _GAZE] = 0.0
    owned = np.maximum(ownership, closure)
    chin = np.minimum(_CHIN * felt[:, JAW_OPEN], _CHIN_MOST) * owned * (1.0 - 0.5 * closure)
    share = 1.0 - (1.0 - _TO_SPEECH * ownership[:, None]) * (1.0 - _TO_CLOSURE * closure[:, None])
    felt *= 1.0 - share
    rounding = np.clip(sum(lips[:, _INDEX[name]] for name in _ROUNDING), 0.0, 1.0)
    felt[:, [_INDEX[name] for name in _SPREADING]] *= (1.0 - 0.45 * rounding * ownership)[:, None]
    base = lips.astype(np.float64)
    whole = _together(base, felt)
    if gauge is not None:
        whole = _guarded(base, felt, whole=whole, ownership=owned, closure=closure, gauge=gauge)
    whole[:, [JAW_OPEN, MOUTH_CLOSE]] += chin[:, None]
    whole = _with_eyes(_together(whole, accents.astype(np.float64)), blink=blink)
    whole[:, _NOSTRILS] += 0.25 * np.clip(inhaled - 0.3, 0.0, 1.0)[:, None]
    whole[:, MOUTH_CLOSE] = np.minimum(whole[:, MOUTH_CLOSE], whole[:, JAW_OPEN])
    layers: Array = np.clip(whole, 0.0, 1.0).astype(np.float32)
    return layers


def _together(a: Array, b: Array) -> Array:
    """Two wishes for one control: their sum where both are small, never above 1."""
    either: Array = a + b - np.clip(a, 0.0, 1.0) * np.clip(b, 0.0, 1.0)
    return either


def _guarded(base: Array, felt: Array, *, whole: Array, ownership: Array, closure: Array, gauge: MouthGauge) -> Array:
    """`whole` with the lips about as far apart as speech alone has them, to the degree that speech owns the mouth."""
    changed = np.flatnonzero((felt[:, MOUTH].max(axis=1) > 1e-4) & (ownership > 1e-3))
    if not len(changed):
        return whole
    whole = whole.copy()
    base, own, shut = base[changed], ownership[changed], closure[changed]
    spoken = _gap(gauge, base)
    mixed = whole[changed]
    gap = _gap(gauge, mixed)
    wanted = spoken + (1.0 - own) * (gap - spoken) + own * _allowed(gap - spoken, spoken=spoken, closure=shut)
    mixed = _jaw_to(mixed, gap, wanted=wanted, gauge=gauge)
    gap = _gap(gauge, mixed)
    # The jaw cannot close beyond its rest: then the emotion itself gives way, by the share that is too much.
    for columns in (_PARTING, _BENDING):
        over = gap - wanted - _TOLERANCE_METRES
        if not (over > 0.0).any():
            break
        less = mixed.copy()
        less[:, columns] = np.minimum(mixed[:, columns], np.maximum(base[:, columns], 0.0))
        share = np.clip(over / np.maximum(gap - _gap(gauge, less), 1e-6), 0.0, 1.0)[:, None]
        mixed[:, columns] += share * (less[:, columns] - mixed[:, columns])
        gap = _gap(gauge, mixed)
    open_still = np.clip((gap - wanted - _TOLERANCE_METRES) / _SEALED_METRES, 0.0, 1.0)
    seal = open_still * np.clip(_SEAL_FROM * shut, 0.0, 1.0)
    mixed[:, _SEAL] = np.maximum(mixed[:, _SEAL], seal)
    whole[changed] = mixed
    return whole


def _allowed(change: Array, *, spoken: Array, closure: Array) -> Array:
    """How much of a change of the gap may stay: none at a closure."""
    share = GAP_SHARE * np.maximum(spoken, 0.0)
    wider = (1.0 - np.clip(2.0 * closure, 0.0, 1.0)) * np.maximum(share, GAP_METRES)
    allowed: Array = np.clip(change, -np.minimum(share, wider), wider)
    return allowed


def _gap(gauge: MouthGauge, controls: Array) -> Array:
    return lip_gap(gauge, controls.astype(np.float32))


def _jaw_to(mixed: Array, gap: Array, *, wanted: Array, gauge: MouthGauge) -> Array:
    """The jaw turned until the gap is the wanted one (two secant steps; the gap is nearly linear in the jaw)."""
    probe = mixed.copy()
    probe[:, JAW_OPEN] += _JAW_PROBE
    slope = np.maximum((_gap(gauge, probe) - gap) / _JAW_PROBE, 1e-3)
    mixed = mixed.copy()
    closing = np.minimum(mixed[:, MOUTH_CLOSE], mixed[:, JAW_OPEN])
    for step in range(2):
        if step:
            gap = _gap(gauge, mixed)
        mixed[:, JAW_OPEN] = np.clip(mixed[:, JAW_OPEN] + (wanted - gap) / slope, closing, 1.0)
    return mixed


def lids_follow(
    controls: Float[Array, "frames control=100"], *, eye_pitch: Float[Array, "frames eye=2"]
) -> Float[Array, "frames control=100"]:
    """The upper lids ride on the eyeballs, as the levator does with the superior rectus; without it looks stare.

    `eye_pitch` is of left and right eye against the head, radians, positive down.
    """
    controls = controls.copy()
    ridden = eye_pitch * np.abs(eye_pitch) / (np.abs(eye_pitch) + _LID_SLACK)
    for side in range(2):
        blink, wide = _BLINK[side], _WIDE[side]
        drop = np.clip(_LID_DROP * ridden[:, side], 0.0, 0.5)
        lift = np.clip(-_LID_LIFT * ridden[:, side], 0.0, 0.5) * (1.0 - controls[:, blink])
        controls[:, wide] = _together(controls[:, wide], lift) * (1.0 - drop)
        controls[:, blink] = _together(controls[:, blink], drop)
    return controls


def _with_eyes(controls: Array, *, blink: Array) -> Array:
    """Lids closed by the blink over whatever the emotion does to them, with the slight pull of brow and cheek."""
    for column in _BLINK:
        controls[:, column] = _together(controls[:, column], blink)
    controls[:, _OPENED] *= (1.0 - blink)[:, None]
    controls[:, _SQUINTED] *= (1.0 - 0.6 * blink)[:, None]
    for column, weight in _WITH_BLINK:
        controls[:, column] = _together(controls[:, column], weight * blink)
    return controls
