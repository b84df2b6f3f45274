"""From a manifest to checked rows: every mistake is found before the first frame, and all of them are told at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from face_emote.audio.reader import open_speech
from face_emote.batch.columns import Cells, column_named, flag, performance_of, picture_of
from face_emote.batch.manifest_file import RawRow, matches, read_manifest
from face_emote.batch.naming import DEFAULT_TEMPLATE, filled, require_safe
from face_emote.batch.rows import Performance, Picture, Row, is_sheet
from face_emote.batch.sweep import combinations
from face_emote.core.errors import BatchError, FaceEmoteError, OptionError
from face_emote.face.characters import character
from face_emote.formats.catalogue import format_of
from face_emote.look.hair import wearing
from face_emote.rendering.engines import require_engine, require_lens
from face_emote.rendering.scene import make_scene
from face_emote.rendering.video import DEFAULT_CODEC, choose_codec

DEFAULT_OUTPUTS = "mp4"
MAX_SHOWN = 50
"""Mistakes told at once; of more, only their number."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done."""

    rows: tuple[Row, ...]
    """In the manifest's order."""
    secs: Mapping[str, float]
    """Length of each row's speech by name, as far as it can be told without listening."""
    unreadable: Mapping[str, str]
    """Rows whose recording cannot be opened, by name, and why. They fail; the others are done all the same."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line adds to a manifest."""

    defaults: Mapping[str, str]
    """Cells of rows that leave them empty, by column."""
    folder: Path
    """What paths among them are relative to."""
    sweep: str = ""
    name: str = ""
    """Template of names for rows without one."""
    contact_sheet: bool = False


def plan_batch(source: Path, wishes: Wishes) -> Plan:
    """Read and check everything.

    Raises:
        BatchError: the manifest cannot be read, or rows of it cannot be done; the message has a line for each.
    """
    sweeps = combinations(wishes.sweep)
    swept = [name for name in sweeps[0] if len({cells[name] for cells in sweeps}) > 1]
    rows: list[Row] = []
    problems: list[str] = []
    for raw in read_manifest(source):
        try:
            for cells in _cells_of(raw, wishes):
                for extra in sweeps:
                    rows.append(_row(raw.number, _swept(cells, extra, wishes), swept=swept, wishes=wishes))
        except FaceEmoteError as error:
            problems.append(f"row {raw.number}: {error}")
    problems += _collisions(rows)
    if problems:
        more = [f"and {len(problems) - MAX_SHOWN} more"] if len(problems) > MAX_SHOWN else []
        told = "\n  ".join([*problems[:MAX_SHOWN], *more])
        raise BatchError(f"{len(problems)} mistakes in the manifest; nothing was started:\n  {told}")
    secs, unreadable = _heard(rows)
    return Plan(tuple(rows), secs, unreadable)


def _cells_of(raw: RawRow, wishes: Wishes) -> Iterator[Cells]:
    """A row for each file that its speech finds, with absolute paths."""
    own = {column_named(name): text for name, text in raw.cells.items() if name is not None}
    if len(own) < len(raw.cells):
        raise BatchError("Two headings mean the same column; leave one out")
    pattern = own.get("speech", "").strip() or wishes.defaults.get("speech", "")
    if not pattern:
        raise BatchError("There is no speech; name a recording in the column speech")
    found = matches(pattern, raw.folder)
    if not found:
        raise BatchError(f"speech: no file is found by {pattern}")
    if len(found) > 1 and own.get("transcript", "").strip():
        raise BatchError(f"speech: {len(found)} files are found by {pattern}, which cannot share one transcript")
    for path in found:
        if not path.is_file():
            raise BatchError(f"speech: there is no such file: {path}")
        yield Cells(own | {"speech": str(path.absolute())}, raw.folder)


def _swept(cells: Cells, extra: Mapping[str, str], wishes: Wishes) -> Cells:
    own = {name: text for name, text in cells.texts.items() if text.strip()}
    texts = {**wishes.defaults, **own, **extra}
    for name in ("transcript", "head", "model"):
        if name in wishes.defaults and name not in own and name not in extra:
            place = wishes.folder / wishes.defaults[name]
            texts[name] = str(place.absolute()) if place.is_file() else wishes.defaults[name]
    return Cells(texts, cells.folder)


