"""A recording of a body - heart, sweat, breath, brain waves - read from a file and fitted to a sound."""
