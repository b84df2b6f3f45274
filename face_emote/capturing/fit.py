"""Every frame of a film as pose, controls, jaw and eyes of the person in it.

Twice: from the landmarks alone; then with what landmarks cannot tell (brows drawn down, a wrinkled nose, a raised upper
lip) pulled to what a reader learnt on our own pictures says, on a face of which it has been taken off, and lids
straight from the scores, stretched to the range that they have in the film. Lips stay the landmarks'.
"""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.capturing.face_mesh import eye_distance
from face_emote.capturing.identity import Enrolled, enrolled
from face_emote.capturing.points import FITTED, FITTED_INDEX, JAW_TURNS, NUM_TURNS, LandmarkHead
from face_emote.capturing.solve import FrameFit, Lens, Wanted, rigid_fit, solve_frame
from face_emote.capturing.tables import features_of, irises, load_tables
from face_emote.capturing.watch import Watched
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import CaptureError
from face_emote.core.rotations import axis_angle
from face_emote.core.types import Progress
from face_emote.face.head import Head

FOCAL_MM, FILM_MM = 58.0, 36.0
"""Usual lens of a film whose lens nobody names, and the longer side of the picture that it is meant for."""
REST_FRAMES = 10
BLOCK = 512
NEUTRAL_SECS = 0.2  # How far around the instant that is named the face is taken to be at rest.
MOST_AT_REST = 0.35  # Score above which a blendshape is no habit of a resting face.
LOST_FRAMES = 12  # After so many pictures without the face it is looked for anew.
LEARNT = (
    "browDown", "browInner", "noseSneer", "eyeWide", "eyeSquint", "cheekSquint", "mouthUpperUp", "mouthLowerDown",
    "mouthFrown", "mouthStretch", "mouthShrug", "mouthRoll", "mouthDimple", "mouthPress", "mouthFunnel", "mouthPucker",
    "mouthSmile", "jawForward",
)  # fmt: skip
"""Controls that the reader knows better than the landmarks."""
SCORE_SHARE = {"mouthSmile": 1.0, "eyeSquint": 0.5, "browDown": 0.5, "browInner": 0.5, "mouthPress": 0.5}
"""Of MediaPipe's score in what is wished of some of them."""
NO_HABIT = ("mouthSmile", "brow", "mouthPress")
"""Scores that are near 0 on most people at rest: without a neutral instant they are taken as they are. That of a squint
is up to 0.5 on some."""
SURE_OF_REST = 600.0  # Weight of the wishes while the person is solved anew.
LEARNT_WEIGHT, LID_WEIGHT = 300.0, 1e4
_WISH_WEIGHT = {
    "browOuterUp": 10.0, "mouthSmile": 3000.0, "mouthFrown": 3000.0, "mouthPress": 3000.0, "mouthLeft": 4.0,
    "mouthRight": 4.0,
}  # fmt: skip
"""How much what is wished of a control weighs against the landmarks; of others 1, or LEARNT_WEIGHT."""
_SIDELESS = [name.removesuffix("Left").removesuffix("Right") for name in FITTED]
_IS_LEARNT = np.array([name.startswith(LEARNT) for name in FITTED])
_IS_LID = np.array([name.startswith("eyeBlink") for name in FITTED])
_HAS_HABIT = np.array([not name.startswith(NO_HABIT) for name in FITTED])
_SCORE_SHARE = np.array(
    [
        next((share for start, share in SCORE_SHARE.items() if name.startswith(start)), 0.0 if learnt else 1.0)
        for name, learnt in zip(FITTED, _IS_LEARNT, strict=True)
    ]
)  # fmt: skip
_WEIGHT = np.array(
    [
        _WISH_WEIGHT.get(name, _WISH_WEIGHT.get(plain, LEARNT_WEIGHT if learnt else 1.0))
        for name, plain, learnt in zip(FITTED, _SIDELESS, _IS_LEARNT, strict=True)
    ]
)  # fmt: skip
_WEIGHT[_IS_LID] = LID_WEIGHT
LID_PEAK = 0.45
"""A film in which the lids' score stays below this shows no whole blink to stretch to, and is left as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedFilm:
    """What the face does in every picture; NaN where it is not seen."""

    pose: Float[Array, "frames 3"]  # Head to camera, axis-angle.
    translation: Float[Array, "frames 3"]
    controls: Float[Array, "frames fitted"]
    turns: Float[Array, "frames turn=6"]
    who: Enrolled
    lens: Lens
    rest: Int[Array, " rest"]  # Frames that were taken for a face at rest.


def film_lens(watched: Watched, *, focal_mm: float | None) -> Lens:
    """The camera, from the focal length as on 35 mm film."""
    focal = (focal_mm or FOCAL_MM) / FILM_MM * max(watched.width, watched.height)
    return Lens(focal=focal, centre=(watched.width / 2.0, watched.height / 2.0))


def rest_frames(watched: Watched, *, neutral_secs: float | None) -> Int[Array, " rest"]:
    """The frames nearest to rest: those around the instant that is named, else those whose scores are lowest.

    CaptureError: the face is not seen at that instant.
    """
    seen = np.flatnonzero(watched.found)
    if neutral_secs is None:
        activity = watched.rows["scores"][seen].sum(axis=1)
        return np.sort(seen[np.argsort(activity, kind="stable")[:REST_FRAMES]])
    away = np.abs(watched.rows["time"][seen] - neutral_secs)
    near = seen[np.argsort(away, kind="stable")[:REST_FRAMES]]
    near = near[np.abs(watched.rows["time"][near] - neutral_secs) <= NEUTRAL_SECS]
    if not len(near):
        raise CaptureError(
            f"The face is not seen at {neutral_secs:g} s, so it cannot be taken for neutral; name another instant: "
            f"{watched.facts.path}"
        )
    return np.sort(near)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Somebody who was enrolled: nothing of them is guessed from the film."""

    betas: Float[Array, " shape=300"]
    landmarks: LandmarkHead
    habit: Float[Array, " arkit=52"]  # Scores of the face at rest.


