"""Alembic and FBX by Blender's exporters, in a process of its own (see `blender_side.process`)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.blender_side.arrays_file import save
from face_emote.blender_side.files_job import RigJob, SurfaceJob
from face_emote.blender_side.process import BlenderProcess, blender_python
from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.names import JOINT_PARENTS, JOINTS
from face_emote.core.output import written_beside
from face_emote.core.types import Progress
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.formats.mesh.attachments import Attachment
from face_emote.formats.mesh.materials import MATERIALS
from face_emote.formats.mesh.options import MeshOptions
from face_emote.formats.mesh.person import JointMotion, Person
from face_emote.formats.mesh.surface import MATERIAL_PARTS
from face_emote.formats.mesh.targets import SKIN_CURVES, TargetSet, morph_targets, skin_values
from face_emote.formats.point_cache import write_pc2
from face_emote.look.garment import hidden_faces

VERBS = "face_emote.blender_side.files"
BLENDER = MeshOptions(up="z")
ATTACHMENT_MOVE = 5e-5  # Metres; shapes that move cards and cloth less are left out.
BONE_END = 0.04  # Metres; bones of neck and root point up, those of jaw and eyes forward.
DATE_IN_ALEMBIC = re.compile(rb"_ai_DateWritten=\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}")
FIXED_DATE = b"_ai_DateWritten=Sat Jan  1 00:00:00 2000"
"""The same bytes for the same motion: Alembic writes the time of day into every file."""


def require_blender() -> None:
    """Raise DependencyError unless Blender's module is installed somewhere."""
    blender_python()


