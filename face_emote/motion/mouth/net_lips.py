"""Lips by the network: what it answered, read at any instant and put on a head.

Answers stand at `names.MOTION_HZ`; between them shapes follow a Catmull-Rom spline and contacts a straight line. Where
nobody speaks the mouth is at rest, whatever was answered.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.audio.activity import runs
from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ, MOTION_HZ
from face_emote.core.timing import require_fps
from face_emote.core.types import PerformanceStyle, SpeechAnalysis
from face_emote.face.head import Head
from face_emote.generation.style_file import NUM_HABITS
from face_emote.motion.events.curves import since_and_until, smoothstep
from face_emote.motion.mouth.lip_contacts import PhoneContacts, phone_contacts
from face_emote.motion.mouth.lip_habits import beside_speech
from face_emote.motion.mouth.lip_rig import LipRig, lip_rig
from face_emote.motion.mouth.lip_solve import MouthTarget
from face_emote.motion.mouth.lips import LipMotion, lips_at
from face_emote.motion.mouth.viseme_table import target_row
from face_emote.network.config import LIP_CHANNELS, NUM_LINEAR

_GAP, _JAW = LIP_CHANNELS.index("gap"), LIP_CHANNELS.index("jaw")
_CLOSURE, _TUCK, _SPEECH = (LIP_CHANNELS.index(name) for name in ("closure", "tuck", "speech"))
OBSERVED = 3  # The first so many channels - gap, width, jaw - are what a camera sees.
LOWEST = np.array([-0.02, -0.2, 0.0, 0.0, 0.0, 0.0])
HIGHEST = np.array([0.4, 0.15, 1.0, 1.0, 1.0, 1.0])
"""No mouth aims beyond these (gap, width, jaw, rounding, flare, tongue)."""
CLOSURE_FROM, CLOSURE_FULL = 0.18, 0.4
TUCK_FROM, TUCK_FULL = 0.25, 0.5
"""Answers between which a contact goes from none to complete: half-closed lips are rarely meant. The network spreads
its word over the instants at which a contact may be: on speech that it never heard, most of P B M reach 0.3 to 0.7 and
no open vowel 0.2."""
NETWORK_VOTE = 0.6
AGREED_FROM, AGREED_FULL = 0.34, 0.58
"""The same where phones were recognised too and have the other vote: other sounds close a third less often than by the
network's word alone."""
ALIGNED_FROM = 0.5
"""The same where a transcript says what is spoken: the rules' contacts, whose lips come together more slowly."""
LIVELY = 0.16
"""How much further the mouth opens than was answered: a network that is unsure answers the mean of what may be, and so
moves less than the lips it learnt from. With it the 95th percentile of the gap is that of people within a tenth."""
STILL_GAP = 0.03  # Gaps up to this are not enlarged: what is nearly closed stays so.
REST = np.concatenate([target_row("SIL"), np.zeros(len(LIP_CHANNELS) - NUM_LINEAR)])
"""The mouth of somebody who is silent."""
HOLD_SECS = 0.15  # Gaps in the speech up to this length are closures and hesitations; the mouth stays with the network.
TAIL_SECS = 0.05  # The mouth is the network's so long after the last sound of a phrase; then it eases to rest.
EASE_SECS = 0.12
LEAD_SECS = 0.12
"""The mouth is the network's again so long before the next speech (lips set off 0.13-0.24 s before the sound)."""
MOST_WINDOW_SECS = 0.5  # Half the time over which a contact is kept for the nearest frame, at most.
SPLINE_AHEAD = 2  # Answers that the spline needs after an instant.
_EXACT = 1e-6  # Share of the distance of two answers within which an instant counts as that answer's.


