"""The network of `docs/network.md` in torch: what training sees. `network/` runs the same weights with numpy."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.audio.logmel import NUM_BANDS
from face_emote.core.arrays import Array
from face_emote.network import weights
from face_emote.network.config import NetConfig
from face_emote.network.hearing import QUIET

EPSILON = 1e-5


class Layers(nn.ModuleDict):
    """The layers of one of the dataclasses of `network.weights`, by their names."""

    def __init__(
        self, kind: type, sizes: weights.Sizes, *, block: Callable[[weights.Sizes], nn.Module] | None = None
    ) -> None:
        super().__init__()
        layers, block = weights.layers_of(kind), block or Block
        for name, layer in layers.items():
            if layer is None:
                self[name] = nn.ModuleList(block(sizes) for _ in range(sizes["layers"]))
            elif layer.kind == "bare":
                self.register_parameter(name, nn.Parameter(torch.zeros(layer.shape(sizes))))
            elif layer.tensors(sizes):
                self[name] = _module(layer, sizes)
        for name, layer in layers.items():
            if layer is not None and layer.first is not None:
                nn.init.normal_(self.get_parameter(f"{name}.weight"), std=layer.first)

    def through_blocks(self, x: Tensor, condition: Tensor) -> Tensor:
        """A path's blocks, one after the other, and the normalisation behind them."""
        for block in self["blocks"].children():
            x = block(x, condition)
        return norm(x)


def _module(layer: weights.Layer, sizes: weights.Sizes) -> nn.Module:
    out, inside, *taps = layer.shape(sizes)
    if layer.kind == "embedding":
        return nn.Embedding(out, inside)
    if layer.kind == "dense":
        return nn.Linear(inside, out, bias=layer.has_bias)
    groups = out if layer.kind == "depthwise" else 1
    return nn.Conv1d(inside * groups, out, taps[0], stride=layer.stride, groups=groups)