def write_abc(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write every vertex of every frame as Alembic (`.abc`). Memory does not grow with the length.

    DependencyError: no Blender. BlenderError: Blender failed. OutputError: the file cannot be written there.
    """

    def report(done: float, total: float) -> None:
        if progress is not None:
            progress(done, total, "Blender is exporting")

    with written_beside(path) as target:
        cache = target.with_name("points.pc2")
        write_pc2(motion, cache, person=replace(person, options=BLENDER), progress=progress)
        blender = BlenderProcess(VERBS)
        try:
            surface = blender.folder / "surface.npz"
            save(surface_job(person.head), surface)
            blender.ask(
                "alembic", surface=str(surface), cache=str(cache), path=str(target), num_frames=motion.num_frames,
                fps=motion.fps, report=report,
            )  # fmt: skip
        finally:
            blender.close()
        _set_date(target)


def write_fbx(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write a skinned head with ARKit shapes, joints and one animation as FBX. Errors as `write_abc`.

    Curves are held in memory: a few kB a frame.
    """
    targets = morph_targets(motion, person.head)
    with written_beside(path) as target:
        rig = rig_job(motion, person, targets=targets)
        if progress is not None:
            progress(0, motion.num_frames, "Blender is exporting")
        attachments = [(item, *attachment_jobs(item, rig, targets=targets)) for item in person.attachments]
        _ask_fbx(
            target, surface_job(person.head, dressed=bool(attachments)), rig, fps=motion.fps, attachments=attachments
        )


def write_fbx_curves(
    path: Path, motion: MotionSource, values: Iterator[Float[Array, "frames target"]], *, names: Sequence[str],
    head: Head,
) -> None:  # fmt: skip
    """Write named curves as the weights of shapes that move nothing, on one small triangle under one bone, `root`.

    Programs that take the curves of an FBX to their own skeleton, as Unreal does to a MetaHuman's face, need no more.
    """
    triangle = BLENDER.placed(BONE_END * np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    frames = np.ones((motion.num_frames, 1, 1))
    surface = SurfaceJob(
        name="curves", rest=triangle, polygons=np.array([[0, 1, 2]], np.int32),
        uv=np.zeros((1, 3, 2), np.float32), material=np.zeros(1, np.int32), material_names=np.array(["curves"]),
        material_colours=np.ones((1, 3)), roughness=np.ones(1),
    )  # fmt: skip
    rig = RigJob(
        shape_names=np.array(names), shapes=np.zeros((len(names), 3, 3), np.float32),
        shape_curves=np.concatenate(list(values)), joint_names=np.array(["root"]), joint_parents=np.array([-1]),
        joint_places=np.zeros((1, 3)), joint_ends=triangle[2:], skin_weights=np.ones((3, 1)),
        turns=frames * np.array([1.0, 0.0, 0.0, 0.0]), moves=frames * np.zeros(3),
    )  # fmt: skip
    _ask_fbx(path, surface, rig, fps=motion.fps)


def _ask_fbx(
    path: Path,
    mesh: SurfaceJob,
    rig: RigJob,
    *,
    fps: float,
    attachments: Sequence[tuple[Attachment, SurfaceJob, RigJob]] = (),
) -> None:
    """Let Blender write a file."""
    blender = BlenderProcess(VERBS)
    try:
        surface, curves = blender.folder / "surface.npz", blender.folder / "rig.npz"
        save(mesh, surface)
        save(rig, curves)
        for item, shape, own in attachments:
            save(shape, blender.folder / f"{item.name}.npz")
            save(own, blender.folder / f"{item.name}_rig.npz")
            if item.picture is not None:
                (blender.folder / f"{item.name}.png").write_bytes(item.picture.data)
        names = ",".join(item.name for item, _, _ in attachments)
        blender.ask("fbx", surface=str(surface), rig=str(curves), path=str(path), fps=fps, attachments=names)
    finally:
        blender.close()


def attachment_jobs(item: Attachment, rig: RigJob, *, targets: TargetSet) -> tuple[SurfaceJob, RigJob]:
    """An attachment, with those of the head's shapes that move it."""
    moves = [item.moved(target.delta.astype(np.float32)) for target in targets.targets]
    used = [i for i, move in enumerate(moves) if np.abs(move).max(initial=0.0) > ATTACHMENT_MOVE]
    base = item.material
    surface = SurfaceJob(
        name=item.name, rest=BLENDER.placed(item.points), polygons=item.triangles.astype(np.int32),
        uv=item.uv[item.triangles].astype(np.float32), material=np.zeros(len(item.triangles), np.int32),
        material_names=np.array([item.name]), material_colours=np.array([(base.red, base.green, base.blue)]),
        roughness=np.array([base.roughness]),
    )  # fmt: skip
    shapes = np.stack([moves[i] for i in used]) if used else np.zeros((0, *item.points.shape), np.float32)
    own = replace(
        rig, shape_names=rig.shape_names[used], shapes=BLENDER.placed(shapes), shape_curves=rig.shape_curves[:, used],
        skin_weights=item.joint_weights,
    )  # fmt: skip
    return surface, own


def surface_job(person: Head, *, dressed: bool = False) -> SurfaceJob:
    """All vertices in the head's order; lashes have no polygons, nor has what a garment hides."""
    layout = person.layout
    if layout is None:
        polygons, uv = person.faces, np.zeros((len(person.faces), 3, 2), np.float32)
        material = np.zeros(len(polygons), np.int32)
    else:
        names = [item.name for item in MATERIALS]
        owner = {part: names.index(name) for name, parts in MATERIAL_PARTS.items() for part in parts}
        number = np.array([owner.get(part, -1) for part in layout.part_names])[layout.quad_part.astype(np.int64)]
        drawn = number >= 0
        if dressed:
            drawn &= ~hidden_faces(load_head().template, layout.quads)
        polygons, uv = layout.quads[drawn], layout.uv[layout.quad_uv[drawn].astype(np.int64)]
        material = number[drawn].astype(np.int32)
    return SurfaceJob(
        name="head",
        rest=BLENDER.placed(person.template),
        polygons=np.asarray(polygons, np.int32),
        uv=np.asarray(uv, np.float32),
        material=material,
        material_names=np.array([item.name for item in MATERIALS]),
        material_colours=np.array([(item.red, item.green, item.blue) for item in MATERIALS]),
        roughness=np.array([item.roughness for item in MATERIALS]),
    )


def rig_job(motion: MotionSource, person: Person, *, targets: TargetSet) -> RigJob:
    """Shapes, joints and all their curves in Blender's axes."""
    head, skin = person.head, SKIN_CURVES if person.options.skin_curves else ()
    joints, rest = JointMotion(head), head.joints()
    at_rest = np.array([rest[i] - (rest[parent] if parent >= 0 else 0.0) for i, parent in enumerate(JOINT_PARENTS)])
    weights, turns, moves = [], [], []
    for block in motion.blocks():
        turned, placed = joints.played(block)
        weights.append(np.concatenate([targets.weights(block), skin_values(block)[:, : len(skin)]], axis=1))
        turns.append(np.concatenate([turned[..., 3:], BLENDER.placed(turned[..., :3])], axis=-1))
        moves.append(BLENDER.placed(placed - at_rest))
    still = np.zeros((len(skin), *head.template.shape), np.float32)
    return RigJob(
        shape_names=np.array([*(item.name for item in targets.targets), *skin]),
        shapes=BLENDER.placed(np.concatenate([np.stack([item.delta for item in targets.targets]), still])),
        shape_curves=np.concatenate(weights),
        joint_names=np.array(JOINTS),
        joint_parents=np.array(JOINT_PARENTS),
        joint_places=BLENDER.placed(rest),
        joint_ends=BLENDER.placed(rest + _directions() * BONE_END),
        skin_weights=head.skin_weights,
        turns=np.concatenate(turns),
        moves=np.concatenate(moves),
    )


def _directions() -> Float[Array, "joint=5 3"]:
    up, forward = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    return np.array([up if name in ("global", "neck") else forward for name in JOINTS])


def _set_date(path: Path) -> None:
    """Replace the date of writing, which lies at the end of the file."""
    with path.open("r+b") as file:
        first = max(0, path.stat().st_size - 65_536)
        file.seek(first)
        found = DATE_IN_ALEMBIC.search(file.read())
        if found is not None:
            file.seek(first + found.start())
            file.write(FIXED_DATE)
