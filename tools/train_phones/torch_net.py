"""The phone net in torch, for training only; `face_emote.audio.phone_net` runs the same net in numpy."""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from face_emote.audio.logmel import NUM_BANDS
from face_emote.audio.phone_net import LIP_CLASSES
from face_emote.core.arrays import Array
from face_emote.core.names import PHONES

WIDTH = 112
LAYERS = ((5, 1), (3, 2), (3, 4), (3, 8), (3, 16))
"""Taps and dilation of each layer."""


class TorchPhoneNet(nn.Module):
    """Convolutions without padding, batch norm, ReLU, a residual wherever the width stays."""

    def __init__(self, dropout: float = 0.12) -> None:
        super().__init__()
        widths = [NUM_BANDS] + [WIDTH] * len(LAYERS)
        self.convs = nn.ModuleList(
            nn.Conv1d(widths[i], widths[i + 1], taps, dilation=dilation, bias=False)
            for i, (taps, dilation) in enumerate(LAYERS)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH, momentum=0.02) for _ in LAYERS)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(WIDTH, len(PHONES) + len(LIP_CLASSES))

    def forward(self, rows: Tensor) -> Tensor:
        """Logits [batch, frames - 2 reach, logit] of normalised log-mels [batch, frames, band]."""
        x = rows.transpose(1, 2)
        for conv, norm, (taps, dilation) in zip(self.convs, self.norms, LAYERS, strict=True):
            y = torch.relu(norm(conv(x)))
            if conv.in_channels == conv.out_channels:
                start = (taps // 2) * dilation
                y = y + x[:, :, start : start + y.shape[2]]
            x = self.dropout(y)
        out: Tensor = self.head(x.transpose(1, 2))
        return out

    @property
    def reach(self) -> int:
        """Frames of context on each side."""
        return sum((taps // 2) * dilation for taps, dilation in LAYERS)


def exported(net: TorchPhoneNet) -> dict[str, Array]:
    """The arrays that `load_phone_net` reads, batch norm folded into the convolutions, float16."""
    convs = [cast(nn.Conv1d, conv) for conv in net.convs]
    norms = [cast(nn.BatchNorm1d, norm) for norm in net.norms]
    out: dict[str, Array] = {"dilations": np.array([dilation for _, dilation in LAYERS], np.int16)}
    with torch.no_grad():
        for i, (conv, norm) in enumerate(zip(convs, norms, strict=True)):
            assert norm.running_mean is not None and norm.running_var is not None
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            out[f"kernel{i}"] = (conv.weight * gain[:, None, None]).permute(2, 1, 0).numpy().astype(np.float16)
            out[f"bias{i}"] = (norm.bias - norm.running_mean * gain).numpy().astype(np.float16)
        out["head"] = net.head.weight.T.numpy().astype(np.float16)
        out["head_bias"] = net.head.bias.numpy().astype(np.float16)
    return out
