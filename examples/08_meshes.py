"""The moving mesh as numpy, one frame at a time however long the motion: parts, levels of detail, axes, frame rate.

python examples/08_meshes.py
"""

import numpy as np

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.verbs.export import meshes

motion = fe.animate(example_speech()[1].path, emotion="surprise", animator="rules")

eyes = meshes(motion, parts=("eyes",), up="z", unit="cm", fps=60.0)
print(len(eyes), "frames of", len(next(iter(eyes))), "vertices:", *eyes.part_faces)

widest = 0.0
teeth = meshes(motion, parts=("teeth",))
for vertices in teeth:  # float32 [vertex, 3], metres
    widest = max(widest, float(np.ptp(vertices[:, 1])))
print(f"the teeth part to {1000.0 * widest:.1f} mm from edge to edge")

for lod in range(3):
    print(f"level {lod}: {len(meshes(motion, lod=lod).faces)} triangles")
fe.export(motion, "surprised.ply", lod=1, blush=True, frame=0.5)
