"""Words and sounds of a mouth as a file to edit: JSON of ours, and Praat's TextGrid.

{"format": "face_emote cues", "version": 1, "duration": 2.1, "offset": 0, "language": "en",
 "words": [{"text": "map", "start": 0.2, "end": 0.5}],
 "phones": [{"label": "M", "start": 0.2, "end": 0.27, "stress": 0, "strength": 1}]}
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from face_emote.core.cues import LONGEST_TEXT, MOST_STRENGTH, MouthCues, label_of
from face_emote.core.errors import CuesError
from face_emote.core.output import written_beside
from face_emote.core.reading import TEXT_MARKS, content_of
from face_emote.core.records import Record, parsed_json
from face_emote.core.types import Phone, SpokenWord

FORMAT, VERSION = "face_emote cues", 1
MAX_BYTES = 2**26
LONGEST_SECS = 1e6
_FIELDS = ("format", "version", "duration", "offset", "language", "words", "phones")
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?!\S)|<(exists|absent)>|!.*')
"""What counts in Praat's text files: texts in quotes, numbers that stand free, flags; all else are remarks."""
_MOST_TIERS = 1000


def is_cues(path: Path) -> bool:
    """Whether a name is one of a file of cues: `.TextGrid`, `cues.json`, `line.cues.json`."""
    return path.suffix.lower() == ".textgrid" or path.name.lower().endswith("cues.json")


def read_cues(path: Path) -> MouthCues:
    """Cues from a file; what begins with a brace is JSON, all else a TextGrid.

    CuesError: it is missing, damaged, or says what no mouth can do.
    """
    try:
        data = content_of(path, most=MAX_BYTES)
        return parse_cues(data) if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else _parse_grid(data)
    except OSError as error:
        raise CuesError(f"The cues cannot be read ({error.strerror}): {path}") from None
    except ValueError as error:
        raise CuesError(f"These are no cues of a mouth: {error}: {path}") from None


def write_cues(cues: MouthCues, path: Path) -> None:
    """Write cues as what the path's ending says."""
    with written_beside(path) as beside:
        beside.write_text(_grid(cues) if path.suffix.lower() == ".textgrid" else cues_text(cues), encoding="utf-8")


def cues_text(cues: MouthCues) -> str:
    """Cues as JSON, a line each."""
    head = {"format": FORMAT, "version": VERSION, "duration": round(cues.duration_secs, 4),
            "offset": round(cues.offset_secs, 4), "language": cues.language}  # fmt: skip
    words = [{"text": w.text, "start": round(w.start_secs, 4), "end": round(w.end_secs, 4)} for w in cues.words]
    phones = [
        {"label": p.label, "start": round(p.start_secs, 4), "end": round(p.end_secs, 4), "stress": p.stress,
         "strength": p.strength}
        for p in cues.phones
    ]  # fmt: skip
    lists = (
        f' "{name}": [' + ",".join(f"\n  {json.dumps(row, ensure_ascii=False)}" for row in rows) + "]"
        for name, rows in (("words", words), ("phones", phones))
    )
    return "{" + json.dumps(head, ensure_ascii=False)[1:-1] + ",\n" + ",\n".join(lists) + "}\n"


def parse_cues(data: bytes) -> MouthCues:
    """Read what `cues_text` wrote. Raises ValueError, as `core.records` does."""
    record = Record.of(parsed_json(data))
    record.require_names(_FIELDS)
    if record.text("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    record.whole("version", low=VERSION, high=VERSION)
    duration = record.number("duration", low=0.01, high=LONGEST_SECS)
    words, phones = [], []
    for row in record.tables("words", []):
        row.require_names(("text", "start", "end"))
        words.append(SpokenWord(_word(row.text("text")), *_span(row)))
    for row in record.tables("phones", []):
        row.require_names(("label", "start", "end", "stress", "strength"))
        label, stress = label_of(row.text("label"))
        start, end = _span(row)
        strength = row.number("strength", 1.0, low=0.0, high=MOST_STRENGTH)
        phones.append(Phone(label, start, end, row.whole("stress", stress, low=0, high=2), strength=strength))
    offset = record.number("offset", 0.0, low=-LONGEST_SECS, high=LONGEST_SECS)
    return MouthCues(tuple(words), tuple(phones), duration, offset, record.text("language", "en"))


def _span(row: Record) -> tuple[float, float]:
    return row.number("start", low=0.0, high=LONGEST_SECS), row.number("end", low=0.0, high=LONGEST_SECS)


def _word(text: str) -> str:
    if not text.strip() or len(text) > LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"a word is a short text on one line, got {text[:20]!r}")
    return text.strip()


