"""The sounds of a text with their ends, as espeak-ng's library tells them: `python -m face_emote.lines.espeak < TEXT`.

A process of its own: what crashes in there takes nothing with it. Prints `name:end_secs` for each sound, as flite does.
"""

import ctypes
import ctypes.util
import os
import sys

_SYNCHRONOUS, _PHONEMES_IN_IPA, _DO_NOT_EXIT, _UTF8 = 2, 1 | 2, 0x8000, 1
_PHONEME, _LIST_END = 7, 0


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h; the last field is a union of a number, a name and eight letters."""

    _fields_ = (
        ("type", ctypes.c_int), ("message", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_ms", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("string", ctypes.c_char * 8),
    )  # fmt: skip


def main() -> int:
    """1 where the library is not there, or does not know the voice."""
    found = ctypes.util.find_library("espeak-ng") or ctypes.util.find_library("espeak")
    if found is None:
        return 1
    library = ctypes.CDLL(found)
    starts: list[tuple[str, int]] = []
    num_samples = 0

    def heard(_sound: int, count: int, events: "ctypes._Pointer[_Event]") -> int:
        nonlocal num_samples
        num_samples += max(count, 0)
        at = 0
        while events[at].type != _LIST_END:
            if events[at].type == _PHONEME:
                starts.append((events[at].string.decode("utf-8", "replace"), events[at].sample))
            at += 1
        return 0

    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEMES_IN_IPA | _DO_NOT_EXIT)
    if rate <= 0 or library.espeak_SetVoiceByName(os.environ["SAY_VOICE"].encode()) != 0:
        return 1
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))(heard)
    library.espeak_SetSynthCallback(callback)
    text = sys.stdin.buffer.read() + b"\0"
    library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 0, 0, _UTF8, None, None)
    ends = [start for _, start in starts[1:]] + [num_samples]
    listed = " ".join(f"{name or '_'}:{end / rate:.4f}" for (name, _), end in zip(starts, ends, strict=True))
    sys.stdout.buffer.write(listed.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
