"""The short card inside every checkpoint: what it was made from."""

from collections.abc import Iterable

from face_emote.core.version import VERSION
from face_emote.train.config import TrainConfig


def card_of(config: TrainConfig, *, sources: Iterable[str], step: int) -> str:
    """A few lines for whoever opens the file; `sources` are those of the corpus that were drawn from."""
    data = config.data
    paths = {"lips": config.net.lips, "expression": config.net.expression}
    sizes = ", ".join(f"{part} {paths[part].width} wide, {paths[part].layers} blocks" for part in config.parts)
    lines = [
        f"face_emote motion network {config.name!r}, step {step} of {config.optimiser.steps}, seed {config.seed}",
        f"{sizes}; made by face_emote {VERSION}",
        f"learnt from: {', '.join(sources)}",
    ]
    if data.hold_out_talkers:
        lines.append(f"held out: {', '.join(data.hold_out_talkers)}")
    return "\n".join(lines)
