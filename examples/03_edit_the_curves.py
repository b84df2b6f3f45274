"""A motion is plain arrays: read one, change it, write it again.

    python examples/03_edit_the_curves.py [OUT.npz]

Here the smile is halved, the eyes are shut during the last half second, and the cheeks blush at the end.
"""

import sys
from dataclasses import replace

import numpy as np

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.core.names import BLOOD_REGIONS, CONTROLS

out = sys.argv[1] if len(sys.argv) > 1 else "edited.npz"
motion = fe.animate(example_speech()[1].path, emotion="joy")

expression = motion.expression.copy()
for side in ("Left", "Right"):
    expression[:, CONTROLS.index(f"mouthSmile{side}")] *= 0.5
    expression[-int(motion.fps / 2) :, CONTROLS.index(f"eyeBlink{side}")] = 1.0

blood_flow = motion.blood_flow.copy()
cheeks = [BLOOD_REGIONS.index(name) for name in ("cheek_left", "cheek_right")]
blood_flow[:, cheeks] = np.linspace(0.0, 1.0, motion.num_frames)[:, None]

edited = replace(motion, expression=expression, blood_flow=blood_flow)
fe.write_motion(edited, out)
print(f"{out}: {edited.num_frames} frames")
