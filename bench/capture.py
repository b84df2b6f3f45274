"""`python -m bench.capture [--films FOLDER] [--cycles] [--keep FOLDER]`: what comes back from a film of a face.

- real: lips on real films (the six of GRID, CC BY 4.0) against the landmarks tracked in them;
- synthetic: our own performances, filmed by our renderers, whose every control, fold and blush is known; `--cycles`
  adds one that is path-traced in another light. `naive` copies MediaPipe's 52 scores;
- speed on one core.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.common import QUICK, Figure, report
from face_emote.audio.analyse import heard_recording
from face_emote.audio.examples import example_speech
from face_emote.capturing.lips import seen_gap
from face_emote.capturing.points import FITTED_INDEX
from face_emote.capturing.watch import watched
from face_emote.core.arrays import Array, Float
from face_emote.core.names import ARKIT_52, BILABIALS, BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION, WRINKLES
from face_emote.core.options import Filming, Picture
from face_emote.core.timing import frame_times
from face_emote.core.types import FaceMotion, Light, LightRig
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.rig import ControlPose, controls_from_pose, pose_from_controls
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.motion.feeling.wrinkles import folding, wrinkle_model
from face_emote.verbs.animate import animate
from face_emote.verbs.capture import read_film
from face_emote.verbs.render import write_video

CLIPS = (
    ("james", "anger:0.9", "soft"), ("amara", "joy:0.9", "studio"), ("kenji", "0s surprise; 1.5s fear:0.9", "soft"),
    ("elena", "0s neutral; 1s sadness:0.9", "warm"),
)  # fmt: skip
TRACED = ("maya", "0s surprise:0.8; 1.2s joy:0.9")
WINDOW = LightRig(
    key=Light((-1.0, 0.25, 0.8), (1.75, 1.80, 1.90)), fill=Light((0.9, 0.4, 0.6), (0.34, 0.32, 0.30)),
    rim=Light((0.3, 0.9, -0.8), (0.5, 0.5, 0.5)), ambient=(0.40, 0.40, 0.42), backdrop_centre=(0.30, 0.31, 0.30),
    backdrop_edge=(0.10, 0.10, 0.11), exposure=0.80, softness=0.006,
)  # fmt: skip
"""A large window beside the face: light that nothing was learnt in."""
SIZE, FPS, SECS = 400, 25.0, 3.0
TRACED_SIZE, TRACED_SECS, TRACED_SAMPLES = 320, 2.4, 8
CLOSED = 0.012
"""Gap of the inner lips in eye distances below which they touch."""
OPEN = 0.03
UNITS = {
    "browInner": ("browInnerUp",), "browDown": ("browDownLeft", "browDownRight"),
    "browOuter": ("browOuterUpLeft", "browOuterUpRight"), "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "wide": ("eyeWideLeft", "eyeWideRight"), "squint": ("eyeSquintLeft", "eyeSquintRight", "cheekSquintLeft"),
    "sneer": ("noseSneerLeft", "noseSneerRight"), "jaw": ("jawOpen",), "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight"), "stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "upper lip": ("mouthUpperUpLeft", "mouthUpperUpRight"), "lower lip": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "pucker": ("mouthPucker", "mouthFunnel"), "press": ("mouthPressLeft", "mouthPressRight"),
}  # fmt: skip


def controls(motion: FaceMotion) -> Float[Array, "frames control"]:
    """Of a motion, jaw and eyes among them."""
    pose = ControlPose(motion.expression, motion.jaw_pose, motion.eye_pose)
    return controls_from_pose(pose, control_joints=load_head().control_joints)


def correlation(a: Array, b: Array) -> float:
    """NaN where one of them does not move."""
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else float("nan")


def naive_controls(film: Path, every: Float[Array, " frames"]) -> Float[Array, "frames control"]:
    """MediaPipe's scores, as they are."""
    with watched(film) as seen:
        out = np.zeros((len(every), NUM_EXPRESSION), np.float32)
        for i in range(len(ARKIT_52)):
            out[:, i] = np.interp(every, seen.rows["time"], seen.rows["scores"][:, i])
    return out


def lip_gap(motion: FaceMotion) -> Float[Array, " frames"]:
    """Of the posed mesh seen from the front, five pairs of inner lips, in its own eye distances."""
    still = replace(motion, neck_pose=np.zeros_like(motion.neck_pose), translation=np.zeros_like(motion.translation))
    return seen_gap(load_head().landmarks478(still)[:, :, :2])


def as_motion(rows: Float[Array, "frames control"], like: FaceMotion) -> FaceMotion:
    """A motion that does only what the controls say."""
    posed = pose_from_controls(rows, control_joints=load_head().control_joints)
    return replace(like, expression=posed.expression, jaw_pose=posed.jaw_pose, eye_pose=posed.eye_pose)


