"""`python -m bench.capture [--films FOLDER] [--traces FILE] [--cycles] [--enrol] [--keep FOLDER]`: what comes back.

- synthetic: our own performances, filmed by our renderers, whose every control, fold and blush is known; one more for
  glances, whole blinks and a faint blush; `--cycles` adds one that is path-traced in another light. `naive` copies
  MediaPipe's 52 scores;
- `--enrol`: the same films of people whom a clip at rest has made known (needs torch);
- real: lips on real films (the six of GRID, CC BY 4.0) against the landmarks tracked in them; hands before them; pulse;
- one command on three seconds and on a minute: frames a second and memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.capture_films import BLINKS, CLIPS, FPS, LOOKING_ABOUT, TRACED, controls, lengthened, made, with_hand
from bench.common import QUICK, Figure, report
from face_emote.audio.analyse import heard_recording
from face_emote.capturing.confidence import BELIEVED
from face_emote.capturing.lips import seen_gap
from face_emote.capturing.points import FITTED_INDEX
from face_emote.capturing.take import pulse_of
from face_emote.capturing.watch import watched
from face_emote.core.arrays import Array, Float
from face_emote.core.names import (
    ARKIT_52,
    BILABIALS,
    BLOOD_REGIONS,
    CONFIDENCE_AREAS,
    CONTROLS,
    NUM_EXPRESSION,
    WRINKLES,
)
from face_emote.core.options import Filming
from face_emote.core.timing import frame_times
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.verbs.capture import read_film

CLOSED = 0.012
"""Gap of the inner lips in eye distances below which they touch."""
OPEN = 0.03
ASKED_MOTION_MM = 2.1
"""Mean motion at which errors of films with more or less of it can be compared."""
UNITS = {
    "browInner": ("browInnerUp",), "browDown": ("browDownLeft", "browDownRight"),
    "browOuter": ("browOuterUpLeft", "browOuterUpRight"), "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "wide": ("eyeWideLeft", "eyeWideRight"), "squint": ("eyeSquintLeft", "eyeSquintRight", "cheekSquintLeft"),
    "sneer": ("noseSneerLeft", "noseSneerRight"), "jaw": ("jawOpen",), "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight"), "stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "upper lip": ("mouthUpperUpLeft", "mouthUpperUpRight"), "lower lip": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "pucker": ("mouthPucker", "mouthFunnel"), "press": ("mouthPressLeft", "mouthPressRight"),
}  # fmt: skip


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


Truth = tuple[Path, FaceMotion]


def synthetic(clips: list[Truth], *, kind: str) -> list[Figure]:
    """Mesh, controls, folds and blood against the truth."""
    head = load_head()
    assert head.layout is not None
    face = np.flatnonzero(head.layout.mask_face > 0.5)
    errors: dict[str, list[list[float]]] = {"ours": [], "naive": []}
    units: dict[str, dict[str, list[tuple[float, float]]]] = {name: {unit: [] for unit in UNITS} for name in errors}
    skin: dict[str, list[float]] = {
        name: [] for name in ("gaze yaw r", "head yaw r", "wrinkles r", "blood r", "blood slope")
    }
    for film, truth in clips:
        captured, truth = _both(film, truth)
        person = head.with_identity(truth.betas).restricted_to(face)
        real, every = controls(truth), frame_times(0, truth.num_frames, fps=FPS)
        for name, found in (("ours", controls(captured)), ("naive", naive_controls(film, every))):
            apart = _vertices(person, found) - _vertices(person, real)
            moved = _vertices(person, real) - _vertices(person, 0.0 * real)
            sizes = [1e3 * float(np.linalg.norm(x, axis=2).mean()) for x in (apart, moved)]
            errors[name].append([*sizes, float(np.abs(found - real)[:, FITTED_INDEX].mean())])
            for unit, names in UNITS.items():
                index = [CONTROLS.index(one) for one in names]
                a, b = found[:, index].mean(axis=1), real[:, index].mean(axis=1)
                r = correlation(a, b) if b.std() > 0.02 else np.nan
                units[name][unit].append((float(np.abs(a - b).mean()), r))
        skin["gaze yaw r"].append(correlation(captured.eye_pose[:, 0, 1], truth.eye_pose[:, 0, 1]))
        skin["head yaw r"].append(correlation(captured.neck_pose[:, 1], truth.neck_pose[:, 1]))
        _skin(skin, captured, truth)
    figures = []
    for name, rows in errors.items():
        apart, motion, mean = (float(value) for value in np.mean(rows, axis=0))
        note = f"of {motion:.2f} mm of motion: {apart * ASKED_MOTION_MM / motion:.2f} at {ASKED_MOTION_MM}"
        figures += [Figure(f"{kind}vertex error: {name}", apart, "mm", note)]
        figures += [Figure(f"{kind}controls, mean error: {name}", mean, "")]
    for unit in UNITS:
        for name in errors:
            rs = [r for _, r in units[name][unit]]
            note = f"r {np.nanmean(rs):.2f}" if np.isfinite(rs).any() else ""
            mean = float(np.mean([error for error, _ in units[name][unit]]))
            figures.append(Figure(f"{kind}{unit}, error: {name}", mean, "", note))
    return figures + [Figure(f"{kind}{name}", float(np.nanmean(values)), "") for name, values in skin.items()]


def _both(film: Path, truth: FaceMotion) -> tuple[FaceMotion, FaceMotion]:
    """What was captured, without being told of a neutral instant, and the truth, of the same length."""
    captured = read_film(film, Filming(character=truth.character)).motion
    count = min(captured.num_frames, truth.num_frames)
    return captured.part(0, count), truth.part(0, count)


def _skin(found: dict[str, list[float]], captured: FaceMotion, truth: FaceMotion) -> None:
    moving = [i for i in range(len(WRINKLES) - 1) if truth.wrinkles[:, i].std() > 0.03]
    rs = [correlation(captured.wrinkles[:, i], truth.wrinkles[:, i]) for i in moving]
    found["wrinkles r"].append(float(np.nanmean(rs)) if rs else np.nan)
    for name in ("cheek_left", "cheek_right", "forehead", "nose"):
        i = BLOOD_REGIONS.index(name)
        seen, real = captured.blood_flow[:, i].astype(float), truth.blood_flow[:, i].astype(float)
        found["blood r"].append(correlation(seen, real))
        found["blood slope"].append(float(np.polyfit(real, seen, 1)[0]))


def glances(clip: Truth) -> list[Figure]:
    """Gaze, the height of blinks, and blood of which there is hardly any."""
    captured, truth = _both(*clip)
    every = frame_times(0, truth.num_frames, fps=FPS)
    lids = [CONTROLS.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    peaks = [
        captured.expression[np.abs(every - blink) < 0.1][:, lids].max(axis=0).mean()
        for blink in BLINKS if blink < every[-1]
    ]  # fmt: skip
    seen, real = captured.eye_pose[:, 0, 1], truth.eye_pose[:, 0, 1]
    error = float(np.degrees(np.abs((seen - seen.mean()) - (real - real.mean())).mean()))
    skin: dict[str, list[float]] = {name: [] for name in ("wrinkles r", "blood r", "blood slope")}
    _skin(skin, captured, truth)
    degrees = f"error {error:.1f} of {np.degrees(real.std()):.1f} degrees"
    deviation = f"standard deviation {truth.blood_flow[:, BLOOD_REGIONS.index('cheek_left')].std():.2f}"
    return [
        Figure("glances: gaze yaw r", correlation(seen, real), "", degrees),
        Figure("glances: peak of blinks", float(np.mean(peaks)), "", f"{len(peaks)} whole ones"),
        Figure("faint blush: r", float(np.mean(skin["blood r"])), "", deviation),
        Figure("faint blush: slope", float(np.mean(skin["blood slope"])), ""),
    ]  # fmt: skip


def hands(films: list[Path], folder: Path) -> list[Figure]:
    """Whether confidence tells frames in which a hand lies before a half of the face: area under its ROC curve."""
    hidden, free = [], []
    for number, film in enumerate(films):
        with watched(film) as seen:
            landmarks = np.array(seen.rows["landmarks"], np.float64)
        upper, covered = number % 2 == 0, folder / f"hand_{film.stem}.mp4"
        frames, near = with_hand(film, landmarks, upper=upper, target=covered)
        trust = read_film(covered, Filming()).motion.confidence
        assert trust is not None
        area = trust[:, CONFIDENCE_AREAS.index("upper" if upper else "lower")]
        hidden += area[frames].tolist()
        free += np.delete(area, np.r_[near]).tolist()
    a, b = np.array(hidden)[:, None], np.array(free)[None]
    area_under = float(np.mean((a < b) + 0.5 * (a == b)))
    note = f"{len(hidden)} hidden, {len(free)} free frames"
    return [
        Figure("a hand before a half: AUC of confidence", area_under, "", note),
        Figure("hidden frames that are not believed", float(np.mean(np.array(hidden) < BELIEVED)), ""),
        Figure("free frames that are not believed", float(np.mean(np.array(free) < BELIEVED)), ""),
    ]  # fmt: skip


def pulses(traces: Path) -> list[Figure]:
    """Skin colours whose pulse compression has removed (nothing may be claimed), and the same with one laid in."""
    beats = {"as they are": 0.0, "with a pulse of 4 %": 0.04}
    with np.load(traces) as stored:
        people = sorted({name.rpartition("/")[0] for name in stored})
        figures = []
        for title, amount in beats.items():
            claimed, apart = [], []
            for who in people:
                names = [name for name in stored if name.startswith(f"{who}/") and stored[name].ndim == 2]
                rate, fps = float(stored[f"{who}/hr"]), float(stored[f"{who}/fps"])
                count = min(len(stored[name]) for name in names)
                colour = (np.stack([stored[name][:count] for name in names], axis=1) / 255.0) ** 2.2
                wave = np.sin(2.0 * np.pi * rate / 60.0 * np.arange(count) / fps)[:, None, None]
                colour = colour * (1.0 - amount * wave * np.array([0.35, 0.8, 0.55]))
                pulse = pulse_of(colour, fps=fps, regions=tuple(range(len(names))))
                claimed.append(pulse.believed)
                apart.append(abs(pulse.beats_per_minute - rate))
            wrong = [error for error, believed in zip(apart, claimed, strict=True) if believed and error > 5.0]
            note = f"median error of all {np.median(apart):.0f} a minute; {len(wrong)} of the claimed off by over 5"
            figures.append(
                Figure(f"pulse claimed, {title}", float(np.mean(claimed)), "", f"{len(people)} people; {note}")
            )
    return figures


def _vertices(person: Head, rows: Float[Array, "frames control"]) -> Float[Array, "frames vertex 3"]:
    posed = pose_from_controls(rows, control_joints=load_head().control_joints)
    return person.pose_vertices(expression=posed.expression, jaw_pose=posed.jaw_pose, eye_pose=posed.eye_pose)


MEASURED = """
import atexit, pathlib, resource, runpy
def told():
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
    print(used.ru_utime + used.ru_stime, int(peak) / 1024)
