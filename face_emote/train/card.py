"""The short card inside every checkpoint: what it was made from."""

from face_emote.core.version import VERSION
from face_emote.train.config import TrainConfig


def card_of(config: TrainConfig, *, step: int) -> str:
    """A few lines for whoever opens the file."""
    net, data = config.net.lips, config.data
    sources = ", ".join(name for name, share in data.shares.items() if share > 0.0)
    lines = [
        f"face_emote motion network {config.name!r}, step {step} of {config.optimiser.steps}, seed {config.seed}",
        f"lip path {net.width} wide, {net.layers} blocks; made by face_emote {VERSION}",
        f"learnt from: {sources}",
    ]
    if data.hold_out_talkers:
        lines.append(f"held out: {', '.join(data.hold_out_talkers)}")
    return "\n".join(lines)
