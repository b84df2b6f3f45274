"""Both paths on a stream: normalised log-mel rows in; where the mouth aims, and the feeling face out, at 50 Hz."""

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import PHONES
from face_emote.network.blocks import BlockStream, norm, sigmoid, silu
from face_emote.network.config import EMOTION_COLUMNS, LATENT_FRAMES, LIP_CHANNELS, LIP_SCALE, NUM_LINEAR
from face_emote.network.hearing import RowBuffer
from face_emote.network.runtime import MotionNet
from face_emote.network.weights import HALVING_TAPS, LATENT_ROWS, STEM_TAPS, UNKNOWN_PHONE

CHUNK_FRAMES = 256  # Frames computed at a time when nobody waits for them.
_REACH = STEM_TAPS + HALVING_TAPS - 2  # Rows before row 2u that the stem of hidden frame u sees.
_SILENCE = PHONES.index("SIL")


class LipStream:
    """Runs the lip path with memory of fixed size. Every answer is the same however the rows were cut."""

    def __init__(
        self,
        net: MotionNet,
        look_ahead_frames: int,
        *,
        style: str | int = 0,
        phones: Int[Array, " _frames"] | None = None,
        emotion: Float[Array, "_frames 21"] | None = None,
        chunk_frames: int = CHUNK_FRAMES,
        hidden: list[Array] | None = None,
    ) -> None:
        """Start before the first row.

        Args:
            net: The network.
            look_ahead_frames: One of `net.config.look_ahead_frames`; ValueError for others.
            style: Name out of `net.config.styles`, or its index; ValueError for others.
            phones: Index into `names.PHONES` at every frame of the clip (t / 50 s), 40 where it is not known; silence
                follows the last one. None: no transcript.
            emotion: Of every motion frame; only for networks whose lips see the emotion.
            chunk_frames: Frames computed at a time. Answers come out that many at once, so 1 to 8 to be live. Other
                lengths give the same answers but for rounding.
            hidden: What the answers are made of is put there, a row for each, for whoever learns from it.
        """
        weights, config = net.lips, net.config
        style_index = config.styles.index(style) if isinstance(style, str) else range(len(config.styles)).index(style)
        if (emotion is None) != (weights.emotion is None):
            raise ValueError("the emotion must be given exactly to networks whose lips see it")
        self._weights = weights
        self._chunk = chunk_frames
        self._look_ahead = look_ahead_frames
        look_ahead_row = weights.look_ahead[net.look_ahead_index(look_ahead_frames)]
        self._condition = (look_ahead_row + weights.style[style_index])[None]
        self._modulations = self._modulations_of(self._condition) if emotion is None else []
        self._phones, self._emotion = phones, emotion
        self._rows = RowBuffer(before=_REACH)
        self._blocks = [BlockStream(block, chunk=chunk_frames) for block in weights.blocks]
        self._hidden = 0
        """Hidden frames computed."""
        self._kept = hidden

    @property
    def num_answered(self) -> int:
        """Answers given so far: the next one belongs to this motion frame."""
        return max(self._hidden - self._look_ahead, 0)

    def push(self, rows: Float[Array, "_rows band=40"]) -> Float[Array, "_answers lip=9"]:
        """Hear the next rows (`hearing.LevelFollower`); returns the answers that they complete.

        Answers follow `config.LIP_CHANNELS` in natural units (the last three 0..1), one for each motion frame.
        """
        self._rows.push(rows)
        answers = [np.empty((0, len(LIP_CHANNELS)), np.float32)]
        span = 2 * self._chunk
        while self._rows.has(_REACH + span - 1):
            # The last row of the span belongs to the next chunk's first frame.
            answers.append(self._answers(self._rows.next(_REACH + span - 1, advance=span)))
        return np.concatenate(answers)

    def finish(self, num_frames: int) -> Float[Array, "_answers lip=9"]:
        """End the sound: the answers that are missing to `num_frames` motion frames, behind which all is silence.

        The stream must not be used any more. ValueError when more answers than that are out already.
        """
        missing = num_frames - self.num_answered
        if missing < 0:
            raise ValueError(f"{self.num_answered} frames are answered already, more than {num_frames}")
        pieces = [np.empty((0, len(LIP_CHANNELS)), np.float32)]
        while missing > sum(map(len, pieces)):
            pieces.append(self.push(self._rows.silence(2 * self._chunk)))
        return np.concatenate(pieces)[:missing]

    def _answers(self, rows: Array) -> Array:
        weights = self._weights
        stem = silu(weights.stem_mel(_windows(rows, taps=STEM_TAPS, stride=1)))
        x = weights.stem_half(_windows(stem, taps=HALVING_TAPS, stride=2))
        x += weights.phones[self._phones_now()]
        modulations = self._modulations
        if self._emotion is not None and weights.emotion is not None:
            at = np.arange(self._hidden, self._hidden + self._chunk) - self._look_ahead
            emotion = self._emotion[np.clip(at, 0, len(self._emotion) - 1)].astype(np.float32)
            modulations = self._modulations_of(self._condition + weights.emotion(emotion))
        for block, modulation in zip(self._blocks, modulations, strict=True):
            block.step(x, modulation)
        last = norm(x)
        raw = weights.lip_head(last)
        raw[:, :NUM_LINEAR] *= np.array(LIP_SCALE, np.float32)
        raw[:, NUM_LINEAR:] = sigmoid(raw[:, NUM_LINEAR:])
        # The first L hidden frames answer for instants before the sound.
        early = max(self._look_ahead - self._hidden, 0)
        answers: Array = raw[early:]
        if self._kept is not None:
            self._kept.append(last[early:])
        self._hidden += self._chunk
        return answers

    def _modulations_of(self, condition: Array) -> list[Array]:
        condition = silu(condition)
        return [block.modulation(condition) for block in self._weights.blocks]

    def _phones_now(self) -> Int[Array, " frames"]:
        if self._phones is None:
            return np.full(self._chunk, UNKNOWN_PHONE)
        now = np.full(self._chunk, _SILENCE)
        known = self._phones[self._hidden : self._hidden + self._chunk]
        now[: len(known)] = known
        return now


