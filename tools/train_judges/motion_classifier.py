"""Judges that name the emotion of a performance; taught with the rules animator's, used on anybody's."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.motion import joined_motion
from face_emote.core.names import BLOOD_REGIONS, NUM_SHAPE, WRINKLES
from face_emote.core.types import EmotionKey, EmotionPlan, MotionInfo, PerformanceStyle
from face_emote.emotion.blending import State, finished
from face_emote.face.head import Head
from face_emote.motion.perform import perform
from face_emote.motion.player import player_of
from face_emote.network.convnet import Conv, ConvNetSpec
from face_emote.perception.face import FACE_CONTROLS, NUM_FACE_FEATURES
from face_emote_lab.train.corpus.cache import Corpus
from tools.train_judges.experts import face_features, face_windows
from tools.train_judges.torch_convnet import TorchConvNet
from tools.train_network.random_plans import pair_state, single_state
from tools.train_network.teacher_expression import analysis_from_mels

CLIP_FRAMES = 200
FPS = 25.0
LEAST_INTENSITY = 0.45
UNSEEN = 0.5
"""How often folds, blood and the head are not seen."""
CONTROL_GAIN, FACE_GAIN = (0.6, 1.12), (0.8, 1.1)
RESTING, RESTING_FOLDS, RESTING_SHARE = 0.12, 0.08, 0.4
"""Spread of what a face at rest shows of a control and of a fold, and share of them that it shows."""
WAVERING, WAVES = 0.072, 5
"""The same of what comes and goes, five times in a window."""
_NUM_CONTROLS = len(FACE_CONTROLS)
_FOLDS = slice(_NUM_CONTROLS, _NUM_CONTROLS + len(WRINKLES))
_BLOOD_FLOW = slice(_FOLDS.stop, _FOLDS.stop + len(BLOOD_REGIONS))
_NECK = slice(_BLOOD_FLOW.stop, NUM_FACE_FEATURES)
_BLOOD = ("stage", "stage", "physiological", "off")


@dataclass(frozen=True, slots=True, eq=False)
class Performances:
    """Windows of performances and what was asked for."""

    windows: Float[Array, "window frames=25 feature"]
    label: Int[Array, " window"]
    clip: Int[Array, " window"]
    """Which performance a window is of."""


def classifier_net(num_labels: int, *, seed: int) -> TorchConvNet:
    """An untrained judge; its weights follow from the seed alone."""
    spec = ConvNetSpec(inputs=NUM_FACE_FEATURES, convs=(Conv(64, 3), Conv(64, 3)), dense=(96, num_labels))
    return TorchConvNet(spec, generator=torch.Generator().manual_seed(seed))


def random_state_of(label: str, rng: np.random.Generator, *, least: float) -> State:
    """A state that the label describes, at an intensity of at least so much."""
    intensity = float(rng.uniform(least, 1.0))
    if "+" in label:
        first, second = label.split("+")
        return pair_state(first, second, intensity=intensity, share=float(rng.uniform(0.42, 0.58)))
    return single_state(label, intensity=intensity)


def performances(
    corpus: Corpus,
    *,
    labels: tuple[str, ...],
    count: int,
    head: Head,
    seed: int,
    split: str = "train",
    least: float = LEAST_INTENSITY,
) -> Performances:
    """`count` performances of every label by the rules animator, on stretches of real speech, in varied styles."""
    rng = np.random.default_rng([seed, count, len(labels)])
    windows, label_of, clip_of = [], [], []
    spoken = speech_stretches(corpus, split=split, rng=rng)
    for number in range(count * len(labels)):
        label = number % len(labels)
        plan = EmotionPlan(keys=(EmotionKey(0.0, finished(random_state_of(labels[label], rng, least=least))),))
        mels, phones = next(spoken)
        style = PerformanceStyle(
            energy=float(rng.uniform(0.85, 1.15)),
            asymmetry=float(rng.uniform(0.0, 0.2)),
            head=float(rng.uniform(0.6, 1.3)),
            lips=float(rng.uniform(0.8, 1.2)),
            blood=_BLOOD[int(rng.integers(len(_BLOOD)))],
        )
        info = MotionInfo(basis=head.basis, seed=int(rng.integers(2**31)))
        player = player_of(head, style=style, fps=FPS, info=info, betas=np.zeros(NUM_SHAPE, np.float32))
        blocks = perform(analysis_from_mels(mels, phones), plan, player=player)
        found = face_windows(face_features(joined_motion(list(blocks))))
        windows.append(found)
        label_of += [label] * len(found)
        clip_of += [number] * len(found)
    return Performances(np.concatenate(windows), np.array(label_of), np.array(clip_of))


def as_captured(
    windows: Float[Array, "window frames feature"], rng: np.random.Generator, *, waves: int = WAVES, habits: float = 1.0
) -> Float[Array, "window frames feature"]:
    """Windows as a camera might have read them from somebody: with a resting face of its own, controls that come
    out too weak or waver (so many times in a window), and often without folds, blood or the head. `habits`: how much of
    rest and wavering is left, for a camera that has seen the face at rest.
    """
    seen, count = windows.copy(), len(windows)
    for group in (_FOLDS, _BLOOD_FLOW, _NECK):
        seen[rng.random(count) < UNSEEN, :, group] = 0.0
    controls = seen[:, :, :_NUM_CONTROLS]
    shape = (count, 1, _NUM_CONTROLS)
    controls *= rng.uniform(*CONTROL_GAIN, shape) * rng.uniform(*FACE_GAIN, (count, 1, 1))
    controls += np.abs(rng.normal(0.0, habits * RESTING, shape)) * (rng.random(shape) < RESTING_SHARE)
    wavering = np.abs(rng.normal(0.0, habits * WAVERING, (count, waves, _NUM_CONTROLS))) * (
        rng.random(shape) < RESTING_SHARE
    )
    controls += np.repeat(wavering, windows.shape[1] // waves, axis=1)
    folds = (count, 1, _FOLDS.stop - _FOLDS.start)
    seen[:, :, _FOLDS] += np.abs(rng.normal(0.0, habits * RESTING_FOLDS, folds)) * (rng.random(folds) < RESTING_SHARE)
    return seen


def speech_stretches(corpus: Corpus, *, split: str, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Random stretches of up to 4 s of clips whose phones are known, without end."""
    usable = [
        i
        for i, row in enumerate(corpus.clips)
        if row.split == split and row.kind != "silent" and row.num_frames > 75 and int(corpus.phones(i)[0]) != 255
    ]
    while True:
        index = usable[int(rng.integers(len(usable)))]
        spare = corpus.clips[index].num_frames - CLIP_FRAMES
        first = int(rng.integers(0, max(spare, 0) + 1))
        frames = slice(first, first + CLIP_FRAMES)
        yield np.asarray(corpus.mels(index)[2 * first : 2 * frames.stop]), np.asarray(corpus.phones(index)[frames])


def clip_accuracy(logits: Float[Array, "window label"], judged: Performances) -> float:
    """Share of performances named right by the mean probability of their windows."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    share = shifted / shifted.sum(axis=1, keepdims=True)
    right = 0
    clips = np.unique(judged.clip)
    for clip in clips:
        own = judged.clip == clip
        right += int(share[own].mean(axis=0).argmax()) == int(judged.label[own][0])
    return right / len(clips)
