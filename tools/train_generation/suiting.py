"""Does a face suit a voice? A judge of pairs: phrases of voice and face that belong together lie near one another.

What it says is a loss of the network that draws; another one, taught with another seed, says how well that worked.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.generation.layout import FACE, PHRASE_TOKENS, VOICE

WIDTH, PLACES, STEPS, PAIRS = 32, 24, 700, 24
_NOISE, _FADES = 0.1, 12.0


class Suiting(nn.Module):
    """Places of phrases of voices and faces in one space."""

    def __init__(self) -> None:
        super().__init__()
        self.voice, self.face = _tower(len(VOICE)), _tower(2 * len(FACE))

    def logits(self, voice: Tensor, face: Tensor) -> Tensor:
        """How well each phrase of a voice suits each of a face; windows in the units of the network."""
        moved = functional.pad(face[:, 1:] - face[:, :-1], (0, 0, 1, 0))
        a, b = self.voice(voice.transpose(1, 2)), self.face(torch.cat([face, moved], dim=2).transpose(1, 2))
        a, b = (functional.normalize(x.transpose(1, 2).flatten(0, 1), dim=1) for x in (a, b))
        found: Tensor = _FADES * a @ b.T
        return found

    def loss(self, voice: Tensor, face: Tensor) -> Tensor:
        """How hard it is to find the face of each voice, and the voice of each face."""
        logits = self.logits(voice, face)
        right = torch.arange(len(logits))
        both: Tensor = functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)
        return 0.5 * both


def _tower(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(channels, WIDTH, 5, padding=2), nn.GELU(), nn.Dropout(0.2),
        nn.Conv1d(WIDTH, WIDTH, 5, padding=2), nn.GELU(), nn.AvgPool1d(PHRASE_TOKENS), nn.Conv1d(WIDTH, PLACES, 1),
    )  # fmt: skip


def taught_judge(pairs: tuple[Tensor, Tensor], *, seed: int) -> Suiting:
    """A judge of these voices and faces, ready to be asked."""
    voice, face = pairs
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        judge = Suiting()
        moves = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.05)
        for _ in range(STEPS):
            chosen = torch.randint(len(voice), (PAIRS,))
            heard, seen = (x[chosen] + _NOISE * torch.randn_like(x[chosen]) for x in (voice, face))
            loss = judge.loss(heard, seen)
            moves.zero_grad()
            loss.backward()
            moves.step()
    return judge.eval().requires_grad_(requires_grad=False)


def suits(judge: Suiting, voice: Tensor, face: Tensor) -> float:
    """How often, of two phrases, the judge finds the one that belongs to a voice; .5 is chance."""
    with torch.no_grad():
        logits = judge.logits(voice, face)
    own = logits.diagonal()[:, None]
    others = ~torch.eye(len(logits), dtype=torch.bool)
    return float(((own > logits) & others).sum() / others.sum())
