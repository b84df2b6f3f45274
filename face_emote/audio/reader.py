"""Speech files in: any container, rate, channels and length; 16 kHz mono blocks out."""

import hashlib
import logging
import math
import wave
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.audio.media_file import media_facts, media_pieces
from face_emote.audio.resampler import resample, resampled_length
from face_emote.audio.wav_file import WavLayout, looks_like_wav, wav_layout, wav_pieces
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AudioError
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.core.types import Speech

BLOCK_SAMPLES = 10 * SAMPLE_RATE_HZ
MAX_HOURS = 24
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000
MAX_CHANNELS = 64
LOUDEST = 1e4  # Floating-point sound beyond this is a mistake, not a loud recording.
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpeechSource:
    """A speech file that is read piece by piece, as often as wanted; nothing is kept in memory."""

    path: Path
    duration_secs: float  # Exact for .wav; for other files what the container declares (0 when it declares nothing).
    sample_rate: int  # Of the file, in Hz; the blocks are always 16 kHz.
    channels: int
    wav: WavLayout | None = None  # Where the samples lie, when our own reader can decode them.

    def pieces(self, *, remark: Callable[[str], None] = logger.warning) -> Iterator[Float[Array, "_frames channels"]]:
        """The sound as it is in the file, at its own rate: what is analysed, and what a video's sound track holds.

        `remark` is called with what a person should know about the file, such as damage at its end. AudioError: the
        sound is damaged, not finite, changes within the file or is longer than 24 hours.
        """
        num_samples = 0
        for rate, piece in self._decoded(remark):
            if rate != self.sample_rate:
                raise AudioError(
                    f"The sample rate changes from {self.sample_rate} to {rate} Hz inside the file; "
                    f"re-encode it: {self.path}"
                )
            if not np.isfinite(piece).all():
                raise AudioError(f"The sound holds values that are not numbers; export it again: {self.path}")
            num_samples += len(piece)
            _require_length(num_samples / rate, self.path)
            yield np.clip(piece, -LOUDEST, LOUDEST)

    def blocks(
        self, *, weights: Float[Array, " channel"] | None = None, ceiling: float = 1.0,
        remark: Callable[[str], None] = logger.warning,
    ) -> Iterator[Float[Array, " _samples"]]:  # fmt: skip
        """Mono float32 at 16 kHz, in blocks of 10 s; the last one is shorter, none is empty.

        `weights` of the channels: their mean by default; floating-point sound beyond `ceiling` is clipped. AudioError:
        as `pieces`, and when the sound is empty.
        """
        pieces = resample(self._mono(weights, ceiling, remark=remark), rate_in=self.sample_rate)
        empty = True
        for block in regroup(pieces, BLOCK_SAMPLES):
            empty = False
            yield np.clip(block, -ceiling, ceiling)
        if empty:
            raise AudioError(f"The file holds no sound (0 samples); record or export it again: {self.path}")

    def _mono(
        self, weights: Float[Array, " channel"] | None, ceiling: float, *, remark: Callable[[str], None]
    ) -> Iterator[Float[Array, " _samples"]]:
        for piece in self.pieces(remark=remark):
            fits = weights is not None and len(weights) == piece.shape[1]
            mono = (piece @ weights).astype(np.float32) if fits else piece.mean(axis=1, dtype=np.float32)
            # Clipped before filtering, as a converter would: one absurd sample must not ring over its neighbours.
            yield np.clip(mono, -ceiling, ceiling)

    def _decoded(self, remark: Callable[[str], None]) -> Iterator[tuple[int, Float[Array, "_frames channels"]]]:
        if self.wav is None:
            yield from media_pieces(self.path, remark=remark)
        else:
            for piece in wav_pieces(self.path, self.wav):
                yield self.wav.sample_rate, piece


