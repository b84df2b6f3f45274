"""A motion as the targets of another face (`rigs.rig_file`): sums of our curves, mixes of faces, or cues.

Files: those of `curve_files`, and Rhubarb's cues (`.tsv`, `.json`).
"""

import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import FaceEmoteWarning, OptionError
from face_emote.core.motion import MotionSource, joined_motion
from face_emote.core.names import ARKIT_52, CONTROLS, FACE_ANGLES, KEYED_CONTROLS, NUM_EXPRESSION
from face_emote.core.output import written_beside
from face_emote.core.types import FaceMotion, Progress
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.rig import ControlPose, controls_from_pose, pose_from_controls
from face_emote.formats.arkit import CURVES, DECIMALS, ArkitCurves, curve_blocks
from face_emote.formats.catalogue import format_of, function_named, suffix_of
from face_emote.formats.coefficients import write_coefficients
from face_emote.formats.curve_files import CURVE_FILES
from face_emote.formats.mesh.person import Person, head_of
from face_emote.rigs.nonnegative import nonnegative_weights
from face_emote.rigs.retarget import is_model_file, named_model
from face_emote.rigs.rig_file import SOURCES, Rig, RigTarget, load_rig
from face_emote.rigs.vowels import REACH_SECS, VOWEL_SOUNDS, vowel_reading

OWN_COEFFICIENTS = "amass"  # The rig that writes the bundled head's own coefficients as arrays.
CUE_SUFFIXES = (".tsv", ".json")
STEER = 0.3  # Weight that a sound which is not said has to reach in the plain mix before any of it is shown.
SHORTEST_CUE_SECS = 0.06  # A shorter drawing is not seen; it gives way to the one before it.
EXTRAS = tuple(name for name in KEYED_CONTROLS if name not in ARKIT_52)
MOUTH = ("mouth", "jaw", "tongue", "lip")
SEAL_SHARE = 0.02
"""Sealed lips are no shape; where faces are compared they count like so much of the square of an open jaw."""
SETTLED = 1e-4
SHAPE_SWEEPS = 1000  # At most; mouths are so alike that some frames need hundreds.
RIDGE = 0.003
"""Share of a shape's mean square that a weight of 1 costs: of two mixes that look alike the smaller is taken."""

assert SOURCES[: len(CURVES)] == CURVES and SOURCES[len(ARKIT_52) : len(CURVES)] == FACE_ANGLES


