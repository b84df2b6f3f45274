"""What has memory, stepped at `names.MOTION_HZ`: the emotion on the face, its folds and its blood."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.lowpass import follow
from face_emote.core.names import MOTION_HZ
from face_emote.core.types import PerformanceStyle
from face_emote.motion.events.breathing import breath_volume
from face_emote.motion.events.curves import between
from face_emote.motion.feeling.affect import Affect, Display, affect_by_rules
from face_emote.motion.feeling.blood import (
    DRIVES,
    PULSE,
    BloodState,
    beat_shape,
    blood_flow,
    pressed_blood,
    pulse_of,
    rested_blood,
    step_blood,
)
from face_emote.motion.feeling.body import BodyBearing, body_bearing
from face_emote.motion.feeling.dynamics import LEAD_SECS
from face_emote.motion.feeling.life import FORESEEN_SECS, LifeState, Tempo, step_life
from face_emote.motion.feeling.net_expression import affect_by_net, step_presence
from face_emote.motion.feeling.wrinkles import folding, step_wrinkles
from face_emote.motion.player import Player
from face_emote.motion.score import PerformanceScore, face_controls

_PUPIL_OF_AROUSAL = 0.6
_PUPIL_ON_SECS, _PUPIL_OFF_SECS = 0.45, 1.1
"""Pupils widen within a second of what excites, and take longer to settle (Bradley et al. 2008)."""
SKIN_EVERY = 2  # Steps from one look at the skin to the next: 40 ms, as folds take to form.


@dataclass(frozen=True, slots=True, eq=False)
class SlowTracks:
    """Consecutive steps, or the same tracks sampled at other instants."""

    first: int  # Number of the first step since the start of the clip.
    display: Display
    wrinkles: Float[Array, "steps wrinkle=16"]
    blood: Float[Array, "steps region=8"]
    pupil: Float[Array, "steps 1"]  # How far the pupils are wider than the light has them, 0..1.

    @property
    def last_secs(self) -> float:
        """Instant of the last step."""
        return (self.first + len(self.blood) - 1) / MOTION_HZ

    def since(self, time_secs: float) -> "SlowTracks":
        """Without the steps that no instant from `time_secs` on can need."""
        spare = max(min(int(time_secs * MOTION_HZ) - self.first, len(self.blood) - 1), 0)
        return _each(lambda values: values[spare:], self, first=self.first + spare)

    def at(self, times: Float[Array, " frames"]) -> "SlowTracks":
        """Linearly between steps; `times` must lie within them."""
        place = times * MOTION_HZ - self.first
        return _each(lambda values: between(values, place), self, first=0)


def _each(change: Callable[..., Array], *tracks: SlowTracks, first: int) -> SlowTracks:
    """What becomes of every array of the tracks."""
    display = Display.each(change, *(track.display for track in tracks))
    rows = {name: change(*(getattr(track, name) for track in tracks)) for name in ("wrinkles", "blood", "pupil")}
    return SlowTracks(first, display, **rows)


def joined(a: SlowTracks, b: SlowTracks) -> SlowTracks:
    """`b` follows `a` without a gap."""
    return _each(lambda *arrays: np.concatenate(arrays), a, b, first=a.first)


def tracks_at(
    steps: Iterator[SlowTracks], chunks: Iterable[Float[Array, " _frames"]]
) -> Iterator[tuple[Float[Array, " _frames"], SlowTracks]]:
    """Ascending instants, chunk by chunk, with the tracks there; steps are made and forgotten as they are needed."""
    slow = next(steps)
    for times in chunks:
        slow = slow.since(float(times[0]))
        while slow.last_secs < times[-1]:
            slow = joined(slow, next(steps))
        yield times, slow.at(times)


def slow_tracks(score: PerformanceScore, *, player: Player, chunk: int) -> Iterator[SlowTracks]:
    """Steps 0, 1, 2 .. in chunks of `chunk`, without end; what is remembered is carried from one to the next."""
    mood_state = present = None
    life: LifeState | None = None
    skin, style = rested_skin(player.style), player.style
    expression, cues = score.expression, score.cues
    first = 0
    while True:
        times = np.arange(first, first + chunk) / MOTION_HZ
        plan = score.planned.at(times + LEAD_SECS, rate_hz=MOTION_HZ)
        if expression is None:
            affect, mood_state = affect_by_rules(plan, mood_state, style=style)
        else:
            presence, present = step_presence(plan, present)
            answers, hidden = expression.at(times), expression.hidden_at(times)
            affect = affect_by_net(answers, hidden, plan=plan, presence=presence, style=style)
        tempo = Tempo(cues.accents_at(times + FORESEEN_SECS), cues.activity_at(times), cues.energy_at(times))
        gains, life = step_life(tempo, life, times=times, key=score.life_key)
        affect = affect.with_gains(gains)
        seen, display = times[::SKIN_EVERY], Display.each(lambda rows: rows[::SKIN_EVERY], affect.display)
        controls = face_controls(score.face, seen, display=display, leisure=cues.rest_at(seen), style=style, gauge=None)
        inhaled = breath_volume(score.face.breath, times)
        tracks, skin = step_skin(affect, controls, state=skin, first=first, player=player, inhaled=inhaled)
        yield tracks
        first += chunk


@dataclass(frozen=True, slots=True)
class SkinState:
    """What the skin remembers between two chunks."""

    folds: Float[Array, " wrinkle=16"] | None
    """None before the first step: a clip opens with the folds of its first face, not with a smooth one."""
    blood: BloodState
    pupil: Float[Array, " 1"] | None = None  # None before the first step, as of the folds.


def rested_skin(style: PerformanceStyle) -> SkinState:
    """Before the first step."""
    return SkinState(None, rested_blood(style.blood, step_hz=MOTION_HZ))


def step_skin(
    affect: Affect,
    controls: Float[Array, "seen control=100"],
    *,
    state: SkinState,
    first: int,
    player: Player,
    inhaled: Float[Array, " steps"] | None = None,
) -> tuple[SlowTracks, SkinState]:
    """The next steps, from number `first` on, of a face with these controls, and the state to go on from.

    There are controls for every step, or for every `SKIN_EVERY`th one. `inhaled` is the volume of the breath.
    """
    style, every = player.style, -(-len(affect.arousal) // max(len(controls), 1))
    residual = None if affect.residual is None else affect.residual[::every]
    wanted = folding(player.skin, controls, amount=style.wrinkles, residual=residual).repeat(every, axis=0)
    folds, fold_state = step_wrinkles(wanted, state.folds, step_hz=MOTION_HZ)
    times = (first + np.arange(len(affect.arousal))) / MOTION_HZ
    bearing = None if player.body is None else body_bearing(player.body, times)
    drives = affect.drives if bearing is None else _stirred(affect.drives, bearing)
    levels, blood_state = step_blood(drives, state.blood, preset=style.blood, step_hz=MOTION_HZ)
    beat, blood_state = pulse_of(affect.arousal, blood_state, preset=style.blood, step_hz=MOTION_HZ, inhaled=inhaled)
    if player.body is not None and len(player.body.beats):
        beat = PULSE * (style.blood != "off") * beat_shape(player.body.heartbeats(times))
    pressed = pressed_blood(controls).repeat(every, axis=0) * (style.blood != "off")
    excited = _PUPIL_OF_AROUSAL * np.maximum(affect.arousal, 0.0) + (0.0 if bearing is None else bearing.pupil)
    wide = np.clip(excited, 0.0, 1.0)[:, None]
    pupil, pupil_state = follow(
        wide, wide[0] if state.pupil is None else state.pupil, on_secs=_PUPIL_ON_SECS, off_secs=_PUPIL_OFF_SECS,
        step_hz=MOTION_HZ,
    )  # fmt: skip
    flow = blood_flow(levels, pressed=pressed, pulse=beat)
    tracks = SlowTracks(first, affect.display, wrinkles=folds, blood=flow, pupil=pupil)
    return tracks, SkinState(fold_state, blood_state, pupil_state)


def _stirred(drives: Float[Array, "steps drive=4"], bearing: BodyBearing) -> Float[Array, "steps drive=4"]:
    """Drives of the blood with those of a measured body."""
    stirred = drives.astype(np.float64)
    stirred[:, DRIVES.index("flush")] += bearing.flush
    stirred[:, DRIVES.index("pallor")] += bearing.pallor
    return np.clip(stirred, 0.0, 1.0)
