"""What the whole face does: blinks, feeling, its strength, what it does to the lips, and how takes differ.

    python -m bench.performances FOLDER [--animator rules] [--model FILE] [--json FILE]

FOLDER holds recordings as for `face-emote evaluate`; takes are cut from their sounds and performed by `animate`. The
feelings are named by classifiers that learnt from performances of the rules, of other seeds and other speech.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.stats import spearmanr

from face_emote.audio.features import prosody_of
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.names import ANIMATORS, CONTROLS, EMOTIONS, FEATURE_HZ, SAMPLE_RATE_HZ
from face_emote.core.options import Performance
from face_emote.core.types import FaceMotion, Progress, Speech
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.motion.mouth.lip_meter import LipMeter, lip_meter
from face_emote.motion.mouth.lip_rig import lip_rig
from face_emote.network.config import EXPRESSION_CONTROLS
from face_emote.verbs.animate import perform
from face_emote_lab.evaluation.clips import read_clips
from face_emote_lab.evaluation.systems import HeardClip, true_controls
from face_emote_lab.evaluation.vertex_meter import VertexMeter, vertex_meter
from tools.train_judges.experts import COMPOUNDS, COMPOUNDS_JUDGE, EMOTIONS_JUDGE, load_classifier

ROWS: tuple[tuple[str, str, str], ...] = (
    ("accuracy_8", "emotion named, of 8", ".1%"),
    ("accuracy_compounds", "emotion named, of 15 compounds", ".1%"),
    ("monotonicity", "intensity monotonicity", ".2f"),
    ("lip_change", "lip change under emotion, speaking", ".1%"),
    ("lip_change_in_pauses", "  in pauses", ".1%"),
    ("blinks_per_minute", "blinks a minute", ".1f"),
    ("head_diversity_degrees", "head between seeds, degrees", ".2f"),
    ("gaze_diversity_degrees", "gaze between seeds, degrees", ".2f"),
    ("brow_diversity", "brows between seeds", ".3f"),
    ("lip_diversity", "lips between seeds (gap)", ".4f"),
    ("fdd_mm", "FDD, mm", "+.3f"),
    ("realtime_factor", "CPU s per s of sound", ".3f"),
)
INTENSITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
JUDGED_INTENSITIES = (0.6, 0.8, 1.0)
SHORT_TAKE_SECS = 8.0
LONG_TAKE_SECS = 60.0
NUM_SEEDS = 3
SHORT_PAUSE_SECS = 0.15
"""Gaps up to this are stops and hesitations: the mouth is still the speech's."""
FACE_CLIPS = 12
"""Clips that are performed, at most; spread over the set."""
PERFORMED_FPS = 50.0
BLINK_AT = 0.5
"""A blink is a run of frames with both lids closed beyond this."""


@runtime_checkable
class EmotionJudge(Protocol):
    """Names the emotion of a performance."""

    @property
    def emotions(self) -> tuple[str, ...]:
        """The names that it distinguishes."""
        ...

    def classify(self, motion: FaceMotion) -> str:
        """One of `emotions`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Judges:
    """Whoever is asked; without one its measures are left out."""

    emotions: EmotionJudge | None = None
    compounds: EmotionJudge | None = None


def bundled_judges() -> Judges:
    """Those of `assets/experts`."""
    return Judges(load_classifier(EMOTIONS_JUDGE), load_classifier(COMPOUNDS_JUDGE))


Performs = Callable[[Performance], FaceMotion]
"""Makes a performance, as `face_emote.verbs.animate.perform` does, with an animator and a frame rate of its own."""


@dataclass(frozen=True, slots=True)
class EmotionFigures:
    """One emotion that was performed."""

    emotion: str
    monotonicity: float | None
    """Spearman's rank correlation of the intended intensity with the size of the expression."""
    lip_change: float
    """Mean change of the lip gap against a neutral take, over the mean opening; both while speaking."""
    lip_change_in_pauses: float | None
    """The same where nobody speaks: there the mouth is the emotion's."""
    expression: float
    """Size of the expression at full intensity (length of the vector of controls)."""


