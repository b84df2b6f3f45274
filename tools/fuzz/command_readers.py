"""What people type, list and ask for: command lines, emotions, manifests, batches, the worker's requests."""

import io
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, redirect_stderr
from pathlib import Path

import numpy as np

from face_emote.batch.columns import combinations
from face_emote.batch.log import Log, LogEntry
from face_emote.batch.naming import filled, require_safe
from face_emote.batch.plan import PlanOptions, plan_batch
from face_emote.batch.report import report_page
from face_emote.batch.state import BatchState, OutputState
from face_emote.cli.batch_view import echo_status
from face_emote.cli.main import main
from face_emote.emotion.grammar import describe
from face_emote.rendering.segment_file import CodedPacket, read_packets, write_packets
from face_emote.worker.protocol import read_request
from face_emote.worker.server import Server
from face_emote.worker.takes import read_emotion_keys
from tools.fuzz import stock
from tools.fuzz.formats import NPZ, SQLITE
from tools.fuzz.reader import Reader, Seed
from tools.fuzz.texts import ARGUMENTS, JSON, JSON_LINES, TEXT

FEELINGS = (
    "joy tinged with guilt", "0s neutral; 1.5s surprise:0.8; 3s joy", "joy 70% + guilt 30%",
    "anger hidden under a smile",
    "vad(-0.4, 0.7, 0.2)", "auto + joy:0.3", "very slightly annoyed, restrained despair", "calm anger",
)  # fmt: skip
TABLE = (
    "speech,emotion,character,seed,intensity,fps,size,dof,camera,outputs,name,transcript,head_motion\n"
    "line.wav,calm anger,maya,3,0.5,25,320,2.8,close,mp4 glb,first,The family,0.5\n"
    "line*.wav,joy tinged with guilt,,,,,640x360,,,npz csv,,,\n"
)
COMMANDS = tuple(
    line.split("|")
    for line in (
        "animate|line.wav|-o|out.npz|-e|calm joy|--fps|25|--seed|3|--animator|rules",
        "animate|line.wav|-o|out.npz|-e|joy|--intensity|0.5|--head-motion|2|--asymmetry|0.1|-c|maya",
        "animate|line.wav|-o|out.csv|--blood|stage|--fps|30|--lips|1.5|--gaze|0",
        "animate|--from|line.npz|line.wav|-o|out.npz|-e|auto + joy:0.3|--brows|0.5",
        "export|line.npz|-o|out.json|--fps|10",
        "export|line.npz|-o|out.csv|--rig|oculus",
        "export|line.npz|-o|out.pc2|--up|z|--unit|cm",
        "export|line.npz|-o|out.obj|--frame|0.1|--lod|0|--parts|skin,teeth",
        "render|line.npz|-o|out.mp4|--size|16|--dof|2.8|--light|warm|--label|AI|--consent|Jane, 2026",
        "view|line.npz|-o|out.html|--speech|line.wav",
        "batch|line.wav*|-o|out|--sweep|emotion=joy,anger; intensity=.3,1|--limit|2",
        "verify|marked.glb",
        "head|info",
        "evaluate|.|--limit|1|--no-baselines|--animator|rules",
    )
)
TEMPLATES = ("{speech}_{emotion}", "x/{row}-{{}}")
SWEEP = "emotion=joy,vad(-0.4, 0.7, 0.2); intensity=.3,1"
FIELDS = {"speech": "line", "emotion": "joy", "seed": "3", "row": "0001", "name": "a/b"}


class BugError(Exception):
    """The product itself says that it has a bug."""


class UsageRefusedError(Exception):
    """A command ended as it does for a person's mistake."""


def command(words: Sequence[str]) -> None:
    """A command line, in this process."""
    said = io.StringIO()
    with redirect_stderr(said):
        code = main(["--debug", *words])
    if code == 1:
        raise BugError(said.getvalue())
    if code != 0:
        raise UsageRefusedError(said.getvalue()[-500:])


