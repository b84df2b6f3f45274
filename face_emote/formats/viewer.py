"""One self-contained page that plays a `.glb` with its sound in any browser, from disk, without a network or a server.

The player is this package's own few hundred lines of WebGL (`assets/viewer`): a library would have to be fetched by
the reader's browser, or carried along at ten times the size, and would not know of wrinkles and blood.
"""

import base64
import html
import json
import struct
from pathlib import Path
from string import Template

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS, SHADERS
from face_emote.core.errors import OutputError
from face_emote.core.names import BLOOD_REGIONS
from face_emote.core.output import written_beside
from face_emote.core.png import png_bytes
from face_emote.core.reading import content_of
from face_emote.core.records import Record, parsed_json
from face_emote.core.types import LightRig
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.formats.glb.file import QUANTIZATION
from face_emote.formats.mesh.materials import uv_spans_at
from face_emote.formats.mesh.person import under_garment
from face_emote.formats.mesh.surface import MAX_LOD, object_parts, surface_of
from face_emote.look.formula.materials import VIEWED
from face_emote.look.formula.printed import uniform_values
from face_emote.look.lights import lights_of, shared_numbers, skies_of
from face_emote.look.maps import load_skin_maps
from face_emote.look.regions import blood_masks, wrinkle_masks

FOLDER = ASSETS / "viewer"
FOLD_TEXELS = 1024
STEEPEST = 2.0  # Slope of a full crease that a byte of 255 stands for.
BLUSH = {"cheek_left": 0.95, "cheek_right": 0.95, "ears": 0.85, "forehead": 0.3, "nose": 0.4, "chin": 0.15}
"""Where the page's blush slider reddens: a blush's profile, as in `skin.blood`."""
MAX_BYTES = 400 * 2**20
GLB_HEAD, GLB_CHUNK = struct.Struct("<4sIII4s"), struct.Struct("<I4s")
"""Mark, version and length of a file with length and kind of its first chunk; the same of the second."""
SOUND_KINDS = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4",
    ".webm": "audio/webm", ".mp4": "video/mp4",
}  # fmt: skip


def write_page(glb: Path, path: Path, *, light: LightRig, sound: Path | None = None, title: str = "") -> None:
    """Write the page that plays a `.glb`; wrinkles and blood show on whole heads that `export` wrote.

    The sound is one that browsers can play; the title is the name of the `.glb` if left out. OutputError: a file is
    missing or too large, or the page cannot be written there.
    """
    data = _bytes(glb)
    try:
        num_vertices = _skin_vertices(data)
    except ValueError as error:
        raise OutputError(f"The page plays .glb files, and this is none that it can play: {error}: {glb}") from None
    heard = ""
    if sound is not None:
        kind = SOUND_KINDS.get(sound.suffix.lower())
        if kind is None:
            raise OutputError(f"Browsers play {', '.join(SOUND_KINDS)}; convert the sound first: {sound}")
        heard = f' src="data:{kind};base64,{_text(_bytes(sound))}"'
    page = Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(title or glb.stem),
        style=(FOLDER / "style.css").read_text(encoding="utf-8"),
        script=(FOLDER / "viewer.js").read_text(encoding="utf-8"),
        glb=_text(data),
        skin=json.dumps(_skin(num_vertices) | {"light": _uniforms(light)}, separators=(",", ":")),
        formulas=(SHADERS / "glsl" / "viewer.glsl").read_text(encoding="utf-8"),
        sound=heard,
    )
    with written_beside(path) as target:
        target.write_text(page, encoding="utf-8", newline="\n")


