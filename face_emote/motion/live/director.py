"""Blinks, glances, nods, brow accents, breath and leaks of a live performance: decided step by step, never ahead.

Shapes and sizes are those of a performance that is known beforehand; what differs is that nothing can begin before its
cause is heard. Nods and accents therefore reach their apex just after the stressed syllable instead of on it.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import MOTION_HZ
from face_emote.core.types import PerformanceStyle
from face_emote.motion.events import blinks as blinking
from face_emote.motion.events import gaze as gazing
from face_emote.motion.events import micro_expressions
from face_emote.motion.events.blinks import BlinkScore, shaped_blinks
from face_emote.motion.events.breathing import REST_PERIOD_SECS, BreathScore
from face_emote.motion.events.brows import CALM_SECS, brow_accent, brow_score_of
from face_emote.motion.events.cues import ACCENT_GAP_SECS
from face_emote.motion.events.curves import ease
from face_emote.motion.events.gaze import GazeScore, Look
from face_emote.motion.events.head_motion import HeadScore, beat_on, new_posture
from face_emote.motion.mouth.lips import Lips
from face_emote.motion.score import FaceScore

MEMORY_SECS = 4.0  # Events older than this show no more; the newest of them is kept, because postures and looks hold.
_BLINKS, _GAZE, _HEAD, _BROWS, _BREATH, _LEAKS, _LIFE = range(7)
_ACCENT_FROM = 0.25
_QUICK = 0.6  # Attack of an accent that is already being heard, against one that was foreseen.
_NEAR_BLINK = 0.35  # Share of an interval by which the end of a phrase may bring a blink forward.
_SHORTEST_FIXATION_SECS = 0.12
_EXHALE_SECS, _INHALE_SECS = 4.0, 0.35


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at one step."""

    secs: float
    speaking: bool  # Within a phrase: short gaps count as speech.
    accent: float  # Prominence of this syllable, 0..1.
    activity: float  # 1 while speaking, eased.
    gaze_pitch: float
    gaze_avert: float
    gaze_scan: float
    blink_factor: float
    breath_factor: float
    hides: float  # How much of a hidden emotion there is to leak.