@dataclass(frozen=True, slots=True)
class FaceFigures:
    """What the whole face does; None where it is not known."""

    seconds: float
    """Of speech that was performed for the blinks."""
    blinks_per_minute: float
    accuracy_8: float | None
    """Share of takes whose emotion the independent classifier names, at intensities of .6 and above."""
    accuracy_compounds: float | None
    emotions: tuple[EmotionFigures, ...]
    monotonicity: float | None
    """Mean over emotions."""
    lip_change: float
    """While speaking, mean over emotions."""
    lip_change_in_pauses: float | None
    head_diversity_degrees: float
    """Spread between seeds, RMS over frames."""
    gaze_diversity_degrees: float
    brow_diversity: float
    """The same in controls."""
    lip_diversity: float
    """Greatest difference of the lip gap between seeds; nought when the seed leaves the lips alone."""
    fdd_mm: float | None
    """Upper-face dynamics of real faces minus ours."""
    realtime_factor: float
    """CPU seconds of the whole performance per second of sound."""


def measure_faces(
    clips: Sequence[HeardClip],
    perform: Performs,
    *,
    head: Head,
    vertices: VertexMeter,
    judges: Judges = Judges(),
    progress: Progress | None = None,
) -> FaceFigures:
    """Let a maker of performances play takes cut together from the clips' sounds (at least one), and measure them.

    Lips are measured on `head` where a performance has no identity of its own.
    """
    short, long = take(clips, secs=SHORT_TAKE_SECS), take(clips, secs=LONG_TAKE_SECS)
    emotions = [name for name in EMOTIONS if name != "neutral"]
    total = 2.0 + NUM_SEEDS + len(emotions) * len(INTENSITIES) + len(COMPOUNDS) * len(JUDGED_INTENSITIES) + len(clips)
    played = _counted(perform, total=total, progress=progress)
    started = time.process_time()
    seeds = [played(long, "neutral", seed=seed) for seed in range(NUM_SEEDS)]
    factor = (time.process_time() - started) / (NUM_SEEDS * long.duration_secs)
    neutral = played(short, "neutral")
    takes = {(name, level): played(short, name, intensity=level) for name in emotions for level in INTENSITIES}
    times = np.arange(neutral.num_frames) / neutral.fps
    spoken = phones_in_take(clips, times=times)
    speaking = speaking_at(short, times=times) if spoken is None else spoken
    rows = tuple(_emotion_row(name, takes=takes, neutral=neutral, speaking=speaking, head=head) for name in emotions)
    head_spread, gaze_spread, brow_spread, lip_spread = _diversity(seeds, head=head)
    fdd = [_fdd(clip, played(clip.speech, "neutral"), vertices=vertices) for clip in clips if _has_face(clip)]
    return FaceFigures(
        seconds=long.duration_secs,
        blinks_per_minute=float(np.mean([60.0 * blinks(take) / long.duration_secs for take in seeds])),
        accuracy_8=_accuracy_8(takes, neutral=neutral, judge=judges.emotions),
        accuracy_compounds=_accuracy_compounds(played, short, judge=judges.compounds),
        emotions=rows,
        monotonicity=_mean([row.monotonicity for row in rows if row.monotonicity is not None]),
        lip_change=float(np.mean([row.lip_change for row in rows])),
        lip_change_in_pauses=_mean([row.lip_change_in_pauses for row in rows if row.lip_change_in_pauses is not None]),
        head_diversity_degrees=head_spread,
        gaze_diversity_degrees=gaze_spread,
        brow_diversity=brow_spread,
        lip_diversity=lip_spread,
        fdd_mm=_mean(fdd),
        realtime_factor=factor,
    )


@runtime_checkable
class _Played(Protocol):
    """Lets a speech be performed with an emotion in words."""

    def __call__(self, speech: Speech, words: str, *, intensity: float = 1.0, seed: int = 0) -> FaceMotion: ...


def _counted(perform: Performs, *, total: float, progress: Progress | None) -> _Played:
    """A maker of performances that reports how many it has made."""
    done = 0

    def played(speech: Speech, words: str, *, intensity: float = 1.0, seed: int = 0) -> FaceMotion:
        nonlocal done
        motion = perform(Performance(speech, emotion=words, intensity=intensity, seed=seed))
        done += 1
        if progress is not None:
            progress(done, total, "performing")
        return motion

    return played


