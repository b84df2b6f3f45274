"""The bundled head: what its vertices must do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from face_emote.core.errors import HeadError
from face_emote.core.names import ARKIT_52, CONTROLS, JOINT_PARENTS, NUM_EXPRESSION
from face_emote.core.rotations import rotation_matrix
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.face.bundled import BUNDLED_HEAD, load_head
from face_emote.face.head import Head
from face_emote.face.head_file import read_head, write_head
from face_emote.face.rig import MUSCLE_COLUMNS, ControlPose, contraction, controls_from_pose, pose_from_controls
from face_emote.generation.seen import seen_of

FLIP = np.array([-1, 1, 1], np.float32)


def controls(**values: float) -> np.ndarray:
    out = np.zeros((1, NUM_EXPRESSION), np.float32)
    for name, value in values.items():
        out[0, CONTROLS.index(name)] = value
    return out


def posed(head: Head, **values: float) -> np.ndarray:
    pose = pose_from_controls(controls(**values), control_joints=head.control_joints)
    return head.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)[0]


def random_motion(head: Head, *, frames: int, seed: int, seal: float = 0.0) -> FaceMotion:
    """Moderate values of everything that moves; lids stay open, so that contact has nothing to do unless sealed."""
    rng = np.random.default_rng(seed)
    expression = np.clip(rng.normal(0, 0.3, (frames, NUM_EXPRESSION)), 0, 0.6).astype(np.float32)
    for name in ("eyeBlinkLeft", "eyeBlinkRight", "eyeSquintLeft", "eyeSquintRight"):
        expression[:, CONTROLS.index(name)] = 0.0
    expression[:, CONTROLS.index("lipSeal")] = seal

    def turn(*shape: int, scale: float) -> np.ndarray:
        return rng.normal(0, scale, (frames, *shape)).astype(np.float32)

    return FaceMotion(
        expression=expression,
        jaw_pose=turn(3, scale=0.1),
        neck_pose=turn(3, scale=0.3),
        eye_pose=turn(2, 3, scale=0.1),
        global_pose=turn(3, scale=0.5),
        translation=turn(3, scale=0.2),
        wrinkles=np.zeros((frames, 16), np.float32),
        blood_flow=np.zeros((frames, 8), np.float32),
        fps=30.0,
        info=MotionInfo(basis=head.basis),
    )


def vertices_ref(head: Head, motion: FaceMotion, *, frame: int, vertex: int) -> np.ndarray:
    """FLAME's definition, one vertex at a time, in float64 and plain loops; no contact."""
    poses = [
        motion.global_pose[frame],
        motion.neck_pose[frame],
        motion.jaw_pose[frame],
        motion.eye_pose[frame, 0],
        motion.eye_pose[frame, 1],
    ]
    rotations = [rotation_matrix(pose.astype(np.float64)) for pose in poses]
    offset = np.zeros((head.num_vertices, 3))
    for column in range(NUM_EXPRESSION):
        offset += float(motion.expression[frame, column]) * head.expression_basis[column].astype(np.float64)
    shaped = head.template.astype(np.float64) + offset
    joints = head.joint_regressor.astype(np.float64) @ shaped
    point = shaped[vertex].copy()
    element = 0
    for joint in range(1, 5):
        for row in range(3):
            for column in range(3):
                amount = rotations[joint][row, column] - (row == column)
                point += amount * head.pose_correctives[element, vertex].astype(np.float64)
                element += 1
    world: list[np.ndarray] = []
    for joint, parent in enumerate(JOINT_PARENTS):
        local = np.eye(4)
        local[:3, :3] = rotations[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0.0)
        world.append(local if parent < 0 else world[parent] @ local)
    out = np.zeros(3)
    for joint in range(5):
        from_rest = world[joint][:3, :3] @ (point - joints[joint]) + world[joint][:3, 3]
        out += float(head.skin_weights[vertex, joint]) * from_rest
    return out + motion.translation[frame]


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def test_asset_is_small():
    assert BUNDLED_HEAD.stat().st_size < 5_000_000


def test_vertices_equal_the_definition(head):
    motion = random_motion(head, frames=3, seed=0)
    fast = head.vertices(motion)
    for frame in range(3):
        for vertex in range(5, head.num_vertices, 977):
            slow = vertices_ref(head, motion, frame=frame, vertex=vertex)
            np.testing.assert_allclose(fast[frame, vertex], slow, atol=1e-6)


