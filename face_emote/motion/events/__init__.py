"""What happens on a face at instants: blinks, glances, nods, brow accents, breath; timed by the speech."""
