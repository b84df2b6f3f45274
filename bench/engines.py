"""`python -m bench.engines`: is the character in three.js the one that we draw? One frame, one camera, one light, both.

Needs a headless Chromium and three.js (FACE_EMOTE_NODE_MODULES, after `npm install three`), and for figures MediaPipe
in this Python or in the one that FACE_EMOTE_CAPTURE_PYTHON names: it finds both faces, and where skin, lips and irises
are. A figure is the mean over a region of the difference in CIELAB, pixel by pixel after a blur of a hundredth of the
picture. `--picture FILE` writes both side by side; with bpy (docs/cycles.md) Blender's EEVEE stands beside them.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bench.browser import missing, show
from bench.common import Figure, options, report
from face_emote.blender_side.process import BlenderProcess, blender_python
from face_emote.core.arrays import Array, Bool, Float, UInt8
from face_emote.core.cameras import CAMERAS
from face_emote.core.errors import DependencyError
from face_emote.core.motion import instant
from face_emote.core.options import Picture
from face_emote.core.png import srgb_bytes
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.look import tone
from face_emote.look.formula.light import sky_on
from face_emote.look.formula.ops import Vec
from face_emote.look.formula.records import Facing
from face_emote.look.lights import skies_of
from face_emote.rendering.scene import LIGHTS, placed
from face_emote.verbs.export import export
from face_emote.verbs.render import draw

SIDE = 768
LIGHT = "soft"
HAIRY = 24
"""Change of a pixel, of 255, by which hair is told from a bald head."""
MOST = {"skin": 8.0, "lips": 8.0, "iris": 8.0, "hair": 9.0}
"""Difference of each region that is promised."""
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
        150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
MOUTH = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
EYES = ((33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
        (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466))  # fmt: skip
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Outlines among MediaPipe's landmarks; of an iris its middle and four points round it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One frame drawn twice."""

    ours: UInt8[Array, "row column 3"]
    theirs: UInt8[Array, "row column 3"]
    facts: dict[str, Any]
    """What the page says of the file."""
    hair: Bool[Array, "row column"]
    """Where ours has hair on the head."""
    blenders: UInt8[Array, "row column 3"] | None = None
    """EEVEE's, where there is a Blender and it is wanted."""


def setup_of(camera: str, *, light: str, time_secs: float, middle: Float[Array, " 3"]) -> dict[str, Any]:
    """What `pages/*.html` are told."""
    rig, lens = LIGHTS[light], placed(CAMERAS[camera], origin=middle)
    skies = skies_of(rig)
    above, below = (list(sky_on(Facing(Vec(0.0, up, 0.0)), skies)[0]) for up in (1.0, -1.0))
    lamps = [{"direction": list(item.direction), "colour": list(item.colour)} for item in (rig.key, rig.fill, rig.rim)]
    return {
        "width": SIDE, "height": SIDE, "time": time_secs, "lights": lamps, "exposure": rig.exposure, "tone": _tone(),
        "sky": {"above": above, "below": below}, "middle": middle.tolist(),
        "camera": {"position": lens.position, "target": lens.target, "fov": lens.field_of_view},
    }  # fmt: skip


def _tone() -> str:
    """The tone curve of `look.tone` as the function that three.js leaves to its user."""
    a, b, d = tone.CURVE
    luma = f"vec3({', '.join(map(str, tone.LUMA))})"
    return (
        "vec3 CustomToneMapping( vec3 color ) { vec3 c = color * toneMappingExposure;"
        f" c = max(mix(c, vec3(dot(c, {luma})), {tone.INSET}), 0.0);"
        f" vec3 y = min({tone.GAIN} * c * (c + {a}) / (c * (c + {b}) + {d}), 1.0); float grey = dot(y, {luma});"
        f" return clamp(grey + (y - grey) / {1.0 - tone.OUTSET}, 0.0, 1.0); }}"
    )


