"""The reader of voices: how something is said, whatever the words. Eight actors' German taught it; see its card."""

from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.assets import ASSETS
from face_emote.core.errors import CheckpointError
from face_emote.core.names import EMOTIONS, FEATURE_HZ, NUM_CEPSTRA
from face_emote.core.types import Prosody, Talker
from face_emote.emotion.blending import PROTOTYPE_VAD
from face_emote.network.convnet import ConvNet, read_expert
from face_emote.perception.evidence import READING_HZ, Evidence, frames_over
from face_emote.perception.functionals import functionals_of

VOICE_READER = ASSETS / "perception" / "voice.safetensors"
VOICE_CLASSES = ("neutral", "joy", "sadness", "fear", "disgust", "anger", "boredom")
BURSTS = (
    "amusement", "anger", "contempt", "disgust", "elation", "fear", "neutral", "sadness", "surprise_neg",
    "surprise_pos",
)  # fmt: skip
"""Feelings of sounds without words, then `speech` in the net's answers."""
NUM_VOICE, NUM_SOUND = len(VOICE_CLASSES) + 6, len(BURSTS) + 1
NUM_ANSWERS = NUM_VOICE + NUM_SOUND
CLASSES, VAD, SD, KINDS = (slice(0, 7), slice(7, 10), slice(10, 13), slice(13, 24))
"""Columns of what is said of a window: probabilities of classes, VAD, its deviations, probabilities of bursts."""
WINDOW_ROWS, STEP_ROWS = 240, 40  # A voice is read over 2.4 s, every 0.4 s.
_PIECE_ROWS = 6000  # Of a recording that are read at a time.
_TOGETHER = 32  # Windows that are read side by side.
FARTHEST = 4.0  # Figures are held to within so many standard deviations of the voices that were learnt from.
_PER_WINDOW = round(STEP_ROWS / FEATURE_HZ * READING_HZ)
_ROWS = round(FEATURE_HZ / READING_HZ)  # Frames between two windows, and rows of a frame.
_FELT = {
    "boredom": {"neutral": 0.8, "sadness": 0.2}, "amusement": {"joy": 1.0}, "elation": {"joy": 0.9, "surprise": 0.1},
    "surprise_neg": {"surprise": 0.7, "fear": 0.3}, "surprise_pos": {"surprise": 0.7, "joy": 0.3},
}  # fmt: skip
"""What classes and bursts that are none of the eight emotions stand for; a choice."""
BORED_VAD = np.array([-0.65, -0.62, -0.33])  # Russell & Mehrabian 1977.
CLASS_VAD = np.array([*(PROTOTYPE_VAD[EMOTIONS.index(name)] for name in VOICE_CLASSES[:-1]), BORED_VAD])
_UNKNOWN_SD = np.array([0.45, 0.35, 0.3])  # Of feelings in general, where nothing is heard.


@dataclass(frozen=True, slots=True, eq=False)
class VoiceReader:
    """Nets of different seeds whose answers are averaged, and what makes their sureness honest."""

    nets: tuple[ConvNet, ...]
    sounds: tuple[ConvNet, ...]  # Of bursts; one net for both would name feelings worse.
    sharpness: float  # Of the classes' logits.
    bias: Float[Array, " voice_class=7"]
    vad_gain: Float[Array, " vad=3"]
    sd_gain: Float[Array, " vad=3"]
    people: Float[Array, " figure"]  # What is seen of people in general, all feelings alike.
    class_shift: Float[Array, "voice_class=7 figure"]  # What each class adds to it.
    path: Path = field(default=VOICE_READER)

    def __call__(self, figures: Float[Array, "windows figure"]) -> Float[Array, "windows answer=24"]:
        """Read windows of `functionals_of`; columns as `CLASSES` and its kin say."""
        answers = self.raw(figures)
        classes = softmax(self.sharpness * answers[:, CLASSES] + self.bias)
        vad = np.clip(self.vad_gain * 0.5 * (answers[:, VAD] + classes @ CLASS_VAD), -1.0, 1.0)
        sds = self.sd_gain * np.exp(np.clip(answers[:, SD], -3.0, 1.0))
        return np.concatenate([classes, vad, sds, softmax(answers[:, KINDS])], axis=1)

    def raw(self, figures: Float[Array, "windows figure"]) -> Float[Array, "windows answer=24"]:
        """The nets' own answers: logits, VAD, logarithms of its deviations, logits."""
        rows = np.asarray(figures, np.float32)
        said = [np.mean([net(_held(rows, net)) for net in nets], axis=0) for nets in (self.nets, self.sounds)]
        return np.concatenate(said, axis=1, dtype=np.float64)


