"""The network's answers as small grey pictures, with gradients: what the judges of pictures look at."""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.core.names import CONTROLS
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.motion.feeling.blood import PROFILE
from face_emote.network.channels import BLOOD_SLICE, CONTROL_SLICE, EXPRESSION_CONTROLS, WRINKLE_SLICE
from face_emote.rendering.scene import make_scene
from face_emote.rendering.torch.head import TorchHead, torch_head
from face_emote.rendering.torch.light import srgb
from face_emote.rendering.torch.render import render_batch
from face_emote.rendering.torch.stage import Stage, make_stage
from face_emote.train.lip_solve import AIMS, TorchMouth, torch_mouth

SIZE = 40
"""Pixels of a side."""
AT_ONCE = 8
"""Frames drawn together: bounds the memory."""
LUMA = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True, slots=True, eq=False)
class Painter:
    """One person before one camera."""

    stage: Stage
    head: TorchHead
    mouth: TorchMouth

    def faces(
        self, controls: Float[Tensor, "frame control=100"], *, wrinkles: Tensor, blood: Tensor
    ) -> Float[Tensor, "frame size size"]:
        """Grey sRGB pictures, 0..1, of a still head."""
        parts = []
        for part in torch.arange(len(controls)).split(AT_ONCE):
            vertices = self.head.vertices(controls[part])
            drawn = render_batch(self.stage, vertices, wrinkles=wrinkles[part], blood_flow=blood[part])
            parts.append(srgb(drawn.picture) @ drawn.picture.new_tensor(LUMA))
        return torch.cat(parts)

    def mouths(self, lips: Float[Tensor, "frame channel=9"]) -> Float[Tensor, "frame size size"]:
        """Of lips in natural units (`channels.LIP_CHANNELS`), solved onto the head."""
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
    return Painter(stage, torch_head(person), torch_mouth(person))
