"""Meshes and motion for other programs."""
