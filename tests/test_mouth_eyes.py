"""Teeth, gums, tongue and eyes: seen when they should be, never through the lips, lit as they are in people."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from face_emote.core.names import ARKIT_52, BLOOD_REGIONS, CONTROLS
from face_emote.core.types import Camera
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.identity import identity
from face_emote.face.rig import pose_from_controls
from face_emote.look import eyes
from face_emote.look.formula.eye import trace_cornea
from face_emote.look.formula.mouth import front_light, through_lips
from face_emote.look.formula.ops import Vec
from face_emote.look.lights import opening_record, skies_of, vector
from face_emote.look.surface import SKIN_PARTS
from face_emote.look.teeth import head_mouth_points, mouth_opening
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import LIGHTS, make_scene
from face_emote.rendering.stage import buffers, kernels
from face_emote.rendering.stage.mesh import make_mesh

PERSON = character("default")
NUM_PEOPLE = 20
SIDE = 120
"""Of the orthographic map of the mouth, 0.7 mm a pixel."""
SEALED_UNITS = (
    "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "cheekPuff", "mouthLeft", "mouthRight", "mouthFrownLeft", "mouthDimpleLeft",
)  # fmt: skip
ONE_EYE = Camera((0.034, 0.004, 0.36), (0.034, 0.002, 0.0), 0.13)
LAUGH = {
    "mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.55, "mouthUpperUpLeft": 0.5, "mouthUpperUpRight": 0.5,
}  # fmt: skip
SMILE = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.25}


def controls(*rows):
    values = np.zeros((len(rows), len(CONTROLS)), np.float32)
    for row, units in zip(values, rows, strict=True):
        for name, value in units.items():
            row[CONTROLS.index(name)] = value
    return values


def posed(person, *rows):
    pose = pose_from_controls(controls(*rows), control_joints=person.control_joints)
    return person.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)


def people(count):
    rng = np.random.default_rng(1)
    for seed in range(count):
        betas = identity(
            race=tuple(rng.dirichlet((1, 1, 1))), gender=rng.uniform(), age=rng.uniform(0.4, 1.0),
            muscle=rng.uniform(), weight=rng.uniform(), seed=seed,
        )  # fmt: skip
        yield load_head().with_identity(betas)


class MouthMap:
    """Depths before the mouth, straight from the front: of the skin of the face and of what is inside."""

    def __init__(self):
        head = load_head()
        self.mesh = make_mesh(head.layout, head.template)
        self.loop = head.layout.lip_loop
        skin = self.mesh.skin
        face = skin.triangles[skin.part == SKIN_PARTS.index("head")]
        gap = np.linalg.norm(self.mesh.skin_template[face].mean(1)[:, None] - head.template[self.loop], axis=2)
        self.face = np.ascontiguousarray(face[gap.min(axis=1) < 0.03])
        self.lining = np.ascontiguousarray(skin.triangles[skin.part == SKIN_PARTS.index("mouth")])
        self.kinds = {
            kind: np.ascontiguousarray(self.mesh.triangles[self.mesh.material == kind])
            for kind in (buffers.TOOTH, buffers.GUM, buffers.TONGUE)
        }
        teeth = self.kinds[buffers.TOOTH]
        self.upper = teeth[: len(teeth) // 2]

    def __call__(self, vertices):
        screen = self._screen(vertices)
        return self._depth(screen, self.face), {k: self._depth(screen, t) for k, t in self.kinds.items()}

    def seen(self, vertices):
        """Pixels that see something inside, and those that see an upper tooth."""
        screen = self._screen(vertices)
        skin = np.minimum(self._depth(screen, self.face), self._depth(screen, self.lining))
        nearest = np.min([self._depth(screen, triangles) for triangles in self.kinds.values()], axis=0)
        inside = (nearest < 9.0) & (nearest < skin)
        return inside, inside & (self._depth(screen, self.upper) <= nearest)

    def _screen(self, vertices):
        rows = self.mesh.rows
        points = np.zeros((rows.num_rows, 3), np.float32)
        kernels.apply_rows(rows.start, rows.index, rows.weight, np.ascontiguousarray(vertices, np.float32), points)
        at = points - vertices[self.loop].mean(axis=0)
        scale, depth = SIDE / 0.085, 0.5 - at[:, 2]
        screen = [SIDE / 2 + scale * at[:, 0], SIDE / 2 - scale * at[:, 1], depth, 1.0 / depth]
        return np.stack(screen, axis=1).astype(np.float32)

    @staticmethod
    def _depth(screen, triangles):
        seen, inverse = np.empty((SIDE, SIDE), np.int32), np.empty((SIDE, SIDE), np.float32)
        kernels.visibility(screen, triangles, seen, inverse)
        return np.where(seen >= 0, 1.0 / np.maximum(inverse, 1e-9), 9.0)


@pytest.fixture(scope="module")
def mouth_map():
    return MouthMap()


def through(face, inside):
    """Pixels at which something inside lies before skin of the face, and by how many metres."""
    gap = np.where((face < 9.0) & (inside < 9.0), face - inside, 0.0)
    return (gap > 0.0) & (gap < 0.012), gap


def test_teeth_come_through_the_lips_of_nobody_in_any_unit(mouth_map):
    poses = [{}, *({u: 1.0, "jawOpen": 1.0} if u == "mouthClose" else {u: 1.0} for u in ARKIT_52), SMILE, LAUGH]
    worst = 0.0
    for number, person in enumerate(people(NUM_PEOPLE)):
        chosen = poses if number < 4 else poses[:1] + poses[number % 5 :: 5]
        for units, vertices in zip(chosen, posed(person, *chosen), strict=True):
            face, inside = mouth_map(vertices)
            for kind, depth in inside.items():
                if kind == buffers.TONGUE and "tongueOut" in units:
                    continue
                bad, gap = through(face, depth)
                worst = max(worst, gap[bad].max(initial=0.0))
                limit = 25 if units in (LAUGH, SMILE) or "mouthClose" in units else 2
                assert bad.sum() <= limit, (number, units, kind, int(bad.sum()), gap.max())
                assert gap[bad].max(initial=0.0) < 0.0015
    print(f"deepest {1e3 * worst:.2f} mm")


def test_the_measure_finds_teeth_that_come_through(mouth_map):
    head = load_head()
    vertices = head.template.copy()
    vertices[head.layout.vertices_of("toothU")] += (0.0, 0.0, 0.02)
    face, inside = mouth_map(vertices)
    assert through(face, inside[buffers.TOOTH])[0].sum() > 50


def test_nothing_of_the_mouth_is_seen_between_sealed_lips(mouth_map):
    for person in people(NUM_PEOPLE):
        for vertices in posed(person, {}, *({unit: 1.0} for unit in SEALED_UNITS)):
            assert not mouth_map.seen(vertices)[0].any()


@pytest.mark.parametrize(("units", "least"), [(SMILE, 80), (LAUGH, 400)])
def test_upper_teeth_are_seen_in_smile_and_laugh(mouth_map, units, least):
    """In pixels of 0.5 mm2, on everybody."""
    seen = [int(mouth_map.seen(posed(person, units)[0])[1].sum()) for person in people(8)]
    print(units, seen)
    assert min(seen) > least


def light_through_lips(points, opening):
    record = opening_record(opening, front=front_light(vector(opening.forward), skies_of(LIGHTS["studio"])))
    return through_lips(Vec(*(points - opening.middle).T), record)[0]


def test_light_through_the_lips_falls_with_depth_and_closing():
    head = load_head()
    points = head_mouth_points(head)
    wide, narrow = (mouth_opening(v, points) for v in posed(head, {"jawOpen": 0.6}, {"jawOpen": 0.15}))
    line = wide.middle - np.linspace(0.002, 0.06, 30)[:, None] * wide.forward
    light = light_through_lips(line, wide)
    assert (np.diff(light) < 0.0).all()
    assert light[0] > 0.8
    assert light[-1] < 0.35
    assert (light_through_lips(line, narrow) < light).all()
    shut = mouth_opening(head.template, points)
    assert light_through_lips(shut.middle - 0.01 * shut.forward[None], shut)[0] < 0.05


def test_the_opening_turns_with_the_head():
    head = load_head()
    points = head_mouth_points(head)
    vertices = posed(head, {"jawOpen": 0.4})[0].astype(np.float64)
    angle = 0.5
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    one, other = mouth_opening(vertices, points), mouth_opening(vertices @ turn.T, points)
    assert np.allclose(other.forward, turn @ one.forward, atol=1e-6)
    assert np.allclose(
        [one.half_width, one.half_height, one.sag, one.lift],
        [other.half_width, other.half_height, other.sag, other.lift],
        atol=1e-7,
    )


def test_back_teeth_are_darker_than_front_teeth():
    """In the picture of a laugh, by the depth of the pixel behind the lips."""
    camera = Camera((0.0, -0.055, 0.34), (0.0, -0.062, 0.0), 0.18)
    scene = make_scene(camera=camera, light="soft", width=256, height=256)
    renderer = FastRenderer(load_head(), betas=PERSON.betas, skin=PERSON.skin, scene=scene)
    person = load_head().with_identity(PERSON.betas)
    vertices = posed(person, {**LAUGH, "mouthStretchLeft": 0.6, "mouthStretchRight": 0.6})[0]
    picture = renderer.render(Pose(vertices, np.zeros(16, np.float32), np.zeros(8, np.float32))).astype(float)
    space = renderer.stage.space(len(vertices))
    face = space.face_id[::2, ::2]
    tooth = (face >= 0) & (renderer.stage.mesh.material[face.clip(0)] == buffers.TOOTH)
    corner = renderer.stage.mesh.triangles[face.clip(0)]
    depth = space.points[:, 2][corner].mean(axis=-1)
    height = renderer.stage.mesh.local[:, 0][corner].mean(axis=-1)
    body = tooth & (height > 0.25) & (height < 0.8)
    front, back = body & (depth > np.quantile(depth[body], 0.7)), body & (depth < np.quantile(depth[body], 0.15))
    assert front.sum() > 100
    assert picture[front].mean() > 1.05 * picture[back].mean()


@cache
def eye_renderer(light, size, age):
    skin = PERSON.skin if age is None else replace(PERSON.skin, age=age)
    scene = make_scene(camera=ONE_EYE, light=light, width=size, height=size)
    return FastRenderer(load_head(), betas=PERSON.betas, skin=skin, scene=scene, hair=False)


def eye_picture(light="studio", *, size=128, redness=0.0, age=None, **units):
    renderer = eye_renderer(light, size, age)
    vertices = posed(load_head().with_identity(PERSON.betas), units)[0]
    blood = np.zeros(8, np.float32)
    blood[BLOOD_REGIONS.index("periorbital")] = redness
    picture = renderer.render(Pose(vertices, np.zeros(16, np.float32), blood)).astype(float)
    space = renderer.stage.space(len(vertices))
    face = space.face_id[::2, ::2]
    eye = (face >= 0) & (renderer.stage.mesh.material[face.clip(0)] == buffers.EYE)
    local = renderer.stage.mesh.local[renderer.stage.mesh.triangles[face.clip(0)]].mean(axis=2)
    rho = np.hypot(local[..., 0], local[..., 1]) / np.linalg.norm(local, axis=-1) / eyes.LIMBUS
    return picture, eye, rho


@pytest.mark.parametrize("light", list(LIGHTS))
def test_the_cornea_mirrors_the_key_light_under_every_preset(light):
    picture, eye, rho = eye_picture(light)
    cornea, iris = eye & (rho < 0.95), eye & (rho > 0.45) & (rho < 0.9)
    brightest = picture[cornea].mean(axis=1).max()
    assert brightest > 150
    assert brightest > 2.0 * np.median(picture[iris].mean(axis=1))
    assert (picture[cornea].mean(axis=1) > 0.8 * brightest).mean() < 0.12, "a highlight, not a sheet"


def test_the_limbus_is_dark_and_more_so_in_the_young():
    ring = {}
    for age in (0.0, 1.0):
        picture, eye, rho = eye_picture("soft", age=age)
        grey = picture.mean(axis=2)
        low = eye & (np.arange(128)[:, None] > 64)  # under the mirrored window
        rim, iris = (grey[low & (rho > a) & (rho < b)] for a, b in ((0.88, 0.97), (0.5, 0.7)))
        ring[age] = np.median(rim) / np.median(iris)
        white = np.median(grey[low & (rho > 1.3) & (rho < 1.8)])
        assert white > 2.0 * np.median(grey[low & (rho > 0.85) & (rho < 0.95)])
    assert ring[0.0] < 0.7
    assert ring[0.0] < ring[1.0]


def test_the_white_is_off_white_pinker_at_the_corners_yellower_with_age_and_redder_with_tears():
    def redness(picture, mask):
        return float(np.median(picture[mask][:, 0] - picture[mask][:, 1]))

    picture, eye, rho = eye_picture("soft")
    near, far = eye & (rho > 1.2) & (rho < 1.6), eye & (rho > 2.1)
    assert picture[near].mean() < 235
    assert redness(picture, far) > redness(picture, near) + 5
    old, _, _ = eye_picture("soft", age=1.0)
    blue = [float(np.median(p[near][:, 0] - p[near][:, 2])) for p in (picture, old)]
    assert blue[1] > blue[0] + 8
    weeping, _, _ = eye_picture("soft", redness=1.0)
    assert redness(weeping, near) > redness(picture, near) + 8


def test_the_iris_fills_as_much_of_the_eye_as_in_people():
    """The visible iris takes 35 to 60 % of the open eye; half closed lids leave less of it."""
    _, eye, rho = eye_picture()
    share = (eye & (rho < 1.0)).sum() / eye.sum()
    assert 0.30 < share < 0.60
    _, half, rho_half = eye_picture(eyeBlinkLeft=0.5, eyeBlinkRight=0.5)
    assert (half & (rho_half < 1.0)).sum() < 0.6 * (eye & (rho < 1.0)).sum()


@pytest.mark.parametrize("blink", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("look", [{}, {"eyeLookUpLeft": 1.0}, {"eyeLookDownLeft": 1.0}, {"eyeLookOutLeft": 1.0}])
def test_no_gap_between_lids_and_eyeball(blink, look):
    """Straight down every column of the eye, once the ball begins, nothing else is seen until it ends."""
    _, eye, _ = eye_picture(size=96, eyeBlinkLeft=blink, **look)
    for column in eye.T:
        rows = np.flatnonzero(column)
        if len(rows):
            assert len(rows) == rows[-1] - rows[0] + 1


def test_the_cornea_bends_rays_as_snell_says():
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, y = rng.uniform(-0.2, 0.2, 2)
        z = np.sqrt(1.0 - x * x - y * y)
        towards = np.array([*rng.uniform(-0.5, 0.5, 2), 1.0])
        towards /= np.linalg.norm(towards)
        hit_x, hit_y, bulging = trace_cornea(Vec(x, y, z), Vec(*towards))
        normal = np.array(list(bulging))
        centre = np.array([0.0, 0.0, eyes.CORNEA_CENTRE])
        entry = centre + eyes.CORNEA_RADIUS * normal
        start = np.array([x, y, z])
        assert np.allclose(np.cross(entry - start, towards), 0.0, atol=1e-9), "on the view ray"
        inwards = np.array([hit_x, hit_y, eyes.IRIS_PLANE]) - entry
        inwards /= np.linalg.norm(inwards)
        outside, inside = np.linalg.norm(np.cross(normal, towards)), np.linalg.norm(np.cross(normal, inwards))
        assert inside == pytest.approx(eyes.REFRACTION * outside, abs=1e-9)


def test_pupils_narrow_in_the_light():
    radii = [eyes.pupil_radius(light) for light in (0.0, 0.2, 0.5, 1.0, 2.0, 50.0)]
    assert radii[0] == radii[1] == eyes.PUPIL_DARK
    assert radii[-1] == radii[-2] == eyes.PUPIL_BRIGHT
    assert (np.diff(radii) <= 0.0).all()