def take(clips: Sequence[HeardClip], *, secs: float) -> Speech:
    """Sounds of the clips one after the other until there are `secs`, or no more."""
    parts: list[Array] = []
    for clip in clips:
        if sum(len(part) for part in parts) >= secs * SAMPLE_RATE_HZ:
            break
        parts.append(clip.speech.samples)
    return Speech(np.concatenate(parts)[: round(secs * SAMPLE_RATE_HZ)])


def phones_in_take(clips: Sequence[HeardClip], *, times: Float[Array, " frames"]) -> Bool[Array, " frames"] | None:
    """Where a `take` has phones, pauses below SHORT_PAUSE_SECS counted as speech; None when a clip's are not known."""
    out = np.zeros(len(times), bool)
    start = 0.0
    for clip in clips:
        if start > times[-1]:
            break
        if not clip.clip.phones:
            return None
        for phone in clip.clip.phones:
            if phone.label != "SIL" or phone.end_secs - phone.start_secs < SHORT_PAUSE_SECS:
                out |= (times >= start + phone.start_secs) & (times < start + phone.end_secs)
        start += clip.speech.duration_secs
    return out


def blinks(motion: FaceMotion) -> int:
    """Runs of frames in which both lids are closed beyond BLINK_AT."""
    lids = motion.expression[:, [CONTROLS.index("eyeBlinkLeft"), CONTROLS.index("eyeBlinkRight")]].min(axis=1)
    shut = lids > BLINK_AT
    return int(shut[0]) + int((shut[1:] & ~shut[:-1]).sum())


def expression_size(motion: FaceMotion, *, neutral: FaceMotion) -> float:
    """Length of the mean difference of the feeling controls (no blinks, no jaw) to a neutral take of the same sound."""
    columns = [CONTROLS.index(name) for name in EXPRESSION_CONTROLS if not name.startswith(("eyeBlink", "jawOpen"))]
    change = motion.expression[:, columns].mean(axis=0) - neutral.expression[:, columns].mean(axis=0)
    return float(np.linalg.norm(change))


def lip_change(
    gap: Float[Array, " frames"],
    neutral: Float[Array, " frames"],
    *,
    where: Bool[Array, " frames"],
    speaking: Bool[Array, " frames"],
) -> float:
    """Mean |gap - neutral gap| at some frames over the mean |neutral gap - its resting value| of speech."""
    opening = np.abs(neutral - np.percentile(neutral, 5.0))[speaking].mean()
    return float(np.abs(gap - neutral)[where].mean() / max(float(opening), 1e-9))


def speaking_at(speech: Speech, *, times: Float[Array, " frames"]) -> Bool[Array, " frames"]:
    """Where somebody speaks, by the sound's level; pauses below 150 ms count as speech."""
    speaking = prosody_of(iter([speech.samples])).speaking > 0.5
    reach = round(0.075 * FEATURE_HZ)
    near = np.convolve(np.pad(speaking, reach), np.ones(2 * reach + 1), mode="valid") > 0.0
    return np.asarray(near[np.minimum((times * FEATURE_HZ).astype(int), len(near) - 1)])


def upper_face_dynamics(vertices: Float[Array, "frames point 3"]) -> Float[Array, " point"]:
    """Spread over time of each vertex' distance from its mean place, mm."""
    return np.asarray(np.linalg.norm(vertices - vertices.mean(axis=0), axis=2).std(axis=0))


def _emotion_row(
    name: str,
    *,
    takes: dict[tuple[str, float], FaceMotion],
    neutral: FaceMotion,
    speaking: Bool[Array, " frames"],
    head: Head,
) -> EmotionFigures:
    meter = _meter_of(neutral, head=head)
    gap, still = (meter.of_motion(motion)[:, 0] for motion in (takes[name, INTENSITIES[-1]], neutral))
    sizes = np.array([expression_size(takes[name, level], neutral=neutral) for level in INTENSITIES])
    rank = float(spearmanr(np.array(INTENSITIES), sizes).statistic) if np.ptp(sizes) > 0.0 else np.nan
    return EmotionFigures(
        emotion=name,
        monotonicity=rank if np.isfinite(rank) else None,
        lip_change=lip_change(gap, still, where=speaking, speaking=speaking),
        lip_change_in_pauses=None if speaking.all() else lip_change(gap, still, where=~speaking, speaking=speaking),
        expression=float(sizes[-1]),
    )


