"""Users' own data: our motions, VOCASET, MEAD and BEAT2, on files made up in their layouts."""

import pickle
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricated import lively_motion

from face_emote.core.errors import CorpusError, HeadError, MotionFileError
from face_emote.core.names import CONTROLS
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.motion_file import write_motion
from face_emote.network.config import LIP_CHANNELS
from face_emote_lab.train.corpus.build import add_user_data, user_source
from face_emote_lab.train.corpus.cache import read_corpus
from face_emote_lab.train.corpus.user_flame import EYE_CORNERS, LIP_POINTS, NUM_VERTICES

GAP, WIDTH, JAW, CLOSURE = (LIP_CHANNELS.index(name) for name in ("gap", "width", "jaw", "closure"))


def write_wav(path: Path, *, secs: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).integers(-900, 900, round(secs * 16_000)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())


def chewing(*, secs: float, fps: float) -> FaceMotion:
    """A jaw that opens and shuts once a second, shut at whole seconds."""
    head = load_head()
    motion = lively_motion(head, round(secs * fps), fps=fps)
    controls = np.zeros(motion.expression.shape, np.float32)
    controls[:, CONTROLS.index("jawOpen")] = 0.2 - 0.2 * np.cos(2 * np.pi * np.arange(len(controls)) / fps)
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    return replace(motion, expression=pose.expression, jaw_pose=pose.jaw_pose)


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_own_motions_are_measured_on_their_head(tmp_path, fps):
    write_wav(tmp_path / "in" / "ann" / "a.wav", secs=3.0)
    write_motion(chewing(secs=3.0, fps=fps), tmp_path / "in" / "ann" / "a.npz")
    write_wav(tmp_path / "in" / "ann" / "without_motion.wav", secs=1.0)
    add_user_data("motions", folder=tmp_path / "in", out=tmp_path / "out")
    corpus = read_corpus(tmp_path / "out")
    (row,) = corpus.clips
    assert (row.source, row.talker, row.kind, row.num_frames) == ("user_motions", "ann", "capture", 150)
    assert row.split == "train", "an only clip is learnt from"
    lips, known = corpus.lips(0).astype(float), corpus.known(0)
    at = np.arange(140)
    assert np.allclose(lips[at, JAW], 0.2 - 0.2 * np.cos(2 * np.pi * at / 50), atol=0.01)
    assert np.corrcoef(lips[at, GAP], lips[at, JAW])[0, 1] > 0.97 and abs(lips[0, GAP] - 0.006) < 0.01
    assert known[at][:, [GAP, WIDTH, JAW]].all() and not known[:, CLOSURE].any() and (corpus.phones(0) == 255).all()


def test_wrong_motions_are_told(tmp_path):
    write_wav(tmp_path / "a.wav", secs=3.0)
    with pytest.raises(CorpusError, match="No sound with a motion"):
        user_source("motions", folder=tmp_path, flame=None)
    with pytest.raises(CorpusError, match="no such folder"):
        user_source("motions", folder=tmp_path / "nowhere", flame=None)
    write_motion(chewing(secs=1.0, fps=30.0), tmp_path / "a.npz")
    with pytest.raises(CorpusError, match=r"lasts 3.00 s and its motion 1.00 s"):
        user_source("motions", folder=tmp_path, flame=None)[0].make()
    foreign = chewing(secs=3.0, fps=30.0)
    write_motion(replace(foreign, info=replace(foreign.info, basis="flame-1234")), tmp_path / "a.npz")
    with pytest.raises(CorpusError, match="not the bundled one"):
        user_source("motions", folder=tmp_path, flame=None)[0].make()
    (tmp_path / "a.npz").write_bytes(b"PK garbage")
    with pytest.raises(MotionFileError):
        user_source("motions", folder=tmp_path, flame=None)[0].make()


