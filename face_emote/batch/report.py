"""`report.html`: every row with its face, its feelings over time, its files, its times and its errors, in one page."""

import base64
import errno
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from face_emote.batch.state import DONE, FAILED, BatchState, RowState
from face_emote.core.assets import ASSETS
from face_emote.core.errors import OutputError

FILE = "report.html"
TEMPLATE = ASSETS / "batch" / "report.html"
PLAYABLE = (".mp4", ".webm", ".mov")
MOST_READ = 160  # Letters of what was read that a card shows; the rest is in its title.
COLOURS = {
    "joy": "#f2c14e", "sadness": "#6ea8e5", "surprise": "#59c9c0", "fear": "#b08ae0", "disgust": "#8fbf5a",
    "anger": "#e8655a", "contempt": "#c79272",
}  # fmt: skip
WIDTH, HEIGHT = 320.0, 46.0  # Of the curves, in their own units.


def write_report(folder: Path, state: BatchState) -> Path:
    """Write the page of a batch's folder anew. OutputError: the folder cannot be written."""
    target = folder / FILE
    beside = folder / ".work" / FILE
    try:
        beside.write_text(report_page(state.rows()), encoding="utf-8", errors="xmlcharrefreplace")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        story = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise OutputError(f"The report could not be written ({story}): {target}") from None
    return target


def report_page(rows: Sequence[RowState]) -> str:
    """The whole page. Texts in it come from manifests and file names: all are escaped."""
    page = TEMPLATE.read_text("utf-8")
    unmarked = [row.name for row in rows if row.about.get("marked") == "no"]
    notice = ""
    if unmarked:
        words = f"{len(unmarked)} of {len(rows)} rows were made without the signed mark (--no-provenance)"
        notice = (
            f'<p class="notice">{escape(words)}: {escape(", ".join(unmarked[:6]))}{", .." if unmarked[6:] else ""}</p>'
        )
    head, _, rest = page.partition("<!--SUMS-->")
    middle, _, rest = rest.partition("<!--NOTICE-->")
    before, _, after = rest.partition("<!--ROWS-->")
    cards = "\n".join(_card(row) for row in rows)
    return "".join([head, _sums(rows), middle, notice, before, cards, after])


def _sums(rows: Sequence[RowState]) -> str:
    done = sum(row.status == DONE for row in rows)
    failed = sum(row.status == FAILED for row in rows)
    frames = sum(row.timing.get("drawn", 0.0) for row in rows)
    secs = sum(row.timing.get(kind, 0.0) for row in rows for kind in ("perform", "draw", "write", "sign"))
    items = [f"<b>{done}</b> of <b>{len(rows)}</b> rows done"]
    items += [f"<b>{failed}</b> failed"] if failed else []
    items += [f"<b>{frames:,.0f}</b> frames"] if frames else []
    items += [f"<b>{duration(secs)}</b> of work"] if secs else []
    return " &nbsp; ".join(items)


def _card(row: RowState) -> str:
    about = row.about
    words = " ".join([row.name, row.status, *about.values()]).lower()
    files = about.get("outputs", "").split(" ") if row.status == DONE else []
    film = next((name for name in files if name.lower().endswith(PLAYABLE)), None)
    thumbnail = base64.b64encode(row.thumbnail).decode()
    back = f"background-image:url(data:image/jpeg;base64,{thumbnail})" if thumbnail else ""
    if film is None:
        face = f'<div class="face" style="{back}"></div>'
    else:
        face = (
            f'<button class="face" style="{back}" data-film="{_address(film)}" aria-label="Play {escape(row.name)}">'
            "</button>"
        )
    links = " ".join(f'<a href="{_address(name)}">{escape(name)}</a>' for name in files)
    usual = ("character", "camera", "light", "size", "fps", "seed")
    details = ", ".join(
        f"{name} {about[name]}" if name in ("seed", "fps") else about[name] for name in usual if name in about
    )
    said = row.story.get("remarks")
    faults = [row.error] if row.status == FAILED else [str(remark) for remark in said] if isinstance(said, list) else []
    read = str(row.story.get("read", ""))
    heard = f'<br><span title="{escape(read)}">read: {escape(shortened(read))}</span>' if read else ""
    error = "".join(f'<p class="error">{escape(fault)}</p>' for fault in faults)
    return (
        f'<article class="{escape(row.status)}" data-words="{escape(words)}"><div class="top">{face}<div class="words">'
        f'<span class="state">{escape(row.status)}</span><h2>{escape(row.name)}</h2>'
        f'<p class="wanted">{escape(about.get("emotion", ""))}{heard}<br><span>{escape(details)}</span></p>'
        f'<p class="files">{links}</p>{_times(row)}</div></div>{error}{_curves(row)}</article>'
    )


def shortened(text: str) -> str:
    """The beginning of a long description."""
    return text if len(text) <= MOST_READ else f"{text[:MOST_READ].rpartition(';')[0]}; .."


def _times(row: RowState) -> str:
    if not row.timing:
        return ""
    kinds = (("perform", "performed"), ("draw", "drawn"), ("write", "written"), ("sign", "signed"))
    times = ", ".join(f"{word} {row.timing[kind]:.1f} s" for kind, word in kinds if row.timing.get(kind, 0.0) >= 0.05)
    frames = f"{row.timing.get('frames', 0.0):.0f} frames"
    again = f", {row.attempts + 1} attempts" if row.attempts else ""
    return f'<span class="time">{frames}: {times}{again}</span>'


def _curves(row: RowState) -> str:
    """Strength of every feeling from the start to the end of the line, 0 at the bottom, 1 at the top."""
    found = row.story.get("curves")
    curves = found if isinstance(found, dict) else {}
    if not curves:
        return ""
    lines, names = [], []
    for name, values in curves.items():
        step = WIDTH / max(1, len(values) - 1)
        points = " ".join(
            f"{i * step:.1f},{(HEIGHT - 2) * (1.0 - min(1.0, value)) + 1:.1f}" for i, value in enumerate(values)
        )
        colour = COLOURS.get(name, "#bbb")
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6" '
                     'stroke-linejoin="round" vector-effect="non-scaling-stroke"/>')  # fmt: skip
        names.append(f'<span><i style="background:{colour}"></i>{escape(str(name))}</span>')
    secs = row.story.get("secs", 0.0)
    return (
        f'<div class="curves"><svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none" role="img" '
        f'aria-label="Feelings over {secs} seconds">{"".join(lines)}</svg>'
        f'<div class="legend">{"".join(names)}<span style="margin-left:auto">{secs:.1f} s</span></div></div>'
    )


def _address(path: str) -> str:
    """A relative address that no name can turn into another place or into markup."""
    return escape(quote(f"./{path}"))


def duration(secs: float) -> str:
    """`3 h 12 min`, `4 min 5 s`, `8 s`."""
    whole = round(secs)
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
