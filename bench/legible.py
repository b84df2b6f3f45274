"""Which feelings do outside judges read off the drawn face: in silence, on vowels, in pauses and on stressed words?

python -m bench.legible [--people NAME,..] [--animator net|rules] [--sheet FILE.png] [--judges FOLDER] [--quick]
python -m bench.legible --pairs --judges FOLDER       two feelings at once
python -m bench.legible --units face_landmarker.task  which Action Units a face tracker sees

The judges (`bench.judges`) are `fer` and @vladmandic/face-api (run by node from FOLDER, where `npm install
@vladmandic/face-api @tensorflow/tfjs` was done). The figures compare versions of this project with each other, and
nothing else.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.common import Figure, report
from bench.judges import FELT, NEEDED, Gallery, Shot, judged
from bench.pairs import PAIR_INSTANTS, PAIRS, pair_figures
from bench.units import unit_table
from face_emote.audio.analyse import analyse
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.assets import ASSETS
from face_emote.core.cameras import CAMERAS
from face_emote.core.errors import DependencyError, FaceEmoteError
from face_emote.core.motion import joined_motion
from face_emote.core.names import CONTROLS, EMOTIONS, VOWELS
from face_emote.core.options import Performance, Picture
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion, Speech, SpeechAnalysis
from face_emote.face.bundled import load_head
from face_emote.face.characters import characters
from face_emote.motion.events.cues import speech_cues
from face_emote.rendering.scene import focal_pixels, placed, view_matrix
from face_emote.rendering.sheet import compose_sheet
from face_emote.verbs.animate import perform
from face_emote.verbs.render import render_frames

INSTANTS = ("silence", "vowel", "pause", "accent")
LEAD_IN_SECS = 2.0
"""Silence before the words; by then a feeling is held, and blood has begun to flow."""
_BLINKING = 0.06
"""Closure of the lids, beyond what the feeling makes them hang, that counts as a blink."""
_SAME_JAW = 0.25
"""Share by which the jaw of another frame may differ."""
MARGIN = 0.25
"""Of the face's box, on every side of it."""


def spoken() -> Speech:
    """Two sentences with a breath between them, behind a silence in which a held face can be seen."""
    first, second = (read_speech(ASSETS / "speech" / f"dashwood_{number}.wav") for number in (3, 5))
    rate = first.sample_rate
    silence, breath = np.zeros(int(LEAD_IN_SECS * rate), np.float32), np.zeros(int(0.8 * rate), np.float32)
    return Speech(np.concatenate([silence, first.samples, breath, second.samples]), rate)


def instants(analysis: SpeechAnalysis) -> dict[str, float]:
    """Seconds of `INSTANTS`: before the speech, its loudest vowel, its longest pause, its strongest accent."""
    cues = speech_cues(analysis)
    vowels = [phone for phone in analysis.phones if phone.label in VOWELS]
    loudest = max(vowels, key=lambda phone: float(cues.energy_at(np.array([phone.centre_secs]))[0]))
    gaps = list(zip(cues.phrases[:-1, 1], cues.phrases[1:, 0], strict=True))
    begin, end = max(gaps, key=lambda gap: gap[1] - gap[0])
    others = np.abs(cues.accent_secs - loudest.centre_secs) > 0.3
    accent = cues.accent_secs[others][np.argmax(cues.accent_strength[others])]
    return {
        "silence": LEAD_IN_SECS - 0.4, "vowel": loudest.centre_secs, "pause": 0.5 * (begin + end),
        "accent": float(accent),
    }  # fmt: skip


def gallery(
    people: Sequence[str],
    *,
    felt: Sequence[str],
    strengths: Sequence[float],
    animator: str,
    size: int,
    shown: Sequence[str] = INSTANTS,
) -> Gallery:
    """Perform one recording as everybody, with every feeling, and draw the instants that are to be shown."""
    speech = spoken()
    moments = {name: secs for name, secs in instants(analyse(speech)).items() if name in shown}
    shots, pictures, boxes = [], [], []
    for person in people:
        frames: list[FaceMotion] = []
        for emotion in felt:
            for strength in strengths:
                words = emotion if emotion == "neutral" else f"({emotion}):{strength}"
                played = Performance(speech=speech, emotion=words, character=person, animator=animator, fps=25.0)
                motion = perform(played).whole()
                for name, secs in moments.items():
                    shots.append(Shot(person, emotion, strength, name))
                    frame = _open_eyed(motion, round(secs * motion.fps))
                    frames.append(motion.part(frame, frame + 1))
        together = joined_motion(frames)
        drawn = render_frames(together, list(range(len(frames))), picture=Picture(size=size))
        pictures.append(drawn)
        boxes.append(face_boxes(together, size=size))
        print(f"{person}: {len(frames)} pictures", file=sys.stderr)
    return Gallery(tuple(shots), np.concatenate(pictures), np.concatenate(boxes))


