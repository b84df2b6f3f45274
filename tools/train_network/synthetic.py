"""Synthetic speech with exact phone times: flite (English), espeak-ng (ten languages), open_jtalk (four feelings).

Sentences are composed from `phrases` beside this file and from the transcripts of LibriSpeech.
"""

import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.audio.reader import read_speech
from face_emote.audio.resampler import resample
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CorpusError, DependencyError
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.core.reading import content_of
from face_emote.core.records import Record, parsed_json
from face_emote_lab.train.corpus.cache import ClipData, Job
from tools.train_network.espeak_voice import EspeakSound, EspeakStyle, speak
from tools.train_network.labels import Rows, flite_sound, ipa_sounds, japanese_sound, taught_clip

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "ru", "ja")
OPTIONAL = ("when", "where")
LEAVE_OUT = 0.35
SHORT_SHARE = 0.1
PIECE_WORDS = (5, 13)


def sentence(language: str, *, rng: np.random.Generator) -> str:
    """One sentence of a language of LANGUAGES."""
    slots = phrases(language)
    if rng.random() < SHORT_SHARE:
        return _pick(slots["short"], rng)
    chosen = [
        _pick(choices, rng)
        for name, choices in slots.items()
        if name != "short" and not (name in OPTIONAL and rng.random() < LEAVE_OUT)
    ]
    if language == "ja":
        return "、".join(chosen[:1]) + "".join(chosen[1:]) + "。"
    text = " ".join(chosen) + "."
    return text[0].upper() + text[1:]


@lru_cache(maxsize=len(LANGUAGES))
def phrases(language: str) -> dict[str, tuple[str, ...]]:
    """Choices by slot, in the order in which a sentence takes them."""
    text = (Path(__file__).parent / "phrases" / f"{language}.txt").read_text("utf-8")
    rows = [line.partition(":") for line in text.splitlines() if line.strip()]
    return {name.strip(): tuple(part.strip() for part in rest.split("|")) for name, _, rest in rows}


def read_pieces(path: Path) -> list[str]:
    """Pieces of 5 to 13 words of English transcripts (`{clip: text}`); nothing when the file is missing.

    Raises:
        CorpusError: the file is of another form.
    """
    if not path.is_file():
        return []
    try:
        texts = [str(text).lower() for _, text in sorted(Record.of(parsed_json(content_of(path))).values.items())]
    except (OSError, ValueError) as error:
        raise CorpusError(f"These are not transcripts ({error}); check the data folder: {path}") from None
    rng = np.random.default_rng(0)
    pieces = []
    for text in texts:
        words = text.split()
        while len(words) >= PIECE_WORDS[0]:
            size = int(rng.integers(PIECE_WORDS[0], PIECE_WORDS[1] + 1))
            pieces.append(" ".join(words[:size]))
            words = words[size:]
    return pieces


def _pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


SHARES = {"flite": 0.35, "espeak": 0.5, "jtalk": 0.15}
"""Of the hours of synthetic speech."""
MEAN_SECS = {"flite": 3.9, "espeak": 4.3, "jtalk": 9.8}
FLITE_VOICES = ("slt", "awb", "kal16", "slt", "awb", "kal16", "rms")
HELD_OUT_FLITE = "rms"
ESPEAK_LANGUAGES = {
    "en-us": "en", "en": "en", "de": "de", "fr": "fr", "es": "es", "pt": "pt", "nl": "nl", "sv": "sv", "pl": "pl",
    "ru": "ru", "it": "it",
}  # fmt: skip
"""Voice and language; `en` is British."""
HELD_OUT_LANGUAGE = "it"
VARIANTS = ("", *(f"+m{i}" for i in range(1, 8)), *(f"+f{i}" for i in range(1, 6)))
JTALK_EMOTIONS = {"neutral": "neutral", "angry": "anger", "happy": "joy", "sad": "sadness"}
JTALK_DICTIONARIES = ("/var/lib/mecab/dic/open-jtalk/naist-jdic", "/usr/share/open_jtalk/dic")
"""Where Linux distributions keep it; OPEN_JTALK_DICTIONARY names another place."""
PAUSE_SECS = 0.06
"""A nameless stretch of espeak-ng is a pause from this length on; a shorter one belongs to the sound before."""
TRIAL_SECS = 120.0
LONGEST_SILENCE_SECS = 0.5
"""Added before and after each clip: up to so much."""


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """Sound at 16 kHz and its phones."""

    samples: Float[Array, " samples"]
    rows: Rows


