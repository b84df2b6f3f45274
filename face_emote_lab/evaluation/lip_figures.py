"""How well the lips of one system match the sound and the real lips: clip by clip, then summed up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.names import BILABIALS, OPEN_VOWELS
from face_emote.core.types import Phone
from face_emote.face.head import Head
from face_emote.motion.mouth.lip_meter import LipMeter, lip_meter
from face_emote.motion.mouth.lip_rig import LipRig, lip_rig
from face_emote_lab.evaluation.clips import Lips
from face_emote_lab.evaluation.signals import best_shift_secs, correlation, jerk, misalignment_secs, rms
from face_emote_lab.evaluation.systems import HeardClip, LipSystem, Sampler, true_controls
from face_emote_lab.evaluation.vertex_meter import VertexMeter, vertex_meter

CLOSED = 0.03  # Lips count as closed below this gap.
NEAR_SECS = 0.04
NEARLY_CLOSED = 0.2
"""Of the way from a clip's least gap to its largest, below which lips are nearly closed, however far a face opens."""
LOUD_PERCENT = 95.0
DENSE_HZ = 100.0
MARGIN_SECS = 0.25
SHORTEST_SILENCE_SECS = 0.3
SETTLE_SECS = 0.15  # So long after speech a mouth may still close ..
PREPARE_SECS = 0.25
""".. and so long before it may already open, and it is no motion in silence: real ones set off 130-240 ms early."""
JUDGE_HZ = 50.0
LEAST_MOVEMENT = 1e-4  # Of the gap, below which lips do not move.
WITHOUT_LIPS_FPS = 25.0  # Where no real lips give a frame rate.


@runtime_checkable
class SyncJudge(Protocol):
    """Measures how far lips are off the sound, and how sure that is."""

    def offset_and_confidence(
        self, log_mels: Float[Array, "rows band=40"], lips: Float[Array, "frames channel=3"]
    ) -> tuple[float, float]:
        """Milliseconds by which the lips (gap, width, jaw; 50 Hz) are late, and how sure that is."""
        ...


@dataclass(frozen=True, slots=True)
class ClipFigures:
    """One clip; None where it is not known. Counts, so that clips of any length weigh right when summed."""

    name: str
    talker: str
    correlation: float | None = None
    lag_ms: float | None = None
    mtm_ms: float | None = None
    jerk_ratio: float | None = None
    lve_mm: float | None = None
    mve_mm: float | None = None
    mod_mm: float | None = None
    bilabials: int = 0
    closed: int = 0
    open_vowels: int = 0
    falsely_closed: int = 0
    nearly_closed: int = 0
    loud_gap: float | None = None
    real_loud_gap: float | None = None
    silence_velocity: float | None = None
    speech_velocity: float | None = None
    sync_offset_ms: float | None = None
    sync_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class LipFigures:
    """One system on a set of clips; None where no clip gives it."""

    system: str
    clips: int
    correlation: float | None  # Lip gap against the real one: mean of the clips' r.
    correlation_by_talker: float | None  # The same, averaged per talker first.
    lag_ms: float | None  # Median best lag; positive when our lips are early.
    within_20_ms: float | None  # Share of clips whose best lag is at most 20 ms.
    within_40_ms: float | None
    closure: float | None  # Share of P B M with a gap below .03 within 40 ms of their centre.
    false_closure: float | None  # Share of open vowels with such a gap at their centre.
    nearly_closed: float | None
    """Share of open vowels at whose centre the lips are nearly closed, by the clip's own range."""
    loud_gap: float | None  # 95th percentile of the gap over that of the real one.
    lve_mm: float | None
    mve_mm: float | None
    mod_mm: float | None
    mtm_ms: float | None
    silence_motion: float | None  # Speed of the gap in silences over that in speech, both RMS.
    jerk_ratio: float | None  # Median of RMS jerk of the gap over that of the real one.
    sync_offset_ms: float | None
    sync_confidence: float | None
    realtime_factor: float | None = None  # CPU seconds per second of sound, hearing included, one thread.


@dataclass(frozen=True, slots=True)
class TalkerFigures:
    """The system under test on one talker."""

    talker: str
    clips: int
    correlation: float | None
    lag_ms: float | None
    closure: float | None
    false_closure: float | None
    loud_gap: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Ruler:
    """What everything is measured with."""

    lips: LipMeter
    vertices: VertexMeter
    rig: LipRig
    sync: SyncJudge | None = None


def ruler(head: Head, *, sync: SyncJudge | None = None) -> Ruler:
    """A ruler for the bundled head."""
    return Ruler(lip_meter(head), vertex_meter(head), rig=lip_rig(head), sync=sync)


def true_vertices(heard: HeardClip, *, by: Ruler) -> Float[Array, "frames point 3"] | None:
    """Our head with the clip's real lips, mm; None where there are none."""
    lips = heard.clip.lips
    if lips is None:
        return None
    return by.vertices.vertices(true_controls(heard, lips, rig=by.rig, times=lips.times))


