"""What muscles do to the face: Action Units that show on an open mouth, lids that lift, faces that rest."""

import itertools

import numpy as np
import pytest

from face_emote.core.names import CONTROLS, MUSCLES, NUM_EXPRESSION
from face_emote.face.bundled import load_head
from face_emote.face.characters import characters
from face_emote.face.head import Head
from face_emote.face.rig import MUSCLE_COLUMNS, contraction, pose_from_controls
from tools.build_head.rest import APERTURE, opening, resting_eyes

MILLIMETRES = 1e3
CORNERS, LOWER_LIP, CHIN, UPPER_LID, LOWER_LID, WING = (291, 61), 17, 200, (386, 159), (374, 145), (278, 48)
"""Among MediaPipe's 478 landmarks; left side first."""
MOUTHS = {"closed": {}, "open": {"jawOpen": 0.5}}


@pytest.fixture(scope="module")
def people() -> list[Head]:
    return [load_head().with_identity(person.betas) for person in characters()]


def controls_of(**values: float) -> np.ndarray:
    """One row of controls; a name with a trailing underscore stands for both sides."""
    controls = np.zeros((1, NUM_EXPRESSION), np.float32)
    for name, value in values.items():
        sides = ("Left", "Right") if name.endswith("_") else ("",)
        for side in sides:
            controls[0, CONTROLS.index(name.removesuffix("_") + side)] = value
    return controls


def posed(head: Head, **values: float) -> np.ndarray:
    """Vertices in millimetres."""
    pose = pose_from_controls(controls_of(**values), control_joints=head.control_joints)
    return MILLIMETRES * head.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)


def moved(head: Head, *, mouth: str, **values: float) -> np.ndarray:
    """By how much the 478 landmarks move, millimetres."""
    points = head.landmark478_points
    assert points is not None
    return (points.of(posed(head, **MOUTHS[mouth], **values)) - points.of(posed(head, **MOUTHS[mouth])))[0]


@pytest.mark.parametrize("mouth", MOUTHS)
def test_mouth_units_show_on_closed_and_on_open_mouths(people, mouth):
    for head in people:
        frown = moved(head, mouth=mouth, mouthFrown_=1.0)
        assert frown[list(CORNERS), 1].max() < -5.5
        chin = moved(head, mouth=mouth, mouthShrugLower=1.0)
        assert chin[LOWER_LIP, 1] > 4.5
        assert chin[CHIN, 1] > 2.0
        stretch = moved(head, mouth=mouth, mouthStretch_=1.0)
        assert stretch[CORNERS[0], 0] - stretch[CORNERS[1], 0] > 14.0
        assert stretch[list(CORNERS), 1].mean() > -4.5, "it pulls aside, not down"


@pytest.mark.parametrize("mouth", MOUTHS)
def test_pressed_lips_are_narrowed_and_do_not_smile(people, mouth):
    for head in people:
        press = moved(head, mouth=mouth, mouthPress_=1.0)
        assert abs(press[list(CORNERS), 1]).max() < 1.5
        assert press[CORNERS[0], 0] - press[CORNERS[1], 0] < 0.5
        assert press[14, 1] - press[13, 1] > 1.0, "the lips come together"


def test_upper_lids_lift_and_the_nose_wrinkles(people):
    for head in people:
        wide = moved(head, mouth="closed", eyeWide_=1.0)
        assert wide[list(UPPER_LID), 1].min() > 3.0
        assert abs(wide[list(LOWER_LID), 1]).max() < 0.5
        sneer = moved(head, mouth="closed", noseSneer_=1.0)
        assert sneer[list(WING), 1].min() > 3.5
        assert sneer[6, 1] < -1.0, "the bridge comes down to meet it"


def test_inner_brows_come_down_as_far_as_their_middle(people):
    for head in people:
        change = moved(head, mouth="closed", browDownLeft=1.0, browDownRight=1.0)
        for inner, middle in ((55, 52), (285, 282)):
            assert change[inner, 1] < -4.5 and change[inner, 1] < change[middle, 1] + 0.5


def test_the_same_feeling_is_the_same_part_of_every_face(people):
    values = {"browInnerUp": 1.0, "mouthSmile_": 1.0, "eyeWide_": 1.0}
    shares = []
    for head in people:
        points = head.landmark478_points
        rest = points.of(head.template[None])[0] * MILLIMETRES
        change = moved(head, mouth="closed", **values)
        shares.append(change[[55, 285, *CORNERS], 1] / (rest[263, 0] - rest[33, 0]))
    spread = np.ptp(shares, axis=0) / np.mean(shares, axis=0)
    assert spread.max() < 0.03


