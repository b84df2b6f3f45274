"""A motion as the targets of another face (`rigs.rig_file`): sums of our curves, mixes of faces, or cues.

Files: a table (`.csv`), `.json`, arrays (`.npz`), and Rhubarb's cues (`.tsv`, `.json`). A table can be read back.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_52, CONTROLS, FACE_ANGLES, NUM_EXPRESSION
from face_emote.core.output import written_beside
from face_emote.core.timing import frame_times
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.arkit import CURVES, DECIMALS, ArkitCurves
from face_emote.formats.array_file import ArraySpool, write_arrays
from face_emote.formats.coefficients import write_coefficients
from face_emote.formats.mesh.person import Progress, head_of
from face_emote.formats.recorded import NumberTable, RecordedCurves, evenly, numbers_of, rate_of, table_rows
from face_emote.rigs.nonnegative import nonnegative_weights
from face_emote.rigs.retarget import is_model_file, named_model
from face_emote.rigs.rig_file import SOURCES, Rig, RigTarget, load_rig

OWN_COEFFICIENTS = "amass"
"""The rig that writes the bundled head's own coefficients as arrays."""
CUE_SUFFIXES = (".tsv", ".json")
CURVE_SUFFIXES = (".csv", ".json", ".npz")
SHORTEST_CUE_SECS = 0.06
"""A shorter drawing is not seen; it gives way to the one before it."""
EXTRAS = tuple(name for name in CONTROLS if name not in ARKIT_52 and not name.startswith("reserved"))
MOUTH = ("mouth", "jaw", "tongue", "lip")
SEAL_SHARE = 0.02
"""Sealed lips are no shape; where faces are compared they count like so much of the square of an open jaw."""
SETTLED = 1e-4
SHAPE_SWEEPS = 1000
"""At most; mouths are so alike that some frames need hundreds."""
RIDGE = 0.003
"""Share of a shape's mean square that a weight of 1 costs: of two mixes that look alike the smaller is taken."""

assert SOURCES[: len(CURVES)] == CURVES and SOURCES[len(ARKIT_52) : len(CURVES)] == FACE_ANGLES


class RigCurves:
    """Targets of motions on one head."""

    def __init__(self, head: Head, *, rig: Rig) -> None:
        """Raises HeadError when the model has no named shapes."""
        self.names = tuple(target.name for target in rig.targets)
        self._curves = ArkitCurves(head)
        self._sums, self._shapes = _matrix(rig.sums), _matrix(rig.shapes)
        self._low, self._high = (
            np.array([getattr(target, end) for target in rig.targets], np.float64) for end in ("low", "high")
        )
        self._cues = _matrix(rig.cues)
        faces = (*rig.shapes, *rig.cues)
        # Where only mouths are compared, cheeks that smile must not vote.
        of_mouths = all(name.startswith(MOUTH) for target in faces for name in target.weights)
        self._products = None
        if faces:
            self._products = _blind_to(_matrix(rig.absorbed), face_products(head, lips_only=of_mouths))

    def of(self, block: FaceMotion) -> Float[Array, "frames target"]:
        """Every target's value, within its limits."""
        values = self._sources(block)
        pieces = [values @ self._sums.T]
        if self._products is not None and len(self._shapes):
            pieces.append(self._mixed(values))
        out = np.clip(np.concatenate(pieces, axis=1), self._low, self._high)
        return np.round(out, DECIMALS) + 0.0  # No "-0.000000".

    def cue_index(self, block: FaceMotion) -> Int[Array, " frames"]:
        """Which of the rig's cues looks most like the face."""
        assert self._products is not None
        values = self._sources(block)
        size = np.einsum("cs,st,ct->c", self._cues, self._products, self._cues)
        return np.argmin(size - 2.0 * (values @ self._products @ self._cues.T), axis=1)

    def _sources(self, block: FaceMotion) -> Float[Array, "frames source"]:
        """Curves in the order of `rig_file.SOURCES`."""
        extra = block.expression[:, [CONTROLS.index(name) for name in EXTRAS]]
        return np.concatenate([self._curves.of(block), extra, block.wrinkles, block.blood_flow], axis=1)

    def _mixed(self, values: Float[Array, "frames source"]) -> Float[Array, "frames shape"]:
        assert self._products is not None
        used = np.flatnonzero(np.abs(self._shapes).any(axis=1))
        recipes = self._shapes[used]
        gram = recipes @ self._products @ recipes.T
        goal = values @ self._products @ recipes.T
        gram = gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        out = np.zeros((len(values), len(self._shapes)))
        out[:, used] = nonnegative_weights(gram, goal, upper=1.0, sweeps=SHAPE_SWEEPS, settled=SETTLED)
        # A shape that moves nothing (silence) is what is left of a whole face.
        rest = np.setdiff1d(np.arange(len(self._shapes)), used)
        out[:, rest] = np.maximum(1.0 - out[:, used].sum(axis=1, keepdims=True), 0.0)
        return out


