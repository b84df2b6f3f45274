"""The whole evaluation: read clips, move lips in every way, measure, report."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.names import ANIMATORS
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import Progress
from face_emote.core.version import VERSION
from face_emote.face.head import Head
from face_emote.motion.mouth.lip_meter import LipMeter
from face_emote_lab.evaluation import lip_figures
from face_emote_lab.evaluation.clips import Clip, ClipGroup, ClipSet
from face_emote_lab.evaluation.report import HUMAN, GroupReport, Report
from face_emote_lab.evaluation.systems import HeardClip, LipSystem, Network, Rules, baselines

TIMED_CLIPS = 5
SYNTHETIC = (
    "LVE, MVE, MOD: synthetic vertices from measured lips - the truth is our head driven by the real gap, width and "
    "jaw; rounding, tongue and contacts, which a camera does not see, come from the phones"
)


@dataclass(frozen=True, slots=True, eq=False)
class GapPair:
    """Lip gap of one clip, for plots."""

    clip: str
    group: str
    correlation: float
    times: Float[Array, " frames"]
    ours: Float[Array, " frames"]
    real: Float[Array, " frames"]


def lip_system(animator: str, *, head: Head, known_words: bool, model: str | Path = "default") -> LipSystem:
    """One of `names.ANIMATORS`; raises OptionError for another name, and CheckpointError for a damaged network."""
    if animator == "rules":
        return Rules(head, known_words=known_words)
    if animator not in ANIMATORS:
        raise OptionError(f"There is no animator '{animator}'; choose one of {', '.join(ANIMATORS)}")
    return Network(head, model=model, known_words=known_words)


def evaluate(
    clips: ClipSet,
    system: LipSystem,
    *,
    head: Head,
    data: str,
    sync: lip_figures.SyncJudge | None = None,
    with_baselines: bool = True,
    progress: Progress | None = None,
) -> tuple[Report, tuple[GapPair, ...]]:
    """Measure one animator, and the baselines beside it, on clips that are called `data` in the report."""
    by = lip_figures.ruler(head, sync=sync)
    others, notes = _baselines(clips, head=head) if with_baselines else ((), ())
    systems = (system, *(other for other in others if other.name != system.name))
    total, done = float(len(clips.clips)), 0
    groups, pairs = [], []
    for group in clips.groups:
        tried: list[_Tried] = []
        for clip in group.clips:
            tried.append(_try(clip, systems, by=by))
            done += 1
            if progress is not None:
                progress(done, total, "measuring lips")
        groups.append(_group_report(group, tried, systems=systems))
        pairs += _pairs(group, tried, system=system, meter=by.lips)
    report = Report(
        animator=system.name, version=VERSION, data=data, groups=tuple(groups), notes=(*_notes(clips), *notes)
    )
    return report, tuple(pairs)


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """A clip by all systems; what was heard is let go of, so that memory does not grow with the clips."""

    clip: Clip
    by_system: tuple[lip_figures.ClipFigures | None, ...]
    human: lip_figures.ClipFigures | None


def _try(clip: Clip, systems: Sequence[LipSystem], *, by: lip_figures.Ruler) -> _Tried:
    heard = HeardClip(clip)
    truth = lip_figures.true_vertices(heard, by=by)
    figures = tuple(lip_figures.measure_clip(heard, system, by=by, truth=truth) for system in systems)
    return _Tried(clip=clip, by_system=figures, human=lip_figures.measure_human(heard, by=by))


def realtime_factor(clips: Sequence[Clip], system: LipSystem) -> float | None:
    """CPU seconds per second of sound of hearing and moving the lips, on a few clips."""
    secs = 0.0
    started = time.process_time()
    for clip in clips[:TIMED_CLIPS]:
        heard = HeardClip(clip)
        fps = lip_figures.WITHOUT_LIPS_FPS if clip.lips is None else clip.lips.fps
        sampler = system.lips(heard, fps=fps)
        if sampler is None:
            return None
        secs += heard.speech.duration_secs
        sampler(frame_times(0, frames_in(heard.speech.duration_secs, fps=fps), fps=fps))
    return (time.process_time() - started) / secs


def _group_report(group: ClipGroup, tried: Sequence[_Tried], *, systems: Sequence[LipSystem]) -> GroupReport:
    """The first system is the one under test."""
    columns = []
    for i, system in enumerate(systems):
        figures = [figures for clip in tried if (figures := clip.by_system[i]) is not None]
        factor = None if i else realtime_factor(group.clips, system)
        columns += [lip_figures.summed(system.name, figures, realtime_factor=factor)] if figures else []
    tested = [figures for clip in tried if (figures := clip.by_system[0]) is not None]
    human = [figures for clip in tried if (figures := clip.human) is not None]
    return GroupReport(
        name=group.name,
        clips=len(group.clips),
        talkers=len({clip.talker for clip in group.clips}),
        systems=(*columns, *([lip_figures.summed(HUMAN, human)] if human else [])),
        by_talker=lip_figures.talker_figures(tested),
        by_clip=tuple(tested),
    )


def _baselines(clips: ClipSet, *, head: Head) -> tuple[tuple[LipSystem, ...], tuple[str, ...]]:
    fitted = baselines(head, fitting=tuple(HeardClip(clip) for clip in clips.fitting))
    rules = (Rules(head, known_words=True), Rules(head, known_words=False))
    if fitted is None:
        return rules, ("energy to jaw and mean face are left out: no clip has real lips to fit them to",)
    energy, mean = fitted
    note = (
        f"energy to jaw and mean face: fitted to {clips.fitting_note}; the jaw lags by {1e3 * energy.lag_secs:.0f} ms"
    )
    return (*rules, energy, mean), (note,)


def _pairs(group: ClipGroup, tried: Sequence[_Tried], *, system: LipSystem, meter: LipMeter) -> list[GapPair]:
    """The best, the median and the worst clip."""
    ranked = [
        (figures.correlation, item.clip, item.clip.lips)
        for item in tried
        if (figures := item.by_system[0]) is not None and figures.correlation is not None and item.clip.lips is not None
    ]
    ranked.sort(key=lambda item: (-item[0], item[1].talker, item[1].name))
    chosen = [ranked[i] for i in sorted({0, len(ranked) // 2, len(ranked) - 1})] if ranked else []
    pairs = []
    for r, clip, lips in chosen:
        sampler = system.lips(HeardClip(clip), fps=lips.fps)
        if sampler is not None:
            pairs.append(
                GapPair(
                    clip=f"{clip.talker} {clip.name}",
                    group=group.name,
                    correlation=r,
                    times=lips.times,
                    ours=meter.of_controls(sampler(lips.times))[:, 0],
                    real=lips.gap,
                )
            )
    return pairs


def _notes(clips: ClipSet) -> tuple[str, ...]:
    with_lips = sum(clip.lips is not None for clip in clips.clips)
    with_phones = sum(bool(clip.phones) or clip.transcript is not None for clip in clips.clips)
    notes = [SYNTHETIC] if with_lips else []
    if with_lips < len(clips.clips):
        notes.append(f"{len(clips.clips) - with_lips} of {len(clips.clips)} clips have no real lips to compare with")
    if with_phones < len(clips.clips):
        notes.append(
            f"{len(clips.clips) - with_phones} of {len(clips.clips)} clips have neither phones nor a transcript, so "
            "closures are not counted on them"
        )
    return tuple(notes)
