"""What has memory, stepped at `names.MOTION_HZ`: the emotion on the face, its folds and its blood."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import MOTION_HZ
from face_emote.core.types import PerformanceStyle
from face_emote.motion.events.curves import between
from face_emote.motion.feeling.affect import Affect, Display, affect_by_rules
from face_emote.motion.feeling.blood import BloodState, blood_flow, pressed_blood, pulse_of, rested_blood, step_blood
from face_emote.motion.feeling.dynamics import LEAD_SECS
from face_emote.motion.feeling.life import FORESEEN_SECS, LifeState, Tempo, step_life
from face_emote.motion.feeling.net_expression import affect_by_net, step_presence
from face_emote.motion.feeling.wrinkles import folding, step_wrinkles
from face_emote.motion.player import Player
from face_emote.motion.score import PerformanceScore, face_controls

SKIN_EVERY = 2  # Steps from one look at the skin to the next: 40 ms, as folds take to form.


@dataclass(frozen=True, slots=True, eq=False)
class SlowTracks:
    """Consecutive steps, or the same tracks sampled at other instants."""

    first: int  # Number of the first step since the start of the clip.
    display: Display
    wrinkles: Float[Array, "steps wrinkle=16"]
    blood: Float[Array, "steps region=8"]

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
    wrinkles, blood = change(*(track.wrinkles for track in tracks)), change(*(track.blood for track in tracks))
    return SlowTracks(first, display, wrinkles=wrinkles, blood=blood)


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
        tracks, skin = step_skin(affect, controls, state=skin, first=first, player=player)
        yield tracks
        first += chunk


@dataclass(frozen=True, slots=True)
class SkinState:
    """What the skin remembers between two chunks."""

    folds: Float[Array, " wrinkle=16"] | None
    """None before the first step: a clip opens with the folds of its first face, not with a smooth one."""
    blood: BloodState


def rested_skin(style: PerformanceStyle) -> SkinState:
    """Before the first step."""
    return SkinState(None, rested_blood(style.blood, step_hz=MOTION_HZ))


def step_skin(
    affect: Affect, controls: Float[Array, "seen control=100"], *, state: SkinState, first: int, player: Player
) -> tuple[SlowTracks, SkinState]:
    """The next steps, from number `first` on, of a face with these controls, and the state to go on from.

    There are controls for every step, or for every `SKIN_EVERY`th one.
    """
    style, every = player.style, -(-len(affect.arousal) // max(len(controls), 1))
    residual = None if affect.residual is None else affect.residual[::every]
    wanted = folding(player.skin, controls, amount=style.wrinkles, residual=residual).repeat(every, axis=0)
    folds, fold_state = step_wrinkles(wanted, state.folds, step_hz=MOTION_HZ)
    levels, blood_state = step_blood(affect.drives, state.blood, preset=style.blood, step_hz=MOTION_HZ)
    beat, blood_state = pulse_of(affect.arousal, blood_state, preset=style.blood, step_hz=MOTION_HZ)
    pressed = pressed_blood(controls).repeat(every, axis=0) * (style.blood != "off")
    tracks = SlowTracks(first, affect.display, wrinkles=folds, blood=blood_flow(levels, pressed=pressed, pulse=beat))
    return tracks, SkinState(fold_state, blood_state)
