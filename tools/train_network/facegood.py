"""FACEGOOD: one Mandarin talker, 116 captured blendshape channels at 30 fps (MIT licence).

The channels are put on our controls by name, our head is posed with them, and gap, width and jaw are measured on it.
Rounding and flare follow the pucker and funnel channels. Phones are not known.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.audio.features import prosody_of
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CorpusError
from face_emote.core.names import CONTROLS, FEATURE_HZ, MOTION_HZ, SAMPLE_RATE_HZ
from face_emote.core.reading import read_npz, words_of
from face_emote.face.bundled import load_head
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.mouth.lip_meter import lip_meter
from face_emote.network.config import LIP_CHANNELS
from face_emote_lab.train.corpus.cache import NUM_LIPS, UNKNOWN_PHONE, ClipData, Job, num_frames_of
from face_emote_lab.train.corpus.lips import REST_GAP, S1_GAP_RANGE, SCALE_LIMITS, cubic

PIECE_SECS = 10.0
_SIDED = (
    ("mouth_lipCornerPull", "mouthSmile"), ("mouth_lipStretch", "mouthStretch"), ("mouth_press", "mouthPress"),
    ("mouth_lowerLipDepress", "mouthLowerDown"), ("mouth_upperLipRaise", "mouthUpperUp"),
    ("mouth_dimple", "mouthDimple"),
)  # fmt: skip
CHANNELS: dict[str, dict[str, float]] = {
    "mouth_stretch_c": {"jawOpen": 0.9},
    "mouth_oh_c": {"jawOpen": 0.35, "mouthFunnel": 0.35, "mouthPucker": 0.25},
    "mouth_oo_c": {"mouthPucker": 0.8, "mouthPurse": 0.3},
    "mouth_chinRaise_u": {"mouthShrugUpper": 1.0},
    "mouth_chinRaise_d": {"mouthShrugLower": 1.0},
    **{f"mouth_funnel_{quarter}": {"mouthFunnel": 0.25} for quarter in ("dl", "dr", "ul", "ur")},
    **{f"mouth_pucker_{side}": {"mouthPucker": 0.5} for side in "lr"},
    **{f"mouth_suck_d{side}": {"mouthRollLower": 0.5} for side in "lr"},
    **{f"mouth_suck_u{side}": {"mouthRollUpper": 0.5} for side in "lr"},
    **{f"{name}_{side[0].lower()}": {control + side: 1.0} for name, control in _SIDED for side in ("Left", "Right")},
}
"""The channels that move in speech, as amounts of our controls; FACS calls the jaw's drop `mouth stretch`."""
ROUNDING = {"mouth_pucker_l": 0.83, "mouth_pucker_r": 0.83, "mouth_oo_c": 0.9, "mouth_oh_c": 0.4}
FLARE = {f"mouth_funnel_{quarter}": 0.42 for quarter in ("dl", "dr", "ul", "ur")}
CLOSED_GAP, APART_GAP = 0.008, 0.028
"""The closure falls from 1 to 0 between these gaps."""
EDGE_SECS = 0.1
"""So near to a change between speech and silence nobody says whether closed lips are a bilabial or rest."""
_GAP, _ROUNDING, _FLARE, _CLOSURE, _SPEECH = (
    LIP_CHANNELS.index(name) for name in ("gap", "rounding", "flare", "closure", "speech")
)


def facegood_jobs(data: Path) -> list[Job]:
    """Pieces of at most 10 s; the last one of each recording is a test clip."""
    folder = data / "facegood_zh"
    jobs: list[Job] = []
    for capture in sorted((folder / "bs").glob("*.npz")):
        sound = folder / "wav" / f"{capture.stem}.flac"
        if not sound.is_file():
            continue
        num_pieces = int(np.ceil(len(read_channels(capture)[0]) / 30.0 / PIECE_SECS))
        jobs.extend(_job(data, sound, capture=capture, piece=k, num_pieces=num_pieces) for k in range(num_pieces))
    return jobs


