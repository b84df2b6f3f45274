"""The torch twin of `network.convnet`."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array, Float
from face_emote.network.convnet import ConvNet, ConvNetSpec, weight_shapes_of


class TorchConvNet(nn.Module):
    """A stack of convolutions; parameters are shaped and named as in numpy."""

    mean: Tensor
    scale: Tensor

    def __init__(self, spec: ConvNetSpec, *, generator: torch.Generator | None = None) -> None:
        """He-initialised; `generator` makes it reproducible."""
        super().__init__()
        self.spec = spec
        shapes = weight_shapes_of(spec)
        self.register_buffer("mean", torch.zeros(spec.inputs))
        self.register_buffer("scale", torch.ones(spec.inputs))
        num_layers = len(spec.convs) + len(spec.dense)
        self.kernels = nn.ParameterList()
        self.biases = nn.ParameterList()
        for i in range(num_layers):
            shape = shapes[f"{i}.kernel"]
            fan_in = int(np.prod(shape[:-1]))
            gain = 2.0 if i < num_layers - 1 else 1.0
            self.kernels.append(nn.Parameter(torch.randn(shape, generator=generator) * (gain / fan_in) ** 0.5))
            self.biases.append(nn.Parameter(torch.zeros(shape[-1])))

    def forward(self, inputs: Float[Tensor, "batch frames inputs"]) -> Float[Tensor, "batch ..."]:
        """As `ConvNet.__call__`, for one batch axis."""
        x = ((inputs - self.mean) / self.scale).transpose(1, 2)
        last = len(self.kernels) - 1
        for i, conv in enumerate(self.spec.convs):
            padding = conv.taps // 2 if self.spec.same else 0
            x = functional.conv1d(
                x, self.kernels[i].permute(2, 1, 0), self.biases[i], stride=conv.stride, padding=padding
            )
            if i < last:
                x = functional.relu(x)
        if not self.spec.dense:
            return x.transpose(1, 2)
        x = torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=-1)
        for i in range(len(self.spec.convs), last + 1):
            x = x @ self.kernels[i] + self.biases[i]
            if i < last:
                x = functional.relu(x)
        return x

    def weights(self, *, prefix: str = "") -> dict[str, Array]:
        """Arrays by the names of `weight_shapes_of`, float32."""
        found = {"mean": self.mean, "scale": self.scale}
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            found |= {f"{i}.kernel": kernel, f"{i}.bias": bias}
        return {prefix + name: value.detach().cpu().numpy().astype(np.float32) for name, value in found.items()}


def frozen_twin(net: ConvNet) -> TorchConvNet:
    """The torch module of a trained stack; its weights no longer learn."""
    twin = TorchConvNet(net.spec)
    with torch.no_grad():
        twin.mean.copy_(torch.from_numpy(net.mean))
        twin.scale.copy_(torch.from_numpy(net.scale))
        for own, given in zip([*twin.kernels, *twin.biases], [*net.kernels, *net.biases], strict=True):
            own.copy_(torch.from_numpy(given))
    return twin.eval().requires_grad_(False)
