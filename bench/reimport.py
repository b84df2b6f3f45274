"""Do exported files move as the head does? Each is opened in Blender and compared vertex by vertex.

`python -m bench.reimport`; needs bpy (docs/cycles.md says how).
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.common import Figure, options, report
from face_emote.blender_side.arrays_file import save
from face_emote.blender_side.process import BlenderProcess
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION, WRINKLES
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.blender import surface_job
from face_emote.formats.mesh.person import under_garment
from face_emote.formats.mesh.surface import object_parts, surface_of
from face_emote.verbs.export import export

CACHES = (".pc2", ".mdd", ".abc")
RIGS = (".fbx", ".glb", ".usdc")
LARGEST_MM = {**dict.fromkeys(CACHES, 0.05), **dict.fromkeys(RIGS, 0.5)}
"""What is promised, mm."""
FACES: tuple[dict[str, float], ...] = (
    {},
    {"jawOpen": 1.0},
    {"jawOpen": 0.5, "jawLeft": 0.6, "tongueOut": 0.4},
    {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0, "eyeLookUpLeft": 0.7, "eyeLookUpRight": 0.7, "browInnerUp": 0.8},
    {"mouthSmileLeft": 1.0, "mouthSmileRight": 0.9, "cheekSquintLeft": 0.8, "cheekSquintRight": 0.8, "jawOpen": 0.2},
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0, "eyeLookDownLeft": 0.8, "eyeLookDownRight": 0.8},
    {"mouthPucker": 0.9, "mouthFunnel": 0.4, "jawOpen": 0.25, "browDownLeft": 1.0, "browDownRight": 0.9},
    {"jawOpen": 0.45, "lipSeal": 1.0, "mouthClose": 0.3},
)
"""A face a frame: rest, open jaw, chewing, gaze, smile, blink, pucker, sealed lips."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far one format's vertices lie from the head's, mm."""

    suffix: str
    largest: float
    mean: float
    num_vertices: int


def eight_faces(head: Head, *, who: str = "maya") -> FaceMotion:
    """`FACES` one after the other on a person who also turns, leans and moves."""
    controls = np.zeros((len(FACES), NUM_EXPRESSION), np.float32)
    for row, face in zip(controls, FACES, strict=True):
        row[[CONTROLS.index(name) for name in face]] = list(face.values())
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    turn = np.linspace(-1.0, 1.0, len(FACES), dtype=np.float32)[:, None]
    return FaceMotion(
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        eye_pose=pose.eye_pose,
        neck_pose=turn * np.array([0.15, -0.3, 0.1], np.float32),
        global_pose=turn * np.array([-0.1, 0.25, 0.05], np.float32),
        translation=turn * np.array([0.02, 0.01, -0.03], np.float32),
        wrinkles=np.abs(turn) * np.ones(len(WRINKLES), np.float32),
        blood_flow=turn * np.ones(len(BLOOD_REGIONS), np.float32),
        fps=30.0,
        info=MotionInfo(basis=head.basis),
        betas=character(who).betas,
    )


def deviations(motion: FaceMotion, head: Head, *, suffixes: tuple[str, ...] = CACHES + RIGS) -> list[Deviation]:
    """Export, import in Blender, compare every vertex of every frame."""
    person = head.with_identity(motion.betas)
    expected = head.vertices(motion)
    blender = BlenderProcess("bench.in_blender", search=Path(__file__).parent.parent)
    try:
        with tempfile.TemporaryDirectory() as folder:
            surface, out = Path(folder) / "surface.npz", Path(folder) / "seen.npy"
            save(surface_job(person), surface)
            found = []
            for suffix in suffixes:
                target = export(motion, Path(folder) / f"take{suffix}", head=head)
                blender.ask(
                    "measure", path=str(target), surface=str(surface), frames=list(range(motion.num_frames)),
                    fps=motion.fps, out=str(out),
                )  # fmt: skip
                seen = np.load(out)
                if suffix not in (".pc2", ".mdd"):
                    seen = np.stack([seen[..., 0], seen[..., 2], -seen[..., 1]], axis=-1)
                found.append(_deviation(suffix, seen, expected, person))
            return found
    finally:
        blender.close()


def _deviation(suffix: str, seen: Float[Array, "frames seen 3"], expected: Array, person: Head) -> Deviation:
    index = vertex_order(person) if suffix == ".glb" else np.arange(person.num_vertices)
    assert seen.shape[1] == len(index), f"{suffix}: {seen.shape[1]} vertices instead of {len(index)}"
    away = np.linalg.norm(seen - expected[:, index], axis=-1) * 1000.0
    return Deviation(suffix, float(away.max()), float(away.mean()), len(index))


def vertex_order(person: Head) -> Int[Array, " corner_vertex"]:
    """Head vertices in the order of a `.glb`, which has those on texture seams once a side."""
    surface = under_garment(surface_of(person)) if person.layout is not None else surface_of(person)
    return np.concatenate([part.vertex_index for part in object_parts(surface, surface.objects()[0])])


def main() -> None:
    """Print the table; exit code 1 if a format is worse than promised."""
    target = options(__doc__ or "").json
    head = load_head()
    found = deviations(eight_faces(head), head)
    figures = [
        Figure(f"{item.suffix} largest", item.largest, "mm", f"mean {item.mean:.5f} mm, {item.num_vertices} vertices")
        for item in found
    ]
    report(f"Exports read back by Blender, {len(FACES)} frames", figures, target=target)
    sys.exit(any(item.largest > LARGEST_MM[item.suffix] for item in found))


if __name__ == "__main__":
    main()
