"""Who is written - resolved once, before a writer begins - and the joints of a head frame by frame."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError, OptionError
from face_emote.core.motion import MotionSource, reported
from face_emote.core.names import JOINT_PARENTS
from face_emote.core.rotations import quaternions
from face_emote.core.types import FaceMotion, Progress, SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.head import Head
from face_emote.face.skinning import joint_rotations, skin_transforms
from face_emote.formats.mesh.attachments import Attachment, attachments_of
from face_emote.formats.mesh.colours import BlushColours, blush_colours
from face_emote.formats.mesh.materials import SkinPictures, maps_of, pictures_of
from face_emote.formats.mesh.options import PLAIN, MeshOptions
from face_emote.formats.mesh.surface import MATERIAL_PARTS, Surface, surface_of, vertex_normals
from face_emote.look.displacement import STILL_LIPS, relief_at
from face_emote.look.garment import hidden_faces
from face_emote.look.maps import SkinMaps
from face_emote.look.regions import wrinkle_masks


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """What curves of the skin do to the written vertices of one person; nothing off the skin."""

    masks: Float[Array, "vertex wrinkle=16"]  # Share of each wrinkle's activation that shows.
    moves: Float[Array, "wrinkle=16 vertex 3"] | None
    """Metres by which an activation of 1 moves a vertex; None where the mesh is too coarse for it."""
    shifts: Float[Array, "region=8 vertex 3"]
    """Change of a vertex colour (1 at rest) per unit of each region's blood flow."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Whom a writer writes, and how."""

    model: Head  # The face model as it was given.
    head: Head  # The same with the motion's identity.
    surface: Surface
    options: MeshOptions
    colours: BlushColours | None  # Of the vertices; None unless the format or `options.blush` wants them.
    folds: Folds | None  # None unless the format has shapes of the skin.
    pictures: SkinPictures | None  # None where the format has no place for them, or the head no texture coordinates.
    attachments: tuple[Attachment, ...] = ()
    """Garment and hair, where the format has a place for them and the whole head is written."""


def person_of(
    motion: MotionSource,
    *,
    head: Head,
    options: MeshOptions = PLAIN,
    skin: SkinParams | None = None,
    pictured: bool = False,
    expressive: bool = False,
    dressed: bool = False,
) -> Person:
    """Resolve everything about the person of a motion that a writer needs; `skin` instead of the character's.

    `pictured`: the format holds pictures of the skin; `expressive`: it shows wrinkles and blood by shapes; `dressed`:
    it holds other meshes beside the head, cards of hair only where it is pictured. HeadError: the motion belongs to
    another face model. OptionError: parts or blush of an imported head.
    """
    person = head_of(motion, head)
    surface = surface_of(person, lod=options.lod, parts=options.parts)
    if person.layout is None:
        if options.blush:
            raise OptionError("Vertex colours are known on the bundled head only; leave out blush for this head")
        return Person(head, person, surface, options, None, None, None)
    coloured = options.blush or expressive
    look = skin or character(motion.character).skin
    attachments: tuple[Attachment, ...] = ()
    if dressed and not options.parts:
        hair = options.hair if pictured or options.hair == "strands" else "none"
        attachments = attachments_of(person, look, hair=hair, lod=options.lod, compress=options.compress)
        surface = under_garment(surface)
    pictures = pictures_of(look, compress=options.compress) if pictured else None
    if not coloured:
        return Person(head, person, surface, options, None, None, pictures, attachments)
    maps = maps_of(look)
    colours = blush_colours(person, surface, skin=look, maps=maps)
    folds = folds_of(person, surface, maps=maps, lod=options.lod, colours=colours) if expressive else None
    return Person(head, person, surface, options, colours, folds, pictures, attachments)


def under_garment(surface: Surface) -> Surface:
    """A surface of the bundled head without the faces that the garment hides."""
    return surface.without(hidden_faces(surface.of(load_head().template), surface.corners))


def head_of(motion: MotionSource, head: Head) -> Head:
    """The head with the motion's identity. Raises HeadError when the motion was made for another face model."""
    if motion.info.basis != head.basis:
        raise HeadError(
            f"The motion belongs to face model '{motion.info.basis}', this head is '{head.basis}'; "
            "give the head that it was made with"
        )
    return head if head.betas is not None or not np.any(motion.betas) else head.with_identity(motion.betas)


