"""Lips of tracked GRID talkers, and lips of voices that nobody heard before: `face-emote evaluate` on them.

    python -m bench.talkers DATA [--talkers s4,s31] [--every N] [what `face-emote evaluate` takes]

DATA holds `grid_s1/` (motion_train.npz, phones_train.json, audio/) and `grid_talkers/NAME/` (motion.npz, phones.json,
audio/), and beside them `librispeech/` (phones.json, audio/), of which every tenth talker, whom no network heard, is
measured without a face.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from face_emote.cli.options import PathType
from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.core.reading import words_of
from face_emote.core.timing import MAX_FPS, MIN_FPS
from face_emote.network.runtime import load_motion_net
from face_emote_lab.evaluate_command import measure, measuring_options
from face_emote_lab.evaluation.clips import (
    THEMSELVES,
    UPPER_FACE,
    Clip,
    ClipError,
    ClipGroup,
    ClipSet,
    Lips,
    lip_arrays,
    phones_from,
    read_table,
)
from face_emote_lab.evaluation.systems import LipSystem, Network
from tools.train_judges.experts import load_sync
from tools.train_network.voices import librispeech_jobs

JAW_PER_UNIT = 2.8
"""jawOpen per drop of the chin in units of the outer eye corners' distance: fitted to talker s1 (the regression of the
rules' jaw and it correlate at .85; the corpus uses the same)."""
FITTED_TALKER = "s1"
FACELESS = "librispeech"
"""Name of the folder of voices without a face, and of whoever they are."""
OTHERS, UNSEEN, LEARNT = "other talkers", "unseen talkers", "talkers it learnt from"
VOICES = "unseen voices, LibriSpeech"


def read_talkers(folder: Path, *, talkers: tuple[str, ...] = (), every: int = 10, limit: int | None = None) -> ClipSet:
    """Find the clips of talkers.

    Args:
        folder: see the module.
        talkers: only these; all when empty.
        every: of the talker whose clips the lips were fitted to, every so many-th clip was held out and is measured.
        limit: at most so many clips of each talker.

    Raises:
        ClipError: there is no such folder, nothing usable in it, or a file beside a recording is damaged.
    """
    if every < 1 or (limit is not None and limit < 1):
        raise ClipError(f"Every how many clips, and how many at most, must be at least 1, got {every} and {limit}")
    found = _read_all(folder, every=every)
    chosen = {name: clips for name, clips in found.items() if not talkers or name in talkers}
    unknown = [name for name in talkers if name not in found]
    if unknown:
        raise ClipError(
            f"There is no talker '{unknown[0]}', only {', '.join(sorted(found))}; name some of those: {folder}"
        )
    chosen = {name: clips[:limit] for name, clips in chosen.items()}
    if not any(chosen.values()):
        raise ClipError(f"The folder holds no tracked talkers; see the head of bench/talkers.py: {folder}")
    return _grouped(folder, chosen, every=every)


def known_apart(clips: ClipSet, system: LipSystem) -> ClipSet:
    """The other talkers in two groups, where it is known: those whom the system learnt nothing from, and the rest."""
    learnt = talkers_learnt_from(system, frozenset(clip.talker for clip in clips.clips))
    return clips if learnt is None else replace(clips, groups=with_others_split(clips.groups, learnt=learnt))


def with_others_split(groups: tuple[ClipGroup, ...], *, learnt: frozenset[str]) -> tuple[ClipGroup, ...]:
    """The other talkers in two groups: those whom nothing was learnt from, and the rest."""
    out: list[ClipGroup] = []
    for group in groups:
        if group.name != OTHERS:
            out.append(group)
            continue
        for name, is_learnt in ((UNSEEN, False), (LEARNT, True)):
            clips = tuple(clip for clip in group.clips if (clip.talker in learnt) == is_learnt)
            out += [ClipGroup(name, clips)] if clips else []
    return tuple(out)


def talkers_learnt_from(system: LipSystem, talkers: frozenset[str]) -> frozenset[str] | None:
    """Which of some GRID talkers (s1 apart) a system was fitted to; None when that is not known.

    The rules and the baselines know none. A network's card names its sources and the talkers that were held out.
    """
    if not isinstance(system, Network):
        return frozenset()
    lines = dict(line.partition(": ")[::2] for line in load_motion_net(system.model).card.splitlines())
    if "learnt from" not in lines:
        return None
    if not {"grid_talkers", "stretched"} & set(lines["learnt from"].split(", ")):
        return frozenset()
    return talkers - set(lines.get("held out", "").split(", "))


def _grouped(folder: Path, chosen: dict[str, list[Clip]], *, every: int) -> ClipSet:
    groups = []
    if FITTED_TALKER in chosen:
        groups.append(ClipGroup(f"held-out clips of {FITTED_TALKER}", tuple(chosen[FITTED_TALKER])))
    others = tuple(clip for name, some in chosen.items() if name not in (FITTED_TALKER, FACELESS) for clip in some)
    if others:
        groups.append(ClipGroup(OTHERS, others))
    if FACELESS in chosen:
        groups.append(ClipGroup(VOICES, tuple(chosen[FACELESS])))
    if not (folder / "grid_s1").is_dir():
        return ClipSet(tuple(groups), others, THEMSELVES)
    taught = _read_s1(folder, remainder=1 % every, every=every)
    note = f"{len(taught)} other clips of {FITTED_TALKER}" if every > 1 else f"all clips of {FITTED_TALKER}"
    return ClipSet(tuple(groups), tuple(taught), note)


