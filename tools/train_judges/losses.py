"""Losses of the motion network that ask trained judges, by the weights that a training configuration gives them.

```toml
[judges]
reader = 0.05            # can the phones be read off the lips?
[judges.pictures]
sync = 0.03              # does the drawn mouth go with the sound?
```
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from face_emote.core.errors import ConfigError
from face_emote.face.bundled import load_head
from face_emote_lab.train.config import TrainConfig, from_table
from face_emote_lab.train.crops import Crops
from face_emote_lab.train.lip_losses import LipTruth, mean_of, natural
from face_emote_lab.train.objective import Terms
from tools.train_judges.emotional_sync import EmotionalSyncNet, feeling_terms, read_emotional_sync
from tools.train_judges.lip_judges import SyncNet, likeness_loss, read_lip_reader, read_sync, reader_loss, sync_loss
from tools.train_judges.mouth import AIMS, MouthMesh, mouth_mesh
from tools.train_judges.picture_losses import PictureConfig, PictureStage, load_picture_stage
from tools.train_judges.torch_convnet import TorchConvNet
from tools.train_network.faces import ExpressionCrops, upsampled

SYNC, READER, FEELING = "sync_train.safetensors", "lip_reader_train.safetensors", "emotional_sync_train.safetensors"


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """The table `judges` of a training configuration: how much each counts; 0 is off."""

    vertices: float = 0.0
    """Distance of the mouth's vertices; needs no trained judge."""
    reader: float = 0.0
    """The lip reader."""
    sync: float = 0.0
    """The SyncNet on lip geometry: lips go with their own sound rather than with sounds beside it."""
    sync_likeness: float = 0.0
    """The same net: lips move as the true ones do, as it sees them."""
    feeling_sync: float = 0.0
    """Emotional sync: the face shows what was asked for, and follows the voice."""
    feeling_exchange: float = 0.0
    """Swapped emotions have to be followed."""
    pictures: PictureConfig = PictureConfig()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True, eq=False)
class TrainedJudges:
    """Frozen judges; None where a loss is off. They are asked by `face_emote_lab.train.objective`."""

    weights: JudgeConfig
    training: TrainConfig
    mouth: MouthMesh | None
    reader: TorchConvNet | None
    sync: SyncNet | None
    feeling: EmotionalSyncNet | None
    pictures: PictureStage | None

    def of_lips(self, answers: Tensor, crops: Crops, *, truth: LipTruth, step: int) -> Terms:
        """What is said about answers of the lip path."""
        weights, terms = self.weights, {}
        if self.mouth is not None:
            terms["vertices"] = weights.vertices * vertices_loss(answers, truth, mouth=self.mouth)
        if self.reader is not None:
            terms["reader"] = weights.reader * reader_loss(answers, truth, reader=self.reader)
        if self.sync is not None:
            rows, late = (value.to(answers.device) for value in (torch.from_numpy(crops.rows), self._late(crops)))
            if weights.sync:
                told = sync_loss(self.sync, answers, rows=rows, late=late, loudness=truth.loudness)
                terms["sync"] = weights.sync * told
            if weights.sync_likeness:
                terms["sync_likeness"] = weights.sync_likeness * likeness_loss(self.sync, answers, truth)
        stage = self.pictures
        if stage is not None and stage.sync is not None and stage.due(step):
            rng = np.random.default_rng([self.training.seed, step, 15])
            lips, rows = natural(answers.float()).cpu(), torch.from_numpy(crops.rows)
            found = stage.sync_loss(lips, rows=rows, late=self._late(crops), rng=rng)
            terms["picture_sync"] = weights.pictures.sync * found.to(answers.device)
        return terms

    def of_faces(self, latents: Tensor, crops: ExpressionCrops, *, step: int) -> Terms:
        """What is said about answers of the expression path."""
        weights, terms = self.weights, {}
        if self.feeling is not None:
            rows, wanted = (torch.from_numpy(value).to(latents.device) for value in (crops.rows, crops.emotion))
            told = feeling_terms(self.feeling, latents, rows=rows, wanted=wanted)
            terms["emotional_sync"] = weights.feeling_sync * (told.vad + told.lag)
            terms["emotion_exchange"] = weights.feeling_exchange * told.exchange
        stage = self.pictures
        if stage is not None and stage.feeling is not None and stage.due(step):
            frames = crops.felt.shape[1] - max(self.training.net.look_ahead_frames)
            rng = np.random.default_rng([self.training.seed, step, 16])
            faces = upsampled(latents.float().cpu(), frames, look_ahead_frames=self._late(crops))
            found = stage.feeling_loss(faces, felt=torch.from_numpy(crops.felt[:, :frames]), rng=rng)
            terms["picture_feeling"] = weights.pictures.feeling * found.to(latents.device)
        return terms

    def _late(self, crops: Crops | ExpressionCrops) -> Tensor:
        """Frames of look-ahead of each crop."""
        return torch.tensor(self.training.net.look_ahead_frames)[torch.from_numpy(crops.look_ahead)]


