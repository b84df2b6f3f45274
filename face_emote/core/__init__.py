"""Types, names, timing, rotations and errors: what every other module may import."""