def _open_eyed(motion: FaceMotion, frame: int) -> int:
    """The frame, or the one nearest to it within 0.3 s that no blink hides while the jaw is as far open."""
    lids, jaw = motion.expression[:, CONTROLS.index("eyeBlinkLeft")], motion.jaw_pose[:, 0]
    reach = round(0.3 * motion.fps)
    near = sorted(range(max(frame - reach, 0), min(frame + reach + 1, len(lids))), key=lambda k: (abs(k - frame), k))
    near = [k for k in near if abs(jaw[k] - jaw[frame]) <= _SAME_JAW * abs(jaw[frame]) + 0.01]
    rest = min(lids[k] for k in near)
    return next(k for k in near if lids[k] <= rest + _BLINKING)


def face_boxes(motion: FaceMotion, *, size: int) -> Float[Array, "frames 4"]:
    """Boxes about the landmarks as the portrait camera sees them, forehead included."""
    head = load_head().with_identity(motion.betas)
    camera = placed(CAMERAS["portrait"], origin=head.eyes_middle())
    view = view_matrix(camera)
    points = head.landmarks(motion) @ view[:, :3].T + view[:, 3]
    focal = focal_pixels(camera, width=size, height=size)
    x = 0.5 * size - focal * points[:, :, 0] / points[:, :, 2]
    y = 0.5 * size + focal * points[:, :, 1] / points[:, :, 2]
    low, high = np.stack([x.min(1), y.min(1)], axis=1), np.stack([x.max(1), y.max(1)], axis=1)
    side = (high - low).max(axis=1) * (1.0 + MARGIN)
    middle = 0.5 * (low + high) - np.stack([np.zeros(len(x)), 0.08 * side], axis=1)
    return np.concatenate([middle - 0.5 * side[:, None], middle + 0.5 * side[:, None]], axis=1)