def face_products(head: Head, *, lips_only: bool) -> Float[Array, "source source"]:
    """Inner products of what our curves do to the vertices of face or lips; 0 for curves that are no shapes."""
    controls = np.zeros((NUM_EXPRESSION + 1, NUM_EXPRESSION), np.float32)
    shapes = [name for name in SOURCES if name in CONTROLS and name != "lipSeal"]
    rows = np.array([CONTROLS.index(name) for name in shapes])
    controls[rows + 1, rows] = 1.0
    controls[CONTROLS.index("mouthClose") + 1, CONTROLS.index("jawOpen")] = 1.0  # It closes an open jaw only.
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    assert head.layout is not None
    face = np.flatnonzero((head.layout.mask_lips if lips_only else head.layout.mask_face) > 0.1)
    posed = head.restricted_to(face).pose_vertices(
        expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose
    )
    moved = (posed[1:] - posed[0]).reshape(NUM_EXPRESSION, -1).astype(np.float64)
    moved[CONTROLS.index("mouthClose")] -= moved[CONTROLS.index("jawOpen")]
    products = np.zeros((len(SOURCES), len(SOURCES)))
    place = np.array([SOURCES.index(name) for name in shapes])
    products[np.ix_(place, place)] = moved[rows] @ moved[rows].T
    jaw, seal = SOURCES.index("jawOpen"), SOURCES.index("lipSeal")
    products[seal, seal] = SEAL_SHARE * products[jaw, jaw]
    return products


def _blind_to(absorbed: Float[Array, "face source"], products: Float[Array, "source source"]) -> Array:
    """Inner products of what is left of every curve across the span of the absorbed faces."""
    if not len(absorbed):
        return products
    seen = absorbed @ products
    within = seen @ absorbed.T
    return products - seen.T @ np.linalg.solve(within + 1e-9 * np.trace(within) * np.eye(len(within)), seen)


def _matrix(targets: tuple[RigTarget, ...]) -> Float[Array, "target source"]:
    out = np.zeros((len(targets), len(SOURCES)))
    for row, target in enumerate(targets):
        for name, weight in target.weights.items():
            out[row, SOURCES.index(name)] = weight
    return out


def require_rig(path: Path, rig: str | Path | Rig) -> None:
    """Raise OptionError unless there is such a rig, and it can be written as this kind of file."""
    if not isinstance(rig, Rig) and (str(rig).lower() == OWN_COEFFICIENTS or is_model_file(rig)):
        if path.suffix.lower() != ".npz":
            raise OptionError(f"Coefficients are written as .npz, not as '{path.suffix}'; end the output so: {path}")
        return
    rig = rig if isinstance(rig, Rig) else load_rig(rig)
    able = CUE_SUFFIXES if rig.cues else CURVE_SUFFIXES
    if path.suffix.lower() not in able:
        raise OptionError(
            f"The rig {rig.name} is written as {', '.join(able)}, not as '{path.suffix}'; end the output so: {path}"
        )


def write_rig(
    motion: MotionSource, path: Path, *, head: Head, rig: str | Path | Rig, progress: Progress | None = None
) -> None:
    """Write the targets of a rig, or the coefficients of a model, on every frame. Memory does not grow with the length.

    Args:
        motion: A motion of `head`.
        path: Where to.
        head: The face model of the motion.
        rig: A rig, the name or the file of one, `amass`, or a FLAME or SMPL-X file.
        progress: As `export`.

    Raises:
        OptionError: no such rig, or the suffix does not suit it.
        HeadError: the motion belongs to another face model, or one without named shapes.
        OutputError: the file cannot be written there.
    """
    require_rig(path, rig)
    if not isinstance(rig, Rig) and str(rig).lower() == OWN_COEFFICIENTS:
        head_of(motion, head)
        write_coefficients(motion, path, model="face_emote", basis=head.basis, solved=None, progress=progress)
        return
    if not isinstance(rig, Rig) and is_model_file(rig):
        head_of(motion, load_head())
        kind, basis, solved = named_model(rig)
        write_coefficients(motion, path, model=kind, basis=basis, solved=solved, progress=progress)
        return
    rig = rig if isinstance(rig, Rig) else load_rig(rig)
    head_of(motion, head)
    curves = RigCurves(head, rig=rig)
    suffix = path.suffix.lower()
    with written_beside(path) as target:
        if rig.cues:
            _write_cues(target, motion, curves, rig=rig, progress=progress)
        elif suffix == ".npz":
            _write_arrays(target, motion, curves, progress=progress)
        else:
            write = _write_table if suffix == ".csv" else _write_json
            write(target, motion, curves, progress=progress)


def _blocks(
    motion: MotionSource, curves: RigCurves, *, progress: Progress | None
) -> Iterator[tuple[Float[Array, " frames"], Float[Array, "frames target"]]]:
    done = 0
    for block in motion.blocks():
        yield frame_times(done, done + block.num_frames, fps=motion.fps), curves.of(block)
        done += block.num_frames
        if progress is not None:
            progress(done, motion.num_frames, "exporting")


