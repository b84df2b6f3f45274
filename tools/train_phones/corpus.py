"""The training clips: which sound, which talker, which phones when."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Int
from face_emote.core.names import PHONES

SPHINX_LATE_SECS = 0.0078
"""A boundary of the aligner lies this much later than it says: its frames are named after the start of their
25.6 ms windows, not after their centres (half a window minus half a hop)."""

IGNORED = 255
"""Label of frames that say nothing: sounds that have no counterpart in `names.PHONES`."""

EMODB_LATE_SECS = 0.06
"""EmoDB's sound lags its labels by this much (found by laying an earlier net's posteriors over 82 clips: quartiles
50 and 70 ms); the copy at hand is also cut to the first 2 s of each clip."""

HELD_OUT_EMODB = frozenset({"08", "14"})
HELD_OUT_GRID = frozenset({"s33", "s34"})
HELD_OUT_VCTK = frozenset({"p228"})
GERMAN = dict(
    pair.split(":")
    for pair in (
        "p:P b:B m:M f:F v:V t:T d:D n:N s:S z:Z k:K g:G l:L N:NG S:SH Z:ZH C:HH x:HH X:HH h:HH H:HH j:Y R:R r:R 6:AH "
        "@:AH I:IH i:IY E:EH e:EY a:AA A:AA O:AO o:OW U:UH u:UW Y:UH y:UW 2:UW 9:ER aI:AY aU:AW OY:OY D:D G:G "
        "L:L .:SIL (:SIL"
    ).split()
)
"""EmoDB's labels as the nearest English sounds; others (glottal stops, taps, laughter) are ignored."""
HELD_OUT_EVERY = 10
"""Every tenth LibriSpeech talker, in order of talker number, is held out."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance of the corpus."""

    corpus: str
    talker: str
    path: Path
    phones: tuple[tuple[str, float, float], ...]
    """Label, start and end in seconds."""
    held_out: bool
    late_secs: float = SPHINX_LATE_SECS
    """How much later than they say the boundaries lie."""

    def labels(self, num_frames: int, *, stretch: float = 1.0) -> Int[Array, " frames"]:
        """Index into `names.PHONES` of every 10 ms; `stretch` multiplies all times."""
        out = np.zeros(num_frames, np.int64)
        for label, start, end in self.phones:
            first, stop = (round((t + self.late_secs) * stretch * 100.0) for t in (start, end))
            out[max(first, 0) if start > 0.0 else 0 : stop] = PHONES.index(label) if label in PHONES else IGNORED
        return out


def read_corpus(data: Path) -> list[Clip]:
    """All clips that have sound and phones, in a fixed order."""
    libri = _read_phones(data / "librispeech" / "phones.json")
    talkers = sorted({name.split("-")[0] for name in libri}, key=int)
    held_libri = set(talkers[::HELD_OUT_EVERY])
    clips = [
        _clip("librispeech", name.split("-")[0], data / "librispeech" / "audio" / f"{name}.ogg", phones, held_libri)
        for name, phones in sorted(libri.items())
    ]
    for name, phones in sorted(_read_phones(data / "vctk" / "phones.json").items()):
        clips.append(_clip("vctk", name.split("_")[0], data / "vctk" / "audio" / f"{name}.flac", phones, HELD_OUT_VCTK))
    for name, phones in sorted(_read_phones(data / "grid_s1" / "phones_train.json").items()):
        clips.append(_clip("grid", "s1", data / "grid_s1" / "audio" / f"{name}.ogg", phones, HELD_OUT_GRID))
    for folder in sorted((data / "grid_talkers").iterdir()):
        if (folder / "phones.json").is_file():
            for name, phones in sorted(_read_phones(folder / "phones.json").items()):
                clips.append(_clip("grid", folder.name, folder / "audio" / f"{name}.flac", phones, HELD_OUT_GRID))
    for path in sorted((data / "emodb" / "lablaut").glob("*.lablaut")):
        clips.extend(_emodb_clip(path))
    return [clip for clip in clips if clip.path.is_file()]


def _emodb_clip(path: Path) -> list[Clip]:
    """One acted sentence with its hand labels: each line gives the end of a sound."""
    sounds = sorted((path.parent.parent / "wav16").glob(f"{path.stem[:7]}.*"))
    rows: list[tuple[str, float, float]] = []
    before = 0.0
    for line in path.read_text("latin-1").partition("#")[2].splitlines():
        fields = line.split()
        if len(fields) < 2:
            continue
        name, end = fields[2] if len(fields) > 2 else "", float(fields[0])
        if not name or name[0] in "+-":  # the sound goes on, coloured otherwise
            name = rows[-1][0] if rows else "."
            rows.append((name, before, end))
        else:
            name = name.lstrip("_!").removesuffix("asp")
            name = name[:-1] if len(name) > 1 and name.endswith("6") else name
            rows.append((GERMAN.get(name, "?"), before, end))
        before = end
    talker = path.stem[:2]
    held = talker in HELD_OUT_EMODB
    return [Clip("emodb", talker, sound, tuple(rows), held, late_secs=EMODB_LATE_SECS) for sound in sounds]


def _clip(corpus: str, talker: str, path: Path, rows: list[list[Any]], held: frozenset[str] | set[str]) -> Clip:
    phones = tuple((label, float(start), float(end)) for _, label, start, end, *_ in rows)
    return Clip(corpus, talker, path, phones, talker in held)


def _read_phones(path: Path) -> dict[str, list[list[Any]]]:
    phones: dict[str, list[list[Any]]] = json.loads(path.read_text())
    return phones
