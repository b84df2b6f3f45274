"""Path-traced pictures by Blender's Cycles, in a process of its own."""