def _accuracy_8(
    takes: dict[tuple[str, float], FaceMotion], *, neutral: FaceMotion, judge: EmotionJudge | None
) -> float | None:
    if judge is None:
        return None
    found = [judge.classify(neutral) == "neutral"]
    found += [judge.classify(motion) == name for (name, level), motion in takes.items() if level in JUDGED_INTENSITIES]
    return _mean([float(right) for right in found])


def _accuracy_compounds(played: _Played, speech: Speech, *, judge: EmotionJudge | None) -> float | None:
    found = (
        []
        if judge is None
        else [
            judge.classify(played(speech, name, intensity=level)) == name
            for name in judge.emotions
            for level in JUDGED_INTENSITIES
        ]
    )
    return _mean([float(right) for right in found])


def _diversity(seeds: Sequence[FaceMotion], *, head: Head) -> tuple[float, float, float, float]:
    def spread(values: Float[Array, "seed frames axis"]) -> float:
        return float(np.sqrt(np.mean(values.var(axis=0))))

    brows = [i for i, name in enumerate(CONTROLS) if "row" in name and name.startswith(("brow", "innerBrow"))]
    meter = _meter_of(seeds[0], head=head)
    gaps = np.stack([meter.of_motion(motion)[:, 0] for motion in seeds])
    return (
        float(np.degrees(spread(np.stack([motion.neck_pose for motion in seeds])))),
        float(np.degrees(spread(np.stack([motion.eye_pose.reshape(-1, 6) for motion in seeds])))),
        spread(np.stack([motion.expression[:, brows] for motion in seeds])),
        float(np.ptp(gaps, axis=0).max()),
    )


def _meter_of(motion: FaceMotion, *, head: Head) -> LipMeter:
    """Of the person who plays it."""
    return lip_meter(head.with_identity(motion.betas) if np.any(motion.betas) and head.betas is None else head)


def _has_face(clip: HeardClip) -> bool:
    return clip.clip.lips is not None and clip.clip.lips.face is not None


def _fdd(clip: HeardClip, motion: FaceMotion, *, vertices: VertexMeter) -> float:
    """Mean over the upper face of the real dynamics minus ours."""
    lips = clip.clip.lips
    assert lips is not None and lips.face is not None
    real = np.maximum(true_controls(clip, lips, rig=lip_rig(vertices.head), times=lips.times), lips.face)
    theirs = upper_face_dynamics(vertices.vertices(real)[:, vertices.upper_face])
    ours = upper_face_dynamics(vertices.motion_vertices(motion)[:, vertices.upper_face])
    return float((theirs - ours).mean())


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def performer(animator: str, *, model: str | Path) -> Performs:
    """Whole performances by `animate`, on the average head."""

    def performed(performance: Performance) -> FaceMotion:
        return perform(replace(performance, fps=PERFORMED_FPS, animator=animator, model=model)).whole()

    return performed


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--animator", choices=ANIMATORS, default="net")
    parser.add_argument("--model", default="default", metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="two clips; shows that it works")
    given = parser.parse_args()
    clips = read_clips(given.folder).clips
    some = [HeardClip(clip) for clip in clips[:: max(1, len(clips) // FACE_CLIPS)][: 2 if given.quick else FACE_CLIPS]]
    head = load_head()
    makes = performer(given.animator, model=given.model)
    figures = measure_faces(some, makes, head=head, vertices=vertex_meter(head), judges=bundled_judges())
    print(f"{figures.seconds:.0f} s of speech, {given.animator}")
    for name, title, form in ROWS:
        value = getattr(figures, name)
        if value is not None:
            print(f"{title:36}{format(value, form):>10}")
    if given.json is not None:
        given.json.write_text(json.dumps(asdict(figures), indent=1, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
