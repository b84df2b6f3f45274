"""Clips to measure on, read from a folder.

Two layouts are known. Tracked GRID talkers: `grid_s1/` (motion_train.npz, phones_train.json, audio/) and
`grid_talkers/NAME/` (motion.npz, phones.json, audio/), and beside them `librispeech/` (phones.json, audio/), of which
every tenth talker, whom no network heard, is measured without a face. Or a plain folder of recordings NAME.wav (or
.flac, .ogg, ..) with, for each, any of

    NAME.phones.json   [[word, phone, start, end], ..] in seconds, ARPAbet
    NAME.txt           the words spoken
    NAME.lips.npz      gap [frames], fps; width and jaw [frames] if known: real lips
    NAME.npz           a motion file: the real performance
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import FaceEmoteError
from face_emote.core.names import CONTROLS, PHONES
from face_emote.core.reading import content_of, read_npz, words_of
from face_emote.core.records import parsed_json
from face_emote.core.timing import MAX_FPS, MIN_FPS, require_fps
from face_emote.core.types import Phone
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion
from face_emote.train.corpus.lips import lip_meter
from tools.train_network.voices import librispeech_jobs

SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".m4a")
JAW_PER_UNIT = 2.8
"""jawOpen per drop of the chin in units of the outer eye corners' distance: fitted to talker s1 (the regression of the
rules' jaw and it correlate at .85; the corpus uses the same)."""
JAW_PER_GAP = 2.0
"""jawOpen per lip gap where no jaw was measured; the same talker."""
REST_GAP = 0.006
"""Gap of our head at rest; each talker's own rest (5th percentile) is moved there before vertices are made of it."""
FITTED_TALKER = "s1"
FACELESS = "librispeech"
"""Name of the folder of voices without a face, and of whoever they are."""
OTHERS, UNSEEN, LEARNT = "other talkers", "unseen talkers", "talkers it learnt from"
VOICES = "unseen voices, LibriSpeech"
UPPER_FACE = ("brow", "eyeBlink", "eyeSquint", "eyeWide", "cheekSquint", "noseSneer")
"""What of the captured blendshapes is taken over besides the lips."""


class ClipError(FaceEmoteError):
    """A folder of clips cannot be used for measuring."""


