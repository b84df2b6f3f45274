"""Response operators of the contact fields: see `face_emote.face.contact`."""

import numpy as np
from scipy.sparse.linalg import splu

from face_emote.core.arrays import Array, Float, Int
from face_emote.face.contact import ContactOperator, contact_operator
from face_emote.face.head import HeadContact
from tools.build_head.cut import SKIN_PARTS, Mesh, laplacian

LIP_RADIUS = 0.013
LID_RADIUS = 0.011
"""The field ends this far from the loop, metres."""


def build_contact(mesh: Mesh, vertices: Float[Array, "vertex 3"], *, upper_teeth: Int[Array, " tooth"]) -> HeadContact:
    """Operators of the mouth and of both eyes."""
    return HeadContact(
        lips=_operator(mesh, vertices, loop=mesh.shared("head", "mouth"), radius=LIP_RADIUS),
        left_lids=_operator(mesh, vertices, loop=mesh.shared("head", "socketL"), radius=LID_RADIUS),
        right_lids=_operator(mesh, vertices, loop=mesh.shared("head", "socketR"), radius=LID_RADIUS),
        left_eyeball=mesh.vertices_of("eyeL"),
        right_eyeball=mesh.vertices_of("eyeR"),
        upper_teeth=upper_teeth,
    )


def ordered_edges(
    mesh: Mesh, vertices: Float[Array, "vertex 3"], *, loop: Int[Array, " loop"]
) -> tuple[Int[Array, " upper"], Int[Array, " lower"]]:
    """Split a closed loop at its extremes in x: upper edge with both corners, lower edge without; x rises."""
    edges = mesh.edges("head")
    edges = edges[np.isin(edges, loop).all(axis=1)]
    chain = [int(loop[vertices[loop, 0].argmin()])]
    while len(chain) < len(loop):
        here = edges[(edges == chain[-1]).any(axis=1)]
        following = [int(i) for i in np.unique(here) if i not in chain]
        chain.append(following[0])
    order = np.array(chain)
    far = int(vertices[order, 0].argmax())
    one, other = order[: far + 1], np.concatenate([order[far:], order[:1]])[::-1]
    if vertices[one, 1].mean() < vertices[other, 1].mean():
        one, other = other, one
    return one, other[1:-1]


def _operator(
    mesh: Mesh, vertices: Float[Array, "vertex 3"], *, loop: Int[Array, " loop"], radius: float
) -> ContactOperator:
    """Minimise |L^2 u| over skin near the loop, with u given on the loop and zero further away."""
    upper, lower = ordered_edges(mesh, vertices, loop=loop)
    fixed = np.concatenate([upper, lower])
    skin = mesh.vertices_of(*SKIN_PARTS)
    distance = np.linalg.norm(vertices[skin][:, None] - vertices[fixed][None], axis=2).min(axis=1)
    free = skin[distance <= radius]
    graph = laplacian(mesh.edges(*SKIN_PARTS), num_vertices=len(vertices))
    energy = (graph @ graph)[free][:, free].tocsc()
    known = np.searchsorted(free, fixed)
    unknown = np.setdiff1d(np.arange(len(free)), known)
    solve = splu(energy[unknown][:, unknown].tocsc())
    response = np.zeros((len(free), len(fixed)))
    response[known] = np.eye(len(fixed))
    response[unknown] = solve.solve(-energy[unknown][:, known].toarray())
    return contact_operator(upper=upper, lower=lower, free=free, response=response, template=vertices)
