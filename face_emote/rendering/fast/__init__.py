"""The CPU renderer: a numba z-buffer with deferred skin shading. Needs numpy and numba, and no graphics library."""