class Block(Layers):
    """Banded causal attention, causal depthwise convolution and perceptron, each modulated and gated (AdaLN-zero)."""

    attention_bias: Tensor

    def __init__(self, sizes: weights.Sizes) -> None:
        super().__init__(weights.BlockWeights, sizes)
        self.heads, self.band = sizes["heads"], sizes["band"]
        nn.init.zeros_(self.get_parameter("modulation.bias"))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """One block. `x` is [batch, frame, width]; `condition` [batch, frame or 1, condition_width]."""
        shift1, scale1, gate1, shift2, scale2, gate2, shift3, scale3, gate3 = self["modulation"](condition).chunk(9, -1)
        x = torch.addcmul(x, gate1, self.attention(torch.addcmul(shift1, norm(x), 1.0 + scale1)))
        x = torch.addcmul(x, gate2, self.convolution(torch.addcmul(shift2, norm(x), 1.0 + scale2)))
        wide = functional.silu(self["widened"](torch.addcmul(shift3, norm(x), 1.0 + scale3)))
        return torch.addcmul(x, gate3, self["narrowed"](wide))

    def attention(self, x: Tensor) -> Tensor:
        """Softmax attention over this frame and `band - 1` before it.

        Frames are cut into pieces of `band`; each piece sees itself and the piece before, which is all the band holds.
        """
        batch, frames, width = x.shape
        pieces = -(-frames // self.band)
        qkv = functional.pad(self["qkv"](x), (0, 0, 0, pieces * self.band - frames))
        qkv = qkv.view(batch, pieces, self.band, 3, self.heads, -1)
        queries, keys, values = qkv.permute(3, 0, 1, 4, 2, 5).unbind()
        scores = (queries * (width // self.heads) ** -0.5) @ with_previous(keys).transpose(-1, -2)
        y = (scores + banded(self.attention_bias, pieces)).softmax(-1) @ with_previous(values)
        attended: Tensor = self["attended"](y.transpose(2, 3).reshape(batch, -1, width)[:, :frames])
        return attended

    def convolution(self, x: Tensor) -> Tensor:
        """Depthwise causal convolution (zeros before the first frame), SiLU, dense."""
        taps = self.get_parameter("depthwise.weight").shape[-1]
        y = self["depthwise"](functional.pad(x.transpose(1, 2), (taps - 1, 0))).transpose(1, 2)
        mixed: Tensor = self["mixed"](functional.silu(y))
        return mixed


def norm(x: Tensor) -> Tensor:
    """Layer normalisation without affine."""
    return functional.layer_norm(x, x.shape[-1:], eps=EPSILON)


def with_previous(pieces: Tensor) -> Tensor:
    """[batch, piece, head, frame, channel] with the frames of the piece before in front of each piece's own."""
    return torch.cat([functional.pad(pieces, (0, 0, 0, 0, 0, 0, 1, -1)), pieces], dim=3)


def banded(bias: Tensor, pieces: int) -> Tensor:
    """Additive mask [piece, head, query, 2 band] of biases by distance [head, band]; -inf outside the band."""
    band = bias.shape[1]
    at = torch.arange(2 * band, device=bias.device)
    distance = at[band:, None] - at
    inside = (distance >= 0) & (distance < band)
    mask = bias[:, distance.clamp(0, band - 1)].masked_fill(~inside, -torch.inf)
    return torch.stack([mask.masked_fill(at < band, -torch.inf), *[mask] * (pieces - 1)])


class TorchMotionNet(nn.Module):
    """Both paths. The names in its state_dict are the names in the checkpoint file."""

    x0: Tensor

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self.lip_path = Layers(weights.LipWeights, weights.lip_sizes(config))
        self.expression_path = Layers(weights.ExpressionWeights, weights.expression_sizes(config))
        self.register_buffer("x0", torch.full((NUM_BANDS,), -10.0))
        """Mean log-mel of the training speech, for `network.hearing.normalised`."""

    def lips(
        self,
        rows: Tensor,
        *,
        look_ahead: Tensor,
        style: Tensor | None = None,
        phones: Tensor | None = None,
        emotion: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Answers of the lip path for every hidden frame u; frame u has heard rows up to 2u.

        Args:
            rows: [batch, 2 frames, 40] normalised log-mels from the start of the sound on.
            look_ahead: [batch] index into `config.look_ahead_frames`.
            style: [batch] index into `config.styles`; None: the first one.
            phones: [batch, frame] index into `names.PHONES` at u / 50 s, `UNKNOWN_PHONE` where not known; None: all.
            emotion: [batch, frame, 21] at motion frame u - L; only for `config.lips_see_emotion`.

        Returns:
            Lips [batch, frame, 9] (linear ones in LIP_SCALE units, then logits) and phone logits [batch, frame, 40].
        """
        path, batch = self.lip_path, rows.shape[0]
        if style is None:
            style = look_ahead.new_zeros(batch)
        if phones is None:
            phones = look_ahead.new_full((batch, (rows.shape[1] + 1) // 2), weights.UNKNOWN_PHONE)
        heard = functional.pad(rows.transpose(1, 2), (5, 0), value=QUIET)
        x = path["stem_half"](functional.silu(path["stem_mel"](heard))).transpose(1, 2) + path["phones"](phones)
        condition = (path["look_ahead"](look_ahead) + path["style"](style))[:, None]
        if "emotion" in path:
            if emotion is None:
                raise ValueError("this variant of the lip path needs the emotion")
            condition = condition + path["emotion"](emotion)
        x = path.through_blocks(x, functional.silu(condition))
        return path["lip_head"](x), path["phone_head"](x)

    def expression(self, rows: Tensor, *, look_ahead: Tensor, emotion: Tensor) -> Tensor:
        """Answers of the expression path for every latent v [batch, latent, 80]; it has heard rows up to 8v + 6.

        Args:
            rows: [batch, at least 8 latents - 1, 40] normalised log-mels from the start of the sound on.
            look_ahead: [batch] index into `config.look_ahead_frames`.
            emotion: [batch, latent, 21] at motion frame max(4v + 7 - L, 0).
        """
        path, rows = self.expression_path, rows[:, : weights.LATENT_ROWS * emotion.shape[1]]
        heard = functional.pad(rows.transpose(1, 2), (1, 0), value=QUIET)
        x = path["stem_dense"](functional.silu(path["stem_mel"](heard).transpose(1, 2)))
        condition = functional.silu(path["look_ahead"](look_ahead)[:, None] + path["emotion"](emotion))
        answers: Tensor = path["head"](path.through_blocks(x, condition))
        return answers


def weights_from_torch(model: TorchMotionNet) -> dict[str, Array]:
    """The model's weights as float32 arrays, for `network.checkpoint.write_checkpoint`."""
    return {name: value.detach().cpu().float().numpy() for name, value in model.state_dict().items()}