def flame_template() -> np.ndarray:
    """No face, but the measured points lie where they do on one."""
    template = np.random.default_rng(0).normal(0, 0.05, (NUM_VERTICES, 3))
    template[list(LIP_POINTS)] = [[0, -0.04, 0.06], [0, -0.04, 0.06], [-0.02, -0.04, 0.05], [0.02, -0.04, 0.05]]
    template[list(EYE_CORNERS)] = [[-0.045, 0.03, 0.03], [0.045, 0.03, 0.03]]
    return template


def test_vocaset_vertices_are_measured(tmp_path):
    template = flame_template()
    frames = np.repeat(template[None], 120, axis=0)
    frames[:, LIP_POINTS[1], 1] -= 0.006 - 0.006 * np.cos(2 * np.pi * np.arange(120) / 60)
    for k in range(11):
        name = f"FaceTalk_170725_00137_TA_sentence{k:02d}"
        write_wav(tmp_path / "wav" / f"{name}.wav", secs=2.0)
        (tmp_path / "vertices_npy").mkdir(exist_ok=True)
        np.save(tmp_path / "vertices_npy" / f"{name}.npy", frames.reshape(120, -1).astype(np.float32))
    (tmp_path / "templates.pkl").write_bytes(pickle.dumps({"FaceTalk_170725_00137_TA": template}, protocol=2))
    jobs = user_source("vocaset", folder=tmp_path, flame=None)
    assert [job.split for job in jobs].count("test") == 2
    clip = jobs[1].make()
    assert jobs[1].talker == "FaceTalk_170725_00137_TA" and len(clip.lips) == 100
    assert np.argmax(clip.lips[:50, GAP]) == pytest.approx(25, abs=1)
    assert np.ptp(clip.lips[:, GAP]) == pytest.approx(0.143, rel=0.1) and np.allclose(
        clip.lips[:, WIDTH], 0.0, atol=1e-4
    )
    assert clip.known[:, [GAP, WIDTH]].all() and not clip.known[:, JAW].any()
    np.save(tmp_path / "vertices_npy" / f"{name}.npy", np.zeros((10, 30)))
    with pytest.raises(CorpusError, match="not frames x 15069"):
        jobs[10].make()


def fabricated_flame(path: Path) -> Path:
    """A file in FLAME's layout in which the jaw's joint moves the lower lip's point alone."""
    template = flame_template()
    weights = np.tile([1.0, 0, 0, 0, 0], (NUM_VERTICES, 1))
    weights[LIP_POINTS[1]] = [0, 0, 1.0, 0, 0]
    regressor = np.zeros((5, NUM_VERTICES))
    regressor[:, 0] = 1.0
    template[0] = 0.0
    np.savez(
        path, v_template=template, shapedirs=np.zeros((NUM_VERTICES, 3, 400), np.float32),
        posedirs=np.zeros((NUM_VERTICES, 3, 36), np.float32), J_regressor=regressor, weights=weights,
        kintree_table=np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]]), f=np.array([[0, 1, 2]], np.uint32),
    )  # fmt: skip
    return path


def test_flame_coefficients_need_the_flame_file_for_the_lips(tmp_path):
    jaw = np.zeros((50, 3), np.float32)
    jaw[:, 0] = 0.1 - 0.1 * np.cos(2 * np.pi * np.arange(50) / 25)
    folder = tmp_path / "mead"
    write_wav(folder / "M003_front_angry_level_3_001.wav", secs=2.0)
    np.savez(folder / "M003_front_angry_level_3_001.npz", exp=np.zeros((50, 50)), jaw=jaw, shape=np.zeros((1, 100)))
    (job,) = user_source("mead", folder=folder, flame=None)
    assert (job.talker, job.emotion) == ("M003", "anger")
    plain = job.make()
    assert plain.known[:99, JAW].all() and not plain.known[:, [GAP, WIDTH]].any()
    assert np.argmax(plain.lips[:50, JAW]) == pytest.approx(25, abs=1) and plain.lips[:, JAW].max() > 0.2
    measured = user_source("mead", folder=folder, flame=fabricated_flame(tmp_path / "flame.npz"))[0].make()
    assert measured.known[:99, [GAP, WIDTH, JAW]].all()
    assert np.corrcoef(measured.lips[:99, GAP], plain.lips[:99, JAW])[0, 1] > 0.95
    with pytest.raises(HeadError):
        user_source("mead", folder=folder, flame=folder / "M003_front_angry_level_3_001.npz")[0].make()