def measure_clip(
    heard: HeardClip, system: LipSystem, *, by: Ruler, truth: Float[Array, "frames point 3"] | None = None
) -> ClipFigures | None:
    """One system on one clip; None where the system has no answer. `truth` is `true_vertices` of a clip with lips."""
    lips = heard.clip.lips
    fps = WITHOUT_LIPS_FPS if lips is None else lips.fps
    sampler = system.lips(heard, fps=fps)
    if sampler is None:
        return None
    end = len(lips.gap) / fps if lips is not None else heard.speech.duration_secs
    dense_times = np.arange(round(-MARGIN_SECS * DENSE_HZ), round((end + MARGIN_SECS) * DENSE_HZ)) / DENSE_HZ
    dense = by.lips.of_controls(sampler(dense_times))
    times = np.arange(max(1, round(end * fps))) / fps if lips is None else lips.times
    dense[:, 0] = np.maximum(dense[:, 0], 0.0)  # to a camera, lips that are pressed together touch
    gap = np.interp(times, dense_times, dense[:, 0])
    figures = _seen_of_gap(heard, gap, times=times)
    if lips is not None:
        figures |= {
            "correlation": _finite(correlation(gap, lips.gap)),
            "lag_ms": _finite(1e3 * best_shift_secs(dense[:, 0], dense_times=dense_times, truth=lips.gap, times=times)),
            "mtm_ms": _finite(1e3 * misalignment_secs(gap, lips.gap, times=times)),
            "jerk_ratio": _ratio(jerk(gap, fps=fps), jerk(lips.gap, fps=fps)),
            "real_loud_gap": float(np.percentile(lips.gap, LOUD_PERCENT)),
        }
        known = true_vertices(heard, by=by) if truth is None else truth
        assert known is not None
        figures |= _errors(lips, sampler, by=by, gap=gap, truth=known)
    figures |= _judged(by.sync, heard, curves=dense.T, times=dense_times, end_secs=end)
    return ClipFigures(**figures)


def measure_human(heard: HeardClip, *, by: Ruler) -> ClipFigures | None:
    """The real lips by the same ruler: the best there can be."""
    lips = heard.clip.lips
    if lips is None:
        return None
    figures = _seen_of_gap(heard, lips.gap, times=lips.times)
    figures["real_loud_gap"] = figures["loud_gap"]
    if lips.width is not None and lips.jaw is not None:
        curves, end_secs = (np.maximum(lips.on_our_head, 0.0), lips.width, lips.jaw), len(lips.gap) / lips.fps
        figures |= _judged(by.sync, heard, curves=curves, times=lips.times, end_secs=end_secs)
    return ClipFigures(**figures)


def summed(system: str, clips: Sequence[ClipFigures], *, realtime_factor: float | None = None) -> LipFigures:
    """Figures of a set of clips."""
    talkers = sorted({clip.talker for clip in clips})
    lags = np.array(list(_known(clip.lag_ms for clip in clips)))
    by_talker = [_mean(clip.correlation for clip in clips if clip.talker == talker) for talker in talkers]
    means = ("correlation", "lve_mm", "mve_mm", "mod_mm", "mtm_ms", "sync_confidence")
    medians = ("lag_ms", "jerk_ratio", "sync_offset_ms")
    return LipFigures(
        system=system,
        clips=len(clips),
        correlation_by_talker=_mean(by_talker),
        within_20_ms=float(np.mean(np.abs(lags) <= 20.0 + 1e-6)) if len(lags) else None,
        within_40_ms=float(np.mean(np.abs(lags) <= 40.0 + 1e-6)) if len(lags) else None,
        closure=_ratio(sum(clip.closed for clip in clips), sum(clip.bilabials for clip in clips)),
        false_closure=_ratio(sum(clip.falsely_closed for clip in clips), sum(clip.open_vowels for clip in clips)),
        nearly_closed=_ratio(sum(clip.nearly_closed for clip in clips), sum(clip.open_vowels for clip in clips)),
        loud_gap=_loud_gap(clips),
        silence_motion=_silence_motion(clips),
        realtime_factor=realtime_factor,
        **{name: _mean(getattr(clip, name) for clip in clips) for name in means},
        **{name: _median(getattr(clip, name) for clip in clips) for name in medians},
    )


def talker_figures(clips: Sequence[ClipFigures]) -> tuple[TalkerFigures, ...]:
    """One row a talker, in order of their names."""
    rows = []
    for talker in sorted({clip.talker for clip in clips}):
        whole = summed("", [clip for clip in clips if clip.talker == talker])
        shared = {item.name: getattr(whole, item.name) for item in fields(TalkerFigures) if item.name != "talker"}
        rows.append(TalkerFigures(talker=talker, **shared))
    return tuple(rows)


def closed_near(gap: Float[Array, " frames"], *, times: Float[Array, " frames"], centre_secs: float) -> bool | None:
    """Whether the lips close around an instant; None when no frame lies there."""
    near = np.abs(times - centre_secs) <= NEAR_SECS + 1e-6
    return bool(gap[near].min() < CLOSED) if near.any() else None