@dataclass(frozen=True, slots=True, eq=False)
class NetLips:
    """All that the mouth will do in a clip, for one head and style. A `lips.Lips`."""

    answers: Float[Array, "motion_frames lip=9"]
    """In the order of `network.config.LIP_CHANNELS`, natural units, at `MOTION_HZ`."""
    first: int  # Number of the first answer since the start of the clip; before it nothing may be asked.
    spoken_secs: Float[Array, "run 2"]  # Start and end of every stretch of speech, in order, no gaps up to `HOLD_SECS`.
    contacts: PhoneContacts | None  # Of the phones; None while nobody has recognised any (live).
    aligned: bool  # Whether the phones come from a transcript, which makes their contacts certain.
    rig: LipRig
    style: PerformanceStyle
    fps: float  # At which the motion will be shown.
    habits: Float[Array, f"knot={NUM_HABITS} aim=3"] | None = None
    """Somebody's own: gap, width and jaw beside those of rest, at the knots of `lip_habits`."""

    def sample(self, times: Float[Array, " frames"]) -> LipMotion:
        """The mouth at ascending instants, seconds; a pure function of each."""
        aims = self.aims(times)
        return lips_at(MouthTarget(*aims.T[:_SPEECH]), speech=aims[:, _SPEECH], rig=self.rig, style=self.style)

    def aims(self, times: Float[Array, " frames"]) -> Float[Array, "frames lip=9"]:
        """Where the mouth aims at instants: answers, sharpened contacts, and rest where nobody speaks."""
        rows = np.empty((len(times), len(LIP_CHANNELS)))
        rows[:, :NUM_LINEAR] = np.clip(self._enlivened(self._spline(times)), LOWEST, HIGHEST)
        between = self._straight(times)
        widest = self._kept(times, between)
        closure, tuck = widest[:, 0], widest[:, 1]
        rows[:, _SPEECH] = np.clip(between[:, 2], 0.0, 1.0)
        if self.contacts is None:
            rows[:, _CLOSURE] = _sharpened(closure, none=CLOSURE_FROM, full=CLOSURE_FULL)
            rows[:, _TUCK] = _sharpened(tuck, none=TUCK_FROM, full=TUCK_FULL)
        else:
            known = self.contacts.at(times)
            for column, answered, spoken in zip((_CLOSURE, _TUCK), (closure, tuck), known, strict=True):
                vote = NETWORK_VOTE * answered + (1.0 - NETWORK_VOTE) * spoken
                aligned = _sharpened(spoken, none=ALIGNED_FROM, full=1.0)
                heard = _sharpened(vote, none=AGREED_FROM, full=AGREED_FULL)
                rows[:, column] = aligned if self.aligned else heard
        speaks = gate(self.spoken_secs, times)[:, None]
        aims: Array = REST + speaks * (rows - REST)
        if self.habits is not None:
            free = (1.0 - speaks) * (1.0 - aims[:, [_CLOSURE]])
            aims[:, :OBSERVED] += free * (beside_speech(self.spoken_secs, times) @ self.habits)
            aims[:, :OBSERVED] = np.clip(aims[:, :OBSERVED], [0.0, *LOWEST[1:OBSERVED]], HIGHEST[:OBSERVED])
        return aims

    def _enlivened(self, rows: Array) -> Array:
        """Gap and jaw enlarged in one proportion; gaps up to STILL_GAP are left."""
        gap = rows[:, _GAP]
        larger = gap + LIVELY * np.maximum(gap - STILL_GAP, 0.0)
        rows[:, _JAW] *= np.where(gap > STILL_GAP, larger / np.maximum(gap, STILL_GAP), 1.0)
        rows[:, _GAP] = larger
        return rows

    def _row(self, index: Array) -> Array:
        """Answers by number; held before the first and after the last one."""
        row: Array = self.answers[np.clip(index - self.first, 0, len(self.answers) - 1)].astype(np.float64)
        return row

    def _spline(self, times: Array) -> Float[Array, f"frames channel={NUM_LINEAR}"]:
        low, u = _place(times)
        u = u[:, None]
        a, b, c, d = (self._row(low + i)[:, :NUM_LINEAR] for i in (-1, 0, 1, 2))
        value: Array = b + 0.5 * u * (c - a + u * (2.0 * a - 5.0 * b + 4.0 * c - d + u * (3.0 * (b - c) + d - a)))
        return value

    def _straight(self, times: Array) -> Float[Array, "frames contact=3"]:
        low, u = _place(times)
        contact: Array = (1.0 - u)[:, None] * self._row(low)[:, NUM_LINEAR:] + u[:, None] * self._row(low + 1)[
            :, NUM_LINEAR:
        ]
        return contact

    def _kept(self, times: Array, between: Array) -> Float[Array, "frames contact=3"]:
        """The greatest answer of those that lie nearest to each frame, so that no contact falls between two."""
        first, stop = _window(times, fps=self.fps)
        best = between
        for i in range(int((stop - first).max(initial=0))):
            index = first + i
            best = np.where((index < stop)[:, None], np.maximum(best, self._row(index)[:, NUM_LINEAR:]), best)
        return best