def flite_jobs(data: Path, *, hours: float) -> list[Job]:
    """English in four voices; half of the texts are pieces of LibriSpeech's transcripts."""
    pieces = read_pieces(data / "librispeech" / "transcripts.json")

    def job(index: int) -> Job:
        rng = np.random.default_rng([index, 1])
        voice = FLITE_VOICES[index % len(FLITE_VOICES)]
        from_book = bool(pieces) and rng.random() < 0.5
        text = pieces[int(rng.integers(len(pieces)))] if from_book else sentence("en", rng=rng)
        stretch, size = rng.uniform(0.8, 1.25), rng.uniform(0.88, 1.14)
        return Job(
            name=f"{voice}_{index:05d}",
            talker=f"flite_{voice}",
            language="en",
            kind="tts",
            split="test" if voice == HELD_OUT_FLITE else "train",
            make=_made(lambda: resized(flite(text, voice=voice, stretch=stretch), size=size), rng=rng),
        )

    return [job(index) for index in range(_count("flite", hours))]


def espeak_jobs(_data: Path, *, hours: float, process: ProcessPoolExecutor) -> list[Job]:
    """Ten languages, British and American English, thirteen throats."""
    voices = list(ESPEAK_LANGUAGES)

    def job(index: int) -> Job:
        rng = np.random.default_rng([index, 2])
        voice = voices[index % len(voices)]
        language = ESPEAK_LANGUAGES[voice]
        text = sentence(language, rng=rng)
        variant = VARIANTS[int(rng.integers(len(VARIANTS)))]
        rate, pitch, span = int(rng.integers(120, 221)), int(rng.integers(20, 81)), int(rng.integers(20, 81))
        style = EspeakStyle(voice + variant, rate=rate, pitch=pitch, pitch_range=span)
        return Job(
            name=f"{voice}_{index:05d}",
            talker=f"espeak_{voice}{variant}",
            language=language,
            kind="tts",
            split="test" if language == HELD_OUT_LANGUAGE else "train",
            make=_made(lambda: espeak_spoken(speak(text, style=style, process=process)), rng=rng),
        )

    return [job(index) for index in range(_count("espeak", hours))]


def jtalk_jobs(data: Path, *, hours: float) -> list[Job]:
    """Japanese in four feelings; two sentences a clip."""
    folder = data / "tohoku_f01_htsvoice"
    voices = list(JTALK_EMOTIONS)

    def job(index: int) -> Job:
        rng = np.random.default_rng([index, 3])
        name = voices[index % len(voices)]
        text = sentence("ja", rng=rng) + sentence("ja", rng=rng)
        rate, semitones, throat = rng.uniform(0.85, 1.25), rng.uniform(-4.0, 4.0), rng.uniform(0.49, 0.60)
        path = folder / f"tohoku-f01-{name}.htsvoice"
        return Job(
            name=f"{name}_{index:05d}",
            talker="tohoku_f01",
            language="ja",
            kind="tts",
            split="train",
            emotion=JTALK_EMOTIONS[name],
            make=_made(lambda: jtalk(text, voice=path, rate=rate, semitones=semitones, throat=throat), rng=rng),
        )

    return [job(index) for index in range(_count("jtalk", hours))]


