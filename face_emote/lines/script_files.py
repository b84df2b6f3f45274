"""Lines of a script in files: a table for `face-emote batch`, captions, and SSML for speakers that read it."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from face_emote.audio.languages import language_of
from face_emote.core.errors import OptionError
from face_emote.core.names import EMOTIONS
from face_emote.core.output import written_beside
from face_emote.emotion.grammar import plan_of
from face_emote.emotion.lexicon import find_word
from face_emote.emotion.track import in_turn, track
from face_emote.lines.feeling import beneath
from face_emote.lines.script import ScriptLine
from face_emote.voice.manners import manner_of

COLUMNS = ("speaker", "text", "emotion", "intensity", "hidden", "start", "end")
ENDINGS = (".csv", ".vtt", ".ssml")
LETTERS_A_SEC, PAUSE_SECS = 15.0, 0.4
"""Of a line whose times are not known."""
RATE_BY_AROUSAL = 0.15
"""How much faster one unit of arousal speaks: a choice."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_HALT = re.compile(r"\.\.\.+|…| [–—-]+ |—")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def write_script(lines: Sequence[ScriptLine], path: Path) -> Path:
    """Write lines as what the path's ending says: one of `ENDINGS`. Raises OptionError for another, and OutputError."""
    require_script_file(path)
    with written_beside(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        if path.suffix.lower() == ".csv":
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows(map(_cells, lines))
        else:
            file.write(_NOT_IN_XML.sub(" ", _captions(lines) if path.suffix.lower() == ".vtt" else _ssml(lines)))
    return path


def require_script_file(path: Path) -> None:
    """Raise OptionError unless lines can be written as what the path's ending says."""
    if path.suffix.lower() not in ENDINGS:
        raise OptionError(f"Lines are written as {', '.join(ENDINGS)}; let the name end so: {path}")


def _cells(line: ScriptLine) -> tuple[str, ...]:
    felt = line.feeling
    times = ("" if secs is None else f"{secs:g}" for secs in (line.start_secs, line.end_secs))
    return (line.speaker, line.text, felt.emotion, f"{felt.intensity:g}", felt.hidden, *times)


def _times(lines: Sequence[ScriptLine]) -> list[tuple[float, float]]:
    """Of each line: its own, or as long as it takes to say it, after the one before."""
    out: list[tuple[float, float]] = []
    for line in lines:
        start = line.start_secs
        if start is None:
            start = out[-1][1] + PAUSE_SECS + line.pause_secs if out else line.pause_secs
        long = max(len(line.text) / LETTERS_A_SEC, 0.5)
        out.append((start, line.end_secs if line.end_secs is not None else start + long))
    return out


def _captions(lines: Sequence[ScriptLine]) -> str:
    """WebVTT; who speaks is a voice span, what is felt its class."""
    cues = ["WEBVTT"]
    for line, (start, end) in zip(lines, _times(lines), strict=True):
        name = " ".join(re.sub("[<>&]", " ", line.speaker).split())
        feeling = _strongest(line)
        voice = f"<v.{feeling} {name}>" if name else f"<c.{feeling}>"
        cues.append(f"{_stamp(start)} --> {_stamp(end)}\n{voice}{escape(line.text)}{'' if name else '</c>'}")
    return "\n\n".join(cues) + "\n"


def _stamp(secs: float) -> str:
    minutes, left = divmod(round(1000.0 * secs), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{left // 1000:02d}.{left % 1000:03d}"


def _ssml(lines: Sequence[ScriptLine]) -> str:
    """SSML 1.1, a paragraph a line; its prosody is what acted voices do, by the table that re-tunes ours."""
    language = language_of("\n".join(line.text for line in lines)) or "und"
    out = [f'<?xml version="1.0" encoding="UTF-8"?>\n<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" '
           f'xml:lang="{language}">']  # fmt: skip
    end_before = 0.0
    for number, (line, (start, end)) in enumerate(zip(lines, _times(lines), strict=True), 1):
        gap_ms = round(1000.0 * min(max(start - end_before, 0.0), 10.0))
        if gap_ms:
            out.append(f'<break time="{gap_ms}ms"/>')
        mark = "-".join([f"{number:04d}", *re.findall(r"\w+", line.speaker)])
        out.append(
            f"<p><mark name={quoteattr(mark)}/><s><prosody {_prosody(line)}>{_marked(line.text)}</prosody></s></p>"
        )
        end_before = end
    return "\n".join([*out, "</speak>\n"])


def _marked(text: str) -> str:
    """Words in capitals and words of feeling with emphasis, halts with breaks."""
    shouted = text.isupper()

    def emphasised(found: re.Match[str]) -> str:
        word = found[0]
        loud = len(word) > 1 and word.isupper() and not shouted
        level = "strong" if loud else "moderate" if find_word(word.lower()) else ""
        plain = escape(word.lower() if loud else word)
        return f'<emphasis level="{level}">{plain}</emphasis>' if level else plain

    pieces, at = list[str](), 0
    for found in _WORD.finditer(text):
        pieces += [_with_breaks(text[at : found.start()]), emphasised(found)]
        at = found.end()
    return "".join([*pieces, _with_breaks(text[at:])])


def _with_breaks(between: str) -> str:
    return _HALT.sub(lambda found: f'{found[0]}<break time="300ms"/>', escape(between))


def _felt(line: ScriptLine) -> tuple[np.ndarray, np.ndarray]:
    """Share of each shown emotion, and rate, pitch in semitones and loudness in dB, over the line as a whole."""
    felt = line.feeling
    plan = in_turn(plan_of(beneath(felt.emotion, felt.hidden), felt.intensity), duration_secs=1.0)
    frames = track(plan, times=np.linspace(0.05, 0.95, 7), fps=7.0)
    manner = manner_of(frames)
    rate = 1.0 + RATE_BY_AROUSAL * float((frames.vad[:, 1] * frames.intensity).mean())
    shares = (frames.mix * frames.intensity[:, None]).mean(axis=0)
    return shares, np.array([rate, manner.of("pitch").mean(), manner.of("loudness").mean()])


def _prosody(line: ScriptLine) -> str:
    rate, pitch, loudness = _felt(line)[1]
    return f'rate="{100.0 * rate:.0f}%" pitch="{pitch:+.1f}st" volume="{loudness:+.1f}dB"'


def _strongest(line: ScriptLine) -> str:
    shares = _felt(line)[0]
    return EMOTIONS[1 + int(shares[1:].argmax())] if shares[1:].max() > 0.05 else EMOTIONS[0]
