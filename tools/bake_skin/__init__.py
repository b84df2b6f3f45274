"""Bakes the skin maps and hair strands of the bundled head: `python -m tools.bake_skin`."""
