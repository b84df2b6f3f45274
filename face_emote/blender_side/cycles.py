"""Draws heads with Cycles. The scene stays in our axes, +Y up: Cycles does not mind."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from face_emote.blender_side import compat
from face_emote.blender_side.arrays_file import load
from face_emote.blender_side.cycles_job import CLOTH, EYE, SKIN, TOOTH, WET, CyclesFrame, CyclesJob
from face_emote.blender_side.cycles_materials import make_materials, paint
from face_emote.blender_side.nodes import Nodes

LIGHT_DISTANCE = 2.5  # Metres from the head to its lights.
WINDOW_HEIGHT, WINDOW_SIZE = 0.45, 0.30
"""Of the light that eyes mirror: factor on the key light's elevation, radians across."""
TEAR_LIFT = 0.00006  # Metres from the eyeball to the film on it.
LOWEST_SKY = -0.35  # Sine of the elevation under which no light comes.
MATERIAL_OF = {"skin": SKIN, "eye": EYE, "tears": EYE, "tooth": TOOTH, "wet": WET, "cloth": CLOTH}


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One object of the scene and the job's points that it holds."""

    name: str
    mesh: Any
    points: Any


@dataclass(slots=True)
class Stage:
    """What is on show."""

    job: CyclesJob
    pieces: list[Piece]
    strands: list[tuple[Any, Any]]  # Curves and the job's knots that each holds.


_stages: list[Stage] = []


def open_scene(job: str) -> Mapping[str, Any]:
    """Build the scene of a `CyclesJob` file."""
    facts = load(CyclesJob, Path(job))
    _camera(facts)
    _sky(facts)
    _settings(facts)
    materials = make_materials(facts)
    pieces = [_piece(facts, name, material=materials[name]) for name in MATERIAL_OF]
    kinds = sorted(set(facts.strand_kind.tolist()))
    _lights(facts)
    strands = [_strands(facts, kind, material=materials[f"strands_{kind}"]) for kind in kinds]
    _stages[:] = [Stage(facts, pieces, strands)]
    return {}


def draw(frame: str, picture: str) -> Mapping[str, Any]:
    """Draw a `CyclesFrame` file into `picture`: .npy [height, width, 4], linear light, alpha multiplied in."""
    stage = _stages[0]
    _move(stage, load(CyclesFrame, Path(frame)))
    bpy.context.scene.render.filepath = str(Path(picture).with_suffix(".exr"))
    bpy.ops.render.render(write_still=True)
    drawn = bpy.data.images.load(bpy.context.scene.render.filepath)
    drawn.alpha_mode = "PREMUL"
    pixels = np.empty(stage.job.width * stage.job.height * 4, np.float32)
    drawn.pixels.foreach_get(pixels)
    bpy.data.images.remove(drawn)
    np.save(picture, pixels.reshape(stage.job.height, stage.job.width, 4)[::-1])
    return {}


VERBS = {"open": open_scene, "draw": draw}


def _add(name: str, data: Any) -> Any:
    added = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(added)
    return added


def _camera(job: CyclesJob) -> None:
    data = bpy.data.cameras.new("camera")
    # Blender's angle is that of the longer side, ours of the shorter.
    aspect = max(job.width, job.height) / min(job.width, job.height)
    data.angle = 2.0 * float(np.arctan(aspect * np.tan(0.5 * job.field_of_view)))
    data.clip_start, data.clip_end = 0.01, 20.0
    camera = _add("camera", data)
    camera.matrix_world = _matrix(job.world_from_camera)
    bpy.context.scene.camera = camera


def _matrix(values: Any) -> Any:
    from mathutils import Matrix

    return Matrix(np.asarray(values, np.float64).tolist())


def _lights(job: CyclesJob) -> None:
    """Square lights, as softboxes are: an area light of power P gives P / (pi d)^2 times pi on a facing surface."""
    for i, (direction, colour, size) in enumerate(
        zip(job.light_directions, job.light_colours, job.light_sizes, strict=True)
    ):
        _light(job, f"light_{i}", direction=direction, colour=colour, size=float(size))
    # The key light's mirror image would hide behind the upper lid; eyes alone see a second one that hangs lower.
    low = job.light_directions[0] * (1.0, WINDOW_HEIGHT, 1.0)
    low /= np.linalg.norm(low)
    window = _light(job, "window", direction=low, colour=job.light_colours[0], size=WINDOW_SIZE)
    window.visible_diffuse = False
    seen_by = bpy.data.collections.new("window")
    seen_by.objects.link(bpy.data.objects["tears"])
    window.light_linking.receiver_collection = seen_by


def _light(job: CyclesJob, name: str, *, direction: Any, colour: Any, size: float) -> Any:
    strength = max(float(colour.max()), 1e-6)
    data = bpy.data.lights.new(name, "AREA")
    data.shape, data.size = "SQUARE", LIGHT_DISTANCE * size
    data.energy = (np.pi * LIGHT_DISTANCE) ** 2 * strength
    data.color = (colour / strength).tolist()
    light = _add(name, data)
    helper = (0.0, 1.0, 0.0) if abs(direction[1]) < 0.95 else (1.0, 0.0, 0.0)
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    frame = np.eye(4)
    frame[:3, :3] = np.stack([right, np.cross(direction, right), direction], axis=1)
    frame[:3, 3] = job.light_target + LIGHT_DISTANCE * direction
    light.matrix_world = _matrix(frame)
    return light


