"""What somebody decides about a performance's eyes: when they blink, and what they look at."""

from dataclasses import dataclass, field

import numpy as np

from face_emote.core.arrays import Float
from face_emote.core.errors import OptionError

LONGEST_BLINK_SECS = 10.0
NEAREST_METRES = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class EyeDirection:
    """In place of what the performance would do by itself. Raises OptionError for what no eyes can do."""

    blinks: Float[np.ndarray, "blink 5"] | None = None
    """Start, closing, hold and opening in seconds, and depth 0..1, of every blink in order; None: as they come."""
    secs: Float[np.ndarray, " key"] = field(default_factory=lambda: np.zeros(0))
    """Rising; none: the eyes meet the viewer, and the head is not turned."""
    target: Float[np.ndarray, "key 3"] = field(default_factory=lambda: np.zeros((0, 3)))
    """Where the spot is that they look at: metres from the point between the resting eyes."""
    head_turn: Float[np.ndarray, "key 2"] = field(default_factory=lambda: np.zeros((0, 2)))
    """Yaw and pitch that the head takes over, radians, on top of its own motion."""

    def __post_init__(self) -> None:
        """Check lengths, order and ranges."""
        arrays = (self.secs, self.target, self.head_turn, *(() if self.blinks is None else (self.blinks,)))
        if not all(np.isfinite(array).all() for array in arrays):
            raise OptionError("Blinks and gaze targets are finite numbers")
        if not len(self.secs) == len(self.target) == len(self.head_turn) or np.any(np.diff(self.secs) <= 0.0):
            raise OptionError("Gaze targets have one point and one turn of the head for each of their rising times")
        if len(self.target) and np.linalg.norm(self.target, axis=1).min() < NEAREST_METRES:
            raise OptionError("A gaze target lies between the eyes; move it away from the face")
        if self.blinks is not None and len(self.blinks):
            lengths, depth = self.blinks[:, 1:4], self.blinks[:, 4]
            if np.any(np.diff(self.blinks[:, 0]) < 0.0) or lengths.min() < 0.0 or lengths.max() > LONGEST_BLINK_SECS:
                raise OptionError("Blinks come in order and last at most ten seconds")
            if lengths[:, (0, 2)].min() < 1e-3 or depth.min() < 0.0 or depth.max() > 1.0:
                raise OptionError("Lids need a millisecond to close and to open, and close by 0 to 1")

    def at(
        self, times: Float[np.ndarray, " frames"]
    ) -> tuple[Float[np.ndarray, "frames 3"], Float[np.ndarray, "frames 2"]]:
        """Target and turn of the head at instants."""
        columns = [np.interp(times, self.secs, column) for column in (*self.target.T, *self.head_turn.T)]
        return np.stack(columns[:3], axis=1), np.stack(columns[3:], axis=1)
