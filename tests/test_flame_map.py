"""The bundled head's performance on a FLAME file that it has never seen, and FLAME's coefficients as its controls."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from fabricated import lively_motion, still_motion
from fabricated_flame import fabricated_flame, write_flame

from face_emote.core.errors import HeadError, MotionFileError, OptionError
from face_emote.core.names import CONTROLS
from face_emote.core.types import Speech
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion
from face_emote.rigs import expression_map
from face_emote.rigs.expression_map import cache_folder, kept_map, solve_map
from face_emote.rigs.registration.face_surface import border_loops, components, edges_of, normals
from face_emote.rigs.registration.register import closest_on_triangles, own_surface, register
from face_emote.rigs.registration.target_model import target_of_head
from face_emote.rigs.retarget import flame_map, retargeted
from face_emote.verbs.animate import animate
from face_emote.verbs.export import export


@pytest.fixture(scope="module")
def flame_path(tmp_path_factory):
    return write_flame(tmp_path_factory.mktemp("flame") / "flame.npz")


@pytest.fixture(scope="module")
def solved(flame_path, tmp_path_factory):
    """The map, in a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_EMOTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield flame_map(load_head(flame_path))


@pytest.fixture(scope="module")
def motion():
    return lively_motion(load_head(), 10)


def cosine(a, b):
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def test_hidden_shapes_are_recovered_on_another_topology(flame_path, solved):
    hidden, head = fabricated_flame(), load_head(flame_path)
    assert head.num_vertices not in (load_head().num_vertices, 5023)
    made = np.einsum("ue,evc->uvc", solved.coefficients.astype(np.float64), head.expression_basis)
    found = {CONTROLS[unit]: cosine(made[unit], hidden.units[unit]) for unit in hidden.used}
    assert np.median(list(found.values())) >= 0.9, sorted(found.items(), key=lambda item: item[1])[:5]
    for name in ("eyeBlinkLeft", "mouthSmileRight", "browInnerUp", "mouthPucker", "mouthFrownLeft", "cheekPuff"):
        assert found[name] > 0.9, (name, found[name])


def test_the_map_says_how_good_it_is_and_is_kept(flame_path, solved, tmp_path):
    assert "median cosine" in solved.report() and solved.distance_mm < 1.0
    target = target_of_head(load_head(flame_path))
    (kept,) = cache_folder().glob("map-*.npz")
    before = kept.stat().st_mtime_ns
    again = kept_map(target, head=load_head())
    assert np.array_equal(again.coefficients, solved.coefficients) and kept.stat().st_mtime_ns == before


def test_a_kept_map_with_a_number_in_place_of_a_matrix_is_damaged(tmp_path):
    np.savez(tmp_path / "map.npz", cross=1.0)
    with pytest.raises(ValueError, match="damaged"):
        expression_map._read(tmp_path / "map.npz")


def test_the_flame_head_speaks_as_ours_does(flame_path, solved, motion):
    head = load_head(flame_path)
    hidden = fabricated_flame()
    expression = np.zeros_like(motion.expression)
    expression[:, hidden.used] = motion.expression[:, hidden.used]
    still = replace(motion, expression=expression, neck_pose=0 * motion.neck_pose, global_pose=0 * motion.global_pose)
    (block,) = list(retargeted(still, head).blocks())
    shapes = replace(block, jaw_pose=0 * block.jaw_pose, eye_pose=0 * block.eye_pose, translation=0 * block.translation)
    wanted = np.einsum("fu,uvc->fvc", expression, hidden.units)
    assert np.median([cosine(a, b) for a, b in zip(head.vertices(shapes) - head.template, wanted, strict=True)]) > 0.9
    assert np.allclose(block.jaw_pose, solved.jaw_scale * motion.jaw_pose) and 0.8 < solved.jaw_scale < 1.25
    assert np.array_equal(block.wrinkles, motion.wrinkles) and block.info.basis == head.basis


def test_coefficients_go_to_flame_and_come_back(flame_path, solved, tmp_path):
    head = load_head()
    still = still_motion(head, 6)
    expression = np.zeros_like(still.expression)
    named = ("mouthSmileLeft", "browInnerUp", "eyeBlinkRight", "mouthPucker", "browDownLeft", "cheekPuff")
    for frame, name in enumerate(named):
        expression[frame, CONTROLS.index(name)] = 0.8
    motion = replace(still, expression=expression, jaw_pose=still.jaw_pose + np.float32(0.1))
    path = export(motion, tmp_path / "coefficients.npz", rig=flame_path)
    with np.load(path, allow_pickle=False) as stored:
        assert stored["expression"].shape == (6, 100) and str(stored["model"]) == "flame"
        assert stored["mocap_frame_rate"] == 30.0 and stored["wrinkles"].shape == (6, 16)
        assert stored["jaw_pose"][0, 0] == pytest.approx(0.1 * solved.jaw_scale)
    again = read_motion(export(path, tmp_path / "back.npz", flame=flame_path))
    ours, theirs = (head.vertices(replace(item, jaw_pose=0 * item.jaw_pose)) for item in (motion, again))
    assert np.median([cosine(a - head.template, b - head.template) for a, b in zip(ours, theirs, strict=True)]) > 0.9
    assert np.allclose(again.jaw_pose, motion.jaw_pose, atol=1e-6)
    with pytest.raises(MotionFileError, match=r"mean nothing without their model; name its file \(--flame FILE"):
        read_motion(path)