def drawn_twice(
    motion: FaceMotion, *, time_secs: float, camera: str = "portrait", light: str = LIGHT, page: str = "three.html",
    eevee: bool = False, recipe: bool = False,
) -> Pair:  # fmt: skip
    """Our picture of an instant and a page's of the exported `.glb`, on the same ground.

    With `recipe` the page folds the skin by the recipe of docs/engines.md instead of showing the mesh of the creases.
    """
    head = load_head().with_identity(motion.betas)
    picture, moment = Picture(size=SIDE, camera=camera, light=light), instant(motion, time_secs=time_secs)
    ours, bald = (next(draw(moment, own, workers=1)) for own in (picture, replace(picture, hair="none")))
    hair = np.abs(ours.astype(int) - bald).max(axis=2) > HAIRY
    with tempfile.TemporaryDirectory() as folder:
        path = export(motion, Path(folder) / "shown.glb")
        setup = setup_of(camera, light=light, time_secs=time_secs, middle=head.eyes_middle())
        files = {"shown.glb": path}
        if recipe:
            files["line.skin.png"] = export(motion, Path(folder) / "line.skin.png")
        shown = show(page, setup=setup | {"recipe": recipe}, files=files)
        blenders = _by_eevee(path, setup) if eevee else None
    theirs = Image.open(BytesIO(shown.picture))
    third = None if blenders is None else _on_ground(blenders, ours)
    return Pair(ours, _on_ground(theirs, ours), shown.facts, hair, third)


def _by_eevee(path: Path, setup: dict[str, Any]) -> Image.Image:
    """The same by Blender's EEVEE."""
    blender = BlenderProcess("bench.in_blender", search=Path(__file__).parent.parent)
    try:
        blender.ask("show", path=str(path), setup=setup, out=str(path.with_suffix(".npy")))
    finally:
        blender.close()
    seen = np.load(path.with_suffix(".npy"))
    alpha = np.clip(seen[..., 3:], 0.0, 1.0)
    colour = srgb_bytes(tone.tone_mapped(setup["exposure"] * seen[..., :3] / np.maximum(alpha, 1e-3)))
    return Image.fromarray(np.concatenate([colour, np.round(255 * alpha).astype(np.uint8)], axis=-1))


def _on_ground(picture: Image.Image, ours: UInt8[Array, "row column 3"]) -> UInt8[Array, "row column 3"]:
    """A cut-out picture on a plain ground of the colour of our picture's corner."""
    front = picture.convert("RGBA")
    ground = Image.new("RGBA", front.size, (*(int(c) for c in ours[4, 4]), 255))
    return np.asarray(Image.alpha_composite(ground, front).convert("RGB"))


