"""What a filmed face looks like: its skin and the light on it, from pictures drawn of the fitted head. Needs torch.

A film is compared with our own picture of the head in a fixed soft light, whatever its own: film = picture x
exp(light(normal)), where the light is nine spherical harmonics a colour over the head's normals, solved by robust least
squares on logarithms. What is then left over on the skin, in one place on it in all pictures, is pigment and blood.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from face_emote.capturing.face_mesh import NUM_SKIN
from face_emote.capturing.film import film_pictures
from face_emote.capturing.solve import Lens
from face_emote.capturing.watch import Watched
from face_emote.core.arrays import Array, Bool, Float, UInt8
from face_emote.face.head import Head
from face_emote.face.person_file import GRID, Person
from face_emote.look.colour import HAEMOGLOBIN_EXTINCTION, MELANIN_EXTINCTION
from face_emote.look.maps import load_skin_maps
from face_emote.rendering.scene import make_scene
from face_emote.rendering.stage.buffers import SKIN
from face_emote_lab.differentiable.head import rotation_matrix
from face_emote_lab.differentiable.light import srgb
from face_emote_lab.differentiable.render import Drawn, render_batch
from face_emote_lab.differentiable.stage import Stage, make_stage

SIDE = 128  # Pixels of the pictures that are compared.
ROOM = 1.25  # Of a picture around the landmarks.
TEXTURE = 512
NUM_HARMONICS = 9
RIDGE = 0.001
ROUNDS = 4
CLIPPED = (0.004, 0.97)  # Linear light in which a film says nothing.
FAINT = 0.01
DRAWN_LIGHT = "soft"
EXTINCTION = -np.stack([MELANIN_EXTINCTION, HAEMOGLOBIN_EXTINCTION], axis=1)
"""Change of log light per unit of each pigment."""


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Some pictures of a film, each as a camera sees it that has turned to the face."""

    frames: list[int]
    picture: Float[Tensor, "view row column 3"]  # sRGB, 0..1.
    face: Bool[Array, "view row column"]  # Inside the landmarks' outline.
    landmarks: Float[Array, "view landmark=478 2"]  # Pixels of these pictures.
    camera_turn: Float[Tensor, "view 3 3"]  # Of the film's camera, to this one.
    focal: Float[Tensor, " view"]


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Heads before those cameras."""

    rotation: Float[Tensor, "view 3 3"]
    translation: Float[Tensor, "view 3"]

    def moved(self, turn: Float[Tensor, "view 3"], shift: Float[Tensor, "view 3"]) -> "Pose":
        """Turned about the camera's axes and shifted, a little."""
        return Pose(rotation_matrix(turn) @ self.rotation, self.translation + shift)


def views(watched: Watched, frames: list[int], *, lens: Lens, batch: int) -> Iterator[Views]:
    """Views of these pictures of a film (rising), a batch at a time: one pass over it."""
    wanted, found = set(frames), list[tuple[int, tuple[Array, Array, Array, float, Array]]]()
    for i, (_, picture) in enumerate(film_pictures(Path(watched.facts.path), remark=lambda _: None)):
        if i in wanted:
            found.append((i, _turned_to_face(picture, watched.rows["landmarks"][i].astype(np.float64), lens)))
        if len(found) == batch or (found and i == frames[-1]):
            yield _stacked(found)
            found = []


def _stacked(found: list[tuple[int, tuple[Array, Array, Array, float, Array]]]) -> Views:
    pictures, turns, landmarks, focal, faces = zip(*(view for _, view in found), strict=True)
    return Views(
        frames=[i for i, _ in found], picture=torch.from_numpy(np.stack(pictures)), face=np.stack(faces),
        landmarks=np.stack(landmarks), camera_turn=torch.from_numpy(np.stack(turns).astype(np.float32)),
        focal=torch.tensor(focal, dtype=torch.float32),
    )  # fmt: skip