@dataclass(frozen=True, slots=True, eq=False)
class Lips:
    """Real lips of one clip. Gap and width in units of the distance between the outer corners of the eyes."""

    fps: float
    gap: Float[Array, " frames"]
    """As measured."""
    rest_gap: float
    """Of the talker."""
    width: Float[Array, " frames"] | None = None
    """Less the width at rest."""
    jaw: Float[Array, " frames"] | None = None
    """In jawOpen."""
    face: Float[Array, "frames control=100"] | None = None
    """Captured controls of brows, lids and cheeks; zeros elsewhere."""

    @property
    def times(self) -> Float[Array, " frames"]:
        """Seconds of the frames."""
        return np.arange(len(self.gap)) / self.fps

    @property
    def on_our_head(self) -> Float[Array, " frames"]:
        """The gap with the talker's rest moved to that of our head."""
        return self.gap - self.rest_gap + REST_GAP


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One recording and what is known about it."""

    name: str
    talker: str
    sound: Path
    phones: tuple[Phone, ...] = ()
    """In order; empty when unknown."""
    lips: Lips | None = None
    transcript: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClipGroup:
    """Clips that are reported together."""

    name: str
    clips: tuple[Clip, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ClipSet:
    """What a folder gives."""

    groups: tuple[ClipGroup, ...]
    fitting: tuple[Clip, ...]
    """Clips that the energy baseline is fitted to."""
    fitting_note: str

    @property
    def clips(self) -> tuple[Clip, ...]:
        """Of all groups."""
        return tuple(clip for group in self.groups for clip in group.clips)


def read_clips(folder: Path, *, talkers: tuple[str, ...] = (), every: int = 10, limit: int | None = None) -> ClipSet:
    """Find the clips of a folder of either layout.

    Args:
        folder: see the module.
        talkers: only these; all when empty. In a plain folder everybody is one talker, named after the folder.
        every: of the talker whose clips the lips were fitted to, every so many-th clip was held out and is measured.
        limit: at most so many clips of each talker.

    Raises:
        ClipError: there is no such folder, nothing usable in it, or a file beside a recording is damaged.
    """
    if not folder.is_dir():
        raise ClipError(f"There is no such folder of clips; check its name: {folder}")
    if every < 1 or (limit is not None and limit < 1):
        raise ClipError(f"Every how many clips, and how many at most, must be at least 1, got {every} and {limit}")
    tracked = (folder / "grid_s1").is_dir() or (folder / "grid_talkers").is_dir()
    found = _read_tracked(folder, every=every) if tracked else _read_plain(folder)
    chosen = {name: clips for name, clips in found.items() if not talkers or name in talkers}
    unknown = [name for name in talkers if name not in found]
    if unknown:
        raise ClipError(
            f"There is no talker '{unknown[0]}', only {', '.join(sorted(found))}; name some of those: {folder}"
        )
    chosen = {name: clips[:limit] for name, clips in chosen.items()}
    if not any(chosen.values()):
        raise ClipError(f"The folder holds no recordings (NAME.wav) to measure on; see docs/evaluation.md: {folder}")
    return _grouped(folder, chosen, every=every, tracked=tracked)


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


def _grouped(folder: Path, chosen: dict[str, list[Clip]], *, every: int, tracked: bool) -> ClipSet:
    if not tracked:
        clips = tuple(clip for some in chosen.values() for clip in some)
        return ClipSet((ClipGroup(folder.resolve().name, clips),), clips, "the measured clips themselves")
    groups = []
    if FITTED_TALKER in chosen:
        groups.append(ClipGroup(f"held-out clips of {FITTED_TALKER}", tuple(chosen[FITTED_TALKER])))
    others = tuple(clip for name, some in chosen.items() if name not in (FITTED_TALKER, FACELESS) for clip in some)
    if others:
        groups.append(ClipGroup(OTHERS, others))
    if FACELESS in chosen:
        groups.append(ClipGroup(VOICES, tuple(chosen[FACELESS])))
    if not (folder / "grid_s1").is_dir():
        return ClipSet(tuple(groups), others, "the measured clips themselves")
    taught = _read_s1(folder, remainder=1 % every, every=every)
    note = f"{len(taught)} other clips of {FITTED_TALKER}" if every > 1 else f"all clips of {FITTED_TALKER}"
    return ClipSet(tuple(groups), tuple(taught), note)


def _read_tracked(folder: Path, *, every: int) -> dict[str, list[Clip]]:
    found = {FITTED_TALKER: _read_s1(folder, remainder=0, every=every)} if (folder / "grid_s1").is_dir() else {}
    others = folder / "grid_talkers"
    for talker in sorted(path for path in others.iterdir() if path.is_dir()) if others.is_dir() else ():
        found[talker.name] = read_tracked(talker, talker=talker.name, motion="motion.npz", phones="phones.json")
    if (folder / FACELESS).is_dir():
        found[FACELESS] = _read_voices(folder)
    return found


def _read_voices(folder: Path) -> list[Clip]:
    path = folder / FACELESS / "phones.json"
    phones = _json(path)
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
    aligned = _json(folder / phones)
    if not isinstance(aligned, dict):
        raise ClipError(f"The phones are no table of clips; write them again: {folder / phones}")
    arrays = _arrays(folder / motion, needed=("clips", "feat", "feat_names", "fps", "bs", "bs_names"))
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


def _read_plain(folder: Path) -> dict[str, list[Clip]]:
    sounds = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS)
    return {folder.resolve().name: [_plain_clip(sound, talker=folder.resolve().name) for sound in sounds]}


def _plain_clip(sound: Path, *, talker: str) -> Clip:
    clip = Clip(name=sound.stem, talker=talker, sound=sound)
    phones, words = sound.with_name(f"{sound.stem}.phones.json"), sound.with_suffix(".txt")
    lips = sound.with_name(f"{sound.stem}.lips.npz")
    if phones.exists():
        clip = replace(clip, phones=phones_from(_json(phones), path=phones))
    if words.exists():
        clip = replace(clip, transcript=_words(words))
    if lips.exists():
        clip = replace(clip, lips=_lips_file(lips))
    elif sound.with_suffix(".npz").exists():
        clip = replace(clip, lips=_lips_of_motion(sound.with_suffix(".npz")))
    return clip


def _words(path: Path) -> str:
    try:
        return content_of(path).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        raise ClipError(f"The words cannot be read ({error}): {path}") from None


def _lips_file(path: Path) -> Lips:
    arrays = _arrays(path, needed=("gap", "fps"), optional=("width", "jaw"))
    curves = {}
    for name in ("gap", "width", "jaw"):
        if name in arrays:
            curve = np.asarray(arrays[name], np.float64)
            if curve.shape != arrays["gap"].shape or curve.ndim != 1 or len(curve) < 4 or not np.isfinite(curve).all():
                raise ClipError(f"{name} must be at least 4 finite numbers, one a frame; write it again: {path}")
            curves[name] = curve
    if arrays["fps"].size != 1:
        raise ClipError(f"fps must be one number; write it again: {path}")
    fps = require_fps(float(arrays["fps"].reshape(())))
    return Lips(fps=fps, rest_gap=float(np.percentile(curves["gap"], 5.0)), **curves)


def _lips_of_motion(path: Path) -> Lips:
    motion = read_motion(path)
    gap, width, jaw = lip_meter(load_head()).of_motion(motion).T
    face = np.zeros((motion.num_frames, len(CONTROLS)), np.float32)
    for column, name in enumerate(CONTROLS):
        if name.startswith(UPPER_FACE):
            face[:, column] = motion.expression[:, column]
    return Lips(fps=motion.fps, gap=gap, rest_gap=float(np.percentile(gap, 5.0)), width=width, jaw=jaw, face=face)


def phones_from(rows: Any, *, path: Path) -> tuple[Phone, ...]:
    """Rows of [word, phone, start, end, ..] as phones: stress marks dropped, fillers and gaps become silence.

    Raises:
        ClipError: the rows are not like that; `path` is named.
    """
    return tuple(_gapless(_rows(rows, path=path)))


def _rows(rows: Any, *, path: Path) -> Iterator[Phone]:
    if not isinstance(rows, list) or not rows:
        raise ClipError(f"Phones must be a list of [word, phone, start, end]; write them so: {path}")
    end = 0.0
    for row in rows:
        try:
            label, start, stop = str(row[1]).rstrip("012").upper(), float(row[2]), float(row[3])
        except (TypeError, ValueError, LookupError):
            raise ClipError(f"Not [word, phone, start, end]: {str(row)[:60]}; write the phones so: {path}") from None
        label = "SIL" if label.startswith("+") or label in ("", "SP", "SPN") else label
        if label not in PHONES:
            raise ClipError(f"'{label}' is no ARPAbet phone; use {' '.join(PHONES[:6])} ..: {path}")
        if not (math.isfinite(start) and math.isfinite(stop) and end - 1e-3 <= start <= stop):
            raise ClipError(f"Phones must follow one another in seconds, got {start:g}..{stop:g} after {end:g}: {path}")
        yield Phone(label, start, stop)
        end = stop


def _gapless(phones: Iterator[Phone]) -> Iterator[Phone]:
    end = 0.0
    for phone in phones:
        if phone.start_secs > end + 1e-3:
            yield Phone("SIL", end, phone.start_secs)
        yield replace(phone, start_secs=min(max(phone.start_secs, end), phone.end_secs))
        end = phone.end_secs


def _json(path: Path) -> Any:
    try:
        return parsed_json(content_of(path))
    except OSError as error:
        raise ClipError(f"The phones cannot be read ({error.strerror}): {path}") from None
    except ValueError:
        raise ClipError(f"The phones are no JSON text; write them again: {path}") from None


def _arrays(path: Path, *, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Array]:
    try:
        out = read_npz(path, names=(*needed, *optional))
    except OSError as error:
        raise ClipError(f"The measured lips cannot be read ({error.strerror or 'damaged'}): {path}") from None
    except ValueError:
        raise ClipError(f"The measured lips are no .npz of plain arrays; write them again: {path}") from None
    missing = [name for name in needed if name not in out]
    if missing:
        raise ClipError(f"The measured lips lack '{missing[0]}'; write it too: {path}")
    return out
