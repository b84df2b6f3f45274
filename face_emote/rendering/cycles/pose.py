"""What Blender is sent for every frame."""

import numpy as np

from face_emote.blender_side.cycles_job import CyclesFrame
from face_emote.core.arrays import Array, Float
from face_emote.look.reflection import MAX_WRINKLE
from face_emote.rendering.base import Pose
from face_emote.rendering.cycles.eyes import cornea_normals
from face_emote.rendering.cycles.job import Prepared
from face_emote.rendering.stage import kernels


def posed(person: Prepared, pose: Pose) -> CyclesFrame:
    """Everything of one frame that Blender must know."""
    mesh = person.mesh
    rows, num_skin = mesh.rows, mesh.num_skin
    points = np.empty((rows.num_rows + len(mesh.garment.first), 3), np.float32)
    plain, cloth = points[: rows.num_rows], points[rows.num_rows :]
    kernels.apply_rows(rows.start, rows.index, rows.weight, np.ascontiguousarray(pose.vertices, np.float32), plain)
    normals = np.empty_like(plain)
    kernels.vertex_normals(plain, person.skin_triangles, normals)
    folding = np.minimum(person.wrinkle_masks @ pose.wrinkles.astype(np.float32), MAX_WRINKLE)
    plain[:num_skin] += normals[:num_skin] * (person.relief * (folding + person.resting))[:, None]
    cloth[:] = mesh.garment.points(plain[:num_skin], normals[:num_skin])
    blood = np.append(pose.blood_flow, pose.blood_flow[2:5].mean())  # the neck follows cheeks and ears
    cornea = np.zeros_like(points)
    for index in person.eyes:
        cornea[index] = cornea_normals(mesh.local[index], points[index])
    return CyclesFrame(
        points=points,
        wrinkle=folding,
        blood=np.clip(person.blood_masks @ blood.astype(np.float32), -1.0, 1.0),
        normals=normals[:num_skin],
        tangents=tangents(person, points),
        cornea=cornea,
        knots=person.curves.posed(points, normals, np.asarray(pose.vertices, np.float32)),
    )


def tangents(person: Prepared, points: Float[Array, "point 3"]) -> Float[Array, "uv_point 6"]:
    """Change of the surface point with u and with v, averaged over the triangles of each texture vertex."""
    corners = points[person.mesh.skin.triangles]
    edges = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=1)
    along = np.einsum("tij,tjc->tic", person.uv_inverse, edges).reshape(-1, 6)
    spread = np.repeat(along, 3, axis=0)
    index, count = person.mesh.skin.uv_triangles.reshape(-1), len(person.mesh.skin.uv)
    sums = np.stack([np.bincount(index, spread[:, k], count) for k in range(6)], axis=1)
    return (sums / np.maximum(np.bincount(index, minlength=count), 1)[:, None]).astype(np.float32)