class RigCurves:
    """Targets of motions on one head."""

    def __init__(self, head: Head, *, rig: Rig) -> None:
        """Raises HeadError when the model has no named shapes."""
        self.names = tuple(target.name for target in rig.targets)
        # What the sums show by name must not be shown once more by the ARKit shapes that come nearest to it.
        named = {name for target in rig.sums for name in target.weights}
        self._apart = ArkitCurves(head, apart=named.intersection(EXTRAS))
        # Mouths are compared with every shape as itself; only a seal, which is none, closes the jaw.
        self._curves = ArkitCurves(head, apart=[name for name in EXTRAS if name != "lipSeal"])
        self._sums, self._shapes = _matrix(rig.sums), _matrix(rig.shapes)
        self._low, self._high = (
            np.array([getattr(target, end) for target in rig.targets], np.float64) for end in ("low", "high")
        )
        self._cues = _matrix(rig.cues)
        faces = (*rig.shapes, *rig.cues)
        # Where only mouths are compared, cheeks that smile must not vote.
        self._of_mouths = all(name.startswith(MOUTH) for target in faces for name in target.weights)
        self._products = None
        if faces:
            self._products = _blind_to(_matrix(rig.absorbed), face_products(head, lips_only=self._of_mouths))
        self._control_joints = head.control_joints
        shapes = [target.name for target in rig.shapes]
        self._vowels = [(VOWEL_SOUNDS.index(sound), shapes.index(name)) for sound, name in rig.vowels.items()]

    def all_of(self, motion: MotionSource) -> Iterator[Float[Array, "frames target"]]:
        """`of` every block of a motion, seen with what comes before and after it where vowels are read."""
        reach = math.ceil(REACH_SECS * motion.fps) if self._vowels else 0
        for block, first, count in _with_neighbours(motion.blocks(), reach):
            yield self.of(block)[first : first + count]

    def of(self, block: FaceMotion) -> Float[Array, "frames target"]:
        """Every target's value, within its limits."""
        return self._of(block, first=0, start=None)

    def frame_by_frame(self, *, fps: float) -> Callable[[FaceMotion], Float[Array, " target"]]:
        """`of` frames as they are performed: vowels are read from what was seen, as if the mouth stood still then."""
        reach = math.ceil(REACH_SECS * fps) if self._vowels else 0
        seen: list[FaceMotion] = []
        last: Array | None = None

        def of(frame: FaceMotion) -> Array:
            nonlocal last
            seen.append(frame)
            del seen[: -1 - reach]
            last = self._of(joined_motion(seen), first=len(seen) - 1, start=last)[0]
            return last

        return of

    def _of(
        self, block: FaceMotion, *, first: int, start: Float[Array, " target"] | None
    ) -> Float[Array, "frames target"]:
        """The frames from `first` on, as they look beside the others; found sooner from a `start` near them."""
        rows = block.part(first, block.num_frames)
        pieces = [_sources(rows, self._apart) @ self._sums.T]
        if self._products is not None and len(self._shapes):
            near = None if start is None else start[None, len(self._sums) :]
            pieces.append(self._mixed(_sources(rows, self._curves), costs=self._vowel_costs(block)[first:], start=near))
        out = np.clip(np.concatenate(pieces, axis=1), self._low, self._high)
        rounded: Array = np.round(out, DECIMALS) + 0.0  # No "-0.000000".
        return rounded

    def cue_index(self, block: FaceMotion) -> Int[Array, " frames"]:
        """Which of the rig's cues looks most like the face."""
        assert self._products is not None
        values = _sources(block, self._curves)
        size = np.einsum("cs,st,ct->c", self._cues, self._products, self._cues)
        nearest: Array = np.argmin(size - 2.0 * (values @ self._products @ self._cues.T), axis=1)
        return nearest

    def _vowel_costs(self, block: FaceMotion) -> Float[Array, "frames shape"]:
        """How much of each shape must be seen before it is shown: nothing, but for sounds that are not said."""
        costs = np.zeros((block.num_frames, len(self._shapes)))
        if self._vowels:
            pose = ControlPose(expression=block.expression, jaw_pose=block.jaw_pose, eye_pose=block.eye_pose)
            controls = controls_from_pose(pose, control_joints=self._control_joints)
            sounds, shapes = zip(*self._vowels, strict=True)
            vowels, odds = vowel_reading().heard(controls, fps=block.fps)
            if self._of_mouths:  # Then all other shapes are consonants.
                costs += STEER * np.minimum(odds, 1.0)[:, None]
            costs[:, list(shapes)] = STEER * (1.0 - vowels[:, list(sounds)])
        return costs

    def _mixed(
        self,
        values: Float[Array, "frames source"],
        *,
        costs: Float[Array, "frames shape"],
        start: Float[Array, "frames shape"] | None,
    ) -> Float[Array, "frames shape"]:
        assert self._products is not None
        used = np.flatnonzero(np.abs(self._shapes).any(axis=1))
        recipes = self._shapes[used]
        gram = recipes @ self._products @ recipes.T
        goal = values @ self._products @ recipes.T - costs[:, used] * np.diag(gram)
        gram = gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        out = np.zeros((len(values), len(self._shapes)))
        out[:, used] = nonnegative_weights(gram, goal, upper=1.0, sweeps=SHAPE_SWEEPS, settled=SETTLED,
                                           start=None if start is None else start[:, used])  # fmt: skip
        # A shape that moves nothing (silence) is what is left of a whole face.
        rest = np.setdiff1d(np.arange(len(self._shapes)), used)
        out[:, rest] = np.maximum(1.0 - out[:, used].sum(axis=1, keepdims=True), 0.0)
        return out


def _with_neighbours(blocks: Iterator[FaceMotion], reach: int) -> Iterator[tuple[FaceMotion, int, int]]:
    """Every block with up to `reach` frames around it, where its own begin, and how many they are."""
    before: FaceMotion | None = None
    block: FaceMotion | None = None
    for after in chain(blocks, (None,)):
        if block is not None:
            lead = [] if before is None else [before.part(max(before.num_frames - reach, 0), before.num_frames)]
            rest = [] if after is None else [after.part(0, min(reach, after.num_frames))]
            yield joined_motion([*lead, block, *rest]), sum(map(len, lead)), len(block)
        before, block = block, after