_EXTRAS = ("bias", "vad_gain", "sd_gain", "people", "class_shift")


@lru_cache(maxsize=2)
def load_voice_reader(path: Path = VOICE_READER) -> VoiceReader:
    """A reader from a file; raises CheckpointError when that is missing or not such a reader."""
    found = read_expert(path, kind="voice_reader")
    nets, sounds = (
        tuple(
            net for name, net in found.stacks.items() if name.startswith(role) and net.spec.convs[-1].outputs == width
        )
        for role, width in (("voice", NUM_VOICE), ("sound", NUM_SOUND))
    )
    if not nets or not sounds or found.labels != VOICE_CLASSES:
        raise CheckpointError(f"The reader of voices has other answers than this version; train it again: {path}")
    sharpness = float(found.extra("sharpness")[0])
    gains = {name: found.extra(name).astype(np.float64) for name in _EXTRAS}
    return VoiceReader(nets, sounds, sharpness, path=path, **gains)


def softmax(logits: Float[Array, "rows column"]) -> Float[Array, "rows column"]:
    """Probabilities, row by row."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _held(rows: Float[Array, "windows figure"], net: ConvNet) -> Float[Array, "windows figure"]:
    return np.asarray(np.clip(rows, net.mean - FARTHEST * net.scale, net.mean + FARTHEST * net.scale))


@dataclass(frozen=True, slots=True, eq=False)
class VoiceFrames:
    """What is heard at consecutive instants of `READING_HZ`."""

    evidence: Evidence
    bursts: Float[Array, "frames burst=11"]  # Probabilities over `BURSTS`, then plain speech.


def read_voice(prosody: Prosody, *, reader: VoiceReader | None = None, talker: Talker | None = None) -> VoiceFrames:
    """Read a recording from its prosody; with a talker, against that voice's other lines."""
    stream = VoiceStream(reader, talker=talker)
    pieces = range(0, len(prosody.speaking), _PIECE_ROWS)
    parts = [stream.push(_rows(prosody, first, first + _PIECE_ROWS)) for first in pieces]
    parts.append(stream.finish())
    evidence = [part.evidence for part in parts]
    whole = Evidence(**{f.name: np.concatenate([getattr(e, f.name) for e in evidence]) for f in fields(Evidence)})
    return VoiceFrames(whole, np.concatenate([part.bursts for part in parts]))


