"""Materials of the head in Cycles' nodes, from the same pigments, maps and numbers as the fast renderer's."""

import json
import math
from typing import Any

import bpy
import numpy as np

from face_emote.blender_side import compat
from face_emote.blender_side.cycles_job import BROW, LASH, SCALP, TABLE, CyclesJob
from face_emote.blender_side.nodes import Nodes
from face_emote.core.assets import SHADERS

LOOK = json.loads((SHADERS / "cycles.json").read_text(encoding="utf-8"))
"""The fast renderer's numbers, written by `python -m tools.write_shaders`."""
SCATTER_METRES = 0.0017  # Mean free path of red light in skin; green and blue have the shares below.
SCATTER_COLOURS = (1.0, 0.38, 0.20)
SCALP_GAIN = 1.8  # Light bounces between hairs fewer times here than a wearer's colour assumes.
BODY = 0.6  # Share of hair's light that is diffuse; single strands mirror so much that few thick ones look grey.


def make_materials(job: CyclesJob) -> dict[str, Any]:
    """All of them, by the name of the object that wears each."""
    shaders = {"skin": _skin, "eye": _eye, "tears": _tears, "tooth": _tooth, "wet": _wet, "cloth": _cloth}
    shaders |= {f"strands_{SCALP}": _scalp_hair, f"strands_{BROW}": _fine_hair, f"strands_{LASH}": _fine_hair}
    found = {}
    for name, shader in shaders.items():
        found[name] = bpy.data.materials.new(name)
        nodes = Nodes(compat.node_tree(found[name]))
        nodes.finish(shader(nodes, job))
    return found


def picture(name: str, values: Any) -> Any:
    """Numbers as an image without colour management; row 0 of `values` is the top."""
    rows, columns = values.shape[:2]
    image = bpy.data.images.new(name, columns, rows, alpha=False, float_buffer=True, is_data=True)
    paint(image, values)
    image.pack()
    return image


def paint(image: Any, values: Any) -> None:
    """Other numbers for an image."""
    pixels = np.ones((*values.shape[:2], 4), np.float32)
    pixels[..., :3] = values[::-1]
    image.pixels.foreach_set(pixels.reshape(-1))
    image.update()


def _refraction(f0: float) -> float:
    """The refractive index of what mirrors the share `f0` at normal incidence."""
    root = math.sqrt(f0)
    return (1.0 + root) / (1.0 - root)


def _ramp(n: Nodes, value: Any, ends: list[float]) -> Any:
    """0 at the first end, 1 at the second."""
    slope = 1.0 / (ends[1] - ends[0])
    return n.math("MULTIPLY_ADD", value, slope, -slope * ends[0], clamp=True)


def _skin(n: Nodes, job: CyclesJob) -> Any:
    uv = n.node("ShaderNodeUVMap", settings={"uv_map": "UVMap"})
    layers = [n.split(n.image(picture(f"skin_{i}", layer), uv)) for i, layer in enumerate(job.skin_maps)]
    (melanin, haemoglobin, gloss), (bump_u, bump_v, painted), (fold_u, fold_v, height), (_, _, rough) = layers
    wrinkle = n.attribute("wrinkle")
    hair = n.math("MULTIPLY", painted, LOOK["reflection.HAIR_PAINT"], clamp=True)
    hair = n.math("MULTIPLY", hair, LOOK["reflection.HAIR_COVER"])
    colour = _albedo(n, job, melanin=melanin, haemoglobin=haemoglobin, crease=n.math("MULTIPLY", height, wrinkle))
    colour = n.mix(hair, colour, n.vector("SCALE", tuple(job.painted_hair.tolist()), hair))
    slope_u = n.math("MULTIPLY_ADD", fold_u, wrinkle, bump_u)
    slope_v = n.math("MULTIPLY_ADD", fold_v, wrinkle, bump_v)
    shown = n.math("MULTIPLY", gloss, n.math("SUBTRACT", 1.0, hair))
    return n.node(
        "ShaderNodeBsdfPrincipled",
        settings={"subsurface_method": "RANDOM_WALK"},
        Base_Color=colour,
        Roughness=rough,
        IOR=_refraction(LOOK["reflection.SKIN_F0"]),
        Specular_IOR_Level=n.math("MULTIPLY", shown, 0.5),
        Subsurface_Weight=n.math("SUBTRACT", 1.0, hair),
        Subsurface_Radius=SCATTER_COLOURS,
        Subsurface_Scale=SCATTER_METRES,
        Normal=_bent_normal(n, slope_u, slope_v),
    )


