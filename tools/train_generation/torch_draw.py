"""The network that draws, in torch: what training sees of `generation.net`."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array
from face_emote.generation.layout import PHRASE_TOKENS, DrawConfig
from face_emote.generation.net import NUM_CONDITIONS, DrawWeights, draw_sizes
from face_emote.network.weights import Sizes
from face_emote_lab.train.torch_net import Block, Layers, norm


class WindowBlock(Block):
    """A block whose tokens see the whole window."""

    def attention(self, x: Tensor) -> Tensor:
        """Softmax attention with a bias by head and distance."""
        batch, tokens, width = x.shape
        qkv = self["qkv"](x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = qkv.unbind()
        at = torch.arange(tokens)
        bias = self.attention_bias[:, at[:, None] - at + self.band // 2]
        scores = (queries * (width // self.heads) ** -0.5) @ keys.transpose(-1, -2) + bias
        attended: Tensor = self["attended"]((scores.softmax(-1) @ values).transpose(1, 2).reshape(batch, tokens, width))
        return attended

    def convolution(self, x: Tensor) -> Tensor:
        """Depthwise convolution to both sides, SiLU, dense."""
        taps = self.get_parameter("depthwise.weight").shape[-1]
        y = self["depthwise"](functional.pad(x.transpose(1, 2), (taps // 2, taps // 2))).transpose(1, 2)
        mixed: Tensor = self["mixed"](functional.silu(y))
        return mixed


class TorchDrawNet(nn.Module):
    """Names in its state_dict are those in the checkpoint."""

    def __init__(self, config: DrawConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = Layers(DrawWeights, draw_sizes(config), block=_window_block)

    def forward(self, values: Tensor, *, known: Tensor, conditions: Tensor) -> Tensor:
        """Velocities [window, token, value]; `known` [window, token, stream], `conditions` [window, NUM_CONDITIONS]."""
        net = self.layers
        x = net["stem"](torch.cat([values, known], dim=2))
        told = functional.silu(net["condition"](conditions))[:, None]
        for early in net["early"].children():
            x = early(x, told)
        phrases = net["gather"](x.unflatten(1, (-1, PHRASE_TOKENS)).mean(dim=2))
        for phrase in net["phrase"].children():
            phrases = phrase(phrases, told)
        x = x + net["spread"](phrases).repeat_interleave(PHRASE_TOKENS, dim=1)
        for late in net["late"].children():
            x = late(x, told)
        velocity: Tensor = net["head"](norm(x))
        return velocity

    def arrays(self) -> dict[str, Array]:
        """Weights as a checkpoint holds them."""
        return {name: value.detach().float().numpy() for name, value in self.layers.state_dict().items()}


def _window_block(sizes: Sizes) -> nn.Module:
    return WindowBlock(sizes)


def conditions_of(time: Tensor, style: Tensor, has_style: Tensor) -> Tensor:
    """`generation.net.conditions` of a batch."""
    count = (NUM_CONDITIONS - 2 - style.shape[1]) // 2
    turns = torch.pi * time[:, None] * 2.0 ** torch.arange(count)
    return torch.cat([time[:, None], turns.sin(), turns.cos(), style * has_style[:, None], has_style[:, None]], dim=1)
