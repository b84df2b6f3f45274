"""Phones with times, from the aligner's tables and from EmoDB's hand labels."""

import json
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, UInt8
from face_emote.core.errors import CorpusError
from face_emote.core.names import MOTION_HZ, PHONES
from face_emote.core.types import Phone
from face_emote.train.corpus.cache import UNKNOWN_PHONE

SPHINX_LATE_SECS = 0.0078
"""A boundary of the aligner lies this much later than it says: its frames are named after the start of their
25.6 ms windows, not after their centres (half a window minus half a hop)."""
EMODB_LATE_SECS = 0.06
"""EmoDB's sound lags its labels by this much (measured with a phone net over 82 clips: quartiles 50 and 70 ms)."""
UNKNOWN = "?"
"""A sound without a counterpart in `names.PHONES`."""
LONGEST_UNKNOWN_SECS = 0.15
"""A longer unknown sound is taken for silence by the teacher, a shorter one for a sound made with the tongue."""
SHORTEST_SECS = 1e-3

GERMAN = dict(
    pair.split(":")
    for pair in (
        "p:P b:B m:M f:F v:V t:T d:D n:N s:S z:Z k:K g:G l:L N:NG S:SH Z:ZH C:HH x:HH X:HH h:HH H:HH j:Y R:R r:R 6:AH "
        "@:AH I:IH i:IY E:EH e:EY a:AA A:AA O:AO o:OW U:UH u:UW Y:UH y:UW 2:UW 9:ER aI:AY aU:AW OY:OY D:D G:G "
        "L:L .:SIL (:SIL 4:R B:B V:V"
    ).split()
)
"""EmoDB's labels as the nearest English sounds."""


def read_aligned(path: Path) -> dict[str, list[tuple[str, float, float]]]:
    """Label, start and end of each phone by clip, from a table of `[word, phone, start, end, score]` rows.

    Raises:
        CorpusError: the file is missing or of another form.
    """
    try:
        table = json.loads(path.read_text("utf-8"))
        return {
            str(name): [(str(row[1]), float(row[2]), float(row[3])) for row in rows] for name, rows in table.items()
        }
    except OSError as error:
        raise CorpusError(f"The phones cannot be read ({error.strerror}); check the data folder: {path}") from None
    except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise CorpusError(f"This is not a table of aligned phones ({error}); make it again: {path}") from None


def read_lablaut(path: Path) -> list[tuple[str, float, float]]:
    """EmoDB's hand labels: after `#`, each line gives the end of a sound in seconds, a colour and a label.

    Raises:
        CorpusError: the file is missing, or a time is not a number.
    """
    rows: list[tuple[str, float, float]] = []
    before = 0.0
    try:
        for line in path.read_text("latin-1").partition("#")[2].splitlines():
            fields = line.split()
            if len(fields) < 2:
                continue
            name, end = fields[2] if len(fields) > 2 else "", float(fields[0])
            if not name or name[0] in "+-":  # the sound goes on, coloured otherwise
                label = rows[-1][0] if rows else "SIL"
            else:
                name = name.lstrip("_!").removesuffix("asp")
                name = name[:-1] if len(name) > 1 and name.endswith("6") else name
                label = GERMAN.get(name, UNKNOWN)
            rows.append((label, before, end))
            before = end
    except OSError as error:
        raise CorpusError(f"The labels cannot be read ({error.strerror}); check the data folder: {path}") from None
    except ValueError as error:
        raise CorpusError(f"These are not xwaves labels ({error}): {path}") from None
    return rows


def phones_from(
    rows: list[tuple[str, float, float]], *, duration_secs: float, late_secs: float = 0.0
) -> tuple[Phone, ...]:
    """Gapless phones from 0 to the end of the sound; gaps become silence, unknown labels stay as they are.

    Args:
        rows: label, start, end; ascending. Labels that are no phone become UNKNOWN, noises in `+` silence.
        duration_secs: of the sound; what lies behind is cut off.
        late_secs: added to all times.
    """
    out: list[Phone] = []
    at = 0.0
    for label, start, end in rows:
        start = min(max(start + late_secs if start > 0.0 else 0.0, at), duration_secs)
        end = min(max(end + late_secs, start), duration_secs)
        if start - at >= SHORTEST_SECS:
            out.append(Phone("SIL", at, start))
            at = start
        if end - at >= SHORTEST_SECS:
            name = "SIL" if label.startswith("+") else label if label in PHONES else UNKNOWN
            out.append(Phone(name, at, end))
            at = end
    if duration_secs - at >= SHORTEST_SECS or not out:
        out.append(Phone("SIL", at, duration_secs))
    return tuple(out)


def phone_index(phones: tuple[Phone, ...], *, num_frames: int) -> UInt8[Array, " frames"]:
    """Index into `names.PHONES` at each i / 50 s; UNKNOWN_PHONE for unknown sounds."""
    ends = np.array([phone.end_secs for phone in phones])
    codes = np.array([PHONES.index(p.label) if p.label in PHONES else UNKNOWN_PHONE for p in phones], np.uint8)
    times = np.arange(num_frames) / MOTION_HZ
    return codes[np.minimum(np.searchsorted(ends, times, side="right"), len(phones) - 1)]