def flite(text: str, *, voice: str, stretch: float) -> Spoken:
    """One sentence by flite; `stretch` multiplies all durations.

    Raises:
        DependencyError: flite is not installed.
        CorpusError: it has no such voice or says nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "a.wav"
        said = _run(
            "flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.3f}", "-psdur", "-t", text, "-o", str(wav)
        )
        rows: Rows = []
        before = 0.0
        for word in said.split():
            name, _, end = word.rpartition(":")
            if name and _is_number(end) and float(end) >= before:
                rows.append((flite_sound(name), before, float(end)))
                before = float(end)
        if not rows or not wav.is_file():
            raise CorpusError(f"flite said nothing in the voice {voice}; check flite -lv: {text[:60]}")
        return Spoken(samples=read_speech(wav).samples, rows=rows)


def espeak_spoken(sound: EspeakSound) -> Spoken:
    """What espeak-ng spoke, at 16 kHz, its phonemes in ARPAbet; two sounds in one phoneme share its time."""
    if not len(sound.samples):
        raise CorpusError("espeak-ng was silent; leave this text out")
    secs = [start / sound.sample_rate for start in (*sound.starts, len(sound.samples))]
    rows: Rows = [("SIL", 0.0, secs[0])]
    for name, start, end in zip(sound.names, secs, secs[1:], strict=False):
        labels = ipa_sounds(name) if name and not name.startswith("(") else []
        if not labels and (name or end - start < PAUSE_SECS) and rows:
            rows[-1] = (rows[-1][0], rows[-1][1], end)
        else:
            step = (end - start) / max(len(labels), 1)
            rows.extend((label, start + k * step, start + (k + 1) * step) for k, label in enumerate(labels or ["SIL"]))
    samples = np.concatenate(list(resample([sound.samples.astype(np.float32) / 32768.0], rate_in=sound.sample_rate)))
    return Spoken(samples=samples, rows=[row for row in rows if row[2] > row[1]])


def jtalk(text: str, *, voice: Path, rate: float, semitones: float, throat: float) -> Spoken:
    """Japanese by open_jtalk.

    Args:
        text: kanji and kana.
        voice: a .htsvoice file.
        rate: of speech; above 1 faster.
        semitones: added to the pitch.
        throat: all-pass constant; the voice's own is 0.55, larger is a longer throat.

    Raises:
        DependencyError: open_jtalk or its dictionary is not installed.
        CorpusError: it says nothing.
    """
    places = (os.environ.get("OPEN_JTALK_DICTIONARY", ""), *JTALK_DICTIONARIES)
    dictionary = next((place for place in places if place and Path(place).is_dir()), None)
    if dictionary is None:
        raise DependencyError("open_jtalk's dictionary is missing: install the package open-jtalk-mecab-naist-jdic")
    with tempfile.TemporaryDirectory() as folder:
        wav, trace, source = (Path(folder) / name for name in ("a.wav", "trace.txt", "text.txt"))
        source.write_text(text, "utf-8")
        voiced = ("-m", str(voice), "-r", f"{rate:.3f}", "-fm", f"{semitones:.2f}", "-a", f"{throat:.3f}")
        _run("open_jtalk", "-x", dictionary, *voiced, "-ow", str(wav), "-ot", str(trace), str(source))
        if not wav.is_file() or wav.stat().st_size < 100 or not trace.is_file():
            raise CorpusError(f"open_jtalk said nothing; check the voice and the text {text[:20]!r}: {voice}")
        return Spoken(samples=read_speech(wav).samples, rows=trace_rows(trace.read_text("utf-8", "replace")))


def trace_rows(trace: str) -> Rows:
    """Phones of open_jtalk's trace: under `[Output label]`, lines of start and end in 100 ns, full context."""
    sounds: list[tuple[str, float, float]] = []
    for line in trace.partition("[Output label]")[2].splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[0].isdigit() and fields[1].isdigit() and "-" in fields[2]:
            name = fields[2].partition("-")[2].partition("+")[0]
            sounds.append((name, int(fields[0]) * 1e-7, int(fields[1]) * 1e-7))
        elif sounds and not line.strip():
            break
    if not sounds:
        raise CorpusError("open_jtalk's trace holds no labels; use its version 1.11")
    rows: Rows = []
    for i, (name, start, end) in enumerate(sounds):
        label = japanese_sound(name, after=sounds[i + 1][0] if i + 1 < len(sounds) else None)
        rows.append((label or "SIL", start, end))
    return rows


def resized(spoken: Spoken, *, size: float) -> Spoken:
    """Another throat: pitch, formants and tempo divided by `size`."""
    rate = round(SAMPLE_RATE_HZ / size / 50.0) * 50
    samples = np.concatenate(list(resample([spoken.samples], rate_in=rate)))
    exact = SAMPLE_RATE_HZ / rate
    return Spoken(samples=samples, rows=[(label, start * exact, end * exact) for label, start, end in spoken.rows])


def _made(speak: Callable[[], Spoken], *, rng: np.random.Generator) -> Callable[[], ClipData]:
    """What makes a clip of speech: silence around it, noise over it, at any level."""
    peak, noise_db, seed = rng.uniform(0.1, 0.9), rng.uniform(-75.0, -45.0), int(rng.integers(2**31))
    before, after = rng.uniform(0.0, LONGEST_SILENCE_SECS, size=2)

    def make() -> ClipData:
        spoken = _padded(speak(), before_secs=before, after_secs=after)
        noise = np.random.default_rng(seed).normal(size=len(spoken.samples)) * 10.0 ** (noise_db / 20.0)
        gain = peak / max(float(np.abs(spoken.samples).max()), 1e-4)
        samples = np.clip(gain * (spoken.samples + noise), -1.0, 1.0).astype(np.float32)
        return taught_clip(samples, rows=spoken.rows)

    return make


def _padded(spoken: Spoken, *, before_secs: float, after_secs: float) -> Spoken:
    """The same with silence around it."""
    lead, tail = (np.zeros(round(secs * SAMPLE_RATE_HZ), np.float32) for secs in (before_secs, after_secs))
    shift = len(lead) / SAMPLE_RATE_HZ
    rows: Rows = [("SIL", 0.0, shift), *((label, start + shift, end + shift) for label, start, end in spoken.rows)]
    return Spoken(samples=np.concatenate([lead, spoken.samples, tail]), rows=rows)


def _count(source: str, hours: float) -> int:
    return max(1, math.ceil(hours * SHARES[source] * 3600.0 / MEAN_SECS[source]))


def _run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        raise DependencyError(
            f"Synthetic speech needs {command[0]}: install the package {command[0].replace('_', '-')}"
        )
    try:
        done = subprocess.run(command, capture_output=True, timeout=TRIAL_SECS, check=False)
    except subprocess.TimeoutExpired:
        raise CorpusError(f"{command[0]} did not finish within {TRIAL_SECS:.0f} s; leave this text out") from None
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip()[-200:]
        raise CorpusError(f"{command[0]} failed with code {done.returncode} ({reason}); check its installation")
    return done.stdout.decode("utf-8", "replace")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
