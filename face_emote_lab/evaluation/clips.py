"""Clips to measure on, read from a folder of recordings.

Beside NAME.wav (or .flac, .ogg, ..) may lie

NAME.phones.json   [[word, phone, start, end], ..] in seconds, ARPAbet
NAME.txt           the words spoken
NAME.lips.npz      gap [frames], fps; width and jaw [frames] if known: real lips
NAME.npz           a motion file: the real performance
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import FaceEmoteError
from face_emote.core.names import CONTROLS, PHONES
from face_emote.core.reading import content_of, read_npz
from face_emote.core.records import parsed_json
from face_emote.core.timing import require_fps
from face_emote.core.types import Phone
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion
from face_emote.motion.mouth.lip_meter import lip_meter

SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".m4a")
JAW_PER_GAP = 2.0  # jawOpen per lip gap where no jaw was measured; fitted to talker s1 of GRID.
REST_GAP = 0.006
"""Gap of our head at rest; each talker's own rest (5th percentile) is moved there before vertices are made of it."""
THEMSELVES = "the measured clips themselves"  # What baselines are fitted to where nothing else is there.
UPPER_FACE = ("brow", "eyeBlink", "eyeSquint", "eyeWide", "cheekSquint", "noseSneer")
"""What of the captured blendshapes is taken over besides the lips."""


class ClipError(FaceEmoteError):
    """A folder of clips cannot be used for measuring."""


@dataclass(frozen=True, slots=True, eq=False)
class Lips:
    """Real lips of one clip. Gap and width in units of the distance between the outer corners of the eyes."""

    fps: float
    gap: Float[Array, " frames"]  # As measured.
    rest_gap: float  # Of the talker.
    width: Float[Array, " frames"] | None = None  # Less the width at rest.
    jaw: Float[Array, " frames"] | None = None  # In jawOpen.
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
    phones: tuple[Phone, ...] = ()  # In order; empty when unknown.
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
    fitting: tuple[Clip, ...]  # Clips that the energy baseline is fitted to.
    fitting_note: str

    @property
    def clips(self) -> tuple[Clip, ...]:
        """Of all groups."""
        return tuple(clip for group in self.groups for clip in group.clips)


def read_clips(folder: Path, *, limit: int | None = None) -> ClipSet:
    """Find the clips of a folder, at most so many. Everybody in it is one talker, named after the folder.

    ClipError: there is no such folder, nothing usable in it, or a file beside a recording is damaged.
    """
    if not folder.is_dir():
        raise ClipError(f"There is no such folder of clips; check its name: {folder}")
    if limit is not None and limit < 1:
        raise ClipError(f"How many clips at most must be at least 1, got {limit}")
    name = folder.resolve().name
    sounds = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS)
    clips = tuple(_clip(sound, talker=name) for sound in sounds[:limit])
    if not clips:
        raise ClipError(f"The folder holds no recordings (NAME.wav) to measure on; see docs/evaluation.md: {folder}")
    return ClipSet((ClipGroup(name, clips),), clips, THEMSELVES)


def _clip(sound: Path, *, talker: str) -> Clip:
    clip = Clip(name=sound.stem, talker=talker, sound=sound)
    phones, words = sound.with_name(f"{sound.stem}.phones.json"), sound.with_suffix(".txt")
    lips = sound.with_name(f"{sound.stem}.lips.npz")
    if phones.exists():
        clip = replace(clip, phones=phones_from(read_table(phones), path=phones))
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
    arrays = lip_arrays(path, needed=("gap", "fps"), optional=("width", "jaw"))
    words = [name for name, array in arrays.items() if array.dtype.kind not in "fiu"]
    if words:
        raise ClipError(f"{words[0]} holds no numbers; write it again: {path}")
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


def read_table(path: Path) -> Any:
    """What a file of phones holds; raises ClipError when it cannot be read, or is no JSON."""
    try:
        return parsed_json(content_of(path))
    except OSError as error:
        raise ClipError(f"The phones cannot be read ({error.strerror}): {path}") from None
    except ValueError:
        raise ClipError(f"The phones are no JSON text; write them again: {path}") from None


def lip_arrays(path: Path, *, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Array]:
    """Arrays of a file of measured lips; raises ClipError when one that is needed is not there."""
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