def _row(number: int, cells: Cells, *, swept: list[str], wishes: Wishes) -> Row:
    speech = Path(cells.text("speech"))
    performance, picture = performance_of(cells), picture_of(cells)
    values = {
        "row": f"{number:04d}",
        "speech": speech.stem,
        "emotion": performance.emotion,
        "intensity": f"{performance.intensity:g}",
        "character": performance.character,
        "seed": str(performance.seed),
        "fps": f"{performance.fps:g}",
        "camera": picture.camera,
        "light": picture.light,
        "engine": picture.engine,
        "skin": picture.skin or performance.character,
        "hair": picture.hair or "own",
        "size": "x".join(str(side) for side in picture.size),
    }
    values |= {name: cells.text(name, "none") for name in swept if name not in values}
    template = cells.text("name") or wishes.name or DEFAULT_TEMPLATE
    template += "".join(f"_{{{name}}}" for name in swept if f"{{{name}}}" not in template)
    name = require_safe(filled(template, values))
    wanted = cells.text("outputs", DEFAULT_OUTPUTS).replace(",", " ").replace(";", " ").split()
    if wishes.contact_sheet:
        wanted.append("sheet")
    outputs = tuple(dict.fromkeys(_output(item, values | {"name": name}) for item in wanted))
    for output in outputs:
        _require_output(output, performance, picture=picture)
    unmarked = cells.read("no_provenance", False, flag)
    if unmarked and cells.text("consent"):
        raise OptionError("consent is part of the mark; leave out no_provenance")
    return Row(
        number=number, name=name, speech=speech, performance=performance, picture=picture, outputs=outputs,
        consent=cells.text("consent"), marked=not unmarked,
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
    path, (width, height) = Path(output), picture.size
    suffix = path.suffix.lower()
    if is_sheet(output) or suffix in DEFAULT_CODEC:
        make_scene(camera=picture.camera, light=picture.light, width=width, height=height, f_number=picture.dof)
        require_engine(picture.engine, samples=picture.samples)
        require_lens(picture.engine, dof=picture.dof)
        wearing(character(picture.skin or performance.character).skin, picture.hair)
        if not is_sheet(output):
            choose_codec(path, picture.codec)
        elif width != height:
            raise OptionError(f"The pictures of a sheet are square; give size one number, not {width}x{height}")
        return
    if format_of(path).folder_names is not None:
        raise OptionError(f"A batch writes single files; make folders with `face-emote export`: {output}")


def _collisions(rows: list[Row]) -> Iterator[str]:
    """Outputs that two rows would write, on systems too where big and small letters are one."""
    seen: dict[str, Row] = {}
    told = set()
    for row in rows:
        for output in (row.name, *row.outputs):
            other = seen.setdefault(output.casefold(), row)
            if other is not row and (other.number, row.number) not in told:
                told.add((other.number, row.number))
                yield (
                    f"rows {other.number} and {row.number} would both write {output}; give them a name, or "
                    f'--name "{{speech}}_{_difference(other, row)}"'
                )


def _difference(one: Row, other: Row) -> str:
    """The first field in which two rows differ, as a template."""
    if one.speech.stem != other.speech.stem:
        return "{row}"
    for name in ("emotion", "character", "seed", "intensity", "fps"):
        if getattr(one.performance, name) != getattr(other.performance, name):
            return f"{{{name}}}"
    for name in ("camera", "light", "skin", "hair", "size"):
        if getattr(one.picture, name) != getattr(other.picture, name):
            return f"{{{name}}}"
    return "{row}"


def _heard(rows: list[Row]) -> tuple[dict[str, float], dict[str, str]]:
    """Lengths and faults of the recordings, each opened once."""
    known: dict[Path, float | str] = {}
    for row in rows:
        if row.speech not in known:
            try:
                known[row.speech] = open_speech(row.speech).duration_secs
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