atexit.register(told)
runpy.run_module("face_emote", run_name="__main__", alter_sys=True)
"""
"""The command, and at its end its processor time and the largest memory it ever had, in MB (Linux)."""


def one_command(film: Path, folder: Path) -> list[Figure]:
    """`face-emote capture` on the film, and on a minute of it."""
    figures, used, secs_long = [], [], 6.0 if QUICK else 60.0
    longer = folder / "longer.mp4"
    lengthened(film, secs=secs_long, target=longer)
    for title, path in (("three seconds", film), (f"{secs_long:.0f} seconds", longer)):
        words = [sys.executable, "-c", MEASURED, "capture", str(path), "-o", str(folder / "take.npz")]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
        secs, peak = (float(word) for word in done.stdout.splitlines()[-1].split())
        used.append(secs)
        figures.append(Figure(f"one command, {title}: largest memory", peak, "MB"))
        figures.append(Figure(f"one command, {title}: processor time", secs, "s", "start included"))
    frames = (secs_long - 3.0) * FPS
    figures.append(Figure("speed", frames / (used[1] - used[0]), "frames/s", "one core, start left out"))
    return figures


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=Path, default=Path("../shared/data/video"), help="real films: .mpg, .mp4")
    parser.add_argument("--traces", type=Path, default=Path("../shared/data/rppg_skin_traces/traces.npz"))
    parser.add_argument("--cycles", action="store_true", help="a path-traced film too (minutes)")
    parser.add_argument("--enrol", action="store_true", help="people who are known, too (minutes; needs torch)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the films that are made here")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    films = sorted(path for path in asked.films.glob("*.m*") if path.suffix in (".mpg", ".mp4", ".mov"))
    with tempfile.TemporaryDirectory() as folder:
        kept = asked.keep or Path(folder)
        kept.mkdir(exist_ok=True)
        figures = synthetic([made(clip, kept) for clip in (CLIPS[:1] if QUICK else CLIPS)], kind="")
        figures += glances(made(LOOKING_ABOUT, kept))
        if asked.cycles:
            figures += synthetic([made(TRACED, kept)], kind="path-traced: ")
        if asked.enrol:
            from bench.capture_people import people

            figures += people(kept)
        if films:
            films = films[:1] if QUICK else films
            figures += real_lips(films) + contacts(films) + hands(films, Path(folder))
            figures += one_command(films[0], Path(folder))
        if asked.traces.exists():
            figures += pulses(asked.traces)
    report("Capture", figures, target=asked.json)


if __name__ == "__main__":
    main()