def test_blocks_give_the_same_vertices_and_stay_small(head):
    motion = random_motion(head, frames=11, seed=1, seal=0.7)
    whole = head.vertices(motion)
    blocks = list(head.iterate_vertices(motion, block=4))
    assert [len(block) for block in blocks] == [4, 4, 3]
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=2e-6)


def test_same_motion_gives_the_same_bytes(head):
    motion = random_motion(head, frames=3, seed=2, seal=1.0)
    assert head.vertices(motion).tobytes() == head.vertices(motion).tobytes()


def test_restricted_head_gives_the_same_positions(head):
    motion = random_motion(head, frames=4, seed=3, seal=1.0)
    some = np.concatenate([head.contact.lips.free[::7], head.contact.left_lids.free[::9], np.arange(0, 7000, 501)])
    whole = head.vertices(motion)[:, some]
    part = head.restricted_to(some)
    np.testing.assert_allclose(part.vertices(motion), whole, atol=2e-6)
    np.testing.assert_allclose(part.restricted_to(np.array([3, 0])).vertices(motion), whole[:, [3, 0]], atol=2e-6)
    np.testing.assert_array_equal(part.joints(), head.joints())


def test_restricted_head_follows_identity(head):
    betas = np.random.default_rng(4).normal(0, 1, 300).astype(np.float32)
    motion = random_motion(head, frames=2, seed=4, seal=1.0)
    some = head.contact.lips.free[::5]
    whole = head.with_identity(betas).vertices(motion)[:, some]
    np.testing.assert_allclose(head.restricted_to(some).with_identity(betas).vertices(motion), whole, atol=2e-6)


def test_betas_of_a_motion_are_applied_once(head):
    from dataclasses import replace

    betas = np.random.default_rng(5).normal(0, 1, 300).astype(np.float32)
    plain = random_motion(head, frames=2, seed=5)
    motion = replace(plain, betas=betas)
    person = head.with_identity(betas)
    np.testing.assert_array_equal(head.vertices(motion), person.vertices(motion))
    np.testing.assert_array_equal(person.vertices(plain), person.vertices(motion))
    assert np.abs(head.vertices(motion) - head.vertices(plain)).max() > 1e-3
    with pytest.raises(HeadError, match="already has an identity"):
        person.with_identity(betas)
    with pytest.raises(HeadError, match="finite"):
        head.with_identity(np.full(300, np.nan, np.float32))


def test_motion_of_another_face_model_is_refused(head):
    from dataclasses import replace

    motion = replace(random_motion(head, frames=1, seed=6), info=MotionInfo(basis="flame:12345678"))
    with pytest.raises(HeadError, match="belongs to face model 'flame:12345678'"):
        head.vertices(motion)


def test_head_is_mirror_symmetric(head):
    mirror = head.layout.mirror
    np.testing.assert_array_equal(mirror[mirror], np.arange(head.num_vertices))
    np.testing.assert_allclose(head.template[mirror] * FLIP, head.template, atol=1e-6)
    for column in head.shape_basis[:40]:
        turned = column[mirror] * FLIP
        assert min(np.abs(turned - column).max(), np.abs(turned + column).max()) < 2.1e-6


@pytest.mark.parametrize("name", ["mouthSmileLeft", "browDownLeft", "eyeBlinkLeft", "mouthStretchLeft"])
def test_left_and_right_controls_mirror_each_other(head, name):
    left, right = posed(head, **{name: 1.0}), posed(head, **{name.replace("Left", "Right"): 1.0})
    np.testing.assert_allclose(left[head.layout.mirror] * FLIP, right, atol=5e-5)


def test_open_jaw_is_a_rotation_of_the_lower_teeth_by_22_degrees(head):
    pose = pose_from_controls(controls(jawOpen=1.0), control_joints=head.control_joints)
    assert np.degrees(pose.jaw_pose[0, 0]) == pytest.approx(22.28, abs=0.01)
    assert pose.expression[0, CONTROLS.index("jawOpen")] == 0.0
    teeth = head.layout.vertices_of("toothL")
    rest, opened = head.template[teeth].astype(np.float64), posed(head, jawOpen=1.0)[teeth].astype(np.float64)
    a, b = rest - rest.mean(axis=0), opened - opened.mean(axis=0)
    u, _, vt = np.linalg.svd(a.T @ b)
    angle = np.degrees(np.arccos((np.trace(vt.T @ u.T) - 1.0) / 2.0))
    assert angle == pytest.approx(22.28, abs=1.0)
    assert np.linalg.norm(b - a @ (vt.T @ u.T).T, axis=1).max() < 1e-3


