"""VRM animation (`.vrma`): a performance for any VRM - expressions, where the eyes look, how neck and head turn.

Written from the specification VRMC_vrm_animation-1.0. A weight is how far its node is shifted along x.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.names import FACE_ANGLES
from face_emote.face.head import Head
from face_emote.formats.avatar.body import bone_nodes, bones_of, gaze_turns, head_turns
from face_emote.formats.avatar.vrm import BOTH
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.glb.glb import Channel, add_curves, asset_of
from face_emote.rigs.rig_file import load_rig

ANIMATION = "VRMC_vrm_animation"


def write_vrma_curves(
    path: Path, motion: MotionSource, values: Iterator[Float[Array, "frames target"]], *, names: Sequence[str],
    head: Head,
) -> None:  # fmt: skip
    """Write curves of named expressions, block by block as the motion has them; what VRM does not know is custom.

    Looks and turns among them stay out: eyes and head play them.
    """
    shown = [i for i, name in enumerate(names) if not name.startswith(("look", "eyeLook")) and name not in FACE_ANGLES]
    bones = tuple(bone for bone in bones_of(head) if bone.human and not bone.human.endswith("Eye"))
    first, look = len(bones), len(bones) + len(shown)
    at = {bone.human: i for i, bone in enumerate(bones)}
    known = {*BOTH, *(face.name for face in load_rig("vrm").shapes)}
    groups: dict[str, dict[str, Any]] = {}
    for node, column in enumerate(shown, first):
        group = "preset" if names[column] in known else "custom"
        groups.setdefault(group, {})[names[column]] = {"node": node}
    channels = [Channel("rotation", (node,)) for node in (at["neck"], at["head"], look)]
    channels += [Channel("translation", (first + i,)) for i in range(len(shown))]

    def rows() -> Iterator[list[Array]]:
        for block, weights in zip(motion.blocks(), values, strict=True):
            along = np.zeros((block.num_frames, len(shown), 3))
            along[..., 0] = np.clip(weights[:, shown], 0.0, 1.0)
            yield [*head_turns(block), gaze_turns(block), *along.swapaxes(0, 1)]

    with (path.parent / "buffer.bin").open("w+b") as buffer:
        gltf = GltfFile(buffer)
        gltf.extensions_used.add(ANIMATION)
        content = {
            "specVersion": "1.0",
            "humanoid": {"humanBones": {human: {"node": node} for human, node in at.items()}},
            "expressions": groups,
            "lookAt": {"node": look, "offsetFromHeadBone": [0.0, 0.0, 0.0]},
        }
        scene: dict[str, Any] = {
            "asset": asset_of(motion),
            "scene": 0,
            "scenes": [{"nodes": [0, *range(first, look + 1)]}],
            "nodes": [
                *bone_nodes(bones, first=0), *({"name": names[i]} for i in shown), {"name": "lookAt"},
            ],
            "animations": [add_curves(gltf, motion, channels=channels, rows=rows(), folder=path.parent)],
            "extensions": {ANIMATION: content},
        }  # fmt: skip
        gltf.save(path, scene=scene)
