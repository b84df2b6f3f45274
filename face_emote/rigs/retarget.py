"""The user's FLAME and SMPL-X files: their maps, and motions of the bundled head as motions of a FLAME head."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError
from face_emote.core.motion import MotionSource, MotionStream, view_of
from face_emote.core.names import CONTROLS, NUM_EXPRESSION, NUM_SHAPE
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.rigs.expression_map import ExpressionMap, kept_map
from face_emote.rigs.registration.target_model import MODEL_SUFFIXES, is_smplx, read_smplx, target_of_head

MOUTH_CLOSE, LIP_SEAL = CONTROLS.index("mouthClose"), CONTROLS.index("lipSeal")


@lru_cache(maxsize=2)
def flame_map(head: Head) -> ExpressionMap:
    """The map onto an imported FLAME head, from the cache or solved now (some seconds).

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


def retargeted(source: MotionSource, head: Head) -> MotionStream:
    """A motion of the bundled head as an imported FLAME head plays it. Memory stays flat.

    HeadError: the motion is not the bundled head's, or no face is found in `head`.
    """
    if source.info.basis != load_head().basis:
        raise HeadError(
            f"The motion belongs to face model '{source.info.basis}', this head is '{head.basis}'; "
            "give the head that it was made with"
        )
    solved = flame_map(head)
    info, betas = replace(source.info, basis=head.basis), np.zeros(NUM_SHAPE, np.float32)

    def read(size: int) -> Iterator[FaceMotion]:
        for block in source.blocks(size):
            yield replace(mapped(block, solved), info=info, betas=betas)

    return view_of(source, read, info=info, betas=betas)


def shown_on(source: MotionSource, head: Head) -> MotionSource:
    """The motion as this head plays it: retargeted if it is the bundled head's and the head is an imported one."""
    if head.is_semantic or source.info.basis == head.basis:
        return source
    return retargeted(source, head)


def is_model_file(path: str | Path) -> bool:
    """Whether a rig is named by a model's file."""
    return Path(path).suffix.lower() in MODEL_SUFFIXES


def model_map(path: str | Path) -> ExpressionMap:
    """The map to a model file's coefficients; solved at the first time, which takes some seconds.

    HeadError: the file cannot be used, has no face, or is the bundled head.
    """
    return named_model(path)[2]


def named_model(path: str | Path) -> tuple[str, str, ExpressionMap]:
    """Kind (`flame`, `smplx`), basis id and map of a model file. Errors as `model_map`."""
    file = Path(path)
    if is_smplx(file):
        target = read_smplx(file)
        return target.kind, target.basis, kept_map(target, head=load_head())
    head = load_head(file)
    if head.is_semantic:
        raise HeadError(f"This is the bundled head or one like it, whose shapes have names already: {file}")
    return "flame", head.basis, flame_map(head)
