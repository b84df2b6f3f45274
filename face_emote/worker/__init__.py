"""The engine as a process: JSON lines in and out, arrays in .npz files. What the Blender extension talks to."""
