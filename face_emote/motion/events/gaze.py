"""Gaze: where the eyes look, and the rotations of the two eyeballs that look there.

The score is a list of saccades between fixations, in world directions about the viewer, who is the camera: short
glances between the viewer's eyes and mouth, aversions while thinking (pauses, the start of a new thought) or out of
shyness, now and then a look aside in a long silence, and microsaccades. Rotations are then solved per frame from the
posed eyes, so that the eyes counter-rotate head motion (vestibulo-ocular reflex) and converge on the target by
construction.

Saccades last 21 ms + 2.2 ms per degree (Carpenter 1988); their peak speed is 1.65 times the mean (main sequence).
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.rotations import axis_angle, rotation_matrix
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.curves import smooth_noise

_EYES = slice(3, 5)
_HEAD_FOLLOWS = 0.35  # Share of a large shift that the head takes over.
_HEAD_THRESHOLD = np.radians(5.0)
HEAD_DELAY_SECS = 0.055  # The head starts so long after the eyes, which turn back against it while it comes.
_MAX_YAW, _MAX_PITCH = np.radians(24.0), np.radians(15.0)
"""Comfortable range of an eye in its socket; larger angles are approached but never passed."""
_FACE_POINTS = np.radians([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0]])
"""The viewer's eyes and mouth, between which glances travel; less than a face 1 m away subtends (1.9 degrees from the
bridge to an eye), for a lens that is looked past reads as a look past the viewer."""
_NEXT_POINT = ((0.0, 0.82, 0.18), (0.82, 0.0, 0.18), (0.5, 0.5, 0.0))
_AVERTED = 0.55
"""Share of the time for which the shyest look away: even they look back, or nobody would know they are spoken to."""
_STAYS_AVERTED = 0.6
"""How far a shy look outlasts chance, 0..1: eyes that left and came back with every fixation would flicker."""
_PULL_ON_VIEWER = 0.2  # What is left of the emotion's pull on the eyes while they are on the viewer.
_LONG_SILENCE_SECS = 4.0
_KEPT_BY_WORDS = 0.5  # Share of the looks aside that a listener leaves out.
_TREMBLE = np.radians(0.06)  # Standard deviation of the slow drift within a fixation.


@dataclass(frozen=True, slots=True)
class GazeScore:
    """Every saccade of the clip, in order, none overlapping."""

    start: Float[Array, " saccade"]
    duration: Float[Array, " saccade"]
    target: Float[Array, "saccade 2"]
    """Yaw (to the character's left) and pitch (down) from the direction to the viewer, radians."""
    origin: Float[Array, " 2"]  # Direction before the first saccade.
    key: int  # Names the drift noise.

    @property
    def sizes(self) -> Float[Array, " saccade"]:
        """Angle of each saccade, radians."""
        if not len(self.start):
            return np.zeros(0)
        size: Array = np.hypot(*np.diff(np.concatenate([self.origin[None], self.target]), axis=0).T)
        return size


def gaze_score(
    cues: SpeechCues,
    *,
    pitch: Float[Array, " grid"],
    avert: Float[Array, " grid"],
    restless: Float[Array, " grid"],
    grid_hz: float,
    amount: float,
    rng: np.random.Generator,
    attending: Float[Array, "span 2"] | None = None,
) -> GazeScore:
    """Decide where the character looks throughout the clip.

    `pitch` is where the emotion draws the eyes, radians, positive down, `avert` how much it avoids the viewer, 0..1,
    and `restless` its factor on how often the eyes move, `grid_hz` values a second each; `amount` 0 keeps them on the
    viewer. While `attending` to somebody's words the eyes leave them less often.
    """
    windows = _aversions(cues, rng) if amount > 0.0 else []
    if attending is not None:
        begins, ends = attending.T
        windows = [w for w in windows if rng.random() > _KEPT_BY_WORDS or not ((begins < w[0]) & (w[0] < ends)).any()]
    last = len(pitch) - 1
    origin = first_look(float(pitch[0]), amount=amount)
    start: list[float] = []
    target: list[Array] = []
    time, window = float(rng.uniform(0.15, 0.5)), 0
    look = Look(origin, anchor=None, shy=None, point=int(rng.integers(2)))
    while time < cues.duration_secs:
        while window < len(windows) and windows[window][1] <= time:
            window += 1
        now = min(int(time * grid_hz), last)
        look = next_look(
            look,
            away=windows[window][2] if window < len(windows) and windows[window][0] <= time else None,
            pitch=float(pitch[now]),
            avert=float(avert[now]),
            amount=amount,
            is_first=not target,
            rng=rng,
        )
        start.append(time)
        target.append(look.place)
        edge = next((t for pair in windows[window : window + 2] for t in pair[:2] if t > time + 0.2), np.inf)
        time = min(time + fixation_secs(float(restless[now]), rng=rng), edge)
    return _timed(np.array(start), np.array(target).reshape(-1, 2), origin=origin, key=int(rng.integers(2**62)))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Where the eyes rest, and what brought them there."""

    place: Float[Array, " 2"]  # Yaw and pitch from the direction to the viewer, radians.
    anchor: Float[Array, " 2"] | None  # Where they have turned away to; None while on the viewer.
    shy: Float[Array, " 2"] | None  # The same, if it is out of shyness.
    point: int  # Which of the viewer's eyes, or mouth.


def first_look(pitch: float, *, amount: float) -> Float[Array, " 2"]:
    """Where a clip begins: at the viewer, drawn a little where the emotion draws."""
    return np.array([0.0, _PULL_ON_VIEWER * pitch]) * min(amount, 1.0)


def next_look(
    look: Look,
    *,
    away: Float[Array, " 2"] | None,
    pitch: float,
    avert: float,
    amount: float,
    is_first: bool,
    rng: np.random.Generator,
) -> Look:
    """Where the next saccade goes.

    `away` is where thought draws the eyes now; `pitch`, `avert` and `amount` are as for `gaze_score`.
    """
    drawn = np.array([0.0, pitch]) * min(amount, 1.5)
    shy, point = look.shy, look.point
    if away is None and amount > 0.0:
        away = shy = _shy_glance(shy, avert=avert, rng=rng)
    returns = look.anchor is not None and away is None
    wander = rng.normal(0.0, 1.0, 2)
    if away is not None:
        place = drawn + amount * away + np.radians(0.8) * wander * (look.anchor is away)
    elif not returns and not is_first and rng.random() < 0.45:
        place = look.place + np.radians(0.18) * min(amount, 1.0) * wander
    else:
        point = int(rng.choice(3, p=_NEXT_POINT[point]))
        spot = _FACE_POINTS[point] + np.radians(0.15) * rng.normal(0.0, 1.0, 2)
        place = _PULL_ON_VIEWER * drawn + min(amount, 1.0) * spot
    return Look(place, anchor=away, shy=shy, point=point)


def fixation_secs(restless: float, *, rng: np.random.Generator) -> float:
    """How long the eyes stay; `restless` is the emotion's factor on how often they move."""
    wait = np.exp(rng.normal(np.log(0.62), 0.5)) / max(restless, 0.2)
    return float(np.clip(wait, 0.22, 2.5))


def thinking_look(*, size: float, rng: np.random.Generator) -> Float[Array, " 2"]:
    """Where one looks who thinks: aside and mostly up; straight up or down is rare. `size` is in degrees."""
    side = rng.choice((-1.0, 1.0))
    angle = rng.choice((rng.uniform(-0.75, -0.1), rng.uniform(0.1, 0.6)), p=(0.6, 0.4))
    reach = np.radians(size * rng.uniform(0.7, 1.3))
    look: Array = reach * np.array([side * np.cos(angle), np.sin(angle)])
    return look


def saccade_secs(angle: Float[Array, " saccade"]) -> Float[Array, " saccade"]:
    """Duration of saccades of these angles in radians."""
    secs: Array = 0.021 + 0.0022 * np.degrees(angle)
    return secs


def _timed(start: Array, target: Array, *, origin: Array, key: int) -> GazeScore:
    score = GazeScore(start, np.zeros(len(start)), target, origin, key)
    return GazeScore(start, saccade_secs(score.sizes), target, origin, key)


def _shy_glance(before: Array | None, *, avert: float, rng: np.random.Generator) -> Array | None:
    """Where one looks who avoids the viewer: aside and rather down, for a while. None: at the viewer after all.

    A chain of two states that is away for `_AVERTED * avert` of its fixations.
    """
    share = _AVERTED * avert
    stays = 0.0 if before is None else _STAYS_AVERTED
    if rng.random() >= stays + (1.0 - _STAYS_AVERTED) * share:
        return None
    if before is not None:
        return before
    return np.radians([rng.choice((-1.0, 1.0)) * rng.uniform(4.0, 10.0), rng.uniform(0.0, 6.0)])


def _aversions(cues: SpeechCues, rng: np.random.Generator) -> list[tuple[float, float, Array]]:
    """Start, end and direction of the times when the eyes leave the viewer, in order."""
    found: list[tuple[float, float, Array]] = []

    def add(start: float, end: float, *, size: float) -> None:
        found.append((start, end, thinking_look(size=size, rng=rng)))

    def idle(start: float, end: float) -> None:
        """A listener's eyes wander off too, though seldom."""
        time = start + rng.uniform(2.0, 4.5)
        while end - start > _LONG_SILENCE_SECS and time < end - 1.0:
            add(time, time + rng.uniform(0.5, 1.2), size=8.0)
            time += rng.uniform(4.5, 9.0)

    for i, (start, end) in enumerate(cues.phrases):
        gap = start - (cues.phrases[i - 1, 1] if i else 0.0)
        idle(start - gap, start - 1.5)
        if i and gap > 0.35 and rng.random() < 0.6:
            add(max(start - gap + rng.uniform(0.05, 0.2), start - 1.4), start + rng.uniform(0.1, 0.5), size=9.0)
        elif rng.random() < 0.25:
            add(start + rng.uniform(0.0, 0.15), start + rng.uniform(0.5, 0.9), size=7.0)
        time = start + rng.uniform(2.5, 5.0)
        while time < end - 1.2:
            add(time, time + rng.uniform(0.45, 1.0), size=7.5)
            time += rng.uniform(3.0, 6.5)
    idle(float(cues.phrases[-1, 1]) if len(cues.phrases) else 0.0, cues.duration_secs)
    spaced: list[tuple[float, float, Array]] = []
    for window in found:
        if not spaced or window[0] > spaced[-1][1] + 0.8:
            spaced.append(window)
    return spaced


def gaze_direction(score: GazeScore, times: Float[Array, " frames"]) -> Float[Array, "frames 2"]:
    """Yaw and pitch from the direction to the viewer, radians."""
    still = np.stack([smooth_noise(times, rate_hz=3.0, key=score.key + i) for i in range(2)], axis=-1) * _TREMBLE
    if not len(score.start):
        direction: Array = still + score.origin
        return direction
    last = np.searchsorted(score.start, times, side="right") - 1
    path = np.concatenate([score.origin[None], score.target])
    u = np.clip((times - score.start[np.maximum(last, 0)]) / score.duration[np.maximum(last, 0)], 0.0, 1.0)
    # Peak over mean speed: pi/2 for a cosine step, 15/8 for a quintic; this mix has the main sequence's 1.65.
    step = 0.75 * 0.5 * (1.0 - np.cos(np.pi * u)) + 0.25 * u**3 * (u * (6.0 * u - 15.0) + 10.0)
    share = np.where(last >= 0, step, 0.0)[:, None]
    before, after = path[np.maximum(last, 0)], path[np.maximum(last, 0) + 1]
    direction = before + share * (after - before) + still
    return direction


def head_follow(score: GazeScore) -> tuple[Float[Array, " saccade"], Float[Array, "saccade 2"]]:
    """When the head starts after the eyes, and the yaw and pitch it goes to: its share of what exceeds a threshold."""
    return score.start + HEAD_DELAY_SECS, followed(score.target)


def followed(target: Float[Array, "saccade 2"]) -> Float[Array, "saccade 2"]:
    """The part of each look that the head takes over."""
    reach = np.hypot(*target.T) if len(target) else np.zeros(0)
    share = _HEAD_FOLLOWS * np.clip(1.0 - _HEAD_THRESHOLD / np.maximum(reach, 1e-9), 0.0, 1.0)
    seen: Array = target * share[:, None]
    return seen


def eye_rotations(
    direction: Float[Array, "frames 2"],
    *,
    joints: Float[Array, "joint=5 3"],
    neck_pose: Float[Array, "frames 3"],
    global_pose: Float[Array, "frames 3"],
    translation: Float[Array, "frames 3"],
    viewer: Float[Array, "... 3"],
) -> Float[Array, "frames eye=2 3"]:
    """Rotations that point both eyes at one spot in the world, whatever the head does; axis-angle, radians.

    `direction` is seen from between the resting eyes, as yaw and pitch from the one to the viewer, who is that far
    from there, metres.

    A pair of eyes at zero pose looks along +Z. Rotations have no roll (Listing's law).
    """
    far = np.linalg.norm(viewer, axis=-1, keepdims=True)
    yaw = direction[:, 0] + np.arctan2(viewer[..., 0], viewer[..., 2])
    pitch = direction[:, 1] - np.arcsin(viewer[..., 1] / far[..., 0])
    aim = np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=-1)
    spot = joints[_EYES].mean(axis=0) + far * aim
    body = rotation_matrix(global_pose.astype(np.float64))
    head = rotation_matrix(neck_pose.astype(np.float64))
    on_neck = np.einsum("fab,eb->fea", head, joints[_EYES] - joints[1]) + joints[1] - joints[0]
    eyes = np.einsum("fab,feb->fea", body, on_neck) + joints[0] + translation[:, None].astype(np.float64)
    away = np.einsum("fba,feb->fea", body @ head, spot[:, None] - eyes)
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    return _listing(_within(np.arctan2(away[..., 0], away[..., 2]), _MAX_YAW),
                    _within(np.arcsin(-away[..., 1]), _MAX_PITCH))  # fmt: skip


