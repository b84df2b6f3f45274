"""A performance for another program: the motion file, and beside it the curves that its character plays."""

import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionStream
from face_emote.core.names import ARKIT_ORDER, JOINTS
from face_emote.core.output import require_writable, written_beside
from face_emote.core.rotations import quaternions
from face_emote.core.types import EmotionPlan, FaceMotion, PerformanceStyle
from face_emote.face.bundled import load_head
from face_emote.formats.arkit import ArkitCurves
from face_emote.formats.mesh.person import rotations_of
from face_emote.formats.motion_file import MotionWriter
from face_emote.verbs.animate import animate_blocks
from face_emote.worker.emotion_keys import read_emotion_keys
from face_emote.worker.person import Person, person_from
from face_emote.worker.protocol import Params

TARGETS = ("head", "arkit")
"""Shape keys of our own head, or ARKit weights for somebody else's."""


def write_take(params: Params, *, progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Perform a speech; the curves go to `path`, the motion file to the same name ending in .motion.npz.

    Params: speech, path, fps, target, seed, emotion (text) or emotion_keys (path), transcript, style, person.
    """
    path = Path(params.text("path"))
    motion_path = path.with_name(f"{path.stem}.motion.npz")
    require_writable(path)
    target = params.text("target", TARGETS[0])
    if target not in TARGETS:
        raise OptionError(f"A take is made for one of {', '.join(TARGETS)}, not {target!r}")
    person = person_from(params.part("person"))

    def told(done: float, total: float, what: str) -> None:
        share = done / max(total, 1e-9)
        progress(0.05 + (0.65 * share if what == "listening" else 0.65 + 0.25 * share), what)

    stream = animate_blocks(
        params.text("speech"),
        emotion=_emotion(params),
        transcript=params.text("transcript", "") or None,
        fps=params.number("fps"),
        seed=params.whole("seed", 0),
        head=person.head,
        character=person.name,
        style=_style(params.part("style")),
        progress=told,
    ).motion
    with tempfile.TemporaryDirectory(prefix=".face_emote_", dir=path.absolute().parent) as folder:
        new_motion = Path(folder) / motion_path.name
        arrays = _curves(stream, new_motion, target=target, person=person)
        progress(0.95, "writing")
        with written_beside(path) as beside:
            np.savez(beside, **arrays)
        new_motion.replace(motion_path)
    return {
        "path": str(path),
        "motion": str(motion_path),
        "frames": stream.num_frames,
        "animator": stream.info.animator,
        "speech_sha256": stream.info.speech_sha256,
    }


def _emotion(params: Params) -> str | EmotionPlan:
    keys = params.text("emotion_keys", "")
    return read_emotion_keys(Path(keys)) if keys else params.text("emotion", "auto")


def _style(params: Params) -> PerformanceStyle:
    known = {item.name for item in fields(PerformanceStyle)}
    strange = sorted(set(params.values) - known)
    if strange:
        raise OptionError(f"There is no slider {strange[0]!r}; there are {', '.join(sorted(known))}")
    return replace(PerformanceStyle(), **params.values)


def _curves(stream: MotionStream, motion_path: Path, *, target: str, person: Person) -> dict[str, Any]:
    """Write the motion file and gather the curves, block by block."""
    names = person.key_names if target == "head" else ARKIT_ORDER
    arkit = ArkitCurves(load_head()) if target == "arkit" else None
    pieces: dict[str, list[Array]] = {name: [] for name in ("weights", "turns", "translation", "wrinkles", "blood")}
    with MotionWriter(motion_path) as writer:
        for block in stream.blocks():
            writer.append(block)
            weights = person.targets.weights(block) if arkit is None else arkit.of(block)
            pieces["weights"].append(weights[:, : len(names)].astype(np.float32))
            pieces["turns"].append(_turns(block))
            pieces["translation"].append(block.translation)
            pieces["wrinkles"].append(block.wrinkles)
            pieces["blood"].append(block.blood_flow)
    return {
        **{name: np.concatenate(rows).astype(np.float32) for name, rows in pieces.items()},
        "names": np.array(names),
        "joint_names": np.array(JOINTS),
        "fps": np.float64(stream.fps),
    }


def _turns(block: FaceMotion) -> Float[Array, "frames joint=5 quaternion=4"]:
    """Rotation of every joint against its parent: unit quaternions w, x, y, z in the head's axes."""
    rotations = rotations_of(block)
    turned = np.stack([quaternions(rotations[:, joint]) for joint in range(len(JOINTS))], axis=1)
    return turned[..., [3, 0, 1, 2]].astype(np.float32)
