"""`python -m bench.recognised face_landmarker.task [PICTURES ..]`: does somebody else's face tracker see our faces?

MediaPipe's landmarker (Apache-2.0, Google; extra `[capture]`) looks at two things:

- single ARKit units at 1.0 on each of the eight characters, from the front. A unit is recognised when its score rises,
  over the neutral face of the same character, by more than that of all but two other units (mean over the characters).
  Units whose score never leaves 0.05 on real people (`SEEN_ON_PEOPLE`) nor on ours are blind spots of the tracker and
  not counted;
- pictures, or sheets cut into cells of equal size by `--cell`: in how many it finds a face.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.names import ARKIT_ORDER, BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION, WRINKLES
from face_emote.face.bundled import load_head
from face_emote.face.characters import character, characters
from face_emote.face.rig import pose_from_controls
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import make_scene

SEEN_ON_PEOPLE = frozenset(ARKIT_ORDER) - {
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "jawForward", "jawRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthLeft", "mouthRight", "eyeWideLeft", "noseSneerLeft", "noseSneerRight", "tongueOut",
}  # fmt: skip
"""Units whose score passed 0.05 in one of a thousand frames of 12 tracked talkers (GRID corpus, 76,000 frames)."""
SEEN = 0.05
PLACES = 3


def open_landmarker(model: Path) -> Any:
    """MediaPipe's landmarker with blendshape scores."""
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)), output_face_blendshapes=True
    )
    return vision.FaceLandmarker.create_from_options(options)


def scores(landmarker: Any, picture: UInt8[Array, "height width 3"]) -> dict[str, float] | None:
    """Score of every unit; None where no face is found."""
    import mediapipe

    found = landmarker.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(picture)))
    return {item.category_name: item.score for item in found.face_blendshapes[0]} if found.face_blendshapes else None


def unit_pictures(who: str, units: list[str], *, size: int) -> Iterator[UInt8[Array, "height width 3"]]:
    """The neutral face, then every unit at 1.0. mouthClose is shown with the open jaw that it needs."""
    shown = character(who)
    head = load_head()
    person = head.with_identity(shown.betas)
    scene = make_scene(camera="front", light="soft", width=size, height=size)
    renderer = FastRenderer(head, betas=shown.betas, skin=shown.skin, scene=scene)
    still, pale = np.zeros(len(WRINKLES), np.float32), np.zeros(len(BLOOD_REGIONS), np.float32)
    for unit in [None, *units]:
        controls = np.zeros((1, NUM_EXPRESSION), np.float32)
        for name in (unit, "jawOpen") if unit == "mouthClose" else (unit,):
            if name is not None:
                controls[0, CONTROLS.index(name)] = 1.0
        posed = pose_from_controls(controls, control_joints=person.control_joints)
        vertices = person.pose_vertices(expression=posed.expression, jaw_pose=posed.jaw_pose, eye_pose=posed.eye_pose)
        yield renderer.render(Pose(np.asarray(vertices[0], np.float32), still, pale))


def risen(landmarker: Any, who: str, units: list[str], *, size: int) -> Float[Array, "unit score"]:
    """By how much every score rises over the neutral face, for every unit shown; NaN where no face was found."""
    pictures = unit_pictures(who, units, size=size)
    neutral = scores(landmarker, next(pictures))
    if neutral is None:
        return np.full((len(units), len(units)), np.nan)
    base = np.array([neutral[name] for name in units])
    rows = (scores(landmarker, picture) for picture in pictures)
    all_scores = np.array([[np.nan] * len(units) if row is None else [row[n] for n in units] for row in rows])
    rises: Array = all_scores - base
    return rises


def cells(path: Path, side: int | None) -> Iterator[UInt8[Array, "height width 3"]]:
    """A picture, or the cells of a sheet, row by row."""
    from PIL import Image

    picture = np.asarray(Image.open(path).convert("RGB"))
    if side is None:
        yield picture
        return
    for top in range(0, picture.shape[0] - side + 1, side):
        for left in range(0, picture.shape[1] - side + 1, side):
            yield picture[top : top + side, left : left + side]


def main() -> None:
    """Measure and print; `--json FILE` keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--cell", type=int, metavar="PX", help="The pictures are sheets of cells of this side.")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    landmarker = open_landmarker(asked.model)
    units = [name for name in ARKIT_ORDER if name != "tongueOut"]
    everybody = np.stack([risen(landmarker, who, units, size=asked.size) for who in (one.name for one in characters())])
    rise = np.nanmean(everybody, axis=0)
    own = np.diagonal(rise)
    places = {unit: 1 + int(np.sum(rise[i] > own[i])) for i, unit in enumerate(units)}
    counted = [unit for i, unit in enumerate(units) if unit in SEEN_ON_PEOPLE or own[i] > SEEN]
    good = [unit for unit in counted if places[unit] <= PLACES]
    for i, unit in enumerate(units):
        note = "" if unit in counted else "  (the tracker is blind to it)"
        print(f"  {unit:<20} rises {own[i]:6.3f}  place {places[unit]:2d}{note}")
    print(f"units among the first {PLACES}: {len(good)} of {len(counted)} ({100 * len(good) / len(counted):.0f} %)")
    seen = [scores(landmarker, cell) is not None for path in asked.pictures for cell in cells(path, asked.cell)]
    if seen:
        print(f"faces found: {sum(seen)} of {len(seen)} ({100 * np.mean(seen):.1f} %)")
    if asked.json is not None:
        figures = {"places": places, "counted": counted, "recognised": good, "faces": sum(seen), "pictures": len(seen)}
        asked.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
