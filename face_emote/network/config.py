"""Sizes of the network: saved inside every checkpoint."""

from dataclasses import dataclass, field

LATENT_FRAMES = 4
"""Frames of 50 Hz per latent of the expression path."""


@dataclass(frozen=True, slots=True)
class PathConfig:
    """A stack of blocks: banded causal attention, causal depthwise convolution, two-layer perceptron."""

    width: int = 128
    layers: int = 4
    heads: int = 4
    band: int = 48
    """Frames (or latents) that attention sees: this one and band - 1 before it."""
    taps: int = 7
    """Of the depthwise convolution."""
    growth: int = 3
    """Width of the perceptron's middle against the path's."""


@dataclass(frozen=True, slots=True)
class NetConfig:
    """The whole network. Both paths are causal; looking ahead is answering late (see `docs/network.md`)."""

    lips: PathConfig = PathConfig()
    expression: PathConfig = PathConfig(width=96, layers=3, heads=4, band=32, taps=5, growth=2)
    condition_width: int = 64
    look_ahead_frames: tuple[int, ...] = (3, 7, 15)
    """Frames between what is heard last and what is answered; with half a window of sound: 72, 152 and 312 ms."""
    styles: tuple[str, ...] = field(default=("generic",))
    """Ways of moving the lips (training talkers); the first one is for everybody."""
    lips_see_emotion: bool = False
    """For comparison only: condition the lip path on the emotion too."""
