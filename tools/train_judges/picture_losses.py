"""The losses of the image stage: answers are drawn as small grey pictures, with gradients, and judges look at them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Float, Int
from face_emote.core.names import CONTROLS, EMOTIONS
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.motion.feeling.blood import PROFILE
from face_emote.network.config import BLOOD_SLICE, CONTROL_SLICE, EXPRESSION_CONTROLS, WRINKLE_SLICE
from face_emote.rendering.scene import make_scene
from face_emote_lab.differentiable.head import TorchHead, torch_head
from face_emote_lab.differentiable.light import srgb
from face_emote_lab.differentiable.render import render_batch
from face_emote_lab.differentiable.stage import Stage, make_stage
from tools.train_judges.lip_judges import SyncNet, embedded
from tools.train_judges.mouth import AIMS, MouthMesh, mouth_mesh
from tools.train_judges.picture_nets import MOTION, PictureEncoder, read_feeling_net, read_picture_sync

SIZE = 40
"""Pixels of a side."""
AT_ONCE = 8
"""Frames drawn together: bounds the memory."""
LUMA = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True, slots=True)
class PictureConfig:
    """Losses on rendered pictures. Off by default: on a CPU a drawn step costs a second."""

    sync: float = 0.0
    """Weight of the SyncNet that watches pictures of the mouth."""
    feeling: float = 0.0
    """Weight of the net that reads the feeling off pictures of the face."""
    every: int = 4
    """Steps from one that draws to the next."""
    crops: int = 2
    """Crops of the batch that are drawn then; of faces, four frames each."""
    frames: int = 24
    """Of each crop of the mouth; the judge's windows are 20 long."""
    size: int = 40
    """Pixels of a side."""


@dataclass(frozen=True, slots=True, eq=False)
class Painter:
    """One person before one camera."""

    stage: Stage
    head: TorchHead
    mouth: MouthMesh

    def faces(
        self, controls: Float[Tensor, "frame control=100"], *, wrinkles: Tensor, blood: Tensor
    ) -> Float[Tensor, "frame size size"]:
        """Grey sRGB pictures, 0..1, of a still head."""
        parts = []
        for part in torch.split(torch.arange(len(controls)), AT_ONCE):
            vertices = self.head.vertices(controls[part])
            drawn = render_batch(self.stage, vertices, wrinkles=wrinkles[part], blood_flow=blood[part])
            parts.append(srgb(drawn.picture) @ drawn.picture.new_tensor(LUMA))
        return torch.cat(parts)

    def mouths(self, lips: Float[Tensor, "frame channel=9"]) -> Float[Tensor, "frame size size"]:
        """Of lips in natural units (`config.LIP_CHANNELS`), solved onto the head."""
        controls = self.mouth.controls(lips[None, :, : len(AIMS)])[0]
        none = lips.new_zeros(len(lips), 24)
        return self.faces(controls, wrinkles=none[:, :16], blood=none[:, 16:])

    def feelings(self, answers: Float[Tensor, "frame output=80"]) -> Float[Tensor, "frame size size"]:
        """Of answers of the expression path."""
        index = torch.tensor([CONTROLS.index(name) for name in EXPRESSION_CONTROLS])
        controls = answers.new_zeros(len(answers), len(CONTROLS))
        controls = controls.index_copy(1, index, answers[:, CONTROL_SLICE].clamp(0.0, 1.0))
        return self.faces(
            controls,
            wrinkles=answers[:, WRINKLE_SLICE].clamp(0.0, 1.0),
            # Where the drives lead to when they last; how blood follows them takes seconds, which no frame shows.
            blood=(answers[:, BLOOD_SLICE].clamp(0.0, 1.0) @ answers.new_tensor(PROFILE)).clamp(-1.0, 1.0),
        )


def painter(camera: str, *, size: int = SIZE) -> Painter:
    """The default character, softly lit, on the CPU."""
    someone, head = character("default"), load_head()
    person = head.with_identity(someone.betas)
    scene = make_scene(camera=camera, light="soft", width=size, height=size)
    stage = make_stage(head, betas=someone.betas, skin=someone.skin, scene=scene)
    return Painter(stage, torch_head(person), mouth_mesh(person))


SYNC_FILE, FEELING_FILE = "picture_sync_train.safetensors", "picture_feeling_train.safetensors"
SHIFTS = (-12, -8, -5, -3, 3, 5, 8, 12)
"""Frames by which a sound is moved to be a wrong match."""
TEMPERATURE = 0.1
SYNC_CAMERA, FEELING_CAMERA = "mouth", "front"


@dataclass(frozen=True, slots=True, eq=False)
class PictureStage:
    """Judges and painters; None where a loss is off."""

    config: PictureConfig
    sync: SyncNet | None
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
        sound = embedded(self.sync.audio, rows.float())
        terms = []
        for crop in rng.permutation(len(lips))[: self.config.crops]:
            delay, count = int(late[crop]), length - MOTION.window + 1
            last = min(lips.shape[1] - length, sound.shape[1] - reach - count + delay)
            first = int(rng.integers(reach + delay, max(last, reach + delay) + 1))
            drawn = self.mouth.mouths(lips[crop, first : first + length])
            motion = self.sync.watched(drawn[None])[0]
            own = first - delay
            heard = torch.stack([sound[crop, own + s : own + s + count] for s in (0, *SHIFTS)], dim=1)
            logits = (heard * motion[:, None]).sum(-1) / TEMPERATURE
            terms.append(functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64)))
        return torch.stack(terms).mean()

    def feeling_loss(
        self, answers: Float[Tensor, "crop frame 80"], *, felt: Float[Tensor, "crop frame 21"], rng: np.random.Generator
    ) -> Float[Tensor, ""]:
        """Cross-entropy of the feeling that the judge reads off drawn faces to the one that was asked for.

        Args:
            answers: Of the expression path, per motion frame.
            felt: The emotion that is wanted, in step with them; begins with the mix over `names.EMOTIONS`.
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
