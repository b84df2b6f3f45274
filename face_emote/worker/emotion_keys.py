"""Emotion sliders, sampled over time, as an emotion plan: the amounts mean what they mean in the grammar."""

import zipfile
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import EmotionError
from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionKey, EmotionPlan
from face_emote.emotion.blending import PROTOTYPE_VAD, State, combine, finished, hide, mix_from_vad

FIELDS = ("time_secs", "amounts", "vad", "vad_amount", "hidden", "leak")
SHAPES = ((), (len(EMOTIONS),), (3,), (), (len(EMOTIONS),), ())


def read_emotion_keys(path: Path) -> EmotionPlan:
    """Read the .npz that a panel wrote.

    Arrays, a row per key: `time_secs` rising; `amounts` of names.EMOTIONS 0..1; `vad` -1..1, mixed in with
    `vad_amount` 0..1; `hidden` amounts 0..1 that show with `leak` 0..1.

    Raises:
        EmotionError: the file is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            rows = [np.asarray(stored[name], np.float64) for name in FIELDS]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise EmotionError(f"These are no emotion keys ({error}); generate again: {path}") from None
    count = len(rows[0]) if rows[0].ndim == 1 else 0
    right = all(
        row.shape == (count, *shape) and np.isfinite(row).all() for row, shape in zip(rows, SHAPES, strict=True)
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
