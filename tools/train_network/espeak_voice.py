"""espeak-ng through its C library: sound and the instant of every phoneme. Runs in a process of its own.

The library keeps one global state and may abort, hence the process.
"""

import ctypes
import ctypes.util
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from typing import Any, ClassVar

import numpy as np

from face_emote.core.arrays import Array, Int
from face_emote.core.errors import CorpusError, DependencyError

_SYNCHRONOUS, _EVENTS_IPA_NO_EXIT = 2, 1 | 2 | 0x8000
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8, _END_PAUSE = 1, 0x1000
_PHONEME_EVENT = 7


@dataclass(frozen=True, slots=True)
class EspeakStyle:
    """Who speaks and how."""

    voice: str
    """Language and variant, as `en-us+f2`."""
    rate: int = 175
    """Words a minute."""
    pitch: int = 50
    """0..99."""
    pitch_range: int = 50


@dataclass(frozen=True, slots=True, eq=False)
class EspeakSound:
    """What was spoken."""

    samples: Int[Array, " samples"]
    """16 bits."""
    sample_rate: int
    starts: tuple[int, ...]
    """First sample of each phoneme."""
    names: tuple[str, ...]
    """IPA; empty for a pause."""


def espeak_process() -> ProcessPoolExecutor:
    """A process that speaks; use it in a `with` block."""
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))


def speak(text: str, *, style: EspeakStyle, process: ProcessPoolExecutor) -> EspeakSound:
    """Speak one sentence.

    Raises:
        DependencyError: the library is not installed.
        CorpusError: there is no such voice, or the library broke down.
    """
    try:
        return process.submit(_speak, text, style).result()
    except BrokenProcessPool:
        raise CorpusError(f"espeak-ng broke down while it spoke; leave this text out: {text[:60]}") from None


class _Id(ctypes.Union):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("number", ctypes.c_int), ("name", ctypes.c_char_p), ("text", ctypes.c_char * 8),
    ]  # fmt: skip


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


@lru_cache(maxsize=1)
def _library() -> tuple[Any, int, list[Array], list[tuple[int, str]], Callable[..., int]]:
    """The library, its sample rate, and the lists that its callback fills."""
    name = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        raise DependencyError("Synthetic speech needs espeak-ng: install the package espeak-ng") from None
    waves: list[Array] = []
    events: list[tuple[int, str]] = []

    def heard(wave: Any, count: int, event: Any) -> int:
        if wave and count > 0:
            waves.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while event[index].type:
            if event[index].type == _PHONEME_EVENT:
                events.append((event[index].sample, event[index].id.text.decode("utf-8", "replace")))
            index += 1
        return 0

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
    callback = kind(heard)
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _EVENTS_IPA_NO_EXIT)
    if rate <= 0:
        raise DependencyError("espeak-ng does not start; install the package espeak-ng-data")
    library.espeak_SetSynthCallback(callback)
    return library, rate, waves, events, callback


def _speak(text: str, style: EspeakStyle) -> EspeakSound:
    library, rate, waves, events, _ = _library()
    waves.clear()
    events.clear()
    if library.espeak_SetVoiceByName(style.voice.encode()) != 0:
        raise CorpusError(f"espeak-ng has no voice {style.voice}; see espeak-ng --voices")
    for parameter, value in ((_RATE, style.rate), (_PITCH, style.pitch), (_RANGE, style.pitch_range)):
        library.espeak_SetParameter(parameter, value, 0)
    raw = text.encode("utf-8") + b"\0"
    library.espeak_Synth(raw, len(raw), 0, 1, 0, _UTF8 | _END_PAUSE, None, None)
    library.espeak_Synchronize()
    samples = np.concatenate(waves) if waves else np.zeros(0, np.int16)
    ordered = sorted(events, key=lambda event: event[0])
    return EspeakSound(
        samples=samples,
        sample_rate=rate,
        starts=tuple(start for start, _ in ordered),
        names=tuple(name for _, name in ordered),
    )