def _sources(block: FaceMotion, curves: ArkitCurves) -> Float[Array, "frames source"]:
    """Curves in the order of `rig_file.SOURCES`."""
    extra = block.expression[:, [CONTROLS.index(name) for name in EXTRAS]]
    return np.concatenate([curves.of(block), extra, block.wrinkles, block.blood_flow], axis=1)


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
    left: Array = products - seen.T @ np.linalg.solve(within + 1e-9 * np.trace(within) * np.eye(len(within)), seen)
    return left


def _matrix(targets: tuple[RigTarget, ...]) -> Float[Array, "target source"]:
    out = np.zeros((len(targets), len(SOURCES)))
    for row, target in enumerate(targets):
        for name, weight in target.weights.items():
            out[row, SOURCES.index(name)] = weight
    return out


RigName = str | Path | Rig | Mapping[str, object]
"""A rig, its name or file, what such a file would hold, `amass`, or a FLAME or SMPL-X file."""


def _is_coefficients(rig: RigName) -> bool:
    return isinstance(rig, str | Path) and (str(rig).lower() == OWN_COEFFICIENTS or is_model_file(rig))


def found_rig(rig: RigName) -> Rig | str | Path:
    """The rig that is meant; names of coefficients as they are. Raises OptionError when there is none."""
    if isinstance(rig, str | Path) and _is_coefficients(rig):
        return rig
    return rig if isinstance(rig, Rig) else load_rig(rig)


def require_rig(path: Path, rig: RigName) -> None:
    """Raise OptionError unless there is such a rig, and it can be written as this kind of file."""
    found = found_rig(rig)
    if not isinstance(found, Rig):
        if path.suffix.lower() != ".npz":
            raise OptionError(f"Coefficients are written as .npz, not as '{path.suffix}'; end the output so: {path}")
        return
    able = CUE_SUFFIXES if found.cues else tuple(CURVE_FILES)
    if suffix_of(path) not in able:
        raise OptionError(
            f"The rig {found.name} is written as {', '.join(able)}, not as '{path.suffix}'; end the output so: {path}"
        )
    if not found.cues:
        format_of(path).require_installed()


def write_rig(motion: MotionSource, path: Path, *, head: Head, rig: RigName, progress: Progress | None = None) -> None:
    """Write the targets of a rig, or the coefficients of a model, on every frame, in constant memory.

    Names of a list that mean none of our curves stay out, and are warned of. OptionError: no such rig, or the suffix
    does not suit it. HeadError: the motion belongs to another face model, or one without named shapes. OutputError: the
    file cannot be written there.
    """
    found = found_rig(rig)
    require_rig(path, found)
    if not isinstance(found, Rig):
        _write_coefficients(motion, path, head=head, model=found, progress=progress)
        return
    head_of(motion, head)
    curves = RigCurves(head, rig=found)
    with written_beside(path) as target:
        if found.cues:
            _write_cues(target, motion, curves, rig=found, progress=progress)
        else:
            values = (block for _, block in curve_blocks(motion, curves.all_of(motion), progress=progress))
            function_named(CURVE_FILES[suffix_of(path)])(target, motion, values, names=curves.names, head=head)
    if found.unmatched:
        sentence = f"No curves of ours, left out: {', '.join(found.unmatched)}: {path}"
        warnings.warn(sentence, FaceEmoteWarning, stacklevel=3)


def write_vrma(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write the preset expressions of VRM, which every such avatar has. Errors as `write_rig`."""
    write_rig(motion, path, head=person.model, rig="vrm", progress=progress)


def write_a2f(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write ARKit's weights as Audio2Face does. Errors as `write_rig`."""
    write_rig(motion, path, head=person.model, rig="arkit", progress=progress)


def _write_coefficients(
    motion: MotionSource, path: Path, *, head: Head, model: str | Path, progress: Progress | None
) -> None:
    if str(model).lower() == OWN_COEFFICIENTS:
        head_of(motion, head)
        write_coefficients(motion, path, model="face_emote", basis=head.basis, solved=None, progress=progress)
        return
    head_of(motion, load_head())
    kind, basis, solved = named_model(model)
    write_coefficients(motion, path, model=kind, basis=basis, solved=solved, progress=progress)


def _write_cues(
    path: Path, motion: MotionSource, curves: RigCurves, *, rig: Rig, progress: Progress | None
) -> None:  # fmt: skip
    """Rhubarb's own two formats; the last time is the end of the sound, cut to hundredths."""
    index = [numbers for _, numbers in curve_blocks(motion, map(curves.cue_index, motion.blocks()), progress=progress)]
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
