"""From a recording to a video, in two calls.

    python examples/01_speech_to_video.py [SPEECH] [OUT.mp4]

Without SPEECH a bundled sentence is used.
"""

import sys

import face_emote as fe
from face_emote.audio.examples import example_speech

speech = sys.argv[1] if len(sys.argv) > 1 else example_speech()[1].path
out = sys.argv[2] if len(sys.argv) > 2 else "speech.mp4"

motion = fe.animate(speech, emotion="joy tinged with guilt")
fe.render(motion, out, speech=speech, size=512)
print(f"{out}: {motion.num_frames} frames")
