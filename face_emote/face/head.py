"""`Head`: a FLAME-format face model that turns motions into meshes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError
from face_emote.core.names import CONTROLS, NUM_EXPRESSION, NUM_SHAPE
from face_emote.core.types import FaceMotion
from face_emote.face import skinning
from face_emote.face.contact import (
    Ball,
    ContactOperator,
    MovingEdges,
    blink_fix,
    closing_displacement,
    eyeball,
    lip_seal,
    moving_edges,
    parting_displacement,
)
from face_emote.face.layout import ControlJoint, HeadLayout, SurfacePoints

LIP_SEAL = CONTROLS.index("lipSeal")
BLINKS = (CONTROLS.index("eyeBlinkLeft"), CONTROLS.index("eyeBlinkRight"))
DEFAULT_BLOCK = 64  # Frames evaluated at once: large enough for one matrix product, small enough to stay in cache.


@dataclass(frozen=True, slots=True)
class MeshSequence:
    """A head of fixed topology that moves."""

    vertices: Float[Array, "frames vertex 3"]
    faces: Int[Array, "triangle 3"]  # Vertex indices, counter-clockwise seen from outside.
    uv: Float[Array, "uv_vertex 2"]  # Texture coordinates, (0, 0) bottom left.
    uv_faces: Int[Array, "triangle 3"]  # Indices into `uv`, corner by corner of `faces`.
    fps: float


@dataclass(frozen=True, eq=False)
class HeadContact:
    """The openings of the face that have to close."""

    lips: ContactOperator
    left_lids: ContactOperator
    right_lids: ContactOperator
    left_eyeball: Int[Array, " eye_vertex"]
    right_eyeball: Int[Array, " eye_vertex"]
    upper_teeth: Int[Array, " tooth"]  # One vertex on the outer face of each upper tooth, x rising.


@dataclass(frozen=True, eq=False)
class Head:
    """A face model. Metres, +Y up, the face looks along +Z, +X to the character's left.

    A head read from a file is the average person. `with_identity` makes one person's head of it; such a head keeps
    its identity and ignores the `betas` of a motion, so that one performance can be shown on anybody.
    """

    basis: str  # Id of the coefficients' meaning; motions of another basis are refused.
    template: Float[Array, "vertex 3"]
    shape_basis: Float[Array, f"shape={NUM_SHAPE} vertex 3"]  # Metres per standard deviation.
    expression_basis: Float[Array, f"expr={NUM_EXPRESSION} vertex 3"]  # Metres at coefficient 1.
    pose_correctives: Float[Array, f"corrective={skinning.NUM_CORRECTIVES} vertex 3"]
    """Per element of R - I, row by row, of neck, jaw, left eye, right eye; added before skinning."""
    joint_regressor: Float[Array, "joint=5 vertex"]
    """Joints as weighted vertices of the shaped (not yet posed) head. Of a restricted head: those columns only."""
    skin_weights: Float[Array, "vertex joint=5"]
    faces: Int[Array, "triangle 3"]  # Triangles, counter-clockwise seen from outside. A restricted head has none.
    layout: HeadLayout | None = None  # None for imported FLAME files and for restricted heads.
    control_joints: tuple[ControlJoint, ...] = ()
    """Controls that turn joints; empty for imported FLAME files, whose expression columns have no names."""
    landmark_points: SurfacePoints | None = None  # The 68 iBUG landmarks.
    landmark478_points: SurfacePoints | None = None  # MediaPipe's 478 landmarks.
    contact: HeadContact | None = None  # None for imported FLAME files.
    betas: Float[Array, f" shape={NUM_SHAPE}"] | None = None
    """Identity that is part of `template`; None for the average head, which takes each motion's betas."""
    source: "Head | None" = None  # The whole head of which this one holds only `vertex_index`.
    vertex_index: Int[Array, " vertex"] | None = None

    @property
    def num_vertices(self) -> int:
        """Number of vertices."""
        return len(self.template)

    @property
    def is_semantic(self) -> bool:
        """Whether expression columns are `names.CONTROLS` (bundled head) rather than principal components (FLAME)."""
        return bool(self.control_joints)

    def joints(self) -> Float[Array, "joint=5 3"]:
        """Rest positions of `names.JOINTS` for this identity, float64."""
        return self._whole._rest_joints

    def moved_joints(self, expression: Float[Array, f"frames {NUM_EXPRESSION}"]) -> Float[Array, "frames joint=5 3"]:
        """Positions of the joints under an expression, before they turn, float64."""
        moved = np.tensordot(expression.astype(np.float64), self._whole._expression_joints, axes=1)
        joints: Array = self.joints() + moved
        return joints

    def eyes_middle(self) -> Float[Array, " 3"]:
        """Midpoint of the eyeballs at rest, metres: where cameras aim from."""
        middle: Array = self.joints()[3:5].mean(axis=0)
        return middle

    def with_identity(self, betas: Float[Array, f" shape={NUM_SHAPE}"]) -> "Head":
        """This person's head: shape, joints, lips that meet in the neutral face and lids that meet in a blink.

        HeadError: the head already is a particular person, or betas are not finite.
        """
        if self.betas is not None:
            raise HeadError("This head already has an identity; call with_identity on the one that load_head returns")
        if not np.all(np.isfinite(betas)):
            raise HeadError("betas hold NaN or infinity; give 300 finite standard deviations")
        return self._personalised(np.ascontiguousarray(betas, np.float32).tobytes())

    def restricted_to(self, vertex_index: Int[Array, " kept"]) -> "Head":
        """A head of only these vertices: same joints, same lip seal, the same positions at a fraction of the cost."""
        if self.source is not None and self.vertex_index is not None:
            return self.source.restricted_to(self.vertex_index[vertex_index])
        index = np.asarray(vertex_index)
        return replace(
            self,
            template=self.template[index],
            shape_basis=_planar_view(self.shape_basis, index),
            expression_basis=_planar_view(self.expression_basis, index),
            pose_correctives=_planar_view(self.pose_correctives, index),
            joint_regressor=self.joint_regressor[:, index],
            skin_weights=self.skin_weights[index],
            faces=np.zeros((0, 3), np.int32),
            layout=None,
            source=self,
            vertex_index=index,
        )

    def vertices(self, motion: FaceMotion) -> Float[Array, "frames vertex 3"]:
        """All frames at once, float32 (84 kB a frame); use `iterate_vertices` for long motions."""
        out = np.empty((motion.num_frames, self.num_vertices, 3), np.float32)
        first = 0
        for block in self.iterate_vertices(motion):
            out[first : first + len(block)] = block
            first += len(block)
        return out

    def iterate_vertices(
        self, motion: FaceMotion, *, block: int = DEFAULT_BLOCK
    ) -> Iterator[Float[Array, "frames vertex 3"]]:
        """Blocks of at most `block` frames, in order; memory does not grow with the motion.

        HeadError: the motion's coefficients belong to another face model.
        """
        person = self._for_motion(motion)
        for first in range(0, motion.num_frames, block):
            part = slice(first, first + block)
            yield person.pose_vertices(
                expression=motion.expression[part],
                jaw_pose=motion.jaw_pose[part],
                neck_pose=motion.neck_pose[part],
                eye_pose=motion.eye_pose[part],
                global_pose=motion.global_pose[part],
                translation=motion.translation[part],
            )

    def pose_vertices(
        self,
        *,
        expression: Float[Array, f"frames {NUM_EXPRESSION}"],
        jaw_pose: Float[Array, "frames 3"] | None = None,
        neck_pose: Float[Array, "frames 3"] | None = None,
        eye_pose: Float[Array, "frames 2 3"] | None = None,
        global_pose: Float[Array, "frames 3"] | None = None,
        translation: Float[Array, "frames 3"] | None = None,
    ) -> Float[Array, "frames vertex 3"]:
        """Vertices of this head, float32; what is left out is zero. All frames at once: keep blocks small."""
        frames = len(expression)
        still = np.zeros((frames, 3))
        rotations = skinning.joint_rotations(
            global_pose=still if global_pose is None else global_pose,
            neck_pose=still if neck_pose is None else neck_pose,
            jaw_pose=still if jaw_pose is None else jaw_pose,
            eye_pose=np.zeros((frames, 2, 3)) if eye_pose is None else eye_pose,
        )
        coefficients = np.concatenate([expression, skinning.corrective_coefficients(rotations)], axis=1)
        transforms = skinning.skin_transforms(rotations, self.moved_joints(expression))
        points, active = self._points.active(coefficients)
        out = points.posed(coefficients[:, active], transforms)
        self._touch(out, coefficients=coefficients, transforms=transforms)
        if translation is not None:
            out += translation.astype(np.float32)[:, None]
        return out

    def meshes(self, motion: FaceMotion) -> MeshSequence:
        """The whole motion as a mesh of fixed topology.

        A head without texture coordinates (imported FLAME) gets a cylindrical projection, seam at the back.
        """
        if self.layout is None:
            uv, uv_faces = _cylindrical_uv(self.template), self.faces
        else:
            uv, uv_faces = self.layout.uv, self.layout.uv_faces
        return MeshSequence(vertices=self.vertices(motion), faces=self.faces, uv=uv, uv_faces=uv_faces, fps=motion.fps)

    def landmarks(self, motion: FaceMotion) -> Float[Array, "frames 68 3"]:
        """The 68 facial landmarks in iBUG order, metres.

        HeadError: an imported head, on which no landmarks are known.
        """
        return self._surface_points(motion, self._whole.landmark_points)

    def landmarks478(self, motion: FaceMotion) -> Float[Array, "frames 478 3"]:
        """MediaPipe's 478 face landmarks, metres; errors as `landmarks`."""
        return self._surface_points(motion, self._whole.landmark478_points)

    def _surface_points(self, motion: FaceMotion, points: SurfacePoints | None) -> Float[Array, "frames point 3"]:
        if points is None:
            raise HeadError("Landmarks are known on the bundled head only; this head came from another file")
        used, corners = np.unique(points.corners, return_inverse=True)
        local = SurfacePoints(corners=corners.reshape(points.corners.shape), weights=points.weights)
        return local.of(self._whole.restricted_to(used).vertices(motion))

    def _for_motion(self, motion: FaceMotion) -> "Head":
        if motion.info.basis != self.basis:
            raise HeadError(
                f"The motion belongs to face model '{motion.info.basis}', this head is '{self.basis}'. "
                "Load the head it was made with"
            )
        if self.betas is not None or not np.any(motion.betas):
            return self
        return self.with_identity(motion.betas)

    @property
    def _whole(self) -> "Head":
        return self if self.source is None else self.source

    @cached_property
    def _personalised(self) -> Callable[[bytes], "Head"]:
        """Identities by the bytes of their float32 betas; the last few are kept."""
        return lru_cache(maxsize=4)(self._personalise)

    def _personalise(self, betas_bytes: bytes) -> "Head":
        betas = np.frombuffer(betas_bytes, np.float32)
        if self.source is not None and self.vertex_index is not None:
            return self.source.with_identity(betas).restricted_to(self.vertex_index)
        flat = _planar(self.shape_basis).reshape(NUM_SHAPE, -1)
        template = self.template + (betas @ flat).reshape(3, -1).T
        if self.contact is None:
            return replace(self, template=template, betas=betas)
        template += lip_seal(self.contact.lips, template, teeth=self.contact.upper_teeth)
        # A wide face moves as much further: what is felt is as large a part of every face.
        size = np.float32(_width(self.contact, template) / _width(self.contact, self.template))
        planar = _planar(self.expression_basis) * size
        correctives = _planar(self.pose_correctives) * size
        sides = (
            (BLINKS[0], self.contact.left_lids, self.contact.left_eyeball),
            (BLINKS[1], self.contact.right_lids, self.contact.right_eyeball),
        )
        for column, lids, index in sides:
            ball = eyeball(template, index=index)
            planar[column] += blink_fix(lids, vertices=template, blink=planar[column].T, ball=ball).T
        return replace(
            self,
            template=template,
            expression_basis=planar.swapaxes(1, 2),
            pose_correctives=correctives.swapaxes(1, 2),
            betas=betas,
        )

    @cached_property
    def _rest_joints(self) -> Float[Array, "joint=5 3"]:
        return np.asarray(self.joint_regressor.astype(np.float64) @ self.template)

    @cached_property
    def _expression_joints(self) -> Float[Array, "expr joint=5 3"]:
        """How joints follow the expression: FLAME regresses them from the expressive, unposed head."""
        joints: Array = (_planar(self.expression_basis) @ self.joint_regressor.T).swapaxes(1, 2)
        return joints.astype(np.float64)

    @cached_property
    def _points(self) -> skinning.SkinnedPoints:
        return skinning.SkinnedPoints(
            template=np.ascontiguousarray(self.template.T),
            columns=np.concatenate([_planar(self.expression_basis), _planar(self.pose_correctives)]),
            skin_weights=np.ascontiguousarray(self.skin_weights.T),
        )

    @cached_property
    def _edges(self) -> tuple[MovingEdges, MovingEdges, MovingEdges] | None:
        """Lips, left lids, right lids: what the contact of this (perhaps restricted) head needs."""
        contact, points = self._whole.contact, self._whole._points
        if contact is None:
            return None
        lips, left, right = (
            moving_edges(operator, whole=points, kept=self.vertex_index)
            for operator in (contact.lips, contact.left_lids, contact.right_lids)
        )
        return lips, left, right

    @cached_property
    def _balls(self) -> tuple[Ball, Ball]:
        contact, template = self.contact, self.template
        assert contact is not None
        return (eyeball(template, index=contact.left_eyeball), eyeball(template, index=contact.right_eyeball))

    def _touch(
        self,
        vertices: Float[Array, "frames vertex 3"],
        *,
        coefficients: Float[Array, "frames column"],
        transforms: Float[Array, "frames joint 3 4"],
    ) -> None:
        """In place, after the pose: close the lips where lipSeal is above 0, and part crossed lids."""
        whole = self._whole
        if self._edges is None or whole.contact is None:
            return
        lips, *lids = self._edges
        sealed = np.flatnonzero(coefficients[:, LIP_SEAL] > 0.0)
        if len(sealed) and len(lips.own):
            loop = lips.loop_in_head(coefficients[sealed], transforms[sealed])
            strength = np.clip(coefficients[sealed, LIP_SEAL], 0.0, 1.0)
            teeth = whole.template[whole.contact.upper_teeth]
            move = closing_displacement(lips.operator, loop, strength=strength, teeth=teeth)
            lips.add(vertices, move, frames=sealed, transforms=transforms)
        for edges, ball in zip(lids, whole._balls, strict=True):
            if len(edges.own):
                loop = edges.loop_in_head(coefficients, transforms)
                move = parting_displacement(edges.operator, loop, ball=ball)
                crossed = np.flatnonzero(move.any(axis=(1, 2)))
                edges.add(vertices, move[crossed], frames=crossed, transforms=transforms)


def _width(contact: HeadContact, template: Float[Array, "vertex 3"]) -> float:
    """Distance between the outer corners of the eyes, metres."""
    left, right = template[contact.left_lids.upper[-1]], template[contact.right_lids.upper[0]]
    return float(left[0] - right[0])


def _planar(columns: Float[Array, "column vertex 3"]) -> Float[Array, "column 3 vertex"]:
    """Coordinates before vertices; no copy where the array is such a view already."""
    return np.ascontiguousarray(columns.swapaxes(1, 2))


def _planar_view(columns: Float[Array, "column vertex 3"], index: Int[Array, " kept"]) -> Array:
    return np.ascontiguousarray(columns.swapaxes(1, 2)[:, :, index]).swapaxes(1, 2)


def _cylindrical_uv(template: Float[Array, "vertex 3"]) -> Float[Array, "vertex 2"]:
    x, y, z = (template - template.mean(axis=0)).T
    height = (y - y.min()) / max(float(np.ptp(y)), 1e-9)
    return np.stack([0.5 + np.arctan2(x, z) / (2.0 * np.pi), height], axis=1).astype(np.float32)
