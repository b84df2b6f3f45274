"""Feeling and manner of a voice in 12 bits, 12.5 times a second: what another machine needs to play the same face.

A frame is two numbers. The first names the nearest of 32 feelings (mix and VAD), alone; the second the nearest of 128
manners: pitch and level against the talker's own median, voicing, tilt of the spectrum, tremor. The talker's medians
stand in the file's head, so that nothing in the tokens says who speaks but these two.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.audio.activity import runs
from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.assets import ASSETS
from face_emote.core.errors import CheckpointError, EmotionError
from face_emote.core.names import EMOTIONS, FEATURE_HZ
from face_emote.core.output import written_beside
from face_emote.core.reading import content_of
from face_emote.core.types import EmotionPlan, Pause, Prosody
from face_emote.network.safetensors_file import read_tensors
from face_emote.perception.evidence import READING_HZ, Evidence
from face_emote.perception.fusion import Felt, fused
from face_emote.perception.phrases import auto_plan
from face_emote.perception.reading import EmotionReading

CODEBOOKS = ASSETS / "perception" / "tokens.safetensors"
NUM_FEELINGS, NUM_MANNERS = 32, 128
MANNER = ("pitch", "level", "voiced", "tilt", "tremor")
"""Semitones / 4 and decibels / 10 above the talker's median, share of voiced rows, coefficient 1 / 4, 0..1."""
QUIET = -1.2  # Tens of decibels below the talker's median: a pause, unless it is voiced.
MAX_BYTES = 2**22  # Sixty hours.
_MAGIC = b"FETOKEN1"
_HEAD = struct.Struct("<8sIff")
ROWS = round(FEATURE_HZ / READING_HZ)  # Of prosody in a frame.


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A line as numbers."""

    feeling: Int[Array, " frames"]
    manner: Int[Array, " frames"]
    pitch_hz: float  # The talker's median; 0 without a voiced sound.
    level_db: float  # The same of the level in speech.


@lru_cache(maxsize=1)
def codebooks() -> tuple[Float[Array, "feeling=32 11"], Float[Array, "manner=128 5"]]:
    """Mix and VAD of every feeling, and every manner; raises CheckpointError without a usable file."""
    tensors, _ = read_tensors(CODEBOOKS)
    feelings, manners = (tensors.get(name, np.zeros(0)).astype(np.float64) for name in ("feelings", "manners"))
    if feelings.shape != (NUM_FEELINGS, len(EMOTIONS) + 3) or manners.shape != (NUM_MANNERS, len(MANNER)):
        raise CheckpointError(f"These are no codebooks of this version; fetch them again: {CODEBOOKS}")
    return feelings, manners


def feelings_of(felt: Felt) -> Float[Array, "frames 11"]:
    """What the first codebook is about."""
    return np.concatenate([felt.mix, felt.vad], axis=1)


def manners_of(prosody: Prosody, *, num_frames: int) -> tuple[Float[Array, "frames 5"], float, float]:
    """What the second codebook is about, and the talker's medians of pitch in Hz and level in dB."""
    voiced, speaks = np.isfinite(prosody.f0_hz), prosody.speaking > 0.5
    middle = float(np.median(prosody.f0_hz[voiced])) if voiced.any() else 0.0
    level = float(np.median(prosody.loudness_db[speaks])) if speaks.any() else -90.0
    frame = np.minimum((np.arange(len(voiced)) + ROWS // 2) // ROWS, num_frames - 1)
    return manners_against(prosody, frame, num=num_frames, middle_hz=middle, level_db=level), middle, level


def manners_against(
    prosody: Prosody, frame: Int[Array, " rows"], *, num: int, middle_hz: float, level_db: float
) -> Float[Array, "frames 5"]:
    """Manners of frames, from their rows, against a talker's medians."""
    voiced, speaks = np.isfinite(prosody.f0_hz), prosody.speaking > 0.5
    pitch = 3.0 * np.log2(np.where(voiced, prosody.f0_hz, 1.0) / max(middle_hz, 1.0))
    loudness = np.maximum((prosody.loudness_db - level_db) / 10.0, -3.0)
    tilt = prosody.timbre[:, 0].astype(np.float64) / 4.0
    everything = np.ones(len(voiced))
    columns = [
        _means(pitch, voiced, frame=frame, num=num), _means(loudness, everything, frame=frame, num=num),
        _means(voiced.astype(np.float64), everything, frame=frame, num=num),
        _means(tilt, speaks, frame=frame, num=num), _means(prosody.tremor, voiced, frame=frame, num=num),
    ]  # fmt: skip
    return np.stack(columns, axis=1)


def _means(
    values: Float[Array, " rows"], weight: Array, *, frame: Int[Array, " rows"], num: int
) -> Float[Array, " frames"]:
    """Weighted means of the rows of every frame; 0 where there is no weight."""
    mass = np.bincount(frame, weight, num)
    return np.bincount(frame, values * weight, num) / np.maximum(mass, 1e-9)


def nearest(rows: Float[Array, "frames column"], book: Float[Array, "code column"]) -> Int[Array, " frames"]:
    """Number of the nearest code of each row."""
    apart = (book**2).sum(axis=1) - 2.0 * rows @ book.T
    return np.asarray(apart.argmin(axis=1))


def tokens_of(reading: EmotionReading, prosody: Prosody) -> Tokens:
    """A reading of a voice in tokens."""
    feelings, manners = codebooks()
    rows, pitch_hz, level_db = manners_of(prosody, num_frames=len(reading.frames.mix))
    return Tokens(nearest(feelings_of(reading.frames), feelings), nearest(rows, manners), pitch_hz, level_db)


def felt_of(tokens: Tokens) -> Evidence:
    """The feeling of tokens, as one sense."""
    rows = codebooks()[0][tokens.feeling]
    mix = np.maximum(rows[:, : len(EMOTIONS)], 0.0)
    count = len(mix)
    return Evidence(
        mix / mix.sum(axis=1, keepdims=True),
        np.ones((count, len(EMOTIONS))),
        np.clip(rows[:, len(EMOTIONS) :], -1.0, 1.0),
        vad_sd=np.full((count, 3), 0.3),
        weight=speaks(tokens).astype(np.float64),
    )


def speaks(tokens: Tokens) -> Bool[Array, " frames"]:
    """Whether somebody speaks: hardly softer than usual, or voiced."""
    manners = codebooks()[1][tokens.manner]
    return np.asarray((manners[:, 1] > QUIET) | (manners[:, 2] > 0.3))


def plan_of_tokens(tokens: Tokens) -> EmotionPlan:
    """The emotion keys that tokens stand for."""
    sense = felt_of(tokens)
    senses = (sense, None, None)
    whole = fused((sense.over([(0, len(sense))]), None, None))
    pauses = [Pause(first / READING_HZ, stop / READING_HZ) for first, stop in runs(~speaks(tokens))]
    return auto_plan(EmotionReading(whole, fused(senses), (), senses, None, len(sense) / READING_HZ), pauses)


def words_of(feeling: Int[Array, " frames"], manner: Int[Array, " frames"]) -> Int[Array, " frames"]:
    """Frames as numbers of 12 bits."""
    return np.asarray(feeling << 7 | manner)


def head_of_stream() -> bytes:
    """What stands before frames whose number and whose talker's medians nobody knows yet."""
    return _HEAD.pack(_MAGIC, 0, 0.0, -90.0)


def write_tokens(tokens: Tokens, path: Path) -> None:
    """Write the file: 20 bytes, then 12 bits a frame. OutputError: it cannot be written there."""
    words = words_of(tokens.feeling, tokens.manner).astype(np.uint16)
    bits = np.unpackbits(words[:, None].byteswap().view(np.uint8), axis=1)[:, 4:]
    head = _HEAD.pack(_MAGIC, len(words), tokens.pitch_hz, tokens.level_db)
    with written_beside(path) as beside:
        beside.write_bytes(head + np.packbits(bits.ravel()).tobytes())


def read_tokens(path: Path) -> Tokens:
    """Read the file back, or a stream that was kept. EmotionError: it is no such file, or it was cut off."""
    try:
        return tokens_from(content_of(path, most=MAX_BYTES), name=str(path))
    except ValueError as error:
        raise EmotionError(f"The tokens cannot be read ({error}); choose another file: {path}") from None
    except OSError as error:
        raise EmotionError(f"The tokens cannot be read ({error.strerror}); check the path: {path}") from None


def tokens_from(content: bytes, *, name: str) -> Tokens:
    """Tokens from the bytes of a file or of a stream, which messages call `name`. EmotionError: as `read_tokens`."""
    if len(content) < _HEAD.size or content[: len(_MAGIC)] != _MAGIC:
        raise EmotionError(f"These are no tokens of a line; write them with face-emote perceive -o FILE: {name}")
    _, count, pitch_hz, level_db = _HEAD.unpack_from(content)
    bits = np.unpackbits(np.frombuffer(content, np.uint8, offset=_HEAD.size))
    count = count or len(bits) // 12
    if count < 1 or len(bits) < 12 * count or not np.isfinite([pitch_hz, level_db]).all():
        raise EmotionError(f"The tokens are damaged or cut off; write them again: {name}")
    words = bits[: 12 * count].reshape(count, 12) @ (1 << np.arange(11, -1, -1))
    return Tokens(words >> 7, words & 127, pitch_hz, level_db)
