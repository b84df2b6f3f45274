"""The one animation of a `.glb`: weights of the targets, turns and places of the joints, written block by block."""

import tempfile
from contextlib import ExitStack
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.names import JOINTS
from face_emote.core.timing import frame_times
from face_emote.face.head import Head
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.glb.mesh import GlbObject
from face_emote.formats.glb.morph_targets import TargetSet
from face_emote.formats.mesh.person import JointMotion, Progress, local_places, rotations_of


def animation_of(
    gltf: GltfFile,
    motion: MotionSource,
    *,
    person: Head,
    targets: TargetSet,
    objects: tuple[GlbObject, ...],
    folder: Path,
    progress: Progress | None,
) -> dict[str, Any]:
    """Add the curves and return the animation; nodes are the objects, then the joints. Spools lie in `folder`."""
    joints, rest = JointMotion(person), person.joints()
    count, done = motion.num_frames, 0
    moving = [item for item in objects if item.columns]
    with ExitStack() as files:

        def spool(name: str) -> BufferedIOBase:
            return cast(BufferedIOBase, files.enter_context(tempfile.TemporaryFile(dir=folder, prefix=name)))

        weights = [spool(item.name) for item in moving]
        turns, places = [spool(name) for name in JOINTS], [spool(name) for name in JOINTS]
        for block in motion.blocks():
            amounts = targets.weights(block)
            for item, file in zip(moving, weights, strict=True):
                file.write(np.ascontiguousarray(amounts[:, list(item.columns)], "<f4").tobytes())
            rotations = rotations_of(block)
            local = local_places(joints.transforms(block, rotations), rest)
            local[:, 0] += block.translation
            for joint in range(len(JOINTS)):
                turns[joint].write(quaternions(rotations[:, joint]).astype("<f4").tobytes())
                places[joint].write(local[:, joint].astype("<f4").tobytes())
            done += block.num_frames
            if progress is not None:
                progress(done, count, "exporting")
        times = gltf.add_array(frame_times(0, count, fps=motion.fps).astype(np.float32), bounds=True)
        samplers, goals = [], []
        for item, file in zip(moving, weights, strict=True):
            samplers.append(gltf.add_stream(file, count=count * len(item.columns), kind="SCALAR"))
            goals.append({"node": objects.index(item), "path": "weights"})
        for joint in range(len(JOINTS)):
            node = len(objects) + joint
            samplers.append(gltf.add_stream(turns[joint], count=count, kind="VEC4"))
            goals.append({"node": node, "path": "rotation"})
            samplers.append(gltf.add_stream(places[joint], count=count, kind="VEC3"))
            goals.append({"node": node, "path": "translation"})
    return {
        "name": Path(motion.info.speech_name).stem or "performance",
        "samplers": [{"input": times, "output": output, "interpolation": "LINEAR"} for output in samplers],
        "channels": [{"sampler": i, "target": goal} for i, goal in enumerate(goals)],
    }


def quaternions(rotations: Float[Array, "frames 3 3"]) -> Float[Array, "frames 4"]:
    """Unit quaternions x, y, z, w with w >= 0; exact for turns below 180 degrees, which a head never exceeds."""
    w = 0.5 * np.sqrt(np.maximum(1.0 + np.trace(rotations, axis1=1, axis2=2), 1e-12))
    skew = rotations - rotations.swapaxes(1, 2)
    xyz = np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=1) / (4.0 * w[:, None])
    out = np.concatenate([xyz, w[:, None]], axis=1)
    return out / np.linalg.norm(out, axis=1, keepdims=True)
