"""How the head moves: nods on stressed syllables, a posture per phrase, slow drift, and less of all in silence.

Rotations are small, so the parts add up as axis-angle vectors: x nods (positive looks down), y turns (positive to the
character's left), z tilts (positive raises the left ear's side). Sizes are a few degrees: talking heads are disliked
for moving too much far more often than for moving too little.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.curves import drift, eased_steps, octaves, pulse, reaching

LIMIT = np.radians(np.array([11.0, 13.0, 8.0]))  # Nod, turn and tilt never pass these, whatever adds up.
_NOD = np.radians(2.0)  # Depth of the strongest nod.
_POSTURE = np.radians(np.array([1.3, 1.0, 0.9]))
_DRIFT = np.radians(np.array([0.9, 0.6, 0.45]))  # Standard deviations are about a third of these while speaking.
_STIR = np.radians(np.array([1.25, 0.22, 0.33]))
"""Standard deviations of what a talker's head does besides nodding, as much power in every octave up to 2.4 Hz. All
sizes are fitted to twelve tracked readers, performed from their own recordings: `bench.liveliness`."""
_STIR_HZ = 0.5
_SILENT_SHARE = 0.8  # Drift in silence relative to speech, where it comes on top of nods.
_LISTENING = 0.55  # Postures in a long silence relative to those of speech: nobody keeps as still as a photograph.
_STEP_SECS = 0.85
_LONGEST_SECS = 1.2


@dataclass(frozen=True, slots=True)
class HeadScore:
    """Every gesture of the head; seconds and radians, each list in order."""

    beat_start: Float[Array, " beat"]
    beat_attack: Float[Array, " beat"]
    beat_release: Float[Array, " beat"]
    beat: Float[Array, "beat 3"]  # Rotation at the gesture's apex.
    posture_start: Float[Array, " posture"]
    posture: Float[Array, "posture 3"]
    follow_start: Float[Array, " saccade"]
    follow: Float[Array, "saccade 2"]  # Yaw and pitch with which the head follows the eyes.
    key: int  # Names the drift noise.


def head_score(
    cues: SpeechCues,
    *,
    follow_start: Float[Array, " saccade"],
    follow: Float[Array, "saccade 2"],
    rng: np.random.Generator,
) -> HeadScore:
    """Decide the head's gestures throughout the clip; `follow` comes from `gaze.head_follow`."""
    start, attack, release, beat = _beats(cues, rng)
    posture_start, posture = _postures(cues, rng)
    moved = np.ones(len(follow), bool)
    if len(follow):
        moved[1:] = np.any(follow[1:] != follow[:-1], axis=1)
    return HeadScore(
        beat_start=start,
        beat_attack=attack,
        beat_release=release,
        beat=beat,
        posture_start=posture_start,
        posture=posture,
        follow_start=follow_start[moved],
        follow=follow[moved],
        key=int(rng.integers(2**62)),
    )


