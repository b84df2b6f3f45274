# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's emotion as the engine takes it: words with markers, or sliders sampled over time."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from .folders import user_folder
from .messages import tr
from .names import EMOTIONS
from .report import UserError

PRESET_FILE = Path(__file__).parent / "presets" / "emotions.json"
OWN_PRESETS = "emotions.json"
MARKER = re.compile(r"^\s*fe\s*:\s*(.+)$", re.IGNORECASE)
STEP_SECS = 0.1
"""Between samples of moving sliders."""
MAX_KEYS = 4000
SLIDERS = (
    *(f"emo_{name}" for name in EMOTIONS), "vad_amount", "valence", "arousal", "dominance", "hidden_amount", "leak",
)  # fmt: skip
MOODS = (
    ("Tense", -0.6, 0.7, 0.1), ("Alert", 0.0, 0.7, 0.2), ("Elated", 0.7, 0.7, 0.3),
    ("Upset", -0.7, 0.0, -0.2), ("Even", 0.0, 0.0, 0.0), ("Content", 0.7, 0.0, 0.2),
    ("Sad", -0.6, -0.5, -0.4), ("Tired", 0.0, -0.7, -0.2), ("Serene", 0.6, -0.6, 0.1),
)  # fmt: skip
"""The pad: valence from left to right, arousal from bottom to top; dominance as usual there."""


def emotion_params(scene: Any, folder: Path, *, first_frame: int, num_secs: float, fps: float) -> dict[str, str]:
    """`emotion` (words) or `emotion_keys` (a file of sampled sliders) for a request."""
    settings = scene.face_emote
    if settings.emotion_mode == "WORDS":
        markers = markers_in(scene, first_frame=first_frame, num_secs=num_secs, fps=fps) if settings.use_markers else []
        return {"emotion": with_markers(settings.emotion, markers)}
    keys: dict[str, Any] = {**slider_keys(scene, first_frame=first_frame, num_secs=num_secs, fps=fps)}
    digest = hashlib.sha256(b"".join(np.asarray(keys[name]).tobytes() for name in sorted(keys))).hexdigest()
    path = folder / f"{digest[:16]}.keys.npz"  # A take keeps its keys: its mouth may be made again.
    np.savez(path, **keys)
    return {"emotion_keys": str(path)}


def markers_in(scene: Any, *, first_frame: int, num_secs: float, fps: float) -> list[tuple[float, str]]:
    """Seconds and words of the markers `fe: ..` within a take, in order."""
    found = []
    for marker in scene.timeline_markers:
        match = MARKER.match(marker.name)
        secs = (marker.frame - first_frame) / fps
        if match and 0.0 <= secs <= num_secs:
            found.append((secs, match[1].strip()))
    return sorted(found)


def with_markers(words: str, markers: list[tuple[float, str]]) -> str:
    """One description of a base emotion and emotions that are reached at markers.

    Raises:
        UserError: the base has keys of its own.
    """
    if not markers:
        return words
    if ";" in words:
        raise UserError("The emotion has keys of its own; use these or markers, not both")
    base = words.strip() or "neutral"
    start = "auto:0.5; 0s neutral" if base == "auto" else f"0s {base}"
    if markers[0][0] <= 1e-6:
        start, markers = f"0s {markers[0][1]}", markers[1:]
    return "; ".join([start, *(f"{secs:.3f}s {text}" for secs, text in markers)])


def slider_keys(scene: Any, *, first_frame: int, num_secs: float, fps: float) -> dict[str, np.ndarray]:
    """Sliders over a take as emotion keys; one key when nothing moves."""
    settings = scene.face_emote
    curves = _slider_curves(scene)
    count = min(MAX_KEYS, 1 + int(num_secs / STEP_SECS)) if curves else 1
    times = np.linspace(0.0, num_secs, count) if count > 1 else np.zeros(1)
    values = {}
    for name in SLIDERS:
        curve = curves.get(f"face_emote.{name}")
        if curve is None:
            values[name] = np.full(count, getattr(settings, name))
        else:
            values[name] = np.array([curve.evaluate(first_frame + secs * fps) for secs in times])
    hidden = np.zeros((count, len(EMOTIONS)))
    if settings.hidden != "NONE":
        hidden[:, EMOTIONS.index(settings.hidden)] = values["hidden_amount"]
    return {
        "time_secs": times,
        "amounts": np.stack([values[f"emo_{name}"] for name in EMOTIONS], axis=1),
        "vad": np.stack([values[name] for name in ("valence", "arousal", "dominance")], axis=1),
        "vad_amount": values["vad_amount"],
        "hidden": hidden,
        "leak": values["leak"],
    }


def _slider_curves(scene: Any) -> dict[str, Any]:
    """Curves of the scene's action that move a slider, by data path."""
    from .compat import existing_channelbag

    data = scene.animation_data
    if data is None or data.action is None or data.action_slot is None:
        return {}
    bag = existing_channelbag(data.action, data.action_slot)
    wanted = {f"face_emote.{name}" for name in SLIDERS}
    return {curve.data_path: curve for curve in bag.fcurves if curve.data_path in wanted} if bag else {}


def built_in_presets() -> dict[str, str]:
    """Names and words that come with the extension."""
    table: dict[str, str] = json.loads(PRESET_FILE.read_text(encoding="utf-8"))
    return table


def presets() -> dict[str, str]:
    """Names and words: those that come with the extension, then the user's own.

    Raises:
        UserError: the user's file is damaged.
    """
    table = built_in_presets()
    own = user_folder() / OWN_PRESETS
    if own.exists():
        try:
            stored = json.loads(own.read_text(encoding="utf-8"))
            table |= {str(name): str(words) for name, words in stored.items()}
        except (OSError, ValueError, AttributeError, RecursionError):
            raise UserError(
                tr("Your emotion presets cannot be read; mend or delete the file: {own}", own=own)
            ) from None
    return table


def save_preset(name: str, words: str) -> None:
    """Add one to the user's own presets."""
    own = user_folder() / OWN_PRESETS
    kept = {key: text for key, text in presets().items() if key not in built_in_presets()}
    beside = own.with_suffix(".tmp")
    beside.write_text(json.dumps(kept | {name: words}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(own)
