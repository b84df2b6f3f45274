"""Meshes, materials and blend shapes of a USD stage, one mesh for each object of a surface."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.formats.mesh.attachments import COVERED, Attachment
from face_emote.formats.mesh.materials import MATERIALS, Material, Picture, SkinPictures
from face_emote.formats.mesh.person import Person
from face_emote.formats.mesh.surface import Surface, SurfaceObject, vertex_normals
from face_emote.formats.mesh.targets import MorphTarget

SMALLEST_MOVE = 2e-6  # Metres; vertices that a shape moves less are left out of it.


@dataclass(frozen=True, slots=True, eq=False)
class UsdObject:
    """One mesh of the stage."""

    mesh: Any  # UsdGeom.Mesh.
    vertex_index: Int[Array, " object_vertex"]  # Written vertices that it has.
    attachment: Attachment | None = None  # What it is, if it is no part of the head's surface.


def add_meshes(
    stage: Any, person: Person, *, root: str, vertices: Float[Array, "head_vertex 3"],
    attached: list[Float[Array, "_ 3"]],
) -> tuple[UsdObject, ...]:  # fmt: skip
    """Define the meshes with their materials; the person's pictures are written beside the stage's own file.

    `attached` is where the vertices of the attachments are.
    """
    from pxr import Sdf, UsdGeom, Vt

    surface, coloured = person.surface, person.colours is not None
    materials = _Materials(stage, root=f"{root}/materials", pictures=person.pictures, coloured=coloured)
    places = surface.of(vertices)
    normals = vertex_normals(places, surface.triangles())
    out = []
    for item in surface.objects():
        mesh = UsdGeom.Mesh.Define(stage, f"{root}/{item.name}")
        _shape(mesh, item, places=places, normals=normals)
        if surface.uv is not None:
            _texture_coordinates(mesh, item, surface)
        if coloured:
            mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex)
        materials.bind(mesh, item, surface)
        out.append(UsdObject(mesh, item.vertex_index))
    for own, points in zip(person.attachments, attached, strict=True):
        mesh, every = UsdGeom.Mesh.Define(stage, f"{root}/{own.name}"), np.arange(len(points))
        faces = np.arange(len(own.triangles))
        _shape(mesh, SurfaceObject(own.name, every, faces, own.triangles), places=points, normals=own.normals)
        mesh.CreateDoubleSidedAttr(own.alpha != "OPAQUE")
        kind = Sdf.ValueTypeNames.TexCoord2fArray
        primvar = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", kind, UsdGeom.Tokens.vertex)
        primvar.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(own.uv, np.float32)))
        materials.dress(mesh, own)
        out.append(UsdObject(mesh, every, own))
    return tuple(out)


def _shape(
    mesh: Any, item: SurfaceObject, *, places: Float[Array, "vertex 3"], normals: Float[Array, "vertex 3"]
) -> None:
    from pxr import UsdGeom, Vt

    own = np.ascontiguousarray(places[item.vertex_index], np.float32)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(own))
    counts = np.full(len(item.corners), item.corners.shape[1], np.int32)
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(counts))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(item.corners, np.int32).reshape(-1)))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(normals[item.vertex_index])))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([own.min(axis=0), own.max(axis=0)])))


def _texture_coordinates(mesh: Any, item: SurfaceObject, surface: Surface) -> None:
    """`st` face by face: the skin's chart, and after it the eyes' own, which `eye_picture` is drawn for."""
    from pxr import Sdf, UsdGeom, Vt

    assert surface.uv is not None and surface.uv_corners is not None and surface.eye_uv is not None
    used, corners = np.unique(surface.uv_corners[item.face_index], return_inverse=True)
    corners = corners.reshape(len(item.face_index), -1)
    uv = surface.uv[used]
    for material, own in surface.material_faces(item.face_index):
        if material == "eyes":
            index, local = np.unique(surface.corners[item.face_index[own]], return_inverse=True)
            corners[own] = len(uv) + local.reshape(len(own), -1)
            uv = np.concatenate([uv, surface.eye_uv[index]])
    kind = Sdf.ValueTypeNames.TexCoord2fArray
    primvar = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", kind, UsdGeom.Tokens.faceVarying)
    primvar.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(uv, np.float32)))
    primvar.SetIndices(Vt.IntArray.FromNumpy(np.ascontiguousarray(corners, np.int32).reshape(-1)))


class _Materials:
    """UsdPreviewSurface materials, defined when they are first bound."""

    def __init__(self, stage: Any, *, root: str, pictures: SkinPictures | None, coloured: bool) -> None:
        self._stage, self._root, self._pictures, self._coloured = stage, root, pictures, coloured
        self._known: dict[str, Any] = {}

    def bind(self, mesh: Any, item: SurfaceObject, surface: Surface) -> None:
        """Bind every material of an object, to the whole of it or to a subset of its faces."""
        from pxr import UsdGeom, UsdShade, Vt

        used = list(surface.material_faces(item.face_index))
        for name, faces in used:
            prim = mesh.GetPrim()
            if len(used) > 1:
                index = Vt.IntArray.FromNumpy(faces.astype(np.int32))
                api = UsdShade.MaterialBindingAPI.Apply(prim)
                prim = api.CreateMaterialBindSubset(name, index, UsdGeom.Tokens.face).GetPrim()
            UsdShade.MaterialBindingAPI.Apply(prim).Bind(self._material(name, charted=surface.uv is not None))

    def dress(self, mesh: Any, attachment: Attachment) -> None:
        """Define and bind the material of an attachment; its picture's alpha is coverage."""
        from pxr import Sdf, UsdShade

        material, shader = self._defined(attachment.material)
        if attachment.picture is not None and self._pictures is not None:
            name, kinds = attachment.name, Sdf.ValueTypeNames
            self._picture(name, "colour", attachment.picture, wanted=shader.GetInput("diffuseColor"))
            if attachment.alpha != "OPAQUE":
                texture = UsdShade.Shader.Get(self._stage, f"{self._root}/{name}/colour_picture")
                opacity = shader.CreateInput("opacity", kinds.Float)
                opacity.ConnectToSource(texture.CreateOutput("a", kinds.Float))
                if attachment.alpha == "MASK":
                    shader.CreateInput("opacityThreshold", kinds.Float).Set(COVERED)
        UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)

    def _defined(self, item: Material) -> tuple[Any, Any]:
        """A material and its shader, without pictures."""
        from pxr import Gf, Sdf, UsdShade

        material = UsdShade.Material.Define(self._stage, f"{self._root}/{item.name}")
        shader, kinds = self._node(item.name, "surface", "UsdPreviewSurface"), Sdf.ValueTypeNames
        shader.CreateInput("diffuseColor", kinds.Color3f).Set(Gf.Vec3f(item.red, item.green, item.blue))
        plain = {"roughness": item.roughness, "clearcoat": item.coat, "clearcoatRoughness": item.coat_roughness}
        for name, value in (plain | {"metallic": 0.0}).items():
            shader.CreateInput(name, kinds.Float).Set(value)
        material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
        return material, shader

    def _material(self, name: str, *, charted: bool) -> Any:
        from pxr import Sdf

        if name in self._known:
            return self._known[name]
        material, shader = self._defined(next(item for item in MATERIALS if item.name == name))
        colour, rough = shader.GetInput("diffuseColor"), shader.GetInput("roughness")
        if self._coloured and name == "skin":
            reader = self._node(name, "colours", "UsdPrimvarReader_float3")
            reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("displayColor")
            reader.CreateOutput("result", Sdf.ValueTypeNames.Float3)
            colour.ConnectToSource(reader.ConnectableAPI(), "result")
        if self._pictures is not None and charted and name in ("skin", "eyes"):
            of = self._pictures
            colour_of, normal_of = (of.colour, of.normal) if name == "skin" else (of.eye, of.eye_normal)
            if not (self._coloured and name == "skin"):
                self._picture(name, "colour", colour_of, wanted=colour)
            self._picture(name, "normal", normal_of, wanted=shader.CreateInput("normal", Sdf.ValueTypeNames.Normal3f))
            if name == "skin":
                self._picture(name, "shine", of.shine, wanted=rough)
        self._known[name] = material
        return material

    def _node(self, material: str, name: str, kind: str) -> Any:
        from pxr import UsdShade

        node = UsdShade.Shader.Define(self._stage, f"{self._root}/{material}/{name}")
        node.CreateIdAttr(kind)
        return node

    def _picture(self, material: str, name: str, picture: Picture, *, wanted: Any) -> None:
        """A picture read at `st`, written beside the stage: of colours, normals or, in its green, roughness."""
        from pxr import Gf, Sdf

        file = f"{material}_{name}.{'jpg' if picture.kind == 'jpeg' else picture.kind}"
        Path(self._stage.GetRootLayer().realPath).with_name(file).write_bytes(picture.data)
        reader = self._node(material, "st", "UsdPrimvarReader_float2")
        reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("st")
        reader.CreateOutput("result", Sdf.ValueTypeNames.Float2)
        texture = self._node(material, f"{name}_picture", "UsdUVTexture")
        texture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath(file))
        texture.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB" if name == "colour" else "raw")
        texture.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
        if name == "normal":  # Bytes 0..255 mean -1..1.
            texture.CreateInput("scale", Sdf.ValueTypeNames.Float4).Set(Gf.Vec4f(2.0, 2.0, 2.0, 1.0))
            texture.CreateInput("bias", Sdf.ValueTypeNames.Float4).Set(Gf.Vec4f(-1.0, -1.0, -1.0, 0.0))
        output, kind = ("g", Sdf.ValueTypeNames.Float) if name == "shine" else ("rgb", Sdf.ValueTypeNames.Float3)
        texture.CreateOutput(output, kind)
        wanted.ConnectToSource(texture.ConnectableAPI(), output)