def fit_film(
    watched: Watched, head: Head, *, focal_mm: float | None = None, neutral_secs: float | None = None,
    known: Known | None = None, progress: Progress | None = None,
) -> FittedFilm:  # fmt: skip
    """Fit every frame, with a lens of `focal_mm` as on 35 mm film.

    `neutral_secs`: when the face is at rest; guessing it costs about .05 of every control. CaptureError: the face is
    not seen then.
    """
    count = float(len(watched.rows))
    first = landmark_fit(
        watched,
        head,
        focal_mm=focal_mm,
        neutral_secs=neutral_secs,
        known=known,
        report=_reporter(progress, done=0.0, total=2 * count),
    )
    found, plain = watched.found, first.fitted
    scores = watched.rows["scores"][found].astype(np.float64)
    learnt = load_tables().reader(first.features)
    wishes = np.full_like(plain.controls, np.nan)
    scored = _wanted(scores, first.habit)
    if neutral_secs is None and known is None:
        scored = np.where(_HAS_HABIT, scored, scores[:, FITTED_INDEX])
    wishes[found] = _wishes(scored, learnt[:, : len(FITTED)])
    if neutral_secs is None and known is None:
        who = enrolled(
            head, watched.rows["landmarks"][plain.rest].astype(np.float64), wanted=wishes[plain.rest], lens=plain.lens,
            bias=bias_of(load_tables().bias), belief=SURE_OF_REST,
        )  # fmt: skip
        plain = replace(plain, who=who)
    fitted = _gone_through(watched, plain, wishes=wishes, report=_reporter(progress, done=count, total=2 * count))
    # Irises alone are noisier than irises, scores and head together.
    fitted.turns[found, JAW_TURNS:] = np.tile(learnt[:, len(FITTED) :], 2)
    return fitted


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkFit:
    """What landmarks alone say, and what the regression reads."""

    fitted: FittedFilm
    habit: Float[Array, " arkit=52"]  # Scores of the face at rest.
    features: Float[Array, "found_frames feature"]


