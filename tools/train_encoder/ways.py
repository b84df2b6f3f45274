"""Ways to read moments as rows of numbers: the encoder's, and what it is compared with."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from face_emote.core.arrays import Array, Float
from face_emote.network.convnet import ConvNet, convolved
from face_emote.perception.encoder import EncoderSpec
from face_emote.perception.face import FACE_FRAMES, load_face_reader
from face_emote.perception.voice import FARTHEST
from face_emote.perception.words import language_of, load_reader
from face_emote.perception.words_features import denied_in, tokens_of
from tools.train_encoder.lessons import cut
from tools.train_encoder.moments import Moment
from tools.train_encoder.teach import Pupil, set_pools

Reads = Callable[[Sequence[Moment]], Float[Array, "moment column"]]


def encoded_by(pupil: Pupil) -> Reads:
    """Embeddings of moments."""

    def reads(moments: Sequence[Moment]) -> Float[Array, "moment column"]:
        found, spec = [], pupil.net.spec
        mean, scale = (pupil.net.weight(f"pool.{name}").numpy() for name in ("mean", "scale"))
        with torch.no_grad():
            for first in range(0, len(moments), 64):
                batch = pupil.net.batch([cut(m.tracks, chunk=spec.chunk) for m in moments[first : first + 64]])
                pooled = pupil.net.pooled(pupil.net(batch), batch).numpy()
                there = np.abs(pooled.reshape(len(pooled), -1, spec.width)).sum(axis=2) > 0.0
                found.append((pooled - mean) / scale * np.repeat(there, spec.width, axis=1))
        return np.concatenate(found)

    return reads


def untaught(moments: Sequence[Moment]) -> Pupil:
    """Random weights, with the right normalisation."""
    pupil = Pupil(EncoderSpec(), seed=5).eval()
    some = moments[:: max(len(moments) // 4000, 1)]
    with torch.no_grad():
        pupil.net.set_normalisation([m.tracks for m in some])
    set_pools(pupil, some)
    return pupil


def plain_figures(moments: Sequence[Moment]) -> Float[Array, "moment column"]:
    """Functionals of the voice; mean and maximum of the words' states; mean and deviation of the face."""
    return np.stack([np.concatenate([voice_figures(m), *_word_figures(m), *_face_figures(m)]) for m in moments])


def voice_figures(moment: Moment) -> Array:
    """Functionals of a voice, in the mean over its windows; zeros without one."""
    rows = moment.tracks[1].rows.astype(np.float32)
    return rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1], np.float32)


def _word_figures(moment: Moment) -> tuple[Array, ...]:
    rows = np.concatenate([track.rows for track in moment.tracks[2:4]]).astype(np.float32)
    return (rows.mean(axis=0), rows.max(axis=0)) if len(rows) else (np.zeros(rows.shape[1]),) * 2


def _face_figures(moment: Moment) -> tuple[Array, ...]:
    rows = np.nan_to_num(moment.tracks[4].rows.astype(np.float32))
    return (rows.mean(axis=0), rows.std(axis=0)) if len(rows) else (np.zeros(rows.shape[1]),) * 2


def hidden_layers(nets: Sequence[ConvNet]) -> Reads:
    """Of the readers of voices (these), of words and of faces (those that are shipped)."""
    return lambda moments: np.stack(
        [np.concatenate([_hidden_voice(m, nets), _hidden_words(m), _hidden_face(m)]) for m in moments]
    )


def _hidden_voice(moment: Moment, nets: Sequence[ConvNet]) -> Array:
    heard = len(moment.tracks[1].place) > 0
    rows = np.clip((voice_figures(moment) - nets[0].mean) / nets[0].scale, -FARTHEST, FARTHEST) * heard
    return np.concatenate([np.maximum(rows @ net.kernels[0][0] + net.biases[0], 0.0) * heard for net in nets])


def _hidden_words(moment: Moment) -> Array:
    tokens = tokens_of(moment.line)
    net = load_reader(language_of(tokens)[0] if tokens else "en").net
    return net.hidden_of(tokens, denied_in(tokens)) if tokens else np.zeros(len(net.hidden_bias), np.float32)


def _hidden_face(moment: Moment) -> Array:
    net = load_face_reader()
    x = np.nan_to_num(moment.tracks[4].rows.astype(np.float32))
    if not len(x):
        return np.zeros(len(net.biases[-2]), np.float32)
    x = (np.pad(x, ((0, max(FACE_FRAMES - len(x), 0)), (0, 0)), mode="edge") - net.mean) / net.scale
    convs = len(net.spec.convs)
    for kernel, bias in zip(net.kernels[:convs], net.biases[:convs], strict=True):
        x = np.maximum(convolved(x, kernel, bias=bias, stride=1, same=False), 0.0)
    x = np.concatenate([x.mean(axis=0), x.max(axis=0)])
    for kernel, bias in zip(net.kernels[convs:-1], net.biases[convs:-1], strict=True):
        x = np.maximum(x @ kernel + bias, 0.0)
    return x
