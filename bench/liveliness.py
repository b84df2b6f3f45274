"""Does the upper face live as people's do? Talkers tracked on video and our performances, by the same figures.

python -m bench.liveliness [DATA] [--clips 4] [--animator net|rules] [--plot FILE.png] [--json FILE] [--quick]

DATA holds the tracked GRID talkers (`grid_s1`, `grid_talkers`: read sentences of 3 s at 25 frames a second) and
`livelink_rom` (one silent performer, 30 a second); without it only our columns are filled. Neutral performances are of
the talkers' own recordings, feelings are performed at full strength over the sentences that come with the package. The
first second is left out, spectra are of windows of two seconds in which nobody blinks, and jerk counts what is below
5 Hz, beyond which a tracker's noise begins.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.liveliness_figures import (
    BANDS_HZ,
    REGIONS,
    TRACKED_FPS,
    BlinkLife,
    HeadLife,
    Life,
    Moves,
    blink_life,
    coupling,
    head_life,
    height_deviations,
    lead_of_eyes_ms,
    lid_slope,
    region_life,
    upper_variation,
)
from bench.liveliness_plot import plot_curves
from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import CONTROLS, EMOTIONS
from face_emote.core.options import Performance
from face_emote.core.types import FaceMotion, PerformanceStyle
from face_emote.face.bundled import load_head
from face_emote.verbs.animate import perform

PAIRS = (
    ("browOuterUpLeft", "browOuterUpRight"), ("browDownLeft", "browDownRight"), ("browInnerUp", "browOuterUpLeft"),
    ("browInnerUp", "browDownLeft"), ("browOuterUpLeft", "eyeWideLeft"), ("eyeWideLeft", "eyeWideRight"),
    ("eyeSquintLeft", "eyeSquintRight"), ("browDownLeft", "eyeSquintLeft"), ("cheekSquintLeft", "cheekSquintRight"),
    ("browDownLeft", "cheekSquintLeft"),
)  # fmt: skip
_CHEEKS = {"cheekSquintLeft": 425, "cheekSquintRight": 205}
"""The tracker has no score for cheeks; how high these of its points lie stands for it."""
_TRACKED, _PLAYED = 0.004, 0.02
"""Mean from which on a control counts as shown; the tracker's scores of raised brows and lids are small."""
_BROWS, _LIDS, _BRIDGE, _CORNERS = (334, 105), (386, 159, 374, 145), 168, (33, 263)
"""Points of the tracker: middles of the brows, upper and lower lids, bridge of the nose, outer corners of the eyes."""
_FINE_FPS = 100.0
PLOTTED = ("joy", "anger")
TAKES = 3
"""Of every sentence and feeling, without blinks, so that every window counts."""
LIDS = "lids close per unit of looking down"


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """All figures of one face."""

    name: str
    variation: float | None
    regions: dict[str, Life | None]
    pairs: dict[str, float | None]
    heights: tuple[float, ...]
    head: HeadLife
    blinks: BlinkLife | None
    lids: float | None
    lead_ms: float | None = None


def person_of(moves: Moves, *, fine: list[FaceMotion] | None = None) -> Person:
    """Measure a face; `fine` is a performance of it at `_FINE_FPS`, for what 25 frames a second do not show."""
    blinks, lead = blink_life(moves.closure, fps=TRACKED_FPS), None
    if fine is not None:
        blinks = blink_life([_lids(motion) for motion in fine], fps=_FINE_FPS)
        leads = [
            lead_of_eyes_ms(
                (motion.eye_pose.mean(axis=1) + motion.neck_pose)[:, :2], motion.neck_pose[:, :2], fps=_FINE_FPS
            )
            for motion in fine
        ]
        found = [one for one in leads if one is not None]
        lead = float(np.median(found)) if found else None
    return Person(
        moves.name,
        variation=upper_variation(moves),
        regions={region: region_life(moves, region) for region in REGIONS},
        pairs={f"{a} / {b}": coupling(moves, a, b) for a, b in PAIRS},
        heights=height_deviations(moves),
        head=head_life(moves),
        blinks=blinks,
        lids=lid_slope(moves),
        lead_ms=lead,
    )


def talkers(data: Path) -> list[tuple[Moves, list[Path]]]:
    """The tracked talkers, with the recordings of their clips."""
    files = [data / "grid_s1" / "motion_train.npz", *sorted((data / "grid_talkers").glob("*/motion.npz"))]
    return [_talker(file) for file in files]


