"""A performance while somebody speaks: sound goes in as it comes, frames come out 160 ms later.

    python examples/05_live.py [SPEECH] [NETWORK]

A recording stands in for the microphone. The same from the command line, as JSON lines for any program to read:
`arecord -q -f S16_LE -r 16000 -t raw | face-emote animate --stream`.
"""

import sys
import time

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.motion.live import LivePerformer
from face_emote.network.runtime import load_motion_net

speech = fe.read_speech(sys.argv[1] if len(sys.argv) > 1 else example_speech()[1].path)
network = load_motion_net(sys.argv[2] if len(sys.argv) > 2 else "default")
performer = LivePerformer(fe.load_head(), "0s calm; 2s joy", fps=25, latency_ms=160, net=network)

frames, widest, started = 0, 0.0, time.perf_counter()
for first in range(0, len(speech.samples), 640):  # 40 ms at a time
    for motion in performer.feed(speech.samples[first : first + 640]):
        frames += motion.num_frames
        widest = max(widest, float(motion.jaw_pose[:, 0].max()))  # a FaceMotion like any other: send it to your engine
for motion in performer.finish():
    frames += motion.num_frames
took = time.perf_counter() - started
print(f"{frames} frames of {speech.duration_secs:.1f} s in {took:.1f} s; the jaw opened up to {widest:.2f} rad")
