"""From a manifest to checked rows: every mistake is found before the first frame, and all of them are shown at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from face_emote.audio.reader import open_speech
from face_emote.batch.columns import (
    Cells,
    column_named,
    combinations,
    filmed_performance_of,
    performance_of,
    picture_of,
    yes,
)
from face_emote.batch.manifest_file import RawRow, matches, read_manifest
from face_emote.batch.naming import DEFAULT_TEMPLATE, filled, key_of, require_safe, shortened, slug
from face_emote.batch.rows import VOICE_SUFFIX, WORK, Row, is_sheet, is_video, words_of
from face_emote.batch.talkers import Voices, read_voices, with_talkers
from face_emote.capturing.film import film_facts
from face_emote.core.errors import BatchError, FaceEmoteError, OptionError
from face_emote.core.fields import Option, is_file, require_option
from face_emote.core.options import Performance, Picture, facing
from face_emote.core.types import Progress
from face_emote.formats.catalogue import format_of
from face_emote.rendering.video import choose_codec
from face_emote.verbs.render import require_picture, require_square
from face_emote.voice.vocoder import require_vocoder

DEFAULT_OUTPUTS = "mp4"
MAX_SHOWN = 50  # Mistakes shown at once; of more, only their number.


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done."""

    rows: tuple[Row, ...]  # In the manifest's order.
    secs: Mapping[str, float]  # Length of each row's speech by name, as far as it is known without listening.
    unreadable: Mapping[str, str]
    """Rows whose recording cannot be opened, by name, and why. They fail; the others are done all the same."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Recordings whose own names cannot be files' everywhere, and what their results are called."""
    voices: Voices = field(default_factory=dict)  # What was heard of speakers, for the next plan.


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the command line adds to a manifest."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    """For cells that rows leave empty, by column: texts, or values that were read already."""
    sweep: str = ""
    name: str = ""  # Template of names for rows without one.
    contact_sheet: bool = False
    output: Path | None = None  # Where the results will lie: nothing there is an input.


def plan_batch(source: Path, options: PlanOptions, *, progress: Progress | None = None) -> Plan:
    """Read and check everything.

    BatchError: the manifest cannot be read, or rows of it cannot be done; the message has a line for each.
    """
    sweeps = combinations(options.sweep)
    swept = [name for name in sweeps[0] if len({cells[name] for cells in sweeps}) > 1]
    rows: list[Row] = []
    problems: list[str] = []
    sources = read_manifest(source, output=options.output)
    for done, raw in enumerate(sources):
        if progress is not None:
            progress(float(done), float(len(sources)), "reading the rows")
        try:
            for cells in cells_of(raw, options):
                for extra in sweeps:
                    row_cells = replace(cells, texts={**cells.texts, **extra})
                    rows.append(_row(raw, row_cells, swept=swept, options=options))
        except FaceEmoteError as error:
            problems.append(f"row {raw.number}: {error}")
    problems += [*_collisions(rows), *_replaced(rows, options.output)]
    if problems:
        more = [f"and {len(problems) - MAX_SHOWN} more"] if len(problems) > MAX_SHOWN else []
        lines = "\n  ".join([*problems[:MAX_SHOWN], *more])
        raise BatchError(f"{len(problems)} mistakes in the manifest; nothing was started:\n  {lines}")
    secs, unreadable = _heard(rows)
    renamed = {raw.original: raw.name for raw in sources if raw.name != raw.original and not options.name}
    known = {} if options.output is None else read_voices(options.output / WORK)
    rows, voices = with_talkers(rows, known=known)
    return Plan(tuple(rows), secs, unreadable, renamed, voices)


def cells_of(raw: RawRow, options: PlanOptions) -> Iterator[Cells]:
    """A row for each file that its speech finds, with absolute paths."""
    own = {column_named(name): text for name, text in raw.cells.items() if name is not None}
    if len(own) < len(raw.cells):
        raise BatchError("Two headings mean the same column; leave one out")
    given = [kind for kind in ("speech", "video") if own.get(kind, "").strip()]
    if not given and own.get("text", "").strip():
        yield Cells(own, raw.folder.absolute(), options.defaults)
        return
    if len(given) != 1:
        raise BatchError(
            "A row has a speech to perform or a video to capture, not both; leave one out" if given else
            "There is no speech; name a recording in the column speech, a filmed face in the column video, or write in "
            "the column text what is said"
        )  # fmt: skip
    kind, pattern = given[0], own[given[0]].strip()
    found = matches(pattern, raw.folder, output=options.output)
    if not found:
        raise BatchError(f"{kind}: no file is found by {pattern}")
    if len(found) > 1 and own.get("transcript", "").strip():
        raise BatchError(f"{kind}: {len(found)} files are found by {pattern}, which cannot share one transcript")
    for path in found:
        if not is_file(path):
            raise BatchError(f"{kind}: there is no such file: {path}")
        yield Cells(own | {kind: str(path.absolute())}, raw.folder.absolute(), options.defaults)


def _row(raw: RawRow, cells: Cells, *, swept: list[str], options: PlanOptions) -> Row:
    picture, filming = picture_of(cells), None
    said = not cells.text("video") and not cells.text("speech")
    speech = Path(cells.text("video") or cells.text("speech"))
    if cells.text("video"):
        performance, filming = filmed_performance_of(cells, film=speech)
    else:
        performance = facing(performance_of(cells, speech=None if said else speech), picture)
    stem = f"{raw.number:04d}_{slug(cells.text('text'))[:32]}" if said else speech.stem
    values = {"row": f"{raw.number:04d}", "speech": stem, **words_of(performance, picture)}
    values |= {name: cells.text(name, "none") for name in swept if name not in values}
    own = raw.name.replace("{", "{{").replace("}", "}}")
    template = cells.text("name") or options.name or own or DEFAULT_TEMPLATE
    template += "".join(f"_{{{name}}}" for name in swept if f"{{{name}}}" not in template)
    name = filled(template, values)
    name = require_safe(shortened(name) if "{" in template else name)
    wanted = cells.text("outputs", DEFAULT_OUTPUTS).replace(",", " ").replace(";", " ").split()
    if options.contact_sheet:
        wanted.append("sheet")
    outputs = tuple(dict.fromkeys(_output(item, values | {"name": name}) for item in wanted))
    for output in outputs:
        _require_output(output, performance, picture=picture)
    voice = (yes(cells, "voice") and filming is None) or (said and find_spec("pyworld") is not None)
    if voice:
        require_vocoder()
        outputs += (require_safe(name + VOICE_SUFFIX),)
    unmarked = yes(cells, "no_provenance")
    if unmarked and cells.text("consent"):
        raise OptionError("consent is part of the mark; leave out no_provenance")
    require_option(Option(help="", name="consent"), cells.text("consent"))
    return Row(
        number=raw.number, name=name, performance=performance, picture=picture, outputs=outputs,
        consent=cells.text("consent"), marked=not unmarked, filming=filming,
        speaker=cells.text("speaker") or cells.texts.get("character", "").strip(), voice=voice,
    )  # fmt: skip


def _output(item: str, values: Mapping[str, str]) -> str:
    """`mp4` -> `NAME.mp4`, `sheet` -> `NAME_sheet.png`, `{speech}_{camera}.mp4` -> what it says."""
    if item == "sheet":
        item = "{name}_sheet.png"
    elif "." not in item.lstrip(".") and "{" not in item:
        item = "{name}." + item.lstrip(".")
    return require_safe(filled(item, values))


def _require_output(output: str, performance: Performance, *, picture: Picture) -> None:
    """Raise unless it can be written as described."""
    path = Path(output)
    if is_sheet(output) or is_video(output):
        require_picture(picture, character=performance.character, head=performance.head)
        if is_sheet(output):
            require_square(picture)
        else:
            choose_codec(path, picture.codec)
    elif format_of(path).folder_names:
        raise OptionError(f"A batch writes single files; make folders with `face-emote export`: {output}")


def _collisions(rows: list[Row]) -> Iterator[str]:
    """Outputs that two rows would write, on systems too where big and small letters are one."""
    seen: dict[str, Row] = {}
    pairs = set()
    for row in rows:
        for output in (row.name, *row.outputs):
            other = seen.setdefault(key_of(output), row)
            if other is not row and (other.number, row.number) not in pairs:
                pairs.add((other.number, row.number))
                yield (
                    f"rows {other.number} and {row.number} would both write {output}; give them a name, or "
                    f'--name "{{speech}}_{_difference(other, row)}"'
                )


def _replaced(rows: list[Row], folder: Path | None) -> Iterator[str]:
    """Recordings that an output would take the place of."""
    speeches = {row.speech.resolve() for row in rows}
    for row in rows if folder is not None else ():
        for output in row.outputs:
            assert folder is not None
            if (folder / output).resolve() in speeches:
                yield f"row {row.number}: {output} would replace a recording; choose another folder or name"


def _difference(one: Row, other: Row) -> str:
    """The first field in which two rows differ, as a template."""
    if one.speech.stem != other.speech.stem:
        return "{row}"
    words, others = (words_of(row.performance, row.picture) for row in (one, other))
    usual = ("emotion", "character", "seed", "intensity", "fps", "camera", "light", "skin", "hair", "size")
    return next((f"{{{name}}}" for name in usual if words[name] != others[name]), "{row}")


def _heard(rows: list[Row]) -> tuple[dict[str, float], dict[str, str]]:
    """Lengths and faults of the recordings, each opened once."""
    known: dict[Path, float | str] = {}
    for row in rows:
        if row.speech not in known:
            try:
                filmed = row.filming is not None
                known[row.speech] = (film_facts if filmed else open_speech)(row.speech).duration_secs
            except FaceEmoteError as error:
                known[row.speech] = str(error)
    secs, unreadable = {}, {}
    for row in rows:
        found = known[row.speech]
        if isinstance(found, str):
            unreadable[row.name] = found
        else:
            secs[row.name] = found
    return secs, unreadable
