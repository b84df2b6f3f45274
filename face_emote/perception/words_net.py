"""The small net that reads a sentence: words as sums of hashed pieces, two convolutions, three kinds of pooling.

It is trained by `tools.train_words`; `assets/perception/README.md` is its model card.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.errors import CheckpointError
from face_emote.core.reading import read_npz
from face_emote.perception.words_features import DENIED, pair_keys, pieces_of

NUM_GLANCES = 4  # Attentions, each over its own share of the channels.


@dataclass(frozen=True, slots=True)
class WordsNet:
    """Weights of one net as they are computed with."""

    table: Int[Array, "row dim"]  # Int8, 2^n rows; the row's scale times it is the vector of a piece of a word.
    scale: Float[Array, " row"]
    near: Float[Array, "taps_times_dim channel"]
    near_bias: Float[Array, " channel"]
    wide: Float[Array, "taps_times_channel channel"]
    wide_bias: Float[Array, " channel"]
    glance: Float[Array, "channel glance"]
    hidden: Float[Array, "pooled hidden"]
    hidden_bias: Float[Array, " hidden"]
    answer: Float[Array, "hidden answer"]
    answer_bias: Float[Array, " answer"]

    def __call__(self, tokens: Sequence[str], denied: Bool[Array, " token"]) -> Float[Array, " answer"]:
        """Answers (logits) for one sentence of at least one token."""
        return np.asarray(self.hidden_of(tokens, denied) @ self.answer + self.answer_bias)

    def hidden_of(self, tokens: Sequence[str], denied: Bool[Array, " token"]) -> Float[Array, " hidden"]:
        """What the answers are made from."""
        x = self._vectors(tokens, denied)
        bag = x.sum(axis=0) / np.sqrt(len(x))
        y = self._in_context(x)
        share = _softmax(y @ self.glance)
        seen = np.einsum("tg,tgc->gc", share, y.reshape(len(y), NUM_GLANCES, -1)).ravel()
        pooled = np.concatenate([bag, y.max(axis=0), seen])
        return np.asarray(np.maximum(pooled @ self.hidden + self.hidden_bias, 0.0))

    def states(self, tokens: Sequence[str], denied: Bool[Array, " token"]) -> Float[Array, "token channel"]:
        """What is known of each token and its neighbours before they are pooled."""
        return self._in_context(self._vectors(tokens, denied))

    def _in_context(self, x: Float[Array, "token dim"]) -> Float[Array, "token channel"]:
        y = np.maximum(_taps(x, 1) @ self.near + self.near_bias, 0.0)
        return np.asarray(y + np.maximum(_taps(y, 2) @ self.wide + self.wide_bias, 0.0))

    def _vectors(self, tokens: Sequence[str], denied: Bool[Array, " token"]) -> Float[Array, "token dim"]:
        pieces = [pieces_of(token) for token in tokens]
        counts = np.array([len(rows) for rows in pieces])
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        words = np.add.reduceat(self._rows(np.concatenate(pieces)), starts, axis=0) / np.sqrt(counts)[:, None]
        return np.asarray(words + self._rows(pair_keys(tokens)) + denied[:, None] * self._rows(np.array([DENIED])))

    def _rows(self, keys: Int[Array, " key"]) -> Float[Array, "key dim"]:
        rows = keys & (len(self.table) - 1)
        return np.asarray(self.table[rows] * self.scale[rows, None])


def _taps(x: Float[Array, "token channel"], apart: int) -> Float[Array, "token taps"]:
    """Each token with the ones `apart` before and after it."""
    channels = x.shape[1]
    taps = np.zeros((len(x), 3 * channels), x.dtype)
    taps[apart:, :channels] = x[:-apart]
    taps[:, channels : 2 * channels] = x
    taps[:-apart, 2 * channels :] = x[apart:]
    return taps


def _softmax(logits: Float[Array, "token glance"]) -> Float[Array, "token glance"]:
    powers = np.exp(logits - logits.max(axis=0))
    return np.asarray(powers / powers.sum(axis=0))


def read_words_net(path: Path) -> tuple[WordsNet, dict[str, Array]]:
    """A net, and the other arrays of its file. CheckpointError: the file is missing or damaged."""
    try:
        arrays = read_npz(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"The weights that read words cannot be read ({error}); fetch them again: {path}"
        ) from None
    names = WordsNet.__slots__
    missing = [name for name in names if name not in arrays]
    if missing or arrays["table"].dtype != np.int8 or arrays["table"].shape[0].bit_count() != 1:
        raise CheckpointError(f"The weights that read words are of another version; fetch them again: {path}")
    own = {name: arrays.pop(name) for name in names}
    own = {name: array if name == "table" else array.astype(np.float32) for name, array in own.items()}
    return WordsNet(**own), arrays
