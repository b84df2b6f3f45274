"""Voices for the reader of voices: acted clips found, disturbed on purpose, heard once and kept.

    python -m tools.train_voice.clips DATA -o CACHE

Actors' sentences (EmoDB), bursts without words (EmoGator) and plain speech (LibriSpeech, VCTK) are heard as the product
hears a recording, as they are and through random microphones, rooms and throats; the sentences of EmoDB also through
`DISTURBANCES`, which only measure. What was heard of a corpus is a file in CACHE, and is not heard again.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from face_emote.audio.conditioning import listened_to
from face_emote.audio.features import prosody_of
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CorpusError
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.core.output import written_beside
from face_emote.core.types import Prosody, Speech
from tools.train_network.voices import EMODB_EMOTIONS

LONGEST_SECS = 8.0
CLEAN, VARIED = "clean", "varied"
DISTURBANCES = ("noise", "phone", "room", "quiet")
"""What a reader has to bear: noise 15 dB below the voice, the telephone's band, an echo of .35 s, a level of .05."""
VARIANTS = {"emodb": 6, "emogator": 1, "plain": 1}
"""Random variants of a clip of each corpus."""
_ABOUT = ("corpus", "label", "talker", "kind")
_TRACKS = tuple(item.name for item in fields(Prosody))

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceClip:
    """A recording and what is known of it."""

    path: Path
    corpus: str
    label: str
    """The acted feeling; empty for plain speech."""
    talker: str


@dataclass(frozen=True, slots=True, eq=False)
class HeardClip:
    """A clip, once through one disturbance."""

    corpus: str
    label: str
    talker: str
    kind: str
    prosody: Prosody


def voice_clips(data: Path) -> dict[str, list[VoiceClip]]:
    """Every clip under a folder of data, by corpus."""
    emodb = [
        VoiceClip(path, "emodb", EMODB_EMOTIONS[path.stem[5]], path.stem[:2])
        for path in sorted((data / "emodb" / "wav16").glob("*.flac"))
    ]
    emogator = [
        VoiceClip(path, "emogator", path.stem[4:], path.stem[:3])
        for path in sorted((data / "emogator").glob("*/*.ogg"))
    ]
    plain = [
        VoiceClip(path, "plain", "", path.stem)
        for folder, ending in (("librispeech", ".ogg"), ("vctk", ".flac"))
        for path in sorted((data / folder / "audio").glob(f"*{ending}"))
    ]
    return {"emodb": emodb, "emogator": emogator, "plain": plain}


def disturbed(samples: Float[Array, " samples"], kind: str, *, rng: np.random.Generator) -> Float[Array, " _samples"]:
    """A voice through one of `DISTURBANCES`, or `VARIED`: another throat, microphone, room and level."""
    match kind:
        case "clean":
            return samples
        case "quiet":
            return samples * np.float32(0.05)
        case "phone":
            band = butter(4, [300, 3400], "band", fs=SAMPLE_RATE_HZ, output="sos")
            return np.asarray(sosfilt(band, samples), np.float32)
        case "noise":
            return _noisy(samples, decibels=15.0, rng=rng)
        case "room":
            return _echoing(samples, secs=0.35, level=0.7, rng=rng)
    throat = int(rng.integers(85, 119))
    samples = resample_poly(samples, 100, throat).astype(np.float32)
    if rng.random() < 0.7:
        gains = np.interp(np.linspace(0, 1, 129), np.linspace(0, 1, 7), rng.normal(0, 4, 7))
        response = np.roll(np.fft.irfft(10 ** (gains / 20)), 128)[:256] * np.hanning(256)
        samples = fftconvolve(samples, response, "same").astype(np.float32)
    place = rng.random()
    if place < 0.2:
        samples = _echoing(samples, secs=rng.uniform(0.15, 0.6), level=rng.uniform(0.3, 0.8), rng=rng)
    elif place < 0.5:
        samples = _noisy(samples, decibels=rng.uniform(8.0, 35.0), rng=rng)
    elif place < 0.65:
        samples = disturbed(samples, "phone", rng=rng)
    return samples * np.float32(10 ** rng.uniform(-1, 0.2))


def _noisy(samples: Float[Array, " samples"], *, decibels: float, rng: np.random.Generator) -> Float[Array, " samples"]:
    size = float(np.sqrt((samples**2).mean())) * 10 ** (-decibels / 20)
    return np.asarray(samples + rng.standard_normal(len(samples)).astype(np.float32) * np.float32(size))


def _echoing(
    samples: Float[Array, " samples"], *, secs: float, level: float, rng: np.random.Generator
) -> Float[Array, " samples"]:
    time = np.arange(int(0.3 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = rng.standard_normal(len(time)) * np.exp(-6.9 * time / secs)
    tail[:16] = 0.0
    tail *= level / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    return np.asarray(fftconvolve(samples, tail)[: len(samples)], np.float32)


def heard(clip: VoiceClip, *, variants: int, seed: int) -> Iterator[HeardClip]:
    """A clip as it is, through the disturbances (EmoDB only), and in so many random variants."""
    samples = read_speech(clip.path).samples[: int(LONGEST_SECS * SAMPLE_RATE_HZ)]
    kinds = (CLEAN, *(DISTURBANCES if clip.corpus == "emodb" else ()), *(VARIED,) * variants)
    for number, kind in enumerate(kinds):
        changed = disturbed(samples, kind, rng=np.random.default_rng([seed, number]))
        prosody = prosody_of(listened_to(Speech(np.clip(changed, -1.0, 1.0))).blocks())
        yield HeardClip(clip.corpus, clip.label, clip.talker, kind, prosody)


def write_heard(clips: Sequence[HeardClip], path: Path) -> None:
    """Keep clips in one file."""
    kept: dict[str, Any] = {name: np.array([getattr(clip, name) for clip in clips]) for name in _ABOUT}
    for name in _TRACKS:
        kept[name] = np.concatenate([getattr(clip.prosody, name) for clip in clips]).astype(np.float16)
    kept["lengths"] = np.array([len(clip.prosody.loudness_db) for clip in clips])
    with written_beside(path) as beside, beside.open("wb") as file:
        np.savez(file, **kept)


def read_heard(folder: Path) -> list[HeardClip]:
    """All that is kept in a folder; raises CorpusError when there is nothing."""
    clips = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            kept = {name: file[name] for name in file.files}
        ends = np.cumsum(kept["lengths"])
        for i, (first, stop) in enumerate(zip(ends - kept["lengths"], ends, strict=True)):
            rows = {name: kept[name][first:stop].astype(np.float32) for name in _TRACKS}
            about = {name: str(kept[name][i]) for name in _ABOUT}
            clips.append(HeardClip(**about, prosody=Prosody(**rows)))
    if not clips:
        raise CorpusError(f"No voices were heard yet; run tools.train_voice.clips first: {folder}")
    return clips


def main(arguments: Sequence[str] | None = None) -> int:
    """Hear what is not heard yet."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_voice.clips", description="Hear voices.")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    given.output.mkdir(parents=True, exist_ok=True)
    for corpus, clips in voice_clips(given.data).items():
        path = given.output / f"{corpus}.npz"
        if not path.exists() and clips:
            pieces = [piece for i, clip in enumerate(clips) for piece in heard(clip, variants=VARIANTS[corpus], seed=i)]
            write_heard(pieces, path)
        logger.info("%s: %d clips", corpus, len(clips))
    return 0


if __name__ == "__main__":
    sys.exit(main())
