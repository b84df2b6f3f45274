"""The picture by OpenGL: the fast renderer's vertices, maps and formulas, shaded by the GLSL of shaders."""
