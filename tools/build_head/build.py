"""The recipe: MakeHuman's files to a `Head` and the tables of `face_emote.face.identity`."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.face.contact import blink_fix, eyeball, lip_seal
from face_emote.face.head import BLINKS, Head, HeadContact
from face_emote.face.head_file import basis_id, pack_columns, unpack_columns
from face_emote.face.layout import HeadLayout
from face_emote.face.subdivision import triangles
from tools.build_head import atlas, expressions, identities, landmarks, rest, rigging, teeth
from tools.build_head.contacts import build_contact
from tools.build_head.cut import PART_NAMES, Mesh, cut_head
from tools.build_head.identities import METRES, IdentityBasis, Targets
from tools.build_head.makehuman import BaseMesh, MakeHuman, read_base_mesh

LOGGER = logging.getLogger(__name__)
FAMILY = "face_emote-1"
NUM_RESTED = 1500
"""People on whom the way to a resting face is fitted."""
CUBES = ("joint-head", "joint-neck")
"""Helper cubes whose centres are the skull base and the lower end of the neck."""


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """What the builder writes."""

    head: Head
    identity: IdentityBasis
    targets: Targets


def build(folder: Path, *, seed: int = 0) -> Built:
    """Build everything; about 20 seconds."""
    base = read_base_mesh(folder)
    data = MakeHuman(folder=folder, num_vertices=len(base.vertices))
    mesh = cut_head(base, data)
    LOGGER.info("%d vertices, %d quads cut out", len(mesh.source), len(mesh.quads))
    identity, targets, anchors = _identity(base, data, mesh=mesh, seed=seed)
    count = len(mesh.source)
    mean, columns = identity.mean[:count], identity.columns[:, :count]
    arkit, extra = expressions.read_units(data, source=mesh.source, mirror=mesh.mirror)
    arkit, extra = (expressions.follow_lids(units, mesh=mesh, vertices=mean) for units in (arkit, extra))
    rig = rigging.build_rig(
        mesh,
        mean=mean,
        columns=columns,
        units=arkit,
        anchors=anchors,
        neck_ramp=expressions.neck_ramp(data, source=mesh.source),
    )
    LOGGER.info("jaw opens by %.2f degrees", np.degrees(rig.controls[0].angle))
    expression = expressions.expression_columns(arkit=arkit, extra=extra, mesh=mesh, mean=mean, rig=rig)
    layout_parts = _Surface(mesh=mesh, vertices=mean, folder=folder)
    placed = teeth.place_arches(mesh, teeth.shrink_cavity(mesh, mean))
    grown, crowns = teeth.add_teeth(mesh.with_uv(layout_parts.uv), placed)
    head = Head(
        basis="",
        template=np.concatenate([placed, crowns.vertices]).astype(np.float32),
        shape_basis=_with_teeth(columns, crowns),
        expression_basis=_with_teeth(expression, crowns),
        pose_correctives=_with_teeth(rig.pose_correctives, crowns),
        joint_regressor=np.pad(rig.joint_regressor, ((0, 0), (0, len(crowns.vertices)))).astype(np.float32),
        skin_weights=np.concatenate([rig.skin_weights, _tooth_weights(crowns)]).astype(np.float32),
        faces=triangles(grown.quads).astype(np.int32),
        layout=layout_parts.layout(grown),
        control_joints=rig.controls,
        contact=build_contact(grown, np.concatenate([mean, crowns.vertices]), upper_teeth=crowns.upper_front),
    )
    people = identities.sampled_betas(identity, targets, num=NUM_RESTED, seed=seed + 1)
    head = _in_contact(rest.rested(head, people))
    assert head.contact is not None
    points = landmarks.load_landmarks(grown, head.template.astype(np.float64), contact=head.contact)
    head = replace(head, landmark478_points=points, landmark_points=landmarks.ibug68(points))
    return Built(head=_named(head), identity=identity, targets=targets)


def _identity(
    base: BaseMesh, data: MakeHuman, *, mesh: Mesh, seed: int
) -> tuple[IdentityBasis, Targets, rigging.Anchors]:
    cubes = [np.unique(base.groups[name].quads) for name in CUBES]
    tracked = np.concatenate([mesh.source, *cubes])
    where = np.full(len(base.vertices), -1)
    where[tracked] = np.arange(len(tracked))
    mirror = where[data.mirror()[tracked]]
    count = len(mesh.source)
    skull = np.arange(count, count + len(cubes[0]))
    neck = np.arange(count + len(cubes[0]), len(tracked))
    targets = identities.read_targets(data, tracked, anchor=skull)
    placed = (base.vertices[tracked] - base.vertices[cubes[0]].mean(axis=0)) * METRES
    identity = identities.identity_basis(placed, targets, mirror=mirror, num_fitted=count, seed=seed)
    anchors = rigging.Anchors(
        neck=identity.mean[neck].mean(axis=0),
        neck_columns=identity.columns[:, neck].mean(axis=1),
        skull=identity.mean[skull].mean(axis=0),
        skull_columns=identity.columns[:, skull].mean(axis=1),
    )
    return identity, targets, anchors


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """Charts and masks, made on the mesh before teeth are added and extended over them."""

    mesh: Mesh
    vertices: Float[Array, "vertex 3"]
    folder: Path

    @property
    def uv(self) -> Float[Array, "uv_vertex 2"]:
        return atlas.pack_atlas(self.mesh, self.vertices)

    def layout(self, grown: Mesh) -> HeadLayout:
        extra_uv = len(grown.uv) - len(self.mesh.uv)
        extra = len(grown.source) - len(self.mesh.source)
        masks = {
            name: np.pad(
                atlas.sample_mask(self.mesh, self.folder / "mpfb2/textures" / file, uv=self.mesh.uv), (0, extra)
            )
            for name, file in atlas.MASKS.items()
        }
        return HeadLayout(
            quads=grown.quads.astype(np.int32),
            quad_uv=grown.quad_uv.astype(np.int32),
            uv=grown.uv.astype(np.float32),
            uv_makehuman=np.concatenate([self.mesh.uv, grown.uv[len(self.mesh.uv) :]]).astype(np.float32),
            lash_uv=np.pad(atlas.lash_coordinates(self.mesh, self.vertices), ((0, extra_uv), (0, 0))).astype(
                np.float32
            ),
            quad_part=grown.part.astype(np.int32),
            part_names=PART_NAMES,
            mirror=grown.mirror.astype(np.int32),
            left_lid_loop=grown.shared("head", "socketL").astype(np.int32),
            right_lid_loop=grown.shared("head", "socketR").astype(np.int32),
            lip_loop=grown.shared("head", "mouth").astype(np.int32),
            ring=grown.ring.astype(np.int32),
            **masks,
        )


def _with_teeth(columns: Float[Array, "column vertex 3"], crowns: teeth.Teeth) -> Float[Array, "column all 3"]:
    """Append the motion of the teeth: the weighted motion of what they are bound to."""
    moved = (columns[:, crowns.bind_index] * crowns.bind_weight[..., None]).sum(axis=2)
    return np.concatenate([columns, moved], axis=1).astype(np.float32)


def _tooth_weights(crowns: teeth.Teeth) -> Float[Array, "tooth joint=5"]:
    weights = np.zeros((len(crowns.vertices), 5))
    weights[crowns.upper, 1] = 1.0
    weights[~crowns.upper, rigging.JAW] = 1.0
    return weights


def _in_contact(head: Head) -> Head:
    """Seal the lips of the average head, make its blinks close, and put the way back into lipsPart."""
    contact = head.contact
    assert isinstance(contact, HeadContact)
    seal = lip_seal(contact.lips, head.template, teeth=contact.upper_teeth)
    template = head.template + seal
    expression = head.expression_basis.copy()
    sides = (
        (BLINKS[0], contact.left_lids, contact.left_eyeball),
        (BLINKS[1], contact.right_lids, contact.right_eyeball),
    )
    for column, lids, index in sides:
        ball = eyeball(template, index=index)
        expression[column] += blink_fix(lids, vertices=template, blink=expression[column], ball=ball)
    expression[CONTROLS.index("lipsPart")] = -seal
    return replace(head, template=template, expression_basis=expression)


def _named(head: Head) -> Head:
    """Quantise as the file will, and name the basis after the result."""
    rounded = replace(
        head,
        shape_basis=unpack_columns(*pack_columns(head.shape_basis)),
        expression_basis=unpack_columns(*pack_columns(head.expression_basis)),
        pose_correctives=unpack_columns(*pack_columns(head.pose_correctives)),
    )
    return replace(
        rounded,
        basis=basis_id(
            FAMILY,
            (
                rounded.template,
                rounded.shape_basis,
                rounded.expression_basis,
                rounded.pose_correctives,
                rounded.joint_regressor,
                rounded.skin_weights,
            ),
        ),
    )