def posed_blocks(
    motion: MotionSource, person: Head, *, progress: Progress | None = None
) -> Iterator[tuple[FaceMotion, Float[Array, "frames vertex 3"]]]:
    """Every block of frames with its vertices in metres."""
    for block in reported(motion, progress, size=64):
        vertices = person.pose_vertices(
            expression=block.expression,
            jaw_pose=block.jaw_pose,
            neck_pose=block.neck_pose,
            eye_pose=block.eye_pose,
            global_pose=block.global_pose,
            translation=block.translation,
        )
        yield block, vertices


def rotations_of(block: FaceMotion) -> Float[Array, "frames joint=5 3 3"]:
    """Rotation of each joint relative to its parent."""
    return joint_rotations(
        global_pose=block.global_pose, neck_pose=block.neck_pose, jaw_pose=block.jaw_pose, eye_pose=block.eye_pose
    )


class JointMotion:
    """World transforms of a person's joints; FLAME's joints also move a little with the expression."""

    def __init__(self, person: Head) -> None:
        self._rest = person.joints()
        regressor = person.joint_regressor.astype(np.float64)
        self._per_expression = np.einsum("jv,evk->ejk", regressor, person.expression_basis, optimize=True)

    def played(self, block: FaceMotion) -> tuple[Float[Array, "frames joint=5 4"], Float[Array, "frames joint=5 3"]]:
        """Turn (quaternion x, y, z, w) and place of each joint's node relative to its parent's."""
        rotations = rotations_of(block)
        places = local_places(self.transforms(block, rotations), self._rest)
        places[:, 0] += block.translation
        return quaternions(rotations), places

    def transforms(
        self, block: FaceMotion, rotations: Float[Array, "frames joint=5 3 3"]
    ) -> Float[Array, "frames joint=5 3 4"]:
        """Of each joint relative to its rest position (rotation | offset), without the motion's translation."""
        joints = self._rest + np.tensordot(block.expression.astype(np.float64), self._per_expression, axes=1)
        return skin_transforms(rotations, joints)


def local_places(
    transforms: Float[Array, "frames joint=5 3 4"], rest: Float[Array, "joint=5 3"]
) -> Float[Array, "frames joint=5 3"]:
    """Translation of each joint's node relative to its parent's, so that node @ inverse bind is `transforms`."""
    turn, offset = transforms[..., :3], transforms[..., 3]
    place = offset + np.einsum("fjrc,jc->fjr", turn, rest)
    local: Array = place.copy()
    for joint, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            local[:, joint] = np.einsum("frc,fr->fc", turn[:, parent], place[:, joint] - place[:, parent])
    return local


def attachment_places(person: Person, block: FaceMotion) -> list[Float[Array, "_ 3"]]:
    """Where the vertices of all attachments are on the first frame of a block."""
    head, first = person.head, replace(block, **{name: getattr(block, name)[:1] for name in block.row_names})
    delta = head.pose_vertices(expression=first.expression)[0] - head.template.astype(np.float32)
    joints = JointMotion(head).transforms(first, rotations_of(first))[0]
    places = []
    for item in person.attachments:
        blended = np.einsum("vj,jrc->vrc", item.joint_weights, joints)
        still = item.points + item.moved(delta)
        moved = np.einsum("vrc,vc->vr", blended[..., :3], still) + blended[..., 3] + first.translation[0]
        places.append(moved.astype(np.float32))
    return places


FINE_ENOUGH = 1  # Level of detail from which the mesh has the vertices for a crease: 3 mm apart on the forehead.


def folds_of(person: Head, surface: Surface, *, maps: SkinMaps, lod: int, colours: BlushColours) -> Folds:
    """Creases of a surface of the bundled head, of any identity; their depth is of the mesh's own scale and wider."""
    average, layout = load_head(), person.layout
    assert layout is not None
    skin = np.zeros(person.num_vertices, np.float32)
    skin[layout.vertices_of(*MATERIAL_PARTS["skin"])] = 1.0
    masks = wrinkle_masks(1000.0 * surface.of(average.template)) * surface.of(skin)[:, None]
    if lod < FINE_ENOUGH:
        return Folds(masks, None, colours.shifts())
    skin[layout.vertices_of("mouth", "socketL", "socketR")] = 0.0  # What closes stays where contact put it.
    lips = np.clip(surface.of(layout.mask_lips.astype(np.float32)) / STILL_LIPS, 0.0, 1.0)
    depth = relief_at(maps.wrinkle_height, surface.vertex_uv()) * surface.of(skin) * (1.0 - lips)
    normals = vertex_normals(surface.of(person.template.astype(np.float32)), surface.triangles())
    moves = masks.T[..., None] * (depth[:, None] * normals)
    return Folds(masks, moves.astype(np.float32), colours.shifts())