def _skin_vertices(glb: bytes) -> int:
    """How many vertices the first mesh has. Raises ValueError unless the page can play the file."""
    scene, room = _chunks(glb)
    unknown = next((name for name in scene.rows("extensionsRequired", []) if name != QUANTIZATION), None)
    if unknown is not None:
        raise ValueError(f"it needs {unknown}, which the page cannot unpack; export it without compression")
    views = []
    for view in scene.tables("bufferViews", []):
        view.whole("buffer", low=0, high=0)
        views.append(view.whole("byteLength", low=0, high=room - view.whole("byteOffset", 0, low=0, high=room)))
    counts = []
    for item in scene.tables("accessors"):
        counts.append(item.whole("count", low=1, high=MAX_BYTES))
        if "bufferView" in item.values and views[item.whole("bufferView", low=0, high=len(views) - 1)] < counts[-1]:
            raise ValueError(f"{item.place} is longer than its buffer view")
    mesh = next(scene.tables("meshes"), Record({}, "a first mesh"))
    primitive = next(mesh.tables("primitives"), Record({}, "a first primitive"))
    return counts[primitive.table("attributes").whole("POSITION", low=0, high=len(counts) - 1)]


def _chunks(glb: bytes) -> tuple[Record, int]:
    """The JSON of a file, and the length of the arrays behind it."""
    if glb[:4] != b"glTF" or len(glb) < GLB_HEAD.size:
        raise ValueError("it does not begin as one, or it is cut short")
    _, version, total, length, kind = GLB_HEAD.unpack_from(glb)
    first = GLB_HEAD.size + length
    if version != 2 or kind != b"JSON":
        raise ValueError(f"it is version {version} of glTF; expected 2, with its JSON first")
    if total != len(glb) or not first + GLB_CHUNK.size <= total:
        raise ValueError(f"it has {len(glb)} bytes of {max(total, first)}; it is cut short or damaged")
    arrays, kind = GLB_CHUNK.unpack_from(glb, first)
    if kind != b"BIN\0" or first + GLB_CHUNK.size + arrays > total:
        raise ValueError("its arrays are cut short")
    return Record.of(parsed_json(glb[GLB_HEAD.size : first])), arrays


def _skin(num_vertices: int) -> dict[str, object]:
    """Masks of every vertex of the skin as bytes, and the relief of all creases; no masks for a foreign mesh."""
    head = load_head()
    assert head.layout is not None
    blush = [BLUSH.get(name, 0.0) for name in BLOOD_REGIONS]
    whole = [surface_of(head, lod=lod) for lod in range(MAX_LOD + 1)]
    for surface in (made for each in whole for made in (under_garment(each), each)):
        index = object_parts(surface, surface.objects()[0])[0].vertex_index
        if len(index) == num_vertices:
            break
    else:
        return {"masks": None, "folds": None, "blush": blush}
    places = 1000.0 * surface.of(head.template)[index]
    blood = blood_masks(places, surface.of(head.layout.mask_ears)[index])
    masks = {
        "count": len(index),
        "blood": _text(_quantised(blood)),
        "wrinkles": _text(_quantised(wrinkle_masks(places))),
    }
    return {"masks": masks, "folds": _text(png_bytes(_folds())), "blush": blush}


def _uniforms(light: LightRig) -> dict[str, list[float]]:
    """What the page's formulas read of the light."""
    numbers = uniform_values(VIEWED[0], shared_numbers(lights_of(light), skies_of(light)))
    return {name: [round(value, 6) for value in values] for name, values in numbers.items()}


def _quantised(masks: Float[Array, "vertex region"]) -> bytes:
    return np.clip(np.round(255.0 * masks), 0.0, 255.0).astype(np.uint8).tobytes()


def _folds() -> Array:
    """Slopes of the creases along u and v and their height, each -1..1 as a byte."""
    maps = load_skin_maps(character("default").skin, size=FOLD_TEXELS)
    slope = maps.wrinkle_gradient / uv_spans_at(FOLD_TEXELS) / STEEPEST
    three = np.concatenate([slope, maps.wrinkle_height[..., None]], axis=-1)
    return np.clip(np.round(127.5 + 127.5 * three), 0.0, 255.0).astype(np.uint8)


def _bytes(path: Path) -> bytes:
    try:
        return content_of(path, most=MAX_BYTES)
    except ValueError as error:
        raise OutputError(f"Not for a page: {error}; view a shorter clip: {path}") from None
    except OSError as error:
        raise OutputError(f"The file cannot be opened ({error.strerror}); check its name: {path}") from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