def test_gaze_turns_the_eyeballs_and_nothing_behind_the_ears(head):
    looking = posed(head, eyeLookUpLeft=1.0, eyeLookUpRight=1.0)
    for part in ("eyeL", "eyeR"):
        ball = head.layout.vertices_of(part)
        front = ball[head.template[ball, 2].argmax()]
        assert looking[front, 1] > head.template[front, 1] + 0.002
    back = head.template[:, 2] < 0.0
    np.testing.assert_allclose(looking[back], head.template[back], atol=1e-5)


def test_every_arkit_control_moves_the_face(head):
    # mouthClose acts on an open jaw only.
    for name in ARKIT_52:
        other = {"jawOpen": 0.5} if name == "mouthClose" else {}
        moved = np.abs(posed(head, **other, **{name: 0.5}) - posed(head, **other)).max()
        assert moved > 5e-4, name


def test_mouth_close_never_exceeds_the_open_jaw(head):
    np.testing.assert_array_equal(posed(head, mouthClose=1.0), posed(head))
    np.testing.assert_array_equal(posed(head, jawOpen=0.3, mouthClose=1.0), posed(head, jawOpen=0.3, mouthClose=0.3))


def test_a_lip_seal_is_no_shape(head):
    assert not head.expression_basis[CONTROLS.index("lipSeal")].any()


def test_brows_that_let_go_sink_without_knitting_and_part_without_sinking(head):
    def seen(**controls: float) -> np.ndarray:
        points = head.landmark478_points.of(np.stack([posed(head), posed(head, **controls)]))
        return np.diff(seen_of(points.astype(np.float64), list(range(478)), np.zeros((2, 3)))[:, :5], axis=0)[0]

    left, right, apart, *lids = seen(browRelaxLeft=1.0, browRelaxRight=1.0)
    assert -25.0 < left < -18.0 and left == pytest.approx(right, abs=0.2), "two millimetres"
    assert abs(apart) < 0.5 and np.abs(lids).max() < 0.004
    left, right, apart, *lids = seen(glabellaRelax=1.0)
    assert apart > 8.0 and abs(left) < 1.0 and np.abs(lids).max() < 0.004
    left, right, apart, *lids = seen(browRelaxLeft=1.0)
    assert right > 0.1 * left


def net(values: np.ndarray, joints: tuple) -> np.ndarray:
    """Controls as a pose can hold them: opposite turns cancel, mouthClose stays below jawOpen, muscles follow."""
    out = values.copy()
    close, jaw = CONTROLS.index("mouthClose"), CONTROLS.index("jawOpen")
    out[:, close] = np.minimum(out[:, close], out[:, jaw])
    out[:, MUSCLE_COLUMNS] = contraction(out)
    for joint, axis in {(item.joint, item.axis) for item in joints}:
        group = [item for item in joints if (item.joint, item.axis) == (joint, axis)]
        total = sum(item.angle * values[:, CONTROLS.index(item.control)] for item in group)
        for item in group:
            out[:, CONTROLS.index(item.control)] = np.maximum(total / item.angle, 0.0)
    return out


@settings(max_examples=25, deadline=None)
@given(hnp.arrays(np.float32, (2, NUM_EXPRESSION), elements=st.floats(0, 1, width=32)))
def test_controls_survive_the_way_through_a_pose(values):
    joints = load_head().control_joints
    pose = pose_from_controls(values, control_joints=joints)
    np.testing.assert_allclose(controls_from_pose(pose, control_joints=joints), net(values, joints), atol=2e-5)
    again = pose_from_controls(controls_from_pose(pose, control_joints=joints), control_joints=joints)
    np.testing.assert_allclose(again.jaw_pose, pose.jaw_pose, atol=1e-6)
    np.testing.assert_allclose(again.eye_pose, pose.eye_pose, atol=1e-6)


def test_exporters_get_no_negative_controls(head):
    turned = ControlPose(
        expression=np.zeros((1, 100), np.float32),
        jaw_pose=np.array([[-0.2, -0.05, 0.0]], np.float32),
        eye_pose=np.zeros((1, 2, 3), np.float32),
    )
    found = controls_from_pose(turned, control_joints=head.control_joints)
    assert found.min() >= 0.0
    assert found[0, CONTROLS.index("jawRight")] > 0.3