def load_judges(training: TrainConfig, *, experts: Path | None, device: torch.device) -> TrainedJudges:
    """Load what the configuration's losses need.

    Raises:
        ConfigError: the table `judges` cannot be used, or a loss needs experts and there are none.
        CheckpointError: an expert's file is missing or damaged.
    """
    weights = from_table(JudgeConfig, training.judges, where=f"the judges of {training.name}")
    drawn = weights.pictures
    needs = {
        "reader": weights.reader, "sync": weights.sync, "sync_likeness": weights.sync_likeness,
        "feeling_sync": weights.feeling_sync, "feeling_exchange": weights.feeling_exchange,
        "pictures.sync": drawn.sync, "pictures.feeling": drawn.feeling,
    }  # fmt: skip
    named = [name for name, weight in needs.items() if weight]
    if named and experts is None:
        raise ConfigError(f"judges.{named[0]} needs trained experts: give --experts DIR (see docs/training.md)")
    _require_drawable(drawn, training)
    folder = experts or Path()
    judges_feeling = bool(weights.feeling_sync or weights.feeling_exchange)
    return TrainedJudges(
        weights=weights,
        training=training,
        mouth=mouth_mesh(load_head(), device=device) if weights.vertices else None,
        reader=read_lip_reader(folder / READER).to(device) if weights.reader else None,
        sync=read_sync(folder / SYNC).to(device) if weights.sync or weights.sync_likeness else None,
        feeling=read_emotional_sync(folder / FEELING).to(device) if judges_feeling else None,
        pictures=load_picture_stage(drawn, experts=folder) if drawn.sync or drawn.feeling else None,
    )


def _require_drawable(drawn: PictureConfig, training: TrainConfig) -> None:
    room = training.data.crop_frames - max(training.net.look_ahead_frames) - 24
    rules = (
        (drawn.every >= 1 and drawn.crops >= 1, "pictures.every and .crops must be at least 1"),
        (
            not drawn.sync or 20 <= drawn.frames <= room,
            "pictures.frames must be at least 20, and data.crop_frames 24 and the look-ahead more",
        ),
        (24 <= drawn.size <= 256 and drawn.size % 2 == 0, "pictures.size must be even, 24 to 256"),
    )
    for holds, complaint in rules:
        if not holds:
            raise ConfigError(f"The training configuration {training.name!r} cannot be used: judges.{complaint}")


def vertices_loss(pred: Tensor, truth: LipTruth, *, mouth: MouthMesh) -> Tensor:
    """Mean squared distance of the mouth's vertices, mm^2, before contacts are sealed.

    A channel that is not known is taken from the answer on both sides, so that it cannot be blamed; frames of which
    nothing is known do not count.
    """
    answer, known = (values[..., : len(AIMS)] for values in (natural(pred.float()), truth.known))
    aims = torch.where(known > 0.0, truth.target[..., : len(AIMS)], answer.detach())
    with torch.no_grad():
        wanted = mouth.vertices(aims)
    away = 1000.0 * (mouth.vertices(answer) - wanted)
    return mean_of(away.square().sum(dim=-1).mean(dim=-1), weights=known.amax(dim=-1))