def _read_all(folder: Path, *, every: int) -> dict[str, list[Clip]]:
    found = {FITTED_TALKER: _read_s1(folder, remainder=0, every=every)} if (folder / "grid_s1").is_dir() else {}
    others = folder / "grid_talkers"
    for talker in sorted(path for path in others.iterdir() if path.is_dir()) if others.is_dir() else ():
        found[talker.name] = read_tracked(talker, talker=talker.name, motion="motion.npz", phones="phones.json")
    if (folder / FACELESS).is_dir():
        found[FACELESS] = _read_voices(folder)
    return found


def _read_voices(folder: Path) -> list[Clip]:
    path = folder / FACELESS / "phones.json"
    phones = read_table(path)
    if not isinstance(phones, dict):
        raise ClipError(f"The phones are no table of clips; write them again: {path}")
    held_out = (job for job in librispeech_jobs(folder) if job.split == "test")
    return [
        Clip(name=job.name, talker=FACELESS, sound=folder / job.audio, phones=phones_from(phones[job.name], path=path))
        for job in held_out
    ]


def _read_s1(folder: Path, *, remainder: int, every: int) -> list[Clip]:
    return read_tracked(
        folder / "grid_s1",
        talker=FITTED_TALKER,
        motion="motion_train.npz",
        phones="phones_train.json",
        chosen=lambda number: number % every == remainder,
    )


def read_tracked(
    folder: Path, *, talker: str, motion: str, phones: str, chosen: Callable[[int], bool] = lambda _number: True
) -> list[Clip]:
    """All clips of one tracked talker that have phones and a sound; of these, those whose number is `chosen`.

    Raises:
        ClipError: a file is missing or damaged.
    """
    sounds = {path.stem: path for path in (folder / "audio").iterdir()} if (folder / "audio").is_dir() else {}
    aligned = read_table(folder / phones)
    if not isinstance(aligned, dict):
        raise ClipError(f"The phones are no table of clips; write them again: {folder / phones}")
    arrays = lip_arrays(folder / motion, needed=("clips", "feat", "feat_names", "fps", "bs", "bs_names"))
    _require_tracked(arrays, folder / motion)
    columns = list(words_of(arrays["feat_names"]))
    feat = arrays["feat"].astype(np.float64)
    gap, width, jaw = (feat[..., columns.index(name)] for name in ("gap", "inwidth", "jaw"))
    closed = gap <= np.nanpercentile(gap, 20.0)
    rest_width, rest_jaw, rest_gap = np.nanmedian(width[closed]), np.nanpercentile(jaw, 5.0), np.nanpercentile(gap, 5.0)
    shapes = _upper_face(arrays["bs"], list(words_of(arrays["bs_names"])))
    names = list(words_of(arrays["clips"]))
    usable = [i for i, name in enumerate(names) if name in aligned and name in sounds and np.isfinite(feat[i]).all()]
    out = []
    for i in (i for number, i in enumerate(usable) if chosen(number)):
        lips = Lips(
            fps=float(arrays["fps"].reshape(())),
            gap=gap[i],
            rest_gap=float(rest_gap),
            width=width[i] - rest_width,
            jaw=np.clip(JAW_PER_UNIT * (jaw[i] - rest_jaw), 0.0, 1.0),
            face=shapes[i],
        )
        spoken = phones_from(aligned[names[i]], path=folder / phones)
        out.append(Clip(name=names[i], talker=talker, sound=sounds[names[i]], phones=spoken, lips=lips))
    return out


def _require_tracked(arrays: dict[str, Array], path: Path) -> None:
    """Raise ClipError unless names, features and blendshapes of a talker fit each other."""
    features, shapes, fps = arrays["feat"], arrays["bs"], arrays["fps"]
    try:
        clips, names, curves = (words_of(arrays[name]) for name in ("clips", "feat_names", "bs_names"))
    except ValueError:
        raise ClipError(f"The names in the measured lips are no words; write them again: {path}") from None
    fits = (
        features.ndim == 3
        and features.shape[::2] == (len(clips), len(names))
        and {"gap", "inwidth", "jaw"} <= set(names)
        and shapes.shape == (*features.shape[:2], len(curves))
        and {features.dtype.kind, shapes.dtype.kind} <= {"f"}
        and fps.size == 1
        and fps.dtype.kind in "fiu"
        and MIN_FPS <= fps <= MAX_FPS
        and features.size > 0
    )
    if not fits:
        raise ClipError(f"The measured lips do not fit their names, or their rate; write them again: {path}")


def _upper_face(shapes: Float[Array, "clip frames shape"], names: list[str]) -> Float[Array, "clip frames control=100"]:
    """Captured blendshapes in the order of `names.CONTROLS`, less each talker's resting value (the median)."""
    out = np.zeros((*shapes.shape[:2], len(CONTROLS)), np.float32)
    for column, name in enumerate(names):
        if name.startswith(UPPER_FACE) and name in CONTROLS:
            values = shapes[..., column].astype(np.float32)
            out[..., CONTROLS.index(name)] = np.clip(values - np.median(values), 0.0, 1.0)
    return out


@click.command(help=__doc__.splitlines()[0])
@click.argument("data", type=PathType)
@click.option("--talkers", metavar="NAMES", default="", help="Only these, such as s4,s31.")
@click.option("--every", metavar="N", default=10, show_default=True, help="Of talker s1, measure every Nth clip.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="At most so many clips of each talker.")
@measuring_options
def command(data: Path, talkers: str, every: int, limit: int | None, **values: Any) -> None:
    """Measure one animator on them."""
    names = tuple(name.strip() for name in talkers.split(",") if name.strip())
    measure(
        lambda system: known_apart(read_talkers(data, talkers=names, every=every, limit=limit), system),
        data=data.resolve().name,
        sync=load_sync(),
        **values,
    )


if __name__ == "__main__":
    command()
