"""A reader of what is shown and of what is hidden beneath it, on faces that were spoilt; it only measures.

It is no part of what makes a face: it has seen pairs of performances, the same words and seed over another hidden
feeling, as whoever films a stranger would have: with noise, another resting face, controls that come out too strong or
too weak, cut at any time, and often without folds, blood or the head.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import EMOTIONS
from face_emote.network.convnet import Conv, ConvNetSpec
from face_emote.perception.face import NUM_FACE_FEATURES
from tools.train_judges.experts import COMPOUNDS
from tools.train_judges.motion_classifier import as_captured
from tools.train_judges.torch_convnet import FitConfig, Report, TorchConvNet, fit, set_normalisation

WINDOW_FRAMES = 63
"""5 s of `perception.evidence.READING_HZ`, anywhere in a performance."""
SHOWN = (*EMOTIONS, *COMPOUNDS)
HIDDEN = ("nothing", *EMOTIONS[1:])
FACE = ConvNetSpec(
    inputs=NUM_FACE_FEATURES,
    convs=(Conv(96, 3), Conv(96, 5, 2), Conv(96, 3)),
    dense=(128, len(SHOWN) + len(HIDDEN)),
)
UNREAD = 0.1
"""Share of single controls that are not read at all."""
NOISE = 0.02
WAVES = 9  # Of controls that waver, in a window.
HABITS = 1.0 / 3.0  # Of what `as_captured` lets a face show at rest and waver by: the camera has seen it at rest.


@dataclass(frozen=True, slots=True, eq=False)
class Performed:
    """Faces and what was asked of them."""

    faces: Float[Array, f"clip frames feature={NUM_FACE_FEATURES}"]
    shown: Int[Array, " clip"]
    hidden: Int[Array, " clip"]


def windows_of(
    faces: Float[Array, f"clip frames feature={NUM_FACE_FEATURES}"], rng: np.random.Generator
) -> Float[Array, f"clip window={WINDOW_FRAMES} feature={NUM_FACE_FEATURES}"]:
    """A spoilt stretch of each."""
    starts = rng.integers(0, faces.shape[1] - WINDOW_FRAMES + 1, len(faces))
    cut = np.stack([face[start : start + WINDOW_FRAMES] for face, start in zip(faces, starts, strict=True)])
    seen = as_captured(cut, rng, waves=WAVES, habits=HABITS)
    seen *= rng.random((len(seen), 1, NUM_FACE_FEATURES)) >= UNREAD
    return np.asarray(seen + rng.normal(0.0, NOISE, seen.shape), np.float32)


def taught(known: Performed, *, steps: int, seed: int, report: Report) -> TorchConvNet:
    """A reader that has learnt from performances."""
    net = TorchConvNet(FACE, generator=torch.Generator().manual_seed(seed))
    set_normalisation(net, torch.from_numpy(windows_of(known.faces, np.random.default_rng(seed))))

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([seed, 21, step])
        chosen = rng.choice(len(known.shown), size=64)
        answers = net(torch.from_numpy(windows_of(known.faces[chosen], rng)))
        parts = zip(answers.split([len(SHOWN), len(HIDDEN)], dim=-1), (known.shown, known.hidden), strict=True)
        losses = [
            functional.cross_entropy(own, torch.from_numpy(label[chosen]), label_smoothing=0.02) for own, label in parts
        ]
        return losses[0] + losses[1]

    fit(net, loss_at=loss, config=FitConfig(steps=steps, rate=1e-3, weight_decay=0.05), report=report)
    return net


@torch.no_grad()
def read(net: TorchConvNet, faces: Array, *, looks: int, seed: int) -> tuple[Array, Array]:
    """Probabilities of `SHOWN` and of `HIDDEN` [look, clip, label] by so many spoilt stretches of each."""
    found = []
    for look in range(looks):
        answers = net(torch.from_numpy(windows_of(faces, np.random.default_rng([seed, 22, look]))))
        found.append([torch.softmax(part, dim=-1).numpy() for part in answers.split([len(SHOWN), len(HIDDEN)], dim=-1)])
    shown, hidden = zip(*found, strict=True)
    return np.stack(shown), np.stack(hidden)
