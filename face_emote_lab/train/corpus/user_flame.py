"""FLAME data that users have: VOCASET, MEAD with FLAME coefficients, BEAT2.

Layouts (not verified against the licensed downloads, only against files made for the tests):

    vocaset  vertices_npy/<talker>_<sentence>.npy  float [frames, 15069] or [frames, 5023, 3], 60 frames a second
             wav/<same name>.wav, templates.pkl     {talker: [5023, 3]} (FaceFormer's packing of VOCASET)
    mead     **/<talker>_.._<emotion>_..npz or .pkl  exp, jaw (or pose: the last three numbers), shape; 25 a second;
             the sound has the same name and lies anywhere in the folder
    beat2    **/<talker number>_<talker>_...npz     expressions, poses (jaw in columns 66..68), betas, mocap_frame_rate

Vertices are measured as they are. Coefficients need the FLAME file for gap and width; without it only the jaw is known.
"""

from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CorpusError, FaceEmoteError
from face_emote.core.names import NUM_EXPRESSION, NUM_SHAPE
from face_emote.core.reading import content_of, read_npz
from face_emote.face.bundled import load_head
from face_emote.face.flame_file import read_flame
from face_emote.face.pickle_reader import read_pickled_arrays
from face_emote.motion.mouth.lip_meter import LipMeter, lip_aims, meter_at
from face_emote_lab.train.corpus.cache import Job, mapped_array
from face_emote_lab.train.corpus.user_clips import Measured, UserClip, sounds_in, user_jobs

NUM_VERTICES = 5023
LIP_POINTS = (3531, 3504, 2845, 1730)
"""FLAME's vertices nearest to landmarks 62, 66, 60 and 64 of the usual 68: inner upper and lower lip at the middle,
inner corners."""
EYE_CORNERS = (2428, 1154)  # Vertices nearest to landmarks 36 and 45.
VOCASET_FPS, MEAD_FPS, BEAT2_FPS = 60.0, 25.0, 30.0
BEAT2_JAW = slice(66, 69)
MAX_BYTES = 2**30
MEAD_EMOTIONS = {
    "angry": "anger", "contempt": "contempt", "disgusted": "disgust", "fear": "fear", "happy": "joy",
    "neutral": "neutral", "sad": "sadness", "surprised": "surprise",
}  # fmt: skip
_EXPRESSION = ("exp", "expression", "expressions", "expcode", "exp_coeffs")
_JAW = ("jaw", "jaw_pose", "jawpose")
_SHAPE = ("shape", "betas", "shapecode")


def vocaset_jobs(folder: Path) -> list[Job]:
    """VOCASET as vertices. Raises CorpusError when nothing fits."""
    sounds = sounds_in(folder / "wav")
    templates = _arrays(folder / "templates.pkl") if (folder / "templates.pkl").is_file() else {}

    def clip(path: Path) -> UserClip:
        talker = path.stem.rpartition("_")[0] or path.stem
        measure = partial(measured_vertices, path, template=templates.get(talker))
        return UserClip(path.stem, talker, sound=sounds[path.stem], measure=measure, emotion="neutral", language="en")

    paths = sorted((folder / "vertices_npy").glob("*.npy"))
    return user_jobs([clip(path) for path in paths if path.stem in sounds], root=folder)


def mead_jobs(folder: Path, *, flame: Path | None = None) -> list[Job]:
    """MEAD with FLAME coefficients. Raises CorpusError when nothing fits."""
    sounds = sounds_in(folder)

    def clip(path: Path) -> UserClip:
        talker, *words = path.stem.split("_")
        emotion = next((MEAD_EMOTIONS[word.lower()] for word in words if word.lower() in MEAD_EMOTIONS), "")
        measure = partial(measured_coefficients, path, flame=flame, fps=MEAD_FPS)
        return UserClip(path.stem, talker, sound=sounds[path.stem], measure=measure, emotion=emotion, language="en")

    paths = sorted([*folder.rglob("*.npz"), *folder.rglob("*.pkl")])
    return user_jobs([clip(path) for path in paths if path.stem in sounds], root=folder)


def beat2_jobs(folder: Path, *, flame: Path | None = None) -> list[Job]:
    """BEAT2. Raises CorpusError when nothing fits."""
    sounds = sounds_in(folder)

    def clip(path: Path) -> UserClip:
        talker = "_".join(path.stem.split("_")[:2])
        measure = partial(measured_coefficients, path, flame=flame, fps=BEAT2_FPS)
        return UserClip(path.stem, talker, sound=sounds[path.stem], measure=measure, language="en")

    return user_jobs([clip(path) for path in sorted(folder.rglob("*.npz")) if path.stem in sounds], root=folder)