def still_and_speaking(
    phones: tuple[Phone, ...], *, times: Float[Array, " frames"]
) -> tuple[Bool[Array, " frames"], Bool[Array, " frames"]]:
    """Frames inside silences of at least 300 ms, away from speech, and frames of speech."""
    still, speaking = np.zeros(len(times), bool), np.zeros(len(times), bool)
    for i, phone in enumerate(phones):
        if phone.label != "SIL":
            speaking |= (times >= phone.start_secs) & (times < phone.end_secs)
        elif phone.end_secs - phone.start_secs >= SHORTEST_SILENCE_SECS:
            after = SETTLE_SECS if i else 0.0
            before = PREPARE_SECS if i + 1 < len(phones) else 0.0
            still |= (times >= phone.start_secs + after) & (times <= phone.end_secs - before)
    return still, speaking


def _seen_of_gap(heard: HeardClip, gap: Float[Array, " frames"], *, times: Float[Array, " frames"]) -> dict[str, Any]:
    """Whose it is, closures and stillness."""
    still = _stillness(heard.phones, gap, times=times)
    loud = float(np.percentile(gap, LOUD_PERCENT))
    whose = {"name": heard.clip.name, "talker": heard.clip.talker, "loud_gap": loud}
    return whose | _closures(heard, gap, times=times) | still


def _closures(heard: HeardClip, gap: Float[Array, " frames"], *, times: Float[Array, " frames"]) -> dict[str, int]:
    counts = {"bilabials": 0, "closed": 0, "open_vowels": 0, "falsely_closed": 0, "nearly_closed": 0}
    if heard.aligned is None:
        return counts
    nearly = gap.min() + NEARLY_CLOSED * np.ptp(gap)
    for phone in heard.aligned.phones:
        if phone.label in BILABIALS:
            closed = closed_near(gap, times=times, centre_secs=phone.centre_secs)
            counts["bilabials"] += closed is not None
            counts["closed"] += bool(closed)
        elif phone.label in OPEN_VOWELS and phone.centre_secs <= times[-1]:
            at_centre = gap[int(np.argmin(np.abs(times - phone.centre_secs)))]
            counts["open_vowels"] += 1
            counts["falsely_closed"] += bool(at_centre < CLOSED)
            counts["nearly_closed"] += bool(at_centre < nearly)
    return counts


def _stillness(
    phones: tuple[Phone, ...], gap: Float[Array, " frames"], *, times: Float[Array, " frames"]
) -> dict[str, float | None]:
    still, speaking = still_and_speaking(phones, times=times)
    speed = np.diff(gap) / np.diff(times)
    return {
        "silence_velocity": _finite(rms(speed[still[1:] & still[:-1]])),
        "speech_velocity": _finite(rms(speed[speaking[1:] & speaking[:-1]])),
    }


def _errors(
    lips: Lips, sampler: Sampler, *, by: Ruler, gap: Float[Array, " frames"], truth: Float[Array, "frames point 3"]
) -> dict[str, float]:
    off = np.linalg.norm(by.vertices.vertices(sampler(lips.times)) - truth, axis=2)
    return {
        "mod_mm": 1e3 * by.lips.unit_metres * float(np.abs(gap - lips.on_our_head).mean()),
        "lve_mm": float(off[:, by.vertices.lips].max(axis=1).mean()),
        "mve_mm": float(off[:, by.vertices.face].mean()),
    }


def _judged(
    judge: SyncJudge | None,
    heard: HeardClip,
    *,
    curves: Sequence[Float[Array, " frames"]] | Float[Array, "channel=3 frames"],
    times: Float[Array, " frames"],
    end_secs: float,
) -> dict[str, float | None]:
    """Lips that never move have no offset."""
    even = np.arange(int(end_secs * JUDGE_HZ)) / JUDGE_HZ
    rows = np.stack([np.interp(even, times, curve) for curve in curves], axis=1)
    if judge is None or np.ptp(rows[:, 0]) < LEAST_MOVEMENT:
        return {}
    offset, confidence = judge.offset_and_confidence(heard.mels, rows)
    return {"sync_offset_ms": _finite(offset), "sync_confidence": confidence if np.isfinite(offset) else None}


def _loud_gap(clips: Sequence[ClipFigures]) -> float | None:
    pairs = [(clip.loud_gap, clip.real_loud_gap) for clip in clips if clip.loud_gap and clip.real_loud_gap]
    ours, real = np.array(pairs).reshape(-1, 2).mean(axis=0) if pairs else (0.0, 0.0)
    return _ratio(float(ours), float(real))


def _silence_motion(clips: Sequence[ClipFigures]) -> float | None:
    still, moving = (
        np.array(list(_known(getattr(clip, name) for clip in clips)))
        for name in ("silence_velocity", "speech_velocity")
    )
    return _ratio(rms(still), rms(moving)) if len(still) and len(moving) else None


def _known(values: Iterable[float | None]) -> Iterable[float]:
    return (value for value in values if value is not None)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _ratio(part: float | int, whole: float | int) -> float | None:
    return part / whole if whole > 1e-12 else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = list(_known(values))
    return float(np.mean(known)) if known else None


def _median(values: Iterable[float | None]) -> float | None:
    known = list(_known(values))
    return float(np.median(known)) if known else None