def landmark_fit(
    watched: Watched, head: Head, *, focal_mm: float | None = None, neutral_secs: float | None = None,
    known: Known | None = None, report: Progress | None = None,
    bias: Float[Array, "landmark=478 2"] | None = None,
) -> LandmarkFit:  # fmt: skip
    """The first of the two fits; arguments and errors as `fit_film`, `bias` in place of the tables'."""
    lens, rows, found = film_lens(watched, focal_mm=focal_mm), watched.rows, watched.found
    rest = rest_frames(watched, neutral_secs=neutral_secs)
    scores = rows["scores"][found].astype(np.float64)
    usual = np.percentile(scores, 10, axis=0)
    habit = usual if neutral_secs is None else rows["scores"][rest].mean(axis=0).astype(np.float64)
    habit = habit if known is None else known.habit
    wanted = _wanted(rows["scores"][rest].astype(np.float64), habit)
    if neutral_secs is not None:
        wanted = np.zeros_like(wanted)
    if known is not None:
        who = Enrolled(known.betas, known.landmarks, [], 0.0)
    else:
        who = enrolled(
            head, rows["landmarks"][rest].astype(np.float64), wanted=wanted, lens=lens,
            bias=bias_of(load_tables().bias if bias is None else bias),
        )  # fmt: skip
    start = FittedFilm(
        pose=np.full((len(rows), 3), np.nan), translation=np.full((len(rows), 3), np.nan),
        controls=np.full((len(rows), len(FITTED)), np.nan), turns=np.full((len(rows), NUM_TURNS), np.nan),
        who=who, lens=lens, rest=rest,
    )  # fmt: skip
    fitted = _gone_through(watched, start, wishes=None, report=report or _reporter(None, done=0.0, total=0.0))
    features = features_of(
        fitted.controls[found], fitted.turns[found], pose=fitted.pose[found],
        eyes=_irises(rows["landmarks"])[found], scores=scores, at_rest=usual,
    )  # fmt: skip
    return LandmarkFit(fitted=fitted, habit=habit, features=features)


def _irises(landmarks: Float[Array, "frames landmark=478 2"]) -> Float[Array, "frames number=6"]:
    """Block by block: the rows of a long film lie on disk."""
    blocks = range(0, len(landmarks), BLOCK)
    return np.concatenate([irises(landmarks[first : first + BLOCK].astype(np.float64)) for first in blocks])


def bias_of(beside: Float[Array, "landmark=478 2"]) -> Float[Array, "landmark=478 3"]:
    """Of landmarks whose depth is not known."""
    bias: Array = np.c_[beside, np.zeros(len(beside))]
    return bias


def _wanted(scores: Float[Array, "frames arkit=52"], habit: Float[Array, " arkit=52"]) -> Float[Array, "frames fitted"]:
    """Scores above those at rest as controls."""
    low = np.minimum(habit[FITTED_INDEX], MOST_AT_REST)
    above: Array = np.clip((scores[:, FITTED_INDEX] - low) / (1.0 - low), 0.0, 1.0)
    return above


def _wishes(
    scored: Float[Array, "frames fitted"], learnt: Float[Array, "frames fitted"]
) -> Float[Array, "frames fitted"]:
    peak = np.percentile(scored, 99.5, axis=0)
    lids = np.clip(scored / np.where(peak < LID_PEAK, 1.0, peak), 0.0, 1.0)
    wishes: Array = np.where(_IS_LID, lids, _SCORE_SHARE * scored + (1.0 - _SCORE_SHARE) * learnt)
    return wishes


def _reporter(progress: Progress | None, *, done: float, total: float) -> Progress:
    def report(frames: float, _: float, what: str) -> None:
        if progress is not None:
            progress(done + frames, total, what)

    return report


def _gone_through(
    watched: Watched, before: FittedFilm, *, wishes: Float[Array, "frames fitted"] | None, report: Progress
) -> FittedFilm:
    """All frames in order, each from where the one before it, or an earlier fit, left off."""
    rows, found = watched.rows, watched.found
    out = replace(
        before, **{name: getattr(before, name).copy() for name in ("pose", "translation", "controls", "turns")}
    )
    last: FrameFit | None = None
    lost = LOST_FRAMES
    for i in range(len(rows)):
        if not found[i]:
            lost += 1
            continue
        landmarks = rows["landmarks"][i].astype(np.float64)
        anew = last is None or lost >= LOST_FRAMES or _jumped(rows["landmarks"], i)
        start = rigid_fit(before.who.person, landmarks, lens=before.lens) if anew or last is None else last
        wish = None if wishes is None else Wanted(wishes[i], _WEIGHT)
        last = solve_frame(
            before.who.person, landmarks, lens=before.lens, start=start, rounds=8 if anew else 2, wanted=wish
        )
        lost = 0
        out.pose[i], out.translation[i] = axis_angle(last.rotation), last.translation
        out.controls[i], out.turns[i] = last.controls, last.turns
        report(i + 1.0, float(len(rows)), "fitting")
    return out


def _jumped(landmarks: Float[Array, "frames landmark=478 2"], frame: int) -> bool:
    """Whether the face is half an eye distance from where it was (a cut, or a gap)."""
    if frame == 0:
        return True
    step = landmarks[frame].mean(axis=0) - landmarks[frame - 1].mean(axis=0)
    return not float(np.linalg.norm(step)) < 0.5 * float(eye_distance(landmarks[frame]))