def net_lips(
    answers: Float[Array, "motion_frames lip=9"],
    *,
    analysis: SpeechAnalysis,
    head: Head,
    style: PerformanceStyle,
    fps: float,
    habits: Float[Array, f"knot={NUM_HABITS} aim=3"] | None = None,
) -> NetLips:
    """Prepare a clip.

    Its phones have a vote on contacts, those of a transcript decide. At a low `fps` contacts are held until a frame
    hits them. HeadError: the head is an imported one, whose controls have no names. OptionError: fps is out of range.
    """
    return NetLips(
        answers=answers,
        first=0,
        spoken_secs=spoken_secs(surely_speaking(analysis)),
        contacts=phone_contacts(analysis.phones, frame_secs=1.0 / require_fps(fps)),
        aligned=analysis.aligned,
        rig=lip_rig(head),
        style=style,
        fps=fps,
        habits=habits,
    )


def surely_speaking(analysis: SpeechAnalysis) -> Float[Array, " feature_frames"]:
    """Where the sound says so, or a transcript does: a faint ending is spoken too."""
    if not analysis.aligned:
        return analysis.prosody.speaking
    speaking = analysis.prosody.speaking.copy()
    for phone in analysis.phones:
        if phone.label != "SIL":
            speaking[int(phone.start_secs * FEATURE_HZ) : int(np.ceil(phone.end_secs * FEATURE_HZ))] = 1.0
    return speaking


def spoken_secs(speaking: Float[Array, " feature_frames"]) -> Float[Array, "run 2"]:
    """Stretches of a 100 Hz `speaking` track that is above 0, those joined that lie within `HOLD_SECS`."""
    found = np.array(runs(speaking > 0.0), np.float64).reshape(-1, 2)
    spans = (found - 0.5) / FEATURE_HZ
    apart = spans[1:, 0] - spans[:-1, 1] > HOLD_SECS
    starts = spans[np.concatenate([[True], apart])[: len(spans)], 0]
    ends = spans[np.concatenate([apart, [True]])[-len(spans) :], 1] if len(spans) else spans[:, 1]
    return np.stack([starts, ends], axis=-1)


def gate(spoken: Float[Array, "run 2"], times: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """1 where the mouth is the network's, 0 where it rests, eased between; `spoken` as `spoken_secs` gives it."""
    since, until, inside = since_and_until(spoken, times)
    leaving = 1.0 - smoothstep((since - TAIL_SECS) / EASE_SECS)
    coming = 1.0 - smoothstep((until - LEAD_SECS) / EASE_SECS)
    return np.where(inside, 1.0, np.maximum(leaving, coming))


def last_answer(time_secs: float, *, fps: float) -> int:
    """Number of the last answer that the mouth at an instant depends on."""
    times = np.array([time_secs])
    low, u = _place(times)
    _, stop = _window(times, fps=fps)
    return max(int(low[0]) + (SPLINE_AHEAD if u[0] > 0.0 else 0), int(stop[0]) - 1)


def _place(times: Array) -> tuple[Array, Array]:
    """The answer at or before each instant, and the share of the way to the next one; exactly 0 on an answer."""
    place = times * MOTION_HZ
    near = np.rint(place)
    place = np.where(np.abs(place - near) < _EXACT, near, place)
    low = np.floor(place)
    return low.astype(np.int64), place - low


def _window(times: Array, *, fps: float) -> tuple[Array, Array]:
    """First and past-the-last answer that is nearer to a frame than to its neighbours."""
    half = min(0.5 / fps, MOST_WINDOW_SECS)
    first, stop = (np.ceil((times + shift) * MOTION_HZ - _EXACT).astype(np.int64) for shift in (-half, half))
    return first, stop


def _sharpened(contact: Array, *, none: float, full: float) -> Array:
    sharp: Array = smoothstep((contact - none) / (full - none))
    return sharp