def measured_vertices(path: Path, *, template: Float[Array, "..."] | None) -> Measured:
    """Gap and width of moving FLAME vertices; the jaw is not known. Without a template the first frame is at rest.

    CorpusError: the file is not vertices of FLAME's topology.
    """
    try:
        vertices = mapped_array(path)
    except (OSError, ValueError) as error:
        raise CorpusError(f"The vertices cannot be read ({error}); download them again: {path}") from None
    if vertices.ndim not in (2, 3) or not len(vertices) or vertices[0].size != 3 * NUM_VERTICES:
        raise CorpusError(f"The array is {vertices.shape}, not frames x {3 * NUM_VERTICES} of FLAME: {path}")
    index = np.array([*LIP_POINTS, *EYE_CORNERS])
    places = np.asarray(vertices.reshape(len(vertices), NUM_VERTICES, 3)[:, index], np.float64)
    rest = places[0] if template is None else np.asarray(template, np.float64).reshape(-1, 3)[index]
    unit = float(np.linalg.norm(rest[4] - rest[5]))
    if not np.isfinite(places).all() or unit <= 0.0:
        raise CorpusError(f"The vertices hold values that are not numbers, or a face without size: {path}")
    rest_width = float(np.linalg.norm(rest[3] - rest[2])) / unit
    aims = lip_aims(places[:, :4], unit=unit, rest_width=rest_width)
    return Measured(aims=aims, known=(True, True, False), fps=VOCASET_FPS)


def measured_coefficients(path: Path, *, flame: Path | None, fps: float) -> Measured:
    """Gap, width and jaw of FLAME coefficients; only the jaw when there is no FLAME file.

    CorpusError: the file is unsafe, damaged or holds no jaw.
    """
    arrays = _arrays(path)
    jaw = _first(arrays, _JAW)
    if jaw is None and "pose" in arrays and arrays["pose"].shape[-1:] == (6,):
        jaw = arrays["pose"][..., 3:]
    if jaw is None and "poses" in arrays and arrays["poses"].shape[-1:] > (BEAT2_JAW.stop,):
        jaw = arrays["poses"][..., BEAT2_JAW]
    rate = arrays.get("mocap_frame_rate", arrays.get("fps"))
    if rate is not None:
        if rate.size != 1 or rate.dtype.kind not in "fiu":
            raise CorpusError(f"Its frame rate is no single number; download it again: {path}")
        fps = float(rate.reshape(()))
    if jaw is None or jaw.size % 3 or not jaw.size or jaw.dtype.kind not in "fiu" or not 1.0 <= fps <= 240.0:
        raise CorpusError(f"There is no jaw rotation in it (only {', '.join(sorted(arrays))}): {path}")
    jaw = jaw.reshape(-1, 3).astype(np.float64)
    bundled = next(item.angle for item in load_head().control_joints if item.control == "jawOpen")
    aims = np.zeros((len(jaw), 3))
    expression = _first(arrays, _EXPRESSION)
    seen = flame is not None and expression is not None
    if flame is not None and expression is not None:
        rows = np.zeros((len(jaw), NUM_EXPRESSION), np.float32)
        _require_rows(expression, num_rows=len(jaw), path=path)
        given = expression.reshape(len(jaw), -1)[:, :NUM_EXPRESSION]
        rows[:, : given.shape[1]] = given
        shape = _first(arrays, _SHAPE)
        betas = np.zeros(NUM_SHAPE, np.float32)
        if shape is not None:
            _require_rows(shape, num_rows=1, path=path)
            first = shape.reshape(-1, shape.shape[-1] if shape.ndim else 1)[0][:NUM_SHAPE]
            betas[: len(first)] = first
        aims = flame_meter(flame, betas.tobytes()).measure(rows, jaw_pose=jaw)
    aims[:, 2] = jaw[:, 0] / float(bundled)
    if not np.isfinite(aims).all():
        raise CorpusError(f"The coefficients hold values that are not numbers: {path}")
    return Measured(aims=aims, known=(seen, seen, True), fps=fps)


def _require_rows(array: Array, *, num_rows: int, path: Path) -> None:
    """Raise CorpusError unless an array of numbers can be parted into so many rows."""
    if array.dtype.kind not in "fiu" or not array.size or array.size % num_rows:
        raise CorpusError(f"Its coefficients are {array.dtype} {array.shape} for {num_rows} frames: {path}")


@lru_cache(maxsize=64)
def flame_meter(flame: Path, betas_bytes: bytes) -> LipMeter:
    """The meter of one person; raises CorpusError when the file is a head of another topology."""
    head = read_flame(flame)
    if head.num_vertices != NUM_VERTICES or head.is_semantic:
        raise CorpusError(f"This head is not FLAME's ({head.num_vertices} vertices, FLAME has 5023): {flame}")
    person = head.with_identity(np.frombuffer(betas_bytes, np.float32).copy())
    return meter_at(person, index=np.array(LIP_POINTS), eye_corners=np.array(EYE_CORNERS), jaw_radians=1.0)


def _arrays(path: Path) -> dict[str, Array]:
    """Arrays of an .npz or a pickle; nothing in a pickle is executed."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CorpusError(f"The file is larger than a gigabyte; give one clip a file: {path}")
        return read_npz(path) if path.suffix == ".npz" else read_pickled_arrays(content_of(path, most=MAX_BYTES))
    except FaceEmoteError:
        raise
    except Exception as error:
        # A garbled archive or pickle can fail in any way; all of it means the same to the user.
        raise CorpusError(f"The file cannot be read as arrays ({error}); download it again: {path}") from None


def _first(arrays: dict[str, Array], names: tuple[str, ...]) -> Array | None:
    return next((arrays[name] for name in names if name in arrays), None)