def _beats(cues: SpeechCues, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Nods that reach their apex on the accented vowel; a few go up, aside or into a tilt instead.

    Strong accents nearly always carry one, weak ones rarely.
    """
    rows = []
    for time, strength in zip(cues.accent_secs, cues.accent_strength, strict=True):
        beat = beat_on(float(strength), rng=rng)
        if beat is not None:
            rows.append((time + beat.slip_secs - beat.attack_secs, beat.attack_secs, beat.release_secs, *beat.turn))
    for (_, end), rise in zip(cues.phrases, cues.rising, strict=True):
        side = rng.choice((-1.0, 1.0))
        if rise > 0.3:  # a question lifts and tilts the head and holds it for the answer
            rows.append((end - 0.4, 0.35, 0.8, -0.8 * _NOD * rise, 0.0, 0.6 * side * _NOD * rise))
    table = np.array(sorted(rows), np.float64).reshape(-1, 6)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3:]


@dataclass(frozen=True, slots=True)
class Beat:
    """One gesture of the head."""

    attack_secs: float
    release_secs: float
    slip_secs: float  # How much later than the accent its apex comes.
    turn: tuple[float, float, float]  # Rotation at the apex, radians.


def beat_on(strength: float, *, rng: np.random.Generator) -> Beat | None:
    """The gesture that an accent of this strength, 0..1, brings; None: none."""
    chance, size, kind = rng.random(), rng.uniform(0.6, 1.15), rng.random()
    attack, release = rng.uniform(0.16, 0.24), rng.uniform(0.34, 0.5)
    side, slip = rng.choice((-1.0, 1.0)), rng.normal(0.0, 0.025)
    if chance > 0.2 + 0.85 * strength:
        return None
    depth = _NOD * (0.3 + 0.7 * strength) * size
    if kind < 0.68:
        turn = (depth, 0.15 * side * depth, 0.0)
    elif kind < 0.82:
        turn = (-0.7 * depth, 0.0, 0.15 * side * depth)
    elif kind < 0.92:
        turn = (0.3 * depth, 0.8 * side * depth, 0.0)
    else:
        turn = (0.35 * depth, 0.0, 0.7 * side * depth)
    return Beat(attack, release, slip, turn)


def new_posture(*, rng: np.random.Generator, listening: bool) -> Float[Array, " 3"]:
    """Where the head settles next, radians."""
    share = _LISTENING if listening else 1.0
    posture: Array = share * _POSTURE * np.clip(rng.normal(0.0, 0.75, 3), -1.6, 1.6)
    return posture


def _postures(cues: SpeechCues, rng: np.random.Generator) -> tuple[Array, Array]:
    """A new posture about every phrase, and within long ones; in silence back to the middle, then small ones."""
    starts: list[float] = []
    places: list[Array] = []

    def settle(time: float, place: Array) -> None:
        if not starts or time - starts[-1] > 0.6:
            starts.append(time)
            places.append(place)

    def listen(time: float, until: float) -> None:
        time += rng.uniform(0.8, 2.0)
        while time < until - 1.2:
            settle(time, new_posture(rng=rng, listening=True))
            time += rng.uniform(2.0, 4.5)

    listen(0.0, float(cues.phrases[0, 0]) if len(cues.phrases) else cues.duration_secs)
    for i, (start, end) in enumerate(cues.phrases):
        time = start - 0.15
        while time < end - 0.5:
            settle(time, new_posture(rng=rng, listening=False))
            time += rng.uniform(2.2, 4.5)
        until = float(cues.phrases[i + 1, 0]) if i + 1 < len(cues.phrases) else cues.duration_secs
        if until - end > 0.9:
            settle(end + 0.25, 0.3 * places[-1] if places else np.zeros(3))
            listen(end + 1.0, until)
    return np.array(starts), np.array(places).reshape(-1, 3)


def head_rotation(
    score: HeadScore,
    times: Float[Array, " frames"],
    *,
    activity: Float[Array, " frames"],
    energy: Float[Array, " frames"],
    tendency: Float[Array, "frames 3"],
    amount: float,
) -> Float[Array, "frames 3"]:
    """Rotation of the neck joint, radians.

    `activity` is 1 while speaking, `energy` the emotion's factor on how lively motion is, about 1, and `tendency` where
    it holds the head, radians; `amount` scales everything.
    """
    here = reaching(score.beat_start, times=times, longest_secs=_LONGEST_SECS)
    shape = pulse(
        times,
        start=score.beat_start[here],
        attack=score.beat_attack[here],
        hold=np.full(here.stop - here.start, 0.02),
        release=score.beat_release[here],
    )
    lively = energy * (_SILENT_SHARE + (1.0 - _SILENT_SHARE) * activity)
    rotation = energy[:, None] * (shape.T @ score.beat[here])
    rotation += energy[:, None] * eased_steps(
        times, start=score.posture_start, values=score.posture, duration_secs=_STEP_SECS
    )
    rotation += lively[:, None] * drift(times, key=score.key, channels=3) * _DRIFT
    stir = octaves(times, key=score.key ^ 0x3C6EF372, channels=3, lowest_hz=_STIR_HZ, fall=0.0)
    rotation += (energy * activity)[:, None] * stir * _STIR
    followed = eased_steps(times, start=score.follow_start, values=score.follow, duration_secs=0.42)
    rotation[:, :2] += followed[:, ::-1]
    return limited(amount * (rotation + tendency), LIMIT)


def limited(rotation: Array, limit: Array) -> Array:
    """Bent so that no component passes its limit; changes 3 % at a third of it."""
    limited: Array = limit * np.tanh(rotation / limit)
    return limited


def body_sway(
    times: Float[Array, " frames"], *, key: int, amount: float
) -> tuple[Float[Array, "frames 3"], Float[Array, "frames 3"]]:
    """Slow sway of the trunk: rotation (radians) and translation (metres), about a quarter of a degree and 1 mm."""
    wander = drift(times, key=key ^ 0x5A5A5A5A, channels=5)
    rotation = np.radians(np.array([0.5, 0.7, 0.35])) * wander[:, :3]
    shift = np.zeros((len(times), 3))
    shift[:, 0], shift[:, 2] = 0.003 * wander[:, 3], 0.002 * wander[:, 4]
    return amount * rotation, amount * shift