def landmarks(*pictures: UInt8[Array, "row column 3"]) -> list[Float[Array, "landmark=478 2"]]:
    """MediaPipe's landmarks of the one face in each picture. RuntimeError: it finds none."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, picture in enumerate(pictures):
            paths.append(Path(folder) / f"{i}.png")
            Image.fromarray(picture).save(paths[-1])
        python = os.environ.get("FACE_EMOTE_CAPTURE_PYTHON", sys.executable)
        code = (
            "import json, sys; import numpy as np; from PIL import Image\n"
            "from face_emote.capturing.landmarks import face_detector\n"
            "with face_detector() as detect:\n"
            "    found = [detect(np.asarray(Image.open(p).convert('RGB'))) for p in sys.argv[1:]]\n"
            "print(json.dumps([[face.landmarks.tolist() for face in faces] for faces in found]))"
        )
        place = {"PYTHONPATH": str(Path(__file__).parent.parent)}
        words = [python, "-c", code, *map(str, paths)]
        done = subprocess.run(words, env=os.environ | place, capture_output=True, text=True, check=True)
    faces = json.loads(done.stdout.splitlines()[-1])
    if not all(len(found) == 1 for found in faces):
        raise RuntimeError(f"MediaPipe finds {[len(found) for found in faces]} faces in the pictures")
    return [np.array(found[0]) for found in faces]


def regions(marks: Float[Array, "landmark=478 2"], side: int) -> dict[str, Bool[Array, "row column"]]:
    """Where skin, lips and irises are."""
    shut = _inside(marks[list(MOUTH)], side)
    out = {"lips": _inside(marks[list(LIPS)], side) & ~_grown(shut, 1)}
    eyes = [_inside(marks[list(rim)], side) for rim in EYES]
    row, column = np.mgrid[0:side, 0:side] + 0.5
    iris = np.zeros((side, side), bool)
    for (middle, *rim), eye in zip(IRISES, eyes, strict=True):
        x, y = marks[middle]
        radius = np.linalg.norm(marks[list(rim)] - marks[middle], axis=1).mean()
        iris |= (np.hypot(column - x, row - y) < 0.9 * radius) & eye
    out["iris"] = iris
    apart = _inside(marks[list(LIPS)], side) | np.any(eyes, axis=0)
    for brow in BROWS:
        apart |= _inside(marks[list(brow)], side)
    reach = side // 64
    out["skin"] = ~_grown(~_inside(marks[list(OVAL)], side), reach) & ~_grown(apart, reach)
    return out


def _inside(outline: Float[Array, "point 2"], side: int) -> Bool[Array, "row column"]:
    picture = Image.new("L", (side, side))
    ImageDraw.Draw(picture).polygon([(float(x), float(y)) for x, y in outline], fill=255)
    return np.asarray(picture) > 0


def _grown(mask: Bool[Array, "row column"], pixels: int) -> Bool[Array, "row column"]:
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(picture.filter(ImageFilter.MaxFilter(2 * pixels + 1))) > 0


def lab(picture: UInt8[Array, "row column 3"]) -> Float[Array, "row column 3"]:
    """CIELAB (D65) of an sRGB picture, blurred a little."""
    soft = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(len(picture) / 100.0))
    value = np.asarray(soft) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = linear @ np.array(matrix).T / (0.95047, 1.0, 1.08883)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def differences(pair: Pair) -> dict[str, float]:
    """Mean CIELAB difference of each region, and how far apart MediaPipe sees the two faces, pixels."""
    ours, theirs = landmarks(pair.ours, pair.theirs)
    away = np.linalg.norm(lab(pair.ours) - lab(pair.theirs), axis=-1)
    places = regions(ours, len(pair.ours))
    face = _grown(_inside(ours[list(OVAL)], len(pair.ours)), len(pair.ours) // 64)
    places["hair"] = ~_grown(~(pair.hair & ~face), 2)
    out = {name: float(away[where].mean()) for name, where in places.items()}
    return out | {"landmarks": float(np.linalg.norm(ours - theirs, axis=1).mean())}


def has_blender() -> bool:
    """Whether there is a Blender to ask."""
    try:
        blender_python()
    except DependencyError:
        return False
    return True


def main() -> None:
    """Print the figures; exit code 1 when one is worse than promised."""
    asked = options(__doc__ or "", picture="write the pictures there, side by side (jpg or png)", motion="a motion")
    if why := missing("three"):
        sys.exit(why)
    from face_emote.audio.examples import example_speech
    from face_emote.formats.motion_file import read_motion
    from face_emote.verbs.animate import animate

    motion = read_motion(asked.motion) if asked.motion else animate(example_speech()[0].path, emotion="joy:0.6")
    time_secs = float(motion.num_frames // 3 / motion.fps)
    pair = drawn_twice(motion, time_secs=time_secs, eevee=bool(asked.picture) and has_blender())
    if asked.picture:
        shown = [pair.ours, pair.theirs, *([] if pair.blenders is None else [pair.blenders])]
        Image.fromarray(np.concatenate(shown, axis=1)).save(asked.picture, quality=88)
    found = differences(pair)
    units = {"landmarks": "px"}
    figures = [Figure(name, value, units.get(name, "dE")) for name, value in found.items()]
    report(f"Our picture and three.js', {SIDE} x {SIDE}", figures, target=asked.json)
    sys.exit(any(found[name] > most for name, most in MOST.items()))


if __name__ == "__main__":
    main()