def _sky(job: CyclesJob) -> None:
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    n = Nodes(compat.node_tree(world))
    _, up, _ = n.split(n.node("ShaderNodeNewGeometry", output="Incoming"))
    up = n.math("MULTIPLY", up, -1.0)
    fall = n.math("MULTIPLY", n.math("MULTIPLY_ADD", up, 0.45, 0.55), n.math("GREATER_THAN", up, LOWEST_SKY))
    light = n.node("ShaderNodeBackground", Color=n.vector("SCALE", tuple(job.sky.tolist()), fall))
    made = n.tree.nodes.new("ShaderNodeOutputWorld")
    n.tree.links.new(light, made.inputs["Surface"])


def _settings(job: CyclesJob) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = job.width, job.height
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    # Blender may keep the scene between frames, but then the same frame comes out in one of several ways.
    scene.render.use_persistent_data = False
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = job.samples
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.seed = 0
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 8, 3, 3
    cycles.transparent_max_bounces = 16
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    scene.cycles_curves.shape = "RIBBONS"


def _piece(job: CyclesJob, name: str, *, material: Any) -> Piece:
    chosen = job.material == MATERIAL_OF[name]
    points, corners = np.unique(job.triangles[chosen], return_inverse=True)
    corners = corners.reshape(-1, 3)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(np.zeros((len(points), 3)).tolist(), [], corners.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(corners), bool))
    uv = job.skin_uv[job.skin_uv_triangles] if name == "skin" else job.point_uv[points][corners]
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", np.ascontiguousarray(uv, np.float32).reshape(-1))
    if name == "skin":
        for attribute in ("wrinkle", "blood"):
            mesh.attributes.new(attribute, "FLOAT", "POINT")
        mesh.attributes.new("smooth", "FLOAT_VECTOR", "POINT")
        for attribute in ("along_u", "along_v"):
            mesh.attributes.new(attribute, "FLOAT_VECTOR", "CORNER")
    if name in ("tooth", "wet"):
        colour = np.ascontiguousarray(job.point_colour[points], np.float32)
        mesh.attributes.new("colour", "FLOAT_VECTOR", "POINT").data.foreach_set("vector", colour.reshape(-1))
    if name == "tears":
        mesh.attributes.new("cornea", "FLOAT_VECTOR", "POINT")
    mesh.materials.append(material)
    _add(name, mesh)
    return Piece(name, mesh, points)


def _strands(job: CyclesJob, kind: int, *, material: Any) -> tuple[Any, Any]:
    chosen = job.strand_kind == kind
    own = np.repeat(chosen, job.strand_knots)
    curves = bpy.data.hair_curves.new(f"strands_{kind}")
    curves.add_curves(job.strand_knots[chosen].tolist())
    curves.attributes.new("radius", "FLOAT", "POINT").data.foreach_set("value", job.knot_radius[own].astype(np.float32))
    colour = np.ones((int(own.sum()), 4), np.float32)
    colour[:, :3] = job.knot_colour[own]
    curves.attributes.new("colour", "FLOAT_COLOR", "POINT").data.foreach_set("color", colour.reshape(-1))
    curves.materials.append(material)
    _add(f"strands_{kind}", curves)
    return curves, np.flatnonzero(own)


def _move(stage: Stage, frame: CyclesFrame) -> None:
    for piece in stage.pieces:
        points = frame.points[piece.points]
        if piece.name == "tears":
            film = frame.cornea[piece.points]
            points = points + TEAR_LIFT * film
            _fill(piece.mesh, "cornea", values=film)
        if piece.name == "skin":
            for name, values in (("wrinkle", frame.wrinkle), ("blood", frame.blood), ("smooth", frame.normals)):
                _fill(piece.mesh, name, values=values[piece.points])
            corners = frame.tangents[stage.job.skin_uv_triangles.reshape(-1)]
            _fill(piece.mesh, "along_u", values=corners[:, :3])
            _fill(piece.mesh, "along_v", values=corners[:, 3:])
        piece.mesh.vertices.foreach_set("co", np.ascontiguousarray(points, np.float32).reshape(-1))
        piece.mesh.update()
    paint(bpy.data.images["eye"], frame.eye_map)
    for curves, knots in stage.strands:
        curves.position_data.foreach_set("vector", np.ascontiguousarray(frame.knots[knots], np.float32).reshape(-1))
        curves.update_tag()


def _fill(mesh: Any, name: str, *, values: Any) -> None:
    key = "value" if values.ndim == 1 else "vector"
    mesh.attributes[name].data.foreach_set(key, np.ascontiguousarray(values, np.float32).reshape(-1))
