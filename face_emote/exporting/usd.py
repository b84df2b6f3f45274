"""USD (`.usda`, `.usdc`): the talking head as a skinned mesh with blend shapes, by Pixar's own library.

A SkelRoot with one mesh (all the head's vertices, in its order), its skeleton and one animation; wrinkles and blood
flow are time-sampled attributes `faceEmote:wrinkle:*` and `faceEmote:blood:*` of the mesh. Metres, +Y up; time code i
is frame i. The same vertices as `Head` to 0.5 mm, as in `glb`.

The library holds a stage in memory until it is saved: a few kB a frame.
"""

from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError
from face_emote.core.names import BLOOD_REGIONS, JOINT_PARENTS, JOINTS, WRINKLES
from face_emote.core.output import written_beside
from face_emote.core.types import MotionSource
from face_emote.exporting.glb import quaternions
from face_emote.exporting.materials import SURFACES
from face_emote.exporting.morph_targets import MorphTarget, TargetSet, morph_targets
from face_emote.exporting.person import JointMotion, Progress, local_places, person_of, rotations_of
from face_emote.exporting.surface_parts import MATERIAL_PARTS, vertex_normals
from face_emote.face.head import Head

SMALLEST_MOVE = 2e-6
"""Metres; vertices that a shape moves less are left out of it."""
ROOT = "/face"


def write_usd(motion: MotionSource, path: Path, *, head: Head, progress: Progress | None = None) -> None:
    """Write a motion and the head that performs it; the suffix chooses text (`.usda`) or binary (`.usdc`).

    Raises:
        DependencyError: usd-core is not installed.
        HeadError: the motion belongs to another face model.
        OutputError: the file cannot be written there.
    """
    require_usd()
    from pxr import Usd, UsdGeom

    person = person_of(motion, head)
    targets = morph_targets(motion, person)
    with written_beside(path) as target:
        stage = Usd.Stage.CreateNew(str(target))
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        stage.SetTimeCodesPerSecond(motion.fps)
        stage.SetFramesPerSecond(motion.fps)
        stage.SetStartTimeCode(0)
        stage.SetEndTimeCode(motion.num_frames - 1)
        shapes = [item for item in targets.targets if item.delta is not None]
        mesh = _mesh(stage, person)
        _materials(stage, mesh, person)
        _skeleton(stage, mesh, person)
        _shapes(stage, mesh, person=person, shapes=shapes)
        _play(stage, mesh, motion, person=person, targets=targets, progress=progress)
        stage.GetRootLayer().Save()


def require_usd() -> None:
    """Raise DependencyError unless usd-core is installed."""
    try:
        import pxr  # noqa: F401
    except ImportError:
        raise DependencyError("USD needs usd-core: pip install 'face-emote[usd]'") from None


def _joint_paths() -> list[str]:
    paths: list[str] = []
    for name, parent in zip(JOINTS, JOINT_PARENTS, strict=True):
        paths.append(name if parent < 0 else f"{paths[parent]}/{name}")
    return paths


def _mesh(stage: Any, person: Head) -> Any:
    from pxr import Sdf, UsdGeom, UsdSkel, Vt

    root = UsdSkel.Root.Define(stage, ROOT)
    stage.SetDefaultPrim(root.GetPrim())
    layout = person.layout
    faces = person.faces if layout is None else layout.quads[_drawn(person)]
    mesh = UsdGeom.Mesh.Define(stage, f"{ROOT}/head")
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(person.template.astype(np.float32)))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(faces), faces.shape[1], np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(faces, np.int32).reshape(-1)))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(vertex_normals(person.template, person.faces)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    bounds = np.stack([person.template.min(axis=0), person.template.max(axis=0)]).astype(np.float32)
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(bounds))
    if layout is not None:
        kind = Sdf.ValueTypeNames.TexCoord2fArray
        uv = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", kind, UsdGeom.Tokens.faceVarying)
        uv.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(layout.uv, np.float32)))
        corners = layout.quad_uv[_drawn(person)].astype(np.int32).reshape(-1)
        uv.SetIndices(Vt.IntArray.FromNumpy(corners))
    return mesh


def _drawn(person: Head) -> Array:
    """Quads that have a material; lashes need a hair shader and stay out."""
    assert person.layout is not None
    return person.layout.in_parts(*(name for parts in MATERIAL_PARTS.values() for name in parts))


def _materials(stage: Any, mesh: Any, person: Head) -> None:
    """A plain colour for each part."""
    from pxr import Gf, Sdf, UsdGeom, UsdShade, Vt

    for surface in SURFACES:
        if person.layout is None and surface.name != "skin":
            continue
        material = UsdShade.Material.Define(stage, f"{ROOT}/materials/{surface.name}")
        shader = UsdShade.Shader.Define(stage, f"{ROOT}/materials/{surface.name}/surface")
        shader.CreateIdAttr("UsdPreviewSurface")
        colour = Gf.Vec3f(surface.red, surface.green, surface.blue)
        shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(colour)
        material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
        prim = mesh.GetPrim()
        if person.layout is not None:
            chosen = person.layout.in_parts(*MATERIAL_PARTS[surface.name])[_drawn(person)]
            index = Vt.IntArray.FromNumpy(np.flatnonzero(chosen).astype(np.int32))
            subset = UsdShade.MaterialBindingAPI.Apply(prim).CreateMaterialBindSubset(
                surface.name, index, UsdGeom.Tokens.face
            )
            prim = subset.GetPrim()
        UsdShade.MaterialBindingAPI.Apply(prim).Bind(material)