def _albedo(n: Nodes, job: CyclesJob, *, melanin: Any, haemoglobin: Any, crease: Any) -> Any:
    """`skin.colour.skin_albedo` in nodes: the colour by a table, then pallor's grey and creases."""
    blood = n.attribute("blood")
    pigment = n.math("MAXIMUM", melanin, 0.0)
    gained = n.math("EXPONENT", n.math("MULTIPLY", blood, LOOK["colour.BLOOD_GAIN"]))
    flowing = n.math("MULTIPLY", n.math("MAXIMUM", haemoglobin, 0.0), gained)
    place = n.join(_share(n, pigment, job.most_melanin), _share(n, flowing, job.most_haemoglobin), 0.0)
    colour = n.image(picture("skin_colours", job.skin_colours[::-1]), place)
    grey = n.vector("DOT_PRODUCT", colour, LOOK["colour.LUMINANCE"])
    pallor = n.math("MULTIPLY", n.math("MULTIPLY", blood, -1.0, clamp=True), LOOK["colour.PALLOR_GREYING"])
    colour = n.mix(pallor, colour, n.join(grey, grey, grey))
    depth = n.math("MULTIPLY", crease, -1.0, clamp=True)
    lost = n.vector("SCALE", tuple(1.0 - share for share in LOOK["colour.CREASE_TINT"]), depth)
    return n.vector("MULTIPLY", colour, n.vector("SUBTRACT", (1.0, 1.0, 1.0), lost))


def _share(n: Nodes, value: Any, most: float) -> Any:
    """Where in the table of colours a concentration lies: texel centres are the grid."""
    return n.math("MULTIPLY_ADD", value, (TABLE - 1) / (TABLE * most), 0.5 / TABLE)


def _bent_normal(n: Nodes, slope_u: Any, slope_v: Any) -> Any:
    """normalize(n - (h_u cross(T_v, n) + h_v cross(n, T_u)) / dot(n, cross(T_u, T_v))), as in `skin.maps`."""
    normal = n.attribute("smooth", output="Vector")
    along_u, along_v = n.attribute("along_u", output="Vector"), n.attribute("along_v", output="Vector")
    first = n.vector("SCALE", n.vector("CROSS_PRODUCT", along_v, normal), slope_u)
    second = n.vector("SCALE", n.vector("CROSS_PRODUCT", normal, along_u), slope_v)
    area = n.vector("DOT_PRODUCT", normal, n.vector("CROSS_PRODUCT", along_u, along_v))
    gradient = n.vector("SCALE", n.vector("ADD", first, second), n.math("DIVIDE", 1.0, area))
    return n.vector("NORMALIZE", n.vector("SUBTRACT", normal, gradient))


def _eye(n: Nodes, job: CyclesJob) -> Any:
    uv = n.node("ShaderNodeUVMap", settings={"uv_map": "UVMap"})
    return n.node(
        "ShaderNodeBsdfPrincipled",
        Base_Color=n.image(picture("eye", job.eye_map), uv),
        Roughness=0.6,
        Specular_IOR_Level=0.0,
        Subsurface_Weight=0.35,
        Subsurface_Radius=(1.0, 0.5, 0.35),
        Subsurface_Scale=0.001,
    )


def _tears(n: Nodes, _: CyclesJob) -> Any:
    """A film that mirrors and lets light through unbent: refraction would cast a shadow on the iris."""
    normal = n.attribute("cornea", output="Vector")
    share = n.node("ShaderNodeFresnel", IOR=1.0 / LOOK["eyes.REFRACTION"], Normal=normal)
    gloss = n.node("ShaderNodeBsdfGlossy", Roughness=0.03, Normal=normal)
    return n.mix_shaders(share, n.node("ShaderNodeBsdfTransparent"), gloss)


