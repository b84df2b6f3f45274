"""How much work a performance is: CPU-seconds per second of sound, stage by stage; how soon it starts; files.

A second of sound costs what a long recording costs more than a short one, in processor time: starting, loading and
other people's load do not count. With `--against ROOT`, another checkout is measured in turns with
this one, in the same run.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.common import QUICK, Figure, median_secs, options, report, write_long_speech
from face_emote.audio.analyse import analyse, heard_recording
from face_emote.audio.conditioning import listened_to
from face_emote.audio.examples import example_speech
from face_emote.audio.features import features_of
from face_emote.audio.phones import heard_phones
from face_emote.emotion.grammar import plan_of
from face_emote.emotion.track import PlannedEmotion, with_auto
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.motion.net_listening import net_answers
from face_emote.network.runtime import load_motion_net
from face_emote.verbs.animate import animate, heard_plan
from face_emote.verbs.export import export

SHORT_SECS, LONG_SECS = (1, 3) if QUICK else (10, 300)
TURNS = 1 if QUICK else 5
Found = TypeVar("Found")
CHILD = """
import sys, time
from pathlib import Path
from face_emote.verbs.animate import animate
for name in (sys.argv[1], *sys.argv[1:]):
    started = time.process_time()
    animate(Path(name))
    print(time.process_time() - started)
"""
"""What a checkout is measured by: it says nothing about anything inside it."""


def main() -> None:
    """Measure and report."""
    chosen = options(__doc__, against="another checkout of face_emote: old and new in turns")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for secs in (1, SHORT_SECS, LONG_SECS):
            write_long_speech(folder / f"{secs}.wav", secs=secs)
        figures = [*_costs(folder, against=chosen.against), *_stages(folder / f"{LONG_SECS}.wav"), *_start(folder)]
        figures += _files(folder)
    report(f"Performing speech without a transcript, {LONG_SECS} s against {SHORT_SECS} s", figures, target=chosen.json)


def _costs(folder: Path, *, against: Path | None) -> list[Figure]:
    roots = [Path(__file__).parent.parent, *([] if against is None else [against.resolve()])]
    found: list[list[float]] = [[] for _ in roots]
    for _ in range(TURNS):
        for root, costs in zip(roots, found, strict=True):
            costs.append(_cost(root, folder))
    now, *before = (1e3 * statistics.median(costs) for costs in found)
    figures = [Figure("animate, all of it", now, "ms", "of CPU, a second of sound")]
    for old in before:
        figures += [Figure("the other checkout", old, "ms"), Figure("ratio", now / old, "")]
    return figures


def _cost(root: Path, folder: Path) -> float:
    """Processor time of a second of sound, in a process of its own."""
    sounds = [str(folder / f"{secs}.wav") for secs in (SHORT_SECS, LONG_SECS)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, *sounds],
        env=os.environ | {"PYTHONPATH": str(root)}, cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    _, short, long = map(float, done.stdout.split())
    return (long - short) / (LONG_SECS - SHORT_SECS)


def _stages(speech: Path) -> list[Figure]:
    """Of the longer recording: what is heard first, and the frames, which are the rest."""
    net = load_motion_net()
    stages: list[Figure] = []

    def stage(name: str, work: Callable[[], Found]) -> Found:
        started = time.process_time()
        found = work()
        stages.append(Figure(f"  {name}", 1e3 * (time.process_time() - started) / LONG_SECS, "ms"))
        return found

    recording = stage("survey", lambda: listened_to(speech))
    features = stage("features: rumble, log-mels, level, pitch", lambda: features_of(recording.blocks()))
    speaking = features.prosody.speaking
    stage("phones", lambda: heard_phones(features.mels, speaking, duration_secs=float(LONG_SECS)))
    analysis, mels = heard_recording(speech)
    plan = plan_of("auto")
    heard = stage("what is felt", lambda: heard_plan(plan, analysis))
    planned = PlannedEmotion(plan if heard is None else with_auto(plan, heard), analysis.duration_secs)
    stage("network", lambda: net_answers(net, mels, analysis=analysis, planned=planned))
    started = time.process_time()
    animate(speech)
    total = 1e3 * (time.process_time() - started) / LONG_SECS
    return [*stages, Figure("  frames, folds and blood", total - sum(one.value for one in stages), "ms")]


def _start(folder: Path) -> list[Figure]:
    """From nothing to the motion of a second of speech; processor time, and what waits for the disk as well."""
    command = [sys.executable, "-m", "face_emote", "animate", str(folder / "1.wav"), "-o", str(folder / "1.npz")]

    def run() -> None:
        subprocess.run(command, capture_output=True, check=True)

    work = []
    for _ in range(TURNS):
        before = os.times()
        run()
        after = os.times()
        work.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return [
        Figure("face-emote animate, 1 s of speech", statistics.median(work), "s", "of CPU, starting included"),
        Figure("  the same", median_secs(run), "s", "by the clock"),
    ]


def _files(folder: Path) -> list[Figure]:
    speech = max(example_speech(), key=lambda item: item.path.stat().st_size)
    motion = animate(speech.path)
    secs = motion.num_frames / motion.fps
    npz, glb = folder / "m.npz", folder / "m.glb"
    aligned = median_secs(lambda: analyse(speech.path, transcript=speech.transcript), repeats=3)
    writing = median_secs(lambda: write_motion(motion, npz))
    reading = median_secs(lambda: read_motion(npz))
    exporting = median_secs(lambda: export(motion, glb), repeats=3)
    return [
        Figure("listen, with transcript", secs / aligned, "x real time"),
        Figure("write motion file", 1000.0 * writing, "ms", f"of {secs:.1f} s"),
        Figure("read motion file", 1000.0 * reading, "ms"),
        Figure("export .glb", 1000.0 * exporting, "ms"),
        Figure("motion file", npz.stat().st_size / 1e3 / secs, "kB/s", "per second of speech"),
        Figure(".glb", glb.stat().st_size / 1e6, "MB"),
    ]


if __name__ == "__main__":
    main()