def typed(path: Path) -> None:
    """A command line, as a JSON list."""
    words = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    words += ["--dry-run"] if words[:1] == ["batch"] else []  # No performances of minutes.
    before = set(path.parent.iterdir())
    command(words)
    for made in set(path.parent.iterdir()) - before:  # What was asked for.
        _gone(made)


def _gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            _gone(inner)
        path.rmdir()
    else:
        path.unlink()


def feeling(path: Path) -> None:
    """An emotion in words."""
    describe(path.read_bytes().decode("utf-8", "surrogateescape"))


def sweep(path: Path) -> None:
    """The axes of a sweep."""
    combinations(path.read_bytes().decode("utf-8", "surrogateescape"))


def template(path: Path) -> None:
    """A template of names."""
    require_safe(filled(path.read_bytes().decode("utf-8", "surrogateescape"), FIELDS))


def manifest(path: Path) -> None:
    """Plan all that it lists."""
    plan_batch(path, PlanOptions(output=path.with_name("out")))


def batch_state(path: Path) -> None:
    """Look at a batch from outside, then go on with it."""
    echo_status(path.parent)
    with closing(BatchState(path.parent)) as state:
        state.list_rows([("one", "row 1", {"speech": "line.wav"})])
        state.put_back()
        report_page(state.rows())
        state.outputs()


def batch_log(path: Path) -> None:
    """Go on with a log."""
    with closing(Log(path.parent)) as log:
        log(LogEntry("row done", row="one"))


def packets(path: Path) -> None:
    """A finished segment of a film."""
    for _ in read_packets(path):
        pass


def request(path: Path) -> None:
    """A line, as the worker's thread reads it."""
    read_request(path.read_bytes().decode("utf-8", "replace"))


def served(path: Path) -> None:
    """Lines that the worker serves, one by one. Raises BugError for an answer that tells of a bug."""
    answers = io.StringIO()
    Server(io.StringIO(path.read_bytes().decode("utf-8", "replace")), answers).run()
    told = [json.loads(line) for line in answers.getvalue().splitlines()]
    for result in (line["result"] for line in told if "result" in line):
        for made in {result.get(kind) for kind in ("path", "motion", "cues")} - {None, ""}:
            Path(made).unlink(missing_ok=True)
    bugs = [line["error"] for line in told if line.get("error", {}).get("kind") == "bug"]
    if bugs:
        raise BugError(bugs[0]["details"])
    if any("error" in line for line in told):
        raise UsageRefusedError(told[-1])


def keys(path: Path) -> None:
    """Sliders over time, from a panel."""
    read_emotion_keys(path)


def _of(*texts: str, suffix: str) -> list[Seed]:
    return [Seed(text.encode(), suffix) for text in texts]


def _commands(folder: Path) -> list[Seed]:
    stock.line(folder)
    stock.motion(folder)
    stock.exported(folder, "marked.glb")
    return [Seed(json.dumps(words).encode(), ".json") for words in COMMANDS]


def _tables(folder: Path) -> list[Seed]:
    stock.line(folder)
    rows = [{"speech": "line.wav", "emotion": "joy", "seed": 1, "dof": 2.8, "outputs": ["npz"]}]
    return [
        Seed(TABLE.encode(), ".csv"),
        Seed(("sep=;\r\n" + TABLE.replace(",", ";").replace("\n", "\r\n")).encode("utf-16"), ".csv"),
        Seed(TABLE.replace(",", "\t").encode("utf-8-sig"), ".csv"),
        Seed(json.dumps({"defaults": {"fps": 25, "character": "maya"}, "rows": rows}).encode(), ".json"),
        Seed(b"\n".join(json.dumps(row | {"name": f"line{i}"}).encode() for i, row in enumerate(rows * 2)), ".jsonl"),
    ]


