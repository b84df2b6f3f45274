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

    def forward(self, x: Tensor, condition: Tensor, moments: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """One block; `moments` are tokens to be seen, and where they are."""
        shift1, scale1, gate1, shift2, scale2, gate2, shift3, scale3, gate3 = self["modulation"](condition).chunk(9, -1)
        seen = x if moments is None else torch.cat([x, moments[0]], dim=1)
        seen = torch.addcmul(shift1, norm(seen), 1.0 + scale1)
        there = None if moments is None else moments[1]
        x = torch.addcmul(x, gate1, self.attention(seen, count=x.shape[1], there=there))
        x = torch.addcmul(x, gate2, self.convolution(torch.addcmul(shift2, norm(x), 1.0 + scale2)))
        wide = functional.silu(self["widened"](torch.addcmul(shift3, norm(x), 1.0 + scale3)))
        return torch.addcmul(x, gate3, self["narrowed"](wide))

    def attention(self, x: Tensor, *, count: int | None = None, there: Tensor | None = None) -> Tensor:
        """Softmax attention of the first `count` tokens, with a bias by head and distance, and to the others."""
        batch, tokens, width = x.shape
        count = tokens if count is None else count
        qkv = self["qkv"](x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = qkv.unbind()
        at = torch.arange(count)
        bias = functional.pad(self.attention_bias[:, at[:, None] - at + self.band // 2], (0, tokens - count))
        scores = (queries[:, :, :count] * (width // self.heads) ** -0.5) @ keys.transpose(-1, -2) + bias
        if there is not None:
            scores[:, :, :, count:] = scores[:, :, :, count:].masked_fill(~there[:, None, None], -1e9)
        attended: Tensor = self["attended"]((scores.softmax(-1) @ values).transpose(1, 2).reshape(batch, count, width))
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

    def forward(
        self, values: Tensor, *, known: Tensor, conditions: Tensor, memory: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Velocities [window, token, value]; `known` [window, token, stream], `conditions` [window, NUM_CONDITIONS].

        `memory`: phrases of moments [window, phrase, NUM_RECALLED], and which are there [window, phrase].
        """
        net = self.layers
        x = net["stem"](torch.cat([values, known], dim=2))
        told = functional.silu(net["condition"](conditions))[:, None]
        for early in net["early"].children():
            x = early(x, told)
        phrases = net["gather"](x.unflatten(1, (-1, PHRASE_TOKENS)).mean(dim=2))
        moments = None if memory is None else (net["recall"](memory[0]), memory[1])
        for phrase in net["phrase"].children():
            phrases = phrase(phrases, told, moments)
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