def main() -> int:
    """Print recall by instant, strength, person and feeling."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--people", default=",".join(person.name for person in characters()), help="by default everybody"
    )
    parser.add_argument("--animator", default="net", choices=("net", "rules"))
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE.png", help="write a sheet an instant and strength, FILE_vowel_1.png .."
    )
    parser.add_argument(
        "--judges", type=Path, metavar="FOLDER", help="where face-api is installed; without it fer alone"
    )
    parser.add_argument("--pairs", action="store_true", help="of two feelings at once, which are read first and second")
    parser.add_argument(
        "--units", type=Path, metavar="TASK", help="with this file of MediaPipe's, the units that its tracker sees"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="one person, one strength")
    options = parser.parse_args()
    people = options.people.split(",")[: 1 if options.quick else None]
    strengths = (1.0,) if options.quick else (1.0, 0.5)
    try:
        if options.units is not None:
            print(unit_table(_drawn(options, people, felt=EMOTIONS, strengths=(1.0,), size=512), options.units))
            return 0
        return _pairs(options, people) if options.pairs else _judged(options, people, strengths)
    except FaceEmoteError as error:
        print(error, file=sys.stderr)
        return 2


def _drawn(
    options: argparse.Namespace,
    people: Sequence[str],
    *,
    felt: Sequence[str],
    strengths: Sequence[float],
    size: int = 256,
    shown: Sequence[str] = INSTANTS,
) -> Gallery:
    drawn = gallery(people, felt=felt, strengths=strengths, animator=options.animator, size=size, shown=shown)
    if options.sheet is not None:
        write_sheets(drawn, options.sheet)
    return drawn


def _judged(options: argparse.Namespace, people: Sequence[str], strengths: Sequence[float]) -> int:
    if find_spec("fer") is None:
        raise DependencyError(NEEDED)
    drawn = _drawn(options, people, felt=EMOTIONS, strengths=strengths)
    counted = np.array([shot.felt in FELT for shot in drawn.shots])
    seen = Gallery(
        tuple(shot for shot in drawn.shots if shot.felt in FELT), drawn.pictures[counted], drawn.boxes[counted]
    )
    together = judged(seen, options.judges)
    report("Feelings read by outside judges", list(figures(together, seen.shots)), target=options.json)
    print(recall(together, seen.shots), confusion(together, seen.shots), sep="\n\n")
    return 0


def _pairs(options: argparse.Namespace, people: Sequence[str]) -> int:
    if find_spec("fer") is None:
        raise DependencyError(NEEDED)
    seen = _drawn(options, people, felt=(*FELT, *PAIRS), strengths=(1.0,), shown=PAIR_INSTANTS)
    read = pair_figures(judged(seen, options.judges), seen.shots)
    report("Two feelings at once, read by outside judges", list(read), target=options.json)
    return 0


def figures(answers: Float[Array, "shot felt=7"], shots: Sequence[Shot]) -> Iterator[Figure]:
    """Share of the pictures whose feeling is the judges' first answer."""
    right = _right(answers, shots)

    def share(name: str, chosen: list[bool]) -> Figure:
        return Figure(name, 100.0 * float(right[np.array(chosen)].mean()), "%", f"{sum(chosen)} pictures")

    for strength in sorted({shot.strength for shot in shots}, reverse=True):
        for instant in INSTANTS:
            yield share(f"{instant} at {strength:g}", [s.instant == instant and s.strength == strength for s in shots])
    for person in dict.fromkeys(shot.person for shot in shots):
        yield share(person, [s.person == person and s.strength == 1.0 for s in shots])


def _right(answers: Float[Array, "shot felt=7"], shots: Sequence[Shot]) -> Bool[Array, " shot"]:
    return np.array([FELT[int(row.argmax())] == shot.felt for row, shot in zip(answers, shots, strict=True)])


def recall(answers: Float[Array, "shot felt=7"], shots: Sequence[Shot]) -> str:
    """Rows: instants and strengths; columns: feelings, % of pictures read right."""
    right = _right(answers, shots)
    lines = [" " * 14 + "".join(f"{name[:8]:>9}" for name in FELT)]
    for strength in sorted({shot.strength for shot in shots}, reverse=True):
        for instant in INSTANTS:
            cells = [
                100.0
                * right[[s.instant == instant and s.strength == strength and s.felt == felt for s in shots]].mean()
                for felt in FELT
            ]
            lines.append(f"{f'{instant} at {strength:g}':<14}" + "".join(f"{value:9.0f}" for value in cells))
    return "\n".join(lines)


def confusion(answers: Float[Array, "shot felt=7"], shots: Sequence[Shot]) -> str:
    """Rows: what was felt; columns: what was read, %, all instants."""
    lines = ["felt \\ read " + "".join(f"{name[:8]:>9}" for name in FELT)]
    for felt in FELT:
        rows = answers[[shot.felt == felt for shot in shots]].argmax(axis=1)
        counts = 100.0 * np.bincount(rows, minlength=len(FELT)) / max(len(rows), 1)
        lines.append(f"{felt:<12}" + "".join(f"{value:9.0f}" for value in counts))
    return "\n".join(lines)


def write_sheets(shown: Gallery, path: Path) -> None:
    """A sheet an instant and strength, a row a person: NAME_vowel_1.png and so on."""
    felt = len(dict.fromkeys(shot.felt for shot in shown.shots))
    for strength in sorted({shot.strength for shot in shown.shots}):
        for instant in dict.fromkeys(shot.instant for shot in shown.shots):
            rows = [i for i, s in enumerate(shown.shots) if s.instant == instant and s.strength == strength]
            labels = [shown.shots[i].felt for i in rows]
            sheet = compose_sheet(shown.pictures[rows], labels, columns=felt)
            path.with_name(f"{path.stem}_{instant}_{strength:g}.png").write_bytes(png_bytes(sheet))


if __name__ == "__main__":
    sys.exit(main())
