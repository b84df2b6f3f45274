"""Lips that must meet, lids that must close, teeth that must stay behind the lips."""

import numpy as np
import pytest

from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.face.bundled import load_head
from face_emote.face.characters import characters
from face_emote.face.contact import (
    LID_PRESS,
    LIP_PRESS,
    ContactOperator,
    closing_displacement,
    meeting_displacement,
)
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls

MILLIMETRE = 1e-3
BILABIALS = {
    "plain": {"jawOpen": 0.1},
    "open jaw": {"jawOpen": 0.3},
    "smile": {"jawOpen": 0.1, "mouthSmileLeft": 0.8, "mouthSmileRight": 0.8},
    "crooked smile": {"jawOpen": 0.1, "mouthSmileLeft": 0.9},
    "pucker": {"jawOpen": 0.1, "mouthPucker": 0.6},
    "bared teeth": {
        "jawOpen": 0.15,
        "mouthUpperUpLeft": 0.4,
        "mouthUpperUpRight": 0.4,
        "mouthLowerDownLeft": 0.4,
        "mouthLowerDownRight": 0.4,
    },
    "closed on the jaw": {"jawOpen": 0.2, "mouthClose": 0.2},
    "rolled in": {"jawOpen": 0.1, "mouthRollLower": 0.4, "mouthRollUpper": 0.4},
    "frown": {"jawOpen": 0.1, "mouthFrownLeft": 0.7, "mouthFrownRight": 0.7},
    "sideways": {"jawOpen": 0.1, "jawLeft": 0.6},
    "parted": {"lipsPart": 1.0, "jawOpen": 0.1},
}


def posed(head: Head, *, neck: tuple[float, float, float] = (0.0, 0.0, 0.0), **values: float) -> np.ndarray:
    controls = np.zeros((1, NUM_EXPRESSION), np.float32)
    for name, value in values.items():
        controls[0, CONTROLS.index(name)] = value
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    return head.pose_vertices(
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        eye_pose=pose.eye_pose,
        neck_pose=np.array([neck], np.float32),
    )[0]


def gap(vertices: np.ndarray, operator: ContactOperator) -> np.ndarray:
    """Height of the upper edge above the lower one, across the opening, by interpolation in x of the posed edges."""
    upper = vertices[operator.upper]
    lower = vertices[np.concatenate([operator.upper[:1], operator.lower, operator.upper[-1:]])]
    upper, lower = upper[np.argsort(upper[:, 0])], lower[np.argsort(lower[:, 0])]
    first, last = max(upper[0, 0], lower[0, 0]), min(upper[-1, 0], lower[-1, 0])
    middle, half = 0.5 * (first + last), 0.475 * (last - first)
    x = np.linspace(middle - half, middle + half, 41)
    return np.interp(x, upper[:, 0], upper[:, 1]) - np.interp(x, lower[:, 0], lower[:, 1])


@pytest.fixture(scope="module")
def people() -> list[Head]:
    """The average head, strangers and the ready characters."""
    head = load_head()
    rng = np.random.default_rng(0)
    strangers = [head.with_identity(rng.normal(0, 1, 300).astype(np.float32)) for _ in range(6)]
    return [head, *strangers, *(head.with_identity(item.betas) for item in characters())]


def test_lips_are_sealed_at_rest_on_everybody(people):
    for head in people:
        assert gap(posed(head), head.contact.lips).max() <= 0.0


def test_relaxed_lips_part_a_little(people):
    for head in people:
        middle = gap(posed(head, lipsPart=1.0), head.contact.lips)[20]
        assert 0.3 * MILLIMETRE < middle < 4.0 * MILLIMETRE


@pytest.mark.parametrize("name", list(BILABIALS))
def test_lip_seal_closes_every_bilabial_on_everybody(people, name):
    for head in people:
        sealed = gap(posed(head, **BILABIALS[name], lipSeal=1.0), head.contact.lips)
        assert sealed.max() <= 0.2 * MILLIMETRE
        assert sealed.min() > -1.6 * MILLIMETRE


def test_bilabials_would_gape_without_the_seal(people):
    assert max(gap(posed(head, jawOpen=0.3), head.contact.lips).max() for head in people) > 5 * MILLIMETRE