def _talker(file: Path) -> tuple[Moves, list[Path]]:
    with np.load(file) as track:
        names, scores = [str(name) for name in track["bs_names"]], track["bs"].astype(np.float64)
        points, index = track["lm"].astype(np.float64), track["lm_index"].tolist()
        head, clips = np.degrees(track["head"][:, :, :3].astype(np.float64)), [str(clip) for clip in track["clips"]]
    curves = {name: list(scores[:, :, names.index(name)]) for name in _wanted() if name in names}
    curves |= {name: list(points[:, :, index.index(point), 1]) for name, point in _CHEEKS.items()}
    sounds = [next((file.parent / "audio").glob(f"{clip}.*"), None) for clip in clips]
    moves = Moves(
        file.parent.name,
        controls=curves,
        closure=list(scores[:, :, [names.index("eyeBlinkLeft"), names.index("eyeBlinkRight")]].mean(axis=2)),
        down=list(scores[:, :, [names.index("eyeLookDownLeft"), names.index("eyeLookDownRight")]].mean(axis=2)),
        head=list(head),
        heights=[_heights(clip, index) for clip in points],
        places=frozenset(_CHEEKS),
        shown=_TRACKED,
    )
    return moves, [sound for sound in sounds if sound is not None]


def _wanted() -> list[str]:
    return [name for names in REGIONS.values() for name in names]


def range_of_motion(data: Path) -> tuple[BlinkLife | None, float | None]:
    """Blinks of the Live Link performer, and how far the lids follow a look down."""
    with np.load(data / "livelink_rom" / "alex_rom_3.npz") as take:
        names, weights = [str(name) for name in take["names"]], take["weights"].astype(np.float64)
    lids = weights[:, [names.index("EyeBlinkLeft"), names.index("EyeBlinkRight")]].mean(axis=1)
    down = weights[:, [names.index("EyeLookDownLeft"), names.index("EyeLookDownRight")]].mean(axis=1)
    rom = Moves("", controls={}, closure=[lids], down=[down], head=[], heights=[], places=frozenset(), shown=0.0)
    return blink_life([lids], fps=30.0), lid_slope(rom)


def played(name: str, motions: list[FaceMotion]) -> Moves:
    """Performances as curves."""
    return Moves(
        name,
        controls={name: [m.expression[:, CONTROLS.index(name)].astype(np.float64) for m in motions]
                  for name in _wanted()},
        closure=[_lids(motion) for motion in motions],
        down=[np.clip(motion.eye_pose[:, :, 0].mean(axis=1), 0.0, None).astype(np.float64) for motion in motions],
        head=[np.degrees(motion.neck_pose + motion.global_pose).astype(np.float64) for motion in motions],
        heights=[_heights(_still_points(motion), list(range(478))) for motion in motions],
        places=frozenset(),
        shown=_PLAYED,
    )  # fmt: skip


def _heights(points: Float[Array, "frames point 3"], index: list[int]) -> Float[Array, "frames 2"]:
    """Of brow and upper lid."""
    place = {point: points[:, index.index(point)].astype(np.float64) for point in (*_BROWS, *_LIDS, _BRIDGE, *_CORNERS)}
    brow = sum(place[point][:, 1] for point in _BROWS) / 2.0 - place[_BRIDGE][:, 1]
    lid = (place[_LIDS[0]] + place[_LIDS[1]] - place[_LIDS[2]] - place[_LIDS[3]])[:, 1] / 2.0
    width = np.linalg.norm(place[_CORNERS[0]] - place[_CORNERS[1]], axis=1).mean()
    heights: Array = np.abs(np.stack([brow, lid], axis=1)) / width
    return heights


def _still_points(motion: FaceMotion) -> Float[Array, "frames 478 3"]:
    """Landmarks of the face without its head's movement."""
    still = np.zeros_like(motion.neck_pose)
    return (
        load_head()
        .with_identity(motion.betas)
        .landmarks478(replace(motion, neck_pose=still, global_pose=still, translation=still))
    )