def real_lips(films: list[Path]) -> list[Figure]:
    """Gap of the mesh against that of the tracked landmarks, both in eye distances."""
    rows: dict[str, list[tuple[float, float, float, float]]] = {"ours": [], "naive": []}
    for film in films:
        motion = read_film(film, Filming()).motion
        every = frame_times(0, motion.num_frames, fps=motion.fps)
        with watched(film) as seen:
            gap = np.interp(every, seen.rows["time"], seen_gap(seen.rows["landmarks"]))
        for name, found in (("ours", motion), ("naive", as_motion(naive_controls(film, every), motion))):
            mesh = lip_gap(found)
            closed, apart = gap < CLOSED, gap > OPEN
            rows[name].append(
                (
                    correlation(mesh, gap),
                    float(np.abs(mesh - gap).mean()),
                    float(np.mean(mesh[closed] < CLOSED)) if closed.any() else np.nan,
                    float(np.mean(mesh[apart] < CLOSED)),
                )
            )
    titles = ("lip gap r", "lip gap error, eye distances", "closed when closed", "falsely closed")
    return [
        Figure(f"{title}: {name}", float(np.nanmean([row[i] for row in rows[name]])), "", f"{len(films)} films")
        for i, title in enumerate(titles) for name in rows
    ]  # fmt: skip


def contacts(films: list[Path]) -> list[Figure]:
    """Of the /p b m/ that are surely heard, how many close the lips, and how far the gap leaves the film's."""
    figures = []
    for source in ("video", "sound", "both"):
        closed, apart = [], []
        for film in films:
            motion = read_film(film, Filming(lips=source)).motion
            gap, every = lip_gap(motion), frame_times(0, motion.num_frames, fps=motion.fps)
            with watched(film) as seen:
                real = np.interp(every, seen.rows["time"], seen_gap(seen.rows["landmarks"]))
            analysis, _ = heard_recording(film)
            for phone in analysis.phones:
                near = (every > phone.start_secs - 0.04) & (every < phone.end_secs + 0.04)
                if phone.label in BILABIALS and phone.confidence >= 0.5 and near.any():
                    closed.append(float(gap[near].min() < CLOSED))
            apart.append(float(np.abs(gap - real).mean()))
        note = f"{len(closed)} heard; gap error {np.mean(apart):.3f} eye distances"
        figures.append(Figure(f"closed on /p b m/: lips of {source}", float(np.mean(closed)), "", note))
    return figures


def made_clips(folder: Path, *, cycles: bool) -> Iterator[tuple[Path, FaceMotion]]:
    """Performances with strong folds and a blush, and the films of them; what is in the folder already is kept."""
    speeches = example_speech()
    shown: list[tuple[str, str, str | LightRig, Picture, float]] = [
        (*clip, Picture(size=SIZE, camera="front"), SECS) for clip in (CLIPS[:1] if QUICK else CLIPS)
    ]
    if cycles:
        picture = Picture(size=TRACED_SIZE, camera="front", engine="cycles", samples=TRACED_SAMPLES)
        shown = [(*TRACED, WINDOW, picture, TRACED_SECS)]
    for number, (who, emotion, light, picture, secs) in enumerate(shown):
        truth, film = (folder / f"{picture.engine}_{who}{suffix}" for suffix in (".npz", ".mp4"))
        if not truth.exists():
            write_motion(_performance(speeches[number % len(speeches)].path, who, emotion=emotion, secs=secs), truth)
        motion = read_motion(truth)
        if not film.exists():
            write_video(motion, film, picture=replace(picture, light=light), provenance=None, workers=1)
        yield film, motion


def _performance(speech: Path, who: str, *, emotion: str, secs: float) -> FaceMotion:
    motion = animate(speech, emotion=emotion, character=who, fps=FPS, seed=3)
    motion = motion.part(0, min(motion.num_frames, round((1.0 if QUICK else secs) * FPS)))
    time_secs = np.arange(motion.num_frames) / FPS
    blush = 0.6 * np.sin(np.pi * time_secs / time_secs[-1]) ** 2
    flow = np.zeros((motion.num_frames, len(BLOOD_REGIONS)), np.float32)
    for name, share in (("cheek_left", 1.0), ("cheek_right", 1.0), ("forehead", 0.7), ("nose", 0.5), ("chin", -0.4)):
        flow[:, BLOOD_REGIONS.index(name)] = share * blush
    model = wrinkle_model(load_head().with_identity(motion.betas))
    folds = folding(model, controls(motion)).astype(np.float32)
    return replace(motion, blood_flow=flow, wrinkles=folds)


