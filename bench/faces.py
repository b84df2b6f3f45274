"""`python -m bench.faces DATA TAKES`: what the reader of faces says of real ones, beside what is known of them.

DATA holds `livelink_rom` and `news_aus` (tracked faces, not distributed here); TAKES the motions that `face-emote
capture` made of films of people who read commands aloud (GRID). Nobody labelled these: commands are neutral; of a range
of motion those instants count in which the units of one feeling are strong (`MOVED`); news are good or bad by what was
said.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, EMOTIONS, NUM_EXPRESSION
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.motion_file import read_motion
from face_emote.network.convnet import ConvNet
from face_emote.perception.evidence import READING_HZ
from face_emote.perception.face import FACE_READER, load_face_reader, read_face

UNITS = {
    "AU01": "browInnerUp", "AU02": "browOuterUp", "AU04": "browDown", "AU05": "eyeWide", "AU06": "cheekSquint",
    "AU07": "eyeSquint", "AU09": "noseSneer", "AU10": "mouthUpperUp", "AU12": "mouthSmile", "AU14": "mouthDimple",
    "AU15": "mouthFrown", "AU17": "mouthShrugLower", "AU20": "mouthStretch", "AU24": "mouthPress", "AU26": "jawOpen",
    "AU28": "mouthRollLower", "AU43": "eyeBlink",
}  # fmt: skip
"""Controls that show an Action Unit; both sides of those that have sides."""
MOVED = {
    "joy": {"mouthSmile": (0.5, 1.0), "mouthFrown": (0.0, 0.2), "browDown": (0.0, 0.3)},
    "sadness": {"mouthFrown": (0.4, 1.0), "browInnerUp": (0.35, 1.0), "browOuterUp": (0.0, 0.4)},
    "surprise": {"browOuterUp": (0.5, 1.0), "eyeWide": (0.3, 1.0), "mouthSmile": (0.0, 0.3)},
    "disgust": {"noseSneer": (0.4, 1.0), "mouthSmile": (0.0, 0.3)},
    "anger": {"browDown": (0.5, 1.0), "mouthSmile": (0.0, 0.3), "noseSneer": (0.0, 0.3)},
}
STILL = 0.3
"""A face of which no control is stronger is neutral."""
NEWS_HZ = 12.5
"""The tracked clips do not say their rate; taken as the reader's."""


def sides(name: str) -> list[int]:
    """Columns of a control, of both sides where it has them."""
    return [CONTROLS.index(own) for own in (name, f"{name}Left", f"{name}Right") if own in CONTROLS[:52]]


def motion_of(controls: Float[Array, "frames control"], fps: float) -> FaceMotion:
    """A face that shows these controls and nothing else."""
    count = len(controls)
    nothing = np.zeros((count, 3), np.float32)
    pose = pose_from_controls(controls.astype(np.float32), control_joints=load_head().control_joints)
    return FaceMotion(
        expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose, neck_pose=nothing,
        global_pose=nothing, translation=nothing, wrinkles=np.zeros((count, 16), np.float32),
        blood_flow=np.zeros((count, 8), np.float32), fps=fps, info=MotionInfo(basis=load_head().basis),
    )  # fmt: skip


def commands(takes: Path, reader: ConvNet) -> Iterator[str]:
    """Films of people who read commands."""
    mixes = np.stack([read_face(read_motion(path), reader=reader).mix.mean(axis=0) for path in takes.glob("*.npz")])
    named = (mixes.argmax(axis=1) == 0).sum()
    yield f"{len(mixes)} films of commands: neutral {mixes[:, 0].mean():.2f}, named so {named}"


def moved(file: Path, reader: ConvNet) -> Iterator[str]:
    """A take in which every part of a face is moved."""
    with np.load(file) as stored:
        names, weights = stored["names"], stored["weights"].astype(np.float32)
    controls = np.zeros((len(weights), NUM_EXPRESSION), np.float32)
    for column, name in zip(weights.T, names, strict=True):
        known = name[0].lower() + name[1:]
        if known in CONTROLS:
            controls[:, CONTROLS.index(known)] = column
    mix = read_face(motion_of(controls, 30.0), reader=reader).mix
    at = np.minimum(np.round(np.arange(len(controls)) / 30.0 * READING_HZ).astype(int), len(mix) - 1)
    wanted = {"neutral": controls[:, :52].max(axis=1) < STILL}
    for feeling, ranges in MOVED.items():
        strong = [(controls[:, sides(name)].mean(axis=1), limits) for name, limits in ranges.items()]
        wanted[feeling] = np.all([(low <= value) & (value <= high) for value, (low, high) in strong], axis=0)
    for feeling, chosen in wanted.items():
        named = mix[at[chosen]].argmax(axis=1)
        right, most = (named == EMOTIONS.index(feeling)).mean(), EMOTIONS[int(np.bincount(named).argmax())]
        yield f"range of motion, {feeling}: {chosen.sum()} frames, named so {right:.2f}, most often {most}"


def news(file: Path, reader: ConvNet) -> Iterator[str]:
    """One person who tells good and bad news, as tracked, and above what the same face shows in most clips."""
    with np.load(file) as stored:
        columns = [str(name) for name in stored["cols"]]
        clips = {name: np.zeros((len(stored[name]), NUM_EXPRESSION)) for name in stored.files if name != "cols"}
        for name, controls in clips.items():
            for unit, shown in UNITS.items():
                controls[:, sides(shown)] = stored[name][:, [columns.index(unit)]]
    usual = np.percentile(np.concatenate(list(clips.values())), 20, axis=0)
    for kind, rest in (("as tracked", np.zeros(NUM_EXPRESSION)), ("above the resting face", usual)):
        seen = {
            name: read_face(motion_of(np.clip(rows - rest, 0.0, 1.0), NEWS_HZ), reader=reader)
            for name, rows in clips.items()
        }
        valence = {good: np.array([e.vad[:, 0].mean() for name, e in seen.items() if good in name]) for good in SIGNS}
        better = (valence["gn"][:, None] > valence["ists"]).mean()
        named = {
            good: [EMOTIONS[int(e.mix.mean(axis=0).argmax())] for name, e in seen.items() if good in name]
            for good in SIGNS
        }
        told = "; ".join(f"{good}: " + ", ".join(f"{w} {named[s].count(w)}" for w in sorted(set(named[s])))
                         for s, good in SIGNS.items())  # fmt: skip
        yield f"news, {kind}: good above bad in {better:.2f} of pairs; {told}"


SIGNS = {"gn": "good", "ists": "bad"}
"""How clips are named."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("takes", type=Path)
    parser.add_argument("--reader", type=Path, default=FACE_READER, help="another reader")
    given = parser.parse_args()
    reader = load_face_reader(given.reader)
    for line in (
        *commands(given.takes, reader),
        *moved(given.data / "livelink_rom" / "alex_rom_3.npz", reader),
        *news(given.data / "news_aus" / "news.npz", reader),
    ):
        print(line)


if __name__ == "__main__":
    main()