def _turned_to_face(
    picture: UInt8[Array, "_ _ 3"], landmarks: Float[Array, "landmark=478 2"], lens: Lens
) -> tuple[Array, Array, Array, float, Array]:
    """Picture, turn of the camera, landmarks, focal length, and the outline of the face."""
    middle = 0.5 * (landmarks.min(axis=0) + landmarks.max(axis=0))
    per_pixel = ROOM * float(np.ptp(landmarks, axis=0).max()) / SIDE
    back = np.array([lens.centre[0] - middle[0], middle[1] - lens.centre[1], lens.focal])
    back /= np.linalg.norm(back)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    turn, flip = np.stack([right, np.cross(back, right), back]), np.diag([1.0, -1.0, -1.0])
    focal = lens.focal / per_pixel
    before = np.array([[lens.focal, 0.0, lens.centre[0]], [0.0, lens.focal, lens.centre[1]], [0.0, 0.0, 1.0]])
    after = np.array([[focal, 0.0, SIDE / 2], [0.0, focal, SIDE / 2], [0.0, 0.0, 1.0]])
    warp = after @ flip @ turn @ flip @ np.linalg.inv(before)
    to_corner = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])  # OpenCV counts from pixels' centres
    blurred = cv2.blur(picture, (round(per_pixel),) * 2) if per_pixel > 1.5 else picture
    seen = cv2.warpPerspective(
        blurred, to_corner @ warp @ np.linalg.inv(to_corner), (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE
    )
    points = np.c_[landmarks, np.ones(len(landmarks))] @ warp.T
    points = points[:, :2] / points[:, 2:]
    outline = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(outline, [cv2.convexHull(points[:NUM_SKIN].astype(np.float32)).astype(np.int32)], [1])
    inside = cv2.erode(outline, np.ones((5, 5), np.uint8)) > 0
    return np.asarray(seen).astype(np.float32) / 255.0, turn, points, focal, inside


def stage_of(person: Person, head: Head) -> Stage:
    """The person, ready to be drawn in the light that films are compared with."""
    maps = load_skin_maps(person.skin, size=TEXTURE)
    more = cv2.resize(person.pigments.astype(np.float32), (TEXTURE, TEXTURE), interpolation=cv2.INTER_LINEAR)
    maps = replace(
        maps, melanin=np.clip(maps.melanin + more[..., 0], 0.0, 8.0).astype(np.float32),
        haemoglobin=np.clip(maps.haemoglobin + more[..., 1], 0.0, 4.0).astype(np.float32),
    )  # fmt: skip
    scene = make_scene(camera="front", light=DRAWN_LIGHT, width=SIDE, height=SIDE)
    return make_stage(head, betas=person.betas, skin=person.skin, scene=scene, maps=maps)


def drawn(
    stage: Stage, vertices: Float[Tensor, "view vertex 3"], pose: Pose, *, seen: Views,
    wrinkles: Float[Tensor, "view wrinkle=16"] | None = None, blood_flow: Float[Tensor, "view region=8"] | None = None,
) -> Drawn:  # fmt: skip
    """The head before the cameras of the views."""
    count = len(vertices)
    return render_batch(
        stage, vertices, wrinkles=torch.zeros(count, 16) if wrinkles is None else wrinkles,
        blood_flow=torch.zeros(count, 8) if blood_flow is None else blood_flow,
        view=torch.cat([pose.rotation, pose.translation[:, :, None]], dim=2), focal=seen.focal,
    )  # fmt: skip


def apart(pictures: Drawn, light: Float[Tensor, "view row column 3"], *, seen: Views) -> Float[Tensor, " view"]:
    """Mean difference of each view from what was drawn, in that light."""
    weight = torch.from_numpy(seen.face.astype(np.float32))[..., None]
    beside = (srgb((pictures.picture * light).clamp(0.0, 1.0)) - seen.picture).abs() * weight
    return beside.sum(dim=(1, 2, 3)) / (3.0 * weight.sum(dim=(1, 2, 3)).clamp(min=1.0))


def light_of(pictures: Drawn, pose: Pose, *, seen: Views) -> tuple[Float[Tensor, "view row column 3"], Array, Array]:
    """The film's light over the one that is drawn, as a factor; what it leaves (logarithms), and where that counts."""
    ours, film = pictures.picture.detach().numpy(), _linear(seen.picture.numpy())
    low, high = CLIPPED
    counts = seen.face & (ours.min(axis=-1) > FAINT) & (film.min(axis=-1) > low) & (film.max(axis=-1) < high)
    counts &= pictures.alpha.detach().numpy() > 0.99
    ratio = np.log(np.maximum(film, low)) - np.log(np.maximum(ours, low))
    rows = _harmonics(_normals(pictures, pose, focal=seen.focal.numpy()))
    found = _robust(rows[counts], ratio[counts]) if counts.sum() > 4 * NUM_HARMONICS else np.zeros((NUM_HARMONICS, 3))
    light = rows @ found
    return torch.from_numpy(np.exp(light).astype(np.float32)), ratio - light, counts


def more_pigment(person: Person, stage: Stage, pictures: Drawn, *, left: Array, counts: Array) -> Person:
    """The person with what the light has left over as pigment, where it was seen."""
    ids, corners = pictures.visible.face_id[:, ::2, ::2].numpy(), stage.uv.mean(dim=1).numpy()
    skin = counts & (ids >= 0) & (stage.material.numpy()[np.maximum(ids, 0)] == SKIN)
    change = np.clip(left[skin], -1.5, 1.5) @ np.linalg.pinv(EXTINCTION).T
    u, v = corners[ids[skin]].T
    column, row = ((x * GRID).astype(int).clip(0, GRID - 1) for x in (u, 1.0 - v))
    total = np.zeros((GRID, GRID, 3), np.float32)
    np.add.at(total, (row, column), np.c_[change, np.ones(len(change))])
    total = np.asarray(cv2.GaussianBlur(total, (0, 0), 0.7))
    times = total[..., 2:]
    return replace(person, pigments=person.pigments + 0.9 * total[..., :2] / (times + 1e-3) * times / (times + 0.3))


def _linear(encoded: Array) -> Array:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _normals(pictures: Drawn, pose: Pose, *, focal: Float[Array, " view"]) -> Float[Array, "view row column 3"]:
    """The head's own, of pixels, from the depth of their samples."""
    inverse = pictures.visible.inverse_depth.numpy()
    depth = np.where(inverse > 0.0, 1.0 / np.maximum(inverse, 1e-6), np.nan)
    across, down = ((np.arange(2 * SIDE) + 0.5 - SIDE) / (2.0 * focal[:, None]) for _ in range(2))
    place = np.stack([across[:, None] * depth, -down[:, :, None] * depth, -depth], axis=-1)
    found = np.zeros_like(place)
    right, up = place[:, :, 2:] - place[:, :, :-2], place[:, :-2] - place[:, 2:]
    found[:, 1:-1, 1:-1] = np.cross(right[:, 1:-1], up[:, :, 1:-1])
    found = _unit(np.nan_to_num(found)).reshape(len(place), SIDE, 2, SIDE, 2, 3).mean(axis=(2, 4))
    smooth = np.stack([cv2.GaussianBlur(view, (0, 0), 1.0) for view in found])
    turned: Array = _unit(smooth) @ pose.rotation.detach().numpy()[:, None]
    return turned


def _unit(vectors: Array) -> Array:
    units: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return units


def _harmonics(normal: Float[Array, "view row column 3"]) -> Float[Array, "view row column harmonic=9"]:
    x, y, z = np.moveaxis(normal, -1, 0)
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3.0 * z * z - 1.0], axis=-1)


def _robust(rows: Float[Array, "pixel harmonic=9"], values: Float[Array, "pixel 3"]) -> Float[Array, "harmonic=9 3"]:
    """Least absolute residuals, by weights; a shadow is not light."""
    found, weight = np.zeros((NUM_HARMONICS, 3)), np.ones(len(rows))
    ridge = RIDGE * len(rows) * np.diag(np.r_[0.0, np.ones(NUM_HARMONICS - 1)])
    for _ in range(ROUNDS):
        weighted = rows * weight[:, None]
        found = np.linalg.solve(weighted.T @ rows + ridge, weighted.T @ values)
        weight = 1.0 / np.maximum(np.linalg.norm(values - rows @ found, axis=1), 0.05)
    return found
