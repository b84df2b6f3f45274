"""Points of every material over the range that is plausible for it, as rows of its formula."""

import numpy as np

from face_emote.look.formula.materials import FORMULAS, VIEWED
from face_emote.look.lights import lights_of, skies_of, vector
from face_emote.rendering.scene import LIGHTS

COUNT = 200
KINDS = {formula.name: formula for formula in (*FORMULAS, *VIEWED)}
LIGHT = lights_of(LIGHTS["studio"])
RANGES = {
    "spot.openness": (0.05, 1.0), "spot.rim_seen": (0.0, 1.0), "spot.folding": (0.0, 1.2), "spot.blood": (-1.0, 1.0),
    "spot.thinness": (0.0, 1.0), "spot.seen": (0.0, 1.0),
    "texel.melanin": (0.3, 3.0), "texel.haemoglobin": (0.2, 1.4), "texel.specular": (0.0, 1.9),
    "texel.bump_u": (-0.02, 0.02), "texel.bump_v": (-0.02, 0.02), "texel.wrinkle": (-1.0, 0.8),
    "texel.wrinkle_u": (-0.06, 0.06), "texel.wrinkle_v": (-0.06, 0.06), "texel.hair": (-0.1, 1.0),
    "texel.roughness": (0.3, 0.65),
    "eyeplace.redness": (0.0, 1.0), "eyeplace.clear": (0.0, 0.0034), "eyeplace.standing": (0.0, 0.0014),
    "strand.openness": (0.0, 1.0), "strand.gloss": (0.0, 1.0), "strand.jitter": (-0.5, 0.5),
    "strand.before": (-0.005, 0.03), "strand.before_last": (-0.005, 0.03), "strand.colour": (0.003, 0.5),
    "inner.openness": (0.02, 1.0), "viewed.colour": (0.02, 0.8), "viewed.reached": (0.2, 1.0),
    "viewedskin.blood": (-1.0, 1.0), "viewedskin.crease": (0.0, 1.0), "polish.roughness": (0.05, 0.9),
}  # fmt: skip
LOCAL = {
    "tooth": ((-0.2, -1.0, 0.0), (1.0, 1.0, 1.0)), "gum": ((-0.03, -0.07, 0.05), (0.03, -0.03, 0.1)),
    "tongue": ((-0.015, -0.07, 0.05), (0.015, -0.04, 0.1)), "cloth": ((0.5, -0.1, -0.08), (14.0, 0.1, 0.08)),
}  # fmt: skip


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def rows_of(material, *, seed=0, count=COUNT):
    """[point, number] of a formula, or of `lips`, which are skin full of blood."""
    name = "skin" if material == "lips" else material
    rng = np.random.default_rng(seed)
    normal = unit(rng.normal(size=(count, 3)))
    known = {
        "normal": normal,
        "from_camera": -0.7 * unit(normal + 0.7 * unit(rng.normal(size=(count, 3)))),
        "sky": rng.uniform(0.0, 0.6, (count, 3)),
        "skin_sky": rng.uniform(0.0, 0.6, (count, 3)),
        "along_u": 0.3 * np.cross(normal, unit(rng.normal(size=(count, 3)))),
        "along_v": 0.3 * np.cross(normal, unit(rng.normal(size=(count, 3)))),
        "point": rng.normal(size=(count, 3)) * 0.02 - [0.0, 0.0, 0.03],
        "lining": (rng.random((count, 1)) < 0.5).astype(float),
        "tangent": unit(rng.normal(size=(count, 3))),
        "outward": normal,
        "bent": unit(normal + rng.normal(size=(count, 3)) * 0.3),
        "root_sky": rng.uniform(0.0, 0.6, (count, 3)),
        "root_openness": np.where(rng.random((count, 1)) < 0.5, -1.0, rng.random((count, 1))),
    } | eye_places(rng, normal, count)
    if name in LOCAL:
        known["local"] = rng.uniform(*LOCAL[name], (count, 3))
    columns = []
    for leaf in KINDS[name].names(KINDS[name].rows):
        record, field, *axis = leaf.split(".")
        if f"{record}.{field}" in RANGES:
            low, high = (1.6, 3.5) if material == "lips" and field == "haemoglobin" else RANGES[f"{record}.{field}"]
            columns.append(rng.uniform(low, high, count))
        else:
            columns.append(known[field][:, "xyz".index(axis[0]) if axis else 0])
    return np.stack(columns, axis=1)


def eye_places(rng, normal, count):
    """Frames of a ball whose front the normals cover, and the corners of its lids near the place."""
    away = unit(rng.normal(size=(count, 3)) * 0.35 + [0.0, 0.0, 1.0])
    axis = unit(normal + 0.6 * unit(rng.normal(size=(count, 3))))
    right = unit(np.cross([0.0, 1.0, 0.0], axis))
    return {
        "right": right, "up": np.cross(axis, right), "axis": axis, "local": 0.0165 * away,
        "inner": -0.7 * normal + rng.normal(size=(count, 3)) * 0.008,
        "outer": -0.7 * normal + rng.normal(size=(count, 3)) * 0.008,
    }  # fmt: skip


def shared_of(name):
    """Records that all points share."""
    from face_emote.look.formula.records import Age, Colour, EyeLook, Opening

    def colour(*values):
        return Colour(vector(np.array(values)))

    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)) + 3.0 * np.eye(3))[0]
    opening = Opening(
        vector(np.array([0.0, 0.0, -0.01])), vector(axes[:, 0]), vector(axes[:, 1]), vector(axes[:, 2]), 0.025, 0.012,
        0.006, 0.001, vector(np.array([0.5, 0.52, 0.6])),
    )  # fmt: skip
    return {
        "skin": (LIGHT, colour(0.05, 0.03, 0.02)),
        "eye": (LIGHT, EyeLook(vector(np.array([0.1, 0.12, 0.2])), 0.32, 0.4)),
        "tooth": (LIGHT, Age(0.4)), "gum": (LIGHT,), "tongue": (LIGHT,), "cloth": (LIGHT, colour(0.1, 0.2, 0.3)),
        "hair": (LIGHT, colour(0.4, 0.43, 0.49)), "mouth": (opening, LIGHT), "sky": (skies_of(LIGHTS["studio"]),),
        "viewed_skin": (LIGHT, skies_of(LIGHTS["studio"])), "viewed_part": (LIGHT, skies_of(LIGHTS["studio"])),
    }[name]  # fmt: skip


def expected(name, rows):
    """The formula in double precision, by numpy."""
    from face_emote.look.formula.records import filled

    left = iter(rows.T)
    records = [filled(kind, lambda _: next(left)) for kind in KINDS[name].rows]
    found = KINDS[name].compute(*records, *shared_of(name))
    return np.stack([np.broadcast_to(one, len(rows)) for one in found], axis=1)
