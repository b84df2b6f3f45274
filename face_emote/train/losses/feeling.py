"""Emotional sync of the expression path, judged by a frozen expert."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Float
from face_emote.network.channels import CONTROL_SLICE, EMOTION_COLUMNS
from face_emote.network.experts import FACE_HZ
from face_emote.train.experts.emotional_sync import (
    NUM_FACE_COLUMNS,
    WINDOW_LATENTS,
    WINDOW_ROWS,
    FrozenEmotionalSync,
    feeling,
    matching_logits,
    soft_targets,
)
from face_emote.train.losses.concordance import concordance_loss, lag_loss

_VALENCE = EMOTION_COLUMNS.index("valence")
VAD_COLUMNS = slice(_VALENCE, _VALENCE + 3)
_LOUDNESS_RANGE = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class FeelingTerms:
    """Not yet weighted."""

    match: Tensor
    """Voice and face match as much as what is asked matches what the voice feels (needs labelled voices, else 0)."""
    exchange: Tensor
    """The face of an emotion must look like the other faces of that emotion, whatever was said."""
    vad: Tensor
    """1 - CCC of the VAD that the face shows and the VAD that was asked for."""
    lag: Tensor
    """Seconds beyond 200 ms between loudness and strength of expression."""

    def total(self) -> Tensor:
        """The sum."""
        return self.match + self.exchange + self.vad + self.lag


def feeling_terms(
    expert: FrozenEmotionalSync,
    face: Float[Tensor, "batch latents 80"],
    *,
    rows: Float[Tensor, "batch rows 40"],
    asked: Float[Tensor, "batch latents 21"],
    voice_vad: Float[Tensor, "batch 3"] | None = None,
) -> FeelingTerms:
    """All terms over the last 2 s of the crops, when the face has answered the emotion.

    Args:
        expert: frozen.
        face: answers of the expression path at 12.5 Hz, in step with `asked` (apart from the look-ahead).
        rows: normalised, 8 a latent.
        asked: the emotion in the order of `EMOTION_COLUMNS`.
        voice_vad: what the voice feels, where that is known.
    """
    window = face.float()[:, -WINDOW_LATENTS:]
    seen = feeling(expert.face, window[..., :NUM_FACE_COLUMNS])
    wanted = asked.float()[:, -WINDOW_LATENTS:, VAD_COLUMNS].mean(dim=1)
    match = seen.mean.new_zeros(())
    if voice_vad is not None:
        heard = feeling(expert.voice, rows.float()[:, -WINDOW_ROWS:])
        logits = matching_logits(heard, seen, steepness=expert.steepness, reach=expert.reach)
        match = functional.binary_cross_entropy_with_logits(logits, soft_targets(voice_vad, wanted))
    among_faces = matching_logits(seen, seen, steepness=expert.steepness, reach=expert.reach)
    others = ~torch.eye(len(face), dtype=torch.bool, device=face.device)
    exchange = functional.binary_cross_entropy_with_logits(among_faces[others], soft_targets(wanted, wanted)[others])
    strength = face.float()[..., CONTROL_SLICE].sum(dim=-1)
    return FeelingTerms(
        match=match,
        exchange=exchange,
        vad=concordance_loss(seen.vad, wanted),
        lag=lag_loss(voice_arousal(rows.float()), strength, rate_hz=FACE_HZ),
    )


def voice_arousal(rows: Float[Tensor, "batch rows 40"]) -> Float[Tensor, "batch latents"]:
    """Loudness per latent (8 rows) from normalised rows, 0..1 over their upper range."""
    level = rows.mean(dim=-1)
    level = functional.avg_pool1d(level[:, None], 8, stride=8)[:, 0]
    return (1.0 + level / _LOUDNESS_RANGE).clamp(0.0, 2.0)
