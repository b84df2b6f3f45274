"""USD (`.usda`, `.usdc`, `.usdz`): the talking head as a skinned mesh with blend shapes, by Pixar's own library.

A SkelRoot with one mesh (all the head's vertices, in its order; with `parts` one mesh a part), its skeleton and one
animation; wrinkles and blood flow are time-sampled attributes `faceEmote:wrinkle:*` and `faceEmote:blood:*` of the mesh
that has the skin. Metres, +Y up; time code i is frame i. The same vertices as `Head` to 0.5 mm, as in `glb`. A `.usdz`
holds the materials' pictures too.

The library holds a stage in memory until it is saved: a few kB a frame.
"""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError
from face_emote.core.motion import MotionSource, reported
from face_emote.core.names import BLOOD_REGIONS, JOINT_PARENTS, JOINTS, WRINKLES
from face_emote.core.output import written_beside
from face_emote.core.types import Progress
from face_emote.face.head import Head
from face_emote.formats.mesh.colours import BlushColours
from face_emote.formats.mesh.person import JointMotion, Person, attachment_places, posed_blocks
from face_emote.formats.mesh.targets import TargetSet, morph_targets
from face_emote.formats.usd.mesh import UsdObject, add_meshes, add_shapes

ROOT = "/face"
COLOURS_HZ = 10.0
"""Vertex colours are sampled so often: blood is slow, and 18,000 frames of colours would not fit into memory."""
SOUND = "speech.wav"
ALIGNMENT = 64
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
LOCAL_HEADER_BYTES = 30
PADDING_ID = b"\x86\x19"  # Id of the extra field that USD's own writer pads with.