def test_beat2_takes_the_jaw_from_the_whole_bodys_poses(tmp_path):
    poses = np.zeros((60, 165), np.float32)
    poses[:, 66] = 0.15
    write_wav(tmp_path / "wave16k" / "2_scott_0_1_1.wav", secs=2.0)
    path = tmp_path / "smplxflame_30" / "2_scott_0_1_1.npz"
    path.parent.mkdir()
    np.savez(path, poses=poses, expressions=np.zeros((60, 100)), betas=np.zeros(300), mocap_frame_rate=30)
    (job,) = user_source("beat2", folder=tmp_path, flame=None)
    clip = job.make()
    assert job.talker == "2_scott" and clip.lips[0, JAW] > 0.1
    assert clip.lips[:98, JAW] == pytest.approx(clip.lips[0, JAW])


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize(
    "content", [b"", b"junk", pickle.dumps(Evil()), pickle.dumps({"exp": Evil()}), pickle.dumps({"exp": np.zeros(3)})]
)
def test_hostile_coefficients_are_told_and_not_executed(tmp_path, content, capsys):
    write_wav(tmp_path / "M1_happy.wav", secs=1.0)
    (tmp_path / "M1_happy.pkl").write_bytes(content)
    with pytest.raises(CorpusError):
        user_source("mead", folder=tmp_path, flame=None)[0].make()
    assert "executed" not in capsys.readouterr().out


def captured(folder: Path, name: str, *, unseen: slice) -> None:
    """A chewing take whose lips were not surely seen for a while."""
    folder.mkdir(exist_ok=True)
    write_wav(folder / f"{name}.wav", secs=3.0)
    motion = chewing(secs=3.0, fps=25.0)
    confidence = np.ones((motion.num_frames, 2), np.float32)
    confidence[unseen, 1] = 0.2
    write_motion(replace(motion, confidence=confidence), folder / f"{name}.npz")


def test_lips_that_a_film_did_not_show_are_not_learnt_from(tmp_path, caplog):
    captured(tmp_path / "ann", "a", unseen=slice(0, 0))
    captured(tmp_path / "ann", "b", unseen=slice(25, 50))
    captured(tmp_path / "ann", "c", unseen=slice(0, 60))
    with caplog.at_level("INFO"):
        add_user_data("motions", folder=tmp_path / "ann", out=tmp_path / "out")
    assert "2 of 3 takes are used, of which lips are surely seen for 83%; left out: c.wav (20%)" in caplog.text
    corpus = read_corpus(tmp_path / "out")
    assert [row.name for row in corpus.clips] == ["a", "b"]
    known = corpus.known(1)[:, [GAP, WIDTH, JAW]].all(axis=1)
    assert known[:48].all() and not known[50:99].any() and known[102:145].all()
    captured(tmp_path / "bob", "d", unseen=slice(0, 70))
    with pytest.raises(CorpusError, match="surely seen for less than 50% of every take"):
        user_source("motions", folder=tmp_path / "bob", flame=None)


def test_train_takes_a_folder_of_takes(tmp_path, run):
    pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")
    pytest.importorskip("tensorboard", reason="training needs tensorboard: pip install 'face-emote[train]'")
    for name in "abc":
        captured(tmp_path / "ann", name, unseen=slice(0, 25 * (name == "b")))
    words = ("train", "tiny", "--corpus", str(tmp_path / "ann"), "--steps", "2", "-o", str(tmp_path / "run"))
    code, out, err = run(*words)
    assert code == 0 and "model.safetensors" in out, err
    assert "3 of 3 takes are used, of which lips are surely seen for 89%" in err and "user_motions" in err
    assert sorted(path.name for path in (tmp_path / "ann").iterdir()) == [
        f"{n}.{k}" for n in "abc" for k in ("npz", "wav")
    ]
