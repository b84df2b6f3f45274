"""Somebody who was filmed at rest is known from then on: read more exactly, and, having agreed, played."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from batch_lines import run_command, write_line
from filmed import motion_of, pictures_of, write_film

for needed in ("mediapipe", "scipy", "torch"):
    pytest.importorskip(needed, reason="enrolment needs them: pip install 'face-emote[capture,torch]'")

import face_emote as fe
from face_emote.core.errors import CaptureError, OptionError
from face_emote.core.options import Picture
from face_emote.face.characters import character
from face_emote.face.person_file import read_person
from face_emote.formats.motion_file import read_motion
from face_emote.provenance.verification import Status, verify
from face_emote.verbs.enrol import keep_person
from face_emote.verbs.render import draw

CONSENT = "Elena Doe, own face, 2026-03-01"
WHO = "elena"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`rest.mp4`, the face turning a little; `take.mp4`, brows, smile and jaw, in another light."""
    folder = tmp_path_factory.mktemp("people")
    t = np.arange(20) / 19.0
    still = motion_of({"jawOpen": 0.0 * t}, who=WHO, yaw=0.22 * np.sin(2 * np.pi * t))
    write_film(folder / "rest.mp4", pictures_of(still))
    swell = np.sin(np.pi * t) ** 2
    moves = {
        "browInnerUp": 0.8 * swell,
        "mouthSmileLeft": 0.7 * swell,
        "mouthSmileRight": 0.7 * swell,
        "jawOpen": 0.2 * swell,
    }
    moving = motion_of(moves, who=WHO)
    write_film(folder / "take.mp4", list(draw(moving, Picture(size=320, camera="front", light="studio"), workers=1)))
    fe.write_motion(moving, folder / "truth.npz")
    return folder


@pytest.fixture(scope="module")
def enrolled(folder):
    """By the command."""
    kept = folder / "elena.character"
    words = ["capture", "--enrol", str(folder / "rest.mp4"), "--character-out", str(kept), "--consent", CONSENT]
    ended = run_command(folder, [sys.executable, "-m", "face_emote", *words])
    assert ended.returncode == 0 and "elena.character" in ended.stdout, ended.stderr
    return read_person(kept)


def faces(motion, betas):
    """Vertices of the face without the head's own turning."""
    head = fe.load_head()
    face = np.flatnonzero(head.layout.mask_face > 0.5)
    person = head.with_identity(betas).restricted_to(face)
    return person.pose_vertices(expression=motion.expression, jaw_pose=motion.jaw_pose)


def millimetres(a, b):
    return 1e3 * float(np.linalg.norm(a - b, axis=-1).mean())


def aligned(betas, others):
    """Mean distance of two faces at rest, laid on one another."""
    head = fe.load_head()
    face = np.flatnonzero(head.layout.mask_face > 0.5)
    one, two = (head.with_identity(each).template[face].astype(float) for each in (betas, others))
    one, two = one - one.mean(axis=0), two - two.mean(axis=0)
    u, size, vt = np.linalg.svd(one.T @ two)
    return millimetres(size.sum() / (one**2).sum() * one @ u @ vt, two)


@pytest.mark.slow
def test_enrolment_finds_shape_and_tone(enrolled):
    real = character(WHO)
    assert aligned(enrolled.betas, real.betas) < 0.7 * aligned(np.zeros(300, np.float32), real.betas)
    assert abs(enrolled.skin.melanin - real.skin.melanin) < 0.2
    assert abs(enrolled.skin.haemoglobin - real.skin.haemoglobin) < 0.15


@pytest.mark.slow
def test_a_known_person_is_read_more_exactly(folder, enrolled):
    truth = read_motion(folder / "truth.npz")
    errors = [
        millimetres(faces(fe.capture(folder / "take.mp4", person=known), truth.betas), faces(truth, truth.betas))
        for known in (None, folder / "elena.character")
    ]
    assert errors[1] < 0.9 * errors[0]