def test_landmarks_lie_where_they_belong(head):
    motion = random_motion(head, frames=1, seed=7)
    from dataclasses import replace

    still = {name: np.zeros_like(getattr(motion, name)) for name in ("neck_pose", "jaw_pose", "global_pose")}
    rest = replace(
        motion, expression=np.zeros_like(motion.expression), translation=np.zeros((1, 3), np.float32), **still
    )
    points = head.landmarks(rest)[0]
    assert points.shape == (68, 3)
    pairs = [(0, 16), (17, 26), (36, 45), (39, 42), (48, 54), (31, 35), (60, 64)]
    for right, left in pairs:
        assert points[right, 0] < 0 < points[left, 0]
        np.testing.assert_allclose(points[right] * FLIP, points[left], atol=1.5e-3)
    assert points[30, 2] == pytest.approx(points[:, 2].max(), abs=0.004)
    assert points[8, 1] == points[:, 1].min()
    assert points[19, 1] > points[37, 1] > points[30, 1] > points[51, 1] > points[57, 1] > points[8, 1]
    lips = head.template[head.layout.lip_loop]
    for corner, vertex in ((60, lips[lips[:, 0].argmin()]), (64, lips[lips[:, 0].argmax()])):
        assert np.linalg.norm(points[corner] - vertex) < 0.006
    np.testing.assert_allclose(head.landmarks478(rest)[0, [61, 291]], points[[48, 54]], atol=1e-7)


def test_mesh_has_one_uv_corner_for_each_face_corner(head):
    mesh = head.meshes(random_motion(head, frames=2, seed=8))
    assert mesh.faces.shape == mesh.uv_faces.shape
    assert mesh.uv_faces.max() < len(mesh.uv) and mesh.faces.max() < head.num_vertices
    assert mesh.uv.min() >= 0.0 and mesh.uv.max() <= 1.0
    assert mesh.vertices.shape == (2, head.num_vertices, 3)


def test_outward_faces(head):
    skin = head.layout.in_parts("head")
    corners = head.template[head.layout.quads[skin]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    centre = corners.mean(axis=1)
    outward = (normal * (centre - np.array([0.0, 0.0, 0.03]))).sum(axis=1)
    assert (outward > 0).mean() > 0.85


def test_head_file_round_trip(head, tmp_path):
    path = tmp_path / "copy.npz"
    write_head(head, path)
    again = read_head(path)
    assert again.basis == head.basis
    motion = random_motion(head, frames=2, seed=9, seal=1.0)
    np.testing.assert_array_equal(again.vertices(motion), head.vertices(motion))
    write_head(again, tmp_path / "second.npz")
    assert (tmp_path / "second.npz").read_bytes() == path.read_bytes()


def test_only_average_whole_heads_are_written(head, tmp_path):
    with pytest.raises(HeadError, match="without an identity"):
        write_head(head.restricted_to(np.arange(5)), tmp_path / "part.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a head at all", b"\x80\x04N."])
def test_what_is_no_head_is_refused(tmp_path, content):
    path = tmp_path / "head.npz"
    path.write_bytes(content)
    with pytest.raises(HeadError, match=r"head\.npz"):
        load_head(path)
    with pytest.raises(HeadError, match="cannot be opened"):
        load_head(tmp_path / "missing.npz")


@settings(max_examples=12, deadline=None)
@given(place=st.floats(0, 0.999), value=st.integers(1, 255))
def test_damaged_head_files_are_refused_or_harmless(tmp_path_factory, place, value):
    content = bytearray(BUNDLED_HEAD.read_bytes())
    content[int(place * len(content))] ^= value
    path = tmp_path_factory.mktemp("damaged") / "head.npz"
    path.write_bytes(content)
    try:
        read_head(path)
    except HeadError as error:
        assert str(path) in str(error)


@pytest.mark.slow
def test_a_frame_takes_less_than_three_milliseconds(head):
    import time

    motion = random_motion(head, frames=512, seed=10)
    for _ in head.iterate_vertices(motion):
        pass
    start = time.process_time()
    for _ in head.iterate_vertices(motion):
        pass
    assert (time.process_time() - start) / motion.num_frames < 0.003


def test_readme_lists_every_stored_array():
    folder = BUNDLED_HEAD.parent
    text = (folder / "README.md").read_text(encoding="utf-8")
    for name in ("head.npz", "identity.npz"):
        with np.load(folder / name, allow_pickle=False) as stored:
            for array in stored.files:
                assert f"`{array}`" in text, array