def test_every_mesh_format_shows_the_flame_head(flame_path, solved, motion, tmp_path):
    head = load_head(flame_path)
    data = export(motion.part(0, 2), tmp_path / "a.pc2", head=head).read_bytes()
    points = np.frombuffer(data, "<f4", offset=32).reshape(2, head.num_vertices, 3)
    (block,) = list(retargeted(motion.part(0, 2), head).blocks())
    assert np.allclose(points, head.vertices(block), atol=1e-6)
    kept = read_motion(export(motion, tmp_path / "a.npz", head=head))
    assert kept.info.basis == head.basis
    assert export(kept, tmp_path / "a.glb", head=head).stat().st_size > 10_000
    assert export(motion.part(0, 1), tmp_path / "b.ply", head=head, lod=1).is_dir()
    with pytest.raises(OptionError, match="Parts are known on the bundled head only"):
        export(motion, tmp_path / "c.glb", head=head, parts=("eyes",))


@pytest.mark.filterwarnings("ignore:No speech was found")
def test_speech_drives_an_imported_head(flame_path, solved):
    speech = Speech((0.1 * np.sin(np.arange(16_000) * 0.05)).astype(np.float32))
    spoken = animate(speech, emotion="joy", head=load_head(flame_path), animator="rules")
    assert spoken.info.basis == load_head(flame_path).basis and np.abs(spoken.expression).max() > 0.05


def test_a_model_without_a_face_is_refused_in_a_sentence(flame_path):
    target = target_of_head(load_head(flame_path))
    with pytest.raises(HeadError, match=r"No face was found in the model: there is no nose between its eyes"):
        solve_map(replace(target, eyes=target.eyes + np.array([0.0, 5.0, 0.0])), head=load_head())
    with pytest.raises(HeadError, match=r"No face was found in the model: its eyes are at one place"):
        solve_map(replace(target, eyes=0.0 * target.eyes), head=load_head())


@pytest.mark.slow
def test_smplx_coefficients_are_written_as_beat2_has_them(tmp_path, motion, monkeypatch):
    monkeypatch.setenv("FACE_EMOTE_CACHE", str(tmp_path / "cache"))
    flame = fabricated_flame().arrays
    count = len(flame["v_template"])
    regressor, weights = np.zeros((55, count)), np.zeros((count, 55))
    for theirs, own in zip((12, 15, 22, 23, 24), (1, 0, 2, 3, 4), strict=True):
        regressor[theirs], weights[:, theirs] = flame["J_regressor"][own], flame["weights"][:, own]
    model = tmp_path / "SMPLX_NEUTRAL.npz"
    np.savez(model, v_template=flame["v_template"], shapedirs=flame["shapedirs"], f=flame["f"], J_regressor=regressor,
             weights=weights, part2num=np.array({"a": 1}, dtype=object))  # fmt: skip
    path = export(motion, tmp_path / "a.npz", rig=model)
    with np.load(path, allow_pickle=False) as stored:
        assert stored["poses"].shape == (10, 165) and stored["expressions"].shape == (10, 100)
        assert np.array_equal(stored["poses"][:, 66:69], motion.jaw_pose)
    again = read_motion(export(path, tmp_path / "b.npz", flame=model))
    assert np.allclose(again.jaw_pose, motion.jaw_pose, atol=1e-6)


def test_topology_is_read_from_triangles_alone():
    square = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6]])
    assert components(edges_of(square)[0], num_vertices=8).tolist() == [0, 0, 0, 0, 1, 1, 1, 2]
    assert [sorted(loop.tolist()) for loop in border_loops(square, num_vertices=8)] == [[0, 1, 2, 3], [4, 5, 6]]
    places = own_surface(load_head()).places
    assert {"nose", "mouth_left", "mouth_upper", "eye_left_0", "eye_right_11"} <= set(places)


def test_closest_on_triangles_agrees_with_the_slow_way():
    rng = np.random.default_rng(1)
    points, wanted = rng.normal(size=(40, 3)), rng.normal(size=(15, 3))
    triangles = rng.integers(0, 40, (30, 3))
    _, _, gap = closest_on_triangles(wanted, points, triangles=triangles, candidates=30)
    shares = rng.dirichlet(np.ones(3), 4000)
    slow = [np.linalg.norm(shares @ points[t] - w, axis=1).min() for w in wanted for t in triangles]
    assert np.abs(gap - np.array(slow).reshape(15, 30).min(axis=1)).max() < 0.25
    inside = 0.2 * points[0] + 0.5 * points[1] + 0.3 * points[2]
    _, weights, gap = closest_on_triangles(inside[None], points, triangles=np.array([[0, 1, 2]]))
    assert np.allclose(weights[0], [0.2, 0.5, 0.3]) and gap[0] < 1e-9


def test_normals_look_outwards_and_weigh_by_area():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, -2.0]])
    found = normals(points, np.array([[0, 1, 2], [0, 3, 1]]))
    assert np.allclose(found[2], [0, 0, 1]) and np.allclose(found[0], np.array([0, -2, 1]) / np.sqrt(5.0))


def test_a_model_is_registered_with_numpy_alone(flame_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    found = register(load_head(), target_of_head(load_head(flame_path)))
    assert len(found.reached) > 1000 and found.distance < 0.002
