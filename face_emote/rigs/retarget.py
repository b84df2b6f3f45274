"""A motion of the bundled head as a motion of a user's FLAME head, and coefficients of such models as controls."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError
from face_emote.core.names import CONTROLS, NUM_EXPRESSION, NUM_SHAPE
from face_emote.core.types import FaceMotion, MotionInfo, MotionSource
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.rigs.expression_map import ExpressionMap, kept_map
from face_emote.rigs.registration.target_model import target_of_head

MOUTH_CLOSE, LIP_SEAL = CONTROLS.index("mouthClose"), CONTROLS.index("lipSeal")


@lru_cache(maxsize=2)
def flame_map(head: Head) -> ExpressionMap:
    """The map onto an imported FLAME head, from the cache or solved now (some seconds).

    Raises:
        HeadError: no face can be found in the head.
    """

    def jaw(poses: Float[Array, "frames 3"]) -> Float[Array, "frames vertex 3"]:
        return head.pose_vertices(expression=np.zeros((len(poses), NUM_EXPRESSION), np.float32), jaw_pose=poses)

    return kept_map(target_of_head(head), head=load_head(), chin=jaw)


def mapped(block: FaceMotion, solved: ExpressionMap) -> FaceMotion:
    """A block of the bundled head with another model's coefficients in place of controls (padded to 100 columns).

    A lip seal, being no shape, becomes as much of mouthClose as the jaw is open. Betas are the other model's mean.
    """
    controls = block.expression.copy()
    angle = next(item.angle for item in load_head().control_joints if item.control == "jawOpen")
    opened = np.maximum(block.jaw_pose[:, 0] / angle, 0.0)
    seal = np.clip(controls[:, LIP_SEAL], 0.0, 1.0)
    controls[:, MOUTH_CLOSE] += seal * np.maximum(opened - controls[:, MOUTH_CLOSE], 0.0)
    expression = np.zeros((block.num_frames, NUM_EXPRESSION), np.float32)
    found = solved.expression(controls)
    expression[:, : found.shape[1]] = found
    return replace(
        block,
        expression=expression,
        jaw_pose=(block.jaw_pose * solved.jaw_scale).astype(np.float32),
        translation=(block.translation * solved.scale).astype(np.float32),
        betas=np.zeros(NUM_SHAPE, np.float32),
    )


class RetargetedMotion:
    """A `MotionSource` that shows a motion of the bundled head on an imported FLAME head. Memory stays flat."""

    def __init__(self, source: MotionSource, head: Head) -> None:
        """Raises HeadError when the motion is not the bundled head's, or no face is found in `head`."""
        bundled = load_head()
        if source.info.basis != bundled.basis:
            raise HeadError(
                f"The motion belongs to face model '{source.info.basis}', this head is '{head.basis}'; "
                "give the head that it was made with"
            )
        self._source, self._map = source, flame_map(head)
        self.info: MotionInfo = replace(source.info, basis=head.basis)
        self.betas = np.zeros(NUM_SHAPE, np.float32)

    @property
    def map(self) -> ExpressionMap:
        """How it is done, and how well."""
        return self._map

    @property
    def num_frames(self) -> int:
        """That of the source."""
        return self._source.num_frames

    @property
    def fps(self) -> float:
        """That of the source."""
        return self._source.fps

    @property
    def character(self) -> str:
        """That of the source."""
        return self._source.character

    def blocks(self, size: int = 256) -> Iterator[FaceMotion]:
        """Consecutive parts of at most `size` frames, from the first frame on."""
        for block in self._source.blocks(size):
            yield replace(mapped(block, self._map), info=self.info, betas=self.betas)


def shown_on(source: MotionSource, head: Head) -> MotionSource:
    """The motion as this head plays it: retargeted if it is the bundled head's and the head is an imported one."""
    if head.is_semantic or source.info.basis == head.basis:
        return source
    return RetargetedMotion(source, head)
