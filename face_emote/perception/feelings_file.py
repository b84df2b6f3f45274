"""A reading as `feelings.json`, `.csv` and `.npz`."""

import csv
import json
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS
from face_emote.core.output import written_beside
from face_emote.perception.evidence import READING_HZ, SENSES
from face_emote.perception.fusion import Felt
from face_emote.perception.reading import EmotionReading
from face_emote.perception.words import FINE_WORDS

VAD = ("valence", "arousal", "dominance")
FAINTEST = 5e-4  # Smaller shares of the whole are left out of lists by name.


def feelings_table(reading: EmotionReading, *, emotion: str) -> dict[str, object]:
    """What `feelings.json` holds; three decimals. `emotion`: the keys, as `animate --emotion` takes them."""
    whole, frames = reading.overall, reading.frames
    return {
        "duration_secs": round(reading.duration_secs, 3),
        "emotion": emotion,
        "overall": {
            "mix": _named(EMOTIONS, whole.mix[0], least=0.0),
            "vad": _rounded(whole.vad[0]),
            "vad_sd": _rounded(whole.vad_sd[0]),
            "words": _named(FINE_WORDS, reading.fine(whole)[0]),
            "hidden": _named(EMOTIONS, whole.hidden[0]),
        },
        "gates": _named(SENSES, whole.gates[0], least=0.0),
        "bursts": [
            {"kind": burst.kind, "start_secs": burst.start_secs, "end_secs": burst.end_secs,
             "confidence": burst.confidence}
            for burst in reading.bursts
        ],
        "frames": {
            "fps": READING_HZ,
            "mix": _columns(EMOTIONS, frames.mix),
            "vad": [_rounded(row) for row in frames.vad],
            "vad_sd": [_rounded(row) for row in frames.vad_sd],
            "words": _columns(FINE_WORDS, reading.fine(frames)),
            "gates": _columns(SENSES, frames.gates),
            "hidden": _columns(EMOTIONS[1:], frames.hidden[:, 1:]),
        },
    }  # fmt: skip


def write_feelings(reading: EmotionReading, path: Path, *, emotion: str) -> None:
    """Write `.json`, `.csv` with a row every 80 ms, or `.npz` with the arrays of the frames and of the encoder.

    OutputError: the file cannot be written there.
    """
    if path.suffix.lower() == ".npz":
        with written_beside(path) as beside, beside.open("wb") as whole:
            np.savez_compressed(whole, allow_pickle=False, **_arrays(reading, emotion=emotion))
        return
    with written_beside(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        if path.suffix.lower() == ".json":
            json.dump(feelings_table(reading, emotion=emotion), file, separators=(",", ":"))
            return
        rows = csv.writer(file)
        rows.writerow(_HEADER)
        felt: Felt = reading.frames
        values = [felt.mix, felt.vad, felt.vad_sd, felt.gates, felt.hidden[:, 1:], reading.fine(felt)]
        for i, row in enumerate(np.concatenate(values, axis=1)):
            rows.writerow([f"{i / READING_HZ:.2f}", *(f"{value:.3f}" for value in row)])


def _arrays(reading: EmotionReading, *, emotion: str) -> dict[str, Array]:
    frames, encoded = reading.frames, reading.encoded
    arrays = {name: np.asarray(getattr(frames, name), np.float32) for name in Felt.__slots__}
    arrays |= {
        "words": reading.fine(frames).astype(np.float32),
        "fps": np.array(READING_HZ),
        "emotion": np.array(emotion),
    }
    return arrays if encoded is None else arrays | {"embedding": encoded.embedding, "states": encoded.states}


_HEADER = [
    "secs", *EMOTIONS, *VAD, *(f"{name}_sd" for name in VAD), *SENSES, *(f"hidden_{name}" for name in EMOTIONS[1:]),
    *(f"word_{name}" for name in FINE_WORDS),
]  # fmt: skip


def _named(names: tuple[str, ...], values: Float[Array, " name"], *, least: float = FAINTEST) -> dict[str, float]:
    pairs = zip(names, values, strict=True)
    return {name: round(float(value), 3) for name, value in pairs if value >= least}


def _columns(names: tuple[str, ...], values: Float[Array, "frames name"]) -> dict[str, list[float]]:
    return {name: _rounded(column) for name, column in zip(names, values.T, strict=True)}


def _rounded(values: Float[Array, " value"]) -> list[float]:
    return [round(float(value), 3) for value in values]