def _tooth(n: Nodes, _: CyclesJob) -> Any:
    return n.node(
        "ShaderNodeBsdfPrincipled",
        Base_Color=n.attribute("colour", output="Vector"),
        Roughness=LOOK["teeth.ENAMEL_ROUGHNESS"],
        IOR=_refraction(LOOK["teeth.ENAMEL_F0"]),
        Subsurface_Weight=1.0,
        Subsurface_Radius=(1.0, 0.8, 0.6),
        Subsurface_Scale=0.0012,
    )


def _wet(n: Nodes, _: CyclesJob) -> Any:
    grain = n.node("ShaderNodeTexNoise", Scale=LOOK["teeth.TONGUE_SCALE"], Detail=2.0)
    shade = n.math("MULTIPLY_ADD", grain, 0.4, 0.75)
    return n.node(
        "ShaderNodeBsdfPrincipled",
        Base_Color=n.vector("SCALE", n.attribute("colour", output="Vector"), shade),
        Roughness=LOOK["teeth.GUM_ROUGHNESS"],
        IOR=_refraction(LOOK["teeth.GUM_F0"]),
        Subsurface_Weight=1.0,
        Subsurface_Radius=(1.0, 0.3, 0.25),
        Subsurface_Scale=0.0015,
    )


def _cloth(n: Nodes, job: CyclesJob) -> Any:
    """A knit: ribs in the first 9 mm under the collar's edge, a seam, plain below."""
    uv = n.node("ShaderNodeUVMap", settings={"uv_map": "UVMap"})
    turn, under, _ = n.split(uv)
    rib = n.math("MULTIPLY_ADD", n.math("SINE", n.math("MULTIPLY", turn, LOOK["cloth.RIBS"])), 0.5, 0.5)
    band = n.math("SUBTRACT", 1.0, _ramp(n, under, LOOK["cloth.RIBBED"]))
    weave = n.node("ShaderNodeTexNoise", Scale=LOOK["cloth.WEAVE"][0], Detail=1.0)
    dark, light = LOOK["cloth.WEAVE_RANGE"]
    ribbed = n.math("MULTIPLY", n.math("MULTIPLY", band, rib), LOOK["cloth.RIB_SHADE"])
    shade = n.math("MULTIPLY", n.math("MULTIPLY_ADD", weave, light, dark), n.math("SUBTRACT", 1.0, ribbed))
    below = n.math("SUBTRACT", 1.0, _ramp(n, under, LOOK["cloth.SEAM_LOWER"]))
    seam = n.math("MULTIPLY", _ramp(n, under, LOOK["cloth.SEAM_UPPER"]), below)
    shade = n.math("MULTIPLY", shade, n.math("MULTIPLY_ADD", seam, -LOOK["cloth.SEAM_SHADE"], 1.0))
    return n.node(
        "ShaderNodeBsdfPrincipled",
        Base_Color=n.vector("SCALE", tuple(job.cloth.tolist()), shade),
        Roughness=0.85,
        Specular_IOR_Level=0.1,
    )


def _scalp_hair(n: Nodes, _: CyclesJob) -> Any:
    colour = n.vector("SCALE", n.attribute("colour", output="Color"), SCALP_GAIN)
    strand = n.node(
        "ShaderNodeBsdfHairPrincipled",
        settings={"model": "HUANG", "parametrization": "COLOR"},
        Color=colour,
        Roughness=0.32,
        Reflection=0.10,
        Transmission=0.25,
        Secondary_Reflection=1.0,
    )
    return n.mix_shaders(BODY, strand, n.node("ShaderNodeBsdfDiffuse", Color=colour))


def _fine_hair(n: Nodes, _: CyclesJob) -> Any:
    """Scalp hair scatters light on; brows and lashes are too few for that and stay dark."""
    return n.node("ShaderNodeBsdfDiffuse", Color=n.attribute("colour", output="Color"))
