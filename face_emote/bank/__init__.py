"""The bank of moments: what faces did for some seconds, filmed, authored or somebody's own, to be drawn after."""