def write_usd(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write a motion and the head that performs it; the suffix chooses text, binary (`.usdc`) or a package (`.usdz`).

    DependencyError: usd-core is not installed. OutputError: the file cannot be written there.
    """
    require_usd()
    from pxr import Sdf, Usd

    moving, packed = person.options.frame is None, path.suffix.lower() == ".usdz"
    with written_beside(path) as target:
        layer = target.with_name("face.usdc") if packed else target
        stage = Usd.Stage.CreateNew(str(layer))
        _set_units(stage, motion, moving=moving)
        vertices = person.head.template.astype(np.float32)
        attached = [item.points for item in person.attachments]
        if not moving:
            block, posed = next(posed_blocks(motion, person.head))
            vertices, attached = posed[0], attachment_places(person, block)
        objects = add_meshes(stage, person, root=ROOT, vertices=vertices, attached=attached)
        if moving:
            _perform(stage, motion, person=person, objects=objects, progress=progress)
        _sample_skin(stage, motion, objects=objects, colours=person.colours, moving=moving)
        if person.options.sound is not None:
            _add_sound(stage, SOUND if packed else f"{path.stem}.wav")
        stage.GetRootLayer().Save()
        if packed:
            extras = sorted(target.parent.glob("*_*.*"))
            if person.options.sound is not None:
                extras.append(shutil.copyfile(person.options.sound, target.with_name(SOUND)))
            _write_package(target, [layer, *extras])
            del stage, layer
            Sdf.Layer.ReloadLayers(set())


def require_usd() -> None:
    """Raise DependencyError unless usd-core is installed."""
    try:
        import pxr  # noqa: F401
    except ImportError:
        raise DependencyError("USD needs usd-core: pip install 'face-emote[usd]'") from None


def _add_sound(stage: Any, file: str) -> None:
    """A sound that is heard everywhere, from time code 0 on, as is usual."""
    from pxr import Sdf, UsdMedia

    sound = UsdMedia.SpatialAudio.Define(stage, f"{ROOT}/speech")
    sound.CreateFilePathAttr(Sdf.AssetPath(f"./{file}"))
    sound.CreateAuralModeAttr(UsdMedia.Tokens.nonSpatial)
    sound.CreatePlaybackModeAttr(UsdMedia.Tokens.onceFromStart)


def _set_units(stage: Any, motion: MotionSource, *, moving: bool) -> None:
    from pxr import UsdGeom, UsdSkel

    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    kind = UsdSkel.Root if moving else UsdGeom.Xform
    stage.SetDefaultPrim(kind.Define(stage, ROOT).GetPrim())
    if moving:
        stage.SetTimeCodesPerSecond(motion.fps)
        stage.SetFramesPerSecond(motion.fps)
        stage.SetStartTimeCode(0)
        stage.SetEndTimeCode(motion.num_frames - 1)


def _perform(
    stage: Any, motion: MotionSource, *, person: Person, objects: tuple[UsdObject, ...], progress: Progress | None
) -> None:
    """Skeleton, blend shapes and the animation of both."""
    targets = morph_targets(motion, person.head)
    _add_skeleton(stage, person.head)
    weights = person.surface.of(person.head.skin_weights)
    for item in objects:
        _bind(stage, item, weights[item.vertex_index] if item.attachment is None else item.attachment.joint_weights)
    add_shapes(stage, person, targets=targets.targets, objects=objects)
    _play(stage, motion, head=person.head, targets=targets, progress=progress)


def _joint_paths() -> list[str]:
    paths: list[str] = []
    for name, parent in zip(JOINTS, JOINT_PARENTS, strict=True):
        paths.append(name if parent < 0 else f"{paths[parent]}/{name}")
    return paths


def _add_skeleton(stage: Any, head: Head) -> None:
    from pxr import Gf, UsdSkel

    rest = head.joints()
    above = np.array([rest[parent] if parent >= 0 else np.zeros(3) for parent in JOINT_PARENTS])

    def moved(places: Float[Array, "joint=5 3"]) -> list[Any]:
        return [Gf.Matrix4d(1.0).SetTranslate(Gf.Vec3d(*place)) for place in places.tolist()]

    skeleton = UsdSkel.Skeleton.Define(stage, f"{ROOT}/skeleton")
    skeleton.CreateJointsAttr(_joint_paths())
    skeleton.CreateBindTransformsAttr(moved(rest))
    skeleton.CreateRestTransformsAttr(moved(rest - above))
    animated = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    animated.CreateAnimationSourceRel().SetTargets([f"{ROOT}/performance"])


def _bind(stage: Any, item: UsdObject, skin_weights: Float[Array, "vertex joint=5"]) -> None:
    from pxr import Gf, UsdSkel, Vt

    binding = UsdSkel.BindingAPI.Apply(item.mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([f"{ROOT}/skeleton"])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))
    vertices, joints = skin_weights.shape
    index = np.tile(np.arange(joints, dtype=np.int32), vertices)
    binding.CreateJointIndicesPrimvar(False, joints).Set(Vt.IntArray.FromNumpy(index))
    weights = np.ascontiguousarray(skin_weights, np.float32).reshape(-1)
    binding.CreateJointWeightsPrimvar(False, joints).Set(Vt.FloatArray.FromNumpy(weights))


def _play(stage: Any, motion: MotionSource, *, head: Head, targets: TargetSet, progress: Progress | None) -> None:
    """Time samples of joints and shapes."""
    from pxr import Gf, UsdSkel, Vt

    clip = UsdSkel.Animation.Define(stage, f"{ROOT}/performance")
    clip.CreateJointsAttr(_joint_paths())
    clip.CreateBlendShapesAttr([item.name for item in targets.targets])
    clip.CreateScalesAttr([Gf.Vec3h(1, 1, 1)] * len(JOINTS))
    turns, places = clip.CreateRotationsAttr(), clip.CreateTranslationsAttr()
    weights = clip.CreateBlendShapeWeightsAttr()
    joints, done = JointMotion(head), 0
    for block in reported(motion, progress):
        turned, placed = joints.played(block)
        quats = turned.tolist()
        amounts = np.ascontiguousarray(targets.weights(block), np.float32)
        for row in range(block.num_frames):
            code = done + row
            turns.Set(Vt.QuatfArray([Gf.Quatf(w, x, y, z) for x, y, z, w in quats[row]]), code)
            places.Set(Vt.Vec3fArray.FromNumpy(placed[row].astype(np.float32)), code)
            weights.Set(Vt.FloatArray.FromNumpy(amounts[row]), code)
        done += block.num_frames


def _sample_skin(
    stage: Any, motion: MotionSource, *, objects: tuple[UsdObject, ...], colours: BlushColours | None, moving: bool
) -> None:
    """Curves of the skin on the mesh that has it, and with blush the colours of all vertices."""
    from pxr import Sdf, Usd, Vt

    names = [*(f"wrinkle:{name}" for name in WRINKLES), *(f"blood:{name}" for name in BLOOD_REGIONS)]
    prim = objects[0].mesh.GetPrim()
    skin = [prim.CreateAttribute(f"faceEmote:{name}", Sdf.ValueTypeNames.Float) for name in names]
    stride, done = max(1, round(motion.fps / COLOURS_HZ)), 0
    for block in motion.blocks():
        values = np.concatenate([block.wrinkles, block.blood_flow], axis=1).tolist()
        for row in range(block.num_frames):
            code = Usd.TimeCode(done + row) if moving else Usd.TimeCode.Default()
            for attribute, value in zip(skin, values[row], strict=True):
                attribute.Set(value, code)
            if colours is not None and ((done + row) % stride == 0 or done + row == motion.num_frames - 1):
                linear = colours.linear(block.blood_flow[row])
                for item in (item for item in objects if item.attachment is None):
                    tint = np.ascontiguousarray(linear[item.vertex_index])
                    item.mesh.GetDisplayColorPrimvar().Set(Vt.Vec3fArray.FromNumpy(tint), code)
        done += block.num_frames


def _write_package(path: Path, files: Sequence[Path]) -> None:
    """`.usdz`: a zip without compression whose files start on multiples of 64 bytes, the stage first.

    From the USDZ file format specification (openusd.org). Written here rather than by the library, whose packages hold
    the time of day.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, date_time=FIXED_DATE)
            entry.create_system = 0
            assert archive.fp is not None
            start = archive.fp.tell() + LOCAL_HEADER_BYTES + len(file.name.encode()) + 4
            pad = -start % ALIGNMENT
            entry.extra = PADDING_ID + pad.to_bytes(2, "little") + b"\0" * pad
            archive.writestr(entry, file.read_bytes())
