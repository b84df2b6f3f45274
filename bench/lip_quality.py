"""How well the lips match real lips: GRID talkers whose video was tracked.

    python -m bench.lip_quality [--data ../shared/data] [--heard] [--json FILE]

The lips' tables were fitted to nine tenths of talker s1's clips. Measured here are the other tenth and 11 talkers that
took no part. Phones come from the alignment beside the data, or, with --heard, from the sound alone.

Gap: between the inner lips at the middle, in units of the distance between the outer corners of the eyes, read off the
posed mesh at the video's 25 frames a second.
- correlation: of our gap with the real one, per clip, then averaged; also averaged per talker first.
- closure: share of P, B, M with a gap below 0.03 within 40 ms of the phone's centre.
- false closure: share of open vowels with such a gap at their centre.
- sync: share of clips whose correlation peaks at a shift of at most 40 ms.
- stillness: peak-to-peak gap within silences of 0.6 s or more, 0.25 s away from speech.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.features import prosody_of
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.names import BILABIALS
from face_emote.core.types import PerformanceStyle, Phone, SpeechAnalysis
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.lip_rig import lip_edges
from face_emote.motion.lips import lip_score, sample_lips

FPS = 25.0
CLOSED = 0.03
NEAR_SECS = 0.04
OPEN_VOWELS = frozenset({"AA", "AE", "AH", "AO", "AW", "AY", "EH", "EY"})
SHIFTS_SECS = np.arange(-20, 21) * 0.01
HELD_OUT_EVERY = 10
"""Clips of s1 whose number divides by this were not used for fitting."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One tracked recording."""

    talker: str
    sound: Path
    phones: tuple[Phone, ...]
    gap: Float[Array, " frames"]


@dataclass(frozen=True, slots=True)
class Quality:
    """What a set of clips gives; shares are 0..1."""

    clips: int
    correlation: float
    correlation_by_talker: float
    closure: float
    closure_human: float
    false_closure: float
    false_closure_human: float
    sync: float
    shift_median_secs: float
    silence_motion: float


@dataclass(frozen=True, slots=True, eq=False)
class GapMeter:
    """Reads the lip gap off the mesh."""

    head: Head
    points: Head
    unit_metres: float

    def gap(self, controls: Float[Array, "frames control"]) -> Float[Array, " frames"]:
        """Height between the lips' middles; negative where they overlap."""
        pose = pose_from_controls(controls.astype(np.float32), control_joints=self.head.control_joints)
        vertices = self.points.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)
        return (vertices[:, 0, 1] - vertices[:, 1, 1]) / self.unit_metres


def gap_meter(head: Head) -> GapMeter:
    """Measure at the vertices of both lips that lie nearest to the middle."""
    edges = lip_edges(head)
    x = np.abs(head.template[:, 0])
    middle = np.array([edges.upper[np.argmin(x[edges.upper])], edges.lower[np.argmin(x[edges.lower])]])
    unit = np.linalg.norm(head.template[edges.eye_corners[0]] - head.template[edges.eye_corners[1]])
    return GapMeter(head=head, points=head.restricted_to(middle), unit_metres=float(unit))


def read_clips(folder: Path, *, talker: str, motion: str, phones: str) -> Iterator[Clip]:
    """All clips of one talker that have phones."""
    sounds = {path.stem: path for path in (folder / "audio").iterdir()}
    aligned = json.loads((folder / phones).read_text())
    with np.load(folder / motion) as arrays:
        names, gaps = [str(name) for name in arrays["clips"]], arrays["feat"][..., 0].astype(np.float64)
    for name, gap in zip(names, gaps, strict=True):
        if name in aligned and name in sounds:
            spoken = tuple(
                Phone("SIL" if row[1].startswith("+") else row[1], float(row[2]), float(row[3]))
                for row in aligned[name]
            )
            yield Clip(talker=talker, sound=sounds[name], phones=spoken, gap=gap)


