"""Fits by pictures drawn of the head: who somebody is, once; then what that face does, at key frames. Needs torch.

Landmarks alone know a face to some 2.5 mm. What they leave - depth, brows, cheeks, the skin between them - the pictures
tell, once skin and light are known; so only somebody who was enrolled is read so.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from face_emote.capturing.face_mesh import NUM_SKIN
from face_emote.capturing.fit import FittedFilm, Known, bias_of, film_lens
from face_emote.capturing.identity import NUM_BETAS, OFFSET_SHARE, enrolled
from face_emote.capturing.points import FITTED, FITTED_INDEX, controls_of, landmark_head
from face_emote.capturing.solve import FrameFit, offset_of, rigid_fit
from face_emote.capturing.tables import load_tables
from face_emote.capturing.watch import Watched
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import CaptureError
from face_emote.core.names import ARKIT_52, NUM_SHAPE
from face_emote.core.rotations import rotation_matrix
from face_emote.core.types import Progress, SkinParams
from face_emote.face.head import Head
from face_emote.face.person_file import GRID, Person
from face_emote_lab.differentiable.head import torch_head
from face_emote_lab.enrolment.appearance import (
    EXTINCTION,
    SIDE,
    Pose,
    Views,
    apart,
    drawn,
    light_of,
    more_pigment,
    stage_of,
    views,
)

VIEWS, BATCH = 6, 6
STEPS = 25
BETA_RATE, TURN_RATE, SHIFT_RATE, CONTROL_RATE, SKIN_RATE = 0.03, 0.002, 0.0005, 0.02, 0.04
BETAS_ARE_SMALL, CONTROLS_STAY = 0.002, 0.3
KEY_SECS = 0.2  # Between pictures that are looked at; the change is linear between them.
KEY_STEPS = 15
MOST_MOVING = 0.3
"""Range of a score in a clip of a face at rest: drawn ones that turn stay below .16, who speaks reaches .3 to .5."""
USUAL_TONE = (0.45, 2.6), (0.4, 0.8)  # Melanin and haemoglobin of people.
TONE_DOUBT = 0.3
_CALM = np.array([0.0 if name.startswith("eye") else 0.5 if name == "mouthPucker" else 1.0 for name in ARKIT_52])
"""Weights of the scores in that; lids blink at rest, and a head that turns looks puckered."""


def enrolled_person(
    watched: Watched, head: Head, *, focal_mm: float | None = None, progress: Progress | None = None
) -> Person:
    """Solve whose face a clip at rest shows: shape, skin, where its landmarks lie, and its scores.

    CaptureError: the face moves.
    """
    rows, lens = watched.rows, film_lens(watched, focal_mm=focal_mm)
    scores = rows["scores"][watched.found].astype(np.float64)
    moving = np.ptp(np.percentile(scores, (10, 90), axis=0), axis=0) * _CALM
    if moving.max() > MOST_MOVING:
        name = ARKIT_52[int(np.argmax(moving))]
        raise CaptureError(
            f"The face is not at rest in the clip to enrol from ({name} moves by {moving.max():.1f}); give a second or "
            f"two of it, lips closed, turning a little to both sides: {watched.facts.path}"
        )
    found = np.flatnonzero(watched.found)
    frames = found[np.unique(np.linspace(0, len(found) - 1, 2 * VIEWS).round().astype(int))]
    landmarks, bias = rows["landmarks"][frames].astype(np.float64), bias_of(load_tables().bias)
    first = enrolled(head, landmarks, wanted=np.zeros((len(frames), len(FITTED))), lens=lens, bias=bias)
    at_rest = scores.mean(axis=0)
    person = Person(first.betas, np.zeros((GRID, GRID, 2), np.float32), np.zeros((478, 3)), at_rest, SkinParams())
    seen = next(views(watched, frames[::2].tolist(), lens=lens, batch=len(frames)))
    beside = first.person.rest - landmark_head(head, betas=first.betas).rest
    person = _looked_at(person, head, seen=seen, fits=first.fits[::2], beside=beside, progress=progress)
    mesh = landmark_head(head, betas=person.betas, offset=bias)
    fits = [rigid_fit(mesh, points, lens=lens) for points in landmarks]
    own = OFFSET_SHARE * offset_of(mesh, landmarks, fits, lens=lens)
    return replace(person, offset=bias + own)


def known_person(person: Person, head: Head) -> Known:
    """Somebody who was enrolled, as the fit takes them."""
    return Known(
        betas=person.betas, landmarks=landmark_head(head, betas=person.betas, offset=person.offset),
        habit=person.at_rest.astype(np.float64),
    )  # fmt: skip


def _looked_at(
    person: Person, head: Head, *, seen: Views, fits: list[FrameFit], beside: Array, progress: Progress | None
) -> Person:
    """Skin, light and shape in turn."""
    turn = seen.camera_turn.numpy().astype(np.float64)
    pose = _pose(turn, np.stack([fit.rotation for fit in fits]), np.stack([fit.translation for fit in fits]))
    pose = Pose(pose.rotation[: len(turn)], pose.translation[: len(turn)])
    template = torch.from_numpy(head.template.reshape(-1).astype(np.float32))
    basis = torch.from_numpy(np.ascontiguousarray(head.shape_basis[:NUM_BETAS]).reshape(NUM_BETAS, -1))
    points = head.landmark478_points
    assert points is not None
    corners, weights = torch.from_numpy(points.corners.astype(np.int64)), torch.from_numpy(points.weights)[..., None]
    offset, wanted = (torch.from_numpy(values.astype(np.float32)) for values in (beside, seen.landmarks))
    for sweep in range(2):
        betas = torch.tensor(person.betas[:NUM_BETAS])
        vertices = (template + betas @ basis).reshape(1, -1, 3).expand(len(turn), -1, -1)
        person = _with_skin(person, head, vertices, pose, seen=seen, toned=sweep > 0)
        stage = stage_of(person, head)
        if sweep:
            break
        light, _, _ = light_of(drawn(stage, vertices, pose, seen=seen), pose, seen=seen)
        betas.requires_grad_(True)
        turns, shifts = (torch.zeros(len(turn), 3, requires_grad=True) for _ in range(2))
        solver = _adam((betas, BETA_RATE), (turns, TURN_RATE), (shifts, SHIFT_RATE))
        for step in range(STEPS):
            vertices = (template + betas @ basis).reshape(1, -1, 3).expand(len(turn), -1, -1)
            now = pose.moved(turns, shifts)
            photo = apart(drawn(stage, vertices, now, seen=seen), light, seen=seen).mean()
            places = (vertices[:, corners] * weights.float()).sum(dim=2) + offset
            beyond = (_projected(places, now, seen.focal) - wanted)[:, :NUM_SKIN]
            off = (beyond.square().sum(dim=-1) + 0.25).sqrt().mean() / SIDE
            _step(solver, photo + off + BETAS_ARE_SMALL * betas.square().mean())
            if progress is not None:
                progress(step + 1.0, float(STEPS), "enrolling")
        solved = np.zeros(NUM_SHAPE, np.float32)
        solved[:NUM_BETAS] = betas.detach().numpy()
        now = pose.moved(turns, shifts)
        person, pose = replace(person, betas=solved), Pose(now.rotation.detach(), now.translation.detach())
    return person


def _with_skin(person: Person, head: Head, vertices: Tensor, pose: Pose, *, seen: Views, toned: bool) -> Person:
    """Tone first, as far as a white light shows it, then what is darker or redder in places."""
    for sweep in range(3):
        stage = stage_of(person, head)
        pictures = drawn(stage, vertices, pose, seen=seen)
        light, left, counts = light_of(pictures, pose, seen=seen)
        if sweep == 0 and not toned:
            colour = np.log(np.median(light.numpy()[counts], axis=0))
            person = replace(person, skin=_toned(person.skin, colour))
        else:
            person = more_pigment(person, stage, pictures, left=left, counts=counts)
    return person


def _toned(skin: SkinParams, colour: Float[Array, " 3"]) -> SkinParams:
    """The tone that explains a light's colour best if the light is white, believed as far as people's tones go."""
    rows = np.r_[np.c_[np.ones(3), EXTINCTION], np.c_[np.zeros((2, 1)), TONE_DOUBT * np.eye(2)]]
    _, melanin, blood = np.linalg.lstsq(rows, np.r_[colour, 0.0, 0.0], rcond=None)[0]
    (low, high), (pale, ruddy) = USUAL_TONE
    return replace(
        skin, melanin=float(np.clip(skin.melanin + melanin, low, high)),
        haemoglobin=float(np.clip(skin.haemoglobin + blood, pale, ruddy)),
    )  # fmt: skip


def refined(
    watched: Watched, fitted: FittedFilm, person: Person, head: Head, *, progress: Progress | None = None
) -> FittedFilm:
    """The fit, corrected by the pictures themselves at key frames."""
    found = np.flatnonzero(watched.found)
    times = watched.rows["time"][found]
    keys = found[np.unique(np.searchsorted(times, np.arange(times[0], times[-1] + 1e-6, KEY_SECS)))]
    stage, whole = stage_of(person, head), torch_head(head.with_identity(person.betas))
    change: list[Array] = []
    for seen in views(watched, keys.tolist(), lens=fitted.lens, batch=BATCH):
        index = np.array(seen.frames)
        turn = seen.camera_turn.numpy().astype(np.float64)
        pose = _pose(turn, rotation_matrix(fitted.pose[index]), fitted.translation[index])
        before = torch.from_numpy(controls_of(head, fitted.controls[index], fitted.turns[index]))
        with torch.no_grad():
            light, _, _ = light_of(drawn(stage, whole.vertices(before), pose, seen=seen), pose, seen=seen)
        controls = before.clone().requires_grad_(True)
        turns, shifts = (torch.zeros(len(index), 3, requires_grad=True) for _ in range(2))
        folds = torch.full((len(index), 16), 0.1, requires_grad=True)
        flow = torch.zeros(len(index), 8, requires_grad=True)
        solver = _adam(
            (controls, CONTROL_RATE), (turns, TURN_RATE), (shifts, SHIFT_RATE), (folds, SKIN_RATE), (flow, SKIN_RATE)
        )  # fmt: skip
        for _ in range(KEY_STEPS):
            pictures = drawn(
                stage, whole.vertices(controls.clamp(0.0, 1.0)), pose.moved(turns, shifts), seen=seen,
                wrinkles=folds.clamp(0.0, 1.0), blood_flow=flow.clamp(-1.0, 1.0),
            )  # fmt: skip
            stay = CONTROLS_STAY * (controls - before).square().mean(dim=1)
            _step(solver, (apart(pictures, light, seen=seen) + stay).sum())
        moved = controls.detach().clamp(0.0, 1.0) - before
        change.append(moved.numpy()[:, FITTED_INDEX].astype(np.float64))
        if progress is not None:
            progress(float(index[-1] + 1), float(len(watched.rows)), "looking closely")
    return replace(fitted, controls=_between(fitted.controls, keys, np.concatenate(change)))


def _between(
    controls: Float[Array, "frames fitted"], keys: Int[Array, " key"], change: Float[Array, "key fitted"]
) -> Float[Array, "frames fitted"]:
    every = np.arange(len(controls))
    more = np.stack([np.interp(every, keys, column) for column in change.T], axis=1)
    corrected: Array = np.clip(controls + more, 0.0, 1.0)
    return corrected


def _pose(turn: Float[Array, "view 3 3"], rotation: Float[Array, "view 3 3"], place: Float[Array, "view 3"]) -> Pose:
    """Before the cameras that have turned to the face."""
    seen = np.einsum("nab,nb->na", turn, place)
    return Pose(torch.from_numpy((turn @ rotation).astype(np.float32)), torch.from_numpy(seen.astype(np.float32)))


def _projected(
    places: Float[Tensor, "view point 3"], pose: Pose, focal: Float[Tensor, " view"]
) -> Float[Tensor, "view point 2"]:
    """Pixels of the views."""
    at = (pose.rotation[:, None] @ places[..., None])[..., 0] + pose.translation[:, None]
    scale = focal[:, None] / -at[..., 2]
    return torch.stack([SIDE / 2 + scale * at[..., 0], SIDE / 2 - scale * at[..., 1]], dim=-1)


def _adam(*groups: tuple[Tensor, float]) -> torch.optim.Adam:
    return torch.optim.Adam([{"params": [values], "lr": rate} for values, rate in groups])


def _step(solver: torch.optim.Adam, loss: Tensor) -> None:
    solver.zero_grad()
    loss.backward()
    solver.step()
