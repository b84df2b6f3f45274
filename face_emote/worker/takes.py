"""A performance for another program: the motion file, and beside it the curves that its character plays."""

import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import EmotionError, OptionError
from face_emote.core.eyes import EyeDirection
from face_emote.core.fields import Kind, Option, built, options_of
from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_ORDER, EMOTIONS, JOINTS
from face_emote.core.options import PERFORMANCE_OPTIONS, Filming, performance_from
from face_emote.core.output import require_writable, shown_path, written_beside
from face_emote.core.reading import read_npz
from face_emote.core.rotations import quaternions
from face_emote.core.types import EmotionKey, EmotionPlan, FaceMotion, PerformanceStyle
from face_emote.emotion.blending import PROTOTYPE_VAD, State, combine, finished, hide, mix_from_vad
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.formats.arkit import ArkitCurves
from face_emote.formats.mesh.person import rotations_of
from face_emote.formats.motion_file import MotionWriter
from face_emote.motion.events.blinks import BlinkScore
from face_emote.rigs.retarget import retargeted
from face_emote.verbs.animate import perform
from face_emote.voice.vocoder import require_vocoder
from face_emote.worker.person import Person, person_from, talker_in
from face_emote.worker.protocol import Params

TARGETS = ("head", "arkit")  # Shape keys of our own head, or ARKit weights for somebody else's.
OWN = ("speech", "path", "target", "emotion_keys", "sliders", "person", "others", "eyes", "voice")
FIELDS = tuple(item for item in PERFORMANCE_OPTIONS if item.owner != "style" and item.name != "character")
"""Fields of a performance that a request gives as they are; who plays it is the person."""
VOICE = Option(help="", kind=Kind.FLAG, name="voice")
KEY_ARRAYS = ("time_secs", "amounts", "vad", "vad_amount", "hidden", "leak")
KEY_SHAPES = ((), (len(EMOTIONS),), (3,), (), (len(EMOTIONS),), ())


