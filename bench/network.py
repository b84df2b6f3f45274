"""What the motion network costs, part by part and live, and the limit it works towards.

One thread. The limit is what its multiplications would take at the speed of this machine's best matrix product.
"""

import time
from collections.abc import Callable

import numpy as np

from bench.common import QUICK, Figure, options, report
from face_emote.audio.examples import example_speech
from face_emote.audio.reader import read_speech
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.face.bundled import load_head
from face_emote.motion.live import LivePerformer
from face_emote.network.hearing import Hearing
from face_emote.network.runtime import BUNDLED, MotionNet, load_motion_net
from face_emote.network.streams import ExpressionStream, LipStream

SECS = 4.0 if QUICK else 60.0
LIVE_SECS = 2.0 if QUICK else 10.0
REPEATS = 1 if QUICK else 3


def main() -> None:
    """Measure and report."""
    target = options(__doc__).json
    every = [read_speech(item.path).samples for item in example_speech()]
    sound = np.resize(np.concatenate(every), int(SECS * SAMPLE_RATE_HZ))
    figures = [figure for name in BUNDLED for figure in measured(load_motion_net(name), sound)]
    report("The motion network, CPU milliseconds per second of sound", figures, target=target)


def measured(net: MotionNet, sound: np.ndarray) -> list[Figure]:
    """All figures of one network."""
    rows = hear(net, sound)
    num_frames = round(50 * SECS)
    emotion = np.zeros((num_frames, 21), np.float32)
    emotion[:, 1] = emotion[:, 11] = 1.0
    look_ahead = net.config.look_ahead_frames[-1]

    def lips() -> None:
        stream = LipStream(net, look_ahead)
        stream.push(rows)
        stream.finish(num_frames)

    def face() -> None:
        stream = ExpressionStream(net, look_ahead)
        stream.push(rows, emotion)
        stream.finish(num_frames)

    parts = [
        ("hearing", cpu_secs(lambda: hear(net, sound))),
        ("lip path", cpu_secs(lips)),
        ("expression path", cpu_secs(face)),
    ]
    limit = multiplications(net) / fastest_product()
    return [
        *(Figure(f"{net.name}: {part}", 1000.0 * secs / SECS, "ms/s") for part, secs in parts),
        Figure(f"{net.name}: all three", 1000.0 * sum(secs for _, secs in parts) / SECS, "ms/s"),
        Figure(f"{net.name}: limit", 1000.0 * limit, "ms/s", "the lip path's multiplications alone"),
        Figure(f"{net.name}: live, 20 ms feeds", 1000.0 * live(net, sound) / LIVE_SECS, "ms/s", "the whole face"),
    ]


def hear(net: MotionNet, sound: np.ndarray) -> np.ndarray:
    """Normalised rows of the sound."""
    hearing = Hearing(net.x0)
    return np.concatenate([hearing.push(sound), hearing.finish()])


def live(net: MotionNet, sound: np.ndarray) -> float:
    """CPU seconds of a live performance that is fed every 20 ms."""
    performer = LivePerformer(load_head(), "calm joy", fps=50.0, latency_ms=160, net=net)
    step = SAMPLE_RATE_HZ // 50
    started = time.process_time()
    for first in range(0, int(LIVE_SECS * SAMPLE_RATE_HZ), step):
        performer.feed(sound[first : first + step])
    performer.finish()
    return time.process_time() - started


def multiplications(net: MotionNet) -> float:
    """Multiply-adds of the lip path per second of sound."""
    d, path = net.config.lips.width, net.config.lips
    block = 4 * d * d + d * d + 2 * path.growth * d * d + 2 * d * path.band + path.taps * d
    stem = 2 * 40 * 3 * d + 4 * d * d
    return 50.0 * (path.layers * block + stem + d * 49)


def fastest_product() -> float:
    """Multiply-adds a second of a large matrix product, one thread."""
    a = np.random.default_rng(0).normal(size=(768, 768)).astype(np.float32)
    return 768.0**3 / cpu_secs(lambda: a @ a)


def cpu_secs(work: Callable[[], object]) -> float:
    """Least CPU time of some runs, after one that warms caches up."""
    work()
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    main()
