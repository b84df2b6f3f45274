"""What has memory, stepped at `names.MOTION_HZ`: the emotion on the face, its folds and its blood."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import MOTION_HZ
from face_emote.core.types import PerformanceStyle
from face_emote.motion.face_controls import face_controls
from face_emote.motion.feeling.blood import BloodState, blood_flow, pressed_blood, pulse_of, rested_blood, step_blood
from face_emote.motion.feeling.dynamics import LEAD_SECS, UNSTARTED, liveliness, swell_of, wandering
from face_emote.motion.feeling.felt import Felt, felt_by_rules
from face_emote.motion.feeling.net_expression import felt_by_net, step_presence
from face_emote.motion.feeling.wrinkles import UNFOLDED, WrinkleModel, WrinkleState, folding, step_wrinkles
from face_emote.motion.score import PerformanceScore


@dataclass(frozen=True, slots=True, eq=False)
class SlowTracks:
    """Consecutive steps, or the same tracks sampled at other instants."""

    first: int
    """Number of the first step since the start of the clip."""
    emotion: Float[Array, "steps control=100"]
    hidden: Float[Array, "steps control=100"]
    """Full expression of the hidden emotion."""
    leak: Float[Array, " steps"]
    energy: Float[Array, " steps"]
    """Factor on head and brow movement."""
    frown: Float[Array, " steps"]
    """How much the mood presses the brows down, 0..1."""
    head_tendency: Float[Array, "steps 3"]
    wrinkles: Float[Array, "steps wrinkle=16"]
    blood: Float[Array, "steps region=8"]

    @property
    def last_secs(self) -> float:
        """Instant of the last step."""
        return (self.first + len(self.leak) - 1) / MOTION_HZ

    def since(self, time_secs: float) -> "SlowTracks":
        """Without the steps that no instant from `time_secs` on can need."""
        spare = max(min(int(time_secs * MOTION_HZ) - self.first, len(self.leak) - 1), 0)
        return _each(self, lambda values: values[spare:], first=self.first + spare)

    def at(self, times: Float[Array, " frames"]) -> "SlowTracks":
        """Linearly between steps; `times` must lie within them."""
        place = np.clip(times * MOTION_HZ - self.first, 0.0, len(self.leak) - 1)
        low = np.minimum(place.astype(np.int64), max(len(self.leak) - 2, 0))
        high = np.minimum(low + 1, len(self.leak) - 1)
        share = place - low

        def sampled(values: Array) -> Array:
            s = share.reshape(-1, *([1] * (values.ndim - 1)))
            return (1.0 - s) * values[low] + s * values[high]

        return _each(self, sampled, first=0)


_ARRAYS = tuple(field.name for field in fields(SlowTracks) if field.name != "first")


def _each(tracks: SlowTracks, change: Callable[[Array], Array], *, first: int) -> SlowTracks:
    arrays: dict[str, Any] = {name: change(getattr(tracks, name)) for name in _ARRAYS}
    return replace(tracks, first=first, **arrays)


def joined(a: SlowTracks, b: SlowTracks) -> SlowTracks:
    """`b` follows `a` without a gap."""
    arrays: dict[str, Any] = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in _ARRAYS}
    return replace(a, **arrays)


def slow_tracks(
    score: PerformanceScore, *, model: WrinkleModel, style: PerformanceStyle, chunk: int
) -> Iterator[SlowTracks]:
    """Steps 0, 1, 2 .. in chunks of `chunk`, without end; what is remembered is carried from one to the next."""
    mood_state, present = UNSTARTED, None
    skin = rested_skin(style)
    first = 0
    while True:
        times = np.arange(first, first + chunk) / MOTION_HZ
        plan = score.plan_at(times + LEAD_SECS, rate_hz=MOTION_HZ)
        if score.expression is None:
            lively = liveliness(score.cues, times, key=score.life_key)
            felt, mood_state = felt_by_rules(plan, mood_state, lively=lively, style=style)
        else:
            swell = swell_of(score.cues.energy_at(times), score.cues.activity_at(times))
            presence, present = step_presence(plan, present)
            chance = presence * wandering(swell, times, key=score.life_key)
            felt = felt_by_net(score.expression, times, plan=plan, chance=chance, style=style)
        controls = face_controls(
            score,
            times,
            leisure=score.cues.rest_at(times),
            emotion=felt.emotion,
            hidden=felt.hidden,
            leak=felt.leak,
            frown=felt.frown,
            style=style,
            gauge=None,
        )
        tracks, skin = step_skin(felt, controls, skin, first=first, model=model, style=style)
        yield tracks
        first += chunk


@dataclass(frozen=True, slots=True)
class SkinState:
    """What the skin remembers between two chunks."""

    folds: WrinkleState
    blood: BloodState


def rested_skin(style: PerformanceStyle) -> SkinState:
    """Before the first step."""
    return SkinState(UNFOLDED, rested_blood(style.blood, step_hz=MOTION_HZ))


def step_skin(
    felt: Felt,
    controls: Float[Array, "steps control=100"],
    state: SkinState,
    *,
    first: int,
    model: WrinkleModel,
    style: PerformanceStyle,
) -> tuple[SlowTracks, SkinState]:
    """The next steps, from number `first` on, of a face with these controls, and the state to go on from."""
    wanted = folding(model, controls, amount=style.wrinkles, residual=felt.residual)
    folds, fold_state = step_wrinkles(wanted, state.folds, step_hz=MOTION_HZ)
    levels, blood_state = step_blood(felt.drives, state.blood, preset=style.blood, step_hz=MOTION_HZ)
    beat, blood_state = pulse_of(felt.arousal, blood_state, preset=style.blood, step_hz=MOTION_HZ)
    pressed = pressed_blood(controls) * (style.blood != "off")
    tracks = SlowTracks(
        first=first,
        emotion=felt.emotion,
        hidden=felt.hidden,
        leak=felt.leak,
        energy=felt.energy,
        frown=felt.frown,
        head_tendency=felt.head_tendency,
        wrinkles=folds,
        blood=blood_flow(levels, pressed=pressed, pulse=beat),
    )
    return tracks, SkinState(fold_state, blood_state)
