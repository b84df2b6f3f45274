"""Takes whose real lips are those of the rules."""

import json
import wave
from pathlib import Path

import numpy as np

from face_emote.core.types import Phone
from face_emote.face.head import Head
from face_emote.motion.mouth.lip_meter import lip_meter
from face_emote_lab.evaluation.clips import Clip
from face_emote_lab.evaluation.systems import HeardClip, Rules

FPS = 25.0


PHONES = (
    Phone("SIL", 0.0, 0.5),
    Phone("P", 0.5, 0.6),
    Phone("AA", 0.6, 0.9),
    Phone("M", 0.9, 1.0),
    Phone("EY", 1.0, 1.3),
    Phone("SIL", 1.3, 2.0),
)


def mumble(secs: float = 2.0, *, seed: int = 0) -> np.ndarray:
    """Noise that is loud in the two vowels of PHONES."""
    times = np.arange(int(secs * 16_000)) / 16_000
    level = 0.002 + 0.3 * (((times > 0.6) & (times < 0.9)) | ((times > 1.0) & (times < 1.3)))
    buzz = np.sign(np.sin(2.0 * np.pi * 120.0 * times)) + 0.2 * np.random.default_rng(seed).normal(size=len(times))
    return (0.5 * level * buzz).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    return path


def write_takes(place: Path, head: Head) -> Path:
    """Two clips whose real lips are those of the rules; everything that a plain folder may hold."""
    place.mkdir()
    rows = [["word", phone.label, phone.start_secs, phone.end_secs] for phone in PHONES]
    for name, seed in (("one", 0), ("two", 1)):
        clip = Clip(name, "me", write_wav(place / f"{name}.wav", mumble(seed=seed)), PHONES)
        (place / f"{name}.phones.json").write_text(json.dumps(rows))
        sampler = Rules(head, known_words=True).lips(HeardClip(clip), fps=FPS)
        assert sampler is not None
        gap, width, jaw = lip_meter(head).of_controls(sampler(np.arange(50) / FPS)).T
        np.savez(place / f"{name}.lips.npz", gap=gap, width=width, jaw=jaw, fps=FPS)
    return place