def open_speech(path: str | Path) -> SpeechSource:
    """Look at a speech file without reading its sound. Its kind follows from its content, never by its name.

    AudioError: the file is missing, empty, cut off, longer than 24 hours or not sound. DependencyError: it is not a
    plain .wav, and PyAV is not installed.
    """
    path = Path(path)
    start = _first_bytes(path)
    layout = wav_layout(path) if looks_like_wav(start) else None
    if layout is not None and layout.readable:
        _require_sane(layout.sample_rate, layout.channels, path=path)
        if layout.num_frames == 0:
            raise AudioError(f"The wave file holds no sound (0 samples); record or export it again: {path}")
        num_samples = resampled_length(layout.num_frames, rate_in=layout.sample_rate)
        source = SpeechSource(path, num_samples / SAMPLE_RATE_HZ, layout.sample_rate, layout.channels, layout)
    else:
        rate, channels, secs = media_facts(path)
        _require_sane(rate, channels, path=path)
        source = SpeechSource(path, secs if math.isfinite(secs) and secs > 0.0 else 0.0, rate, channels)
    _require_length(source.duration_secs, path)
    return source


def read_speech(path: str | Path, *, transcript: str | None = None) -> Speech:
    """Read a whole recording into memory (230 MB an hour); `open_speech` reads it in blocks instead.

    Args:
        path: wav, flac, mp3, ogg, m4a or a video; any rate, channels and length up to 24 hours.
        transcript: the words spoken, or the text of an .srt or .vtt file; sharpens the lips.

    Raises:
        AudioError: the file is missing, empty, damaged or not sound.
        DependencyError: it is not a plain .wav, and PyAV is not installed.
    """
    return Speech(np.concatenate(list(open_speech(path).blocks())), SAMPLE_RATE_HZ, transcript)


def write_part(speech: Speech | Path, path: Path, *, start_secs: float = 0.0, end_secs: float = math.inf) -> None:
    """Write a part of a recording as 16-bit .wav, at its own rate and with all its channels.

    AudioError: as `pieces`, and when the sound has ended before the part begins.
    """
    if isinstance(speech, Speech):
        rate, channels, pieces = speech.sample_rate, 1, iter([speech.samples[:, None]])
    else:
        source = open_speech(speech)
        rate, channels, pieces = source.sample_rate, source.channels, source.pieces()
    first, stop, place = round(start_secs * rate), end_secs * rate, 0
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        for piece in pieces:
            own = piece[max(first - place, 0) : max(round(min(stop - place, len(piece))), 0)]
            file.writeframes(np.round(32767.0 * np.clip(own, -1.0, 1.0)).astype("<i2").tobytes())
            place += len(piece)
            if place >= stop:
                break
    if place <= first:
        raise AudioError(f"The sound ends at {place / rate:.2f} s, before the part begins; is it another recording's?")


def sha256_of(path: str | Path) -> str:
    """Hex digest of a file's bytes, by which a motion names its speech."""
    path = Path(path)
    _first_bytes(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def regroup(pieces: Iterable[Float[Array, " _piece"]], size: int) -> Iterator[Float[Array, " _block"]]:
    """Join and cut a stream into blocks of `size` samples; the last one may be shorter."""
    held: list[Array] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count >= size:
            joined = np.concatenate(held)
            whole = len(joined) - len(joined) % size
            yield from (joined[i : i + size] for i in range(0, whole, size))
            held, count = [joined[whole:]], len(joined) - whole
    if count:
        yield np.concatenate(held)


def _first_bytes(path: Path) -> bytes:
    try:
        if not path.exists():
            raise AudioError(f"There is no such speech file; check the name: {path}")
        if path.is_dir():
            raise AudioError(f"This is a folder, not a speech file; name a file in it: {path}")
        if not path.is_file():
            raise AudioError(f"This is not an ordinary file; save the speech to a file first: {path}")
        with path.open("rb") as file:
            start = file.read(12)
    except OSError as error:
        raise AudioError(f"The speech file cannot be opened ({error.strerror}): {path}") from None
    except ValueError:  # a name that no file can have, such as one with half a surrogate pair
        raise AudioError(f"No file can have this name; check it: {str(path)!r}") from None
    if not start:
        raise AudioError(f"The file is empty (0 bytes); record or export it again: {path}")
    return start


def _require_sane(rate: int, channels: int, *, path: Path) -> None:
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise AudioError(f"The sample rate is {rate} Hz, not {MIN_RATE_HZ}..{MAX_RATE_HZ}; export it again: {path}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"The file declares {channels} channels, not 1..{MAX_CHANNELS}; export it again: {path}")


def _require_length(secs: float, path: Path) -> None:
    if secs > MAX_HOURS * 3600:
        raise AudioError(f"The sound is longer than {MAX_HOURS} hours; cut it into parts: {path}")