def write_take(params: Params, *, progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Perform a speech; the curves go to `path`, the motion file to the same name ending in .motion.npz.

    Params: speech, path, target, emotion_keys (path, in place of the emotion), sliders, person, others (lines of
    the same voice), eyes (path of an .npz with the arrays of an `EyeDirection`), voice (whether the speech is
    re-tuned, too, and written to the same name ending in .voice.wav), and the other fields of a `Performance`.
    """
    params.require_known((*OWN, *(item.name for item in FIELDS)))
    path = Path(params.text("path"))
    require_writable(path)
    target = params.text("target", TARGETS[0])
    if target not in TARGETS:
        raise OptionError(f"A take is made for one of {', '.join(TARGETS)}, not {target!r}")
    voice = path.with_name(f"{path.stem}.voice.wav") if params.options((VOICE,)).get("voice") else None
    if voice is not None:
        require_vocoder()
    person = person_from(params.part("person"))
    performance = performance_from(
        params.options(FIELDS), speech=Path(params.text("speech")), character=person.name,
        style=_style(params.part("sliders")), talker=talker_in(params), eyes=_eyes(params), **_emotion(params),
    )  # fmt: skip
    shown_on = None if performance.head is None else load_head(performance.head)
    if shown_on is not None and target == "head":
        raise OptionError("A head of its own has no shape keys of ours; make the take for arkit, or leave out head")

    def listened(done: float, total: float, what: str) -> None:
        share = done / max(total, 1e-9)
        progress(0.05 + (0.65 * share if what == "listening" else 0.65 + 0.25 * share), what)

    take = perform(replace(performance, head=None), head=person.head, progress=listened)
    written = _written(
        take.motion, path, target=target, person=person, shown_on=shown_on, progress=progress, blinks=take.blinks
    )
    if voice is not None:
        from face_emote.verbs.voice import write_retuned

        write_retuned(Path(params.text("speech")), voice, emotion=take.plan, seed=performance.seed)
        written["voice"] = str(voice)
    return {**written, "remarks": list(take.analysis.remarks)}


def write_capture(params: Params, *, progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Read a filmed face; curves and motion file as those of `write_take`.

    Params: film, path, target, person, and the other fields of a `Filming`. The answer's `unsure` holds spans
    [which half of the face, first second, last second] in which it was not seen.
    """
    # Only an engine that has them can load what reads films.
    from face_emote.capturing.report import unsure_spans
    from face_emote.verbs.capture import read_film

    own = tuple(item for item in options_of(Filming) if item.name not in ("character", "person"))
    params.require_known(("film", "path", "target", "person", *(item.name for item in own)))
    path = Path(params.text("path"))
    require_writable(path)
    target, person = params.text("target", TARGETS[0]), person_from(params.part("person"))
    if target not in TARGETS:
        raise OptionError(f"A take is made for one of {', '.join(TARGETS)}, not {target!r}")

    def seen(done: float, total: float, what: str) -> None:
        progress(0.9 * done / max(total, 1e-9), what)

    filming = built(Filming, params.options(own), character=person.name)
    captured = read_film(Path(params.text("film")), filming, progress=seen)
    motion = replace(captured.motion, betas=person.betas)
    written = _written(motion, path, target=target, person=person, shown_on=None, progress=progress)
    return {**written, "remarks": list(captured.remarks), "unsure": unsure_spans(motion)}


def _written(
    motion: MotionSource, path: Path, *, target: str, person: Person, shown_on: Head | None,
    progress: Callable[[float, str], None], blinks: BlinkScore | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write curves and motion file, both or neither; what the answer says of them."""
    motion_path = path.with_name(f"{path.stem}.motion.npz")
    with tempfile.TemporaryDirectory(prefix=".face_emote_", dir=path.absolute().parent) as folder:
        new_motion = Path(folder) / motion_path.name
        arrays = _curves(motion, new_motion, target=target, person=person, shown_on=shown_on)
        if blinks is not None:
            arrays["blinks"] = np.stack([getattr(blinks, field.name) for field in fields(blinks)], axis=1)
        progress(0.95, "writing")
        with written_beside(path) as beside:
            np.savez(beside, **arrays)
        new_motion.replace(motion_path)
    cues_path = path.with_name(f"{path.stem}.cues.json")
    cues_path.write_text(motion.info.cues, encoding="utf-8")
    return {
        "path": str(path),
        "motion": str(motion_path),
        "cues": str(cues_path) if motion.info.cues else "",
        "frames": motion.num_frames,
        "animator": motion.info.animator,
        "speech_sha256": motion.info.speech_sha256,
    }


def _emotion(params: Params) -> dict[str, EmotionPlan]:
    keys = params.text("emotion_keys", "")
    return {"emotion": read_emotion_keys(Path(keys))} if keys else {}


def _eyes(params: Params) -> EyeDirection | None:
    given = params.text("eyes", "")
    if not given:
        return None
    try:
        stored = read_npz(Path(given), names=[field.name for field in fields(EyeDirection)])
        return EyeDirection(**{name: np.asarray(array, np.float64) for name, array in stored.items()})
    except (OSError, ValueError, TypeError) as error:
        raise OptionError(f"These are no blinks and gaze targets ({error}): {shown_path(Path(given))}") from None


def _style(params: Params) -> PerformanceStyle:
    sliders = [replace(item, name=item.attribute) for item in options_of(PerformanceStyle)]
    params.require_known([item.name for item in sliders], kind="slider")
    return replace(PerformanceStyle(), **params.options(sliders))


def _curves(
    motion: MotionSource, motion_path: Path, *, target: str, person: Person, shown_on: Head | None
) -> dict[str, Any]:
    """Write the motion file and gather the curves, block by block."""
    names = person.key_names if target == "head" else ARKIT_ORDER
    arkit = ArkitCurves(load_head()) if target == "arkit" else None
    pieces: dict[str, list[Array]] = {name: [] for name in ("weights", "turns", "translation", "wrinkles", "blood")}
    with MotionWriter(motion_path) as writer:
        for block in motion.blocks():
            writer.append(block if shown_on is None else next(retargeted(block, shown_on).blocks(block.num_frames)))
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
        "fps": np.float64(motion.fps),
    }


def _turns(block: FaceMotion) -> Float[Array, "frames joint=5 quaternion=4"]:
    """Rotation of every joint against its parent: unit quaternions w, x, y, z in the head's axes."""
    rotations = rotations_of(block)
    turned = np.stack([quaternions(rotations[:, joint]) for joint in range(len(JOINTS))], axis=1)
    return turned[..., [3, 0, 1, 2]].astype(np.float32)


def read_emotion_keys(path: Path) -> EmotionPlan:
    """Read the .npz that a panel wrote.

    Arrays, a row per key: `time_secs` rising; `amounts` of names.EMOTIONS 0..1; `vad` -1..1, mixed in with `vad_amount`
    0..1; `hidden` amounts 0..1 that show with `leak` 0..1. EmotionError: the file is no such file.
    """
    try:
        stored = read_npz(path, names=KEY_ARRAYS)
        rows = [np.asarray(stored[name], np.float64) for name in KEY_ARRAYS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        story = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise EmotionError(f"These are no emotion keys ({story}); generate again: {shown_path(path)}") from None
    count = len(rows[0]) if rows[0].ndim == 1 else 0
    right = all(
        row.shape == (count, *shape) and np.isfinite(row).all() for row, shape in zip(rows, KEY_SHAPES, strict=True)
    )
    if count == 0 or not right or np.any(np.diff(rows[0]) <= 0.0):
        raise EmotionError(f"The emotion keys have wrong shapes, values or times; generate again: {path}")
    times, amounts, vad, vad_amount, hidden, leak = rows
    states = (
        _state(amounts[i], vad=vad[i], vad_amount=float(vad_amount[i]), hidden=hidden[i], leak=float(leak[i]))
        for i in range(count)
    )
    keys = tuple(EmotionKey(float(t), finished(state)) for t, state in zip(times, states, strict=True))
    return EmotionPlan(keys=keys, text="sliders")


def _state(
    amounts: Float[Array, " emotion=8"],
    *,
    vad: Float[Array, " vad=3"],
    vad_amount: float,
    hidden: Float[Array, " emotion=8"],
    leak: float,
) -> State:
    parts = _parts(amounts)
    if vad_amount > 0.0:
        place = np.clip(vad, -1.0, 1.0)
        mix, intensity = mix_from_vad(place)
        parts.append((min(vad_amount, 1.0), State(mix=mix, intensity=float(intensity), vad=place)))
    shown = combine(parts) if parts else State()
    under = _parts(hidden)
    return hide(combine(under), surface=shown, leak=float(np.clip(leak, 0.0, 1.0))) if under else shown


def _parts(amounts: Float[Array, " emotion=8"]) -> list[tuple[float, State]]:
    """Amounts above zero with the pure emotions."""
    found = []
    for i in np.flatnonzero(amounts > 0.0):
        mix = np.eye(len(EMOTIONS))[i]
        full = State(mix=mix, intensity=1.0 if i else 0.0, vad=PROTOTYPE_VAD[i].copy())
        found.append((float(min(amounts[i], 1.0)), full))
    return found
