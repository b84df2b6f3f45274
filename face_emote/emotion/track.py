"""An emotion plan spread over time, with what is to be read from the speech filled in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import Emotion, EmotionKey, EmotionPlan, EmotionTrack, Pause

CHANGE_SECS = 0.5
"""In which a face goes from one feeling to the next."""
_SHORTEST_SPEECH_SECS, _SHORTEST_PAUSE_SECS, _NEAR = 0.3, 0.12, 0.3
"""A pause so long draws a change to itself, from so far away: a share of how long each feeling lasts."""


def track(plan: EmotionPlan, *, times: Float[Array, " frames"], fps: float) -> EmotionTrack:
    """The emotion of the keys at each of `times` (seconds, any order).

    A pure function of each instant: any cut of `times` into blocks gives the same bytes. Before the first key and after
    the last the emotion holds; between two keys it eases in and out (3u^2 - 2u^3). What blends is the felt strength of
    each emotion (share x intensity), so that a change from faint joy to full anger does not pass through full joy.

    The result is labelled with `fps`. ValueError: nobody has said when the feelings follow each other.
    """
    if plan.turns:
        raise ValueError("lay this plan over the speech with in_turn")
    starts = np.array([key.time_secs for key in plan.keys])
    before = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    after = np.minimum(before + 1, len(starts) - 1)
    span = np.where(after > before, starts[after] - starts[before], 1.0)
    u = np.clip((times - starts[before]) / span, 0.0, 1.0)
    ease = u * u * (3.0 - 2.0 * u)
    first, second = _on_frames(plan, index=before, fps=fps), _on_frames(plan, index=after, fps=fps)
    return blend(first, second, share=ease)


def in_turn(plan: EmotionPlan, *, duration_secs: float, pauses: Sequence[Pause] = ()) -> EmotionPlan:
    """`hurt, then cold` with times: equal shares of the speech, the change in a pause where one is near.

    The text names the times. Other plans stay as they are.
    """
    if not plan.turns:
        return plan
    quiet = [pause for pause in pauses if pause.end_secs - pause.start_secs >= _SHORTEST_PAUSE_SECS]
    start = next((pause.end_secs for pause in quiet if pause.start_secs <= 0.0), 0.0)
    end = next((pause.start_secs for pause in quiet if pause.end_secs >= duration_secs - 1e-3), duration_secs)
    start, end = (start, end) if end - start >= _SHORTEST_SPEECH_SECS else (0.0, duration_secs)
    each = (end - start) / len(plan.turns)
    half = min(0.5 * CHANGE_SECS, 0.15 * each)
    keys = [(0.0, 0)]
    for number in range(1, len(plan.turns)):
        turn = start + number * each
        middles = [0.5 * (pause.start_secs + pause.end_secs) for pause in quiet]
        near = [middle for middle in middles if abs(middle - turn) <= _NEAR * each]
        turn = min(near, key=lambda middle: abs(middle - turn), default=turn)
        keys += [(round(turn - half, 5), number - 1), (round(turn + half, 5), number)]
    text = "; ".join(f"{secs:.10g}s {plan.turns[number]}" for secs, number in keys)
    placed = tuple(EmotionKey(secs, plan.keys[number].emotion) for secs, number in keys)
    return EmotionPlan(placed, plan.auto, f"auto:{plan.auto:g}; {text}" if plan.auto > 0.0 else text)


def with_auto(plan: EmotionPlan, heard: EmotionPlan) -> EmotionPlan:
    """A plan that asks for nothing to be read any more: what was read, in its share, is in the keys.

    Keys stand wherever either of the two has one. The text stays what the user wrote.
    """
    if plan.auto <= 0.0:
        return plan
    if plan.auto >= 1.0:
        return replace(plan, keys=heard.keys, auto=0.0)
    times = np.array(sorted({key.time_secs for key in (*plan.keys, *heard.keys)}))
    own, read = (track(part, times=times, fps=1.0) for part in (plan, heard))
    both = blend(own, read, share=np.full(len(times), plan.auto))
    keys = tuple(EmotionKey(float(secs), _emotion(both, i)) for i, secs in enumerate(times))
    return replace(plan, keys=keys, auto=0.0)


def _emotion(felt: EmotionTrack, index: int) -> Emotion:
    return Emotion(
        mix=felt.mix[index], vad=felt.vad[index], intensity=float(felt.intensity[index]), covert=felt.covert[index],
        leak=float(felt.leak[index]),
    )  # fmt: skip


def blend(a: EmotionTrack, b: EmotionTrack, *, share: Float[Array, " frames"]) -> EmotionTrack:
    """`a` where `share` is 0, `b` where it is 1; felt strengths, VAD and hidden feelings blend linearly."""
    s = np.asarray(share, np.float64)
    r = 1.0 - s
    intensity = r * a.intensity + s * b.intensity
    weight_a, weight_b = _weights(r * a.intensity, s * b.intensity, otherwise=(r, s))
    hidden_a, hidden_b = mass_of(a.covert), mass_of(b.covert)
    leak_a, leak_b = _weights(r * hidden_a, s * hidden_b, otherwise=(r, s))
    return EmotionTrack(
        mix=(weight_a[:, None] * a.mix + weight_b[:, None] * b.mix).astype(np.float32),
        vad=(r[:, None] * a.vad + s[:, None] * b.vad).astype(np.float32),
        intensity=intensity.astype(np.float32),
        covert=(r[:, None] * a.covert + s[:, None] * b.covert).astype(np.float32),
        leak=(leak_a * a.leak + leak_b * b.leak).astype(np.float32),
        fps=fps_of(a, b),
    )


def fps_of(a: EmotionTrack, b: EmotionTrack) -> float:
    """The rate that two tracks share; raises ValueError when they differ."""
    if a.fps != b.fps:
        raise ValueError(f"tracks of {a.fps:g} and {b.fps:g} frames per second cannot be blended")
    return a.fps


def _on_frames(plan: EmotionPlan, *, index: Array, fps: float) -> EmotionTrack:
    first = int(index.min(initial=len(plan.keys) - 1))
    emotions = [key.emotion for key in plan.keys[first : int(index.max(initial=first)) + 1]]
    index = index - first
    return EmotionTrack(
        mix=np.stack([emotion.mix for emotion in emotions])[index],
        vad=np.stack([emotion.vad for emotion in emotions])[index],
        intensity=np.array([emotion.intensity for emotion in emotions])[index],
        covert=np.stack([emotion.covert for emotion in emotions])[index],
        leak=np.array([emotion.leak for emotion in emotions])[index],
        fps=fps,
    )


def _weights(
    a: Float[Array, " frames"], b: Float[Array, " frames"], *, otherwise: tuple[Array, Array]
) -> tuple[Float[Array, " frames"], Float[Array, " frames"]]:
    """Shares of two strengths; `otherwise` where both vanish."""
    total = a + b
    nothing = total <= 1e-12
    safe = np.where(nothing, 1.0, total)
    return np.where(nothing, otherwise[0], a / safe), np.where(nothing, otherwise[1], b / safe)


def mass_of(covert: Float[Array, "frames emotion"]) -> Float[Array, " frames"]:
    """Sums of shares, always in the same order (a reduction's order may depend on the number of frames)."""
    mass = np.zeros(len(covert))
    for column in range(covert.shape[1]):
        mass += covert[:, column]
    return mass


Heard = Callable[[Float[Array, " frames"], float], EmotionTrack]
"""What is read of a voice that is still speaking, at instants, labelled with a rate."""


@dataclass(frozen=True, slots=True, eq=False)
class PlannedEmotion:
    """A plan, and what is heard live; a pure function of time."""

    plan: EmotionPlan
    duration_secs: float
    heard: Heard | None = None
    stirred: Callable[[Float[Array, " frames"]], Array] | None = None
    """What a measured body adds to the arousal at instants; None: nothing."""

    def at(self, times: Float[Array, " frames"], *, rate_hz: float) -> EmotionTrack:
        """What is asked for at instants (held before 0 and after the end).

        ValueError: the plan asks for what nobody has read.
        """
        clipped = np.clip(times, 0.0, self.duration_secs)
        own = track(self.plan, times=clipped, fps=rate_hz)
        if self.stirred is not None:
            vad = own.vad.copy()
            vad[:, 1] = np.clip(vad[:, 1] + self.stirred(clipped), -1.0, 1.0)
            own = replace(own, vad=vad)
        if self.plan.auto <= 0.0:
            return own
        if self.heard is None:
            raise ValueError("this plan reads the speech: fill it with what perception.phrases.auto_plan says")
        return blend(own, self.heard(clipped, rate_hz), share=np.full(len(times), self.plan.auto))

    @property
    def hides(self) -> bool:
        """Whether a hidden emotion is ever asked for."""
        return any(bool(key.emotion.covert.any()) for key in self.plan.keys)