def _skeleton(stage: Any, mesh: Any, person: Head) -> None:
    from pxr import Gf, UsdSkel, Vt

    rest = person.joints()
    above = np.array([rest[parent] if parent >= 0 else np.zeros(3) for parent in JOINT_PARENTS])

    def moved(places: Float[Array, "joint=5 3"]) -> list[Any]:
        return [Gf.Matrix4d(1.0).SetTranslate(Gf.Vec3d(*place)) for place in places.tolist()]

    skeleton = UsdSkel.Skeleton.Define(stage, f"{ROOT}/skeleton")
    skeleton.CreateJointsAttr(_joint_paths())
    skeleton.CreateBindTransformsAttr(moved(rest))
    skeleton.CreateRestTransformsAttr(moved(rest - above))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))
    vertices, joints = person.skin_weights.shape
    index = np.tile(np.arange(joints, dtype=np.int32), vertices)
    binding.CreateJointIndicesPrimvar(False, joints).Set(Vt.IntArray.FromNumpy(index))
    weights = np.ascontiguousarray(person.skin_weights, np.float32).reshape(-1)
    binding.CreateJointWeightsPrimvar(False, joints).Set(Vt.FloatArray.FromNumpy(weights))
    animated = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    animated.CreateAnimationSourceRel().SetTargets([f"{ROOT}/performance"])


def _shapes(stage: Any, mesh: Any, *, person: Head, shapes: list[MorphTarget]) -> None:
    from pxr import UsdSkel, Vt

    rest = vertex_normals(person.template, person.faces)
    paths = []
    for item in shapes:
        assert item.delta is not None
        moved = np.flatnonzero(np.abs(item.delta).max(axis=1) > SMALLEST_MOVE)
        turn = vertex_normals(person.template + item.delta, person.faces) - rest
        shape = UsdSkel.BlendShape.Define(stage, f"{mesh.GetPath()}/{item.name}")
        shape.CreateOffsetsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(item.delta[moved], np.float32)))
        shape.CreateNormalOffsetsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(turn[moved], np.float32)))
        shape.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(moved.astype(np.int32)))
        paths.append(shape.GetPath())
    binding = UsdSkel.BindingAPI(mesh.GetPrim())
    binding.CreateBlendShapesAttr([item.name for item in shapes])
    binding.CreateBlendShapeTargetsRel().SetTargets(paths)


def _play(
    stage: Any, mesh: Any, motion: MotionSource, *, person: Head, targets: TargetSet, progress: Progress | None
) -> None:
    """Time samples of joints, shapes and skin."""
    from pxr import Gf, Sdf, UsdSkel, Vt

    columns = [i for i, item in enumerate(targets.targets) if item.delta is not None]
    clip = UsdSkel.Animation.Define(stage, f"{ROOT}/performance")
    clip.CreateJointsAttr(_joint_paths())
    clip.CreateBlendShapesAttr([targets.targets[i].name for i in columns])
    clip.CreateScalesAttr([Gf.Vec3h(1, 1, 1)] * len(JOINTS))
    turns, places = clip.CreateRotationsAttr(), clip.CreateTranslationsAttr()
    weights = clip.CreateBlendShapeWeightsAttr()
    names = [*(f"wrinkle:{name}" for name in WRINKLES), *(f"blood:{name}" for name in BLOOD_REGIONS)]
    skin = [mesh.GetPrim().CreateAttribute(f"faceEmote:{name}", Sdf.ValueTypeNames.Float) for name in names]
    joints, rest, done = JointMotion(person), person.joints(), 0
    for block in motion.blocks():
        rotations = rotations_of(block)
        local = local_places(joints.transforms(block, rotations), rest)
        local[:, 0] += block.translation
        quats = np.stack([quaternions(rotations[:, joint]) for joint in range(len(JOINTS))], axis=1).tolist()
        amounts = np.ascontiguousarray(targets.weights(block)[:, columns], np.float32)
        surface = np.concatenate([block.wrinkles, block.blood_flow], axis=1).tolist()
        for row in range(block.num_frames):
            code = done + row
            turns.Set(Vt.QuatfArray([Gf.Quatf(w, x, y, z) for x, y, z, w in quats[row]]), code)
            places.Set(Vt.Vec3fArray.FromNumpy(local[row].astype(np.float32)), code)
            weights.Set(Vt.FloatArray.FromNumpy(amounts[row]), code)
            for attribute, value in zip(skin, surface[row], strict=True):
                attribute.Set(value, code)
        done += block.num_frames
        if progress is not None:
            progress(done, motion.num_frames, "exporting")
