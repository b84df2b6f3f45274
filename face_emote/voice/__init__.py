"""A recording re-tuned: how feelings change a voice, and the same voice with them. Needs pyworld to sound."""
