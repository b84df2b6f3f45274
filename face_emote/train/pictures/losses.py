"""The losses of the image stage: answers are drawn, and judges of pictures look at them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Float, Int
from face_emote.core.names import EMOTIONS
from face_emote.train.config import PictureConfig
from face_emote.train.experts.sync_net import embedded
from face_emote.train.pictures.nets import (
    MOTION,
    FrozenPictureSync,
    PictureEncoder,
    read_feeling_net,
    read_picture_sync,
)
from face_emote.train.pictures.painter import Painter, painter

SYNC_FILE, FEELING_FILE = "picture_sync_train.safetensors", "picture_feeling_train.safetensors"
SHIFTS = (-12, -8, -5, -3, 3, 5, 8, 12)
"""Frames by which a sound is moved to be a wrong match."""
TEMPERATURE = 0.1
SYNC_CAMERA, FEELING_CAMERA = "mouth", "front"


@dataclass(frozen=True, slots=True, eq=False)
class PictureStage:
    """Judges and painters; None where a loss is off."""

    config: PictureConfig
    sync: FrozenPictureSync | None
    mouth: Painter | None
    feeling: PictureEncoder | None
    face: Painter | None

    def due(self, step: int) -> bool:
        """Whether this step looks at pictures."""
        return step % self.config.every == 0

    def sync_loss(
        self,
        lips: Float[Tensor, "crop frame 9"],
        *,
        rows: Float[Tensor, "crop row 40"],
        late: Int[Tensor, " crop"],
        rng: np.random.Generator,
    ) -> Float[Tensor, ""]:
        """Cross-entropy of each window's own sound against the sounds 60 to 240 ms away, of some drawn windows.

        Args:
            lips: Answers in natural units; frame t belongs to motion frame t - late.
            rows: Normalised, two a frame.
            late: Look-ahead of each crop, frames.
            rng: Chooses crops and stretches.
        """
        assert self.sync is not None
        assert self.mouth is not None
        length, reach = self.config.frames, max(SHIFTS)
        sound = embedded(self.sync.net.audio, rows.float())
        terms = []
        for crop in rng.permutation(len(lips))[: self.config.crops]:
            delay, count = int(late[crop]), length - MOTION.window + 1
            last = min(lips.shape[1] - length, sound.shape[1] - reach - count + delay)
            first = int(rng.integers(reach + delay, max(last, reach + delay) + 1))
            drawn = self.mouth.mouths(lips[crop, first : first + length])
            motion = self.sync.net.watched(drawn[None])[0]
            own = first - delay
            heard = torch.stack([sound[crop, own + s : own + s + count] for s in (0, *SHIFTS)], dim=1)
            logits = (heard * motion[:, None]).sum(-1) / TEMPERATURE
            terms.append(functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64)))
        return torch.stack(terms).mean()

    def feeling_loss(
        self,
        answers: Float[Tensor, "crop frame 80"],
        *,
        felt: Float[Tensor, "crop frame 21"],
        rng: np.random.Generator,
    ) -> Float[Tensor, ""]:
        """Cross-entropy of the feeling that the judge reads off drawn faces to the one that was asked for.

        Args:
            answers: Of the expression path, per motion frame.
            felt: What was asked for, in step with them; begins with the mix over `names.EMOTIONS`.
            rng: Chooses the frames.
        """
        assert self.feeling is not None
        assert self.face is not None
        count = self.config.crops * 4
        crop = torch.from_numpy(rng.integers(0, len(answers), count))
        frame = torch.from_numpy(rng.integers(answers.shape[1] // 2, answers.shape[1], count))
        drawn = self.face.feelings(answers[crop, frame])
        wanted = felt[crop, frame, : len(EMOTIONS)].clamp_min(0.0)
        return soft_cross_entropy(self.feeling(drawn), wanted)


def soft_cross_entropy(logits: Float[Tensor, "n k"], mix: Float[Tensor, "n k"]) -> Float[Tensor, ""]:
    """Against a mix, which is made to sum to 1, above the least it can be."""
    share = mix / mix.sum(dim=1, keepdim=True).clamp_min(1e-6)
    return functional.kl_div(functional.log_softmax(logits, dim=1), share, reduction="batchmean")


def load_picture_stage(config: PictureConfig, *, experts: Path) -> PictureStage:
    """Judges from a folder of experts, and what they look at.

    Raises:
        CheckpointError: an expert's file is missing or damaged.
    """
    sync = read_picture_sync(experts / SYNC_FILE) if config.sync else None
    feeling = read_feeling_net(experts / FEELING_FILE) if config.feeling else None
    return PictureStage(
        config=config,
        sync=sync,
        mouth=painter(SYNC_CAMERA, size=config.size) if sync else None,
        feeling=feeling,
        face=painter(FEELING_CAMERA, size=config.size) if feeling else None,
    )