def add_shapes(
    stage: Any, person: Person, *, targets: tuple[MorphTarget, ...], objects: tuple[UsdObject, ...]
) -> None:  # fmt: skip
    """Blend shapes of every mesh: all of them on the whole head, on a part those that move it."""
    from pxr import UsdSkel, Vt

    surface = person.surface
    rest = surface.of(person.head.template.astype(np.float32))
    faces = surface.triangles()
    normals = vertex_normals(rest, faces)
    names: list[list[str]] = [[] for _ in objects]
    paths: list[list[Any]] = [[] for _ in objects]
    for target in targets:
        delta = surface.of(target.delta.astype(np.float32))
        turn = vertex_normals(rest + delta, faces) - normals
        for number, item in enumerate(objects):
            own = (
                delta[item.vertex_index]
                if item.attachment is None
                else item.attachment.moved(target.delta.astype(np.float32))
            )
            moved = np.flatnonzero(np.abs(own).max(axis=1) > SMALLEST_MOVE)
            if (surface.split or item.attachment is not None) and not len(moved):
                continue
            shape = UsdSkel.BlendShape.Define(stage, f"{item.mesh.GetPath()}/{target.name}")
            shape.CreateOffsetsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(own[moved], np.float32)))
            if item.attachment is None:
                turned = np.ascontiguousarray(turn[item.vertex_index][moved], np.float32)
                shape.CreateNormalOffsetsAttr(Vt.Vec3fArray.FromNumpy(turned))
            shape.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(moved.astype(np.int32)))
            names[number].append(target.name)
            paths[number].append(shape.GetPath())
    for item, own_names, own_paths in zip(objects, names, paths, strict=True):
        binding = UsdSkel.BindingAPI(item.mesh.GetPrim())
        binding.CreateBlendShapesAttr(own_names)
        binding.CreateBlendShapeTargetsRel().SetTargets(own_paths)
