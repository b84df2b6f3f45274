"""Moments of other clips, found for a window that is learnt from, as a bank finds them for one that is drawn."""

import torch
from torch import Tensor

from face_emote.core.arrays import Array
from face_emote.generation.layout import FACE_SLICE, MOMENTS, PHRASE_TOKENS, VOICE_SLICE, WINDOW

DROPPED = 0.3
"""Share of windows that are learnt without any."""
_LOOKED_AT = 96
"""Clips among which the nearest are looked for: another choice every time."""
_PARTS = WINDOW // PHRASE_TOKENS


class Recalling:
    """Finds moments; a clip has one window, and never finds itself."""

    def __init__(self, values: Tensor, *, style: Tensor, pool: Array) -> None:
        """`pool` are windows with faces of talkers who are learnt from."""
        self.pool = pool
        self._faces = values[:, :, FACE_SLICE]
        self._style, self._voice = style, values[:, :, VOICE_SLICE].mean(dim=1)

    def __call__(self, chosen: Tensor, *, dice: torch.Generator) -> tuple[Tensor, Tensor]:
        """Faces [window, moment, token, value] near in voice and, more or less, in style; which phrases are there."""
        pool = torch.from_numpy(self.pool)[torch.randint(len(self.pool), (_LOOKED_AT,), generator=dice)]
        like = torch.rand(len(chosen), 1, generator=dice)
        far = torch.cdist(self._voice[chosen], self._voice[pool])
        far = far + like * torch.cdist(self._style[chosen], self._style[pool])
        far = far.masked_fill(chosen[:, None] == pool, torch.inf)
        found = pool[far.topk(MOMENTS, largest=False).indices]
        count = torch.randint(1, MOMENTS + 1, (len(chosen), 1), generator=dice)
        count = count * (torch.rand(len(chosen), 1, generator=dice) >= DROPPED)
        return self._faces[found].clone(), (torch.arange(MOMENTS) < count).repeat_interleave(_PARTS, dim=1)


def phrases_of(faces: Tensor, *, dice: torch.Generator) -> Tensor:
    """As `DrawNet.remembered`: [window, phrase, NUM_RECALLED].

    Readers feel nothing, so what moments are said to be felt is drawn: it must not change how a face moves, until faces
    are there that it changes.
    """
    windows = len(faces)
    vad = torch.randn(windows, MOMENTS, 1, 3, generator=dice).expand(-1, -1, _PARTS, -1)
    which = torch.eye(_PARTS).expand(windows, MOMENTS, -1, -1)
    tokens = faces.reshape(windows, MOMENTS, _PARTS, -1)
    return torch.cat([tokens, vad, which], dim=3).flatten(1, 2)