def _parse_grid(data: bytes) -> MouthCues:
    """The tiers `words` and `phones` of a TextGrid, long or short."""
    encoding = next((name for mark, name in TEXT_MARKS.items() if data.startswith(mark)), "utf-8")
    text = data.decode(encoding)
    tokens = _tokens(text)
    if (next(tokens, None), next(tokens, None)) != ("ooTextFile", "TextGrid"):
        raise ValueError("it is neither JSON nor a TextGrid")
    _number(tokens)
    duration = _number(tokens)
    if next(tokens, None) is not True:
        raise ValueError("its TextGrid has no tiers")
    words: list[SpokenWord] = []
    phones: list[Phone] = []
    for _ in range(_count(tokens, most=_MOST_TIERS)):
        kind, name = next(tokens, None), next(tokens, None)
        _number(tokens), _number(tokens)
        rows = [
            (_number(tokens), _number(tokens) if kind == "IntervalTier" else 0.0, next(tokens, None))
            for _ in range(_count(tokens, most=len(data)))
        ]
        tier = str(name).rpartition("- ")[2].lower() if kind == "IntervalTier" else ""
        for start, end, label in rows:
            if not isinstance(label, str):
                raise ValueError(f"its tier {str(name)[:20]!r} is damaged")
            if tier in ("words", "word") and label.strip():
                words.append(SpokenWord(_word(label), start, end))
            elif tier in ("phones", "phone", "phonemes"):
                sound, stress = label_of(label)
                phones.append(Phone(sound, start, end, stress))
    if not words and not phones:
        raise ValueError("its TextGrid has no tier of intervals called words or phones")
    return MouthCues(tuple(words), tuple(phones), duration)


def _tokens(text: str) -> Iterator[str | float | bool]:
    for match in _TOKEN.finditer(text):
        if match[1] is not None:
            yield match[1].replace('""', '"')
        elif match[2] is not None:
            yield float(match[2])
        elif match[3] is not None:
            yield match[3] == "exists"


def _number(tokens: Iterator[str | float | bool]) -> float:
    value = next(tokens, None)
    if isinstance(value, bool) or not isinstance(value, float) or not abs(value) <= LONGEST_SECS:
        raise ValueError(f"its TextGrid is damaged: a time is missing, got {str(value)[:20]!r}")
    return value


def _count(tokens: Iterator[str | float | bool], *, most: int) -> int:
    value = _number(tokens)
    if not 0 <= value <= most or value != int(value):
        raise ValueError(f"its TextGrid counts {value:g} tiers or intervals")
    return int(value)


def _grid(cues: MouthCues) -> str:
    """A TextGrid in the long form. Strength, offset and language have no place in it."""
    end = cues.duration_secs
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.4f}",
             "tiers? <exists>", "size = 2", "item []:"]  # fmt: skip
    words = [(word.start_secs, word.end_secs, word.text) for word in cues.words]
    phones = [(p.start_secs, p.end_secs, "" if p.label == "SIL" else p.label) for p in cues.sounds]
    for number, (name, rows) in enumerate((("words", list(_filled(words, end))), ("phones", phones)), 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"',
                  "        xmin = 0", f"        xmax = {end:.4f}",
                  f"        intervals: size = {len(rows)}"]  # fmt: skip
        for i, (start, stop, label) in enumerate(rows, 1):
            quoted = label.replace('"', '""')
            lines += [f"        intervals [{i}]:", f"            xmin = {start:.4f}", f"            xmax = {stop:.4f}",
                      f'            text = "{quoted}"']  # fmt: skip
    return "\n".join(lines) + "\n"


def _filled(rows: list[tuple[float, float, str]], end_secs: float) -> Iterator[tuple[float, float, str]]:
    now = 0.0
    for start, stop, label in rows:
        if start - now > 1e-4:
            yield now, start, ""
        yield max(start, now), stop, label
        now = stop
    if end_secs - now > 1e-4:
        yield now, end_secs, ""