def _write_table(path: Path, motion: MotionSource, curves: RigCurves, *, progress: Progress | None) -> None:
    """A header `time,NAME,..`, then seconds and values."""
    row = ",".join(["%.6f"] + [f"%.{DECIMALS}f"] * len(curves.names)) + "\n"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(["time", *map(_quoted, curves.names)]) + "\n")
        for times, values in _blocks(motion, curves, progress=progress):
            for time_secs, numbers in zip(times.tolist(), values.tolist(), strict=True):
                file.write(row % (time_secs, *numbers))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\n\r') else name


def _write_json(path: Path, motion: MotionSource, curves: RigCurves, *, progress: Progress | None) -> None:
    """`{"fps": .., "names": [..], "frames": [[..], ..]}`, as the ARKit `.json`."""
    row = ",".join([f"%.{DECIMALS}f"] * len(curves.names))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        names = json.dumps(curves.names, ensure_ascii=False)
        file.write(f'{{"fps": {json.dumps(float(motion.fps))},\n"names": {names},\n"frames": [')
        first = True
        for _, values in _blocks(motion, curves, progress=progress):
            for numbers in values.tolist():
                file.write(f"{'' if first else ','}\n[{row % tuple(numbers)}]")
                first = False
        file.write("\n]}\n")


def _write_arrays(path: Path, motion: MotionSource, curves: RigCurves, *, progress: Progress | None) -> None:
    """`names`, `values` [frames, target] and `fps`."""
    with ExitStack() as files:
        spool = ArraySpool(files, path.parent, name="values", row_shape=(len(curves.names),))
        for _, values in _blocks(motion, curves, progress=progress):
            spool.append(values)
        write_arrays(path, {"names": np.array(curves.names), "fps": np.float64(motion.fps)}, spools=[spool])


def _write_cues(
    path: Path, motion: MotionSource, curves: RigCurves, *, rig: Rig, progress: Progress | None
) -> None:  # fmt: skip
    """Rhubarb's own two formats; the last time is the end of the sound, cut to hundredths."""
    index, done = [], 0
    for block in motion.blocks():
        index.append(curves.cue_index(block))
        done += block.num_frames
        if progress is not None:
            progress(done, motion.num_frames, "exporting")
    secs = motion.info.speech_secs or motion.num_frames / motion.fps
    ends = int(secs * 100.0 + 1e-6)
    names = [target.name for target in rig.cues]
    silent = next((target.name for target in rig.cues if not target.weights), names[0])
    cues = [(round(start * 100.0), names[number]) for start, number in _held(np.concatenate(index), fps=motion.fps)]
    cues = [(start, name) for start, name in cues if start < ends] or [(0, silent)]
    if path.suffix.lower() == ".tsv":
        lines = [f"{start / 100.0:.2f}\t{name}\n" for start, name in [*cues, (ends, silent)]]
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
        return
    stops = [start for start, _ in cues[1:]] + [ends]
    rows = [
        f'    {{ "start": {start / 100.0:.2f}, "end": {stop / 100.0:.2f}, "value": {json.dumps(name)} }}'
        for (start, name), stop in zip(cues, stops, strict=True)
    ]
    sound = json.dumps(motion.info.speech_name)
    text = f'{{\n  "metadata": {{\n    "soundFile": {sound},\n    "duration": {ends / 100.0:.2f}\n  }},\n'
    path.write_text(text + '  "mouthCues": [\n' + ",\n".join(rows) + "\n  ]\n}\n", encoding="utf-8", newline="\n")


def _held(index: Array, *, fps: float) -> list[tuple[float, int]]:
    """Start in seconds and number of each cue; those too short to be seen are left out."""
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    lengths = np.diff(starts, append=len(index)) / fps
    out: list[tuple[float, int]] = []
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        number = int(index[start])
        if (not out or length >= SHORTEST_CUE_SECS) and (not out or out[-1][1] != number):
            out.append((start / fps, number))
    return out


def is_curve_table(path: Path) -> bool:
    """Whether a file's first word is `time`."""
    with path.open("rb") as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").lower().lstrip(b'"').startswith((b"time,", b'time",'))


def read_curve_table(path: Path) -> RecordedCurves:
    """Read a header `time,NAME,..`, then seconds and values, one line a frame; as a rig is written.

    Raises ValueError saying what is wrong, and OSError.
    """
    rows = table_rows(path)
    _, header = next(rows, (1, []))
    table = NumberTable(tuple(header))
    for line, row in rows:
        if len(row) != len(header):
            raise ValueError(f"line {line} has {len(row)} columns, the first line {len(header)}")
        table.append(numbers_of(row, line=line))
    values = table.values()
    if not len(values) or len(header) < 2:
        raise ValueError("it has no rows" if len(header) > 1 else "it names no curves")
    times = values[:, 0] - values[0, 0]
    steps = np.diff(times)
    if len(steps) and not steps.min() > 1e-4:
        raise ValueError(f"its time does not advance after row {int(np.argmin(steps)) + 1}")
    fps = rate_of(times)
    return RecordedCurves(names=table.names[1:], values=evenly(times, values[:, 1:], fps=fps), fps=fps)