def _lids(motion: FaceMotion) -> np.ndarray:
    both = [CONTROLS.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    lids: np.ndarray = motion.expression[:, both].mean(axis=1).astype(np.float64)
    return lids


def perform_all(
    sounds: list[Path], *, emotion: str, animator: str, fps: float = TRACKED_FPS, blinks: float = 1.0, takes: int = 1
) -> list[FaceMotion]:
    """Performances of every recording, each with dice of its own."""
    style = PerformanceStyle(blinks=blinks)
    return [
        perform(Performance(sound, emotion=emotion, animator=animator, fps=fps, seed=seed, style=style)).whole()
        for seed, sound in enumerate(sounds * takes)
    ]


def _cell(value: float | None, form: str) -> str:
    return f"{value:>9{form}}" if value is not None and np.isfinite(value) else f"{'-':>9}"


def _rows(person: Person) -> dict[str, tuple[float | None, str]]:
    """Every figure of a face with the format it is printed in."""
    rows: dict[str, tuple[float | None, str]] = {"upper face: deviation / mean": (person.variation, ".2f")}
    for region, life in person.regions.items():
        figures = (None,) * 6 if life is None else (life.variation, *life.bands[:3], life.jerk, life.onset)
        labels = ("deviation / mean", *(f"power {a}-{b} Hz" for a, b in BANDS_HZ[:3]), "jerk, 1/s3", "speed up / down")
        for label, value in zip(labels, figures, strict=True):
            rows[f"{region}: {label}"] = (value, ".0f" if "jerk" in label else ".2f")
    rows |= {f"r {pair}": (value, ".2f") for pair, value in person.pairs.items()}
    for name, value in zip(("brow", "upper lid"), person.heights, strict=False):
        rows[f"{name}: height, deviation, permille"] = (1000.0 * value, ".1f")
    for axis, name in enumerate(("nod", "turn", "tilt")):
        rows[f"{name}: deviation, degrees"] = (person.head.size[axis], ".2f")
        rows[f"{name}: speed, degrees/s"] = (person.head.speed[axis], ".2f")
        rows[f"{name}: power 1.1-4.1 Hz"] = (person.head.fast[axis], ".2f")
    rows |= _blink_rows(person.blinks)
    rows[LIDS] = (person.lids, ".2f")
    rows["eyes before the head, ms"] = (person.lead_ms, ".0f")
    return rows


def _blink_rows(blinks: BlinkLife | None) -> dict[str, tuple[float | None, str]]:
    labels = {
        "per_minute": ("a minute", ".1f"), "closing": ("closing, ms", ".0f"), "closed": ("closed, ms", ".0f"),
        "opening": ("opening, ms", ".0f"), "partial": ("partial", ".2f"),
        "irregular": ("interval deviation / mean", ".2f"),
    }  # fmt: skip
    return {
        f"blinks: {label}": (None if blinks is None else getattr(blinks, field), form)
        for field, (label, form) in labels.items()
    }


def _middle(people: list[dict[str, tuple[float | None, str]]]) -> dict[str, tuple[float | None, str]]:
    """The median talker, figure by figure."""
    middle: dict[str, tuple[float | None, str]] = {}
    for name, (_, form) in people[0].items():
        known = [value for value in (rows[name][0] for rows in people) if value is not None and np.isfinite(value)]
        middle[name] = (float(np.median(known)) if known else None, form)
    return middle


def main() -> int:
    """Print people and performances side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="folder of the tracked talkers")
    parser.add_argument("--clips", type=int, default=4, help="recordings of each talker that are performed")
    parser.add_argument("--animator", choices=("net", "rules"), default="net")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="curves of a talker and of ours (matplotlib)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="two feelings and one sentence")
    given = parser.parse_args()
    columns: dict[str, dict[str, tuple[float | None, str]]] = {}
    shown: list[tuple[str, Moves, tuple[int, ...]]] = []
    sentences = sorted((ASSETS / "speech").glob("dashwood_*.wav"))[: 1 if given.quick else None]
    sounds = sentences
    if given.data is not None:
        tracked = talkers(given.data)
        columns["people"] = _middle([_rows(person_of(moves)) for moves, _ in tracked])
        columns["rom"] = _rom_column(given.data, like=columns["people"])
        sounds = [sound for _, found in tracked for sound in found[: given.clips]]
        shown = [("a tracked reader", tracked[0][0], (0, 1, 2))]
    fine = perform_all(sentences, emotion="neutral", animator=given.animator, fps=_FINE_FPS, takes=TAKES)
    neutral = perform_all(sounds, emotion="neutral", animator=given.animator)
    columns["neutral"] = _rows(person_of(played("neutral", neutral), fine=fine))
    shown.append(("neutral, the same sentences", played("neutral", neutral), (0, 1, 2)[: len(neutral)]))
    for emotion in EMOTIONS[1 : 2 if given.quick else None]:
        motions = perform_all(sentences, emotion=emotion, animator=given.animator, blinks=0.0, takes=TAKES)
        moves = played(emotion, motions)
        columns[emotion] = _rows(person_of(moves))
        if emotion in PLOTTED:
            shown.append((f"{emotion}, without blinks", moves, (0, 2, 3)[: len(motions)]))
    if given.plot is not None:
        plot_curves(shown, given.plot)
    width = max(map(len, columns["neutral"]))
    print(f"{'':{width}}" + "".join(f"{name[:9]:>9}" for name in columns))
    for name in columns["neutral"]:
        print(f"{name:{width}}" + "".join(_cell(*column[name]) for column in columns.values()))
    if given.json is not None:
        plain = {who: {name: value for name, (value, _) in rows.items()} for who, rows in columns.items()}
        given.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return 0


def _rom_column(data: Path, *, like: dict[str, tuple[float | None, str]]) -> dict[str, tuple[float | None, str]]:
    blinks, lids = range_of_motion(data)
    known = _blink_rows(blinks) | {LIDS: (lids, ".2f")}
    return {name: known.get(name, (None, form)) for name, (_, form) in like.items()}


if __name__ == "__main__":
    raise SystemExit(main())