class VoiceStream:
    """Reads a voice as its prosody comes; what it says does not depend on how that is cut.

    Window k is centred on row k STEP_ROWS, but never reaches beyond the sound; between two of them what they say
    blends. Frames come 1.6 s late at most, those of the first 1.2 s with row 280.
    """

    def __init__(self, reader: VoiceReader | None = None, *, talker: Talker | None = None) -> None:
        """Start before the sound."""
        self._reader = load_voice_reader() if reader is None else reader
        self._shift = np.float32(0.0) if talker is None else np.array(talker.shift, np.float32)
        self._held = _silence(0)
        self._first_row, self._window = 0, 0
        """Of what is held; next window."""
        self._windows = np.zeros((0, NUM_ANSWERS + 1))
        """Answers, and whether there are any; the first row is the window before the next frame."""
        self._speaking = np.zeros(_ROWS // 2)
        """From half a frame before the next frame on."""
        self._frame, self._num_rows = 0, 0

    def push(self, rows: Prosody) -> VoiceFrames:
        """The frames that these rows complete, perhaps none. What has no timbre is not read."""
        count = len(rows.speaking)
        self._num_rows += count
        self._held = _joined(self._held, rows if len(rows.timbre) == count else _silence(count))
        self._speaking = np.concatenate([self._speaking, rows.speaking > 0.5])
        return self._frames(last=False)

    def finish(self) -> VoiceFrames:
        """The frames that are missing up to the end of the sound."""
        self._speaking = np.concatenate([self._speaking, np.zeros(_ROWS)])
        return self._frames(last=True)

    def _frames(self, *, last: bool) -> VoiceFrames:
        self._windows = np.concatenate([self._windows, self._read(last=last)])
        inside = self._frame % _PER_WINDOW
        ready = max((len(self._windows) - 1) * _PER_WINDOW - inside, 0)
        ready = min(ready, len(self._speaking) // _ROWS)
        if last:
            ready = min(ready, frames_over(self._num_rows / FEATURE_HZ) - self._frame)
        place = (inside + np.arange(ready)) / _PER_WINDOW
        low = place.astype(np.int64)
        share = (place - low)[:, None]
        answers = (1.0 - share) * self._windows[low] + share * self._windows[low + 1] if ready else self._windows[:0]
        said = self._speaking[: ready * _ROWS].reshape(ready, _ROWS).mean(axis=1)
        self._frame += ready
        self._speaking = self._speaking[ready * _ROWS :]
        self._windows = self._windows[(inside + ready) // _PER_WINDOW :]
        return VoiceFrames(evidence_of(answers[:, :-1], weight=answers[:, -1] * said), answers[:, KINDS])

    def _complete(self, *, last: bool) -> Int[Array, " windows"]:
        """First rows, in what is held, of the windows that are complete; with the end of the sound, of all that frames
        lie between.
        """
        half, end = WINDOW_ROWS // 2, self._num_rows
        until = end + STEP_ROWS if last else end - WINDOW_ROWS + half
        centres = np.arange(self._window * STEP_ROWS, until + 1, STEP_ROWS)
        if not last and end < WINDOW_ROWS:
            centres = centres[:0]
        first: Array = np.maximum(np.minimum(centres - half, end - WINDOW_ROWS), 0)
        return first - self._first_row

    def _read(self, *, last: bool) -> Float[Array, "windows column"]:
        """Answers of the windows that are complete now, and whether there are any; what no window needs is let go."""
        first = self._complete(last=last)
        figures, usable = functionals_of(self._held, first=first, length=WINDOW_ROWS)
        out = np.tile(_NOTHING, (len(first), 1))
        spoken = np.flatnonzero(usable)
        group, place = np.divmod(self._window + spoken, _TOGETHER)
        for number in np.unique(group):
            mine = group == number
            # A window always has the same place among as many: the last bit of an answer depends on both.
            batch = np.zeros((_TOGETHER, figures.shape[1]), np.float32)
            batch[place[mine]] = figures[spoken[mine]] - self._shift
            out[spoken[mine], :-1], out[spoken[mine], -1] = self._reader(batch)[place[mine]], 1.0
        self._window += len(first)
        spare = min(self._window * STEP_ROWS - WINDOW_ROWS // 2, self._num_rows - WINDOW_ROWS) - self._first_row
        self._held = _rows(self._held, max(spare, 0), len(self._held.speaking))
        self._first_row += max(spare, 0)
        return out


def evidence_of(answers: Float[Array, "frames answer=24"], *, weight: Float[Array, " frames"]) -> Evidence:
    """What classes and bursts say of the eight emotions: bursts count as far as it is no speech."""
    classes, kinds = answers[:, CLASSES], answers[:, KINDS]
    speech = kinds[:, -1:]
    mix = speech * (classes @ shares_of(VOICE_CLASSES)) + kinds[:, :-1] @ shares_of(BURSTS)
    spoken = np.array([name in VOICE_CLASSES for name in EMOTIONS], np.float64)
    knows = np.maximum(spoken, 1.0 - speech)
    return Evidence(mix, knows, answers[:, VAD], vad_sd=answers[:, SD], weight=weight)


def shares_of(names: tuple[str, ...]) -> Float[Array, "name emotion=8"]:
    """What each name stands for among the eight emotions."""
    return np.array([[_FELT.get(name, {name: 1.0}).get(emotion, 0.0) for emotion in EMOTIONS] for name in names])


_NOTHING = np.concatenate([[1.0], np.zeros(9), _UNKNOWN_SD, np.zeros(10), [1.0], [0.0]])
"""What is said of a window in which nobody speaks."""


def _silence(count: int) -> Prosody:
    nothing = np.zeros(count, np.float32)
    return Prosody(
        loudness_db=nothing - 90.0, f0_hz=np.full_like(nothing, np.nan), voiced=nothing, speaking=nothing,
        tremor=nothing, timbre=np.zeros((count, NUM_CEPSTRA), np.float16),
    )  # fmt: skip


def _joined(a: Prosody, b: Prosody) -> Prosody:
    return Prosody(**{f.name: np.concatenate([getattr(a, f.name), getattr(b, f.name)]) for f in fields(Prosody)})


def _rows(prosody: Prosody, first: int, stop: int) -> Prosody:
    return Prosody(**{f.name: getattr(prosody, f.name)[first:stop] for f in fields(Prosody)})
