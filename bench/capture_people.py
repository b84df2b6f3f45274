"""Part of `bench.capture`: what it is worth to know who is filmed, and to look at the pictures again."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.capture_films import CLIPS, FPS, controls, made
from bench.common import QUICK, Figure
from face_emote.capturing.fit import FittedFilm, fit_film
from face_emote.capturing.take import taken
from face_emote.capturing.watch import Watched, watched
from face_emote.core.arrays import Array, Float
from face_emote.core.options import Picture
from face_emote.core.rotations import turn_between
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.rig import pose_from_controls
from face_emote.verbs.render import write_video
from face_emote_lab.enrolment.photometric import enrolled_person, known_person, refined

REST_SECS, TURN = 2.0, 0.22
"""Length of the clip at rest, and how far its head turns to either side, in radians."""


def at_rest(truth: FaceMotion, folder: Path) -> Path:
    """A film of the same person in soft light, lips closed, the head turning a little."""
    film = folder / f"rest_{truth.character}.mp4"
    if not film.exists():
        still = truth.part(0, round(REST_SECS * FPS))
        blank = {
            name: np.zeros_like(getattr(still, name))
            for name in ("expression", "jaw_pose", "eye_pose", "neck_pose", "global_pose", "translation",
                         "wrinkles", "blood_flow")
        }  # fmt: skip
        blank["neck_pose"][:, 1] = TURN * np.sin(2.0 * np.pi * np.arange(still.num_frames) / still.num_frames)
        picture = Picture(size=400, camera="front", light="soft")
        write_video(replace(still, **blank), film, picture=picture, provenance=None, workers=1)
    return film


def people(folder: Path) -> list[Figure]:
    """Vertices of takes without knowing anybody, of a known person, and with the pictures looked at again."""
    head = load_head()
    assert head.layout is not None
    face = np.flatnonzero(head.layout.mask_face > 0.5)
    errors: dict[str, list[float]] = {"nobody known": [], "person known": [], "pictures looked at": []}
    shapes: dict[str, list[float]] = {"mean head": [], "enrolled": []}
    used = {"enrolling": 0.0, "looking": 0.0}
    frames = 0
    clips = CLIPS[:1] if QUICK else CLIPS
    for clip in clips:
        film, truth = made(clip, folder)
        with watched(at_rest(truth, folder)) as rest:
            began = time.process_time()
            person = enrolled_person(rest, head)
            used["enrolling"] += time.process_time() - began
        real = head.with_identity(truth.betas).template[face]
        shapes["mean head"].append(_apart(head.template[face], real))
        shapes["enrolled"].append(_apart(head.with_identity(person.betas).template[face], real))
        with watched(film) as seen:
            plain = fit_film(seen, head)
            known = fit_film(seen, head, known=known_person(person, head))
            began = time.process_time()
            closer = refined(seen, known, person, head)
            used["looking"] += time.process_time() - began
            frames += len(seen.rows)
            for title, fitted in zip(errors, (plain, known, closer), strict=True):
                errors[title].append(_error(seen, fitted, truth, face))
    note = f"{len(clips)} people"
    return [
        *(Figure(f"known people: vertices, {title}", float(np.mean(e)), "mm", f"{note}: {_list(e)}")
          for title, e in errors.items()),
        *(Figure(f"known people: shape, {title}", float(np.mean(e)), "mm", f"{note}: {_list(e)}")
          for title, e in shapes.items()),
        Figure("known people: enrolling", used["enrolling"] / len(clips), "s", "of one core"),
        Figure("known people: looking at the pictures", used["looking"] / frames, "s", "of one core a frame"),
    ]  # fmt: skip


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _apart(one: Float[Array, "vertex 3"], other: Float[Array, "vertex 3"]) -> float:
    """Mean distance in mm once placed, turned and scaled onto the other."""
    a, b = one - one.mean(axis=0), other - other.mean(axis=0)
    turned = a @ turn_between(a, b).T
    scale = float((turned * b).sum() / (turned**2).sum())
    return 1e3 * float(np.linalg.norm(scale * turned - b, axis=1).mean())


def _error(seen: Watched, fitted: FittedFilm, truth: FaceMotion, face: Array) -> float:
    head = load_head()
    motion = taken(seen, fitted, head, player=character(truth.character), info=truth.info, fps=FPS).motion
    count = min(motion.num_frames, truth.num_frames)
    person = head.with_identity(truth.betas).restricted_to(face)
    posed = []
    for one in (motion, truth):
        pose = pose_from_controls(controls(one.part(0, count)), control_joints=head.control_joints)
        posed.append(person.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose))
    return 1e3 * float(np.linalg.norm(posed[0] - posed[1], axis=2).mean())
