"""A person as one .npz: everything that is needed to build the head in another program.

Metres, +Y up, the face looks along +Z. Positions are those of the neutral face.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import BLOOD_REGIONS, JOINTS, WRINKLES
from face_emote.core.output import written_beside
from face_emote.core.png import png16_bytes, png_bytes, srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.eyeball import eye_frame
from face_emote.face.head import Head
from face_emote.face.layout import HeadLayout
from face_emote.formats.mesh.materials import PUPIL, skin_picture
from face_emote.formats.mesh.surface import MATERIAL_PARTS, vertex_normals
from face_emote.look.colour import skin_albedo
from face_emote.look.eye_picture import eye_albedo, eye_uv
from face_emote.look.garment import hidden_faces, make_garment
from face_emote.look.hair import mean_hair_colour
from face_emote.look.maps import WRINKLE_DEPTH, load_skin_maps, resting_relief
from face_emote.look.regions import BLOOD_AND_NECK, blood_masks, wrinkle_masks
from face_emote.look.standing_hair import StandingHair, standing_hair
from face_emote.look.surface import SkinSurface, layout_skin
from face_emote.worker.person import Person

SKIN_TEXELS = 1024
CONCENTRATION_RANGE = 4.0
RELIEF_RANGE = 0.002


def write_head(person: Person, path: Path, *, progress: Callable[[float, str], None]) -> None:
    """Write `path` and, beside it, the pictures that it names."""
    layout = person.head.layout
    assert layout is not None
    progress(0.3, "painting the skin")
    pictures = write_pictures(person.skin, path.parent)
    progress(0.6, "growing hair")
    skin, faces = layout_skin(layout), _shown_faces(layout)
    used = np.unique(layout.quads[faces.quad])
    arrays = {
        **_mesh(person, layout, faces=faces),
        **_masks(layout, used=used),
        **_garment(person.head, skin),
        **_hair(person, used=used, skin=skin),
        "pictures": np.array(pictures),
        "name": np.array(person.name),
        "iris_colour": np.array(person.skin.iris_colour, np.float32),
        "hair_colour": np.array(mean_hair_colour(person.skin), np.float32),
        "solid_skin": np.array(_mean_colour(person), np.float32),
        "garment_colour": np.array(person.skin.garment_colour, np.float32),
    }
    progress(0.9, "writing the head")
    with written_beside(path) as beside:
        np.savez(beside, **arrays)


def _mean_colour(person: Person) -> Float[Array, " 3"]:
    """One colour for all the skin, where no picture is shown."""
    maps = load_skin_maps(person.skin, size=512)
    face = maps.lips + maps.inside + maps.hair_coverage < 0.1
    colour = skin_albedo(melanin=maps.melanin, haemoglobin=maps.haemoglobin)
    mean: Array = np.median(colour[face & (maps.melanin > 0.0)], axis=0)
    return mean


@dataclass(frozen=True, slots=True)
class _Faces:
    """Quads that are shown, material by material."""

    quad: Int[Array, " face"]
    material: Int[Array, " face"]


def _shown_faces(layout: HeadLayout) -> _Faces:
    """Without those that the garment hides."""
    parts = [np.flatnonzero(layout.in_parts(*names)) for names in MATERIAL_PARTS.values()]
    shown, material = np.concatenate(parts), np.repeat(np.arange(len(parts), dtype=np.int32), [len(p) for p in parts])
    covered = hidden_faces(load_head().template, layout.quads[shown])
    return _Faces(shown[~covered], material[~covered])


def _mesh(person: Person, layout: HeadLayout, *, faces: _Faces) -> dict[str, Any]:
    head, shown = person.head, faces.quad
    used, corners = np.unique(layout.quads[shown], return_inverse=True)
    uv = layout.uv[layout.quad_uv[shown]].astype(np.float32)
    for side, name in enumerate(MATERIAL_PARTS["eyes"]):
        vertices = layout.vertices_of(name)
        lookup = np.zeros((head.num_vertices, 2), np.float32)
        ball = head.template[vertices]
        lookup[vertices] = eye_uv((ball - ball.mean(axis=0)) @ eye_frame(side))
        own = layout.in_parts(name)[shown]
        uv[own] = lookup[layout.quads[shown][own]]
    deltas = [target.delta for target in person.targets.targets]
    return {
        "vertex_index": used.astype(np.int32),
        "vertices": head.template[used].astype(np.float32),
        "quads": corners.reshape(-1, 4).astype(np.int32),
        "quad_uv": uv,
        "quad_material": faces.material,
        "material_names": np.array(list(MATERIAL_PARTS)),
        "key_names": np.array(person.key_names),
        "key_deltas": np.stack([delta[used] for delta in deltas]).astype(np.float32),
        "skin_weights": head.skin_weights[used].astype(np.float32),
        "joint_names": np.array(JOINTS),
        "joints": head.joints().astype(np.float32),
    }


def _masks(layout: HeadLayout, *, used: Int[Array, " used"]) -> dict[str, Any]:
    """Regions are functions of the average person's positions."""
    millimetres = 1000.0 * load_head().template
    masks = {"wrinkle_masks": wrinkle_masks(millimetres), "blood_masks": blood_masks(millimetres, layout.mask_ears)}
    outside = ((1.0 - layout.mask_inside_mouth) > 0.5)[:, None]
    return {
        **{name: (mask * outside)[used].astype(np.float32) for name, mask in masks.items()},
        "wrinkle_names": np.array(WRINKLES),
        "blood_names": np.array(BLOOD_AND_NECK),
        "blood_regions": np.array(BLOOD_REGIONS),
    }