@pytest.mark.slow
def test_who_is_kept_is_kept_alike_and_signed(folder, enrolled, run):
    keep_person(enrolled, folder / "again.character", consent=CONSENT)
    assert (folder / "again.character").read_bytes() == (folder / "elena.character").read_bytes()
    code, out, _ = run("verify", str(folder / "again.character"))
    assert code == 0 and CONSENT in out and "signed by the key of this installation" in out


@pytest.mark.slow
def test_consent_belongs_to_the_face_that_was_signed(folder, enrolled, tmp_path, run):
    from face_emote.core.signed_arrays import read_signed, write_signed
    from face_emote.face.person_file import person_arrays

    person, signed = read_person(folder / "elena.character"), read_signed(folder / "elena.character")
    marks = {"certificate": signed.certificate, "signature": signed.signature}
    write_signed(person_arrays(replace(person, consent="everybody, everything")), tmp_path / "f.character", **marks)
    assert verify(tmp_path / "f.character").status is Status.CHANGED
    write_signed(person_arrays(replace(person, betas=person.betas + 0.1)), tmp_path / "o.character", **marks)
    assert verify(tmp_path / "o.character").status is Status.CHANGED
    code, out, _ = run("verify", str(tmp_path / "o.character"))
    assert code == 4 and "CHANGED" in out and CONSENT not in out


@pytest.mark.slow
def test_an_enrolled_person_plays_and_every_file_says_who_agreed(folder, enrolled, tmp_path, run):
    write_line(tmp_path / "a.wav", 0.5)
    who = str(folder / "elena.character")
    for name in ("a.npz", "a.glb"):
        assert run("animate", str(tmp_path / "a.wav"), "-e", "joy", "-c", who, "-o", str(tmp_path / name))[0] == 0
    motion = read_motion(tmp_path / "a.npz")
    np.testing.assert_array_equal(motion.betas, read_person(folder / "elena.character").betas)
    facts = verify(tmp_path / "a.glb").facts
    assert facts is not None and (facts.consent, facts.character) == (CONSENT, "elena.character")


@pytest.mark.slow
def test_no_face_is_kept_without_consent(folder, enrolled, tmp_path, run):
    code, out, err = run(
        "capture", "--enrol", str(folder / "rest.mp4"), "--character-out", str(tmp_path / "e.character")
    )
    assert (code, out) == (2, "") and "say who agreed" in err and err.count("\n") == 1
    with pytest.raises(OptionError, match="say who agreed"):
        keep_person(enrolled, tmp_path / "e.character", consent="  ")
    with pytest.raises(OptionError, match="A person is kept in a file"):
        keep_person(enrolled, tmp_path / "e.npz", consent=CONSENT)
    assert not list(tmp_path.iterdir())


def test_a_face_that_moves_is_not_enrolled(tmp_path):
    t = np.arange(12) / 11.0
    talking = motion_of({"jawOpen": 0.6 * np.sin(2 * np.pi * t) ** 2, "browInnerUp": t}, who=WHO)
    with pytest.raises(CaptureError, match="not at rest in the clip to enrol from"):
        fe.enrol(write_film(tmp_path / "talking.mp4", pictures_of(talking)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("t.mp4", "--enrol", "r.mp4", "--person", "e.character", "-o", "a.npz"), "give one of them"),
        (("t.mp4", "--character-out", "x.character", "-o", "a.npz"), "name the clip of that person at rest"),
        (("--enrol", "r.mp4"), "VIDEO"),
        (("t.mp4", "--person", "nobody.character", "-o", "a.npz"), "there is no such file"),
        (("t.mp4", "-c", "nobody.character", "-o", "a.npz"), "There is no such character file"),
        (("t.mp4", "--person", "e.character", "-o", "a.npz"), "no character file, or a damaged one"),
    ],
)
def test_mistakes_are_told_in_one_line(words, message, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("t.mp4", "r.mp4", "e.character"):
        (tmp_path / name).write_bytes(b"x" * 99)
    code, out, err = run("capture", *words)
    assert (code, out) == (2, "") and message in err and err.strip().count("\n") <= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.character", "r.mp4", "t.mp4"]
