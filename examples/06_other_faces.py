"""One performance on other faces: visemes, MetaHuman, Rhubarb cues, your own model's shapes, FLAME coefficients.

    python examples/06_other_faces.py [FLAME_FILE]

With a FLAME or SMPL-X file of yours its coefficients are written too; fitting the head to it takes some seconds once.
"""

import sys
from pathlib import Path

import face_emote as fe
from face_emote.audio.examples import example_speech

motion = fe.animate(example_speech()[1].path, emotion="joy", animator="rules")

fe.export(motion, "visemes.csv", rig="oculus")
fe.export(motion, "metahuman.json", rig="metahuman")
fe.export(motion, "cues.tsv", rig="rhubarb")

mapping = Path("heroine.toml")
mapping.write_text("""\
title = "Heroine"
[sums]
Smile_L = { mouthSmileLeft = 1.0, cheekSquintLeft = 0.2 }
Smile_R = { mouthSmileRight = 1.0, cheekSquintRight = 0.2 }
Blush = { blood_cheek_left = 0.5, blood_cheek_right = 0.5 }
[shapes]
Ah = { jawOpen = 0.6, mouthLowerDownLeft = 0.25, mouthLowerDownRight = 0.25 }
Oo = { mouthPucker = 0.8, jawOpen = 0.15 }
""")
fe.export(motion, "heroine.csv", rig=mapping)

if len(sys.argv) > 1:
    fe.export(motion, "flame.npz", rig=sys.argv[1])
print(Path("cues.tsv").read_text().replace("\n", "  "))
