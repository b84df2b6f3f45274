"""What a person wears beside the head, as meshes of their own: the garment with the bust's base, and hair as cards.

They stand on the neutral face, hang on the same joints as the head, and follow its targets: cloth as its skin moves,
cards of brows, lashes and short hair with the triangle of skin that they are rooted in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import JOINTS
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.formats.mesh.materials import Material, Picture, encoded
from face_emote.formats.mesh.surface import vertex_normals
from face_emote.look.cards import Cards, make_cards
from face_emote.look.garment import Garment, make_garment
from face_emote.look.hair import mean_hair_colour
from face_emote.look.standing_hair import standing_hair
from face_emote.look.strands import triangle_frames
from face_emote.look.surface import SkinSurface, layout_skin

ALPHA = {"hair": "MASK", "brows": "BLEND", "lashes": "BLEND"}
"""Hair lies in many layers, which no engine sorts: it is cut out. Brows and lashes lie over what is opaque."""
ROUGHNESS = {"hair": 0.55, "brows": 0.9, "lashes": 1.0}
COVERED = 0.4  # Coverage from which on hair that is cut out is there.
REFLECTS = {"hair": 0.5, "brows": 0.1, "lashes": 0.0}
"""How much of the light is thrown back, to what glTF takes for granted: black lashes would look grey."""
CLOTH = {"roughness": 0.95, "reflects": 0.3}


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """One mesh."""

    name: str
    material: Material
    picture: Picture | None  # Colour and coverage; None: the material's colour, opaque.
    points: Float[Array, "vertex 3"]
    normals: Float[Array, "vertex 3"]
    uv: Float[Array, "vertex 2"]
    triangles: Int[Array, "triangle 3"]
    joint_weights: Float[Array, "vertex joint=5"]
    moved: Callable[[Float[Array, "head_vertex 3"]], Float[Array, "vertex 3"]]
    """Its displacement, of the head's vertices' one from the neutral face."""
    alpha: str = "OPAQUE"  # Or MASK or BLEND.


def attachments_of(
    head: Head, skin: SkinParams, *, hair: str = "cards", lod: int = 0, compress: bool = False
) -> tuple[Attachment, ...]:
    """What a person, a head with its identity, wears; nothing on an imported head."""
    if head.layout is None:
        return ()
    surface = layout_skin(head.layout)
    template, points = (_on_skin(surface, vertices) for vertices in (load_head().template, head.template))
    out = [_garment(surface, head, template=template, points=points, skin=skin)]
    if hair != "none":
        strands = standing_hair(surface, template=template, points=points, skin=skin)
        made = make_cards(strands, lod=lod, ribbons=hair == "strands")
        pictures = [encoded(cards.picture, compress=compress) for cards in made]
        pairs = zip(made, pictures, strict=True)
        out += [_hair(cards, own, surface, head, points=points, skin=skin) for cards, own in pairs]
    return tuple(out)


def _on_skin(surface: SkinSurface, vertices: Array) -> Array:
    return surface.matrix.apply(vertices[surface.vertex_index].astype(np.float64)).astype(np.float32)


def _weights(surface: SkinSurface, head: Head) -> Array:
    return surface.linear.apply(head.skin_weights[surface.vertex_index].astype(np.float32))


@lru_cache(maxsize=1)
def _cut_out(num_triangles: int) -> Garment:
    """The bundled head's garment."""
    layout = load_head().layout
    assert layout is not None
    surface = layout_skin(layout)
    assert len(surface.triangles) == num_triangles
    return make_garment(surface.triangles, _on_skin(surface, load_head().template).astype(np.float64))


def _garment(surface: SkinSurface, head: Head, *, template: Array, points: Array, skin: SkinParams) -> Attachment:
    garment = _cut_out(len(surface.triangles))
    share = np.ones(len(garment.first), np.float32)
    share[len(garment.offset) :] = garment.base.share
    placed = garment.points(points.astype(np.float64), vertex_normals(points, surface.triangles).astype(np.float64))

    def moved(delta: Float[Array, "head_vertex 3"]) -> Float[Array, "vertex 3"]:
        cloth: Array = garment.blend(_on_skin(surface, delta)) * share[:, None]
        return cloth

    red, green, blue = (float(value) for value in skin.garment_colour)
    rest = garment.local(template)
    return Attachment(
        name="garment",
        material=Material("garment", red, green, blue, **CLOTH),
        picture=None,
        points=placed.astype(np.float32),
        normals=vertex_normals(placed, garment.triangles),
        uv=np.stack([np.arctan2(rest[:, 1], rest[:, 2]) / (2.0 * np.pi) + 0.5, -0.001 * rest[:, 0]], axis=1),
        triangles=garment.triangles,
        joint_weights=garment.joint_weights(_weights(surface, head)),
        moved=moved,
    )


def _hair(
    cards: Cards, picture: Picture, surface: SkinSurface, head: Head, *, points: Array, skin: SkinParams
) -> Attachment:
    corners = surface.triangles[cards.root_triangle]
    weights = np.zeros((len(cards.points), len(JOINTS)), np.float32)
    weights[:, JOINTS.index("neck")] = 1.0
    if not cards.rigid:
        weights = np.einsum("vk,vkj->vj", cards.root_weights, _weights(surface, head)[corners])
    frames = triangle_frames(points[corners])
    root = np.einsum("vk,vkd->vd", cards.root_weights, points[corners])
    local = np.einsum("vji,vj->vi", frames, cards.points - root)

    def moved(delta: Float[Array, "head_vertex 3"]) -> Float[Array, "vertex 3"]:
        if cards.rigid:
            return np.zeros_like(cards.points)
        posed = (points + _on_skin(surface, delta))[corners]
        turned = np.einsum("vij,vj->vi", triangle_frames(posed), local)
        there = np.einsum("vk,vkd->vd", cards.root_weights, posed) + turned
        found: Array = (there - cards.points).astype(np.float32)
        return found

    red, green, blue = mean_hair_colour(skin)
    return Attachment(
        name=cards.name,
        material=Material(cards.name, red, green, blue, roughness=ROUGHNESS[cards.name], reflects=REFLECTS[cards.name]),
        picture=picture,
        points=cards.points,
        normals=cards.normals,
        uv=cards.uv,
        triangles=cards.triangles,
        joint_weights=weights,
        moved=moved,
        alpha=ALPHA[cards.name] if cards.picture[..., 3].min() < 255 else "OPAQUE",
    )