def read_channels(path: Path) -> tuple[Float[Array, "frames channel"], list[str], float]:
    """Captured amounts 0..1, the channels' names, and frames per second.

    Raises:
        CorpusError: the file is missing, damaged or of another form.
    """
    try:
        arrays = read_npz(path)
        values, names = arrays["bs"].astype(np.float64), list(words_of(arrays["names"]))
        fps = float(arrays["fps"])
    except OSError as error:
        raise CorpusError(f"The capture cannot be read ({error.strerror or error}); check it: {path}") from None
    except (KeyError, ValueError, TypeError, EOFError) as error:
        raise CorpusError(f"This is not a FACEGOOD capture ({error}); check the data folder: {path}") from None
    if values.ndim != 2 or values.shape[1] != len(names) or not np.isfinite(values).all() or not 1.0 <= fps <= 240.0:
        raise CorpusError(f"{len(names)} names and values of shape {values.shape} do not fit; check it: {path}")
    return values, names, fps


def controls_of(values: Float[Array, "frames channel"], *, names: list[str]) -> Float[Array, "frames control"]:
    """Our controls, 0..1, in the order of `names.CONTROLS`."""
    out = np.zeros((len(values), len(CONTROLS)))
    for channel, amounts in CHANNELS.items():
        if channel in names:
            for control, factor in amounts.items():
                out[:, CONTROLS.index(control)] += factor * values[:, names.index(channel)]
    return np.clip(out, 0.0, 1.0)


@lru_cache(maxsize=2)
def _recording(capture: Path, sound: Path) -> tuple[Float[Array, " samples"], Float[Array, "frames lip"], Array]:
    """Sound, lips and known of a whole recording."""
    values, names, fps = read_channels(capture)
    samples = read_speech(sound).samples
    num_frames = num_frames_of(len(samples))
    at = np.arange(num_frames) * (fps / MOTION_HZ)
    inside = at <= len(values) - 1
    moving = cubic(values, at=np.minimum(at, len(values) - 1.0))
    controls = controls_of(np.clip(moving, 0.0, 1.0), names=names)
    measured = lip_meter(load_head()).of_controls(controls)
    lips = np.zeros((num_frames, NUM_LIPS))
    low, high = np.percentile(measured[:, 0], (5.0, 95.0))
    factor = np.clip(S1_GAP_RANGE / max(high - low, 1e-6), *SCALE_LIMITS)
    lips[:, :3] = measured
    lips[:, _GAP] = np.maximum(REST_GAP + factor * (measured[:, 0] - low), 0.0)
    for column, weights in ((_ROUNDING, ROUNDING), (_FLARE, FLARE)):
        total = sum(factor * moving[:, names.index(name)] for name, factor in weights.items() if name in names)
        lips[:, column] = np.clip(total, 0.0, 1.0)
    track = prosody_of([samples]).speaking
    times = np.arange(num_frames) / MOTION_HZ
    speaking = np.interp(times * FEATURE_HZ, np.arange(len(track)), track)
    lips[:, _SPEECH] = speaking
    apart = smoothstep((lips[:, _GAP] - CLOSED_GAP) / (APART_GAP - CLOSED_GAP))
    lips[:, _CLOSURE] = (1.0 - apart) * speaking
    known = np.zeros((num_frames, NUM_LIPS), np.uint8)
    known[:, [0, 1, 2, _ROUNDING, _FLARE]] = inside[:, None]
    known[:, _SPEECH] = 1
    known[:, _CLOSURE] = inside & ~_near_change(speaking > 0.5)
    return samples, lips, known


def _near_change(flags: Array) -> Array:
    reach = round(EDGE_SECS * MOTION_HZ)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(flags, reach, mode="edge"), 2 * reach + 1)
    return np.asarray(around.any(axis=1) & ~around.all(axis=1))


def _job(data: Path, sound: Path, *, capture: Path, piece: int, num_pieces: int) -> Job:
    def make() -> ClipData:
        samples, lips, known = _recording(capture, sound)
        size = -(-len(lips) // num_pieces)
        part = slice(piece * size, min((piece + 1) * size, len(lips)))
        per_frame = round(SAMPLE_RATE_HZ / MOTION_HZ)
        cut = samples[part.start * per_frame : part.stop * per_frame]
        num = num_frames_of(len(cut))
        unknown = np.full(num, UNKNOWN_PHONE, np.uint8)
        return ClipData(samples=cut, lips=lips[part][:num], known=known[part][:num], phones=unknown)

    return Job(
        name=f"{capture.stem}_{piece:02d}",
        talker="facegood",
        language="zh",
        kind="capture",
        split="test" if piece == num_pieces - 1 else "train",
        audio=sound.relative_to(data).as_posix(),
        make=make,
    )
