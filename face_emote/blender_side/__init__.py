"""Blender as a child process: `process` is our end, `child` and its neighbours run inside Blender's own Python."""
