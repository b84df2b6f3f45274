"""The network at run time: loaded once, then run by `hearing` and `streams`."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.errors import CheckpointError
from face_emote.network.checkpoint import Checkpoint, read_checkpoint
from face_emote.network.config import NetConfig
from face_emote.network.low_rank import LowRank
from face_emote.network.weights import ExpressionWeights, LipWeights, expression_weights, lip_weights

FOLDER = ASSETS / "network"
BUNDLED = ("default", "fast")
SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class MotionNet:
    """A network ready to run."""

    name: str  # What it was loaded by: `default`, `fast`, or a file's stem.
    config: NetConfig
    card: str
    sha256: str
    x0: Float[Array, " band=40"]  # Mean log-mel of the training speech, for `hearing.LevelFollower`.
    lips: LipWeights
    expression: ExpressionWeights

    def with_lips_of(self, update: LowRank | None, *, strength: float = 1.0) -> "MotionNet":
        """The network as somebody's lips answer; the same one for a change that belongs to another network."""
        if update is None or update.of != self.sha256 or not update.fits(self.lips.lip_head):
            return self
        return replace(self, lips=replace(self.lips, lip_head=update.onto(self.lips.lip_head, strength=strength)))

    def look_ahead_index(self, look_ahead_frames: int) -> int:
        """Row of a look-ahead in the embeddings; ValueError when the network was not trained for it."""
        return self.config.look_ahead_frames.index(look_ahead_frames)


def motion_net(checkpoint: Checkpoint, *, name: str) -> MotionNet:
    """Arrange a checkpoint's weights for running."""
    weights, config = checkpoint.weights, checkpoint.config
    return MotionNet(
        name=name,
        config=config,
        card=checkpoint.card,
        sha256=checkpoint.sha256,
        x0=weights["x0"],
        lips=lip_weights(weights, config),
        expression=expression_weights(weights, config),
    )


@lru_cache(maxsize=4)
def load_motion_net(name_or_path: str | Path = "default") -> MotionNet:
    """A bundled network by name, or one from a file.

    CheckpointError: It is missing, damaged, of another version, or does not fit its own configuration.
    """
    if name_or_path in BUNDLED:
        path = FOLDER / f"{name_or_path}{SUFFIX}"
        if not path.is_file():
            raise CheckpointError(
                f"The network '{name_or_path}' is not in this installation; use --animator rules, or install again: "
                f"{path}"
            )
        return motion_net(read_checkpoint(path), name=str(name_or_path))
    path = Path(name_or_path)
    return motion_net(read_checkpoint(path), name=path.stem)
