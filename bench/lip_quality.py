"""How well the lips match real lips: GRID talkers whose video was tracked.

    python -m bench.lip_quality [--data ../shared/data] [--heard] [--json FILE]

The lips' tables were fitted to nine tenths of talker s1's clips. Measured here are the other tenth and 11 talkers that
took no part. Phones come from the alignment beside the data, or, with --heard, from the sound alone. The measures are
those of `face_emote_lab.evaluation` (docs/evaluation.md); `bench.talkers` has all of them. One is only here:

- stillness: peak-to-peak gap within silences of 0.6 s or more, 0.25 s away from speech.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.talkers import read_talkers
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.motion.mouth.lip_meter import LipMeter
from face_emote_lab.evaluation.clips import Clip
from face_emote_lab.evaluation.lip_figures import measure_clip, measure_human, ruler, summed
from face_emote_lab.evaluation.systems import HeardClip, Rules

FPS = 25.0


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
    """Share of clips whose correlation peaks at a shift of at most 40 ms."""
    shift_median_secs: float
    silence_motion: float


def measure(clips: Sequence[Clip], *, head: Head, heard: bool) -> Quality:
    """Animate every clip and compare."""
    system, by = Rules(head, known_words=not heard), ruler(head)
    known = [HeardClip(clip) for clip in clips]
    ours = summed(system.name, [found for clip in known if (found := measure_clip(clip, system, by=by))])
    human = summed("human", [found for clip in known if (found := measure_human(clip, by=by))])
    motion = [span for clip in known for span in _stillness(clip, system, meter=by.lips)]
    return Quality(
        clips=ours.clips,
        correlation=ours.correlation or 0.0,
        correlation_by_talker=ours.correlation_by_talker or 0.0,
        closure=ours.closure or 0.0,
        closure_human=human.closure or 0.0,
        false_closure=ours.false_closure or 0.0,
        false_closure_human=human.false_closure or 0.0,
        sync=ours.within_40_ms or 0.0,
        shift_median_secs=1e-3 * (ours.lag_ms or 0.0),
        silence_motion=float(np.median(motion)) if motion else 0.0,
    )


def _stillness(heard: HeardClip, system: Rules, *, meter: LipMeter) -> list[float]:
    sampler = system.lips(heard, fps=FPS)
    lips = heard.clip.lips
    if sampler is None or lips is None:
        return []
    gap, times = meter.of_controls(sampler(lips.times))[:, 0], lips.times
    spans = []
    for phone in heard.clip.phones:
        if phone.label == "SIL" and phone.end_secs - phone.start_secs >= 0.6:
            still = (times > phone.start_secs + 0.25) & (times < phone.end_secs - 0.5)
            spans += [float(np.ptp(gap[still]))] if still.any() else []
    return spans


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Lip quality against tracked real lips.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--heard", action="store_true", help="phones from the sound alone, no transcript")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    head = load_head()
    results = {}
    for group in read_talkers(options.data).groups:
        results[group.name] = asdict(measure(group.clips, head=head, heard=options.heard))
        print(f"{group.name} ({results[group.name]['clips']} clips)")
        for key, value in list(results[group.name].items())[1:]:
            print(f"    {key:24s} {value:.3f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
