"""The package's own head file (.npz): bundled heads and imported FLAME models. No pickles, no code.

The three basis tensors are stored as int16 multiples of one micrometre (columns that would not fit get a larger step),
zigzag-coded and split into low and high bytes: the many small columns then compress to a quarter.
"""

import hashlib
import io
import math
import zipfile
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.errors import HeadError
from face_emote.core.names import CONTROLS, NUM_EXPRESSION, NUM_SHAPE
from face_emote.core.output import written_beside
from face_emote.core.reading import read_npz, words_of
from face_emote.face.contact import ContactOperator, contact_operator
from face_emote.face.head import Head, HeadContact
from face_emote.face.layout import ControlJoint, HeadLayout, SurfacePoints
from face_emote.face.skinning import NUM_CORRECTIVES, NUM_JOINTS
from face_emote.face.subdivision import triangles

FORMAT = "face_emote.head/1"
STEP = 1e-6  # Quantisation of basis columns, metres.
MAX_VERTICES = 200_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_INTS = ("quads", "quad_uv", "quad_part", "mirror", "left_lid_loop", "right_lid_loop", "lip_loop", "ring")
_LOOPS = ("left_lid_loop", "right_lid_loop", "lip_loop")
_FLOATS = ("uv", "uv_makehuman", "lash_uv")
_MASKS = ("mask_lips", "mask_eyelids", "mask_ears", "mask_face", "mask_inside_mouth")
_OPENINGS = ("lips", "left_lids", "right_lids")
_EDGES = ("upper", "lower", "free")
_CONTACT_POINTS = ("left_eyeball", "right_eyeball", "upper_teeth")