def _hair(person: Person, *, used: Int[Array, " used"], skin: SkinSurface) -> dict[str, Any]:
    """With anchors as indices into `vertices`."""
    arrays = hair_arrays(person, skin)
    for name in [name for name in arrays if name.endswith("_anchor")]:
        arrays[name] = np.searchsorted(used, arrays[name]).astype(np.int32)
    return arrays


def _garment(head: Head, skin: SkinSurface) -> dict[str, Any]:
    template = skin.matrix.apply(load_head().template[skin.vertex_index].astype(np.float64))
    points = skin.matrix.apply(head.template[skin.vertex_index].astype(np.float64))
    garment = make_garment(skin.triangles, template)
    weights = skin.linear.apply(head.skin_weights[skin.vertex_index].astype(np.float64))
    return {
        "garment_vertices": garment.points(points, vertex_normals(points, skin.triangles).astype(np.float64)).astype(
            np.float32
        ),
        "garment_triangles": garment.triangles,
        "garment_weights": garment.joint_weights(weights).astype(np.float32),
    }


def write_pictures(skin: SkinParams, folder: Path) -> tuple[str, ...]:
    """Write what a node shader needs; returns the names.

    skin_a.png: red melanin / 4, green haemoglobin / 4, blue coverage by painted hair. skin_b.png: red resting relief,
    green expression relief at activation 1, blue reflection / 2; reliefs are metres, (value + RELIEF_RANGE) /
    (2 RELIEF_RANGE). Both have 16 bits. skin.png, eye.png: how skin and eye look at rest, 8-bit sRGB.
    """
    maps = load_skin_maps(skin, size=SKIN_TEXELS)
    resting = resting_relief(skin, size=SKIN_TEXELS)
    first = [maps.melanin / CONCENTRATION_RANGE, maps.haemoglobin / CONCENTRATION_RANGE, maps.hair_coverage]
    second = [_relief(resting), _relief(maps.wrinkle_height * WRINKLE_DEPTH), 0.5 * maps.specular]
    contents = {
        "skin_a.png": png16_bytes(np.stack(first, axis=-1), level=4),
        "skin_b.png": png16_bytes(np.stack(second, axis=-1), level=4),
        "eye.png": png_bytes(srgb_bytes(eye_albedo(skin, pupil=PUPIL))),
        "skin.png": png_bytes(skin_picture(skin, maps), level=4),
    }
    for name, content in contents.items():
        with written_beside(folder / name) as path:
            path.write_bytes(content)
    return tuple(contents)


def _relief(metres: Float[Array, "size size"]) -> Float[Array, "size size"]:
    return 0.5 + metres / (2.0 * RELIEF_RANGE)


CLUMPING = {"scalp": 1.3, "brow": 1.0, "lash": 1.6}
"""A curve stands for a few real hairs; factor on its thickness. Longer hair of the scalp keeps its own."""
DETAIL = 0.6  # Share of scalp strands: a viewport has to draw them.


def hair_arrays(person: Person, skin: SkinSurface) -> dict[str, Any]:
    """Per kind of hair: `hair_*_points` [strand, knot, 3], `_radius` [strand, knot], `_colour` [strand, 3] and, for
    brows and lashes, `_anchor` [strand, 3]: three head vertices next to the root. Bald scalps have no strands.
    """
    template, posed = (
        skin.matrix.apply(head.template[skin.vertex_index].astype(np.float64)) for head in (load_head(), person.head)
    )
    hairs = standing_hair(skin, template=template, points=posed, skin=person.skin, detail=DETAIL)
    out: dict[str, Any] = {}
    for kind, clumping in CLUMPING.items():
        own = [hair for hair in hairs if hair.kind == kind]
        wide = 1.0 if own[0].rigid else clumping
        out |= {
            f"hair_{kind}_points": np.concatenate([hair.points for hair in own]),
            f"hair_{kind}_radius": (0.5 * (np.concatenate([hair.width for hair in own]) * wide)).astype(np.float32),
        }
        if kind == "scalp":
            out["hair_scalp_colour"] = own[0].colour.mean(axis=1)
        else:
            out[f"hair_{kind}_colour"] = np.concatenate([hair.colour[:, 0] for hair in own])
            out[f"hair_{kind}_anchor"] = np.concatenate([_anchors(hair, skin) for hair in own])
    return out


def _anchors(hair: StandingHair, skin: SkinSurface) -> Int[Array, "strand 3"]:
    """Of every strand the three vertices of the unrefined head that its root depends on most."""
    rows = skin.linear
    anchors = np.zeros((len(hair.points), 3), np.int32)
    for strand, (triangle, weights) in enumerate(zip(hair.triangle, hair.weights, strict=True)):
        shares: dict[int, float] = {}
        for corner, weight in zip(skin.triangles[triangle].tolist(), weights.tolist(), strict=True):
            part = slice(rows.start[corner], rows.start[corner + 1])
            for vertex, share in zip(rows.index[part].tolist(), rows.weight[part].tolist(), strict=True):
                shares[vertex] = shares.get(vertex, 0.0) + weight * share
        strongest = sorted(shares, key=lambda vertex: (-shares[vertex], vertex))
        anchors[strand] = skin.vertex_index[strongest[:3]]
    return anchors