def _windows(rows: Array, *, taps: int, stride: int) -> Array:
    """Each window of `taps` rows in one row, one after the other."""
    count = (len(rows) - taps) // stride + 1
    windows = np.empty((count, taps, rows.shape[1]), np.float32)
    for k in range(taps):
        windows[:, k] = rows[k : k + stride * (count - 1) + 1 : stride]
    return windows.reshape(count, -1)


CHUNK_LATENTS = 64  # Latents computed at a time when nobody waits for them.
_SPAN = 2 * LATENT_FRAMES - 1
"""Latent v stands at motion frame 4v + 7 - L: the last hidden frame it has heard is 4v + 3, and interpolation needs
the latent after it."""


class ExpressionStream:
    """Runs the expression path with memory of fixed size. Every answer is the same however the input was cut."""

    def __init__(self, net: MotionNet, look_ahead_frames: int, *, chunk_latents: int = CHUNK_LATENTS) -> None:
        """Start before the first row; `chunk_latents` (of 4 frames) are computed at a time: 1 to be live.

        Other lengths give the same answers but for rounding. ValueError: the network has no such look-ahead.
        """
        self._weights = net.expression
        self._chunk = chunk_latents
        self._look_ahead = look_ahead_frames
        self._look_ahead_row = net.expression.look_ahead[net.look_ahead_index(look_ahead_frames)]
        self._rows = RowBuffer(before=1)
        self._emotion = np.empty((0, len(EMOTION_COLUMNS)), np.float32)
        self._emotion_first = 0
        """Motion frame of the first row of `_emotion`."""
        self._blocks = [BlockStream(block, chunk=chunk_latents) for block in net.expression.blocks]
        self._latents = np.empty((0, net.expression.head.bias.size), np.float32)
        """Answers of the latents that are still read."""
        self._computed = 0
        """Latents computed."""
        self._answered = 0

    @property
    def num_answered(self) -> int:
        """Answers given so far: the next one belongs to this motion frame."""
        return self._answered

    def push(
        self, rows: Float[Array, "_rows band=40"], emotion: Float[Array, "_frames 21"]
    ) -> Float[Array, "_answers output=80"]:
        """Hear the next rows (`hearing.LevelFollower`) and feel the next motion frames; returns what they complete.

        Rows and frames are counted on their own: each continues where its last push ended. The emotion is asked for up
        to 4 frames after the frame that is answered. Answers follow `channels`, one for each motion frame.
        """
        self._rows.push(rows)
        self._emotion = np.concatenate([self._emotion, emotion.astype(np.float32)])
        answers = [np.empty((0, self._weights.head.bias.size), np.float32)]
        span = LATENT_ROWS * self._chunk
        while self._rows.has(span) and self._last_felt() < self._emotion_first + len(self._emotion):
            fresh = self._compute(self._rows.next(span, advance=span))
            self._latents = np.concatenate([self._latents, fresh])
            self._computed += self._chunk
            answers.append(self._interpolated())
        return np.concatenate(answers)

    def finish(self, num_frames: int) -> Float[Array, "_answers output=80"]:
        """End the sound: the answers that are missing to `num_frames` motion frames; silence and the last emotion stay.

        The stream must not be used any more. ValueError when more answers than that are out already, or when no
        emotion was ever given.
        """
        missing = num_frames - self._answered
        if missing < 0 or not len(self._emotion):
            raise ValueError(
                f"{self._answered} of {num_frames} frames are answered, with {len(self._emotion)} emotions"
            )
        pieces = [np.empty((0, self._weights.head.bias.size), np.float32)]
        while missing > sum(map(len, pieces)):
            more = np.repeat(self._emotion[-1:], LATENT_FRAMES * self._chunk, axis=0)
            pieces.append(self.push(self._rows.silence(LATENT_ROWS * self._chunk), more))
        return np.concatenate(pieces)[:missing]

    def _felt(self) -> Array:
        """Motion frames whose emotion the next chunk of latents sees."""
        latents = np.arange(self._computed, self._computed + self._chunk)
        return np.maximum(LATENT_FRAMES * latents + _SPAN - self._look_ahead, 0)

    def _last_felt(self) -> int:
        return int(self._felt()[-1])

    def _compute(self, rows: Array) -> Array:
        weights = self._weights
        felt = self._felt()
        emotion = self._emotion[felt - self._emotion_first]
        # The next chunk starts at or after this one's last frame.
        self._emotion = self._emotion[felt[-1] - self._emotion_first :]
        self._emotion_first = int(felt[-1])
        x = weights.stem_dense(silu(weights.stem_mel(rows.reshape(self._chunk, -1))))
        condition = silu(weights.emotion(emotion) + self._look_ahead_row)
        for block, block_weights in zip(self._blocks, weights.blocks, strict=True):
            block.step(x, block_weights.modulation(condition))
        return weights.head(norm(x))

    def _interpolated(self) -> Array:
        """Answers of the motion frames whose latents are all there; forgets latents that are read no more."""
        first_latent = self._computed - len(self._latents)
        at_last = LATENT_FRAMES * (self._computed - 1) + _SPAN - self._look_ahead
        frames = np.arange(self._answered, max(at_last + 1, self._answered))
        ahead = np.maximum(frames + self._look_ahead - _SPAN, 0)
        below = ahead // LATENT_FRAMES
        share = ((ahead % LATENT_FRAMES) / LATENT_FRAMES).astype(np.float32)[:, None]
        low = self._latents[below - first_latent]
        high = self._latents[np.minimum(below + 1, self._computed - 1) - first_latent]
        self._answered += len(frames)
        self._latents = self._latents[-1:]
        return np.asarray(low + share * (high - low))