def test_everybody_rests_with_calm_lids_and_brows(people):
    eyes = resting_eyes(load_head())
    every = np.arange(load_head().num_vertices)
    for head in people:
        left, right = (opening(head.template, eye=eye, row=every) for eye in eyes)
        corners = head.template[[eyes[0].lids.upper[-1], eyes[1].lids.upper[0]], 0]
        width = corners[0] - corners[1]
        assert abs(0.5 * (left + right) / width - APERTURE) < 0.009
        inner = [eye.lids.upper[[0, -1]] for eye in eyes]
        height = np.mean(
            [head.template[eye.brow, 1] - head.template[ends, 1].mean() for eye, ends in zip(eyes, inner, strict=True)]
        )
        assert 0.145 < height / width < 0.185


MUSCLE_PLACES = {
    "Masseter": ({"mouthPress_": 1.0, "jawForward": 1.0}, (56.0, -38.0, 50.0), 1.5),
    "Frontalis": ({"browOuterUp_": 1.0, "browInnerUp": 1.0}, (27.0, 78.0, 105.0), 0.7),
    "Corrugator": ({"browDown_": 1.0}, (13.0, 59.0, 112.0), 0.9),
    "Zygomaticus": ({"mouthSmile_": 1.0, "cheekSquint_": 1.0}, (41.0, 6.0, 100.0), 1.5),
    "Mentalis": ({"mouthShrugLower": 1.0}, (7.0, -65.0, 106.0), 0.8),
    "Platysma": ({"neckPlatysma": 1.0}, (21.0, -88.0, 44.0), 1.0),
}
"""What contracts the muscle, where it lies on the average head, and by how much it lifts the skin, millimetres."""


@pytest.mark.parametrize("muscle", MUSCLE_PLACES)
def test_a_contracted_muscle_swells_on_both_sides(muscle):
    head = load_head()
    values, place, least = MUSCLE_PLACES[muscle]
    columns = [CONTROLS.index(f"muscle{muscle}{side}") for side in ("Left", "Right")]
    skin = head.layout.vertices_of("head", "torso")
    left = skin[np.linalg.norm(MILLIMETRES * head.template[skin] - place, axis=1).argmin()]
    for column, vertex in zip(columns, (left, head.layout.mirror[left]), strict=True):
        amount = head.expression_basis[column, vertex] * MILLIMETRES
        assert np.linalg.norm(amount) > least
        assert amount @ (head.template[vertex] - [0.0, head.template[vertex, 1], 0.0]) > 0.0, "outwards"
        controls = controls_of(**values)
        pose = pose_from_controls(controls, control_joints=head.control_joints)
        assert pose.expression[0, column] > 0.5
        assert pose_from_controls(0.0 * controls, control_joints=head.control_joints).expression[0, column] == 0.0


def test_muscles_never_move_the_edges_of_lips_and_lids_nor_the_joints():
    head = load_head()
    edges = np.concatenate([head.contact.lips.loop, head.contact.left_lids.loop, head.contact.right_lids.loop])
    assert abs(head.expression_basis[np.ix_(MUSCLE_COLUMNS, edges)]).max() < 2e-4
    assert abs(head.joint_regressor @ head.expression_basis[MUSCLE_COLUMNS]).max() < 1e-4


def test_the_jaw_is_clenched_only_while_it_is_shut():
    clenched = controls_of(mouthPress_=1.0, jawForward=1.0)
    opened = controls_of(mouthPress_=1.0, jawForward=1.0, jawOpen=0.5)
    masseter = MUSCLES.index("muscleMasseterLeft")
    assert contraction(clenched)[0, masseter] > 0.85
    assert contraction(opened)[0, masseter] == 0.0


def test_lips_stay_in_front_of_the_teeth_under_every_unit(people):
    """No point of the lips' edge passes behind the face of a tooth that is straight behind it, by over a millimetre."""
    layout = load_head().layout
    units = ("mouthFrown_", "mouthShrugLower", "mouthPress_", "mouthStretch_", "noseSneer_")
    for head, mouth in itertools.product(people, MOUTHS):
        for unit in units:
            faces = (posed(head, **MOUTHS[mouth], **extra)[0] for extra in ({}, {unit: 1.0}))
            before, after = (_depth_behind_teeth(head, face, layout) for face in faces)
            assert after < max(before, 0.0) + 1.0, (unit, mouth)


def _depth_behind_teeth(head: Head, vertices: np.ndarray, layout) -> float:
    deepest = -np.inf
    assert head.contact is not None
    teeth = vertices[layout.vertices_of("toothU", "toothL")]
    for point in vertices[head.contact.lips.loop]:
        behind = np.linalg.norm(teeth[:, :2] - point[:2], axis=1) < 1.2
        if behind.any():
            deepest = max(deepest, float(teeth[behind, 2].max() - point[2]))
    return deepest
