"""What every renderer offers, so that the fast, the differentiable and the path-traced one can be exchanged."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from face_emote.core.arrays import Array, Float, UInt8


@dataclass(frozen=True, slots=True)
class Pose:
    """One frame of a head, ready to be drawn."""

    vertices: Float[Array, "vertex 3"]  # Posed vertices of the head's own mesh (not subdivided), metres.
    wrinkles: Float[Array, " wrinkle=16"]
    blood_flow: Float[Array, " region=8"]
    pupil: float = 0.0  # How far the pupils are wider than the light has them, 0..1.


@runtime_checkable
class Renderer(Protocol):
    """Draws one character in one scene."""

    name: str

    def render(self, pose: Pose) -> UInt8[Array, "height width 3"]:
        """One picture, sRGB. Frames are independent of one another: any order, any process, the same pixels."""
        ...


@runtime_checkable
class Stoppable(Protocol):
    """A renderer that keeps a program running; `close` ends it at once, even while another thread waits for a frame."""

    def close(self) -> None: ...  # noqa: D102