def turned_head(neck_pose: Float[Array, "frames 3"], turn: Float[Array, "frames 2"]) -> Float[Array, "frames 3"]:
    """The head's own motion, turned by a yaw and a pitch."""
    yaw, pitch = np.zeros_like(neck_pose), np.zeros_like(neck_pose)
    yaw[:, 1], pitch[:, 0] = turn[:, 0], -turn[:, 1]
    return axis_angle(rotation_matrix(yaw) @ rotation_matrix(pitch) @ rotation_matrix(neck_pose.astype(np.float64)))


def _within(angle: Array, limit: float) -> Array:
    """Unchanged up to 70 % of the limit, then bent so that the limit is never reached."""
    knee = 0.7 * limit
    over = np.abs(angle) - knee
    bent = knee + (limit - knee) * np.tanh(np.maximum(over, 0.0) / (limit - knee))
    return np.where(over > 0.0, np.sign(angle) * bent, angle)


def _listing(yaw: Array, pitch: Array) -> Float[Array, "frames eye=2 3"]:
    """The smallest rotation from +Z to the direction of a yaw and a pitch."""
    x, y, z = np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)
    sine = np.hypot(x, y)
    scale = np.where(sine > 1e-9, np.arctan2(sine, z) / np.maximum(sine, 1e-9), 1.0)
    return np.stack([-y * scale, x * scale, np.zeros_like(x)], axis=-1)