def test_lip_seal_acts_by_its_strength(people):
    head = people[0]
    gaps = [gap(posed(head, jawOpen=0.3, lipSeal=seal), head.contact.lips)[20] for seal in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert np.all(np.diff(gaps) < 0)
    np.testing.assert_allclose(gaps[2], 0.5 * (gaps[0] + gaps[4]), atol=0.2 * MILLIMETRE)


def test_lip_seal_works_in_any_head_pose(people):
    head = people[1]
    straight = posed(head, jawOpen=0.2, lipSeal=1.0) - posed(head, jawOpen=0.2)
    nod = (0.5, 0.6, 0.3)
    turned = posed(head, neck=nod, jawOpen=0.2, lipSeal=1.0) - posed(head, neck=nod, jawOpen=0.2)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(straight, axis=1), atol=2e-6)


def test_lip_seal_moves_only_the_surroundings_of_the_mouth(people):
    head = people[0]
    moved = np.flatnonzero(np.any(posed(head, jawOpen=0.2, lipSeal=1.0) != posed(head, jawOpen=0.2), axis=1))
    assert set(moved) <= set(head.contact.lips.free)
    teeth = head.layout.vertices_of("toothU", "toothL", "tongue")
    assert not set(moved) & set(teeth)


def test_sealed_lips_do_not_cross_on_the_outside(people):
    """Rows of lip vertices next to the seam: the upper one stays above the lower one to a millimetre."""
    for head in people:
        layout = load_head().layout
        quads = layout.quads[layout.in_parts("head")]
        row = np.setdiff1d(np.unique(quads[np.isin(quads, layout.lip_loop).any(axis=1)]), layout.lip_loop)
        rest = load_head().template
        seam = np.interp(rest[row, 0], *_sorted(rest[layout.lip_loop]))
        for pose in BILABIALS.values():
            vertices = posed(head, **pose, lipSeal=1.0)
            above, below = (vertices[row[chosen]] for chosen in (rest[row, 1] > seam, rest[row, 1] <= seam))
            x = np.linspace(-0.012, 0.012, 21)
            assert np.min(np.interp(x, *_sorted(above)) - np.interp(x, *_sorted(below))) > -1.0 * MILLIMETRE


