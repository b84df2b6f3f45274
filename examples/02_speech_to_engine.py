"""A talking head for Unity, Unreal, Godot, three.js or Blender: one .glb with ARKit-52 shapes, joints and curves.

python examples/02_speech_to_engine.py [SPEECH] [OUT.glb]
"""

import sys

import face_emote as fe
from face_emote.audio.examples import example_speech

speech = sys.argv[1] if len(sys.argv) > 1 else example_speech()[1].path
out = sys.argv[2] if len(sys.argv) > 2 else "speech.glb"

style = fe.PerformanceStyle(lips=1.1, head=0.6, blinks=0.8)
motion = fe.animate(speech, emotion="calm anger", character="maya", style=style)
fe.export(motion, out)
print(f"{out}: {motion.num_frames} frames at {motion.fps:g} fps")