def synthetic(clips: list[tuple[Path, FaceMotion]]) -> list[Figure]:
    """Controls, mesh, gaze, folds and blood against the truth."""
    head = load_head()
    assert head.layout is not None
    face = np.flatnonzero(head.layout.mask_face > 0.5)
    errors: dict[str, list[list[float]]] = {"ours": [], "naive": []}
    units: dict[str, dict[str, list[tuple[float, float]]]] = {name: {unit: [] for unit in UNITS} for name in errors}
    other: dict[str, list[float]] = {
        name: [] for name in ("blink peak", "gaze yaw r", "head yaw r", "wrinkles r", "blood r", "blood slope")
    }
    for film, truth in clips:
        captured = read_film(film, Filming(character=truth.character, neutral=None)).motion
        count = min(captured.num_frames, truth.num_frames)
        captured, truth = captured.part(0, count), truth.part(0, count)
        person = head.with_identity(truth.betas).restricted_to(face)
        real = controls(truth)
        every = frame_times(0, count, fps=FPS)
        for name, found in (("ours", controls(captured)), ("naive", naive_controls(film, every))):
            apart = _vertices(person, found) - _vertices(person, real)
            moved = _vertices(person, real) - _vertices(person, 0.0 * real)
            errors[name].append(
                [1e3 * float(np.linalg.norm(x, axis=2).mean()) for x in (apart, moved)]
                + [float(np.abs(found - real)[:, FITTED_INDEX].mean())]
            )
            for unit, names in UNITS.items():
                index = [CONTROLS.index(one) for one in names]
                a, b = found[:, index].mean(axis=1), real[:, index].mean(axis=1)
                units[name][unit].append((float(np.abs(a - b).mean()), correlation(a, b) if b.std() > 0.02 else np.nan))
        _skin_and_eyes(other, captured, truth)
    figures = [
        Figure(f"{title}: {name}", float(np.mean([row[i] for row in errors[name]])), unit)
        for i, (title, unit) in enumerate((("vertex error", "mm"), ("mean motion", "mm"), ("controls, mean error", "")))
        for name in errors
    ]  # fmt: skip
    for unit in UNITS:
        for name in errors:
            rows = units[name][unit]
            note = f"r {np.nanmean([r for _, r in rows]):.2f}" if np.isfinite([r for _, r in rows]).any() else ""
            figures.append(Figure(f"{unit}, error: {name}", float(np.mean([e for e, _ in rows])), "", note))
    return figures + [Figure(name, float(np.nanmean(values)), "") for name, values in other.items() if values]


def _vertices(person: Head, rows: Float[Array, "frames control"]) -> Float[Array, "frames vertex 3"]:
    posed = pose_from_controls(rows, control_joints=load_head().control_joints)
    return person.pose_vertices(expression=posed.expression, jaw_pose=posed.jaw_pose, eye_pose=posed.eye_pose)


def _skin_and_eyes(other: dict[str, list[float]], captured: FaceMotion, truth: FaceMotion) -> None:
    lid = CONTROLS.index("eyeBlinkLeft")
    if truth.expression[:, lid].max() > 0.8:
        other["blink peak"].append(float(captured.expression[:, lid].max() / truth.expression[:, lid].max()))
    other["gaze yaw r"].append(correlation(captured.eye_pose[:, 0, 1], truth.eye_pose[:, 0, 1]))
    other["head yaw r"].append(correlation(captured.neck_pose[:, 1], truth.neck_pose[:, 1]))
    moving = [i for i in range(len(WRINKLES) - 1) if truth.wrinkles[:, i].std() > 0.03]
    other["wrinkles r"].append(
        float(np.nanmean([correlation(captured.wrinkles[:, i], truth.wrinkles[:, i]) for i in moving]))
    )
    for name in ("cheek_left", "cheek_right", "forehead", "nose"):
        i = BLOOD_REGIONS.index(name)
        found, real = captured.blood_flow[:, i].astype(float), truth.blood_flow[:, i].astype(float)
        other["blood r"].append(correlation(found, real))
        other["blood slope"].append(float(np.polyfit(real, found, 1)[0]))


def speed(films: list[Path]) -> list[Figure]:
    """Whole captures on one core, and the largest memory of one second and of a minute."""
    film = films[0]
    read_film(film, Filming())
    began = time.process_time()
    frames = read_film(film, Filming()).motion.num_frames
    figures = [Figure("speed", frames / (time.process_time() - began), "frames/s", "one core, start included")]
    return figures


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=Path, default=Path("../shared/data/video"), help="real films: .mpg, .mp4")
    parser.add_argument("--cycles", action="store_true", help="a path-traced film too (minutes)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the films that are made here")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    films = sorted(path for path in asked.films.glob("*.m*") if path.suffix in (".mpg", ".mp4", ".mov"))
    with tempfile.TemporaryDirectory() as made:
        folder = asked.keep or Path(made)
        folder.mkdir(exist_ok=True)
        figures = synthetic(list(made_clips(folder, cycles=asked.cycles)))
        if films:
            films = films[:1] if QUICK else films
            figures += real_lips(films) + contacts(films) + speed(films)
    report("Capture", figures, target=asked.json)


if __name__ == "__main__":
    main()
