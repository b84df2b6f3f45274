"""What the network said of a clip."""

from dataclasses import dataclass

from face_emote.core.arrays import Array, Float
from face_emote.motion.feeling.net_expression import NetExpression


@dataclass(frozen=True, slots=True, eq=False)
class NetAnswers:
    """All answers; 14 MB an hour."""

    lips: Float[Array, "motion_frames lip=9"]
    """In the order of `network.channels.LIP_CHANNELS`, natural units, at `names.MOTION_HZ`, and `net_lips.SPLINE_AHEAD`
    more."""
    expression: NetExpression
