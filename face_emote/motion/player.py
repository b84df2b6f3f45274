"""Who plays a performance, and what was measured on that person's head once."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.body import BodySignals
from face_emote.core.cameras import lens_of
from face_emote.core.eyes import EyeDirection
from face_emote.core.names import NUM_SHAPE
from face_emote.core.types import MotionInfo, PerformanceStyle
from face_emote.face.head import Head
from face_emote.motion.feeling.wrinkles import WrinkleModel, wrinkle_model
from face_emote.motion.layering import MouthGauge, mouth_gauge


@dataclass(frozen=True, slots=True, eq=False)
class Player:
    """One person ready to play; made by `player_of`."""

    head: Head
    gauge: MouthGauge
    skin: WrinkleModel
    style: PerformanceStyle
    fps: float  # Of the frames.
    info: MotionInfo  # Stands on every block; its seed throws the dice.
    betas: Float[Array, f" shape={NUM_SHAPE}"]
    character: str
    age: float  # Of the skin, as `SkinParams.age`.
    viewer: Float[Array, " 3"]  # Whom the eyes meet: metres from the point between them at rest.
    eyes: EyeDirection | None = None  # Somebody's choice in place of that.
    body: BodySignals | None = None  # Measured; None: heart and breath follow the emotion.


def player_of(
    head: Head,
    *,
    style: PerformanceStyle,
    fps: float,
    info: MotionInfo,
    betas: Float[Array, f" shape={NUM_SHAPE}"],
    character: str = "default",
    age: float = 0.0,
    viewer: Float[Array, " 3"] | None = None,
) -> Player:
    """Measure the bundled head; if it has no identity yet it is given `betas`. Without `viewer` the eyes meet the
    portrait camera.

    Raises:
        HeadError: an imported head, whose controls have no names.
    """
    person = head.with_identity(betas) if head.betas is None and np.any(betas) else head
    return Player(
        head=person,
        gauge=mouth_gauge(person),
        skin=wrinkle_model(person),
        style=style,
        fps=fps,
        info=info,
        betas=np.asarray(betas, np.float32),
        character=character,
        age=age,
        viewer=lens_of(None) if viewer is None else viewer,
    )
