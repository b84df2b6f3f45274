"""Meshes in numpy: every vertex and the 68 landmarks of every frame, in metres.

    python examples/04_vertices_and_landmarks.py

Long motions go block by block (`head.iterate_vertices`), so that memory stays flat.
"""

import numpy as np

import face_emote as fe
from face_emote.audio.examples import example_speech

head = fe.load_head()
motion = fe.animate(example_speech()[1].path, emotion="surprise")

meshes = head.meshes(motion)
print("vertices", meshes.vertices.shape, "triangles", meshes.faces.shape, "uv", meshes.uv.shape)

landmarks = head.landmarks(motion)
gap_mm = 1000.0 * np.linalg.norm(landmarks[:, 62] - landmarks[:, 66], axis=1)
print(f"inner lips: closed to {gap_mm.min():.1f} mm, open to {gap_mm.max():.1f} mm")

first = next(head.iterate_vertices(motion, block=32))
print("first block", first.shape)