def _batch(folder: Path) -> list[Seed]:
    def make(path: Path) -> None:
        path.mkdir()
        with closing(BatchState(path)) as state:
            state.list_rows([(name, f"row {name}", {"speech": "line.wav", "marked": "no"}) for name in ("one", "two")])
            state.finish_row(
                "one", timing={"drawn": 4.0, "draw": 1.5}, story='{"joy": [0.0, 1.0]}', thumbnail=b"\xff\xd8"
            )
            state.set_status("two", "failed", error="the recording is empty", attempts=3)
            state.put_output(
                OutputState("one.npz", "one", "0" * 16, published=True, sha256="1" * 64, size=7, marked=False)
            )
        with closing(sqlite3.connect(path / "batch.sqlite")) as base:
            base.execute("PRAGMA journal_mode = DELETE")

    return [stock.seed_of(stock.kept(folder, "batch", make) / "batch.sqlite")]


def _logged(_folder: Path) -> list[Seed]:
    return [Seed(b'{"kind": "row done", "row": "one"}\n' * 3, ".jsonl")]


def _packets(folder: Path) -> list[Seed]:
    def make(path: Path) -> None:
        write_packets(path, [CodedPacket(i, i - 1, i == 0, bytes(50 * i)) for i in range(5)])

    return [stock.seed_of(stock.kept(folder, "segment.bin", make))]


def _requests(folder: Path) -> list[Seed]:
    stock.line(folder)
    stock.motion(folder)
    take = {
        "speech": "line.wav", "path": "take.npz", "target": "arkit", "emotion": "joy", "fps": 25, "seed": 1,
        "animator": "rules", "sliders": {"lips": 1.0, "blood": "stage"}, "person": {"character": "default"},
    }  # fmt: skip
    told = (
        {"id": 1, "method": "hello", "params": {}},
        {"id": 2, "method": "generate", "params": take},
        {"id": 3, "method": "export", "params": {"motion": "line.npz", "path": "take.csv", "person": {}}},
        {"id": 4, "method": "cancel", "params": {"request": 9}},
    )
    whole = "\n".join(json.dumps(one) for one in told)
    return [Seed(whole.encode(), ".jsonl"), *(Seed(json.dumps(one).encode(), ".jsonl") for one in told[1:3])]


def _request_lines(folder: Path) -> list[Seed]:
    return [seed for seed in _requests(folder) if b"\n" not in seed.content]


def _keys(folder: Path) -> list[Seed]:
    arrays = {
        "time_secs": np.array([0.0, 0.5]), "amounts": np.eye(8)[:2], "vad": np.zeros((2, 3)),
        "vad_amount": np.array([0.0, 0.5]),
        "hidden": np.eye(8)[2:4], "leak": np.array([0.1, 0.0]),
    }  # fmt: skip
    return [stock.seed_of(stock.archived(folder, "keys.npz", arrays))]


_REFUSED = (UsageRefusedError,)
READERS = (
    Reader("command-line", "command line", _commands, typed, ARGUMENTS, _REFUSED,
           ("line.wav", "line.npz", "marked.glb"), is_file=False, any_byte=False),
    Reader("emotion", "emotion", lambda _: _of(*FEELINGS, suffix=".words"), feeling, TEXT, is_file=False, quick=True),
    Reader("emotion-keys", "emotion", _keys, keys, NPZ, quick=True),
    Reader("sweep", "batch", lambda _: _of(SWEEP, suffix=".words"), sweep, TEXT, is_file=False, quick=True),
    Reader("name-template", "batch", lambda _: _of(*TEMPLATES, suffix=".words"), template, TEXT,
           is_file=False, quick=True),
    Reader("manifest", "batch", _tables, manifest, (*TEXT, *JSON), beside=("line.wav",), quick=True),
    Reader("batch-state", "batch", _batch, batch_state, SQLITE, name_there="batch.sqlite"),
    Reader("batch-log", "batch", _logged, batch_log, TEXT, name_there="log.jsonl"),
    Reader("film-segment", "batch", _packets, packets, quick=True),
    Reader("worker-request", "worker", _request_lines, request, JSON, quick=True, is_file=False),
    Reader("worker", "worker", _requests, served, JSON_LINES, _REFUSED, ("line.wav", "line.npz"), is_file=False),
)  # fmt: skip