def basis_id(family: str, arrays: tuple[Array, ...]) -> str:
    """`family:` and the first 8 hex digits of the sha256 of the arrays' bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return f"{family}:{digest.hexdigest()[:8]}"


def pack_columns(
    columns: Float[Array, "column vertex 3"],
) -> tuple[UInt8[Array, "2 column 3 vertex"], Float[Array, " column"]]:
    """Bytes (low plane, high plane) and the step of each column in metres."""
    planar = columns.swapaxes(1, 2)
    step = np.maximum(np.abs(planar).max(axis=(1, 2), initial=0.0) / 32767.0, STEP).astype(np.float32)
    whole = np.rint(planar / step[:, None, None]).astype(np.int32)
    zigzag = (whole << 1) ^ (whole >> 31)
    return np.stack([zigzag & 255, zigzag >> 8]).astype(np.uint8), step


def unpack_columns(
    packed: UInt8[Array, "2 column 3 vertex"], step: Float[Array, " column"]
) -> Float[Array, "column vertex 3"]:
    """Inverse of `pack_columns` to half a step; memory is planar (coordinates before vertices)."""
    zigzag = packed[1].astype(np.uint16) << np.uint16(8)
    zigzag |= packed[0]
    whole = (zigzag >> np.uint16(1)).astype(np.int16) ^ -(zigzag & np.uint16(1)).astype(np.int16)
    planar: Array = whole.astype(np.float32)
    planar *= step[:, None, None]
    return planar.swapaxes(1, 2)


def write_arrays(path: Path, arrays: dict[str, Array]) -> None:
    """Write an .npz whose bytes depend on the arrays alone; a failure leaves an existing file untouched."""
    with written_beside(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, buffer.getvalue())


def write_head(head: Head, path: Path) -> None:
    """Write a whole, average head (quantised: positions move by at most half a micrometre per column)."""
    if head.source is not None or head.betas is not None:
        raise HeadError(f"Only whole heads without an identity can be written: {path}")
    arrays: dict[str, Array] = {
        "format": np.array(FORMAT),
        "basis": np.array(head.basis),
        "template": head.template.astype(np.float32),
    }
    for name in ("shape_basis", "expression_basis", "pose_correctives"):
        arrays[name], arrays[f"{name}_step"] = pack_columns(getattr(head, name))
    arrays["joint_regressor"] = head.joint_regressor.astype(np.float32)
    arrays["skin_weights"] = head.skin_weights.astype(np.float32)
    if head.layout is None:
        arrays["faces"] = head.faces.astype(np.int32)
    else:
        arrays |= _layout_arrays(head.layout)
    if head.control_joints:
        arrays |= _control_arrays(head.control_joints)
    for name, points in (("landmarks68", head.landmark_points), ("landmarks478", head.landmark478_points)):
        if points is not None:
            arrays[f"{name}_corners"] = points.corners.astype(np.uint16)
            arrays[f"{name}_weights"] = points.weights.astype(np.float32)
    if head.contact is not None:
        arrays |= _contact_arrays(head.contact)
    write_arrays(path, arrays)


def _layout_arrays(layout: HeadLayout) -> dict[str, Array]:
    kinds = ((_INTS, np.uint16), (_FLOATS, np.float32), (_MASKS, np.float16))
    arrays: dict[str, Array] = {name: getattr(layout, name).astype(kind) for names, kind in kinds for name in names}
    return arrays | {"part_names": np.array(layout.part_names)}


def _control_arrays(joints: tuple[ControlJoint, ...]) -> dict[str, Array]:
    return {
        "control_joint_names": np.array([joint.control for joint in joints]),
        "control_joint_axes": np.array([(joint.joint, joint.axis) for joint in joints], np.uint8),
        "control_joint_angles": np.array([joint.angle for joint in joints], np.float64),
    }


def _contact_arrays(contact: HeadContact) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for opening in _OPENINGS:
        operator: ContactOperator = getattr(contact, opening)
        arrays |= {f"{opening}_{name}": getattr(operator, name).astype(np.uint16) for name in _EDGES}
        arrays[f"{opening}_response"] = operator.response.astype(np.float16)
    return arrays | {name: getattr(contact, name).astype(np.uint16) for name in _CONTACT_POINTS}


def read_head(path: Path) -> Head:
    """Read what `write_head` wrote. HeadError: missing, damaged, of another version, or not a head file."""
    try:
        arrays = read_npz(path)
        found = str(arrays["format"])
        if found != FORMAT:
            raise HeadError(
                f"The head file has format '{found}', this version reads '{FORMAT}'; import it again: {path}"
            )
        head = _head_of(arrays)
        _require_sound(head)
    except OSError as error:
        raise HeadError(f"The head file cannot be opened ({error.strerror or error}): {path}") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise HeadError(f"This is not a head file, or it is damaged ({error}); import it again: {path}") from error
    return head


def _head_of(arrays: dict[str, Array]) -> Head:
    template = arrays["template"].astype(np.float32)
    if not 0 < len(template) <= MAX_VERTICES:
        raise ValueError(f"{len(template)} vertices")
    layout = _layout_of(arrays) if "quads" in arrays else None
    return Head(
        basis=str(arrays["basis"]),
        template=template,
        shape_basis=unpack_columns(arrays["shape_basis"], arrays["shape_basis_step"]),
        expression_basis=unpack_columns(arrays["expression_basis"], arrays["expression_basis_step"]),
        pose_correctives=unpack_columns(arrays["pose_correctives"], arrays["pose_correctives_step"]),
        joint_regressor=arrays["joint_regressor"],
        skin_weights=arrays["skin_weights"],
        faces=triangles(layout.quads) if layout else arrays["faces"].astype(np.int32),
        layout=layout,
        control_joints=_control_joints_of(arrays),
        landmark_points=_points_of(arrays, "landmarks68"),
        landmark478_points=_points_of(arrays, "landmarks478"),
        contact=_contact_of(arrays, template=template) if "lips_upper" in arrays else None,
    )


def _layout_of(arrays: dict[str, Array]) -> HeadLayout:
    ints: dict[str, Array] = {name: arrays[name].astype(np.int32) for name in _INTS}
    floats: dict[str, Array] = {name: arrays[name].astype(np.float32) for name in (*_FLOATS, *_MASKS)}
    return HeadLayout(part_names=words_of(arrays["part_names"]), **ints, **floats)


def _control_joints_of(arrays: dict[str, Array]) -> tuple[ControlJoint, ...]:
    if "control_joint_names" not in arrays:
        return ()
    rows = zip(
        words_of(arrays["control_joint_names"]),
        arrays["control_joint_axes"],
        arrays["control_joint_angles"],
        strict=True,
    )
    return tuple(
        ControlJoint(control=str(name), joint=int(axes[0]), axis=int(axes[1]), angle=float(angle))
        for name, axes, angle in rows
    )


def _points_of(arrays: dict[str, Array], name: str) -> SurfacePoints | None:
    if f"{name}_corners" not in arrays:
        return None
    corners = arrays[f"{name}_corners"].astype(np.int32)
    return SurfacePoints(corners=corners, weights=arrays[f"{name}_weights"].astype(np.float32))


def _contact_of(arrays: dict[str, Array], *, template: Float[Array, "vertex 3"]) -> HeadContact:
    def operator(opening: str) -> ContactOperator:
        edges: dict[str, Array] = {name: arrays[f"{opening}_{name}"].astype(np.int32) for name in _EDGES}
        for name, index in edges.items():
            _require_indices(f"{opening}_{name}", index, shape=(len(index),), count=len(template))
        response = arrays[f"{opening}_response"].astype(np.float32)
        shape = (len(edges["free"]), len(edges["upper"]) + len(edges["lower"]))
        _require_floats(f"{opening}_response", response, shape=shape)
        return contact_operator(**edges, response=response, template=template)

    points: dict[str, Array] = {name: arrays[name].astype(np.int32) for name in _CONTACT_POINTS}
    for name, index in points.items():
        _require_indices(name, index, shape=(len(index),), count=len(template))
    lips, left_lids, right_lids = (operator(opening) for opening in _OPENINGS)
    return HeadContact(lips, left_lids, right_lids, **points)


def _require_sound(head: Head) -> None:
    """Raise ValueError unless all shapes agree, all numbers are finite and all indices exist."""
    count = head.num_vertices
    wanted = {
        "template": (count, 3),
        "shape_basis": (NUM_SHAPE, count, 3),
        "expression_basis": (NUM_EXPRESSION, count, 3),
        "pose_correctives": (NUM_CORRECTIVES, count, 3),
        "joint_regressor": (NUM_JOINTS, count),
        "skin_weights": (count, NUM_JOINTS),
    }
    for name, shape in wanted.items():
        _require_floats(name, getattr(head, name), shape=shape)
    _require_indices("faces", head.faces, shape=(len(head.faces), 3), count=count)
    if head.layout is not None:
        _require_layout(head.layout, num_vertices=count)
    for joint in head.control_joints:
        if not (
            joint.control in CONTROLS and joint.joint < NUM_JOINTS and joint.axis < 3 and math.isfinite(joint.angle)
        ):
            raise ValueError(f"the control {joint.control!r} turns no joint")
    for points in (head.landmark_points, head.landmark478_points):
        if points is not None:
            shape = (len(points.corners), 3)
            _require_indices("landmarks", points.corners, shape=shape, count=count)
            _require_floats("landmarks", points.weights, shape=shape)


def _require_layout(layout: HeadLayout, *, num_vertices: int) -> None:
    quads, corners = len(layout.quads), len(layout.uv)
    indices = {
        "quads": ((quads, 4), num_vertices),
        "quad_uv": ((quads, 4), corners),
        "quad_part": ((quads,), len(layout.part_names)),
        "mirror": ((num_vertices,), num_vertices),
        "ring": ((num_vertices,), num_vertices),
    }
    for name in _LOOPS:
        indices[name] = ((len(getattr(layout, name)),), num_vertices)
    for name, (shape, limit) in indices.items():
        _require_indices(name, getattr(layout, name), shape=shape, count=limit)
    for name in (*_FLOATS, *_MASKS):
        shape = (num_vertices,) if name in _MASKS else (corners, 2)
        _require_floats(name, getattr(layout, name), shape=shape)


def _require_floats(name: str, array: Array, *, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float32:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, expected float32 {shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} holds NaN or infinity")


def _require_indices(name: str, array: Array, *, shape: tuple[int, ...], count: int) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} is {array.shape}, expected {shape}")
    if array.min(initial=0) < 0 or array.max(initial=0) >= count:
        raise ValueError(f"{name} names what does not exist")