def analysed(clip: Clip, *, heard: bool) -> SpeechAnalysis:
    """The clip as the animator knows it."""
    if heard:
        return analyse(clip.sound)
    speech = read_speech(clip.sound)
    end = max(speech.duration_secs, clip.phones[-1].end_secs)
    phones = clip.phones
    if end > phones[-1].end_secs:
        phones = (*phones, Phone("SIL", phones[-1].end_secs, end))
    prosody = prosody_of(iter([speech.samples]))
    return SpeechAnalysis(duration_secs=end, phones=phones, prosody=prosody, pauses=(), aligned=True)


def measure(clips: list[Clip], *, meter: GapMeter, heard: bool) -> Quality:
    """Animate every clip and compare."""
    talkers = np.array([clip.talker for clip in clips])
    correlations, shifts, motion = [], [], []
    ours: list[bool] = []
    human: list[bool] = []
    false_ours: list[bool] = []
    false_human: list[bool] = []
    for clip in clips:
        times = np.arange(len(clip.gap)) / FPS
        score = lip_score(analysed(clip, heard=heard), head=meter.head, style=PerformanceStyle(), fps=FPS)
        shifted = [meter.gap(sample_lips(score, times=times - shift).controls) for shift in SHIFTS_SECS]
        gap = shifted[len(SHIFTS_SECS) // 2]
        fits = [np.corrcoef(other, clip.gap)[0, 1] for other in shifted]
        correlations.append(fits[len(SHIFTS_SECS) // 2])
        shifts.append(SHIFTS_SECS[int(np.argmax(fits))])
        for phone in clip.phones:
            near = np.abs(times - phone.centre_secs) <= NEAR_SECS + 1e-6
            at = min(len(times) - 1, round(phone.centre_secs * FPS))
            if phone.label in BILABIALS and near.any():
                ours.append(bool(gap[near].min() < CLOSED))
                human.append(bool(clip.gap[near].min() < CLOSED))
            elif phone.label in OPEN_VOWELS:
                false_ours.append(bool(gap[at] < CLOSED))
                false_human.append(bool(clip.gap[at] < CLOSED))
            elif phone.label == "SIL" and phone.end_secs - phone.start_secs >= 0.6:
                still = (times > phone.start_secs + 0.25) & (times < phone.end_secs - 0.5)
                motion += [float(np.ptp(gap[still]))] if still.any() else []
    fitted = np.array(correlations)
    return Quality(
        clips=len(clips),
        correlation=float(fitted.mean()),
        correlation_by_talker=float(np.mean([fitted[talkers == name].mean() for name in np.unique(talkers)])),
        closure=float(np.mean(ours)),
        closure_human=float(np.mean(human)),
        false_closure=float(np.mean(false_ours)),
        false_closure_human=float(np.mean(false_human)),
        sync=float(np.mean(np.abs(shifts) <= NEAR_SECS + 1e-9)),
        shift_median_secs=float(np.median(shifts)),
        silence_motion=float(np.median(motion)) if motion else 0.0,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Lip quality against tracked real lips.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--heard", action="store_true", help="phones from the sound alone, no transcript")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    meter = gap_meter(load_head())
    first = list(
        read_clips(options.data / "grid_s1", talker="s1", motion="motion_train.npz", phones="phones_train.json")
    )
    others = [
        clip
        for folder in sorted((options.data / "grid_talkers").iterdir())
        for clip in read_clips(folder, talker=folder.name, motion="motion.npz", phones="phones.json")
    ]
    results = {}
    for name, clips in (("s1 held-out clips", first[::HELD_OUT_EVERY]), ("11 unseen talkers", others)):
        results[name] = asdict(measure(clips, meter=meter, heard=options.heard))
        print(f"{name} ({results[name]['clips']} clips)")
        for key, value in list(results[name].items())[1:]:
            print(f"    {key:24s} {value:.3f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