class _Rows:
    """Events of one kind as rows of numbers, the first of which is their start."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[tuple[float, ...]] = []

    def add(self, *row: float) -> None:
        self._rows.append(row)

    def table(self) -> Float[Array, "column event"]:
        return np.array(self._rows, np.float64).reshape(-1, self._width).T

    def forget(self, before_secs: float) -> None:
        while len(self._rows) > 1 and self._rows[1][0] < before_secs:
            self._rows.pop(0)

    @property
    def last(self) -> tuple[float, ...] | None:
        return self._rows[-1] if self._rows else None


class Director:
    """Decides the events. Memory of fixed size; the same moments, seed and style give the same events."""

    def __init__(self, *, style: PerformanceStyle, seed: int) -> None:
        """Start before the first step."""
        self._style = style
        self._dice = [np.random.default_rng([seed, layer]) for layer in range(7)]
        self._blinks, self._looks, self._beats = _Rows(5), _Rows(4), _Rows(6)
        self._postures, self._follows = _Rows(4), _Rows(3)
        self._brows, self._breaths, self._leaks = _Rows(7), _Rows(2), _Rows(6)
        self._gaze_key, self._head_key, self._brow_key = (
            int(self._dice[i].integers(2**62)) for i in (_GAZE, _HEAD, _BROWS)
        )
        self.life_key = int(self._dice[_LIFE].integers(2**62))
        self._spoke = False
        self._look = Look(np.zeros(2), anchor=None, shy=None, point=int(self._dice[_GAZE].integers(2)))
        self._origin: Array | None = None
        self._next_look = float(self._dice[_GAZE].uniform(0.15, 0.5))
        self._thought: Array | None = None
        self._thought_until = 0.0
        self._next_thought = float(self._dice[_GAZE].uniform(2.5, 5.0))
        self._waited, self._interval = 0.0, self._drawn_interval() * float(self._dice[_BLINKS].uniform(0.2, 1.0))
        self._accents = (0.0, 0.0)
        self._last_accent = -1.0
        self._next_posture = 0.0
        self._breath = (0.0, 1.0, 0.25, 0.25)
        """Start, end, volume then, volume at the end."""
        self._inhales = False
        self._breaths.add(-1.0 / MOTION_HZ, 0.25)

    def step(self, now: Moment) -> None:
        """Decide what begins at this step."""
        begins, ends = now.speaking and not self._spoke, self._spoke and not now.speaking
        self._spoke = now.speaking
        self._glance(now, begins=begins, ends=ends)
        self._blink(now, ends=ends)
        accent = self._accent_heard(now)
        if accent > 0.0:
            self._nod(now, accent)
            self._raise_brows(now, accent)
        self._settle(now, begins=begins, ends=ends)
        self._breathe(now, begins=begins, ends=ends)
        self._leak(now, ends=ends, accent=accent)
        for rows in (self._blinks, self._looks, self._beats, self._postures, self._follows, self._brows, self._leaks):
            rows.forget(now.secs - MEMORY_SECS)
        self._breaths.forget(now.secs - 1.0)

    def score(self, lips: Lips) -> FaceScore:
        """The lips with the events that can show from now on, and in the second before."""
        looks = self._looks.table()
        beats, postures, follows = self._beats.table(), self._postures.table(), self._follows.table()
        return FaceScore(
            lips=lips,
            blinks=BlinkScore(*self._blinks.table()),
            gaze=GazeScore(
                start=looks[0],
                duration=looks[1],
                target=looks[2:].T,
                origin=np.zeros(2) if self._origin is None else self._origin,
                key=self._gaze_key,
            ),
            head=HeadScore(
                beat_start=beats[0],
                beat_attack=beats[1],
                beat_release=beats[2],
                beat=beats[3:].T,
                posture_start=postures[0],
                posture=postures[1:].T,
                follow_start=follows[0],
                follow=follows[1:].T,
                key=self._head_key,
            ),
            brows=brow_score_of(self._brows.table(), key=self._brow_key),
            breath=BreathScore(*self._breaths.table()),
            leaks=micro_expressions.LeakScore(*self._leaks.table()),
        )

    def _drawn_interval(self) -> float:
        return float(np.exp(self._dice[_BLINKS].normal(-0.5 * blinking.SIGMA**2, blinking.SIGMA)))

    def _glance(self, now: Moment, *, begins: bool, ends: bool) -> None:
        rng, amount = self._dice[_GAZE], self._style.gaze
        if self._origin is None:
            self._origin = gazing.first_look(now.gaze_pitch, amount=amount)
            self._look = Look(self._origin, anchor=None, shy=None, point=self._look.point)
        wanted = (begins and rng.random() < 0.3) or (ends and rng.random() < 0.3)
        if now.secs >= self._next_thought or wanted:
            if amount > 0.0 and now.secs > self._thought_until + 0.8:
                self._thought = gazing.thinking_look(size=8.0, rng=rng)
                self._thought_until = now.secs + float(rng.uniform(0.45, 1.0))
                self._next_look = self._soonest(now.secs)
            self._next_thought = now.secs + float(rng.uniform(3.0, 6.5)) * (1.0 if now.speaking else 1.5)
        if self._thought is not None and now.secs >= self._thought_until:
            self._thought = None
            self._next_look = min(self._next_look, self._soonest(now.secs))
        if now.secs < self._next_look:
            return
        before = self._look.place
        self._look = gazing.next_look(
            self._look,
            away=self._thought,
            pitch=now.gaze_pitch,
            avert=now.gaze_avert,
            amount=amount,
            is_first=self._looks.last is None,
            rng=rng,
        )
        place = self._look.place
        angle = np.array([float(np.hypot(*(place - before)))])
        self._looks.add(now.secs, float(gazing.saccade_secs(angle)[0]), float(place[0]), float(place[1]))
        yaw, pitch = gazing.followed(place[None])[0]
        if self._follows.last is None or self._follows.last[1:] != (yaw, pitch):
            self._follows.add(now.secs + gazing.HEAD_DELAY_SECS, float(yaw), float(pitch))
        self._next_look = now.secs + gazing.fixation_secs(1.0 + 1.4 * now.gaze_scan, rng=rng)
        chance = blinking.EVOKED * min(self._style.blinks, 1.6)
        if angle[0] > blinking.EVOKING_SHIFT and rng.random() < chance:
            self._shut(now.secs)

    def _soonest(self, secs: float) -> float:
        """When the eyes may go on: never within a saccade."""
        last = self._looks.last
        return secs if last is None else max(secs, last[0] + _SHORTEST_FIXATION_SECS)

    def _blink(self, now: Moment, *, ends: bool) -> None:
        rate = blinking.SILENT_HZ + (blinking.SPEAKING_HZ - blinking.SILENT_HZ) * now.activity
        self._waited += self._style.blinks * now.blink_factor * rate / MOTION_HZ
        early = self._interval - _NEAR_BLINK if ends else self._interval
        leaked = self._leaks.last
        is_hidden = leaked is not None and now.secs - leaked[0] < micro_expressions.LONGEST_SECS
        if self._waited >= early and not is_hidden:
            self._shut(now.secs)

    def _shut(self, secs: float) -> None:
        """A blink, unless the last one was just now."""
        last = self._blinks.last
        if secs < 0.12 or (last is not None and secs - last[0] < blinking.REFRACTORY_SECS):
            return
        one = shaped_blinks(np.array([secs]), self._dice[_BLINKS])
        for blink in zip(one.start, one.closing, one.hold, one.opening, one.depth, strict=True):
            self._blinks.add(*map(float, blink))
        self._waited, self._interval = 0.0, self._drawn_interval()

    def _accent_heard(self, now: Moment) -> float:
        """Strength of the accent whose peak was the last step, or 0."""
        older, before = self._accents
        self._accents = (before, now.accent)
        is_peak = before >= _ACCENT_FROM and before > now.accent and before >= older
        if not is_peak or not now.speaking or now.secs - self._last_accent < ACCENT_GAP_SECS:
            return 0.0
        self._last_accent = now.secs
        return min(before, 1.0)

    def _nod(self, now: Moment, accent: float) -> None:
        beat = beat_on(accent, rng=self._dice[_HEAD])
        if beat is not None:
            self._beats.add(now.secs, _QUICK * beat.attack_secs, beat.release_secs, *beat.turn)

    def _raise_brows(self, now: Moment, accent: float) -> None:
        shape = brow_accent(accent, rng=self._dice[_BROWS])
        last = self._brows.last
        if shape is not None and (last is None or now.secs - last[0] >= CALM_SECS):
            self._brows.add(now.secs, _QUICK * shape[0], *shape[1:], 0.0)

    def _settle(self, now: Moment, *, begins: bool, ends: bool) -> None:
        rng = self._dice[_HEAD]
        if ends:
            last = self._postures.last
            self._postures.add(now.secs + 0.1, *(0.3 * value for value in (last[1:] if last else (0.0, 0.0, 0.0))))
            self._next_posture = now.secs + float(rng.uniform(1.8, 3.0))
        elif (begins or now.secs >= self._next_posture) and self._may_settle(now.secs):
            self._postures.add(now.secs, *(float(v) for v in new_posture(rng=rng, listening=not now.speaking)))
            self._next_posture = now.secs + float(rng.uniform(2.2, 4.5))

    def _may_settle(self, secs: float) -> bool:
        last = self._postures.last
        return last is None or secs - last[0] > 0.6

    def _breathe(self, now: Moment, *, begins: bool, ends: bool) -> None:
        """In at the end of a phrase, out while talking, slowly in and out in silence; one volume a step."""
        rng = self._dice[_BREATH]
        start, end, volume, aim = self._breath
        here = volume + float(ease(np.array([(now.secs - start) / (end - start)]))[0]) * (aim - volume)
        if begins:
            self._breath = (now.secs, now.secs + _EXHALE_SECS, here, float(rng.uniform(0.1, 0.2)))
            self._inhales = False
        elif ends:
            self._breath = (now.secs, now.secs + _INHALE_SECS, here, float(rng.uniform(0.5, 0.62)))
            self._inhales = True
        elif now.secs >= end:
            self._inhales = not self._inhales and not now.speaking
            period = REST_PERIOD_SECS * float(rng.uniform(0.85, 1.15)) / max(now.breath_factor, 0.3)
            share = 0.4 if self._inhales else 0.6
            aim = float(rng.uniform(0.5, 0.62) if self._inhales else rng.uniform(0.18, 0.26))
            self._breath = (now.secs, now.secs + share * period, here, aim)
        self._breaths.add(now.secs, here)

    def _leak(self, now: Moment, *, ends: bool, accent: float) -> None:
        """Mostly where a phrase ends; on some strong accents; now and then in long unbroken speech."""
        rng = self._dice[_LEAKS]
        if now.hides <= 0.0 or now.secs < 0.5:
            return
        last = self._leaks.last
        calm = now.secs - (last[0] if last else 0.0)
        chance = 0.66 * ends + 0.25 * (accent > micro_expressions.STRESSED)
        if (
            calm > micro_expressions.MIN_SPACING_SECS and rng.random() < chance
        ) or calm > micro_expressions.LONGEST_CALM_SECS:
            one = micro_expressions.shaped_leaks(np.array([now.secs]), rng=rng)
            shape = (one.attack, one.hold, one.release, one.strength, one.lean)
            self._leaks.add(now.secs, *(float(values[0]) for values in shape))
