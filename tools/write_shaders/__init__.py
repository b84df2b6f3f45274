"""Formulas in other languages: numba kernels, GLSL, numbers as JSON. `python -m tools.write_shaders` prints them."""