def _sorted(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(points[:, 0])
    return points[order, 0], points[order, 1]


@pytest.mark.parametrize("name", list(BILABIALS))
def test_sealed_lips_do_not_pass_through_the_teeth(people, name):
    """Where a tooth is straight behind the seam of the lips, its face is behind them (to half a millimetre)."""
    for head in people:
        vertices = posed(head, **BILABIALS[name], lipSeal=1.0)
        teeth = vertices[load_head().layout.vertices_of("toothU", "toothL")]
        for point in vertices[head.contact.lips.loop]:
            behind = np.linalg.norm(teeth[:, :2] - point[:2], axis=1) < 1.2 * MILLIMETRE
            if behind.any():
                assert teeth[behind, 2].max() < point[2] + 0.6 * MILLIMETRE


def test_upper_teeth_show_in_a_smile():
    """Upper front teeth hang a little below the lip line, and a smile with raised lip uncovers several millimetres."""
    head = load_head()
    teeth = head.layout.vertices_of("toothU")
    front = teeth[np.abs(head.template[teeth, 0]) < 0.008]
    edge = head.template[front, 1].min()
    stomion = head.template[head.contact.lips.loop, 1][np.abs(head.template[head.contact.lips.loop, 0]) < 0.003].mean()
    assert 1.5 * MILLIMETRE < stomion - edge < 4.0 * MILLIMETRE
    smile = {"mouthSmileLeft": 0.7, "mouthSmileRight": 0.7, "mouthUpperUpLeft": 0.4, "mouthUpperUpRight": 0.4}
    vertices = posed(head, jawOpen=0.12, **smile)
    upper = vertices[head.contact.lips.upper]
    shown = upper[np.abs(upper[:, 0]) < 0.008, 1].min() - vertices[front, 1].min()
    assert shown > 2.5 * MILLIMETRE


def test_lids_close_on_everybody(people):
    for head in people:
        for side, operator in (("Left", head.contact.left_lids), ("Right", head.contact.right_lids)):
            closed = gap(posed(head, **{f"eyeBlink{side}": 1.0}), operator)
            assert closed.max() <= 0.0
            assert gap(posed(head), operator).max() > 5 * MILLIMETRE


def test_blink_and_squint_together_do_not_cross_the_lids(people):
    for head in people:
        for amount in (0.3, 0.6, 1.0):
            vertices = posed(head, eyeBlinkLeft=1.0, eyeSquintLeft=amount, cheekSquintLeft=amount)
            assert gap(vertices, head.contact.left_lids).min() > -1.0 * MILLIMETRE


def test_closed_lids_cover_the_eyeball(people):
    for head in people:
        vertices = posed(head, eyeBlinkLeft=1.0)
        ball = vertices[head.contact.left_eyeball]
        centre = ball.mean(axis=0)
        radius = np.linalg.norm(ball - centre, axis=1).max()
        loop = vertices[head.contact.left_lids.loop[1:-1]]
        assert np.linalg.norm(loop - centre, axis=1).min() > radius - 0.3 * MILLIMETRE


def test_field_moves_the_loop_itself_as_told():
    operator = load_head().contact.lips
    move = np.random.default_rng(1).normal(0, 1e-3, (len(operator.loop), 3)).astype(np.float32)
    where = np.searchsorted(operator.free, operator.loop)
    np.testing.assert_allclose(operator.field(move)[where], move, atol=1e-6)
    assert np.abs(operator.response).max() <= 1.0


def test_field_is_smooth_and_fades():
    """A uniform lift of the loop decays with distance from it and is nearly gone at the rim."""
    head = load_head()
    operator = head.contact.lips
    lifted = operator.field(np.tile(np.array([0.0, 1.0, 0.0], np.float32), (len(operator.loop), 1)))[:, 1]
    distance = np.linalg.norm(head.template[operator.free][:, None] - head.template[operator.loop][None], axis=2).min(
        axis=1
    )
    assert lifted.min() > -0.1 and lifted.max() < 1.3
    assert np.abs(lifted[distance > 0.012]).mean() < 0.12
    assert lifted[distance < 0.003].mean() > 0.7


def meeting_ref(operator: ContactOperator, points: np.ndarray, *, share: float, press: float) -> np.ndarray:
    """The meeting line vertex by vertex."""
    split = len(operator.upper)
    line = []
    for i in range(split):
        facing = sum(operator.upper_on_loop[i, j] * points[j] for j in range(len(points)))
        line.append(points[i] + share * (facing - points[i]))
    goal = []
    for i in range(split):
        inner = 0 < i < split - 1
        goal.append(line[i] - np.array([0.0, press if inner else 0.0, 0.0]))
    for i in range(len(operator.lower)):
        there = sum(operator.lower_on_upper[i, j] * line[j] for j in range(split))
        goal.append(there + np.array([0.0, press, 0.0]))
    return np.array(goal) - points


@pytest.mark.parametrize("opening", ["lips", "left_lids", "right_lids"])
def test_meeting_line_equals_its_slow_twin(opening):
    head = load_head()
    operator = getattr(head.contact, opening)
    rng = np.random.default_rng(2)
    points = head.template[operator.loop] + rng.normal(0, 2e-3, (3, len(operator.loop), 3))
    fast = meeting_displacement(operator, points, upper_share=0.3, press=LIP_PRESS)
    for frame in range(3):
        slow = meeting_ref(operator, points[frame], share=0.3, press=LIP_PRESS)
        np.testing.assert_allclose(fast[frame], slow, atol=1e-12)


def test_both_edges_meet_with_the_wanted_overlap():
    operator = load_head().contact.left_lids
    points = load_head().template[operator.loop].astype(np.float64)
    met = points + meeting_displacement(operator, points, upper_share=0.5, press=LID_PRESS)
    upper, lower = met[: len(operator.upper)], met[len(operator.upper) :]
    past = np.array([0.0, LID_PRESS, 0.0])
    line = upper.copy()
    line[1:-1] += past
    np.testing.assert_allclose(operator.lower_on_upper @ line, lower - past, atol=1e-12)


def test_lips_are_kept_in_front_of_a_protruding_row_of_teeth():
    operator = load_head().contact.lips
    points = load_head().template[operator.loop].astype(np.float64)[None]
    row = np.array([[-0.03, -0.03, 0.2], [0.03, -0.03, 0.2]])
    move = closing_displacement(operator, points, strength=np.ones(1), teeth=row)
    assert np.all((points + move)[0, :, 2] > 0.2)
