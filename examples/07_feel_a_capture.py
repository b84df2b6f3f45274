"""A recorded face keeps its lips and gets anger, wrinkles and blood on top; two pictures show it.

    python examples/07_feel_a_capture.py [TAKE.csv]

Without a take one is made from a bundled sentence, in the form in which Epic's Live Link Face app records.
"""

import sys

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.verbs.over_capture import animate_capture

take = sys.argv[1] if len(sys.argv) > 1 else "take.csv"
if len(sys.argv) < 2:
    fe.export(fe.animate(example_speech()[1].path, emotion="neutral", animator="rules"), take)

recorded = fe.read_motion(take)
felt = animate_capture(recorded, emotion="anger")
fe.write_motion(felt, "felt.npz")
for motion, picture in ((recorded, "recorded.png"), (felt, "felt.png")):
    fe.contact_sheet(motion, picture, columns=3, rows=1, size=192)
print(f"felt.npz: {felt.num_frames} frames, deepest wrinkle {felt.wrinkles.max():.2f}")
